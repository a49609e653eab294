"""Spark's forms of functions: those that SQLGlot knows by a class of their own, and those it knows by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine.forms import called
from suwen.engine.spark import listed, wide
from suwen.engine.spark.printer import Form, Printer, checked, literal, only
from suwen.engine.sql import Tree

_UNITS = ("DAY", "MONTH", "QUARTER", "YEAR", "WEEK")


def _call(word: str) -> Form:
    """A function that both engines have, of one argument or of all."""

    def form(printer: Printer, node: Tree) -> str:
        only(node, "this", "expressions", "ignore_nulls", "big_int")
        return f"{word}({printer.listed([n for n in (node.args.get('this'), *node.expressions) if n is not None])})"

    return form


def _pair(word: str) -> Form:
    def form(printer: Printer, node: Tree) -> str:
        only(node, "this", "expression")
        return f"{word}({printer.text(node.this)}, {printer.text(node.args['expression'])})"

    return form


def _count(printer: Printer, node: Tree) -> str:
    only(node, "this", "big_int")
    if isinstance(node.this, exp.Star):
        return "count(*)"
    return f"count({_distinct(printer, node.this)})"


def _distinct(printer: Printer, node: Tree) -> str:
    if not isinstance(node, exp.Distinct):
        return printer.text(node)
    only(node, "expressions")
    if len(node.expressions) != 1:
        raise Defect("no Spark form of what is distinct by several columns")
    return f"DISTINCT {printer.text(node.expressions[0])}"


def _best(word: str) -> Form:
    """`arg_min`, `arg_max`: DuckDB leaves out rows in which either side is null, Spark only those whose order is null."""

    def form(printer: Printer, node: Tree) -> str:
        only(node, "this", "expression", "expressions")
        value, order = node.expressions if isinstance(node, exp.Anonymous) else (node.this, node.args["expression"])
        chosen, by = printer.text(value), _ordering(printer, order)
        return f"{word}({chosen}, {by}) FILTER (WHERE {printer.part(value)} IS NOT NULL)"

    return form


def _ordering(printer: Printer, node: Tree) -> str:
    """What is compared; in a row of several nulls come last in DuckDB and first in Spark."""
    if not isinstance(node, exp.Tuple):
        return printer.text(node)
    parts = [f"{printer.part(part)} IS NULL, {printer.text(part)}" for part in node.expressions]
    return f"struct({', '.join(parts)})"


def _filter(printer: Printer, node: Tree) -> str:
    only(node, "this", "expression")
    if isinstance(node.this, (exp.ArgMin, exp.ArgMax)):
        raise Defect("no Spark form of arg_min with a filter")
    return f"{printer.text(node.this)} FILTER (WHERE {printer.text(node.args['expression'].this)})"


def _least(word: str) -> Form:
    """`min(x)`; `min(x, n)`: the n least as a list in order, `min(distinct x, n)`: each once."""

    def form(printer: Printer, node: Tree) -> str:
        only(node, "this", "count")
        value, count, collected = node.this, node.args.get("count"), "collect_list"
        if isinstance(value, exp.Distinct):
            (value, *further), collected = value.expressions, "collect_set"
            count = further[0] if further else count
        if count is None:
            return f"{word}({printer.text(value)})"
        ascending = "true" if word == "min" else "false"
        return f"slice(sort_array({collected}({printer.text(value)}), {ascending}), 1, {printer.text(count)})"

    return form


def _array_agg(printer: Printer, node: Tree) -> str:
    only(node, "this")
    return f"collect_list({_distinct(printer, node.this)})"


def _sorted(printer: Printer, node: Tree) -> str:
    only(node, "this", "nulls_first")
    return f"sort_array({printer.text(node.this)}, true)"


def _struct(printer: Printer, node: Tree) -> str:
    fields = []
    for field in node.expressions:
        if not isinstance(field, exp.PropertyEQ):
            raise Defect("no Spark form of a struct whose fields have no names")
        fields.append(f"{literal(field.this.name)}, {printer.text(field.args['expression'])}")
    return f"named_struct({', '.join(fields)})"


def _truncated(printer: Printer, node: Tree) -> str:
    only(node, "this", "unit")
    return _to_unit(printer.text(node.this), node.args["unit"].name)


def _to_unit(value: str, unit: str) -> str:
    if unit.upper() not in _UNITS:
        raise Defect(f"no Spark form of a date cut to {unit}")
    return f"date_trunc('{unit.upper()}', {value})"


def _day_difference(printer: Printer, node: Tree) -> str:
    """`date_diff('day', a, b)`: days from a to b."""
    only(node, "this", "expression", "unit", "date_part_boundary")
    unit = node.args.get("unit")
    if unit is None or unit.name.upper() != "DAY":
        raise Defect("no Spark form of a difference but in days")
    return f"datediff({printer.text(node.this)}, {printer.text(node.args['expression'])})"


def _lag(printer: Printer, node: Tree) -> str:
    only(node, "this", "offset", "default")
    return f"lag({printer.listed([n for n in (node.this, node.args.get('offset'), node.args.get('default')) if n is not None])})"


def _anonymous(printer: Printer, node: Tree) -> str:
    function = called(node)
    if function is not None:
        return listed.printed(printer, function, node.expressions)
    form = NAMED.get(node.name.lower())
    if form is None:
        raise Defect(f"no Spark form of {node.name}")
    return form(printer, node.expressions)


def _same(word: str) -> Callable[[Printer, Sequence[Tree]], str]:
    return lambda printer, args: f"{word}({printer.listed(args)})"


def _xor(printer: Printer, args: Sequence[Tree]) -> str:
    """The XOR of two: a chain of them is as deep as a row has columns, so it is not walked by recursion."""
    parts, waiting = [], list(reversed(args))
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Anonymous) and node.name.lower() == "xor":
            waiting += reversed(node.expressions)
        else:
            parts.append(printer.part(node))
    return f"({' ^ '.join(parts)})"


def _hex(printer: Printer, args: Sequence[Tree]) -> str:
    if not wide.is_wide(args[0]):
        raise Defect("no Spark form of hex but of 128 bits")
    return wide.hexadecimal(printer, args[0])


def _element(printer: Printer, args: Sequence[Tree]) -> str:
    """`list_extract(list, n)`, counted from 1; null beyond its end, where Spark's own word would be an error."""
    return f"get({printer.text(args[0])}, cast({printer.text(args[1])} AS INT) - 1)"


