"""Rows into new files, one for each part they go to, and the cells of these files."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.base.errors import Defect
from suwen.engine.delta import NewFile
from suwen.engine.months import month_of
from suwen.engine.port import Written
from suwen.engine.sql import Tree, alias, col, compared, conjunction, integer, null, read_parquet, statement, text, typed
from suwen.flow.layout import part_of, parts_of
from suwen.flow.work import Work
from suwen.model.cdm import Column, Table, Type
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import MONTH, cells, lake_name, stored_columns

_NULL = "null"
OWNED = "_organisation"  # a column: whose a row is


def write_rows(work: Work, table: str, rows: Tree | str, organisation: str | None = None) -> None:
    """Write rows to new files, one per part, whose cells are counted when the run commits.

    `organisation`: whose all of the rows are; None where their receipts tell.
    """
    if not (files := write_files(work, table, rows)):
        return
    with work.guard:
        work.uncounted.setdefault((table, organisation), []).extend(files)


def write_files(work: Work, table: str, rows: Tree | str) -> list[Written]:
    """Write rows to new files, one per part; their cells are still to be added."""
    shape, name = ALL_TABLES[table], lake_name(table)
    histogram = work.engine.rows(statement("select {m} as m, count(*) as n from {r} x group by all order by 1", m=MONTH, r=rows))
    files: list[Written] = []
    if not histogram:
        return files
    change, target = work.change(name), work.table(name)
    total = sum(n for _, n in histogram)
    work.progress.start(f"writing {name}", total)
    with work.guard:
        starts = parts_of(work.layout, name, histogram)
    columns = [alias(col(c), c) for c in stored_columns(shape)]
    counts = {low: sum(n for m, n in histogram if low <= m < high) for low, high in starts}
    wanted = [(low, high) for low, high in starts if counts[low]]
    paths = [target.new_path(part_of(low), f"{work.number:08d}-{work.attempt}-{work.fresh('f')}") for low, _ in wanted]
    inside = [conjunction([compared(col(MONTH), ">=", integer(low)), compared(col(MONTH), "<", integer(high))]) for low, high in wanted]
    for (low, _), written in zip(wanted, work.engine.copy_parts(rows, columns, list(zip(inside, paths, strict=True))), strict=True):
        part, count = part_of(low), counts[low]
        work.step(f"wrote {name}")
        if written.rows != count:
            raise Defect(f"{name}: {written.rows} rows written where {count} were counted")
        files.append(written)
        with work.guard:
            change.created.append(NewFile(written, part))
            change.created_rows += written.rows
            known = work.layout.setdefault(name, {})
            known[part] = known.get(part, 0) + written.rows
        work.progress.advance(written.rows)
        total -= written.rows
    if total:
        raise Defect(f"{name}: {total} rows belong to no part")
    return files


def written_cells(table: str, files: Sequence[Written], only: str | None) -> Tree:
    """The cells of a table's new files. `only`: the one organisation whose rows there are, None for several.

    One query over the written files, whose texts are dictionaries: hashed once an entry, not once a row.
    """
    shape = ALL_TABLES[table]
    rows = dated(read_parquet([str(file.path) for file in files]), shape)
    fixed = fixed_columns(files, shape)
    return cells(owned(rows), shape, OWNED, 1, fixed) if only is None else cells(rows, shape, text(only), 1, fixed)


def owned(rows: Tree | str, *, before: bool = False) -> Tree:
    """Stored rows with the organisation they belong to, or belonged to in the last release, as `OWNED`."""
    organisation = col("before" if before else "organisation", "w")
    return statement("select r.*, {o} as {name} from {r} r join owned_receipts w on w.receipt = r._receipt", r=rows, o=organisation, name=OWNED)


def fixed_columns(files: Sequence[Written], shape: Table) -> dict[str, Tree]:
    """The columns that hold one whole number, or nothing, in every row of some files, as their statistics tell; with what they hold."""
    found: dict[str, Tree] = {}
    for column in shape.columns:
        told = {_fixed(file, column) for file in files}
        if len(told) == 1 and (value := told.pop()) is not None:
            found[column.name] = typed(null() if value == _NULL else integer(int(value)), str(column.type))
    return found


def _fixed(file: Written, column: Column) -> str | None:
    """The one whole number a column of a file holds, `_NULL`, or None where there may be several values."""
    said = file.statistics.get(column.name, {})
    nulls = int(said.get("null_count", -1))
    if nulls == file.rows:
        return _NULL
    low, high = said.get("min"), said.get("max")
    return low if nulls == 0 and low == high and column.type in (Type.BIGINT, Type.INTEGER) else None


def dated(rows: Tree, table: Table) -> Tree:
    """Stored rows with their month."""
    month = month_of(col(table.date_column)) if table.date_column else integer(0)
    return statement("select *, {m}::INTEGER as {name} from {r} d", m=month, name=MONTH, r=rows)
