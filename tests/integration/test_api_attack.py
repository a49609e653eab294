"""The API under attack: by what its description allows and what it does not, and by values made to break readers. Never a defect, never another shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.integration.api_callers import Caller, token_of
from tests.integration.served import Served

schemathesis = pytest.importorskip("schemathesis")

HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=1+1", "@SUM(A1)", "-2+3", "\u202e0001H", "a\0b", "\0", "%00", "../../etc/passwd",
    "' or '1'='1", "x" * 10_240, "9" * 400, "\U0001f600" * 50, "{{7*7}}", "${7*7}", "\r\nX-Injected: 1", "２０２５", "NaN", "-0", "1e999", "null",
)  # fmt: skip
MEDIA = ("application/json", "text/csv", "application/vnd.apache.arrow.stream")


@pytest.fixture(scope="module")
def token(served: Served) -> Iterator[str]:
    from suwen.serve.api.limits import RATE  # noqa: PLC0415 after Django knows the region

    before, RATE.per_minute = RATE.per_minute, 10**9
    yield token_of(served, "administrator")
    RATE.per_minute = before


@pytest.fixture(scope="module")
def known(served: Served, token: str) -> dict[str, str]:
    """What is there to be asked for, by the names of parameters."""
    row = Caller(served, token=token).get("tables/cdr.measurement/rows", limit="1").json["rows"][0]
    return {
        "code": "CE02D", "unit": "990101", "table": "cdr.measurement", "row": row["measurement_id"], "person": row["person_id"], "number": "1",
        "feed": "h0001-his", "period": "2025-Q1", "before": "2025-01", "after": "2025-02",
    }  # fmt: skip


def operations() -> list[Any]:
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 after Django knows the region

    from suwen.serve.api.urls import document  # noqa: PLC0415

    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document())))
    schema.app = get_wsgi_application()
    return [found.ok() for found in schema.get_all_operations()]


def searched(operation: Any, mode: Any, examples: int, known: dict[str, str], token: str) -> None:
    """Ask an operation what hypothesis thinks of; with `known`, of things that are there."""
    from schemathesis.checks import not_a_server_error  # noqa: PLC0415
    from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance  # noqa: PLC0415

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

    @settings(max_examples=examples, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.path_parameters = {**(case.path_parameters or {}), **{name: value for name, value in known.items() if name in (case.path_parameters or {})}}
        if known:
            case.query = {**(case.query or {}), **{name: known[name] for name in _required(operation) if name in known}}
        response = case.call(headers={"Authorization": f"Bearer {token}"}, base_url="http://localhost")
        case.validate_response(response, checks=checks)

    ask()


def _required(operation: Any) -> list[str]:
    return [one["name"] for one in operation.definition.raw["parameters"] if one["in"] == "query" and one["required"]]


def test_no_answer_outside_its_description(served: Served, token: str, known: dict[str, str]) -> None:
    from schemathesis import GenerationMode  # noqa: PLC0415

    found = operations()
    assert len(found) > 15
    for operation in found:
        searched(operation, GenerationMode.POSITIVE, 8, known, token)
        searched(operation, GenerationMode.POSITIVE, 2, {}, token)
        if operation.definition.raw["parameters"]:
            searched(operation, GenerationMode.NEGATIVE, 5, {}, token)


def places(operations: list[Any]) -> list[tuple[str, dict[str, str], str]]:
    """(address, where its holes are, parameter) of every parameter there is."""
    found = []
    for operation in operations:
        for one in operation.definition.raw["parameters"]:
            found.append((operation.path, one["in"], one["name"]))
    return found


def attacked(caller: Caller, place: tuple[str, Any, str], value: str, known: dict[str, str]) -> None:
    from urllib.parse import quote  # noqa: PLC0415

    path, where, name = place
    parts = {**known, **({name: value} if where == "path" else {})}
    for part in ("code", "unit", "table", "row", "person", "number", "feed"):
        path = path.replace("{" + part + "}", quote(parts[part].encode("utf-8", "surrogatepass"), safe=""))
    needed = {"unit": known["unit"], "period": known["period"]} if path.endswith(("/values", "/records")) else {"unit": known["unit"]}
    query = ({**needed} if "/indicators/" in path and path.count("/") > 4 else {}) | ({name: value} if where == "query" else {})
    got = caller.get(path, **query)
    assert got.status < 500, (place, value[:40])
    assert got.headers["Content-Type"].partition(";")[0] in MEDIA
    assert "X-Injected" not in got.headers
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    if got.status >= 400:
        assert set(got.json["error"]) == {"code", "what", "where", "expected", "do"}
        assert len(got.body) < 2_000
        assert "\0" not in "".join(got.json["error"].values())
        assert "\u202e" not in "".join(got.json["error"].values())


def test_hostile_values_come_out_as_text_or_are_refused(served: Served, token: str, known: dict[str, str]) -> None:
    caller = Caller(served, token=token)
    for place in places(operations()):
        for value in HOSTILE:
            attacked(caller, place, value, known)


@pytest.mark.needs_shared
def test_naughty_strings_are_refused_or_found_nowhere(served: Served, token: str, known: dict[str, str], shared: Path) -> None:
    caller, where = Caller(served, token=token), places(operations())
    naughty = json.loads((shared / "data" / "robustness" / "blns.json").read_text("utf-8"))
    for at, value in enumerate(naughty):
        attacked(caller, where[at % len(where)], value or " ", known)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "bearer x y", "Basic YTpi", "Bearer \u202e", "Bearer " + "x" * 10_000, "\0", "Bearer suwen_'or'1'='1"])
def test_what_is_no_token_is_nobody(header: str, served: Served) -> None:
    client = served.client()
    answer = client.get("/api/v1/me", HTTP_AUTHORIZATION=header)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "POL-010")
