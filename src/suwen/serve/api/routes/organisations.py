"""The organisations that are open to who asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from suwen.govern.policy.actions import Action
from suwen.model.region import Organisation
from suwen.serve.api.asking import Asking, asking
from suwen.serve.api.door import answers
from suwen.serve.api.forms import json_only
from suwen.serve.api.shapes import AfterText, Answer, Key, Limit, Listed, Names, Schema, names, told


class Standing(Schema):
    """Where an organisation stood for a time."""

    parent: str = told('The organisation above; "" at the top.', "上级机构")
    level: str = told("Its level, such as hospital or district.", "层级")
    kind: str = told("What kind of institution it is.", "类别")
    division: str = told("Code of its administrative division.", "行政区划")
    first: str = told("The first day.", "生效日")
    last: str | None = told("The last day; null while it still holds.", "截止日")


class OneOrganisation(Schema):
    """An organisation."""

    id: str = told("Its id.", "标识")
    title: Names
    parent: str = told('The organisation above it today; "" at the top.', "上级机构")
    level: str = told("Its level today.", "层级")
    history: list[Standing] = told("Where it stood, the earliest first.", "沿革")


class Organisations(Listed):
    """Organisations, by their ids."""

    items: list[OneOrganisation]


class TheOrganisation(Answer):
    """One organisation, with those directly below it."""

    organisation: OneOrganisation
    path: list[str] = told("The organisations from the top down to it, as far as they are open.", "路径")
    below: list[str] = told("Those directly below it today.", "下级机构")


@answers("organisations", Organisations, Action.VALUES, tag="organisations")
def list_organisations(request: HttpRequest, after: AfterText = "", limit: Limit = 100) -> object:
    """The organisations whose values are open to the account."""
    json_only(request)
    asked = asking(request, Action.VALUES)
    ids = sorted(one for one in asked.tree.organisations if asked.sees(one) and one > after)
    following = ids[limit - 1] if len(ids) > limit else ""
    return {"release": asked.release, "next": following, "items": [_one(asked, one) for one in ids[:limit]]}


@answers("organisations/{unit}", TheOrganisation, Action.VALUES, part="unit", tag="organisations")
def one_organisation(request: HttpRequest, unit: Key) -> object:
    """One organisation."""
    json_only(request)
    asked = asking(request, Action.VALUES)
    asked.demand(Action.VALUES, unit)
    path = [one for one in asked.tree.path(unit) if asked.sees(one)]
    return {"release": asked.release, "organisation": _one(asked, unit), "path": path, "below": sorted(asked.tree.children.get(unit, ()))}


def _one(asked: Asking, unit: str) -> dict[str, Any]:
    rows = sorted((one for one in asked.region.history if one.organisation_id == unit), key=lambda one: one.valid_from)
    now = asked.tree.organisations[unit]
    title = names({"en": now.name_en, "zh": now.name_zh})
    return {"id": unit, "title": title, "parent": now.parent, "level": now.level, "history": [_standing(one) for one in rows]}


def _standing(one: Organisation) -> dict[str, Any]:
    return {
        "parent": one.parent, "level": one.level, "kind": one.kind, "division": one.division,
        "first": one.valid_from.isoformat(), "last": one.valid_to.isoformat() if one.valid_to else None,
    }  # fmt: skip
