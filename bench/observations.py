"""Patients with a given observation code and value in a range of days, by month: our release asked by DuckDB, and Spark at its best of six ways.

The question is that of google/fhir-data-pipes' notebook query/test_duckdb.ipynb (2024), which rejected DuckDB over nested Parquet. Rows are written as a
release by our engine in our layout; Spark reads the same files, or tables made of the same rows in ways that suit it. Each way has a process of its own.

    python -m bench.observations                                 17 and 170 million, in build/observations (root; 15 GB); docs/bench/observations.md
    python -m bench.observations --sizes 72000 --warm-only       a small one without dropping the page cache; its report stays beside its data
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Measured, StepFailed, in_process, machine
from bench.report import Table, aligned, marked

SIZES = (17_000_000, 170_000_000)
REPORT = ROOT / "docs" / "bench" / "observations.md"
PACKAGES = ("duckdb", "pyspark", "deltalake", "pyarrow")
_TUNED = {"spark.driver.memory": "8g", "spark.sql.shuffle.partitions": "4"}
_ROW_BY_ROW = {"spark.sql.parquet.enableVectorizedReader": "false", "spark.sql.adaptive.enabled": "false"}


@dataclass(frozen=True)
class Way:
    """A way to ask Spark. `table`: "ours", or "flat" or "nested" for one made for it; `keep`: in memory."""

    name: str
    table: str
    config: Mapping[str, str]
    keep: bool = False


WAYS = (
    Way("our files, Spark as it comes (1 GB, 200 partitions to shuffle, AQE, vectorised)", "ours", {}),
    Way("our files, tuned (8 GB, 4 partitions to shuffle)", "ours", _TUNED),
    Way("our files, tuned, without AQE, row by row", "ours", {**_TUNED, **_ROW_BY_ROW}),
    Way("our files, tuned, the four columns kept in memory", "ours", _TUNED, True),
    Way("four columns in a folder a month, tuned", "flat", _TUNED),
    Way("nested FHIR Observations in a folder a month, tuned", "nested", _TUNED),
)
_WHAT = (
    "Patients and observations with a given code, below a value, in twelve of 36 months, by month: the question of fhir-data-pipes. Ours is asked by",
    "`OpenRelease.query` of `omop.measurement`, the release opened anew each time. Spark has two cores of the same machine as DuckDB has.",
)
_NOTES = (
    "Rows are not a run's: DuckDB writes them by our engine, with all stored columns, in the parts and files that a first run makes, committed and",
    "published as a release. Hospitals send by month, each in the order of days; ids are hashes as ours are; codes lie over all files; about one in 190",
    "observations has the code asked for, a quarter of these are below the value.",
    "Cold: the page cache is dropped inside the process, when it has answered another question, of no table, and before anything of the rows has been read;",
    "bytes are read_bytes of /proc/<process>/io, Java included. What Spark keeps in memory is read within the cold time.",
    "Warm is the median of three more. Memory is the process's, Java included, highest of all four. The plain scan reads the question's four columns for its",
    "twelve months and gives one number a column.",
    "Tables made for Spark are written by DuckDB from the same rows, in row groups of a million; a filter on the folder's month is given in the nested one.",
)


@dataclass
class Size:
    """What was measured over so many rows."""

    made: Measured
    ours: Measured | None = None
    scan: Measured | None = None
    spark: dict[str, Measured] = field(default_factory=dict)
    tables: dict[str, Measured] = field(default_factory=dict)

    @property
    def checks(self) -> list[tuple[str, bool]]:
        assert self.ours is not None
        answer = self.ours.said["answer"]
        return [
            ("the question has an answer in each of twelve months", len(answer) == 12),
            *((f"the same answer: {name}", asked.said["answer"] == answer) for name, asked in self.spark.items()),
        ]


class Bench:
    """The bench in its folder; tables are made one after the other and taken away again."""

    def __init__(self, folder: Path, threads: int, memory: str, cold: bool) -> None:
        self.folder, self.cold = folder, cold
        self.limits: dict[str, object] = {"threads": threads, "memory": memory}

    def measure(self, rows: int) -> Size:
        self.folder.mkdir(parents=True, exist_ok=True)
        region = str(self.folder / "region")
        size = Size(self._step("made", folder=region, rows=rows, **self.limits))
        size.ours = self._step("ours", folder=region, cold=self.cold, **self.limits)
        size.scan = self._step("scanned", folder=region, cold=self.cold, **self.limits)
        for way in WAYS:
            table = "ours" if way.table == "ours" else str(self.folder / way.table)
            if way.table != "ours":
                step = "flattened" if way.table == "flat" else "nested"
                size.tables[way.table] = self._step(step, folder=region, out=table, **self.limits)
            asked = {"table": table, "config": way.config, "threads": self.limits["threads"], "keep": way.keep}
            size.spark[way.name] = self._step("on_spark", folder=region, cold=self.cold, **asked)
            if way.table != "ours":
                shutil.rmtree(table)
        shutil.rmtree(region)
        shutil.rmtree(f"{region}-spill", ignore_errors=True)
        return size

    def _step(self, step: str, **arguments: object) -> Measured:
        measured = in_process("bench.spine", f"observing.{step}", arguments)
        first = measured.said.get("first", {}).get("seconds", measured.seconds)
        print(f"{step:<12}{first:>9.2f} s first {measured.peak / 2**20:>7.0f} MiB", file=sys.stderr, flush=True)
        return measured


def warm(asked: Measured) -> float:
    """Median seconds of the times after the first."""
    return float(sorted(one["seconds"] for one in asked.said["again"])[len(asked.said["again"]) // 2])


def first(asked: Measured) -> float:
    return float(asked.said["first"]["seconds"])


def _tables(sizes: Sequence[Size]) -> Iterator[Table]:
    yield Table("In short", ("figure", *(f"{size.made.said['rows']:,} observations" for size in sizes), "wanted"), list(_summary(sizes)))
    for size in sizes:
        yield Table(f"{size.made.said['rows']:,} observations", ("who", "cold, s", "MB read", "warm, s", "peak, MiB"), list(_asked(size)))
    yield Table("Tables", ("what", "rows", "written in, s", "MB"), [row for size in sizes for row in _made(size)])
    yield Table("What must hold", ("check", *("holds" for _ in sizes)), _checked(sizes))


def _summary(sizes: Sequence[Size]) -> Iterator[tuple[str, ...]]:
    def row(name: str, wanted: str, *cells: str) -> tuple[str, ...]:
        return (name, *cells, wanted)

    def of(ask: Any) -> list[str]:
        return [ask(size) for size in sizes]

    yield row("ours cold / the same columns read cold", "<= 1.5", *of(lambda s: f"{first(s.ours) / first(s.scan):.2f}"))
    yield row("ours warm / the same columns read warm", "", *of(lambda s: f"{warm(s.ours) / warm(s.scan):.2f}"))
    yield row("ours cold / Spark's best cold", "", *of(lambda s: _best(s, first)))
    yield row("ours warm / Spark's best warm", "", *of(lambda s: _best(s, warm)))
    kept = {way.name for way in WAYS if way.keep}
    yield row("ours warm / Spark's best warm, from disk", "", *of(lambda s: _best(s, warm, kept)))


def _best(size: Size, of: Any, without: Sequence[str] | set[str] = ()) -> str:
    assert size.ours is not None
    best = min((asked for name, asked in size.spark.items() if name not in without), key=of)
    return f"{of(size.ours) / of(best):.2f} ({of(size.ours):.2f} s / {of(best):.2f} s)"


def _asked(size: Size) -> Iterator[tuple[str, ...]]:
    assert size.ours is not None and size.scan is not None
    every = {"ours: `OpenRelease.query`": size.ours, "plain scan of the four columns, DuckDB": size.scan, **{f"Spark: {n}": m for n, m in size.spark.items()}}
    for name, asked in every.items():
        yield name, f"{first(asked):.2f}", f"{asked.said['first']['read'] / 1e6:,.0f}", f"{warm(asked):.2f}", f"{asked.peak / 2**20:,.0f}"


def _made(size: Size) -> Iterator[tuple[str, ...]]:
    rows = f"{size.made.said['rows']:,}"
    yield f"our release, {size.made.said['files']} files", rows, f"{size.made.seconds:.0f}", f"{size.made.said['bytes'] / 1e6:,.0f}"
    for name, made in size.tables.items():
        yield f"{name}, for Spark", rows, f"{made.seconds:.0f}", f"{made.said['bytes'] / 1e6:,.0f}"


def _checked(sizes: Sequence[Size]) -> list[tuple[str, ...]]:
    each = [dict(size.checks) for size in sizes]
    return [(what, *("yes" if checks[what] else "NO" for checks in each)) for what in each[0]]


def _head(sizes: Sequence[Size], given: argparse.Namespace) -> list[str]:
    said = f"`python -m bench.observations --sizes {','.join(map(str, given.sizes))}`: {given.threads} threads, {given.date}."
    warm_only = ["", "The page cache was not dropped: the first time is not cold."] if given.warm_only else []
    return ["# Observations by code, value and month", "", *_WHAT, "", said, *warm_only, ""]


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where an answer is wrong or a step failed, 2 where the page cache cannot be dropped."""
    given = _arguments(words)
    if not given.warm_only and os.geteuid() != 0:
        print("only root may drop the page cache: --warm-only measures without", file=sys.stderr)
        return 2
    folder = given.folder.resolve()
    about = Table("Machine", ("what", "is"), list(machine(PACKAGES).items()))
    try:
        bench = Bench(folder, given.threads, given.memory, not given.warm_only)
        sizes = [bench.measure(rows) for rows in given.sizes]
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    (folder / "observations.json").write_text(json.dumps({"date": given.date, "sizes": [asdict(size) for size in sizes]}, indent=1), encoding="utf-8")
    report = given.report or (REPORT if tuple(given.sizes) == SIZES and not given.warm_only else folder / "observations.md")
    tables, head = [*_tables(sizes), about], _head(sizes, given)
    report.write_text("\n".join([*head, *(line for table in tables for line in marked(table)), "## Notes", "", *_NOTES, ""]), encoding="utf-8")
    print("\n".join([*head, *(line for table in tables for line in aligned(table))]))
    return 0 if all(holds for size in sizes for _, holds in size.checks) else 1


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.observations", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=lambda text: [int(part) for part in text.split(",")], default=list(SIZES), help="observations, by commas")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "observations", help="default: build/observations")
    parser.add_argument("--memory", default="4GiB", help="DuckDB's limit (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--warm-only", action="store_true", help="do not drop the page cache")
    parser.add_argument("--report", type=Path, help="default: docs/bench/observations.md for the default sizes, else observations.md in the folder")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
