"""The types of named rows: `row.<alias>` has the type its expressions have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suwen.base.errors import SuwenError
from suwen.engine.compile import Compiled, Context, compile_all
from suwen.engine.typing_rules import NULL, common
from suwen.model.pack import Slot

_BARE = "null"


def typed_slots(slots: Sequence[Slot], context: Context) -> tuple[Mapping[str, str], list[SuwenError]]:
    """(alias -> type over all rows, widened to the narrowest that fits; an error for each expression that fits none). A bare null fits all."""
    items = [(alias, expression) for slot in slots for alias, expression in slot.set.items()]
    compiled: list[Compiled] = compile_all([(expression, None) for _, expression in items], context)
    types: dict[str, str] = dict.fromkeys(slots[0].set, NULL) if slots else {}
    errors = []
    for (alias, expression), one in zip(items, compiled, strict=True):
        found = NULL if expression.text.strip().lower() == _BARE else one.type
        joined = common([types[alias], found])
        if joined is None:
            expected = f"type {types[alias]}, as in the rows before"
            errors.append(SuwenError(f'"{alias}" is {found} in this row', where=expression.place, expected=expected, do="convert one of them"))
        types[alias] = joined or types[alias]
    return {alias: "text" if type_ == NULL else type_ for alias, type_ in types.items()}, errors


def slot_types(slots: Sequence[Slot], context: Context) -> Mapping[str, str]:
    """Alias -> type over all rows; SuwenError at the first expression whose type fits none."""
    types, errors = typed_slots(slots, context)
    if errors:
        raise errors[0]
    return types
