"""`suwen new`, `feed add`, `feed list` and `status`: a region made, told who sends what, and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.cli.options import HERE, JsonOption, RegionOption, mode
from suwen.cli.say import count, say, say_json, say_table, shown_path
from suwen.flow.region import DEFAULT_ZONE, add_feed, create, open_region
from suwen.flow.status import status
from suwen.model.region import Region

feeds = typer.Typer(help="Who sends what, by which template.", no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("new")(new)
    app.command("status")(show_status)


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    packs: Annotated[str, typer.Option("--packs", help="Packs in use, with commas between.")] = "core",
    name: Annotated[str, typer.Option("--name", help="The region's name; the folder's if not given.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="IANA time zone of its organisations.")] = DEFAULT_ZONE,
    as_json: JsonOption = False,
) -> None:
    """Make a region: a folder with region.toml, organisations.csv and places for feeds, packs, lake and landing."""
    region = create(folder, [word.strip() for word in packs.split(",") if word.strip()], name, zone)
    if as_json:
        say_json({"name": region.name, "folder": str(region.folder), "packs": region.packs, "zone": region.zone})
        return
    where = f" --region {shown_path(region.folder)}" if region.folder != Path.cwd() else ""
    say([f"region {region.name} was made in {shown_path(region.folder)}: packs {', '.join(region.packs)}, time zone {region.zone}"])
    say([f"next: suwen feed add NAME --template VENDOR/PRODUCT --organisation ID{where}"])


@feeds.command("add")
def feed_add(
    name: Annotated[str, typer.Argument(help="The feed's name, such as h001-his.")],
    template: Annotated[str, typer.Option("--template", help="The template of the system that sends, such as synthea/csv.")],
    organisation: Annotated[str, typer.Option("--organisation", help="organisation_id in organisations.csv; added there if it is new.")],
    how: Annotated[str, typer.Option("--mode", help="What deliveries say about records they do not hold: snapshot, append, upsert or window.")] = "append",
    as_of: Annotated[
        str, typer.Option("--as-of-pattern", metavar="REGEX", help="Regular expression that finds the delivery's date in file names, in a group named date.")
    ] = "",
    region: RegionOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say that a system of an organisation sends files, and by which template they are read."""
    opened, note = add_feed(open_region(region), name, template, organisation, mode(how), as_of)
    if as_json:
        say_json({"feed": _feed(opened, name), "note": note})
        return
    say([f"feed {name} was added: {template} of {organisation}, mode {how}", *([f"note: {note}"] if note else [])])


@feeds.command("list")
def feed_list(region: RegionOption = HERE, as_json: JsonOption = False) -> None:
    """The feeds of the region."""
    opened = open_region(region)
    found = [_feed(opened, name) for name in opened.feeds]
    if as_json:
        say_json(found)
    else:
        say_table(
            ("feed", "template", "organisation", "mode", "zone"),
            [tuple(feed[k] for k in ("feed", "template", "organisation", "mode", "zone")) for feed in found],
        )


def _feed(region: Region, name: str) -> dict[str, str]:
    feed = region.feeds[name]
    said = {"feed": name, "template": feed.template, "organisation": feed.organisation, "mode": feed.mode.value, "as_of": feed.as_of}
    return said | {"zone": region.zone_of(feed)}


def show_status(region: RegionOption = HERE, as_json: JsonOption = False) -> None:
    """How the region stands: what has landed, what is published, what waits."""
    found = status(open_region(region))
    if as_json:
        say_json(found)
        return
    published = f"release {found.release} of {found.published_at}" if found.release else "nothing published yet"
    say([f"region {found.name}: {published}; {count(found.waiting, 'receipt')} not in a release yet" + (", run: suwen run" if found.waiting else "")])
    if found.release and not found.vocabulary:
        say(["made without a vocabulary: codes of standard vocabularies have concept 0; suwen vocabulary load"])
    if found.feeds:
        columns = ("feed", "template", "organisation", "mode", "deliveries", "receipts", "bytes", "latest", "waiting")
        rows = [
            (f.feed, f.template, f.organisation, f.mode, f.deliveries, f.receipts, f"{f.bytes:,}", f.latest[:16].replace("T", " "), f.waiting)
            for f in found.feeds
        ]
        say_table(columns, rows, numbers=("deliveries", "receipts", "bytes", "waiting"))
    if found.states:
        say(["records: " + ", ".join(f"{number:,} {state}" for state, number in sorted(found.states.items(), key=lambda item: -item[1]))])
    if found.rows:
        say_table(("table", "rows"), [(name, f"{rows:,}") for name, rows in sorted(found.rows.items())], numbers=("rows",))
