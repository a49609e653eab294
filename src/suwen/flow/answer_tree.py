"""The organisation tree of a release as answers need it: who lies below a unit and when, which units a level has, and who is expected to report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cached_property

import pyarrow as pa

from suwen.base.errors import Place, SuwenError
from suwen.insight.indicator.tree import FOREVER, Kin, closure
from suwen.model.indicator import Span
from suwen.model.region import FIRST_DAY, Organisation
from suwen.packs.problem import nearest


class Tree:
    """The rows of organisations.csv in a release. `feeding`: organisations that have a feed; they are expected to report, and so is who has nobody below."""

    def __init__(self, history: Sequence[Organisation], feeding: Iterable[str]) -> None:
        self.history, self.feeding = tuple(history), frozenset(feeding)
        self.kin = closure(self.history)
        self._below: dict[str, list[Kin]] = {}
        self._parent_in: dict[str, list[tuple[date, date]]] = {}
        for kin in self.kin:
            self._below.setdefault(kin.ancestor, []).append(kin)
            if kin.depth == 1:
                self._parent_in.setdefault(kin.ancestor, []).append((kin.first, kin.after))
        self._expected: dict[tuple[str, date, date], int] = {}

    @cached_property
    def names(self) -> dict[str, Organisation]:
        """Each organisation as it was last."""
        return {one.organisation_id: one for one in sorted(self.history, key=lambda one: one.valid_from)}

    @cached_property
    def tops(self) -> tuple[str, ...]:
        """The organisations that never lay below another."""
        return tuple(sorted(set(self.names) - {kin.descendant for kin in self.kin if kin.depth}))

    @property
    def top(self) -> str:
        """The organisation at the top; of several the first. Raises SuwenError where there is none."""
        if not self.tops:
            raise SuwenError("the release knows no organisation", expected="a row in organisations.csv, and a run after it")
        return self.tops[0]

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The levels there are, the highest first."""
        depth: dict[str, int] = {}
        for kin in self.kin:
            level = self.names[kin.descendant].level
            depth[level] = max(depth.get(level, 0), kin.depth)
        return tuple(sorted((level for level in depth if level), key=lambda level: (depth[level], level)))

    @cached_property
    def changes(self) -> tuple[date, ...]:
        """The days on which anything in the tree changed."""
        return tuple(sorted({day for kin in self.kin for day in (kin.first, kin.after)} - {FIRST_DAY, FOREVER}))

    def unit(self, name: str) -> str:
        """A unit by its id. Raises SuwenError where there is none."""
        if name not in self.names:
            raise SuwenError(f'there is no organisation "{name[:60]}"', expected="an organisation_id of organisations.csv", do=nearest(name, self.names))
        return name

    def units_of(self, level: str, spans: Sequence[Span]) -> tuple[str, ...]:
        """The units that have a level on some day of the periods. Raises SuwenError where there is no such level."""
        if level not in self.levels:
            raise SuwenError(f'there is no level "{level[:60]}"', expected=f"one of {', '.join(self.levels)}", do=nearest(level, self.levels))
        first, after = min(span.first for span in spans), max(span.after for span in spans)
        return tuple(sorted({one.organisation_id for one in self.history if one.level == level and one.valid_from < after and _after(one) > first}))

    def below(self, unit: str) -> Sequence[Kin]:
        """Who lies below a unit, itself included, and when."""
        return self._below.get(unit, ())

    def parts(self, unit: str) -> tuple[tuple[str, Kin], ...]:
        """A unit parted: by the nearest level below it at which there is more than one, and those above, each for what itself sends.

        (part, who lies below it and when); on each day an organisation is in one part.
        """
        below = self.below(unit)
        depths = sorted({kin.depth for kin in below if kin.depth})
        depth = next((depth for depth in depths if len({kin.descendant for kin in below if kin.depth == depth}) > 1), 1)
        found = [(kin.descendant, Kin(unit, kin.descendant, kin.depth, kin.first, kin.after)) for kin in below if kin.depth < depth]
        for child in (kin for kin in below if kin.depth == depth):
            for kin in self.below(child.descendant):
                first, after = max(kin.first, child.first), min(kin.after, child.after)
                if first < after:
                    found.append((child.descendant, Kin(unit, kin.descendant, kin.depth + depth, first, after)))
        return tuple(found)

    def expected(self, unit: str, span: Span) -> int:
        """How many organisations below a unit are expected to report something of a period."""
        key = (unit, span.first, span.after)
        if key not in self._expected:
            here = {kin.descendant for kin in self.below(unit) if kin.first < span.after and kin.after > span.first}
            self._expected[key] = sum(1 for one in here if one in self.feeding or not self._is_parent(one, span))
        return self._expected[key]

    def _is_parent(self, one: str, span: Span) -> bool:
        return any(first < span.after and after > span.first for first, after in self._parent_in.get(one, ()))


def below_table(pairs: Iterable[tuple[str, Kin]]) -> pa.Table:
    """(unit, organisation, first, after) for the engine."""
    rows = [(unit, kin.descendant, kin.first, kin.after) for unit, kin in pairs]
    types = {"unit": pa.string(), "organisation": pa.string(), "first": pa.date32(), "after": pa.date32()}
    return pa.table({name: pa.array([row[place] for row in rows], type_) for place, (name, type_) in enumerate(types.items())})


def organisations(rows: Iterable[dict[str, object]]) -> list[Organisation]:
    """The rows of ext_organisation as organisations."""
    place = Place("ext_organisation")
    return [
        Organisation(
            organisation_id=str(row["organisation_id"]),
            place=place,
            name_en=str(row["name_en"] or ""),
            name_zh=str(row["name_zh"] or ""),
            parent=str(row["parent"] or ""),
            level=str(row["level"] or ""),
            kind=str(row["kind"] or ""),
            division=str(row["division_code"] or ""),
            zone=str(row["zone"] or ""),
            valid_from=row["valid_from"],  # type: ignore[arg-type]
            valid_to=row["valid_to"],  # type: ignore[arg-type]
        )
        for row in rows
    ]


def _after(one: Organisation) -> date:
    return FOREVER if one.valid_to is None or one.valid_to == date.max else one.valid_to + timedelta(days=1)
