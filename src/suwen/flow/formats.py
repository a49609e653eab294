"""Which format a region's landing and lake have: written down where they begin, asked for before they are read or written to."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from suwen import __version__
from suwen.base.atomic import written_whole
from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.engine.releases import REMOVED
from suwen.engine.store.port import Store
from suwen.flow.stores import lake_of, landing_store
from suwen.intake.durable import make_folder, sync_folder
from suwen.model.format import FIRST, FORMAT, FORMAT_FILE
from suwen.model.region import Region

LANDING, LAKE = "landing", "lake"


@dataclass(frozen=True)
class Part:
    """A part of a region with a format of its own; `format` 0 where nothing is there yet."""

    name: str
    folder: Path
    format: int
    suwen: str = ""


def parts(region: Region, *names: str) -> list[Part]:
    """Landing and lake, or those named, with their formats. Raises SuwenError where a file that tells one is damaged."""
    found = {
        LANDING: (landing_store(region), region.landing, region.landing / "deliveries"),
        LAKE: (lake_of(region), region.lake, region.releases),
    }
    return [_part(name, *found[name]) for name in names or found]


def _part(name: str, store: Store, folder: Path, filled: Path) -> Part:
    """`filled`: the folder that has files once the part holds anything."""
    path = folder / FORMAT_FILE
    try:
        said = json.loads(store.read(path, fresh=True))
        return Part(name, folder, int(said["format"]), str(said["suwen"]))
    except FileNotFoundError:
        filed = store.has_any(filled, "[0-9]*.json") or store.has_any(filled / REMOVED, "[0-9]*.json")
        return Part(name, folder, FIRST if filed else 0)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise SuwenError(
            "the file cannot be read, or is damaged", where=store.where(path), expected=f'{{"format": {FORMAT}, "suwen": "{__version__}"}}'
        ) from None


def readable(region: Region, *names: str) -> None:
    """Raises SuwenError where landing or lake (or those named) have a format that only a later Suwen knows."""
    for part in parts(region, *names):
        if part.format > FORMAT:
            raise SuwenError(
                f"{part.name} has format {part.format}, made by Suwen {part.suwen}",
                where=str(part.folder / FORMAT_FILE),
                expected=f"a format up to {FORMAT}: this is Suwen {__version__}",
                do=f"use Suwen {part.suwen} or a later one",
            )


def writable(region: Region, *names: str) -> None:
    """The same, and raises SuwenError where they have an earlier one; where nothing is there yet, the format is written down."""
    readable(region, *names)
    for part in parts(region, *names):
        if 0 < part.format < FORMAT:
            raise SuwenError(
                f"{part.name} has format {part.format}",
                where=str(part.folder),
                expected=f"format {FORMAT}, to be written to",
                do="take a backup, then: suwen upgrade",
            )
        if not part.format:
            write_format(part.folder, FORMAT, store_of(region, part.name))


def store_of(region: Region, name: str) -> Store:
    """Where a part of a region is kept."""
    return lake_of(region) if name == LAKE else landing_store(region)


def write_format(folder: Path, number: int, store: Store | None = None) -> None:
    """Write a format down, whole and durable."""
    if store is not None and store.remote:
        store.put(folder / FORMAT_FILE, (json.dumps({"format": number, "suwen": __version__}) + "\n").encode())
        return
    with explained(folder):
        make_folder(folder)
        with written_whole(folder / FORMAT_FILE) as aside, aside.open("w", encoding="utf-8") as out:
            out.write(json.dumps({"format": number, "suwen": __version__}) + "\n")
            out.flush()
            os.fsync(out.fileno())
        sync_folder(folder)
