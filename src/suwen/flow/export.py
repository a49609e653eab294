"""A release written for other tools: the 39 tables of `omop` with ids of 1 to n, as Parquet, CSV or a DuckDB database."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from suwen.base.atomic import new_folder
from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.engine.duck import Engine
from suwen.engine.exports import database, write_csv, write_parquet, write_table
from suwen.engine.sql import Tree, alias, coalesce, col, integer, statement, union_all
from suwen.flow.reader import OpenRelease
from suwen.flow.stores import engine_of
from suwen.model.cdm import TABLES, Column, Table, Type

FORMS = ("parquet", "csv", "duckdb")
DATABASE = "cdm.duckdb"
_LARGEST = 2**31 - 1
_BORROWED = ("observation_period",)  # its ids are those of persons


def export(opened: OpenRelease, form: str, folder: Path, progress: Progress = SILENT) -> Mapping[str, int]:
    """Write every table of the schema `omop` into a new folder, which appears whole or not at all; gives the rows per table.

    Ids are 1..n per table in the order of the stored ids, so the same release gives the same export. Raises SuwenError where the folder holds something.
    """
    if form not in FORMS:
        raise SuwenError(f'unknown form "{form}"', where="--to", expected=" or ".join(FORMS))
    with new_folder(folder) as aside:
        engine = engine_of(opened.region)
        try:
            return _write(engine, opened, form, aside, progress)
        finally:
            engine.close()


def _write(engine: Engine, opened: OpenRelease, form: str, aside: Path, progress: Progress) -> Mapping[str, int]:
    _number(engine, opened)
    rows: dict[str, int] = {}
    with database(engine, aside / DATABASE) if form == "duckdb" else nullcontext():
        for table in TABLES.values():
            progress.start(f"writing {table.name}")
            query = _dense(table, opened.view(f"omop.{table.name}"))
            if form == "parquet":
                rows[table.name] = write_parquet(engine, query, aside / f"{table.name}.parquet")
            elif form == "csv":
                rows[table.name] = write_csv(engine, query, aside / f"{table.name}.csv")
            else:
                columns = [(c.name, _type(c), c.required) for c in table.columns]
                rows[table.name] = write_table(engine, table.name, columns, table.key, query)
    return rows


def _type(column: Column) -> str:
    return "INTEGER" if column.type is Type.BIGINT else str(column.type)


def _numbered(table: Table) -> bool:
    """Whether a table has hashed ids of its own."""
    return table.id_column is not None and table.borrowed_id is None and table.column(table.id_column).type is Type.BIGINT


def _number(engine: Engine, opened: OpenRelease) -> None:
    """Keep `ids_<table>` (old, new) of every table with ids of its own, and all of them as `ids_any` for references that may name a row of any table."""
    every: list[Tree] = []
    for table in filter(_numbered, TABLES.values()):
        name, own = f"ids_{table.name}", table.id_column or ""
        engine.temporary(name, statement("select {o} as old, row_number() over (order by {o}) as new from {v} v", o=own, v=opened.view(f"omop.{table.name}")))
        if engine.count(name) > _LARGEST:
            raise SuwenError(f"{table.name} has too many rows for ids of 32 bits", where=f"omop.{table.name}", expected=f"at most {_LARGEST:,}")
        if table.name not in _BORROWED:
            every.append(statement("select old, new from {n} n", n=name))
    engine.temporary("ids_any", union_all(every))


def _dense(table: Table, view: Tree) -> Tree:
    """The rows of a table with dense ids, in the order of its key, else of all columns."""
    rows: Tree = statement("select * from {v} v", v=view)
    for number, column in enumerate(table.columns):
        if column.type is Type.BIGINT:
            rows = _with_number(rows, table, column, f"_new{number}")
    columns = [alias(col(f"_new{n}" if c.type is Type.BIGINT else c.name), c.name) for n, c in enumerate(table.columns)]
    dense = statement("select {c} from {r} x", c=columns, r=rows)
    if table.key:  # of one column, in every table that has one
        return statement("select * from {d} y order by {k}", d=dense, k=table.key[0])
    return statement("select * from {d} y order by all", d=dense)


def _with_number(rows: Tree, table: Table, column: Column, name: str) -> Tree:
    """Rows with the dense id that a column means; a required reference to a row that is not there is 0."""
    other = table if column.name == table.id_column and table.borrowed_id is None else TABLES[column.references[0]] if column.references else None
    ids = f"ids_{other.name}" if other is not None and _numbered(other) else "ids_any"
    new = coalesce(col("new", "k"), integer(0)) if column.required else col("new", "k")
    return statement(
        "select r.*, {new}::INTEGER as {name} from {rows} r left join {ids} k on k.old = r.{c}", new=new, name=name, rows=rows, ids=ids, c=column.name
    )
