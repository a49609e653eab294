"""What the bench of days found, as tables: the two ratios, each stage early and late, the course of all days, files and bytes, maintenance, profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from bench.daily_records import stored_by
from bench.measure import Measured
from bench.report import Table

EARLY, WANTED = 10, 1.5
AROUND = 2  # days on each side of which a median is taken
BRACKET = 10  # days of a line
_MIB = 1 << 20
WHAT = (
    "Hospitals with a feed each: half send one zip of five files, what is new and a corrected result of the day before (upsert); half send five files,",
    "yesterday and today again (window). A day brings a hospital one new patient, and three visits of patients old and new, each with a diagnosis, a result",
    "and a charge. Packs `core` and `cn` are in use with all their indicators. All deliveries of a day land by one manifest, and `suwen run` follows. Writing",
    "the files to be landed is not measured. Every day is a process of its own; seconds are inside it, without start-up of the interpreter and imports.",
    "Early is the median of five days around day 10, late that of the last five; the dearest are the ten days in a row with the highest median.",
)
Days = Mapping[int, Measured]


def tables(days: Days, upkeep: Days, machine: Mapping[str, str], hospitals: int) -> list[Table]:
    """The report, from the days there are."""
    found = [_short(days, upkeep), _stages(days), _course(days), _sizes(days)]
    if upkeep:
        found.append(_upkeep(upkeep))
    found += [_profile(number, what, costs) for number, day in days.items() for what in ("landing", "run") if (costs := day.said.get(f"of {what}"))]
    found.append(Table("What must hold", ("check", "holds"), [(what, "yes" if holds else "NO") for what, holds in checks(days, hospitals).items()]))
    return [*found, Table("Machine", ("what", "is"), list(machine.items()))]


def checks(days: Days, hospitals: int) -> dict[str, bool]:
    """What must hold of every day's release, whatever it cost."""
    every = {f"every delivery of every day was landed, {hospitals:,} a day": all(day.said["landed"] == hospitals for day in days.values())}
    for table in ("person", "visit_occurrence", "measurement", "condition_occurrence", "cost"):
        wanted = {number: hospitals * stored_by(table, number) for number in days}
        every[f"as many rows of {table} as were sent, each once"] = all(day.said["tables"].get(table) == wanted[number] for number, day in days.items())
    return every


def all_hold(days: Days, hospitals: int) -> bool:
    """Whether the content of every day was right."""
    return all(checks(days, hospitals).values())


def early(days: Days) -> list[Measured]:
    """The days around day 10, or the first there are."""
    return _of(days, range(EARLY - AROUND, EARLY + AROUND + 1)) or _of(days, sorted(days)[:1]) or list(days.values())[:1]


def late(days: Days) -> list[Measured]:
    """The last days there are."""
    last = max(days)
    return _of(days, range(last - 2 * AROUND, last + 1)) or list(days.values())[-1:]


def _of(days: Days, numbers: Iterable[int]) -> list[Measured]:
    """Days by number; those whose functions were watched are left out."""
    return [days[number] for number in numbers if number in days and "of run" not in days[number].said]


def _median(days: Sequence[Measured], what: str) -> float:
    return median(float(day.said[what]) for day in days) if days else 0.0


def dearest(days: Days, what: str) -> tuple[int, float]:
    """The first of the ten days in a row whose median is the highest, and that; from the early days on, since first days make tables."""
    begins = range(min(EARLY - AROUND, max(days)), max(1, max(days) - BRACKET + 1) + 1)
    found = [(_median(_of(days, range(first, first + BRACKET)), what), -first) for first in begins]
    most, first = max(found, default=(0.0, 0))
    return -first, most


def ratio(days: Days, what: str) -> float:
    """Late against early."""
    return _median(late(days), what) / max(_median(early(days), what), 1e-9)


