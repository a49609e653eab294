"""Events: one set of generic columns that becomes rows of seven domain tables, the table chosen by the standard concept's domain.

A generic column without a place in the chosen table is dropped there (`dropped` lists which; the reference pages print it). `DEFAULTS` fill
columns a source does not send. The module is checked when it is imported: every physical column exists, every column of the seven tables is
reached exactly once, and every required one is promised, made or defaulted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from suwen.base.errors import Defect
from suwen.model.cdm import TABLES, Column, Type, read_rows

# The standard concept's domain -> table. Any other domain (Race, Visit, Unit, Meas Value, ...) goes to observation: CDM 5.4 describes observation
# as the place of facts that cannot be represented by the other domains. A code without standard concept stays in the table its template names.
DOMAIN_TABLE: Mapping[str, str] = MappingProxyType(
    {
        "Condition": "condition_occurrence",
        "Drug": "drug_exposure",
        "Procedure": "procedure_occurrence",
        "Device": "device_exposure",
        "Measurement": "measurement",
        "Observation": "observation",
        "Specimen": "specimen",
    }
)
EVENT_TABLES: tuple[str, ...] = tuple(DOMAIN_TABLE.values())
OTHER_DOMAIN_TABLE = "observation"

# Made by Suwen, never by a template's columns: the id from the key, the concepts from the target's code.
MADE: tuple[str, ...] = ("id", "concept_id", "source_concept_id")


@dataclass(frozen=True)
class Generic:
    """A generic event column: its type and the physical column per table that has one."""

    name: str
    type: Type
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Default:
    """When `column` is null it takes `source`: the same value, its date, or the last day of a supply of `source` days from the start date.

    `tables` limits the rule; empty means every table that has the column. Rules for a column apply in the order they stand.
    """

    column: str
    how: Literal["same", "date of", "last day of supply"]
    source: str
    tables: tuple[str, ...] = ()
    why: str = ""


DEFAULTS: tuple[Default, ...] = (
    Default("start_date", "date of", "start_datetime", why="the date is required, the time is not"),
    Default("end_date", "date of", "end_datetime", why="a time says its date"),
    Default("end_date", "same", "verbatim_end_date", ("drug_exposure",), why="CDM 5.4, drug_exposure_end_date: first the end the source names"),
    Default("end_date", "last day of supply", "days_supply", ("drug_exposure",), why="CDM 5.4, drug_exposure_end_date: then start date + days of supply - 1"),
    Default("end_date", "same", "start_date", ("drug_exposure",), why="CDM 5.4, drug_exposure_end_date: else the start date"),
    Default("value_source_value", "same", "value_as_text", why="measurement has no text value: the text is kept as it was sent"),
)


def _physical(table: str, name: str) -> Column:
    try:
        return TABLES[table].column(name)
    except KeyError:
        raise Defect(f"event.csv: {table} has no column {name}") from None


def _generic(row: Mapping[str, str]) -> Generic:
    columns = {t: row[t] for t in EVENT_TABLES if row[t]}
    types = {_physical(t, c).type for t, c in columns.items()}
    # quantity is a whole number in two tables and a decimal in two: the generic column takes the wider
    if len(types) > 1 and types != {Type.INTEGER, Type.AMOUNT}:
        raise Defect(f"event.csv: {row['generic']} has several types")
    return Generic(row["generic"], Type.AMOUNT if len(types) > 1 else types.pop(), MappingProxyType(columns))


GENERIC: Mapping[str, Generic] = MappingProxyType({row["generic"]: _generic(row) for row in read_rows("event.csv")})


def _promised() -> tuple[tuple[str, ...], ...]:
    """What any event must give: per generic column that some table requires and nothing makes, the columns of which one is enough."""
    groups: dict[str, tuple[str, ...]] = {}
    for table in EVENT_TABLES:
        for generic in GENERIC.values():
            physical = generic.columns.get(table)
            if physical is not None and TABLES[table].column(physical).required and generic.name not in MADE:
                groups[generic.name] = _enough(generic.name, table)
    return tuple(g for g in groups.values() if not any(set(h) < set(g) for h in groups.values()))


def _enough(name: str, table: str) -> tuple[str, ...]:
    """The column itself and, following the defaults, every column that would do instead."""
    rules = [d for d in DEFAULTS if (not d.tables or table in d.tables) and d.how != "last day of supply"]
    found = [name]
    for column in found:
        found.extend(d.source for d in rules if d.column == column and d.source not in found)
    return tuple(found)


PROMISED: tuple[tuple[str, ...], ...] = _promised()


def columns_of(table: str) -> Mapping[str, str]:
    """Physical column -> generic column of one event table, in the table's published order."""
    by_physical = {g.columns[table]: g.name for g in GENERIC.values() if table in g.columns}
    return {c: by_physical[c] for c in TABLES[table].row_columns}


def dropped(table: str) -> tuple[str, ...]:
    """The generic columns for which the table has no place."""
    return tuple(g.name for g in GENERIC.values() if table not in g.columns)


def counts_whole(name: str, table: str) -> bool:
    """Whether a generic column of decimals is one of whole numbers in a table: a quantity of devices is, one of drugs is not."""
    generic = GENERIC[name]
    return generic.type is Type.AMOUNT and table in generic.columns and TABLES[table].column(generic.columns[table]).type is Type.INTEGER


def table_for(domain: str | None, otherwise: str) -> str:
    """The table of a standard concept's domain; `otherwise` where there is no domain."""
    return otherwise if not domain else DOMAIN_TABLE.get(domain, OTHER_DOMAIN_TABLE)


def _check() -> None:
    for table in EVENT_TABLES:
        reached = [g.columns[table] for g in GENERIC.values() if table in g.columns]
        if sorted(reached) != sorted(TABLES[table].row_columns):
            raise Defect(f"event.csv does not reach each column of {table} once: {sorted(set(reached) ^ set(TABLES[table].row_columns))}")
    unknown = [d for d in DEFAULTS if d.column not in GENERIC or d.source not in GENERIC or not set(d.tables) <= set(EVENT_TABLES)]
    if unknown:
        raise Defect(f"a default names what is not there: {unknown[0].column}")


_check()
