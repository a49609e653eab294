"""Every kind of mistake, made at every place of every shipped declaration, is told with its file, its line and what it is.

Mistakes that do not hinder each other are made many in one file: then each of them must be told. Nothing but an error for the user may come out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suwen.base.errors import SuwenError
from suwen.flow.check import Proven, check
from suwen.packs.loader import SHIPPED, Packs, load_packs, shipped_packs
from suwen.packs.problem import PackErrors, Problem, Problems
from suwen.packs.template import read_template
from suwen.packs.toml_places import parse_toml
from tests.spec import expression_mistakes, file_mistakes, table_mistakes, template_mistakes
from tests.spec.mistakes import Declaration, Edit, Kind
from tests.spec.table_mistakes import Table

OWN = Path(__file__).parent / "packs"
NEIGHBOUR = 'name = "a-neighbour"\ntitle = { en = "N", zh = "N" }\nowner = "tests"\nconcept_ids = [2147400000, 2147400100]\n'
MADE: Counter[str] = Counter()


def _folders() -> list[Path]:
    return [*(SHIPPED / name for name in shipped_packs()), *sorted(path.parent for path in OWN.glob("*/pack.toml"))]


def _files(pattern: str) -> list[Path]:
    return [path for folder in _folders() for path in sorted(folder.glob(pattern))]


def _shown(path: Path) -> str:
    return f"{path.parents[1].name}/{path.parent.name}/{path.name}" if path.name != "pack.toml" else f"{path.parent.name}/{path.name}"


def _read(path: Path) -> str:
    return path.read_bytes().decode()


@pytest.fixture(scope="module")
def packs() -> Packs:
    return load_packs(shipped_packs(), [OWN])


@pytest.fixture(scope="module")
def proven(packs: Packs) -> Proven:
    """The expressions of the packs as they stand, which are right."""
    compiled: Proven = set()
    assert check(packs, compiled) == []
    return compiled


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _told_of_template(text: str, file: str, packs: Packs, proven: Proven) -> list[Problem]:
    """What loading and checking says of a template's text, with the code maps of all packs."""
    problems = Problems()
    try:
        template = read_template(parse_toml(_encoded(text), file), problems)
    except SuwenError as error:
        problems.add_error(error, file)
    return list(problems) or check(replace(packs, templates={template.name: template}), proven)


def _told_of_folder(folder: Path) -> list[Problem]:
    """What loading a folder of packs says."""
    try:
        load_packs([], [folder])
    except PackErrors as error:
        return list(error.problems)
    return []


def _assert_told(kind: Kind, declaration: Declaration, edits: Sequence[Edit], problems: Sequence[Problem], file: str) -> None:
    MADE[kind.name] += len(edits)
    told = "\n".join(map(str, problems)) or "nothing"
    for edit in edits:
        named = [p for p in problems if p.place.line == edit.at and p.place.file == file and edit.says in p.what]
        assert named, f"{kind.name}: line {edit.at} of {declaration.file} should be told: {edit.says}\nedited: {edit.changes}\ntold was:\n{told}"


TEMPLATE_KINDS = [*template_mistakes.REGISTER.kinds, *expression_mistakes.REGISTER.kinds, *file_mistakes.SYNTAX.kinds, *file_mistakes.BYTES.kinds]


@pytest.mark.parametrize("path", _files("template/*.toml"), ids=_shown)
@pytest.mark.parametrize("kind", TEMPLATE_KINDS, ids=lambda kind: kind.name)
def test_templates(kind: Kind, path: Path, packs: Packs, proven: Proven) -> None:
    declaration = _declaration(path)
    for edits in declaration.rounds(kind):
        problems = _told_of_template(declaration.edited(edits, first=kind.first), declaration.file, packs, proven)
        _assert_told(kind, declaration, edits, problems, declaration.file)


_KEPT: dict[Path, Declaration] = {}


def _declaration(path: Path) -> Declaration:
    return _KEPT.setdefault(path, Declaration(_shown(path), _read(path)))


