"""The compiler of the pack language: expressions to trees, with types, lineage and the conditions of findings.

Types are reckoned here from what functions declare, so that messages are ours and nothing is coerced silently; DuckDB's binder
checks the same expressions as a second opinion, all in one statement.

Nulls: a comparison, an operator or a function "null in, null out" with a null gives null (`same` compares nulls too); AND, OR and NOT are
three-valued; WHEN and filters take null as false. An empty text is a value of its own, but no function gives one: it gives null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from suwen.base.errors import Defect, SuwenError
from suwen.engine import sql
from suwen.engine.bind import bound_types
from suwen.engine.calls import Caller
from suwen.engine.forms import copied, depth, written_out
from suwen.engine.grammar import nearest, parse
from suwen.engine.sql import Tree
from suwen.engine.typing_rules import NULL, Literal, Read, Typed, common, constant, fits, literal, literal_type, widened
from suwen.model.functions import DUCKDB_TYPES, OPERATORS
from suwen.model.pack import Expression

MOST_LEVELS = 300  # of a compiled tree; SQLGlot needs a frame of Python's stack of 1,000 for each
__all__ = ["Compiled", "Context", "Read", "compile_all", "compile_checked", "compile_expression", "compile_parts", "parse"]

ResolveRef = Callable[[str, Sequence[Tree]], Tree]
ResolveConcept = Callable[[str, Tree, bool], Tree]
ResolveSet = Callable[[str, Tree], Tree]


def _no_ref(target: str, key: Sequence[Tree]) -> Tree:
    raise SuwenError("ref() cannot be used here")


def _no_concept(system: str, code: Tree, source: bool) -> Tree:
    raise SuwenError(f"{'source_concept' if source else 'concept'}() cannot be used here")


def _no_set(name: str, concept: Tree) -> Tree:
    raise SuwenError("in_concepts() cannot be used here")


@dataclass(frozen=True)
class Context:
    """What expressions may name: columns by `name` or `alias.name` with their types, the organisation's IANA zone, and three resolvers.

    `resolve_ref(target, key trees)` and `resolve_concept(system, code tree, source)` give trees of integers, `resolve_set(set, concept tree)` one of a
    boolean; what they raise as SuwenError without a place gets the expression's. Without them ref, concept and in_concepts are refused.
    `bound`: the engine's binder has taken the same expressions before.
    """

    columns: Mapping[str, str]
    zone: str = "UTC"
    resolve_ref: ResolveRef = _no_ref
    resolve_concept: ResolveConcept = _no_concept
    resolve_set: ResolveSet = _no_set
    bound: bool = False

    def __post_init__(self) -> None:
        for name, type_ in self.columns.items():
            if type_ not in DUCKDB_TYPES:
                raise Defect(f"column {name} has no type of ours: {type_}")


@dataclass(frozen=True)
class Compiled:
    """An expression ready to be set into a query: tree, our type, source columns used, and where it reads text."""

    tree: Tree
    type: str
    columns: frozenset[str]
    reads: tuple[Read, ...]


def compile_expression(expression: Expression, context: Context, expected: str | None = None) -> Compiled:
    """Parse, check and compile one expression; SuwenError at its place. A bare NULL has the expected type, or text."""
    return compile_all([(expression, expected)], context)[0]


def compile_all(items: Sequence[tuple[Expression, str | None]], context: Context) -> list[Compiled]:
    """Compile many expressions of one context; the binder looks at all in one statement, where it has not yet."""
    parsed = [(parse(expression), expression, expected) for expression, expected in items]
    compiled = [_compile(tree, expression, context, expected) for tree, expression, expected in parsed]
    if context.bound:
        return compiled
    flat = {name: f"c{at}" for at, name in enumerate(context.columns)}
    for_binder = replace(context, resolve_ref=lambda target, key: _any_id(key), resolve_concept=lambda system, code, source: _any_id([code]))
    trees = [_written_out(_compile(tree, expression, for_binder, expected, flat).tree, expression) for tree, expression, expected in parsed]
    found = bound_types(trees, {flat[name]: DUCKDB_TYPES[type_] for name, type_ in context.columns.items()}, [e.place for _, e, _ in parsed])
    for one, (_, expression, _), bound in zip(compiled, parsed, found, strict=True):
        if bound.replace(" ", "") != DUCKDB_TYPES[one.type].replace(" ", ""):
            raise Defect(f"{expression.place}: reckoned as {DUCKDB_TYPES[one.type]}, bound as {bound}")
    return compiled


def compile_checked(expression: Expression, context: Context, expected: str | None = None) -> Compiled:
    """Compile an expression of which it is known that the engine's binder takes it."""
    return _compile(parse(expression), expression, context, expected)


def compile_parts(expression: Expression, context: Context) -> list[Compiled]:
    """The parts of a condition that are joined by AND, each by itself; like `compile_checked`."""
    waiting, found = [parse(expression)], []
    while waiting:
        tree = waiting.pop()
        if isinstance(tree, exp.And):
            waiting += [tree.expression, tree.this]
        elif isinstance(tree, exp.Paren) and isinstance(tree.this, exp.And):
            waiting.append(tree.this)
        else:
            found.append(_compile(tree, expression, context, "boolean"))
    return found


