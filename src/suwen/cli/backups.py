"""`suwen backup` and `suwen restore`: what is durable copied elsewhere, and given back with its proof."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.cli.bars import shown_progress
from suwen.cli.options import HERE, JsonOption, RegionOption
from suwen.cli.say import count, say, say_json, say_table, shown_path
from suwen.flow import doings
from suwen.flow.backup.giving import RestoreReport, check, restore
from suwen.flow.backup.kept import Backups
from suwen.flow.backup.places import backups_at, bucket_of
from suwen.flow.backup.taking import BackupReport, Wanted, back_up
from suwen.flow.region import open_region
from suwen.flow.region_files import REGION_FILE
from suwen.model.backup import Extent

TargetArgument = Annotated[str, typer.Argument(metavar="PLACE", help="The folder of backups, or s3://BUCKET/PREFIX; what it has already is not copied again.")]
SourceArgument = Annotated[str, typer.Argument(metavar="PLACE", help="The folder of backups, or s3://BUCKET/PREFIX.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait while maintenance is at work, instead of ending.")]


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("backup")(take)
    app.command("restore")(give)


def take(
    target: TargetArgument,
    landing_only: Annotated[
        bool, typer.Option("--landing-only", help="Only what cannot be made again: landing, vocabularies and what the region's owner wrote.")
    ] = False,
    with_secrets: Annotated[bool, typer.Option("--with-secrets", help="Also secrets.toml: with control.db it lets whoever has both be anyone.")] = False,
    with_staging: Annotated[bool, typer.Option("--with-staging", help="Also staging, which the first run after a restore would read again.")] = False,
    only_check: Annotated[bool, typer.Option("--check", help="Take none: hash every content of the newest one again.")] = False,
    region: RegionOption = HERE,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy all releases, landing and the region's own files, each content once. Runs may go on meanwhile."""
    opened = open_region(region)
    place = backups_at(target, opened.bucket, f"{opened.folder}/{REGION_FILE}")
    if only_check:
        _check(place, as_json)
        return
    if landing_only and with_staging:
        raise SuwenError("staging is of the lake", where="--with-staging", expected="either --landing-only or --with-staging")
    wanted = Wanted(Extent.LANDING if landing_only else Extent.WHOLE, with_secrets, with_staging)
    with shown_progress() as progress:
        report = back_up(opened, place, wanted, progress=progress, wait=wait)
    doings.note(opened, doings.LANDING_BACKUP if landing_only else doings.BACKUP, {"at": now().timestamp(), "release": report.release, "bytes": report.bytes})
    if as_json:
        say_json(report)
        return
    new = f"{count(report.new_files, 'file')} with {count(report.new_bytes, 'byte')} new" if report.new_files else "nothing new"
    say([f"backup {report.name[:27]}: {_of(report)}; {count(report.files, 'file')} with {count(report.bytes, 'byte')}, {new}, {report.seconds:.1f} s"])
    say(f"note: {note}" for note in report.notes)


def _check(target: Backups, as_json: bool) -> None:
    with shown_progress() as progress:
        name, contents, size = check(target, progress=progress)
    if as_json:
        say_json({"name": name, "contents": contents, "bytes": size})
    else:
        say([f"backup {name[:27]}: every one of {count(contents, 'content')} with {count(size, 'byte')} is right"])


def give(
    source: SourceArgument,
    folder: Annotated[Path | None, typer.Argument(metavar="[NEW]", help="A new or empty folder for the region.")] = None,
    name: Annotated[str, typer.Option("--backup", metavar="NAME", help="A backup by the beginning of its name; else the newest with a release.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="List the backups there are, and restore nothing.")] = False,
    store: Annotated[
        Path | None, typer.Option("--store", metavar="FILE", help="A file whose section [store] says how a bucket is reached, such as a copy of region.toml.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give a backup back into a new folder, with the proof that every file and the newest release are the same."""
    kept = backups_at(source, bucket_of(store), str(store or "the environment"))
    if listed:
        _list(kept, as_json)
        return
    if folder is None:
        raise SuwenError(
            "no folder was named", where="NEW", expected="a new or empty folder for the region", do="suwen restore PLACE NEW, or suwen restore PLACE --list"
        )
    with shown_progress() as progress:
        report = restore(kept, folder, name, progress=progress)
    if as_json:
        say_json(report)
    else:
        say(_restored(report))


def _restored(report: RestoreReport) -> list[str]:
    proven = f"release {report.release} is the same: {count(report.tables, 'table')} with {count(report.rows, 'row')}" if report.release else "no release in it"
    lines = [
        f"restored into {shown_path(Path(report.folder))}: {count(report.files, 'file')} with {count(report.bytes, 'byte')}, {report.seconds:.1f} s",
        f"every hash is right; {proven}; landing has {count(report.objects, 'object')}",
        f"recovery point: {_of(report)}",
        *(f"note: {note}" for note in report.notes),
    ]
    return lines if report.release else [*lines, "next: suwen run makes everything else again"]


def _of(report: BackupReport | RestoreReport) -> str:
    """What a backup is of: what came later is not in it."""
    release = f"release {report.release} of {report.published_at}" if report.release else "no release"
    last = f", the last received at {report.received_at}" if report.received_at else ""
    return f"{release}, {count(report.deliveries, 'delivery', 'deliveries')}{last}"


def _list(kept: Backups, as_json: bool) -> None:
    kept.check()
    found = [(name, kept.manifest(name)) for name in kept.names()]
    if as_json:
        shown = ("region", "extent", "taken_at", "suwen", "release", "releases", "published_at", "deliveries", "received_at", "secrets", "staging", "bytes")
        say_json([{"name": name, "files": len(held.files), **{key: getattr(held, key) for key in shown}} for name, held in found])
        return
    rows = [
        (
            name[:27],
            held.region,
            held.extent,
            held.release or "",
            held.published_at,
            held.deliveries,
            held.received_at,
            f"{len(held.files):,}",
            f"{held.bytes:,}",
        )
        for name, held in found
    ]
    columns = ("backup", "region", "extent", "release", "published at", "deliveries", "received at", "files", "bytes")
    say_table(columns, rows, numbers=("release", "deliveries", "files", "bytes"))
