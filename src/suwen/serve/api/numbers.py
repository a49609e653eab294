"""Exact numbers as text: JSON has no decimals, and its readers round large whole numbers."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from suwen.insight.indicator.value import shown

MOST_DIGITS = 12  # decimals of what does not end


def exact(number: Fraction | None) -> str | None:
    """A fraction in lowest terms, "3/7"; a whole number as it is."""
    return None if number is None else str(number)


def decimal(number: Fraction | Decimal | int | None, decimals: int | None = None) -> str | None:
    """A number with so many decimals; by itself with all it has, at most MOST_DIGITS."""
    if number is None:
        return None
    whole = Fraction(number)
    if decimals is not None:
        return shown(whole, decimals)
    text = shown(whole, MOST_DIGITS)
    return text.rstrip("0").rstrip(".")


def plain(value: object) -> str | bool | None:
    """A value of a table as JSON holds it: text, but for what is true, false or missing."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") if not value.microsecond else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return decimal(value)
    return str(value)
