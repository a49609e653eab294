"""Numbers, days and texts as a page shows them in a language; whatever a file may hold comes out as text that cannot act."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from suwen.insight.indicator.value import shown as told

MISSING = "–"
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HIDING = frozenset({"Cf", "Cc", "Co", "Cs", "Zl", "Zp"})  # characters that show nothing, or turn the text around them
_SPACING = frozenset("\n\t")


def count(number: int | None) -> str:
    """A whole number with its thousands parted."""
    return MISSING if number is None else f"{number:,}".replace("-", "−")


def decimal(value: Fraction | Decimal | None, decimals: int) -> str:
    """An exact value, rounded for the eye only."""
    if value is None:
        return MISSING
    text = f"{rounded(value, decimals):,f}"
    return text.replace("-", "−")


def rounded(value: Fraction | Decimal | int, decimals: int) -> Decimal:
    """An exact value to so many decimals, halves away from zero; never -0."""
    return Decimal(told(Fraction(value), decimals))


def signed(value: Fraction | Decimal | int | None, decimals: int = 0) -> str:
    """A change with its sign, so that none is read as a level."""
    if value is None:
        return MISSING
    text = decimal(Fraction(value), decimals)
    return f"+{text}" if rounded(Fraction(value), decimals) > 0 else text


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent, one decimal; what is not nothing is never shown as 0.0 %."""
    if not whole:
        return MISSING
    exact = Fraction(part * 100, whole)
    if 0 < exact < Fraction(1, 20):
        return "<0.1 %"
    return f"{decimal(min(exact, Fraction(999, 10)) if part < whole else exact, 1)} %"


def size(length: int) -> str:
    """A number of bytes in a unit fit to read."""
    value, unit = Fraction(length), 0
    while value >= 1024 and unit < len(_BYTES) - 1:
        value, unit = value / 1024, unit + 1
    return f"{decimal(value, 1 if unit else 0)} {_BYTES[unit]}"


def day(value: date | None, language: str) -> str:
    """A day of the calendar."""
    if value is None:
        return MISSING
    return f"{value.year}年{value.month}月{value.day}日" if language == "zh" else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def moment(iso: str | datetime | None, zone: str, language: str) -> str:
    """A moment on the clock of a zone; ISO texts without an offset are taken as they stand."""
    if not iso:
        return MISSING
    at = iso if isinstance(iso, datetime) else datetime.fromisoformat(iso)
    local = at.astimezone(ZoneInfo(zone)) if at.tzinfo else at
    return f"{day(local.date(), language)} {local:%H:%M}"


def period(text: str, language: str) -> str:
    """A period written `2024`, `2024-Q1`, `2024-03` or `2024-03-09`, as it is said."""
    parts = text.split("-")
    if len(parts) == 1:
        return f"{parts[0]}年" if language == "zh" else parts[0]
    if parts[1].startswith("Q"):
        return f"{parts[0]}年第{parts[1][1:]}季度" if language == "zh" else f"{parts[1]} {parts[0]}"
    if len(parts) == 2:
        return f"{parts[0]}年{int(parts[1])}月" if language == "zh" else f"{_MONTHS[int(parts[1]) - 1]} {parts[0]}"
    return day(date(int(parts[0]), int(parts[1]), int(parts[2])), language)


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """A text in pieces: what can be shown, and (True, name) for each character that would hide, act or turn its neighbours around."""
    shown: list[str] = []
    for character in text:
        if unicodedata.category(character) in _HIDING and character not in _SPACING:
            if shown:
                yield False, "".join(shown)
                shown = []
            yield True, _named(character)
        else:
            shown.append(character)
    if shown:
        yield False, "".join(shown)


def plain(text: str) -> str:
    """A text on one line without any such character, for titles and attributes."""
    return "".join(f"[{piece}]" if odd else piece for odd, piece in pieces(text)).replace("\n", " ").replace("\t", " ")


def _named(character: str) -> str:
    return {"\0": "NUL", "\r": "CR", "\x1b": "ESC", "\ufeff": "BOM"}.get(character, f"U+{ord(character):04X}")
