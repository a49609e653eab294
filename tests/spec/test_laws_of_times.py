"""Laws of dates and times, against Python's calendar and zone database."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.engine.zones import fixed_since
from suwen.model.functions import FUNCTIONS
from tests.spec.evaluation import Column, evaluate, evaluate_all, failures, few

FIRST, LAST = date(1850, 1, 1), date(2200, 12, 31)
DAYS = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
FORMS: dict[str, Callable[[date], str]] = {
    "iso": lambda d: f"{d.year}-{d.month:02}-{d.day:02}",
    "yyyymmdd": lambda d: f"{d.year}{d.month:02}{d.day:02}",
    "dash": lambda d: f"{d.year}-{d.month}-{d.day}",
    "slash": lambda d: f"{d.year}/{d.month}/{d.day:02}",
    "dot": lambda d: f"{d.year}.{d.month:02}.{d.day}",
    "zh": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "us": lambda d: f"{d.month}/{d.day}/{d.year}",
    "dmy": lambda d: f"{d.day:02}/{d.month:02}/{d.year}",
}
PATTERNS = {
    "iso": (r"(\d{4})-(\d\d)-(\d\d)", "ymd"),
    "yyyymmdd": (r"(\d{4})(\d\d)(\d\d)", "ymd"),
    "dash": (r"(\d{4})-(\d\d?)-(\d\d?)", "ymd"),
    "slash": (r"(\d{4})/(\d\d?)/(\d\d?)", "ymd"),
    "dot": (r"(\d{4})\.(\d\d?)\.(\d\d?)", "ymd"),
    "zh": (r"(\d{4})年(\d\d?)月(\d\d?)日", "ymd"),
    "us": (r"(\d\d?)/(\d\d?)/(\d{4})", "mdy"),
    "dmy": (r"(\d\d?)/(\d\d?)/(\d{4})", "dmy"),
}
ISO_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?", re.ASCII)
BLANKS = " \t\r\n\u3000\ufeff"
days = st.dates(FIRST, LAST)
times = st.datetimes(datetime(1850, 1, 1), datetime(2200, 12, 31, 23, 59, 59))


def on_calendar(year: int, month: int, day: int) -> date | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found if FIRST <= found <= LAST else None


def read_date(text: str, form: str) -> date | None:
    pattern, order = PATTERNS[form]
    found = re.fullmatch(pattern, text.strip(BLANKS), re.ASCII)
    parts = dict(zip(order, map(int, found.groups()), strict=True)) if found else None
    return on_calendar(parts["y"], parts["m"], parts["d"]) if parts else None


@st.composite
def nearly(draw: st.DrawFn, spelled: st.SearchStrategy[str]) -> str:
    """A well-spelled text with up to two small changes."""
    text = list(draw(spelled))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        if text and draw(st.booleans()):
            del text[min(at, len(text) - 1)]
        else:
            text.insert(at, draw(st.sampled_from("0123456789-/. :TZ年月日+\t\u3000５")))
    return "".join(text)


def test_every_form_is_tried() -> None:
    assert set(FORMS) == set(PATTERNS) == set(FUNCTIONS["date_of"].forms)


@pytest.mark.parametrize("form", FORMS)
def test_every_day_is_read_back_in_every_form(form: str) -> None:
    assert evaluate(f"date_of(x, '{form}')", x=Column("text", [FORMS[form](d) for d in DAYS])) == DAYS


@pytest.mark.parametrize("form", FORMS)
def test_no_other_text_is_a_date(form: str) -> None:
    @few
    @given(st.lists(nearly(days.map(FORMS[form])), min_size=20, max_size=60))
    def law(texts: list[str]) -> None:
        expected = [read_date(t, form) for t in texts]
        x = Column("text", texts)
        assert evaluate(f"date_of(x, '{form}')", x=x) == expected
        assert failures(f"date_of(x, '{form}')", x=x) == [[e is None and bool(t.strip(BLANKS)) for t, e in zip(texts, expected, strict=True)]]

    law()


def read_time(text: str) -> datetime | None:
    found = ISO_TIME.fullmatch(text.strip(BLANKS))
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(g or 0) for g in found.groups()[:6])
    day_found = on_calendar(year, month, day)
    if day_found is None or hour > 23 or minute > 59 or second > 59:
        return None
    return datetime(year, month, day, hour, minute, second, int((found[7] or "0")[:6].ljust(6, "0")))


@few
@given(st.lists(nearly(times.map(lambda t: t.isoformat(sep=" "))), min_size=20, max_size=60))
def test_no_other_text_is_an_iso_time(texts: list[str]) -> None:
    assert evaluate("time_of(x, 'iso')", x=Column("text", texts)) == [read_time(t) for t in texts]


TIME_FORMS: dict[str, Callable[[datetime], str]] = {
    "iso": lambda t: t.isoformat(),
    "iso or date": lambda t: t.isoformat(sep=" "),
    "yyyymmddhhmmss": lambda t: f"{t:%Y%m%d%H%M%S}",
    "yyyymmddhhmm": lambda t: f"{t:%Y%m%d%H%M}",
    "yyyymmdd clock": lambda t: f"{t:%Y%m%d} {t.hour}:{t:%M:%S}",
    "dash": lambda t: f"{FORMS['dash'](t)} {t:%H:%M:%S}",
    "slash": lambda t: f"{FORMS['slash'](t)} {t.hour}:{t:%M:%S}",
    "zh": lambda t: f"{FORMS['zh'](t)} {t.hour}时{t:%M}分{t:%S}秒",
    "us": lambda t: f"{FORMS['us'](t)} {t:%H:%M:%S}",
    "us 12": lambda t: f"{FORMS['us'](t)} {t:%I:%M:%S %p}",
    "dmy": lambda t: f"{FORMS['dmy'](t)} {t:%H:%M:%S}",
}


@pytest.mark.parametrize("form", FUNCTIONS["time_of"].forms)
def test_every_time_form_is_read_back(form: str) -> None:
    @few
    @given(st.lists(times, min_size=20, max_size=60))
    def law(drawn: list[datetime]) -> None:
        whole = drawn if form.startswith("iso") else [t.replace(microsecond=0, second=0 if form == "yyyymmddhhmm" else t.second) for t in drawn]
        assert evaluate(f"time_of(x, '{form}')", x=Column("text", [TIME_FORMS[form](t) for t in whole])) == whole

    law()


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/New_York", "Asia/Urumqi", "Europe/Berlin", "Australia/Lord_Howe", "Etc/GMT-8"])
def test_local_time_against_the_zone_database(zone: str) -> None:
    rules = ZoneInfo(zone)

    @few
    @given(st.lists(st.tuples(st.datetimes(datetime(1902, 1, 1), datetime(2037, 1, 1)), st.integers(-12 * 4, 14 * 4)), min_size=20, max_size=60))
    def law(drawn: list[tuple[datetime, int]]) -> None:
        written = [(t, t.replace(tzinfo=UTC) - timedelta(minutes=15 * q), f"{'-' if q < 0 else '+'}{abs(q) // 4:02}:{abs(q) % 4 * 15:02}") for t, q in drawn]
        local = [instant.astimezone(rules).replace(tzinfo=None) for _, instant, _ in written]
        assert evaluate("local_time(x, 'iso')", zone, x=Column("text", [t.isoformat() + offset for t, _, offset in written])) == local
        hl7 = [f"{t:%Y%m%d%H%M%S}.{t.microsecond:06}{offset.replace(':', '')}" for t, _, offset in written]
        assert evaluate("local_time(x, 'hl7')", zone, x=Column("text", hl7)) == local

    law()


def test_an_offset_is_fixed_only_where_it_is() -> None:
    shanghai = fixed_since("Asia/Shanghai")
    assert shanghai is not None and shanghai[0].year == 1991 and shanghai[1] == timedelta(hours=8)
    assert fixed_since("America/New_York") is None
    assert fixed_since("No/Such_Zone") is None
    utc = fixed_since("UTC")
    assert utc is not None and utc[0] < datetime(1850, 1, 1, tzinfo=UTC)


def whole_months(a: date, b: date) -> int:
    if b < a:
        return -whole_months(b, a)
    return (b.year - a.year) * 12 + b.month - a.month - (b.day < a.day)


def whole_years(a: date, b: date) -> int:
    return -whole_years(b, a) if b < a else b.year - a.year - ((b.month, b.day) < (a.month, a.day))


@few
@given(st.lists(st.tuples(days, days), min_size=20, max_size=60))
def test_elapsed_time_against_the_calendar(pairs: list[tuple[date, date]]) -> None:
    columns = {"a": Column("date", [p[0] for p in pairs]), "b": Column("date", [p[1] for p in pairs])}
    laws = {
        "years_between(a, b)": whole_years,
        "months_between(a, b)": whole_months,
        "days_between(a, b)": lambda a, b: (b - a).days,
        "age_days(a, b)": lambda a, b: (b - a).days if b >= a else None,
        "add_days(a, days_between(a, b))": lambda _, b: b,
        "day_of_week(a)": lambda a, _: a.isoweekday(),
        "iso_week(a)": lambda a, _: "{}-W{:02}".format(*a.isocalendar()),
        "date_of(date_text(a), 'iso')": lambda a, _: a,
        "year_of(a) * 10000 + month_of(a) * 100 + day_of(a)": lambda a, _: int(f"{a:%Y%m%d}"),
        "date_of_time(start_of_day(a))": lambda a, _: a,
    }
    for text, got in evaluate_all(laws, **columns).items():
        assert got == [laws[text](a, b) for a, b in pairs], text


@few
@given(st.lists(st.tuples(days, st.integers(-(2**63), 2**63 - 1) | st.integers(-200_000, 200_000)), min_size=20, max_size=60))
def test_add_days_stays_in_range(pairs: list[tuple[date, int]]) -> None:
    def law(day: date, n: int) -> date | None:
        at = day.toordinal() + n
        return date.fromordinal(at) if FIRST.toordinal() <= at <= LAST.toordinal() else None

    columns = {"d": Column("date", [p[0] for p in pairs]), "n": Column("integer", [p[1] for p in pairs])}
    expected = [law(*p) for p in pairs]
    assert evaluate("add_days(d, n)", **columns) == expected
    assert failures("add_days(d, n)", **columns) == [[e is None for e in expected]]


@few
@given(st.lists(st.tuples(times, times), min_size=20, max_size=60))
def test_minutes_and_text_of_times(pairs: list[tuple[datetime, datetime]]) -> None:
    columns = {"a": Column("time", [p[0] for p in pairs]), "b": Column("time", [p[1] for p in pairs])}
    minutes = [abs(b - a) // timedelta(minutes=1) * (1 if b >= a else -1) for a, b in pairs]
    assert evaluate("minutes_between(a, b)", **columns) == minutes
    assert evaluate("time_of(time_text(a), 'iso')", **columns) == [a for a, _ in pairs]
    assert evaluate("hour_of(a) * 60 + minute_of(a)", **columns) == [a.hour * 60 + a.minute for a, _ in pairs]
