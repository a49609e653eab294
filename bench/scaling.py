"""The steps of the scale's bench: a region's files made, landed and dropped by groups of hospitals; its run; one hospital's last day."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.disk import DAY, REGION, SOURCE, Disk
from bench.measure import Clock, Measured, bytes_of
from bench.steps import running
from suwen.flow.manifest import COLUMNS, land_manifest, read_manifest
from suwen.flow.region import NewFeed, create, fill, open_region
from suwen.model.region import Region
from suwen.simulate.region import DATE_IN_NAME, Simulation
from suwen.simulate.settings import Settings
from suwen.simulate.timetable import Timetable


def timetable(settings: Settings) -> Timetable:
    """A delivery at the end of every month, of what changed in it; the last day of all comes by itself."""
    months = np.arange(np.datetime64(settings.first, "D"), np.datetime64(settings.last + 1, "D")).astype("datetime64[M]")
    ends = ((np.unique(months) + 1).astype("datetime64[D]").astype(np.int64) - 1).tolist()
    return Timetable(settings.last, ends[0], (*ends[1:-1], settings.last - 1, settings.last))


def _simulation(asked: dict[str, int]) -> Simulation:
    return Simulation(Settings(**asked, clean=True))


def region(folder: str, asked: dict[str, int]) -> Measured:
    """A new region with the feeds of all hospitals; whatever stood in the folder goes. Says how many feeds."""
    path = Path(folder)
    with Clock() as clock:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        simulation = _simulation(asked)
        feeds = [NewFeed(*feed, DATE_IN_NAME) for feed in simulation.feeds]
        fill(create(path / REGION, ["core", "cn"], "bench", "Asia/Shanghai"), simulation.organisations, feeds)
    return clock.measured({"feeds": len(feeds)})


def simulated(folder: str, asked: dict[str, int], group: int, groups: int, reserve: int) -> Measured:
    """The files of every so-manieth hospital, packed. Says rows, and their bytes as they are sent; `spill`: the most they took on the disk meanwhile."""
    source = Path(folder) / SOURCE
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    with Clock() as clock, Disk(source, reserve, source) as disk:
        simulation = _simulation(asked)
        hospitals = list(dict.fromkeys(organisation for _, _, organisation, _ in simulation.feeds))
        made = simulation.write(source, compress=True, timetable=timetable(simulation.settings), only=hospitals[group::groups])
    return clock.measured({"rows": made.rows, "bytes": bytes_of(source / "exports"), "spill": disk.highest})


def landed(folder: str, asked: dict[str, int], reserve: int) -> Measured:
    """Land the group's deliveries, each dropped as soon as it has landed, but for one hospital's of the last day, which are put by.

    Says deliveries and files, and the bytes that landing holds after it.
    """
    base, exports = Path(folder), Path(folder) / SOURCE / "exports"
    _put_by(exports, base / DAY, _chosen(_simulation(asked)))
    made, deliveries = open_region(base / REGION), 0
    with Clock() as clock, Disk(base, reserve, base / DAY):
        for number in _land(made, exports):
            deliveries += number
    shutil.rmtree(base / SOURCE)
    landing = made.folder / "landing"
    return clock.measured({"deliveries": deliveries, "bytes": bytes_of(landing), "files": sum(1 for _ in (landing / "objects").glob("*/*"))})


def _land(made: Region, exports: Path) -> Iterator[int]:
    """Land the deliveries that are still there; the files of each are gone by the time it is told."""
    listed = [one for one in read_manifest(exports / "deliveries.csv") if one.folder.exists()]
    for attempt in land_manifest(made, listed):
        if attempt.error is not None:
            raise attempt.error
        shutil.rmtree(attempt.listed.folder)
        yield 1


def _chosen(simulation: Simulation) -> str:
    """The hospital whose last day comes later: the first of those with the most feeds."""
    found = [organisation for _, _, organisation, _ in simulation.feeds]
    return max(dict.fromkeys(found), key=found.count)


def _put_by(exports: Path, day: Path, hospital: str) -> None:
    """Take the hospital's deliveries of the last day out of a group's list into a folder of their own, with a list of their own."""
    with (exports / "deliveries.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    last = max(row["as_of"] for row in rows)
    put_by = [row for row in rows if row["as_of"] == last and row["folder"].startswith(f"{hospital}/")]
    for row in put_by:
        (day / row["folder"]).parent.mkdir(parents=True, exist_ok=True)
        (exports / row["folder"]).rename(day / row["folder"])
    _list(exports, [row for row in rows if row not in put_by])
    if put_by:
        _list(day, put_by)


def _list(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "deliveries.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def ran(folder: str, threads: int, memory: str, reserve: int) -> Measured:
    """`suwen run` over all that has landed. Says what bench.steps.running says, and the most its scratch folder held."""
    return _run(Path(folder), threads, memory, reserve)


def _run(base: Path, threads: int, memory: str, reserve: int) -> Measured:
    made = open_region(base / REGION)
    with Disk(base, reserve, made.scratch) as disk:
        measured = running(str(made.folder), str(made.lake), threads, memory)
    return replace(measured, said={**measured.said, "spill": disk.highest})


def day(folder: str, threads: int, memory: str, reserve: int) -> Measured:
    """One hospital's last day, landed and run; the figures are the run's."""
    base = Path(folder)
    for _ in _land(open_region(base / REGION), base / DAY):
        pass
    return _run(base, threads, memory, reserve)
