"""`suwen land` and `suwen run`: files kept unchanged, then made into rows and published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.cli.bars import shown_progress
from suwen.cli.options import HERE, JsonOption, RegionOption, WaitOption, mode, moment, window
from suwen.cli.say import count, say, say_json, say_table
from suwen.flow.land import land
from suwen.flow.region import open_region
from suwen.flow.run import RunReport, run


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("land")(land_files)
    app.command("run")(run_region)


def land_files(
    feed: Annotated[str, typer.Argument(metavar="NAME", help="The feed that sends the files.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders with all below them.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The date (or local time) the delivery speaks for.")] = "",
    how: Annotated[str, typer.Option("--mode", metavar="MODE", help="snapshot, append, upsert or window; the feed's if not given.")] = "",
    between: Annotated[str, typer.Option("--window", metavar="FIRST..LAST", help="The dates a delivery in mode window speaks for.")] = "",
    sender: Annotated[str, typer.Option("--sender", help="Who sent the files, as a note in the receipt.")] = "",
    region: RegionOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Keep files unchanged as one delivery, whole or not at all, each with a durable receipt."""
    opened = open_region(region)
    given = {"as_of": moment(as_of, "--as-of") if as_of else None, "mode": mode(how) if how else None, "window": window(between) if between else None}
    with shown_progress() as progress:
        delivery = land(opened, feed, paths, sender=sender, progress=progress, message=lambda text: typer.echo(text, err=True), **given)  # type: ignore[arg-type]
    if as_json:
        say_json(delivery.to_json())
        return
    said = f"{count(len(delivery.receipts), 'file')}, {count(sum(r.length for r in delivery.receipts), 'byte')}"
    until = f", {delivery.window[0]} to {delivery.window[1]}" if delivery.window else ""
    say([f"delivery {delivery.number} of {feed}: {said}, as of {delivery.as_of.isoformat(' ')}, mode {delivery.mode}{until}"])
    say_table(
        ("receipt", "file", "bytes", "sha256"), [(r.sequence, r.name, f"{r.length:,}", r.sha256[:16]) for r in delivery.receipts], numbers=("receipt", "bytes")
    )
    say(["next: suwen run"])


def run_region(region: RegionOption = HERE, wait: WaitOption = False, as_json: JsonOption = False) -> None:
    """Take in what has landed and publish a release; nothing is done where nothing is new."""
    opened = open_region(region)
    with shown_progress() as progress:
        report = run(opened, progress=progress, wait=wait)
    tell_run(report, as_json)


def tell_run(report: RunReport, as_json: bool) -> None:
    """What a run did."""
    if as_json:
        say_json(report)
        return
    if report.release is None:
        say(["nothing is new: no release was made"])
        return
    say([f"release {report.release}: {count(report.receipts, 'receipt')} with {count(report.records, 'record')}, {sum(report.seconds.values()):.1f} s"])
    changed = sorted({*report.created, *report.removed, *report.rewritten})
    rows = [(name, *(f"{of.get(name, 0):,}" for of in (report.created, report.removed, report.rewritten))) for name in changed if not name.startswith("state/")]
    if rows:
        say_table(("table", "created", "removed", "rewritten"), rows, numbers=("created", "removed", "rewritten"))
    kept_out = {state: sum(n for label, n in report.totals.items() if label.endswith(f"|{state}")) for state in ("quarantined", "held")}
    if any(kept_out.values()):
        say(["not taken in by now: " + ", ".join(f"{n:,} {state}" for state, n in kept_out.items() if n)])
    say(["next: suwen ledger, suwen quarantine list, suwen query"])
