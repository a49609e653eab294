"""The examples of an indicator: rows of the repository, and the values that its hand reckoned from them.

An empty text means null. What a row leaves out is null too, but for the ids and dates that running the example fills in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from suwen.model.cdm import Type
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import Expected, IndicatorExample
from suwen.packs.problem import nearest
from suwen.packs.section import Section
from suwen.packs.value_text import FORMS, can_be

ORGANISATION = "organisation"
TREE_COLUMNS = ("organisation_id", "parent", "level", "valid_from", "valid_to")
_PERIOD = re.compile(r"[0-9]{4}(-Q[1-4]|-[0-9]{2}(-[0-9]{2})?)?")
_VALUE = re.compile(r"-?[0-9]{1,18}([./][0-9]{1,18})?")
FEWEST = 2


def read_examples(document: Section, code: str) -> tuple[IndicatorExample, ...]:
    """The `[[example]]` tables of the indicator with this code: at least two under different names, one of them at a boundary."""
    sections = document.listed_sections("example", ("name", "boundary", "given", "organisations", "expect"), required=True)
    if "example" in document.data and len(sections) < FEWEST:
        document.problem("example", f"an indicator with {len(sections)} example{'' if len(sections) == 1 else 's'}", expected=f"at least {FEWEST} [[example]]")
    elif sections and not any("boundary" in section.data for section in sections):
        document.problem("example", "no example stands at a boundary", expected='an example with "boundary", such as "midnight" or "31 days against 32"')
    found: list[IndicatorExample] = []
    for section in sections:
        name = section.text("name")
        if name and name in {example.name for example in found}:
            section.problem("name", f'two examples are named "{name}"', do="rename one")
        found.append(
            IndicatorExample(
                name=name,
                place=section.place(),
                boundary=section.text("boundary", required=False),
                given=_given(section),
                organisations=_organisations(section),
                expect=_expected(section, code),
            )
        )
    return tuple(found)


def _given(section: Section) -> Mapping[str, tuple[Mapping[str, str | None], ...]]:
    inner = section.section("given", None, required=True)
    found: dict[str, tuple[Mapping[str, str | None], ...]] = {}
    for table in inner.data if inner else ():
        assert inner is not None
        if table not in ALL_TABLES:
            inner.problem(table, f'unknown table "{table}"', do=nearest(table, ALL_TABLES))
            continue
        found[table] = tuple(_row(row, table) for row in inner.listed_sections(table, None))
    return found


def _row(section: Section, table: str) -> Mapping[str, str | None]:
    """One row as texts; ids are any words, the same word being the same id."""
    shape = ALL_TABLES[table]
    values: dict[str, str | None] = {}
    for name in section.data:
        text = section.text(name, blank=True)
        values[name] = text or None
        if name == ORGANISATION:
            continue
        if name not in shape.row_columns:
            section.problem(name, f'table "{table}" has no column "{name}"', do=nearest(name, (*shape.row_columns, ORGANISATION)))
        elif text and (type_ := shape.column(name).type) is not Type.BIGINT and not can_be(text, type_):
            section.problem(name, f'"{text}" is no value of "{name}"', expected=FORMS[type_])
    return values


def _organisations(section: Section) -> tuple[Mapping[str, str | None], ...]:
    rows = []
    for row in section.listed_sections("organisations", TREE_COLUMNS):
        row.text("organisation_id")
        for name in ("valid_from", "valid_to"):
            text = row.text(name, required=False, blank=True)
            if text and not can_be(text, Type.DATE):
                row.problem(name, f'"{text}" is no value of "{name}"', expected=FORMS[Type.DATE])
        rows.append({name: row.text(name, required=False, blank=True) or None for name in row.data})
    return tuple(rows)


def _expected(section: Section, code: str) -> tuple[Expected, ...]:
    rows = section.listed_sections("expect", ("code", "unit", "period", "value"), required=True)
    if "expect" in section.data and not rows:
        section.problem("expect", '"expect" is empty', expected='at least one { unit = "...", period = "...", value = "..." }')
    found = []
    for row in rows:
        period, value = row.text("period"), row.text("value", blank=True)
        if period and not _PERIOD.fullmatch(period):
            row.problem("period", f'"{period}" is no period', expected="2024, 2024-Q1, 2024-03 or 2024-03-09")
        if value and (not _VALUE.fullmatch(value) or value.endswith("/0")):
            row.problem("value", f'"{value}" is no value', expected='a number such as 12.5, a fraction such as 200/3, or "" where it is missing')
        found.append(Expected(row.text("code", required=False, default=code), row.text("unit"), period, value or None, row.place()))
    return tuple(found)
