"""Mistakes that any file of a pack can have: bytes that are not its text, and TOML that is not TOML. Only the first is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.spec.mistakes import Declaration, Edit, Register

BYTES, SYNTAX = Register(), Register()

LATIN = "\udce9"  # stands for the byte E9, which is not UTF-8 by itself


@BYTES.mistake("a byte that is not UTF-8", alone=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in enumerate(declaration.lines, 1):
        yield Edit(declaration.whole_line(number, line + LATIN), number, "the file is not valid UTF-8")


@BYTES.mistake("a NUL byte", alone=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in enumerate(declaration.lines, 1):
        yield Edit(declaration.whole_line(number, "\0" + line), number, "the file holds a NUL byte")


@SYNTAX.mistake("a byte order mark", alone=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    yield Edit(declaration.whole_line(1, "\ufeff" + declaration.line(1)), 1, "byte order mark")


def _keys(declaration: Declaration) -> Iterator[tuple[int, str]]:
    """Lines that hold one whole pair."""
    for number in sorted(set(declaration.document.lines.values())):
        line = declaration.line(number)
        if re.match(r"[\w\"-]+\s*=\s*(\"[^\"]*\"|\[.*\]|\{.*\}|\w+)\s*(#.*)?$", line):
            yield number, line


@SYNTAX.mistake("a key without a value", first=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in _keys(declaration):
        yield Edit(declaration.whole_line(number, line.split("=")[0] + "="), number, "invalid value")


@SYNTAX.mistake("a key without an equals sign", first=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in _keys(declaration):
        yield Edit(declaration.whole_line(number, line.replace("=", " ", 1)), number, "expected '='")


@SYNTAX.mistake("a text that is not closed", first=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in _keys(declaration):
        closed = re.match(r'([\w"-]+\s*=\s*"[^"]*)"', line)
        if closed:
            yield Edit(declaration.whole_line(number, closed[1]), number, "illegal character")


@SYNTAX.mistake("a key twice", first=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in _keys(declaration):
        yield Edit(declaration.whole_line(number, f"{line}\n{line}"), number + 1, "cannot ")


@SYNTAX.mistake("words after a value", first=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in _keys(declaration):
        yield Edit(declaration.whole_line(number, line.split(" #")[0] + " and more"), number, "expected newline")


@SYNTAX.mistake("a header that is not closed", first=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in enumerate(declaration.lines, 1):
        if line.startswith("["):
            yield Edit(declaration.whole_line(number, line.split("]")[0]), number, "expected ']")


@SYNTAX.mistake("a table twice", first=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in enumerate(declaration.lines, 1):
        if re.match(r"\[[^\[]", line):
            yield Edit(declaration.whole_line(number, f"{line}\n{line}"), number + 1, "cannot declare")
