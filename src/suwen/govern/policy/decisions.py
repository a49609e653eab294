"""The one place that says yes or no: an actor, an action and a resource become a decision with its reason. Any doubt means no."""

from __future__ import annotations

from dataclasses import dataclass

from suwen.govern.policy.actions import EVERYWHERE, NEVER_BY_TOKEN, ROLES_OF, Action, Role
from suwen.govern.policy.actors import WHOLE, Actor, Grant, Resource
from suwen.govern.policy.reasons import REASONS

_ROLE_NAMES = {
    Role.ADMINISTRATOR: ("region administrator", "区域管理员"),
    Role.ANALYST: ("analyst", "分析员"),
    Role.STEWARD: ("hospital steward", "医院数据管理员"),
    Role.VIEWER: ("viewer", "查看者"),
}
_ACTION_NAMES = {
    Action.VALUES: ("see values", "查看数值"),
    Action.CATALOGUE: ("see the catalogue", "查看目录"),
    Action.RELEASES: ("see releases", "查看发布版本"),
    Action.FEEDS: ("see feeds", "查看数据源"),
    Action.RECORDS: ("see records", "查看记录"),
    Action.RAW: ("see raw bytes", "查看原始字节"),
    Action.QUARANTINE: ("see the quarantine", "查看隔离区"),
    Action.REPLAY: ("replay the quarantine", "重放隔离区"),
    Action.OPEN_IDENTITY: ("open identities", "开启身份信息"),
    Action.SEE_IDENTITY: ("see identities", "查看身份信息"),
    Action.QUERY: ("query freely", "自由查询"),
    Action.PEOPLE: ("manage people", "管理人员"),
    Action.AUDIT: ("read the audit", "查阅审计"),
    Action.TOKENS: ("manage one's own tokens", "管理本人令牌"),
}
_WHOLE_NAMES = ("the whole region", "整个区域")


@dataclass(frozen=True)
class Decision:
    """Yes or no, with the code of the reason and its message in English and Chinese."""

    allowed: bool
    code: str
    reason_en: str
    reason_zh: str

    def reason(self, language: str) -> str:
        """The reason in a language."""
        return self.reason_zh if language.startswith("zh") else self.reason_en


def decide(actor: Actor, action: Action, resource: Resource) -> Decision:
    """Whether the actor may do this to that. Never raises: what cannot be decided is refused."""
    try:
        code, grant = _decide(actor, action, resource)
        return _said(code, actor, action, resource, grant)
    except Exception:  # whatever it is, nobody is let in by a defect
        reason = REASONS["POL-099"]
        return Decision(False, reason.code, reason.message_en, reason.message_zh)


def _decide(actor: Actor, action: Action, resource: Resource) -> tuple[str, Grant | None]:
    if actor.owner:
        return "POL-002", None
    if refused := _standing(actor, action):
        return refused, None
    roles = ROLES_OF[action]
    holding = [grant for grant in actor.grants if grant.role in roles]
    if not holding:
        return "POL-020", None
    covering = holding if action in EVERYWHERE else [grant for grant in holding if grant.covers(resource)]
    if not covering:
        return "POL-021", None
    if action is Action.SEE_IDENTITY and not any(opening.covers(resource) for opening in actor.openings):
        return "POL-030", None
    return "POL-001", covering[0]


def _standing(actor: Actor, action: Action) -> str:
    """The code of what stands in the way of anything at all; "" for nothing."""
    by_token = actor.scope is not None
    obstacles = (
        ("POL-010", not actor.name),
        ("POL-011", not actor.active),
        ("POL-012", actor.needs_second_factor),
        ("POL-015", actor.needs_new_password),
        ("POL-014", by_token and action in NEVER_BY_TOKEN),
        ("POL-013", by_token and action not in (actor.scope or ())),
    )
    return next((code for code, stands in obstacles if stands), "")


def _said(code: str, actor: Actor, action: Action, resource: Resource, grant: Grant | None) -> Decision:
    reason = REASONS[code]
    unit = grant.bound_to if grant else resource.unit
    messages = (
        message.format(
            role=_ROLE_NAMES[grant.role][at] if grant else "",
            unit=unit_name(actor, unit, at),
            action=_ACTION_NAMES[action][at],
        )
        for at, message in enumerate((reason.message_en, reason.message_zh))
    )
    return Decision(reason.allowed, code, *messages)


def unit_name(actor: Actor, unit: str, at: int) -> str:
    """A unit's name in a language (0 English, 1 Chinese), its id where the actor does not know the name."""
    return _WHOLE_NAMES[at] if unit == WHOLE else actor.names.get(unit, (unit, unit))[at]


def allowed_units(actor: Actor, action: Action) -> frozenset[str] | None:
    """The organisations over which an actor may do something; None for every one there is, whatever its id."""
    if actor.owner:
        return None
    roles = ROLES_OF[action]
    if _standing(actor, action):
        return frozenset()
    holding = [grant for grant in actor.grants if grant.role in roles]
    return None if any(grant.whole for grant in holding) else frozenset().union(*(grant.units for grant in holding))


def role_name(role: Role, language: str) -> str:
    """A role's name in a language."""
    return _ROLE_NAMES[role][1 if language.startswith("zh") else 0]


def action_name(action: Action, language: str) -> str:
    """An action's name in a language."""
    return _ACTION_NAMES[action][1 if language.startswith("zh") else 0]
