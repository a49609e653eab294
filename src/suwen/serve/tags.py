"""Template tags of the house: texts by their English."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from suwen.govern.policy.actions import Action
from suwen.govern.policy.decisions import action_name
from suwen.govern.texts.catalogue import t

_REFUSED = "refused: "

register = template.Library()
register.simple_tag(t, name="t")


@register.filter
def action(value: str) -> str:
    """An action by its name in the language in force; another text as itself."""
    return action_name(Action(value), get_language() or "en") if value in list(Action) else value


@register.filter
def event(value: str) -> str:
    """An event of the audit in the language in force."""
    if value.startswith(_REFUSED):
        return t("refused: {action}", action=action(value.removeprefix(_REFUSED)))
    return action(value) if value in list(Action) else t(value)
