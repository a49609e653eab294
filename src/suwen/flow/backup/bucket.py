"""A bucket that backups go to, by the S3 protocol: an object appears whole or not at all there, and no name is put twice with other bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.flow.backup.kept import CHUNK, MARKER, Backups, Step

if TYPE_CHECKING:  # its library is there only where buckets are used
    from suwen.engine.store.bucket import BucketStore


class BackupBucket(Backups):
    """Where backups are kept, below an address. Two backups at once do no harm: both put the same contents, and lists of their own names."""

    def __init__(self, store: BucketStore, address: str, step: Step = lambda _: None) -> None:
        self._store, self._client, self._address, self.step = store, store.client, address, step
        self._sizes: dict[str, int] | None = None  # name -> bytes of every content, listed once

    @property
    def where(self) -> str:
        return self._address

    @contextmanager
    def writing(self) -> Iterator[None]:
        try:
            self.small(MARKER)
        except FileNotFoundError:
            if next(iter(self._client.below("")), None) is not None:
                raise SuwenError("this address holds something else", where=self.where, expected="an address below which nothing lies, or backups") from None
            self.mark()
        self.check()
        yield

    def has(self, sha256: str, size: int) -> bool:
        if self._sizes is None:
            self._sizes = {held.name.rsplit("/", 1)[-1]: held.size for held in self._client.below("objects")}
        return self._sizes.get(sha256) == size

    def keep(self, source: Path) -> tuple[str, int, bool]:
        digest, length = hashlib.sha256(), 0
        with explained(source, "reading failed"), source.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                length += len(chunk)
        sha256 = digest.hexdigest()
        if self.has(sha256, length):
            return sha256, length, False
        self._client.put(self.object_of(sha256), source)
        self.step("object-named")
        assert self._sizes is not None
        self._sizes[sha256] = length
        return sha256, length, True

    def put(self, name: str, data: bytes) -> None:
        self.step("objects-durable")
        self._client.put(name, data)

    def small(self, name: str) -> bytes:
        return self._client.get(name)[0]

    def listed(self) -> list[str]:
        return [held.name.rsplit("/", 1)[-1] for held in self._client.below("backups")]

    def content(self, sha256: str) -> BinaryIO:
        return self._store.open(self._store.root / self.object_of(sha256))

    def rename_damaged(self, sha256: str) -> None:
        """An object cannot be renamed: it is removed, since the next backup puts it anew."""
        self._client.delete([self.object_of(sha256)])
        if self._sizes is not None:
            self._sizes.pop(sha256, None)
