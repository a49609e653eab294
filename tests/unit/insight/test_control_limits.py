"""Control limits against worked examples of the e-Handbook of Statistical Methods (NIST/SEMATECH), 6.3.2.2 and 6.3.3.2."""

from __future__ import annotations

from fractions import Fraction

import pytest

from suwen.insight.indicator.control import individuals, shares

FLOW = [Fraction(text) for text in ("49.6", "47.6", "49.9", "51.3", "47.8", "51.2", "52.6", "52.4", "53.6", "52.1")]
WAFERS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]


def test_limits_of_single_values_as_worked_out_by_the_handbook() -> None:
    limits = individuals(FLOW)
    assert limits is not None
    assert limits.centre == pytest.approx(50.81)
    assert limits.high[0] == pytest.approx(55.8041, abs=0.005)
    assert limits.low[0] == pytest.approx(45.8159, abs=0.005)
    assert limits.out == ()


def test_limits_of_shares_as_worked_out_by_the_handbook() -> None:
    limits = shares(WAFERS, [50] * len(WAFERS), factor=1)
    assert limits is not None
    assert limits.centre == pytest.approx(0.2313, abs=5e-5)
    assert limits.high[0] == pytest.approx(0.4102, abs=5e-5)
    assert limits.low[0] == pytest.approx(0.0524, abs=5e-5)
    assert limits.out == (14, 22)  # 22 and 24 of 50


def test_a_smaller_denominator_has_wider_limits_that_stay_between_nothing_and_all() -> None:
    limits = shares([1, 50, 100, 60, 40, 45, 55, 52], [4, 100, 200, 120, 80, 90, 110, 104])
    assert limits is not None
    assert (limits.low[0], limits.high[0]) == (0.0, 100.0)
    assert limits.low[2] is not None and limits.low[1] is not None and limits.low[2] > limits.low[1]


def test_missing_values_have_no_limits_and_no_neighbours() -> None:
    limits = individuals([*FLOW[:5], None, *FLOW[5:]])
    assert limits is not None
    assert limits.low[5] is None
    joined = individuals(FLOW)
    assert joined is not None and limits.high[0] is not None and joined.high[0] is not None
    assert limits.high[0] < joined.high[0]  # the step from 47.8 to 51.2 is not one of neighbours any more


def test_too_few_values_say_nothing() -> None:
    assert individuals(FLOW[:7]) is None
    assert shares([1] * 7, [2] * 7) is None
    assert shares([None] * 9, [None] * 9) is None
