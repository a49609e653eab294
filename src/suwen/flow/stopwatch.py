"""Seconds per named step of a run."""

from __future__ import annotations

from datetime import UTC, datetime


class Stopwatch:
    """Seconds per named step, for the bench."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = datetime.now(UTC)

    def lap(self, name: str) -> None:
        now = datetime.now(UTC)
        self.laps[name] = self.laps.get(name, 0.0) + (now - self._last).total_seconds()
        self._last = now
