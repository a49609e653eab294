"""Many expressions over many rows, worked out by an engine in one statement: how the engines are held beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from suwen.engine.port import Engine
from suwen.engine.sql import Tree, alias, statement
from suwen.model.functions import Value
from tests.spec.evaluation import Column

ARROW_TYPES = {
    "text": pa.types.is_string,
    "integer": pa.types.is_int64,
    "number": lambda type_: type_ == pa.decimal128(24, 8),
    "money": lambda type_: type_ == pa.decimal128(18, 4),
    "date": pa.types.is_date32,
    "time": lambda type_: type_ == pa.timestamp("us"),
    "boolean": pa.types.is_boolean,
}


@dataclass(frozen=True)
class Asked:
    """A compiled expression, and the type that every engine must give it."""

    text: str
    tree: Tree
    type: str


def worked_out(engine: Engine, asked: Sequence[Asked], columns: Mapping[str, Column]) -> list[list[Value]]:
    """The values of each expression, a row each."""
    size = max((len(column.values) for column in columns.values()), default=1)
    padded = {name: Column(column.type, [*column.values, *[None] * (size - len(column.values))]).arrow for name, column in columns.items()}
    engine.register("given", pa.table({"_at": pa.array(range(size), pa.int64()), **padded}))
    listed = [alias(one.tree, f"r{at}") for at, one in enumerate(asked)]
    try:
        found = engine.arrow(statement("select _at, {listed} from given order by _at", listed=listed))
    finally:
        engine.unregister("given")
    for one, column in zip(asked, found.columns[1:], strict=True):
        assert ARROW_TYPES[one.type](column.type), f"{one.text} is of type {one.type}, and came as {column.type}"
    return [column.to_pylist() for column in found.columns[1:]]


def differing(asked: Sequence[Asked], one: Iterable[Sequence[Value]], other: Iterable[Sequence[Value]]) -> dict[str, tuple[int, Value, Value]]:
    """By expression: the first row in which two engines differ, and what they gave."""
    found: dict[str, tuple[int, Value, Value]] = {}
    for expression, left, right in zip(asked, one, other, strict=True):
        at = next((at for at, (a, b) in enumerate(zip(left, right, strict=True)) if a != b), None)
        if at is not None:
            found[expression.text] = (at, left[at], right[at])
    return found
