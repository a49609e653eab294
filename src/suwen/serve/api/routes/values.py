"""Values of indicators: of a unit or a level, over time, and why they changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

import pyarrow as pa
from django.http import HttpRequest
from ninja import Query

from suwen.flow.differences import UNIT, Difference, decompose
from suwen.govern.policy.actions import Action
from suwen.insight.indicator.decomposition import Effect, Share
from suwen.insight.indicator.value import span, spans
from suwen.model.indicator import Indicator, Period, Span, Value
from suwen.serve.api.asking import Asking, asking
from suwen.serve.api.door import answers
from suwen.serve.api.faults import Fault
from suwen.serve.api.forms import Form, form_of, json_only, streamed
from suwen.serve.api.numbers import decimal, exact
from suwen.serve.api.routes.indicators import declared
from suwen.serve.api.shapes import Answer, Bom, FormAsked, Key, Names, PeriodOrNone, Schema, Unit, UnitOrNone, names, told
from suwen.serve.api.shapes import Period as PeriodWanted

FORMS = (Form.JSON, Form.CSV, Form.ARROW)
MOST_VALUES, MOST_IN_JSON = 200_000, 5_000
_BATCH = 10_000
Level = Annotated[str, Query(max_length=60, description='A level of the tree, such as hospital; "" for none.')]
Day = Annotated[date | None, Query(description="A day, 2024-03-09.")]


class OneValue(Schema):
    """A value and what it was made of."""

    unit: str = told("The organisation; it stands for all below it.", "机构")
    period: str = told("The period.", "时段")
    value: str | None = told("The value, rounded; null where it is missing, which is not zero.", "数值")
    exact: str | None = told("The same exactly, as a fraction.", "精确值")
    points: dict[str, str | None] = told("Each point of the formula.", "统计点")
    reporting: int = told("Organisations that reported in the period.", "已报机构数")
    expected: int = told("Organisations expected to.", "应报机构数")
    provisional: bool = told("Whether the data end before all that counts for the period can have happened.", "是否暂定")


class Values(Answer):
    """Values of one indicator."""

    code: str = told("The indicator.", "指标")
    unit_of_measure: Names
    items: list[OneValue]


class Part(Schema):
    """What a part holds of a period."""

    numerator: str = told("Its numerator.", "分子")
    denominator: str = told("Its denominator; 0 where there is none.", "分母")


class OneEffect(Schema):
    """What one part did to the difference; the effects of all parts add up to it exactly."""

    part: str = told('The organisation or group; "" for all others.', "部分")
    title: Names
    before: Part
    after: Part
    rate: str = told("Because its own ratio (or number) changed; a fraction.", "率效应")
    mix: str = told("Because its weight changed; a fraction.", "构成效应")
    effect: str = told("Both together; a fraction.", "合计")


class Why(Answer):
    """A difference parted."""

    code: str = told("The indicator.", "指标")
    by: str = told("What the parts are: unit, or a breakdown.", "分解方式")
    before: OneValue
    after: OneValue
    change: str | None = told("The later value less the earlier, as a fraction; null where one is missing.", "变化")
    effects: list[OneEffect] = told("The greatest first.", "效应")


@answers("indicators/{code}/values", Values, Action.VALUES, tag="indicators", forms=FORMS)
def indicator_values(
    request: HttpRequest, code: Key, period: PeriodWanted, until: PeriodOrNone = "", unit: UnitOrNone = "", level: Level = "",
    format: FormAsked = "", bom: Bom = False,
) -> object:  # fmt: skip
    """Values of a unit, or of all units of a level that are open, in a period, or in each from it until another of its kind."""
    asked, form = asking(request, Action.VALUES), form_of(request, format)
    indicator = declared(asked, code)
    wanted = _wanted(period, until)
    if bool(unit) == bool(level):
        raise Fault(HTTPStatus.BAD_REQUEST, "either a unit or a level is asked for", where="query unit, level", expected="one of both")
    if unit:
        asked.demand(Action.VALUES, unit)
    units = [unit] if unit else [one for one in asked.published.answers.tree.units_of(level, wanted) if asked.sees(one)]
    _check_number(len(units) * len(wanted), form)
    return _answered(asked, form, indicator, asked.published.answers.values(code, wanted, units=units) if units else (), bom)


@answers("indicators/{code}/series", Values, Action.VALUES, tag="indicators", forms=FORMS)
def indicator_series(
    request: HttpRequest, code: Key, unit: Unit, period: Annotated[Period, Query(description="day, month, quarter or year.")] = Period.MONTH,
    first: Day = None, last: Day = None, format: FormAsked = "", bom: Bom = False,
) -> object:  # fmt: skip
    """A unit's values in all periods of a kind; by itself from the first visit reported to the last."""
    asked, form = asking(request, Action.VALUES), form_of(request, format)
    indicator = declared(asked, code)
    asked.demand(Action.VALUES, unit)
    return _answered(asked, form, indicator, asked.published.answers.series(code, unit, period, first, last), bom)


