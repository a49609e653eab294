"""Functions on the Chinese resident identity number (GB 11643-1999: 17 digits and a check character by ISO 7064 MOD 11-2)."""

from __future__ import annotations

from datetime import date

from suwen.model.functions.shape import Example, Function
from suwen.model.functions.texts import TEXT, spark_trimmed
from suwen.model.functions.time_forms import spark_date

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SUM = " + ".join(f"(ascii(substring(s, {at}, 1)) - 48) * {weight}" for at, weight in enumerate(_WEIGHTS, 1))
_CHECKED = f"regexp_full_match(s, '[1-9][0-9]{{16}}[0-9X]') and strpos('10X98765432', right(s, 1)) - 1 = ({_SUM}) % 11"
_BIRTH = "our_date_of(substring(s, 7, 8), 'yyyymmdd')"
# The number for Spark, and its check: sum of digits times powers of 2, the check character's (X for 10) included, leaves 1 (ISO 7064).
_S = f"upper({spark_trimmed('$1')})"
_S_SUM = f"aggregate(split({_S}, ''), 0, (a, c) -> (a * 2 + coalesce(try_cast(c as int), 10)) % 11)"
_S_BIRTH = spark_date("yyyymmdd", f"substring({_S}, 7, 8)")
_S_VALID = f"{_S} rlike '^[1-9][0-9]{{16}}[0-9X]\\z' and {_S_SUM} = 1 and {_S_BIRTH} is not null"
_VALID, _INVALID = "11010519491231002X", "110105194912310021"


def _on_clean_number(body: str) -> str:
    """An engine text that names the cleaned number once, as `s`: without a name it would be written out twenty times."""
    return f"list_extract(list_transform([upper(our_text($1))], lambda s: {body}), 1)"


IDENTITY = (
    Function(
        "id_card_valid",
        (TEXT,),
        "boolean",
        _on_clean_number(f"case when s is not null then {_CHECKED} and {_BIRTH} is not null end"),
        "Whether it is a resident identity number: 18 characters, a day of the calendar, the right check character; blanks at its ends do not matter.",
        "是否为有效居民身份证号：18 位、日期存在、校验码正确；首尾空白不计。",
        (
            Example((" 11010519491231002x ",), True, "the standard's own example"),
            Example((_INVALID,), False),
            Example(("440524188001010014",), True),
            Example(("110105194902300020",), False),
            Example(("110105491231002",), False, "15 digits, as before 1999"),
            Example(("",), None),
            Example((None,), None),
        ),
        spark=f"case when {_S} is not null then {_S_VALID} end",
    ),
    Function(
        "id_card_birth_date",
        (TEXT,),
        "date",
        _on_clean_number(f"case when {_CHECKED} then {_BIRTH} end"),
        "The birth date in a valid number, else null.",
        "有效号码中的出生日期，否则为 null。",
        (Example((_VALID,), date(1949, 12, 31)), Example((_INVALID,), None), Example((None,), None)),
        spark=f"case when {_S_VALID} then {_S_BIRTH} end",
    ),
    Function(
        "id_card_sex",
        (TEXT,),
        "text",
        _on_clean_number(f"case when {_CHECKED} and {_BIRTH} is not null then case when ascii(substring(s, 17, 1)) % 2 = 1 then '1' else '2' end end"),
        "The sex in a valid number by GB/T 2261.1: 1 male, 2 female; else null.",
        "有效号码中的性别（GB/T 2261.1：1 男，2 女），否则为 null。",
        (Example((_VALID,), "2"), Example(("440524188001010014",), "1"), Example((_INVALID,), None), Example((None,), None)),
        spark=f"case when {_S_VALID} then case when try_cast(substring({_S}, 17, 1) as int) % 2 = 1 then '1' else '2' end end",
    ),
)
