"""Checked access to a table of a TOML document: each mistake goes to `Problems` with its line, and reading goes on."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from typing import Any

from suwen.base.errors import Place
from suwen.model.pack import Expression, Source
from suwen.packs.problem import Problems, nearest
from suwen.packs.toml_places import Document

STANDINGS = ("verified", "to be checked")
LANGUAGES = ("en", "zh")
LONGEST_TEXT = 2_000  # characters of a title or definition
_HINTS = {
    "mode": "how deliveries are made is said by the feed, or when landing (--mode)",
    "as_of": "the date of a delivery is said when landing (--as-of), or by the feed's file-name pattern",
}


def type_name(value: object) -> str:
    """What a TOML value is, in words."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (str, "a text"),
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        ((datetime, date, time), "a date or time"),
        (list, "a list"),
        (dict, "a table"),
    )
    return next(name for kind, name in names if isinstance(value, kind))


class Section:
    """One table of a document. Keys not in `allowed` are reported at once; `allowed` None: any key."""

    def __init__(self, document: Document, path: tuple[str | int, ...], data: Mapping[str, Any], problems: Problems, allowed: Collection[str] | None) -> None:
        self.document, self.path, self.data, self.problems = document, path, data, problems
        for key in data:
            if allowed is not None and key not in allowed:
                self.problem(key, f'unknown key "{key}"', do=_HINTS.get(key) or nearest(key, allowed))

    def place(self, *path: str | int) -> Place:
        """The place of a key below this table, or of the table."""
        return self.document.place((*self.path, *path))

    def problem(self, key: str | tuple[str | int, ...], what: str, *, expected: str = "", do: str = "") -> None:
        """Report a mistake at a key of this table ("" or () for the table itself)."""
        path = key if isinstance(key, tuple) else (key,) if key else ()
        self.problems.add(self.place(*path), what, expected=expected, do=do)

    def problem_at(self, key: str, item: str, what: str, *, expected: str = "", do: str = "") -> None:
        """Report a mistake at one text of a list."""
        self.problem((key, self.data[key].index(item)), what, expected=expected, do=do)

    def missing(self, key: str, *, expected: str = "") -> None:
        where = f" in [{self.title}]" if self.path else ""
        self.problem("", f'missing "{key}"{where}', expected=expected)

    @property
    def title(self) -> str:
        return ".".join(str(part) for part in self.path if isinstance(part, str))

    def _value(self, key: str, kind: type, required: bool, expected: str) -> Any:
        value = self.data.get(key)
        if value is None:
            if required:
                self.missing(key, expected=expected)
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.problem(key, f'"{key}" is {type_name(value)}', expected=expected)
            return None
        return value

    def text(self, key: str, *, required: bool = True, default: str = "", blank: bool = False) -> str:
        """A text; blank only where allowed."""
        value = self._value(key, str, required, "a text")
        if value is None:
            return default
        if not blank and not value.strip():
            self.problem(key, f'"{key}" is blank', expected="a text")
            return default
        return str(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._value(key, bool, False, "true or false")
        return default if value is None else bool(value)

    def whole(self, key: str, default: int, *, least: int) -> int:
        value = self._value(key, int, False, "a whole number")
        if value is not None and not least <= value < 2**31:
            self.problem(key, f'"{key}" is out of range', expected=f"a whole number from {least} to {2**31 - 1}")
            return default
        return default if value is None else int(value)

    def texts(self, key: str, *, required: bool = False, blank: bool = False) -> tuple[str, ...]:
        """A list of texts, without equals; where required, not empty."""
        found = self._value(key, list, required, "a list of texts")
        if found is None:
            return ()
        if required and not found:
            self.problem(key, f'"{key}" is empty', expected="a list of at least one text")
        kept: list[str] = []
        for number, item in enumerate(found):
            at = (key, number)
            if not isinstance(item, str):
                self.problem(at, f'"{key}" holds {type_name(item)}', expected="a list of texts")
            elif not blank and not item.strip():
                self.problem(at, f'"{key}" holds a blank text', expected="texts that say something")
            elif item in kept:
                self.problem(at, f'"{item}" stands twice in "{key}"', do="remove one")
            else:
                kept.append(item)
        return tuple(kept)

    def wholes(self, key: str, *, least: int, most: int) -> tuple[int, ...]:
        """A list of whole numbers, not empty, without equals."""
        found = self._value(key, list, True, "a list of whole numbers")
        kept: list[int] = []
        for number, item in enumerate(found if found is not None else ()):
            if not isinstance(item, int) or isinstance(item, bool) or not least <= item <= most:
                self.problem((key, number), f'"{key}" holds {type_name(item)} that does not belong there', expected=f"whole numbers from {least} to {most}")
            elif item in kept:
                self.problem((key, number), f'{item} stands twice in "{key}"', do="remove one")
            else:
                kept.append(item)
        if found is not None and not found:
            self.problem(key, f'"{key}" is empty', expected="a list of at least one whole number")
        return tuple(kept)

    def expression(self, key: str, *, required: bool = False) -> Expression | None:
        text = self.text(key, required=required)
        return Expression(text, self.place(key)) if text else None

    def section(self, key: str, allowed: Collection[str] | None, *, required: bool = False) -> Section | None:
        """A table below this one."""
        data = self._value(key, dict, required, f"a table [{'.'.join([*filter(None, [self.title]), key])}]")
        return None if data is None else Section(self.document, (*self.path, key), data, self.problems, allowed)

    def named_sections(self, key: str, allowed: Collection[str] | None, *, required: bool = False) -> dict[str, Section]:
        """The tables `[key.<name>]`."""
        outer = self.section(key, None, required=required)
        found: dict[str, Section] = {}
        for name, data in outer.data.items() if outer else ():
            assert outer is not None
            if isinstance(data, dict):
                found[name] = Section(self.document, (*outer.path, name), data, self.problems, allowed)
            else:
                outer.problem(name, f'"{name}" is {type_name(data)}', expected=f"a table [{outer.title}.{name}]")
        return found

    def listed_sections(self, key: str, allowed: Collection[str] | None, *, required: bool = False) -> list[Section]:
        """The tables `[[key]]`, in order."""
        items = self._value(key, list, required, f"tables [[{key}]]")
        found = []
        for number, data in enumerate(items or ()):
            if isinstance(data, dict):
                found.append(Section(self.document, (*self.path, key, number), data, self.problems, allowed))
            else:
                self.problem((key, number), f'"{key}" holds {type_name(data)}', expected=f"tables [[{key}]]")
        return found

    def titles(self, key: str = "title") -> dict[str, str]:
        """A text in every language."""
        titles = self.section(key, LANGUAGES, required=True)
        return {language: titles.said(language) for language in LANGUAGES} if titles else {}

    def said(self, key: str) -> str:
        """A text that people read: not endless, and nothing in it that hides, acts or turns its neighbours around."""
        text = self.text(key)
        odd = next((c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t"), "")
        if odd or len(text) > LONGEST_TEXT:
            what = f"the character U+{ord(odd):04X}, which cannot be seen" if odd else f"{len(text)} characters"
            self.problem(key, f'"{key}" holds {what}', expected=f"a text of at most {LONGEST_TEXT} characters that all can be seen")
        return text

    def source(self) -> Source:
        """Where the knowledge comes from; its standing is one of two words."""
        section = self.section("source", ("citation", "version", "standing"), required=True)
        if section is None:
            return Source("", "", "to be checked")
        standing = section.text("standing")
        if standing and standing not in STANDINGS:
            section.problem("standing", f'unknown standing "{standing}"', expected=" or ".join(f'"{word}"' for word in STANDINGS))
        return Source(section.text("citation"), section.text("version"), standing)
