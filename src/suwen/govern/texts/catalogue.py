"""Finds the text of a page in the language of who reads it: the English text is the key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from django.utils import translation

from suwen.base.errors import Defect

FOLDERS = ("suwen.govern", "suwen.serve")  # rooms with a folder texts/<language>/*.toml


def t(english: str, **values: object) -> str:
    """A text in the language in force, its holes `{name}` filled. Where `n` is 1, the text before ` | ` is taken: "{n} file | {n} files"."""
    text = in_language(english, translation.get_language() or "en")
    if " | " in text:
        one, many = text.split(" | ", 1)
        text = one if values.get("n") == 1 else many
    return text.format_map({name: _shown(value) for name, value in values.items()}) if values else text


def in_language(english: str, language: str) -> str:
    """A text in a language; English where that language has none."""
    return catalogue().get(english, english) if language.startswith("zh") else english


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@cache
def catalogue() -> Mapping[str, str]:
    """English -> Chinese, from every file of every room. Raises Defect for a text that stands twice."""
    found: dict[str, str] = {}
    for room in FOLDERS:
        folder = files(room).joinpath("texts", "zh")
        for file in sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else ():
            add_file(found, file)
    return MappingProxyType(found)


def add_file(found: dict[str, str], file: Traversable) -> None:
    """Add the texts of one TOML file; raises Defect for one that stands there already."""
    if file.name.endswith(".toml"):
        for english, chinese in tomllib.loads(file.read_text("utf-8")).items():
            if english in found:
                raise Defect(f'the text "{english}" stands twice, the second time in {file.name}')
            found[english] = chinese
