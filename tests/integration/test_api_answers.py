"""What the API answers: the values of the door, the same in every form, page by page; and what it says to what makes no sense."""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from typing import Any

import pytest

from suwen.flow.answers import Answers
from suwen.flow.reader import open_release
from suwen.insight.indicator.value import span
from tests.integration.api_callers import ARROW, Caller, token_of
from tests.integration.served import Served


@pytest.fixture(scope="module")
def caller(served: Served) -> Caller:
    return Caller(served, token=token_of(served, "administrator"))


def rows_of(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8"), newline="")))


def test_values_are_those_of_the_door(served: Served, caller: Caller) -> None:
    with Answers(open_release(served.region.folder)) as answers:
        for code in answers.catalogue:
            expected = answers.values(code, [span("2025-Q1"), span("2025-Q2")], level="hospital")
            got = caller.get(f"indicators/{code}/values", period="2025-Q1", until="2025-Q2", level="hospital").json
            assert got["release"] == answers.release
            assert [(one["unit"], one["period"]) for one in got["items"]] == [(one.unit, one.span.text) for one in expected]
            assert [one["exact"] and Fraction(one["exact"]) for one in got["items"]] == [one.value for one in expected]
            assert [(one["reporting"], one["expected"]) for one in got["items"]] == [(one.reporting, one.expected) for one in expected]


def test_every_form_says_the_same(caller: Caller) -> None:
    asked = {"unit": "990000", "period": "month"}
    path = "indicators/CE01/series"
    as_json, as_csv = caller.get(path, **asked), caller.get(path, accept="text/csv", **asked)
    as_arrow = caller.get(path, accept=ARROW, **asked)
    assert (as_csv.headers["Content-Type"], as_arrow.headers["Content-Type"]) == ("text/csv; charset=utf-8", ARROW)
    items = as_json.json["items"]
    assert [row["period"] for row in rows_of(as_csv.body)] == [one["period"] for one in items] == as_arrow.arrow["period"].to_pylist()
    assert [row["exact"] for row in rows_of(as_csv.body)] == [one["exact"] or "" for one in items]
    assert [None if one is None else str(one) for one in as_arrow.arrow["value"].to_pylist()] == [one["value"] for one in items]
    release = str(as_json.json["release"])
    assert as_csv.headers["X-Suwen-Release"] == as_arrow.headers["X-Suwen-Release"] == release
    assert {row["release"] for row in rows_of(as_csv.body)} == {release}
    assert as_arrow.arrow.schema.metadata[b"suwen.release"].decode() == release
    assert caller.get(path, format="csv", bom="true", **asked).body == b"\xef\xbb\xbf" + as_csv.body


def test_rows_come_in_pages_and_in_streams(caller: Caller) -> None:
    path, found, after = "tables/cdr.measurement/rows", [], {}
    whole = caller.get(path, format="arrow").arrow
    while True:
        got = caller.get(path, limit="700", **after).json
        found += [row["measurement_id"] for row in got["rows"]]
        if not got["next"]:
            break
        after = {"after": got["next"]}
    assert found == [str(one) for one in sorted(whole["measurement_id"].to_pylist())]
    assert len(set(found)) == whole.num_rows > 1_400
    assert len(rows_of(caller.get(path, format="csv").body)) == whole.num_rows


def test_rows_are_chosen_by_day_person_and_column(caller: Caller) -> None:
    path = "tables/cdr.measurement/rows"
    one = caller.get(path, limit="1").json["rows"][0]
    of_day = caller.get(path, first=one["measurement_date"], last=one["measurement_date"], limit="1000").json["rows"]
    assert {row["measurement_date"] for row in of_day} == {one["measurement_date"]}
    assert {row["person_id"] for row in caller.get(path, person=one["person_id"]).json["rows"]} == {one["person_id"]}
    columns = {"columns": "measurement_date,measurement_id"}
    assert list(caller.get(path, limit="1", **columns).json["rows"][0]) == ["measurement_date", "measurement_id"]
    assert caller.get(path, format="arrow", **columns).arrow.column_names == ["measurement_date", "measurement_id"]
    assert caller.get("tables/ext.ext_person_identifier/rows", format="csv", columns="value").status == 200


def test_records_behind_a_value_are_as_many_as_it_counts(caller: Caller) -> None:
    value = caller.get("indicators/SV01/values", unit="990000", period="2025").json["items"][0]
    path, asked, found, after = "indicators/SV01/records", {"unit": "990000", "period": "2025"}, [], ""
    while True:
        got = caller.get(path, limit="100", after=after, **asked).json
        found += got["items"]
        after = got["next"]
        if not after:
            break
    assert len({one["id"] for one in found}) == len(found) == int(value["value"])
    assert [row["id"] for row in rows_of(caller.get(path, format="csv", **asked).body)] == [one["id"] for one in found]
    got = caller.get(f"tables/cdr.{found[0]['table']}/rows/{found[0]['id']}/trace").json
    assert got["records"] and got["masked"]


def test_the_reasons_of_a_change_add_up(caller: Caller) -> None:
    asked = {"unit": "990101", "before": "2025-Q1", "after": "2025-Q2"}
    for by in ("unit", "sex"):
        got = caller.get("indicators/CE01/why", by=by, **asked).json
        effects = [Fraction(one["effect"]) for one in got["effects"]]
        assert sum(effects) == Fraction(got["change"])
        assert all(Fraction(one["rate"]) + Fraction(one["mix"]) == Fraction(one["effect"]) for one in got["effects"])


def test_ids_and_decimals_are_text(caller: Caller) -> None:
    row = caller.get("tables/cdr.cost/rows", limit="1").json["rows"][0]
    assert all(value is None or isinstance(value, str | bool) for value in row.values())
    assert row["cost_id"].isdigit()


WRONG: list[tuple[str, dict[str, str], int, str]] = [
    ("indicators/SV01/values", {"unit": "990000"}, 400, "query period"),
    ("indicators/SV01/values", {"unit": "990000", "period": "2025-13"}, 400, ""),
    ("indicators/SV01/values", {"unit": "990000", "period": "2025", "level": "hospital"}, 400, "query unit, level"),
    ("indicators/SV01/values", {"unit": "990000", "period": "2025", "until": "2025-03"}, 400, "query until"),
    ("indicators/SV01/values", {"unit": "990000", "period": "0001-01-01", "until": "9998-12-31"}, 400, "query"),
    ("indicators/SV01/values", {"unit": "nowhere", "period": "2025"}, 404, "organisation nowhere"),
    ("indicators/SV99", {}, 404, "indicator SV99"),
    ("indicators/SV01", {"units": "1"}, 400, "query units"),
    ("tables/omop.person/rows", {}, 404, "table omop.person"),
    ("tables/state.lineage/rows", {}, 404, "table state.lineage"),
    ("tables/cdr.person/rows", {"columns": "person_id,nothing"}, 400, "query columns nothing"),
    ("tables/cdr.person/rows", {"first": "2025-01-01"}, 400, "query"),
    ("tables/cdr.person/rows", {"limit": "0"}, 400, "query limit"),
    ("tables/cdr.person/rows", {"after": "9" * 19}, 400, "query after"),
    ("tables/cdr.person/rows/1/trace", {}, 404, "row cdr.person 1"),
    ("tables/cdr.fact_relationship/rows/1/trace", {}, 400, "query"),
    ("releases/99", {}, 404, "release"),
    ("feeds/none/deliveries", {}, 404, "feed none"),
    ("persons/1", {}, 404, "person 1"),
    ("nothing", {}, 404, ""),
]


@pytest.mark.parametrize(("path", "query", "status", "where"), WRONG)
def test_what_makes_no_sense_is_said_in_one_shape(path: str, query: dict[str, str], status: int, where: str, caller: Caller, served: Served) -> None:
    got = caller.get(path, **query)
    assert got.status == status, got.body
    error: dict[str, Any] = got.json["error"]
    assert set(error) == {"code", "what", "where", "expected", "do"}
    assert (error["what"] and error["where"] == where) or not where
    assert str(served.region.folder) not in got.body.decode()


@pytest.mark.parametrize(("accept", "status"), [("", 200), ("*/*", 200), ("application/*;q=0.5", 200), ("text/html", 406), ("text/csv;q=0, image/png", 406)])
def test_the_form_is_asked_for_by_the_header(accept: str, status: int, caller: Caller) -> None:
    assert caller.get("tables/cdr.person/rows", accept=accept).status == status
    assert caller.get("tables/cdr.person/rows", accept="text/csv;q=0.2, application/json;q=0.9").headers["Content-Type"].startswith("application/json")
    assert caller.get("organisations", accept="text/csv").status == 406


def test_too_many_requests_are_put_off(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from suwen.serve.api import urls  # noqa: PLC0415 models can be read only once Django knows the region
    from suwen.serve.api.limits import Rate  # noqa: PLC0415

    monkeypatch.setattr(urls, "RATE", Rate(2))
    assert [caller.get("me").status for _ in range(3)] == [200, 200, 429]
    assert 0 < int(caller.get("me").headers["Retry-After"]) <= 30


def test_long_answers_give_their_place_back(caller: Caller) -> None:
    from suwen.serve.api.limits import LONG_ANSWERS, STREAMS  # noqa: PLC0415 as above

    for _ in range(3 * LONG_ANSWERS):
        assert caller.get("tables/cdr.person/rows", format="csv").status == 200
    held = [STREAMS.acquire(blocking=False) for _ in range(LONG_ANSWERS)]
    try:
        assert all(held)
        got = caller.get("tables/cdr.person/rows", format="csv")
        assert (got.status, got.headers["Retry-After"]) == (429, "5")
    finally:
        for _ in held:
            STREAMS.release()
    assert caller.get("tables/cdr.person/rows", format="csv").status == 200
