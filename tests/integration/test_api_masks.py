"""No personal value in any byte of any answer: every table, trace, timeline and page of a region is searched for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.integration.api_callers import Caller, Got, token_of
from tests.integration.personal_values import personal_values, told
from tests.integration.served import Served

ACCOUNTS = ("administrator", "steward")
TRACED = 1  # rows of each table
MOST_PAGES = 40


@pytest.fixture(scope="module")
def values(served: Served) -> frozenset[str]:
    found = personal_values(served.folder)
    assert len(found) > 200
    return found


def by_token(served: Served, name: str) -> Caller:
    return Caller(served, token=token_of(served, name))


def tables(caller: Caller) -> list[str]:
    return [one["name"] for one in caller.get("tables").json["items"] if one["rows"]]


def answers(caller: Caller) -> Iterator[tuple[str, Got]]:
    """Everything the API tells of a region: rows in every form, traces, timelines, books."""
    for table in tables(caller):
        for form in ("json", "csv", "arrow"):
            yield f"{table} {form}", caller.get(f"tables/{table}/rows", format=form, **({"limit": "1000"} if form == "json" else {}))
        yield from traces(caller, table)
    for row in caller.get("tables/cdr.person/rows", limit="5").json["rows"]:
        yield "person", caller.get(f"persons/{row['person_id']}")
    for feed in caller.get("feeds").json["items"]:
        yield "feed", caller.get(f"feeds/{feed['feed']}/deliveries")
    for path in ("me", "glossary", "indicators", "organisations", "releases", "releases/1", "releases/1/ledger", "tables", "feeds", "quarantine"):
        yield path, caller.get(path)
    for form in ("json", "csv", "arrow"):
        yield "records", caller.get("indicators/SV01/records", unit="H0001", period="2025", format=form)


def traces(caller: Caller, table: str) -> Iterator[tuple[str, Got]]:
    rows = caller.get(f"tables/{table}/rows", limit=str(TRACED)).json["rows"]
    key = next((name for name in rows[0] if name.endswith("_id")), "") if rows else ""
    for row in rows if key else ():
        got = caller.get(f"tables/{table}/rows/{row[key]}/trace")
        if got.status == 200:
            yield f"trace of {table}", got


@pytest.mark.parametrize("name", ACCOUNTS)
def test_no_answer_of_the_api_holds_a_personal_value(name: str, served: Served, values: frozenset[str]) -> None:
    seen = 0
    for what, got in answers(by_token(served, name)):
        assert not told(values, got.body), f"{len(told(values, got.body))} personal values in {what}"
        seen += got.status == 200
    assert seen > 60


@pytest.mark.parametrize("name", ACCOUNTS)
def test_no_page_holds_a_personal_value(name: str, served: Served, values: frozenset[str]) -> None:
    """Pages are found as a reader finds them: link by link."""
    client, waiting, seen = served.client(name), ["/"], {"/"}
    while waiting and len(seen) <= MOST_PAGES:
        path = waiting.pop(0)
        answer = client.get(path)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert not told(values, body), f"personal values in {path.partition('?')[0]}"
        for link in re.findall(r'(?:href|hx-get)="(/[^"#]*)', body.decode("utf-8", "replace")):
            if link not in seen and not link.startswith(("/static/", "/sign-out")):
                seen.add(link)
                waiting.append(link.replace("&amp;", "&"))
    assert len(seen) > 8


def test_errors_repeat_no_value_of_a_row(served: Served, values: frozenset[str]) -> None:
    caller = by_token(served, "administrator")
    for query in ({"columns": "nothing"}, {"first": "2025-13-01"}, {"after": "x"}, {"person": "1" * 19}):
        assert not told(values, caller.get("tables/ext.ext_person_identifier/rows", **query).body)


def test_identities_are_told_where_a_purpose_opened_them_and_each_look_is_written_down(served: Served, values: frozenset[str]) -> None:
    """Also the proof that the search above would find what it looks for."""
    from suwen.govern.audit.models import Entry  # noqa: PLC0415 models can be read only once Django knows the region
    from suwen.govern.people.accounts import account  # noqa: PLC0415
    from suwen.govern.people.openings import close_identity, open_identity  # noqa: PLC0415
    from suwen.govern.policy.actors import Resource  # noqa: PLC0415

    caller, narrow = by_token(served, "steward"), Caller(served, token=token_of(served, "steward", "see records"))
    asked = {"organisation": "H0001", "identities": "true"}
    path = "tables/ext.ext_person_identifier/rows"
    assert caller.get(path, **asked).json["error"]["code"] == "POL-030"
    open_identity(account("steward"), Resource("H0001"), "a patient asked for her record", code="POL-001")
    try:
        before = Entry.objects.filter(actor="steward", event="see identity").count()
        for form in ("json", "csv", "arrow"):
            assert len(told(values, caller.get(path, format=form, **asked).body)) > 50
        assert Entry.objects.filter(actor="steward", event="see identity").count() == before + 3
        assert not told(values, caller.get(path, organisation="H0001").body)
        assert narrow.get(path, **asked).json["error"]["code"] == "POL-013"
        assert caller.get(path, organisation="H0002", identities="true").status == 403
        row = caller.get("tables/cdr.person/rows", limit="1").json["rows"][0]
        assert told(values, caller.get(f"tables/cdr.person/rows/{row['person_id']}/trace", identities="true").body)
    finally:
        close_identity(account("steward"))
    assert caller.get(path, **asked).json["error"]["code"] == "POL-030"
