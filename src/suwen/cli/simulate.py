"""`suwen simulate`: a fictional region with what its hospitals send, a region ready to land it, and the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.base.atomic import new_folder
from suwen.base.errors import SuwenError
from suwen.cli.bars import shown_progress
from suwen.cli.options import JsonOption
from suwen.cli.say import count, say, say_json, shown_path
from suwen.flow.region import NewFeed, create, fill
from suwen.flow.region_files import check_path, resolved
from suwen.simulate.defects.profile import Profile, default_profile, read_profile
from suwen.simulate.region import DATE_IN_NAME, Made, Simulation
from suwen.simulate.settings import Settings

PACKS, ZONE = ("core", "cn"), "Asia/Shanghai"


def add_to(app: typer.Typer) -> None:
    """Put the command of this module on the command line."""
    app.command("simulate")(simulate)


def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    hospitals: Annotated[int, typer.Option("--hospitals", metavar="N", help="How many hospitals.")] = 24,
    persons: Annotated[int, typer.Option("--persons", metavar="N", help="How many people live there at any time in these years.")] = 60_000,
    years: Annotated[int, typer.Option("--years", metavar="N", help="Years up to 2025-12-31.")] = 3,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same files.")] = 1,
    clean: Annotated[bool, typer.Option("--clean", help="Files without defects; only resident ids are absent or mistyped.")] = False,
    defects: Annotated[
        Path | None,
        typer.Option("--defects", metavar="FILE", help="A profile of rates by kind of defect, instead of the package's; see docs/guide/defects.md."),
    ] = None,
    daily: Annotated[bool, typer.Option("--daily", help="Send the last 90 days day by day, instead of all at once on the last day.")] = False,
    gzip: Annotated[bool, typer.Option("--gzip", help="Write the files that are not in zips as gzip.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate a region: DIR/exports as its hospitals send them, DIR/region ready to land them, DIR/truth to measure by."""
    settings = Settings(hospitals=hospitals, persons=persons, years=years, seed=seed, clean=clean, daily=daily)
    simulation = Simulation(settings, _profile(defects, clean, daily))
    target = resolved(folder)
    check_path(target)
    with new_folder(target) as aside, shown_progress() as progress:
        region = create(aside / "region", PACKS, target.name, ZONE)
        fill(region, simulation.organisations, [NewFeed(*feed, DATE_IN_NAME) for feed in simulation.feeds])
        made = simulation.write(aside, compress=gzip, progress=progress)
    _tell(folder, simulation, made, as_json)


def _profile(path: Path | None, clean: bool, daily: bool) -> Profile:
    if clean and path is not None:
        raise SuwenError("a clean region has no defects", where="--defects", expected="--clean or --defects, not both")
    if clean:
        return Profile()
    return default_profile(daily=daily) if path is None else read_profile(path, daily=daily)


def _tell(folder: Path, simulation: Simulation, made: Made, as_json: bool) -> None:
    if as_json:
        say_json({"folder": str(folder), "rows": made.rows, "deliveries": made.deliveries, "feeds": len(simulation.feeds), "seconds": made.seconds})
        return
    shown, settings = shown_path(folder), simulation.settings
    asked = f"{count(settings.hospitals, 'hospital')}, {count(settings.persons, 'person')}, {count(settings.years, 'year')}"
    sent = f"{count(made.rows, 'row')} in {count(made.deliveries, 'delivery', 'deliveries')} of {count(len(simulation.feeds), 'feed')}"
    say([f"simulated {asked}: {sent}, {made.seconds:.1f} s, {made.rows / max(made.seconds, 1e-6):,.0f} rows/s"])
    say([f"next: suwen land --manifest {shown}/exports/deliveries.csv --region {shown}/region"])
