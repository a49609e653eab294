"""Mistakes made on purpose: a declaration whose every part can be exchanged, an edit of it, and the lists of kinds of mistake.

A kind of mistake is a function that yields an `Edit` for every place of a declaration where it can be made.
"""

from __future__ import annotations

import bisect
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from suwen.model.pack import Template
from suwen.packs.problem import Problems
from suwen.packs.template import read_template
from suwen.packs.toml_places import _BARE_KEY, Document, _Scanner, parse_toml

Path_ = tuple[str | int, ...]
Span = tuple[int, int]


@dataclass(frozen=True)
class Change:
    """New text for a stretch of a file. Line ends it takes away are put after it, so that no line below moves."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Edit:
    """Changes, the line at which the mistake must be told, and what must be said there.

    Edits of paths of which one is within the other, of one `group`, or told at one line are not made in one file.
    """

    changes: tuple[Change, ...]
    at: int
    says: str
    path: Path_ = ()
    group: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of mistake. `alone`: one at a time, because only the first of a file is told or they get in each other's way.

    `first`: nothing is told but this mistake, so all tables but its own may be left out (their lines are empty).
    """

    name: str
    edits: Callable[[Any], Iterator[Edit]]
    alone: bool = False
    first: bool = False


class _Spans(_Scanner):
    """The scanner of places, which also notes where keys, values and whole pairs begin and end."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.keys: dict[Path_, Span] = {}
        self.values: dict[Path_, Span] = {}
        self.pairs: dict[Path_, Span] = {}
        self.headers: list[int] = []
        self.segments: list[Span] = []

    def key(self) -> list[str]:
        parts, self.segments = [], []
        while True:
            start = self.blank()
            bare = _BARE_KEY.match(self.text, self.at)
            if bare:
                self.at = bare.end()
            else:
                self.string()
            written = self.text[start : self.at]
            parts.append(next(iter(tomllib.loads(f"{written} = 1"))))
            self.segments.append((start, self.at))
            if self.text[self.blank()] != ".":
                return parts
            self.at += 1

    def header(self) -> Path_:
        array = self.text.startswith("[[", self.at)
        self.headers.append(self.at)
        path = super().header()
        written: Path_ = ()
        named = [part for part in path if isinstance(part, str)]
        for at, (part, span) in enumerate(zip(named, self.segments, strict=True)):
            written = (*written, part)
            self.keys.setdefault(written, span)
            if written in self.lengths and not (array and at == len(named) - 1):
                written = (*written, self.lengths[written] - 1)
        return path

    def pair(self, base: Path_) -> None:
        start = self.at
        parts = self.key()
        path = (*base, *parts)
        for length, span in enumerate(self.segments, 1):
            self.keys.setdefault((*base, *parts[:length]), span)
        self.blank()
        self.at += 1
        self.mark(path, start)
        begins = self.blank()
        self.value(path)
        self.values[path] = (begins, self.trimmed())
        self.pairs[path] = (start, self.trimmed())

    def array(self, path: Path_) -> None:
        self.at += 1
        number = 0
        while self.text[self.blank()] != "]":
            begins = self.at
            self.mark((*path, number), self.at)
            self.value((*path, number))
            self.values[*path, number] = (begins, self.trimmed())
            number += 1
            if self.text[self.blank()] == ",":
                self.at += 1
        self.at += 1

    def trimmed(self) -> int:
        """Where the value just read ends, without blanks behind a bare one."""
        return len(self.text[: self.at].rstrip()) if self.text[self.at - 1] in " \t" else self.at


@dataclass(frozen=True)
class Declaration:
    """A file of a pack, right as it stands."""

    file: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def starts(self) -> list[int]:
        return [0, *(m.end() for m in re.finditer("\n", self.text))]

    @cached_property
    def document(self) -> Document:
        return parse_toml(self.text.encode(), self.file)

    @cached_property
    def template(self) -> Template:
        return read_template(self.document, Problems())

    @cached_property
    def spans(self) -> _Spans:
        spans = _Spans(self.text)
        assert spans.run() == self.document.lines
        return spans

    def line(self, number: int) -> str:
        return self.lines[number - 1]

    def place(self, *path: str | int) -> int:
        return self.document.place(path).line

    def value(self, path: Path_) -> Any:
        found: Any = self.document.data
        for part in path:
            found = found[part]
        return found

    def find(self, pattern: str) -> Iterator[Path_]:
        """The paths that fit a dotted pattern; `*` is any one part."""
        wanted = pattern.split(".")
        for path in self.document.lines:
            if len(path) == len(wanted) and all(w in ("*", p) for w, p in zip(wanted, path, strict=True)):
                yield path

    def set(self, path: Path_, new: str) -> tuple[Change, ...]:
        """A new value for a key or an element of a list."""
        return (Change(*self.spans.values[path], new),)

    def rename(self, path: Path_, new: str) -> tuple[Change, ...]:
        """A new name for a key where it is first written, be it in a header."""
        bare = new.isascii() and _BARE_KEY.fullmatch(new)
        return (Change(*self.spans.keys[path], new if bare else json.dumps(new, ensure_ascii=False)),)

    def remove(self, path: Path_) -> tuple[Change, ...]:
        """Without a pair, or a piece of an inline table."""
        start, end = self.spans.pairs[path]
        after = re.compile(r"\s*,").match(self.text, end)
        if after:
            return (Change(start, after.end(), ""),)
        before = re.compile(r",\s*$").search(self.text[:start])
        inside = before and "\n" not in self.text[before.start() : start] and self.text[:start].rstrip().endswith(",")
        return (Change(before.start() if before and inside else start, end, ""),)

    def written_as_block(self, path: Path_) -> bool:
        """Whether a table is written under a header of its own."""
        return path not in self.spans.pairs

    def block(self, number: int) -> tuple[Change, ...]:
        """Without the table whose header stands on a line: all up to the next header."""
        start = self.starts[number - 1]
        end = next((at for at in self.spans.headers if at > start), len(self.text))
        return (Change(start, end, ""),)

    def whole_line(self, number: int, new: str) -> tuple[Change, ...]:
        return (Change(self.starts[number - 1], self.starts[number - 1] + len(self.line(number)), new),)

    def edited(self, edits: Sequence[Edit], *, first: bool = False) -> str:
        """The text after edits of different stretches; `first`: with only the table of the one edit."""
        text = self.text
        for change in sorted((change for edit in edits for change in edit.changes), key=lambda c: -c.start):
            lost = text.count("\n", change.start, change.end)
            text = text[: change.start] + change.new + "\n" * lost + text[change.end :]
        return self._table(text, edits[0].changes[0].start) if first else text

    def _table(self, text: str, at: int) -> str:
        """Of an edited file only the table in which a place lies; every line stays where it is."""
        start = max([header for header in self.spans.headers if header <= at], default=0)
        after = next((header for header in self.spans.headers if header > at), len(self.text))
        return "\n" * text.count("\n", 0, start) + text[start : len(text) - (len(self.text) - after)]

    def rounds(self, kind: Kind) -> Iterator[list[Edit]]:
        """The edits of a kind in as few texts as may be."""
        waiting = list(kind.edits(self))
        while waiting:
            taken: list[Edit] = []
            used: set[object] = set()
            later = []
            for edit in waiting:
                claims = self._claims(edit)
                if (kind.alone and taken) or used & claims:
                    later.append(edit)
                else:
                    used |= claims | {("above", *edit.path[:n]) for n in range(1, len(edit.path))} | {("within", *edit.path)}
                    taken.append(edit)
            yield taken
            waiting = later

    def _claims(self, edit: Edit) -> set[object]:
        """What an edit wants for itself: its lines, the line of its message, its group, what is above its path and the path itself."""
        claims: set[object] = {edit.at, *([edit.group] if edit.group else [])}
        for change in edit.changes:
            claims.update(range(bisect.bisect_right(self.starts, change.start), bisect.bisect_right(self.starts, max(change.start, change.end - 1)) + 1))
        if edit.path:
            claims.add(("above", *edit.path))
            claims.update(("within", *edit.path[:n]) for n in range(1, len(edit.path)))
        return claims


def quoted(value: Any) -> str:
    """A value as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)


@dataclass
class Register:
    """The kinds of mistake of one sort of file, in the order they are written."""

    kinds: list[Kind] = field(default_factory=list)

    def mistake(self, name: str, *, alone: bool = False, first: bool = False) -> Callable[[Callable[[Any], Iterator[Edit]]], Callable[[Any], Iterator[Edit]]]:
        def register(edits: Callable[[Any], Iterator[Edit]]) -> Callable[[Any], Iterator[Edit]]:
            assert name not in {kind.name for kind in self.kinds}
            self.kinds.append(Kind(name, edits, alone or first, first))
            return edits

        return register
