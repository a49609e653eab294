"""What indicators cost: their cells against a plain scan of the columns they use, one hospital's day more, and the answers of pages.

Times are printed, never asserted.

    python -m bench.indicators                              20 million rows; the report goes to docs/bench/indicators.md
    python -m bench.indicators --persons 3000 --years 1     a small one; its report stays in the folder
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import median

from bench.measure import ROOT, Measured, StepFailed, as_child, in_process, machine
from bench.report import Table, aligned, marked

HOSPITALS, PERSONS, YEARS = 48, 112_000, 3
REPORT = ROOT / "docs" / "bench" / "indicators.md"
PACKAGES = ("duckdb", "deltalake", "pyarrow", "sqlglot")
_WHAT = (
    "All points of the ten indicators of pack `cn`, over a clean simulated region: every organisation, every day. The scan reads every column that the",
    "points which add up name, in the tables they stand in, each once, as a sum of hashes, so that no statistics answer for it; scan and cells took turns in",
    "one process. Medians and numbers of persons keep every value and every person apart and are measured by themselves. The increment is the last day of one",
    "hospital, landed and run. Pages are asked of a door that is open already; the first time of each is what it costs to put its cells together by month.",
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where a step failed. `words` of the command line, else the process's own."""
    given = _arguments(words)
    if given.child:
        as_child(given.child)
        return 0
    before, folder = machine(PACKAGES), str((given.folder / "indicators").resolve())
    asked = {"hospitals": given.hospitals, "persons": given.persons, "years": given.years}
    try:
        made = _of_region("region", folder, given.kept, **asked)
        cells = _step("indicating.cells", folder=folder, rounds=given.repeats)
        more = _of_region("increment", folder, given.kept)
        pages = _step("indicating.pages", folder=folder)
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    tables = [_short(cells, more, pages), _rounds(cells), *([_region(made)] if made else []), *([_increment(more)] if more else []), _pages(pages)]
    tables.append(Table("Machine", ("what", "is"), list(before.items())))
    said = " ".join(f"--{name} {number}" for name, number in asked.items())
    head = ["# What indicators cost", "", *_WHAT, "", f"`python -m bench.indicators {said}`: rounds: {given.repeats}, {given.date}.", ""]
    report = given.report or (REPORT if (given.persons, given.years) == (PERSONS, YEARS) else given.folder / "indicators.md")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("\n".join([*head, *(line for table in tables for line in marked(table))]), encoding="utf-8")
    print("\n".join([*head, *(line for table in tables for line in aligned(table))]))
    return 0


def _step(step: str, **arguments: object) -> Measured:
    measured = in_process("bench.indicators", step, arguments)
    print(f"{step:<22}{measured.seconds:>9.2f} s {measured.cpu:>9.2f} s CPU {measured.peak / 2**20:>7.0f} MiB", file=sys.stderr, flush=True)
    return measured


def _of_region(name: str, folder: str, kept: bool, **arguments: object) -> Measured | None:
    """A step that changes the region, measured now, or as it was when the region that is kept was made; None where that is not known."""
    said = Path(folder).with_suffix(f".{name}.json")
    if kept:
        return Measured(**json.loads(said.read_text("utf-8"))) if said.exists() else None
    measured = _step(f"indicating.{name}", folder=folder, **arguments)
    said.write_text(json.dumps(asdict(measured)), encoding="utf-8")
    return measured


def _short(cells: Measured, more: Measured | None, pages: Measured) -> Table:
    seconds = {name: median(found) for name, found in cells.said["seconds"].items()}
    slowest = max(pages.said["asked"].items(), key=lambda pair: float(pair[1]["median"]))
    rows = [
        ("cells of points that add up / plain scan", f"{seconds['adding'] / seconds['scan']:.2f}", "<= 5"),
        ("cells of medians and persons / the same scan", f"{seconds['apart'] / seconds['scan']:.2f}", "apart"),
        ("the slowest page, median", f"{slowest[1]['median'] * 1000:.0f} ms ({slowest[0]})", "<= 300 ms"),
    ]
    if more:
        rows.append(("one hospital's day: cells in the run", f"{more.said['stages']['indicators']:.2f} s of {sum(more.said['stages'].values()):.2f} s", ""))
    return Table("In short", ("figure", "measured", "wanted"), rows)


def _rounds(cells: Measured) -> Table:
    said = cells.said
    rows = [
        (name, " ".join(f"{one:.2f}" for one in found), f"{median(found):.2f}", f"{said['cells'].get(name, 0):,}") for name, found in said["seconds"].items()
    ]
    return Table(f"Cells, over {said['rows']:,} rows and {said['columns']} columns", ("what", "rounds, s", "median, s", "cells"), rows)


def _region(made: Measured) -> Table:
    said = made.said
    rows = [("source rows", f"{said['rows']:,}"), ("rows of the repository", f"{said['all']:,}")]
    rows += [(name, f"{count:,}") for name, count in said["stored"].items()]
    rows += [(f"first run, {name}", f"{seconds:.1f} s") for name, seconds in said["stages"].items()]
    return Table("The region", ("what", "is"), rows)


def _increment(more: Measured) -> Table:
    said = more.said
    rows = [("cells made again", f"{said['made']:,} of {said['cells']:,}")]
    rows += [(name, f"{seconds:.2f} s") for name, seconds in said["stages"].items()]
    return Table("One hospital's day", ("what", "is"), rows)


def _pages(pages: Measured) -> Table:
    rows = [(name, *(f"{found[which] * 1000:.0f}" for which in ("first", "median", "worst"))) for name, found in pages.said["asked"].items()]
    return Table(f"Answers, {pages.said['times']} times each", ("question", "first, ms", "median, ms", "worst, ms"), rows)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.indicators", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hospitals", type=int, default=HOSPITALS, help="default: %(default)s")
    parser.add_argument("--persons", type=int, default=PERSONS, help="default: %(default)s")
    parser.add_argument("--years", type=int, default=YEARS, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=3, help="rounds (default: %(default)s)")
    parser.add_argument("--kept", action="store_true", help="measure cells and answers again on the region that stands in the folder")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where the region is written (default: build/bench)")
    parser.add_argument("--report", type=Path, help="the Markdown report (default: docs/bench/indicators.md at the default size, else beside the region)")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
