"""Runs beside each other and beside readers: one writer, whole releases, nothing done where nothing is new, the same content however it came about."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import suwen
from suwen.base.errors import SuwenError
from suwen.flow.land import land
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.model.receipt import Mode
from tests.integration.run_server import Answer, Prepared, wait_for
from tests.integration.small_region import PATIENTS, RESULTS, deliver, make


@pytest.fixture(scope="module")
def server() -> Iterator[Prepared]:
    with Prepared() as prepared:
        yield prepared


@pytest.fixture(scope="module")
def other() -> Iterator[Prepared]:
    with Prepared() as prepared:
        yield prepared


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region with the first delivery of each feed landed."""
    folder = tmp_path_factory.mktemp("region") / "landed"
    make(folder)
    deliver(folder, [0, 1])
    return folder


@pytest.fixture
def region(landed: Path, tmp_path: Path) -> Path:
    shutil.copytree(landed, tmp_path / "region")
    return tmp_path / "region"


class Later:
    """A command under way in another thread."""

    def __init__(self, server: Prepared, do: str, region: Path, **more: object) -> None:
        self.answer: Answer = {}
        self._thread = threading.Thread(target=lambda: self.answer.update(server.ask(do, region, **more)))
        self._thread.start()

    def end(self) -> Answer:
        self._thread.join()
        return self.answer


def held(region: Path, at: str) -> dict[str, str]:
    return {"at": at, "here": str(region / "here"), "until": str(region / "go")}


def test_a_reader_beside_runs_sees_whole_releases_only(region: Path, server: Prepared, other: Prepared) -> None:
    reading = Later(other, "read", region)
    content = {}
    try:
        for number, deliveries in enumerate(([], [2, 3]), 1):
            deliver(region, deliveries)
            for place in ("committed cdr/visit_detail", "release written"):
                assert server.run(region, kill_at=place).get("killed")
            assert server.run(region)["release"] == number
            content[number] = server.ask("content", region)["hash"]
        time.sleep(0.5)
    finally:
        (region / "stop").touch()
    seen = reading.end()["seen"]
    assert {one["number"] for one in seen} == {1, 2} and len(seen) > 10
    assert all(one["alike"] and one["hash"] == content[one["number"]] for one in seen)


def test_a_release_opened_before_a_run_stays_as_it_was(region: Path, server: Prepared, other: Prepared) -> None:
    server.run(region)
    first = server.ask("content", region)
    deliver(region, [2, 3])
    assert server.run(region)["release"] == 2
    assert server.ask("content", region, number=1) == first != server.ask("content", region)


def test_a_second_run_is_refused_while_one_is_at_work(region: Path, server: Prepared, other: Prepared) -> None:
    one = Later(server, "run", region, hold=held(region, "committed cdr/person"))
    wait_for(region / "here")
    two = other.run(region)
    assert "another run is at work in this region" in two["error"] and "--wait" in two["do"]
    (region / "go").touch()
    assert one.end()["release"] == 1
    assert other.run(region)["release"] is None


def test_a_run_that_waits_takes_up_what_the_first_left(region: Path, server: Prepared, other: Prepared) -> None:
    one = Later(server, "run", region, hold=held(region, "committed cdr/person"))
    wait_for(region / "here")
    two = Later(other, "run", region, wait=True)
    deliver(region, [2])  # lands while the first run is at work: it is the second's
    time.sleep(0.2)
    (region / "go").touch()
    assert (one.end()["release"], two.end()["release"]) == (1, 2)
    assert one.answer["observed"]["receipts"] == [3, 3] and two.answer["observed"]["receipts"] == [5, 5]


def test_the_lock_of_a_dead_run_is_no_hindrance(region: Path, server: Prepared) -> None:
    assert server.run(region, kill_at="committed cdr/person").get("killed")
    assert (region / "lake" / ".lock").exists()
    assert server.run(region)["release"] == 1


