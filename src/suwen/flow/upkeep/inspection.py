"""Everything that was written once is looked at: landing's bytes against receipts, tables against releases, every other file against the hash it had.

The hash of a file is noted when it is first seen, in `lake/hashes.json`; the rows of the newest release are proven by their fingerprints besides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suwen.base.atomic import written_whole
from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.engine.duck import Engine
from suwen.flow.backup.contents import Item, other_items, table_items, vocabulary_items
from suwen.flow.fingerprint_proof import prove
from suwen.intake.landing import Landing
from suwen.model.receipt import Receipt
from suwen.model.region import Region
from suwen.model.release import Release

NOTED = "hashes.json"
_CHUNK = 1 << 20
_BYTES = "bring the file back from a backup: suwen restore DIR NEW, then copy it from there; or have the delivery sent again"
_LAKE = "bring the file back from a backup, or move cdr, ext, state and releases out of the lake and run again: all is made anew from landing"


@dataclass(frozen=True)
class Damage:
    """Something that is not as it was written: what, where, and what to do."""

    what: str
    where: str
    do: str


@dataclass
class Inspection:
    """What was looked at. `hashes`: name in the lake -> bytes and sha256, as noted now."""

    objects: int = 0
    object_bytes: int = 0
    files: int = 0
    file_bytes: int = 0
    rows: int = 0
    damage: list[Damage] = field(default_factory=list)
    hashes: dict[str, tuple[int, str]] = field(default_factory=dict)


def inspect(region: Region, releases: Sequence[Release], engine: Engine, *, quick: bool = False, progress: Progress = SILENT) -> Inspection:
    """Look at landing and the lake. `quick`: at names and lengths alone, without reading. Damage is gathered, not raised."""
    found = Inspection()
    _landing(region, found, quick, progress)
    items = _lake(region, releases, found)
    known = _noted(region)
    if not quick:
        progress.start("hashing the lake's files", sum(_size(item.path) for item in items), "bytes")
    for item in items:
        _look(item, known, found, quick)
        progress.advance(_size(item.path))
    if releases and not quick and not found.damage:
        _prove(region, releases[-1], engine, found, progress)
    if not quick and not found.damage:
        _note(region, found.hashes)
    return found


def _landing(region: Region, found: Inspection, quick: bool, progress: Progress) -> None:
    landing = Landing(region.landing)
    try:
        landing.facts()
        receipts = {receipt.sha256: receipt for receipt in landing.receipts()}
    except SuwenError as error:
        found.damage.append(Damage(error.what, str(error.where), error.do))
        return
    progress.start("hashing what has landed", sum(receipt.length for receipt in receipts.values()), "bytes")
    for receipt in receipts.values():
        found.objects += 1
        found.object_bytes += receipt.length
        if wrong := _wrong_bytes(landing, receipt, quick):
            found.damage.append(Damage(wrong, str(landing.object_path(receipt.sha256)), _BYTES))
        progress.advance(receipt.length)


def _wrong_bytes(landing: Landing, receipt: Receipt, quick: bool) -> str:
    what = f"the bytes of receipt {receipt.sequence} of {receipt.feed}"
    digest, length = hashlib.sha256(), 0
    try:
        with landing.open(receipt) as stream:
            if quick:
                length = stream.seek(0, 2)
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                length += len(chunk)
    except SuwenError:
        return f"{what} are missing"
    except OSError:
        return f"{what} cannot be read"
    if length != receipt.length:
        return f"{what} are {length}; {receipt.length} arrived"
    return f"{what} are not those that arrived" if not quick and digest.hexdigest() != receipt.sha256 else ""


def _lake(region: Region, releases: Sequence[Release], found: Inspection) -> list[Item]:
    """What releases name, listed table by table and release by release, so that one damage does not hide another."""
    items: dict[str, Item] = {}
    told: set[str] = set()

    def gather(listed: Iterator[Item]) -> None:
        try:
            items.update({item.name: item for item in listed if item.settled})
        except SuwenError as error:
            if str(error) not in told:
                told.add(str(error))
                found.damage.append(Damage(error.what, str(error.where), error.do or _LAKE))

    for name in sorted({table for release in releases for table in release.tables}):
        for release in releases:
            if name in release.tables:
                gather(table_items(region, name, [release]))
    gather(vocabulary_items(region, releases))
    gather(other_items(region, releases))
    return [item for _, item in sorted(items.items())]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _look(item: Item, known: Mapping[str, tuple[int, str]], found: Inspection, quick: bool) -> None:
    found.files += 1
    found.file_bytes += _size(item.path)
    before = known.get(item.name)
    try:
        size = item.path.stat().st_size
        sha256 = "" if quick else _sha256(item.path)
    except OSError:
        found.damage.append(Damage("a file cannot be read", str(item.path), _LAKE))
        return
    pack = item.path.parent.name == "packs" and len(item.path.name) == 64
    if (before is not None and before != (size, sha256 or before[1])) or (pack and sha256 not in ("", item.path.name)):
        what = "a kept pack is not that of its hash" if pack else "a file is not as it was when it was first looked at"
        found.damage.append(Damage(what, str(item.path), _LAKE))
    found.hashes[item.name] = (size, sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _prove(region: Region, release: Release, engine: Engine, found: Inspection, progress: Progress) -> None:
    try:
        proof = prove(region, release, engine, progress)
    except SuwenError as error:
        found.damage.append(Damage(error.what, str(error.where), error.do or _LAKE))
        return
    found.rows = proof.rows
    for one in proof.unlike:
        what = f"{one.table} of release {release.number} has {one.rows} rows with another fingerprint than was published with {one.expected}"
        found.damage.append(Damage(what, str(region.lake / one.table), _LAKE))


def _noted(region: Region) -> Mapping[str, tuple[int, str]]:
    try:
        held = json.loads((region.lake / NOTED).read_text("utf-8"))
        return {name: (int(size), str(sha256)) for name, (size, sha256) in held.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _note(region: Region, hashes: Mapping[str, tuple[int, str]]) -> None:
    with written_whole(region.lake / NOTED) as aside:
        aside.write_text(json.dumps(hashes), encoding="utf-8")


def total(paths: Iterable[Path]) -> tuple[int, int]:
    """Files and bytes below some folders."""
    sizes = [path.stat().st_size for folder in paths for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)
