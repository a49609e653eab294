"""Maintenance in its order: looked at, made large, thinned out, emptied of what nobody names; each step whole or done again by the next time.

Looking needs no lock but that files stay. Where anything is damaged nothing is changed: what is to be removed may be what is needed to mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.base.system import explained
from suwen.engine.delta import DataFile, LakeTable
from suwen.engine.duck import Engine
from suwen.engine.limits import hold
from suwen.flow import doings
from suwen.flow.backup.contents import releases_now
from suwen.flow.formats import writable
from suwen.flow.keeping import keeping
from suwen.flow.region import region_lock, region_packs
from suwen.flow.stores import engine_of, lake_of, landing_of, releases_of
from suwen.flow.upkeep.compaction import compact, planned
from suwen.flow.upkeep.inspection import Damage, Inspection, inspect, total
from suwen.flow.upkeep.policy import holding, kept, superseded
from suwen.flow.upkeep.vacuum import GROUPS, Dead, dead_files, remove, thin_pools
from suwen.model.region import Region
from suwen.model.release import Release, TableState

_WHY = "maintenance keeps others"
_SAME = "it was made of larger files"
_ERASED = "it held a delivery that was erased"


@dataclass(frozen=True)
class Merged:
    """A table whose files became fewer."""

    table: str
    files_before: int
    files_after: int
    rows: int


@dataclass(frozen=True)
class Removed:
    """What went of one group: files and their bytes."""

    group: str
    files: int
    bytes: int


@dataclass(frozen=True)
class MaintainReport:
    """What maintenance did, or with `dry_run` would do. Bytes and files are of the lake and landing together. `release`: the newest afterwards, 0 for none;
    `compacted`: the one it published, 0 for none. `notes`: what was left for the next time, and why."""

    dry_run: bool
    release: int
    compacted: int
    kept: tuple[int, ...]
    removed_releases: tuple[int, ...]
    merged: tuple[Merged, ...]
    removed: tuple[Removed, ...]
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    objects_checked: int
    files_checked: int
    bytes_checked: int
    rows_proven: int
    damage: tuple[Damage, ...]
    seconds: float
    notes: tuple[str, ...]


def maintain(
    region: Region,
    *,
    dry_run: bool = False,
    quick: bool = False,
    wait: bool = False,
    progress: Progress = SILENT,
    step: Callable[[str], None] = lambda _: None,
    at: datetime | None = None,
) -> MaintainReport:
    """Look at everything, make small files large, remove releases that are not to be kept, and what nobody names.

    `quick`: without reading files, but where the last maintenance found damage, which only reading may see. `at`: now, if not the clock's.
    Raises SuwenError where the system refuses, or another is at work and `wait` is not given.
    """
    began, at = now(), at or now()
    again = quick and bool(doings.noted(region, doings.MAINTAIN).get("damaged"))
    writable(region)
    with explained(region.lake, "maintenance stopped"):
        hold(region.settings.threads)
        engine = engine_of(region)
        try:
            work = _Maintaining(region, engine, at, began, progress, step)
            if again:
                work.notes.append("every file was read, since the last maintenance found damage")
            return work.all(dry_run=dry_run, quick=quick and not again, wait=wait)
        finally:
            engine.close()
            progress.done()


class _Maintaining:
    """One maintenance, gathering what it did."""

    def __init__(self, region: Region, engine: Engine, at: datetime, began: datetime, progress: Progress, step: Callable[[str], None]) -> None:
        self.region, self.engine, self.at, self.began, self.progress, self.step = region, engine, at, began, progress, step
        self.releases = releases_of(region)
        self.before = total(region)
        self.looked = Inspection()
        self.erased: frozenset[int] = frozenset()
        self.compacted = 0
        self.merged: tuple[Merged, ...] = ()
        self.gone: tuple[int, ...] = ()
        self.dead: Sequence[Dead] = ()
        self.notes: list[str] = []

    def all(self, *, dry_run: bool, quick: bool, wait: bool) -> MaintainReport:
        """Every step in its order."""
        with keeping(self.region, wait=wait, message=self.progress.start):
            self.looked = inspect(self.region, releases_now(self.region), self.engine, quick=quick, progress=self.progress)
        self.erased = frozenset() if self.looked.damage else landing_of(self.region).erased()
        if self.looked.damage:
            self.notes.append("nothing was changed, since something is damaged")
        elif dry_run:
            self._plan()
        else:
            with region_lock(self.region, wait=wait, message=self.progress.start):
                self._compact()
                self._thin_out()
                self._empty(wait)
        return self._report(dry_run)

    def _compact(self) -> None:
        newest = self.releases.latest()
        if newest is None:
            return
        counts = self._file_counts(newest)
        made, todo = compact(self.region, region_packs(self.region), newest, self.engine, self.at, progress=self.progress, step=self.step)
        self.compacted = made.number if made else 0
        self.merged = tuple(Merged(name, counts[name], counts[name] - sum(len(g.files) - 1 for g in of), sum(g.rows for g in of)) for name, of in todo.items())

    def _file_counts(self, release: Release) -> Mapping[str, int]:
        return {name: len(self._files(name, state)) for name, state in release.tables.items()}

    def _files(self, name: str, state: TableState) -> Sequence[DataFile]:
        return LakeTable(self.region.lake / name, {}, lake_of(self.region)).files(state.version)

    def _thin_out(self) -> None:
        """Remove releases that the policy does not keep; their files stay for the time of grace."""
        found = releases_now(self.region)
        stay, replaced, ended = self._staying(found), superseded(found), holding(found, self.erased)
        going = [release for release in found if release.number not in stay]
        for release in going:
            same = replaced.get(release.number, 0)
            why = _ERASED if release.number in ended else _SAME if same else _WHY
            self.releases.remove(release, self.at.isoformat(timespec="seconds"), why, same, self.step)
        self.gone = tuple(release.number for release in going)

    def _staying(self, found: Sequence[Release]) -> frozenset[int]:
        """The releases that stay. The newest cannot be ended by an erasure: a run must come first."""
        if found and holding(found[-1:], self.erased):
            self.notes.append(f"release {found[-1].number} holds what was erased: suwen run, then maintenance again")
        return kept(found, self.region.keep, self.erased)

    def _empty(self, wait: bool) -> None:
        """Remove what nobody names, unless a backup is at work."""
        try:
            with keeping(self.region, removing=True, wait=wait, message=self.progress.start):
                thin_pools(self.region, self._open_to_readers(), self.engine)
                self.dead = dead_files(self.region, self._open_to_readers(), self.at.timestamp())
                self.progress.start("removing what nobody names", len(self.dead), "files")
                remove(self.region, self.dead, self.step)
        except SuwenError as error:
            if "backup" not in error.what:
                raise
            self.notes.append("a backup is at work: no file was removed; give the command again when it has ended")

    def _open_to_readers(self) -> list[Release]:
        """The releases whose files stay: those kept, and those removed within the time of grace, which somebody may have open."""
        since = self.at - timedelta(hours=self.region.keep.grace_hours)
        lately = [release for release, removed_at in self.releases.all_removed() if datetime.fromisoformat(removed_at).astimezone(UTC) > since]
        ended = holding(lately, self.erased)
        return [*releases_now(self.region), *(release for release in lately if release.number not in ended)]

    def _plan(self) -> None:
        """What would be done, worked out without a change."""
        found = releases_now(self.region)
        if found:
            files = {name: self._files(name, state) for name, state in found[-1].tables.items()}
            todo = planned(files)
            self.merged = tuple(
                Merged(name, len(files[name]), len(files[name]) - sum(len(g.files) - 1 for g in of), sum(g.rows for g in of)) for name, of in todo.items()
            )
        stay = self._staying(found)
        self.gone = tuple(release.number for release in found if release.number not in stay)
        self.dead = dead_files(self.region, self._open_to_readers(), self.at.timestamp())

    def _report(self, dry_run: bool) -> MaintainReport:
        numbers = self.releases.numbers()
        files, size = total(self.region)
        if dry_run:
            files, size = self.before[0] - len(self.dead), self.before[1] - sum(one.bytes for one in self.dead)
        removed = [Removed(group, len(of), sum(one.bytes for one in of)) for group in GROUPS if (of := [one for one in self.dead if one.group == group])]
        return MaintainReport(
            dry_run=dry_run,
            release=numbers[-1] if numbers else 0,
            compacted=self.compacted,
            kept=tuple(number for number in numbers if not dry_run or number not in self.gone),
            removed_releases=self.gone,
            merged=self.merged,
            removed=tuple(removed),
            files_before=self.before[0],
            files_after=files,
            bytes_before=self.before[1],
            bytes_after=size,
            objects_checked=self.looked.objects,
            files_checked=self.looked.files,
            bytes_checked=self.looked.object_bytes + self.looked.file_bytes,
            rows_proven=self.looked.rows,
            damage=tuple(self.looked.damage),
            seconds=(now() - self.began).total_seconds(),
            notes=tuple(self.notes),
        )
