"""Functions that choose, compare and decide."""

from __future__ import annotations

from decimal import Decimal

from suwen.model.functions.shape import Argument, Example, Function
from suwen.model.functions.texts import TEXT, spark_trimmed

_TRIMMED = spark_trimmed("$1")
_A, _B = Argument("a", "any"), Argument("b", "any")

LOGIC = (
    Function(
        "coalesce",
        (_A,),
        "any",
        "coalesce($args)",
        "The first that is not null.",
        "第一个非 null 的值。",
        (Example((None, "b", "c"), "b"), Example((None, None), None), Example((Decimal("1.5"), 2), Decimal("1.5"))),
        nulls="null only when all are",
        many=True,
    ),
    Function(
        "null_if",
        (_A, _B),
        "any",
        "nullif($1, $2)",
        "`a`, or null where it equals `b`.",
        "a；等于 b 时为 null。",
        (Example(("9", "9"), None), Example(("9", "8"), "9"), Example((None, "9"), None), Example(("9", None), "9")),
        nulls="a null b changes nothing",
    ),
    Function(
        "same",
        (_A, _B),
        "boolean",
        "$1 is not distinct from $2",
        "Equal, or both null.",
        "相等，或均为 null。",
        (Example((None, None), True), Example(("a", None), False), Example(("a", "a"), True), Example(("a", "b"), False)),
        nulls="never null",
    ),
    Function(
        "minimum",
        (_A, _B),
        "any",
        "case when $1 <= $2 then $1 when $2 < $1 then $2 end",
        "The smaller of two.",
        "两者中较小者。",
        (
            Example((1, 2), 1),
            Example((Decimal("-1.5"), Decimal("-2.5")), Decimal("-2.5")),
            Example((None, 2), None, "engines' least skips nulls"),
            Example(("a", "b"), "a"),
        ),
    ),
    Function(
        "maximum",
        (_A, _B),
        "any",
        "case when $1 >= $2 then $1 when $2 > $1 then $2 end",
        "The larger of two.",
        "两者中较大者。",
        (
            Example((1, 2), 2),
            Example((Decimal("-1.5"), Decimal("-2.5")), Decimal("-1.5")),
            Example((1, None), None, "engines' greatest skips nulls"),
            Example(("a", "b"), "b"),
        ),
    ),
    Function(
        "boolean",
        (TEXT, Argument("true", "text", literal=True), Argument("false", "text", literal=True)),
        "boolean",
        "case when list_contains(string_split($2, '|'), our_text($1)) then true when list_contains(string_split($3, '|'), our_text($1)) then false end",
        "True or false by lists of texts separated by |; anything else is null.",
        "按以 | 分隔的文本清单判真假；其余为 null。",
        (
            Example(("Y", "Y|1|是", "N|0|否"), True),
            Example((" 否 ", "Y|1|是", "N|0|否"), False),
            Example(("?", "Y", "N"), None),
            Example(("", "Y", "N"), None),
            Example((None, "Y", "N"), None),
        ),
        reads=True,
        spark=f"case when array_contains(split($2, '[|]'), {_TRIMMED}) then true when array_contains(split($3, '[|]'), {_TRIMMED}) then false end",
    ),
)
