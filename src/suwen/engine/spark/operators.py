"""Spark's forms of columns, constants, operators, conditions and types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine.spark import wide
from suwen.engine.spark.printer import Form, Printer, checked, literal, only, quoted
from suwen.engine.sql import Tree

_Type = exp.DataType.Type
# HUGEINT holds exact sums, which 38 digits hold too; a UHUGEINT is a pair of numbers (`wide.py`) and never a column.
_TYPES: Mapping[object, str] = {
    _Type.BIGINT: "BIGINT", _Type.INT: "INT", _Type.SMALLINT: "SMALLINT", _Type.TINYINT: "TINYINT", _Type.INT128: "DECIMAL(38,0)",
    _Type.TEXT: "STRING", _Type.VARCHAR: "STRING", _Type.BOOLEAN: "BOOLEAN", _Type.DATE: "DATE",
    _Type.TIMESTAMP: "TIMESTAMP_NTZ", _Type.TIMESTAMPNTZ: "TIMESTAMP_NTZ", _Type.TIMESTAMPTZ: "TIMESTAMP_LTZ",
}  # fmt: skip


def type_of(node: Tree) -> str:
    """The Spark type of a type's tree."""
    assert isinstance(node, exp.DataType)
    if node.this in _TYPES and not node.expressions:
        return _TYPES[node.this]
    if node.this is _Type.DECIMAL and len(node.expressions) == 2:
        return f"DECIMAL({', '.join(parameter.name for parameter in node.expressions)})"
    if node.this is _Type.ARRAY and len(node.expressions) == 1:
        return f"ARRAY<{type_of(node.expressions[0])}>"
    raise Defect(f"no Spark form of the type {node.sql(dialect='duckdb')}")


def _column(printer: Printer, node: Tree) -> str:
    only(node, "this", "table", "db")
    if isinstance(node.this, exp.Star):
        raise Defect("no Spark form of a star beside an operator")
    return ".".join(quoted(node.text(key)) for key in ("db", "table", "this") if node.args.get(key))  # a struct's field has its column before it


def _identifier(printer: Printer, node: Tree) -> str:
    return quoted(node.name)


def _literal(printer: Printer, node: Tree) -> str:
    return literal(node.name) if node.is_string else node.name


def _cast(printer: Printer, node: Tree) -> str:
    only(node, "this", "to", "_type", "safe", "requires_string")
    if wide.is_wide(node.this):
        return wide.narrowed(printer, node)
    if _is_uhugeint(node.args["to"]):
        raise Defect("no Spark form of a UHUGEINT that is a value")
    word = "try_cast" if isinstance(node, exp.TryCast) else "cast"
    return f"{word}({printer.text(node.this)} AS {type_of(node.args['to'])})"


def _is_uhugeint(node: Tree) -> bool:
    return isinstance(node, exp.DataType) and node.this is _Type.UINT128


def _chain(printer: Printer, node: Tree, sign: str) -> str:
    """`a sign b sign c`: a chain that leans to the left is as deep as it is long, so it is not walked by recursion."""
    parts, at = [], node
    while type(at) is type(node):
        only(at, "this", "expression", "safe")  # of texts joined: that a null is one in the end, as in Spark
        parts.append(printer.part(at.args["expression"]))
        at = at.this
    return f" {sign} ".join([printer.part(at), *reversed(parts)])


def _infix(sign: str) -> Form:
    return lambda printer, node: _chain(printer, node, sign)


def _compared(sign: str) -> Form:
    return checked(lambda printer, node: f"{printer.part(node.this)} {sign} {printer.part(node.args['expression'])}", "this", "expression")


def _like(printer: Printer, node: Tree) -> str:
    only(node, "this", "expression", "negate")
    return f"{printer.part(node.this)} {'NOT ' if node.args.get('negate') else ''}LIKE {printer.part(node.args['expression'])}"


def _subtracted(printer: Printer, node: Tree) -> str:
    """Of a day, days are told from a number by the type that is written down beside it: `date - date` is days in DuckDB, an interval in Spark."""
    only(node, "this", "expression")
    left, right = node.this, node.args["expression"]
    if _is_day(left) or _is_day(right):
        return f"datediff({printer.text(left)}, {printer.text(right)})" if _is_day(right) else f"{printer.part(left)} - {printer.part(right)}"
    return f"{printer.part(left)} - {printer.part(right)}"


