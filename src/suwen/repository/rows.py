"""Mapped rows as rows of a stored table: the table's columns in order, defaults, provenance, month; merging of rows with several sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from suwen.engine import hash as hashing
from suwen.engine.months import month_of
from suwen.engine.sql import Tree, alias, call, case, coalesce, col, compared, conjunction, integer, is_null, null, statement, text, tried, typed
from suwen.model import event
from suwen.model.cdm import PROVENANCE, Table
from suwen.model.extension import ALL_TABLES
from suwen.model.staging import RECEIPT, RECORD, RUN, TEMPLATE
from suwen.repository.mapping import MappingPlan

MONTH = "_month"  # 12 * year + month - 1 of the row's date; 0 without a date
_NOTHING_FIXED: Mapping[str, Tree] = MappingProxyType({})
_LONGEST = 36_525  # days a supply may last, a hundred years: one of none or of more says nothing about its end
PUBLISHED_AT_RUN = ("since_release",)  # columns that name a release do not enter the fingerprint


def lake_name(table: str) -> str:
    """The table's name in the lake: `cdr/...`, or `ext/...` for an extension table."""
    return f"ext/{table}" if ALL_TABLES[table].group == "extension" else f"cdr/{table}"


def stored_columns(table: Table) -> Mapping[str, str]:
    """Name -> SQL type of a stored table's columns, provenance last."""
    return {c.name: str(c.type) for c in (*table.columns, *PROVENANCE)}


def projected(plan: MappingPlan, mapped: str, table: str, tag: str, run: int) -> Tree:
    """The rows of one physical table out of a target's mapped rows: stored columns, `_id`, `_check`, `_month`."""
    generic = event.columns_of(table) if plan.target.event else {c: c for c in ALL_TABLES[table].row_columns}
    columns = [alias(typed(_value(plan, generic[c.name], table, c.name), str(c.type)), c.name) for c in ALL_TABLES[table].columns]
    wanted = [is_null(col("_reason"))] + ([compared(col("_table"), "=", integer(plan.tables.index(table)))] if len(plan.tables) > 1 else [])
    return statement(
        "select {columns}, {receipt}, {record}, {tag} as {template}, {run} as {run_name}, _id, _check, {month} as {month_name}, {priority} as _priority "
        "from {mapped} where {wanted}",
        columns=columns,
        receipt=RECEIPT,
        record=RECORD,
        tag=text(tag),
        template=TEMPLATE,
        run=typed(integer(run), "BIGINT"),
        run_name=RUN,
        month=_month(columns, dated) if (dated := ALL_TABLES[table].date_column) else month_of(col("_day")),
        month_name=MONTH,
        priority=integer(plan.target.priority),
        mapped=mapped,
        wanted=conjunction(wanted),
    )


def _month(columns: Sequence[Tree], date_column: str) -> Tree:
    return month_of(next(c.this for c in columns if c.alias == date_column))


def _value(plan: MappingPlan, name: str, table: str, physical: str) -> Tree:
    names = {m.name for m in plan.columns}
    if physical == ALL_TABLES[table].id_column and ALL_TABLES[table].borrowed_id is None:
        return col("_id")
    parts: list[Tree] = [col(name)] if name in names else []
    if parts and plan.target.event and event.counts_whole(name, table):
        whole = compared(col(name), "=", call("trunc", col(name)))
        parts = [case([(whole, tried(col(name), "INTEGER"))])]
    if plan.target.event:
        for rule in event.DEFAULTS:
            if rule.column == name and rule.tables and table in rule.tables and rule.source in names:
                parts.append(_default(rule))
    return coalesce(*parts) if parts else null()


def _default(rule: event.Default) -> Tree:
    if rule.how == "same":
        return col(rule.source)
    if rule.how == "date of":
        return typed(col(rule.source), "DATE")
    last = "select case when {days} between 1 and {most} then {start} + ({days}::INTEGER - 1) end"
    return statement(last, start="start_date", days=rule.source, most=_LONGEST).expressions[0]


def merged(rows: Tree | str, table: Table, records: Tree | str) -> Tree:
    """One row per id out of rows with several sources: each column the first non-null by (priority, newest version first, key, feed); arrival never shows.

    `records(receipt, record, as_of, version, key, feed)`: the order of versions of the sources.
    """
    ranked = statement(
        """select x.*, row_number() over (partition by x._id order by x._priority, r.version desc nulls last, r.as_of desc,
            r.key, r.feed, x._receipt, x._record) as _rank
        from {rows} x join {records} r on r.receipt = x._receipt and r.record = x._record""",
        rows=rows,
        records=records,
    )
    names = [c.name for c in table.columns]
    firsts = [alias(call("arg_min", col(n), col("_rank")), n) for n in (*names, "_check", "_priority")]
    firsts.append(alias(_month(firsts, table.date_column) if table.date_column else call("min", col(MONTH)), MONTH))
    # provenance is that of the first source; `arg_min` skips nulls, and provenance has none
    origin = [alias(call("arg_min", col(n), col("_rank")), n) for n in (RECEIPT, RECORD, TEMPLATE, RUN)]
    return statement("select _id, {firsts}, {origin} from {ranked} y group by _id", firsts=firsts, origin=origin, ranked=ranked)


def completed(rows: Tree | str, table: Table) -> Tree | str:
    """Rows in which a required concept that no source tells is 0; after merging, so that one source's silence hides no other's word."""
    columns = [alias(coalesce(col(c.name), integer(0)), c.name) for c in table.columns if c.required and c.is_concept]
    return statement("select n.* replace ({columns}) from {rows} n", columns=columns, rows=rows) if columns else rows


def fingerprinted(table: Table, fixed: Mapping[str, Tree] = _NOTHING_FIXED) -> list[tuple[str, str, Tree]]:
    """The columns that enter a row's fingerprint: the published ones, without those that name a release. `fixed`: what a column is known to hold."""
    return [(c.name, str(c.type), fixed.get(c.name, col(c.name))) for c in table.columns if c.name not in PUBLISHED_AT_RUN]


def identity(table: Table) -> list[str]:
    """The columns in which two stored rows are alike where nothing of a row changed: all but the run."""
    return [*table.row_columns, RECEIPT, RECORD, TEMPLATE]


def cells(rows: Tree | str, table: Table, organisation: Tree | str, sign: int, fixed: Mapping[str, Tree] = _NOTHING_FIXED) -> Tree:
    """(organisation, month, rows, total) of rows: the exact count and sum of row hashes, negated for removed ones.

    `organisation`: a text, or the name of a column of the rows. `fixed`: what a column is known to hold in all of the rows; it need not be read, and its
    part of the hashes is worked out once.
    """
    kept = [alias(col(name, "r"), name) for name in (MONTH, *([organisation] if isinstance(organisation, str) else []))]
    return statement(
        "select {organisation} as organisation, {month} as month, {sign} * count(*) as records, {sign} * sum(_hash::HUGEINT) as total "
        "from {hashed} h group by all",
        organisation=organisation,
        month=MONTH,
        sign=integer(sign),
        hashed=hashing.row_hashes(rows, fingerprinted(table, fixed), kept),
    )
