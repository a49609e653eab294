"""The engines' findings as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from bench.engine_sizes import MACHINES, MAPPING, Compared, Findings, seconds, sentence, stage, started
from bench.measure import Measured
from bench.report import Table, aligned, marked

WANTED = "<= 1.5"
_WHAT = (
    "The same region is run by DuckDB and by Spark on one machine: from what has landed to a published release. Both have the same number of threads",
    "and the same memory, DuckDB as its limit, Spark as Java's heap. Then our mapping on Spark is held against a job written for Spark by hand.",
)
_NOTES = (
    "Each measure is a process of its own, with all processes it starts: seconds are wall seconds inside it, from the opening of the engine on (Java's start",
    "is in Spark's run, and not in the job by hand, which is therefore held against a run without it), CPU is user and system time of all of them, peak memory",
    "the highest sum of theirs, looked at twice a second. Fixed cost and cost per row are the line with the least relative squares.",
    "What is done side by side is told by a run on one core: the time that the second core took off, as a share of that on two without the fixed cost; it is",
    "taken to hold for more machines, which is kind to them: they also send to one another what two cores of one machine share.",
    "The job by hand (`bench/by_hand.py`) makes every row of the template with all published columns, ids by xxhash64 and provenance by place, leaves out rows",
    "without required columns or person, counted. It keeps no versions, hashes of content, index, reasons, dispositions, ledger, fingerprints or parts.",
    "Our mapping stage begins at staged text and ends with written files; reading the CSV is in staging. So it is held against the job by hand from the same",
    "text, and staging, index and mapping together against the job from the files. Rows are compared by DuckDB: count, and exact sum of the hashes",
    "of all columns but ids.",
)


def markdown(found: Findings, day: str) -> str:
    return "\n".join([*_head(found, day), *(line for table in _tables(found) for line in marked(table)), "## Notes", "", *_NOTES, ""])


def in_text(found: Findings, day: str) -> str:
    return "\n".join([*_head(found, day), *(line for table in _tables(found) for line in aligned(table))])


def _head(found: Findings, day: str) -> list[str]:
    sizes = ",".join(str(size.wanted) for size in found.sizes)
    said = f"`python -m bench.engines --sizes {sizes}`: {found.threads} threads, {found.memory}, {day}."
    return ["# DuckDB and Spark", "", *_WHAT, "", said, "", f"**From what size a cluster pays.** {sentence(found)}", ""]


def _tables(found: Findings) -> Iterator[Table]:
    if found.compared is not None:
        yield _against_hand(found.compared)
    yield _sizes(found)
    yield _paying(found)
    yield _stages(found)
    yield _calls(found)
    if found.compared is not None:
        yield _by_hand(found.compared)
    yield Table("What must hold", ("check", "holds"), [(what, "yes" if holds else "NO") for what, holds in found.checks])
    yield Table("Machine", ("what", "is"), list(found.machine.items()))


def _against_hand(compared: Compared) -> Table:
    runs, staged, files = compared.size.spark, compared.from_staged, compared.from_files
    to_rows = sum(stage(runs, name) for name in ("staging", "index", MAPPING))
    rows = [
        ("mapping stage / by hand from the files", _ratio(compared.mapping, files), WANTED),
        ("mapping stage / by hand from the same staged text", _ratio(compared.mapping, staged), ""),
        ("staging, index and mapping / by hand from the files", _ratio(to_rows, files), ""),
        ("whole run, Java's start apart / by hand from the files", _ratio(compared.whole, files), ""),
        ("the same by CPU seconds", f"{median(m.cpu for m in runs) / median(m.cpu for m in files):.2f}", ""),
    ]
    return Table(f"Spark's own cost, {compared.size.rows:,} source rows", ("figure", "measured", "wanted"), rows)


def _ratio(ours: float, theirs: Sequence[Measured]) -> str:
    return f"{ours / seconds(theirs):.2f} ({ours:.1f} s / {seconds(theirs):.1f} s)"


def _sizes(found: Findings) -> Table:
    rows = []
    for size in found.sizes:
        for name, runs in (("DuckDB", size.duckdb), ("Spark", size.spark)):
            ratio = f"{size.ratio:.2f}" if runs is size.spark else ""
            rows.append((f"{size.rows:,}, {name}", *_figures(runs), ratio))
    if found.one_core is not None and found.compared is not None:
        rows.append((f"{found.compared.size.rows:,}, Spark on one core", *_figures([found.one_core]), ""))
    return Table("Both engines", ("source rows", "rounds, s", "median, s", "CPU, s", "peak, MiB", "DuckDB / Spark"), rows)


def _figures(runs: Sequence[Measured]) -> tuple[str, ...]:
    rounds = " ".join(f"{m.seconds:.1f}" for m in runs)
    return rounds, f"{seconds(runs):.1f}", f"{median(m.cpu for m in runs):.1f}", f"{max(m.peak for m in runs) / 2**20:,.0f}"


def _paying(found: Findings) -> Table:
    rows = []
    for machines in MACHINES:
        least = found.pays_from(machines)
        rows.append((str(machines), "never" if least is None else f"{least / 1e6:,.1f}"))
    return Table("Machines with Spark against one with DuckDB", ("machines like this one", "quicker from, million source rows in one run"), rows)


def _stages(found: Findings) -> Table:
    names = list(dict.fromkeys(name for size in found.sizes for name in size.spark[0].said["stages"]))
    rows = [(name, *(cell for size in found.sizes for cell in (f"{stage(size.duckdb, name):.1f}", f"{stage(size.spark, name):.1f}"))) for name in names]
    rows.append(("start of the engine", *(cell for size in found.sizes for cell in ("", f"{median(started(run) for run in size.spark):.1f}"))))
    columns = tuple(column for size in found.sizes for column in (f"{size.rows:,}: DuckDB, s", "Spark, s"))
    return Table("What each stage costs (medians)", ("stage", *columns), rows)


def _calls(found: Findings) -> Table:
    names = list(dict.fromkeys(name for size in found.sizes for name in size.spark[0].said["calls"]))
    rows = [(name, *(cell for size in found.sizes for cell in _call(size.spark[0], name))) for name in names]
    columns = tuple(column for size in found.sizes for column in (f"{size.rows:,}: calls", "s, added up"))
    return Table("What is asked of Spark in a run (calls side by side count each)", ("call of the engine", *columns), rows)


def _call(run: Measured, name: str) -> tuple[str, str]:
    number, took = run.said["calls"].get(name, (0, 0.0))
    return f"{number:,}", f"{took:.1f}"


def _by_hand(compared: Compared) -> Table:
    rows = [
        (f"by hand from {what}", *_figures(runs), f"{median(m.said['bytes'] for m in runs) / 1e6:,.0f}")
        for what, runs in (("staged text", compared.from_staged), ("the files", compared.from_files))
    ]
    rows.append(("our run on Spark", *_figures(compared.size.spark), f"{compared.size.spark[-1].said['bytes']['cdr'] / 1e6:,.0f}"))
    return Table("The job by hand", ("what", "rounds, s", "median, s", "CPU, s", "peak, MiB", "rows' files, MB"), rows)
