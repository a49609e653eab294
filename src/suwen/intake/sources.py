"""The files a person names to be landed: found, checked and read in one pass, noticing a file that changes meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.intake.durable import explained

CHUNK = 4 << 20


def find(paths: Sequence[Path]) -> list[Path]:
    """The files meant by `paths`: each file itself; of a folder all files below it, sorted, without hidden ones."""
    if not paths:
        raise SuwenError("no file was named", expected="at least one file or folder to land")
    found = [file for path in paths for file in _below(Path(path))]
    if not found:
        raise SuwenError("the folder holds no file", where=str(paths[0]), expected="at least one file that is not hidden")
    _check_names(found)
    return found


def _below(path: Path) -> Iterator[Path]:
    with explained("reading the path", path):
        mode = path.stat().st_mode
        if not stat.S_ISDIR(mode):
            _check_regular(path, mode)
            yield path
            return
        for folder, folders, files in os.walk(path, onerror=_raise):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            for name in folders:
                if Path(folder, name).is_symlink():
                    raise SuwenError("a link to a folder is not followed", where=str(Path(folder, name)), do="name that folder itself, or move the link away")
            for name in sorted(one for one in files if not one.startswith(".")):
                file = Path(folder, name)
                _check_regular(file, file.stat().st_mode)
                yield file


def _raise(error: OSError) -> None:
    raise error


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise SuwenError("this is not a file but a device, pipe or socket", where=str(path), expected="a regular file")


def _check_names(files: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for file in files:
        if not file.name.isprintable():
            raise SuwenError("a file's name holds characters that cannot be printed, or is not UTF-8", where=repr(str(file.parent)), do="rename the file")
        if file.name in seen:
            raise SuwenError(
                "two files of one delivery have the same name",
                where=str(file),
                expected=f"names that differ; the other is {seen[file.name]}",
                do="rename one, or land them as two deliveries",
            )
        seen[file.name] = file


def chunks(path: Path) -> Iterator[bytes]:
    """The file's bytes in order, once. Raises SuwenError when it cannot be read, or changes or vanishes before its end."""
    with explained("reading the file", path):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        before = os.fstat(handle)
        _check_regular(path, before.st_mode)
        length = 0
        while True:
            with explained("reading the file", path):
                chunk = os.read(handle, CHUNK)
            if not chunk:
                break
            length += len(chunk)
            yield chunk
        after = os.fstat(handle)
    finally:
        os.close(handle)
    if after.st_nlink == 0:
        raise SuwenError("the file was removed or replaced while it was read; nothing was taken in", where=str(path), do="land it again when it is complete")
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or length != after.st_size:
        raise SuwenError("the file changed while it was read; nothing was taken in", where=str(path), do="land it again when its sender has finished writing")
