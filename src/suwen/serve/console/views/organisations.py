"""The tree of organisations, and the page of one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from suwen.base.errors import SuwenError
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.present import present
from suwen.serve.console import standing
from suwen.serve.console.landed import landed
from suwen.serve.console.tree_rows import tree_rows
from suwen.serve.console.views.overview import SHOWN, books, multiples
from suwen.serve.console.views.reading import page, reading, told
from suwen.serve.gate import may, needs


@needs(Action.VALUES)
@told
def organisations(request: HttpRequest) -> HttpResponse:
    """All organisations that are open to the reader."""
    at = reading(request)
    release = at.published.release if at.published else None
    rows = tree_rows(at.tree, at.scope.units, landed(at.region).status, release, at.region, present().today())
    return page(request, "console/organisations.html", {"rows": rows}, at)


@needs(Action.VALUES, part="unit")
@told
def organisation(request: HttpRequest, unit: str) -> HttpResponse:
    """One organisation: its numbers, its books, what is below it, and where it stood when."""
    at = reading(request)
    if unit not in at.tree.organisations:
        raise SuwenError("there is no such organisation", expected="an organisation_id of organisations.csv")
    units = at.tree.below(unit) & at.scope.units
    release = at.published.release if at.published else None
    fresh = standing.freshness(landed(at.region).status, units) if may(request, Action.FEEDS, Resource(unit)) else []
    held = {
        "unit": unit,
        "organisation": at.tree.organisations[unit],
        "children": sorted(at.tree.children.get(unit, ())),
        "history": [one for one in at.region.history if one.organisation_id == unit],
        "fresh": fresh[:SHOWN],
        "grades": standing.graded(fresh),
        "feeds": len(fresh),
        "arrivals": standing.arrivals(at.region, release, units)[:SHOWN] if fresh else [],
        "multiples": multiples(at.published, unit) if at.published else [],
        **books(release, at.region, units),
    }
    return page(request, "console/organisation.html", held, at)
