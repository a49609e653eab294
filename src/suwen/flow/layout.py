"""The layout policy: which part of a table a month's rows go to. Months are counted 12 * year + month - 1; 0 is no date.

A table's parts are ranges of months of about equal rows, smaller for the last year, where corrections fall and files are written again. Rows that come
in bulk cut the parts they go to; else a later month opens a part of its own once the last part is full. The part's name is its first month, so no
changing attribute enters a path. Rows of a table without a date lie by the day of their record's window, where its kind has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ROWS = 1_500_000  # per part: 64 to 256 MB of a clinical table
RECENT_MONTHS, RECENT_ROWS = 12, 250_000  # of the last months, and per part of them
END = 1 << 30


def part_of(low: int) -> str:
    """The name of the part that begins with a month: `197003`; `000000` for the first, which has no beginning."""
    return f"{low // 12:04d}{low % 12 + 1:02d}" if low else "000000"


def month_of_part(part: str) -> int:
    """The month with which a part begins."""
    return 0 if part == "000000" else int(part[:4]) * 12 + int(part[4:]) - 1


def parts_of(known: Mapping[str, Mapping[str, int]], table: str, histogram: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts (first month, month after the last) for rows with this histogram of months (month, rows), ascending.

    `known`: table -> part -> rows, as the last release has it.
    """
    parts = {month_of_part(p): n for p, n in known.get(table, {}).items()}
    starts = {0, *parts}  # what comes before the first part has a place, though the part that had it may be empty by now
    last, newest = max(starts), max(m for m, _ in histogram)
    cuts = {cut for low, high in _ranges(sorted(starts)) for cut in _cut([(m, n) for m, n in histogram if low <= m < high], newest)}
    if parts.get(last, 0) >= RECENT_ROWS and newest > last and not any(cut > last for cut in cuts):
        cuts.add(newest)
    return _ranges(sorted(starts | cuts))


def _cut(histogram: Sequence[tuple[int, int]], newest: int) -> list[int]:
    """First months of the further ranges of about ROWS rows each, RECENT_ROWS in the last year; a month is never cut."""
    starts, rows = [], 0
    for month, count in histogram:
        if rows and rows + count > (RECENT_ROWS if month > newest - RECENT_MONTHS else ROWS):
            starts.append(month)
            rows = 0
        rows += count
    return starts


def _ranges(starts: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], END], strict=True))
