"""The steps of the bench of days, each run in a process of its own: the region made, one day of all hospitals landed and run, maintenance."""

from __future__ import annotations

import cProfile
import csv
import io
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import CodeType
from typing import TypeVar
from unittest.mock import patch

from bench.daily_records import FIRST, feed_name, organisation, organisations, sender_of, window_of, write_delivery
from bench.measure import Clock, Measured
from suwen.base.clock import now
from suwen.flow.manifest import COLUMNS, land_manifest, read_manifest
from suwen.flow.region import NewFeed, create, fill, open_region
from suwen.flow.run import RunReport, run
from suwen.flow.stores import releases_of
from suwen.flow.upkeep.maintain import maintain
from suwen.flow.work import Work
from suwen.model.region import Region

T = TypeVar("T")
Cost = tuple[str, int, float, float]  # a function: its place, calls, seconds in itself and with what it calls
SHOWN = 60  # functions of a profile
AREAS = (
    "landing/deliveries",
    "landing/objects",
    "landing",
    "lake/staging",
    "lake/pools",
    "lake/index",
    "lake/releases",
    "lake/state",
    "lake/cdr",
    "lake/ext",
    "lake",
)
_TIDY = "\n[keep]\nreleases = 30\nmonths = 0\ngrace_hours = 0   # a year of the bench is an hour or two\n"


def region(folder: str, hospitals: int) -> Measured:
    """A new region of so many organisations with a feed each; what stood in the folder goes."""
    path = Path(folder)
    with Clock() as clock:
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = create(path, ["core", "cn"], name="bench", zone="Asia/Shanghai")
        with (path / "region.toml").open("a", encoding="utf-8") as file:
            file.write(_TIDY)
        feeds = [NewFeed(feed_name(h), sender_of(h).template, organisation(h), sender_of(h).mode) for h in range(1, hospitals + 1)]
        fill(made, organisations(hospitals), feeds)
    return clock.measured({})


def day(folder: str, hospitals: int, number: int, threads: int, memory: str, profile: bool, sized: bool) -> Measured:
    """A day of all hospitals landed, as one manifest, and run. Says the seconds of both, the run's stages, and with `sized` files and bytes by area.

    What had landed before the bench was stopped is known by its manifest and left out, and a run that died is done again.
    """
    path, arrived = Path(folder), Path(folder).parent / "arrived"
    rows = _arrive(arrived, hospitals, number)
    opened = _opened(path, threads, memory)
    with Clock() as whole:
        landed, landing, of_landing = _timed(lambda: _land(opened, arrived / "deliveries.csv"), profile)
        report, running, of_run = _timed(lambda: run(opened), profile)
    shutil.rmtree(arrived)
    latest = releases_of(opened).latest()
    assert latest is not None
    said: dict[str, object] = {
        "rows": rows, "landed": landed, "landing": landing.seconds, "landing_cpu": landing.cpu, "run": running.seconds, "run_cpu": running.cpu,
        "stages": dict(report.seconds), "records": report.records, "receipts": latest.receipts_through,
        "stored": _stored(report, latest.totals), "tables": {name.split("/")[1]: state.rows for name, state in latest.tables.items()},
    }  # fmt: skip
    if profile:
        said |= {"of landing": of_landing, "of run": of_run}
    return whole.measured({**said, "areas": areas(path)} if sized else said)


def _stored(report: RunReport, totals: Mapping[str, int]) -> dict[str, int]:
    """Rows made and taken away by the run, and how many records the books hold as mapped."""
    mapped = sum(count for label, count in totals.items() if label.endswith("|mapped"))
    return {"created": sum(report.created.values()), "removed": sum(report.removed.values()), "rewritten": sum(report.rewritten.values()), "mapped": mapped}


def upkeep(folder: str, threads: int, memory: str, quick: bool) -> Measured:
    """`suwen maintain`. Says what it took, and files and bytes by area afterwards."""
    path = Path(folder)
    opened = _opened(path, threads, memory)
    with Clock() as clock:
        report = maintain(opened, quick=quick, at=now() + timedelta(seconds=1))
    if report.damage:
        raise RuntimeError(f"maintenance found damage: {report.damage[0].what}")
    said = {
        "merged": sum(one.files_before - one.files_after for one in report.merged), "removed": sum(one.files for one in report.removed),
        "releases": len(report.removed_releases), "checked": report.bytes_checked, "areas": areas(path),
    }  # fmt: skip
    return clock.measured(said)


def areas(folder: Path) -> dict[str, tuple[int, int]]:
    """Files and bytes by area of a region's folder; of `landing` and `lake` what the other areas below them do not hold."""
    found = {area: [0, 0] for area in AREAS}
    for place, _, names in os.walk(folder):
        inside = f"{os.path.relpath(place, folder)}/"
        area = next((area for area in AREAS if inside.startswith(f"{area}/")), None)
        if area is not None:
            found[area][0] += len(names)
            found[area][1] += sum(os.lstat(os.path.join(place, name)).st_size for name in names)
    return {area: (files, size) for area, (files, size) in found.items()}


def _opened(folder: Path, threads: int, memory: str) -> Region:
    found = open_region(folder)
    return replace(found, settings=replace(found.settings, threads=threads, memory=memory))


def _arrive(folder: Path, hospitals: int, number: int) -> int:
    """Write what all hospitals send on a day, with its manifest; gives the rows."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows, text = 0, io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for hospital in range(1, hospitals + 1):
        name, sender = feed_name(hospital), sender_of(hospital)
        rows += write_delivery(folder / name, hospital, number)
        spoken = [str(one) for one in window_of(number)] if sender.mode == "window" else ["", ""]
        writer.writerow([name, FIRST + timedelta(days=number - 1), sender.mode, *spoken, name])
    (folder / "deliveries.csv").write_text(text.getvalue(), encoding="utf-8")
    return rows


def _land(opened: Region, manifest: Path) -> int:
    """Land what a manifest lists; gives the deliveries, those that were there included."""
    count = 0
    for attempt in land_manifest(opened, read_manifest(manifest)):
        if attempt.error is not None:
            raise attempt.error
        count += 1
    return count


def _timed(work: Callable[[], T], profile: bool) -> tuple[T, Measured, list[Cost]]:
    """What work gives, its figures, and with `profile` its dearest functions; jobs then go one after the other, since threads are not looked into."""
    watched = cProfile.Profile() if profile else None
    with Clock() as clock, patch.object(Work, "each", _in_turn) if profile else nullcontext(), watched or nullcontext():
        given = work()
    return given, clock.measured({}), _dearest(watched) if watched else []


def _in_turn(work: Work, jobs: Sequence[Callable[[Work], T]]) -> list[T]:
    return [job(work) for job in jobs]


def _dearest(watched: cProfile.Profile) -> list[Cost]:
    found = sorted(watched.getstats(), key=lambda one: -one.totaltime)[:SHOWN]
    return [(_place(one.code), one.callcount, one.inlinetime, one.totaltime) for one in found]


def _place(code: CodeType | str) -> str:
    return code if isinstance(code, str) else f"{'/'.join(Path(code.co_filename).parts[-2:])}:{code.co_firstlineno} {code.co_name}"
