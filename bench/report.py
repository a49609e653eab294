"""The spine's findings as people read them: tables, aligned for a terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.findings import LOW_MEMORY, Findings, Increment, stages
from bench.measure import Measured

_WHAT = (
    "A run takes source files from landing to a published release: staging, record index, mapping with provenance, fingerprints, Delta tables, ledger.",
    "The floor is the least that any way into Parquet must do: DuckDB reads the same files (UTF-8, unzipped) as text and writes them to zstd Parquet,",
    "with the same threads and memory limit. Both of its insertion-order settings are measured; the faster by median is the floor.",
)
_NOTES = (
    "Each measure is a process of its own; seconds are wall seconds inside it, without start-up of the interpreter and imports. Floor and run took turns.",
    "CPU is user and system time. Peak memory is the process's highest resident size (ru_maxrss): interpreter and libraries are in it, and stood at the",
    "size given as idle before work began; the limit is set on DuckDB alone.",
    "Landing surveys each file (where records begin, and what cannot be read) in its pass over the bytes; that stands with landing. A run here is given",
    "nothing but landing; a rebuild is the same in another lake.",
    "Increments are run, as often as there are rounds, from the same lake; the times are medians. New patients have rows in every month. Corrections are",
    "some days of the newest month that has enough rows, resubmitted as a window with every row changed.",
)


@dataclass(frozen=True)
class Table:
    """A heading, the names of the columns and the rows; all columns but the first are numbers or short words."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def markdown(found: Findings, day: str) -> str:
    """The report as a Markdown page."""
    return "\n".join([*_head(found, day), *(line for table in _tables(found) for line in marked(table)), "## Notes", "", *_NOTES, ""])


def in_text(found: Findings, day: str) -> str:
    """The report for a terminal."""
    return "\n".join([*_head(found, day), *(line for table in _tables(found) for line in aligned(table))])


def _head(found: Findings, day: str) -> list[str]:
    settings = found.settings
    said = f"{found.source['total']:,} source rows, {settings.threads} threads, memory limit {settings.memory}, rounds: {settings.repeats}, {day}."
    return ["# What a run costs", "", *_WHAT, "", f"`python -m bench.spine --rows {settings.rows}`: {said}", ""]


def _tables(found: Findings) -> Iterator[Table]:
    yield _summary(found)
    yield Table("Run against floor", ("measure", "rounds, s", "median, s", "CPU, s", "peak, MiB", "idle, MiB"), list(_measures(found)))
    yield _stages(found)
    yield _bytes(found)
    for increment in found.increments:
        yield _increment(found, increment)
        yield _changed(increment)
    if found.trace:
        rows = [(name, f"{said['seconds']:.2f}", _yes(said["leads"])) for name, said in found.trace.said["tables"].items()]
        yield Table("One row of each table traced", ("table", "seconds", "led to its bytes"), rows)
    yield Table("What must hold", ("check", "holds"), [(check.what, _yes(check.holds)) for check in found.checks])
    yield Table("Machine", ("what", "is"), list(found.machine.items()))


