"""Surveys kept beside landing: what one pass over a receipt's members found, by content and reader spec.

A kept survey is only a saving: one that is missing, half-written, damaged or of an older form is made again. Of small files none is kept: reading the
survey costs as much as making it, and there may be very many of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO

from suwen.intake import archive
from suwen.intake.archive import ArchiveRefused, Refusal
from suwen.intake.formats.delimited import PIECE_BYTES, Member, survey
from suwen.intake.landing import Landing
from suwen.model.pack import Delimited
from suwen.model.receipt import Receipt

FORM = 2
WORTH_KEEPING = 64 << 10  # bytes of a file, unpacked
Columns = Callable[[str], Sequence[str]]


def no_columns(_: str) -> Sequence[str]:
    """Every file names its columns itself."""
    return ()


def survey_receipt(
    landing: Landing,
    receipt: Receipt,
    spec: Delimited,
    columns: Columns = no_columns,
    *,
    wanted: Callable[[str], bool] = lambda _: True,
    piece_bytes: int = PIECE_BYTES,
    total_limit: int = archive.TOTAL_BYTES,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Member, ...] | Refusal:
    """The members of a receipt with their records numbered one after the other, or why the whole object is refused.

    `columns(member name)` gives the columns of files without header; `wanted(member name)` leaves out members no kind reads.
    Raises SuwenError when a member cannot be read as delimited text at all.
    """
    path = landing.object_path(receipt.sha256)
    landing.open(receipt).close()
    found: list[Member] = []
    first, left = 1, total_limit
    try:
        for part in archive.parts(path, receipt.name):
            if not wanted(part.name):
                continue
            member = _member(landing.surveys, path, receipt.sha256, part, spec, tuple(columns(part.name)), piece_bytes, left, progress)
            left -= member.length
            found.append(member.numbered_from(first))
            first += member.records
    except ArchiveRefused as refused:
        return refused.refusal
    return tuple(found)


def opener(landing: Landing, receipt: Receipt, member: Member) -> Callable[[], BinaryIO]:
    """How to open the unpacked bytes of a surveyed member, for `read` and `locate`."""
    path = landing.object_path(receipt.sha256)
    part = next(one for one in archive.parts(path, receipt.name) if one.position == member.position)
    return lambda: archive.open_member(path, part)


def _member(
    folder: Path,
    path: Path,
    sha256: str,
    part: archive.Part,
    spec: Delimited,
    columns: tuple[str, ...],
    piece_bytes: int,
    limit: int,
    progress: Callable[[int], None],
) -> Member:
    said = json.dumps([FORM, asdict(spec), columns if not spec.header else (), piece_bytes, part.position], sort_keys=True)
    kept = folder / f"{sha256}-{hashlib.sha256(said.encode()).hexdigest()[:16]}.npz"
    member = _load(kept)
    if member is None:
        member = survey(
            lambda: archive.open_member(path, part, limit),
            spec,
            name=part.name,
            columns=columns,
            piece_bytes=piece_bytes,
            position=part.position,
            codec=part.codec,
            progress=progress,
        )
        if member.length >= WORTH_KEEPING:
            _save(kept, member.to_bytes())
    return replace(member, name=part.name)


def _load(kept: Path) -> Member | None:
    try:
        return Member.from_bytes(kept.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error, zipfile.BadZipFile):
        return None


def _save(kept: Path, data: bytes) -> None:
    temporary = kept.with_name(f".{kept.name}-{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(kept)
    except OSError:  # a landing that is full or may not be written to costs the saving, never the reading
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
