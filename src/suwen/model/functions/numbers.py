"""Functions that read and reckon numbers. Integers are 64 bits, numbers have 8 decimal places, money 4; all are exact.

Rounding is always half away from zero. What does not fit is null, and a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from suwen.model.functions.shape import Argument, Example, Function, Operator
from suwen.model.functions.texts import BLANK, TEXT, quoted, whole

_WIDE, _NARROW = "０１２３４５６７８９．，＋－＜＞＝≦≧≤≥ｅＥ", "0123456789.,+-<>=≤≥≤≥eE"
_CLEAN = f"case when strlen($1) = length($1) then $1 else translate($1, {quoted(_WIDE)}, {quoted(_NARROW)}) end"
_WHOLE = "(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)"
_AMOUNT = f"[+-]?(?:{_WHOLE}\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]{{1,2}})?"
_COMPARATOR = "<=|>=|=<|=>|<|>|=|≤|≥"
_B = f"[{BLANK}]*"


def _found(inside: str) -> str:
    """The first group of the pattern in text made half-width; "" where the whole text does not match."""
    return f"regexp_extract({_CLEAN}, {quoted(f'^{_B}{inside}{_B}$')}, 1)"


def _fast(type_: str) -> str:
    """Plain ASCII numbers by the engine's own cast, which is right once underscores and exponents are kept from it."""
    return f"try_cast(replace(replace(replace($1, '_', '?'), 'e', '?'), 'E', '?') as {type_})"


def _slow(inside: str, type_: str) -> str:
    return f"try_cast(replace({_found(inside)}, ',', '') as {type_})"


# The same for Spark. Java tries other ways where a text does not match: what was taken is kept (++), or a long text would cost its square.
_S_CLEAN = f"case when octet_length($1) = length($1) then $1 else translate($1, {quoted(_WIDE)}, {quoted(_NARROW)}) end"
_S_WHOLE = "(?:[0-9]{1,3}(?:,[0-9]{3})++|[0-9]++)"
_S_AMOUNT = f"[+-]?(?:{_S_WHOLE}\\.?[0-9]*+|\\.[0-9]++)(?:[eE][+-]?[0-9]{{1,2}})?"


def _s_found(inside: str) -> str:
    return f"regexp_extract({_S_CLEAN}, {quoted(whole(inside))}, 1)"


def _s_read(inside: str, type_: str) -> str:
    return f"try_cast(replace({_s_found(inside)}, ',', '') as {type_})"


_NUMBER_TYPE, _MONEY_TYPE = "decimal(24, 8)", "decimal(18, 4)"
_COMPARED = _slow(f"(?:(?:{_COMPARATOR}){_B})?({_AMOUNT})", _NUMBER_TYPE)
_PREFIX = _found(f"({_COMPARATOR}){_B}{_AMOUNT}")
_SPOKEN = f"replace(replace(replace(replace({_PREFIX}, '=<', '<='), '=>', '>='), '≤', '<='), '≥', '>=')"
_S_COMPARED = _s_read(f"(?:(?:{_COMPARATOR}){_B})?({_S_AMOUNT})", _NUMBER_TYPE)
_S_PREFIX = _s_found(f"({_COMPARATOR}){_B}{_S_AMOUNT}")
_S_SPOKEN = f"replace(replace(replace(replace({_S_PREFIX}, '=<', '<='), '=>', '>='), '≤', '<='), '≥', '>=')"
_S_COMPARATOR = f"case when {_S_COMPARED} is not null then coalesce(nullif({_S_SPOKEN}, ''), '=') end"
_A, _B2, _X = Argument("a", "number"), Argument("b", "number"), Argument("x", "numeric")
_TOP, _MONEY_TOP = Decimal("9999999999999999.99999999"), Decimal("99999999999999.9999")
_A8, _B8 = "cast($1 * 100000000 as hugeint)", "cast($2 * 100000000 as hugeint)"


def _spark_quotient() -> str:
    """(2a + b) // 2b of whole numbers, as above: Spark divides decimals to a place that their types choose, so what is left over is taken off before."""
    a, b = (f"cast(abs({one}) * 100000000 as decimal(24, 0))" for one in ("$1", "$2"))
    twice = f"({a} * 100000000 * 2 + {b})"
    exact = f"try_divide({twice} - {twice} % ({b} * 2), {b} * 2)"
    signed = f"case when ($1 < 0) = ($2 < 0) then {exact} else -{exact} end"
    return f"case when $2 <> 0 then try_cast(try_cast({signed} as decimal(24, 0)) * 0.00000001 as decimal(24, 8)) end"


