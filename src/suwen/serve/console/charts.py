"""Charts as data for the drawing script, and the map of tiles; every chart's table is made from the same values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from suwen.model.indicator import Indicator
from suwen.serve.console.figures import Line, line
from suwen.serve.console.indicator_page import Course
from suwen.serve.console.shown import period, rounded

_SIZE = (720, 220)


@dataclass(frozen=True)
class Chart:
    """A course drawn by the server, and what the script needs to draw it so that it can be looked into."""

    line: Line
    data: Mapping[str, object]


def trend_chart(course: Course, indicator: Indicator, language: str) -> Chart:
    """The chart of a course with its control limits."""
    values, limits = [one.value for one in course.values], course.limits
    flat = limits is not None and limits.chart == "individuals"
    known = [one for one in (*limits.low, *limits.high) if one is not None] if limits else []
    band = (_exact(min(known)), _exact(max(known))) if flat and known else None
    drawn = line(values, *_SIZE, out=limits.out if limits else (), band=band, centre=_exact(limits.centre) if limits else None)
    data: dict[str, object] = {
        "labels": [period(one.span.text, language) for one in course.values],
        "values": [_number(value, indicator.decimals) for value in values],
        "decimals": indicator.decimals,
        "unit": indicator.unit.get(language, ""),
        "centre": limits.centre if limits else None,
        "low": list(limits.low) if limits else [],
        "high": list(limits.high) if limits else [],
        "out": list(limits.out) if limits else [],
    }
    return Chart(drawn, data)


def _exact(value: float) -> Fraction:
    return Fraction(value).limit_denominator(10**9)


def _number(value: Fraction | None, decimals: int) -> float | None:
    return None if value is None else float(rounded(value, decimals))