def _summary(found: Findings) -> Table:
    ratios, run = found.ratios, median(m.seconds for m in found.runs)
    rows = [
        ("run / floor", f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", "<= 5, try 4"),
        ("the same by CPU seconds", f"{found.by_cpu(found.runs):.2f}", ""),
    ]
    rows += [("peak memory of the run", _mib(max(m.peak for m in found.runs)), f"<= {found.settings.memory}")]
    if found.low:
        rows += [(f"time at {LOW_MEMORY} / time at {found.settings.memory}", f"{found.low.seconds / run:.2f}", "<= 1.5")]
        rows += [(f"peak memory at {LOW_MEMORY}", _mib(found.low.peak), f"<= {LOW_MEMORY}, idle apart")]
    wanted = {"new patients": "<= 0.3, try 0.2", "corrections": "<= 0.35, try 0.25"}
    rows += [
        (f"{i.name} ({_share(found, i)} of the rows) / floor", f"{i.seconds / found.floor:.2f}; by CPU {found.by_cpu(i.runs):.2f}", wanted[i.name])
        for i in found.increments
    ]
    rows += [("landing", f"{_rate(found.landing)}, {found.landing.seconds / found.floor:.2f} of the floor", "apart")]
    return Table("In short", ("figure", "measured", "wanted"), rows)


def _measures(found: Findings) -> Iterator[tuple[str, ...]]:
    for ordered, measures in found.floors.items():
        name = f"floor, order of rows {'kept' if ordered else 'not kept'}"
        yield _measure(f"{name} (the faster)" if ordered == found.faster else name, measures)
    yield _measure(f"run at {found.settings.memory}", found.runs)
    if found.low:
        yield _measure(f"run at {LOW_MEMORY}", [found.low])
    yield _measure("landing", [found.landing])
    for increment in found.increments:
        yield _measure(f"{increment.name}, run", increment.runs)
        if increment.rebuild:
            yield _measure(f"rebuild after {increment.name}", [increment.rebuild])


def _measure(name: str, measures: Sequence[Measured]) -> tuple[str, ...]:
    rounds = " ".join(f"{m.seconds:.2f}" for m in measures)
    peak, idle = max(m.peak for m in measures), max(m.idle for m in measures)
    return name, rounds, f"{median(m.seconds for m in measures):.2f}", f"{median(m.cpu for m in measures):.2f}", f"{peak / 2**20:,.0f}", f"{idle / 2**20:,.0f}"


def _stages(found: Findings) -> Table:
    """Of every run the seconds of each stage, and the same as a multiple of the floor."""
    groups = {"run": stages(found.runs), **({LOW_MEMORY: stages([found.low])} if found.low else {}), **{i.name: stages(i.runs) for i in found.increments}}
    names = list(dict.fromkeys(name for of in groups.values() for name in of))
    rows = [(name, *(cell for of in groups.values() for cell in _seconds(of.get(name, 0.0), found.floor))) for name in names]
    columns = tuple(column for name in groups for column in (f"{name}, s", "x floor"))
    return Table("What each stage costs (medians)", ("stage", *columns), rows)


def _seconds(seconds: float, floor: float) -> tuple[str, str]:
    return f"{seconds:.2f}", f"{seconds / floor:.3f}"


def _bytes(found: Findings) -> Table:
    """Source, floor and lake; of an increment what it added."""
    base, size = found.source["bytes"], _mb
    rows = [("source files", size(base), *(size(i.source["bytes"]) for i in found.increments))]
    rows += [("floor's Parquet", size(found.floors[found.faster][0].said["bytes"]), *("" for _ in found.increments))]
    lake = found.runs[-1].said["bytes"]
    rows += [(f"lake, {part}", size(lake[part]), *(size(i.written[part]) for i in found.increments)) for part in lake]
    rows += [("lake, sum", size(sum(lake.values())), *(size(sum(i.written.values())) for i in found.increments))]
    return Table("Bytes written, MB", ("what", "run", *(i.name for i in found.increments)), rows)


def _increment(found: Findings, increment: Increment) -> Table:
    source = increment.source
    rows = [("rows delivered", f"{source['total']:,}", _share(found, increment))]
    if source["days"]:
        rows += [("window", f"{source['days'][0]} to {source['days'][1]}", "")]
    rows += [
        ("landing", f"{increment.landing.seconds:.2f} s", _rate(increment.landing)),
        ("run", f"{increment.seconds:.2f} s", f"{increment.seconds / found.floor:.2f} of the floor"),
    ]
    changed = {what: sum(increment.runs[-1].said[what].values()) for what in ("created", "removed", "rewritten")}
    rows += [(f"rows {what}", f"{count:,}", f"{count / max(1, source['total']):.2f} a row delivered") for what, count in changed.items()]
    if increment.rebuild:
        rows += [("rebuild", f"{increment.rebuild.seconds:.2f} s", f"{increment.rebuild.seconds / increment.seconds:.1f} times the run")]
    return Table(f"Increment: {increment.name}", ("what", "measured", "that is"), rows)


def _changed(increment: Increment) -> Table:
    said = increment.runs[-1].said
    what = ("created", "removed", "rewritten")
    tables = sorted({table for one in what for table in said[one]})
    rows = [(table, *(f"{said[one].get(table, 0):,}" for one in what), f"{said['rows'].get(table, 0):,}") for table in tables]
    return Table(f"Rows changed by {increment.name}", ("table", *what, "in the table after"), rows)


def _share(found: Findings, increment: Increment) -> str:
    return f"{increment.source['total'] / found.source['total']:.2%}"


def _rate(landing: Measured) -> str:
    return f"{landing.said['bytes'] / 1e6 / landing.seconds:,.0f} MB/s"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def _yes(holds: bool) -> str:
    return "yes" if holds else "NO"


def marked(table: Table) -> list[str]:
    """A table as lines of Markdown."""
    rule = ("---", *("---:" for _ in table.columns[1:]))
    return [f"## {table.title}", "", *(f"| {' | '.join(row)} |" for row in (table.columns, rule, *table.rows)), ""]


def aligned(table: Table) -> list[str]:
    """A table as lines for a terminal."""
    every = [table.columns, *table.rows]
    widths = [max(map(len, cells)) for cells in zip(*every, strict=True)]
    lines = ["  ".join([first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]) for first, *rest in every]
    return [table.title, *(f"  {line.rstrip()}" for line in lines), ""]
