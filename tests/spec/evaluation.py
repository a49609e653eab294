"""Expressions of the pack language, run on DuckDB over given values: how the spec tests see the language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import settings

from suwen.base.errors import Place
from suwen.engine.compile import Compiled, Context, compile_all
from suwen.engine.render import render
from suwen.model.functions import VARIABLES, Argument, Example, Function, Operator, Value
from suwen.model.pack import Expression

ZONE = "Asia/Shanghai"
PLACE = Place("test.toml", 7)
ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.decimal128(24, 8),
    "money": pa.decimal128(18, 4),
    "date": pa.date32(),
    "time": pa.timestamp("us"),
    "boolean": pa.bool_(),
}


def expression(text: str) -> Expression:
    return Expression(text, PLACE)


@dataclass(frozen=True)
class Column:
    """Values of one type, a row each."""

    type: str
    values: Sequence[Value]

    @property
    def arrow(self) -> pa.Array:
        return pa.array(self.values, ARROW[self.type])


few = settings(max_examples=settings().max_examples // 4)
"""For laws whose every example holds many values."""


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("SET TimeZone = 'Pacific/Honolulu'")  # no result may depend on the session's zone
    return connection


def compiled(text: str, columns: Mapping[str, str] | None = None, zone: str = ZONE) -> Compiled:
    return compile_all([(expression(text), None)], Context(columns or {}, zone))[0]


@cache
def _rendered(text: str, types: tuple[tuple[str, str], ...], zone: str) -> str:
    return render(compiled(text, dict(types), zone).tree)


def evaluate(text: str, zone: str = ZONE, **columns: Column) -> list[Value]:
    """The value of an expression for each row."""
    return evaluate_all([text], zone, **columns)[text]


def evaluate_all(texts: Iterable[str], zone: str = ZONE, **columns: Column) -> dict[str, list[Value]]:
    """The values of several expressions for each row."""
    listed, types = list(texts), tuple((name, c.type) for name, c in columns.items())
    table = pa.table({name: c.arrow for name, c in columns.items()})
    return dict(zip(listed, rows([_rendered(text, types, zone) for text in listed], table), strict=True))


def value(text: str) -> Value:
    """The value of an expression without columns."""
    return rows([render(compiled(text).tree)], pa.table({"nothing": [None]}))[0][0]


@cache
def _failures(text: str, types: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(render(read.failed) for read in compiled(text, dict(types)).reads)


def failures(text: str, **columns: Column) -> list[list[Value]]:
    """For each reading in an expression: whether it failed, row by row."""
    return rows(_failures(text, tuple((name, c.type) for name, c in columns.items())), pa.table({name: c.arrow for name, c in columns.items()}))


def rows(listed: Sequence[str], table: pa.Table) -> list[list[Value]]:
    """The values of SQL expressions over a table, column by column."""
    if not listed:
        return []
    connection = _connection()
    connection.register("given", table)
    found = connection.sql(f"SELECT {', '.join(f'{e} AS r{at}' for at, e in enumerate(listed))} FROM given").to_arrow_table()
    return [column.to_pylist() for column in found.columns]


def distinct_from_parquet(listed: Sequence[str], table: pa.Table, file: Path) -> tuple[list[tuple[Value, ...]], list[str]]:
    """Distinct rows of SQL expressions over a Parquet file of the table, and the engine's types of them."""
    pq.write_table(table, file, use_dictionary=True)
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        query = f"SELECT DISTINCT {', '.join(f'{e} AS r{at}' for at, e in enumerate(listed))} FROM read_parquet($file)"
        found = connection.execute(query, {"file": str(file)})
        types = [str(d[1]) for d in found.description or ()]
        return found.fetchall(), types


def argument_type(declared: Argument, example: Example) -> str:
    """The type an argument has in an example: as declared, or what a variable stands for."""
    if declared.type not in VARIABLES:
        return declared.type
    kinds = {type(v) for v in example.args if v is not None}
    if Decimal in kinds:
        return "number"
    return {int: "integer", str: "text"}[kinds.pop()] if kinds else VARIABLES[declared.type][0]


def written(given: Value, type_: str) -> str:
    """A value as the language writes it."""
    if given is None:
        return "null"
    if isinstance(given, str):
        return "'" + given.replace("'", "''") + "'"
    if isinstance(given, datetime):
        return f"time_of('{given.isoformat(sep=' ')}', 'iso')"
    if isinstance(given, date):
        return f"date_of('{given.isoformat()}', 'iso')"
    return f"{type_}('{given}')" if isinstance(given, Decimal) else str(given)


def declared_argument(function: Function, at: int) -> Argument:
    return function.arguments[min(at, len(function.arguments) - 1)]


def call_over_columns(function: Function, example: Example, prefix: str) -> tuple[str, dict[str, Column]]:
    """A call with the example's arguments as columns (literals where the function wants them)."""
    listed, columns = [], {}
    for at, given in enumerate(example.args):
        declared = declared_argument(function, at)
        type_ = argument_type(declared, example)
        if declared.literal:
            listed.append(written(given, type_))
        else:
            columns[f"{prefix}a{at}"] = Column(type_, [given])
            listed.append(f"{prefix}a{at}")
    return f"{function.name}({', '.join(listed)})", columns


def call_over_constants(function: Function, example: Example) -> str:
    """A call with the example's arguments written out."""
    listed = [written(v, argument_type(declared_argument(function, at), example)) for at, v in enumerate(example.args)]
    return f"{function.name}({', '.join(listed)})"


def operation_over_columns(operator: Operator, example: Example, prefix: str) -> tuple[str, dict[str, Column]]:
    left, right = f"{prefix}l", f"{prefix}r"
    return f"{left} {operator.symbol} {right}", {left: Column(operator.left, [example.args[0]]), right: Column(operator.right, [example.args[1]])}
