"""A lake or landing in a folder of this machine: files are read and written where they are kept."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.engine.faults import is_whole
from suwen.engine.store.port import Filed, Told

if TYPE_CHECKING:
    from suwen.engine.store.ranges import Ranges


class FolderStore:
    """A folder; the one writer is who holds the lock of the operating system on its file `.lock`, which ends with the process."""

    remote = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def where(self, path: Path) -> str:
        return str(path)

    def table(self, folder: Path) -> tuple[str, dict[str, str] | None]:
        return str(folder), None

    def exists(self, path: Path) -> bool:
        return path.exists()

    def folders(self, folder: Path) -> set[str]:
        return {one.name for one in folder.iterdir() if one.is_dir()} if folder.is_dir() else set()

    def find(self, folder: Path, pattern: str) -> list[Path]:
        return sorted(folder.glob(pattern))

    def has_any(self, folder: Path, pattern: str) -> bool:
        return any(folder.glob(pattern))

    def below(self, folder: Path) -> Iterator[Filed]:
        for place, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if not name.startswith(".") and (found := _stat(path := Path(place, name))):
                    yield Filed(path, found.st_size, found.st_mtime_ns)

    def lengths(self, paths: Sequence[Path]) -> dict[Path, int]:
        return {path: size for path in paths if (size := _length(path)) is not None}

    def whole(self, path: Path) -> bool:
        return is_whole(path)

    def fetch(self, paths: Iterable[Path]) -> Sequence[Path]:
        return ()

    def keep(self, paths: Iterable[Path]) -> None:
        return

    def readable(self, paths: Sequence[Path]) -> list[str]:
        return [str(path) for path in paths]

    def ranges(self) -> Ranges | None:
        return None

    def name(self, aside: Path, path: Path) -> None:
        os.replace(aside, path)

    def follow(self, folder: Path, *, shrinks: bool = False) -> None:
        return

    def open(self, path: Path) -> BinaryIO:
        return path.open("rb")

    def read(self, path: Path, *, fresh: bool = False) -> bytes:
        return path.read_bytes()

    def put(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_bytes(data)
        os.replace(temporary, path)

    def put_if_absent(self, path: Path, data: bytes, step: Told = lambda _: None) -> bool:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            with temporary.open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            step("written")
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        _sync(path.parent)
        return True

    def remove(self, paths: Iterable[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    @contextmanager
    def lock(self, *, wait: bool = False, message: Told | None = None) -> Iterator[None]:
        path = self.root / ".lock"
        with explained(path):
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            if not _try_lock(handle):
                if not wait:
                    raise another_writer(str(self.root))
                if message:
                    message(WAITING)
                while not _try_lock(handle):
                    time.sleep(0.2)
            yield
        finally:
            os.close(handle)

    def busy(self) -> bool:
        try:
            with self.lock():
                return False
        except SuwenError:
            return True

    def still_mine(self) -> None:
        return


WAITING = "another run is at work in this region; waiting for it to end"


def another_writer(where: str) -> SuwenError:
    """Two writers at once."""
    return SuwenError("another run is at work in this region", where=where, expected="one writer at a time", do="wait for it to end, or give --wait")


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _length(path: Path) -> int | None:
    found = _stat(path)
    return found.st_size if found else None


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
