"""A folder that backups go to: contents by their sha256, each once, and one list of files for every backup.

    <folder>/suwen-backup.json                 says that the folder is one; what else lies in it is left alone
    <folder>/objects/<2>/<sha256>              a file's bytes
    <folder>/backups/<time>-<sha256>.json.gz   a backup; its appearance, whole, is what makes it one
    <folder>/tmp, <folder>/lock                work in progress; leftovers of a dead one are removed by the next

Objects come first and are durable before the list that names them. What a killed backup has copied is there for the next.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.base.texts import is_utf8
from suwen.intake.durable import make_folder, sync_folder, write_all
from suwen.model.backup import FORM, Manifest

MARKER = "suwen-backup.json"
CHUNK = 1 << 20
_NAME = re.compile(r"([0-9]{8}T[0-9]{6}[.][0-9]{3}Z)-([0-9a-f]{64})[.]json[.]gz")
Step = Callable[[str], None]


class BackupFolder:
    """Where backups are kept, in a folder that only its owner may enter."""

    def __init__(self, folder: Path, step: Step = lambda _: None) -> None:
        if not is_utf8(str(folder)):
            raise SuwenError("the folder's name is not UTF-8", where=repr(str(folder)), expected="the path of a folder in UTF-8")
        self.folder, self.step = Path(os.path.abspath(folder)), step
        self._objects, self._backups, self._tmp = self.folder / "objects", self.folder / "backups", self.folder / "tmp"
        self._unsynced: set[Path] = set()

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
            self._put(marker, json.dumps({"backup": FORM}).encode() + b"\n")
        self.check()
        for folder in (self._objects, self._backups, self._tmp):
            make_folder(folder)

    def check(self) -> None:
        """Raises SuwenError where the folder does not hold backups, or backups of a later Suwen."""
        marker = self.folder / MARKER
        try:
            form = json.loads(marker.read_bytes())["backup"]
        except FileNotFoundError:
            raise SuwenError("there are no backups here", where=str(self.folder), expected=f"a folder with {MARKER}", do="suwen backup DIR makes one") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise SuwenError("the file cannot be read, or is damaged", where=str(marker), expected=f'{{"backup": {FORM}}}') from None
        if form != FORM:
            raise SuwenError(f"the backups are of form {form}", where=str(marker), expected=f"form {FORM}", do="use the Suwen that made them, or a later one")

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SuwenError("another backup is at work here", where=str(self.folder), expected="one at a time", do="wait for it to end") from None

    def has(self, sha256: str, size: int) -> bool:
        """Whether a content is here, told by its length; `give` proves it by its hash."""
        try:
            return self._object(sha256).stat().st_size == size
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
            final = self._object(sha256)
            make_folder(final.parent)
            temporary.replace(final)
            self._unsynced.add(final.parent)
            self.step("object-named")
        else:
            temporary.unlink()
        return sha256, length, new

    def finish(self, manifest: Manifest) -> str:
        """Put the list of a backup's files: from here on it is one. Gives its name."""
        for folder in sorted(self._unsynced):
            sync_folder(folder)
        self.step("objects-durable")
        packed = gzip.compress("\n".join([*manifest.to_lines(), ""]).encode(), mtime=0)
        stamp = manifest.taken_at[:23].replace("-", "").replace(":", "")
        name = f"{stamp}Z-{hashlib.sha256(packed).hexdigest()}.json.gz"
        self._put(self._backups / name, packed)
        self.step("backup-named")
        return name

    def _put(self, final: Path, data: bytes) -> None:
        temporary = self._tmp / f"list-{os.getpid()}"
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

    def names(self) -> list[str]:
        """The names of all backups, the oldest first."""
        return sorted(path.name for path in self._backups.glob("*.json.gz") if _NAME.fullmatch(path.name)) if self._backups.is_dir() else []

    def called(self, beginning: str = "") -> str:
        """The name of the one backup whose name begins so, of the newest for "". Raises SuwenError where there is none, or more than one."""
        fitting = [one for one in self.names() if one.startswith(beginning)]
        if not fitting or (beginning and len(fitting) > 1):
            what = "two backups begin so" if fitting else "there is no finished backup of that name" if beginning else "there is no finished backup here"
            raise SuwenError(what, where=f"{self.folder} {beginning}".rstrip(), do=f"suwen restore {self.folder} --list")
        return fitting[-1]

    def manifest(self, name: str) -> Manifest:
        """What a backup lists. Raises SuwenError where the list is damaged."""
        path = self._backups / name
        try:
            packed = path.read_bytes()
            whole = hashlib.sha256(packed).hexdigest() == _NAME.fullmatch(path.name)[2]  # type: ignore[index]
            lines = gzip.decompress(packed).decode().splitlines() if whole else []
        except (OSError, ValueError, EOFError):
            lines = []
        try:
            return Manifest.from_lines(lines)
        except SuwenError as error:
            raise SuwenError(error.what, where=str(path), expected=error.expected, do=error.do) from None

    def give(self, sha256: str, target: Path) -> None:
        """Write a content to a file, durably. Raises SuwenError where it is not here, or not the bytes of that hash."""
        source, digest = self._object(sha256), hashlib.sha256()
        with explained(target), target.open("wb") as out:
            try:
                stream = source.open("rb")
            except FileNotFoundError:
                raise SuwenError("a file of the backup is missing", where=str(source), do="restore another backup, or bring the file back") from None
            with stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
                    self.step("file-chunk")
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != sha256:
            target.unlink()
            raise SuwenError("a file of the backup is damaged", where=str(source), expected="the bytes whose sha256 is its name", do="restore another backup")

    def set_aside(self, sha256: str) -> bool:
        """Whether a content is missing or damaged; a damaged one gets another name, so that the next backup copies it again."""
        path, digest = self._object(sha256), hashlib.sha256()
        with explained(path, "reading failed"):
            try:
                stream = path.open("rb")
            except FileNotFoundError:
                return True
            with stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
            if digest.hexdigest() == sha256:
                return False
            path.replace(path.with_name(f"{sha256}.damaged"))
            return True

    def _object(self, sha256: str) -> Path:
        return self._objects / sha256[:2] / sha256
