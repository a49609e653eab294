"""What the expressions of a base, its points and breakdowns may name, and what they are compiled to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from suwen.base.errors import Place, SuwenError
from suwen.engine.compile import Compiled, Context, compile_checked, compile_parts
from suwen.engine.sql import Tree, in_numbers
from suwen.engine.typing_rules import LANGUAGE_TYPES, fits
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import Base, Breakdown, Each, How, Measure, Point
from suwen.model.pack import Expression
from suwen.packs.problem import nearest

Members = Mapping[str, Sequence[int]]
"""Concept set -> all its members; a set that is not named has just the ids that it lists."""

DAY, AGE = "day", "age"
GROUPED_BY: Mapping[str, str] = {"visit": "visit_occurrence", "more": "ext_visit", "person": "person"}
"""What a breakdown may name beside the row's day and the person's age on it."""

_BORN = """date_of(concat(integer_text(person.year_of_birth), '-', coalesce(integer_text(person.month_of_birth), '1'),
    '-', coalesce(integer_text(person.day_of_birth), '1')), 'dash')"""


@dataclass(frozen=True)
class Item:
    """An expression, the type it must have (None: any), and what it may name."""

    expression: Expression
    expected: str | None
    context: Context


@dataclass(frozen=True)
class MeasureMeaning:
    """A measure compiled; `type` is the language's."""

    how: How
    value: Compiled | None
    keep: Compiled | None
    type: str


@dataclass(frozen=True)
class EachMeaning:
    """What is measured, compiled; `keep` in its parts."""

    each: Each
    keep: Sequence[Compiled]
    measures: Mapping[str, MeasureMeaning]

    @property
    def columns(self) -> frozenset[str]:
        """Every name that its expressions use."""
        parts = [*self.keep, *(part for m in self.measures.values() for part in (m.value, m.keep) if part)]
        return frozenset().union(*(part.columns for part in parts))

    def is_own(self, name: str) -> bool:
        """Whether a name is of its rows or of what is beside them, and not of the base."""
        return "." in name and name.split(".", maxsplit=1)[0] in (self.each.alias, *(one.alias for one in self.each.beside))


@dataclass(frozen=True)
class BaseMeaning:
    """A base compiled: the day, its conditions in their parts, what is measured, and the context in which points are read."""

    base: Base
    day: Compiled
    keep: Sequence[Compiled]
    each: Mapping[str, EachMeaning]
    by: Sequence[Compiled]
    best: Compiled | None
    context: Context


@dataclass(frozen=True)
class PointMeaning:
    """A point compiled."""

    point: Point
    keep: Compiled | None
    value: Compiled | None


def columns_of(table: str, alias: str = "") -> dict[str, str]:
    """The names under which a table's columns are known, with the language's types."""
    return {f"{alias}.{c.name}" if alias else c.name: LANGUAGE_TYPES[c.type] for c in ALL_TABLES[table].columns}


def meaning_of(base: Base, members: Members) -> BaseMeaning:
    """Compile a base whose meaning was checked. Raises SuwenError at the first expression that has none."""
    seen = _Seen(base, members)
    each = {}
    for alias, one in base.each.items():
        context = seen.context(seen.within(one))
        keep = compile_parts(one.keep, context) if one.keep else []
        each[alias] = EachMeaning(one, keep, {name: _measure(m, context) for name, m in one.measures.items()})
        seen.measured(alias, {name: m.type for name, m in each[alias].measures.items()})
    context = seen.context()
    return BaseMeaning(
        base=base,
        day=compile_checked(base.date, context, "date"),
        keep=compile_parts(base.keep, context) if base.keep else [],
        each=each,
        by=[compile_checked(one, seen.of_own()) for one in base.once.by] if base.once else [],
        best=compile_checked(base.once.best, context) if base.once and base.once.best else None,
        context=context,
    )


