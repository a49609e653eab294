"""The closed function list of the pack language: what a function takes, gives and means, and each engine's form of it."""

from suwen.model.functions.listed import FUNCTIONS, SPECIAL, VERSION
from suwen.model.functions.numbers import OPERATORS
from suwen.model.functions.shape import DUCKDB_TYPES, TYPES, VARIABLES, WIDER, Argument, Example, Function, Operator, Value

__all__ = [
    "DUCKDB_TYPES",
    "FUNCTIONS",
    "OPERATORS",
    "SPECIAL",
    "TYPES",
    "VARIABLES",
    "VERSION",
    "WIDER",
    "Argument",
    "Example",
    "Function",
    "Operator",
    "Value",
]
