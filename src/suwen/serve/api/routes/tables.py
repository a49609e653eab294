"""Tables of the repository: their columns, and their rows as they may be shown."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query

from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import WHOLE, Resource
from suwen.govern.policy.masks import personal
from suwen.model.cdm import Table
from suwen.model.extension import ALL_TABLES
from suwen.serve.api.asking import Asking, asking
from suwen.serve.api.door import answers
from suwen.serve.api.faults import Fault
from suwen.serve.api.forms import Form, form_of, json_only, streamed
from suwen.serve.api.numbers import plain
from suwen.serve.api.routes.values import FORMS
from suwen.serve.api.rows import TABLES, Wanted, chosen, page, shape_of, stream
from suwen.serve.api.shapes import Answer, Bom, FormAsked, Id, Identities, Key, Limit, Listed, Names, Schema, UnitOrNone, told
from suwen.serve.gate import require

Day = Annotated[date | None, Query(description="A day, 2024-03-09.")]
IdAsked = Annotated[Id | None, Query(description="An id, in digits.")]
Columns = Annotated[str, Query(max_length=2_000, description="Names of columns with commas between; by itself all of them.")]
_GREATEST = 2**63


class OneColumn(Schema):
    """A column of a table."""

    name: str = told("Its name.", "列名")
    type: str = told("Its type as stored.", "类型")
    required: bool = told("Whether it is never null.", "是否必填")
    references: str = told('The table.column it names a row of; "" for none.', "引用")
    personal: str = told("What it may tell of a person; a column that tells anything is shown masked.", "个人信息类别")
    meaning: Names


class OneTable(Schema):
    """A table of the repository."""

    name: str = told("Its name, such as cdr.measurement.", "表名")
    group: str = told("What it belongs to, as OMOP parts its tables.", "分组")
    summary: Names
    rows: int = told("Its rows in the release.", "行数")
    date_column: str = told('The column by which days are chosen; "" for none.', "日期列")
    columns: list[OneColumn]


class TableList(Answer):
    """The tables there are."""

    items: list[OneTable]


class TheTable(Answer):
    """One table."""

    table: OneTable


class Rows(Listed):
    """Rows of a table; every value but true, false and null as text."""

    table: str = told("The table.", "表")
    masked: bool = told("Whether names and numbers are hidden.", "是否脱敏")
    more: bool = told("Whether there are rows beyond these; where next is empty all the same, the table has no ids: take CSV or Arrow.", "是否还有")
    rows: list[dict[str, str | bool | None]] = told("Column -> value.", "行")


@answers("tables", TableList, Action.CATALOGUE, tag="tables")
def list_tables(request: HttpRequest) -> object:
    """The stored tables: cdr as OMOP has them, ext beside them."""
    json_only(request)
    asked = asking(request, Action.CATALOGUE)
    return {"release": asked.release, "items": [_table(asked, name) for name in TABLES]}


@answers("tables/{table}", TheTable, Action.CATALOGUE, tag="tables")
def one_table(request: HttpRequest, table: Key) -> object:
    """One table with its columns."""
    json_only(request)
    asked = asking(request, Action.CATALOGUE)
    shape_of(table)
    return {"release": asked.release, "table": _table(asked, table)}


@answers("tables/{table}/rows", Rows, Action.RECORDS, tag="tables", forms=FORMS)
def table_rows(
    request: HttpRequest, table: Key, organisation: UnitOrNone = "", first: Day = None, last: Day = None, person: IdAsked = None, columns: Columns = "",
    after: IdAsked = None, limit: Limit = 100, identities: Identities = False, format: FormAsked = "", bom: Bom = False,
) -> object:  # fmt: skip
    """Rows of open organisations, masked. JSON in pages by id; CSV and Arrow hold all rows chosen, in no order.

    Rows worked out from those of several organisations (eras, links, the organisation tree) are open to who may see the records of the whole region.
    """
    asked, form = asking(request, Action.RECORDS), form_of(request, format)
    shape = shape_of(table)
    within = _within(asked, organisation)
    if identities:
        require(request, Action.SEE_IDENTITY, Resource(organisation or WHOLE, f"table {table}"))
    wanted = Wanted(table, asked.receipts(within), first, last, number(person, "person"), chosen(shape, columns), masks=not identities)
    if form is not Form.JSON:
        if after is not None:
            raise Fault(HTTPStatus.BAD_REQUEST, "CSV and Arrow hold all rows", where="query after", do="leave after out, or ask for JSON")
        schema, batches = stream(asked.published.opened, wanted)
        return streamed(form, schema, batches, release=asked.release, name=table, bom=bom)
    found = page(asked.published.opened, wanted, number(after, "after"), limit + 1)
    kept, more = found[:limit], len(found) > limit
    following = str(kept[-1][shape.id_column]) if more and shape.id_column else ""
    rows = [{name: plain(row[name]) for name in wanted.shown} for row in kept]
    return {"release": asked.release, "next": following, "table": table, "masked": wanted.masks, "more": more, "rows": rows}


def number(text: str | None, name: str) -> int | None:
    """An id as a number. Raises Fault for one that no row can have."""
    if text is None:
        return None
    found = int(text)
    if not -_GREATEST <= found < _GREATEST:
        raise Fault(HTTPStatus.BAD_REQUEST, "no id is so great", where=f"query {name}", expected="64 bits")
    return found


def _within(asked: Asking, organisation: str) -> frozenset[str] | None:
    if not organisation:
        return None
    asked.demand(Action.RECORDS, organisation)
    return asked.tree.below(organisation)


def _table(asked: Asking, name: str) -> dict[str, Any]:
    shape: Table = ALL_TABLES[name.split(".", 1)[1]]
    held = asked.published.release.tables.get(name.replace(".", "/"))
    columns = [
        {
            "name": column.name, "type": str(column.type), "required": column.required, "references": ".".join(column.references or ()),
            "personal": personal(name, column.name).value, "meaning": {"en": column.meaning[0], "zh": column.meaning[1]},
        }
        for column in shape.columns
    ]  # fmt: skip
    summary = {"en": shape.summary.get("en", ""), "zh": shape.summary.get("zh", "")}
    return {
        "name": name, "group": shape.group, "summary": summary, "rows": held.rows if held else 0, "date_column": shape.date_column or "", "columns": columns,
    }  # fmt: skip
