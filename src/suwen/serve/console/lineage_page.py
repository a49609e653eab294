"""A template as a map from source columns to columns of the repository, and a figure of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suwen.flow.source_columns import FILTER, JOIN, KEY, ORDER, Use, uses
from suwen.model.pack import Kind, Template
from suwen.serve.console.figures import Link, links

ROW = 22  # height of a row of the figure
LEFT, RIGHT = 210.0, 470.0
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
class KindMap:
    """One kind: its columns, the tables they go to, and the lines between (left: place of the column, right: place of the table)."""

    kind: Kind
    columns: tuple[SourceColumn, ...]
    tables: tuple[str, ...]
    lines: tuple[Link, ...]
    height: int

    @property
    def unused(self) -> int:
        """Columns that nothing looks at."""
        return sum(not column.uses for column in self.columns)


def kind_maps(template: Template) -> tuple[KindMap, ...]:
    """Every kind of a template with what becomes of its columns."""
    used = uses(template)
    return tuple(_kind_map(kind, used) for kind in template.kinds.values())


def _kind_map(kind: Kind, used: Mapping[tuple[str, str], Sequence[Use]]) -> KindMap:
    names = (*kind.columns, *kind.optional)
    columns = tuple(SourceColumn(name, name in kind.key, tuple(used.get((kind.name, name), ()))) for name in names)
    tables = tuple(dict.fromkeys(use.table for column in columns for use in column.made))
    pairs = dict.fromkeys((at, tables.index(use.table)) for at, column in enumerate(columns) for use in column.made)
    stretched = [(left, right) for left, right in pairs]
    return KindMap(kind, columns, tables, links(stretched, ROW, LEFT, RIGHT), max(len(columns), len(tables)) * ROW)
