"""The door to indicators of a release: values of units and periods, rolled up from cells; exact, and each with what it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from threading import RLock
from typing import Any

from suwen.base.errors import SuwenError
from suwen.engine.duck import Engine
from suwen.engine.sql import Tree as Sql
from suwen.engine.sql import col, in_texts, negation, read_parquet, statement, union_all
from suwen.flow.answer_tree import Tree, below_table, organisations
from suwen.flow.point_cells import TABLE
from suwen.flow.point_rules import PREFIX, PRESENCE, point_rule, points_of
from suwen.flow.reader import OpenRelease
from suwen.flow.region import region_packs
from suwen.flow.stores import engine_of
from suwen.insight.indicator.cells import ADDING, CELL
from suwen.insight.indicator.rollup import Asked, added, condensed, medians, of_points, persons
from suwen.insight.indicator.tree import Kin
from suwen.insight.indicator.value import spans, value
from suwen.model.indicator import Count, Indicator, Period, Point, Scope, Span, Value
from suwen.packs.loader import Packs
from suwen.packs.problem import nearest

MOST_PERIODS = 5_000  # in one series
_SHORTEST = {Period.DAY: 1, Period.MONTH: 28, Period.QUARTER: 90, Period.YEAR: 365}  # days
Place = tuple[str, Span]  # a unit in a period
Numbers = dict[Place, dict[str, Fraction]]  # and its points
Pairs = Sequence[tuple[str, Kin]]


class Answers:
    """Answers from one release; may be asked from several threads. Close it after use."""

    def __init__(self, opened: OpenRelease, packs: Packs | None = None) -> None:
        self.opened, self.packs = opened, packs or region_packs(opened.region)
        self._engine = engine_of(opened.region)
        self._lock = RLock()
        self._condensed: dict[str, str] = {}  # point -> the table of its cells by month
        self._masters: str | None = None
        self._beside: dict[str, str] = {}  # point -> the table of cells that stand in the place of the release's

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def release(self) -> int:
        return self.opened.release.number

    @cached_property
    def catalogue(self) -> Mapping[str, Indicator]:
        """The indicators in force, by code."""
        return dict(sorted(self.packs.indicators.items()))

    @cached_property
    def points(self) -> Mapping[str, Point]:
        """Every point of the catalogue, by code."""
        return points_of(self.packs.indicators)

    @cached_property
    def tree(self) -> Tree:
        """The organisations as the release knows them."""
        feeding = {feed.organisation for feed in self.opened.region.feeds.values()}
        return Tree(organisations(self.opened.ask(self.opened.view("ext.ext_organisation")).to_pylist()), feeding)

    def indicator(self, code: str) -> Indicator:
        """An indicator of the catalogue. Raises SuwenError where there is none of that code, and where the release does not hold it as it is declared now."""
        found = self.declared(code)
        for point in found.used:
            if point not in self._beside:
                self._refuse_other(found, self.points[point])
        return found

    def declared(self, code: str) -> Indicator:
        """An indicator as it is declared, whether or not the release holds it."""
        found = self.catalogue.get(code)
        if found is None:
            raise SuwenError(f'there is no indicator "{code[:60]}"', expected="one of the packs in use: suwen indicator list", do=nearest(code, self.catalogue))
        return found

    def _refuse_other(self, indicator: Indicator, point: Point) -> None:
        rule = point_rule(self.packs.bases[point.base], point, self.opened.release.vocabulary)
        if self.opened.release.derived.get(f"{PREFIX}{point.code}") != rule:
            raise SuwenError(
                f"release {self.release} does not hold {indicator.code} as it is declared now",
                where=indicator.place,
                expected=f"the cells of point {point.code}, which a run makes",
                do="suwen run",
            )

    def values(self, code: str, wanted: Sequence[Span], *, level: str = "", unit: str = "", units: Sequence[str] = ()) -> tuple[Value, ...]:
        """The values of one unit, of several, or of all units of a level, in each of some periods: by unit, then period."""
        indicator = self.indicator(code)
        if not wanted:
            return ()
        units = self.tree.units_of(level, wanted) if level else tuple(self.tree.unit(one) for one in (units or (unit,)))
        pairs = [(name, kin) for name in units for kin in self.tree.below(name)]
        numbers, reporting = self.numbers(indicator.used, pairs, wanted)
        return tuple(self._value(indicator, name, span, numbers, reporting) for name in units for span in wanted)

    def _value(self, indicator: Indicator, unit: str, span: Span, numbers: Numbers, reporting: Mapping[Place, int]) -> Value:
        """One value; of a unit of which nobody reported all is missing, else what has no row is 0 (a median: missing)."""
        sent, found = reporting.get((unit, span), 0), numbers.get((unit, span), {})
        zero = {code: None if self.points[code].kind is Count.MEDIAN else Fraction(0) for code in indicator.used}
        known = {code: (found.get(code, zero[code]) if sent else None) for code in indicator.used}
        return Value(
            indicator.code,
            unit,
            span,
            value(indicator, known),
            known,
            sent,
            self.tree.expected(unit, span),
            self.release,
            self._is_provisional(indicator, span),
        )

    @cached_property
    def until(self) -> date | None:
        """The last day that any feed of the release speaks for; None before anything came."""
        return max((datetime.fromisoformat(moment).date() for moment in self.opened.release.as_of.values()), default=None)

    def _is_provisional(self, indicator: Indicator, span: Span) -> bool:
        """Whether a period's value may change by what has not happened yet."""
        return self.until is None or (span.after - self.until).days + indicator.ahead > 1

    def series(self, code: str, unit: str, period: Period, first: date | None = None, last: date | None = None) -> tuple[Value, ...]:
        """The values of a unit in all periods from one day to another; by themselves from the first visit that was reported to the last."""
        self.tree.unit(unit)
        if first is None or last is None:
            known = self.extent(unit)
            if known is None:
                return ()
            first, last = first or known[0], last or known[1]
        return self.values(code, self.periods(period, first, last), unit=unit)

    def periods(self, period: Period, first: date, last: date) -> tuple[Span, ...]:
        """The periods of a kind from one day to another. Raises SuwenError where they are too many to be asked for at once."""
        if (last - first).days // _SHORTEST[period] > MOST_PERIODS:
            raise SuwenError(
                f"a series of more than {MOST_PERIODS:,} periods", expected="days that lie nearer together", do="give --from and --to, or a longer --period"
            )
        return spans(period, first, last)

    def extent(self, unit: str) -> tuple[date, date] | None:
        """The first and the last day below a unit of which any visit was reported; None where there is none."""
        found = self._presence_days([(unit, kin) for kin in self.tree.below(self.tree.unit(unit))])
        return found if found[0] is not None else None

    def _presence_days(self, pairs: Pairs) -> tuple[date, date]:
        with self.asked(pairs) as (engine, units):
            query = statement(
                "select min(c.day), max(c.day) from {c} c join {u} w on w.organisation = c.organisation and c.day >= w.first and c.day < w.after",
                c=of_points(self.cells(), (PRESENCE,)), u=units,
            )  # fmt: skip
            rows = engine.rows(query)
        return rows[0][0], rows[0][1]

    def numbers(self, points: Sequence[str], pairs: Pairs, wanted: Sequence[Span]) -> tuple[Numbers, dict[Place, int]]:
        """What points are for units in periods, and how many organisations reported. `pairs`: a unit, and who lies below it when."""
        found: Numbers = {}
        reporting: dict[Place, int] = {}
        with self.asked(pairs) as (engine, units):
            for period in dict.fromkeys(span.period for span in wanted):
                begins = {span.first: span for span in wanted if span.period is period}
                asked = Asked(tuple(points), units, period, min(begins), max(span.after for span in begins.values()))
                for unit, first, point, number in self._rolled(engine, asked):
                    if first not in begins:
                        continue
                    if point == PRESENCE:
                        reporting[unit, begins[first]] = int(number)
                    else:
                        found.setdefault((unit, begins[first]), {})[point] = number
        return found, reporting

    def _rolled(self, engine: Engine, asked: Asked) -> Iterator[tuple[str, date, str, Fraction]]:
        """(unit, first day, point, number) of points of all kinds in periods of one kind; as the number of `PRESENCE` how many organisations reported."""
        kinds = {code: self.points[code].kind for code in asked.points}
        adding = [PRESENCE, *(code for code, kind in kinds.items() if kind in ADDING)]
        for unit, first, point, records, total, sent in engine.rows(added(self._adding(adding, asked.period), _of(asked, adding))):
            yield unit, first, point, Fraction(sent if point == PRESENCE else total if kinds[point] is Count.SUM else records)
        middle = [code for code, kind in kinds.items() if kind is Count.MEDIAN]
        for unit, first, point, low, high in engine.rows(medians(self.cells(), _of(asked, middle))) if middle else ():
            yield unit, first, point, (Fraction(low) + Fraction(high)) / 2
        for scope in Scope:
            apart = [code for code, kind in kinds.items() if kind is Count.DISTINCT and self.points[code].person is scope]
            masters = self._links() if apart and scope is Scope.MASTER else None
            for unit, first, point, count in engine.rows(persons(self.cells(), _of(asked, apart), masters)) if apart else ():
                yield unit, first, point, Fraction(count)

    def cells(self) -> Sql:
        """All cells of the release; of points of which there are other ones beside it, those."""
        paths = self.opened.files(TABLE)
        stored = read_parquet(paths) if paths else self.opened.view(TABLE.replace("/", "."))
        if not self._beside:
            return stored
        columns = [col(name) for name in CELL]
        kept = statement("select {c} from {s} s where {others}", c=columns, s=stored, others=negation(in_texts(col("point"), sorted(self._beside))))
        return union_all([kept, *(statement("select {c} from {t} t", c=columns, t=name) for name in dict.fromkeys(self._beside.values()))])

    def put_beside(self, codes: Sequence[str], cells: Sequence[Sql]) -> int:
        """Take cells in the place of the release's for some points, as long as this door is open; gives how many records they count."""
        name = f"beside_{len(self._beside)}"
        self._engine.temporary(name, union_all(list(cells)))
        self._beside |= dict.fromkeys(codes, name)
        return int(self._engine.one(statement("select coalesce(sum(records), 0) from {t} t", t=name)))

    def _adding(self, codes: Sequence[str], period: Period) -> Sql:
        """Cells of points that add up; of months and longer periods put together by month, which is done once."""
        if period is Period.DAY:
            return self.cells()
        with self._lock:
            missing = [code for code in codes if code not in self._condensed]
            if missing:
                name = f"condensed_{len(self._condensed)}"
                self._engine.temporary(name, condensed(of_points(self.cells(), missing), self.tree.changes))
                self._condensed |= dict.fromkeys(missing, name)
        tables = dict.fromkeys(self._condensed[code] for code in codes)
        queries = [statement("select * from {t}", t=name) for name in tables]
        return queries[0] if len(queries) == 1 else union_all(queries)

    def _links(self) -> str | None:
        """The table (person_id, master) of persons who are shown as another; None where there is none."""
        if not self.opened.release.joined:
            return None
        with self._lock:
            if self._masters is None:
                self._engine.temporary(
                    "masters",
                    statement(
                        "select person_id, master_person_id as master from {l} l where master_person_id <> person_id",
                        l=read_parquet(self.opened.files("ext/ext_person_link")),
                    ),
                )
                self._masters = "masters"
        return self._masters

    def rows(self, query: Sql) -> list[tuple[Any, ...]]:
        """The rows of a query over files of the release."""
        engine = self._engine.beside()
        try:
            return engine.rows(query)
        finally:
            engine.close()

    @contextmanager
    def asked(self, pairs: Pairs) -> Iterator[tuple[Engine, str]]:
        """A connection of one's own, and the name under which it knows the units."""
        engine = self._engine.beside()
        try:
            engine.register("units_asked", below_table(pairs))
            yield engine, "units_asked"
        finally:
            engine.unregister("units_asked")
            engine.close()


def _of(asked: Asked, points: Sequence[str]) -> Asked:
    return Asked(tuple(points), asked.units, asked.period, asked.first, asked.after)
