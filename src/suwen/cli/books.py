"""`suwen releases` and `suwen ledger`: what was published, and what became of every record."""

from __future__ import annotations

from typing import Annotated

import typer

from suwen.cli.options import HERE, JsonOption, RegionOption, ReleaseOption
from suwen.cli.say import say, say_json, say_table
from suwen.flow import ledger
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.stores import releases_of
from suwen.repository.versions import STATES


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("releases")(list_releases)
    app.command("ledger")(show_ledger)


def list_releases(region: RegionOption = HERE, as_json: JsonOption = False) -> None:
    """The published releases, the newest last."""
    published = releases_of(open_region(region))
    found = [published.get(number) for number in published.numbers()]
    if as_json:
        say_json(
            [{"release": r.number, "run": r.run, "published_at": r.published_at, "receipts_through": r.receipts_through, "tables": r.tables} for r in found]
        )
        return
    if not found:
        say(["nothing has been published yet: suwen land, then suwen run"])
        return
    rows = [
        (r.number, r.published_at, r.receipts_through, f"{sum(t.rows for name, t in r.tables.items() if name.startswith(('cdr/', 'ext/'))):,}") for r in found
    ]
    say_table(("release", "published at (UTC)", "receipts through", "rows"), rows, numbers=("release", "receipts through", "rows"))


def show_ledger(
    region: RegionOption = HERE,
    release: ReleaseOption = None,
    moves: Annotated[bool, typer.Option("--moves", help="The moves of the run that published the release, instead of where records stand.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The books: every record received has one state per target, and they sum up."""
    opened = OpenRelease(open_region(region), release)
    if moves:
        _moves(opened, as_json)
        return
    lines = ledger.totals(opened)
    if as_json:
        say_json([{"feed": line.feed, "kind": line.kind, "target": line.target, **line.states, "records": line.records} for line in lines])
        return
    states = [state for state in STATES if any(state in line.states for line in lines)]
    rows = [
        (line.feed, line.kind or "(files)", line.target or "(rejected by the reader)", *(_number(line.states.get(s, 0)) for s in states), f"{line.records:,}")
        for line in lines
    ]
    say([f"release {opened.release.number}, by the current state of every record"])
    say_table(("feed", "kind", "target", *states, "records"), rows, numbers=(*states, "records"))


def _moves(opened: OpenRelease, as_json: bool) -> None:
    found = ledger.moves(opened)
    if as_json:
        say_json(found)
        return
    say([f"run {opened.release.run}, moves between states"])
    rows = [(m.feed, m.kind, m.target, m.from_state or "(new)", m.to_state, f"{m.records:,}") for m in found]
    say_table(("feed", "kind", "target", "from", "to", "records"), rows, numbers=("records",))


def _number(count: int) -> str:
    return f"{count:,}" if count else ""
