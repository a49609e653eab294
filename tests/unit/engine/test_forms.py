"""Calls of the pack language in a tree: opaque to what is done with trees, written out when one is printed."""

from __future__ import annotations

import pytest
from sqlglot import exp

from suwen.base.errors import Place
from suwen.engine.compile import Context, compile_expression
from suwen.engine.forms import call, called, written_out
from suwen.engine.render import render
from suwen.engine.spark.rendering import spark_text
from suwen.engine.sql import Tree, col, flattened_columns, statement, text
from suwen.model.functions import FUNCTIONS
from suwen.model.pack import Expression


def tree(written: str, **columns: str) -> Tree:
    return compile_expression(Expression(written, Place("x.toml", 1)), Context(columns, "Asia/Shanghai")).tree


class Nothing:
    """No sources: what is printed names columns only."""

    def relation(self, name: str) -> str:
        return name

    def files(self, paths: object, **_: object) -> str:
        return ""

    def columns(self, view: str) -> list[str]:
        return []


def spark(one: Tree) -> str:
    return spark_text(one, Nothing())


def test_a_call_is_one_node_whatever_its_words() -> None:
    compiled = tree("date_of(a, 'iso')", a="text")
    function = called(compiled)
    assert function is FUNCTIONS["date_of"]
    assert [type(part) for part in compiled.expressions] == [exp.Column, exp.Literal]
    assert [node.name for node in compiled.find_all(exp.Column)] == ["a"]


def test_a_tree_without_calls_is_not_copied() -> None:
    plain = statement("select a from t where b = 1")
    assert written_out(plain) is plain


def test_a_tree_can_be_printed_for_each_engine_any_number_of_times() -> None:
    compiled = tree("case when a + 1 > 2 then left(b, 2) end", a="integer", b="text")
    first = render(compiled), spark(compiled)
    assert first == (render(compiled), spark(compiled))
    assert "INT128" in first[0] and "try_add" in first[1]


def test_columns_are_renamed_through_a_call() -> None:
    renamed = flattened_columns(tree("upper(s.a)", **{"s.a": "text"}), "p.")
    assert render(renamed) == 'UPPER("p.s.a")'
    assert "`p.s.a`" in spark(renamed)


def test_the_zone_is_an_argument_only_where_it_matters() -> None:
    assert [part.name for part in tree("local_time(a, 'iso')", a="text").expressions] == ["a", "iso", "Asia/Shanghai"]
    assert [part.name for part in tree("time_of(a, 'iso')", a="text").expressions] == ["a", "iso"]


def test_spark_names_a_large_argument_once() -> None:
    small, large = tree("years_between(a, b)", a="date", b="date"), tree("years_between(date_of(v1, 'zh'), date_of(v2, 'zh'))", v1="text", v2="text")
    assert "transform" not in spark(small)
    assert spark(large).count("regexp_extract") == 2
    assert "v3 ->" in spark(large) and "v4 ->" in spark(large), "a name must not hide a column"


def test_what_is_special_in_a_text_of_spark_is_written_so() -> None:
    assert spark(call("replace", [col("a"), text("\\"), text("it's")])) == r"(nullif(replace(`a`, '\\', 'it\'s'), ''))"
    assert r"'\\z'" not in spark(call("text", [col("a")]))
    assert r"\\z'" in spark(call("date_of", [col("a"), text("iso")]))
    assert "'$1-$2-$3'" in spark(call("date_of", [col("a"), text("yyyymmdd")])), "a dollar of Spark's own"


@pytest.mark.parametrize("name", ["concat", "coalesce"])
def test_any_number_of_arguments(name: str) -> None:
    assert spark(call(name, [col("a"), col("b"), col("c")])).count("`") == 6


def test_engines_read_what_is_written_out() -> None:
    assert render(call("plus_money_money", [col("m"), col("m")])) == 'TRY_CAST("m" + "m" AS DECIMAL(18, 4))'