def _microseconds(printer: Printer, args: Sequence[Tree]) -> str:
    return f"unix_micros(cast({printer.text(args[0])} AS TIMESTAMP_LTZ))"


def _cut(printer: Printer, args: Sequence[Tree]) -> str:
    """`date_trunc('unit', day)` as a call by name."""
    return _to_unit(printer.text(args[1]), args[0].name)


def _joined(printer: Printer, args: Sequence[Tree]) -> str:
    """`concat`, which in DuckDB leaves nulls out."""
    return f"concat({', '.join(f'''coalesce({printer.text(arg)}, '')''' for arg in args)})"


def _whole(printer: Printer, args: Sequence[Tree]) -> str:
    """`trunc` of a decimal: towards zero."""
    value = printer.part(args[0])
    return f"(CASE WHEN {value} < 0 THEN ceil({value}) ELSE floor({value}) END)"


NAMED: Mapping[str, Callable[[Printer, Sequence[Tree]], str]] = {
    "xor": _xor,
    "hex": _hex,
    "list_extract": _element,
    "epoch_us": _microseconds,
    "date_trunc": _cut,
    "concat": _joined,
    "trunc": _whole,
    "arg_min": lambda printer, args: _best("min_by")(printer, exp.Anonymous(this="arg_min", expressions=list(args))),
    **{word: _same(word) for word in ("count", "count_if", "min", "max", "lower", "lpad", "coalesce", "greatest", "least", "to_json")},
}

CALLS: Mapping[type[Tree], Form] = {
    exp.Anonymous: _anonymous,
    exp.Count: _count,
    exp.CountIf: _call("count_if"),
    exp.Sum: _call("sum"),
    exp.Min: _least("min"),
    exp.Max: _least("max"),
    exp.ArgMin: _best("min_by"),
    exp.ArgMax: _best("max_by"),
    exp.Filter: _filter,
    exp.LogicalOr: _call("bool_or"),
    exp.LogicalAnd: _call("bool_and"),
    exp.BitwiseOrAgg: _call("bit_or"),
    exp.ArrayAgg: _array_agg,
    exp.ArraySort: _sorted,
    exp.Coalesce: _call("coalesce"),
    exp.Greatest: _call("greatest"),
    exp.Least: _call("least"),
    exp.Nullif: _pair("nullif"),
    exp.Abs: _call("abs"),
    exp.Trunc: checked(lambda printer, node: _whole(printer, [node.this]), "this"),
    exp.Year: _call("year"),
    exp.Month: _call("month"),
    exp.DateDiff: _day_difference,
    exp.TimestampTrunc: _truncated,
    exp.DateTrunc: _truncated,
    exp.Length: _call("char_length"),
    exp.Lower: _call("lower"),
    exp.Upper: _call("upper"),
    exp.Array: _call("array"),
    exp.Struct: _struct,
    exp.Explode: _call("explode"),
    exp.RowNumber: checked(lambda printer, node: "row_number()"),
    exp.Lag: _lag,
}
