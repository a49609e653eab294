"""Measures that several bases take of the same rows by the same keys, grouped once for all of them.

A base by itself groups only the rows that belong to its own; of tables that are many times as large, looking for these costs as much as the grouping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suwen.engine.sql import Tree, alias, statement
from suwen.insight.indicator.meaning import EachMeaning, MeasureMeaning, Members, meaning_of
from suwen.insight.indicator.relation import Tables, aggregate, belonging_alone, identity, is_alone, its_keys, measure_text, names_of
from suwen.insight.indicator.rows import names_used
from suwen.model.indicator import Base, Point


@dataclass(frozen=True)
class Shared:
    """Rows that several bases measure: as whose they are known, and every measure by what it is."""

    each: Sequence[EachMeaning]
    measures: Mapping[str, MeasureMeaning]


def shared(bases: Iterable[tuple[Base, Sequence[Point]]], members: Mapping[str, Members]) -> dict[str, Shared]:
    """What at least two of these bases measure of the same rows. `points`: those that are counted; `members`: of a base's concept sets, by its name."""
    found: dict[str, dict[str, EachMeaning]] = {}
    measures: dict[str, dict[str, MeasureMeaning]] = {}
    for base, points in bases:
        meaning = meaning_of(base, members[base.name])
        used = names_used(meaning, points)
        for name, one in meaning.each.items():
            wanted = [one.measures[each] for each in names_of(name, used)]
            if wanted and is_alone(one, wanted):
                found.setdefault(identity(one), {})[base.name] = one
                measures.setdefault(identity(one), {}).update((measure_text(m), m) for m in wanted)
    return {key: Shared(list(by_base.values()), measures[key]) for key, by_base in found.items() if len(by_base) > 1}


def grouped_once(one: Shared, tables: Tables) -> tuple[Tree, Mapping[str, str]]:
    """A row of `_key_<place>` and measures for each group, and the column of each measure."""
    first = one.each[0]
    columns = {text: f"m_{place}" for place, text in enumerate(one.measures)}
    used = frozenset().union(*(each.columns for each in one.each))
    keys = its_keys(first.each)
    parts = [alias(aggregate(m), columns[text]) for text, m in one.measures.items()]
    belonging = belonging_alone(first, used, tables)
    return statement("select {k}, {p} from {b} b group by all", k=keys, p=parts, b=belonging), columns
