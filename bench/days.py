"""A region of many small hospitals, a few rows of each every day, landed and run day by day: does a day still cost the same after a year?

The wanted ratio is that of a `run` on the last day to one on day 10, each the median of five days around it. Landing and maintenance stand apart. The bench
may be stopped at any time and goes on where it was; figures of days are kept in days.json.

    python -m bench.days                                       1,000 hospitals, 365 days; the report goes to docs/bench/days.md
    python -m bench.days --hospitals 60 --days 40              a small one; its report stays beside its region
    python -m bench.days --hospitals 60 --days 40 --profile 40 what landing and run spend their time on, on some days
    python -m bench.days --page                                the report anew from what there is, also while the bench is at work
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from bench.days_page import EARLY, WHAT, all_hold, tables
from bench.measure import ROOT, Measured, StepFailed, as_child, in_process, machine
from bench.report import aligned, marked

HOSPITALS, DAYS = 1_000, 365
REPORT = ROOT / "docs" / "bench" / "days.md"
PACKAGES = ("duckdb", "deltalake", "pyarrow", "sqlglot")
_MIB = 1 << 20


class Days:
    """The bench in its folder."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.folder = given, given.folder.resolve() / f"days-{given.hospitals}"
        self.kept = self.folder / "days.json"
        self.found: dict[str, Any] = {"machine": machine(PACKAGES), "days": {}, "upkeep": {}}
        if self.kept.exists():
            self.found = json.loads(self.kept.read_text("utf-8"))

    @property
    def days(self) -> dict[int, Measured]:
        """Day -> its figures, as far as the bench has come."""
        return self._measured("days")

    @property
    def upkeep(self) -> dict[int, Measured]:
        """Day -> the maintenance after it."""
        return self._measured("upkeep")

    def _measured(self, what: str) -> dict[int, Measured]:
        found = {int(number): Measured(**said) for number, said in self.found[what].items()}
        return {number: found[number] for number in sorted(found) if number <= self.given.days}

    def measure(self) -> None:
        """Every day that is still to come, each kept as soon as it is over."""
        given, region = self.given, str(self.folder / "region")
        if not self.found["days"]:
            self._step("daily.region", folder=region, hospitals=given.hospitals)
        limits = {"threads": given.threads, "memory": given.memory}
        for number in range(max(map(int, self.found["days"]), default=0) + 1, given.days + 1):
            profile, sized = number in given.profile, number % given.sizes == 0 or number in (EARLY, given.days)
            found = self._step("daily.day", folder=region, hospitals=given.hospitals, number=number, profile=profile, sized=sized, **limits)
            self._keep("days", number, found)
            if given.maintain and number % given.maintain == 0 and number < given.days:
                self._keep("upkeep", number, self._step("daily.upkeep", folder=region, quick=given.quick, **limits))

    def _step(self, step: str, **arguments: Any) -> Measured:
        measured = in_process("bench.days", step, arguments)
        said = measured.said
        told = f" landing {said['landing']:.2f} run {said['run']:.2f} records {said['records']:,}" if "run" in said else ""
        print(f"{step} {arguments.get('number', ''):<4}{measured.seconds:>9.2f} s {measured.peak / _MIB:>6.0f} MiB{told}", file=sys.stderr, flush=True)
        return measured

    def _keep(self, what: str, number: int, measured: Measured) -> None:
        """Note a day's figures; whole, or as they were before."""
        self.found[what][str(number)] = asdict(measured)
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.kept.with_suffix(".new")
        beside.write_text(json.dumps(self.found, indent=1), encoding="utf-8")
        beside.replace(self.kept)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where content is wrong or a step failed; what there is is written all the same.

    `words` of the command line, else the process's own.
    """
    given = _arguments(words)
    if given.child:
        as_child(given.child)
        return 0
    bench, failed = Days(given), False
    try:
        if not given.page:
            bench.measure()
    except StepFailed as error:
        print(error, file=sys.stderr)
        failed = True
    if not bench.days:
        return 1
    shown = tables(bench.days, bench.upkeep, bench.found["machine"], given.hospitals)
    head = ["# A year of days", "", *WHAT, "", _said(bench), ""]
    report = given.report or (REPORT if (given.hospitals, given.days) == (HOSPITALS, DAYS) else bench.folder / "days.md")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("\n".join([*head, *(line for table in shown for line in marked(table))]), encoding="utf-8")
    print("\n".join([*head, *(line for table in shown for line in aligned(table))]))
    return 1 if failed or not all_hold(bench.days, given.hospitals) else 0


def _said(bench: Days) -> str:
    """The command, and how far it has come."""
    given, come = bench.given, max(bench.days)
    upkeep = f"maintenance every {given.maintain} days" if given.maintain else "no maintenance"
    far = "" if come == given.days else f" So far {come:,} days."
    command = f"`python -m bench.days --hospitals {given.hospitals} --days {given.days}`"
    return f"{command}: {upkeep}, {given.threads} threads, memory limit {given.memory}, {given.date}.{far}"


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.days", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hospitals", type=int, default=HOSPITALS, help="default: %(default)s")
    parser.add_argument("--days", type=int, default=DAYS, help="default: %(default)s")
    parser.add_argument("--maintain", type=int, default=30, metavar="DAYS", help="maintenance after every so many days; 0: never (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="maintenance does not read files to prove them")
    parser.add_argument("--profile", type=int, nargs="*", default=(), metavar="DAY", help="days whose dearest functions are told; they enter no median")
    parser.add_argument("--sizes", type=int, default=10, metavar="DAYS", help="files and bytes are counted every so many days (default: %(default)s)")
    parser.add_argument("--memory", default="4GiB", help="the engine's memory limit (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--page", action="store_true", help="measure nothing: the report from what there is")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where region and figures are kept (default: build/bench)")
    parser.add_argument("--report", type=Path, help="the Markdown report (default: docs/bench/days.md at the default size, else beside the region)")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
