"""Small deliveries kept together: damage is made good, a death does no harm, and what is withdrawn or erased goes; in every way as if each stood apart."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from suwen.flow import arrivals, bundles
from suwen.flow.land import land
from suwen.flow.reader import open_release
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.trace import trace_many
from suwen.flow.upkeep.maintain import maintain
from suwen.intake.landing import Landing
from suwen.model.receipt import Fact, Mode, State
from tests.integration.run_server import observed
from tests.integration.small_region import FIRST_DAY, RESULTS, VISITS, deliver, make

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAYS = 4


def daily(folder: Path, day: int) -> None:
    """A day's delivery of a few visits, and of a few results of which two are equal."""
    came = FIRST_DAY + timedelta(70 + day)
    visits = [VISITS, *(f"d{day}-{n},p{n},{came},{came + timedelta(1)},w,U" for n in range(3)), f"v1,p1,{came},{came},w{day},U"]
    results = [RESULTS, *(f"p{n},d{day}-{n},{came},day{day},{day}.5" for n in range(3)), f"p1,v1,{came},same,1", f"p1,v1,{came},same,1"]
    for feed, name, lines, mode in (("his", "visits.csv", visits, Mode.UPSERT), ("lab", "results.csv", results, Mode.APPEND)):
        source = folder / "outbox" / f"{feed}{day}"
        source.mkdir(parents=True)
        (source / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        land(open_region(folder), feed, [source], as_of=date(2024, 5, 1) + timedelta(day), mode=mode, received_at=datetime(2024, 6, 1, tzinfo=UTC))


def live(folder: Path) -> None:
    """The region's first days, with a run after each."""
    make(folder)
    deliver(folder, [0, 1])
    run(open_region(folder))
    for day in range(DAYS):
        daily(folder, day)
        run(open_region(folder))


@pytest.fixture(autouse=True)
def small_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "FEWEST", 1)
    monkeypatch.setattr(bundles, "TIER", 3)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region all of whose deliveries lie in bundles, with a day that waits for its run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "FEWEST", 1)
        patch.setattr(bundles, "TIER", 3)
        folder = tmp_path_factory.mktemp("lived") / "region"
        live(folder)
        daily(folder, DAYS)
        return folder


@pytest.fixture
def region(lived: Path, tmp_path: Path) -> Path:
    shutil.copytree(lived, tmp_path / "region")
    return tmp_path / "region"


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same region with every delivery by itself, run to the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "FEWEST", 1_000)
        folder = tmp_path_factory.mktemp("apart") / "region"
        live(folder)
        daily(folder, DAYS)
        run(open_region(folder))
        return folder


def test_bundles_are_few_and_tell_the_same(region: Path, apart: Path) -> None:
    run(open_region(region))
    assert not list((region / "lake" / "staging").rglob("*.parquet"))
    assert len(list((region / "lake" / "bundles").glob("*/*/list.parquet"))) <= 4  # of two tiers fewer than three each
    assert observed(region) == observed(apart)
    for folder in (region, apart):
        traced = list(trace_many(open_release(folder), "measurement"))
        assert len(traced) > 60 and all(one.records[0].place.raw for one in traced)


HARMS: list[dict[str, Callable[[Path], object]]] = [
    {"list.parquet": Path.unlink},
    {"list.parquet": lambda path: path.write_bytes(path.read_bytes()[:40])},
    {"visits-*.parquet": Path.unlink},
    {"results-0.parquet": lambda path: path.write_bytes(path.read_bytes()[:100])},
    {"*.index-*.parquet": Path.unlink},
    {"*.index-*.parquet": lambda path: path.write_bytes(b"")},
]


@pytest.mark.parametrize("harms", HARMS)
def test_what_is_damaged_is_read_again(harms: dict[str, Callable[[Path], object]], region: Path, apart: Path) -> None:
    for pattern, harm in harms.items():
        found = list((region / "lake" / "bundles").glob(f"*/*/{pattern}"))
        assert found
        for path in found:
            harm(path)
    run(open_region(region))
    assert observed(region) == observed(apart)


class Death(Exception):
    """Of a run."""


def deaths(region: Path) -> Iterator[int]:
    """Let runs die at each step that writes a bundle, one after the other; ends when a run has gone through."""
    for at in range(1, 100):
        left = at

        def step(said: str) -> None:
            nonlocal left
            left -= "bundles" in said
            if not left:
                raise Death(said)

        try:
            run(open_region(region), step=step)
            return
        except Death:
            yield at


def test_a_death_at_any_step_does_no_harm(region: Path, apart: Path) -> None:
    assert len(list(deaths(region))) > 4
    assert observed(region) == observed(apart)


def texts(region: Path, column: str) -> set[str]:
    """What stands in a column of any bundle."""
    parts = [path for path in (region / "lake" / "bundles").glob("*/*/*.parquet") if "index" not in path.name and path.name != "list.parquet"]
    return {text for path in parts if column in (table := pq.read_table(path)).schema.names for text in table[column].to_pylist()}


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.ERASED])
def test_what_was_taken_back_counts_no_more_and_its_text_goes(region: Path, state: State) -> None:
    run(open_region(region))
    gone = next(one for one in Landing(region / "landing").deliveries() if one.feed == "lab" and one.number > 4)
    before = open_release(region).table("measurement").num_rows
    Landing(region / "landing").add_fact(Fact(gone.number, state, NOW, "who", "why"))
    run(open_region(region))
    assert open_release(region).table("measurement").num_rows == before - 5
    with (region / "region.toml").open("a") as file:
        file.write("\n[keep]\nreleases = 1\nmonths = 0\ngrace_hours = 0\n")
    assert "day1" in texts(region, "CODE")
    maintain(open_region(region))
    assert "day1" not in texts(region, "CODE")
    daily(region, DAYS + 1)
    run(open_region(region))
    assert {"day0", "day2", "day3", f"day{DAYS + 1}"} <= texts(region, "CODE") and "day1" not in texts(region, "CODE")
    assert open_release(region).table("measurement").num_rows == before


def test_maintenance_leaves_the_bundles_in_use(region: Path, apart: Path) -> None:
    run(open_region(region))
    expected = observed(region)["content"]
    lists = set((region / "lake" / "bundles").glob("*/*/list.parquet"))
    report = maintain(open_region(region))
    assert any(one.group == "bundles" and one.files for one in report.removed)
    assert set((region / "lake" / "bundles").glob("*/*/list.parquet")) == lists
    assert {path.parent for path in (region / "lake" / "bundles").glob("*/*/*.parquet")} == {path.parent for path in lists}
    assert observed(region)["content"] == expected == observed(apart)["content"]
