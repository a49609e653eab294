"""What nobody names any more: files of tables, packs, vocabularies, staging, pools and index that no kept release needs, and what dead processes left.

A thing is removed only where its name says what it is. The caller holds the writer's lock and the right to remove (`flow/keeping.py`), so whatever is being
written aside in the lake is of a process that died; outside the lake, and of readers, only what is older than a day is. In a bucket a holder of the lease may
have stood still while another took it: what is removed there has a name that nothing to come can have, so that it does no harm to remove it late.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suwen.engine.delta import PART, LakeTable
from suwen.engine.port import Engine
from suwen.engine.store.port import Filed, Store
from suwen.flow.known_receipts import accepted, held_before
from suwen.flow.pools import all_of, kept_pools, without
from suwen.flow.reader import READING
from suwen.flow.region import region_packs
from suwen.flow.stage import spec_of
from suwen.flow.stores import lake_of, landing_of, landing_store
from suwen.flow.upkeep.policy import holding
from suwen.intake.register import Flags, Receipts
from suwen.model.region import Region
from suwen.model.release import Release
from suwen.repository.vocabulary import current

GROUPS = ("tables", "packs", "vocabulary", "staging", "index", "pools", "leftovers", "landing")
_TABLES = ("cdr", "ext", "state")
_ASIDE = re.compile(r"[.].+[.]tmp|_commit_.+[.]json[.]tmp")
_OURS = re.compile(r"[.][0-9a-f]{12}[.]tmp|[.]secrets[.]toml-.+")  # written aside in a region's folder
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STAGED = re.compile(r"([0-9]{10})-([0-9a-f]{16})[.]json")
_INDEXED = re.compile(r"([0-9]{10})-([0-9a-f]{12})[.]parquet")
_DAY = 86_400.0
_ASKED = 100  # files that are removed between two looks whether this process is still the one writer


@dataclass(frozen=True)
class Dead:
    """A file that nobody names: of which group it is, its bytes, and where it is kept; None for this machine alone."""

    group: str
    path: Path
    bytes: int
    store: Store | None = None


def dead_files(region: Region, kept: Sequence[Release], at: float) -> list[Dead]:
    """Everything that can go. `kept`: the releases that stay, with those removed so lately that somebody may have them open; `at`: now, in seconds."""
    landing, lake = landing_of(region), _Kept(lake_of(region), region.lake)
    register = landing.register()
    known, standing = Receipts(register, np.ones(len(register), np.bool_)), accepted(landing, register)
    found = [lake.dead("tables", path) for path in _tables(region, lake, kept)]
    found += [lake.dead("packs", path) for path in _packs(region, lake, kept)]
    found += [lake.dead("vocabulary", path) for path in _vocabularies(region, lake, kept)]
    found += [lake.dead("staging", path) for path in _staging(region, lake, kept, standing)]
    found += [lake.dead("index", path) for path in _index(region, lake, kept, standing)]
    found += [lake.dead("pools", path) for path in _pools(region, lake, kept, standing)]
    found += [Dead("leftovers", path, path.lstat().st_size) for path in _leftovers(region, at)]
    objects = _Kept(landing_store(region), region.landing / "objects")
    found += [objects.dead("landing", path) for path in _unnamed_objects(objects, known, landing.erased(), kept, at)]
    return sorted(found, key=lambda dead: (GROUPS.index(dead.group), dead.path))


def remove(region: Region, dead: Sequence[Dead], step: Callable[[str], None]) -> None:
    """Remove files, then the folders that hold nothing any more."""
    for place, one in enumerate(dead):
        if place % _ASKED == 0:
            lake_of(region).still_mine()
        if one.store is None:
            one.path.unlink(missing_ok=True)
        else:
            one.store.remove([one.path])
        step(f"removed {one.group}")
    ends = {region.lake, region.folder, region.landing, region.landing / "objects"}
    for folder in sorted({one.path.parent for one in dead}, reverse=True):
        while folder not in ends and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent  # noqa: PLW2901 upwards


class _Kept:
    """The files below a folder, listed once where they are kept."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.files: Mapping[Path, Filed] = {filed.path: filed for filed in store.below(folder)}
        self._in: dict[Path, list[Path]] = {}
        self._folders: dict[Path, set[Path]] = {}  # folder -> those in it that hold a file, at whatever depth
        for path in sorted(self.files):
            self._in.setdefault(path.parent, []).append(path)
        for one in list(self._in):
            below = one
            while below != folder and below not in self._folders.get(below.parent, ()):
                self._folders.setdefault(below.parent, set()).add(below)
                below = below.parent

    def dead(self, group: str, path: Path) -> Dead:
        return Dead(group, path, self.files[path].bytes, self.store)

    def inside(self, folder: Path) -> list[Path]:
        """The files in a folder, not those of folders below it."""
        return self._in.get(folder, [])

    def folders(self, *above: Path) -> list[Path]:
        """The folders in some folders that hold a file, at whatever depth."""
        return sorted(found for one in above for found in self._folders.get(one, ()))


