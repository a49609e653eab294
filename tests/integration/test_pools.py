"""Small deliveries kept together: damage is made good, a death does no harm, and what is withdrawn or erased goes; in every way as if each stood apart."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from suwen.engine.duck import Engine
from suwen.flow import arrivals, lanes, pools, stage
from suwen.flow.land import land
from suwen.flow.reader import open_release
from suwen.flow.region import add_feed, open_region
from suwen.flow.run import run
from suwen.flow.stores import lake_of
from suwen.flow.trace import trace_many
from suwen.flow.upkeep.maintain import maintain
from suwen.intake.landing import Landing
from suwen.model.receipt import Fact, Mode, State
from tests.integration.object_store import ObjectStore, in_buckets
from tests.integration.run_server import observed
from tests.integration.small_region import FIRST_DAY, RESULTS, VISITS, deliver, make

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAYS = 4


def daily(folder: Path, day: int, feeds: tuple[str, str] = ("his", "lab")) -> None:
    """A day's delivery of a few visits, and of a few results of which two are equal."""
    came = FIRST_DAY + timedelta(70 + day)
    visits = [VISITS, *(f"d{day}-{n},p{n},{came},{came + timedelta(1)},w,U" for n in range(3)), f"v1,p1,{came},{came},w{day},U"]
    results = [RESULTS, *(f"p{n},d{day}-{n},{came},day{day},{day}.5" for n in range(3)), f"p1,v1,{came},same,1", f"p1,v1,{came},same,1"]
    for feed, (name, lines, mode) in zip(feeds, (("visits.csv", visits, Mode.UPSERT), ("results.csv", results, Mode.APPEND)), strict=True):
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
    monkeypatch.setattr(pools, "TIER", 3)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region all of whose deliveries lie in pools, with a day that waits for its run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "FEWEST", 1)
        patch.setattr(pools, "TIER", 3)
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


def in_use(region: Path) -> set[str]:
    """The names of the pools that a run reads."""
    opened = open_region(region)
    return {one.name for spec in opened.pools.iterdir() for one in pools.kept_pools(lake_of(opened), opened.pools, spec.name)}


def test_pools_are_few_and_tell_the_same(region: Path, apart: Path) -> None:
    run(open_region(region))
    assert not list((region / "lake" / "staging").rglob("*.parquet"))
    assert len(in_use(region)) <= 4  # of two tiers fewer than three each
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
        found = list((region / "lake" / "pools").glob(f"*/*/{pattern}"))
        assert found
        for path in found:
            harm(path)
    run(open_region(region))
    assert observed(region) == observed(apart)


class Death(Exception):
    """Of a run."""


def deaths(region: Path) -> Iterator[int]:
    """Let runs die at each step that writes a pool, one after the other; ends when a run has gone through."""
    for at in range(1, 100):
        left = at

        def step(said: str) -> None:
            nonlocal left
            left -= "pools" in said
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
    """What stands in a column of any pool."""
    parts = [path for path in (region / "lake" / "pools").glob("*/*/*.parquet") if "index" not in path.name and path.name != "list.parquet"]
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


def test_maintenance_leaves_the_pools_in_use(region: Path, apart: Path) -> None:
    run(open_region(region))
    expected = observed(region)["content"]
    used = in_use(region)
    assert used < {path.name for path in (region / "lake" / "pools").glob("*/*")}
    report = maintain(open_region(region))
    assert any(one.group == "pools" and one.files for one in report.removed)
    assert in_use(region) == used == {path.parent.name for path in (region / "lake" / "pools").glob("*/*/*.parquet")}
    assert observed(region)["content"] == expected == observed(apart)["content"]


