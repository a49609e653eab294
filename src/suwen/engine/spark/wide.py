"""Numbers of 128 bits, which Spark has not: printed as their two halves of 64 bits.

A hash begins as an md5 read as a little-endian number of 128 bits (`md5_number`); what is done with it before it is cut to 63 bits (masks, shifts
by 64, XOR, a choice between two) can be done with each half. A half is a BIGINT whose sign is the highest bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine.spark.printer import Printer
from suwen.engine.sql import Tree

LOW, HIGH = 0, 1
_HALF = 2**64
_UINT128 = exp.DataType.Type.UINT128


def is_wide(node: Tree) -> bool:
    """Whether a node is a number of 128 bits."""
    if isinstance(node, exp.Paren):
        return is_wide(node.this)
    if isinstance(node, exp.Cast):
        return bool(node.args["to"].this is _UINT128)
    if isinstance(node, (exp.BitwiseAnd, exp.BitwiseXor)):
        return is_wide(node.this) or is_wide(node.args["expression"])
    if isinstance(node, exp.BitwiseRightShift):
        return is_wide(node.this)
    if isinstance(node, exp.Case):
        return node.args.get("default") is not None and is_wide(node.args["default"])
    return isinstance(node, exp.Anonymous) and (_named(node, "md5_number") or (_named(node, "xor") and any(map(is_wide, node.expressions))))


def _named(node: Tree, name: str) -> bool:
    return bool(node.name.lower() == name)


def narrowed(printer: Printer, cast: Tree) -> str:
    """`CAST(<wide> AS BIGINT)` or to fewer bits; what is cut has been masked to fit."""
    target = cast.args["to"].this
    if target is exp.DataType.Type.BIGINT:
        return _half(printer, cast.this, LOW)
    raise Defect(f"no Spark form of 128 bits as {target.value}")


def hexadecimal(printer: Printer, node: Tree) -> str:
    """`hex(<wide>)`: all 32 digits."""
    halves = [_half(printer, node, half) for half in (HIGH, LOW)]
    return f"concat({', '.join(f'''lpad(hex({half}), 16, '0')''' for half in halves)})"


def _half(printer: Printer, node: Tree, half: int) -> str:
    """One half of a wide number as a BIGINT."""
    form = _HALVES.get(type(node))
    if form is None:
        raise Defect(f"no Spark form of {type(node).__name__} of 128 bits")
    return form(printer, node, half)


def _cast(printer: Printer, node: Tree, half: int) -> str:
    """A constant, a wide number, or a BIGINT that is not negative made wide."""
    if isinstance(node.this, exp.Literal):
        return _constant(node.this, half)
    if is_wide(node.this):
        return _half(printer, node.this, half)
    return f"cast({printer.text(node.this)} AS BIGINT)" if half == LOW else "0L"


def _shifted(printer: Printer, node: Tree, half: int) -> str:
    if node.args["expression"].name != "64":
        raise Defect("no Spark form of 128 bits shifted by anything but 64")
    return _half(printer, node.this, HIGH) if half == LOW else "0L"


def _chosen(printer: Printer, node: Tree, half: int) -> str:
    whens = " ".join(f"WHEN {printer.text(branch.this)} THEN {_half(printer, branch.args['true'], half)}" for branch in node.args["ifs"])
    return f"(CASE {whens} ELSE {_half(printer, node.args['default'], half)} END)"


def _called(printer: Printer, node: Tree, half: int) -> str:
    if _named(node, "xor"):
        return f"({' ^ '.join(_half(printer, argument, half) for argument in node.expressions)})"
    return _md5_half(printer.text(node.expressions[0]), half)


def _joined(sign: str) -> Callable[[Printer, Tree, int], str]:
    return lambda printer, node, half: f"({_half(printer, node.this, half)} {sign} {_half(printer, node.args['expression'], half)})"


_HALVES: Mapping[type[Tree], Callable[[Printer, Tree, int], str]] = {
    exp.Paren: lambda printer, node, half: _half(printer, node.this, half),
    exp.Cast: _cast,
    exp.BitwiseAnd: _joined("&"),
    exp.BitwiseXor: _joined("^"),
    exp.BitwiseRightShift: _shifted,
    exp.Case: _chosen,
    exp.Anonymous: _called,
}


def _constant(node: Tree, half: int) -> str:
    number = int(node.name)
    value = number % _HALF if half == LOW else number // _HALF
    return f"{value if value < _HALF // 2 else value - _HALF}L"


def _md5_half(value: str, half: int) -> str:
    """Eight bytes of an md5 as a little-endian number: its 16 digits reversed have the bytes in order and the digits of each byte swapped."""
    digits = f"substr(md5(cast({value} AS BINARY)), {half * 16 + 1}, 16)"
    return f"({_swapped(f'cast(conv(reverse({digits}), 16, -10) AS BIGINT)')})"


def _swapped(number: str) -> str:
    """The two hexadecimal digits of each byte of a number changed for one another."""
    low = 0x0F0F0F0F0F0F0F0F
    return f"shiftleft({number} & {low}L, 4) | (shiftrightunsigned({number}, 4) & {low}L)"