NUMBERS = (
    Function(
        "integer",
        (TEXT,),
        "integer",
        f"coalesce(try_cast(regexp_extract($1, {quoted(f'^{_B}([+-]?[0-9]+){_B}$')}, 1) as bigint), {_slow(f'([+-]?{_WHOLE})', 'bigint')})",
        "A whole number written in text; thousands separators and full-width digits are understood, a fraction is not.",
        "文本中的整数；可含千分位与全角数字，不接受小数。",
        (
            Example((" 1,234 ",), 1234),
            Example(("-７",), -7),
            Example(("2.7",), None, "engines' casts give 3 or null"),
            Example(("1e3",), None),
            Example(("0x10",), None),
            Example(("9223372036854775807",), 9223372036854775807),
            Example(("9223372036854775808",), None),
            Example(("12,34",), None),
            Example(("",), None),
            Example((None,), None),
        ),
        reads=True,
        spark=_s_read(f"([+-]?{_S_WHOLE})", "bigint"),
    ),
    Function(
        "number",
        (TEXT,),
        "number",
        f"coalesce({_fast(_NUMBER_TYPE)}, {_COMPARED})",
        "A number written in text, after a comparator if there is one; rounded half up to 8 places; null where there is none.",
        "文本中的数（可带比较符前缀）；四舍五入到 8 位小数；不是数则为 null。",
        (
            Example(("<0.5",), Decimal("0.5")),
            Example(("≥ 1,000.5",), Decimal("1000.5")),
            Example(("＜０．５",), Decimal("0.5")),
            Example((".5",), Decimal("0.5")),
            Example(("5.",), Decimal(5)),
            Example(("1.5e3",), Decimal(1500)),
            Example(("0.000000005",), Decimal("0.00000001")),
            Example(("-0.000000005",), Decimal("-0.00000001")),
            Example(("positive",), None),
            Example(("1-2",), None),
            Example(("9999999999999999.99999999",), _TOP),
            Example(("10000000000000000",), None),
            Example(("inf",), None),
            Example(("1_000",), None),
            Example(("",), None),
            Example((None,), None),
        ),
        reads=True,
        spark=_S_COMPARED,
    ),
    Function(
        "money",
        (TEXT,),
        "money",
        f"coalesce({_fast(_MONEY_TYPE)}, {_slow(f'({_AMOUNT})', _MONEY_TYPE)})",
        "An amount of money written in text, rounded half up to 4 places; no comparator, no currency sign.",
        "文本中的金额，四舍五入到 4 位小数；不接受比较符与货币符号。",
        (
            Example(("1,234.56",), Decimal("1234.56")),
            Example(("-0.00005",), Decimal("-0.0001")),
            Example(("<5",), None),
            Example(("99999999999999.9999",), _MONEY_TOP),
            Example(("100000000000000",), None),
            Example(("",), None),
            Example((None,), None),
        ),
        reads=True,
        spark=_s_read(f"({_S_AMOUNT})", _MONEY_TYPE),
    ),
    Function(
        "comparator",
        (TEXT,),
        "text",
        f"case when {_fast(_NUMBER_TYPE)} is not null then '=' when {_COMPARED} is not null then coalesce(nullif({_SPOKEN}, ''), '=') end",
        "The comparator before a number: < <= = >= or >; = when there is none, null where `number` finds no number.",
        "数值前的比较符：< <= = >= >；没有则为 =，不是数则为 null。",
        (
            Example(("<0.5",), "<"),
            Example(("≤ 3",), "<="),
            Example(("＞＝３",), ">="),
            Example(("3",), "="),
            Example(("=3",), "="),
            Example(("<low",), None),
            Example((None,), None),
        ),
        spark=_S_COMPARATOR,
    ),
    Function(
        "comparator_concept",
        (TEXT,),
        "integer",
        "cast(list_extract([4171756, 4171754, 4172703, 4172704, 4171755], list_position(['<', '<=', '=', '>', '>='], our_comparator($1))) as bigint)",
        "The OMOP operator concept of the comparator before a number.",
        "数值前比较符对应的 OMOP 运算符概念。",
        (
            Example(("<0.5",), 4171756),
            Example(("<=1",), 4171754),
            Example((">1",), 4172704),
            Example(("≥1",), 4171755),
            Example(("1",), 4172703),
            Example(("x",), None),
            Example((None,), None),
        ),
        spark=f"cast(try_element_at(map('<', 4171756, '<=', 4171754, '=', 4172703, '>', 4172704, '>=', 4171755), {_S_COMPARATOR}) as bigint)",
    ),
    Function(
        "divide",
        (_A, _B2),
        "number",
        f"case when $2 <> 0 and abs({_A8}) // 10000000000000000 < abs({_B8}) then "
        f"cast(try_cast(sign($1) * sign($2) * ((2 * abs({_A8}) * 100000000 + abs({_B8})) // (2 * abs({_B8})))"
        " as decimal(24, 0)) * 0.00000001 as decimal(24, 8)) end",
        "a / b, exact, rounded half up to 8 places; null when b is 0.",
        "a / b，精确，四舍五入到 8 位小数；b 为 0 时为 null。",
        (
            Example((Decimal(1), Decimal(3)), Decimal("0.33333333")),
            Example((2, 3), Decimal("0.66666667")),
            Example((-2, 3), Decimal("-0.66666667")),
            Example((1, 0), None, "1/0 is inf or an error elsewhere"),
            Example((0, 5), Decimal(0)),
            Example((_TOP, Decimal("0.5")), None),
            Example((_TOP, Decimal(1)), _TOP),
            Example((None, 1), None),
            Example((1, None), None),
        ),
        failed="$result is null and $1 is not null and $2 is not null and $2 <> 0",
        spark=_spark_quotient(),
    ),
    Function(
        "integer_divide",
        (Argument("a", "integer"), Argument("b", "integer")),
        "integer",
        "case when $2 <> 0 then try_cast(cast($1 as hugeint) // cast($2 as hugeint) as bigint) end",
        "How many whole times b goes into a, cut towards zero; null when b is 0.",
        "整除，向零取整；b 为 0 时为 null。",
        (Example((7, 2), 3), Example((-7, 2), -3), Example((7, 0), None), Example((-9223372036854775808, -1), None), Example((None, 1), None)),
        failed="$result is null and $1 is not null and $2 is not null and $2 <> 0",
        spark="case when $2 = -1 then try_subtract(cast(0 as bigint), $1) when $2 <> 0 then $1 div $2 end",
    ),
    Function(
        "remainder",
        (Argument("a", "integer"), Argument("b", "integer")),
        "integer",
        "case when $2 <> 0 then cast(cast($1 as hugeint) % cast($2 as hugeint) as bigint) end",
        "What integer_divide leaves, with the sign of a; null when b is 0.",
        "整除余数，符号随 a；b 为 0 时为 null。",
        (Example((7, 2), 1), Example((-7, 2), -1), Example((7, 0), None), Example((-9223372036854775808, -1), 0), Example((None, 1), None)),
        spark="case when $2 <> 0 then $1 % $2 end",
    ),
    Function(
        "round_half_up",
        (Argument("x", "number"), Argument("places", "integer", literal=True, low=0, high=8)),
        "number",
        "try_cast(round($1, $2) as decimal(24, 8))",
        "Rounded half away from zero to so many places.",
        "按“远离零”的四舍五入保留若干位小数。",
        (
            Example((Decimal("0.285"), 2), Decimal("0.29"), "round(0.285, 2) on doubles is 0.28 or 0.29"),
            Example((Decimal("2.5"), 0), Decimal(3)),
            Example((Decimal("-2.5"), 0), Decimal(-3)),
            Example((Decimal("1.23456789"), 8), Decimal("1.23456789")),
            Example((_TOP, 0), None),
            Example((None, 0), None),
        ),
        failed="$result is null and $1 is not null",
    ),
    Function(
        "round_to_integer",
        (Argument("x", "number"),),
        "integer",
        "cast($1 as bigint)",
        "The nearest whole number, half away from zero.",
        "最接近的整数，五入时远离零。",
        (
            Example((Decimal("2.5"),), 3, "cast(2.5 as int) is 2 or 3"),
            Example((Decimal("-2.5"),), -3),
            Example((_TOP,), 10_000_000_000_000_000),
            Example((None,), None),
        ),
        spark="cast(round($1, 0) as bigint)",
    ),
    Function(
        "absolute",
        (_X,),
        "numeric",
        "try(abs($1))",
        "Without its sign.",
        "绝对值；最小的 64 位整数没有绝对值，为 null。",
        (Example((-3,), 3), Example((Decimal("-1.5"),), Decimal("1.5")), Example((0,), 0), Example((-9223372036854775808,), None), Example((None,), None)),
        failed="$result is null and $1 is not null",
        spark="case when $1 >= -9223372036854775807 then abs($1) end",
    ),
)

