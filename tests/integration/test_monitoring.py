"""Figures, health and log of the served region: true, open to whom they are for, and without any value of a person."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from suwen.base.errors import SuwenError
from suwen.engine.releases import Releases
from suwen.govern.log import Lines, Plain
from suwen.intake.landing import Landing
from tests.integration.api_callers import token_of
from tests.integration.personal_values import personal_values, told
from tests.integration.served import PASSWORD, Served

Figures = dict[tuple[str, str], float]


def figures_of(client: Any, **more: Any) -> Figures:
    """(name, label) -> value."""
    answer = client.get("/metrics", **more)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.content.decode())
    return {(sample.name, next(iter(sample.labels.values()), "")): sample.value for family in families for sample in family.samples}


@pytest.fixture
def beside(served: Served) -> Any:
    """A program on the server's own machine."""
    from django.test import Client  # noqa: PLC0415 as in `served`

    return Client(REMOTE_ADDR="127.0.0.1", HTTP_HOST="localhost")


@contextmanager
def public(served: Served) -> Iterator[None]:
    """The region as one behind a proxy."""
    from django.test import override_settings  # noqa: PLC0415

    region = replace(served.region, server=replace(served.region.server, public="https://suwen.example.org"))
    with override_settings(SUWEN_REGION=region):
        yield


def test_the_figures_are_those_of_the_release_and_of_landing(served: Served, beside: Any) -> None:
    found = figures_of(beside)
    release = Releases(served.region.releases).latest()
    assert release is not None
    deliveries = Landing(served.region.landing).deliveries()
    assert found["suwen_release", ""] == release.number
    assert sum(value for (name, _), value in found.items() if name == "suwen_records") == sum(release.totals.values())
    assert found["suwen_records", "quarantined"] == sum(n for label, n in release.totals.items() if label.endswith("|quarantined")) > 0
    assert found["suwen_rows", "cdr/person"] == release.tables["cdr/person"].rows
    assert found["suwen_deliveries", ""] == len(deliveries) and found["suwen_deliveries_waiting", ""] == 0
    assert found["suwen_landed_bytes", ""] == sum(receipt.length for one in deliveries for receipt in one.receipts)
    assert found["suwen_last_delivery_timestamp_seconds", ""] == deliveries[-1].received_at.timestamp()
    assert found["suwen_runs_total", "published"] == 1 and found["suwen_run_peak_memory_bytes", ""] > 50_000_000
    stages = {label: value for (name, label), value in found.items() if name == "suwen_run_stage_seconds"}
    assert {"staging", "index", "mapping and writing", "commits"} <= stages.keys()
    assert sum(stages.values()) <= found["suwen_run_seconds", ""]
    assert found["process_resident_memory_bytes", ""] > 50_000_000


def test_answers_are_counted_by_page_and_not_by_what_they_name(served: Served, beside: Any) -> None:
    client = served.client("analyst")
    for path in ("/persons/1", "/persons/2", "/nowhere/李雷"):
        client.get(path)
    lines = beside.get("/metrics").content.decode()
    assert re.search(r'suwen_http_request_seconds_count\{page="/persons/<int:person>",status="[0-9]+"\} [2-9]', lines)
    assert 'page="(none)",status="404"' in lines and "nowhere" not in lines


