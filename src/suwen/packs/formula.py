"""Formulas held against the points in force: every name resolves, and what does not add up is not added."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.base.errors import Place
from suwen.model.indicator import Base, Count, Indicator, Point
from suwen.packs.problem import Problems, nearest

_ALONE = (Count.MEDIAN, Count.DISTINCT)


def check_formulas(bases: Mapping[str, Base], indicators: Mapping[str, Indicator], problems: Problems) -> None:
    """Points declared once, on bases that are there; formulas and examples of points that are there."""
    points: dict[str, Point] = {}
    for indicator in indicators.values():
        for code, point in indicator.points.items():
            if code in points:
                problems.add(point.place, f'point "{code}" is also declared at {points[code].place}', do="rename or remove one")
            points.setdefault(code, point)
            if point.base and point.base not in bases:
                problems.add(point.place, f'point "{code}" counts rows of unknown base "{point.base}"', do=nearest(point.base, bases))
    for indicator in indicators.values():
        for side in (indicator.numerator, indicator.denominator):
            _check_side(indicator, side, points, problems)
        for example in indicator.examples:
            for expected in example.expect:
                if expected.code not in points and expected.code not in indicators:
                    what = f'example "{example.name}" expects a value of unknown "{expected.code}"'
                    problems.add(expected.place, what, do=nearest(expected.code, (*points, *indicators)))


def _check_side(indicator: Indicator, side: tuple[str, ...], points: Mapping[str, Point], problems: Problems) -> None:
    for code in side:
        point, place = points.get(code), _place(indicator, code)
        if point is None:
            expected = "a point that some indicator of the packs in use declares"
            problems.add(place, f'the formula of "{indicator.code}" names unknown point "{code}"', expected=expected, do=nearest(code, points))
        elif point.kind in _ALONE and len(side) > 1:
            problems.add(place, f'"{code}" is added to other points, but is {_what(point)}', expected="such a point alone")
        elif point.kind is Count.MEDIAN and indicator.denominator:
            problems.add(place, f'"{code}" is divided, but is {_what(point)}', expected="a numerator alone")


def _what(point: Point) -> str:
    return "a median" if point.kind is Count.MEDIAN else "a number of different persons"


def _place(indicator: Indicator, code: str) -> Place:
    """Where a formula names a point."""
    return indicator.named.get(code, indicator.place)
