"""How much one caller may ask: so many requests a minute, and so many long answers at a time of all callers together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from threading import BoundedSemaphore, Lock
from time import monotonic

from django.http import HttpRequest

PER_MINUTE = 1_200
LONG_ANSWERS = 4  # at a time: each holds a thread of the server and memory of the engine
_FORGET = 10_000  # callers known at once


class Rate:
    """A bucket for each caller that fills evenly; each request takes one drop."""

    def __init__(self, per_minute: int = PER_MINUTE, clock: Callable[[], float] = monotonic) -> None:
        self.per_minute, self._clock = per_minute, clock
        self._lock, self._held = Lock(), dict[str, tuple[float, float]]()

    def wait(self, caller: str) -> float:
        """Take one drop: 0 where there was one, else the seconds until there is."""
        now, speed = self._clock(), self.per_minute / 60
        with self._lock:
            drops, seen = self._held.pop(caller, (float(self.per_minute), now))
            drops = min(float(self.per_minute), drops + (now - seen) * speed)
            enough = drops >= 1
            self._held[caller] = (drops - 1 if enough else drops, now)
            while len(self._held) > _FORGET:
                self._held.pop(next(iter(self._held)))
        return 0.0 if enough else (1 - drops) / speed


def caller(request: HttpRequest) -> str:
    """Whose bucket a request takes from: its token's, else its account's."""
    shown = request.headers.get("Authorization", "")
    return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest() if shown else f"account {request.actor.name}"


RATE = Rate()
STREAMS = BoundedSemaphore(LONG_ANSWERS)
