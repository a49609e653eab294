"""Accounts and tokens as actors, ready for decisions: roles in force today with the organisations they reach, openings still open."""

from __future__ import annotations

from datetime import date

from django.db.models import Q

from suwen.base.clock import now
from suwen.govern.people.models import IdentityOpening, RoleBinding, User
from suwen.govern.policy.actions import Action, Role
from suwen.govern.policy.actors import WHOLE, Actor, Grant, Opening
from suwen.govern.policy.tree import Tree
from suwen.govern.present import present


def actor_of(user: User, *, verified: bool = False, scope: frozenset[Action] | None = None) -> Actor:
    """The actor that an account is today. `verified`: a second factor was shown; `scope`: of the token that was shown, None at a page."""
    tree, today = present().tree(), present().today()
    grants = tuple(_grant(binding, tree) for binding in bindings_on(user, today))
    opened = IdentityOpening.objects.filter(user=user, until__gt=now())
    return Actor(
        name=user.name,
        active=user.is_active,
        grants=grants,
        openings=tuple(_opening(one, tree) for one in opened),
        scope=scope,
        needs_second_factor=scope is None and not verified and asks_second_factor(grants),
        needs_new_password=user.must_change_password,
        names=tree.names,
    )


def bindings_on(user: User, day: date) -> list[RoleBinding]:
    """The roles of an account that are in force on a day."""
    return list(user.bindings.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day), valid_from__lte=day))


def asks_second_factor(grants: tuple[Grant, ...]) -> bool:
    """Whether the region's setting asks a second factor of who holds these roles."""
    setting = present().region().server.second_factor
    return setting == "everybody" or (setting == "administrators" and any(grant.role is Role.ADMINISTRATOR for grant in grants))


def _grant(binding: RoleBinding, tree: Tree) -> Grant:
    return Grant(Role(binding.role), binding.unit, tree.below(binding.unit), whole=binding.unit == WHOLE)


def _opening(one: IdentityOpening, tree: Tree) -> Opening:
    return Opening(tree.below(one.unit), one.purpose, one.subject, whole=one.unit == WHOLE)
