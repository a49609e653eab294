"""What a region costs as it grows: landing and run of a simulated region of 10 million rows and more, monthly packed deliveries dropped as soon as they landed.

Every size is measured by itself, step by step; what was measured is kept as JSON beside the data, so that a size that was broken off goes on where it was,
and the page is written from all sizes there are. Times are printed, never asserted; the exit code is 1 where records are lost.

    python -m bench.scale                            10, 30 and 100 million rows, in build/bench-scale; the report goes to docs/bench/scale.md
    python -m bench.scale --sizes 1000               1,000 million, or as many as the disk allows, beside what was measured before
    python -m bench.scale --sizes 0.2 --folder F     a small one; its report stays beside its data
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from bench.disk import FULL, REGION
from bench.measure import ROOT, Measured, StepFailed, as_child, in_process, machine
from bench.scale_page import SIZES, Size, markdown

REPORT = ROOT / "docs" / "bench" / "scale.md"
PACKAGES = ("duckdb", "deltalake", "pyarrow", "numpy", "sqlglot")
A_PERSON = 59  # rows a person and year, about
OF_A_GROUP = 100_000_000  # rows: no more are made, landed and dropped at a time; each group makes the people again, a fifth of what writing costs
NEEDED = 130  # bytes a row that landing, lake and spill take, where no smaller size tells


@dataclass(frozen=True)
class Asked:
    """A size to be measured, and where and how."""

    millions: float
    folder: Path
    hospitals: int
    years: int
    threads: int
    memory: str
    reserve: int

    @property
    def name(self) -> str:
        return f"{self.millions:g}M"

    @property
    def said(self) -> dict[str, object]:
        """What decides a size's figures: those of others are not gone on with."""
        return {"millions": self.millions, "hospitals": self.hospitals, "years": self.years, "threads": self.threads, "memory": self.memory}


class Kept:
    """The figures of a size, in a file beside its data."""

    def __init__(self, asked: Asked) -> None:
        self._file, self._said = asked.folder / f"{asked.name}.json", asked.said
        found = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        self.steps: dict[str, Measured] = {}
        self.more: dict[str, object] = {}
        if found.get("asked") == self._said:
            self.more = found["more"]
            self.steps = {name: Measured(**said) for name, said in found["steps"].items()}

    def say(self, **more: object) -> None:
        """Keep what is no step."""
        self.more |= more
        self._write()

    def forget(self, name: str) -> None:
        """Have a step done again."""
        self.steps.pop(name, None)
        self._write()

    def step(self, name: str, function: str, arguments: Callable[[], Mapping[str, object]]) -> Measured:
        """The figures of a step: as kept, or measured now."""
        if name not in self.steps:
            found = in_process("bench.scale", function, arguments())
            print(f"{name:<16}{found.seconds:>9.1f} s {found.cpu:>9.1f} s CPU {found.peak / 2**20:>7.0f} MiB", file=sys.stderr, flush=True)
            self.steps[name] = found
            self._write()
        return self.steps[name]

    def _write(self) -> None:
        said = {"asked": self._said, "more": self.more, "steps": {name: asdict(step) for name, step in self.steps.items()}}
        aside = self._file.with_suffix(".part")
        aside.write_text(json.dumps(said, indent=1), encoding="utf-8")
        aside.replace(self._file)


