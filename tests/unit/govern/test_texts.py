"""Every text of a page has its Chinese, none stands unused, and holes are the same in both languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from suwen.base.errors import Defect
from suwen.govern.policy.reasons import REASONS
from suwen.govern.texts import catalogue
from suwen.repository.versions import STATES
from suwen.serve.console.glossary_page import chapters

ROOMS = [Path(__file__).parents[3] / "src" / "suwen" / room for room in ("govern", "serve")]
IN_TEMPLATE = re.compile(r"\{%\s*t\s+\"([^\"]+)\"")
IN_CODE = re.compile(r"\bt\(\s*\"((?:[^\"\\]|\\.)*)\"")
EVENTS = re.compile(r"(?:note\(request, |_tell\(by, |Happening\([^,()]*(?:\([^()]*\))?[^,()]*, )([^,]+?)(?:,|\))")
QUOTED = re.compile(r"\"([a-z][^\"]*)\"")
HOLE = re.compile(r"\{\w+\}")
GLOSSARY = {text for chapter in chapters() for text in (chapter.title, *(word.meaning for word in chapter.words))}
LONE = {"as the system", "light", "dark", "page", "token", "command", "locked out", "sign-in failed"}  # chosen by a value


def used() -> set[str]:
    found = set(LONE)
    for room in ROOMS:
        for path in room.rglob("*.html"):
            found |= set(IN_TEMPLATE.findall(path.read_text("utf-8")))
        for path in room.rglob("*.py"):
            text = path.read_text("utf-8")
            found |= set(IN_CODE.findall(text))
            found |= {word for event in EVENTS.findall(text) for word in QUOTED.findall(event) if "{" not in word}
            if path.name == "chain.py":
                found |= set(re.findall(r"Verified\(.*, \"([^\"]+)\"\)", text))
    return found


def texts_of(name: str) -> dict[str, str]:
    return tomllib.loads((ROOMS[1] / "texts" / "zh" / f"{name}.toml").read_text("utf-8"))


def test_every_text_has_its_chinese() -> None:
    assert not sorted(used() - set(catalogue.catalogue()))


def test_the_glossary_stands_in_both_languages_and_nothing_else_beside_it() -> None:
    assert not sorted(GLOSSARY - set(catalogue.catalogue()))
    assert not sorted(set(texts_of("glossary")) - GLOSSARY)


def test_no_text_stands_unused() -> None:
    """Words of data and declarations stand in words.toml, states are listed; of the others each is somewhere in a template or in code."""
    words = set(texts_of("words")) | set(STATES) | GLOSSARY
    code = "".join(path.read_text("utf-8") for room in ROOMS for path in room.rglob("*.py"))
    left = set(catalogue.catalogue()) - used() - words
    assert not sorted(text for text in left if f'"{text}"' not in code)


@pytest.mark.parametrize("english", sorted(catalogue.catalogue()))
def test_holes_are_the_same_in_both_languages(english: str) -> None:
    chinese = catalogue.catalogue()[english]
    assert set(HOLE.findall(chinese)) == set(HOLE.findall(english))
    assert chinese.strip() and chinese != english


def test_reasons_have_the_same_holes_in_both_languages() -> None:
    assert all(set(HOLE.findall(one.message_en)) == set(HOLE.findall(one.message_zh)) for one in REASONS.values())


def test_a_text_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text('"Sign in" = "登录"\n', encoding="utf-8")
    with pytest.raises(Defect, match="stands twice"):
        catalogue.add_file(dict(catalogue.catalogue()), tmp_path / "more.toml")