@answers("indicators/{code}/why", Why, Action.VALUES, tag="indicators")
def indicator_why(
    request: HttpRequest, code: Key, unit: Unit, before: PeriodWanted, after: PeriodWanted,
    by: Annotated[str, Query(max_length=60, description="unit, or a breakdown of the packs such as age-band.")] = UNIT,
) -> object:  # fmt: skip
    """Why a value changed between two periods: by the units below, or by groups of patients. Units that are not open are one part."""
    json_only(request)
    asked = asking(request, Action.VALUES)
    indicator = declared(asked, code)
    asked.demand(Action.VALUES, unit)
    made: Difference = decompose(asked.published.answers, code, unit, span(before), span(after), by, within=asked.units)
    return {
        "release": asked.release, "code": code, "by": by, "before": _one(indicator, made.before), "after": _one(indicator, made.after),
        "change": exact(made.change), "effects": [_effect(one, made.labels) for one in made.effects],
    }  # fmt: skip


def _wanted(period: str, until: str) -> Sequence[Span]:
    first = span(period)
    last = span(until) if until else first
    if last.period is not first.period:
        raise Fault(HTTPStatus.BAD_REQUEST, "the two periods are not of one kind", where="query until", expected=f"a {first.period.value}")
    if (last.first - first.first).days > MOST_VALUES:
        _check_number(MOST_VALUES + 1, Form.CSV)
    return spans(first.period, first.first, last.first)


def _check_number(number: int, form: Form) -> None:
    most = MOST_IN_JSON if form is Form.JSON else MOST_VALUES
    if number > most:
        do = "ask for CSV or Arrow, or for fewer at a time" if form is Form.JSON and number <= MOST_VALUES else "ask for fewer at a time"
        raise Fault(HTTPStatus.BAD_REQUEST, f"more than {most:,} values", where="query", expected=f"at most {most:,}", do=do)


def _answered(asked: Asking, form: Form, indicator: Indicator, found: Sequence[Value], bom: bool) -> object:
    _check_number(len(found), form)
    if form is Form.JSON:
        unit = names(indicator.unit)
        return {"release": asked.release, "code": indicator.code, "unit_of_measure": unit, "items": [_one(indicator, value) for value in found]}
    schema = _schema(indicator)
    rows = (_row(indicator, value) for value in found)
    return streamed(form, schema, _batches(rows, schema), release=asked.release, name=indicator.code, bom=bom)


def _one(indicator: Indicator, value: Value) -> dict[str, Any]:
    return {
        "unit": value.unit, "period": value.span.text, "value": decimal(value.value, indicator.decimals), "exact": exact(value.value),
        "points": {point: decimal(number) for point, number in value.points.items()}, "reporting": value.reporting, "expected": value.expected,
        "provisional": value.provisional,
    }  # fmt: skip


def _schema(indicator: Indicator) -> pa.Schema:
    """Values as decimals; `exact` as text. The points follow, each under its code."""
    number = pa.decimal128(38, 8)
    fixed = [("code", pa.string()), ("unit", pa.string()), ("period", pa.string()), ("value", pa.decimal128(38, indicator.decimals)), ("exact", pa.string())]
    return pa.schema([*fixed, *((point, number) for point in indicator.used), ("reporting", pa.int64()), ("expected", pa.int64()), ("provisional", pa.bool_())])


def _row(indicator: Indicator, value: Value) -> tuple[object, ...]:
    points = (decimal(value.points[point], 8) for point in indicator.used)
    first = (indicator.code, value.unit, value.span.text, decimal(value.value, indicator.decimals), exact(value.value))
    return (*first, *points, value.reporting, value.expected, value.provisional)


def _batches(rows: Iterable[tuple[object, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    held: list[tuple[object, ...]] = []
    for row in rows:
        held.append(row)
        if len(held) == _BATCH:
            yield batch(held, schema)
            held = []
    if held:
        yield batch(held, schema)


def batch(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as a batch; decimals are given as text."""
    arrays = []
    for at, field in enumerate(schema):
        column = [row[at] for row in rows]
        arrays.append(pa.array(column, pa.string()).cast(field.type) if pa.types.is_decimal(field.type) else pa.array(column, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _effect(one: Effect, labels: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {
        "part": one.part, "title": names(labels.get(one.part, {})), "before": _part(one.before), "after": _part(one.after),
        "rate": exact(one.rate), "mix": exact(one.mix), "effect": exact(one.whole),
    }  # fmt: skip


def _part(share: Share) -> dict[str, Any]:
    return {"numerator": decimal(share.numerator), "denominator": decimal(share.denominator)}
