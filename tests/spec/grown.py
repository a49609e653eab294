"""Expressions of the pack language grown at random, and values to work them out over: what engines are compared on.

Everything comes from a seed. A type's production is drawn from columns, literals, operators, choices and every function that gives it; texts,
numbers and days are drawn from pools in which boundaries are frequent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from suwen.model.functions import FUNCTIONS, OPERATORS, TYPES, VARIABLES, Function, Value
from tests.spec.evaluation import Column

COLUMNS = 3  # of each type
_NARROWER = {"number": ("integer", "money"), "money": ("integer",)}
_CHARACTERS = "abcXYZ019 ,.-+/:%_'\"\\|<>=eETZ\t\n\r\0\u0085\u00a0\u2028\u3000\ufeff患者㛃😀𠮷éßŉİΣσςﬁǆĲſＡａ９０．＜年月日时分秒$\u0301"
_PARTS = ("", "a", "I21", ".0", "%", "_", "'", "\\", "\\d", "$1", "${user}", "患者", "\u3000", "😀", "|", "1", "0", "-", "[", "(?i)", "\n", "--", "/*")
_WRITTEN = (
    "2023-01-05", "2024-02-29", "2023-02-29", "1850-01-01", "1849-12-31", "2200-12-31", "2201-01-01", "20230105", "2023-1-5", "2023/1/5", "2023.12.31",
    "2023年1月5日", "2/29/2024", "29/2/2024", "12/31/1999", "31/12/1999", "1900-02-29", "2000-02-29", "0000-00-00", "2023-00-10", "2023-13-01",
    "2023-01-05T10:11:12", "2023-01-05 10:11", "2023-01-05 10:11:12.123456789", "2023-01-05 10:11:12.5", "2023-01-05 24:00:00", "2023-01-05 23:59:60",
    "20230105101112", "202301051011", "20230105 9:05", "20230105 09:05:06", "2023-1-5 9:05", "2023/1/5 23:59:59", "2023年1月5日 9时05分", "2023年1月5日9:05:06",
    "2023年12月31日 23时59分59秒", "1/5/2023 9:05", "1/5/2023 12:05 AM", "1/5/2023 12:05:06 PM", "12/31/2022 11:59 PM", "5/1/2023 0:00",
    "2023-01-05T02:11:12Z", "2023-01-05 10:11:12.999999999+08:00", "2023-01-04T21:11-0500", "2023-03-12T07:30:00Z", "2023-11-05T06:30Z", "1988-07-01T00:00Z",
    "1850-01-01T00:00:00+14:59", "2200-12-31T23:59:59-14:00", "1900-12-31T15:54:17Z", "2100-07-01T12:00:00Z", "20230105101112+0800", "202301050211-0000",
    "20230105101112.123456789-1459", "20230105101112+1500", "11010519491231002X", "11010519491231002x", "440524188001010014", "110105194902300020",
    "11010519491231002Ｘ", "<0.5", "≥ 1,000.5", "＜０．５", ">= -3.25e2", "=<7", "1,234.56", "12,34", "1,2345",
    ".5", "5.", "-.5", "+5", "1e3", "1E-8", "5e-9", "0e99",
    "1e99", "-1e-99", "0.000000005", "-0.000000005", "0.000000004999999999", "9999999999999999.99999999", "9999999999999999.999999995", "10000000000000000",
    "99999999999999.99995",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "007", "１２３", "0x10", "1_000", "inf", "NaN", "1-2", "--1", "Y", "N", "是",
    "男", "null", "true", "I21.0", "a|b||d", "ΟΔΟΣ", "straße", "ŉ", "İstanbul", "ǆ", "DŽ", "𐐨", "Ⴀ", "ᲀ", "ꙋ",
)  # fmt: skip
_LITERALS: Mapping[tuple[str, int], Sequence[object]] = {
    ("boolean", 1): ("Y|1|是|true", "a", "", "1|"), ("boolean", 2): ("N|0|否", "b|", "|"),
    ("substring", 1): (1, 2, 3, 7, 100_000), ("substring", 2): (0, 1, 2, 4, 100_000), ("left", 1): (0, 1, 3, 100), ("right", 1): (0, 1, 3, 100),
    ("split_part", 1): ("|", ".", "-", " ", "年", "||", "\\", "ab", "'"), ("split_part", 2): (1, 2, 3, 10_000),
    ("replace", 1): ("", "-", "a", "\\", "'", "😀", "aa", "\u3000"), ("replace", 2): ("", "x", "\\", "$1", "\\1", "患", "aa"),
    ("pad_left", 1): (1, 3, 18), ("pad_left", 2): ("0", "ab", "患", "\\"), ("round_half_up", 1): tuple(range(9)),
}  # fmt: skip


@dataclass(frozen=True)
class Grown:
    """An expression with its type, and those it is made of."""

    text: str
    type: str
    parts: tuple[Grown, ...] = ()

    def all(self) -> list[Grown]:
        """Itself and whatever is in it."""
        return [self, *(one for part in self.parts for one in part.all())]


def name_of(type_: str, at: int) -> str:
    return f"{type_}{at}"


TYPES_OF_COLUMNS = {name_of(type_, at): type_ for type_ in TYPES for at in range(COLUMNS)}


class Grower:
    """Grows expressions of any type."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def grow(self, type_: str, depth: int) -> Grown:
        """An expression of a type, or of one that becomes it by itself; at most so many calls and operators within one another."""
        if depth <= 0 or self._dice.random() < 0.1:
            return self._leaf(type_)
        if type_ in _NARROWER and self._dice.random() < 0.15:
            narrower = self._dice.choice(_NARROWER[type_])
            return self.grow(narrower, depth)
        return self._dice.choice(self._ways(type_))(type_, depth - 1)

    def _ways(self, type_: str) -> list[Callable[[str, int], Grown]]:
        ways: list[Callable[[str, int], Grown]] = [self._choice, *[self._call] * 8]
        if type_ == "boolean":
            ways += [self._compared, self._compared, self._joined, self._not, self._within, self._between, self._is_null]
        if type_ == "text":
            ways += [self._texts_joined]
        if type_ in ("integer", "money", "number"):
            ways += [self._operation, self._operation, self._operation]
        return ways

    def _leaf(self, type_: str) -> Grown:
        if self._dice.random() < 0.75 or type_ in ("date", "time", "money"):
            return Grown(name_of(type_, self._dice.randrange(COLUMNS)), type_)
        return Grown(self._literal(type_), type_)

    def _literal(self, type_: str) -> str:
        if type_ == "boolean":
            return self._dice.choice(["true", "false"])
        if type_ == "text":
            return _quoted(self._dice.choice((*_PARTS, *_WRITTEN)))
        if type_ == "integer":
            return str(self._dice.choice((0, 1, -1, 2, 7, 366, 10**9, 2**63 - 1, -(2**63) + 1)))
        return self._dice.choice(("0.5", "-0.5", "1.00000001", "9999999999999999.99999999", "0.00000005", "-2.5", "1000000.25", "100.0"))

    def _call(self, type_: str, depth: int) -> Grown:
        function = self._dice.choice([f for f in FUNCTIONS.values() if f.result == type_ or type_ in VARIABLES.get(f.result, ())])
        count = len(function.arguments) + (self._dice.randrange(3) if function.many else 0)
        variable = type_ if function.result in VARIABLES else self._dice.choice(TYPES)
        parts = [self._argument(function, at, variable, depth) for at in range(count)]
        text = f"{function.name}({', '.join(p if isinstance(p, str) else p.text for p in parts)})"
        return Grown(text, type_, tuple(p for p in parts if isinstance(p, Grown)))

    def _argument(self, function: Function, at: int, variable: str, depth: int) -> Grown | str:
        declared = function.arguments[min(at, len(function.arguments) - 1)]
        if declared.literal:
            pool = tuple(function.forms) if function.forms and at == len(function.arguments) - 1 else _LITERALS[function.name, at]
            value = self._dice.choice(pool)
            return _spelled(value)
        return self.grow(variable if declared.type in VARIABLES else declared.type, depth)

    def _operation(self, type_: str, depth: int) -> Grown:
        one = self._dice.choice([o for o in OPERATORS if o.result == type_])
        left, right = (Grown(f"({part.text})", part.type, (part,)) for part in (self.grow(one.left, depth), self.grow(one.right, depth)))
        return Grown(f"{left.text} {one.symbol} {right.text}", type_, (left, right))

    def _texts_joined(self, type_: str, depth: int) -> Grown:
        left, right = self.grow("text", depth), self.grow("text", depth)
        return Grown(f"({left.text}) || ({right.text})", type_, (left, right))

    def _choice(self, type_: str, depth: int) -> Grown:
        branches = [(self.grow("boolean", depth - 1), self.grow(type_, depth)) for _ in range(self._dice.randint(1, 2))]
        default = self.grow(type_, depth) if self._dice.random() < 0.6 else None
        whens = " ".join(f"when {condition.text} then {value.text}" for condition, value in branches)
        parts = [part for branch in branches for part in branch] + ([default] if default else [])
        return Grown(f"case {whens}{f' else {default.text}' if default else ''} end", type_, tuple(parts))

    def _compared(self, type_: str, depth: int) -> Grown:
        of = self._dice.choice(TYPES)
        left, right = self.grow(of, depth), self.grow(of, depth)
        return Grown(f"({left.text}) {self._dice.choice(('=', '<>', '<', '<=', '>', '>='))} ({right.text})", type_, (left, right))

    def _joined(self, type_: str, depth: int) -> Grown:
        left, right = self.grow("boolean", depth), self.grow("boolean", depth)
        return Grown(f"({left.text}) {self._dice.choice(('and', 'or'))} ({right.text})", type_, (left, right))

    def _not(self, type_: str, depth: int) -> Grown:
        inner = self.grow("boolean", depth)
        return Grown(f"not ({inner.text})", type_, (inner,))

    def _is_null(self, type_: str, depth: int) -> Grown:
        inner = self.grow(self._dice.choice(TYPES), depth)
        return Grown(f"({inner.text}) is {self._dice.choice(('', 'not '))}null", type_, (inner,))

    def _within(self, type_: str, depth: int) -> Grown:
        of = self._dice.choice(("text", "integer", "number"))
        inner = self.grow(of, depth)
        listed = ", ".join(self._literal(of) for _ in range(self._dice.randint(1, 4)))
        return Grown(f"({inner.text}) {self._dice.choice(('', 'not '))}in ({listed})", type_, (inner,))

    def _between(self, type_: str, depth: int) -> Grown:
        of = self._dice.choice(("text", "integer", "number", "money", "date", "time"))
        parts = tuple(self.grow(of, depth) for _ in range(3))
        return Grown(f"({parts[0].text}) {self._dice.choice(('', 'not '))}between ({parts[1].text}) and ({parts[2].text})", type_, parts)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _spelled(value: object) -> str:
    return _quoted(value) if isinstance(value, str) else str(value)


