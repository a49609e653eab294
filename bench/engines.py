"""The same region made by DuckDB and by Spark at several sizes, and Spark's own cost: our mapping on Spark against a job written for Spark by hand.

Every measured step has a process of its own, its Java included. Times are printed, never asserted; content that is not the same on both engines, or
rows that are not those made by hand, end the bench with exit code 1.

    python -m bench.engines                                   four sizes, in build/engines; the report goes to docs/bench/engines.md
    python -m bench.engines --sizes 20000,40000 --by-hand 20000   small ones; their report stays beside their data
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from bench.engine_report import in_text, markdown
from bench.engine_sizes import Compared, Findings, Size
from bench.measure import ROOT, Measured, StepFailed, in_process, machine
from bench.spine import BASE_DAY

SIZES, BY_HAND = (200_000, 1_000_000, 2_000_000, 4_000_000), 2_000_000
REPORT = ROOT / "docs" / "bench" / "engines.md"
PACKAGES = ("duckdb", "pyspark", "deltalake", "pyarrow", "sqlglot")
MODULE = "bench.spine"  # answers `--child` for the steps of any bench


@dataclass(frozen=True)
class Bench:
    """The bench in its folder. `spread`: whether the run is also measured on one core, to tell what of Spark's work is done side by side."""

    folder: Path
    threads: int
    memory: str
    repeats: int
    spread: bool = True
    said: list[str] = field(default_factory=list)

    def measure(self, sizes: Sequence[int], by_hand: int) -> Findings:
        """Every size on both engines, then the job by hand at one of them."""
        found = Findings(machine(PACKAGES), self.threads, self.memory)
        for rows in sizes:
            found.sizes.append(self._size(rows, by_hand == rows))
            if by_hand == rows:
                found.compared = self._compare(found.sizes[-1])
            if self.spread and rows == by_hand:
                found.one_core = self._run("spark", 1)
            shutil.rmtree(self._region)
        return found

    @property
    def _region(self) -> Path:
        return self.folder / "region"

    def _size(self, rows: int, several: bool) -> Size:
        sources = self.folder / "sources" / str(rows)
        sources.mkdir(parents=True, exist_ok=True)
        source = self._step("sources.rows", folder=str(sources / "region"), rows=rows, offset=0, threads=self.threads, memory=self.memory).said
        self._step("steps.region", folder=str(self._region))
        self._step("steps.landing", folder=str(self._region), source=str(sources / "region"), as_of=BASE_DAY, window=None)
        size = Size(rows, source["total"], str(sources / "region"))
        for _ in range(self.repeats if several or rows < BY_HAND else 1):
            size.duckdb.append(self._run("duckdb"))
            size.spark.append(self._run("spark"))
        return size

    def _run(self, engine: str, threads: int | None = None) -> Measured:
        """A run from landing alone into an empty lake, which stays until the next on the same engine."""
        lake = self._region / f"lake-{engine}"
        shutil.rmtree(lake, ignore_errors=True)
        limits = {"threads": threads or self.threads, "memory": self.memory}
        return self._step("engine_steps.running", folder=str(self._region), lake=str(lake), engine=engine, config={}, **limits)

    def _compare(self, size: Size) -> Compared:
        """The job by hand from the files and from our staged text, beside the runs just measured; then both sets of rows held against each other."""
        found, out, limits = Compared(size), str(self.folder / "by-hand"), {"threads": self.threads, "memory": self.memory}
        staged = self._region / "lake-spark" / "staging" / "synthea"
        for _ in range(self.repeats):
            found.from_staged.append(self._step("by_hand.mapping", source=str(staged), out=out, staged=True, **limits))
            found.from_files.append(self._step("by_hand.mapping", source=size.folder, out=out, staged=False, **limits))
        lake = str(self._region / "lake-spark")
        found.rows = self._step("engine_steps.same_rows", folder=str(self._region), lake=lake, by_hand=out, **limits).said["tables"]
        shutil.rmtree(out)
        return found

    def _step(self, step: str, **arguments: object) -> Measured:
        measured = in_process(MODULE, step, arguments)
        told = f"{step} {arguments.get('engine', '')}"
        print(f"{told:<30}{measured.seconds:>9.2f} s {measured.cpu:>9.2f} s CPU {measured.peak / 2**20:>7.0f} MiB", file=sys.stderr, flush=True)
        return measured


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where content is wrong or a step failed."""
    given = _arguments(words)
    folder = given.folder.resolve()
    try:
        found = Bench(folder, given.threads, given.memory, given.repeats, not given.skip_spread).measure(given.sizes, given.by_hand)
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    (folder / "engines.json").write_text(json.dumps({"date": given.date, **asdict(found)}, indent=1), encoding="utf-8")
    report = given.report or (REPORT if tuple(given.sizes) == SIZES else folder / "engines.md")
    report.write_text(markdown(found, given.date), encoding="utf-8")
    print(in_text(found, given.date))
    return 0 if found.all_hold else 1


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_sizes, default=list(SIZES), help="source rows, by commas (default: four sizes)")
    parser.add_argument("--by-hand", type=int, default=BY_HAND, help="at which of them the job by hand is done (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "engines", help="default: build/engines")
    parser.add_argument("--memory", default="4GiB", help="DuckDB's limit, and Java's heap (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=2, help="rounds at sizes up to that of the job by hand; above it one (default: %(default)s)")
    parser.add_argument("--skip-spread", action="store_true", help="no run of Spark on one core")
    parser.add_argument("--report", type=Path, help="default: docs/bench/engines.md for the default sizes, else engines.md in the folder")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    return parser.parse_args(words)


def _sizes(text: str) -> list[int]:
    found = [int(part) for part in text.split(",") if part.isascii() and part.isdigit() and int(part)]
    if len(found) < 2 or len(found) != text.count(",") + 1:
        raise argparse.ArgumentTypeError(f"{text} is not two or more whole numbers above 0 by commas")
    return found


if __name__ == "__main__":
    sys.exit(main())
