"""How dates and times are written, by the name of the form, and each engine's way to read them.

A form is matched whole (blanks at the ends do not matter); what does not match, or is no day of the calendar, is null. 24:00:00 and
second 60 are not read. The regular expressions settle the range, so that each text is looked at once.
"""

from __future__ import annotations

from collections.abc import Callable

from suwen.model.functions.texts import BLANK, quoted, whole

_B = f"[{BLANK}]*"
_Y, _MM, _DD = "(?:18[5-9][0-9]|19[0-9][0-9]|2[01][0-9][0-9]|2200)", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_M, _D = "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"
_HH, _H, _60 = "(?:[01][0-9]|2[0-3])", "(?:[01]?[0-9]|2[0-3])", "[0-5][0-9]"
_FRACTION = "(?:\\.[0-9]{1,9})?"
_OFFSET = "(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"


def _piece(pattern: str, text: str = "$1") -> str:
    return f"regexp_extract({text}, {quoted(f'^{_B}({pattern}){_B}$')}, 1)"


def _strptime(pattern: str, *formats: str) -> str:
    listed = quoted(formats[0]) if len(formats) == 1 else "[" + ", ".join(map(quoted, formats)) + "]"
    return f"try_strptime({_piece(pattern)}, {listed})"


def _date(pattern: str, form: str) -> str:
    return f"cast({_strptime(pattern, form)} as date)"


def _spark_piece(pattern: str, text: str = "$1") -> str:
    return f"regexp_extract({text}, {quoted(whole(f'({pattern})'))}, 1)"


def _in_order(text: str, pattern: str, order: str) -> str:
    """Spark's text with its pieces written anew: `order` names groups of the pattern by $1, $2."""
    return f"regexp_replace({text}, '^{pattern}', '{order.replace('$', '$$')}')"


_DATES = {
    "iso": (f"{_Y}-{_MM}-{_DD}", "%Y-%m-%d"),
    "yyyymmdd": (f"{_Y}{_MM}{_DD}", "%Y%m%d"),
    "dash": (f"{_Y}-{_M}-{_D}", "%Y-%m-%d"),
    "slash": (f"{_Y}/{_M}/{_D}", "%Y/%m/%d"),
    "dot": (f"{_Y}\\.{_M}\\.{_D}", "%Y.%m.%d"),
    "zh": (f"{_Y}年{_M}月{_D}日", "%Y年%m月%d日"),
    "us": (f"{_M}/{_D}/{_Y}", "%m/%d/%Y"),
    "dmy": (f"{_D}/{_M}/{_Y}", "%d/%m/%Y"),
}
DATES = {name: _date(*form) for name, form in _DATES.items()}
_YMD, _PARTED = "(....)(..)(..)", "([0-9]+)/([0-9]+)/([0-9]+)"
# Spark's cast reads 2023-1-5 and 2023-1-5 9:05[:06[.123456]] of the calendar; what the pattern let pass is brought into that order.
_SPARK_ORDERS: dict[str, Callable[[str], str]] = {
    "iso": str,
    "yyyymmdd": lambda text: _in_order(text, _YMD, "$1-$2-$3"),
    "dash": str,
    "slash": lambda text: f"replace({text}, '/', '-')",
    "dot": lambda text: f"replace({text}, '.', '-')",
    "zh": lambda text: f"translate({text}, '年月日', '--')",
    "us": lambda text: _in_order(text, _PARTED, "$3-$1-$2"),
    "dmy": lambda text: _in_order(text, _PARTED, "$3-$2-$1"),
}


def spark_date(form: str, text: str = "$1") -> str:
    """`date_of` of a text in Spark's words."""
    return f"try_cast({_SPARK_ORDERS[form](_spark_piece(_DATES[form][0], text))} as date)"


SPARK_DATES = {form: spark_date(form) for form in _DATES}
_ZH_TIME = f"{_Y}年{_M}月{_D}日 ?{_H}(?:时{_60}分(?:{_60}秒)?|:{_60}(?::{_60})?)"
_US_12 = f"{_DATES['us'][0]} (?:0?[1-9]|1[0-2]):{_60}(?::{_60})? [AP]M"
_HL7 = f"{_Y}{_MM}{_DD}{_HH}{_60}(?:{_60}{_FRACTION})?[+-](?:0[0-9]|1[0-4])[0-5][0-9]"
_ISO_DATE, _ISO_CLOCK = f"{_Y}-{_MM}-{_DD}", f"[T ]{_HH}:{_60}(?::{_60}{_FRACTION})?"


