"""Periods, medians and formulas: known answers by hand, and laws."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from statistics import median as plain_median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.base.errors import SuwenError
from suwen.insight.indicator.value import median, moved, shown, span, span_of, spans, value, year_before
from suwen.model.indicator import Period
from suwen.packs.loader import load_packs

DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))
PERIODS = st.sampled_from(list(Period))
SHARE = load_packs(["cn"]).indicators["SV03"]


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2024", date(2024, 1, 1), date(2025, 1, 1)),
        ("2024-Q1", date(2024, 1, 1), date(2024, 4, 1)),
        ("2024-Q4", date(2024, 10, 1), date(2025, 1, 1)),
        ("2024-02", date(2024, 2, 1), date(2024, 3, 1)),
        ("2023-12", date(2023, 12, 1), date(2024, 1, 1)),
        ("2024-02-29", date(2024, 2, 29), date(2024, 3, 1)),
        ("2023-12-31", date(2023, 12, 31), date(2024, 1, 1)),
    ],
)
def test_a_period_by_its_text(text: str, first: date, after: date) -> None:
    found = span(text)
    assert (found.text, found.first, found.after) == (text, first, after)


@pytest.mark.parametrize(
    "text", ["", "24", "2024-13", "2024-00", "2023-02-29", "2024-Q5", "2024-q1", "2024-3", "2024-3-9", "0000", "9999", " 2024", "2024/03", "２０２４"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(SuwenError, match="is no period"):
        span(text)


@given(DAYS, PERIODS)
def test_a_period_holds_its_day_and_is_found_by_its_text(day: date, period: Period) -> None:
    found = span_of(day, period)
    assert found.first <= day < found.after
    assert span(found.text) == found
    assert all(span_of(one, period) == found for one in (found.first, found.after - timedelta(days=1)))


@given(DAYS, st.integers(0, 800), PERIODS)
def test_periods_follow_one_another_without_a_gap(first: date, length: int, period: Period) -> None:
    last = first + timedelta(days=length)
    found = spans(period, first, last)
    assert found[0].first <= first < found[0].after
    assert found[-1].first <= last < found[-1].after
    assert all(one.after == other.first for one, other in pairwise(found))


@given(DAYS, PERIODS, st.integers(-50, 50))
def test_a_period_moved_there_and_back_is_itself(day: date, period: Period, by: int) -> None:
    one = span_of(day, period)
    there = moved(one, by)
    assert moved(there, -by) == one
    assert there == one if by == 0 else (there.first < one.first) == (by < 0)


def test_the_period_a_year_before() -> None:
    assert [year_before(span(text)).text for text in ("2024", "2024-Q3", "2024-02", "2024-02-29", "2024-03-01")] == [
        "2023",
        "2023-Q3",
        "2023-02",
        "2023-02-28",
        "2023-03-01",
    ]
    assert spans(Period.DAY, date(2024, 1, 2), date(2024, 1, 1)) == ()


@given(st.lists(st.tuples(st.decimals(-1000, 1000, places=4), st.integers(0, 5))))
def test_the_median_of_counts_is_that_of_the_values_written_out(counts: list[tuple[Decimal, int]]) -> None:
    written = [Fraction(number) for number, often in counts for _ in range(often)]
    assert median(counts) == (plain_median(written) if written else None)


@given(st.fractions(-1000, 1000), st.integers(0, 6))
def test_a_number_is_shown_within_half_of_its_last_place(number: Fraction, decimals: int) -> None:
    text = shown(number, decimals)
    assert abs(Fraction(text) - number) <= Fraction(1, 2 * 10**decimals)
    assert text != f"-{shown(Fraction(0), decimals)}"
    assert len(text.partition(".")[2]) == decimals


def test_halves_are_rounded_away_from_zero() -> None:
    assert [shown(Fraction(n, 200), 2) for n in (1, -1, 3, 199)] == ["0.01", "-0.01", "0.02", "1.00"]
    assert shown(Fraction(5, 2), 0) == "3"


def test_a_formula_is_worked_out_exactly_or_not_at_all() -> None:
    points = {"SV03.01": Fraction(7), "SV03.02": Fraction(1), "SV03.03": Fraction(2)}
    assert value(SHARE, points) == Fraction(300, 7)
    assert value(SHARE, {**points, "SV03.01": Fraction(0)}) is None
    assert value(SHARE, {**points, "SV03.02": None}) is None
    assert value(SHARE, {}) is None
