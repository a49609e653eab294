"""How much of this machine's disk the cache of a bucket takes: what was not used for longest goes first."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

_RECENT = 600  # seconds: what was used since then may be in use still
_OFTEN = 0.05  # of the bound: how much may come before the folder is looked over again


class Room:
    """A folder's bound in bytes, 0 for none. Parquet files and landed objects count; small files stay."""

    def __init__(self, root: Path, most: int) -> None:
        self._root, self._most, self._came = root, most, 0
        self.since: float | None = None  # when this process became the one writer: what it wrote since may not be kept elsewhere yet

    def used(self, paths: Sequence[Path]) -> None:
        """Note files that have come, and make room where the bound may be passed."""
        if not self._most or not paths:
            return
        self._came += sum(path.stat().st_size for path in paths if path.exists())
        if self._came > self._most * _OFTEN:
            self._came = 0
            self.make()

    def make(self) -> int:
        """Remove what was not used for longest until the bound holds; gives the bytes removed. What was used in the last minutes stays."""
        held = [(max(found.st_atime, found.st_mtime, found.st_ctime), found.st_size, path) for path, found in self._large()]
        over, gone = sum(size for _, size, _ in held) - self._most, 0
        for used, size, path in sorted(held):
            if gone >= over or used > min(time.time() - _RECENT, self.since or time.time()):
                break
            path.unlink(missing_ok=True)
            gone += size
        return gone

    def _large(self) -> list[tuple[Path, os.stat_result]]:
        found = (path for pattern in ("**/*.parquet", "objects/*/*") for path in self._root.glob(pattern) if not path.name.startswith("."))
        return [(path, path.stat()) for path in found if path.is_file()]
