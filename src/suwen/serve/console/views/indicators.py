"""The catalogue of indicators, and the page of one: its value, course, comparison, map, reasons, and the records behind it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from suwen.flow.explanations import explain
from suwen.flow.value_records import records as records_behind
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.texts.catalogue import t
from suwen.model.indicator import Period, Value
from suwen.serve.console import indicator_page as made
from suwen.serve.console.charts import trend_chart
from suwen.serve.console.published import Published
from suwen.serve.console.tags import language
from suwen.serve.console.views.overview import multiples
from suwen.serve.console.views.reading import Reading, page, reading, told, unit_of
from suwen.serve.gate import may, needs, require

ROWS = 20  # records on a page


@needs(Action.VALUES)
@told
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every indicator with its definition and newest value for one unit."""
    at = reading(request)
    unit = unit_of(request, at)
    found = {one.indicator.code: one for one in multiples(at.release, unit)}
    rows = [(indicator, found.get(code)) for code, indicator in at.release.answers.catalogue.items()]
    return page(request, "console/indicators.html", {"unit": unit, "rows": rows}, at)


@needs(Action.VALUES)
@told
def indicator(request: HttpRequest, code: str) -> HttpResponse:
    """One indicator for one unit and period."""
    at = reading(request)
    question = _asked(request, at, code)
    published = at.release
    key = (question.indicator.code, question.unit, question.span.text)
    course = published.once(("course", *key), lambda: made.course(published.answers, question.indicator, question.unit, question.span))
    own = course.last
    before = published.once(("before", *key, question.against.text), lambda: _before(published, question))
    comparison = published.once(("comparison", *key, question.against.text), lambda: made.comparison(published.answers, question, own.value))
    areas = published.once(("areas", *key), lambda: made.tile_map(published.answers, question))
    held = {
        **_question(published, question),
        "course": course,
        "own": own,
        "until": published.answers.until,
        "before": before,
        "change": made.change(question.indicator, before, own),
        "chart_words": {"value": t("value"), "limits": t("control limits"), "centre": t("mean"), "out": t("outside")},
        "chart": trend_chart(course, question.indicator, language()),
        "comparison": replace(comparison, rows=tuple(row for row in comparison.rows if row.value.unit in at.scope.units)),
        "areas": [group for one in areas if (group := one.among(at.scope.units)).tiles],
        "why": _why(at, question, "unit" if comparison.rows else _first_breakdown(published)),
        "records": _records(request, published, question, "", request.GET.get("point", "")) if may(request, Action.RECORDS, Resource(question.unit)) else None,
    }
    return page(request, "console/indicator.html", held, at)


def _before(published: Published, question: made.Asked) -> Value:
    return published.answers.values(question.indicator.code, (question.against,), unit=question.unit)[0]


@needs(Action.VALUES)
@told
def why(request: HttpRequest, code: str) -> HttpResponse:
    """Why a value changed, as a part of the page."""
    at = reading(request)
    question = _asked(request, at, code)
    held = {**_question(at.release, question), "why": _why(at, question, request.GET.get("by", "unit")), "reading": at}
    return render(request, "console/why.html", held)


@needs(Action.RECORDS)
@told
def records(request: HttpRequest, code: str) -> HttpResponse:
    """The records behind a value, as a part of the page: the next ones after a given one."""
    at = reading(request)
    question = _asked(request, at, code)
    require(request, Action.RECORDS, Resource(question.unit))
    found = _records(request, at.release, question, request.GET.get("after", ""), request.GET.get("point", ""))
    return render(request, "console/records.html", {**_question(at.release, question), "records": found, "reading": at})


@needs(Action.CATALOGUE)
@told
def made_of(request: HttpRequest, code: str) -> HttpResponse:
    """The columns an indicator is made of and its SQL, as a part of the page or a page by itself."""
    at = reading(request)
    published = at.release
    held = {"explained": published.once(("explained", code), lambda: explain(published.answers, code))}
    if request.htmx:
        return render(request, "console/made-of.html", held)
    return page(request, "console/made-of-page.html", held, at)


def _asked(request: HttpRequest, at: Reading, code: str) -> made.Asked:
    unit = unit_of(request, at)
    return made.asked(at.release.answers, code, unit, request.GET.get("period", ""), request.GET.get("against", ""))


def _question(published: Published, question: made.Asked) -> dict[str, Any]:
    """What every part of the page knows."""
    day = published.answers.until or question.span.first
    lengths = [(period.value, made.newest_whole(period, day).text) for period in (Period.YEAR, Period.QUARTER, Period.MONTH)]
    return {
        "question": question,
        "indicator": question.indicator,
        "digits": question.indicator.decimals + bool(question.indicator.denominator),  # of effects, which are smaller than values
        "unit": question.unit,
        "lengths": lengths,
        "periods": [
            one.text for one in reversed(made.spans_until(max(question.span, made.newest_whole(question.span.period, day), key=lambda one: one.first)))
        ],
        "breakdowns": published.packs.breakdowns,
        "path_code": question.indicator.code,
        "path_query": f"period={question.span.text}&against={question.against.text}&",
        "points": {code: published.answers.points[code] for code in question.indicator.used},
    }


def _first_breakdown(published: Published) -> str:
    return next(iter(published.packs.breakdowns), "unit")


def _why(at: Reading, question: made.Asked, by: str) -> made.Why:
    published, units = at.release, at.scope.units
    key = ("why", question.indicator.code, question.unit, question.span.text, question.against.text, by, units)
    return published.once(key, lambda: made.why(published.answers, question, by, units))


def _records(request: HttpRequest, published: Published, question: made.Asked, after: str, only: str) -> dict[str, Any]:
    """Those of organisations that are open today; some that lay below the unit in the period may not be."""
    units, indicator = reading(request, Action.RECORDS).scope.units, question.indicator
    key = ("records", indicator.code, question.unit, question.span.text, after, only, units)
    asked = partial(records_behind, published.answers, indicator.code, question.unit, question.span, after=after, limit=ROWS + 1, within=units, only=only)
    found = published.once(key, asked)
    return {
        "rows": found[:ROWS],
        "next": found[ROWS - 1].key if len(found) > ROWS else "",
        "codes": list(question.indicator.used),
        "only": only,
        "begun": not after,
    }
