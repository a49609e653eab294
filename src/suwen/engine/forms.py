"""Engine forms of functions: parsed once, arguments set in as trees."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from sqlglot import exp, parse_one

from suwen.base.errors import Defect
from suwen.engine.sql import Tree
from suwen.model.functions import FUNCTIONS

_PLACEHOLDER = re.compile(r"\$(\d+|args|zone|result)(?!\w)")
_OURS = "our_"


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
    return substitute(function_form(function.name, args), args)


def function_form(name: str, args: Sequence[Tree]) -> str:
    """The engine text of a function for these arguments: of the named form, if it has forms."""
    function = FUNCTIONS[name]
    return function.forms[args[-1].name] if function.forms else function.duckdb


def substitute(form: str, args: Sequence[Tree], named: Mapping[str, Tree] | None = None) -> Tree:
    """A new tree of `form` with arguments (and `zone`, `result`) in their places; each argument is copied as often as it is used."""
    tree = form_tree(form).copy()
    holes = {f"_{at}": arg for at, arg in enumerate(args, 1)} | {f"_{name}": arg for name, arg in (named or {}).items()}
    root = exp.Paren(this=tree)
    for column in list(root.find_all(exp.Column)):
        if column.name == "_args":
            _splice(column, args)
        elif column.name in holes:
            column.replace(_held(column, holes[column.name]))
        elif column.name.startswith("_") and not column.table:
            raise Defect(f"nothing to set in for {column.name} of an engine form")
    inner: Tree = root.this
    return inner


def _held(column: exp.Column, argument: Tree) -> Tree:
    """The argument, in parentheses where an operator around it could bind tighter."""
    compound = isinstance(argument, (exp.Binary, exp.Unary, exp.Predicate)) and not isinstance(argument, exp.Paren)
    return exp.Paren(this=argument.copy()) if compound else argument.copy()


def _splice(column: exp.Column, args: Sequence[Tree]) -> None:
    parent, key = column.parent, column.arg_key
    if parent is None or key is None:
        raise Defect("$args stands alone in an engine form")
    held = parent.args[key]
    if isinstance(held, list):
        parent.set(key, [a for item in held for a in ([x.copy() for x in args] if item is column else [item])])
    else:  # sqlglot keeps the first argument of some functions apart
        parent.set(key, args[0].copy())
        parent.set("expressions", [*(x.copy() for x in args[1:]), *parent.expressions])
