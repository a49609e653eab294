"""SQL composed from trees: what is set into a hole, how it keeps its meaning there, and that parts are never text."""

import pytest
from sqlglot import exp

from suwen.engine import sql
from suwen.engine.render import render
from suwen.engine.sql import Tree, alias, case, col, compared, conjunction, disjunction, integer, null, statement, table, text, typed


def said(template: str, **parts: sql.Part) -> str:
    return render(statement(template, **parts))


def expression(written: str) -> Tree:
    found: Tree = statement(f"select {written}").expressions[0]
    return found


@pytest.mark.parametrize(
    ("template", "parts", "expected"),
    [
        ("select a from {t}", {"t": "my table"}, 'SELECT a FROM "my table"'),
        ("select a from {t} as x join {u} y on x.a = y.a", {"t": "t", "u": table("u", "s")}, 'SELECT a FROM "t" AS "x" JOIN "s"."u" AS "y" ON x.a = y.a'),
        ("select x.a from {q} x", {"q": statement("select 1 as a")}, 'SELECT x.a FROM (SELECT 1 AS a) AS "x"'),
        ("select {c} from t", {"c": "or der"}, 'SELECT "or der" FROM t'),
        ("select {c} from t", {"c": [col("a"), alias(col("b", "t"), "c")]}, 'SELECT "a", "t"."b" AS "c" FROM t'),
        ("select a, {c}, b from t", {"c": []}, "SELECT a, b FROM t"),
        ("select f({c}, 1)", {"c": [integer(2), integer(-3)]}, "SELECT F(2, -3, 1)"),
        ("select {n} as n, {m} as m", {"n": 7, "m": -7}, "SELECT 7 AS n, -7 AS m"),
        ("select 1 as {name}", {"name": "a.b"}, 'SELECT 1 AS "a.b"'),
        ("select p.{c} from t p", {"c": "per son"}, 'SELECT p."per son" FROM t AS p'),
        ("select case when {w} then 1 end", {"w": null()}, "SELECT CASE WHEN NULL THEN 1 END"),
        ("select a from t where a in ({v})", {"v": [text("it's"), text("")]}, "SELECT a FROM t WHERE a IN ('it''s', '')"),
        ("select a from t where a > {q}", {"q": statement("select max(b) from u")}, "SELECT a FROM t WHERE a > (SELECT MAX(b) FROM u)"),
        ("select * exclude ({c}) from t", {"c": "a"}, 'SELECT * EXCLUDE ("a") FROM t'),
        ("select {v}::BIGINT as v", {"v": "x"}, 'SELECT CAST("x" AS BIGINT) AS v'),
    ],
)
def test_what_stands_in_a_hole(template: str, parts: dict[str, sql.Part], expected: str) -> None:
    assert said(template, **parts) == expected


def test_a_text_is_a_text_whatever_it_says() -> None:
    evil = "'; drop table t; --"
    assert said("select {v} from {t}", v=text(evil), t=evil) == "SELECT '''; drop table t; --' FROM \"'; drop table t; --\""
    assert said("select {v}", v='a"b') == 'SELECT "a""b"'


@pytest.mark.parametrize(
    "outer", ["a and {p}", "{p} and a", "not {p}", "{p} = a", "{p} or a", "a + {p} > 1", "({p})", "f({p})", "{p} in (1, 2)", "{p} between 1 and 2", "-{p} > 1"]
)
@pytest.mark.parametrize("inner", ["x or y", "x and y", "not x", "x = y", "x + y", "x in (1, 2)", "x between 1 and 2", "x is null", "x", "f(x, y)", "x || y"])
def test_a_part_keeps_its_meaning_among_its_neighbours(outer: str, inner: str) -> None:
    """As if it stood in parentheses."""
    composed = statement(f"select {outer}", p=expression(inner))
    written = statement(f"select {outer.replace('{p}', f'({inner})')}")

    def bare(tree: Tree) -> Tree:
        while tree.find(exp.Paren):
            tree = tree.transform(lambda node: node.this if isinstance(node, exp.Paren) else node)
        return tree

    again = statement(render(composed))
    assert bare(again) == bare(written), render(composed)


def test_a_part_may_be_used_again_and_is_not_changed() -> None:
    condition = compared(col("a"), "=", integer(1))
    before = render(condition)
    both = statement("select {w} as x, {w} as y from t where {w}", w=condition)
    assert render(both) == 'SELECT "a" = 1 AS x, "a" = 1 AS y FROM t WHERE "a" = 1'
    assert render(statement("select not {w}", w=condition)) == 'SELECT NOT ("a" = 1)'
    assert render(condition) == before
    rows = statement("select 1 as a")
    twice = statement("select * from {r} x join {r} y using (a)", r=rows)
    assert render(twice).count("SELECT 1 AS a") == 2 and render(rows) == "SELECT 1 AS a"


def test_one_text_gives_new_trees_each_time() -> None:
    one, other = statement("select {v}", v=1), statement("select {v}", v=2)
    assert (render(one), render(other)) == ("SELECT 1", "SELECT 2")


def test_a_hole_without_a_part_and_a_part_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(KeyError):
        statement("select {missing}")
    with pytest.raises(AssertionError, match="only a name"):
        statement("select p.{c} from p", c=integer(1))
    with pytest.raises(AssertionError, match="only one can"):
        statement("select case when {w} then 1 end", w=[null(), null()])


def test_conditions_of_nothing() -> None:
    assert [render(tree) for tree in (conjunction([]), disjunction([]), case([], integer(3)), case([]))] == ["TRUE", "FALSE", "3", "NULL"]
    assert [render(tree) for tree in (sql.in_texts(col("a"), []), sql.in_numbers(col("a"), []))] == ["FALSE", "FALSE"]
    assert render(sql.literal_rows(["a"], ["DATE"], [])) == 'SELECT CAST(NULL AS DATE) AS "a" WHERE FALSE'
    assert render(typed(text("1"), "DECIMAL(18,4)")) == "CAST('1' AS DECIMAL(18, 4))"
