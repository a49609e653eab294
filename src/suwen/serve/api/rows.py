"""Rows of a table as they may be shown: those of open organisations, masked column by column, a page or a stream of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any

import pyarrow as pa

from suwen.engine.sql import Tree, call, col, compared, conjunction, in_numbers, integer, statement, text, typed
from suwen.flow.reader import OpenRelease
from suwen.flow.views import names
from suwen.govern.policy.masks import Personal, masked, masked_row, personal
from suwen.model.cdm import PROVENANCE, Table
from suwen.model.extension import ALL_TABLES
from suwen.packs.problem import nearest
from suwen.serve.api.asking import no_such
from suwen.serve.api.faults import Fault

KIND = "kind"  # of an identifier: what its value is, by which it is masked
_BATCH = 8_192
TABLES = tuple(name for name in names() if name.startswith(("cdr.", "ext.")))


@dataclass(frozen=True)
class Wanted:
    """Which rows: of these receipts (None: of all), days and person; `columns` () for all of the table; `masks`: whether names and numbers are hidden."""

    table: str
    receipts: Sequence[int] | None
    first: date | None = None
    last: date | None = None
    person: int | None = None
    columns: tuple[str, ...] = ()
    masks: bool = True

    @property
    def shape(self) -> Table:
        """The table's columns."""
        return ALL_TABLES[self.table.split(".", 1)[1]]

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns that are shown."""
        return self.columns or all_columns(self.shape)


def shape_of(table: str) -> Table:
    """A table that can be asked for. Raises Fault for any other name."""
    if table not in TABLES:
        raise no_such("table", table)
    return ALL_TABLES[table.split(".", 1)[1]]


def all_columns(shape: Table) -> tuple[str, ...]:
    """The columns of a stored table, with where each row comes from."""
    return (*shape.row_columns, *(column.name for column in PROVENANCE))


def chosen(shape: Table, asked: str) -> tuple[str, ...]:
    """Columns by a text with commas. Raises Fault where one is not there."""
    wanted, known = tuple(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip())), all_columns(shape)
    for name in wanted:
        if name not in known:
            raise Fault(
                HTTPStatus.BAD_REQUEST, f"{shape.name} has no such column", where=f"query columns {name[:60]}", expected="columns of the table",
                do=nearest(name[:60], known),
            )  # fmt: skip
    return wanted


def page(opened: OpenRelease, wanted: Wanted, after: int | None, limit: int) -> list[dict[str, Any]]:
    """At most so many rows in the order of their ids, those after one; every column is in them, masked."""
    query = statement(
        "select {columns} from {rows} r where {keep} order by {order} limit {limit}",
        columns=[col(name, "r") for name in all_columns(wanted.shape)], rows=opened.view(wanted.table), keep=_keep(wanted, after),
        order=_order(wanted.shape), limit=integer(limit),
    )  # fmt: skip
    found: list[dict[str, Any]] = opened.ask(query).to_pylist()
    return [masked_row(wanted.table, row) for row in found] if wanted.masks else found


def stream(opened: OpenRelease, wanted: Wanted) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """All rows as they are read, in no order, and their schema; masked columns are text."""
    read = [*wanted.shown, *([KIND] if _by_kind(wanted) and KIND not in wanted.shown else [])]
    query = statement(
        "select {columns} from {rows} r where {keep}",
        columns=[col(name, "r") for name in read], rows=opened.view(wanted.table), keep=_keep(wanted, None),
    )  # fmt: skip
    none = statement("select * from {q} q limit 0", q=query)
    schema = opened.ask(none).schema
    hidden = {name for name in wanted.shown if wanted.masks and personal(wanted.table, name) is not Personal.NO}
    shown = pa.schema([pa.field(name, pa.string() if name in hidden else schema.field(name).type) for name in wanted.shown])
    return shown, _batches(opened, query, wanted, shown)


def _batches(opened: OpenRelease, query: Tree, wanted: Wanted, shown: pa.Schema) -> Iterator[pa.RecordBatch]:
    with opened.streaming(query, _BATCH) as reader:
        for batch in reader:
            yield pa.RecordBatch.from_arrays([_column(batch, name, wanted).cast(shown.field(name).type) for name in wanted.shown], schema=shown)


def _column(batch: pa.RecordBatch, name: str, wanted: Wanted) -> pa.Array:
    values, tells = batch.column(name), personal(wanted.table, name)
    if not wanted.masks or tells is Personal.NO:
        return values
    if _by_kind(wanted) and name == "value":
        pairs = zip(batch.column(KIND).to_pylist(), values.to_pylist(), strict=True)
        return pa.array([masked_row(wanted.table, {KIND: kind, name: value})[name] for kind, value in pairs], pa.string())
    return _masked(values, lambda value: masked(tells, value))


def _masked(values: pa.Array, mask: Callable[[object], object]) -> pa.Array:
    """Each different value is masked once."""
    known: dict[object, str | None] = {None: None}
    found = []
    for value in values.to_pylist():
        if value not in known:
            known[value] = str(mask(value))
        found.append(known[value])
    return pa.array(found, pa.string())


def _by_kind(wanted: Wanted) -> bool:
    return wanted.masks and wanted.shape.name == "ext_person_identifier"


def _order(shape: Table) -> Tree:
    return col(shape.id_column, "r") if shape.id_column else call("row", *(col(name, "r") for name in ("_receipt", "_record", *shape.row_columns)))


def _keep(wanted: Wanted, after: int | None) -> Tree:
    shape, conditions = wanted.shape, [typed(text("true"), "BOOLEAN")]
    if wanted.receipts is not None:
        conditions.append(in_numbers(col("_receipt", "r"), wanted.receipts))
    if wanted.person is not None:
        conditions.append(compared(col(_needed(shape.person_column, shape, "person"), "r"), "=", integer(wanted.person)))
    for day, sign in ((wanted.first, ">="), (wanted.last, "<=")):
        if day is not None:
            conditions.append(compared(col(_needed(shape.date_column, shape, "day"), "r"), sign, typed(text(day.isoformat()), "DATE")))
    if after is not None:
        conditions.append(compared(col(_needed(shape.id_column, shape, "id"), "r"), ">", integer(after)))
    return conjunction(conditions)


def _needed(column: str | None, shape: Table, what: str) -> str:
    if column is None:
        raise Fault(HTTPStatus.BAD_REQUEST, f"rows of {shape.name} have no {what} to be chosen by", where="query")
    return column


def organisation_of(opened: OpenRelease, organisations: Mapping[int, str], table: str, row_id: int) -> str | None:
    """The organisation that a row came from ("": from none, being worked out from others); None where there is no such row."""
    shape = shape_of(table)
    query = statement(
        "select r._receipt as receipt from {rows} r where {mine} limit 1",
        rows=opened.view(table), mine=compared(col(_needed(shape.id_column, shape, "id"), "r"), "=", integer(row_id)),
    )  # fmt: skip
    found = opened.ask(query).to_pylist()
    return organisations.get(found[0]["receipt"], "") if found else None
