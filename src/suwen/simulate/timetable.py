"""When which version of a record is sent: all at once on the last day, or by a base and then day after day, or on some days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from suwen.simulate.dialects.system import Sheet, System
from suwen.simulate.shapes import Ints


@dataclass(frozen=True)
class Sent:
    """A delivery: the day it speaks for, its mode, and the days of its window."""

    as_of: int
    mode: str
    window: tuple[int, int] | None = None


@dataclass(frozen=True)
class Timetable:
    """`last`: last day of the region; `base`: day after which everything is sent day by day, None where all is sent at once on the last day.

    `days`: where given, the days after the base on which deliveries are sent, ascending, each with what has changed since the one before.
    """

    last: int
    base: int | None = None
    days: tuple[int, ...] = ()

    def first(self, system: System) -> Sent:
        """The first delivery of a system, with which names of departments and doctors come."""
        return Sent(self.last if self.base is None else self.base, system.mode)

    def after_base(self, since: int) -> Iterator[tuple[int, int]]:
        """(first day, day on which it is sent) of each delivery after the base that can hold what changed on a day or later."""
        base = self.last if self.base is None else self.base
        if not self.days:
            yield from ((number, number) for number in range(max(since, base + 1), self.last + 1))
            return
        for before, number in pairwise((base, *self.days)):
            if number >= since:
                yield before + 1, number


def sent(timetable: Timetable, system: System, sheet: Sheet) -> Iterator[tuple[Sent, Ints | None]]:
    """The deliveries that the rows of a sheet go into, each with the places of its rows (None: all), ascending."""
    if timetable.base is None:
        yield timetable.first(system), None
        return
    base = timetable.base
    since, until = np.minimum(sheet.since, timetable.last), sheet.until
    there = np.flatnonzero((since <= base) & (until > base))
    if len(there):
        yield timetable.first(system), there
    for new, number in timetable.after_base(int(since.min())) if len(since) else ():
        yield from _on(new, number, system, sheet, since)


def _on(new: int, number: int, system: System, sheet: Sheet, since: Ints) -> Iterator[tuple[Sent, Ints]]:
    """What is sent on one day after the base: what has changed from the day `new` on."""
    if system.daily == "month":
        first, end = _month(number)
        if number != end:
            return
        window: tuple[int, int] | None = (first, end)
    else:
        first, end = min(new, number - system.window + 1), number
        window = (first, end) if system.daily == "window" else None
    places = np.flatnonzero((since >= first) & (since <= end) & (sheet.until > end))
    if len(places):
        yield Sent(number, "append" if sheet.kind.keyless and window is None else system.daily_mode, window), places


def _month(number: int) -> tuple[int, int]:
    """First and last day of the month in which a day lies."""
    month = np.datetime64(number, "D").astype("datetime64[M]")
    return int(month.astype("datetime64[D]").astype(np.int64)), int((month + 1).astype("datetime64[D]").astype(np.int64)) - 1
