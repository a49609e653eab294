"""From what was counted to a value, and from a calendar to periods: exact, without rows and without a clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from suwen.base.errors import SuwenError
from suwen.model.indicator import Indicator, Period, Span

FORMS = "2024, 2024-Q1, 2024-03 or 2024-03-09"
_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
_WRITTEN = re.compile(r"([0-9]{4})(?:-Q([1-4])|-([0-9]{2})(?:-([0-9]{2}))?)?")


def span(text: str) -> Span:
    """The period that a text names. Raises SuwenError for a text that names none."""
    found = _WRITTEN.fullmatch(text)
    year, quarter, month, day = found.groups() if found else (None, None, None, None)
    try:
        if day:
            return span_of(date.fromisoformat(text), Period.DAY)
        if year:
            first = int(month) if month else 3 * int(quarter) - 2 if quarter else 1
            return span_of(date(int(year), first, 1), Period.MONTH if month else Period.QUARTER if quarter else Period.YEAR)
    except (ValueError, OverflowError):  # a day no calendar has; a year after which none can be written
        pass
    raise SuwenError(f'"{text[:40]}" is no period', expected=f"a year, quarter, month or day, such as {FORMS}")


def span_of(day: date, period: Period) -> Span:
    """The period of a kind in which a day lies. OverflowError where it ends after the year 9999."""
    if period is Period.DAY:
        return Span(day.isoformat(), period, day, day + timedelta(days=1))
    length = _MONTHS[period]
    first = day.replace(month=(day.month - 1) // length * length + 1, day=1)
    return Span(_written(first, period), period, first, _later(first, length))


def _written(first: date, period: Period) -> str:
    if period is Period.MONTH:
        return f"{first.year:04}-{first.month:02}"
    return f"{first.year:04}-Q{(first.month + 2) // 3}" if period is Period.QUARTER else f"{first.year:04}"


def _later(first: date, months: int) -> date:
    """The first day of the month so many months later or, below 0, earlier. OverflowError outside the years 1 to 9999."""
    year, month = divmod(12 * first.year + first.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("no such year")
    return date(year, month + 1, 1)


def moved(one: Span, by: int) -> Span:
    """The period of the same kind so many places later or, below 0, earlier: `moved(span("2024-01"), -1)` is 2023-12."""
    if one.period is Period.DAY:
        return span_of(one.first + timedelta(days=by), Period.DAY)
    return span_of(_later(one.first, by * _MONTHS[one.period]), one.period)


def year_before(one: Span) -> Span:
    """The same period of the year before; of a leap day the 28th."""
    if one.period is Period.DAY:
        leap = (one.first.month, one.first.day) == (2, 29)
        return span_of(one.first.replace(year=one.first.year - 1, day=28 if leap else one.first.day), Period.DAY)
    return span_of(_later(one.first, -12), one.period)


def spans(period: Period, first: date, last: date) -> tuple[Span, ...]:
    """The periods of a kind that have a day from `first` to `last`, in order; () where `last` is before `first`."""
    found: list[Span] = []
    day = first
    while day <= last:
        found.append(span_of(day, period))
        day = found[-1].after
    return tuple(found)


def median(counts: Iterable[tuple[Decimal | Fraction | int, int]]) -> Fraction | None:
    """The median of values given with how often each occurs: of an even number the mean of the two in the middle; None of no value."""
    ranked = sorted((Fraction(value), often) for value, often in counts if often > 0)
    whole = sum(often for _, often in ranked)
    if not whole:
        return None
    return (_ranked(ranked, (whole - 1) // 2) + _ranked(ranked, whole // 2)) / 2


def _ranked(ranked: Iterable[tuple[Fraction, int]], place: int) -> Fraction:
    """The value at a place, from 0."""
    before = 0
    for value, often in ranked:
        before += often
        if place < before:
            return value
    raise IndexError(place)


def value(indicator: Indicator, points: Mapping[str, Fraction | None]) -> Fraction | None:
    """What the formula makes of its points, exactly; None where one of them is missing or the denominator is 0."""
    numbers = {code: points.get(code) for code in indicator.used}
    known = {code: number for code, number in numbers.items() if number is not None}
    if len(known) < len(numbers):
        return None
    over = sum((known[code] for code in indicator.denominator), Fraction(0)) if indicator.denominator else Fraction(1)
    return indicator.factor * sum((known[code] for code in indicator.numerator), Fraction(0)) / over if over else None


def shown(number: Fraction, decimals: int) -> str:
    """A number as text with so many decimals; halves are rounded away from zero."""
    scaled = abs(number) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = f"{whole:0{decimals + 1}}"
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{text}" if number < 0 and whole else text
