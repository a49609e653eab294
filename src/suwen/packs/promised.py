"""What the tables of the model promise, held against the columns a target sets."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from suwen.model.cdm import OPEN_END, Column, Table
from suwen.model.event import EVENT_TABLES, GENERIC, MADE, PROMISED
from suwen.model.extension import ALL_TABLES

# Required columns that sources often know nothing of: a template may leave them out and they become concept 0, "not known".
ZERO_BY_DEFAULT = frozenset({("person", "race_concept_id"), ("person", "ethnicity_concept_id")})

_DERIVED = frozenset({"observation_period"})
_GROUPS = frozenset({"clinical", "health system", "economics"})
_MORE = frozenset({"episode", "ext_visit", "ext_procedure", "ext_person_identifier"})


def writable_tables() -> tuple[str, ...]:
    """The tables a target may name: rows of their own with an id, which are not derived, loaded or kept by Suwen itself."""
    return tuple(n for n, t in ALL_TABLES.items() if t.id_column and n not in _DERIVED and (t.group in _GROUPS or n in _MORE))


def event_tables() -> tuple[str, ...]:
    return EVENT_TABLES


def made_columns(table: str, event: bool) -> tuple[str, ...]:
    """The columns Suwen makes: the row's own id, and for events the concepts of the code. An id that refers to another table is not made."""
    if event:
        return MADE
    own = ALL_TABLES[table].id_column
    return () if own is None or ALL_TABLES[table].column(own).references else (own,)


def settable_columns(table: str, event: bool) -> tuple[str, ...]:
    """The columns a target of this table (or any event) may set, in the model's order."""
    every = tuple(GENERIC) if event else ALL_TABLES[table].row_columns
    made = made_columns(table, event)
    return tuple(name for name in every if name not in made)


def column_of(table: str, event: bool, name: str) -> Column:
    """The model's column behind a settable column; for an event that of its own table, else of the first table that has a place for it."""
    if not event:
        return ALL_TABLES[table].column(name)
    generic = GENERIC[name]
    home = table if table in generic.columns else next(iter(generic.columns))
    found = ALL_TABLES[home].column(generic.columns[home])
    return Column(name, generic.type, found.required, found.primary_key, found.references, found.domain)


def referred_table(table: str, event: bool, name: str) -> str | None:
    """The table whose row a settable column names; None for a value, and for an id whose table another column of the row tells."""
    references = column_of(table, event, name).references
    return references[0] if references else None


def promises(table: str, event: bool) -> Iterator[tuple[str, ...]]:
    """Per promised column the columns of which one is enough."""
    if event:
        yield from PROMISED
        return
    made = made_columns(table, event)
    for name in ALL_TABLES[table].required:
        if name not in made and (table, name) not in ZERO_BY_DEFAULT:
            yield (name,)
    for home, name in sorted(OPEN_END):  # null while a stay is open, but never for want of a line in the template
        if home == table:
            yield (name,)


def missing_promises(table: str, event: bool, given: Collection[str]) -> list[tuple[str, ...]]:
    """The promises that the given columns do not keep."""
    return [enough for enough in promises(table, event) if not set(enough) & set(given)]


def table(name: str) -> Table:
    return ALL_TABLES[name]