def _measure(measure: Measure, context: Context) -> MeasureMeaning:
    value = compile_checked(measure.value, context) if measure.value else None
    keep = compile_checked(measure.keep, context, "boolean") if measure.keep else None
    if value is not None and measure.how is How.SUM and not fits(value.type, "number"):
        raise SuwenError(f"the sum of values of type {value.type}", where=measure.place, expected="numbers")
    type_ = "integer" if value is None or measure.how is How.DISTINCT else value.type
    return MeasureMeaning(measure.how, value, keep, "number" if (measure.how, type_) == (How.SUM, "money") else type_)


def meaning_of_point(point: Point, base: BaseMeaning) -> PointMeaning:
    """Compile a point whose meaning was checked."""
    keep = compile_checked(point.keep, base.context, "boolean") if point.keep else None
    return PointMeaning(point, keep, compile_checked(point.value, base.context, "number") if point.value else None)


def meaning_of_breakdown(breakdown: Breakdown) -> Compiled:
    """Compile a breakdown whose meaning was checked."""
    return compile_checked(breakdown.value, breakdown_context(), "text")


def meaning_of_age() -> Compiled:
    """The person's completed years on the row's day; a birth of which day or month is not known is taken for the first."""
    return compile_checked(Expression(f"years_between({_BORN}, {DAY})", Place("age")), breakdown_context(), "integer")


def breakdown_context() -> Context:
    """What a breakdown may name."""
    columns = {DAY: "date", AGE: "integer"}
    for alias, table in GROUPED_BY.items():
        columns |= columns_of(table, alias)
    return Context(columns)


def items(base: Base, points: Iterable[Point]) -> Iterator[Item]:
    """Every expression of a base and its points; after a measure without meaning, what may name it is left out."""
    seen = _Seen(base, {})
    for alias, one in base.each.items():
        context, types = seen.context(seen.within(one)), dict[str, str]()
        yield from _optional(one.keep, "boolean", context)
        for name, measure in one.measures.items():
            yield from _optional(measure.keep, "boolean", context)
            yield from _optional(measure.value, "number" if measure.how is How.SUM else None, context)
            try:
                types[name] = _measure(measure, context).type
            except SuwenError:
                return
        seen.measured(alias, types)
    context = seen.context()
    yield Item(base.date, "date", context)
    yield from _optional(base.keep, "boolean", context)
    for expression in base.once.by if base.once else ():
        yield Item(expression, None, seen.of_own())
    yield from _optional(base.once.best if base.once else None, None, context)
    for point in points:
        yield from _optional(point.keep, "boolean", context)
        yield from _optional(point.value, "number", context)


def _optional(expression: Expression | None, expected: str | None, context: Context) -> Iterator[Item]:
    if expression is not None:
        yield Item(expression, expected, context)


@dataclass
class _Seen:
    """What expressions of a base may name so far."""

    base: Base
    members: Members
    measures: dict[str, str] = field(default_factory=dict)

    def names(self) -> dict[str, str]:
        found = columns_of(self.base.table)
        for beside in self.base.beside:
            found |= columns_of(beside.table, beside.alias)
        return found | self.measures

    def within(self, each: Each) -> dict[str, str]:
        found = self.names() | columns_of(each.table, each.alias)
        for beside in each.beside:
            found |= columns_of(beside.table, beside.alias)
        return found

    def measured(self, alias: str, types: Mapping[str, str]) -> None:
        self.measures |= {f"{alias}.{name}": type_ for name, type_ in types.items()}

    def context(self, names: Mapping[str, str] | None = None) -> Context:
        return Context(self.names() if names is None else names, resolve_set=self._set)

    def of_own(self) -> Context:
        return Context(columns_of(self.base.table), resolve_set=self._set)

    def _set(self, name: str, concept: Tree) -> Tree:
        found = self.base.concepts.get(name)
        if found is None:
            raise SuwenError(f'no concept set "{name}"', expected="a set that the base declares", do=nearest(name, self.base.concepts))
        return in_numbers(concept, self.members.get(name, found.ids))
