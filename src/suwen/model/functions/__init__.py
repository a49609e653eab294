"""The closed function list of the pack language: what a function takes, gives and means, and each engine's form of it."""

from suwen.model.functions.listed import FUNCTIONS, SPECIAL, VERSION
from suwen.model.functions.numbers import OPERATORS, WIDENINGS
from suwen.model.functions.shape import DUCKDB_TYPES, ENGINES, TYPES, VARIABLES, WIDER, Argument, Example, Function, Operator, Value

__all__ = [
    "DUCKDB_TYPES",
    "ENGINES",
    "FUNCTIONS",
    "OPERATORS",
    "SPECIAL",
    "TYPES",
    "VARIABLES",
    "VERSION",
    "WIDENINGS",
    "WIDER",
    "Argument",
    "Example",
    "Function",
    "Operator",
    "Value",
]
