"""The files for production: services call commands that are there, alerts and the guide name figures that are told."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from suwen.cli.main import app
from tests.integration.served import Served

FOLDER = Path(__file__).parents[2] / "examples" / "production"
GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "production.md").read_text("utf-8")
_FIGURE = re.compile(r"\b(?:suwen|process)_[a-z_]+[a-z]")


def unit(path: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.service")), ids=lambda path: path.name)
def test_a_service_calls_a_command_with_options_that_it_has(path: Path) -> None:
    program, name, *words = shlex.split(unit(path)["Service"]["ExecStart"])
    command: Any = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert program == "/opt/suwen/bin/suwen"
    assert command.make_context(name, list(words)).params["region"] == Path("/srv/suwen/region")
    assert unit(path)["Service"]["User"] == "suwen" and unit(path)["Service"]["ProtectSystem"] == "strict"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.timer")), ids=lambda path: path.name)
def test_a_timer_has_its_service(path: Path) -> None:
    assert path.with_suffix(".service").exists() and unit(path)["Timer"]["OnCalendar"]


def test_every_file_is_named_in_the_guide() -> None:
    assert not [path.name for path in FOLDER.iterdir() if f"examples/production/{path.name}" not in GUIDE]


def test_the_figures_that_are_named_are_told(served: Served) -> None:
    from django.test import Client  # noqa: PLC0415 as in `served`

    from suwen.flow import doings  # noqa: PLC0415

    backup = {"at": 1.0, "release": 1}
    for what, said in ((doings.BACKUP, backup), (doings.LANDING_BACKUP, backup), (doings.MAINTAIN, {"at": 1.0, "damaged": 0, "bytes": 1})):
        doings.note(served.region, what, said)
    client = Client(REMOTE_ADDR="127.0.0.1", HTTP_HOST="localhost")
    client.get("/healthz")
    text = client.get("/metrics").content.decode()
    told = {re.sub(r"_(bucket|count|sum|created|info)$", "", line.split("{")[0].split(" ")[0]) for line in text.splitlines() if not line.startswith("#")}
    asked = set(_FIGURE.findall((FOLDER / "alerts.yml").read_text("utf-8")))
    listed = set(_FIGURE.findall("\n".join(line for line in GUIDE.splitlines() if line.startswith("| `"))))
    assert asked and not asked - told
    assert not {name for name in listed if name.startswith("suwen_")} - told
    assert not {name for name in told if name.startswith("suwen_")} - listed
