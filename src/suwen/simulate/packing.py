"""Packed files whose bytes depend on what is in them alone: no time of the day, no owner, names in order."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path

_LEVEL = 1
_LARGE = 1 << 30  # bytes from which a member is written in the large form, with room for what packing may add
_COPIED = 1 << 20


def zipped(folder: Path) -> None:
    """Put the files of a folder into one zip in it, named like the folder, and remove them. A folder with nothing but its zip stays as it is."""
    files = sorted(path for path in folder.iterdir() if path.suffix != ".zip")
    if not files:
        return
    with zipfile.ZipFile(folder / f"{folder.name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for path in files:
            large = path.stat().st_size > _LARGE
            with path.open("rb") as source, archive.open(path.name, "w", force_zip64=large) as sink:  # told by name alone, a member has no time of its own
                shutil.copyfileobj(source, sink, _COPIED)
    for path in files:
        path.unlink()


def gzipped(folder: Path) -> None:
    """Replace the files of a folder by gzip files of theirs."""
    for path in sorted(folder.iterdir()):
        with (
            path.open("rb") as source,
            path.with_name(path.name + ".gz").open("wb") as sink,
            gzip.GzipFile(filename="", mode="wb", fileobj=sink, compresslevel=_LEVEL, mtime=0) as packed,
        ):
            shutil.copyfileobj(source, packed, _COPIED)
        path.unlink()
