"""`suwen cdm`: a release for the tools that read OMOP's Common Data Model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.cli.access import region_for
from suwen.cli.bars import shown_progress
from suwen.cli.options import HERE, JsonOption, RegionOption, ReleaseOption
from suwen.cli.say import count, say, say_json, shown_path
from suwen.flow.export import export
from suwen.flow.reader import OpenRelease
from suwen.govern.policy.actions import Action

app = typer.Typer(help="The Common Data Model of OMOP.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _cdm() -> None:
    """Commands about the model's tables."""


@app.command("export")
def export_tables(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
    form: Annotated[str, typer.Option("--to", metavar="FORM", help="parquet, csv or duckdb.")],
    region: RegionOption = HERE,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the 39 tables of omop with ids of 1 to n, whole or not at all."""
    opened = OpenRelease(region_for(region, Action.QUERY), release)
    with shown_progress() as progress:
        rows = export(opened, form, folder, progress)
    if as_json:
        say_json({"release": opened.release.number, "rows": rows})
        return
    say([f"release {opened.release.number}: {count(sum(rows.values()), 'row')} of {len(rows)} tables written to {shown_path(folder)}"])
