"""The steps of the engines' bench: the same run on DuckDB and on Spark, what each of Spark's statements costs, and whether rows by hand are the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import duckdb

from bench.family import FamilyClock
from bench.measure import Clock, Measured
from bench.steps import region_at, said_of
from suwen.engine import opening
from suwen.engine.releases import Releases
from suwen.flow.run import run
from suwen.model.cdm import TABLES
from suwen.model.region import Region, Spark

CALLS = ("temporary", "copy", "copy_parts", "arrow", "register", "copy_csv", "copy_batches", "spread")
"""What a run asks of an engine; `rows`, `one` and `batches` come down to these."""


def running(folder: str, lake: str, engine: str, threads: int, memory: str, config: Mapping[str, str]) -> Measured:
    """`suwen run` on an engine, with all processes it starts. On Spark also the seconds to start it, and of each call how many and how long, added up."""
    region = region_at(folder, lake, threads, memory)
    region = replace(region, settings=replace(region.settings, engine=engine, spark=Spark(config=config)))
    calls: dict[str, list[float]] = {}
    with _counted(region, calls), FamilyClock() as clock:
        report = run(region)
    return clock.measured({**said_of(report, Path(lake)), "calls": {name: [len(all_), sum(all_)] for name, all_ in calls.items()}})


@contextmanager
def _counted(region: Region, calls: dict[str, list[float]]) -> Iterator[None]:
    """Note how long each call of Spark's engine takes, and its opening as `start`."""
    guard = Lock()

    def told(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return work(*given, **named)
            finally:
                with guard:
                    calls.setdefault(name, []).append(time.perf_counter() - began)

        return call

    if region.settings.engine != "spark":
        yield
        return
    from suwen.engine.spark.engine import SparkEngine  # noqa: PLC0415 an extra: it may be absent

    listed: dict[str, Any] = {name: told(name, getattr(SparkEngine, name)) for name in CALLS if hasattr(SparkEngine, name)}
    with patch.multiple(SparkEngine, **listed), patch("suwen.flow.stores.open_engine", told("start", opening.open_engine)):
        yield


def same_rows(folder: str, lake: str, by_hand: str, threads: int, memory: str) -> Measured:
    """Whether a run's tables and those made by hand have the same rows, in all columns but ids, which each makes in its own way.

    Says by table the rows of both and whether the exact sums of their rows' hashes agree, as DuckDB works them out of both.
    """
    region = region_at(folder, lake, threads, memory)
    release = Releases(Path(lake) / "releases").latest()
    assert release is not None
    found: dict[str, dict[str, Any]] = {}
    con = duckdb.connect(config={"threads": threads, "memory_limit": memory})
    with Clock() as clock:
        for path in sorted(Path(by_hand).iterdir()):
            ours = _sum(con, path.name, str(region.lake / "cdr" / path.name / "*" / "*.parquet"))
            theirs = _sum(con, path.name, str(path / "*.parquet"))
            found[path.name] = {"ours": ours[0], "by_hand": theirs[0], "same": ours == theirs}
    con.close()
    return clock.measured({"tables": found})


def _sum(con: duckdb.DuckDBPyConnection, table: str, files: str) -> tuple[int, str]:
    columns = [c.name for c in TABLES[table].columns if str(c.type) != "BIGINT"]
    hashed = ", ".join(f'"{name}"' for name in columns)
    row = con.execute(
        f"select count(*), coalesce(sum(hash({hashed})::hugeint), 0)::varchar from read_parquet($1, hive_partitioning = false)", [files]
    ).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])
