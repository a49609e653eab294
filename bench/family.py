"""Measuring a step with all processes it starts, as Spark's Java side is one: processor time and memory read from /proc (Linux alone).

Memory of a family is the sum over its processes, looked at twice a second; pages that several share count once (Pss).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any

from bench.measure import Clock, Measured

EVERY = 0.5  # seconds between two looks
_TICKS = os.sysconf("SC_CLK_TCK")


class FamilyClock(Clock):
    """Measures a `with` block like its parent, children of the process included while they live."""

    def __enter__(self) -> FamilyClock:
        self._most, self._done = 0, Event()
        self._before = cpu(os.getpid())
        self._watch = Thread(target=self._look, daemon=True)
        self._watch.start()
        super().__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        self._worked = cpu(os.getpid()) - self._before
        self._done.set()
        self._watch.join()

    def measured(self, said: Mapping[str, Any]) -> Measured:
        """The block's figures; the peak is that of the family, or of the process alone where that was higher."""
        alone = super().measured(said)
        return Measured(alone.seconds, self._worked, max(alone.peak, self._most), alone.idle, said)

    def _look(self) -> None:
        while True:
            self._most = max(self._most, resident(os.getpid()))
            if self._done.wait(EVERY):
                return


def family(process: int) -> Iterator[int]:
    """A process and all that came of it and live."""
    yield process
    with suppress(OSError):  # it, or a thread of it, ended meanwhile
        for thread in os.listdir(f"/proc/{process}/task"):
            for child in Path(f"/proc/{process}/task/{thread}/children").read_text().split():
                yield from family(int(child))


def cpu(process: int) -> float:
    """Seconds of processors of a family so far, user and system, of the ended children of each included."""
    return sum(sum(int(part) for part in said[11:15]) for said in map(_stat, family(process)) if said) / _TICKS


def resident(process: int) -> int:
    """Bytes of memory a family holds now."""
    return sum(map(_held, family(process)))


def _held(process: int) -> int:
    """A process's own memory and its part of what it shares; 0 where it ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) * 1024
    return 0


def _stat(process: int) -> list[str]:
    """The fields of /proc/<process>/stat after the name, from the state on; none where it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
