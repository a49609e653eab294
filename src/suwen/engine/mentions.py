"""What an expression names besides columns: targets by `ref`, code systems by `concept` and `source_concept`, and the texts it may give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from suwen.engine.compile import parse
from suwen.engine.typing_rules import literal
from suwen.model.pack import Expression


@dataclass(frozen=True)
class Mentions:
    """`refs`: (target, number of key parts); `systems`: names of code systems; `texts`: literal texts that may be the value; `exact`: it is nothing else."""

    refs: tuple[tuple[str, int], ...]
    systems: tuple[str, ...]
    texts: tuple[str, ...]
    exact: bool


def mentions(expression: Expression) -> Mentions:
    """What an expression names; SuwenError at its place where it cannot be read. Calls that are not well formed are the compiler's to tell."""
    tree = parse(expression)
    calls = [node for node in tree.find_all(exp.Anonymous) if len(node.expressions) > 1]
    refs = [(found.value, len(c.expressions) - 1) for c in calls if c.name == "ref" and (found := literal(c.expressions[0])) and found.is_text]
    systems = [found.value for c in calls if c.name in ("concept", "source_concept") and (found := literal(c.expressions[1])) and found.is_text]
    values = list(_values(tree))
    texts = [found.value for value in values if (found := literal(value)) and found.is_text]
    return Mentions(tuple(refs), tuple(systems), tuple(texts), len(texts) == len(values))


def _values(node: exp.Expression) -> Iterator[exp.Expression]:
    """The parts of an expression that may be its value: through parentheses, CASE and coalesce; a null is no value."""
    if isinstance(node, exp.Paren):
        yield from _values(node.this)
    elif isinstance(node, exp.Case):
        for branch in node.args["ifs"]:
            yield from _values(branch.args["true"])
        yield from _values(node.args.get("default") or exp.Null())
    elif isinstance(node, exp.Anonymous) and node.name == "coalesce":
        for argument in node.expressions:
            yield from _values(argument)
    elif not isinstance(node, exp.Null):
        yield node
