"""Many expressions over many rows, worked out by an engine in one statement: how the engines are held beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from suwen.engine.port import Engine
from suwen.engine.sql import Tree, alias, statement
from suwen.model.functions import Function, Value
from tests.spec.evaluation import Column, argument_type, compiled, declared_argument, written
from tests.spec.grown import TYPES_OF_COLUMNS, Grown

ARROW_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "text": pa.types.is_string,
    "integer": pa.types.is_int64,
    "number": lambda type_: bool(type_ == pa.decimal128(24, 8)),
    "money": lambda type_: bool(type_ == pa.decimal128(18, 4)),
    "date": pa.types.is_date32,
    "time": lambda type_: bool(type_ == pa.timestamp("us")),
    "boolean": pa.types.is_boolean,
}


@dataclass(frozen=True)
class Asked:
    """A compiled expression, and the type that every engine must give it."""

    text: str
    tree: Tree
    type: str


def asked(text: str, types: Mapping[str, str], zone: str) -> list[Asked]:
    """An expression, and the conditions of its findings."""
    one = compiled(text, types, zone)
    return [Asked(text, one.tree, one.type), *(Asked(f"reading {at} of {text}", read.failed, "boolean") for at, read in enumerate(one.reads[:4], 1))]


def worked_out(engine: Engine, listed: Sequence[Asked], columns: Mapping[str, Column]) -> list[list[Value]]:
    """The values of each expression, a row each. Columns shorter than others are filled up with nulls."""
    size = max((len(column.values) for column in columns.values()), default=1)
    padded = {name: Column(column.type, [*column.values, *[None] * (size - len(column.values))]).arrow for name, column in columns.items()}
    engine.register("given", pa.table({"_at": pa.array(range(size), pa.int64()), **padded}))
    try:
        named = [alias(one.tree, f"r{at}") for at, one in enumerate(listed)]
        found = engine.arrow(statement("select _at, {listed} from given order by _at", listed=named))
    finally:
        engine.unregister("given")
    for one, column in zip(listed, found.columns[1:], strict=True):
        assert ARROW_TYPES[one.type](column.type), f"{one.text} is of type {one.type}, and came as {column.type}"
    return [column.to_pylist() for column in found.columns[1:]]


@contextmanager
def compiling(engine: Engine, on: bool) -> Iterator[None]:
    """Spark makes Java of expressions first, as in a region, or works them out as they stand: its two ways, the second sooner done for few rows."""
    conf = engine._spark.conf  # type: ignore[attr-defined]  # only tests set this, so the port has no word for it
    wanted = {"spark.sql.codegen.wholeStage": str(on).lower(), "spark.sql.codegen.factoryMode": "FALLBACK" if on else "NO_CODEGEN"}
    before = {name: conf.get(name) for name in wanted}
    try:
        for name, value in wanted.items():
            conf.set(name, value)
        yield
    finally:
        for name, value in before.items():
            conf.set(name, value)


Difference = tuple[int, Value, Value]


def differing(listed: Sequence[Asked], one: Iterable[Sequence[Value]], other: Iterable[Sequence[Value]]) -> dict[str, Difference]:
    """By expression: the first row in which two engines differ, and what they gave."""
    found: dict[str, Difference] = {}
    for expression, left, right in zip(listed, one, other, strict=True):
        at = next((at for at, (a, b) in enumerate(zip(left, right, strict=True)) if a != b), None)
        if at is not None:
            found[expression.text] = (at, left[at], right[at])
    return found


def compared(engines: Sequence[Engine], listed: Sequence[Asked], columns: Mapping[str, Column]) -> dict[str, Difference]:
    """Where two engines differ."""
    one, other = (worked_out(engine, listed, columns) for engine in engines)
    return differing(listed, one, other)


def smallest(engines: Sequence[Engine], grown: Grown, columns: Mapping[str, Column], zone: str) -> tuple[str, dict[str, Value], Value, Value] | None:
    """The shortest part of an expression in which two engines differ, what its columns hold there, and what the engines gave."""
    parts = {part.text: part for part in grown.all()}
    listed = [one for text in parts for one in asked(text, TYPES_OF_COLUMNS, zone)]
    found = compared(engines, listed, columns)
    if not found:
        return None
    text = min(found, key=len)
    at, left, right = found[text]
    return text, {name: column.values[at] for name, column in columns.items() if name in text}, left, right


def examples_as_columns(functions: Iterable[Function]) -> tuple[list[tuple[str, list[Value]]], dict[str, Column]]:
    """All examples of functions as calls over columns, calls with equal literals and types as one; with the results that they must give."""
    gathered: dict[tuple[Any, ...], list[tuple[tuple[Value, ...], Value]]] = {}
    by_name = {function.name: function for function in functions}
    for function in by_name.values():
        for example in function.examples:
            types = tuple(argument_type(declared_argument(function, at), example) for at in range(len(example.args)))
            literals = tuple(given if declared_argument(function, at).literal else None for at, given in enumerate(example.args))
            gathered.setdefault((function.name, types, literals), []).append((example.args, example.result))
    calls, columns = [], {}
    for number, ((name, types, literals), rows) in enumerate(gathered.items()):
        listed = []
        for at, type_ in enumerate(types):
            column = f"e{number}a{at}"
            if declared_argument(by_name[name], at).literal:
                listed.append(written(literals[at], type_))
            else:
                columns[column] = Column(type_, [args[at] for args, _ in rows])
                listed.append(column)
        calls.append((f"{name}({', '.join(listed)})", [result for _, result in rows]))
    return calls, columns
