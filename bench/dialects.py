"""What a run costs by dialect: a simulated region's exports, each system's files alone and then all of them, against the floor of the same files.

The floor is that of bench.spine. What the files must be turned into before DuckDB can read them (GB18030 to UTF-8, zips unpacked) is the decode step,
measured apart; for the run it is part of the run. Every measured step has a process of its own. Times are printed, never asserted.

    python -m bench.dialects                          20 million rows, in build/bench-dialects; the report goes to docs/bench/dialects.md
    python -m bench.dialects --persons 2000           a small one; its report stays beside its data
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

from bench.measure import ROOT, Clock, Measured, StepFailed, as_child, bytes_of, in_process, machine
from bench.report import Table, marked
from suwen.flow.manifest import land_manifest, read_manifest
from suwen.flow.region import NewFeed, create, fill
from suwen.simulate.dialects.systems import SYSTEMS
from suwen.simulate.region import DATE_IN_NAME, Simulation
from suwen.simulate.settings import Settings

PERSONS, HOSPITALS, YEARS = 100_000, 24, 3
REPORT = ROOT / "docs" / "bench" / "dialects.md"
PACKAGES = ("duckdb", "deltalake", "pyarrow", "numpy", "sqlglot")
CHUNK = 4 << 20
ALL = "all"
BY_TEMPLATE = {system.template: system for system in SYSTEMS.values()}


def simulated(folder: str, persons: int) -> Measured:
    """A clean region's exports, all sent at once."""
    path = Path(folder)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    with Clock() as clock:
        made = Simulation(Settings(hospitals=HOSPITALS, persons=persons, years=YEARS, clean=True)).write(path)
    return clock.measured({"rows": made.rows, "bytes": bytes_of(path / "exports")})


def landing(folder: str, source: str, template: str, persons: int) -> Measured:
    """A new region with the feeds of one template, or of all, and their deliveries landed."""
    path, exports = Path(folder), Path(source) / "exports"
    shutil.rmtree(path, ignore_errors=True)
    simulation = Simulation(Settings(hospitals=HOSPITALS, persons=persons, years=YEARS, clean=True))
    feeds = [NewFeed(*feed, DATE_IN_NAME) for feed in simulation.feeds if template in (ALL, feed[1])]
    region = fill(create(path, ["core", "cn"], "bench", "Asia/Shanghai"), simulation.organisations, feeds)
    listed = exports / "landing.csv"
    names = {feed.name for feed in feeds}
    with (exports / "deliveries.csv").open(encoding="utf-8", newline="") as found, listed.open("w", encoding="utf-8", newline="") as kept:
        reader = csv.DictReader(found)
        writer = csv.DictWriter(kept, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in reader if row["feed"] in names)
    with Clock() as clock:
        refused = [attempt.error for attempt in land_manifest(region, read_manifest(listed)) if attempt.error is not None]
    if refused:
        raise refused[0]
    return clock.measured({"feeds": len(feeds)})


def decoding(source: str, out: str, template: str) -> Measured:
    """The files of a template as UTF-8 and unpacked; what is so already is linked."""
    target, form = Path(out), BY_TEMPLATE[template].form
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    size = 0
    with Clock() as clock:
        for number, path in enumerate(_files(Path(source) / "exports", template)):
            if path.suffix != ".zip" and form.encoding == "utf-8":
                (target / f"{number}.csv").hardlink_to(path)
                continue
            for member, stream in _members(path):
                with stream, (target / f"{number}-{member}.csv").open("wb") as whole:
                    text = io.TextIOWrapper(stream, form.encoding, newline="")
                    while chunk := text.read(CHUNK):
                        size += whole.write(chunk.encode())
    return clock.measured({"bytes": size})


def _files(exports: Path, template: str) -> Iterator[Path]:
    with (exports / "feeds.csv").open(encoding="utf-8", newline="") as stream:
        feeds = {row["feed"] for row in csv.DictReader(stream) if row["template"] == template}
    with (exports / "deliveries.csv").open(encoding="utf-8", newline="") as stream:
        folders = [row["folder"] for row in csv.DictReader(stream) if row["feed"] in feeds]
    for folder in folders:
        yield from sorted(path for path in (exports / folder).rglob("*") if path.is_file())


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if path.suffix != ".zip":
        yield "0", path.open("rb")
        return
    with zipfile.ZipFile(path) as archive:
        for place, name in enumerate(archive.namelist()):
            yield str(place), archive.open(name)


@dataclass(frozen=True)
class Found:
    """What was measured of one dialect, or of all together."""

    name: str
    feeds: int
    rows: int
    bytes: int
    decode: float
    floor: float
    landing: float
    run: Measured


