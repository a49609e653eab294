"""An indicator file: a number that is asked for, the statistical points it is made of, and examples worked out by hand."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from suwen.base.errors import Place
from suwen.model.indicator import Count, Direction, Indicator, Period, Point
from suwen.packs.base import read_scope
from suwen.packs.indicator_example import read_examples
from suwen.packs.names import DASHED, check_name
from suwen.packs.problem import Problems
from suwen.packs.section import Section
from suwen.packs.toml_places import Document

INDICATOR_KEYS = (
    "code", "title", "definition", "owner", "source", "unit", "direction", "period", "person",
    "numerator", "denominator", "factor", "decimals", "ahead", "point", "example",
)  # fmt: skip
POINT_KEYS = ("title", "definition", "unit", "kind", "base", "keep", "value", "person")
CODE = re.compile(r"[A-Z]{2,4}[0-9]{2}[A-Z]?")
MOST_DECIMALS = 6
MOST_AHEAD = 3_660  # days
_VALUED = (Count.SUM, Count.MEDIAN)


def read_indicator(document: Document, problems: Problems) -> Indicator:
    """The indicator of a document. Mistakes go to `problems`; with any, the indicator returned is not to be used."""
    top = Section(document, (), document.data, problems, INDICATOR_KEYS)
    code = top.text("code")
    if code and not CODE.fullmatch(code):
        top.problem(
            "code", f'"{code}" is not a code of an indicator', expected="two to four capitals, two digits and perhaps one more capital, such as SV01 or CE02D"
        )
    unit = top.titles("unit")
    points = {name: _point(section, name, code, unit) for name, section in top.named_sections("point", POINT_KEYS).items()}
    indicator = Indicator(
        code=code,
        place=top.place("code"),
        title=top.titles(),
        definition=top.titles("definition"),
        owner=top.text("owner"),
        source=top.source(),
        unit=unit,
        direction=_word(top, "direction", Direction.MONITOR),
        period=_word(top, "period", Period.MONTH),
        person=read_scope(top),
        numerator=top.texts("numerator", required=True),
        denominator=top.texts("denominator"),
        factor=top.whole("factor", 1, least=1),
        decimals=top.whole("decimals", 0, least=0),
        points=points,
        ahead=top.whole("ahead", 0, least=0),
        examples=read_examples(top, code),
        sha256=document.sha256,
        named=_named(top, ("numerator", "denominator")),
    )
    if indicator.decimals > MOST_DECIMALS:
        top.problem("decimals", '"decimals" is out of range', expected=f"a whole number from 0 to {MOST_DECIMALS}")
    if indicator.ahead > MOST_AHEAD:
        top.problem("ahead", '"ahead" is out of range', expected=f"a number of days from 0 to {MOST_AHEAD}")
    return indicator


def _named(top: Section, keys: tuple[str, ...]) -> dict[str, Place]:
    """Where each point of the formula is named first."""
    found: dict[str, Place] = {}
    for key in keys:
        for at, code in enumerate(top.texts(key)):
            found.setdefault(code, top.place(key, at))
    return found


Word = TypeVar("Word", bound=StrEnum)


def _word(section: Section, key: str, default: Word) -> Word:
    """One of the words of an enumeration."""
    text, known = section.text(key), type(default)
    if text and text not in list(known):
        section.problem(key, f'unknown {key} "{text}"', expected=" or ".join(f'"{one}"' for one in known))
        return default
    return known(text) if text else default


def _point(section: Section, code: str, indicator: str, unit: dict[str, str]) -> Point:
    """A point; its unit is the indicator's where it has none of its own."""
    stem = indicator.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") if CODE.fullmatch(indicator) else ""
    if stem and not re.fullmatch(rf"({re.escape(indicator)}|{stem})\.[0-9]{{2}}", code):
        section.problem("", f'"{code}" is not a code of a point of "{indicator}"', expected=f"{stem}. with two digits, such as {stem}.01")
    kind, base = _word(section, "kind", Count.COUNT), section.text("base")
    check_name(section, "base", base, DASHED)
    value = section.expression("value", required=kind in _VALUED)
    if value is not None and kind not in _VALUED:
        section.problem("value", f'a point of kind "{kind}" has a value', expected="a value only where it is summed, or its median taken", do="remove the line")
    return Point(
        code=code,
        place=section.place(),
        title=section.titles(),
        definition=section.titles("definition"),
        unit=section.titles("unit") if "unit" in section.data else unit,
        kind=kind,
        base=base,
        keep=section.expression("keep"),
        value=value,
        person=read_scope(section),
    )
