"""DuckDB's binder as the judge of types: expressions are bound over an empty relation, never run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock

import duckdb
from sqlglot import exp

from suwen.base.errors import Place, SuwenError
from suwen.engine import sql
from suwen.engine.render import render
from suwen.engine.sql import Tree

_lock = Lock()


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False, "threads": 1})


def bound_types(trees: Sequence[Tree], columns: Mapping[str, str], places: Sequence[Place]) -> list[str]:
    """The DuckDB type of each expression over columns of the given DuckDB types; SuwenError at the place of the first that does not bind."""
    if not trees:
        return []
    try:
        return _bind(trees, columns)
    except duckdb.Error:
        for tree, place in zip(trees, places, strict=True):
            try:
                _bind([tree], columns)
            except duckdb.Error as error:
                first = str(error).splitlines()[0]
                raise SuwenError(f"the engine refuses the expression: {first}", where=place) from error
        raise


def _bind(trees: Sequence[Tree], columns: Mapping[str, str]) -> list[str]:
    empty = exp.select(*(sql.alias(sql.typed(sql.null(), type_), name) for name, type_ in (columns or {"c": "VARCHAR"}).items()))
    listed = ", ".join(f"{render(tree)} AS r{at}" for at, tree in enumerate(trees))
    with _lock:
        rows = _connection().execute(f"DESCRIBE SELECT {listed} FROM ({render(empty)}) AS source").fetchall()
    return [str(row[1]) for row in rows]
