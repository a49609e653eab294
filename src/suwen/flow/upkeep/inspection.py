"""Everything that was written once is looked at: landing's bytes against receipts, tables against releases, every other file against the hash it had.

The hash of a file is noted when it is first seen, in `lake/hashes.json`; the rows of the newest release are proven by their fingerprints besides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.engine.duck import Engine
from suwen.engine.store.port import Store
from suwen.flow.backup.contents import Item, Looked, other_items, table_items, vocabulary_items
from suwen.flow.fingerprint_proof import prove
from suwen.flow.stores import lake_of, landing_of, landing_store
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
    known, looked = _noted(region), Looked()
    sizes = {item.name: _size(item, looked) for item in items}
    if not quick:
        progress.start("hashing the lake's files", sum(sizes.values()), "bytes")
    for item in items:
        _look(item, known, found, looked, quick)
        progress.advance(sizes[item.name])
    if releases and not quick and not found.damage:
        _prove(region, releases[-1], engine, found, progress)
    if not quick and not found.damage:
        _note(region, found.hashes)
    return found


def _landing(region: Region, found: Inspection, quick: bool, progress: Progress) -> None:
    landing, store = landing_of(region), landing_store(region)
    try:
        landing.facts()
        erased = landing.erased()
        receipts = {receipt.sha256: receipt for receipt in landing.receipts() if receipt.sequence not in erased}
    except SuwenError as error:
        found.damage.append(Damage(error.what, str(error.where), error.do))
        return
    progress.start("hashing what has landed", sum(receipt.length for receipt in receipts.values()), "bytes")
    paths = {receipt.sha256: region.landing / "objects" / receipt.sha256[:2] / receipt.sha256 for receipt in receipts.values()}
    lengths = store.lengths(list(paths.values()))
    for receipt in receipts.values():
        path = paths[receipt.sha256]
        found.objects += 1
        found.object_bytes += receipt.length
        if wrong := _wrong_bytes(store, path, receipt, lengths.get(path), quick):
            found.damage.append(Damage(wrong, store.where(path), _BYTES))
        progress.advance(receipt.length)


def _wrong_bytes(store: Store, path: Path, receipt: Receipt, length: int | None, quick: bool) -> str:
    what = f"the bytes of receipt {receipt.sequence} of {receipt.feed}"
    if length is None:
        return f"{what} are missing"
    if length != receipt.length:
        return f"{what} are {length}; {receipt.length} arrived"
    try:
        return f"{what} are not those that arrived" if not quick and _sha256(store, path) != receipt.sha256 else ""
    except OSError:
        return f"{what} cannot be read"


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


def _size(item: Item, looked: Looked) -> int:
    try:
        return looked.at(item).bytes
    except OSError:
        return 0


def _look(item: Item, known: Mapping[str, tuple[int, str]], found: Inspection, looked: Looked, quick: bool) -> None:
    found.files += 1
    found.file_bytes += _size(item, looked)
    before = known.get(item.name)
    try:
        size = looked.at(item).bytes
        sha256 = "" if quick else _sha256(item.store, item.path)
    except OSError:
        found.damage.append(Damage("a file cannot be read", item.store.where(item.path), _LAKE))
        return
    pack = item.path.parent.name == "packs" and len(item.path.name) == 64
    if (before is not None and before != (size, sha256 or before[1])) or (pack and sha256 not in ("", item.path.name)):
        what = "a kept pack is not that of its hash" if pack else "a file is not as it was when it was first looked at"
        found.damage.append(Damage(what, item.store.where(item.path), _LAKE))
    found.hashes[item.name] = (size, sha256)


def _sha256(store: Store, path: Path) -> str:
    """The hash of a file as it is kept, whatever of it lies here."""
    digest = hashlib.sha256()
    with store.open(path) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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
        held = json.loads(lake_of(region).read(region.lake / NOTED, fresh=True))
        return {name: (int(size), str(sha256)) for name, (size, sha256) in held.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _note(region: Region, hashes: Mapping[str, tuple[int, str]]) -> None:
    lake_of(region).put(region.lake / NOTED, json.dumps(hashes).encode())


def total(region: Region) -> tuple[int, int]:
    """Files and bytes of lake and landing where they are kept, what is written aside in folders among them."""
    sizes: list[int] = []
    for store, folder in ((lake_of(region), region.lake), (landing_store(region), region.landing)):
        if store.remote:
            sizes += [filed.bytes for filed in store.below(folder)]
        else:
            sizes += [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)