def _clock(date_pattern: str, date_format: str, between: str = " ") -> str:
    return _strptime(f"{date_pattern}{between}{_H}:{_60}(?::{_60})?", f"{date_format}{between}%H:%M:%S", f"{date_format}{between}%H:%M")


TIMES = {
    "iso": f"try_cast({_piece(_ISO_DATE + _ISO_CLOCK)} as timestamp)",
    "iso or date": f"try_cast({_piece(f'{_ISO_DATE}(?:{_ISO_CLOCK})?')} as timestamp)",
    "yyyymmddhhmmss": _strptime(f"{_Y}{_MM}{_DD}{_HH}{_60}{_60}", "%Y%m%d%H%M%S"),
    "yyyymmddhhmm": _strptime(f"{_Y}{_MM}{_DD}{_HH}{_60}", "%Y%m%d%H%M"),
    "yyyymmdd clock": _clock(f"{_Y}{_MM}{_DD}", "%Y%m%d"),
    "dash": _clock(*_DATES["dash"]),
    "slash": _clock(*_DATES["slash"]),
    "zh": _strptime(
        _ZH_TIME,
        *(f"%Y年%m月%d日{gap}{clock}" for gap in ("", " ") for clock in ("%H时%M分%S秒", "%H时%M分", "%H:%M:%S", "%H:%M")),
    ),
    "us": _clock(*_DATES["us"]),
    "us 12": _strptime(_US_12, "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p"),
    "dmy": _clock(*_DATES["dmy"]),
}
LOCAL_TIMES = {
    "iso": f"timezone($zone, try_cast({_piece(_ISO_DATE + _ISO_CLOCK + _OFFSET)} as timestamptz))",
    "hl7": "timezone($zone, try_cast(regexp_replace(regexp_replace("
    + _piece(_HL7)
    + ", '^(....)(..)(..)(..)(..)', '\\1-\\2-\\3 \\4:\\5:'), ':([+-])', ':00\\1') as timestamptz))",
}


def _spark_time(text: str) -> str:
    return f"try_cast({text} as timestamp_ntz)"


def _spark_clock(form: str) -> str:
    return _spark_time(_SPARK_ORDERS[form](_spark_piece(f"{_DATES[form][0]} {_H}:{_60}(?::{_60})?")))


def _spark_local(text: str) -> str:
    """The instant written with an offset, as the zone's clock showed it; Spark's sessions are kept at UTC."""
    return f"convert_timezone('UTC', $zone, cast(try_cast({text} as timestamp_ltz) as timestamp_ntz))"


SPARK_TIMES = {
    "iso": _spark_time(_spark_piece(_ISO_DATE + _ISO_CLOCK)),
    "iso or date": _spark_time(_spark_piece(f"{_ISO_DATE}(?:{_ISO_CLOCK})?")),
    "yyyymmddhhmmss": _spark_time(_in_order(_spark_piece(f"{_Y}{_MM}{_DD}{_HH}{_60}{_60}"), f"{_YMD}(..)(..)(..)", "$1-$2-$3 $4:$5:$6")),
    "yyyymmddhhmm": _spark_time(_in_order(_spark_piece(f"{_Y}{_MM}{_DD}{_HH}{_60}"), f"{_YMD}(..)(..)", "$1-$2-$3 $4:$5")),
    "yyyymmdd clock": _spark_time(_SPARK_ORDERS["yyyymmdd"](_spark_piece(f"{_Y}{_MM}{_DD} {_H}:{_60}(?::{_60})?"))),
    "dash": _spark_clock("dash"),
    "slash": _spark_clock("slash"),
    "zh": _spark_time(f"trim(trailing ':' from translate(replace({_spark_piece(_ZH_TIME)}, '日 ', '日'), '年月日时分秒', '-- ::'))"),
    "us": _spark_clock("us"),
    "us 12": _spark_time(_in_order(f"replace({_spark_piece(_US_12)}, ' 12:', ' 0:')", f"{_PARTED} ([0-9:]+).*", "$3-$1-$2 $4"))
    + " + make_dt_interval(0, case when contains($1, 'PM') then 12 else 0 end)",
    "dmy": _spark_clock("dmy"),
}
SPARK_LOCAL_TIMES = {
    "iso": _spark_local(_in_order(_spark_piece(_ISO_DATE + _ISO_CLOCK + _OFFSET), "(.{16})([Z+-])", "$1:00$2")),
    "hl7": _spark_local(_in_order(_in_order(_spark_piece(_HL7), f"{_YMD}(..)(..)", "$1-$2-$3 $4:$5:"), "(.*):([+-])", "$1:00$2")),
}