def measure(folder: Path, persons: int, threads: int, memory: str) -> tuple[Measured, list[Found]]:
    """Simulate, then decode, floor, land and run each dialect, and land and run all."""
    limits = {"threads": threads, "memory": memory}
    source, region, scratch = str(folder / "source"), str(folder / "region"), str(folder / "scratch")
    made = _step("dialects.simulated", folder=source, persons=persons)
    found: list[Found] = []
    for template in sorted(BY_TEMPLATE):
        decoded = _step("dialects.decoding", source=source, out=scratch, template=template)
        form = BY_TEMPLATE[template].form
        written = {"delimiter": form.delimiter, "quote": "" if form.bare else '"'}
        least = _step("floor.copying", source=scratch, out=str(folder / "floor"), ordered=False, **written, **limits)
        landed = _step("dialects.landing", folder=region, source=source, template=template, persons=persons)
        ran = _step("steps.running", folder=region, lake=f"{region}/lake", **limits)
        if ran.said["records"] != least.said["rows"]:
            raise StepFailed(f"{template}: the run received {ran.said['records']:,} records, the floor {least.said['rows']:,}")
        size = sum(path.stat().st_size for path in _files(Path(source) / "exports", template))
        decode = decoded.seconds if decoded.said["bytes"] else 0.0
        found.append(Found(template, landed.said["feeds"], least.said["rows"], size, decode, least.seconds, landed.seconds, ran))
        shutil.rmtree(scratch)
    landed = _step("dialects.landing", folder=region, source=source, template=ALL, persons=persons)
    ran = _step("steps.running", folder=region, lake=f"{region}/lake", **limits)
    sums = [sum(values) for values in zip(*((f.feeds, f.rows, f.bytes, f.decode, f.floor) for f in found), strict=True)]
    found.append(Found(ALL, int(sums[0]), int(sums[1]), int(sums[2]), sums[3], sums[4], landed.seconds, ran))
    if ran.said["records"] != found[-1].rows:
        raise StepFailed(f"the run of all received {ran.said['records']:,} records, the floors {found[-1].rows:,}")
    return made, found


def _step(step: str, **arguments: object) -> Measured:
    measured = in_process("bench.dialects", step, arguments)
    print(f"{step:<21}{measured.seconds:>9.2f} s {measured.cpu:>9.2f} s CPU {measured.peak / 2**20:>7.0f} MiB", file=sys.stderr, flush=True)
    return measured


_COLUMNS = ("dialect", "feeds", "rows", "MB", "decode, s", "floor, s", "landing, s", "run, s", "run / floor", "run / (decode + floor)", "rows/s", "peak, MiB")


def report(made: Measured, found: Sequence[Found], given: argparse.Namespace, before: dict[str, str]) -> str:
    """The Markdown page."""
    rows = [
        (
            f.name, str(f.feeds), f"{f.rows:,}", f"{f.bytes / 1e6:,.0f}", f"{f.decode:.2f}" if f.decode else "none", f"{f.floor:.2f}", f"{f.landing:.2f}",
            f"{f.run.seconds:.2f}", f"{f.run.seconds / f.floor:.2f}", f"{f.run.seconds / (f.floor + f.decode):.2f}",
            f"{f.rows / f.run.seconds:,.0f}", f"{f.run.peak / 2**20:,.0f}",
        )
        for f in found
    ]  # fmt: skip
    stages = list(found[-1].run.said["stages"])
    by_stage = [(f.name, *(f"{f.run.said['stages'][stage]:.2f}" for stage in stages)) for f in found]
    return "\n".join(
        [
            "# What a run costs, by dialect",
            "",
            "A simulated region's exports (clean, all sent at once, so that zips hold few days) run alone by system, then together. The floor is that of",
            "[the spine's bench](spine.md): DuckDB reads the same files, decoded, as text and writes zstd Parquet. Decoding (GB18030 to UTF-8, zips unpacked)",
            "is apart from the floor, and within the run. Landing surveys files. A run of many feeds also pays",
            "for each: about 190 statements, whatever their size.",
            "",
            f"`python -m bench.dialects --persons {given.persons}`: {HOSPITALS} hospitals, {YEARS} years, {found[-1].rows:,} rows of",
            f"{found[-1].bytes / 1e6:,.0f} MB, simulated in {made.seconds:.1f} s ({made.said['rows'] / made.seconds:,.0f} rows/s); {given.threads} threads,",
            f"memory limit {given.memory}, one round, {given.date}.",
            "",
            *marked(Table("In short", _COLUMNS, rows)),
            *marked(Table("Stages of the runs, seconds", ("dialect", *stages), by_stage)),
            *marked(Table("Machine", ("what", "is"), list(before.items()))),
        ]
    )


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write the page; the exit code is 1 where a step failed or records were lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.dialects", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=PERSONS, help="persons of the simulated region (default: %(default)s, about 20 million rows)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-dialects", help="default: build/bench-dialects")
    parser.add_argument("--memory", default="4GiB", help="DuckDB's memory limit (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the report (default: today)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.child:
        as_child(given.child)
        return 0
    before = machine(PACKAGES)
    folder = given.folder.resolve()
    try:
        made, found = measure(folder, given.persons, given.threads, given.memory)
    except StepFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    page = REPORT if given.persons == PERSONS else folder / "dialects.md"
    page.write_text(report(made, found, given, before), encoding="utf-8")
    print(page.read_text(encoding="utf-8"))
    shutil.rmtree(folder / "region")
    return 0


if __name__ == "__main__":
    sys.exit(main())
