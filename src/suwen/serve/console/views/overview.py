"""The first page: the region at a glance, and what needs its reader."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from suwen.flow.status import status
from suwen.govern.policy.actions import Action
from suwen.model.indicator import Indicator
from suwen.serve.console import standing
from suwen.serve.console.figures import Line, line
from suwen.serve.console.indicator_page import Change, Course, change, course, newest_day, newest_whole
from suwen.serve.console.ledger_page import WIDTH
from suwen.serve.console.figures import stacked
from suwen.serve.console.published import Published
from suwen.serve.console.views.reading import page, reading, told
from suwen.serve.gate import may, needs, require
from suwen.govern.policy.actors import Resource

SHOWN, SPARK = 10, (220, 44)


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
    unit = request.GET.get("unit", "") or at.scope.home
    if unit != at.scope.home:
        require(request, Action.VALUES, Resource(unit))
    units = at.tree.below(unit) & at.scope.units
    now = status(at.region)
    release = at.published.release if at.published else None
    fresh = standing.freshness(now, units) if may(request, Action.FEEDS) else []
    arrived = standing.arrivals(at.region, release, units) if may(request, Action.FEEDS) else []
    states = standing.books(release, at.region, units)
    held = {
        "unit": unit,
        "fresh": fresh[:SHOWN],
        "grades": {grade.value: sum(one.grade is grade for one in fresh) for grade in standing.Grade},
        "feeds": len(fresh),
        "arrivals": arrived[:SHOWN],
        "states": states,
        "received": sum(states.values()),
        "bar": stacked(list(states.items()), WIDTH),
        "rest": stacked([(state, number) for state, number in states.items() if state != "mapped"], WIDTH),
        "needs": standing.needs(fresh, arrived, states, release, {action.name: may(request, action) for action in Action}),
        "multiples": multiples(at.published, unit) if at.published else [],
    }
    return page(request, "console/overview.html", held, at)


def multiples(published: Published, unit: str) -> list[Small]:
    """Every indicator of the catalogue in little, for one unit."""
    return published.once(("multiples", unit), lambda: _multiples(published, unit))


def _multiples(published: Published, unit: str) -> list[Small]:
    day = newest_day(published.release)
    if day is None or unit not in published.answers.tree.names:
        return []
    return [_small(published, indicator, unit, day) for indicator in published.answers.catalogue.values() if published.answers.holds(indicator)]


def _small(published: Published, indicator: Indicator, unit: str, day: object) -> Small:
    from datetime import date

    assert isinstance(day, date)
    found = course(published.answers, indicator, unit, newest_whole(indicator.period, day))
    values = [one.value for one in found.values]
    year = {"day": 365, "month": 12, "quarter": 4, "year": 1}[indicator.period.value]
    before = values[-1 - year] if len(values) > year else None
    drawn = line(values, *SPARK, out=found.limits.out if found.limits else ())
    return Small(indicator, found, change(indicator, before, values[-1]), drawn)
