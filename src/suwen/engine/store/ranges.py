"""Files of a bucket as DuckDB reads them: only the ranges it asks for, so that columns and row groups it does not need stay where they are.

DuckDB's several threads share one file object and say where to read by `seek` and then `read`; each thread therefore has a position of its own.
Source: https://duckdb.org/docs/stable/guides/python/filesystems.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import local
from typing import Any

from fsspec import AbstractFileSystem

from suwen.base.errors import SuwenError
from suwen.engine.store.port import SCHEME

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # files never change, so that none has to be asked for when it did
Part = Callable[[Path, int, int], bytes]


class Ranges(AbstractFileSystem):  # type: ignore[misc]  # fsspec carries no types
    """The files below a folder, read by ranges. `size`: of a file; `part`: its bytes from a place to before another."""

    protocol = SCHEME.removesuffix("://")
    cachable = False

    def __init__(self, size: Callable[[Path], int], part: Part) -> None:
        super().__init__()
        self._size, self._part = size, part
        self.failed: list[SuwenError] = []  # DuckDB passes on no more than their text

    def info(self, path: str, **_: Any) -> Mapping[str, Any]:
        return {"name": path, "size": self._told(lambda: self._size(_path(path))), "type": "file"}

    def exists(self, path: str, **_: Any) -> bool:
        return True

    def isfile(self, path: str) -> bool:
        return True

    def modified(self, path: str) -> datetime:
        return _NEVER

    def glob(self, path: str, **_: Any) -> list[str]:
        return [path.removeprefix(SCHEME)]

    def open(self, path: str, mode: str = "rb", **_: Any) -> RangeFile:
        where = _path(path)
        size = self._told(lambda: self._size(where))
        return RangeFile(size, lambda start, end: self._told(lambda: self._part(where, start, end)))

    def _told(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except SuwenError as error:
            self.failed.append(error)
            raise OSError("a file could not be read from the bucket") from None


class RangeFile:
    """One file, of which each thread reads at its own place."""

    def __init__(self, size: int, part: Callable[[int, int], bytes]) -> None:
        self._size, self._part, self._at = size, part, local()

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at.place = offset + (0, self.tell(), self._size)[whence]
        return int(self._at.place)

    def tell(self) -> int:
        return int(getattr(self._at, "place", 0))

    def read(self, size: int = -1) -> bytes:
        start = self.tell()
        end = self._size if size < 0 else min(start + size, self._size)
        self._at.place = end
        return self._part(start, end) if end > start else b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        return


def _path(name: str) -> Path:
    return Path(name.removeprefix(SCHEME))
