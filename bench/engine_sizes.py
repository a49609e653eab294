"""What the engines' bench found, and what follows: fixed cost and cost per row of each engine, and from how many rows a cluster pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.measure import Measured

MACHINES = (2, 3, 4, 8, 16, 32)
MAPPING = "mapping and writing"


@dataclass
class Size:
    """Runs over so many source rows on both engines, round by round."""

    wanted: int
    rows: int
    folder: str
    duckdb: list[Measured] = field(default_factory=list)
    spark: list[Measured] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether every run gave the same content: rows and fingerprints of all tables."""
        return len({run.said["content"] for run in (*self.duckdb, *self.spark)}) == 1

    @property
    def ratio(self) -> float:
        """DuckDB's seconds against Spark's."""
        return seconds(self.duckdb) / seconds(self.spark)


@dataclass
class Compared:
    """The job by hand at a size, from our staged text and from the files; `rows`: by table, as `engine_steps.same_rows` says."""

    size: Size
    from_staged: list[Measured] = field(default_factory=list)
    from_files: list[Measured] = field(default_factory=list)
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def mapping(self) -> float:
        """Median seconds of our mapping stage on Spark."""
        return stage(self.size.spark, MAPPING)

    @property
    def whole(self) -> float:
        """Median seconds of our run on Spark without starting it, as the job by hand is measured without."""
        return median(run.seconds - started(run) for run in self.size.spark)


@dataclass(frozen=True)
class Line:
    """Seconds = fixed + rows * each."""

    fixed: float
    each: float


@dataclass
class Findings:
    """All that was measured."""

    machine: Mapping[str, str]
    threads: int
    memory: str
    sizes: list[Size] = field(default_factory=list)
    compared: Compared | None = None
    one_core: Measured | None = None

    @property
    def all_hold(self) -> bool:
        return all(holds for _, holds in self.checks)

    @property
    def checks(self) -> list[tuple[str, bool]]:
        found = [(f"{size.rows:,} rows: both engines gave the same content", size.same) for size in self.sizes]
        if self.compared is not None:
            found += [(f"{table}: the rows made by hand are ours, ids apart", bool(said["same"])) for table, said in self.compared.rows.items()]
        return found

    def line(self, engine: str) -> Line:
        """Fixed cost and cost per row of "duckdb" or "spark"."""
        return fitted([(size.rows, seconds(getattr(size, engine))) for size in self.sizes])

    @property
    def side_by_side(self) -> float:
        """The share of Spark's work per row that is done side by side: what a second core took off, of that on two without the fixed cost; else 1."""
        if self.one_core is None or self.compared is None:
            return 1.0
        two, fixed = seconds(self.compared.size.spark), self.line("spark").fixed
        gained = self.one_core.seconds - two
        return min(1.0, max(0.0, gained / max(two - fixed, 1e-9)))

    def pays_from(self, machines: int) -> float | None:
        """The source rows from which so many machines with Spark are quicker than one with DuckDB; None where they never are."""
        one, many = self.line("duckdb"), self.line("spark")
        share = self.side_by_side
        gain = one.each - many.each * (1 - share + share / machines)
        return max(0.0, (many.fixed - one.fixed) / gain) if gain > 1e-6 * one.each else None


def seconds(runs: Sequence[Measured]) -> float:
    return median(run.seconds for run in runs)


def stage(runs: Sequence[Measured], name: str) -> float:
    return median(run.said["stages"].get(name, 0.0) for run in runs)


def started(run: Measured) -> float:
    """Seconds until Spark was there."""
    return float(run.said["calls"].get("start", (0, 0.0))[1])


def fitted(points: Sequence[tuple[int, float]]) -> Line:
    """The line with the least squares of relative errors, so that small sizes count as much as large; no cost below 0."""
    weights = [1 / y**2 for _, y in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    spread = sum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points, strict=True))
    each = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weights, points, strict=True)) / spread
    fixed = mean_y - each * mean_x
    return (
        Line(fixed, each)
        if fixed >= 0
        else Line(0.0, sum(w * x * y for w, (x, y) in zip(weights, points, strict=True)) / sum(w * x * x for w, (x, _) in zip(weights, points, strict=True)))
    )


def sentence(found: Findings) -> str:
    """From what size a cluster pays, in words."""
    one, many = found.line("duckdb"), found.line("spark")
    costs = (
        f"DuckDB takes {one.fixed:.1f} s and {one.each * 1e6:.1f} s a million source rows, Spark {many.fixed:.1f} s and {many.each * 1e6:.1f} s, "
        f"of which {found.side_by_side:.0%} is done side by side."
    )
    paying = [(machines, rows) for machines in MACHINES if (rows := found.pays_from(machines)) is not None]
    if not paying:
        return f"{costs} By these figures no number of such machines is quicker with Spark than one with DuckDB."
    first, most = paying[0], paying[-1]
    later = f", {most[0]} from {most[1] / 1e6:,.1f} million" if most != first else ""
    before = f"{first[0] - 1} such machines with Spark are never quicker than one with DuckDB; " if first[0] > 2 else ""
    return f"{costs} {before}{first[0]} are from {first[1] / 1e6:,.1f} million source rows in one run{later}."
