"""`suwen query` and `suwen trace`: questions to a release, and the way of an answer back to its bytes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from suwen.base.errors import SuwenError
from suwen.cli.access import allow, shown
from suwen.cli.answers import FORMATS, give
from suwen.cli.options import HERE, JsonOption, RegionOption, ReleaseOption
from suwen.cli.say import count, say, say_json, shown_path
from suwen.cli.traces import shown_trace
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.trace import trace
from suwen.govern.policy.actions import Action


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("query")(query)
    app.command("trace")(trace_row)


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help='One select over the schemas omop, cdr, ext and state; "-" reads it from standard input.')],
    form: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "",
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write the answer to a file.")] = None,
    region: RegionOption = HERE,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question in SQL. Only what reads is run: no writing, no files, no settings."""
    wanted = form or ("json" if as_json else "table")
    if wanted not in FORMATS:
        raise SuwenError(f'unknown format "{wanted}"', where="--format", expected=" or ".join(FORMATS))
    if output is not None and wanted == "table":
        raise SuwenError("a table is for looking at", where="--format table", expected="csv, json or parquet with --output", do="add --format csv")
    text = _typed() if sql == "-" else sql
    opened = open_region(region)
    allow(opened, Action.QUERY)
    with OpenRelease(opened, release).guarded() as connection, connection.stream(text) as answer:
        give(answer, wanted, output)
    if output is not None:
        sys.stderr.write(f"{count(output.stat().st_size, 'byte')} written to {shown_path(output)}\n")


def _typed() -> str:
    """The query on standard input."""
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise SuwenError("the query is not UTF-8", where="standard input", expected="text in UTF-8") from None


def trace_row(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table, such as measurement or ext_visit.")],
    row_id: Annotated[str, typer.Argument(metavar="ID", help="The row's id.")],
    column: Annotated[str, typer.Option("--column", metavar="C", help="Only this column.")] = "",
    region: RegionOption = HERE,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lead a row back to the bytes it came from and the template lines that made it."""
    opened = open_region(region)
    found = shown(opened, trace(OpenRelease(opened, release), table, row_id, column))
    if as_json:
        say_json(found)
    else:
        say(shown_trace(found))
