"""What a defect does to one value: text in, text out, or None where this value cannot have it. Chance comes in as a whole number, so nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Change = Callable[[str, int], str | None]
_DATE = re.compile(r"(\d{4})([-/]?)(\d{1,2})\2(\d{1,2})(.*)")
_CLOCK = re.compile(r"([ T]?)\d{1,2}(?=:)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_THOUSANDS = 3  # digits behind a comma that are read as thousands
_OTHER_SEX: Mapping[str, str] = {"1": "2", "2": "1", "男": "女", "女": "男", "M": "F", "F": "M", "male": "female", "female": "male"}


def _dated(make: Callable[[str, str, str, str, str], str]) -> Change:
    """Of (year, sign between, month, day, rest) another date."""

    def change(text: str, luck: int) -> str | None:
        found = _DATE.fullmatch(text)
        return make(*found.groups()) if found else None

    return change


def _in_year(year: str) -> Change:
    """The first of January of a year, which every form can read."""
    return _dated(lambda y, sign, month, day, rest: f"{year}{sign}{'1'.zfill(len(month))}{sign}{'1'.zfill(len(day))}{rest}")


def _hour_24(text: str, luck: int) -> str | None:
    found = _DATE.fullmatch(text)
    if not found:
        return None
    rest = found.group(5)
    before = text[: len(text) - len(rest)]
    if _CLOCK.match(rest):
        return before + _CLOCK.sub(r"\g<1>24", rest, count=1)
    return f"{before}24{rest[2:]}" if rest.isdigit() else None


def _numeric(make: Callable[[str], str]) -> Change:
    """Of a plain number another text."""
    return lambda text, luck: make(text) if _NUMBER.fullmatch(text) else None


def _comma(text: str, luck: int) -> str | None:
    whole, point, rest = text.partition(".")
    return f"{whole},{rest}" if point and _NUMBER.fullmatch(text) and len(rest) != _THOUSANDS else None


def _two_points(text: str, luck: int) -> str | None:
    return f"{text[:-1]}.{text[-1]}" if "." in text and _NUMBER.fullmatch(text) else None


def _other_amount(text: str, luck: int) -> str | None:
    return text[:-1] + str((int(text[-1]) + 1 + luck % 9) % 10) if _NUMBER.fullmatch(text) else None


def _days_added(text: str, luck: int) -> str | None:
    return str(int(text) + 1 + luck % 30) if text.isdigit() else None


def _amount_added(text: str, luck: int) -> str | None:
    whole, point, rest = text.partition(".")
    return f"{int(whole) + 1 + luck % 90}{point}{rest}" if _NUMBER.fullmatch(text) and not text.startswith("-") else None


def _insured_more(text: str, luck: int) -> str | None:
    return f"9{text}" if _NUMBER.fullmatch(text) and not text.startswith("-") else None


def _point_lost(text: str, luck: int) -> str | None:
    return text.replace(".", "") if "." in text and _NUMBER.fullmatch(text) and float(text) else None


def _thousandfold(text: str, luck: int) -> str | None:
    whole, point, rest = text.partition(".")
    return f"{whole}000{point}{rest}" if _NUMBER.fullmatch(text) and int(whole) else None


def _reversed_range(text: str, luck: int) -> str | None:
    low, sign, high = text.partition("-")
    return f"{high}-{low}" if sign and _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high) and low != high else None


def _other_patient(text: str, luck: int) -> str | None:
    return f"99999{luck % 10_000:04d}" if text.isdigit() else None


def _zeros_lost(text: str, luck: int) -> str | None:
    return text.lstrip("0") if text.isdigit() and text.startswith("0") and text.strip("0") else None


def _scientific(text: str, luck: int) -> str | None:
    digits = text.lstrip("0")
    return f"{digits[0]}.{digits[1:3].ljust(2, '0')}E+{len(digits) - 1:02d}" if text.isdigit() and digits else None


def _other_visit(text: str, luck: int) -> str | None:
    return f"G99999{luck % 1_000_000:06d}" if text.startswith("G") else None


def _always(value: str) -> Change:
    """One value for every value that is there."""
    return lambda text, luck: value if text and text != value else None


VALUES: Mapping[str, Change] = {
    "lost-characters": lambda text, luck: "锟斤拷" * len(text) if text else None,
    "empty-key": _always(""),
    "patient-unknown": _other_patient,
    "patient-zeros-lost": _zeros_lost,
    "patient-scientific": _scientific,
    "patient-empty": _always(""),
    "visit-unknown": _other_visit,
    "visit-empty": _always(""),
    "doctor-unknown": lambda text, luck: f"Y9{luck % 10_000:04d}" if text else None,
    "department-unknown": lambda text, luck: f"ZZ{luck % 100:02d}" if text else None,
    "date-impossible": _dated(lambda y, sign, month, day, rest: f"{y}{sign}02{sign}30{rest}"),
    "date-other-form": _dated(lambda y, sign, month, day, rest: f"{int(day):02d}-{_MONTHS[int(month) - 1]}-{y}"),
    "date-zeros": lambda text, luck: re.sub(r"\d", "0", text) if text else None,
    "date-far": _in_year("9999"),
    "hour-24": _hour_24,
    "date-empty": _always(""),
    "amount-words": _numeric(lambda text: "壹佰元整"),
    "amount-sign": _numeric(lambda text: f"￥{text}"),
    "amount-comma": _comma,
    "amount-two-points": _two_points,
    "amount-too-large": _numeric(lambda text: f"100000000000000{text.lstrip('-')}"),
    "number-words": _numeric(lambda text: f"约{text}"),
    "quantity-with-unit": _numeric(lambda text: f"{text}盒"),
    "days-fraction": _numeric(lambda text: f"{text}.5"),
    "days-too-large": _numeric(lambda text: f"99999999{text}00"),
    "count-in-words": _numeric(lambda text: "首次"),
    "yes-no-unknown": _always("9"),
    "result-with-unit": _numeric(lambda text: f"{text}单位"),
    "result-comma": _comma,
    "result-stars": _numeric(lambda text: "***"),
    "comparator-twice": _numeric(lambda text: f"<<{text}"),
    "unit-unknown": _always("某单位"),
    "sex-unknown": _always("U"),
    "ethnic-unknown": _always("XX"),
    "class-unknown": _always("ZZ"),
    "route-unknown": _always("77"),
    "unit-empty": _always(""),
    "event-in-1900": _in_year("1900"),
    "event-in-future": _in_year("2199"),
    "end-before-start": _in_year("1999"),
    "report-before-sample": _in_year("1999"),
    "born-in-future": _in_year("2100"),
    "born-too-early": _in_year("1860"),
    "sex-other": lambda text, luck: _OTHER_SEX.get(text),
    "age-wrong": _days_added,
    "stay-days-wrong": _days_added,
    "amount-not-product": _amount_added,
    "insured-above-amount": _insured_more,
    "total-not-sum": _amount_added,
    "result-thousandfold": _thousandfold,
    "result-point-lost": _point_lost,
    "range-reversed": _reversed_range,
    "principal-missing": _always(""),
}
OTHER_CONTENT = _other_amount  # for a record that comes twice
