"""Functions on the Chinese resident identity number (GB 11643-1999: 17 digits and a check character by ISO 7064 MOD 11-2)."""

from __future__ import annotations

from datetime import date

from suwen.model.functions.shape import Example, Function
from suwen.model.functions.texts import TEXT

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SUM = " + ".join(f"(ascii(substring($1, {at}, 1)) - 48) * {weight}" for at, weight in enumerate(_WEIGHTS, 1))
_CHECKED = f"regexp_full_match($1, '[1-9][0-9]{{16}}[0-9X]') and strpos('10X98765432', right($1, 1)) - 1 = ({_SUM}) % 11"
_BIRTH = "our_date_of(substring(our_id_card_clean($1), 7, 8), 'yyyymmdd')"
_VALID, _INVALID = "11010519491231002X", "110105194912310021"

IDENTITY = (
    Function(
        "id_card_clean",
        (TEXT,),
        "text",
        "upper(our_text($1))",
        "The number without blanks at its ends, its X a capital.",
        "去掉首尾空白、X 大写后的号码。",
        (Example((" 11010519491231002x",), _VALID), Example(("",), None), Example((None,), None)),
    ),
    Function(
        "id_card_checksum",
        (TEXT,),
        "boolean",
        _CHECKED,
        "Whether 17 digits are followed by their check character; blanks are not removed.",
        "17 位数字与校验码是否相符；不去空白。",
        (Example((_VALID,), True), Example((_INVALID,), False), Example(("110105491231002",), False), Example((None,), None)),
    ),
    Function(
        "id_card_valid",
        (TEXT,),
        "boolean",
        f"case when our_text($1) is not null then our_id_card_checksum(our_id_card_clean($1)) and {_BIRTH} is not null end",
        "Whether it is a resident identity number: 18 characters, a day of the calendar, the right check character.",
        "是否为有效居民身份证号：18 位、日期存在、校验码正确。",
        (
            Example((" 11010519491231002x ",), True, "the standard's own example"),
            Example((_INVALID,), False),
            Example(("440524188001010014",), True),
            Example(("110105194902300020",), False),
            Example(("",), None),
            Example((None,), None),
        ),
    ),
    Function(
        "id_card_birth_date",
        (TEXT,),
        "date",
        f"case when our_id_card_checksum(our_id_card_clean($1)) then {_BIRTH} end",
        "The birth date in a valid number, else null.",
        "有效号码中的出生日期，否则为 null。",
        (Example((_VALID,), date(1949, 12, 31)), Example((_INVALID,), None), Example((None,), None)),
    ),
    Function(
        "id_card_sex",
        (TEXT,),
        "text",
        "case when our_id_card_valid($1) then case when ascii(substring(our_id_card_clean($1), 17, 1)) % 2 = 1 then '1' else '2' end end",
        "The sex in a valid number by GB/T 2261.1: 1 male, 2 female; else null.",
        "有效号码中的性别（GB/T 2261.1：1 男，2 女），否则为 null。",
        (Example((_VALID,), "2"), Example(("440524188001010014",), "1"), Example((_INVALID,), None), Example((None,), None)),
    ),
)
