"""Engine forms of functions: parsed once, arguments set in as trees."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlglot import exp, parse_one

from suwen.base.errors import Defect
from suwen.engine.sql import Tree
from suwen.model.functions import FUNCTIONS

_PLACEHOLDER = re.compile(r"\$(\d+|args|zone|result)(?!\w)")
_OURS = "our_"
_ALL = "_args"


@cache
def form_tree(form: str) -> Tree:
    """The tree of an engine form; $1 and the like become columns `_1`, calls of `our_x` are replaced by x's own form."""
    tree = parse_one(_PLACEHOLDER.sub(r"_\1", form), dialect="duckdb")
    return tree.transform(_expand)


def _expand(node: Tree) -> Tree:
    name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if not name.startswith(_OURS):
        return node
    function = FUNCTIONS[name.removeprefix(_OURS)]
    args = [argument.transform(_expand) for argument in node.expressions]
    return _filled(form_tree(function_form(function.name, args)), {f"_{at}": _held(arg) for at, arg in enumerate(args, 1)}, args)


def function_form(name: str, args: Sequence[Tree]) -> str:
    """The engine text of a function for these arguments: of the named form, if it has forms."""
    function = FUNCTIONS[name]
    return function.forms[args[-1].name] if function.forms else function.duckdb


def substitute(form: str, args: Sequence[Tree], named: Mapping[str, Tree] | None = None) -> Tree:
    """A new tree of `form` with arguments (and `zone`, `result`) in their places; each argument is copied as often as it is used."""
    holes = {f"_{at}": _held(arg) for at, arg in enumerate(args, 1)} | {f"_{name}": _held(arg) for name, arg in (named or {}).items()}
    return _filled(form_tree(form), holes, args)


def copied(tree: Tree) -> Tree:
    """A tree of its own; several times faster than sqlglot's copy, which keeps comments and types that there are none of."""
    return _filled(tree, {}, ())


def _held(argument: Tree) -> Tree:
    """The argument, in parentheses where an operator around it could bind tighter."""
    compound = isinstance(argument, (exp.Binary, exp.Unary, exp.Predicate)) and not isinstance(argument, exp.Paren)
    return exp.Paren(this=copied(argument)) if compound else argument


def _filled(node: Tree, holes: Mapping[str, Tree], args: Sequence[Tree]) -> Tree:
    if holes and isinstance(node, exp.Column) and not node.table:
        if node.name in holes:
            return copied(holes[node.name])
        if node.name == _ALL:
            raise Defect("$args stands where only one expression can")
    return type(node)(**_filled_parts(node.args, holes, args))


def _filled_parts(parts: Mapping[str, Any], holes: Mapping[str, Tree], args: Sequence[Tree]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for key, value in parts.items():
        if isinstance(value, exp.Expression):
            if holes and _is_all(value):  # sqlglot keeps the first argument of some functions apart
                filled[key], filled["expressions"] = copied(args[0]), [copied(a) for a in args[1:]]
            else:
                filled[key] = _filled(value, holes, args)
        elif isinstance(value, list) and (value or key not in filled):
            filled[key] = [new for item in value for new in _filled_items(item, holes, args)]
        elif key not in filled:
            filled[key] = value
    return filled


def _filled_items(item: Any, holes: Mapping[str, Tree], args: Sequence[Tree]) -> list[Any]:
    if not isinstance(item, exp.Expression):
        return [item]
    return [copied(a) for a in args] if holes and _is_all(item) else [_filled(item, holes, args)]


def _is_all(node: Tree) -> bool:
    return isinstance(node, exp.Column) and node.name == _ALL and not node.table
