"""Spark gives what DuckDB gives: every example of the function list, every call over drawn values, and expressions grown at random.

All of a kind is one statement, or Spark would take minutes over planning. `make test-deep` compares many more (tests/deep/test_engines.py).
"""

from __future__ import annotations

import random

import pytest

from suwen.engine.port import Engine
from suwen.model.functions import FUNCTIONS, OPERATORS, TYPES, Value
from tests.spec.engines import Asked, asked, compared, examples_as_columns, smallest, uncompiled, worked_out
from tests.spec.evaluation import ZONE, Column, call_over_constants, compiled, operation_over_columns
from tests.spec.grown import TYPES_OF_COLUMNS, Grower, columns, plain_calls

pytestmark = pytest.mark.filterwarnings("ignore")  # PySpark's own warnings are not ours to mend
NOTHING = {"nothing": Column("text", [None])}
# Expressions in which the engines differ, each with its reason. One that no longer differs fails: it is to be taken off the list.
KNOWN = {
    "upper('ß\U0010f000')": "Spark puts some letters aside as private code points, and who uses these beside them gets letters (model/functions/letters.py)",
    "lower('Σ\U0010f000')": "the same for small letters",
}


def held(engine: Engine, calls: list[tuple[str, list[Value]]], given: dict[str, Column]) -> None:
    types = {name: column.type for name, column in given.items()}
    listed = [Asked(text, (one := compiled(text, types)).tree, one.type) for text, _ in calls]
    found = worked_out(engine, listed, given)
    assert {text: got[: len(results)] for (text, results), got in zip(calls, found, strict=True)} == dict(calls)


def test_examples_over_columns(spark: Engine) -> None:
    calls, given = examples_as_columns(FUNCTIONS.values())
    for number, operator in enumerate(OPERATORS):
        for at, example in enumerate(operator.examples):
            text, of = operation_over_columns(operator, example, f"o{number}e{at}")
            calls.append((text, [example.result]))
            given |= of
    held(spark, calls, given)


def test_examples_over_constants(spark: Engine) -> None:
    with uncompiled(spark):
        held(spark, list({call_over_constants(f, e): [e.result] for f in FUNCTIONS.values() for e in f.examples}.items()), NOTHING)


def test_every_call_over_drawn_values(spark: Engine, duckdb: Engine) -> None:
    """And when it is a finding that a text cannot be read or a number is too large."""
    dice = random.Random(20261122)
    listed = [one for grown in plain_calls() for one in asked(grown.text, TYPES_OF_COLUMNS, "America/New_York")]
    with uncompiled(spark):
        assert compared((duckdb, spark), listed, columns(dice, 400)) == {}


def test_grown_expressions(spark: Engine, duckdb: Engine) -> None:
    dice = random.Random(5)
    grower, given = Grower(dice), columns(dice, 100)
    grown = [grower.grow(dice.choice(TYPES), 2) for _ in range(60)]
    listed = [one for each in grown for one in asked(each.text, TYPES_OF_COLUMNS, ZONE)]
    with uncompiled(spark):
        found = compared((duckdb, spark), listed, given)
    assert not found, [smallest((duckdb, spark), each, given, ZONE) for each in grown if each.text in found]


def test_the_known_differences_differ(spark: Engine, duckdb: Engine) -> None:
    listed = [one for text in KNOWN for one in asked(text, {}, ZONE)]
    assert set(compared((duckdb, spark), listed, NOTHING)) == set(KNOWN)
