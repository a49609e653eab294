"""The compiler: what compiles means what it says, knows its type and its columns, and tells when reading failed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from suwen.base.errors import Defect, Place, SuwenError
from suwen.engine import sql
from suwen.engine.bind import bound_types
from suwen.engine.compile import Context, compile_all, compile_expression, parse
from suwen.engine.forms import WRITTEN_OUT, copied, size, substitute
from suwen.engine.render import render
from suwen.engine.zones import check_zone
from suwen.model.functions import DUCKDB_TYPES
from suwen.model.pack import Expression
from tests.spec.evaluation import Column, evaluate, expression, failures, value

COLUMNS = {
    "a": "text",
    "b": "text",
    "n": "integer",
    "x": "number",
    "m": "money",
    "d": "date",
    "ok": "boolean",
    "j.a": "text",
    "row.code": "text",
    "a b": "text",
}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a", {"a"}),
        ("1", set()),
        ("null", set()),
        ("upper(a) || b", {"a", "b"}),
        ("j.a", {"j.a"}),
        ("coalesce(a, j.a, 'x')", {"a", "j.a"}),
        ("case when n > 1 then a when ok then row.code else 'z' end", {"n", "a", "ok", "row.code"}),
        ("n in (1, 2) and d is null", {"n", "d"}),
        ("d between date_of(a, 'iso') and date_of(b, 'iso')", {"d", "a", "b"}),
        ("-n + x * m", {"n", "x", "m"}),
        ("not (ok or a = b)", {"ok", "a", "b"}),
        ('"a b"', {"a b"}),
        ('"j"."a"', {"j.a"}),
        ("ref('p', a, b)", {"a", "b"}),
        ("concept(row.code, 'x')", {"row.code"}),
    ],
)
def test_lineage_is_the_columns_read(text: str, columns: set[str]) -> None:
    context = Context(COLUMNS, resolve_ref=lambda t, k: sql.call("hash", *k), resolve_concept=lambda s, c, _: sql.call("hash", c))
    one = compile_expression(expression(text), context)
    assert one.columns == columns
    assert {f"{c.table}.{c.name}" if c.table else c.name for c in one.tree.find_all(sql.exp.Column)} == columns


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("n + 1", "integer"),
        ("n + 1.5", "number"),
        ("n + x", "number"),
        ("m + n", "money"),
        ("m * n", "money"),
        ("m * x", "number"),
        ("m - 1.5", "number"),
        ("m * m", "number"),
        ("x - null", "number"),
        ("coalesce(null, n, x)", "number"),
        ("coalesce(n, m)", "money"),
        ("case when ok then n else m end", "money"),
        ("case when ok then null end", "text"),
        ("minimum(n, x)", "number"),
        ("n = x", "boolean"),
        ("n in (1, 2.5)", "boolean"),
        ("null", "text"),
        ("a || null", "text"),
        ("absolute(m)", "money"),
        ("absolute(null)", "integer"),
    ],
)
def test_types_widen_and_the_binder_agrees(text: str, type_: str) -> None:
    one = compile_expression(expression(text), Context(COLUMNS))
    assert one.type == type_
    flat = {name.replace(".", "_"): DUCKDB_TYPES[t] for name, t in COLUMNS.items()}
    assert [t.replace(" ", "") for t in bound_types([one.tree], flat, [Place("x")])] == [DUCKDB_TYPES[type_].replace(" ", "")]


@pytest.mark.parametrize(
    ("text", "expected"), [("n", "number"), ("n", "money"), ("m", "number"), ("null", "date"), ("case when ok then null end", "time"), ("1", "number")]
)
def test_a_result_is_widened_to_its_column(text: str, expected: str) -> None:
    one = compile_expression(expression(text), Context(COLUMNS), expected)
    assert one.type == expected
    flat = {name.replace(".", "_"): DUCKDB_TYPES[t] for name, t in COLUMNS.items()}
    assert [t.replace(" ", "") for t in bound_types([one.tree], flat, [Place("x")])] == [DUCKDB_TYPES[expected].replace(" ", "")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("-2 * -3", 6),
        ("- - 2", 2),
        ("-(1 + 2) * 2", -6),
        ("2 * (3 - 1) * 2", 8),
        ("1 - (2 - 3)", 2),
        ("true or false and false", True),
        ("(true or false) and false", False),
        ("not false and false", False),
        ("not (false and false)", True),
        ("not 1 = 2", True),
        ("1 + 1 = 2 and 'a' || 'b' = 'ab'", True),
        ("NOT 1 In (2, 3) AND 2 NOT IN (3)", True),
        ("2 between 1 and 3 and 4 not between 1 and 3", True),
        ("null = null", None),
        ("null is null and 1 is not null", True),
        ("null or true", True),
        ("null and true", None),
        ("case when null then 1 else 2 end", 2),
        ("case when false then 1 end", None),
        ("'it''s' || ' \"q\"'", 'it\'s "q"'),
        ("'--;/* no comment'", "--;/* no comment"),
        ("left('abc', 1) || case when true then 'x' else 'y' end || 'z'", "axz"),
        ("is_blank('') = (not false)", True),
        ("1 != 2", True),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_precedence_and_three_valued_logic(text: str, expected: object) -> None:
    assert value(text) == expected


def test_keywords_and_types_of_other_languages_are_ordinary_names() -> None:
    names = ["DATE", "Time", "START", "STOP", "type", "VALUE", "select", "from", "group", "order", "table", "left", "row", "interval", "年龄", "_x1"]
    columns = {name: Column("text", [name]) for name in names}
    for name in names:
        assert evaluate(name, **columns) == [name]
        assert evaluate(f"text({name})", **columns) == [name]
    assert evaluate('"end"', end=Column("text", ["e"])) == ["e"]
    assert evaluate('"a ""b"""', **{'a "b"': Column("text", ["q"])}) == ["q"]


