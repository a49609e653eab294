"""`suwen check` and `suwen docs`: packs held against the language and the model, and the reference pages made from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.base.errors import SuwenError
from suwen.cli.options import HERE, JsonOption, RegionOption
from suwen.cli.pages import command_pages
from suwen.cli.say import count, say, say_json, shown_path
from suwen.flow.check import check
from suwen.flow.check_indicators import run_indicator_examples
from suwen.flow.examples import run_examples
from suwen.flow.reference import write_reference
from suwen.flow.region import open_region, region_packs
from suwen.flow.region_files import REGION_FILE
from suwen.packs.loader import Packs, load_packs, shipped_packs
from suwen.packs.problem import PackErrors


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("check")(check_packs)
    app.command("docs")(write_docs)


def check_packs(
    folders: Annotated[list[Path] | None, typer.Argument(metavar="[FOLDER]...", help="Folders of packs, laid over those that come with Suwen.")] = None,
    examples: Annotated[bool, typer.Option("--examples/--no-examples", help="Run the examples of templates and indicators, or leave them out.")] = True,
    region: RegionOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Check packs: those of the region, or outside of one those that come with Suwen and the folders given."""
    for folder in folders or []:
        if not folder.is_dir():
            raise SuwenError("there is no such folder", where=str(folder), expected="a folder that holds pack.toml, or folders with one each")
    inside = region != HERE or (region / REGION_FILE).exists()  # a region that was named must be one
    packs = _packs(region if inside else None, folders or [])
    problems = check(packs) or (sorted([*run_examples(packs), *run_indicator_examples(packs)]) if examples else [])
    if problems:
        raise PackErrors(problems)
    found = {
        "packs": list(packs.packs),
        "templates": list(packs.templates),
        "code_maps": list(packs.code_maps),
        "indicators": list(packs.indicators),
        "overrides": [str(o) for o in packs.overrides],
    }
    if as_json:
        say_json(found)
        return
    say(found["overrides"])
    kinds = (("templates", "template"), ("code_maps", "code map"), *((("indicators", "indicator"),) if found["indicators"] else ()))
    *said, last = (count(len(found[key]), one) for key, one in kinds)
    say([f"packs {', '.join(found['packs'])}: {', '.join(said)} and {last} are good"])
    if not inside and not folders:
        say(["note: there is no region here, so what comes with Suwen was checked; name one with --region"])


def _packs(region: Path | None, folders: list[Path]) -> Packs:
    if region is None:
        return load_packs(shipped_packs(), folders)
    opened = open_region(region)
    return load_packs(opened.packs, [opened.pack_folder, *folders]) if folders else region_packs(opened)


def write_docs(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Where the pages go.")] = Path("docs/reference"),
    as_json: JsonOption = False,
) -> None:
    """Write the reference pages: commands, functions, tables, finding codes, packs and templates."""
    written = write_reference(output, command_pages(context.find_root().command))
    if as_json:
        say_json([str(path) for path in written])
    else:
        say([f"{count(len(written), 'page')} written to {shown_path(output)}"])