def _any_id(parts: Sequence[Tree]) -> Tree:
    return sql.typed(exp.Length(this=sql.call("concat", *parts)), "BIGINT")


def _written_out(tree: Tree, expression: Expression) -> Tree:
    """The tree as DuckDB reads it; SuwenError where that is too deep for the printer."""
    try:
        whole = written_out(tree)
        levels = depth(whole)
    except RecursionError:
        levels = MOST_LEVELS + 1
    if levels > MOST_LEVELS:
        raise SuwenError("an expression nested too deeply", where=expression.place, expected="fewer calls and operators within one another")
    return whole


def _compile(tree: Tree, expression: Expression, context: Context, expected: str | None, flat: Mapping[str, str] | None = None) -> Compiled:
    piece = _Compiler(context, expression, flat).piece(tree)
    wanted = expected or ("text" if piece.type == NULL else piece.type)
    if not fits(piece.type, wanted):
        raise SuwenError(f"an expression of type {piece.type}", where=expression.place, expected=f"type {wanted}", do=_conversion(piece.type, wanted))
    whole = widened(piece, wanted)
    return Compiled(whole.tree, wanted, whole.columns, whole.reads)


_CONVERSIONS = {
    ("text", "integer"): "integer(...)",
    ("text", "number"): "number(...)",
    ("text", "money"): "money(...)",
    ("text", "date"): "date_of(..., 'form')",
    ("text", "time"): "time_of(..., 'form') or local_time(..., 'form')",
    ("text", "boolean"): "boolean(..., 'Y', 'N')",
    ("integer", "text"): "integer_text(...)",
    ("date", "text"): "date_text(...)",
    ("time", "text"): "time_text(...)",
    ("time", "date"): "date_of_time(...)",
    ("date", "time"): "start_of_day(...)",
    ("number", "integer"): "round_to_integer(...)",
}


def _conversion(found: str, wanted: str) -> str:
    how = _CONVERSIONS.get((found, wanted))
    return f"convert it with {how}" if how else ""


class _Compiler:
    """One walk over one parsed expression, bottom up."""

    def __init__(self, context: Context, expression: Expression, flat: Mapping[str, str] | None) -> None:
        self.context, self.place, self._flat = context, expression.place, flat
        self._calls = Caller(context.zone, self.place, context.resolve_ref, context.resolve_concept, context.resolve_set)

    def piece(self, node: Tree) -> Typed:
        """The compiled form of any node of the grammar."""
        value = literal(node)
        if value is not None:
            return self._constant(value)
        visit = _VISITS.get(type(node))
        if visit is None:
            raise Defect(f"no rule for {type(node).__name__}")
        return visit(self, node)

    def refuse(self, what: str, expected: str = "", do: str = "") -> SuwenError:
        return SuwenError(what, where=self.place, expected=expected, do=do)

    def _constant(self, value: Literal) -> Typed:
        type_ = literal_type(value)
        if type_ is None:
            raise self.refuse(
                "a number literal that is too large or too precise", "integers of 64 bits; decimals of at most 16 digits before and 8 after the point"
            )
        return Typed(constant(value, type_), type_)

    def null(self, node: Tree) -> Typed:
        return Typed(exp.Null(), NULL)

    def boolean(self, node: Tree) -> Typed:
        return Typed(node.copy(), "boolean")

    def column(self, node: Tree) -> Typed:
        assert isinstance(node, exp.Column)
        name = f"{node.table}.{node.name}" if node.table else node.name
        type_ = self.context.columns.get(name)
        if type_ is None:
            raise self.refuse(f"no column {name}", f"one of {_listed(self.context.columns)}", nearest(name, self.context.columns))
        tree = sql.col(self._flat[name]) if self._flat is not None else sql.col(node.name, node.table)
        return Typed(tree, type_, frozenset([name]))

    def paren(self, node: Tree) -> Typed:
        inner = self.piece(node.this)
        return replace(inner, tree=exp.Paren(this=inner.tree))

    def logic(self, node: Tree) -> Typed:
        sides = [self.need(side, "boolean", type(node).__name__.upper()) for side in node.iter_expressions()]
        return _joined(type(node)(**dict(zip(("this", "expression"), (s.tree for s in sides), strict=False))), "boolean", sides)

    def need(self, node: Tree, wanted: str, by: str) -> Typed:
        """A piece that must be of one type, widened to it."""
        piece = self.piece(node)
        if not fits(piece.type, wanted):
            raise self.refuse(f"{by} of a value of type {piece.type}", f"type {wanted}", _conversion(piece.type, wanted))
        return widened(piece, wanted)

    def alike(self, nodes: Sequence[Tree], by: str) -> list[Typed]:
        """Pieces of one common type, widened to it."""
        pieces = [self.piece(node) for node in nodes]
        type_ = common(p.type for p in pieces)
        if type_ is None:
            raise self.refuse(
                f"{by} of values of types {' and '.join(dict.fromkeys(p.type for p in pieces))}", "values of one type", "convert one of them by a function"
            )
        return [widened(p, type_) for p in pieces] if type_ != NULL else pieces

    def compare(self, node: Tree) -> Typed:
        left, right = self.alike([node.this, node.expression], f"a comparison with {_COMPARISONS[type(node)]}")
        return _joined(type(node)(this=left.tree, expression=right.tree), "boolean", [left, right])

    def is_null(self, node: Tree) -> Typed:
        inner = self.piece(node.this)
        return replace(inner, tree=exp.Is(this=inner.tree, expression=exp.Null()), type="boolean")

    def within(self, node: Tree) -> Typed:
        first, *rest = self.alike([node.this, *node.expressions], "IN")
        return _joined(exp.In(this=first.tree, expressions=[p.tree for p in rest]), "boolean", [first, *rest])

    def between(self, node: Tree) -> Typed:
        pieces = self.alike([node.this, node.args["low"], node.args["high"]], "BETWEEN")
        return _joined(exp.Between(this=pieces[0].tree, low=pieces[1].tree, high=pieces[2].tree), "boolean", pieces)

    def join_texts(self, node: Tree) -> Typed:
        left, right = self.need(node.this, "text", "||"), self.need(node.expression, "text", "||")
        return _joined(exp.DPipe(this=left.tree, expression=right.tree), "text", [left, right])

    def negative(self, node: Tree) -> Typed:
        inner = self.piece(node.this)
        zero = Typed(sql.typed(sql.integer(0), DUCKDB_TYPES["integer"]), "integer")
        return self._calls.operator("-", zero, inner)

    def arithmetic(self, node: Tree) -> Typed:
        return self._calls.operator(_SYMBOLS[type(node)], self.piece(node.this), self.piece(node.expression))

    def call(self, node: Tree) -> Typed:
        return self._calls.call(
            node.name, node.expressions, [None if self._calls.takes_literal(node.name, at) else self.piece(a) for at, a in enumerate(node.expressions)]
        )

    def case(self, node: Tree) -> Typed:
        conditions = [self.need(branch.this, "boolean", "WHEN") for branch in node.args["ifs"]]
        default = node.args.get("default") or exp.Null()
        values = self.alike([*(branch.args["true"] for branch in node.args["ifs"]), default], "CASE")
        ifs = [exp.If(this=c.tree, true=v.tree) for c, v in zip(conditions, values, strict=False)]
        tree = exp.Case(ifs=ifs, default=values[-1].tree)
        columns = frozenset().union(*(p.columns for p in (*conditions, *values)))
        return Typed(tree, values[0].type, columns, tuple(_branch_reads(conditions, values)))


