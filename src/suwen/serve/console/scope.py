"""What of the region a reader sees: the organisations open to them, and the one their pages begin with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import Actor
from suwen.govern.policy.decisions import allowed_units
from suwen.govern.policy.tree import Tree


@dataclass(frozen=True)
class Scope:
    """The organisations over which an actor may do one thing, in today's tree; `tops`: those among them with nothing above that is open too."""

    units: frozenset[str]
    tops: tuple[str, ...]

    @property
    def home(self) -> str:
        """Where the pages begin; "" where nothing is open."""
        return self.tops[0] if self.tops else ""


def scope(actor: Actor, action: Action, tree: Tree) -> Scope:
    """The part of the tree in which an actor may do this."""
    allowed = allowed_units(actor, action)
    units = frozenset(tree.organisations) if allowed is None else frozenset(tree.organisations) & allowed
    tops = sorted((one for one in units if tree.organisations[one].parent not in units), key=lambda one: (len(tree.path(one)), one))
    return Scope(units, tuple(tops))


def within(units: Iterable[str], tree: Tree) -> list[str]:
    """Organisations in the order of the tree, each below the one above it."""
    wanted, found = set(units), list[str]()

    def walk(unit: str) -> None:
        if unit in wanted:
            found.append(unit)
        for child in sorted(tree.children.get(unit, ())):
            walk(child)

    for top in sorted(tree.children.get("", ())):
        walk(top)
    return found
