"""Compaction: groups of files become one, committed like a run and published as a release of the same content.

A reader opens tables by a release's versions, so files can only change hands by a new release (`run` of which is that of the release before). Every file
written is held against those it replaces: as many rows, and the same sum of their hashes over every column. What dies half-way lies after the last
release, and the next run or maintenance takes it back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from suwen.base.progress import SILENT, Progress
from suwen.engine.delta import DataFile, NewFile
from suwen.engine.duck import Engine
from suwen.flow.dead_run import take_back
from suwen.flow.merging import merged_file
from suwen.flow.stores import releases_of
from suwen.flow.upkeep.grouping import Group, groups
from suwen.flow.work import Work
from suwen.intake.register import Receipts
from suwen.model.region import Region
from suwen.model.release import Release
from suwen.packs.loader import Packs


def planned(files: Mapping[str, Sequence[DataFile]]) -> dict[str, list[Group]]:
    """What would be done to these files by table; tables of which nothing would are left out."""
    found = {name: [g for g in groups(held, monthly=not name.startswith("state/")) if len(g.files) > 1] for name, held in sorted(files.items())}
    return {name: of for name, of in found.items() if of}


def compact(
    region: Region, packs: Packs, release: Release, engine: Engine, at: datetime, *, progress: Progress = SILENT, step: Callable[[str], None] = lambda _: None
) -> tuple[Release | None, dict[str, list[Group]]]:
    """Make files large and publish the release after the newest one; (None, {}) where there is nothing to do. The caller holds the writer's lock."""
    work = Work(region, engine, packs, release, release.number + 1, uuid.uuid4().hex[:8], Receipts.nothing(), None, progress)
    work.step = engine.step = step
    take_back(work)
    todo = planned({name: work.files(name) for name in release.tables})
    if not todo:
        return None, {}
    progress.start("compacting", sum(group.rows for of in todo.values() for group in of))
    tables = {name: replace(state, created=0, removed=0) for name, state in release.tables.items()}
    for name, of in todo.items():
        added = [_written(work, name, group, number) for number, group in enumerate(of)]
        table = work.table(name)
        gone = [file for group in of for file in group.files]
        version = table.commit(work.bases[name], added, gone, application=f"suwen/{work.number}/{work.attempt}/{name}")
        step(f"committed {name}")
        table.check(table.files(version), tables[name].rows)
        tables[name] = replace(tables[name], version=version)
    published = replace(release, number=work.number, tables=tables, published_at=at.isoformat(timespec="seconds"))
    releases_of(region).publish(published, step)
    step("released")
    return published, todo


def _written(work: Work, name: str, group: Group, number: int) -> NewFile:
    made = merged_file(work, name, group, f"m{number}")
    work.progress.advance(group.rows)
    return made
