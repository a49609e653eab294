"""The truth about defects: one row each, where it lies and how it must be told. Held as columns of numbers, made words when it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from suwen.simulate.defects.catalogue import DELIVERY, FILE, Kind, Site, kinds, sites
from suwen.simulate.dialects.text import Mask
from suwen.simulate.shapes import NONE, Ints

_OF_KIND = ("group", "stage", "code", "state")
_OF_FILE = ("feed", "folder", "file", "file_kind")
_OF_SITE = ("heading", "target", "column")
NUMBERS = ("record", "records", "offset", "length")
SCHEMA = pa.schema(
    [*((name, pa.string()) for name in ("kind", *_OF_KIND, *_OF_FILE, *_OF_SITE)), *((name, pa.int64()) for name in NUMBERS), ("added", pa.bool_())]
)
Chunk = dict[str, Ints]
_FEW = 8  # chunks of one file that are held side by side


@dataclass(frozen=True, order=True)
class File:
    """A file of an export. `folder`: of its delivery, below the export's; `file_kind`: of the system's. In packed deliveries it is the zip's member."""

    folder: str
    file: str
    feed: str
    file_kind: str


@lru_cache(maxsize=1)
def all_sites() -> tuple[Site, ...]:
    """Every site, and for every kind that befalls whole files or deliveries one without heading."""
    whole = [Site(kind, "", "", "") for kind in kinds().values() if kind.role in (FILE, DELIVERY)]
    return (*(site for held in sites().values() for site in held), *whole)


@lru_cache(maxsize=1)
def numbers() -> dict[Site, int]:
    """The place of each site in `all_sites`; sites that are equal are one."""
    return {site: place for place, site in enumerate(all_sites())}


def number_of(kind: Kind) -> int:
    """The place of what befalls whole files or deliveries."""
    return numbers()[Site(kind, "", "", "")]


class Truth:
    """The defects found so far. `record`: 1-based number as a reader counts, of the first of `records`; `offset`, `length`: the bytes of these records in
    the file as written, unpacked; NONE of whole deliveries. `added`: the record is not in the clean export."""

    def __init__(self) -> None:
        self._held: dict[str, dict[File, list[Chunk]]] = {}  # by folder and file

    def add(self, file: File, site: Ints, record: Ints, records: Ints, offset: Ints, length: Ints, added: Ints) -> None:
        """Defects of one file."""
        chunks = self._held.setdefault(file.folder, {}).setdefault(file, [])
        chunks.append({"site": site, "record": record, "records": records, "offset": offset, "length": length, "added": added})
        if len(chunks) > _FEW:  # an array of a few numbers is mostly its own head
            chunks[:] = [{name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}]

    def whole(self, file: File, kind: Kind, record: int = NONE, offset: int = NONE, length: int = NONE) -> None:
        """One that befalls a whole file or delivery."""
        site, one, none, at, size, zero = (np.array([n], np.int64) for n in (number_of(kind), record, int(record != NONE), offset, length, 0))
        self.add(file, site, one, none, at, size, zero)

    def forget(self, folder: str, file: File | None = None, after: int = 0) -> None:
        """Leave out what is no longer there: the records of a folder's files, or of one of them those that end after a byte."""
        files = self._held.get(folder, {})
        for held in [file] if file else list(files):
            chunks = ({name: column[_within(chunk, after)] for name, column in chunk.items()} for chunk in files.pop(held, []))
            if left := [chunk for chunk in chunks if len(chunk["site"])]:
                files[held] = left

    def touches(self, file: File, start: int, end: int) -> bool:
        """Whether a defect lies among some bytes of a file."""
        chunks = self._held.get(file.folder, {}).get(file, [])
        return any(bool(((chunk["offset"] < end) & (chunk["offset"] + chunk["length"] > start)).any()) for chunk in chunks)

    def tables(self) -> Iterator[Any]:
        """All defects in order of file and place, as Arrow tables, one a folder."""
        for folder in sorted(self._held):
            files = sorted(self._held[folder])
            chunks = [(place, chunk) for place, file in enumerate(files) for chunk in self._held[folder][file]]
            if not chunks:
                continue
            file_of = np.concatenate([np.full(len(chunk["site"]), place) for place, chunk in chunks])
            held = {name: np.concatenate([chunk[name] for _, chunk in chunks]) for name in chunks[0][1]}
            at = np.lexsort((held["site"], held["offset"], file_of))
            yield _table(files, file_of[at], {name: column[at] for name, column in held.items()})

    def write(self, path: Path) -> None:
        """The truth as one Parquet file."""
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
            for table in self.tables():
                writer.write_table(table)


def _within(chunk: Chunk, end: int) -> Mask:
    """What lies before a byte; and what befalls the whole."""
    return np.asarray((chunk["offset"] == NONE) | (chunk["offset"] + chunk["length"] <= end))


def _table(files: list[File], file: Ints, held: Chunk) -> Any:
    chosen = all_sites()
    columns = {
        "kind": _words([site.kind.name for site in chosen], held["site"]),
        **{name: _words([getattr(site.kind, name) for site in chosen], held["site"]) for name in _OF_KIND},
        **{name: _words([getattr(one, name) for one in files], file) for name in _OF_FILE},
        **{name: _words([getattr(site, name) for site in chosen], held["site"]) for name in _OF_SITE},
        **{name: pa.array(held[name], mask=held[name] == NONE) for name in NUMBERS},
        "added": pa.array(held["added"] == 1),
    }
    return pa.table(columns, schema=SCHEMA)


def _words(words: list[str], places: Ints) -> Any:
    return pa.array(words, pa.string()).take(pa.array(places))
