"""Packed files whose bytes depend on what is in them alone: no time of the day, no owner, names in order."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path

_MOMENT = (1980, 1, 1, 0, 0, 0)  # the first a zip can tell
_LEVEL = 1
_COPIED = 1 << 20


def zipped(folder: Path) -> None:
    """Put the files of a folder into one zip in it, named like the folder, and remove them."""
    files = sorted(path for path in folder.iterdir() if path.suffix != ".zip")
    with zipfile.ZipFile(folder / f"{folder.name}.zip", "w") as archive:
        for path in files:
            member = zipfile.ZipInfo(path.name, _MOMENT)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            member.file_size = path.stat().st_size  # tells whether the large form is needed
            with path.open("rb") as source, archive.open(member, "w") as sink:
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