class _Copy:
    """A pack with only one code map or file of concepts, beside a neighbour, written to a folder."""

    def __init__(self, root: Path, path: Path) -> None:
        self.root = root
        source = next(folder for folder in path.parents if (folder / "pack.toml").exists())
        self.source, self.pack = source, root / source.name
        (root / "a-neighbour").mkdir(parents=True)
        (root / "a-neighbour" / "pack.toml").write_text(NEIGHBOUR)
        for original in [
            source / "pack.toml",
            *source.glob("concept/*.csv"),
            *([path.with_suffix(".toml"), path.with_suffix(".csv")] if path.parent.name == "standard" else []),
        ]:
            self.write(original, _read(original))
        self.target = self.copied(path)

    def copied(self, original: Path) -> Path:
        return self.pack / original.relative_to(self.source)

    def write(self, original: Path, text: str) -> None:
        self.copied(original).parent.mkdir(parents=True, exist_ok=True)
        self.copied(original).write_bytes(_encoded(text))


def _folder_kinds() -> Iterator[Any]:
    sorts = (
        ("pack.toml", Declaration, [*table_mistakes.PACKS.kinds, *file_mistakes.SYNTAX.kinds, *file_mistakes.BYTES.kinds]),
        ("standard/*.toml", Declaration, [*table_mistakes.HEADS.kinds, *file_mistakes.SYNTAX.kinds, *file_mistakes.BYTES.kinds]),
        ("standard/*.csv", Table, [*table_mistakes.ROWS.kinds, *file_mistakes.BYTES.kinds]),
        ("concept/*.csv", Table, [*table_mistakes.CONCEPTS.kinds, *file_mistakes.BYTES.kinds]),
    )
    for pattern, sort, kinds in sorts:
        for path in _files(pattern):
            yield pytest.param(path, sort, kinds, id=_shown(path))


@pytest.mark.parametrize(("path", "sort", "kinds"), list(_folder_kinds()))
def test_other_files(path: Path, sort: type[Declaration], kinds: Sequence[Kind], tmp_path: Path) -> None:
    copy, declaration = _Copy(tmp_path, path), sort(_shown(path), _read(path))
    assert _told_of_folder(tmp_path) == []
    for kind in kinds:
        for edits in declaration.rounds(kind):
            copy.write(path, declaration.edited(edits, first=kind.first))
            _assert_told(kind, declaration, edits, _told_of_folder(tmp_path), str(copy.target))


@pytest.mark.parametrize("path", _files("**/*.toml") + _files("**/*.csv"), ids=_shown)
def test_files_that_are_gone_or_folders(path: Path, tmp_path: Path) -> None:
    """A declaration that is gone is no mistake where nothing else names it; one that is a folder always is."""
    copy = _Copy(tmp_path, path)
    copy.target.parent.mkdir(parents=True, exist_ok=True)
    copy.target.unlink(missing_ok=True)
    if (path.suffix == ".csv" and path.parent.name == "standard") or path.name == "pack.toml":
        assert any(p.what == "no such file" and p.place.file == str(copy.target) for p in _told_of_folder(tmp_path))
    elif path.parent.name == "standard":
        assert any(p.what == "a CSV of codes without its header" and p.place.file == str(copy.target.with_suffix(".csv")) for p in _told_of_folder(tmp_path))
    copy.target.mkdir()
    assert any(p.what == "a folder stands where a file is expected" and p.place.file == str(copy.target) for p in _told_of_folder(tmp_path))


def test_kinds_of_mistake_enough(capsys: pytest.CaptureFixture[str]) -> None:
    """Runs last: every kind had a place."""
    everything = {k.name for k in (*TEMPLATE_KINDS, *(k for p in _folder_kinds() for k in p.values[2]))}
    if len(MADE) < len(everything) - 5:
        pytest.skip("only part of the mistakes were made")
    with capsys.disabled():
        print(f"\n{len(MADE)} kinds of mistake, {sum(MADE.values())} mutants")
    assert set(MADE) == everything
    assert len(MADE) >= 40