def _tables(region: Region, lake: _Kept, kept: Sequence[Release]) -> Iterator[Path]:
    """Data files that no version named by a release has. In a bucket those of the run that has no number yet stay: it may only stand still."""
    newest = max((release.number for release in kept), default=0)
    for folder in lake.folders(*(region.lake / group for group in _TABLES)):
        name, table = f"{folder.parent.name}/{folder.name}", LakeTable(folder, {}, lake.store)
        versions = {release.tables[name].version for release in kept if name in release.tables}
        named = {file.path for version in versions for file in table.files(version)}
        for part in lake.folders(folder):
            if part.name.startswith(f"{PART}="):
                data = (path for path in lake.inside(part) if path.suffix == ".parquet" and str(path) not in named)
                yield from (path for path in data if not lake.store.remote or _run_of(path) <= newest)


def _run_of(path: Path) -> int:
    """The number of the run that wrote a data file."""
    number = path.name.partition("-")[0]
    return int(number) if number.isdigit() else 0


def _packs(region: Region, lake: _Kept, kept: Sequence[Release]) -> Iterator[Path]:
    """Packs in no kept release's list; none where a release of an earlier version has no list."""
    folder = region.lake / "packs"
    there, lists = lake.inside(folder), {folder / f"{release.packs.get('all', '')}.json" for release in kept}
    if not kept or not lists <= set(there):
        return
    named = {sha for path in lists for sha in json.loads(lake.store.read(path, fresh=True))}
    for path in there:
        unlisted = _SHA256.fullmatch(path.name) and path.name not in named
        if unlisted or (path.suffix == ".json" and _SHA256.fullmatch(path.stem) and path not in lists):
            yield path


def _vocabularies(region: Region, lake: _Kept, kept: Sequence[Release]) -> Iterator[Path]:
    now = current(region.vocabulary, lake.store)
    named = {release.vocabulary for release in kept} | ({now.hash} if now else set())
    for folder in lake.folders(region.vocabulary):
        if _SHA256.fullmatch(folder.name) and folder.name not in named:
            yield from lake.inside(folder)


def _specs(region: Region, kept: Sequence[Release]) -> dict[str, set[str]]:
    """Feed -> the readers in force and those of kept releases."""
    packs = region_packs(region)
    specs = {name: {spec_of(packs.templates[feed.template])} for name, feed in region.feeds.items() if feed.template in packs.templates}
    for release in kept:
        for name, spec in release.readers.items():
            specs.setdefault(name, set()).add(spec)
    return specs


def _needed(kept: Sequence[Release], standing: Receipts) -> Flags:
    """The receipts that hold, or are in a kept release."""
    needed = standing.held.copy()
    for release in kept:
        needed |= held_before(release, standing.register)
    return needed


def _staging(region: Region, lake: _Kept, kept: Sequence[Release], standing: Receipts) -> Iterator[Path]:
    """What was staged by a reader neither in force nor of a kept release, or of receipts that are in no release and do not hold, or that are in a pool."""
    specs, flags = _specs(region, kept), _needed(kept, standing)
    in_pools = {spec: _together(lake, region, spec, flags) for spec in set[str]().union(*specs.values())}
    for folder in lake.folders(region.staging):
        listed = [(path, match) for path in lake.inside(folder) if (match := _STAGED.fullmatch(path.name))]
        stays = [path for path, match in listed if _stays(int(match[1]), match[2], flags, specs.get(folder.name, ()), in_pools)]
        named = {region.staging / file["path"] for path in stays for file in json.loads(lake.store.read(path))["files"]}
        yield from (path for path, _ in listed if path not in stays)
        for kind in lake.folders(folder):
            yield from (path for path in lake.inside(kind) if path.suffix == ".parquet" and path not in named)


