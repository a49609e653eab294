"""What is outside the pack language is refused at its place: never a traceback, never another error, whatever is written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.base.errors import Place, SuwenError
from suwen.engine import sql
from suwen.engine.compile import Compiled, Context, compile_all, compile_expression, parse
from suwen.engine.grammar import DEEPEST, LONGEST
from suwen.model.functions import FUNCTIONS
from suwen.model.pack import Expression

PLACE = Place("templates/x.toml", 41)
COLUMNS = {
    "Id": "text",
    "VALUE": "text",
    "START": "text",
    "姓名": "text",
    "n": "integer",
    "x": "number",
    "m": "money",
    "d": "date",
    "t": "time",
    "ok": "boolean",
}
CONTEXT = Context(
    COLUMNS | {"stay.ZYH": "text", "row.code": "text"},
    "Asia/Shanghai",
    resolve_ref=lambda target, key: sql.call("hash", *key),
    resolve_concept=lambda system, code, source: sql.call("hash", code),
)


def compile_text(text: str, expected: str | None = None) -> Compiled:
    return compile_expression(Expression(text, PLACE), CONTEXT, expected)


HOSTILE = [
    "select 1",
    "(select 1)",
    "(select count(*) from patients)",
    "exists (select 1)",
    "Id in (select Id from t)",
    "query('select 1')",
    "query_table('t')",
    "read_csv('/etc/passwd')",
    "read_text('/etc/passwd')",
    "getenv('HOME')",
    "current_setting('threads')",
    "version()",
    "pg_sleep(9)",
    "random()",
    "now()",
    "current_date",
    "Id::int",
    "cast(Id as int)",
    "try_cast(Id as int)",
    "date '2020-01-01'",
    "interval 1 day",
    "interval '1' day",
    "x'41'",
    "e'a\\nb'",
    "$1",
    "?",
    ":name",
    "@x",
    "$$a$$",
    "Id; drop table person",
    "1; select 2",
    "Id -- comment",
    "Id /* comment */",
    "/* a */ Id",
    "1 --2",
    "count(*)",
    "*",
    "Id.*",
    "sum(n) over ()",
    "sum(n)",
    "row_number() over (order by Id)",
    "x -> x + 1",
    "list_transform([1], lambda q: q)",
    "[1, 2]",
    "{'a': 1}",
    "Id[1]",
    "Id[1:2]",
    "struct_pack(a := 1)",
    "a := 1",
    "Id collate nocase",
    "Id like 'a%'",
    "Id ilike 'a'",
    "Id similar to 'a'",
    "Id ~ 'a'",
    "Id glob 'a'",
    "n / 2",
    "n // 2",
    "n % 2",
    "n ^ 2",
    "n ** 2",
    "n & 1",
    "n | 1",
    "~n",
    "n << 1",
    "n = any(1)",
    "case n when 1 then 2 end",
    "case when ok then end",
    "case end",
    "case when ok 1 end",
    "n is 1",
    "n is true",
    "n is distinct from 1",
    "not",
    "and ok",
    "ok and",
    "ok or or ok",
    "n between 1",
    "n between 1 and",
    "n in ()",
    "n in (n)",
    "n in 1",
    "n in (1",
    "n not 1",
    "(n",
    "n)",
    "()",
    "",
    " ",
    "1 2",
    "Id Id",
    "n as m",
    "a.b.c",
    "stay.",
    ".ZYH",
    "stay.ZYH()",
    "1e5",
    "1.",
    ".5",
    "0x10",
    "1_000",
    "1.2.3",
    "99999999999999999999",
    "0.123456789",
    "'abc",
    '"Id',
    "'a' 'b'",
    "text(",
    "text(Id",
    "text Id)",
    "text(Id,)",
    "text(,Id)",
    "text(distinct Id)",
    "text(all Id)",
    "text(Id order by Id)",
    "text(x := Id)",
    '"text"(Id)',
    "main.text(Id)",
    "n < 1 < 2",
    "n = 1 = ok",
    "!ok",
    "ok && ok",
    "n == 1",
    "n <=> 1",
    "Id || ",
    "+1",
    "\x00",
    "Id\x00",
    "\u201cId\u201d",
    "Id\uff1b",
    "\uff07a\uff07",
    "\U0001f004",
    "\u202eId",
    "nul\u2028l",
    "true false",
    "null null",
    "default",
    "unnest([1])",
    "try(1)",
    "copy t to 'x'",
    "attach 'x'",
    "pragma version",
    "install httpfs",
    "set threads = 9",
    "values (1)",
    "with q as (select 1) select 1",
    "grouping(n)",
    "extract(year from d)",
    "position('a' in Id)",
    "substring(Id from 1 for 2)",
    "trim(both 'x' from Id)",
    "overlay(Id placing 'x' from 1)",
    "d at time zone 'UTC'",
    "Id escape 'x'",
    "ok isnull",
    "ok notnull",
    "cast('1' as int)",
    "convert(Id, int)",
    "if(ok, 1, 2)",
    "iff(ok, 1, 2)",
    "decode(n, 1, 2)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_not_in_the_language_is_refused(text: str) -> None:
    with pytest.raises(SuwenError) as raised:
        compile_text(text)
    assert raised.value.where == PLACE
    assert raised.value.what
    assert raised.value.expected or raised.value.do


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 150


MISTAKES = [
    ("txt(Id)", "no function txt", "did you mean text?"),
    ("date_off(Id, 'iso')", "no function date_off", "did you mean date_of?"),
    ("TEXT(Id)", "no function TEXT", "did you mean text?"),
    ("strptime(Id, 'x')", "no function strptime", ""),
    ("ID", "no column ID", "did you mean Id?"),
    ("stay.zyh", "no column stay.zyh", "did you mean stay.ZYH?"),
    ("rows.code", "no column rows.code", "did you mean row.code?"),
    ("text()", "text with 0 arguments", ""),
    ("text(Id, Id)", "text with 2 arguments", ""),
    ("left(Id)", "left with 1 argument", ""),
    ("concat()", "concat with 0 arguments", ""),
    ("year_of(Id)", "argument 1 (day) of year_of is text", ""),
    ("year_of(t)", "argument 1 (day) of year_of is time", ""),
    ("number(n)", "argument 1 (x) of number is integer", ""),
    ("integer_text(x)", "argument 1 (x) of integer_text is number", ""),
    ("left(Id, n)", "argument 2 (count) of left is not a literal of type integer", ""),
    ("left(Id, 'a')", "argument 2 (count) of left is not a literal of type integer", ""),
    ("left(Id, -1)", "argument 2 (count) of left is -1", ""),
    ("substring(Id, 0, 1)", "argument 2 (from) of substring is 0", ""),
    ("split_part(Id, '', 1)", "argument 2 (separator) of split_part is an empty text", ""),
    ("pad_left(Id, 3, '')", "argument 3 (fill) of pad_left is an empty text", ""),
    ("round_half_up(x, 9)", "argument 2 (places) of round_half_up is 9", ""),
    ("date_of(Id, 'izo')", "no form 'izo' of date_of", "did you mean iso?"),
    ("date_of(Id, VALUE)", "argument 2 (form) of date_of is not a literal of type text", ""),
    ("n + Id", "integer + text", ""),
    ("d + 1", "date + integer", ""),
    ("t - t", "time - time", ""),
    ("-Id", "integer - text", ""),
    ("n = Id", "a comparison with = of values of types integer and text", ""),
    ("d < t", "a comparison with < of values of types date and time", ""),
    ("n in (1, 'a')", "IN of values of types integer and text", ""),
    ("n between 1 and 'b'", "BETWEEN of values of types integer and text", ""),
    ("case when ok then 1 else 'a' end", "CASE of values of types integer and text", ""),
    ("case when n then 1 end", "WHEN of a value of type integer", ""),
    ("ok and n", "AND of a value of type integer", ""),
    ("not Id", "NOT of a value of type text", "boolean(..., 'Y', 'N')"),
    ("Id || n", "|| of a value of type integer", "integer_text(...)"),
    ("coalesce(Id, n)", "coalesce of text and integer", ""),
    ("absolute(Id)", "absolute of text", ""),
    ("same(d, t)", "same of date and time", ""),
    ("ref('person')", "ref with 1 argument", ""),
    ("ref(Id, Id)", "ref without a name as a literal text", ""),
    ("ref('person', n)", "ref of a value of type integer", "integer_text(...)"),
    ("concept(Id)", "concept with 1 argument", ""),
    ("concept(Id, VALUE)", "concept without a name as a literal text", ""),
    ("concept(n, 'UCUM')", "concept of a value of type integer", "integer_text(...)"),
    ("source_concept(Id, 'UCUM', 1)", "source_concept with 3 arguments", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what", "do"), MISTAKES)
def test_the_message_names_the_mistake(text: str, what: str, do: str) -> None:
    with pytest.raises(SuwenError) as raised:
        compile_text(text)
    assert raised.value.what == what
    assert raised.value.where == PLACE
    assert do in raised.value.do


@pytest.mark.parametrize(
    ("text", "expected", "do"),
    [
        ("VALUE", "number", "number(...)"),
        ("VALUE", "date", "date_of"),
        ("VALUE", "time", "time_of"),
        ("n", "text", "integer_text(...)"),
        ("x", "money", ""),
        ("x", "integer", "round_to_integer(...)"),
        ("t", "date", "date_of_time(...)"),
        ("d", "time", "start_of_day(...)"),
        ("ok", "integer", ""),
        ("ref('person', Id)", "text", "integer_text(...)"),
    ],
)
def test_a_result_of_another_type_than_its_column(text: str, expected: str, do: str) -> None:
    with pytest.raises(SuwenError) as raised:
        compile_text(text, expected)
    assert raised.value.expected == f"type {expected}"
    assert do in raised.value.do


def test_the_first_mistake_of_many_is_at_its_own_line() -> None:
    items = [(Expression("Id", Place("x.toml", line)), "text") for line in range(1, 9)]
    items[5] = (Expression("Idd", Place("x.toml", 6)), "text")
    with pytest.raises(SuwenError) as raised:
        compile_all(items, CONTEXT)
    assert raised.value.where == Place("x.toml", 6)


def test_a_resolver_refuses_at_the_expression() -> None:
    def no_such(target: str, key: object) -> sql.Tree:
        raise SuwenError(f"no target {target}", expected="one of person")

    with pytest.raises(SuwenError) as raised:
        compile_expression(Expression("ref('persn', Id)", PLACE), Context(COLUMNS, resolve_ref=no_such))
    assert (raised.value.what, raised.value.where, raised.value.expected) == ("no target persn", PLACE, "one of person")


@pytest.mark.parametrize("text", ["ref('a', Id)", "concept(Id, 'a')", "source_concept(Id, 'a')"])
def test_without_a_resolver_special_calls_are_refused(text: str) -> None:
    with pytest.raises(SuwenError, match="cannot be used here"):
        compile_expression(Expression(text, PLACE), Context(COLUMNS))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "n" + ")" * 5000,
        "not " * 4000 + "ok",
        "- " * 9000 + "n",
        " + ".join(["n"] * 4000),
        " and ".join(["ok"] * 2500),
        "text(" * 3000 + "Id" + ")" * 3000,
        "case when ok then " * 900 + "1" + " end" * 900,
        "case when ok then 1 else " * 700 + "1" + " end" * 700,
        "(" * 9000,
        "coalesce(Id, " * 1500 + "Id" + ")" * 1500,
        "'" + "a" * LONGEST + "'",
        "n in (" + ", ".join(["1"] * 9000) + ")",
    ],
)
def test_absurd_depth_and_length_are_refused(text: str) -> None:
    with pytest.raises(SuwenError) as raised:
        compile_text(text)
    assert raised.value.where == PLACE


@pytest.mark.parametrize(
    "text",
    [
        "(" * 39 + "n" + ")" * 39,
        "not " * (DEEPEST - 5) + "ok",
        " || ".join(["Id"] * (DEEPEST - 5)),
        " and ".join(["ok"] * (DEEPEST - 5)),
        "left(" * 39 + "Id" + ", 3)" * 39,
        "case when ok then 1 else " * 39 + "1" + " end" * 39,
        "n in (" + ", ".join(["1"] * 3000) + ")",
    ],
)
def test_what_is_deep_but_allowed_compiles(text: str) -> None:
    assert compile_text(text).columns <= set(COLUMNS)


GOOD = [
    "year_of(date_of(START, 'iso'))",
    "case when is_blank(VALUE) then null when VALUE = 'x' then 1 else integer(VALUE) end",
    "coalesce(date_of(START, 'iso'), date_of(VALUE, 'yyyymmdd'))",
    "not is_blank(row.code) and stay.ZYH <> '' or ok",
    "ref('person', text(Id), stay.ZYH)",
    "concept(upper(VALUE), 'UCUM')",
    "divide(x * 2, number(VALUE) - 1.5)",
    "round_half_up(x + m * n, 2)",
    "years_between(d, date_of_time(t)) between 0 and 120",
    "substring(Id, 1, 3) || right(姓名, 2)",
    "boolean(VALUE, 'Y|1', 'N|0')",
    "-n * (3 - n) in (1, -2, 3)",
    "same(n, 1) and d is not null",
    "local_time(START, 'iso')",
]


@pytest.mark.parametrize("text", GOOD)
def test_the_good_ones_are_good(text: str) -> None:
    compile_text(text)


WORDS = re.compile(r"'(?:[^']|'')*'|\w+|\S")
SOUP = st.sampled_from(
    [
        *COLUMNS,
        *FUNCTIONS,
        "'",
        '"',
        "(",
        ")",
        ",",
        ".",
        "case",
        "when",
        "end",
        "null",
        "1",
        "1.5",
        "'iso'",
        "in",
        "between",
        "--",
        ";",
        "::",
        "select",
        "*",
        "\x00",
        "张",
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good expression with one to three of its words renamed, dropped, doubled, swapped or replaced."""
    words = WORDS.findall(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 3))):
        at, other = draw(st.integers(0, len(words) - 1)), draw(st.integers(0, len(words) - 1))
        how = draw(st.sampled_from(["drop", "double", "swap", "replace", "letter"]))
        if how == "drop" and len(words) > 1:
            del words[at]
        elif how == "double":
            words.insert(at, words[other])
        elif how == "swap":
            words[at], words[other] = words[other], words[at]
        elif how == "replace":
            words[at] = draw(SOUP)
        else:
            words[at] += draw(st.characters())
    return draw(st.sampled_from(["", " "])).join(words)


def compiles_or_is_refused(text: str) -> None:
    try:
        compile_text(text)
    except SuwenError as error:
        assert error.where == PLACE
        assert error.what


@given(mutated())
def test_a_mutated_expression_compiles_or_is_refused(text: str) -> None:
    compiles_or_is_refused(text)


@given(st.lists(SOUP, max_size=12).map(" ".join))
def test_a_soup_of_words_compiles_or_is_refused(text: str) -> None:
    compiles_or_is_refused(text)


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    compiles_or_is_refused(text)


@given(st.text("()'\"-+*|<>=., \nnotandcasewhenend1.", max_size=80))
def test_signs_and_fragments_parse_or_are_refused(text: str) -> None:
    try:
        parse(Expression(text, PLACE))
    except SuwenError as error:
        assert error.where == PLACE