def _is_day(node: Tree) -> bool:
    return isinstance(node, exp.Cast) and node.args["to"].this is _Type.DATE


def _shifted(word: str) -> Form:
    return checked(lambda printer, node: f"{word}({printer.text(node.this)}, {printer.text(node.args['expression'])})", "this", "expression")


def _is(printer: Printer, node: Tree) -> str:
    only(node, "this", "expression")
    if not isinstance(node.args["expression"], exp.Null):
        raise Defect("no Spark form of IS with anything but NULL")
    return f"{printer.part(node.this)} IS NULL"


def _in(printer: Printer, node: Tree) -> str:
    only(node, "this", "expressions", "query", "field")
    query = node.args.get("query") or node.args.get("field")  # the second where a part was set in
    if query is None:
        return f"{printer.part(node.this)} IN ({printer.listed(node.expressions)})"
    within = query.this if isinstance(query, exp.Subquery) else query
    if not isinstance(within, exp.Query):
        raise Defect(f"no Spark form of IN with {type(within).__name__}")
    inner: Any = within
    if isinstance(node.this, exp.Tuple):
        inner = _unpacked(inner) if len(inner.selects) == 1 else inner
        return f"({printer.listed(node.this.expressions)}) IN ({printer.text(inner)})"
    return f"{printer.part(node.this)} IN ({printer.text(inner)})"


def _unpacked(query: Tree) -> Tree:
    """`select (a, b) from ...` as `select a, b from ...`: Spark compares a row with columns, DuckDB with a struct of them."""
    only_one = query.expressions[0]
    if not isinstance(only_one, exp.Tuple):
        raise Defect("no Spark form of several columns among the rows of one")
    copy = query.copy()
    copy.set("expressions", copy.expressions[0].expressions)
    return copy


def _case(printer: Printer, node: Tree) -> str:
    only(node, "this", "ifs", "default")
    subject = f" {printer.part(node.this)}" if node.args.get("this") else ""
    whens = " ".join(f"WHEN {printer.text(branch.this)} THEN {printer.text(branch.args['true'])}" for branch in node.args["ifs"])
    default = node.args.get("default")
    return f"CASE{subject} {whens}{f' ELSE {printer.text(default)}' if default is not None else ''} END"


def _boolean(printer: Printer, node: Tree) -> str:
    return "true" if node.this else "false"


def _between(printer: Printer, node: Tree) -> str:
    only(node, "this", "low", "high")
    return f"{printer.part(node.this)} BETWEEN {printer.part(node.args['low'])} AND {printer.part(node.args['high'])}"


OPERATORS: Mapping[type[Tree], Form] = {
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: lambda printer, node: "NULL",
    exp.Paren: checked(lambda printer, node: f"({printer.text(node.this)})", "this"),
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Alias: checked(lambda printer, node: f"{printer.text(node.this)} AS {quoted(node.alias)}", "this", "alias"),
    exp.And: _infix("AND"),
    exp.Or: _infix("OR"),
    exp.Not: checked(lambda printer, node: f"NOT {printer.part(node.this)}", "this"),
    exp.EQ: _compared("="),
    exp.NEQ: _compared("<>"),
    exp.LT: _compared("<"),
    exp.LTE: _compared("<="),
    exp.GT: _compared(">"),
    exp.GTE: _compared(">="),
    exp.NullSafeEQ: _compared("<=>"),
    exp.NullSafeNEQ: checked(lambda printer, node: f"NOT ({printer.part(node.this)} <=> {printer.part(node.args['expression'])})", "this", "expression"),
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
    exp.Like: _like,
    exp.Case: _case,
    exp.Neg: checked(lambda printer, node: f"-{printer.part(node.this)}", "this"),
    exp.Add: _infix("+"),
    exp.Sub: _subtracted,
    exp.Mul: _infix("*"),
    exp.IntDiv: _compared("div"),
    exp.Mod: _compared("%"),
    exp.DPipe: _infix("||"),
    exp.BitwiseAnd: _infix("&"),
    exp.BitwiseOr: _infix("|"),
    exp.BitwiseXor: _infix("^"),
    exp.BitwiseRightShift: _shifted("shiftright"),
    exp.BitwiseLeftShift: _shifted("shiftleft"),
    exp.Tuple: checked(lambda printer, node: f"struct({printer.listed(node.expressions)})", "expressions"),
}
