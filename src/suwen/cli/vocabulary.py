"""`suwen vocabulary`: standard vocabularies loaded into the region, and which one is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.base.errors import SuwenError
from suwen.cli.bars import shown_progress
from suwen.cli.options import HERE, JsonOption, RegionOption, WaitOption
from suwen.cli.say import say, say_json, say_table
from suwen.flow.region import open_region
from suwen.flow.vocabulary import current_vocabulary, load_vocabulary
from suwen.repository.vocabulary import VocabularyVersion

app = typer.Typer(help="Standard vocabularies (OMOP).", no_args_is_help=True, rich_markup_mode=None)


@app.command("load")
def load(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder or zip of vocabulary files: as downloaded from Athena, or comma-delimited CSV.")],
    region: RegionOption = HERE,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Load vocabulary files and use them from the next run on."""
    with shown_progress() as progress:
        loaded = load_vocabulary(open_region(region), folder, progress=progress, wait=wait)
    _tell(loaded, as_json)
    if not as_json:
        say(["next: suwen run"])


@app.command("show")
def show(region: RegionOption = HERE, as_json: JsonOption = False) -> None:
    """The vocabulary in use."""
    found = current_vocabulary(open_region(region))
    if found is None:
        raise SuwenError("no vocabulary was loaded", where=str(region), do="suwen vocabulary load FOLDER; without one every concept is 0")
    _tell(found, as_json)


def _tell(found: VocabularyVersion, as_json: bool) -> None:
    if as_json:
        say_json({"hash": found.hash, "name": found.name, "rows": found.rows, "absent": found.absent})
        return
    say([f"vocabulary {found.name or 'without a name'}, hash {found.hash[:16]}"])
    say_table(("table", "rows"), [(name, f"{rows:,}") for name, rows in found.rows.items()], numbers=("rows",))
    if found.absent:
        say([f"not in these files: {', '.join(found.absent)}"])
