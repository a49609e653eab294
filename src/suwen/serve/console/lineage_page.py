"""A template as a map from source columns to columns of the repository, and a figure of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suwen.flow.source_columns import FILTER, JOIN, KEY, ORDER, Use, uses
from suwen.model.pack import Kind, Template
from suwen.serve.console.figures import curve

ROW = 22  # height of a row of the figure
LEFT, RIGHT = 170.0, 320.0
NO_COLUMN = frozenset({KEY, JOIN, ORDER, FILTER})


@dataclass(frozen=True)
class SourceColumn:
    """A column of a kind with its uses, and whether it is part of the record's key."""

    name: str
    key: bool
    uses: tuple[Use, ...]

    @property
    def made(self) -> tuple[Use, ...]:
        """The uses that make a column of a row."""
        return tuple(use for use in self.uses if use.column not in NO_COLUMN)

    @property
    def other(self) -> tuple[str, ...]:
        """What else the column serves for: key, join, version, filter."""
        return tuple(dict.fromkeys(use.column for use in self.uses if use.column in NO_COLUMN))


@dataclass(frozen=True)
class TableEnd:
    """A table at the right edge of the figure, and where it stands."""

    name: str
    y: float


@dataclass(frozen=True)
class KindMap:
    """One kind: the columns something looks at, those that nothing does, and the figure: tables on the right, curves from each column to its tables."""

    kind: Kind
    columns: tuple[SourceColumn, ...]
    unused: tuple[str, ...]
    tables: tuple[TableEnd, ...]
    curves: tuple[str, ...]
    height: int


def kind_maps(template: Template) -> tuple[KindMap, ...]:
    """Every kind of a template with what becomes of its columns."""
    used = uses(template)
    return tuple(_kind_map(kind, used) for kind in template.kinds.values())


def _kind_map(kind: Kind, used: Mapping[tuple[str, str], Sequence[Use]]) -> KindMap:
    names = (*kind.columns, *kind.optional)
    every = [SourceColumn(name, name in kind.key, tuple(used.get((kind.name, name), ()))) for name in names]
    columns = tuple(column for column in every if column.uses)
    pairs = list(dict.fromkeys((at, use.table) for at, column in enumerate(columns) for use in column.made))
    ends = _ends(pairs)
    places = {end.name: end.y for end in ends}
    curves = tuple(curve(LEFT, at * ROW + ROW / 2, RIGHT, places[table]) for at, table in pairs)
    height = max(len(columns) * ROW, int(max(places.values(), default=0)) + ROW)
    return KindMap(kind, columns, tuple(column.name for column in every if not column.uses), ends, curves, height)


def _ends(pairs: Sequence[tuple[int, str]]) -> tuple[TableEnd, ...]:
    """Each table at the mean height of its columns, none nearer than a row to the one above it."""
    heights: dict[str, list[float]] = {}
    for at, table in pairs:
        heights.setdefault(table, []).append(at * ROW + ROW / 2)
    found: list[TableEnd] = []
    for table, of in sorted(heights.items(), key=lambda one: (sum(one[1]) / len(one[1]), one[0])):
        wanted = sum(of) / len(of)
        found.append(TableEnd(table, round(max(wanted, found[-1].y + ROW) if found else wanted, 1)))
    return tuple(found)
