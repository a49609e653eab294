"""Writing that survives a kill and a power cut: files appear whole under their final name, or not at all.

Every function makes its effect durable (fsync of the file, then of the directories) before it returns, and turns an error of the
operating system into a `SuwenError` that says what could not be done, where and what to do. `Step` is told after each effect, so
that tests can kill the process between any two of them.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from suwen.base.errors import SuwenError

Step = Callable[[str], None]
_ADVICE = {
    errno.ENOSPC: "free some space there (or set landing elsewhere) and give the command again",
    errno.EDQUOT: "raise the quota or free some space there, and give the command again",
    errno.EROFS: "make the file system writable, or choose another folder",
    errno.EACCES: "give this user the right to read and write there",
    errno.EPERM: "give this user the right to read and write there",
    errno.EIO: "check the disk: it reports errors of reading or writing",
    errno.EFBIG: "raise the limit on file size, or send the file in parts",
    errno.ENOENT: "check the path",
    errno.EMFILE: "raise the limit on open files",
}


def no_step(_: str) -> None:
    """The hook when nobody watches."""


def system_error(error: OSError, doing: str, where: Path | str) -> SuwenError:
    """What an error of the operating system means for the one who gave the command; nothing has been changed."""
    reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
    return SuwenError(
        f"{doing} failed: {reason}; nothing was taken in", where=str(where), do=_ADVICE.get(error.errno or 0, "mend the cause and give the command again")
    )


@contextmanager
def explained(doing: str, where: Path | str) -> Iterator[None]:
    """Turn any OSError inside into a SuwenError about `doing` at `where`."""
    try:
        yield
    except OSError as error:
        raise system_error(error, doing, where) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def write_all(handle: int, data: bytes | memoryview) -> None:
    """Write every byte: the system may take fewer at once."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def put_if_absent(temporary: Path, final: Path, data: bytes, name: str, step: Step = no_step) -> None:
    """Put a small file under its final name, whole and durable; FileExistsError when the name is taken."""
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        step(f"{name}-created")
        half = len(data) // 2
        write_all(handle, data[:half])
        step(f"{name}-half-written")
        write_all(handle, data[half:])
        os.fsync(handle)
        step(f"{name}-synced")
    finally:
        os.close(handle)
    os.link(temporary, final)
    step(f"{name}-linked")
    try:
        sync_folder(final.parent)
    except OSError:
        final.unlink()  # the caller is told that nothing was taken in, so it must be so
        raise
    step(f"{name}-durable")
    with suppress(OSError):  # it is in; a leftover is cleaned by the next landing
        temporary.unlink()
    step(f"{name}-cleaned")


@contextmanager
def locked(path: Path, message: Callable[[str], None]) -> Iterator[None]:
    """Hold the operating system's lock on a file; it ends with the process, however that ends. Waits, and says so."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message("another landing is at work here; waiting for it to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
