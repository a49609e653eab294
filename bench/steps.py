"""The steps of the spine's bench that Suwen does: region, landing, run, trace. Arguments and what they say are JSON."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

from bench.measure import Clock, Measured, bytes_of
from bench.replicate import SOURCE
from bench.sources import ZONE
from suwen.engine.releases import Releases
from suwen.flow.land import land
from suwen.flow.reader import OpenRelease
from suwen.flow.region import add_feed, create, open_region
from suwen.flow.run import RunReport, run
from suwen.flow.trace import Trace, trace
from suwen.model.extension import ALL_TABLES
from suwen.model.receipt import Mode
from suwen.model.region import Region

FEED, TEMPLATE, ORGANISATION = "synthea", "synthea/csv", "S001"
PARTS = ("staging", "pools", "index", "cdr", "ext", "state")


def region(folder: str) -> Measured:
    """A new region with one feed of the example's organisation; whatever stood in the folder goes."""
    path = Path(folder)
    with Clock() as clock:
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        create(path, ["core"], name="bench", zone=ZONE)
        shutil.copy(SOURCE / "region" / "organisations.csv", path)
        add_feed(open_region(path), FEED, TEMPLATE, ORGANISATION, mode=Mode.APPEND)
    return clock.measured({})


def landing(folder: str, source: str, as_of: str, window: tuple[str, str] | None) -> Measured:
    """Land a source folder as one delivery: in mode append, or in mode window with its first and last day."""
    mode = Mode.WINDOW if window else Mode.APPEND
    days = (date.fromisoformat(window[0]), date.fromisoformat(window[1])) if window else None
    with Clock() as clock:
        delivery = land(open_region(Path(folder)), FEED, [Path(source)], as_of=date.fromisoformat(as_of), mode=mode, window=days)
    return clock.measured({"bytes": sum(r.length for r in delivery.receipts), "files": [r.sha256 for r in delivery.receipts]})


def region_at(folder: str, lake: str, threads: int, memory: str) -> Region:
    """The region with a lake in a folder of its own."""
    found = open_region(Path(folder))
    return replace(found, lake=Path(lake), settings=replace(found.settings, threads=threads, memory=memory))


def running(folder: str, lake: str, threads: int, memory: str) -> Measured:
    """`suwen run` over what has landed, into the lake in a folder of its own."""
    with Clock() as clock:
        report = run(region_at(folder, lake, threads, memory))
    return clock.measured(said_of(report, Path(lake)))


def said_of(report: RunReport, lake: Path) -> dict[str, object]:
    """What a run that published says: its stages, what it wrote, and the release's rows, books and content."""
    release = Releases(lake / "releases").latest()
    assert release is not None
    return {
        "stages": dict(report.seconds),
        "records": report.records,
        "created": dict(report.created),
        "removed": dict(report.removed),
        "rewritten": dict(report.rewritten),
        "rows": {name: state.rows for name, state in release.tables.items()},
        "states": dict(release.totals),
        "content": hashlib.sha256(release.content.encode()).hexdigest(),
        "bytes": {part: bytes_of(lake / part) for part in PARTS},
    }


def tracing(folder: str, lake: str, threads: int, memory: str) -> Measured:
    """Trace one row of each table that has rows with an id; says per table the seconds, and whether the row led to its bytes or to its inputs."""
    found: dict[str, dict[str, object]] = {}
    with Clock() as whole:
        opened = OpenRelease(region_at(folder, lake, threads, memory))
        for name, state in sorted(opened.release.tables.items()):
            group, table = name.split("/")
            shape = ALL_TABLES.get(table)
            if group == "state" or shape is None or shape.id_column is None or not state.rows:
                continue
            row_id = opened.query(f"select {shape.id_column} from {group}.{table} limit 1").column(0)[0].as_py()
            with Clock() as clock:
                traced = trace(opened, f"{group}.{table}", str(row_id))
            found[name] = {"seconds": clock.measured({}).seconds, "leads": _leads(opened.region, traced)}
    return whole.measured({"tables": found})


def _leads(region: Region, traced: Trace) -> bool:
    """Whether a derived row names its inputs; whether a parser that is not ours finds, in the landed bytes at the place told, every source text."""
    if traced.inputs:
        return True
    texts: list[list[str]] = []
    for record in traced.records:
        with (region.folder / record.place.object).open("rb") as stream:
            stream.seek(record.place.offset)
            raw = stream.read(record.place.length)
        texts.append(next(csv.reader(io.StringIO(raw.decode(record.place.encoding), newline=""))))
    sources = [source for column in traced.columns for source in column.sources if source.text is not None]
    return bool(texts and sources) and all(source.text in texts[source.record] for source in sources)
