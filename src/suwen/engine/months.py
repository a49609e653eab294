"""The month in which a row lies, as every table of the lake counts months."""

from __future__ import annotations

from suwen.engine.sql import Tree, coalesce, integer, statement, typed


def month_of(day: Tree) -> Tree:
    """12 * year + month - 1 as INTEGER; 0 for null."""
    return typed(coalesce(statement("select 12 * year({d}) + month({d}) - 1", d=day).expressions[0], integer(0)), "INTEGER")
