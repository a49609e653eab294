"""Prints trees, composed in DuckDB's dialect, as Spark's SQL: every kind of node has a form of its own, and what has none is refused.

Nothing is passed through unseen, since a word that both engines know may mean two things. The forms stand in `operators.py`, `calls.py`,
`queries.py` and `wide.py`; `rendering.py` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine.sql import Tree

# Nodes that hold together without parentheses wherever they stand.
_CLOSED = (exp.Column, exp.Literal, exp.Paren, exp.Func, exp.Null, exp.Boolean, exp.Subquery, exp.Tuple, exp.Identifier, exp.Star, exp.Dot, exp.Var)
_OPEN = (exp.And, exp.Or, exp.Case)  # functions by their class, not by how they print


class Sources(Protocol):
    """What names in a tree stand for."""

    def relation(self, name: str) -> str:
        """Under which name Spark knows a relation of the engine."""
        ...

    def files(self, paths: Sequence[str], *, row_number: bool, filename: bool, by_name: bool) -> str:
        """The name of the view over Parquet files; with `row_number` it has `file_row_number` and `file_index`, with `filename` that."""
        ...

    def columns(self, view: str) -> Sequence[str]:
        """The columns of what `relation` or `files` named."""
        ...


Form = Callable[["Printer", Tree], str]


class Printer:
    """Prints trees over some sources by a table of forms."""

    def __init__(self, sources: Sources, forms: Mapping[type[Tree], Form]) -> None:
        self.sources, self._forms = sources, forms

    def text(self, node: Tree) -> str:
        """Spark's text of a node. Raises Defect where it has no form."""
        form = self._forms.get(type(node))
        if form is None:
            raise Defect(f"no Spark form of {type(node).__name__}")
        return form(self, node)

    def part(self, node: Tree) -> str:
        """The text of a node that stands beside an operator."""
        text = self.text(node)
        return text if isinstance(node, _CLOSED) and not isinstance(node, _OPEN) else f"({text})"

    def listed(self, nodes: Sequence[Tree]) -> str:
        return ", ".join(self.text(node) for node in nodes)


def quoted(name: str) -> str:
    """An identifier of Spark."""
    return "`" + name.replace("`", "``") + "`"


def literal(value: str) -> str:
    """A text of Spark, in which a backslash and a quote have a backslash before them."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def only(node: Tree, *known: str) -> None:
    """Raises Defect where a node says more than a form looks at."""
    further = [key for key, value in node.args.items() if value not in (None, False, "") and value != [] and key not in known]
    if further:
        raise Defect(f"no Spark form of {type(node).__name__} with {', '.join(further)}")


def checked(form: Form, *known: str) -> Form:
    """A form of a node of which it looks at these parts alone."""

    def strict(printer: Printer, node: Tree) -> str:
        only(node, *known)
        return form(printer, node)

    return strict
