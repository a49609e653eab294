"""An indicator tried before it is in force: its value in the last months, its SQL, some of the rows it counts, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from suwen.engine.compile import compile_all
from suwen.engine.sql import Tree, alias, col, in_numbers, statement
from suwen.flow.answers import Answers
from suwen.flow.base_rows import counted_rows, full_name
from suwen.flow.check_indicators import run_indicator_examples
from suwen.flow.explanations import columns_used, point_sql
from suwen.flow.reader import OpenRelease
from suwen.flow.region import region_packs
from suwen.flow.value_records import records
from suwen.insight.indicator.cells import cells_of
from suwen.insight.indicator.meaning import items
from suwen.model.cdm import Type
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import Base, Indicator, Period, Point, Value
from suwen.packs.formula import check_formulas
from suwen.packs.indicator import read_indicator
from suwen.packs.loader import Packs
from suwen.packs.problem import Problem, Problems
from suwen.packs.source_file import read_bytes
from suwen.packs.toml_places import parse_toml

MONTHS, SAMPLES = 12, 5
_SHOWN = (Type.INTEGER, Type.DATE, Type.TIMESTAMP, Type.BOOLEAN, Type.MONEY, Type.AMOUNT)  # texts may hold what is personal
_PERSONAL = ("person", "death")  # tables of which no column is shown


@dataclass(frozen=True)
class Trial:
    """What a file's indicator gives. `values`: of the units at the top, in the last months; `sql`: point -> its SQL for `suwen query`.

    `samples`: rows that count in the last month with a value, without texts and without what is known of the person. `rows`: of the bases' tables;
    `counted`: rows that count in all; `seconds`: for all cells there are. `wrong`: what examples expect and do not get.
    """

    indicator: Indicator
    replaces: bool
    values: tuple[Value, ...]
    sql: Mapping[str, str]
    samples: tuple[Mapping[str, object], ...]
    rows: int
    counted: int
    seconds: float
    wrong: tuple[Problem, ...]


def try_out(opened: OpenRelease, file: Path) -> Trial:
    """Try the indicator that a file declares on a release. Raises SuwenError or PackErrors where the file is not right; nothing is kept."""
    packs = region_packs(opened.region)
    indicator = _read(file, packs)
    known = packs.indicators.get(indicator.code)
    replaces = known is not None and known.sha256 != indicator.sha256
    packs = replace(packs, indicators={**packs.indicators, indicator.code: indicator})
    wrong = tuple(run_indicator_examples(packs, [indicator.code]))
    with Answers(opened, packs) as answers:
        began = datetime.now(UTC)
        rows, counted = _count(answers, indicator)
        seconds = (datetime.now(UTC) - began).total_seconds()
        values = tuple(value for unit in answers.tree.tops for value in answers.series(indicator.code, unit, Period.MONTH)[-MONTHS:])
        sql = {code: point_sql(answers, answers.points[code]) for code in indicator.used}
        return Trial(indicator, replaces, values, sql, tuple(_samples(answers, indicator, values)), rows, counted, seconds, wrong)


def _read(file: Path, packs: Packs) -> Indicator:
    """The indicator in a file, held against the packs in force as if it were among them."""
    problems = Problems()
    indicator = read_indicator(parse_toml(read_bytes(file, str(file)), str(file)), problems)
    problems.raise_if_any()
    check_formulas(packs.bases, {**packs.indicators, indicator.code: indicator}, problems)
    problems.raise_if_any()
    for name, points in groupby(sorted(indicator.points.values(), key=lambda point: point.base), key=lambda point: point.base):
        _check(packs.bases[name], list(points))
    return indicator


def _check(base: Base, points: Sequence[Point]) -> None:
    """Every expression has a meaning to the engine. Raises SuwenError at the first that has none."""
    for item in items(base, points):
        compile_all([(item.expression, item.expected)], item.context)


def _count(answers: Answers, indicator: Indicator) -> tuple[int, int]:
    """Make the cells of the indicator's points, for this trial; gives the rows looked at, and those that count."""
    by_base: dict[str, list[Point]] = {}
    for code in indicator.used:
        by_base.setdefault(answers.points[code].base, []).append(answers.points[code])
    made: list[Tree] = []
    rows = 0
    for name, points in sorted(by_base.items()):
        base = answers.packs.bases[name]
        made.append(cells_of(counted_rows(answers, base, points), points))
        held = answers.opened.release.tables.get(full_name(base.table).replace(".", "/"))
        rows += held.rows if held else 0
    return rows, answers.put_beside(indicator.used, made)


def _samples(answers: Answers, indicator: Indicator, values: Sequence[Value]) -> list[dict[str, object]]:
    """Some rows of the last value that has any, with the columns of their own table that its points name."""
    for value in reversed(values):
        found = records(answers, indicator.code, value.unit, value.span, limit=SAMPLES)
        if found:
            break
    else:
        return []
    shown: list[dict[str, object]] = []
    for table, some in groupby(sorted(found, key=lambda one: one.table), key=lambda one: one.table):
        listed = list(some)
        beside = _columns(answers, table, indicator, [one.id for one in listed])
        shown += [{"table": table, "id": one.id, "organisation": one.organisation, "day": one.day, **beside.get(one.id, {}), **one.points} for one in listed]
    return shown


def _columns(answers: Answers, table: str, indicator: Indicator, ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """Id -> what the rows of a table hold in the columns that may be shown."""
    shape = ALL_TABLES[table]
    points = (answers.points[code] for code in indicator.used)
    used = {column for point in points for owner, column in columns_used(answers.packs.bases[point.base], point) if owner == table}
    names = [c.name for c in shape.columns if c.name in used and c.type in _SHOWN] if table not in _PERSONAL else []
    if not names:
        return {}
    query = statement(
        "select {id} as id, {c} from {r} r where {mine}",
        id=shape.id_column or "", c=[alias(col(name), name) for name in names], r=answers.opened.view(full_name(table)),
        mine=in_numbers(col(shape.id_column or ""), ids),
    )  # fmt: skip
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in answers.rows(query)}
