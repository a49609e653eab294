"""`suwen quarantine`: what was not taken in, why, where it stands, and how to take it in after mending."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated

import typer

from suwen.cli.access import region_for
from suwen.cli.bars import shown_progress
from suwen.cli.landing import tell_run
from suwen.cli.options import HERE, JsonOption, LimitOption, RegionOption, ReleaseOption, WaitOption
from suwen.cli.say import count, say, say_json, say_table, shown_path
from suwen.flow.measured_run import measured_run
from suwen.flow.quarantine import HELD, QUARANTINED, Group, Kept, Wanted, as_row, export, groups, records
from suwen.flow.reader import OpenRelease
from suwen.govern.policy.actions import Action

app = typer.Typer(help="Records that were not taken in, and why.", no_args_is_help=True, rich_markup_mode=None)

FeedOption = Annotated[str, typer.Option("--feed", help="Of one feed.")]
KindOption = Annotated[str, typer.Option("--kind", help="Of one kind of record.")]
CodeOption = Annotated[str, typer.Option("--code", help="With one finding code, such as MAP-010.")]
HeldOption = Annotated[bool, typer.Option("--held", help="Records held until the record they need arrives, instead.")]


def _wanted(feed: str, kind: str, code: str, held: bool, receipt: int = 0) -> Wanted:
    return Wanted(feed, kind, code, receipt, (HELD,) if held else (QUARANTINED,))


def _nothing(feed: str, kind: str, code: str, held: bool, receipt: int = 0) -> str:
    return f"no record {'of those asked for ' if feed or kind or code or receipt else ''}is {HELD if held else QUARANTINED}"


@app.command("list")
def list_groups(
    feed: FeedOption = "", kind: KindOption = "", code: CodeOption = "", held: HeldOption = False,
    region: RegionOption = HERE, release: ReleaseOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """The reasons, and how many records each keeps out."""
    found = groups(OpenRelease(region_for(region, Action.QUARANTINE), release), _wanted(feed, kind, code, held))
    if as_json:
        say_json(found)
        return
    if not found:
        say([_nothing(feed, kind, code, held)])
        return
    if held:
        _say_held(found)
    else:
        say_table(
            ("feed", "kind", "target", "code", "about", "records"),
            [(g.feed, g.kind, g.target, g.code, g.about, f"{g.records:,}") for g in found],
            numbers=("records",),
        )
    say(f"{code}: {reason}" for code, reason in sorted({g.code: g.reason for g in found}.items()))


def _say_held(found: list[Group]) -> None:
    """One line a target: the ids of the parents that are awaited are as many as the records, and stand in --json."""
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for g in found:
        parents = sums.setdefault((g.feed, g.kind, g.target, g.code), [])
        parents.append(g.records)
    say_table(
        ("feed", "kind", "target", "code", "parents awaited", "records"),
        [(*where, f"{len(parents):,}", f"{sum(parents):,}") for where, parents in sorted(sums.items(), key=lambda one: (-sum(one[1]), one[0]))],
        numbers=("parents awaited", "records"),
    )


@app.command("show")
def show(
    feed: FeedOption = "", kind: KindOption = "", code: CodeOption = "", held: HeldOption = False,
    receipt: Annotated[int, typer.Option("--receipt", metavar="N", help="Of one receipt.", show_default=False)] = 0,
    limit: LimitOption = 20,
    region: RegionOption = HERE, release: ReleaseOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """The records themselves: file, line, reason, and the text as it arrived."""
    found = list(records(OpenRelease(region_for(region, Action.QUERY), release), _wanted(feed, kind, code, held, receipt), limit))
    if as_json:
        say_json([as_row(kept) for kept in found])
        return
    if not found:
        say([_nothing(feed, kind, code, held, receipt)])
    for _, same in groupby(found, key=attrgetter("receipt", "record", "code", "about")):
        say(_shown(list(same)))
    if len(found) == limit:
        say([f"the first {limit} are shown, counted by record and target; more with --limit, all with: suwen quarantine export FILE"])


def _shown(same: list[Kept]) -> list[str]:
    """A record, told once where several targets keep it out for the same reason."""
    kept = same[0]
    where = f"{kept.file}, line {kept.place.line}" if kept.place else kept.file
    about = f" ({kept.about})" if kept.about and kept.about != kept.file else ""
    targets = f" for {', '.join(k.target for k in same)}" if len(same) > 1 else ""
    said = [f"{where}: receipt {kept.receipt}, record {kept.record}: {kept.code}{about}{targets}", f"  {kept.reason}"]
    return [*said, f"  {kept.place.text}"] if kept.place else said


@app.command("export")
def export_records(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
    feed: FeedOption = "", kind: KindOption = "", code: CodeOption = "", held: HeldOption = False,
    region: RegionOption = HERE, release: ReleaseOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Write the records with their reasons as CSV, to be sent back to who delivered them. The file holds personal data."""
    written = export(OpenRelease(region_for(region, Action.QUERY), release), _wanted(feed, kind, code, held), path)
    if as_json:
        say_json({"file": str(path), "records": written})
    else:
        say([f"{count(written, 'record')} written to {shown_path(path)}, with their text: handle it as personal data"])


@app.command("replay")
def replay(region: RegionOption = HERE, wait: WaitOption = False, as_json: JsonOption = False) -> None:
    """Run again: what a mended template, map or vocabulary now takes in leaves the quarantine. The same as `suwen run`."""
    opened = region_for(region, Action.REPLAY)
    with shown_progress() as progress:
        report = measured_run(opened, progress=progress, wait=wait)
    if report.release is None and not as_json:
        say(["nothing was mended since the last run: templates, maps and vocabulary are as they were"])
        return
    tell_run(report, as_json)