def values(dice: random.Random, type_: str) -> Value:
    """A value of a type: ordinary, at a boundary, or null."""
    return None if dice.random() < 0.12 else _POOLS[type_](dice)


def columns(dice: random.Random, rows: int) -> dict[str, Column]:
    """Every column that expressions name, of so many rows."""
    return {name: Column(type_, [values(dice, type_) for _ in range(rows)]) for name, type_ in TYPES_OF_COLUMNS.items()}


def _text(dice: random.Random) -> str:
    way = dice.random()
    if way < 0.45:
        return dice.choice(_WRITTEN)
    if way < 0.75:
        return _changed(dice, dice.choice(_WRITTEN))
    if way < 0.8:
        return chr(dice.choice([c for c in (dice.randrange(1, 0xD800), dice.randrange(0xE000, 0x110000))])) + dice.choice(_PARTS)
    return "".join(dice.choice(_CHARACTERS) for _ in range(dice.choice((0, 1, 2, 5, 20))))


def _changed(dice: random.Random, text: str) -> str:
    """A text with up to two small changes."""
    letters = list(text)
    for _ in range(dice.randint(1, 2)):
        at = dice.randrange(len(letters) + 1)
        if letters and dice.random() < 0.4:
            del letters[min(at, len(letters) - 1)]
        else:
            letters.insert(at, dice.choice(_CHARACTERS))
    return "".join(letters)


