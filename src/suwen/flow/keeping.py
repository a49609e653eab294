"""Who may remove files of a lake, and who needs them to stay: a lock beside the writer's, held by many who copy or by one who removes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.model.region import Region

_FILE = ".keeping"


@contextmanager
def keeping(region: Region, *, removing: bool = False, wait: bool = False, message: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lake's files in their places: no release loses any until this ends; or, `removing`, be the one who removes. The system gives it back.

    Raises SuwenError where the other kind is at work and `wait` is not given.
    """
    path = region.lake / _FILE
    with explained(path):
        region.lake.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    how = fcntl.LOCK_EX if removing else fcntl.LOCK_SH
    what = "a backup of this region is at work" if removing else "maintenance of this region is at work"
    try:
        if not _had(handle, how):
            if not wait:
                raise SuwenError(what, where=str(region.folder), expected="no backup while files are removed", do="wait for it to end, or give --wait")
            if message:
                message(f"{what}; waiting for it to end")
            while not _had(handle, how):
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)


def _had(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
