"""The types of the pack language: what becomes what, and nothing by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from suwen.engine import sql
from suwen.engine.forms import call, substitute
from suwen.engine.sql import Tree
from suwen.model.cdm import Type
from suwen.model.functions import DUCKDB_TYPES, WIDENINGS, WIDER

NULL = "null"
"""The type of a bare NULL, which fits everywhere."""

# The language's type of a stored column.
LANGUAGE_TYPES: Mapping[Type, str] = {
    Type.BIGINT: "integer",
    Type.INTEGER: "integer",
    Type.DATE: "date",
    Type.TIMESTAMP: "time",
    Type.VARCHAR: "text",
    Type.BOOLEAN: "boolean",
    Type.MONEY: "money",
    Type.AMOUNT: "number",
}


@dataclass(frozen=True)
class Read:
    """A place where text is read as a value, or a result may be too large: the condition of a finding.

    `function` is the function (or operator) that fails, `columns` the source columns its arguments use.
    """

    function: str
    columns: frozenset[str]
    condition: Callable[[], Tree]

    @property
    def failed(self) -> Tree:
        """A new tree, true for a row whose text is not blank and could not be read (or whose operands gave no result)."""
        return self.condition()

    def guarded(self, guard: Callable[[Tree], Tree]) -> Read:
        """The same read with its condition narrowed by `guard`."""
        return Read(self.function, self.columns, lambda: guard(self.condition()))


@dataclass(frozen=True)
class Typed:
    """A compiled piece: its tree, its type, the source columns it uses, and its reads."""

    tree: Tree
    type: str
    columns: frozenset[str] = frozenset()
    reads: tuple[Read, ...] = ()


def fits(found: str, wanted: str) -> bool:
    """Whether a value of one type may stand where another is wanted."""
    return found in (wanted, NULL) or wanted in WIDER.get(found, ())


def common(types: Iterable[str]) -> str | None:
    """The narrowest type all fit into; NULL when all are null, None when there is none."""
    found = {t for t in types if t != NULL}
    if not found:
        return NULL
    return next((t for t in ("text", "boolean", "date", "time", "integer", "money", "number") if all(fits(f, t) for f in found)), None)


def widened(piece: Typed, wanted: str) -> Typed:
    """The piece as the wanted type, which it must fit; a whole number with too many digits for it becomes null, and is read as such."""
    if piece.type == wanted:
        return piece
    if piece.type != "integer":
        return replace(piece, tree=sql.typed(piece.tree, DUCKDB_TYPES[wanted]), type=wanted)
    widening = WIDENINGS[wanted]
    tree = call(widening.name, [piece.tree])
    read = Read(widening.name, piece.columns, lambda: substitute(widening.failure, [piece.tree], {"result": tree}))
    return Typed(tree, wanted, piece.columns, (*piece.reads, read) if piece.columns else piece.reads)


@dataclass(frozen=True)
class Literal:
    """A literal as written: a text, or the digits of a number with its sign."""

    value: str
    is_text: bool


def literal(node: Tree) -> Literal | None:
    """The literal a node is, a negative number with its sign, else None."""
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        return Literal("-" + node.this.name, False)
    return Literal(node.name, bool(node.is_string)) if isinstance(node, exp.Literal) else None


def literal_type(value: Literal) -> str | None:
    """The type of a literal; None for a number that no type holds exactly."""
    if value.is_text:
        return "text"
    if "." not in value.value:
        short = len(value.value) < 1_000  # Python reads no number of thousands of digits
        return "integer" if short and -(2**63) <= int(value.value) < 2**63 else None
    whole, places = value.value.removeprefix("-").split(".")
    return "number" if len(whole.lstrip("0")) <= 16 and len(places.rstrip("0")) <= 8 else None


def plain(value: Literal) -> Tree:
    """A literal as a node, a number as the engine types it."""
    if value.is_text:
        return sql.text(value.value)
    digits: Tree = exp.Literal.number(value.value.removeprefix("-"))
    return exp.Neg(this=digits) if value.value.startswith("-") else digits


def constant(value: Literal, type_: str) -> Tree:
    """A literal as a node of exactly its type."""
    return plain(value) if value.is_text else sql.typed(plain(value), DUCKDB_TYPES[type_])