def test_deliveries_that_stood_apart_are_put_together_and_tell_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal charges of one delivery in files of other columns count apart, however the delivery is staged."""
    told: list[object] = []
    for name, fewest in (("apart", (1_000, 1_000)), ("later", (1_000, 1)), ("together", (1, 1))):
        folder = tmp_path / name
        make(folder)
        deliver(folder, [0])
        for day, at_least in enumerate(fewest):
            monkeypatch.setattr(arrivals, "FEWEST", at_least)
            source = folder / "outbox" / f"more{day}"
            source.mkdir(parents=True)
            (source / "results_a.csv").write_text(f"{RESULTS}\np1,v1,2024-01-02,same,1\np2,v2,2024-01-02,only,{day}\n", encoding="utf-8")
            (source / "results_b.csv").write_text(f"{RESULTS},NOTE\np1,v1,2024-01-02,same,1,\np1,v1,2024-01-02,same,1,other\n", encoding="utf-8")
            moment = date(2024, 5, 1) + timedelta(day)
            land(open_region(folder), "lab", [source], as_of=moment, mode=Mode.SNAPSHOT, received_at=datetime(2024, 6, 1, tzinfo=UTC))
            run(open_region(folder))
        assert open_release(folder).table("measurement").num_rows == 4
        told.append(observed(folder))
    assert told[0] == told[1] == told[2]


def test_processes_beside_the_run_read_what_it_then_takes(tmp_path: Path, apart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same deliveries, all read by others: the run itself reads none, whether they are put together or stand apart."""
    monkeypatch.setattr(stage, "WORTH_SPREADING", 0)
    monkeypatch.setattr(pools, "AT_ONCE", 1)  # so that there are several to share out
    told = []
    for name, fewest in (("together", 1), ("alone", 1_000)):
        folder = tmp_path / name
        make(folder)
        settings = folder / "region.toml"
        settings.write_text(re.sub(r"threads = \d+", "threads = 2", settings.read_text()))
        deliver(folder, [0, 1])
        for day in range(DAYS + 1):
            daily(folder, day)
        monkeypatch.setattr(arrivals, "FEWEST", fewest)
        with monkeypatch.context() as patch:
            patch.setattr(pools, "read", None)
            patch.setattr(stage, "read", None)
            patch.setattr(Engine, "copy_csv", None)
            run(open_region(folder))
        told.append(observed(folder)["content"])
    assert told[0] == told[1] == observed(apart)["content"]


def test_machines_that_take_turns_keep_deliveries_together_in_a_bucket(store: ObjectStore, bucket: str, apart: Path, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    make(folder)
    in_buckets(folder, store, bucket)
    deliver(folder, [0, 1])
    run(open_region(folder))
    for day in range(DAYS + 1):
        daily(folder, day)
        run(open_region(folder))
        folder = shutil.copytree(folder, tmp_path / f"machine{day}", ignore=shutil.ignore_patterns("cache", "outbox"))  # has nothing of the bucket
    opened = open_region(folder)
    (spec,) = {path.parent.parent.name for path in lake_of(opened).find(opened.pools, "*/*/list.parquet")}
    assert 1 <= len(pools.kept_pools(lake_of(opened), opened.pools, spec)) <= 4
    assert open_release(folder).release.content == observed(apart)["content"]
    assert all(one.records[0].place.raw for one in trace_many(open_release(folder), "measurement"))


def test_two_lanes_share_the_index_of_a_pool(tmp_path: Path) -> None:
    """Feeds of one reader in two lanes, which are indexed side by side: neither writes over the other."""
    folders = []
    for name, fewest in (("together", 1), ("apart", 1_000)):
        folder = tmp_path / name
        make(folder)
        with (folder / "organisations.csv").open("a", encoding="utf-8") as file:
            file.write("H2,H2,H2,,,,,UTC,,\n")
        for feed in ("his2", "lab2"):
            add_feed(open_region(folder), feed, "small/csv", "H2")
        folders.append(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(arrivals, "FEWEST", fewest)
            patch.setattr(arrivals, "lanes", lambda region, volumes: lanes.lanes(region, volumes, 1))
            deliver(folder, [0, 1])
            run(open_region(folder))
            for day in range(2):
                daily(folder, day)
                daily(folder, day + 10, ("his2", "lab2"))
                run(open_region(folder))
    assert observed(folders[0]) == observed(folders[1])