def files(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p.relative_to(folder)): (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*")}


def test_where_nothing_is_new_nothing_is_done(region: Path, server: Prepared) -> None:
    server.run(region)
    before = files(region)
    again = server.run(region)
    assert again["release"] is None and again["points"] == [] and files(region) == before


def test_a_run_leaves_no_scratch_and_no_temporary_file(region: Path, server: Prepared) -> None:
    server.run(region)
    names = [name for name in files(region / "lake") if "tmp" in name or "scratch" in name or "/." in name]
    assert names == []


@pytest.mark.parametrize("folder", ['o\'neil 50% of "all"', "区 域", "a#b?c=d&e[0]*{x}"])
def test_a_region_may_lie_in_a_folder_of_any_name(folder: str, landed: Path, tmp_path: Path, server: Prepared) -> None:
    shutil.copytree(landed, tmp_path / folder)
    shutil.copytree(landed, tmp_path / "plain")
    deliver(tmp_path / folder, [2])
    deliver(tmp_path / "plain", [2])
    assert server.run(tmp_path / folder)["observed"] == server.run(tmp_path / "plain")["observed"]
    assert server.ask("content", tmp_path / folder) == server.ask("content", tmp_path / "plain")


@pytest.mark.parametrize(("folder", "fitting"), [("a?b", "axb"), ("a*b", "axb"), ("a[1]", "a1")])
def test_a_folder_named_like_a_pattern_is_not_taken_for_others_that_fit_it(folder: str, fitting: str, landed: Path, tmp_path: Path) -> None:
    for name in (fitting, folder):
        shutil.copytree(landed, tmp_path / name)
        run(open_region(tmp_path / name))
    rows = suwen.open(tmp_path / folder).query("select count(*) as n from person").to_pylist()
    assert rows == suwen.open(tmp_path / fitting).query("select count(*) as n from person").to_pylist()
    deliver(tmp_path / folder, [2])
    assert run(open_region(tmp_path / folder)).release == 2
    assert suwen.open(tmp_path / folder).table("person").num_rows == 12


@pytest.mark.parametrize("folder", ["50%25", "a\\b", "a\nb"])
def test_a_path_that_the_tables_cannot_take_is_refused_when_the_region_is_made(folder: str, tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match="cannot take"):
        make(tmp_path / folder)
    assert not (tmp_path / folder).exists()


def fingerprints(answer: Answer) -> list[object]:
    return [answer["observed"][name] for name in ("content", "cells", "totals")]


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region whose results do not fit into a memory limit of 64 MiB."""
    folder = tmp_path_factory.mktemp("larger") / "region"
    make(folder)
    source = folder / "outbox" / "results"
    deliver(folder, [0, 2])
    source.mkdir()
    rows = (f"p{n % 13},v{n % 41},2024-{n % 12 + 1:02d}-{n % 28 + 1:02d},c{n % 700},{n % 1000}.{n % 97:02d}" for n in range(150_000))
    (source / "results.csv").write_text("\n".join([RESULTS, *rows]) + "\n")
    land(open_region(folder), "lab", [source], as_of=date(2024, 3, 1), mode=Mode.APPEND, received_at=datetime(2024, 5, 1, tzinfo=UTC))
    return folder


@pytest.mark.parametrize(("threads", "memory", "spills"), [(1, "1GiB", False), (2, "256MiB", False), (4, "64MiB", True)])
def test_threads_and_memory_do_not_show(threads: int, memory: str, spills: bool, larger: Path, tmp_path: Path, server: Prepared) -> None:
    folder = tmp_path / "region"
    shutil.copytree(larger, folder)
    answer = server.run(folder, threads=threads, memory=memory, watch=False, rows=False)
    known = larger / "known"
    if not known.exists():
        known.write_text(repr(fingerprints(answer)))
    assert repr(fingerprints(answer)) == known.read_text()
    assert bool(answer["spilled"]) == spills


def test_all_deliveries_at_once_or_one_by_one(region: Path, tmp_path: Path, server: Prepared) -> None:
    step_by_step = tmp_path / "steps"
    make(step_by_step)
    for number in range(4):
        deliver(step_by_step, [number])
        last = server.run(step_by_step, watch=False)
    deliver(region, [2, 3])
    at_once = server.run(region, threads=2, watch=False)
    assert last["release"] == 4 and at_once["release"] == 1
    assert fingerprints(last) == fingerprints(at_once)


def test_a_rebuild_from_landing_alone_has_the_same_content(region: Path, server: Prepared) -> None:
    server.run(region, watch=False)
    deliver(region, [2, 3])
    before = server.run(region, watch=False)
    shutil.rmtree(region / "lake")
    assert fingerprints(server.run(region, watch=False)) == fingerprints(before)
    assert not os.path.lexists(region / "lake" / ".scratch")


@pytest.mark.parametrize("rows", [[",1950-01-01,M,U"], [",,,", ",,,"]])
def test_an_increment_of_nothing_but_records_whose_key_cannot_be_read_balances(tmp_path: Path, rows: list[str]) -> None:
    make(tmp_path / "region")
    deliver(tmp_path / "region", [0])
    run(open_region(tmp_path / "region"))
    (tmp_path / "patients-late.csv").write_text("\n".join([PATIENTS, *rows]) + "\n", "utf-8")
    land(open_region(tmp_path / "region"), "his", [tmp_path / "patients-late.csv"], mode=Mode.UPSERT)
    report = run(open_region(tmp_path / "region"))
    assert report.release == 2 and report.totals["his|patients|person|quarantined"] == len(rows)
