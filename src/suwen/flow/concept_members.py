"""The members of a base's concept sets by the vocabulary of a region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suwen.engine.sql import read_parquet
from suwen.insight.indicator import concept_members
from suwen.insight.indicator.concept_members import Ask
from suwen.model.indicator import Base


def set_members(base: Base, ancestors: str, ask: Ask) -> Mapping[str, Sequence[int]]:
    """Concept set -> its members, ascending; empty where the listed ids are all. `ancestors`: the vocabulary's file of ancestors, "" for none."""
    return concept_members.set_members(base, read_parquet([ancestors]), ask) if ancestors else {}
