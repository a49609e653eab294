"""A place that backups go to: contents by their sha256, each once, and one list of files for every backup; in a folder or in a bucket alike.

    suwen-backup.json                 says that the place is one; what else lies there is left alone
    objects/<2>/<sha256>              a file's bytes
    backups/<time>-<sha256>.json.gz   a backup; its appearance, whole, is what makes it one

Objects come first and are durable before the list that names them. What a killed backup has copied is there for the next.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.model.backup import FORM, Extent, Manifest

MARKER = "suwen-backup.json"
CHUNK = 1 << 20
_NAME = re.compile(r"([0-9]{8}T[0-9]{6}[.][0-9]{3}Z)-([0-9a-f]{64})[.]json[.]gz")
Step = Callable[[str], None]


class Backups(ABC):
    """Where backups are kept. `step` is told after each effect, so that tests can kill the process between any two of them."""

    step: Step

    @property
    @abstractmethod
    def where(self) -> str:
        """What a person calls the place."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Hold the place for one backup, made ready at the first. Raises SuwenError where it holds something else."""

    @abstractmethod
    def has(self, sha256: str, size: int) -> bool:
        """Whether a content is here, told by its length; `give` proves it by its hash."""

    @abstractmethod
    def keep(self, source: Path) -> tuple[str, int, bool]:
        """Take a file in: (sha256, bytes, whether its content is new here)."""

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Put a small file under its name, whole and durable, once everything before it is."""

    @abstractmethod
    def small(self, name: str) -> bytes:
        """A small file. Raises FileNotFoundError."""

    @abstractmethod
    def listed(self) -> list[str]:
        """The names of what lies in `backups`."""

    @abstractmethod
    def content(self, sha256: str) -> BinaryIO:
        """The bytes of a content. Raises FileNotFoundError."""

    @abstractmethod
    def rename_damaged(self, sha256: str) -> None:
        """Take a damaged content out of the way."""

    def object_of(self, sha256: str) -> str:
        """The name of a content."""
        return f"objects/{sha256[:2]}/{sha256}"

    def mark(self) -> None:
        """Say that the place is one for backups."""
        self.put(MARKER, json.dumps({"backup": FORM}).encode() + b"\n")

    def check(self) -> None:
        """Raises SuwenError where the place does not hold backups, or backups of a later Suwen."""
        try:
            form = json.loads(self.small(MARKER))["backup"]
        except FileNotFoundError:
            raise SuwenError("there are no backups here", where=self.where, expected=f"a place with {MARKER}", do="suwen backup makes one") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise SuwenError("the file cannot be read, or is damaged", where=f"{self.where}/{MARKER}", expected=f'{{"backup": {FORM}}}') from None
        if form != FORM:
            what, do = f"the backups are of form {form}", "use the Suwen that made them, or a later one"
            raise SuwenError(what, where=f"{self.where}/{MARKER}", expected=f"form {FORM}", do=do)

    def finish(self, manifest: Manifest) -> str:
        """Put the list of a backup's files: from here on it is one. Gives its name."""
        packed = gzip.compress("\n".join([*manifest.to_lines(), ""]).encode(), mtime=0)
        stamp = manifest.taken_at[:23].replace("-", "").replace(":", "")
        name = f"{stamp}Z-{hashlib.sha256(packed).hexdigest()}.json.gz"
        self.put(f"backups/{name}", packed)
        self.step("backup-named")
        return name

    def names(self) -> list[str]:
        """The names of all backups, the oldest first."""
        return sorted(name for name in self.listed() if _NAME.fullmatch(name))

    def called(self, beginning: str = "") -> str:
        """The name of the one backup whose name begins so; for "" the newest with a release in it, or where none has one the newest.

        Raises SuwenError where there is none, or more than one.
        """
        fitting = [one for one in self.names() if one.startswith(beginning)]
        if not fitting or (beginning and len(fitting) > 1):
            what = "two backups begin so" if fitting else "there is no finished backup of that name" if beginning else "there is no finished backup here"
            raise SuwenError(what, where=f"{self.where} {beginning}".rstrip(), do=f"suwen restore {self.where} --list")
        return fitting[-1] if beginning else next((one for one in reversed(fitting) if self._is_whole(one)), fitting[-1])

    def _is_whole(self, name: str) -> bool:
        """Whether a backup is of more than landing; one whose list is damaged counts, so that it is told."""
        try:
            return self.manifest(name).extent is Extent.WHOLE
        except SuwenError:
            return True

    def manifest(self, name: str) -> Manifest:
        """What a backup lists. Raises SuwenError where the list is damaged."""
        try:
            packed = self.small(f"backups/{name}")
            whole = hashlib.sha256(packed).hexdigest() == _NAME.fullmatch(name)[2]  # type: ignore[index]
            lines = gzip.decompress(packed).decode().splitlines() if whole else []
        except (OSError, ValueError, EOFError):
            lines = []
        try:
            return Manifest.from_lines(lines)
        except SuwenError as error:
            raise SuwenError(error.what, where=f"{self.where}/backups/{name}", expected=error.expected, do=error.do) from None

    def give(self, sha256: str, target: Path) -> None:
        """Write a content to a file, durably. Raises SuwenError where it is not here, or not the bytes of that hash."""
        where, digest = f"{self.where}/{self.object_of(sha256)}", hashlib.sha256()
        with explained(target), target.open("wb") as out:
            try:
                stream = self.content(sha256)
            except FileNotFoundError:
                raise SuwenError("a file of the backup is missing", where=where, do="restore another backup, or bring the file back") from None
            with stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
                    self.step("file-chunk")
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != sha256:
            target.unlink()
            raise SuwenError("a file of the backup is damaged", where=where, expected="the bytes whose sha256 is its name", do="restore another backup")

    def set_aside(self, sha256: str) -> bool:
        """Whether a content is missing or damaged; a damaged one gets another name, so that the next backup copies it again."""
        digest = hashlib.sha256()
        try:
            stream = self.content(sha256)
        except FileNotFoundError:
            return True
        with explained(Path(self.object_of(sha256)), "reading failed"), stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        if digest.hexdigest() == sha256:
            return False
        self.rename_damaged(sha256)
        return True
