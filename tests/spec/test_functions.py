"""Every function and operator of the closed list does what its examples say, on columns and on constants, and has the type it declares."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from sqlglot import parse_one

from suwen.engine.forms import form_tree
from suwen.engine.render import render
from suwen.model.functions import DUCKDB_TYPES, FUNCTIONS, OPERATORS, VARIABLES, WIDENINGS, Example, Function, Operator, Value
from tests.spec.evaluation import (
    Column,
    call_over_columns,
    call_over_constants,
    compiled,
    distinct_from_parquet,
    evaluate,
    failures,
    operation_over_columns,
    rows,
    value,
)

REPEATED = 3000  # more than one vector of the engine, so that dictionaries and whole vectors are met
ALL = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
EACH_OPERATOR = pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: f"{o.left}{o.symbol}{o.right}")


def check(calls: list[tuple[str, dict[str, Column]]], examples: tuple[Example, ...], file: Path) -> None:
    columns = {name: column for _, of in calls for name, column in of.items()}
    types = {name: c.type for name, c in columns.items()}
    pieces = [compiled(text, types) for text, _ in calls]
    table = pa.table({name: pa.concat_arrays([c.arrow] * REPEATED) for name, c in columns.items()})
    found, engine_types = distinct_from_parquet([render(p.tree) for p in pieces], table, file)
    assert len(found) == 1, "one expression gave several results for the same values"
    assert {text: got for (text, _), got in zip(calls, found[0], strict=True)} == {text: e.result for (text, _), e in zip(calls, examples, strict=True)}
    assert [t.replace(" ", "") for t in engine_types] == [DUCKDB_TYPES[p.type].replace(" ", "") for p in pieces]


@ALL
def test_examples_over_columns(function: Function, tmp_path: Path) -> None:
    calls = [call_over_columns(function, example, f"e{at}") for at, example in enumerate(function.examples)]
    check(calls, function.examples, tmp_path / "given.parquet")


@EACH_OPERATOR
def test_operator_examples_over_columns(operator: Operator, tmp_path: Path) -> None:
    calls = [operation_over_columns(operator, example, f"e{at}") for at, example in enumerate(operator.examples)]
    check(calls, operator.examples, tmp_path / "given.parquet")
    assert {compiled(text, {n: c.type for n, c in of.items()}).type for text, of in calls} == {operator.result}


@ALL
def test_examples_over_constants(function: Function) -> None:
    texts = [call_over_constants(function, example) for example in function.examples]
    got = rows([render(compiled(text).tree) for text in texts], pa.table({"nothing": [None]}))
    assert {text: one[0] for text, one in zip(texts, got, strict=True)} == {text: e.result for text, e in zip(texts, function.examples, strict=True)}


@ALL
def test_examples_are_enough(function: Function) -> None:
    assert len(function.examples) >= 3
    assert any(None in e.args for e in function.examples), "no example with a null"
    assert any(e.result is not None for e in function.examples)
    assert {e.args[-1] for e in function.examples} >= set(function.forms), "a form without an example"
    assert len(function.en) > 5 and len(function.zh) > 1
    assert function.nulls


@ALL
def test_null_in_null_out_is_kept(function: Function) -> None:
    if function.nulls != "null in, null out":
        return
    assert all(e.result is None for e in function.examples if None in e.args)
    assert any(None in e.args for e in function.examples)


@ALL
def test_every_type_an_argument_can_have_binds_as_declared(function: Function) -> None:
    """`compiled` raises a Defect where the binder sees another type than the list declares."""
    for type_ in next((VARIABLES[a.type] for a in function.arguments if a.type in VARIABLES), ("",)):
        types = {f"c{at}": type_ if a.type in VARIABLES else a.type for at, a in enumerate(function.arguments) if not a.literal}
        for form in function.forms or [""]:
            literals = {at: f"'{form}'" if form else "'x'" if a.type == "text" else str(a.low) for at, a in enumerate(function.arguments) if a.literal}
            text = f"{function.name}({', '.join(literals.get(at, f'c{at}') for at in range(len(function.arguments)))})"
            assert compiled(text, types).type == (type_ if function.result in VARIABLES else function.result)


@ALL
def test_engine_forms_come_back_from_the_generator(function: Function) -> None:
    for form in [*function.forms.values(), function.duckdb]:
        if form:
            tree = form_tree(form, len(function.arguments))
            assert parse_one(render(tree), dialect="duckdb").sql(dialect="duckdb") == render(tree)


@pytest.mark.parametrize(("wanted", "other"), [("number", "0.5"), ("money", "money('1')")])
def test_a_whole_number_becomes_wider_or_a_finding(wanted: str, other: str) -> None:
    widening, text = WIDENINGS[wanted], f"case when true then n else {other} end"
    given = Column("integer", [example.args[0] for example in widening.examples])
    assert compiled(text, {"n": "integer"}).type == widening.result == wanted
    assert evaluate(text, n=given) == [example.result for example in widening.examples]
    assert failures(text, n=given) == [[example.args[0] is not None and example.result is None for example in widening.examples]]


def test_every_function_has_words_for_both_engines() -> None:
    texts = {(f.name, form): (f.text("duckdb", form), f.text("spark", form)) for f in FUNCTIONS.values() for form in f.forms or [""]}
    assert all(duckdb and spark for duckdb, spark in texts.values())
    with pytest.raises(ValueError, match="a text for Spark of each form"):
        replace(FUNCTIONS["date_of"], spark_forms={"iso": "$1"})


def test_names_say_nothing_twice() -> None:
    assert all(name == f.name and name.islower() for name, f in FUNCTIONS.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("years_between(date_of('2000-12-31', 'iso'), date_of('2001-01-01', 'iso'))", 0),  # date_diff counts boundaries: 1
        ("months_between(date_of('2023-01-31', 'iso'), date_of('2023-02-28', 'iso'))", 0),
        ("round_to_integer(2.5)", 3),  # cast(2.5 as int): 3 here, 2 there
        ("round_half_up(0.285, 2)", Decimal("0.29")),  # round(.285, 2) on doubles
        ("integer('2.7')", None),  # try_cast('2.7' as int): 3 here, null there
        ("day_of_week(date_of('2023-01-01', 'iso'))", 7),  # dayofweek: 0 here, 1 there
        ("text('\u3000a\u3000')", "a"),  # trim of U+3000
        ("divide(1, 0)", None),  # 1/0: inf here, an error there
        ("date_of('2023/1/5', 'iso')", None),  # strptime is lenient here
        ("iso_week(date_of('2023-01-01', 'iso'))", "2022-W52"),  # week, strftime('%G-W%V')
        ("minimum(1, null)", None),  # least skips nulls
        ("concat('a', null)", "a"),  # concat with a null
        ("0.1 + 0.2", Decimal("0.3")),  # doubles
        ("time_of('2023-01-05 24:00:00', 'iso')", None),  # the cast gives the next day
        ("time_of('2023-01-05T10:11:12+08:00', 'iso')", None),  # the cast drops the offset
        ("number('1_000')", None),  # the cast takes underscores
    ],
)
def test_where_engines_differ_the_list_decides(text: str, expected: Value) -> None:
    assert value(text) == expected