def test_a_damaged_region_is_told_and_its_figures_are_not_made_up(served: Served, beside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert beside.get("/readyz").json() == {"ready": True, "reasons": []}

    def broken(_: Releases) -> None:
        raise SuwenError("release 1 cannot be read", where="/secret/place")

    monkeypatch.setattr(Releases, "latest", broken)
    answer = beside.get("/readyz")
    assert answer.status_code == 503 and answer.json() == {"ready": False, "reasons": ["the newest release cannot be read"]}
    found = figures_of(beside)
    assert found["suwen_readable", "release"] == found["suwen_readable", "landing"] == 0 and found["suwen_readable", "runs"] == 1
    assert not [name for name, _ in found if name in ("suwen_release", "suwen_records", "suwen_deliveries")]
    assert beside.get("/healthz").content == b"alive\n"


def test_control_data_that_does_not_answer_is_told(beside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError, connection  # noqa: PLC0415

    def broken(*_: object, **__: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(connection, "cursor", broken)
    answer = beside.get("/readyz")
    assert answer.status_code == 503 and answer.json()["reasons"] == ["the control data does not answer"]
    assert beside.get("/healthz").status_code == 200


def test_who_may_have_the_figures(served: Served, beside: Any) -> None:
    stranger = served.client()
    assert stranger.get("/metrics").status_code == 302
    with public(served):
        assert beside.get("/metrics").status_code == 302  # behind a proxy an address says nothing
        shown = {"HTTP_AUTHORIZATION": f"Bearer {token_of(served, 'viewer')}"}
        assert figures_of(stranger, **shown)["suwen_release", ""] >= 1
        assert stranger.get("/metrics", HTTP_AUTHORIZATION="Bearer suwen_guess").status_code == 401
        for path in ("/healthz", "/readyz"):
            assert stranger.get(path).status_code == 200
    for path in ("/healthz", "/readyz", "/metrics"):
        assert beside.post(path).status_code == 405


@contextmanager
def logged(formatter: logging.Formatter) -> Iterator[io.StringIO]:
    """Everything that any logger tells, as the server would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    loggers = [logging.getLogger(name) for name in (None, "django", "suwen.requests")]
    levels = [one.level for one in loggers]
    for one in loggers[:2]:
        one.addHandler(handler)
    for one in loggers:
        one.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.removeHandler(handler)
            one.setLevel(level)


def provoke(served: Served, values: list[str], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Requests whose addresses, forms, headers and failures are full of personal values."""
    from suwen.serve.console.views import records  # noqa: PLC0415

    clients = [served.client(name) for name in ("administrator", "steward", "analyst", "viewer")] + [served.client()]
    answers = []
    for client in clients:
        client.raise_request_exception = False
        for value in values:
            answers += [
                client.get("/", {"unit": value}),
                client.get(f"/records/person/{value}"),
                client.get(f"/{value}"),
                client.get("/api/v1/tables/cdr.person/rows", {"where": value, "limit": value}),
                client.get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {value}", HTTP_X_REQUEST_ID=value),
                client.post("/sign-in", {"name": value, "password": value}),
                client.post("/people/invite", {"name": value, "full_name": value}),
            ]
        answers += [client.get(path) for path in ("/", "/persons/1", "/quarantine", "/audit", "/readyz")]

    def fails(*_: object, **__: object) -> None:
        raise ValueError(values[0])

    for name in [one for one in vars(records) if callable(vars(records)[one]) and one in ("reading", "page")]:
        monkeypatch.setattr(records, name, fails)
    answers += [client.get("/records/person/1") for client in clients]
    return answers


@pytest.mark.parametrize("form", [Lines, Plain])
def test_no_personal_value_reaches_the_log(served: Served, form: type[logging.Formatter], monkeypatch: pytest.MonkeyPatch) -> None:
    values = personal_values(served.folder)
    told_ones = [value for value in sorted(values) if len(value) > 2 and "/" not in value][:: max(1, len(values) // 6)][:6]
    with logged(form()) as stream:
        answers = provoke(served, told_ones, monkeypatch)
    text = stream.getvalue()
    assert any(one.status_code == 500 for one in answers) and "ValueError" in text
    if form is Lines:
        assert not told(values, text.encode()) and PASSWORD not in text
        lines = [json.loads(line) for line in text.splitlines()]
        assert {"at", "level", "logger"} <= set.intersection(*(set(line) for line in lines))
        requests = [line for line in lines if line["logger"] == "suwen.requests"]
        assert len(requests) == len(answers)
        assert [line["request"] for line in requests] == [one.headers["X-Request-ID"] for one in answers]
        assert {type(line.get("user")) for line in requests} == {int, type(None)}
        assert all("<" in line["page"] or not re.search("[0-9]", line["page"].replace("v1", "")) for line in requests)
        failed = {line["request"] for line in lines if line.get("exception") == "ValueError"}
        assert failed and failed <= {line["request"] for line in requests if line["status"] == 500}


def test_a_request_keeps_the_id_its_proxy_gave_it(served: Served) -> None:
    client = served.client()
    mine = "0a1b2c3d-4e5f"
    assert client.get("/healthz", HTTP_X_REQUEST_ID=mine).headers["X-Request-ID"] != mine
    with public(served):
        assert client.get("/healthz", HTTP_X_REQUEST_ID=mine).headers["X-Request-ID"] == mine
        assert client.get("/healthz", HTTP_X_REQUEST_ID="<script>").headers["X-Request-ID"] != "<script>"
