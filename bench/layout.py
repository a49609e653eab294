"""How a table's files are best laid out: partitions, order, file and row-group sizes at 1, 24 and 1,000 hospitals, by what writing, a day and reads cost.

python -m bench.layout                       3 million rows; the report goes to docs/bench/layout.md
python -m bench.layout --rows 100000         a small one; its report stays in the folder
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Measured, StepFailed, as_child, in_process, machine
from bench.policies import POLICIES
from bench.report import Table, aligned, marked
from suwen.flow.layout import RECENT_ROWS, ROWS

HOSPITALS, ROWS_MADE, PIECES = (1, 24, 1_000), 3_000_000, (1, 4, 10, 30, 100, 365)
REPORT = ROOT / "docs" / "bench" / "layout.md"
PACKAGES = ("duckdb", "pyarrow")
_WHAT = (
    "Rows in the shape of measurement, with all its columns, three years of them, as they come: hospital by hospital, within one by day. They are written as",
    "a run writes a table, part by part from a temporary one. Then a day of one hospital: its new rows, and a tenth as many corrected ones of the last seven",
    "days and of a year ago, so that files are written again; then three questions over all files, each the median of five times with everything in the",
    "system's cache. Work is told as seconds by the clock; seconds of processors, which bear some company. Reads are milliseconds; of processors; megabytes",
    f"that were asked of files. As it is: ranges of months of {ROWS:,} rows, {RECENT_ROWS:,} in the last year.",
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where a step failed. `words` of the command line, else the process's own."""
    given = _arguments(words)
    if given.child:
        as_child(given.child)
        return 0
    bench = _Kept(given)
    try:
        tables = [table for hospitals in given.hospitals for table in _tables(bench, hospitals)]
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    folder = bench.folder
    tables.append(Table("Machine", ("what", "is"), list(bench.found["machine"].items())))
    head = ["# How files are laid out", "", *_WHAT, "", f"`python -m bench.layout --rows {given.rows}`: {given.threads} threads, {given.date}.", ""]
    report = given.report or (REPORT if given.rows == ROWS_MADE else folder / "layout.md")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("\n".join([*head, *(line for table in tables for line in marked(table))]), encoding="utf-8")
    print("\n".join([*head, *(line for table in tables for line in aligned(table))]))
    return 0


class _Kept:
    """The bench in its folder; each step's figures are kept, so that a bench that was stopped goes on where it was."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.folder = given, given.folder.resolve() / "layout"
        self.place = self.folder / "layout.json"
        self.found: dict[str, Any] = {"rows": given.rows, "machine": machine(PACKAGES), "steps": {}}
        if self.place.exists() and (kept := json.loads(self.place.read_text("utf-8")))["rows"] == given.rows:
            self.found = kept

    def step(self, name: str, step: str, **arguments: Any) -> Measured:
        """A step's figures, as kept or measured now."""
        if name not in self.found["steps"]:
            given = self.given
            measured = in_process("bench.layout", f"layouts.{step}", {**arguments, "threads": given.threads, "memory": given.memory})
            print(f"{name:<60}{measured.seconds:>9.2f} s {measured.cpu:>9.2f} s CPU {measured.peak / 2**20:>7.0f} MiB", file=sys.stderr, flush=True)
            self.found["steps"][name] = asdict(measured)
            self.place.write_text(json.dumps(self.found, indent=1), encoding="utf-8")
        return Measured(**self.found["steps"][name])


def _tables(bench: _Kept, hospitals: int) -> Iterator[Table]:
    """What was found at one number of hospitals; at the highest also in how many files a part may lie."""
    source, table = str(bench.folder / f"source-{hospitals}"), str(bench.folder / "table")
    made = bench.step(f"{hospitals}: source", "source", folder=source, hospitals=hospitals, rows=bench.given.rows)
    yield _table(hospitals, made, {p.name: bench.step(f"{hospitals}: {p.name}", "laid_out", source=source, folder=table, policy=asdict(p)) for p in POLICIES})
    if hospitals == max(bench.given.hospitals):
        yield _pieces(bench.step("pieces", "pieces", source=source, folder=str(bench.folder / "pieces"), counts=list(PIECES)))


def _table(hospitals: int, made: Measured, found: Mapping[str, Measured]) -> Table:
    first = next(iter(found.values())).said
    questions = list(first["reads"])
    columns = ("layout", "files", "MB", "MB a file", "writing", "day", "written again", *questions)
    rows = []
    for name, one in found.items():
        said = one.said
        reads = (_read(said["reads"][q]) for q in questions)
        sizes, again = f"{said['least'] / 1e6:,.1f} to {said['most'] / 1e6:,.1f}", f"{said['rewritten']} files; {said['rewritten_bytes'] / 1e6:,.1f} MB"
        rows.append((name, f"{said['files']:,}", f"{said['bytes'] / 1e6:,.1f}", sizes, _work(said["write"]), _work(said["day"]), again, *reads))
    day = f"a day of one: {made.said['daily']:,} new and {made.said['corrected']:,} corrected"
    title = f"{hospitals:,} hospital{'s' * (hospitals > 1)}: {made.said['rows']:,} rows, {day}"
    return Table(title, columns, rows)


def _work(said: Mapping[str, float]) -> str:
    """Seconds; of processors."""
    return f"{said['seconds']:.2f}; {said['cpu']:.2f}"


def _read(said: Mapping[str, float]) -> str:
    """Milliseconds; of processors; megabytes read."""
    return f"{said['seconds'] * 1000:,.0f}; {said['cpu'] * 1000:,.0f}; {said['bytes'] / 1e6:,.1f}"


def _pieces(split: Measured) -> Table:
    pieces: Mapping[str, Mapping[str, Any]] = split.said["pieces"]
    questions = list(next(iter(pieces.values()))["reads"])
    rows = []
    for count, said in pieces.items():
        reads = (_read(said["reads"][q]) for q in questions)
        rows.append((count, f"{said['rows']:,}", f"{said['bytes'] / 1e6:,.1f}", _work(said["merge"]), *reads))
    columns = ("files", "rows a file", "MB", "made one", *questions)
    return Table(f"One part of {split.said['rows']:,} rows in so many files", columns, rows)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.layout", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS_MADE, help="default: %(default)s")
    parser.add_argument("--hospitals", type=int, nargs="+", default=HOSPITALS, help="default: 1 24 1000")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--memory", default="4GiB", help="the engine's memory limit (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where tables are written (default: build/bench)")
    parser.add_argument("--report", type=Path, help="the Markdown report (default: docs/bench/layout.md at the default size, else in the folder)")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
