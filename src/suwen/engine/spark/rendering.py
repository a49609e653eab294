"""All of Spark's forms, by kind of node."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suwen.engine.spark.calls import CALLS
from suwen.engine.spark.operators import OPERATORS
from suwen.engine.spark.printer import Form, Printer, Sources
from suwen.engine.spark.queries import QUERIES
from suwen.engine.sql import Tree

FORMS: Mapping[type[Tree], Form] = MappingProxyType({**OPERATORS, **CALLS, **QUERIES})


def spark_text(tree: Tree, sources: Sources) -> str:
    """The text of a tree in Spark's SQL. Raises Defect where a part of it has no form."""
    return Printer(sources, FORMS).text(tree)
