"""The OMOP Common Data Model 5.4 as data: 39 tables, their fields, keys and references, with our declared deviations.

The published definition stands in `cdm54.csv` and `cdm54-tables.csv` (sources named there). What is stored differs only as `DEVIATIONS` says:
ids are hashes of 63 bits, sums must be exact, text is not cut to a length, and a stay may still be open.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, get_args

from suwen.base.errors import Defect

Group = Literal["clinical", "health system", "economics", "derived", "metadata", "vocabulary", "results", "extension"]


class Type(StrEnum):
    """The column types there are; the value is DuckDB's name of the type."""

    BIGINT = "BIGINT"
    INTEGER = "INTEGER"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    VARCHAR = "VARCHAR"
    BOOLEAN = "BOOLEAN"
    MONEY = "DECIMAL(18,4)"
    AMOUNT = "DECIMAL(24,8)"


@dataclass(frozen=True)
class Column:
    """One column as stored. `references`: (table, column) it names a row of; `domain`: of its concepts; `published`: the type as published.

    `meaning` (English, Chinese) says what the column holds where no published definition does.
    """

    name: str
    type: Type
    required: bool = False
    primary_key: bool = False
    references: tuple[str, str] | None = None
    domain: str = ""
    published: str = ""
    meaning: tuple[str, str] = ("", "")

    @property
    def is_concept(self) -> bool:
        """Whether the column holds a concept id."""
        return self.references == ("concept", "concept_id")


@dataclass(frozen=True)
class Table:
    """One table: its columns in published order, and `date_column`, the date that places a row in a month (None: no month)."""

    name: str
    group: Group
    columns: tuple[Column, ...]
    date_column: str | None
    summary: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.group not in get_args(Group):
            raise Defect(f"table {self.name}: unknown group {self.group}")
        names = self.row_columns
        if not names or len(set(names)) != len(names) or (self.date_column is not None and self.column(self.date_column).type is not Type.DATE):
            raise Defect(f"table {self.name} is not well formed")

    @property
    def row_columns(self) -> tuple[str, ...]:
        """The names of the published columns, in order."""
        return tuple(c.name for c in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key columns; empty where none is published (death, episode_event, ...)."""
        return tuple(c.name for c in self.columns if c.primary_key)

    @property
    def id_column(self) -> str | None:
        """The single primary key column, else None; a death, published without a key, has the id of its person."""
        if self.name == "death":
            return "person_id"
        return self.key[0] if len(self.key) == 1 else None

    @property
    def borrowed_id(self) -> str | None:
        """The id column where it is the id of another table's row: a death has its person's, ext_visit its visit's. None for a table with ids of its own."""
        own = self.id_column
        return own if own is not None and self.column(own).references else None

    @property
    def person_column(self) -> str | None:
        """The column that says whose row it is, None for rows of nobody in particular."""
        return "person_id" if "person_id" in self.row_columns else None

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that may never be null as stored."""
        return tuple(c.name for c in self.columns if c.required)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for found in self.columns:
            if found.name == name:
                return found
        raise KeyError(name)


@dataclass(frozen=True)
class Deviation:
    """One way in which what is stored differs from the publication, why, and the fields (table, field) concerned."""

    what: str
    why: str
    fields: frozenset[tuple[str, str]]


PROVENANCE: tuple[Column, ...] = (
    Column("_receipt", Type.BIGINT, required=True),
    Column("_record", Type.BIGINT, required=True),
    Column("_template", Type.VARCHAR, required=True),
    Column("_run", Type.BIGINT, required=True),
)

_ID = re.compile(r"_id(_\d)?$")
_PLAIN = {"integer": Type.INTEGER, "date": Type.DATE, "datetime": Type.TIMESTAMP, "float": Type.AMOUNT}
OPEN_END = frozenset({("visit_occurrence", "visit_end_date"), ("visit_detail", "visit_detail_end_date")})
_ADDED_REFERENCES = {
    ("note_nlp", "note_id"): ("note", "note_id"),
    ("episode", "episode_parent_id"): ("episode", "episode_id"),
    ("cost", "payer_plan_period_id"): ("payer_plan_period", "payer_plan_period_id"),
    ("cohort", "cohort_definition_id"): ("cohort_definition", "cohort_definition_id"),
}


def read_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV that stands beside this module; lines beginning with `#` are comments."""
    text = files("suwen.model").joinpath(name).read_text("utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


def _stored_type(table: str, field: str, published: str) -> Type:
    if published == "integer" and _ID.search(field) and "concept_id" not in field:
        return Type.BIGINT
    if published == "float" and table == "cost":
        return Type.MONEY
    return Type.VARCHAR if published.startswith("varchar") else _PLAIN[published]


def _column(row: Mapping[str, str]) -> Column:
    place = row["table"], row["field"]
    published = (row["references_table"], row["references_field"]) if row["references_table"] else None
    return Column(
        name=row["field"],
        type=_stored_type(*place, row["type"]),
        required=bool(row["required"]) and place not in OPEN_END,
        primary_key=bool(row["primary_key"]),
        references=published or _ADDED_REFERENCES.get(place),
        domain=row["domain"],
        published=row["type"],
    )


def _group(text: str) -> Group:
    for group in get_args(Group):
        if group == text:
            return group  # type: ignore[no-any-return]
    raise Defect(f"unknown table group {text}")


def _tables() -> Mapping[str, Table]:
    columns: dict[str, list[Column]] = {}
    for row in read_rows("cdm54.csv"):
        columns.setdefault(row["table"], []).append(_column(row))
    return MappingProxyType(
        {
            row["table"]: Table(row["table"], _group(row["group"]), tuple(columns[row["table"]]), row["date"] or None, {"en": row["en"], "zh": row["zh"]})
            for row in read_rows("cdm54-tables.csv")
        }
    )


TABLES: Mapping[str, Table] = _tables()


def _where(published: str, stored: Type) -> frozenset[tuple[str, str]]:
    return frozenset((t.name, c.name) for t in TABLES.values() for c in t.columns if c.published.startswith(published) and c.type is stored)


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation("ids are BIGINT, published INTEGER", "ids are hashes of 63 bits; concept ids stay INTEGER", _where("integer", Type.BIGINT)),
    Deviation("money is DECIMAL(18,4), published FLOAT", "a sum must be the same in any order", _where("float", Type.MONEY)),
    Deviation("other numbers are DECIMAL(24,8), published FLOAT", "a sum must be the same in any order", _where("float", Type.AMOUNT)),
    Deviation("text has no length, published VARCHAR(n)", "source text is kept whole; Chinese names and ids are longer", _where("varchar", Type.VARCHAR)),
    Deviation("the end of a stay may be null, published NOT NULL", "an open stay has no end; `omop.*` shows the feed's latest day", OPEN_END),
    Deviation("a reference is known that is not published", "the field names a row of exactly one table", frozenset(_ADDED_REFERENCES)),
)


def storage_columns(table: Table) -> tuple[Column, ...]:
    """The columns of a stored table: the published ones, then the provenance columns every row carries."""
    return table.columns + PROVENANCE