def test_operands_keep_together_inside_functions() -> None:
    x, y = Column("boolean", [True, False]), Column("integer", [7, 9])
    assert evaluate("same(x or x, x and x)", x=x) == [True, True]
    assert evaluate("coalesce(y > 8, false) = (y > 8)", y=y) == [True, True]
    assert evaluate("integer_divide(y - 1, y - 5)", y=y) == [3, 2]
    assert evaluate("null_if(y + 1, 8)", y=y) == [None, 10]
    assert evaluate("minimum(y - 8, 8 - y)", y=y) == [-1, -1]


TEXTS = ["7", "x", "", None, " "]


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("number(a)", [[False, True, False, False, False]]),
        ("number(a) + 1", [[False, True, False, False, False], [False] * 5]),
        ("coalesce(number(a), 0)", [[False, True, False, False, False]]),  # a default hides nothing
        ("coalesce(number(a), number(b))", [[False] * 5, [False] * 5]),  # another reading helps
        ("coalesce(date_of(a, 'iso'), date_of(a, 'us'))", [[True, True, False, False, False]] * 2),
        ("case when a <> 'x' then number(a) end", [[False] * 5]),  # never read where it would fail
        ("case when a = 'x' then number(a) end", [[False, True, False, False, False]]),
        ("case when a = 'x' then 1 else number(a) end", [[False] * 5]),
        ("case when a = 'y' then 1 else number(a) end", [[False, True, False, False, False]]),
        ("case when a = 'x' then 1 when number(a) > 5 then 2 end", [[False] * 5]),
        ("case when number(a) > 5 then 1 end", [[False, True, False, False, False]]),
        ("case when a = '7' then 1 when a = 'x' then number(a) else number(b) end", [[False, True, False, False, False], [False] * 5]),
        ("boolean(a, '7', '8')", [[False, True, False, False, False]]),
        ("text(a)", []),
        ("comparator(a)", []),
        ("9223372036854775807 + integer(b)", [[False] * 5, [True] * 5]),
        ("1 + 2", []),
        ("date_of('nonsense', 'iso')", []),  # no column, no finding
    ],
)
def test_conditions_of_findings(text: str, failed: Sequence[Sequence[bool]]) -> None:
    assert failures(text, a=Column("text", TEXTS), b=Column("text", ["1"] * 5)) == [list(f) for f in failed]


def test_a_read_names_its_function_and_columns() -> None:
    one = compile_expression(expression("case when a = 'q' then years_between(date_of(a || b, 'iso'), d) else integer(j.a) end"), Context(COLUMNS))
    assert [(r.function, r.columns) for r in one.reads] == [("date_of", {"a", "b"}), ("integer", {"j.a"})]


