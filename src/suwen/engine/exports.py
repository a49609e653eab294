"""Queries written where others read them: delimited files, and a DuckDB database with its keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from suwen.engine.duck import Engine, quoted
from suwen.engine.render import render
from suwen.engine.sql import Tree, text

_DATABASE = "exported"


def write_parquet(engine: Engine, query: Tree, path: Path) -> int:
    """Write a query in its order to one Parquet file, also where it has no row; gives the rows."""
    written = engine.copy(query, path, ordered=True)
    if not written.rows:
        pq.write_table(engine.arrow(query), path)
    return written.rows


def write_csv(engine: Engine, query: Tree, path: Path) -> int:
    """Write a query in its order to one comma-delimited file in UTF-8 with a header; a null is an empty field, an empty text is quoted."""
    engine.execute("set preserve_insertion_order = true")
    try:
        ((rows,),) = engine.rows(f"copy ({render(query)}) to {_text(path)} (format csv, header true)")
    finally:
        engine.execute("set preserve_insertion_order = false")
    return int(rows)


@contextmanager
def database(engine: Engine, path: Path) -> Iterator[None]:
    """A new DuckDB database in a file, open for `write_table` inside the `with`."""
    engine.execute(f"attach {_text(path)} as {_DATABASE}")
    try:
        yield
    finally:
        engine.execute(f"detach {_DATABASE}")


def write_table(engine: Engine, name: str, columns: Sequence[tuple[str, str, bool]], key: Sequence[str], query: Tree) -> int:
    """Make a table of the open database, `columns` being (name, type, required), and fill it; gives the rows."""
    declared = [f"{quoted([column])} {type_}{' not null' if required else ''}" for column, type_, required in columns]
    declared += [f"primary key ({quoted(key)})"] if key else []
    engine.execute(f"create table {_DATABASE}.{quoted([name])} ({', '.join(declared)})")
    engine.execute(f"insert into {_DATABASE}.{quoted([name])} {render(query)}")
    return int(engine.one(f"select count(*) from {_DATABASE}.{quoted([name])}"))


def _text(path: Path) -> str:
    return render(text(str(path)))
