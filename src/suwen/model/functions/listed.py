"""The closed list: every function and operator an expression in a pack may use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from suwen.model.functions.identity import IDENTITY
from suwen.model.functions.logic import LOGIC
from suwen.model.functions.numbers import NUMBERS, OPERATORS
from suwen.model.functions.shape import Function
from suwen.model.functions.texts import TEXTS
from suwen.model.functions.times import TIMES

FUNCTIONS: Mapping[str, Function] = MappingProxyType({f.name: f for f in (*TEXTS, *LOGIC, *NUMBERS, *TIMES, *IDENTITY)})
SPECIAL = ("ref", "concept", "source_concept")
"""Calls that the compiler itself resolves: `ref('target', key...)`, `concept(code, 'system')`, `source_concept(code, 'system')`."""
VERSION = hashlib.sha256(repr((tuple(FUNCTIONS.values()), OPERATORS)).encode()).hexdigest()
"""Changes with any definition, so that results keyed by it become stale."""
