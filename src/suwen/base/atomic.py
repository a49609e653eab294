"""Files and folders that appear whole or not at all: written aside, then given their names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.base.texts import is_utf8


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder beside to write into, which takes the place of `folder` when all went well; else nothing of it stays.

    Raises SuwenError where `folder` is neither new nor empty, cannot be replaced, or the system refuses a file.
    """
    target = Path(os.path.abspath(folder))
    refuse_taken(folder)
    aside = _beside(target)
    try:
        with explained(target):
            aside.mkdir(parents=True)
            yield aside
            aside.replace(target)
    except SuwenError as error:
        if isinstance(error.where, str):  # nobody asked for the folder beside
            error.where = error.where.replace(str(aside), str(folder))
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write what is to appear under `path` whole or not at all; a pipe or device is written to itself. Raises OSError that names `path`."""
    if path.exists() and not path.is_file():
        yield path
        return
    real = Path(os.path.realpath(path))
    aside = _beside(real)
    try:
        yield aside
        aside.replace(real)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{uuid4().hex[:12]}.tmp")  # no process id: in containers all have the same


def refuse_taken(folder: Path) -> None:
    """Refuse a place where a folder cannot appear whole: its name is not UTF-8, something is there, or it cannot be replaced."""
    if not is_utf8(str(folder)):
        raise SuwenError("the folder's name is not UTF-8", where=repr(str(folder)), expected="the path of a folder in UTF-8")
    with explained(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            what = "the folder is not empty" if folder.is_dir() else "this is a file"
            raise SuwenError(what, where=str(folder), expected="a new or empty folder", do="name another one")
        if folder.is_mount() or folder.is_symlink():
            raise SuwenError("the folder is a mount point or a link, which cannot be replaced whole", where=str(folder), do="name a new folder below it")
