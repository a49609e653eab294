"""The disk of a bench that could fill it: what lies where, and a watch that ends a step before the disk is full."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path

from bench.measure import bytes_of

SOURCE, REGION, DAY = "source", "region", "day"  # folders of a size
FULL = 75  # exit code of a step that ended before it had filled the disk
_EVERY = 1.0  # seconds between two looks at the disk


class Disk:
    """Looks at the disk while a step works: how much its `spill` folder held at most. Ends the process before less than `reserve` bytes are free."""

    def __init__(self, folder: Path, reserve: int, spill: Path) -> None:
        self.highest, self._folder, self._reserve, self._spill = 0, folder, reserve, spill
        self._over, self._thread = threading.Event(), threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Disk:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_EVERY):
            with suppress(OSError):  # a file went while it was looked at
                self.highest = max(self.highest, bytes_of(self._spill))
            free = shutil.disk_usage(self._folder).free
            if free < self._reserve:
                print(f"{free / 1e9:.1f} GB are free, {self._reserve / 1e9:.1f} GB are to stay so: the step ends", file=sys.stderr, flush=True)
                os._exit(FULL)
