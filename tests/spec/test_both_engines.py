"""Spark gives what DuckDB gives: every example of the function list, every call over drawn values, and expressions grown at random.

All of a kind is one statement, or Spark would take minutes over planning. `make test-deep` compares many more (tests/deep/test_engines.py).
"""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from suwen.base.errors import SuwenError
from suwen.engine.port import Engine
from suwen.flow.check_indicators import run_indicator_examples
from suwen.flow.examples import run_examples
from suwen.model.functions import FUNCTIONS, OPERATORS, TYPES, Value
from suwen.model.region import Settings
from suwen.packs.loader import load_packs, shipped_packs
from tests.spec.engines import Asked, asked, compared, compiling, examples_as_columns, smallest, worked_out
from tests.spec.evaluation import ZONE, Column, call_over_constants, compiled, operation_over_columns
from tests.spec.grown import TYPES_OF_COLUMNS, Grower, columns, plain_calls

pytestmark = pytest.mark.filterwarnings("ignore")  # PySpark's own warnings are not ours to mend
SHIPPED = load_packs(shipped_packs())
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
    with compiling(spark, True):
        held(spark, calls, given)


def test_examples_over_constants(spark: Engine) -> None:
    with compiling(spark, False):
        held(spark, list({call_over_constants(f, e): [e.result] for f in FUNCTIONS.values() for e in f.examples}.items()), NOTHING)


def test_every_call_over_drawn_values(spark: Engine, duckdb: Engine) -> None:
    """And when it is a finding that a text cannot be read or a number is too large."""
    dice = random.Random(20261122)
    listed = [one for grown in plain_calls() for one in asked(grown.text, TYPES_OF_COLUMNS, "America/New_York")]
    with compiling(spark, False):
        assert compared((duckdb, spark), listed, columns(dice, 400)) == {}


def test_large_arguments_are_named_once_with_the_same_meaning(spark: Engine, duckdb: Engine) -> None:
    """Calls within calls, of which an engine binds the inner ones to a name: also where the body asks twice for what is bound."""
    calls = [
        "years_between(date_of(text0, 'zh'), date_of(text1, 'iso'))",
        "id_card_valid(id_card_sex(text(upper(text0))))",
        "id_card_birth_date(concat(half_width(text0), text(half_width(text1)), half_width(text2)))",
        "boolean(replace(half_width(text(lower(text0))), 'a', 'b'), 'Y|y', 'N|n')",
        "comparator_concept(half_width(upper(half_width(text0))))",
        "divide(divide(number(half_width(text0)), number0), divide(number(text1), number1)) * number(text2)",
        "maximum(minimum(date_of(text0, 'iso'), date_of(text1, 'iso')), coalesce(date_of(text2, 'yyyymmdd'), date0))",
        "null_if(text(half_width(text(upper(text0)))), text(half_width(text(lower(text1)))))",
        "case when is_blank(text(half_width(text0))) then upper(lower(upper(lower(text1)))) else pad_left(text(half_width(text2)), 5, '0') end",
    ]
    given = columns(random.Random(7), 200)
    listed = [one for text in calls for one in asked(text, TYPES_OF_COLUMNS, ZONE)]
    with compiling(spark, True):
        assert compared((duckdb, spark), listed, given) == {}


def test_grown_expressions(spark: Engine, duckdb: Engine) -> None:
    dice = random.Random(5)
    grower, given = Grower(dice), columns(dice, 100)
    grown = [grower.grow(dice.choice(TYPES), 2) for _ in range(60)]
    listed = [one for each in grown for one in asked(each.text, TYPES_OF_COLUMNS, ZONE)]
    with compiling(spark, False):
        found = compared((duckdb, spark), listed, given)
    assert not found, [smallest((duckdb, spark), each, given, ZONE) for each in grown if each.text in found]


def test_a_zone_that_java_does_not_know_is_told(spark: Engine, duckdb: Engine) -> None:
    listed = asked("local_time(x, 'iso')", {"x": "text"}, "ROC")
    given = {"x": Column("text", ["2023-01-05T02:11:12Z"])}
    assert worked_out(duckdb, listed, given)[0] == [datetime(2023, 1, 5, 10, 11, 12)]
    with pytest.raises(SuwenError, match="Java knows no time zone ROC"):
        worked_out(spark, listed, given)


def test_the_known_differences_differ(spark: Engine, duckdb: Engine) -> None:
    listed = [one for text in KNOWN for one in asked(text, {}, ZONE)]
    assert set(compared((duckdb, spark), listed, NOTHING)) == set(KNOWN)


@pytest.mark.parametrize("template", ["hqms/front-page"])
def test_examples_of_a_template(template: str, spark: Engine, spark_settings: Settings) -> None:
    """All others are run by `make test-deep`: Spark plans a hundred statements for one."""
    assert [str(problem) for problem in run_examples(SHIPPED, [template], spark_settings)] == []


@pytest.mark.parametrize("code", ["SV01"])
def test_examples_of_an_indicator(code: str, spark: Engine, spark_settings: Settings) -> None:
    assert [str(problem) for problem in run_indicator_examples(SHIPPED, [code], spark_settings)] == []
