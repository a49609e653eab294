"""`suwen land` and `suwen run`: files kept unchanged, then made into rows and published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.base.errors import SuwenError
from suwen.cli.bars import shown_progress
from suwen.cli.options import HERE, JsonOption, RegionOption, WaitOption, mode, moment, window
from suwen.cli.say import count, say, say_json, say_table
from suwen.flow.land import land
from suwen.flow.manifest import Attempt, Outcome, land_manifest, read_manifest
from suwen.flow.measured_run import measured_run
from suwen.flow.region import open_region
from suwen.flow.run import RunReport
from suwen.model.receipt import Delivery
from suwen.model.region import Region


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("land")(land_files)
    app.command("run")(run_region)


def land_files(
    feed: Annotated[str, typer.Argument(metavar="[NAME]", help="The feed that sends the files.", show_default=False)] = "",
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH...]", help="Files, or folders with all below them.", show_default=False)] = None,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The date (or local time) the delivery speaks for.")] = "",
    how: Annotated[str, typer.Option("--mode", metavar="MODE", help="snapshot, append, upsert or window; the feed's if not given.")] = "",
    between: Annotated[str, typer.Option("--window", metavar="FIRST..LAST", help="The dates a delivery in mode window speaks for.")] = "",
    manifest: Annotated[
        Path | None, typer.Option("--manifest", metavar="CSV", help="Instead of a feed and paths: land every delivery that the file lists, in order.")
    ] = None,
    sender: Annotated[str, typer.Option("--sender", help="Who sent the files, as a note in the receipt.")] = "",
    region: RegionOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Keep files unchanged as one delivery, whole or not at all, each with a durable receipt; or so each delivery of a manifest."""
    if manifest is not None:
        if feed or paths or as_of or how or between:
            raise SuwenError("a manifest says itself what is landed", where="--manifest", do="leave out the feed, paths, --as-of, --mode and --window")
        _land_manifest(open_region(region), manifest, sender, as_json)
        return
    if not feed or not paths:
        raise SuwenError("no feed was named" if not feed else "no file was named", expected="a feed and its files, or --manifest", do="suwen land --help")
    opened = open_region(region)
    said_of, said_mode = moment(as_of, "--as-of") if as_of else None, mode(how) if how else None
    days = window(between) if between else None
    with shown_progress() as progress:
        delivery = land(opened, feed, paths, as_of=said_of, mode=said_mode, window=days, sender=sender, progress=progress, message=_aside)
    if as_json:
        say_json(delivery.to_json())
        return
    say([_told(delivery)])
    say_table(
        ("receipt", "file", "bytes", "sha256"), [(r.sequence, r.name, f"{r.length:,}", r.sha256[:16]) for r in delivery.receipts], numbers=("receipt", "bytes")
    )
    say(["next: suwen run"])


def _aside(text: str) -> None:
    typer.echo(text, err=True)


def _told(delivery: Delivery) -> str:
    said = f"{count(len(delivery.receipts), 'file')}, {count(sum(r.length for r in delivery.receipts), 'byte')}"
    until = f", {delivery.window[0]} to {delivery.window[1]}" if delivery.window else ""
    return f"delivery {delivery.number} of {delivery.feed}: {said}, as of {delivery.as_of.isoformat(' ')}, mode {delivery.mode}{until}"


def _land_manifest(region: Region, manifest: Path, sender: str, as_json: bool) -> None:
    """Land what a manifest lists, and say of each delivery what became of it. Raises SuwenError where one was refused."""
    listed = read_manifest(manifest)
    with shown_progress() as progress:
        attempts = list(land_manifest(region, listed, sender=sender, progress=progress, message=_aside))
    by_outcome = {outcome: sum(attempt.outcome is outcome for attempt in attempts) for outcome in Outcome}
    if as_json:
        say_json([_attempt_json(attempt) for attempt in attempts])
    else:
        say(_attempt_line(attempt) for attempt in attempts)
        say([", ".join(f"{number:,} {outcome}" for outcome, number in by_outcome.items()), *(["next: suwen run"] if by_outcome[Outcome.LANDED] else [])])
    if by_outcome[Outcome.REFUSED]:
        raise SuwenError(
            f"{by_outcome[Outcome.REFUSED]} of {count(len(attempts), 'delivery', 'deliveries')} refused",
            where=str(manifest),
            do="mend what is told of each and give the command again: what has landed is left out then",
        )


def _attempt_line(attempt: Attempt) -> str:
    listed, error = attempt.listed, attempt.error
    name = f"{listed.feed} as of {listed.as_of.isoformat(' ')}"
    if error is not None:
        return f"refused: {listed.place}, {name}: " + "; ".join(line.strip() for line in str(error).splitlines())
    assert attempt.delivery is not None
    if attempt.outcome is Outcome.KNOWN:
        return f"left out: {name} has landed already, as delivery {attempt.delivery.number}"
    return _told(attempt.delivery)


def _attempt_json(attempt: Attempt) -> dict[str, object]:
    said: dict[str, object] = {"line": attempt.listed.place.line, "feed": attempt.listed.feed, "outcome": attempt.outcome.value}
    if attempt.error is not None:
        where = str(attempt.error.where or "")
        return said | {"what": attempt.error.what, "where": where, "expected": attempt.error.expected, "do": attempt.error.do}
    assert attempt.delivery is not None
    return said | {"delivery": attempt.delivery.to_json()}


def run_region(region: RegionOption = HERE, wait: WaitOption = False, as_json: JsonOption = False) -> None:
    """Take in what has landed and publish a release; nothing is done where nothing is new."""
    opened = open_region(region)
    with shown_progress() as progress:
        report = measured_run(opened, progress=progress, wait=wait)
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
