"""How a table's files are best laid out: partitions, order, file and row-group sizes at 1, 24 and 1,000 hospitals, by what writing, a day and reads cost.

python -m bench.layout                       4 million rows; the report goes to docs/bench/layout.md
python -m bench.layout --rows 100000         a small one; its report stays in the folder
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from bench.measure import ROOT, Measured, StepFailed, as_child, in_process, machine
from bench.policies import POLICIES
from bench.report import Table, aligned, marked
from suwen.flow.layout import RECENT_ROWS, ROWS

HOSPITALS, ROWS_MADE, PIECES = (1, 24, 1_000), 4_000_000, (1, 4, 10, 30, 100, 365)
REPORT = ROOT / "docs" / "bench" / "layout.md"
PACKAGES = ("duckdb", "pyarrow")
_WHAT = (
    "Rows in the shape of measurement, with all its columns, three years of them, as they come: hospital by hospital, within one by day. They are written as",
    "a run writes a table, part by part from a temporary one. Then a day of one hospital: its new rows, and a tenth as many corrected ones of the last seven",
    "days and of a year ago, so that files are written again; then three questions over all files, each the median of five times with everything in the",
    f"system's cache. Read bytes are those that the process asked of files. As it is: ranges of months of {ROWS:,} rows, {RECENT_ROWS:,} in the last year.",
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where a step failed. `words` of the command line, else the process's own."""
    given = _arguments(words)
    if given.child:
        as_child(given.child)
        return 0
    before, folder, tables = machine(PACKAGES), given.folder.resolve() / "layout", []
    limits = {"threads": given.threads, "memory": given.memory}
    measured: dict[str, object] = {}
    try:
        for hospitals in given.hospitals:
            made = _step("source", folder=str(folder / "source"), hospitals=hospitals, rows=given.rows, **limits)
            found = {p.name: _step("laid_out", source=str(folder / "source"), folder=str(folder / "table"), policy=asdict(p), **limits) for p in POLICIES}
            measured[str(hospitals)] = {name: asdict(one) for name, one in found.items()}
            tables.append(_table(hospitals, made, found))
            if hospitals == max(given.hospitals):
                split = _step("pieces", source=str(folder / "source"), folder=str(folder / "pieces"), counts=list(PIECES), **limits)
                measured["pieces"] = asdict(split)
                tables.append(_pieces(split))
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    folder.joinpath("layout.json").write_text(json.dumps(measured, indent=1), encoding="utf-8")
    tables.append(Table("Machine", ("what", "is"), list(before.items())))
    head = ["# How files are laid out", "", *_WHAT, "", f"`python -m bench.layout --rows {given.rows}`: {given.threads} threads, {given.date}.", ""]
    report = given.report or (REPORT if given.rows == ROWS_MADE else folder / "layout.md")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("\n".join([*head, *(line for table in tables for line in marked(table))]), encoding="utf-8")
    print("\n".join([*head, *(line for table in tables for line in aligned(table))]))
    return 0


def _step(step: str, **arguments: object) -> Measured:
    measured = in_process("bench.layout", f"layouts.{step}", arguments)
    policy = arguments.get("policy")
    name = f"{step} {policy['name'] if isinstance(policy, Mapping) else ''}"
    print(f"{name:<55}{measured.seconds:>9.2f} s {measured.peak / 2**20:>7.0f} MiB", file=sys.stderr, flush=True)
    return measured


def _table(hospitals: int, made: Measured, found: Mapping[str, Measured]) -> Table:
    first = next(iter(found.values())).said
    questions = list(first["reads"])
    columns = ("layout", "files", "MB", "MB a file", "writing, s", "day, s", "written again", *(f"{name}, ms; MB" for name in questions))
    rows = []
    for name, one in found.items():
        said = one.said
        reads = (f"{said['reads'][q]['seconds'] * 1000:,.0f}; {said['reads'][q]['bytes'] / 1e6:,.1f}" for q in questions)
        sizes, again = f"{said['least'] / 1e6:,.1f} to {said['most'] / 1e6:,.1f}", f"{said['rewritten']} files; {said['rewritten_bytes'] / 1e6:,.1f} MB"
        rows.append((name, f"{said['files']:,}", f"{said['bytes'] / 1e6:,.1f}", sizes, f"{said['write']:.2f}", f"{said['day']:.2f}", again, *reads))
    day = f"a day of one: {made.said['daily']:,} new and {made.said['corrected']:,} corrected"
    title = f"{hospitals:,} hospital{'s' * (hospitals > 1)}: {made.said['rows']:,} rows, {day}"
    return Table(title, columns, rows)


def _pieces(split: Measured) -> Table:
    pieces: Mapping[str, Mapping[str, object]] = split.said["pieces"]
    questions = list(split.said["pieces"]["1"]["reads"]) if "1" in pieces else []
    rows = []
    for count, said in split.said["pieces"].items():
        reads = (f"{said['reads'][q]['seconds'] * 1000:,.0f}; {said['reads'][q]['bytes'] / 1e6:,.1f}" for q in questions)
        rows.append((count, f"{said['rows']:,}", f"{said['bytes'] / 1e6:,.1f}", f"{said['merge']:.2f}", *reads))
    columns = ("files", "rows a file", "MB", "made one, s", *(f"{name}, ms; MB" for name in questions))
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
