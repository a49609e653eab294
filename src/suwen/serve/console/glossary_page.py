"""The words of the house: the glossary, and the names that packs give to indicators, points, templates and code maps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from suwen.packs.loader import Packs

_ROW = re.compile(r"^\|(.+)\|(.+)\|(.+)\|$")


@dataclass(frozen=True)
class Word:
    """One word: in English, in Chinese, and what it is, in English."""

    term: str
    chinese: str
    meaning: str


@dataclass(frozen=True)
class Chapter:
    """Words that belong together, under a title."""

    title: str
    words: tuple[Word, ...]


@cache
def chapters() -> tuple[Chapter, ...]:
    """The glossary as it is written, chapter by chapter; () where the page is not there."""
    found: list[tuple[str, list[Word]]] = []
    for line in _text().splitlines():
        if line.startswith("## "):
            found.append((line[3:].strip(), []))
        elif (row := _ROW.match(line)) and found and not set(row[1].strip()) <= set("-: ") and row[1].strip() != "term":
            found[-1][1].append(Word(*(cell.strip().replace("`", "") for cell in row.groups())))
    return tuple(Chapter(title, tuple(words)) for title, words in found if words)


def anchored(word: str) -> str:
    """A word's place on the page."""
    return "word-" + "".join(c if c.isalnum() else "-" for c in word.lower())


def _text() -> str:
    """The page as it lies in the package, or beside the sources."""
    packaged = files("suwen").joinpath("GLOSSARY.md")
    if packaged.is_file():
        return packaged.read_text("utf-8")
    beside = Path(__file__).parents[4] / "GLOSSARY.md"
    return beside.read_text("utf-8") if beside.is_file() else ""


@dataclass(frozen=True)
class Named:
    """One thing a pack names: what it is (indicator, point, template, code map), its code, its names, and where it says so."""

    what: str
    code: str
    english: str
    chinese: str
    place: str


def named(packs: Packs) -> list[Named]:
    """All that the packs in force name, indicators first."""
    found = []
    for indicator in packs.indicators.values():
        found.append(Named("indicator", indicator.code, indicator.title.get("en", ""), indicator.title.get("zh", ""), str(indicator.place)))
        found += [Named("point", p.code, p.title.get("en", ""), p.title.get("zh", ""), str(p.place)) for p in indicator.points.values()]
    found += [Named("template", t.name, t.title.get("en", ""), t.title.get("zh", ""), str(t.place)) for t in packs.templates.values()]
    found += [Named("code map", m.system, m.title.get("en", ""), m.title.get("zh", ""), str(m.place)) for m in packs.code_maps.values()]
    return found
