"""The catalogue of indicators, and what each is made of."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from suwen.flow.explanations import ExplainedPoint, Explanation, explain
from suwen.govern.policy.actions import Action
from suwen.model.indicator import Indicator
from suwen.serve.api.asking import Asking, asking, no_such
from suwen.serve.api.door import answers
from suwen.serve.api.forms import json_only
from suwen.serve.api.shapes import Answer, Key, Names, Schema, names, told


class Cited(Schema):
    """Where a declaration's knowledge comes from."""

    citation: str = told("The source.", "来源")
    version: str = told("Its version.", "版本")
    standing: str = told("verified or to be checked.", "状态")


class Told(Schema):
    """An indicator of the catalogue."""

    code: str = told("Its code.", "编码")
    title: Names
    definition: Names
    unit: Names
    direction: str = told("Which way is better: higher, lower, target or monitor.", "导向")
    period: str = told("How often it is asked for: day, month, quarter or year.", "周期")
    person: str = told("Who a person is: local or master.", "人员口径")
    numerator: list[str] = told("The points that are added up.", "分子")
    denominator: list[str] = told("The points it is divided by; none where it is no ratio.", "分母")
    factor: int = told("What the ratio is multiplied by.", "系数")
    decimals: int = told("Decimals of a value.", "小数位")
    source: Cited


class Catalogue(Answer):
    """Every indicator."""

    items: list[Told]


class SourceColumns(Schema):
    """What a template makes a column of."""

    template: str = told("The template.", "模板")
    target: str = told("Its target.", "映射目标")
    expression: str = told("The expression.", "表达式")
    place: str = told("File and line.", "位置")
    columns: list[str] = told("The source columns it names.", "来源列")


class Used(Schema):
    """A column of the repository that a point names."""

    table: str = told("The table.", "表")
    column: str = told("The column.", "列")
    sources: list[SourceColumns]


class PointTold(Schema):
    """A statistical point of a formula."""

    code: str = told("Its code.", "编码")
    title: Names
    definition: Names
    unit: Names
    kind: str = told("count, sum, median or distinct.", "统计方式")
    person: str = told("Who a person is: local or master.", "人员口径")
    base: str = told("Which rows it counts.", "基础集")
    base_definition: Names
    place: str = told("Where it is declared.", "位置")
    sql: str = told("Its number by organisation and month, as suwen query takes it.", "SQL")
    columns: list[Used]


class Explained(Answer):
    """An indicator with all its points."""

    indicator: Told
    points: list[PointTold]


@answers("indicators", Catalogue, Action.CATALOGUE, tag="indicators")
def list_indicators(request: HttpRequest) -> object:
    """Every indicator in force."""
    json_only(request)
    asked = asking(request, Action.CATALOGUE)
    return {"release": asked.release, "items": [_told(one) for one in asked.published.answers.catalogue.values()]}


@answers("indicators/{code}", Explained, Action.CATALOGUE, tag="indicators")
def explain_indicator(request: HttpRequest, code: Key) -> object:
    """What an indicator is made of: points, SQL, columns, and the source columns behind them."""
    json_only(request)
    asked = asking(request, Action.CATALOGUE)
    declared(asked, code)
    made: Explanation = asked.published.once(("explained", code), lambda: explain(asked.published.answers, code))
    return {"release": asked.release, "indicator": _told(made.indicator), "points": [_point(one) for one in made.points]}


def declared(asked: Asking, code: str) -> Indicator:
    """An indicator by its code. Raises Fault where there is none."""
    found: Indicator | None = asked.published.answers.catalogue.get(code)
    if found is None:
        raise no_such("indicator", code)
    return found


def _told(one: Indicator) -> dict[str, Any]:
    return {
        "code": one.code, "title": names(one.title), "definition": names(one.definition), "unit": names(one.unit), "direction": one.direction.value,
        "period": one.period.value, "person": one.person.value, "numerator": one.numerator, "denominator": one.denominator, "factor": one.factor,
        "decimals": one.decimals,
        "source": {"citation": one.source.citation, "version": one.source.version, "standing": one.source.standing},
    }  # fmt: skip


def _point(one: ExplainedPoint) -> dict[str, Any]:
    point, base = one.point, one.base
    return {
        "code": point.code, "title": names(point.title), "definition": names(point.definition), "unit": names(point.unit), "kind": point.kind.value,
        "person": point.person.value, "base": base.name, "base_definition": names(base.definition), "place": one.place, "sql": one.sql,
        "columns": [{"table": used.table, "column": used.column, "sources": [vars(source) for source in used.sources]} for used in one.columns],
    }  # fmt: skip
