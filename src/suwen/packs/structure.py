"""Every expression of a template with the part it plays, so that the compiler can check each in its own context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from suwen.model.pack import Expression, Template


class Role(StrEnum):
    """The part an expression plays; it decides what may be named in it and what type is expected."""

    VERSION = "version"
    TOMBSTONE = "tombstone"
    WINDOW = "window"
    SLOT = "slot"
    KEY = "key"
    FILTER = "filter"
    CODE = "code"
    SYSTEM = "system"
    COLUMN = "column"


@dataclass(frozen=True)
class Part:
    """One expression. `kind`: the kind whose columns it sees; `target`: "" for a kind's own; `name`: column, rule, alias or position.

    `slot`: the named row for a slot's expression, else "".
    """

    expression: Expression
    role: Role
    kind: str
    target: str = ""
    name: str = ""
    slot: str = ""


def expressions(template: Template) -> list[Part]:
    """All expressions of a template: those of kinds first, then target by target with slots before what may use them."""
    return [*_of_kinds(template), *_of_targets(template)]


def _of_kinds(template: Template) -> Iterator[Part]:
    for kind in template.kinds.values():
        for role, expression in ((Role.VERSION, kind.version), (Role.TOMBSTONE, kind.tombstone), (Role.WINDOW, kind.window)):
            if expression is not None:
                yield Part(expression, role, kind.name)


def _of_targets(template: Template) -> Iterator[Part]:
    for target in template.targets.values():
        place = target.source, target.name
        for slot in target.rows:
            yield from (Part(e, Role.SLOT, *place, alias, slot.name) for alias, e in slot.set.items())
        yield from (Part(e, Role.KEY, *place, str(number)) for number, e in enumerate(target.key, 1))
        yield from (Part(rule.keep, Role.FILTER, *place, rule.rule) for rule in target.filters)
        if target.code is not None:
            yield Part(target.code.code, Role.CODE, *place, "code")
            yield Part(target.code.system, Role.SYSTEM, *place, "system")
        yield from (Part(e, Role.COLUMN, *place, name) for name, e in target.columns.items())
