"""Who may ask what of the API: every address as everybody, held to one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.api_callers import Caller, callers
from tests.integration.served import Served

# operation -> (address, who is let in). A: administrator, D: district-administrator (of 990101), N: analyst, L: district-analyst (of 990102),
# S: steward (of H0001), V: viewer (of 990100), X: an account without a role, T: an administrator's token for values alone.
# An address that names nothing in particular shows each only their own; what lies outside is tried below.
TABLE = {
    "me": ("me", "ADNLSV"),
    "glossary": ("glossary", "ADNLSV"),
    "list_indicators": ("indicators", "ADNLSV"),
    "explain_indicator": ("indicators/SV01", "ADNLSV"),
    "indicator_values": ("indicators/SV01/values?period=2025&unit=H0001", "ADNSVT"),
    "indicator_series": ("indicators/SV01/series?unit=H0001", "ADNSVT"),
    "indicator_why": ("indicators/SV01/why?unit=H0001&before=2025-01&after=2025-02", "ADNSVT"),
    "indicator_records": ("indicators/SV01/records?unit=H0001&period=2025", "ADNS"),
    "list_organisations": ("organisations", "ADNLSVT"),
    "one_organisation": ("organisations/H0001", "ADNSVT"),
    "list_releases": ("releases", "ADNLSV"),
    "one_release": ("releases/1", "ADNLSV"),
    "release_ledger": ("releases/1/ledger", "ADNLSV"),
    "list_tables": ("tables", "ADNLSV"),
    "one_table": ("tables/cdr.person", "ADNLSV"),
    "table_rows": ("tables/cdr.person/rows?organisation=H0001", "ADNS"),
    "trace_row": ("tables/cdr.measurement/rows/{measurement}/trace", "ADNS"),
    "person_timeline": ("persons/{person}", "ADNS"),
    "list_feeds": ("feeds", "ADNLS"),
    "feed_deliveries": ("feeds/h0001-his/deliveries", "ADNS"),
    "quarantine_groups": ("quarantine", "ADS"),
    "openapi": ("openapi.json", "ADNLSV"),
}
LETTERS = {
    "administrator": "A", "district-administrator": "D", "analyst": "N", "district-analyst": "L", "steward": "S", "viewer": "V", "nothing": "X", "narrow": "T",
}  # fmt: skip
NOBODY = ("nobody", "guessed", "expired", "revoked")


@pytest.fixture(scope="module")
def everybody(served: Served) -> dict[str, Caller]:
    return callers(served)


@pytest.fixture(scope="module")
def known(everybody: dict[str, Caller]) -> dict[str, str]:
    """The ids of a row and a patient of H0001."""
    row = everybody["administrator"].get("tables/cdr.measurement/rows", organisation="H0001", limit="1").json["rows"][0]
    return {"measurement": row["measurement_id"], "person": row["person_id"]}


def test_every_address_stands_in_the_table(served: Served) -> None:
    from suwen.serve.api.urls import document, urlpatterns  # noqa: PLC0415 after Django knows the region

    names = {pattern.name.removeprefix("api-") for pattern in urlpatterns}
    assert names == set(TABLE)
    assert {one["operationId"] for methods in document()["paths"].values() for one in methods.values()} == set(TABLE) - {"openapi"}


@pytest.mark.parametrize("operation", TABLE)
def test_who_is_let_in(operation: str, everybody: dict[str, Caller], known: dict[str, str]) -> None:
    address, letters = TABLE[operation]
    path, _, text = address.format(**known).partition("?")
    query = dict(part.split("=") for part in text.split("&") if part)
    for name, caller in everybody.items():
        got = caller.get(path, **query)
        if name in NOBODY:
            assert (got.status, got.json["error"]["code"]) == (401, "POL-010"), name
            assert got.headers["WWW-Authenticate"].startswith("Bearer")
        elif LETTERS[name] in letters:
            assert got.status == 200, (name, got.body)
        else:
            assert got.status in (403, 404), (name, got.body)
            assert set(got.json) == {"error"}
            assert set(got.json["error"]) == {"code", "what", "where", "expected", "do"}


@pytest.mark.parametrize("operation", TABLE)
def test_nothing_is_written_by_any_method(operation: str, everybody: dict[str, Caller], known: dict[str, str], served: Served) -> None:
    path = TABLE[operation][0].format(**known).partition("?")[0]
    for method in ("post", "put", "patch", "delete", "options", "head"):
        for caller in (everybody["administrator"], Caller(served, session="administrator")):
            got = caller.get(path, method=method)
            assert (got.status, got.headers["Allow"]) == (405, "GET")


def test_a_session_writes_nothing_without_the_mark_of_our_own_pages(served: Served) -> None:
    answer = served.client("administrator", enforce_csrf_checks=True).post("/api/v1/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "API-403")


def test_every_parameter_and_field_is_described(served: Served) -> None:
    from suwen.serve.api.urls import document  # noqa: PLC0415 after Django knows the region

    found = document()
    operations = [one for methods in found["paths"].values() for one in methods.values()]
    assert all(one["summary"] and one["responses"][200]["description"] for one in operations)
    assert not [(one["operationId"], p["name"]) for one in operations for p in one["parameters"] if not p.get("description")]
    fields = [(name, key, field) for name, shape in found["components"]["schemas"].items() for key, field in shape.get("properties", {}).items()]
    assert not [(name, key) for name, key, field in fields if not field.get("description") and "$ref" not in str(field) and name != "Names"]


def test_a_session_reads_as_its_account_does(served: Served, everybody: dict[str, Caller]) -> None:
    by_session = Caller(served, session="steward").get("organisations")
    assert by_session.json["items"] == everybody["steward"].get("organisations").json["items"]
    assert not Caller(served, session="steward").get("me").json["by_token"]
    assert everybody["steward"].get("me").json["by_token"]


def test_each_sees_their_own_part_of_the_tree(everybody: dict[str, Caller]) -> None:
    def ids(name: str, path: str, key: str) -> set[str]:
        return {one[key] for one in everybody[name].get(path).json["items"]}

    assert ids("steward", "organisations", "id") == {"H0001"}
    assert ids("district-analyst", "organisations", "id") == {"990102", "H0008", "H0009"}
    assert ids("steward", "feeds", "organisation") == {"H0001"}
    assert ids("district-analyst", "feeds", "feed") == set()
    assert {feed.split("-")[0] for feed in ids("steward", "releases/1/ledger", "feed")} == {"h0001"}
    assert {feed.split("-")[0] for feed in ids("steward", "quarantine", "feed")} == {"h0001"}
    assert ids("steward", "indicators/SV01/values?period=2025&level=hospital", "unit") == {"H0001"}
    assert ids("analyst", "indicators/SV01/values?period=2025&level=hospital", "unit") > {"H0001", "H0002", "H0003"}
    assert set(everybody["steward"].get("releases/1").json["as_of"]) < set(everybody["analyst"].get("releases/1").json["as_of"])


def test_rows_are_those_of_open_organisations(everybody: dict[str, Caller]) -> None:
    whole = everybody["administrator"].get("tables/cdr.person/rows", limit="1000").json["rows"]
    own = everybody["steward"].get("tables/cdr.person/rows", limit="1000").json["rows"]
    named = everybody["administrator"].get("tables/cdr.person/rows", limit="1000", organisation="H0001").json["rows"]
    assert own == named
    assert 0 < len(own) < len(whole)
    assert everybody["district-analyst"].get("tables/cdr.person/rows").json["rows"] == []
    assert everybody["steward"].get("tables/cdr.person/rows", organisation="H0002").status == 403
    streamed = everybody["steward"].get("tables/cdr.person/rows", format="arrow").arrow
    assert sorted(str(one) for one in streamed["person_id"].to_pylist()) == sorted(row["person_id"] for row in own)


@pytest.mark.parametrize("table", ["cdr.observation_period", "ext.ext_person_link", "ext.ext_organisation"])
def test_rows_worked_out_over_organisations_are_for_the_whole_region(table: str, everybody: dict[str, Caller]) -> None:
    assert everybody["analyst"].get(f"tables/{table}/rows").json["rows"]
    for form in ("json", "csv"):
        assert b"derived" not in everybody["steward"].get(f"tables/{table}/rows", format=form).body


def test_what_is_hidden_is_told_as_what_is_not_there(everybody: dict[str, Caller]) -> None:
    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    row = everybody["administrator"].get("tables/cdr.measurement/rows", organisation="H0002", limit="1").json["rows"][0]
    absent = str(int(row["measurement_id"]) ^ 1)
    with _audited() as written:
        hidden = everybody["steward"].get(f"tables/cdr.measurement/rows/{row['measurement_id']}/trace")
        assert [(one.event, one.unit, one.code) for one in written()] == [("refused: see raw bytes", "H0002", "POL-021")]
    missing = everybody["steward"].get(f"tables/cdr.measurement/rows/{absent}/trace")
    assert (hidden.status, missing.status) == (404, 404)
    assert hidden.body.replace(row["measurement_id"].encode(), b"N") == missing.body.replace(absent.encode(), b"N")
    assert Entry.objects.filter(subject__contains=row["measurement_id"]).exists()


def test_a_person_across_hospitals_is_shown_as_far_as_open(everybody: dict[str, Caller]) -> None:
    people = everybody["administrator"].get("tables/cdr.person/rows", organisation="H0001", limit="1000").json["rows"]
    whole = [everybody["administrator"].get(f"persons/{row['person_id']}").json for row in people]
    across = next(one for one in whole if {patient["organisation"] for patient in one["patients"]} > {"H0001"})
    own = next(patient["person_id"] for patient in across["patients"] if patient["organisation"] == "H0001")
    seen = everybody["steward"].get(f"persons/{own}").json
    assert {one["organisation"] for one in (*seen["patients"], *seen["visits"])} == {"H0001"}
    assert seen["visits"] == [visit for visit in across["visits"] if visit["organisation"] == "H0001"]


def test_refusals_are_written_down(everybody: dict[str, Caller]) -> None:
    with _audited() as written:
        assert everybody["viewer"].get("quarantine").status == 403
        assert everybody["narrow"].get("tables").json["error"]["code"] == "POL-013"
        assert [(one.actor, one.via, one.event, one.code) for one in written()] == [
            ("viewer", "token", "refused: see quarantine", "POL-020"),
            ("administrator", "token", "refused: see catalogue", "POL-013"),
        ]


@contextmanager
def _audited() -> Iterator[Callable[[], list[Any]]]:
    from suwen.govern.audit.models import Entry  # noqa: PLC0415

    last = Entry.objects.order_by("-number").values_list("number", flat=True).first() or 0
    yield lambda: list(Entry.objects.filter(number__gt=last).order_by("number"))