_INTEGERS = "try_cast(cast($1 as hugeint) {} cast($2 as hugeint) as bigint)"
_FAILED = "$result is null and $1 is not null and $2 is not null"
_EXAMPLES = {
    "+": (Example((1, 2), 3), Example((None, 2), None), Example((1, None), None)),
    "-": (Example((1, 2), -1), Example((None, 2), None), Example((1, None), None)),
    "*": (Example((3, 2), 6), Example((None, 2), None), Example((1, None), None)),
}
_BIG = 9223372036854775807


def _operator(symbol: str, left: str, right: str, result: str, duckdb: str, *examples: Example, spark: str = "") -> Operator:
    return Operator(symbol, left, right, result, duckdb, _EXAMPLES[symbol] + examples, failed=_FAILED, spark=spark)


def _spark_product() -> str:
    """Two numbers multiplied exactly and rounded once: Spark's own product of these types has 6 places, so large ones are multiplied in parts."""
    small = "cast($1 as decimal(18, 8)) * cast($2 as decimal(18, 8))"
    (a, a8), (b, b8) = ((f"cast({one} - {one} % 1 as decimal(16, 0))", f"cast({one} % 1 as decimal(8, 8))") for one in ("$1", "$2"))
    large = f"try_cast({a} * {b} as decimal(34, 16)) + {a} * {b8} + {a8} * {b} + {a8} * {b8}"
    return f"case when abs($1) < 10000000000 and abs($2) < 10000000000 then try_cast({small} as decimal(24, 8)) else try_cast({large} as decimal(24, 8)) end"


