"""How fast and in how much memory regions are simulated: clean and with the usual defects, by one process and by two; and the first blocks of a large one.

Times are printed, never asserted.

    python -m bench.simulate                                  24 hospitals, 60,000 persons, 3 years; the report goes to docs/bench/simulate.md
    python -m bench.simulate --persons 3000 --years 1         a small one; its report stays in the folder
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median

from bench.measure import ROOT, Measured, StepFailed, as_child, in_process, machine
from bench.report import Table, aligned, marked

PERSONS, YEARS = 60_000, 3
LARGE = {"hospitals": 1_000, "persons": 5_000_000, "years": 1}
REPORT = ROOT / "docs" / "bench" / "simulate.md"
PACKAGES = ("numpy", "pyarrow")
WAYS = [(clean, processes) for clean in (True, False) for processes in (1, 2)]
_WHAT = (
    "`suwen simulate` from settings to files and truth, everything included: knowledge read, people, illness and care made, text written, zips packed, truth",
    "joined. Each measure is a process of its own that starts from nothing. Memory is that of all its processes together (looked at every 0.05 s).",
    "Wall seconds say something of an idle machine only (its load stands below); rows by CPU second, user and system, bear some company.",
)
_MACHINES = (
    "## The same bytes elsewhere",
    "",
    "`tests/unit/simulate/test_bytes.py` holds one sha256 over the unpacked exports of each of two tiny regions (clean; day by day with defects), so that a",
    "machine which makes other bytes fails the tests. Both came out the same on x86-64 and, with the aarch64 wheels of the same numpy and pyarrow, by Debian's",
    "Python 3.11.2 for aarch64 under qemu-user (no aarch64 processor was at hand). Before the writing of text was made faster, every file of two such regions",
    "of 300 persons had been compared, zips and the truth's Parquet included: 1,655 files and members of zips, all the same. Zips pack lightly now; only",
    "what is in them is held to be the same.",
    "",
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where a step failed. `words` of the command line, else the process's own."""
    given = _arguments(words)
    if given.child:
        as_child(given.child)
        return 0
    before, folder = machine(PACKAGES), given.folder.resolve()
    asked = {"hospitals": given.hospitals, "persons": given.persons, "years": given.years}
    try:
        rounds = [_region(folder, asked, clean, processes) for _ in range(given.repeats) for clean, processes in WAYS]
        found = {way: rounds[place :: len(WAYS)] for place, way in enumerate(WAYS)}
        large = _step("simulating.blocks", folder=str(folder / "large"), count=given.blocks, **LARGE) if given.blocks else None
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    tables = [_speed(found), *([_size(large), _whole(large)] if large else []), Table("Machine", ("what", "is"), list(before.items()))]
    said = " ".join(f"--{name} {number}" for name, number in asked.items())
    head = ["# What a simulated region costs", "", *_WHAT, "", f"`python -m bench.simulate {said}`: rounds: {given.repeats}, {given.date}.", ""]
    report = given.report or (REPORT if (given.persons, given.years) == (PERSONS, YEARS) else folder / "simulate.md")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("\n".join([*head, *(line for table in tables for line in marked(table)), *_MACHINES]), encoding="utf-8")
    print("\n".join([*head, *(line for table in tables for line in aligned(table))]))
    return 0


def _region(folder: Path, asked: Mapping[str, int], clean: bool, processes: int) -> Measured:
    return _step("simulating.region", folder=str(folder / "simulated"), clean=clean, processes=processes, **asked)


def _step(step: str, **arguments: object) -> Measured:
    measured = in_process("bench.simulate", step, arguments)
    print(f"{step:<19}{measured.seconds:>9.2f} s {measured.cpu:>9.2f} s CPU {measured.peak / 2**20:>7.0f} MiB", file=sys.stderr, flush=True)
    return measured


def _speed(found: Mapping[tuple[bool, int], Sequence[Measured]]) -> Table:
    columns = ("region", "processes", "rows", "rounds, s", "rows/s (median)", "best", "rows by CPU second", "MB", "memory")
    rows = []
    for (clean, processes), measures in found.items():
        said = measures[0].said
        rates = [said["rows"] / one.seconds for one in measures]
        by_cpu = said["rows"] / min(one.cpu for one in measures)
        seconds = " ".join(f"{one.seconds:.1f}" for one in measures)
        memory = max(one.said["together"] for one in measures)
        rows.append(
            (
                "clean" if clean else "with defects",
                str(processes),
                f"{said['rows']:,}",
                seconds,
                f"{median(rates):,.0f}",
                f"{max(rates):,.0f}",
                f"{by_cpu:,.0f}",
                f"{said['bytes'] / 1e6:,.0f}",
                f"{memory / 2**20:,.0f} MiB",
            )
        )
    return Table("Rows a second (wanted: 500,000 on 2 cores)", columns, rows)


def _size(large: Measured) -> Table:
    peaks = large.said["peaks"]
    rows = [(f"{number}", f"{peak / 2**20:,.0f} MiB") for number, peak in enumerate(peaks, 1)]
    return Table(
        f"Memory of one process by blocks, {LARGE['hospitals']:,} hospitals and {LARGE['persons']:,} persons", ("blocks written", "highest so far"), rows
    )


def _whole(large: Measured) -> Table:
    said, blocks = large.said, len(large.said["peaks"])
    more = said["blocks"] / blocks
    rows = [
        ("blocks", f"{blocks}", f"{said['blocks']}"),
        ("rows", f"{said['rows']:,}", f"{said['rows'] * more:,.0f}"),
        ("files", f"{said['files']:,}", "about as many"),
        ("GB unpacked", f"{said['bytes'] / 1e9:,.1f}", f"{said['bytes'] * more / 1e9:,.0f}"),
        ("CPU, s", f"{large.cpu:,.0f}", f"{large.cpu * more:,.0f}"),
    ]
    return Table("The large region", ("what", "measured", "the whole of it, reckoned"), rows)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hospitals", type=int, default=24, help="default: %(default)s")
    parser.add_argument("--persons", type=int, default=PERSONS, help="default: %(default)s")
    parser.add_argument("--years", type=int, default=YEARS, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=2, help="rounds (default: %(default)s)")
    parser.add_argument("--blocks", type=int, default=8, help="blocks of the large region; 0: none of it (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where regions are written (default: build/bench)")
    parser.add_argument("--report", type=Path, help="the Markdown report (default: docs/bench/simulate.md at the default size, else simulate.md in the folder)")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
