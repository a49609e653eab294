"""Progress in plain lines: what was done and how fast, on standard error alone."""

import re

import pytest

from suwen.cli import bars
from suwen.cli.bars import Bars, Lines, shown_progress


class Clock:
    """A clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(bars.time, "monotonic", lambda: self.now)


def test_a_long_step_is_told_meanwhile_and_at_its_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(monkeypatch)
    with Lines() as lines:
        lines.start("landing", 4_000_000, "bytes")
        lines.advance(1_000_000)
        clock.now += 10
        lines.advance(1_000_000)
        clock.now += 10
        lines.start("reading", unit="rows")
        lines.advance(500)
        clock.now += 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "landing: 2.0 MB of 4.0 MB, 200.0 kB/s, 10.0 s\nlanding: 2.0 MB, 100.0 kB/s, 20.0 s, done\nreading: 500 rows, 500 rows/s, 1.0 s, done\n"


def test_short_steps_are_not_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(monkeypatch)
    with Lines() as lines:
        for step in ("a", "b"):
            lines.start(step)
            clock.now += 0.1
    assert capsys.readouterr().err == ""


def test_a_step_that_failed_is_not_called_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(monkeypatch)
    with pytest.raises(ValueError, match="x"), Lines() as lines:
        lines.start("a")
        clock.now += 5
        raise ValueError("x")
    assert "done" not in capsys.readouterr().err


def test_bars_on_a_terminal_take_any_order_of_calls() -> None:
    with Bars() as drawn:
        drawn.advance(1)
        drawn.done()
        drawn.start("a", 10)
        drawn.advance(5)
        drawn.start("b", None, "bytes")
        drawn.advance(5)
        drawn.done()


def test_lines_where_nobody_watches() -> None:
    assert isinstance(shown_progress(), Lines)


@pytest.mark.parametrize(
    ("number", "unit", "shown"), [(1234, "rows", "1,234 rows"), (12, "bytes", "12 bytes"), (1.5e9, "bytes", "1.5 GB"), (2_500, "bytes", "2.5 kB")]
)
def test_amounts(number: float, unit: str, shown: str) -> None:
    assert re.fullmatch(re.escape(shown), bars._amount(number, unit))
