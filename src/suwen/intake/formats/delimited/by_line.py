"""Records of a block line by line: the exact rules of `scan`, for text whose quoting is not valid and for delimiters of several bytes."""

from __future__ import annotations

import re
from collections.abc import Callable

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


def _complete(dialect: Dialect) -> Callable[[bytes], object]:
    """Says of most lines that end outside quotes that they do; possessive, so that a line is passed over once."""
    delimiter, quote = re.escape(dialect.delimiter.encode()), re.escape(dialect.quote.encode())
    if not (dialect.simple and dialect.quote):
        return lambda _: False
    quoted = b"%b[^%b]*+(?:%b%b[^%b]*+)*+%b" % ((quote,) * 6)
    field = b"(?:%b|[^%b%b][^%b]*+|)" % (quoted, quote, delimiter, delimiter)
    return re.compile(b"%b(?:%b%b)*+\r?" % (field, delimiter, field)).fullmatch


class _Text:
    """The lines of a buffer, answering where a record that begins with one ends.

    Amortised linear: where a quoted field open at a line's start ends holds for all lines passed on the way.
    """

    def __init__(self, text: bytes, dialect: Dialect) -> None:
        self.lines = text.split(b"\n")[:-1]
        self._delimiter, self._quote, self._limit = dialect.delimiter.encode(), dialect.quote.encode(), dialect.limit
        self._from, self._to, self._state = 0, 0, BAD

    def record(self, at: int, bounds: list[int], held: int, eof: bool) -> tuple[int, str]:
        """Last line of the record that begins with line `at`, and its finding code; -1 when undecided with `held` bytes at hand."""
        state, last = after_line(self.lines[at], False, self._delimiter, self._quote), at
        if state == INSIDE and at + 1 < len(self.lines):
            last, state = self._closes(at + 1)
        if state == INSIDE and not eof and held - bounds[at] <= self._limit:
            return -1, ""
        if state == OUTSIDE and bounds[last + 1] - bounds[at] <= self._limit:
            return last, ""
        return at, TOO_LONG if bounds[at + 1] - bounds[at] > self._limit else BAD_QUOTING

    def _closes(self, number: int) -> tuple[int, int]:
        """(line, state) of the first line from `number` on that ends the field well (OUTSIDE) or badly; INSIDE: none in this buffer."""
        if not self._from <= number < self._to:
            at, state = number, INSIDE
            while at < len(self.lines):
                state = after_line(self.lines[at], True, self._delimiter, self._quote)
                if state != INSIDE:
                    break
                at += 1
            self._from, self._to, self._state = number, at + 1, state
        return self._to - 1, self._state


def cut(lines: Lines, dialect: Dialect, offset: int, line: int, held: int, eof: bool, most: int) -> Block | None:
    """The records decided with `held` bytes at hand, up to the first that needs more, and about `most`; None when not even one line is decided.

    No record is marked plain: that is for the caller.
    """
    text, quote = _Text(lines.text, dialect), dialect.quote.encode()
    feeds = np.flatnonzero(np.frombuffer(lines.text, np.uint8) == LF)
    own = feeds + 1 if lines.ends is None else lines.ends
    bounds, all_lines, limit = [0, *own.tolist()], text.lines, dialect.limit
    firsts: list[int] = []
    lasts: list[int] = []
    rejected: dict[int, str] = {}
    at = 0
    complete = _complete(dialect)
    while at < len(all_lines) and len(firsts) < most:
        here = all_lines[at]
        if here in (b"", b"\r"):
            at += 1
            continue
        if bounds[at + 1] - bounds[at] > limit or (quote and quote in here and not complete(here)):
            last, code = text.record(at, bounds, held, eof)
            if last < 0:
                break
            if code:
                rejected[len(firsts)] = code
        else:
            last = at
        firsts.append(at)
        lasts.append(last + 1)
        at = last + 1
    if at == 0:
        return None
    mine, theirs = np.array(bounds, np.int64), np.concatenate((np.zeros(1, np.int64), feeds + 1))
    return Block(
        offset,
        line,
        lines.raw[: bounds[at]],
        lines.text,
        mine[firsts],
        mine[lasts],
        theirs[firsts],
        theirs[lasts],
        own[:at],
        np.zeros(len(firsts), np.bool_),
        "",
        False,
        rejected,
    )