def _together(lake: _Kept, region: Region, spec: str, needed: Flags) -> set[int]:
    """The receipts that lie in a pool of a reader."""
    return {int(receipt) for pool in kept_pools(lake.store, region.pools, spec, needed) for receipt in pool.receipts}


def thin_pools(region: Region, kept: Sequence[Release], engine: Engine) -> None:
    """Write anew, without them, the pools with receipts that nobody needs any more: their text may have to go, and the others need not be read again."""
    standing = accepted(landing := landing_of(region), landing.register())
    needed = _needed(kept, standing)
    for spec in sorted(set[str]().union(*_specs(region, kept).values())):
        for pool in kept_pools(engine.store, region.pools, spec):
            gone = pool.receipts[~all_of(pool.receipts, needed)]
            if len(gone):
                without(engine, region.pools, pool, gone)


def _stays(receipt: int, spec: str, needed: Flags, specs: Collection[str], in_pools: Mapping[str, Collection[int]]) -> bool:
    return receipt <= len(needed) and bool(needed[receipt - 1]) and spec in specs and receipt not in in_pools.get(spec, ())


def _pools(region: Region, lake: _Kept, kept: Sequence[Release], standing: Receipts) -> Iterator[Path]:
    """Pools of no reader in force or of a kept release, with a receipt that nobody needs any more (see `thin_pools`), or gone into larger ones."""
    wanted, needed = set[str]().union(*_specs(region, kept).values()), _needed(kept, standing)
    for folder in lake.folders(region.pools):
        stays = {pool.name for pool in kept_pools(lake.store, region.pools, folder.name, needed)} if folder.name in wanted else set[str]()
        for pool in lake.folders(folder):
            every = lake.inside(pool)
            yield from every if pool.name not in stays else ()


def _index(region: Region, lake: _Kept, kept: Sequence[Release], standing: Receipts) -> Iterator[Path]:
    """Index files of receipts that do not hold or lie in a pool, and those that a newer one of the same receipt replaced."""
    in_force, needed = _specs(region, ()), _needed(kept, standing)
    apart = {feed: set(standing.of(feed)).difference(*(_together(lake, region, spec, needed) for spec in specs)) for feed, specs in in_force.items()}
    for folder in (kind for feed in lake.folders(region.lake / "index") for kind in lake.folders(feed)):
        newest: dict[int, Path] = {}
        stays = apart.get(folder.parent.name, set[int]())
        for path in sorted(lake.inside(folder), key=lambda p: lake.files[p].stamp):
            if match := _INDEXED.fullmatch(path.name):
                receipt = int(match[1])
                if receipt in newest or receipt not in stays:
                    yield newest.get(receipt, path)
                if receipt in stays:
                    newest[receipt] = path


def _leftovers(region: Region, at: float) -> Iterator[Path]:
    """What dead processes left: files written aside, scratch of engines."""
    for path in sorted(region.lake.rglob("*")):
        if path.is_file():
            top = path.relative_to(region.lake).parts[0]
            spilled = top == region.scratch.name or path.parent.name.startswith(".loading-") or (top == READING and path.stat().st_mtime < at - _DAY)
            if spilled or (top != READING and _ASIDE.fullmatch(path.name)):
                yield path
    for folder in (region.folder, region.folder / "feeds"):
        for path in sorted(folder.glob(".*")):
            if _OURS.fullmatch(path.name) and path.stat().st_mtime < at - _DAY:
                yield from [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())


def _unnamed_objects(objects: _Kept, known: Receipts, erased: Collection[int], kept: Sequence[Release], at: float) -> Iterator[Path]:
    """Bytes of landings that died before their delivery was in, which nobody was told had been taken in; and erased ones that no release holds any more."""
    gone = {number for number in erased if not holding(kept, (number,))}
    every = known.table["sha256"].to_pylist()
    named = {sha256 for number, sha256 in enumerate(every, 1) if number not in gone}
    ended = set(every) - named
    for path, filed in objects.files.items():
        if _SHA256.fullmatch(path.name) and path.name not in named and (path.name in ended or filed.stamp / 1e9 < at - _DAY):
            yield path