def _short(days: Days, upkeep: Days) -> Table:
    rows: list[tuple[str, ...]] = []
    for what, wanted in (("run", f"<= {WANTED}"), ("run_cpu", ""), ("landing", ""), ("landing_cpu", "")):
        first, most = dearest(days, what)
        name = f"`{what.split('_')[0]}`" + (", seconds of processors" if what.endswith("cpu") else "")
        begin, end = _median(early(days), what), _median(late(days), what)
        rows.append((name, f"{begin:.2f}", f"{end:.2f}", f"{ratio(days, what):.2f}", wanted, f"{most:.2f} (from day {first})"))
    peaks = [max((day.peak for day in some), default=0) / _MIB for some in (early(days), late(days))]
    rows.append(("peak memory, MiB", *(f"{peak:,.0f}" for peak in peaks), f"{peaks[1] / max(peaks[0], 1):.2f}", "", ""))
    if upkeep:
        seconds = [day.seconds for day in upkeep.values()]
        rows.append(("maintenance, apart", f"{seconds[0]:.1f}", f"{seconds[-1]:.1f}", f"{seconds[-1] / max(seconds[0], 1e-9):.2f}", "", f"{max(seconds):.1f}"))
    last = days[max(days)].said
    title = f"In short: day {max(days):,} against day {EARLY}; {last['receipts']:,} files had come, {last['rows']:,} rows that day"
    return Table(title, ("seconds", "early", "late", "late / early", "wanted", "dearest ten days"), rows)


def _stages(days: Days) -> Table:
    """Seconds of each stage early and late; what no stage names as `rest`."""
    columns: list[dict[str, float]] = []
    for some in (early(days), late(days)):
        names = dict.fromkeys(name for day in some for name in day.said["stages"])
        stages = {name: median(day.said["stages"].get(name, 0.0) for day in some) for name in names}
        rest = median(day.said["run"] - sum(day.said["stages"].values()) for day in some) if some else 0.0
        columns.append({**stages, "rest": rest})
    rows = [
        (name, f"{columns[0].get(name, 0.0):.2f}", f"{seconds:.2f}", f"{seconds - columns[0].get(name, 0.0):+.2f}", f"{_times(seconds, columns[0].get(name))}")
        for name, seconds in columns[1].items()
    ]
    return Table("Stages of a run, seconds", ("stage", "early", "late", "more", "late / early"), rows)


def _times(late_: float, early_: float | None) -> str:
    return f"{late_ / early_:.2f}" if early_ and early_ > 0.005 else ""


def _course(days: Days) -> Table:
    """Medians of the days between two lines."""
    rows = []
    names = list(dict.fromkeys(name for day in days.values() for name in day.said["stages"]))
    for first in range(1, max(days) + 1, BRACKET):
        some = _of(days, range(first, first + BRACKET))
        if not some:
            continue
        stages = [f"{median(day.said['stages'].get(name, 0.0) for day in some):.2f}" for name in names]
        rows.append((f"{first} to {first + len(some) - 1}", f"{_median(some, 'landing'):.2f}", f"{_median(some, 'run'):.2f}", *stages))
    return Table("Course: medians, seconds", ("days", "landing", "run", *names), rows)


def _sizes(days: Days) -> Table:
    sized = {number: day.said["areas"] for number, day in days.items() if "areas" in day.said}
    areas = list(dict.fromkeys(area for found in sized.values() for area in found))
    rows = [(str(number), *(_size(found.get(area, (0, 0))) for area in areas)) for number, found in sized.items()]
    return Table("Files, and MB, after the day's run", ("day", *areas), rows)


def _size(found: Sequence[int]) -> str:
    return f"{found[0]:,}; {found[1] / 1e6:,.1f}"


def _upkeep(upkeep: Days) -> Table:
    rows = []
    for number, one in upkeep.items():
        said = one.said
        files = sum(found[0] for found in said["areas"].values())
        counts = (f"{found:,}" for found in (said["merged"], said["removed"], files))
        rows.append((str(number), f"{one.seconds:.1f}", f"{one.cpu:.1f}", f"{one.peak / _MIB:,.0f}", *counts))
    columns = ("after day", "seconds", "of processors", "peak, MiB", "files merged away", "files removed", "files afterwards")
    return Table("Maintenance", columns, rows)


def _profile(number: int, what: str, costs: Sequence[tuple[str, int, float, float]]) -> Table:
    rows = [(f"`{place}`", f"{calls:,}", f"{own:.2f}", f"{whole:.2f}") for place, calls, own, whole in costs]
    return Table(f"Day {number}, {what}: dearest functions (watched, jobs in turn)", ("function", "calls", "itself, s", "with what it calls, s"), rows)
