"""Calls of functions and operators: arguments checked against what is declared; the call itself stays a node of the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from suwen.base.errors import Place, SuwenError
from suwen.engine.forms import call, copied, substitute
from suwen.engine.grammar import nearest
from suwen.engine.sql import Tree
from suwen.engine.typing_rules import NULL, Read, Typed, common, fits, literal, literal_type, plain, widened
from suwen.model.functions import FUNCTIONS, OPERATORS, SPECIAL, VARIABLES, Argument, Function

_USAGE = {
    "ref": "ref('target', key, ...)",
    "concept": "concept(code, 'system')",
    "source_concept": "source_concept(code, 'system')",
    "in_concepts": "in_concepts(column, 'set')",
}
_LAST_TYPE = {"any": "text", "numeric": "integer"}


class Caller:
    """Compiles calls at one place, for one zone and its resolvers."""

    def __init__(self, zone: str, place: Place, resolve_ref: Callable[[str, Sequence[Tree]], Tree],
                 resolve_concept: Callable[[str, Tree, bool], Tree], resolve_set: Callable[[str, Tree], Tree]) -> None:  # fmt: skip
        self._zone, self._place, self._ref, self._concept, self._set = zone, place, resolve_ref, resolve_concept, resolve_set

    def takes_literal(self, name: str, at: int) -> bool:
        """Whether a function wants a literal at a position (which is then not compiled as a value)."""
        if name in SPECIAL:
            return at == (0 if name == "ref" else 1)
        function = FUNCTIONS.get(name)
        return function is not None and at in function.literal_arguments

    def call(self, name: str, nodes: Sequence[Tree], pieces: Sequence[Typed | None]) -> Typed:
        """A call by name; `pieces` are the compiled arguments, None where a literal is wanted."""
        if name in SPECIAL:
            return self._special(name, nodes, pieces)
        function = FUNCTIONS.get(name)
        if function is None:
            raise self._refuse(f"no function {name}", "a function of the closed list", nearest(name, (*FUNCTIONS, *SPECIAL)))
        self._check_count(function, len(nodes))
        wanted = self._variable_type(function, pieces)
        given = [self._argument(function, at, node, piece, wanted) for at, (node, piece) in enumerate(zip(nodes, pieces, strict=True))]
        trees = [p.tree for p in given]
        tree = call(name, trees, self._zone)
        columns = frozenset().union(*(p.columns for p in given))
        inner = tuple(r for p in given for r in p.reads)
        if name == "coalesce":
            inner = _unless_another(trees, given, inner)
        return Typed(
            tree, wanted if function.result in VARIABLES else function.result, columns, inner + self._own_read(function.failure, name, trees, tree, columns)
        )

    def operator(self, symbol: str, left: Typed, right: Typed) -> Typed:
        """`left symbol right` by the first declared operator both sides fit."""
        found = next((o for o in OPERATORS if o.symbol == symbol and fits(left.type, o.left) and fits(right.type, o.right)), None)
        if found is None:
            raise self._refuse(
                f"{left.type} {symbol} {right.type}", "integers, numbers or money on both sides", "for dates there are add_days, days_between and others"
            )
        left, right = widened(left, found.left), widened(right, found.right)
        trees, columns = [left.tree, right.tree], left.columns | right.columns
        tree = call(found.function.name, trees)
        return Typed(tree, found.result, columns, (*left.reads, *right.reads, *self._own_read(found.failed, symbol, trees, tree, columns)))

    def _own_read(self, failed: str, name: str, trees: Sequence[Tree], tree: Tree, columns: frozenset[str]) -> tuple[Read, ...]:
        if not failed or not columns:
            return ()
        return (Read(name, columns, lambda: substitute(failed, trees, {"result": tree})),)

    def _refuse(self, what: str, expected: str = "", do: str = "") -> SuwenError:
        return SuwenError(what, where=self._place, expected=expected, do=do)

    def _check_count(self, function: Function, found: int) -> None:
        least = len(function.arguments)
        if found < least or (found > least and not function.many):
            raise self._refuse(f"{function.name} with {found} argument{'' if found == 1 else 's'}", function.signature)

    def _variable_type(self, function: Function, pieces: Sequence[Typed | None]) -> str:
        """The type that a type variable stands for in this call; "" for a function without."""
        variable = next((a.type for a in function.arguments if a.type in VARIABLES), "")
        if not variable:
            return ""
        found = [p.type for at, p in enumerate(pieces) if p is not None and self._declared(function, at).type == variable]
        one = common(found)
        if one is None or (one != NULL and one not in VARIABLES[variable]):
            raise self._refuse(
                f"{function.name} of {' and '.join(dict.fromkeys(found))}", f"{function.signature}, all of one type of {', '.join(VARIABLES[variable])}"
            )
        return _LAST_TYPE[variable] if one == NULL else one

    @staticmethod
    def _declared(function: Function, at: int) -> Argument:
        return function.arguments[min(at, len(function.arguments) - 1)]

    def _argument(self, function: Function, at: int, node: Tree, piece: Typed | None, variable: str) -> Typed:
        declared = self._declared(function, at)
        where = f"argument {at + 1} ({declared.name}) of {function.name}"
        if piece is None:
            return Typed(self._literal(function, at, node, where), declared.type)
        wanted = variable if declared.type in VARIABLES else declared.type
        if not fits(piece.type, wanted):
            raise self._refuse(f"{where} is {piece.type}", f"{wanted}: {function.signature}")
        return widened(piece, wanted)

    def _literal(self, function: Function, at: int, node: Tree, where: str) -> Tree:
        declared, value = self._declared(function, at), literal(node)
        if value is None or literal_type(value) != declared.type:
            raise self._refuse(f"{where} is not a literal of type {declared.type}", f"a literal: {function.signature}")
        if function.forms and at == len(function.arguments) - 1:
            if value.value not in function.forms:
                raise self._refuse(f"no form {value.value!r} of {function.name}", f"one of {', '.join(function.forms)}", nearest(value.value, function.forms))
        elif declared.type == "text" and len(value.value) < declared.low:
            raise self._refuse(f"{where} is an empty text", "at least one character")
        elif declared.type == "integer" and not declared.low <= int(value.value) <= declared.high:
            raise self._refuse(f"{where} is {value.value}", f"{declared.low} to {declared.high}")
        return plain(value)

    def _special(self, name: str, nodes: Sequence[Tree], pieces: Sequence[Typed | None]) -> Typed:
        usage = _USAGE[name]
        if len(nodes) < 2 or (name != "ref" and len(nodes) > 2):
            raise self._refuse(f"{name} with {len(nodes)} argument{'' if len(nodes) == 1 else 's'}", usage)
        named = literal(nodes[0 if name == "ref" else 1])
        if named is None or not named.is_text:
            raise self._refuse(f"{name} without a name as a literal text", usage)
        given, wanted = [p for p in pieces if p is not None], "integer" if name == "in_concepts" else "text"
        for piece in given:
            if not fits(piece.type, wanted):
                how = "convert it with integer_text(...)" if (piece.type, wanted) == ("integer", "text") else ""
                raise self._refuse(f"{name} of a value of type {piece.type}", f"type {wanted}: {usage}", how)
        tree = self._resolve(name, named.value, [widened(p, wanted).tree for p in given])
        columns, reads = frozenset().union(*(p.columns for p in given)), tuple(r for p in given for r in p.reads)
        return Typed(tree, "boolean" if name == "in_concepts" else "integer", columns, reads)

    def _resolve(self, name: str, named: str, trees: Sequence[Tree]) -> Tree:
        try:
            if name == "in_concepts":
                return self._set(named, trees[0])
            return self._ref(named, trees) if name == "ref" else self._concept(named, trees[0], name == "source_concept")
        except SuwenError as error:
            if error.where is not None:
                raise
            raise SuwenError(error.what, where=self._place, expected=error.expected, do=error.do, code=error.code) from error


def _unless_another(trees: Sequence[Tree], pieces: Sequence[Typed], reads: tuple[Read, ...]) -> tuple[Read, ...]:
    """In coalesce a failed reading is no finding where another alternative from the source gives a value; a mere default hides nothing."""
    sourced = [tree for tree, piece in zip(trees, pieces, strict=True) if piece.columns]
    if len(sourced) < 2:
        return reads

    def unless(failed: Tree) -> Tree:
        first, *rest = map(copied, sourced)
        nothing = exp.Is(this=exp.Coalesce(this=first, expressions=rest), expression=exp.Null())
        return exp.And(this=exp.Paren(this=failed), expression=nothing)

    return tuple(read.guarded(unless) for read in reads)
