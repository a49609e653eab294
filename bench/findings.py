"""What the spine's bench found: the measures of every step, the figures that follow from them, and the checks of content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.measure import Measured

LOW_MEMORY = "1GiB"


@dataclass(frozen=True)
class Settings:
    """What is measured: source rows wanted, DuckDB's memory limit, threads, and how often everything is repeated."""

    rows: int
    memory: str
    threads: int
    repeats: int
    low_memory: bool = True
    increments: bool = True
    rebuild: bool = True


@dataclass(frozen=True)
class Check:
    """Something that must hold whatever the times are."""

    what: str
    holds: bool


@dataclass
class Increment:
    """A delivery on top of the region: what was written for it, its landing, its runs (each from the same lake), and the rebuild after it.

    `before`: bytes of the lake by part before it.
    """

    name: str
    source: Mapping[str, Any]
    landing: Measured
    before: Mapping[str, int]
    runs: list[Measured] = field(default_factory=list)
    rebuild: Measured | None = None

    @property
    def seconds(self) -> float:
        return seconds(self.runs)

    @property
    def written(self) -> dict[str, int]:
        """Bytes it added to the lake by part; files it took out of tables stay until vacuum, so nothing is subtracted."""
        return {part: size - self.before[part] for part, size in self.runs[-1].said["bytes"].items()}


@dataclass
class Findings:
    """All that was measured, in order. `floors`: by whether the order of rows was kept; one entry a round, as in `runs`."""

    settings: Settings
    machine: Mapping[str, str]
    source: Mapping[str, Any]
    landing: Measured
    floors: dict[bool, list[Measured]] = field(default_factory=lambda: {True: [], False: []})
    runs: list[Measured] = field(default_factory=list)
    low: Measured | None = None
    increments: list[Increment] = field(default_factory=list)
    trace: Measured | None = None
    checks: list[Check] = field(default_factory=list)

    @property
    def faster(self) -> bool:
        """The setting whose floor is the faster by median: whether the order is kept."""
        return min(self.floors, key=lambda ordered: seconds(self.floors[ordered]))

    @property
    def floor(self) -> float:
        """Median seconds of the faster floor."""
        return seconds(self.floors[self.faster])

    def by_cpu(self, runs: Sequence[Measured]) -> float:
        """Median CPU seconds against those of the faster floor: what a busy machine disturbs less."""
        return median(m.cpu for m in runs) / median(m.cpu for m in self.floors[self.faster])

    @property
    def ratios(self) -> list[float]:
        """Run against the faster floor, round by round."""
        return [run.seconds / floor.seconds for run, floor in zip(self.runs, self.floors[self.faster], strict=True)]

    @property
    def all_hold(self) -> bool:
        return all(check.holds for check in self.checks)

    def check(self, what: str, holds: bool) -> None:
        """Note whether something holds that must."""
        self.checks.append(Check(what, holds))


def seconds(measures: Sequence[Measured]) -> float:
    """The median of their wall seconds."""
    return median(m.seconds for m in measures)


def stages(runs: Sequence[Measured]) -> dict[str, float]:
    """Median seconds per stage; what no stage names (opening the region, the lock, clearing up) as `rest`."""
    names = list(dict.fromkeys(name for run in runs for name in run.said["stages"]))
    found = {name: median(run.said["stages"].get(name, 0.0) for run in runs) for name in names}
    return {**found, "rest": median(run.seconds - sum(run.said["stages"].values()) for run in runs)}