def _branch_reads(conditions: Sequence[Typed], values: Sequence[Typed]) -> list[Read]:
    """Reads of a CASE count only where its conditions lead to them."""
    reads: list[Read] = []
    for at in range(len(values)):
        earlier = conditions[:at]
        if at < len(conditions):
            reads += [_reached(earlier, read, None) for read in conditions[at].reads]
        reads += [_reached(earlier, read, conditions[at] if at < len(conditions) else None) for read in values[at].reads]
    return reads


def _reached(earlier: Sequence[Typed], read: Read, last: Typed | None) -> Read:
    def guard(failed: Tree) -> Tree:
        ifs = [exp.If(this=copied(c.tree), true=exp.false()) for c in earlier]
        if last is None:
            return exp.Case(ifs=ifs, default=failed) if ifs else failed
        return exp.Case(ifs=[*ifs, exp.If(this=copied(last.tree), true=failed)], default=exp.false())

    return read.guarded(guard)


def _joined(tree: Tree, type_: str, pieces: Sequence[Typed]) -> Typed:
    return Typed(tree, type_, frozenset().union(*(p.columns for p in pieces)), tuple(r for p in pieces for r in p.reads))


def _listed(names: Mapping[str, str]) -> str:
    shown = list(names)[:12]
    return ", ".join(shown) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


_SYMBOLS: dict[type[Tree], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_COMPARISONS: dict[type[Tree], str] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_VISITS: dict[type[Tree], Callable[[_Compiler, Tree], Typed]] = {
    exp.Null: _Compiler.null, exp.Boolean: _Compiler.boolean, exp.Column: _Compiler.column, exp.Paren: _Compiler.paren,
    exp.And: _Compiler.logic, exp.Or: _Compiler.logic, exp.Not: _Compiler.logic, exp.Is: _Compiler.is_null, exp.In: _Compiler.within,
    exp.Between: _Compiler.between, exp.DPipe: _Compiler.join_texts, exp.Neg: _Compiler.negative, exp.Case: _Compiler.case, exp.Anonymous: _Compiler.call,
    **dict.fromkeys(_COMPARISONS, _Compiler.compare), **dict.fromkeys(_SYMBOLS, _Compiler.arithmetic),
}  # fmt: skip
assert {o.symbol for o in OPERATORS} == set(_SYMBOLS.values())
