"""The members of a base's concept sets: the concepts that it lists, and where a vocabulary is loaded all that descend from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from suwen.engine.sql import Tree, col, in_numbers, read_parquet, statement
from suwen.model.indicator import Base

Ask = Callable[[Tree], Sequence[tuple[Any, ...]]]


def set_members(base: Base, ancestors: str, ask: Ask) -> Mapping[str, Sequence[int]]:
    """Concept set -> its members, ascending; empty where the listed ids are all. `ancestors`: the vocabulary's file of ancestors, "" for none."""
    grown = {name: one.ids for name, one in base.concepts.items() if one.descendants}
    if not grown or not ancestors:
        return {}
    listed = sorted({concept for ids in grown.values() for concept in ids})
    pairs = ask(
        statement(
            "select ancestor_concept_id, descendant_concept_id from {a} a where {mine}",
            a=read_parquet([ancestors]), mine=in_numbers(col("ancestor_concept_id"), listed),
        )
    )  # fmt: skip
    below: dict[int, set[int]] = {}
    for ancestor, descendant in pairs:
        below.setdefault(ancestor, set()).add(descendant)
    return {name: sorted({*ids, *(one for listed_id in ids for one in below.get(listed_id, ()))}) for name, ids in grown.items()}
