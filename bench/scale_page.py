"""The page of the scale's bench: what every size cost, how cost grows, and what stands on the disk."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.measure import Measured
from bench.report import Table, marked

SIZES = (10.0, 30.0, 100.0)
FITTED_FROM, CAP = 10.0, 16 << 30
_LAKE = ("staging", "pools", "index", "cdr", "ext", "state")
_WHAT = (
    "A clean simulated region whose hospitals send by the month: what has changed in it, as gzip files, or one zip a delivery from those of one system; the",
    "first month brings what was there before. Files are made for some hospitals at a time, landed delivery by delivery, and dropped as each has landed, so",
    "the sources never lie there as a whole. Then one run makes the repository of all of it. The last day of all is a delivery of its own; that of one",
    "hospital, with every system it has, is landed and run after the full run. Cost is landing and run together, in seconds; making the files is apart.",
)
_NOTES = (
    "Each step is a process of its own. Seconds are wall seconds inside it, CPU is user and system time, memory the process's highest resident size",
    "(ru_maxrss). No cgroup held the memory: DuckDB's limit is the one given, and what the whole process took stands beside the 16 GiB it was to stay within.",
    "The hospitals and months are the same at every size, so there are as many files, and a size differs from another by the rows in each. What is done once",
    "for each file weighs more in a small region than in a large one, and lowers the fitted exponent; the ratios of neighbours show what is left of it.",
    "The exponent is the slope of log(cost) over log(rows), by least squares. Spill is the most that the scratch folder held, looked at each second.",
)


@dataclass(frozen=True)
class Size:
    """What was measured of one size, as far as it was."""

    millions: float
    asked: Mapping[str, Any]
    more: Mapping[str, Any]
    steps: Mapping[str, Measured]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Size:
        """A size from the figures kept of it."""
        return cls(said["asked"]["millions"], said["asked"], said["more"], {name: Measured(**step) for name, step in said["steps"].items()})

    def groups(self, name: str) -> list[Measured]:
        """A step of every group of hospitals."""
        return [step for key, step in self.steps.items() if key.startswith(f"{name} ")]

    @property
    def whole(self) -> bool:
        """Whether the full run was measured."""
        return "ran" in self.steps

    @property
    def ended(self) -> bool:
        """Whether all was."""
        return "day" in self.steps

    @property
    def simulated(self) -> int:
        """Rows in all files."""
        return sum(step.said["rows"] for step in self.groups("simulated"))

    @property
    def rows(self) -> int:
        """Records of the full run."""
        return int(self.steps["ran"].said["records"])

    @property
    def balances(self) -> bool:
        """Whether the runs received every row that was simulated; not known, and so not wrong, of a size that did not come to its end."""
        return not self.ended or self.rows + self.steps["day"].said["records"] == self.simulated

    @property
    def landing(self) -> Measured:
        """All landings together; the bytes and files after the last."""
        parts = self.groups("landed")
        said = {**parts[-1].said, "deliveries": sum(part.said["deliveries"] for part in parts)}
        return Measured(sum(p.seconds for p in parts), sum(p.cpu for p in parts), max(p.peak for p in parts), max(p.idle for p in parts), said)

    @property
    def run(self) -> Measured:
        return self.steps["ran"]

    @property
    def day(self) -> Measured:
        return self.steps["day"]

    @property
    def cost(self) -> float:
        """Seconds of landing and run."""
        return self.landing.seconds + self.run.seconds

    @property
    def cpu(self) -> float:
        return self.landing.cpu + self.run.cpu

    @property
    def peak(self) -> int:
        """The highest memory of landing, run and day."""
        return max(step.peak for name, step in self.steps.items() if name.split()[0] in ("landed", "ran", "day"))

    @property
    def bytes(self) -> Mapping[str, int]:
        """What lies on the disk after the full run, and what lay there for a while."""
        lake = self.run.said["bytes"]
        return {
            "sources, dropped": sum(step.said["bytes"] for step in self.groups("simulated")),
            "sources, the most at a time, unpacked": max(step.said["spill"] for step in self.groups("simulated")),
            "landing": self.landing.said["bytes"],
            **{part: lake[part] for part in _LAKE},
            "landing and lake": self.landing.said["bytes"] + sum(lake.values()),
            "spill of the run, at most": self.run.said["spill"],
        }

    @property
    def most_bytes(self) -> int:
        """What the disk must have room for."""
        return self.bytes["landing and lake"] + self.bytes["spill of the run, at most"]


_COSTS: Mapping[str, Callable[[Size], float]] = {
    "landing": lambda s: s.landing.seconds,
    "run": lambda s: s.run.seconds,
    "cost": lambda s: s.cost,
    "CPU": lambda s: s.cpu,
}


def exponent(costs: Sequence[tuple[float, float]]) -> float | None:
    """The slope of log(cost) over log(rows) by least squares of (rows, cost); None of fewer than two sizes."""
    points = [(math.log(rows), math.log(cost)) for rows, cost in costs]
    if len(points) < 2:
        return None
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


def markdown(sizes: Sequence[Size], threads: int, memory: str) -> str:
    """The page."""
    whole = [size for size in sizes if size.whole and size.ended]
    head = ["# What a region costs as it grows", "", *_WHAT, ""]
    if not whole:
        return "\n".join([*head, "Nothing was measured to its end.", "", *_stopped(sizes)])
    last = whole[-1]
    asked = f"{last.asked['hospitals']} hospitals, {12 * last.asked['years']} months; {threads} threads, DuckDB's memory limit {memory}; {last.more['date']}."
    tables = [_short(whole), _sizes(whole), _growth(whole), _stages(whole), _bytes(whole), _made(whole)]
    tables.append(Table("Machine", ("what", "is"), list(last.more["machine"].items())))
    said = ",".join(f"{size.millions:g}" for size in whole)
    lines = [line for table in tables for line in marked(table)]
    return "\n".join([*head, f"`python -m bench.scale --sizes {said}`: {asked}", "", *lines, *_stopped(sizes), "## Notes", "", *_NOTES, ""])


def _stopped(sizes: Sequence[Size]) -> list[str]:
    """What is told of sizes that did not come to their end."""
    return [line for size in sizes if not size.ended and "stopped" in size.more for line in (f"{size.millions:g} million rows: {size.more['stopped']}.", "")]


def _fitted(sizes: Sequence[Size]) -> Sequence[Size]:
    return [size for size in sizes if size.millions >= FITTED_FROM] or sizes


def _short(sizes: Sequence[Size]) -> Table:
    last, fitted = sizes[-1], _fitted(sizes)
    slopes = {name: exponent([(s.rows, value(s)) for s in fitted]) for name, value in _COSTS.items()}
    shown = {name: "not to be told of one size" if slope is None else f"{slope:.3f}" for name, slope in slopes.items()}
    rows = [
        ("records received = rows simulated", "yes" if all(size.balances for size in sizes) else "NO", "yes"),
        (f"cost exponent, {fitted[0].millions:g} to {last.millions:g} million rows: seconds", shown["cost"], "<= 1.06"),
        ("the same of CPU seconds", shown["CPU"], ""),
        ("the same of the run's seconds alone", shown["run"], ""),
        *_tenfold(sizes),
        (f"run at {last.millions:g} M", f"{last.rows / last.run.seconds:,.0f} rows/s", ""),
        ("highest memory", f"{max(size.peak for size in sizes) / 2**30:.2f} GiB", f"<= {CAP >> 30} GiB"),
        (f"one hospital's day at {last.millions:g} M / full run", f"{last.day.seconds / last.run.seconds:.2%}", "<= 2%"),
    ]
    return Table("In short", ("figure", "measured", "wanted"), rows)


def _tenfold(sizes: Sequence[Size]) -> Iterator[tuple[str, str, str]]:
    """What sizes cost of which one is ten times the other."""
    for a in sizes:
        for b in sizes:
            if b.millions == 10 * a.millions:
                yield f"cost({b.millions:g} M) / cost({a.millions:g} M)", f"{b.cost / a.cost:.2f} for {b.rows / a.rows:.2f} times the rows", "<= 11.5"


def _sizes(sizes: Sequence[Size]) -> Table:
    columns = (
        "million rows",
        "rows",
        "deliveries",
        "files",
        "landing, s",
        "rows/s",
        "run, s",
        "rows/s",
        "CPU, s",
        "landing, MiB",
        "run, MiB",
        "day's rows",
        "day, s",
        "of the run",
    )
    rows = [
        (
            f"{s.millions:g}", f"{s.rows:,}", f"{s.landing.said['deliveries']:,}", f"{s.landing.said['files']:,}",
            f"{s.landing.seconds:,.1f}", f"{s.rows / s.landing.seconds:,.0f}", f"{s.run.seconds:,.1f}", f"{s.rows / s.run.seconds:,.0f}", f"{s.cpu:,.0f}",
            f"{s.landing.peak / 2**20:,.0f}", f"{s.run.peak / 2**20:,.0f}", f"{s.day.said['records']:,}", f"{s.day.seconds:.2f}",
            f"{s.day.seconds / s.run.seconds:.2%}",
        )
        for s in sizes
    ]  # fmt: skip
    return Table("By size", columns, rows)


def _growth(sizes: Sequence[Size]) -> Table:
    rows = [
        (
            f"{a.millions:g} to {b.millions:g}",
            f"{b.rows / a.rows:.2f}",
            *(f"{value(b) / value(a):.2f} ({exponent([(s.rows, value(s)) for s in (a, b)]) or 0:.2f})" for value in _COSTS.values()),
        )
        for a, b in pairwise(sizes)
    ]
    return Table("From size to size: times as much (and the exponent)", ("million rows", "rows", *_COSTS), rows)


def _stages(sizes: Sequence[Size]) -> Table:
    names = list(sizes[-1].run.said["stages"])
    rows = [(name, *(_of_run(s, s.run.said["stages"].get(name, 0.0)) for s in sizes)) for name in names]
    rows.append(("run", *(_of_run(s, s.run.seconds) for s in sizes)))
    return Table("Stages of the runs: seconds, and microseconds a row", ("stage", *(f"{s.millions:g} M" for s in sizes)), rows)


def _of_run(size: Size, seconds: float) -> str:
    return f"{seconds:,.1f} ({seconds / size.rows * 1e6:.2f})"


def _bytes(sizes: Sequence[Size]) -> Table:
    rows = [(name, *(f"{s.bytes[name] / 1e6:,.0f} ({s.bytes[name] / s.rows:.1f})" for s in sizes)) for name in sizes[-1].bytes]
    return Table("Bytes: MB, and bytes a row", ("what", *(f"{s.millions:g} M" for s in sizes)), rows)


def _made(sizes: Sequence[Size]) -> Table:
    rows = [
        (
            f"{s.millions:g}", str(s.more["groups"]), f"{sum(step.seconds for step in s.groups('simulated')):,.0f}", str(s.more["date"]),
            s.more["machine"]["load average before"],
        )
        for s in sizes
    ]  # fmt: skip
    return Table("Making the files, and when", ("million rows", "groups of hospitals", "seconds", "measured", "load average before"), rows)
