"""Functions on dates and times. Dates are read between 1850-01-01 and 2200-12-31; times are naive local times of the organisation."""

from __future__ import annotations

from datetime import date, datetime

from suwen.model.functions.shape import Argument, Example, Function
from suwen.model.functions.texts import TEXT
from suwen.model.functions.time_forms import DATES, LOCAL_TIMES, SPARK_DATES, SPARK_LOCAL_TIMES, SPARK_TIMES
from suwen.model.functions.time_forms import TIMES as TIME_FORMS

_DAY, _ON, _TIME = Argument("day", "date"), Argument("on", "date"), Argument("t", "time")
_FROM, _TO = Argument("from", "date"), Argument("to", "date")
_FORM = Argument("form", "text", literal=True)
_AFTER = "year({b}) - year({a}) - case when month({b}) * 100 + day({b}) < month({a}) * 100 + day({a}) then 1 else 0 end"
_MONTHS = "(year({b}) - year({a})) * 12 + month({b}) - month({a}) - case when day({b}) < day({a}) then 1 else 0 end"


def _elapsed(form: str) -> str:
    forward, backward = form.format(a="$1", b="$2"), form.format(a="$2", b="$1")
    return f"case when $2 >= $1 then {forward} when $2 < $1 then -({backward}) end"


def _part(name: str, argument: Argument, duckdb: str, en: str, zh: str, *examples: Example, spark: str = "") -> Function:
    return Function(name, (argument,), "integer", duckdb, en, zh, (*examples, Example((None,), None)), spark=f"cast({spark or duckdb} as bigint)")


_D1 = date(2020, 2, 29)
_T1 = datetime(2023, 1, 5, 10, 11, 12)

