"""The command `suwen`: its groups of commands joined, and how it ends."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from suwen import __version__
from suwen.cli import backups, books, cdm, declarations, indicators, landing, people, quarantine, questions, regions, simulate, upkeep, vocabulary
from suwen.cli.faults import ended

app = typer.Typer(
    name="suwen",
    help="From a region's raw hospital feeds to one governed clinical repository in which every row leads back to its source.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (regions, simulate, landing, books, questions, people, backups, upkeep, declarations):
    group.add_to(app)
app.add_typer(regions.feeds, name="feed")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(vocabulary.app, name="vocabulary")
app.add_typer(cdm.app, name="cdm")
app.add_typer(indicators.app, name="indicator")
app.add_typer(people.users, name="user")
app.add_typer(people.trail, name="audit")


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"suwen {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")] = False) -> None:
    """Options before the command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; gives the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _whole_streams()

    def command() -> int:
        answer = app(given, prog_name="suwen", standalone_mode=False)
        return answer if isinstance(answer, int) else 0

    return ended(command, "--json" in given)


def _whole_streams() -> None:
    """Streams that the caller closed are empty; what an output's encoding cannot say is escaped."""
    for name, way in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(way, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
