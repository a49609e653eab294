"""Columns of text from whole numbers."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.simulate.dialects import text
from suwen.simulate.dialects.text import Coded, Form, lines
from suwen.simulate.shapes import NONE, Ints


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def shown(column: text.Array) -> list[str]:
    return [value.decode() for value in column.to_pylist()]


@given(st.lists(st.integers(0, 10**13 - 1), min_size=1), st.integers(13, 18))
def test_padded(values: list[int], width: int) -> None:
    assert shown(text.padded(ints(*values), width, "A", "b")) == [f"A{value:0{width}d}b" for value in values]


def test_a_number_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="3 digits"):
        text.padded(ints(1000), 3)


def test_nothing_is_empty() -> None:
    none = ints(NONE)
    assert shown(text.padded(none, 4)) == shown(text.whole(none)) == shown(text.dates(none)) == shown(text.compact(none)) == [""]


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 4)), min_size=1))
def test_decimal(values: list[tuple[int, int]]) -> None:
    numbers, decimals = ints(*(value for value, _ in values)), ints(*(places for _, places in values))
    expected = [f"{'-' if n < 0 else ''}{abs(n) // 10**d}" + (f".{abs(n) % 10**d:0{d}d}" if d else "") for n, d in values]
    assert shown(text.decimal(numbers, decimals)) == expected


@given(st.lists(st.integers(0, 4 * 10**8), min_size=1))
def test_times(seconds: list[int]) -> None:
    moments = [datetime(1970, 1, 1) + timedelta(seconds=second) for second in seconds]
    assert shown(text.compact(ints(*seconds))) == [f"{moment:%Y%m%d%H%M%S}" for moment in moments]
    slash = text.times(ints(*seconds), "{y}/{m}/{d}", " {h}:{n:02d}")
    assert shown(slash) == [f"{m.year}/{m.month}/{m.day} {m.hour}:{m.minute:02d}" for m in moments]


def test_a_birth_on_the_day_before_1970() -> None:
    assert shown(text.born(ints(-1, 0, -20_000))) == ["1969-12-31", "1970-01-01", "1915-03-31"]


def test_lines_side_by_side() -> None:
    places = ints(1, NONE, 0)
    columns = [Coded(places, ("a,b", 'c"d')), Coded(places, ("甲", "乙")), text.whole(ints(7, 8, NONE))]
    assert lines(Form(newline="\n"), columns).to_pylist() == ['"c""d",乙,7\n'.encode(), b",,8\n", '"a,b",甲,\n'.encode()]
    assert lines(Form(delimiter=";", newline="\n", quoted=True), columns).to_pylist()[0] == '"c""d";"乙";"7"\n'.encode()
    assert lines(Form(delimiter="|", bare=True, encoding="gb18030"), columns).to_pylist()[2] == "a,b|甲|\r\n".encode("gb18030")
