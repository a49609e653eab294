"""The members of a base's concept sets: the concepts that it lists, and all that descend from them where a vocabulary says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from suwen.engine.sql import Tree, col, in_numbers, statement
from suwen.model.indicator import Base

Ask = Callable[[Tree], Sequence[tuple[Any, ...]]]


def set_members(base: Base, ancestors: Tree, ask: Ask) -> Mapping[str, Sequence[int]]:
    """Concept set -> its members, ascending; sets without descendants are left out. `ancestors`: the vocabulary's concept_ancestor; `ask` gives rows."""
    grown = {name: one.ids for name, one in base.concepts.items() if one.descendants}
    listed = sorted({concept for ids in grown.values() for concept in ids})
    mine = in_numbers(col("ancestor_concept_id"), listed)
    below: dict[int, set[int]] = {}
    for ancestor, descendant in ask(statement("select ancestor_concept_id, descendant_concept_id from {a} a where {mine}", a=ancestors, mine=mine)):
        below.setdefault(ancestor, set()).add(descendant)
    return {name: sorted(set(ids).union(*(below.get(concept, ()) for concept in ids))) for name, ids in grown.items()}
