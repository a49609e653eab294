"""Threads and memory of region.toml hold for every engine of every process: runs, readers, maintenance, restores, and all of a server together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import suwen
from suwen.flow.backup.folder import BackupFolder
from suwen.flow.backup.giving import restore
from suwen.flow.backup.taking import back_up
from suwen.flow.export import export
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.trace import trace
from suwen.flow.upkeep.maintain import maintain
from suwen.model.region import Region, Settings
from suwen.serve.console.published import ENGINES, Published
from tests.integration.small_region import deliver, make

SETTINGS = {"threads = 1": "threads = 3", '"256MiB"': '"300MiB"'}


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    folder = tmp_path_factory.mktemp("limits") / "region"
    make(folder)
    path = folder / "region.toml"
    text = path.read_text("utf-8")
    for before, after in SETTINGS.items():
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
    deliver(folder, [0, 1])
    run(open_region(folder))
    return open_region(folder)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, str]]]:
    """What each engine made from now on says of its limits, asked from itself."""
    found: list[dict[str, str]] = []
    connect = duckdb.connect

    def noting(*args: Any, **more: Any) -> Any:
        connection = connect(*args, **more)
        found.append(dict(connection.execute("select name, value from duckdb_settings() where name in ('threads', 'memory_limit')").fetchall()))
        return connection

    before = pa.cpu_count(), pa.io_thread_count()
    monkeypatch.setattr(duckdb, "connect", noting)
    pa.set_cpu_count(7)
    yield found
    pa.set_cpu_count(before[0])
    pa.set_io_thread_count(before[1])


def mib(said: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+) ?(MiB|GiB)", said).groups()  # type: ignore[union-attr]
    return float(number) * (1024 if unit == "GiB" else 1)


def test_every_engine_has_the_regions_limits(region: Region, made: list[dict[str, str]], tmp_path: Path) -> None:
    def counted(work: Any) -> Any:
        before = len(made)
        given = work()
        assert len(made) > before, "no engine was made"
        return given

    deliver(region.folder, [2])
    counted(lambda: run(region))
    assert (pa.cpu_count(), pa.io_thread_count()) == (3, 3)
    opened = suwen.open(region.folder)
    visit = counted(lambda: opened.query("select min(visit_occurrence_id) as id from cdr.visit_occurrence")).to_pylist()[0]["id"]
    counted(lambda: opened.table("person"))
    counted(lambda: trace(opened, "visit_occurrence", str(visit)))
    counted(lambda: export(opened, "parquet", tmp_path / "export"))
    back_up(region, BackupFolder(tmp_path / "kept"))
    counted(lambda: restore(BackupFolder(tmp_path / "kept"), tmp_path / "back"))
    counted(lambda: maintain(region))
    assert {one["threads"] for one in made} == {"3"}
    assert all(mib(one["memory_limit"]) <= 301 for one in made), made


def test_all_engines_of_a_server_together_have_the_regions_memory(region: Region, made: list[dict[str, str]]) -> None:
    large = replace(region, settings=replace(region.settings, memory="2GiB"))
    published = Published(large, 1)
    published.opened.table("person")
    assert published.answers.release == 1
    visit = published.opened.query("select min(visit_occurrence_id) as id from cdr.visit_occurrence").to_pylist()[0]["id"]
    trace(published.opened, "visit_occurrence", str(visit))
    assert len(made) >= 4 and {one["threads"] for one in made} == {"3"}
    assert max(mib(one["memory_limit"]) for one in made) * ENGINES <= 2048.1


@pytest.mark.parametrize(("memory", "parts", "share"), [("4GiB", 4, "1024MiB"), ("900MiB", 4, "225MiB"), ("256MiB", 4, "128MiB"), ("4GB", 1, "3814MiB")])
def test_a_share_is_an_equal_part_and_never_too_small(memory: str, parts: int, share: str) -> None:
    assert Settings(2, memory).share(parts).memory == share
