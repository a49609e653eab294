"""Who lies below whom, and when: the rows of organisations.csv as a closure with dates, of any depth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from suwen.model.region import Organisation

FOREVER = date.max  # the day after the last one of what still holds


@dataclass(frozen=True, order=True)
class Kin:
    """An organisation that lies `depth` steps below another, or is it (0), from `first` until the day before `after`."""

    ancestor: str
    descendant: str
    depth: int
    first: date
    after: date


def closure(history: Iterable[Organisation]) -> tuple[Kin, ...]:
    """Every pair with its periods, sorted; periods that meet are one. A way up ends where, and while, the parent has no row."""
    rows: dict[str, list[Organisation]] = {}
    for one in history:
        rows.setdefault(one.organisation_id, []).append(one)
    found = [kin for periods in rows.values() for one in periods for kin in _upward(one, rows)]
    return tuple(_joined(sorted(found)))


def _upward(one: Organisation, rows: Mapping[str, Sequence[Organisation]]) -> Iterator[Kin]:
    """The pairs in which one row is the lower end, by every way up from it."""
    waiting = [(one, Kin(one.organisation_id, one.organisation_id, 0, one.valid_from, _after(one)))]
    while waiting:
        row, kin = waiting.pop()
        yield kin
        for above in rows.get(row.parent, ()):
            first, after = max(kin.first, above.valid_from), min(kin.after, _after(above))
            if first < after:
                waiting.append((above, Kin(above.organisation_id, kin.descendant, kin.depth + 1, first, after)))


def _after(one: Organisation) -> date:
    return FOREVER if one.valid_to is None or one.valid_to == date.max else one.valid_to + timedelta(days=1)


def _joined(kins: Iterable[Kin]) -> Iterator[Kin]:
    """Sorted pairs with periods that meet put together."""
    last: Kin | None = None
    for kin in kins:
        if last is not None and (last.ancestor, last.descendant, last.depth, last.after) == (kin.ancestor, kin.descendant, kin.depth, kin.first):
            last = replace(last, after=kin.after)
            continue
        if last is not None:
            yield last
        last = kin
    if last is not None:
        yield last
