"""Progress as people see it: bars with amount and rate on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

_EVERY = 10.0  # seconds between plain lines of one step
_LEAST = 0.5  # a plain line is worth its place from so many seconds


class _Rate(ProgressColumn):
    """Units per second."""

    def render(self, task: Task) -> Text:
        return Text(_amount((task.finished_speed or task.speed or 0), str(task.fields.get("unit", "rows"))) + "/s")


def _amount(number: float, unit: str) -> str:
    if unit != "bytes":
        return f"{number:,.0f} {unit}"
    for name, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:.1f} {name}"
    return f"{number:.0f} bytes"


class Bars:
    """Progress on a terminal: one bar per step, the finished ones staying."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            _Rate(),
            TimeElapsedColumn(),
        )
        self._drawn = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task: TaskID | None = None

    def __enter__(self) -> Bars:
        self._drawn.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._drawn.stop()

    def start(self, step: str, total: int | None = None, unit: str = "rows") -> None:
        self.done()
        self._task = self._drawn.add_task(step, total=total, unit=unit)

    def advance(self, amount: int) -> None:
        if self._task is not None:
            self._drawn.advance(self._task, amount)

    def done(self) -> None:
        if self._task is not None:
            self._drawn.remove_task(self._task)
            self._task = None


class Lines:
    """Progress in plain lines: of a long step every few seconds, and at its end."""

    def __init__(self) -> None:
        self._step, self._unit, self._total, self._count, self._began, self._said = "", "rows", None, 0, 0.0, 0.0  # type: tuple[str, str, int | None, int, float, float]

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.done()

    def start(self, step: str, total: int | None = None, unit: str = "rows") -> None:
        self.done()
        self._step, self._unit, self._total, self._count = step, unit, total, 0
        self._began = self._said = time.monotonic()

    def advance(self, amount: int) -> None:
        self._count += amount
        if time.monotonic() - self._said >= _EVERY:
            self._said = time.monotonic()
            self._line("")

    def done(self) -> None:
        if self._step and time.monotonic() - self._began >= _LEAST:
            self._line(", done")
        self._step = ""

    def _line(self, end: str) -> None:
        seconds = max(time.monotonic() - self._began, 1e-6)
        of = f" of {_amount(self._total, self._unit)}" if self._total and not end else ""
        rate = f": {_amount(self._count, self._unit)}{of}, {_amount(self._count / seconds, self._unit)}/s" if self._count else ""
        sys.stderr.write(f"{self._step}{rate}, {seconds:.1f} s{end}\n")
        sys.stderr.flush()


def shown_progress() -> Bars | Lines:
    """Bars where a person watches, lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Lines()
