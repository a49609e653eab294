"""The port through which long work says how far it is; the command line draws it, tests and programs leave it silent."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of one step after another: `start` begins a step (and ends the one before), `advance` counts within it, `done` ends it."""

    def start(self, step: str, total: int | None = None, unit: str = "rows") -> None:
        """A step begins; `total` units of work where known."""

    def advance(self, amount: int) -> None:
        """So many more units are done."""

    def done(self) -> None:
        """The step is at its end."""


class Silent:
    """Progress that nobody sees."""

    def start(self, step: str, total: int | None = None, unit: str = "rows") -> None:
        """Nothing is shown."""

    def advance(self, amount: int) -> None:
        """Nothing is shown."""

    def done(self) -> None:
        """Nothing is shown."""


SILENT = Silent()
