"""What is asked of the place where a lake or a landing is kept: a folder of this machine, or a bucket.

Every file has a path below `root`, a folder of this machine, where it is read and where it is written. A store elsewhere brings files there before
they are read (`fetch`) and takes up what was written there (`keep`); for a folder both are nothing. Files are named once and then never change, but
for those written by `put`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:  # the library is there only where buckets are used
    from suwen.engine.store.ranges import Ranges

Told = Callable[[str], None]  # takes a sentence for the one who waits
SCHEME = "suwen://"  # begins the name of a file that is read by ranges, from where it is kept


@dataclass(frozen=True)
class Filed:
    """A file as it is kept: bytes, and when it was written, in nanoseconds; in a bucket by the store's clock."""

    path: Path
    bytes: int
    stamp: int


@contextmanager
def from_bucket(ranges: Ranges | None) -> Iterator[None]:
    """Tell, in the place of what the engine makes of it, why a file could not be read from a bucket."""
    try:
        yield
    except Exception:
        if ranges is None or not ranges.failed:
            raise
        failed = ranges.failed.pop()
        ranges.failed.clear()
        raise failed from None


class Store(Protocol):
    """Where files are kept; all methods raise SuwenError where the place cannot be reached, or refuses."""

    root: Path
    remote: bool

    def where(self, path: Path) -> str:
        """What a person calls the place of a file: its path, or its address in the bucket."""

    def table(self, folder: Path) -> tuple[str, dict[str, str] | None]:
        """How delta-rs finds the table in a folder: its address and storage options."""

    def exists(self, path: Path) -> bool:
        """Whether a file is kept."""

    def folders(self, folder: Path) -> set[str]:
        """The names of the folders in a folder."""

    def find(self, folder: Path, pattern: str) -> list[Path]:
        """The files below a folder whose paths from there fit a pattern, as `Path.glob` reads it; in order."""

    def has_any(self, folder: Path, pattern: str) -> bool:
        """Whether there is such a file."""

    def below(self, folder: Path) -> Iterator[Filed]:
        """Every file below a folder, in no order; but for those whose names, or whose folders' names, begin with a dot."""

    def lengths(self, paths: Sequence[Path]) -> dict[Path, int]:
        """Path -> bytes of those of some files that are kept."""

    def whole(self, path: Path) -> bool:
        """Whether a Parquet file is kept, and kept whole."""

    def fetch(self, paths: Iterable[Path]) -> Sequence[Path]:
        """Have files at their paths to be read; gives those that were brought now. A file that is not kept is left out."""

    def keep(self, paths: Iterable[Path]) -> None:
        """Take up files written at their paths: kept, and whole, when this returns."""

    def readable(self, paths: Sequence[Path]) -> list[str]:
        """How the engine names Parquet files that it is to read: where they need not be brought here as a whole, beginning with SCHEME."""

    def ranges(self) -> Ranges | None:
        """What the engine reads such files by; None where there are none."""

    def name(self, aside: Path, path: Path) -> None:
        """Give a file written aside its name; it is kept, and whole. A name that begins with a dot is of this machine alone."""

    def follow(self, folder: Path, *, shrinks: bool = False) -> None:
        """Have all files of a folder here, to which files are only ever added, under ascending names; `shrinks`: from which some may have been taken."""

    def open(self, path: Path) -> BinaryIO:
        """The bytes of a file as they are kept, from the beginning. Raises FileNotFoundError where it is not kept."""

    def read(self, path: Path, *, fresh: bool = False) -> bytes:
        """A small file; `fresh` where it may have been put anew. Raises FileNotFoundError where it is not kept."""

    def put(self, path: Path, data: bytes) -> None:
        """Put a small file, whole, in the place of what had its name."""

    def put_if_absent(self, path: Path, data: bytes, step: Told = lambda _: None) -> bool:
        """Put a small file, whole and durable, if its name is free; tells whether it was. `step` is told when it is written and has no name yet."""

    def remove(self, paths: Iterable[Path]) -> None:
        """Take files away."""

    def lock(self, *, wait: bool = False, message: Told | None = None) -> AbstractContextManager[None]:
        """Be the one writer. Without `wait` a second is refused by SuwenError; with it `message` is told once and the end of the first awaited."""

    def busy(self) -> bool:
        """Whether there is a writer just now."""

    def still_mine(self) -> None:
        """Raises SuwenError where this process was the one writer and another has taken its place; asked before anything is published."""
