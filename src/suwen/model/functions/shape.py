"""The shape of one entry of the closed function list, and the types an expression can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

Value = str | int | Decimal | date | datetime | bool | None

ENGINES = ("duckdb", "spark")
"""By whom an expression is worked out; each has its own text for a function where the same words would not mean the same."""
DUCKDB_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DECIMAL(24, 8)",
    "money": "DECIMAL(18, 4)",
    "date": "DATE",
    "time": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
TYPES = tuple(DUCKDB_TYPES)
WIDER: Mapping[str, frozenset[str]] = {"integer": frozenset({"money", "number"}), "money": frozenset({"number"})}
"""From a type to the types it becomes by itself; every other change of type is asked for by name."""
VARIABLES: Mapping[str, tuple[str, ...]] = {"any": TYPES, "numeric": ("integer", "money", "number")}
"""Argument types that stand for one of several: all arguments so named have one type, and a result so named has it too."""


@dataclass(frozen=True)
class Argument:
    """One argument: a type or a type variable. `literal`: it must be written as a literal, an integer within `low`..`high`, a text not shorter than `low`."""

    name: str
    type: str
    literal: bool = False
    low: int = 0
    high: int = 0

    def __post_init__(self) -> None:
        if self.type not in DUCKDB_TYPES and self.type not in VARIABLES:
            raise ValueError(f"argument {self.name}: no type {self.type!r}")


@dataclass(frozen=True)
class Example:
    """Arguments and the result they must give: a test on every engine and a line of the manual."""

    args: tuple[Value, ...]
    result: Value
    note: str = ""


@dataclass(frozen=True)
class Function:
    """A function of the closed list: what it takes and gives, what it does with nulls, how each engine says it.

    `duckdb` and `spark` hold $1, $2... for the arguments, `$args` for all of a function that takes `many`, `$zone` for the zone of the
    organisation as text; `our_x(...)` stands for the function x of this list; without `spark` the words of `duckdb` mean the same there.
    A function with named forms takes the form as its last argument, and `forms` and `spark_forms` give the engine text by the name of the
    form. A function that `reads` turns text into a value: text that is not blank and gives null is a finding; `failed` says when (with
    `$result`, and in words of every engine), by default just that.
    """

    name: str
    arguments: tuple[Argument, ...]
    result: str
    duckdb: str
    en: str
    zh: str
    examples: tuple[Example, ...]
    nulls: str = "null in, null out"
    forms: Mapping[str, str] = field(default_factory=dict)
    many: bool = False
    reads: bool = False
    failed: str = ""
    spark: str = ""
    spark_forms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.result not in DUCKDB_TYPES and self.result not in VARIABLES:
            raise ValueError(f"function {self.name}: no type {self.result!r}")
        if self.forms and not self.arguments[-1].literal:
            raise ValueError(f"function {self.name}: the form is its last argument, a literal")
        if bool(self.duckdb) == bool(self.forms):
            raise ValueError(f"function {self.name}: either one engine text or one per form")
        if self.spark_forms and (self.spark or set(self.spark_forms) != set(self.forms)):
            raise ValueError(f"function {self.name}: a text for Spark of each form, or of none")

    def text(self, engine: str, form: str = "") -> str:
        """The text of an engine, of the named form where there are forms."""
        if self.forms:
            return (self.spark_forms or self.forms if engine == "spark" else self.forms)[form]
        return self.spark or self.duckdb if engine == "spark" else self.duckdb

    @property
    def is_zoned(self) -> bool:
        """Whether the zone of the organisation matters."""
        return any("$zone" in text for text in (self.duckdb, *self.forms.values()))

    @property
    def literal_arguments(self) -> tuple[int, ...]:
        """Positions (from 0) of arguments that must be literals."""
        return tuple(at for at, argument in enumerate(self.arguments) if argument.literal)

    @property
    def failure(self) -> str:
        """The engine text that is true when reading failed; "" for a function that cannot."""
        return self.failed or ("case when $result is null then our_text($1) is not null else false end" if self.reads else "")

    @property
    def signature(self) -> str:
        """`name(argument type, ...) -> result`, as the manual prints it."""
        listed = ", ".join(f"{a.name} {a.type}" for a in self.arguments) + (", ..." if self.many else "")
        return f"{self.name}({listed}) -> {self.result}"


@dataclass(frozen=True)
class Operator:
    """An operator between two types: `$1 symbol $2`. A null on either side gives null; texts and `failed` as in `Function`."""

    symbol: str
    left: str
    right: str
    result: str
    duckdb: str
    examples: tuple[Example, ...]
    failed: str = ""
    spark: str = ""

    @property
    def function(self) -> Function:
        """The operator as a function of two arguments, by a name such as `plus_integer_integer`."""
        arguments = (Argument("a", self.left), Argument("b", self.right))
        name = f"{_WORDS[self.symbol]}_{self.left}_{self.right}"
        return Function(name, arguments, self.result, self.duckdb, "", "", self.examples, failed=self.failed, spark=self.spark)


_WORDS = {"+": "plus", "-": "minus", "*": "times"}
