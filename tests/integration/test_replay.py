"""The replay of the quarantine desk: a process of its own that takes in what was mended, one at a time, whose end is told."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from suwen.engine.releases import Releases
from suwen.flow.quarantine import Wanted, records
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region, region_lock
from suwen.flow.run import run
from suwen.model.region import Region
from suwen.serve.console import replay
from tests.integration.run_server import PATIENCE
from tests.integration.served import Served
from tests.integration.small_region import TEMPLATE, deliver, make


def ended(region: Region) -> replay.Replay:
    """The last replay, once it has ended."""
    until = time.monotonic() + PATIENCE
    while replay.is_at_work(region):
        assert time.monotonic() < until, "the replay did not end"
        time.sleep(0.05)
    found = replay.last(region)
    assert found is not None
    return found


def mend(folder: Path, text: str) -> Region:
    (folder / "packs" / "small" / "template" / "small.toml").write_text(text, encoding="utf-8")
    return open_region(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "r")
    deliver(tmp_path / "r", [0, 1])
    run(open_region(tmp_path / "r"))
    return tmp_path / "r"


def test_what_was_mended_is_taken_in_by_one_run(folder: Path) -> None:
    assert list(records(OpenRelease(open_region(folder)), Wanted()))
    region = mend(folder, TEMPLATE.replace("\"date_of(DAY, 'iso')\"", "\"coalesce(date_of(DAY, 'iso'), date_of('2024-01-01', 'iso'))\""))
    assert replay.begin(region, "steward")
    assert not replay.begin(region, "another"), "the first has not taken the region's lock yet, and is at work nevertheless"
    found = ended(region)
    assert (found.by, found.code) == ("steward", 0) and "release 2" in found.said
    assert list(records(OpenRelease(region), Wanted())) == []


def test_a_run_that_fails_is_told_with_its_words(folder: Path) -> None:
    region = open_region(folder)
    mend(folder, TEMPLATE.replace("number(VALUE)", "number(VALU)"))
    assert replay.begin(region, "steward")
    found = ended(region)
    assert found.code == 2 and "VALU" in found.said and "Traceback" not in found.said
    assert Releases(region.releases).latest().number == 1  # type: ignore[union-attr]
    assert replay.begin(mend(folder, TEMPLATE), "steward") and ended(region).code == 0, "a failed one keeps none away"


def test_none_begins_while_another_run_is_at_work(folder: Path) -> None:
    region = open_region(folder)
    with region_lock(region):
        assert replay.is_at_work(region) and not replay.begin(region, "steward")
    assert replay.last(region) is None


@pytest.mark.parametrize("text", ["", "[]", '{"begun_at": 1}', "{"])
def test_a_damaged_memory_of_the_last_one_is_none(folder: Path, text: str) -> None:
    (folder / "lake" / ".replay.json").write_text(text, encoding="utf-8")
    assert replay.last(open_region(folder)) is None


def test_the_desk_begins_one_and_tells_how_it_ended(served: Served) -> None:
    client = served.client("administrator")
    assert client.post("/quarantine/replay").status_code == 302
    assert ended(served.region).code == 0
    assert "by administrator came to its end" in client.get("/quarantine").content.decode()
    kept = served.region.lake / ".replay.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text(encoding="utf-8")), "code": None}), encoding="utf-8")
    assert "the server stopped before it ended" in client.get("/quarantine").content.decode()
    assert "came to its end" not in served.client("analyst").get("/quarantine").content.decode()
