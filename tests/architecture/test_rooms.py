"""The import rules between rooms hold, and would be seen to fail: each is broken once in a small tree of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = ("base", "model", "packs", "engine", "intake", "repository", "trust", "insight", "flow", "govern", "serve", "simulate", "cli")
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

ALLOWED = {
    "model/shape.py": "from suwen.base import place",
    "packs/load.py": "from suwen.model import shape",
    "engine/duck.py": "import duckdb, deltalake, sqlglot, pyspark.sql\nfrom suwen.packs import load",
    "intake/land.py": "import pyarrow\nfrom suwen.engine import duck",
    "flow/run.py": "from suwen.intake import land\nfrom suwen.repository import mapping",
    "govern/people.py": "from django.db import models",
    "serve/pages.py": "import django\nfrom suwen.flow import run",
    "simulate/region.py": "from suwen.model import shape\nfrom suwen.base import place",
    "cli/main.py": "from suwen.flow import run\nfrom suwen.simulate import region",
}
FORBIDDEN = {
    "upward, from the lowest room": ("base/place.py", "from suwen.model import shape", "rooms"),
    "upward, over several rooms": ("packs/load.py", "from suwen.flow import run", "rooms"),
    "upward, inside a function": ("model/shape.py", "def f():\n    from suwen.engine import duck", "rooms"),
    "upward, for types alone": ("engine/duck.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from suwen.intake import land", "rooms"),
    "a stage imports its neighbour": ("repository/mapping.py", "from suwen.intake import land", "rooms"),
    "a room that nobody planned": ("utils/__init__.py", "", "rooms"),
    "the command line, from below": ("serve/pages.py", "from suwen.cli import main", "rooms"),
    "simulate reads packs": ("simulate/region.py", "from suwen.packs import load", "simulate"),
    "simulate reaches the engine": ("simulate/region.py", "from suwen.engine import duck", "simulate"),
    "DuckDB outside engine": ("intake/land.py", "import duckdb", "engines"),
    "Delta in the flow": ("flow/run.py", "from deltalake import DeltaTable", "engines"),
    "SQLGlot in packs": ("packs/load.py", "from sqlglot import exp", "engines"),
    "Spark in repository": ("repository/mapping.py", "import pyspark.sql", "engines"),
    "DuckDB at the package's door": ("__init__.py", "import duckdb", "engines"),
    "Django in flow": ("flow/run.py", "from django.conf import settings", "web"),
}
CONTRACT_NAMES = {
    "rooms": "A room imports only rooms below it BROKEN",
    "simulate": "simulate stands on base and model alone BROKEN",
    "engines": "DuckDB, Delta, SQLGlot and Spark are known to engine alone BROKEN",
    "web": "Django is known to govern and serve alone BROKEN",
}


def lint_imports(folder: Path, source: Path) -> subprocess.CompletedProcess[str]:
    """Check `source`/suwen by the rules in `folder`/pyproject.toml, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-c", LINT_IMPORTS, "--no-cache", "--config", str(folder / "pyproject.toml")],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(source), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def small_house(tmp_path: Path, root: Path) -> Path:
    """A tree with every room, in which each room imports all that it may, under the project's own rules."""
    shutil.copy(root / "pyproject.toml", tmp_path)
    for room in ROOMS:
        (tmp_path / "suwen" / room).mkdir(parents=True)
        (tmp_path / "suwen" / room / "__init__.py").touch()
    (tmp_path / "suwen" / "__init__.py").touch()
    for module in ("base/place.py", "repository/mapping.py"):
        (tmp_path / "suwen" / module).touch()
    for module, text in ALLOWED.items():
        write(tmp_path, module, text)
    return tmp_path


def write(house: Path, module: str, text: str) -> None:
    path = house / "suwen" / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def test_the_rooms_of_suwen_import_only_what_they_may(root: Path) -> None:
    result = lint_imports(root, root / "src")
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_is_allowed_passes(small_house: Path) -> None:
    result = lint_imports(small_house, small_house)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Contracts: 4 kept, 0 broken." in result.stdout


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_is_forbidden_fails_by_its_rule(small_house: Path, case: str) -> None:
    module, text, contract = FORBIDDEN[case]
    write(small_house, module, text)
    result = lint_imports(small_house, small_house)
    assert result.returncode == 1, result.stdout + result.stderr
    assert CONTRACT_NAMES[contract] in result.stdout
