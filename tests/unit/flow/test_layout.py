"""Which part of a table a month's rows go to: every month to exactly one, known parts stay where they are."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.flow.layout import END, RECENT_ROWS, ROWS, month_of_part, part_of, parts_of

MONTHS = st.just(0) | st.integers(1850 * 12, 2200 * 12 + 11)
ROW_COUNTS = st.integers(1, 3 * ROWS)
HISTOGRAMS = st.dictionaries(MONTHS, ROW_COUNTS, min_size=1, max_size=40).map(lambda counts: sorted(counts.items()))
KNOWN = st.dictionaries(MONTHS.map(part_of), ROW_COUNTS, max_size=6)


def month(year: int, number: int) -> int:
    return 12 * year + number - 1


@pytest.mark.parametrize(("low", "name"), [(0, "000000"), (month(1970, 3), "197003"), (month(2024, 12), "202412"), (month(1850, 1), "185001")])
def test_a_part_is_named_by_its_first_month(low: int, name: str) -> None:
    assert part_of(low) == name and month_of_part(name) == low


@given(MONTHS)
def test_names_are_read_back(low: int) -> None:
    assert month_of_part(part_of(low)) == low


@given(KNOWN, HISTOGRAMS)
def test_every_month_has_exactly_one_part(known: dict[str, int], histogram: list[tuple[int, int]]) -> None:
    parts = parts_of({"t": known}, "t", histogram)
    assert parts[0][0] == 0 and parts[-1][1] == END
    assert all(low < high for low, high in parts) and all(one[1] == other[0] for one, other in pairwise(parts))


@given(KNOWN, HISTOGRAMS)
def test_known_parts_stay_and_bulk_is_cut(known: dict[str, int], histogram: list[tuple[int, int]]) -> None:
    parts = parts_of({"t": known}, "t", histogram)
    assert {month_of_part(part) for part in known} <= {low for low, _ in parts}
    for low, high in parts:
        inside = [rows for month, rows in histogram if low <= month < high]
        assert len(inside) <= 1 or sum(inside) <= ROWS


@given(KNOWN.filter(bool), HISTOGRAMS.map(lambda counts: [(month, 1 + rows % 1000) for month, rows in counts]))
def test_of_few_rows_at_most_one_part_opens_after_the_others(known: dict[str, int], histogram: list[tuple[int, int]]) -> None:
    starts = {low for low, _ in parts_of({"t": known}, "t", histogram)}
    before = {month_of_part(part) for part in known} | {0}
    assert before <= starts and len(starts - before) <= 1
    assert all(new > max(before) and new == histogram[-1][0] for new in starts - before)


@given(HISTOGRAMS)
def test_first_parts_are_of_bounded_size_and_cut_no_month(histogram: list[tuple[int, int]]) -> None:
    counts = dict(histogram)
    for low, high in parts_of({}, "t", histogram):
        inside = [month for month in counts if low <= month < high]
        assert inside, "no part begins empty"
        assert len(inside) == 1 or sum(counts[month] for month in inside) <= ROWS


def test_a_later_month_opens_a_part_once_the_last_is_full() -> None:
    new = [(month(2024, 5), 10), (month(2024, 6), 10)]
    room, full = ({"000000": 5, "202401": rows} for rows in (RECENT_ROWS - 1, RECENT_ROWS))
    assert parts_of({"t": room}, "t", new) == [(0, month(2024, 1)), (month(2024, 1), END)]
    assert parts_of({"t": full}, "t", new) == [(0, month(2024, 1)), (month(2024, 1), month(2024, 6)), (month(2024, 6), END)]
    assert parts_of({"t": full}, "t", [(month(2023, 5), 10)]) == [(0, month(2024, 1)), (month(2024, 1), END)], "an older month goes to the part it belongs to"
    assert parts_of({"other": full}, "t", new) == [(0, END)]


def test_what_comes_before_the_first_part_has_a_place_though_its_own_is_gone() -> None:
    """The part without a beginning is gone once its last row is: an old row that comes then must not be lost."""
    assert parts_of({"t": {"202001": 7}}, "t", [(0, 1), (month(1990, 1), 1)]) == [(0, month(2020, 1)), (month(2020, 1), END)]


def test_the_last_year_is_cut_finer() -> None:
    histogram = [(month(year, number), 100_000) for year in (2022, 2023, 2024) for number in range(1, 13)]
    sizes = [sum(n for m, n in histogram if low <= m < high) for low, high in parts_of({}, "t", histogram)]
    assert max(sizes[:-6]) == ROWS and sizes[-6:] == [200_000] * 6
