"""Numbers, days and texts as pages show them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.insight.indicator.value import shown as told
from suwen.serve.console import shown


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (Fraction(1, 3), 2, "0.33"), (Fraction(5, 2), 0, "3"), (Fraction(-5, 2), 0, "−3"), (Fraction(-1, 1000), 1, "0.0"), (Fraction(1234567), 0, "1,234,567"),
        (None, 1, "–"), (Decimal("0.005"), 2, "0.01"), (Fraction(10**30), 0, "1,000,000,000,000,000,000,000,000,000,000"),
    ],
)  # fmt: skip
def test_exact_values_are_rounded_for_the_eye_halves_away_from_zero(value: Fraction | None, decimals: int, text: str) -> None:
    assert shown.decimal(value, decimals) == text


@given(st.fractions(min_value=-(10**12), max_value=10**12), st.integers(0, 6))
def test_a_value_reads_as_on_the_command_line(value: Fraction, decimals: int) -> None:
    assert shown.decimal(value, decimals).replace(",", "").replace("−", "-") == told(value, decimals)


def test_a_change_has_a_sign_unless_it_is_nothing() -> None:
    assert [shown.signed(value, 1) for value in (Fraction(1), Fraction(-1), Fraction(1, 100), None)] == ["+1.0", "−1.0", "0.0", "–"]


def test_what_is_not_nothing_is_not_shown_as_nothing_and_a_part_never_as_all() -> None:
    assert (shown.share(1, 10**6), shown.share(0, 10), shown.share(10, 10), shown.share(99_999, 100_000), shown.share(1, 0)) == (
        "<0.1 %", "0.0 %", "100.0 %", "99.9 %", "–",
    )  # fmt: skip


def test_periods_days_and_moments_in_both_languages() -> None:
    assert [shown.period(text, "en") for text in ("2024", "2024-Q1", "2024-03", "2024-02-29")] == ["2024", "Q1 2024", "Mar 2024", "29 Feb 2024"]
    assert [shown.period(text, "zh") for text in ("2024", "2024-Q1", "2024-03", "2024-02-29")] == ["2024年", "2024年第1季度", "2024年3月", "2024年2月29日"]
    assert shown.day(date(2024, 12, 31), "en") == "31 Dec 2024"
    assert shown.moment(datetime(2024, 12, 31, 20, tzinfo=UTC), "Asia/Shanghai", "zh") == "2025年1月1日 04:00"
    assert shown.moment("", "Asia/Shanghai", "en") == "–"


def test_bytes_in_a_unit_fit_to_read() -> None:
    assert [shown.size(length) for length in (0, 1023, 1024, 3 << 30)] == ["0 B", "1,023 B", "1.0 KiB", "3.0 GiB"]


def test_what_would_hide_or_turn_its_neighbours_is_named() -> None:
    assert list(shown.pieces("a\0b\u202ec")) == [(False, "a"), (True, "NUL"), (False, "b"), (True, "U+202E"), (False, "c")]
    assert shown.plain("a\tb\nc\u200bd") == "a b c[U+200B]d"


@given(st.text())
def test_nothing_of_a_text_is_lost_and_nothing_that_acts_is_left(text: str) -> None:
    parts = list(shown.pieces(text))
    assert sum(len(piece) if not odd else 1 for odd, piece in parts) == len(text)
    assert not any(c in piece for odd, piece in parts if not odd for c in "\0\u202e\u2066\u200f\x1b")
