"""What every page begins with: the newest release, the tree, and the part of it that is open to its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from suwen.base.errors import SuwenError
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.policy.tree import Tree
from suwen.govern.present import present
from suwen.model.region import Region
from suwen.serve.console.published import NEWEST, Published
from suwen.serve.console.scope import Scope, scope
from suwen.serve.gate import require

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Reading:
    """The region, its newest release (None before the first), today's tree, and the organisations whose values are open to the reader."""

    region: Region
    published: Published | None
    tree: Tree
    scope: Scope

    @property
    def release(self) -> Published:
        """The newest release. Raises SuwenError before the first."""
        if self.published is None:
            raise SuwenError("nothing has been published yet", expected="at least one release", do="land files and then: suwen run")
        return self.published


def reading(request: HttpRequest, action: Action = Action.VALUES) -> Reading:
    """What a request reads; `action` decides which organisations are open."""
    region, tree = present().region(), present().tree()
    return Reading(region, NEWEST.of(region), tree, scope(request.actor, action, tree))


def unit_of(request: HttpRequest, at: Reading) -> str:
    """The unit of an address, which must be open to the reader; else where their pages begin. Raises SuwenError for one that is not there."""
    unit = request.GET.get("unit", "") or at.scope.home
    require(request, Action.VALUES, Resource(unit))
    if unit not in at.tree.organisations:
        raise SuwenError("there is no such organisation", expected="an organisation_id of organisations.csv")
    return unit


def told(view: View) -> View:
    """A view that only shows, and whose reader is told, on a page, what was wrong with what they asked."""

    @wraps(view)
    def explaining(request: HttpRequest, *args: object, **parts: object) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(("GET", "HEAD"))
        try:
            return view(request, *args, **parts)
        except SuwenError as error:
            return render(request, "console/problem.html", {"error": error}, status=404)

    return explaining


def page(request: HttpRequest, template: str, held: Mapping[str, object], at: Reading) -> HttpResponse:
    """A page that names its release."""
    return render(request, template, {"release": at.published.release if at.published else None, "reading": at, **held})
