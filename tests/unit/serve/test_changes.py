"""Which period a page shows by itself, and when a change is called good or bad."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from suwen.base.errors import Place
from suwen.insight.indicator.value import span
from suwen.model.indicator import Direction, Indicator, Period, Scope, Value
from suwen.model.pack import Source
from suwen.serve.console.indicator_page import change, newest_whole


@pytest.mark.parametrize(
    ("period", "day", "ahead", "text"),
    [
        (Period.QUARTER, date(2024, 3, 31), 0, "2024-Q1"),
        (Period.QUARTER, date(2024, 3, 30), 0, "2023-Q4"),
        (Period.QUARTER, date(2024, 3, 31), 31, "2023-Q4"),
        (Period.QUARTER, date(2024, 1, 30), 31, "2023-Q3"),
        (Period.QUARTER, date(2024, 1, 31), 31, "2023-Q4"),
        (Period.MONTH, date(2024, 3, 1), 1, "2024-02"),
        (Period.YEAR, date(2024, 12, 31), 0, "2024"),
    ],
)
def test_the_newest_period_is_one_that_nothing_changes_any_more(period: Period, day: date, ahead: int, text: str) -> None:
    assert newest_whole(period, day, ahead).text == text


def test_a_change_of_a_provisional_value_is_neither_good_nor_bad() -> None:
    source = Source("made for this test", "1", "verified")
    indicator = Indicator(
        "QS99", Place("QS99.toml", 1), {"en": "q"}, {"en": "q"}, "tests", source, {"en": "%"}, Direction.LOWER, Period.QUARTER, Scope.LOCAL,
        ("QS99.01",), ("QS99.02",), 100, 1, {},
    )  # fmt: skip
    before, after = (Value("QS99", "H1", span(text), Fraction(number), {}, 1, 1, 1) for text, number in (("2024-Q1", 5), ("2024-Q2", 3)))
    for value, grade in (
        (after, "good"),
        (replace(after, value=Fraction(7)), "bad"),
        (replace(after, provisional=True), ""),
        (replace(after, value=before.value), ""),
    ):
        found = change(indicator, before, value)
        assert found is not None and found.grade == grade
    assert change(indicator, None, after) is None
    assert change(indicator, before, replace(after, value=None)) is None
