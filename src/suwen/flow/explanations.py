"""What an indicator is made of: its points with their SQL, the columns these name, and through the templates in use the source columns behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from suwen.engine.forms import written_out
from suwen.engine.sql import statement
from suwen.flow.answers import Answers
from suwen.flow.base_rows import shown_rows
from suwen.flow.lineage import TargetLineage, target_lineage
from suwen.insight.indicator.meaning import meaning_of, meaning_of_point
from suwen.model import event
from suwen.model.indicator import Base, Beside, Count, Indicator, Point
from suwen.model.pack import Target, Template

_SHOWN = {Count.COUNT: "count(*)", Count.SUM: "sum(v_0)", Count.MEDIAN: "median(v_0)", Count.DISTINCT: "count(distinct person_id)"}


@dataclass(frozen=True)
class SourceOfColumn:
    """A template's target (by file and name) that fills a column: the expression, its place, and the source columns that it names.

    A column of a joined parent is named `<alias>.<column>`.
    """

    template: str
    target: str
    expression: str
    place: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class UsedColumn:
    """A column of the repository that a point names, and where the templates in use take it from."""

    table: str
    column: str
    sources: tuple[SourceOfColumn, ...]


@dataclass(frozen=True)
class ExplainedPoint:
    """A point of a formula. `sql`: its number by organisation and month, as `suwen query` takes it; `place`: where it is declared."""

    point: Point
    base: Base
    place: str
    sql: str
    columns: tuple[UsedColumn, ...]


@dataclass(frozen=True)
class Explanation:
    """An indicator, and all points of its formula."""

    indicator: Indicator
    points: tuple[ExplainedPoint, ...]
    release: int


def explain(answers: Answers, code: str) -> Explanation:
    """What an indicator of the catalogue is made of; also of one that the release does not hold yet."""
    indicator = answers.declared(code)
    targets = [target_lineage(template, target) for template, target in _targets(answers)]
    return Explanation(indicator, tuple(_point(answers, answers.points[one], targets) for one in indicator.used), answers.release)


def _point(answers: Answers, point: Point, targets: Sequence[TargetLineage]) -> ExplainedPoint:
    base = answers.packs.bases[point.base]
    columns = tuple(UsedColumn(table, column, tuple(_sources(table, column, targets))) for table, column in columns_used(base, point))
    return ExplainedPoint(point, base, str(point.place), point_sql(answers, point), columns)


def point_sql(answers: Answers, point: Point) -> str:
    """The SQL of a point over the tables of `suwen query`: by organisation and month."""
    rows = shown_rows(answers, answers.packs.bases[point.base], (point,))
    number = statement(f"select {_SHOWN[point.kind]}").expressions[0]
    query = statement(
        "select organisation, date_trunc('month', day)::DATE as month, {number} as number from {r} r where n_0 group by all order by 1, 2",
        number=number,
        r=rows,
    )
    return written_out(query).sql(dialect="duckdb", pretty=True)


def columns_used(base: Base, point: Point) -> list[tuple[str, str]]:
    """(table, column) of all that a base and a point name, in order; also the columns by which rows find each other."""
    meaning = meaning_of(base, {})
    counted = meaning_of_point(point, meaning)
    parts = [meaning.day, *meaning.keep, *meaning.by, *([meaning.best] if meaning.best else []), *(part for part in (counted.keep, counted.value) if part)]
    names = {name for part in parts for name in part.columns}
    for alias, each in reversed(list(meaning.each.items())):
        if any(name.startswith(f"{alias}.") for name in names):
            names = {name for name in names if not name.startswith(f"{alias}.")} | each.columns | {f"{alias}.{its}" for its in _keys(base, alias)}
            names |= {own for own, _ in base.each[alias].on if not base.each[alias].of_person}
    tables = dict(_aliases(base))
    found = {(tables[name.rpartition(".")[0]], name.rpartition(".")[2]) for name in names if name.rpartition(".")[0] in tables}
    return sorted(found, key=lambda pair: (pair[0] != base.table, pair))


def _keys(base: Base, alias: str) -> Iterator[str]:
    each = base.each[alias]
    yield from ((its for _, its in each.on if "." not in its) if not each.of_person else ("person_id",))


def _aliases(base: Base) -> Iterator[tuple[str, str]]:
    """(alias, table) of all that expressions may name; "" for the base's own."""
    yield "", base.table
    besides: list[Beside] = [*base.beside, *(one for each in base.each.values() for one in each.beside)]
    yield from ((one.alias, one.table) for one in besides)
    yield from ((alias, each.table) for alias, each in base.each.items())


def _targets(answers: Answers) -> Iterator[tuple[Template, Target]]:
    """The targets of every template that a feed of the region uses."""
    templates = answers.packs.templates
    for name in sorted({feed.template for feed in answers.opened.region.feeds.values() if feed.template in templates}):
        yield from ((templates[name], target) for target in templates[name].targets.values())


def _sources(table: str, column: str, targets: Sequence[TargetLineage]) -> Iterator[SourceOfColumn]:
    for lineage in targets:
        target = lineage.target
        if target.table != table and not (target.event and table in event.EVENT_TABLES):
            continue
        for step in lineage.of_table(table).get(column, ()):
            names = tuple(f"{alias}.{name}" if alias else name for alias, name in step.sources)
            yield SourceOfColumn(target.place.file, target.name, step.expression.text, str(step.expression.place), names)


def labelled(explanation: Explanation) -> Mapping[str, object]:
    """An explanation as plain data, for programs."""
    indicator = explanation.indicator
    return {
        "code": indicator.code, "title": indicator.title, "definition": indicator.definition, "unit": indicator.unit, "direction": indicator.direction.value,
        "period": indicator.period.value, "person": indicator.person.value, "numerator": indicator.numerator, "denominator": indicator.denominator,
        "factor": indicator.factor, "decimals": indicator.decimals, "place": str(indicator.place), "release": explanation.release,
        "source": {"citation": indicator.source.citation, "version": indicator.source.version, "standing": indicator.source.standing},
        "points": [
            {
                "code": one.point.code, "title": one.point.title, "definition": one.point.definition, "unit": one.point.unit, "kind": one.point.kind.value,
                "base": one.base.name, "base_definition": one.base.definition, "person": one.point.person.value, "place": one.place, "sql": one.sql,
                "columns": one.columns,
            }
            for one in explanation.points
        ],
    }  # fmt: skip
