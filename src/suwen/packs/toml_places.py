"""TOML with places: `tomllib` gives the values, a small scanner over the same text gives the line of every key and element.

The scanner runs only on text that `tomllib` has accepted, so it need not judge, only count lines.
"""

from __future__ import annotations

import bisect
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suwen.base.errors import Place, SuwenError
from suwen.packs.source_file import decode, read_bytes

Path_ = tuple[str | int, ...]
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")
_STRING = re.compile(r"""\"(?!\"\")(?:[^\"\\]|\\.)*\"|'(?!'')[^']*'""")  # on one line; longer ones are read mark by mark
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


@dataclass(frozen=True)
class Document:
    """A parsed TOML file: values, the 1-based line of each key path (list elements by number), its bytes and their sha256."""

    file: str
    data: Mapping[str, Any]
    lines: Mapping[Path_, int]
    content: bytes
    sha256: str

    def place(self, path: Path_) -> Place:
        """The place of a path, or of the nearest part around it that is written; the document itself is line 1."""
        while path and path not in self.lines:
            path = path[:-1]
        return Place(self.file, self.lines[path] if path else 1)


def read_toml(path: Path, shown: str = "") -> Document:
    """Read one TOML file; `shown` is its name in errors (default: the path). Raises SuwenError with file and line."""
    shown = shown or str(path)
    return parse_toml(read_bytes(path, shown), shown)


def parse_toml(content: bytes, shown: str) -> Document:
    """Parse the bytes of a TOML file. Raises SuwenError with file and line."""
    text = decode(content, shown)
    try:
        data = tomllib.loads(text)
        lines = places(text)
    except RecursionError:
        raise SuwenError("lists or tables are nested too deeply", where=Place(shown), do="write it flat") from None
    except ValueError as error:  # TOMLDecodeError is one; numbers too long to read are plain ValueErrors
        raise _syntax_error(error, text, shown) from None
    return Document(shown, data, lines, content, hashlib.sha256(content).hexdigest())


def _syntax_error(error: ValueError, text: str, shown: str) -> SuwenError:
    message = str(error)
    found = _AT_LINE.search(message)
    line = int(found[1]) if found and found[1] else text.rstrip("\n").count("\n") + 1 if found else 0
    what = message[: found.start()] if found else message
    do = "mend the line, or the one before it"
    if what in ("Invalid initial character for a key part", "Invalid statement"):
        do += '; a name of other than Latin letters, digits, - and _ stands in double quotes, such as "姓名" = ...'
    return SuwenError(f"not valid TOML: {what[:1].lower()}{what[1:]}", where=Place(shown, line), expected="TOML 1.0", do=do)


def places(text: str) -> dict[Path_, int]:
    """The 1-based line of every key path and list element of valid TOML."""
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.line_starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self.lines: dict[Path_, int] = {}
        self.lengths: dict[Path_, int] = {}  # arrays of tables seen so far

    def run(self) -> dict[Path_, int]:
        base: Path_ = ()
        while self.blank() < len(self.text):
            if self.text[self.at] == "[":
                base = self.header()
            else:
                self.pair(base)
        return self.lines

    def blank(self) -> int:
        """Skip white space, line ends and comments."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def mark(self, path: Path_, at: int) -> None:
        """Note the line of a path; of the tables it implies too, where they have none of their own."""
        line = bisect.bisect_right(self.line_starts, at)
        for length in range(1, len(path)):
            self.lines.setdefault(path[:length], line)
        self.lines[path] = line

    def header(self) -> Path_:
        start, array = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        *outer, last = self.key()
        self.blank()
        self.at += 2 if array else 1
        path = self.resolve((*self.resolve_all(outer), last), array)
        self.mark(path, start)
        return path

    def resolve_all(self, parts: list[str]) -> Path_:
        path: Path_ = ()
        for part in parts:
            path = self.resolve((*path, part), new=False)
        return path

    def resolve(self, path: Path_, new: bool) -> Path_:
        """A path through an array of tables means its newest element."""
        if new:
            self.lengths[path] = self.lengths.get(path, 0) + 1
        return (*path, self.lengths[path] - 1) if path in self.lengths else path

    def pair(self, base: Path_) -> None:
        start = self.at
        path = (*base, *self.key())
        self.blank()
        self.at += 1  # the "="
        self.mark(path, start)
        self.blank()
        self.value(path)

    def key(self) -> list[str]:
        parts = []
        while True:
            self.blank()
            bare = _BARE_KEY.match(self.text, self.at)
            if bare:
                self.at = bare.end()
                parts.append(bare[0])
            else:
                start = self.at
                self.string()
                parts.append(str(tomllib.loads(f"key = {self.text[start : self.at]}")["key"]))
            self.blank()
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def value(self, path: Path_) -> None:
        opening = self.text[self.at]
        if opening in "\"'":
            self.string()
        elif opening == "[":
            self.array(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            match = _BARE_VALUE.match(self.text, self.at)
            self.at = match.end() if match else self.at + 1

    def string(self) -> None:
        short = _STRING.match(self.text, self.at)
        if short:
            self.at = short.end()
            return
        mark = self.text[self.at]
        fence = mark * 3 if self.text.startswith(mark * 3, self.at) else mark
        self.at += len(fence)
        while not self.text.startswith(fence, self.at):
            self.at += 2 if mark == '"' and self.text[self.at] == "\\" else 1
        self.at += len(fence)
        if len(fence) == 3:  # a multi-line text may end in one or two quotes of its own
            while self.text.startswith(mark, self.at):
                self.at += 1

    def array(self, path: Path_) -> None:
        self.at += 1
        number = 0
        while self.text[self.blank()] != "]":
            self.mark((*path, number), self.at)
            self.value((*path, number))
            number += 1
            if self.text[self.blank()] == ",":
                self.at += 1
        self.at += 1

    def inline_table(self, path: Path_) -> None:
        self.at += 1
        while self.text[self.blank()] != "}":
            self.pair(path)
            if self.text[self.blank()] == ",":
                self.at += 1
        self.at += 1
