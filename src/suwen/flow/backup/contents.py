"""What a backup holds: the files behind the releases there are now, landing as it is now, the region's own files, control data by SQLite's own copy.

Everything named here is written once and never changed, but for the region's own files and control data. So a run may be at work meanwhile: releases
are listed first, and what the run adds afterwards is not named by them. Only what removes files must wait (`keeping`).
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.engine.delta import LakeTable
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Filed, Store
from suwen.flow.region_files import CONTROL_FILE, SECRETS_FILE
from suwen.flow.stores import lake_of, landing_store, releases_of
from suwen.model.receipt import Delivery
from suwen.model.region import Region
from suwen.model.release import Release

_LOG = re.compile(r"([0-9]{20})[.](json|checkpoint[.].*parquet|checkpoint[.]parquet)")
_OWN_FOLDERS = ("feeds", "packs")
LAKE, LANDING = "lake", "landing"


@dataclass(frozen=True)
class Item:
    """A file to be kept: its name in the backup, where it lies, and its sha256 and bytes where they are known already ("" and -1: not).

    `store`: where it is kept. `settled`: it never changes under its name.
    """

    name: str
    path: Path
    store: Store
    sha256: str = ""
    bytes: int = -1
    settled: bool = True


def releases_now(region: Region) -> list[Release]:
    """Every release there is, the newest last."""
    kept = releases_of(region)
    return [kept.get(number) for number in kept.numbers()]


def lake_items(region: Region, releases: Sequence[Release]) -> Iterator[Item]:
    """The releases with their tables' files and logs, and the packs. Raises SuwenError where a table is damaged."""
    for name in sorted({table for release in releases for table in release.tables}):
        yield from table_items(region, name, releases)
    yield from other_items(region, releases)


def other_items(region: Region, releases: Sequence[Release]) -> Iterator[Item]:
    """The packs, and the releases themselves."""
    store = lake_of(region)
    for item in _below(store, region.lake / "packs", f"{LAKE}/packs"):
        yield replace(item, settled=not item.name.endswith(".json"))  # a list of packs may grow
    for release in releases:
        file = f"{release.number:08d}.json"
        yield Item(f"{LAKE}/releases/{file}", region.releases / file, store)


def vocabulary_items(region: Region, releases: Sequence[Release]) -> Iterator[Item]:
    """The vocabularies that releases name, and the one in use: they cannot be made again from landing."""
    pointer, store = region.vocabulary / "current.json", lake_of(region)
    current = {pointed} if (pointed := _pointed(store, pointer)) else set()
    for version in sorted({release.vocabulary for release in releases} - {""} | current):
        yield from _below(store, region.vocabulary / version, f"{LAKE}/vocabulary/{version}")
    if current:
        yield Item(f"{LAKE}/vocabulary/current.json", pointer, store, settled=False)


def _pointed(store: Store, pointer: Path) -> str:
    """The vocabulary in use; "" where there is none."""
    try:
        found = re.search(r'"hash": "([0-9a-f]{64})"', store.read(pointer, fresh=True).decode())
    except FileNotFoundError:
        return ""
    if found is None:
        raise SuwenError("the file is damaged", where=store.where(pointer), do="load the vocabulary again")
    return found[1]


def table_items(region: Region, name: str, releases: Sequence[Release]) -> Iterator[Item]:
    """A table's data files in these releases, and its log up to the last of them. Raises SuwenError where it is damaged."""
    store, seen = lake_of(region), set[str]()
    table = LakeTable(region.lake / name, {}, store)
    rows = {state.version: state.rows for release in releases if (state := release.tables.get(name))}
    for version in sorted(rows):
        files = table.files(version)
        table.check(files, rows[version])
        for file in files:
            if file.path not in seen:
                seen.add(file.path)
                yield Item(f"{LAKE}/{name}/{Path(file.path).relative_to(table.folder).as_posix()}", Path(file.path), store, bytes=file.bytes)
    for path in store.find(table.folder / "_delta_log", "*"):
        entry = _LOG.fullmatch(path.name)
        if entry and int(entry[1]) <= max(rows):
            yield Item(f"{LAKE}/{name}/_delta_log/{path.name}", path, store)