def test_ref_and_concept_reach_their_resolvers() -> None:
    seen: list[tuple[object, ...]] = []

    def ref(target: str, key: Sequence[sql.Tree]) -> sql.Tree:
        seen.append((target, [render(k) for k in key]))
        return sql.integer(1)

    def concept(system: str, code: sql.Tree, source: bool) -> sql.Tree:
        seen.append((system, render(code), source))
        return sql.integer(2)

    context = Context(COLUMNS, resolve_ref=ref, resolve_concept=concept)
    compile_expression(expression("coalesce(ref('person', a, 'x'), concept(j.a, 'UCUM'), source_concept(b, 'LOINC'))"), context, "integer")
    assert seen == [("person", ['"a"', "'x'"]), ("UCUM", '"j"."a"', False), ("LOINC", '"b"', True)]


def test_each_result_is_a_tree_of_its_own() -> None:
    one, two = compile_all([(expression("number(a)"), "number")] * 2, Context(COLUMNS))
    before = render(two.tree)
    for column in one.tree.find_all(sql.exp.Column):
        column.replace(sql.integer(1))
    assert render(two.tree) == before
    read = two.reads[0]
    assert read.failed is not read.failed
    assert render(copied(two.tree)) == before


def test_many_expressions_are_bound_in_one_statement() -> None:
    texts = ["year_of(date_of(a, 'iso'))", "number(b)", "local_time(j.a, 'iso')", "text(row.code)", "case when ok then x * 2 else m end"] * 60
    assert [c.type for c in compile_all([(expression(t), None) for t in texts], Context(COLUMNS, "Asia/Shanghai"))][:5] == [
        "integer",
        "number",
        "time",
        "text",
        "number",
    ]


def test_columns_that_differ_only_in_case_are_two() -> None:
    one = compile_expression(expression("a || A"), Context({"a": "text", "A": "text"}))
    assert one.columns == {"a", "A"}


def test_what_does_not_bind_is_told_at_its_place() -> None:
    good, bad = parse(Expression("1", Place("x", 1))), sql.call("no_such_function", sql.integer(1))
    with pytest.raises(SuwenError) as raised:
        bound_types([good, bad], {}, [Place("x", 1), Place("x", 2)])
    assert raised.value.where == Place("x", 2)


def test_our_own_mistakes_are_defects() -> None:
    with pytest.raises(Defect):
        Context({"a": "varchar"})
    with pytest.raises(Defect):
        substitute("$1 + $2", [sql.integer(1)])


def test_zones_are_known_by_name() -> None:
    check_zone("Asia/Shanghai", "region.toml")
    with pytest.raises(SuwenError) as raised:
        check_zone("Asia/Shanghi", Place("region.toml", 3))
    assert raised.value.do == "did you mean Asia/Shanghai?"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("text({})", "a"),
        ("half_width({})", "a"),
        ("pad_left({}, 4, '0')", "a"),
        ("id_card_sex({})", "a"),
        ("integer_text(integer({}))", "a"),
        ("absolute({})", "n"),
        ("minimum({}, n)", "n"),
        ("minimum(n, {})", "n"),
        ("divide({}, x)", "x"),
        ("divide(x, {})", "x"),
        ("add_days({}, years_between({}, d))", "d"),
        ("coalesce({}, text({}), b)", "a"),
    ],
)
def test_nesting_does_not_multiply_the_tree(text: str, start: str) -> None:
    """An argument that a form uses several times is bound to a name once it is large."""

    def nested(levels: int) -> int:
        within = start
        for _ in range(levels):
            within = text.replace("{}", within, 1).replace("{}", start)
        return size(compile_expression(expression(within), Context(COLUMNS)).tree)

    assert nested(12) < 30 * WRITTEN_OUT


def test_a_bound_name_hides_no_column() -> None:
    deep = "text(text(text(upper(v1) || coalesce(V2, v1))))"
    columns = {"v1": Column("text", [" a ", None]), "V2": Column("text", [None, "b"])}
    assert evaluate(f"minimum({deep}, 'B') || v1 || maximum({deep}, 'B')", **columns) == ["A  a a B", None]


def test_large_arguments_give_the_same_as_small_ones() -> None:
    x, y = Column("number", [1, -2, None, 7]), Column("number", [3, 0, 1, None])
    large = "divide(divide(divide(divide(x, 5), 2) + divide(x, 2), 4) * 60, 1)"
    assert evaluate(f"divide({large}, y)", x=x, y=y) == evaluate("divide(x * 9, y)", x=x, y=y)
    assert failures(f"divide({large}, y)", x=x, y=y)[-1] == [False] * 4