def measure(asked: Asked, rows: int, day: str, *, keep: bool) -> None:
    """Measure what is not measured yet of a size. Raises StepFailed where a step does not end well, and where the disk would not hold it."""
    kept = Kept(asked)
    if not kept.more:
        kept.say(rows=rows, groups=min(asked.hospitals, max(2, math.ceil(rows / OF_A_GROUP))), machine=machine(PACKAGES), date=day)
    base, rows = asked.folder / asked.name, int(str(kept.more["rows"]))
    simulated = {"hospitals": asked.hospitals, "persons": max(asked.hospitals, round(rows / A_PERSON / asked.years)), "years": asked.years}
    common = {"folder": str(base), "reserve": asked.reserve}
    limits = {**common, "threads": asked.threads, "memory": asked.memory}
    groups = int(str(kept.more["groups"]))
    print(f"{asked.name}: {rows:,} rows, {simulated['persons']:,} persons, {groups} groups of hospitals", file=sys.stderr, flush=True)
    if "ran" not in kept.steps and not base.exists():
        kept.steps.clear()
    kept.step("region", "scaling.region", lambda: {"folder": str(base), "asked": simulated})
    for group in range(groups):
        if f"landed {group}" not in kept.steps:
            kept.forget(f"simulated {group}")
            kept.step(f"simulated {group}", "scaling.simulated", lambda g=group: {**common, "asked": simulated, "group": g, "groups": groups})  # type: ignore[misc]
            kept.step(f"landed {group}", "scaling.landed", lambda: {**common, "asked": simulated})
    if "ran" not in kept.steps:
        shutil.rmtree(base / "region" / "lake", ignore_errors=True)  # what a run that was broken off has left would be taken up
    kept.step("ran", "scaling.ran", lambda: limits)
    kept.step("day", "scaling.day", lambda: limits)
    if not keep:
        shutil.rmtree(base, ignore_errors=True)


def fitting(asked: Asked, sizes: Sequence[Size]) -> int:
    """How many rows of those asked for the disk has room for, by what the largest smaller size took; printed where they are fewer."""
    wanted = round(asked.millions * 1e6)
    known = [size for size in sizes if size.whole and size.millions < asked.millions]
    each = max(size.most_bytes / size.rows for size in known[-2:]) if known else NEEDED
    asked.folder.mkdir(parents=True, exist_ok=True)
    room = shutil.disk_usage(asked.folder).free - asked.reserve
    if wanted * each <= room:
        return wanted
    print(f"{asked.name}: {wanted * each / 1e9:,.0f} GB would be needed ({each:.0f} bytes a row), {room / 1e9:,.0f} GB are there", file=sys.stderr)
    return int(room / each / 1e6) * 1_000_000


def measured(folder: Path) -> list[Size]:
    """All sizes that were measured in a folder, the smallest first."""
    found = [Size.of(json.loads(path.read_text("utf-8"))) for path in folder.glob("*M.json")]
    return sorted(found, key=lambda size: size.millions)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code: 1 where a step failed or records are lost. `words` of the command line, else the process's own."""
    given = _arguments(words)
    if given.child:
        as_child(given.child)
        return 0
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    reserve = int(given.reserve * 1e9)
    failed = False
    for millions in given.sizes:
        asked = Asked(millions, folder, given.hospitals, given.years, given.threads, given.memory, reserve)
        try:
            measure(asked, fitting(asked, measured(folder)), given.date, keep=given.keep and millions == max(given.sizes))
        except StepFailed as error:
            print(f"{asked.name}: {error}", file=sys.stderr)
            failed |= error.code != FULL
            Kept(asked).say(stopped=f"the disk would not have held it: {error}" if error.code == FULL else str(error))
            shutil.rmtree(folder / asked.name / REGION / "lake", ignore_errors=True)
    found = measured(folder)
    report = REPORT if given.folder == FOLDER and {size.millions for size in found} >= set(SIZES) else folder / "scale.md"
    report.write_text(markdown(found, given.threads, given.memory), encoding="utf-8")
    print(report.read_text("utf-8"))
    return 0 if not failed and all(size.balances for size in found) else 1


FOLDER = ROOT / "build" / "bench-scale"


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="millions of rows, parted by commas (default: 10,30,100)")
    parser.add_argument("--hospitals", type=int, default=24, help="default: %(default)s")
    parser.add_argument("--years", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: build/bench-scale")
    parser.add_argument("--memory", default="10GiB", help="DuckDB's memory limit (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--reserve", type=float, default=4.0, help="GB of the disk that are to stay free (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the region of the largest size")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _sizes(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(word) for word in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) <= 0:
        raise argparse.ArgumentTypeError(f"{text} are no numbers above 0")
    return found


if __name__ == "__main__":
    sys.exit(main())
