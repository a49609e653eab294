"""The page of the pack language: types, operators and functions, with the examples that run as tests."""

from __future__ import annotations

from datetime import date, datetime

from suwen.flow.reference.markdown import code, page, section, table
from suwen.model.functions import DUCKDB_TYPES, FUNCTIONS, OPERATORS, SPECIAL, VARIABLES, WIDER, Example, Function, Operator, Value

_SPECIAL = {
    "ref": (
        "ref('target', key, ...) -> integer",
        "The id of the row that another target of the template makes from this key; null where a part of the key is null.",
    ),
    "concept": (
        "concept(code text, 'system') -> integer",
        "The standard concept of a code in a code map or vocabulary; 0 where it has none, null where the code is null or empty.",
    ),
    "source_concept": ("source_concept(code text, 'system') -> integer", "The concept of the code itself, standard or not; 0 where there is none."),
    "in_concepts": (
        "in_concepts(concept integer, 'set') -> boolean",
        "Whether a concept is one of a named set of the base, or descends from one where the set says so and a vocabulary is loaded; null where it is null.",
    ),
}
_FORMS = (
    ("a column", '`XB`, or `"Column Name"` in double quotes; `alias.XB` of a joined parent, `row.alias` of a named row'),
    ("a text, a number", "`'text'` (a quote inside is written twice), `12`, `0.5`; `true`, `false`, `null`"),
    ("conditions", "`and`, `or`, `not`, `=`, `<>`, `<`, `<=`, `>`, `>=`, `is null`, `is not null`, `in (...)`, `between ... and ...`"),
    ("choice", "`case when ... then ... else ... end`"),
    ("joining texts", "`||`"),
)


def functions_page() -> str:
    """The closed list, whole."""
    types = [(name, code(stored), ", ".join(sorted(WIDER.get(name, ())))) for name, stored in DUCKDB_TYPES.items()]
    return page(
        "The language of packs",
        ["An expression in a pack is written in a small closed SQL: the forms, operators and functions of this page and nothing else."],
        ["Columns of a source are text. Nothing changes its type by itself but an integer to money and number, and money to number;",
         "an integer with too many digits for it becomes null, and is a finding."],
        ["DuckDB and Spark both work expressions out, each in its own words and to the same value. Every example below runs as a test on both engines;",
         "so do expressions and values drawn at random, in all forms. Differences that stay have a reason and a name: "
         "docs/decisions/one-meaning.md."],
        section("Types", *table(("type", "stored as", "becomes by itself"), types),
                "", *(f"`{name}` stands for {', '.join(types)}: where it stands twice, it is the same type." for name, types in VARIABLES.items())),
        section("Forms", *table(("form", "written"), _FORMS)),
        section("Operators", *table(("left", "operator", "right", "result", "examples"), [_operator(one) for one in OPERATORS])),
        section("References and codes", *(line for name in SPECIAL for line in (*section(name, code(_SPECIAL[name][0]), "", _SPECIAL[name][1], level=3), ""))),
        section("Functions", *table(("function", "gives"), [(f"[{code(name)}](#{name})", f.result) for name, f in FUNCTIONS.items()])),
        *(_function(function) for function in FUNCTIONS.values()),
    )  # fmt: skip


def _operator(one: Operator) -> tuple[str, ...]:
    examples = ", ".join(f"{code(f'{shown(e.args[0])} {one.symbol} {shown(e.args[1])}')} = {code(shown(e.result))}" for e in one.examples)
    return one.left, code(one.symbol), one.right, one.result, examples


def _function(function: Function) -> list[str]:
    said = [code(function.signature), "", f"{function.en} Nulls: {function.nulls}.", "", function.zh]
    if function.forms:
        said += ["", f"Forms: {', '.join(code(name) for name in function.forms)}."]
    if function.reads:
        said += ["", "Text that is not blank and cannot be read is a finding; where the column must have a value, the record is quarantined."]
    return section(function.name, *said, "", *table(("example", "result", "note"), [_example(function, one) for one in function.examples]), level=3)


def _example(function: Function, example: Example) -> tuple[str, str, str]:
    return code(f"{function.name}({', '.join(shown(value) for value in example.args)})"), code(shown(example.result)), example.note


def shown(value: Value) -> str:
    """A value as the language writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower() if value is not None else "null"
    if isinstance(value, str):
        return "'" + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value.replace("'", "''")) + "'"
    return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat() if isinstance(value, date) else str(value)
