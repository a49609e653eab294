"""`suwen serve`: the region's pages."""

from __future__ import annotations

from typing import Annotated

import typer

from suwen.cli.options import HERE, RegionOption
from suwen.cli.say import say
from suwen.flow.region import open_region


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command("serve")(serve)


def serve(
    address: Annotated[str, typer.Option("--address", help="The address to listen at; region.toml's if not given.")] = "",
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="The port; region.toml's if not given, any free one for 0.")] = None,
    region: RegionOption = HERE,
) -> None:
    """Serve the region's pages. The first time an administrator is made, whose password is printed once."""
    from suwen.serve.server import serve as served  # noqa: PLC0415 only this command needs the pages' libraries

    opened = open_region(region)
    served(opened, address or opened.server.address, opened.server.port if port is None else port, lambda line: say([line]))
