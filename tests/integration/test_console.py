"""The console's pages, as every reader's browser gets them: the analyst's way, masks, languages, and what a file may not do to a page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from suwen.govern.policy.actions import Role
from tests.integration.served import Served

LINK = re.compile(r'href="([^"]+)"')
MONTH = "2025-06"


def body(client: object, address: str) -> str:
    answer = client.get(address)  # type: ignore[attr-defined]
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def links(page: str, start: str) -> list[str]:
    return [html.unescape(found) for found in LINK.findall(page) if html.unescape(found).startswith(start)]


def test_the_analyst_goes_from_the_province_to_the_bytes_of_one_record(served: Served) -> None:
    analyst = served.client("analyst")
    first = body(analyst, "/")
    assert "/indicators/SV01?unit=990000" in links(first, "/indicators/")
    page, way = body(analyst, f"/indicators/SV01?unit=990000&period={MONTH}"), ["990000"]
    while below := [one for one in links(page, "?period=") if one.rpartition("unit=")[2] not in way and "#" not in one]:
        way.append(below[0].rpartition("unit=")[2])
        page = body(analyst, f"/indicators/SV01{below[0]}")
    assert [served.region.organisations[unit].level for unit in way] == ["province", "city", "district", "hospital"]
    records = links(page, "/records/")
    assert records
    record = body(analyst, records[0])
    held = served.region.landing / next(iter(re.findall(r"landing/(objects/[0-9a-f/]+)", record)))
    assert held.is_file()
    assert re.search(r"bytes [0-9,]+ to [0-9,]+", record)


def test_a_page_of_records_goes_on_where_the_one_before_ended(served: Served) -> None:
    analyst = served.client("analyst")
    seen, page = list[str](), body(analyst, "/indicators/SV01/records?unit=990000&period=2025")
    while True:
        seen += links(page, "/records/")
        more = links(page, "/indicators/SV01/records")
        if not more:
            break
        page = body(analyst, more[0])
    assert len(seen) == len(set(seen)) > 40


def test_the_number_of_a_point_leads_to_the_records_that_count_for_it(served: Served) -> None:
    analyst, asked = served.client("analyst"), "/indicators/QS02?unit=990000&period=2025"
    page = body(analyst, asked)
    told = dict(re.findall(r'point=(QS02\.0[0-9])#records">([0-9,]+)</a>', page))
    assert list(told) == ["QS02.01", "QS02.03"]
    for point, number in told.items():
        answer = body(analyst, f"{asked.replace('QS02?', 'QS02/records?')}&point={point}")
        assert len(links(answer, "/records/")) == min(20, int(number)), point
    assert analyst.get(f"{asked}&point=SV01.01").status_code == 404


def test_a_course_begins_when_somebody_reported(served: Served) -> None:
    page = body(served.client("analyst"), "/indicators/SV01?unit=990000")
    assert "nobody reported" not in page[: page.index('id="compare-title"')]


def test_a_reason_is_told_once_for_all_its_places(served: Served) -> None:
    page = body(served.client("administrator"), "/quarantine")
    codes = re.findall(r'<summary><span class="mono">([A-Z]+-[0-9]+)</span>', page)
    assert len(codes) == len(set(codes)) > 1
    assert len(re.findall(r"&amp;feed=[^\"]*&amp;code=", page)) > len(codes)


PAGES = (
    "/", "/indicators", "/indicators/SV01?unit=H0001", "/indicators/QS02?unit=H0001&period=2025", "/indicators/EF01?unit=H0001", "/indicators/QS02/made-of",
    "/organisations", "/organisations/H0001", "/feeds", "/feeds/h0001-his", "/quarantine", "/quarantine?feed=h0001-his", "/quarantine?state=held",
    "/templates", "/releases", "/releases/1", "/glossary", "/search?q=h", "/search/hits?q=sv",
)  # fmt: skip


def personal_values(served: Served) -> set[str]:
    """Names, resident ids, telephones and addresses of all patients in the repository."""
    from suwen.flow.reader import OpenRelease  # noqa: PLC0415

    opened = OpenRelease(served.region)
    known = opened.table("ext.ext_person_identifier").to_pylist()
    found = {row["value"] for row in known} | {row["address_1"] for row in opened.table("cdr.location").to_pylist()}
    return {value for value in found if value and len(value) > 1}


def pages_of_rows(served: Served) -> Iterator[str]:
    """Pages of the rows and persons that a steward reaches from a hospital's indicator."""
    page = body(served.client("steward"), f"/indicators/SV01?unit=H0001&period={MONTH}")
    yield from links(page, "/records/")[:3]
    people = links(page, "/persons/")[:3]
    yield from people
    for one in people:
        yield f"/records/person/{one.rpartition('/')[2]}"


def test_no_page_shows_a_name_or_number_that_was_not_opened(served: Served) -> None:
    values, steward = personal_values(served), served.client("steward")
    assert len(values) > 100
    for address in (*PAGES, *pages_of_rows(served)):
        page = body(steward, address)
        shown = {value for value in values if value in page}
        assert not shown, address


def test_names_are_open_after_a_purpose_was_stated_and_closed_again(served: Served) -> None:
    served.add("opener", (Role.STEWARD, "H0001"))
    opener, values = served.client("opener"), personal_values(served)
    person = next(address for address in pages_of_rows(served) if address.startswith("/persons/"))
    assert not any(value in body(opener, person) for value in values)
    way = links(body(opener, person), "/identity/open")[0]
    answer = opener.post(way, {"purpose": "to call the patient about a wrong birth date", **dict(parse_qsl(way.partition("?")[2]))})
    assert answer.status_code == 302
    assert any(value in body(opener, person) for value in values)
    opener.post("/identity/close", {"next": "/"})
    assert not any(value in body(opener, person) for value in values)


