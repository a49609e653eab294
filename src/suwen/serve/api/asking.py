"""What a request asks of: the newest release, and the organisations in which its actor may do what is asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest

from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Resource
from suwen.govern.policy.decisions import allowed_units
from suwen.govern.policy.tree import Tree
from suwen.govern.present import present
from suwen.model.region import Region
from suwen.serve.api.faults import Fault
from suwen.serve.console.published import NEWEST, Published
from suwen.serve.gate import decided, note


@dataclass(frozen=True)
class Asking:
    """A request with what it reads. `units`: the organisations in which its actor may do what is asked; None for every one there is."""

    request: HttpRequest
    region: Region
    published: Published
    tree: Tree
    units: frozenset[str] | None

    @property
    def release(self) -> int:
        """The number of the release that is read."""
        return self.published.release.number

    def sees(self, organisation: str) -> bool:
        """Whether what is asked may be done in an organisation."""
        return self.units is None or organisation in self.units

    def demand(self, action: Action, unit: str) -> None:
        """Raises Refused where the actor may not do this in a unit, Fault where there is no such unit."""
        decided(self.request, action, Resource(unit))
        if unit not in self.tree.organisations:
            raise no_such("organisation", unit)

    def receipts(self, within: Collection[str] | None = None) -> list[int] | None:
        """The receipts of organisations that are open, and lie within these; None for every one there is."""
        if self.units is None and within is None:
            return None
        return [n for n, unit in self.published.organisations.items() if self.sees(unit) and (within is None or unit in within)]


def asking(request: HttpRequest, action: Action) -> Asking:
    """What a request reads. Raises Fault before the first release."""
    region, tree = present().region(), present().tree()
    published = NEWEST.of(region)
    if published is None:
        raise Fault(HTTPStatus.NOT_FOUND, "nothing has been published yet", expected="at least one release", do="land files and then: suwen run")
    return Asking(request, region, published, tree, allowed_units(request.actor, action))


def no_such(what: str, key: str) -> Fault:
    """For what is not there."""
    return Fault(HTTPStatus.NOT_FOUND, f"there is no {what} of that name", where=f"{what} {key[:60]}")


def hidden(request: HttpRequest, action: Action, unit: str, what: str, key: str) -> Fault:
    """For what is there and not open to who asks: told as if it were not there, and written down."""
    note(request, f"refused: {action.value}", Resource(unit, f"{what} {key}"), "POL-021")
    return no_such(what, key)