OPERATORS = (
    _operator("+", "integer", "integer", "integer", _INTEGERS.format("+"), Example((_BIG, 1), None), spark="try_add($1, $2)"),
    _operator("-", "integer", "integer", "integer", _INTEGERS.format("-"), Example((-_BIG, 2), None), spark="try_subtract($1, $2)"),
    _operator("*", "integer", "integer", "integer", _INTEGERS.format("*"), Example((_BIG, 2), None), spark="try_multiply($1, $2)"),
    _operator("+", "money", "money", "money", "try_cast($1 + $2 as decimal(18, 4))", Example((_MONEY_TOP, Decimal("0.0001")), None)),
    _operator("-", "money", "money", "money", "try_cast($1 - $2 as decimal(18, 4))", Example((-_MONEY_TOP, Decimal("0.0001")), None)),
    _operator(
        "*",
        "money",
        "integer",
        "money",
        "try_cast(try($1 * cast($2 as decimal(19, 0))) as decimal(18, 4))",
        Example((_MONEY_TOP, 2), None),
        Example((_MONEY_TOP, _BIG), None),
        spark="try_cast($1 * cast($2 as decimal(19, 0)) as decimal(18, 4))",
    ),
    _operator(
        "*",
        "integer",
        "money",
        "money",
        "try_cast(try(cast($1 as decimal(19, 0)) * $2) as decimal(18, 4))",
        Example((2, _MONEY_TOP), None),
        spark="try_cast(cast($1 as decimal(19, 0)) * $2 as decimal(18, 4))",
    ),
    _operator(
        "+",
        "number",
        "number",
        "number",
        "try_cast($1 + $2 as decimal(24, 8))",
        Example((_TOP, Decimal("0.00000001")), None),
        Example((Decimal("0.1"), Decimal("0.2")), Decimal("0.3")),
    ),
    _operator("-", "number", "number", "number", "try_cast($1 - $2 as decimal(24, 8))", Example((-_TOP, Decimal("0.00000001")), None)),
    _operator(
        "*",
        "number",
        "number",
        "number",
        "try_cast(try($1 * $2) as decimal(24, 8))",
        Example((_TOP, Decimal(2)), None),
        Example((_TOP, _TOP), None),
        Example((Decimal("0.00000005"), Decimal("0.1")), Decimal("0.00000001")),
        Example((Decimal("1.5"), Decimal("-1.5")), Decimal("-2.25")),
        Example((Decimal("9876543210987654.12345678"), Decimal("0.98765432")), Decimal("9754610568998628.06169790")),
        spark=_spark_product(),
    ),
)
"""Each operator takes the first line whose types its sides are, or become by widening."""


def _widening(wanted: str, type_: str, *examples: Example) -> Function:
    return Function(
        f"{wanted}_from_integer",
        (Argument("x", "integer"),),
        wanted,
        f"try_cast($1 as {type_})",
        f"A whole number where {wanted} is wanted; null where it has too many digits.",
        "整数用作小数；位数过多时为 null。",
        (Example((1,), Decimal(1)), Example((-_BIG,), None), Example((None,), None), *examples),
        failed="$result is null and $1 is not null",
    )


WIDENINGS: Mapping[str, Function] = MappingProxyType(
    {
        "money": _widening("money", _MONEY_TYPE, Example((99_999_999_999_999,), Decimal(99_999_999_999_999)), Example((100_000_000_000_000,), None)),
        "number": _widening("number", _NUMBER_TYPE, Example((-9_999_999_999_999_999,), Decimal(-9_999_999_999_999_999)), Example((10**16,), None)),
    }
)
"""How a whole number becomes money or a number by itself, by the type it becomes; money always fits into a number."""