def landing_items(region: Region, deliveries: Iterable[Delivery], erased: Collection[int]) -> Iterator[Item]:
    """The bytes of these deliveries but of erased receipts, then facts and deliveries: restored in this order no delivery is without its bytes."""
    seen: set[str] = set()
    numbers: list[int] = []
    store = landing_store(region)
    for delivery in deliveries:
        numbers.append(delivery.number)
        for receipt in delivery.receipts:
            if receipt.sha256 not in seen and receipt.sequence not in erased:
                seen.add(receipt.sha256)
                name = f"objects/{receipt.sha256[:2]}/{receipt.sha256}"
                yield Item(f"{LANDING}/{name}", region.landing / name, store, receipt.sha256, receipt.length)
    yield from (Item(f"{LANDING}/facts/{path.name}", path, store) for path in _numbered(store, region.landing / "facts"))
    kept = set(numbers)
    yield from (Item(f"{LANDING}/deliveries/{path.name}", path, store) for path in _numbered(store, region.landing / "deliveries") if int(path.stem) in kept)


def _numbered(store: Store, folder: Path) -> list[Path]:
    return [path for path in store.find(folder, "*.json") if path.stem.isdigit()]


def staging_items(region: Region) -> Iterator[Item]:
    """Staging and index: what the first run after a restore would otherwise read again from landing."""
    for name in ("staging", "index", "pools"):
        yield from _below(lake_of(region), region.lake / name, f"{LAKE}/{name}")


def own_items(region: Region) -> Iterator[Item]:
    """What the region's owner declared: region.toml and the files beside it, feeds and packs; no control data and no secrets."""
    own = FolderStore(region.folder)
    left = {CONTROL_FILE, f"{CONTROL_FILE}-wal", f"{CONTROL_FILE}-shm", SECRETS_FILE}
    for path in sorted(region.folder.iterdir()):
        if path.is_file() and path.name not in left and not path.name.startswith("."):
            yield Item(path.name, path, own, settled=False)
    for folder in _OWN_FOLDERS:
        yield from _below(own, region.folder / folder, folder, settled=False)
    for name, place, store in ((LAKE, region.lake, lake_of(region)), (LANDING, region.landing, landing_store(region))):
        if store.find(place, "format.json"):
            yield Item(f"{name}/format.json", place / "format.json", store, settled=False)


def _below(store: Store, folder: Path, name: str, *, settled: bool = True) -> Iterator[Item]:
    """The files of a folder and below it, without hidden ones: those are being written."""
    for path in sorted(filed.path for filed in store.below(folder)):
        yield Item(f"{name}/{path.relative_to(folder).as_posix()}", path, store, settled=settled)


class Looked:
    """Bytes and times of files where they are kept: asked for one by one in a folder, listed once in a bucket."""

    def __init__(self) -> None:
        self._listed: dict[str, dict[Path, Filed]] = {}

    def at(self, item: Item) -> Filed:
        """What is known of a file. Raises FileNotFoundError where it is not kept."""
        if not item.store.remote:
            found = item.path.stat()
            return Filed(item.path, found.st_size, found.st_mtime_ns)
        place = item.store.where(item.store.root)
        if place not in self._listed:
            self._listed[place] = {filed.path: filed for filed in item.store.below(item.store.root)}
        if item.path not in self._listed[place]:
            raise FileNotFoundError(str(item.path))
        return self._listed[place][item.path]


def copy_control(region: Region, target: Path, step: Callable[[str], None]) -> bool:
    """Copy control.db as it is at one moment, while a server may write to it; False where there is none.

    By SQLite's backup API (https://www.sqlite.org/backup.html): a plain copy may lack what still lies in the file beside it.
    """
    source = region.folder / CONTROL_FILE
    if not source.exists() or not source.stat().st_size:
        return False
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        with closing(_connected(source, "ro")) as there, closing(_connected(target, "rw")) as here:
            there.backup(here, pages=1024, progress=lambda *_: step("control-pages"))
            here.execute("pragma journal_mode = delete")
    except sqlite3.Error as error:
        raise SuwenError(
            f"the control data cannot be copied ({type(error).__name__})", where=str(source), do="check the file and its rights; suwen audit verify tells more"
        ) from None
    return True


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=20)
