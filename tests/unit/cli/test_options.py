"""Dates, windows and modes as people type them."""

from datetime import date, datetime

import pytest

from suwen.base.errors import SuwenError
from suwen.cli.options import mode, moment, window
from suwen.model.receipt import Mode


def test_dates_and_local_times() -> None:
    assert moment("2024-02-29", "--as-of") == datetime(2024, 2, 29)
    assert moment("2024-02-29T18:30", "--as-of") == datetime(2024, 2, 29, 18, 30)
    assert moment("20240229", "--as-of") == datetime(2024, 2, 29)


@pytest.mark.parametrize("text", ["yesterday", "2024-02-30", "29.2.2024", "2024-02-29T18:30+08:00", "2024-02-29T18:30Z", " "])
def test_what_is_no_local_date_is_refused(text: str) -> None:
    with pytest.raises(SuwenError, match="is not a date"):
        moment(text, "--as-of")


def test_windows() -> None:
    assert window("2024-01-01..2024-01-31") == (date(2024, 1, 1), date(2024, 1, 31))


@pytest.mark.parametrize("text", ["2024-01-01", "2024-01-01-2024-01-31", "2024-01-01..", "..", "a..b", "2024-01-01...2024-01-31"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(SuwenError, match=r"FIRST\.\.LAST") as caught:
        window(text)
    assert caught.value.expected or "FIRST" in str(caught.value)


def test_modes() -> None:
    assert mode("window") is Mode.WINDOW
    with pytest.raises(SuwenError, match="unknown mode"):
        mode("windows")
