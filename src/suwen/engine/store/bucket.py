"""A lake or landing in a bucket: what is read is brought once to a folder of this machine, what is written goes from there to the bucket.

The folder (`root`) is a cache by name: a file named once never changes, so what lies there is what the bucket has. Files whose names, or whose folders'
names, begin with a dot are this machine's own. A file has its name there only after the bucket has it, but for data files that a commit is yet to name.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4

from suwen.base.errors import SuwenError
from suwen.engine.faults import MEND, is_whole
from suwen.engine.store.access import Access
from suwen.engine.store.client import Client, Held
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.lease import Lease
from suwen.engine.store.port import SCHEME, Filed, Told
from suwen.engine.store.ranges import Ranges
from suwen.engine.store.room import Room

_AT_ONCE = 8  # requests
_MACHINE = ".machine"


class BucketStore:
    """The files below an address, by their paths below `root`. `most`: bytes that the folder may hold of what can be brought again, 0 for no bound."""

    remote = True

    def __init__(self, access: Access, root: Path, most: int = 0) -> None:
        self.root, self.client = root, Client(access)
        self._face, self._room = FolderStore(root), Room(root, most)
        self._lease: Lease | None = None
        self._levels: dict[Path, Mapping[str, int]] | None = None  # folder -> its files, while this process is the one writer
        self._sizes: dict[Path, int] = {}  # of files that are read by ranges
        self._ranges = Ranges(self._size, lambda path, start, end: self.client.part(self._name(path), start, end))
        self._followed: dict[Path, str] = {}  # folder -> tag of its last file, known to be the same here

    def where(self, path: Path) -> str:
        return self.client.where(self._name(path))

    def table(self, folder: Path) -> tuple[str, dict[str, str] | None]:
        return self.where(folder), self.client.access.delta()

    def exists(self, path: Path) -> bool:
        return path.exists() or (not self._own(path) and self._kept(path))

    def folders(self, folder: Path) -> set[str]:
        return self.client.level(self._name(folder))[0]

    def find(self, folder: Path, pattern: str) -> list[Path]:
        parts = pattern.split("/")
        found = self.client.level(self._name(folder))[1] if len(parts) == 1 else self.client.below(self._name(folder))
        return sorted(path for path in map(self._path, found) if _fits(path.relative_to(folder).parts, parts))

    def has_any(self, folder: Path, pattern: str) -> bool:
        return any(fnmatchcase(held.name.rsplit("/", 1)[-1], pattern) for held in self.client.below(self._name(folder)))

    def below(self, folder: Path) -> Iterator[Filed]:
        for held in self.client.below(self._name(folder)):
            yield Filed(self._path(held), held.size, int(held.taken.timestamp() * 1e9))

    def lengths(self, paths: Sequence[Path]) -> dict[Path, int]:
        if not paths:
            return {}
        above = Path(os.path.commonpath([path.parent for path in paths]))
        found, wanted = {self._path(held): held.size for held in self.client.below(self._name(above))}, set(paths)
        for path in wanted & found.keys():  # what a crash of this machine cut short is brought again
            if path.exists() and path.stat().st_size != found[path]:
                path.unlink()
        return {path: found[path] for path in paths if path in found}

    def whole(self, path: Path) -> bool:
        if is_whole(path):
            return True
        if self._own(path):
            return False
        path.unlink(missing_ok=True)
        return self._kept(path)

    def fetch(self, paths: Iterable[Path]) -> Sequence[Path]:
        missing = [path for path in dict.fromkeys(paths) if not self._own(path) and not path.exists()]
        brought = [path for path, there in zip(missing, self._each(self._bring, missing), strict=True) if there]
        self._room.used(brought)
        return brought

    def readable(self, paths: Sequence[Path]) -> list[str]:
        here = {path for path in paths if path.exists()}
        self._sizes |= self.lengths([path for path in paths if path not in here | self._sizes.keys()])
        return [str(path) if path in here else f"{SCHEME}{path}" for path in paths]

    def ranges(self) -> Ranges:
        return self._ranges

    def keep(self, paths: Iterable[Path]) -> None:
        kept = [path for path in paths if not self._own(path)]
        self._each(lambda path: self.client.put(self._name(path), path), kept)
        for path in kept:
            self._note(path, path.stat().st_size)

    def name(self, aside: Path, path: Path) -> None:
        if not self._own(path):
            self.client.put(self._name(path), aside)
        os.replace(aside, path)
        self._note(path, path.stat().st_size)

    def follow(self, folder: Path, *, shrinks: bool = False) -> None:
        if shrinks:
            self._forget_gone(folder)
        here = _files_of(folder)
        last = here[-1] if here else None
        after = f"{self._name(folder)}/{last.name[:-1]}" if last else ""  # a name just before it, so that it is told of too
        there = list(self.client.below(self._name(folder), after=after))
        if last is not None and not self._same(folder, last, there):
            for path in here:  # not the files that were here: another history
                path.unlink()
            there = list(self.client.below(self._name(folder)))
        self.fetch([path for held in there if (path := self._path(held)).parent == folder])
        if there:
            self._followed[folder] = there[-1].tag

    def _forget_gone(self, folder: Path) -> None:
        """Remove from a folder here what the bucket has no more."""
        there = {held.name.rsplit("/", 1)[-1] for held in self.client.level(self._name(folder))[1]}
        self._face.remove(path for path in _files_of(folder) if path.name not in there)

    def open(self, path: Path) -> BinaryIO:
        stream = self.client.stream(self._name(path))
        first = next(stream, b"")  # so that a missing object is told at once
        return cast(BinaryIO, io.BufferedReader(_Chunks(first, stream), 1 << 20))

    def read(self, path: Path, *, fresh: bool = False) -> bytes:
        if not fresh and path.exists():
            return path.read_bytes()
        data, _ = self.client.get(self._name(path))
        self._write(path, data)
        return data

    def put(self, path: Path, data: bytes) -> None:
        self.client.put(self._name(path), data)
        self._write(path, data)

    def put_if_absent(self, path: Path, data: bytes, step: Told = lambda _: None) -> bool:
        self._machine()
        step("written")
        if not self.client.create(self._name(path), data):
            return False
        self._write(path, data)
        return True

    def remove(self, paths: Iterable[Path]) -> None:
        gone = list(paths)
        self.client.delete(self._name(path) for path in gone if not self._own(path))
        self._face.remove(gone)

    @contextmanager
    def lock(self, *, wait: bool = False, message: Told | None = None) -> Iterator[None]:
        with self._face.lock(wait=wait, message=message):
            lease = Lease(self.client, self._machine())
            lease.take(wait=wait, message=message)
            self._lease, self._levels, self._room.since = lease, {}, time.time()
            try:
                yield
            finally:
                self._lease = self._levels = self._room.since = None
                with suppress(SuwenError):  # a lease that cannot be given back runs out
                    lease.give_back()

    def busy(self) -> bool:
        return self._face.busy() or Lease(self.client, self._machine()).busy()

    def still_mine(self) -> None:
        if self._lease is not None:
            self._lease.check()

    def _machine(self) -> str:
        """The id of this folder, and so of this machine: what holds the folder's lock is alone here. Before it is given, the store is tried."""
        path = self.root / _MACHINE
        if not path.exists():
            self.client.check_conditions(f"try-{uuid4().hex}.json")
            self._write(path, uuid4().hex.encode())
        return path.read_text("utf-8")

    def _own(self, path: Path) -> bool:
        """Whether a file is of this machine alone: its name or that of a folder above it begins with a dot."""
        return any(part.startswith(".") for part in path.relative_to(self.root).parts)

    def _name(self, path: Path) -> str:
        name = path.relative_to(self.root).as_posix()
        return "" if name == "." else name

    def _path(self, held: Held) -> Path:
        return self.root / held.name

    def _kept(self, path: Path) -> bool:
        """Whether the bucket has a file; who is the one writer asks once per folder. Of a table's log mostly the entry after the last is asked for."""
        if path.parent.name == "_delta_log":
            name = self._name(path)
            return any(held.name == name for held in self.client.below(self._name(path.parent), after=name[:-1]))
        if self._levels is None:
            return self.client.head(self._name(path)) is not None
        if path.parent not in self._levels:
            self._levels[path.parent] = {held.name.rsplit("/", 1)[-1]: held.size for held in self.client.level(self._name(path.parent))[1]}
        return path.name in self._levels[path.parent]

    def _note(self, path: Path, size: int) -> None:
        self._room.used([path])
        if self._levels is not None and path.parent in self._levels:
            self._levels[path.parent] = {**self._levels[path.parent], path.name: size}

    def _bring(self, path: Path) -> bool:
        try:
            self.client.download(self._name(path), path)
        except FileNotFoundError:
            return False
        return True

    def _each(self, job: Any, paths: Sequence[Path]) -> list[Any]:
        if len(paths) < 2:
            return [job(path) for path in paths]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(job, paths))

    def _same(self, folder: Path, last: Path, there: Sequence[Held]) -> bool:
        """Whether the newest file here is the one that the bucket has under its name."""
        first = next((held for held in there if self._path(held) == last), None)
        if first is None or first.size != last.stat().st_size:
            return False
        return first.tag == self._followed.get(folder) or self.client.get(first.name)[0] == last.read_bytes()

    def _write(self, path: Path, data: bytes) -> None:
        self._face.put(path, data)
        self._note(path, len(data))

    def _size(self, path: Path) -> int:
        if path not in self._sizes:
            held = self.client.head(self._name(path))
            if held is None:
                raise SuwenError("a file of the lake is missing", where=self.where(path), expected="the Parquet file as a run wrote it", do=MEND)
            self._sizes[path] = held.size
        return self._sizes[path]


def _files_of(folder: Path) -> list[Path]:
    """The files in a folder of this machine, but for its own, in order."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()) if folder.is_dir() else []


def _fits(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


class _Chunks(io.RawIOBase):
    """A stream of chunks as a file that is read from the beginning."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._left, self._rest = memoryview(first), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._rest, b""))
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