def _integer(dice: random.Random) -> int:
    bits = dice.choice((1, 4, 8, 20, 31, 40, 62, 63))
    return dice.choice((dice.randint(-(2**bits), 2**bits - 1), 0, 2**63 - 1, -(2**63), 10**16, 10**14, -1))


def _decimal(dice: random.Random, width: int, scale: int) -> Decimal:
    digits = dice.choice((1, 3, scale, scale + 2, scale + 6, width - 1, width))
    most = 10**digits - 1
    return Decimal(dice.choice((dice.randint(-most, most), most, -most, 5, 1, 10 ** (digits - 1), 0))).scaleb(-scale)


def _day(dice: random.Random) -> date:
    first, last = date(1850, 1, 1), date(2200, 12, 31)
    edges = (first, last, date(2020, 2, 29), date(2021, 2, 28), date(2021, 3, 1), date(2022, 12, 31), date(2023, 1, 1), date(1900, 2, 28), date(2000, 2, 29))
    near = date(2021, 1, 1) + timedelta(dice.randint(-800, 800))
    return dice.choice((*edges, near, near, near, first + timedelta(dice.randint(0, (last - first).days))))


def _time(dice: random.Random) -> datetime:
    moment = timedelta(microseconds=dice.choice((0, 1, dice.randrange(86_400 * 10**6), 86_400 * 10**6 - 1, dice.randrange(86_400) * 10**6)))
    return datetime.combine(_day(dice), datetime.min.time()) + moment


_POOLS: Mapping[str, Callable[[random.Random], Value]] = {
    "text": _text,
    "integer": _integer,
    "number": lambda dice: _decimal(dice, 24, 8),
    "money": lambda dice: _decimal(dice, 18, 4),
    "date": _day,
    "time": _time,
    "boolean": lambda dice: dice.random() < 0.5,
}


def plain_calls() -> list[Grown]:
    """Every function in every form and with every literal of its pool over columns, and every operator."""
    found = []
    for function in FUNCTIONS.values():
        literals = [_pool(function, at) for at in function.literal_arguments]
        for drawn in range(max([1, *map(len, literals)])):
            for type_ in {t for a in function.arguments for t in VARIABLES.get(a.type, ())} or {""}:
                written = {at: pool[drawn % len(pool)] for at, pool in zip(function.literal_arguments, literals, strict=True)}
                given = [
                    _spelled(written[at]) if at in written else name_of(type_ if a.type in VARIABLES else a.type, at) for at, a in enumerate(function.arguments)
                ]
                found.append(Grown(f"{function.name}({', '.join(given)})", type_ if function.result in VARIABLES else function.result))
    found += [Grown(f"{o.left}0 {o.symbol} {o.right}1", o.result) for o in OPERATORS]
    return found


def _pool(function: Function, at: int) -> Sequence[object]:
    return tuple(function.forms) if function.forms and at == len(function.arguments) - 1 else _LITERALS[function.name, at]
