"""Records of a block line by line: the exact rules of `scan`, for text whose quoting is not valid and for delimiters of several bytes."""

from __future__ import annotations

import numpy as np

from suwen.intake.formats.delimited.block import BAD_QUOTING, LF, TOO_LONG, Block, Lines
from suwen.intake.formats.delimited.dialect import Dialect

OUTSIDE, INSIDE, BAD = 0, 1, 2


def after_line(line: bytes, inside: bool, delimiter: bytes, quote: bytes) -> int:
    """The state after one line (without its line feed) that begins outside or inside a quoted field: OUTSIDE, INSIDE or BAD."""
    if not quote or quote not in line:
        return INSIDE if inside else OUTSIDE
    at = 0
    while True:
        if inside:
            at, state = _closed(line, at, delimiter, quote)
            if state != OUTSIDE or at < 0:
                return state
            inside = False
        elif line.startswith(quote, at):
            at, inside = at + len(quote), True
        else:
            found = line.find(delimiter, at)
            if found < 0:
                return OUTSIDE
            at = found + len(delimiter)


def _closed(line: bytes, at: int, delimiter: bytes, quote: bytes) -> tuple[int, int]:
    """From inside a quoted field: where the next field begins (-1: the line ends with this one) and the state there."""
    while True:
        close = line.find(quote, at)
        if close < 0:
            return -1, INSIDE
        at = close + len(quote)
        if not line.startswith(quote, at):
            break
        at += len(quote)
    if line[at:] in (b"", b"\r"):
        return -1, OUTSIDE
    return (at + len(delimiter), OUTSIDE) if line.startswith(delimiter, at) else (-1, BAD)


class _Text:
    """The lines of a buffer, answering where a quoted field open at a line's start ends. Amortised linear: an answer holds for all lines passed."""

    def __init__(self, text: bytes, dialect: Dialect) -> None:
        self.lines = text.split(b"\n")[:-1]
        self.delimiter, self.quote = dialect.delimiter.encode(), dialect.quote.encode()
        self._from, self._to, self._state = 0, 0, BAD

    def state(self, number: int) -> int:
        """The state after a line that begins a record."""
        return after_line(self.lines[number], False, self.delimiter, self.quote)

    def closes(self, number: int) -> tuple[int, int]:
        """(line, state) of the first line from `number` on that ends the field well (OUTSIDE) or badly; INSIDE: none in this buffer."""
        if not self._from <= number < self._to:
            at, state = number, INSIDE
            while at < len(self.lines):
                state = after_line(self.lines[at], True, self.delimiter, self.quote)
                if state != INSIDE:
                    break
                at += 1
            self._from, self._to, self._state = number, at + 1, state
        return self._to - 1, self._state

    def plain(self, number: int, fields: int, broken: bool) -> bool:
        """True for a line of the right number of fields in which nothing needs a second look."""
        line = self.lines[number]
        return (line.count(self.delimiter) == fields - 1 and (not self.quote or self.quote not in line) and b"\0" not in line
                and b"\r" not in line.removesuffix(b"\r") and (line.isascii() or (not broken and b"\xef\xbb\xbf" not in line)))


def cut(lines: Lines, dialect: Dialect, fields: int, offset: int, line: int, held: int, eof: bool) -> Block | None:
    """The records decided with `held` bytes at hand, up to the first that needs more; None when not even one line is decided."""
    text = _Text(lines.text, dialect)
    text_bounds = [0, *(np.flatnonzero(np.frombuffer(lines.text, np.uint8) == LF) + 1).tolist()]
    own = np.array(text_bounds[1:], np.int64) if lines.ends is None else lines.ends
    bounds = [0, *own.tolist()]
    firsts: list[int] = []
    lasts: list[int] = []
    plain: list[bool] = []
    rejected: dict[int, str] = {}
    at = 0
    while at < len(text.lines):
        if text.lines[at] in (b"", b"\r"):
            at += 1
            continue
        last, code = _record(text, at, bounds, held, eof, dialect.limit)
        if last < 0:
            break
        if code:
            rejected[len(firsts)] = code
        firsts.append(at)
        lasts.append(last + 1)
        plain.append(dialect.simple and not code and last == at and text.plain(at, fields, lines.broken))
        at = last + 1
    if at == 0:
        return None
    mine, theirs = np.array(bounds, np.int64), np.array(text_bounds, np.int64)
    return Block(offset, line, lines.raw[:bounds[at]], lines.text, mine[firsts], mine[lasts], theirs[firsts], theirs[lasts], own[:at],
                 np.array(plain, np.bool_), "", False, rejected)


def _record(text: _Text, at: int, bounds: list[int], held: int, eof: bool, limit: int) -> tuple[int, str]:
    """Last line of the record that begins with line `at`, and its finding code; -1 when undecided."""
    state, last = text.state(at), at
    if state == INSIDE and at + 1 < len(text.lines):
        last, state = text.closes(at + 1)
    if state == INSIDE and not eof and held - bounds[at] <= limit:
        return -1, ""
    if state == OUTSIDE and bounds[last + 1] - bounds[at] <= limit:
        return last, ""
    return at, TOO_LONG if bounds[at + 1] - bounds[at] > limit else BAD_QUOTING
