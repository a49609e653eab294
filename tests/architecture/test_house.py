"""The house's own rules that no tool knows: small files, no drawers, nothing but doors in `__init__.py`."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "suwen"
MODULES = sorted(SOURCE.rglob("*.py"))
DRAWERS = {"utils", "util", "misc", "common", "helpers", "helper", "manager", "managers"}
LONGEST = 400


def shown(path: Path) -> str:
    return path.relative_to(SOURCE.parent).as_posix()


def test_there_is_a_house() -> None:
    assert len(MODULES) > 10


def test_no_drawers() -> None:
    words = {path: set(path.stem.split("_")) for path in [*MODULES, *(p for p in SOURCE.rglob("*") if p.is_dir())]}
    assert not [shown(path) for path, of in words.items() if of & DRAWERS]


def test_no_file_is_longer_than_one_reads() -> None:
    """Code and declarations; a CSV is a table and as long as its subject."""
    lengths = {path: path.read_text("utf-8").count("\n") for path in [*MODULES, *SOURCE.rglob("*.toml")]}
    assert not [f"{shown(path)}: {lines} lines" for path, lines in lengths.items() if lines > LONGEST]


def test_every_folder_with_code_is_a_package() -> None:
    assert not sorted({shown(path.parent) for path in MODULES if not (path.parent / "__init__.py").is_file()})


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=shown)
def test_a_package_says_what_lives_there_and_holds_no_code(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "the docstring is missing"
    assert not [f"line {node.lineno}" for node in tree.body[1:] if not is_door(node)]


@pytest.mark.parametrize("code", ["def f(): ...", "class A: ...", "x = 1", "if True: import json", "print()", "__all__ = make()"])
def test_code_in_a_package_is_seen(code: str) -> None:
    assert not is_door(ast.parse(code).body[0])


def is_door(node: ast.stmt) -> bool:
    """Whether a statement only makes the package public: an import, or a literal `__all__` or `__version__`."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Tuple | ast.Constant):
        return all(isinstance(target, ast.Name) and target.id in {"__all__", "__version__"} for target in node.targets)
    return isinstance(node, ast.Import | ast.ImportFrom)
