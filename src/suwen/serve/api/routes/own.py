"""Who one is here."""

from __future__ import annotations

from django.http import HttpRequest

from suwen.govern.policy.actions import Action
from suwen.govern.policy.decisions import allowed_units, unit_name
from suwen.serve.api.asking import asking
from suwen.serve.api.door import answers
from suwen.serve.api.forms import json_only
from suwen.serve.api.shapes import Answer, Names, Schema, told


class HeldRole(Schema):
    """A role over an organisation and all below it."""

    role: str = told("administrator, analyst, steward or viewer.", "角色")
    unit: str = told('The organisation; "" for the whole region.', "机构")
    name: Names


class Self(Answer):
    """An account as it acts now."""

    name: str = told("The account's name.", "账户")
    by_token: bool = told("Whether a token was shown.", "是否令牌")
    roles: list[HeldRole] = told("The roles in force today.", "角色")
    actions: list[str] = told("What may be done now, anywhere at all.", "可执行操作")


@answers("me", Self, Action.CATALOGUE, tag="account")
def me(request: HttpRequest) -> object:
    """The account, its roles, and what it may do now."""
    json_only(request)
    asked, actor = asking(request, Action.CATALOGUE), request.actor
    roles = [
        {"role": grant.role.value, "unit": grant.bound_to, "name": {"en": unit_name(actor, grant.bound_to, 0), "zh": unit_name(actor, grant.bound_to, 1)}}
        for grant in actor.grants
    ]
    actions = [action.value for action in Action if allowed_units(actor, action) != frozenset()]
    return {"release": asked.release, "name": actor.name, "by_token": actor.scope is not None, "roles": roles, "actions": actions}
