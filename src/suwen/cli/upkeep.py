"""`suwen maintain` and `suwen upgrade`: a region looked after, and brought to the format of this version."""

from __future__ import annotations

from typing import Annotated

import typer

from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.cli.bars import shown_progress
from suwen.cli.options import HERE, JsonOption, RegionOption, WaitOption
from suwen.cli.say import count, say, say_json, say_table
from suwen.flow import doings
from suwen.flow.region import open_region
from suwen.flow.region_files import CONTROL_FILE
from suwen.flow.upgrade import upgrade
from suwen.flow.upkeep.maintain import MaintainReport, maintain
from suwen.model.format import FORMAT
from suwen.model.region import Region


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("maintain")(maintain_region)
    app.command("upgrade")(upgrade_region)


def maintain_region(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Look at names and lengths alone, without reading the files.")] = False,
    region: RegionOption = HERE,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check every file, make small files large, and remove releases and files that are not to be kept ([keep] in region.toml)."""
    opened = open_region(region)
    with shown_progress() as progress:
        report = maintain(opened, dry_run=dry_run, quick=quick, wait=wait, progress=progress)
    if not dry_run:
        doings.note(opened, doings.MAINTAIN, {"at": now().timestamp(), "damaged": len(report.damage), "bytes": report.bytes_after})
    if as_json:
        say_json(report)
    else:
        _tell(report)
    if report.damage:
        one = report.damage[0]
        what = f"{count(len(report.damage), 'thing')} damaged, such as: {one.what}" if len(report.damage) > 1 else one.what
        raise SuwenError(what, where=one.where, expected="what was written", do=one.do)


def upgrade_region(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    region: RegionOption = HERE,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a region that an earlier Suwen wrote to the format of this one; take a backup before."""
    opened = open_region(region)
    with shown_progress() as progress:
        done = upgrade(opened, dry_run=dry_run, wait=wait, progress=progress)
    changes = _control(opened, dry_run=dry_run)
    if as_json:
        say_json({"dry_run": dry_run, "format": FORMAT, "steps": done, "control": changes})
        return
    say(f"{one.part}: format {one.before} {'would become' if dry_run else 'became'} {one.after}: {one.does}" for one in done)
    say(f"control data: {'would be changed' if dry_run else 'was changed'} by {change}" for change in changes)
    if not done and not changes:
        say([f"nothing to upgrade: the region has format {FORMAT}"])


def _control(region: Region, *, dry_run: bool) -> list[str]:
    """The changes of the control data's tables that were due; none where the region has no control data."""
    if not region.server.database and not (region.folder / CONTROL_FILE).exists():
        return []
    from suwen.govern.control import due, opened  # noqa: PLC0415 only here is Django needed

    changes = due(region)
    if not dry_run:
        opened(region)
    return changes


def _tell(report: MaintainReport) -> None:
    looked = (
        f"{count(report.objects_checked, 'object')} of landing and {count(report.files_checked, 'file')} of the lake, {count(report.bytes_checked, 'byte')}"
    )
    proven = f"; {count(report.rows_proven, 'row')} of release {report.release} proven" if report.rows_proven else ""
    say([f"looked at {looked}{proven}: {count(len(report.damage), 'damage') if report.damage else 'nothing is damaged'}"])
    say(f"damaged: {one.where}: {one.what}" for one in report.damage)
    would = "would be " if report.dry_run else ""
    if report.merged:
        rows = [(one.table, one.files_before, one.files_after, f"{one.rows:,}") for one in report.merged]
        say([f"small files {would}made large" + (f", as release {report.compacted}" if report.compacted else "")])
        say_table(("table", "files before", "files after", "rows rewritten"), rows, numbers=("files before", "files after", "rows rewritten"))
    if report.removed_releases:
        say([f"releases {would}removed: {', '.join(map(str, report.removed_releases))}; kept: {', '.join(map(str, report.kept))}"])
    if report.removed:
        say([f"files of nobody {would}removed"])
        say_table(("of", "files", "bytes"), [(one.group, one.files, f"{one.bytes:,}") for one in report.removed], numbers=("files", "bytes"))
    say(f"note: {note}" for note in report.notes)
    changed = "" if report.bytes_before == report.bytes_after else f" (before: {count(report.files_before, 'file')}, {count(report.bytes_before, 'byte')})"
    say([f"{count(report.files_after, 'file')}, {count(report.bytes_after, 'byte')}{changed}, {report.seconds:.1f} s"])
