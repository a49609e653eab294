"""What the operating system refuses, as an error of the one who gave the command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suwen.base.errors import SuwenError


@contextmanager
def explained(place: Path, doing: str = "writing failed") -> Iterator[None]:
    """Turn an error of the operating system into one that names a path: the one in the error, else `place`."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
        where = error.filename if isinstance(error.filename, str) else str(place)
        raise SuwenError(f"{doing}: {reason}", where=where, do="mend the cause and give the command again") from error
