"""A folder that backups go to; beside what `kept` says a lock and `tmp`, in which leftovers of a dead backup are removed by the next."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.base.texts import is_utf8
from suwen.flow.backup.kept import CHUNK, MARKER, Backups, Step
from suwen.intake.durable import make_folder, sync_folder, write_all


class BackupFolder(Backups):
    """Where backups are kept, in a folder that only its owner may enter."""

    def __init__(self, folder: Path, step: Step = lambda _: None) -> None:
        if not is_utf8(str(folder)):
            raise SuwenError("the folder's name is not UTF-8", where=repr(str(folder)), expected="the path of a folder in UTF-8")
        self.folder, self.step = Path(os.path.abspath(folder)), step
        self._tmp = self.folder / "tmp"
        self._unsynced: set[Path] = set()

    @property
    def where(self) -> str:
        return str(self.folder)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder for one backup, made ready at the first. Raises SuwenError where it holds something else, or another backup is at work."""
        with explained(self.folder, "the backup cannot be written"):
            self._make()
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._lock(handle)
                for left in self._tmp.iterdir():
                    left.unlink()
                yield
            finally:
                os.close(handle)

    def _make(self) -> None:
        marker = self.folder / MARKER
        if not marker.exists():
            if self.folder.exists() and (not self.folder.is_dir() or any(p.name != "tmp" for p in self.folder.iterdir())):
                what = "the folder holds something else" if self.folder.is_dir() else "this is a file"
                raise SuwenError(what, where=str(self.folder), expected="a new or empty folder, or one that holds backups of Suwen", do="name another one")
            if not self.folder.exists():
                make_folder(self.folder.parent)
                self.folder.mkdir(mode=0o700)
                sync_folder(self.folder.parent)
            make_folder(self._tmp)
            self.mark()
        self.check()
        for folder in (self.folder / "objects", self.folder / "backups", self._tmp):
            make_folder(folder)

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SuwenError("another backup is at work here", where=str(self.folder), expected="one at a time", do="wait for it to end") from None

    def has(self, sha256: str, size: int) -> bool:
        """Whether a content is here, told by its length; `give` proves it by its hash."""
        try:
            return self.folder.joinpath(self.object_of(sha256)).stat().st_size == size
        except FileNotFoundError:
            return False

    def keep(self, source: Path) -> tuple[str, int, bool]:
        """Copy a file and hash it in one pass: (sha256, bytes, whether its content is new here)."""
        with explained(source, "reading failed"), source.open("rb") as stream:
            return self._keep(stream)

    def _keep(self, stream: BinaryIO) -> tuple[str, int, bool]:
        temporary, digest, length = self._tmp / f"object-{os.getpid()}", hashlib.sha256(), 0
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
        try:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                write_all(handle, chunk)
                length += len(chunk)
                self.step("object-chunk")
            os.fsync(handle)
        finally:
            os.close(handle)
        sha256 = digest.hexdigest()
        if new := not self.has(sha256, length):
            final = self.folder.joinpath(self.object_of(sha256))
            make_folder(final.parent)
            temporary.replace(final)
            self._unsynced.add(final.parent)
            self.step("object-named")
        else:
            temporary.unlink()
        return sha256, length, new

    def put(self, name: str, data: bytes) -> None:
        for folder in sorted(self._unsynced):
            sync_folder(folder)
        self._unsynced.clear()
        self.step("objects-durable")
        final, temporary = self.folder / name, self._tmp / f"list-{os.getpid()}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write_all(handle, data[: len(data) // 2])
            self.step("list-half-written")
            write_all(handle, data[len(data) // 2 :])
            os.fsync(handle)
        finally:
            os.close(handle)
        self.step("list-written")
        temporary.replace(final)
        sync_folder(final.parent)

    def small(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def listed(self) -> list[str]:
        folder = self.folder / "backups"
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []

    def content(self, sha256: str) -> BinaryIO:
        return (self.folder / self.object_of(sha256)).open("rb")

    def rename_damaged(self, sha256: str) -> None:
        path = self.folder / self.object_of(sha256)
        with explained(path):
            path.replace(path.with_name(f"{sha256}.damaged"))