def test_a_steward_sees_of_a_person_only_the_visits_of_the_own_hospital(served: Served) -> None:
    administrator, steward = served.client("administrator"), served.client("steward")
    page = body(administrator, f"/indicators/SV01?unit=H0002&period={MONTH}")
    other = links(page, "/records/")[0]
    assert steward.get(other).status_code == 403
    assert steward.get(other.replace("visit_occurrence", "person")).status_code == 404
    for person in links(page, "/persons/"):
        answer = steward.get(person)
        own = served.region.organisations["H0002"].name_en
        assert answer.status_code == 403 or f">{own}</td>" not in answer.content.decode()


def test_every_page_is_whole_in_chinese(served: Served) -> None:
    from suwen.govern.people.models import User  # noqa: PLC0415 models can be read only once Django knows the region

    served.add("reader", (Role.ADMINISTRATOR, ""))
    User.objects.filter(name="reader").update(language="zh-hans")
    reader = served.client("reader")
    for address in PAGES:
        page = body(reader, address)
        if "<html" in page:
            assert '<html lang="zh-CN"' in page
            assert "概览" in page or "总览" in page


def test_every_text_of_a_template_is_there_in_chinese(root: Path, served: Served) -> None:
    from suwen.govern.texts.catalogue import catalogue  # noqa: PLC0415

    missing = []
    for path in sorted((root / "src/suwen/serve/templates").rglob("*.html")):
        for text in re.findall(r'\{%\s*t\s+"([^"]+)"', path.read_text("utf-8")):
            missing += [f"{path.name}: {text}"] if text not in catalogue() else []
    assert not missing


def test_nothing_of_a_page_is_inline_or_from_outside(served: Served) -> None:
    administrator = served.client("administrator")
    for address in PAGES:
        page = body(administrator, address)
        assert not re.search(r"<script(?![^>]*\b(src=|type=\"application/json\"))", page), address
        assert not re.search(r"\s(style|on[a-z]+)=\"", page), address
        assert not re.search(r"(src|href)=\"(https?:)?//", page), address


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "\u202egnp.exe", "a\0b", "'\"><img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0", "%s{{7*7}}{% debug %}"]
)
def test_hostile_questions_come_back_as_text(served: Served, hostile: str) -> None:
    administrator = served.client("administrator")
    for address in ("/search", "/search/hits", "/indicators", "/", "/quarantine"):
        for name in ("q", "unit", "feed", "period", "kind"):
            answer = administrator.get(address, {name: hostile})
            assert answer.status_code in (200, 404)
            page = answer.content.decode()
            assert "<script>alert" not in page and "<img src=x" not in page and "\0" not in page and "\u202e" not in page


@pytest.mark.parametrize(
    "address",
    ["/indicators/NONE?unit=990000", "/indicators/SV01?unit=990000&period=nonsense", "/indicators/SV01?unit=990000&period=9999", "/records/person/abc",
     "/records/nowhere/1", "/records/person/99999999999999999999", "/persons/99999999999999999999", "/releases/77", "/feeds/none", "/templates/none/none",
     "/organisations/nowhere", "/records/concept/1", "/records/cdm_source/1", "/indicators/SV01/records?unit=990000&after=nonsense",
     "/indicators/SV01?unit=990000&period=0001", "/indicators/SV01?unit=990000&period=0001-01-01", "/indicators/SV01/why?unit=990000&period=0006",
     f"/indicators/SV01/records?unit=990000&period=2025&after=2025-01-01|H0001|visit_occurrence|{2**63}"],
)  # fmt: skip
def test_what_has_no_answer_is_told_and_is_no_defect(served: Served, address: str) -> None:
    answer = served.client("administrator").get(address)
    assert answer.status_code in (200, 404)
    assert "Traceback" not in answer.content.decode()


def test_the_books_of_the_first_page_are_those_of_the_release(served: Served) -> None:
    from suwen.flow import ledger  # noqa: PLC0415
    from suwen.flow.reader import OpenRelease  # noqa: PLC0415

    received = sum(line.records for line in ledger.totals(OpenRelease(served.region)))
    assert f"{received:,}" in body(served.client("administrator"), "/")
    assert f"{received:,}" in body(served.client("administrator"), "/releases/1")


def test_replaying_starts_one_run_and_says_who(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from suwen.serve.console import replay  # noqa: PLC0415

    begun: list[str] = []
    monkeypatch.setattr(replay, "begin", lambda region, by: not begun.append(by))
    answer = served.client("administrator").post("/quarantine/replay")
    assert (answer.status_code, answer.headers["Location"], begun) == (302, "/quarantine", ["administrator"])
    assert served.client("analyst").post("/quarantine/replay").status_code == 403
    assert begun == ["administrator"]


def test_a_search_finds_the_feeds_of_whose_organisations_they_are_open(served: Served) -> None:
    served.add("viewer-and-steward", (Role.VIEWER, ""), (Role.STEWARD, "H0001"))
    found = body(served.client("viewer-and-steward"), "/search?q=-his")
    assert "/feeds/h0001-his" in found
    assert "h0002-his" not in found
