"""The first page: the region at a glance, and what needs its reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.texts.catalogue import t
from suwen.model.indicator import Indicator, Period
from suwen.model.region import Region
from suwen.model.release import Release
from suwen.serve.console import standing
from suwen.serve.console.figures import Line, line, stacked
from suwen.serve.console.indicator_page import Change, Course, change, course, newest_whole
from suwen.serve.console.landed import landed
from suwen.serve.console.ledger_page import WIDTH
from suwen.serve.console.published import Published
from suwen.serve.console.shown import period
from suwen.serve.console.tags import language
from suwen.serve.console.views.reading import page, reading, told, unit_of
from suwen.serve.gate import may, needs

SHOWN, SPARK = 8, (220, 44)
_YEAR = {Period.DAY: 365, Period.MONTH: 12, Period.QUARTER: 4, Period.YEAR: 1}  # periods in a year


@dataclass(frozen=True)
class Small:
    """One indicator in little: its course, what it changed since the same period a year before, and its line."""

    indicator: Indicator
    course: Course
    change: Change | None
    line: Line


@needs(Action.VALUES)
@told
def overview(request: HttpRequest) -> HttpResponse:
    """How fresh the data is, what became of it, what it says, and what needs someone."""
    at = reading(request)
    unit = unit_of(request, at)
    units = at.tree.below(unit) & at.scope.units
    release = at.published.release if at.published else None
    feeds = may(request, Action.FEEDS, Resource(unit))
    fresh = standing.freshness(landed(at.region).status, units) if feeds else []
    arrived = standing.arrivals(at.region, release, units) if feeds else None
    states = standing.books(release, at.region, units)
    wanted = standing.needs(fresh, arrived, states, release, {action.name: may(request, action, Resource(unit)) for action in Action})
    small = multiples(at.published, unit) if at.published else []
    told_needs = [{"grade": n.grade, "told": t(n.text, **n.values), "href": reverse(n.address) + n.argument} for n in wanted]
    held = {
        "unit": unit,
        "fresh": fresh[:SHOWN],
        "grades": standing.graded(fresh),
        "feeds": len(fresh),
        "arrivals": arrived[:SHOWN] if arrived is not None else [],
        "needs": [*told_needs, *_outside(small, unit)],
        "multiples": small,
        **books(release, at.region, units),
    }
    return page(request, "console/overview.html", held, at)


def _outside(small: Sequence[Small], unit: str) -> list[dict[str, str]]:
    """The indicators whose newest value lies outside its control limits."""
    out = [one for one in small if one.course.limits and len(one.course.values) - 1 in one.course.limits.out]
    text = "{name} lies outside its control limits in {period}."
    return [
        {
            "grade": "warn",
            "told": t(text, name=one.indicator.title.get(language(), one.indicator.code), period=period(one.course.last.span.text, language())),
            "href": f"{reverse('indicator', args=[one.indicator.code])}?{urlencode({'unit': unit})}",
        }
        for one in out
    ]


def books(release: Release | None, region: Region, units: frozenset[str]) -> dict[str, Any]:
    """What the figure of the books needs."""
    states = standing.books(release, region, units)
    rest = [(state, number) for state, number in states.items() if state != "mapped"]
    return {"states": states, "received": sum(states.values()), "bar": stacked(list(states.items()), WIDTH), "rest": stacked(rest, WIDTH)}


def multiples(published: Published, unit: str) -> list[Small]:
    """Every indicator that the release holds in little, for one unit."""
    return published.once(("multiples", unit), lambda: _multiples(published, unit))


def _multiples(published: Published, unit: str) -> list[Small]:
    day = published.answers.until
    if day is None or unit not in published.answers.tree.names:
        return []
    return [_small(published, indicator, unit, day) for code, indicator in published.answers.catalogue.items() if published.holds(code)]


def _small(published: Published, indicator: Indicator, unit: str, day: date) -> Small:
    found = course(published.answers, indicator, unit, newest_whole(indicator.period, day, indicator.ahead))
    values = [one.value for one in found.values]
    back = _YEAR[indicator.period]
    before = found.values[-1 - back] if len(values) > back else None
    drawn = line(values, *SPARK, out=found.limits.out if found.limits else ())
    return Small(indicator, found, change(indicator, before, found.last), drawn)
