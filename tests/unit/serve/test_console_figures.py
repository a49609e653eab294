"""Figures as coordinates."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.flow.history import Visit
from suwen.serve.console.figures import bars, line, stacked, steps
from suwen.serve.console.timeline import timeline

NUMBERS = st.lists(st.one_of(st.none(), st.fractions(min_value=-1000, max_value=1000)), min_size=1, max_size=40)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=7))
def test_parts_of_a_bar_fill_it_without_overlap_and_each_is_seen(numbers: list[int]) -> None:
    found = stacked([(str(at), number) for at, number in enumerate(numbers)], 1000)
    assert [segment.number for segment in found] == [number for number in numbers if number]
    if found:
        assert sum(segment.width for segment in found) == pytest.approx(1000, abs=0.1)
        assert all(segment.width >= 1.99 for segment in found)
        assert all(before.x + before.width == pytest.approx(after.x, abs=0.05) for before, after in itertools.pairwise(found))


@given(NUMBERS)
def test_bars_begin_at_zero_and_are_as_long_as_their_values(values: list[Fraction | None]) -> None:
    zero, found = bars(values, 160)
    assert 0 <= zero <= 160
    for value, bar in zip(values, found, strict=True):
        assert (value is None) == (bar is None)
        if bar is not None and value is not None:
            assert bar.negative == (value < 0)
            assert (bar.x + bar.width if value < 0 else bar.x) == pytest.approx(zero, abs=0.02)


@given(NUMBERS)
def test_classes_follow_the_order_of_values(values: list[Fraction | None]) -> None:
    found = [(value, step) for value, step in zip(values, steps(values), strict=True) if value is not None and step is not None]
    assert sum(value is not None for value in values) == len(found)
    assert all(0 <= step <= 4 for _, step in found)
    ordered = sorted(found)
    assert [step for _, step in ordered] == sorted(step for _, step in ordered)


def test_a_line_has_gaps_where_values_are_missing_and_dots_where_a_value_stands_alone() -> None:
    drawn = line([Fraction(1), Fraction(2), None, Fraction(3), None], 106, 26)
    assert drawn.path == "M3.0 23.0L28.0 13.0M78.0 3.0"
    assert [dot.at for dot in drawn.dots] == [3]
    assert drawn.last is not None and drawn.last.at == 3
    assert line([None, None], 100, 20).path == ""


def visit(number: int, organisation: str, start: date, days: int | None) -> Visit:
    end = None if days is None else start + timedelta(days=days)
    return Visit(number, 1, organisation, 9201, start, end, None, "", (), {})


def test_a_timeline_has_a_lane_for_each_organisation_and_lasts_as_long_as_the_visits() -> None:
    first = date(2024, 1, 1)
    found = timeline([visit(1, "A", first, 10), visit(2, "B", first + timedelta(days=50), 0), visit(3, "A", first + timedelta(days=90), None)])
    assert found is not None
    assert [(lane.organisation, [mark.visit.visit_id for mark in lane.marks]) for lane in found.lanes] == [("A", [1, 3]), ("B", [2])]
    stay, open_stay = found.lanes[0].marks
    assert stay.width == pytest.approx(10 / 91 * 984, abs=0.2)
    assert all(0 <= mark.x <= 1000 for lane in found.lanes for mark in lane.marks)
    assert open_stay.width >= 4
    assert timeline([]) is None
