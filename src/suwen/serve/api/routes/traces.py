"""The way of a row back to its bytes."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path

from suwen.engine.sql import col, compared, integer
from suwen.flow.trace import Trace, TracedRecord
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import WHOLE, Resource
from suwen.govern.policy.source_masks import masked_trace
from suwen.model.cdm import Table
from suwen.serve.api.asking import Asking, asking, hidden, no_such
from suwen.serve.api.door import answers
from suwen.serve.api.forms import json_only
from suwen.serve.api.numbers import plain
from suwen.serve.api.routes.tables import number
from suwen.serve.api.rows import organisation_of, shape_of
from suwen.serve.api.shapes import Answer, Id, Identities, Key, Schema, told
from suwen.serve.console.views.records import subject_of
from suwen.serve.gate import require

RowId = Annotated[Id, Path(description="The row's id, in digits.")]


class FromText(Schema):
    """A source column that a column is made of."""

    record: int = told("Which of the records, from 0.", "记录")
    column: str = told("The source column.", "来源列")
    text: str | None = told("What stands in it, masked where it tells who somebody is.", "原文")


class ColumnTraced(Schema):
    """A column, and what made it."""

    column: str = told("The column.", "列")
    value: str | bool | None = told("Its value.", "值")
    expression: str = told("The template's expression.", "表达式")
    place: str = told("File and line of the template.", "位置")
    how: str = told("What happened besides, where the expression is not the whole story.", "说明")
    sources: list[FromText]


class RecordTraced(Schema):
    """A source record."""

    role: str = told("source, or the alias of a joined parent.", "角色")
    template: str = told("The template.", "模板")
    target: str = told("The target.", "映射目标")
    feed: str = told("The feed.", "数据源")
    kind: str = told("The kind of record.", "记录类别")
    receipt: str = told("The receipt.", "回执")
    record: int = told("Its number in it.", "记录号")
    file: str = told("The file.", "文件")
    member: str = told('The file inside an archive; "" for none.', "成员文件")
    line: int = told("Its line.", "行")
    offset: str = told("Its first byte.", "字节偏移")
    length: str = told("Its bytes.", "字节长度")
    encoding: str = told("How they are written.", "编码")
    text: str = told("The record as it arrived, masked where it tells who somebody is.", "原文")


class InputRow(Schema):
    """A row that a derived row was worked out from."""

    table: str = told("Its table.", "表")
    id: str | None = told("Its id; null for the whole table.", "标识")


class Traced(Answer):
    """The way of one row."""

    table: str = told("The table.", "表")
    id: str = told("The row's id.", "标识")
    masked: bool = told("Whether names and numbers are hidden.", "是否脱敏")
    row: dict[str, str | bool | None] = told("The row as stored.", "行")
    columns: list[ColumnTraced] = told("Where a column stands more than once, the first that has a value gave it.", "列追溯")
    records: list[RecordTraced]
    inputs: list[InputRow] = told("Of a derived row.", "来源行")


@answers("tables/{table}/rows/{row}/trace", Traced, Action.RAW, tag="tables")
def trace_row(request: HttpRequest, table: Key, row: RowId, identities: Identities = False) -> object:
    """The way of a row: the records it came from with their bytes, and the template line behind each column."""
    json_only(request)
    asked = asking(request, Action.RAW)
    shape, row_id = shape_of(table), number(row, "row") or 0
    unit = _open_row(asked, table, row_id)
    found = _trace(asked, shape, row_id)
    if identities:
        require(request, Action.SEE_IDENTITY, Resource(unit, subject_of(asked.published, found)))
    shown = found if identities else masked_trace(found, asked.published.packs)
    return {
        "release": asked.release, "table": table, "id": row, "masked": not identities,
        "row": {name: plain(value) for name, value in shown.row.items()},
        "columns": [_column(one) for one in shown.columns], "records": [_record(one) for one in shown.records],
        "inputs": [{"table": one.table, "id": None if one.id is None else str(one.id)} for one in shown.inputs],
    }  # fmt: skip


def _open_row(asked: Asking, table: str, row_id: int) -> str:
    """The organisation of a row. Raises Fault where there is no such row, and in the same words where it is not open."""
    unit = organisation_of(asked.published.opened, asked.published.organisations, table, row_id)
    if unit is None:
        raise no_such("row", f"{table} {row_id}")
    if asked.units is not None and unit not in asked.units:
        raise hidden(asked.request, Action.RAW, unit, "row", f"{table} {row_id}")
    return unit or WHOLE


def _trace(asked: Asking, shape: Table, row_id: int) -> Trace:
    own = compared(col(shape.id_column or ""), "=", integer(row_id))
    found = next(iter(asked.published.tracer.rows(shape, own)), None)
    if found is None:
        raise no_such("row", f"{shape.name} {row_id}")
    return found


def _column(one: Any) -> dict[str, Any]:
    return {
        "column": one.column, "value": plain(one.value), "expression": one.expression, "place": one.place, "how": one.how,
        "sources": [vars(source) for source in one.sources],
    }  # fmt: skip


def _record(one: TracedRecord) -> dict[str, Any]:
    at = one.place
    return {
        "role": one.role, "template": one.template, "target": one.target, "feed": at.feed, "kind": at.kind, "receipt": str(at.receipt), "record": at.record,
        "file": at.file, "member": at.member, "line": at.line, "offset": str(at.offset), "length": str(at.length), "encoding": at.encoding, "text": at.text,
    }  # fmt: skip
