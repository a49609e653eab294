"""The text of a tree, as DuckDB reads it."""

from __future__ import annotations

from suwen.engine.forms import written_out
from suwen.engine.sql import Tree


def render(tree: Tree) -> str:
    """The DuckDB text of a tree, calls of the pack language written out. Printing for the dialect it was built in changes no tree, so none is copied."""
    text: str = written_out(tree).sql(dialect="duckdb", copy=False)
    return text
