"""The rows that an example gives, as tables of the engine.

Rows are written down to what matters. What one leaves out is null, but: its own id is a new one; its person is its visit's, else a new one; a date is that
of its time; a concept that must be there is 0; its organisation is H1. Ids are words, the same word being the same id; the earlier in the alphabet, the
smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from suwen.engine.port import Engine
from suwen.engine.sql import Tree, integer, literal_rows, null, table, text
from suwen.model.cdm import Type
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import IndicatorExample
from suwen.packs.indicator_example import ORGANISATION

HOME = "H1"
OWNED = "_organisation"
_VISIT, _PERSON = "visit_occurrence_id", "person_id"
_Row = dict[str, str | None]


class GivenTables:
    """The tables of one example, each made when it is asked for; with `_organisation` beside the published columns."""

    def __init__(self, engine: Engine, example: IndicatorExample) -> None:
        self._engine, self._made = engine, set[str]()
        self._rows = _filled(example)

    def __call__(self, name: str) -> Tree:
        """The rows of a table, empty where the example gives none."""
        if name not in self._made:
            self._engine.temporary(f"given_{name}", self._relation(name))
            self._made.add(name)
        return table(f"given_{name}")

    def _relation(self, name: str) -> Tree:
        columns = {column.name: column.type for column in ALL_TABLES[name].columns}
        rows = [
            [*(self._cell(row.get(column), type_) for column, type_ in columns.items()), text(row[ORGANISATION] or HOME)] for row in self._rows.get(name, ())
        ]
        return literal_rows([*columns, OWNED], [*map(str, columns.values()), "VARCHAR"], rows)

    def _cell(self, said: str | None, type_: Type) -> Tree:
        if said is None:
            return null()
        return integer(self._ids[said]) if type_ is Type.BIGINT else text(said)

    @cached_property
    def _ids(self) -> Mapping[str, int]:
        ids = {name: [column.name for column in ALL_TABLES[name].columns if column.type is Type.BIGINT] for name in self._rows}
        words = {row.get(column) for name, rows in self._rows.items() for row in rows for column in ids[name]}
        return {word: at for at, word in enumerate(sorted(word for word in words if word), 1)}


def _filled(example: IndicatorExample) -> Mapping[str, list[_Row]]:
    """The given rows with what they leave out and what cannot be null."""
    persons: dict[str | None, str | None] = {}
    found: dict[str, list[_Row]] = {}
    for name in sorted(example.given, key=lambda one: one != "visit_occurrence"):  # visits first: others take their persons from them
        shape = ALL_TABLES[name]
        found[name] = []
        for at, given in enumerate(example.given[name]):
            row: _Row = {ORGANISATION: None, **given}
            if shape.id_column and shape.borrowed_id is None:
                row[shape.id_column] = row.get(shape.id_column) or f"~{name} {at}"
            if shape.person_column:
                row[_PERSON] = row.get(_PERSON) or persons.get(row.get(_VISIT)) or f"~person of {name} {at}"
            if name == "visit_occurrence":
                persons[row[_VISIT]] = row[_PERSON]
            for column in shape.columns:
                if column.name.endswith("_date") and row.get(column.name) is None and (time := row.get(f"{column.name}time")):
                    row[column.name] = time[:10]
                if column.required and column.is_concept and row.get(column.name) is None:
                    row[column.name] = "0"
            found[name].append(row)
    return found
