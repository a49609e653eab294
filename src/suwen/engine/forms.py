"""Calls of the pack language as nodes of a tree, and DuckDB's forms of them: parsed once, arguments set in when a tree is printed.

The compiler leaves a call of a function, an operator or a widening as the node `our_<name>(argument, ...)`, so that a tree means the same
whoever works it out; each engine writes such nodes out in its own words just before it reads a tree (Spark's: `engine/spark/listed.py`).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine import sql
from suwen.engine.sql import Tree
from suwen.engine.zones import quicker
from suwen.model.functions import FUNCTIONS, OPERATORS, WIDENINGS, Function

_PLACEHOLDER = re.compile(r"\$(\d+|zone|result)(?!\w)")
_ALL = "$args"
_OURS = "our_"
WRITTEN_OUT = 600  # nodes that repeating an argument may add; beyond, it is named once
CALLS: Mapping[str, Function] = MappingProxyType({f.name: f for f in (*FUNCTIONS.values(), *(o.function for o in OPERATORS), *WIDENINGS.values())})


def call(name: str, args: Sequence[Tree], zone: str = "") -> Tree:
    """The node of a call; where the zone of the organisation matters, it is the last argument."""
    return exp.Anonymous(this=f"{_OURS}{name}", expressions=[*args, sql.text(zone)] if CALLS[name].is_zoned else list(args))


def called(node: Tree) -> Function | None:
    """The function that a node calls, if it is such a call."""
    return CALLS.get(node.name.removeprefix(_OURS)) if isinstance(node, exp.Anonymous) and node.name.startswith(_OURS) else None


def form_of(function: Function, args: Sequence[Tree], engine: str) -> str:
    """An engine's text for these arguments: of the named form, if the function has forms."""
    return function.text(engine, args[len(function.arguments) - 1].name if function.forms else "")


def written_out(tree: Tree) -> Tree:
    """The tree with every call in DuckDB's words; itself where there is none, else a copy."""
    return _filled(tree, {}, calls=True) if any(map(called, tree.find_all(exp.Anonymous))) else tree


def _written_out(function: Function, args: Sequence[Tree]) -> Tree:
    """DuckDB's form of a call with arguments in their places.

    An argument is copied as often as it is used, because the engine then works on plain columns and finds repetitions itself; a large
    one is bound to a name once, `list_extract(list_transform([argument], lambda v1: ...), 1)`, or nesting would multiply it.
    """
    form, count = form_of(function, args, "duckdb"), len(args) - function.is_zoned
    given = {f"_{at}": arg for at, arg in enumerate(args[:count], 1)}
    used = _uses(form, count)
    large = [hole for hole, arg in given.items() if used[hole] > 1 and (used[hole] - 1) * size(arg) > WRITTEN_OUT]
    names = dict(zip(large, _new_names(given.values(), len(large)), strict=True))
    holes = {hole: sql.ident(names[hole]) if hole in names else _held(arg) for hole, arg in given.items()}
    tree = _filled(form_tree(form, count), holes | ({"_zone": args[-1]} if function.is_zoned else {}))
    for hole in reversed(large):
        tree = _let(names[hole], given[hole], tree)
    return quicker(tree, args[-1].name) if function.is_zoned else tree


@cache
def form_tree(form: str, count: int = 1) -> Tree:
    """The tree of DuckDB's text for so many arguments; $1 and the like become columns `_1`, calls of `our_x` are written out in turn."""
    return written_out(_parsed(form.replace(_ALL, ", ".join(f"_{at}" for at in range(1, count + 1)))))


@cache
def _parsed(text: str) -> Tree:
    return sql.parsed(_PLACEHOLDER.sub(r"_\1", text))


def substitute(text: str, args: Sequence[Tree], named: Mapping[str, Tree] | None = None) -> Tree:
    """A new tree of a text in words of every engine, with arguments and what is `named` in their places; its calls stay calls."""
    given = {f"_{at}": _held(arg) for at, arg in enumerate(args, 1)} | {f"_{name}": _held(arg) for name, arg in (named or {}).items()}
    return _filled(_parsed(text), given)


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


def _filled(node: Tree, holes: Mapping[str, Tree], *, calls: bool = False) -> Tree:
    """A copy of the node with its holes filled, or its calls written out; what fills a hole is copied as it is."""
    if holes and isinstance(node, exp.Column):
        if node.name not in holes:
            raise Defect(f"nothing to set in for {node.name} of an engine form")
        return _filled(holes[node.name], {})
    function = called(node) if calls else None
    if function is not None:
        return _written_out(function, [_filled(arg, {}, calls=True) for arg in node.expressions])
    filled: dict[str, Any] = {}
    for key, value in node.args.items():
        if isinstance(value, exp.Expression):
            filled[key] = _filled(value, holes, calls=calls)
        elif isinstance(value, list):
            filled[key] = [_filled(item, holes, calls=calls) if isinstance(item, exp.Expression) else item for item in value]
        else:
            filled[key] = value
    return type(node)(**filled)
