"""Engine forms of functions: parsed once, arguments set in as trees."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine import sql
from suwen.engine.sql import Tree
from suwen.model.functions import FUNCTIONS

_PLACEHOLDER = re.compile(r"\$(\d+|zone|result)(?!\w)")
_ALL = "$args"
_OURS = "our_"
WRITTEN_OUT = 600  # nodes that repeating an argument may add; beyond, it is named once


@cache
def form_tree(form: str, count: int = 1) -> Tree:
    """The tree of an engine form for so many arguments; $1 and the like become columns `_1`, calls of `our_x` are replaced by x's own form."""
    text = form.replace(_ALL, ", ".join(f"_{at}" for at in range(1, count + 1)))
    return sql.parsed(_PLACEHOLDER.sub(r"_\1", text)).transform(_expand)


def _expand(node: Tree) -> Tree:
    name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if not name.startswith(_OURS):
        return node
    function = FUNCTIONS[name.removeprefix(_OURS)]
    args = [argument.transform(_expand) for argument in node.expressions]
    return _filled(form_tree(function_form(function.name, args), len(args)), {f"_{at}": _held(arg) for at, arg in enumerate(args, 1)})


def function_form(name: str, args: Sequence[Tree]) -> str:
    """The engine text of a function for these arguments: of the named form, if it has forms."""
    function = FUNCTIONS[name]
    return function.forms[args[-1].name] if function.forms else function.duckdb


def substitute(form: str, args: Sequence[Tree], named: Mapping[str, Tree] | None = None) -> Tree:
    """A new tree of `form` with arguments (and `zone`, `result`) in their places.

    An argument is copied as often as it is used, because the engine then works on plain columns and finds repetitions itself; a large
    one is bound to a name once, `list_extract(list_transform([argument], lambda v1: ...), 1)`, or nesting would multiply it.
    """
    given = {f"_{at}": arg for at, arg in enumerate(args, 1)} | {f"_{name}": arg for name, arg in (named or {}).items()}
    used = _uses(form, len(args))
    large = [hole for hole, arg in given.items() if used[hole] > 1 and (used[hole] - 1) * size(arg) > WRITTEN_OUT]
    names = dict(zip(large, _new_names(given.values(), len(large)), strict=True))
    holes = {hole: sql.ident(names[hole]) if hole in names else _held(arg) for hole, arg in given.items()}
    tree = _filled(form_tree(form, len(args)), holes)
    for hole in reversed(large):
        tree = _let(names[hole], given[hole], tree)
    return tree


@cache
def _uses(form: str, count: int) -> Counter[str]:
    """How often the engine sees each placeholder of a form."""
    uses: Counter[str] = Counter()
    for node, times in _weighted(form_tree(form, count)):
        if isinstance(node, exp.Column):
            uses[node.name] += times
    return uses


def size(tree: Tree) -> int:
    """How many nodes of a tree the engine sees."""
    return sum(times for _, times in _weighted(tree))


def _weighted(tree: Tree) -> Iterator[tuple[Tree, int]]:
    """Every node, and how often the engine sees it: DuckDB writes `nullif(a, b)` out as `case when a = b then null else a end`."""
    stack = [(tree, 1)]
    while stack:
        node, times = stack.pop()
        yield node, times
        stack += [(child, times * 2 if isinstance(node, exp.Nullif) else times) for child in node.iter_expressions()]


def depth(tree: Tree) -> int:
    """How many levels a tree has."""
    deepest, level = 0, [tree]
    while level:
        deepest += 1
        level = [child for node in level for child in node.iter_expressions()]
    return deepest


def _new_names(trees: Iterable[Tree], count: int) -> list[str]:
    """Names that no column or binding in the trees has: a name must not hide what is meant inside its own binding."""
    if not count:
        return []
    taken = {i.name.lower() for tree in trees for i in tree.find_all(exp.Identifier)}
    free = (name for number in itertools.count(1) if (name := f"v{number}") not in taken)
    return list(itertools.islice(free, count))


def _let(name: str, argument: Tree, body: Tree) -> Tree:
    bound = exp.Lambda(this=body, expressions=[sql.ident(name)])
    return exp.Anonymous(this="list_extract", expressions=[exp.Transform(this=exp.Array(expressions=[copied(argument)]), expression=bound), sql.integer(1)])


def copied(tree: Tree) -> Tree:
    """A tree of its own; several times faster than sqlglot's copy, which keeps comments and types that there are none of."""
    return _filled(tree, {})


def _held(argument: Tree) -> Tree:
    """The argument, in parentheses where an operator around it could bind tighter."""
    compound = isinstance(argument, (exp.Binary, exp.Unary, exp.Predicate)) and not isinstance(argument, exp.Paren)
    return exp.Paren(this=copied(argument)) if compound else argument


def _filled(node: Tree, holes: Mapping[str, Tree]) -> Tree:
    """A copy of the node with its holes filled; what fills them is copied as it is."""
    if holes and isinstance(node, exp.Column):
        if node.name not in holes:
            raise Defect(f"nothing to set in for {node.name} of an engine form")
        return _filled(holes[node.name], {})
    filled: dict[str, Any] = {}
    for key, value in node.args.items():
        if isinstance(value, exp.Expression):
            filled[key] = _filled(value, holes)
        elif isinstance(value, list):
            filled[key] = [_filled(item, holes) if isinstance(item, exp.Expression) else item for item in value]
        else:
            filled[key] = value
    return type(node)(**filled)
