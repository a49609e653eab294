"""The examples of indicators worked out: given rows through the same passes as a region's, rolled up in plain Python. Of a vocabulary it knows
what the example gives of concept_ancestor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from suwen.base.errors import SuwenError
from suwen.engine.port import Engine
from suwen.engine.sql import statement
from suwen.insight.indicator.concept_members import set_members
from suwen.insight.indicator.example_rows import OWNED, GivenTables
from suwen.insight.indicator.rows import point_rows
from suwen.insight.indicator.tree import Kin, closure
from suwen.insight.indicator.value import median, span, value
from suwen.model.indicator import Base, Count, Expected, Indicator, IndicatorExample, Point, Scope, Span
from suwen.model.region import FIRST_DAY, Organisation

PLAIN_TREE = (("P1", ""), ("C1", "P1"), ("D1", "C1"), ("H1", "D1"), ("H2", "D1"))
"""The organisations of an example that names none: id and parent."""

Came = tuple[Expected, Fraction | None]


def worked_out(engine: Engine, example: IndicatorExample, indicators: Mapping[str, Indicator], bases: Mapping[str, Base]) -> list[Came]:
    """Each expectation of an example with the value that comes of its rows. Raises SuwenError for a period that the calendar does not have."""
    work = _Work(engine, example, indicators, bases)
    return [(expected, work.value(expected)) for expected in example.expect]


def differing(found: Iterable[Came]) -> list[Came]:
    """Those of the worked out values that are not what was expected."""
    return [(expected, came) for expected, came in found if came != (None if expected.value is None else Fraction(expected.value))]


@dataclass(frozen=True)
class _Counted:
    """A row that counts for a point; `value` of one that has any."""

    organisation: str
    day: date
    person: int | None
    value: Fraction


class _Work:
    """One example's rows, and what points make of them."""

    def __init__(self, engine: Engine, example: IndicatorExample, indicators: Mapping[str, Indicator], bases: Mapping[str, Base]) -> None:
        self._engine, self._example, self._indicators, self._bases = engine, example, indicators, bases
        self._tables = GivenTables(engine, example)
        self._points = {code: point for indicator in indicators.values() for code, point in indicator.points.items()}
        self._counted: dict[str, list[_Counted]] = {}

    def value(self, expected: Expected) -> Fraction | None:
        """What is expected, as it comes out; None where nobody below the unit reported in the period."""
        try:
            period = span(expected.period)
        except SuwenError as error:
            raise SuwenError(error.what, where=expected.place, expected=error.expected) from None
        if not any(self._within(expected.unit, period, *place) for place in self._reported):
            return None
        indicator = self._indicators.get(expected.code)
        if indicator is None:
            return self._point(self._points[expected.code], expected.unit, period)
        return value(indicator, {code: self._point(self._points[code], expected.unit, period) for code in indicator.used})

    def _within(self, unit: str, period: Span, organisation: str, day: date) -> bool:
        below = (kin for kin in self._tree if (kin.ancestor, kin.descendant) == (unit, organisation))
        return period.first <= day < period.after and any(kin.first <= day < kin.after for kin in below)

    def _point(self, point: Point, unit: str, period: Span) -> Fraction | None:
        rows = [one for one in self._rows(point) if self._within(unit, period, one.organisation, one.day)]
        if point.kind is Count.MEDIAN:
            return median((one.value, 1) for one in rows)
        if point.kind is Count.SUM:
            return sum((one.value for one in rows), Fraction(0))
        return Fraction(len({one.person for one in rows}) if point.kind is Count.DISTINCT else len(rows))

    def _rows(self, point: Point) -> list[_Counted]:
        """The rows that count for a point; those of all points of its base are found at once."""
        if point.code not in self._counted:
            points = [one for one in self._points.values() if one.base == point.base]
            rows = self._found(self._bases[point.base], points)
            for at, one in enumerate(points):
                self._counted[one.code] = list(_of_point(one, at, rows))
        return self._counted[point.code]

    def _found(self, base: Base, points: Sequence[Point]) -> list[dict[str, Any]]:
        links = statement("select person_id, master_person_id from {l} l", l=self._tables("ext_person_link"))
        members = set_members(base, self._tables("concept_ancestor"), self._engine.rows)
        rows = point_rows(base, points, self._tables(base.table), self._tables, links=links, members=members)
        joined = "select r.*, coalesce(l.master_person_id, r.person_id) as master from {r} r left join {l} l on l.person_id = r.person_id"
        return list(self._engine.arrow(statement(joined, r=rows, l=links)).to_pylist())

    @cached_property
    def _reported(self) -> list[tuple[str, date]]:
        """Which organisations had a visit begin or end on which days."""
        ends = statement("select distinct {o}, unnest([visit_start_date, visit_end_date]) as day from {v} v", o=OWNED, v=self._tables("visit_occurrence"))
        return [(organisation, day) for organisation, day in self._engine.rows(ends) if day is not None]

    @cached_property
    def _tree(self) -> Sequence[Kin]:
        return closure(_organisations(self._example))


def _of_point(point: Point, at: int, rows: Iterable[Mapping[str, Any]]) -> Iterator[_Counted]:
    for row in rows:
        if row[f"n_{at}"]:
            person = row["master" if point.person is Scope.MASTER else "person_id"]
            yield _Counted(row["organisation"], row["day"], person, Fraction(row[f"v_{at}"] or 0))


def _organisations(example: IndicatorExample) -> Iterator[Organisation]:
    rows = example.organisations or [{"organisation_id": name, "parent": parent} for name, parent in PLAIN_TREE]
    for row in rows:
        first, last = row.get("valid_from"), row.get("valid_to")
        yield Organisation(
            organisation_id=row["organisation_id"] or "", place=example.place, name_en="", name_zh="", parent=row.get("parent") or "",
            level=row.get("level") or "", kind="", division="", zone="UTC",
            valid_from=date.fromisoformat(first) if first else FIRST_DAY, valid_to=date.fromisoformat(last) if last else None,
        )  # fmt: skip
