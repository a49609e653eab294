"""The visits of a human as a figure: a lane for each organisation, a mark for each visit, years along the edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from suwen.flow.history import Visit

WIDTH, LANE, LEFT = 1000, 34, 8
_STAY, _EMERGENCY, _CHECK = frozenset({9201, 262, 32037}), frozenset({9203}), frozenset({32693})


@dataclass(frozen=True)
class Mark:
    """One visit in the figure."""

    visit: Visit
    kind: str
    x: float
    width: float


@dataclass(frozen=True)
class Lane:
    """One organisation: where its lane begins, and its visits."""

    organisation: str
    y: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Tick:
    """A first day of a year or month at the edge."""

    x: float
    text: str


@dataclass(frozen=True)
class Timeline:
    """The figure: its lanes, its ticks and its height."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    height: int


def kind_of(visit: Visit) -> str:
    """stay, emergency, check or visit."""
    if visit.concept_id in _STAY:
        return "stay"
    return "emergency" if visit.concept_id in _EMERGENCY else "check" if visit.concept_id in _CHECK else "visit"


def timeline(visits: Sequence[Visit]) -> Timeline | None:
    """Visits in lanes, the organisation visited first on top; None where there is none."""
    if not visits:
        return None
    first, last = min(one.start for one in visits), max(one.end or one.start for one in visits)
    days = max(30, (last - first).days + 1)

    def place(day: date) -> float:
        return round(LEFT + (day - first).days / days * (WIDTH - 2 * LEFT), 1)

    lanes = []
    for number, organisation in enumerate(dict.fromkeys(one.organisation for one in visits)):
        marks = tuple(
            Mark(one, kind_of(one), place(one.start), max(4.0, round(place(one.end or last) - place(one.start), 1)))
            for one in visits
            if one.organisation == organisation
        )
        lanes.append(Lane(organisation, number * LANE, marks))
    return Timeline(tuple(lanes), tuple(_ticks(first, first + timedelta(days=days), place)), len(lanes) * LANE + 22)


def _ticks(first: date, last: date, place: Callable[[date], float]) -> Iterator[Tick]:
    step = 12 if (last - first).days > 900 else 3 if (last - first).days > 200 else 1
    day = first.replace(day=1)
    while day <= last:
        if day >= first and (day.month - 1) % step == 0:
            yield Tick(place(day), f"{day.year}" if step == 12 else f"{day.year}-{day.month:02d}")
        day = (day + timedelta(days=32)).replace(day=1)
