"""The types of named rows: `row.<alias>` has the type its expressions have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suwen.base.errors import SuwenError
from suwen.engine.compile import Compiled, Context, compile_all
from suwen.engine.typing_rules import NULL, common
from suwen.model.pack import Slot

_BARE = "null"


def slot_types(slots: Sequence[Slot], context: Context) -> Mapping[str, str]:
    """Alias -> type over all rows, widened to the narrowest that fits; SuwenError at the first expression that differs. A bare null fits all."""
    if not slots:
        return {}
    items = [(alias, expression) for slot in slots for alias, expression in slot.set.items()]
    compiled: list[Compiled] = compile_all([(expression, None) for _, expression in items], context)
    types: dict[str, str] = dict.fromkeys(slots[0].set, NULL)
    for (alias, expression), one in zip(items, compiled, strict=True):
        found = NULL if expression.text.strip().lower() == _BARE else one.type
        joined = common([types[alias], found])
        if joined is None:
            raise SuwenError(
                f'"{alias}" is {found} in this row', where=expression.place, expected=f"type {types[alias]}, as in the rows before", do="convert one of them"
            )
        types[alias] = joined
    return {alias: "text" if type_ == NULL else type_ for alias, type_ in types.items()}
