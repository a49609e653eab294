"""The closed list: every function and operator an expression in a pack may use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from suwen.model.functions.identity import IDENTITY
from suwen.model.functions.logic import LOGIC
from suwen.model.functions.numbers import NUMBERS, OPERATORS, WIDENINGS
from suwen.model.functions.shape import ENGINES, Function
from suwen.model.functions.texts import TEXTS
from suwen.model.functions.times import TIMES

FUNCTIONS: Mapping[str, Function] = MappingProxyType({f.name: f for f in (*TEXTS, *LOGIC, *NUMBERS, *TIMES, *IDENTITY)})
SPECIAL = ("ref", "concept", "source_concept", "in_concepts")
"""Calls that the compiler itself resolves: `ref('target', key...)`, `concept(code, 'system')`, `source_concept(code, 'system')`, `in_concepts(id, 'set')`."""


def _meaning(function: Function) -> tuple[object, ...]:
    """What a function does, without what is only said about it."""
    arguments = tuple((a.type, a.literal, a.low, a.high) for a in function.arguments)
    texts = tuple(function.text(engine, form) for engine in ENGINES for form in function.forms or [""])
    return (function.name, arguments, function.result, function.many, tuple(function.forms), texts, function.failure)


VERSION = hashlib.sha256(repr(tuple(map(_meaning, [*FUNCTIONS.values(), *(o.function for o in OPERATORS), *WIDENINGS.values()]))).encode()).hexdigest()
"""Changes with what any function or operator does, so that results keyed by it become stale; words and examples do not count."""
