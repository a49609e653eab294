"""A backup is taken: what is new since the last one is copied, then the list of everything is put."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from suwen import __version__
from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.base.system import explained
from suwen.engine.store.folder import FolderStore
from suwen.flow.backup.contents import Item, Looked, copy_control, lake_items, landing_items, own_items, releases_now, staging_items, vocabulary_items
from suwen.flow.backup.folder import BackupFolder
from suwen.flow.backup.kept import CHUNK, Backups
from suwen.flow.formats import readable
from suwen.flow.keeping import keeping
from suwen.flow.region_files import CONTROL_FILE, SECRETS_FILE
from suwen.flow.stores import landing_of
from suwen.model.backup import Extent, Kept, Manifest
from suwen.model.receipt import Delivery
from suwen.model.region import Region
from suwen.model.release import Release

_DO = "suwen maintain looks at every file, and says what to do"


@dataclass(frozen=True)
class Wanted:
    """What is to be in a backup: how much, the secrets or not, and staging with its index or not."""

    extent: Extent = Extent.WHOLE
    secrets: bool = False
    staging: bool = False


@dataclass(frozen=True)
class BackupReport:
    """A backup as it was taken: its name, what it is of, files and bytes, and how many of them were new to the folder. `notes`: what is not in it."""

    name: str
    extent: str
    release: int
    published_at: str
    deliveries: int
    received_at: str
    files: int
    bytes: int
    new_files: int
    new_bytes: int
    seconds: float
    notes: tuple[str, ...]


def back_up(region: Region, target: Backups, wanted: Wanted | None = None, *, progress: Progress = SILENT, wait: bool = False) -> BackupReport:
    """Take a backup of the newest release and all kept ones, of landing and of what the region's owner declared; runs and landings go on meanwhile.

    Raises SuwenError where a file to be kept is missing or damaged, or the folder cannot take it; then there is no new backup, and the old ones stand.
    """
    wanted, began = wanted or Wanted(), time.monotonic()
    readable(region)
    _refuse_inside(region, target)
    with target.writing(), keeping(region, wait=wait, message=progress.start), tempfile.TemporaryDirectory(prefix="suwen-backup-") as aside:
        progress.start("looking what there is")
        releases = releases_now(region) if wanted.extent is Extent.WHOLE else []
        landing = landing_of(region)
        deliveries = landing.deliveries()
        items = list(
            chain(
                _of_lake(region, releases, wanted),
                landing_items(region, deliveries, landing.erased()),
                _own(region, wanted, Path(aside) / CONTROL_FILE, target),
            )
        )
        taking = _Taking(target, _known(target), Path(aside))
        progress.start("copying", sum(max(item.bytes, 0) for item in items), "bytes")
        files = [taking.kept(item, progress) for item in items]
        manifest = _manifest(region, wanted, releases, deliveries, files)
        name = target.finish(manifest)
        progress.done()
    return _report(name, manifest, taking, time.monotonic() - began, _notes(region, wanted, manifest))


def _refuse_inside(region: Region, target: Backups) -> None:
    if not isinstance(target, BackupFolder):
        return
    for folder in (region.folder, region.lake, region.landing):
        if target.folder.is_relative_to(folder.resolve()):
            raise SuwenError("the backup would lie inside what it is of", where=target.where, expected="a folder elsewhere, best on another machine")


def _of_lake(region: Region, releases: list[Release], wanted: Wanted) -> Iterator[Item]:
    yield from vocabulary_items(region, releases)
    if wanted.extent is Extent.WHOLE:
        yield from lake_items(region, releases)
        if wanted.staging:
            yield from staging_items(region)


def _own(region: Region, wanted: Wanted, control: Path, target: Backups) -> Iterator[Item]:
    yield from own_items(region)
    if not region.server.database and copy_control(region, control, target.step):
        yield Item(CONTROL_FILE, control, FolderStore(control.parent), settled=False)
    if wanted.secrets and (region.folder / SECRETS_FILE).exists():
        yield Item(SECRETS_FILE, region.folder / SECRETS_FILE, FolderStore(region.folder), settled=False)


def _known(target: Backups) -> Mapping[str, Kept]:
    """The files of the last whole backup whose list can be read, and of those of landing alone since; without one every file is read again."""
    found: dict[str, Kept] = {}
    for name in reversed(target.names()):
        try:
            manifest = target.manifest(name)
        except SuwenError:
            continue
        found = {**manifest.by_name(), **found}
        if manifest.extent is Extent.WHOLE:
            break
    return found


class _Taking:
    """Copies what the folder does not have yet, and counts it. What is kept in a bucket comes through a folder of this machine, a file at a time."""

    def __init__(self, target: Backups, known: Mapping[str, Kept], aside: Path) -> None:
        self._target, self._known, self._aside, self._looked = target, known, aside, Looked()
        self.new_files = self.new_bytes = 0

    def kept(self, item: Item, progress: Progress) -> Kept:
        """A file in the folder, copied where it was not there."""
        try:
            found = self._looked.at(item)
        except FileNotFoundError:
            raise SuwenError("a file is missing", where=item.store.where(item.path), expected="what a release or receipt names", do=_DO) from None
        if 0 <= item.bytes != found.bytes:
            raise self._damaged(item, f"{item.bytes} bytes; there are {found.bytes}")
        sha256 = self._there(item, found.bytes, found.stamp)
        if not sha256:
            sha256, _, new = self._copied(item)
            if item.sha256 not in ("", sha256):
                raise self._damaged(item, "the bytes whose sha256 is its name")
            self.new_files += new
            self.new_bytes += found.bytes if new else 0
        progress.advance(max(item.bytes, 0))
        return Kept(item.name, found.bytes, sha256, found.stamp)

    def _copied(self, item: Item) -> tuple[str, int, bool]:
        """Take a file in: (sha256, bytes, whether its content is new there)."""
        if not item.store.remote:
            return self._target.keep(item.path)
        brought = self._aside / "brought"
        try:
            with item.store.open(item.path) as stream, explained(brought, "bringing a file failed"), brought.open("wb") as out:
                shutil.copyfileobj(stream, out, CHUNK)
            return self._target.keep(brought)
        except FileNotFoundError:
            raise SuwenError("a file is missing", where=item.store.where(item.path), expected="what a release or receipt names", do=_DO) from None

    def _there(self, item: Item, size: int, stamp: int) -> str:
        """The hash of a file that need not be read, since its content is in the folder."""
        known = self._known.get(item.name)
        same = known is not None and item.settled and (known.bytes, known.stamp) == (size, stamp)
        sha256 = item.sha256 or (known.sha256 if known is not None and same else "")
        return sha256 if sha256 and self._target.has(sha256, size) else ""

    def _damaged(self, item: Item, expected: str) -> SuwenError:
        return SuwenError("a file is damaged", where=item.store.where(item.path), expected=expected, do=_DO)


def _manifest(region: Region, wanted: Wanted, releases: list[Release], deliveries: list[Delivery], files: list[Kept]) -> Manifest:
    newest = releases[-1] if releases else None
    return Manifest(
        region=region.name,
        extent=wanted.extent,
        taken_at=now().isoformat(timespec="milliseconds"),
        suwen=__version__,
        release=newest.number if newest else 0,
        releases=tuple(release.number for release in releases),
        published_at=newest.published_at if newest else "",
        deliveries=len(deliveries),
        received_at=deliveries[-1].received_at.isoformat(timespec="seconds") if deliveries else "",
        secrets=any(file.name == SECRETS_FILE for file in files),
        staging=wanted.staging,
        files=files,
    )


def _notes(region: Region, wanted: Wanted, manifest: Manifest) -> tuple[str, ...]:
    notes = []
    if (region.folder / SECRETS_FILE).exists() and not manifest.secrets:
        notes.append(f"{SECRETS_FILE} is not in it: keep a copy elsewhere, without which accounts and audit cannot be used again")
    if region.server.database:
        notes.append("accounts and audit lie in a database of their own, which is not in it: back that up with its own means")
    return tuple(notes)


def _report(name: str, manifest: Manifest, taking: _Taking, seconds: float, notes: tuple[str, ...]) -> BackupReport:
    return BackupReport(
        name=name,
        extent=manifest.extent.value,
        release=manifest.release,
        published_at=manifest.published_at,
        deliveries=manifest.deliveries,
        received_at=manifest.received_at,
        files=len(manifest.files),
        bytes=manifest.bytes,
        new_files=taking.new_files,
        new_bytes=taking.new_bytes,
        seconds=seconds,
        notes=notes,
    )