TIMES = (
    Function(
        "date_of",
        (TEXT, _FORM),
        "date",
        "",
        "A date written in a named form: iso 2023-01-05, yyyymmdd, dash 2023-1-5, slash 2023/1/5, dot 2023.1.5, zh 2023年1月5日, us 1/5/2023, dmy 5/1/2023.",
        "按指定格式读日期：iso、yyyymmdd、dash、slash、dot、zh、us（月/日/年）、dmy（日/月/年）。",
        (
            Example(("2023-01-05", "iso"), date(2023, 1, 5)),
            Example((" 20230105　", "yyyymmdd"), date(2023, 1, 5)),
            Example(("2023-1-5", "dash"), date(2023, 1, 5)),
            Example(("2023/1/5", "slash"), date(2023, 1, 5)),
            Example(("2023.1.5", "dot"), date(2023, 1, 5)),
            Example(("2023年1月5日", "zh"), date(2023, 1, 5)),
            Example(("1/5/2023", "us"), date(2023, 1, 5)),
            Example(("5/1/2023", "dmy"), date(2023, 1, 5)),
            Example(("2023-02-29", "iso"), None),
            Example(("2024-02-29", "iso"), date(2024, 2, 29)),
            Example(("00000000", "yyyymmdd"), None),
            Example(("1849-12-31", "iso"), None),
            Example(("1850-01-01", "iso"), date(1850, 1, 1)),
            Example(("2200-12-31", "iso"), date(2200, 12, 31)),
            Example(("2201-01-01", "iso"), None),
            Example(("2023-1-5", "iso"), None),
            Example(("2023-01-05 10:00:00", "iso"), None),
            Example(("", "iso"), None),
            Example((None, "iso"), None),
        ),
        reads=True,
        forms=DATES,
        spark_forms=SPARK_DATES,
    ),
    Function(
        "time_of",
        (TEXT, _FORM),
        "time",
        "",
        "A local time written in a named form: iso 2023-01-05T10:11:12.5 (or a blank for T; seconds may be missing), "
        "iso or date (a bare date is midnight), yyyymmddhhmmss, yyyymmddhhmm, yyyymmdd clock 20230105 10:11, "
        "dash 2023-1-5 9:05, slash 2023/1/5 9:05, zh 2023年1月5日 9时05分, us 1/5/2023 9:05, "
        "us 12 1/5/2023 9:05 AM, dmy 5/1/2023 9:05.",
        "按指定格式读本地时间：iso、iso or date（只有日期时取零点）、"
        "yyyymmddhhmmss、yyyymmddhhmm、yyyymmdd clock、dash、slash、zh、us、us 12（上午/下午）、dmy。",
        (
            Example(("2023-01-05T10:11:12", "iso"), _T1),
            Example(("2023-01-05 10:11", "iso"), datetime(2023, 1, 5, 10, 11)),
            Example(("2023-01-05 10:11:12.5", "iso"), datetime(2023, 1, 5, 10, 11, 12, 500000)),
            Example(("2023-01-05", "iso"), None),
            Example(("2023-01-05", "iso or date"), datetime(2023, 1, 5)),
            Example(("20230105101112", "yyyymmddhhmmss"), _T1),
            Example(("202301051011", "yyyymmddhhmm"), datetime(2023, 1, 5, 10, 11)),
            Example(("20230105 10:11:12", "yyyymmdd clock"), _T1),
            Example(("2023-1-5 9:05", "dash"), datetime(2023, 1, 5, 9, 5)),
            Example(("2023/1/5 9:05:06", "slash"), datetime(2023, 1, 5, 9, 5, 6)),
            Example(("2023年1月5日10时11分12秒", "zh"), _T1),
            Example(("2023年1月5日 9:05", "zh"), datetime(2023, 1, 5, 9, 5)),
            Example(("1/5/2023 9:05", "us"), datetime(2023, 1, 5, 9, 5)),
            Example(("1/5/2023 12:05 AM", "us 12"), datetime(2023, 1, 5, 0, 5)),
            Example(("5/1/2023 9:05", "dmy"), datetime(2023, 1, 5, 9, 5)),
            Example(("2023-01-05 24:00:00", "iso"), None),
            Example(("2023-01-05T23:59:60", "iso"), None),
            Example(("2023-02-29T00:00:00", "iso"), None),
            Example(("2023-01-05T10:11:12Z", "iso"), None, "an offset is never dropped silently: see local_time"),
            Example(("", "iso"), None),
            Example((None, "iso"), None),
        ),
        reads=True,
        forms=TIME_FORMS,
        spark_forms=SPARK_TIMES,
    ),
    Function(
        "local_time",
        (TEXT, _FORM),
        "time",
        "",
        "A time written with its offset, as local time of the organisation's zone: iso 2023-01-05T02:11:12Z or +08:00, "
        "hl7 20230105101112+0800. Text without an offset is not read.",
        "带时区偏移的时间，换算为机构所在时区的本地时间：iso、hl7。没有偏移的文本不读。",
        (
            Example(("2023-01-05T02:11:12Z", "iso"), _T1, "examples: zone Asia/Shanghai"),
            Example(("2023-01-05 10:11:12+08:00", "iso"), _T1),
            Example(("2023-01-04T21:11:12-0500", "iso"), _T1),
            Example(("1988-07-01T00:00Z", "iso"), datetime(1988, 7, 1, 9), "summer time of 1988"),
            Example(("20230105101112+0800", "hl7"), _T1),
            Example(("202301050211-0000", "hl7"), datetime(2023, 1, 5, 10, 11)),
            Example(("2023-01-05T10:11:12", "iso"), None),
            Example(("2023-01-05T02:11:12+15:00", "iso"), None),
            Example(("", "iso"), None),
            Example((None, "iso"), None),
        ),
        reads=True,
        forms=LOCAL_TIMES,
        spark_forms=SPARK_LOCAL_TIMES,
    ),
    Function(
        "date_of_time",
        (_TIME,),
        "date",
        "cast($1 as date)",
        "The day of a time.",
        "时间所在的日期。",
        (Example((datetime(2023, 1, 5, 23, 59, 59, 999999),), date(2023, 1, 5)), Example((datetime(1850, 1, 1),), date(1850, 1, 1)), Example((None,), None)),
    ),
    Function(
        "start_of_day",
        (_DAY,),
        "time",
        "cast($1 as timestamp)",
        "Midnight at the beginning of the day.",
        "当日零点。",
        (Example((_D1,), datetime(2020, 2, 29)), Example((date(1850, 1, 1),), datetime(1850, 1, 1)), Example((None,), None)),
        spark="cast($1 as timestamp_ntz)",
    ),
    _part("year_of", _DAY, "year($1)", "The year.", "年。", Example((_D1,), 2020), Example((date(1850, 1, 1),), 1850)),
    _part("month_of", _DAY, "month($1)", "The month, 1-12.", "月，1-12。", Example((_D1,), 2), Example((date(2200, 12, 31),), 12)),
    _part("day_of", _DAY, "day($1)", "The day of the month, 1-31.", "日，1-31。", Example((_D1,), 29), Example((date(2200, 12, 31),), 31)),
    _part("hour_of", _TIME, "hour($1)", "The hour, 0-23.", "时，0-23。", Example((_T1,), 10), Example((datetime(2023, 1, 5),), 0)),
    _part("minute_of", _TIME, "minute($1)", "The minute, 0-59.", "分，0-59。", Example((_T1,), 11), Example((datetime(2023, 1, 5),), 0)),
    _part(
        "day_of_week",
        _DAY,
        "isodow($1)",
        "Monday 1 to Sunday 7 (ISO 8601).",
        "周一为 1，周日为 7（ISO 8601）。",
        Example((date(2023, 1, 1),), 7, "engines' dayofweek gives 0 or 1"),
        Example((date(2023, 1, 2),), 1),
        spark="weekday($1) + 1",
    ),
    Function(
        "iso_week",
        (_DAY,),
        "text",
        "strftime($1, '%G-W%V')",
        "The ISO 8601 week as 2022-W52.",
        "ISO 8601 周，如 2022-W52。",
        (
            Example((date(2023, 1, 1),), "2022-W52", "engines' week gives 52 without its year, or 1"),
            Example((date(2020, 12, 31),), "2020-W53"),
            Example((date(2023, 1, 2),), "2023-W01"),
            Example((None,), None),
        ),
        spark="concat(cast(extract(yearofweek from $1) as string), '-W', lpad(cast(extract(week from $1) as string), 2, '0'))",
    ),
    Function(
        "date_text",
        (_DAY,),
        "text",
        "strftime($1, '%Y-%m-%d')",
        "The date as 2023-01-05.",
        "日期文本，如 2023-01-05。",
        (Example((_D1,), "2020-02-29"), Example((date(1850, 1, 1),), "1850-01-01"), Example((None,), None)),
        spark="cast($1 as string)",
    ),
    Function(
        "time_text",
        (_TIME,),
        "text",
        "strftime($1, '%Y-%m-%d %H:%M:%S.%f')",
        "The time as 2023-01-05 10:11:12.000000.",
        "时间文本，如 2023-01-05 10:11:12.000000。",
        (Example((_T1,), "2023-01-05 10:11:12.000000"), Example((datetime(2023, 1, 5, 0, 0, 0, 5),), "2023-01-05 00:00:00.000005"), Example((None,), None)),
        spark="date_format($1, 'yyyy-MM-dd HH:mm:ss.SSSSSS')",
    ),
    Function(
        "add_days",
        (_DAY, Argument("n", "integer")),
        "date",
        "case when $2 between date_diff('day', $1, date '1850-01-01') and date_diff('day', $1, date '2200-12-31') then $1 + cast($2 as integer) end",
        "The day n days later (earlier when n is negative); null outside 1850-2200.",
        "n 天之后（n 为负则之前）；超出 1850-2200 年为 null。",
        (
            Example((_D1, 366), date(2021, 3, 1)),
            Example((date(2023, 3, 1), -1), date(2023, 2, 28)),
            Example((_D1, 9223372036854775807), None),
            Example((date(2200, 12, 31), 1), None),
            Example((None, 1), None),
            Example((_D1, None), None),
        ),
        failed="$result is null and $1 is not null and $2 is not null",
        spark="case when $2 between datediff(date '1850-01-01', $1) and datediff(date '2200-12-31', $1) then date_add($1, cast($2 as int)) end",
    ),
    Function(
        "days_between",
        (_FROM, _TO),
        "integer",
        "date_diff('day', $1, $2)",
        "How many days from one day to the other; negative when backwards.",
        "两日期相差天数；倒序为负。",
        (
            Example((date(2023, 2, 28), date(2023, 3, 1)), 1),
            Example((date(2023, 3, 1), date(2023, 2, 28)), -1),
            Example((date(1850, 1, 1), date(2200, 12, 31)), 128199),
            Example((None, _D1), None),
            Example((_D1, None), None),
        ),
        spark="cast(datediff($2, $1) as bigint)",
    ),
    Function(
        "months_between",
        (_FROM, _TO),
        "integer",
        _elapsed(_MONTHS),
        "How many whole months have gone by; negative when backwards.",
        "已满月数；倒序为负。",
        (
            Example((date(2023, 1, 31), date(2023, 2, 28)), 0, "engines' date_diff counts boundaries: 1"),
            Example((date(2023, 1, 15), date(2023, 3, 15)), 2),
            Example((date(2023, 3, 15), date(2023, 1, 16)), -1),
            Example((None, _D1), None),
            Example((_D1, None), None),
        ),
        spark=f"cast({_elapsed(_MONTHS)} as bigint)",
    ),
    Function(
        "years_between",
        (_FROM, _TO),
        "integer",
        _elapsed(_AFTER),
        "How many whole years have gone by (an age); negative when backwards. Who is born on 29 February is a year older on 1 March.",
        "已满年数（年龄）；倒序为负。2 月 29 日出生者在平年 3 月 1 日满岁。",
        (
            Example((date(2000, 12, 31), date(2001, 1, 1)), 0, "engines' date_diff counts boundaries: 1"),
            Example((date(2000, 6, 15), date(2023, 6, 15)), 23),
            Example((_D1, date(2021, 2, 28)), 0),
            Example((_D1, date(2021, 3, 1)), 1),
            Example((date(2023, 6, 15), date(2000, 6, 16)), -22),
            Example((None, _D1), None),
            Example((_D1, None), None),
        ),
        spark=f"cast({_elapsed(_AFTER)} as bigint)",
    ),
    Function(
        "age_days",
        (Argument("birth", "date"), _ON),
        "integer",
        "case when $2 >= $1 then date_diff('day', $1, $2) end",
        "Age in days; null before birth.",
        "日龄；出生前为 null。",
        (
            Example((_D1, date(2020, 3, 1)), 1),
            Example((_D1, _D1), 0),
            Example((_D1, date(2020, 2, 28)), None),
            Example((None, _D1), None),
            Example((_D1, None), None),
        ),
        spark="case when $2 >= $1 then cast(datediff($2, $1) as bigint) end",
    ),
    Function(
        "minutes_between",
        (Argument("from", "time"), Argument("to", "time")),
        "integer",
        "date_sub('minute', $1, $2)",
        "How many whole minutes have gone by; negative when backwards.",
        "已满分钟数；倒序为负。",
        (
            Example((datetime(2023, 1, 5, 10, 0, 30), datetime(2023, 1, 5, 10, 1, 29)), 0),
            Example((datetime(2023, 1, 5), datetime(2023, 1, 6)), 1440),
            Example((datetime(2023, 1, 6), datetime(2023, 1, 5)), -1440),
            Example((None, _T1), None),
            Example((_T1, None), None),
        ),
        spark="cast(cast($2 - $1 as interval minute) as bigint)",
    ),
)
