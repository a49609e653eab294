"""Where records begin and end, found block by block in one pass and bounded memory.

What a record is: it begins at the start of a physical line (lines end by LF, in every encoding read here). When its quoting follows
RFC 4180 (a quote opens directly after a delimiter or the record's start and closes directly before a delimiter or the record's end,
doubled quotes stand for one; a quote elsewhere in an unquoted field is text) and it is no longer than the limit, it ends where the line
ends outside quotes. Otherwise only the physical line is a (rejected) record, so that a lost quote does not swallow what follows. A line
with no bytes but its end is a gap. These rules look at bytes from the record's start only: any run of whole records scans the same alone.

A block whose quoting is valid is cut by `vector` over its UTF-8 text; only the others go `by_line`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from suwen.intake.formats.delimited import by_line, vector
from suwen.intake.formats.delimited.block import LF, NONE, TOO_LONG, Block, Lines, Readable
from suwen.intake.formats.delimited.dialect import Dialect
from suwen.intake.formats.delimited.encoded import first_line, lines_of, whole_lines

BLOCK_BYTES = 1 << 20
FEW, ALL = 64, 1 << 40


def blocks(stream: Readable, dialect: Dialect, fields: int, offset: int, line: int, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The blocks of a stream of records that begins at `offset` of the member. Memory: a few blocks plus the record limit."""
    buffer, eof, cutter = b"", False, _Cutter(dialect, fields)
    while True:
        block = cutter.cut(buffer, eof, offset, line) if buffer else None
        if block is None and not eof and len(buffer) > dialect.limit and not whole_lines(buffer, dialect):
            block, buffer = _overlong(stream, buffer, dialect, offset, line)
        elif block is not None:
            buffer = buffer[block.size :]
        if block is not None:
            yield block
            offset, line = offset + block.size, line + len(block.line_ends)
            if len(buffer) >= block_bytes or eof:
                continue
        if eof:
            return
        # Reading at least as much again as is held keeps rescanning of an undecided record linear.
        chunk = stream.read(max(block_bytes, len(buffer)))
        eof = not chunk
        buffer += chunk


class _Cutter:
    """Cuts by comparison of arrays while the quoting is good, and line by line over a bad place.

    How many records go by line before arrays are tried again grows while bad places are near each other, so that they cost no more than lines do.
    """

    def __init__(self, dialect: Dialect, fields: int) -> None:
        self._dialect, self._fields, self._patience = dialect, fields, FEW if dialect.simple else ALL

    def cut(self, buffer: bytes, eof: bool, offset: int, line: int) -> Block | None:
        """The records decided within the buffer, or a first part of them; None when more bytes are needed."""
        end = whole_lines(buffer, self._dialect)
        if not eof and not end:
            return None
        whole = end == len(buffer) or not eof
        lines = lines_of(buffer[:end] if whole else buffer, self._dialect, whole)
        block = vector.cut(lines, self._dialect, self._fields, offset, line) if self._dialect.simple else None
        if block is not None and block.size:
            if len(block.starts) > 4 * self._patience:
                self._patience = FEW
            return block
        if block is None or eof or len(buffer) > self._dialect.limit:
            return self._by_line(lines, len(buffer), eof, offset, line)
        return None

    def _by_line(self, lines: Lines, held: int, eof: bool, offset: int, line: int) -> Block | None:
        block = by_line.cut(lines, self._dialect, offset, line, held, eof, self._patience)
        if block is None or not self._dialect.simple:
            return block
        self._patience = min(2 * self._patience, ALL)
        feeds = np.flatnonzero(np.frombuffer(lines.text, np.uint8) == LF)
        plain = vector.plain_lines(lines, feeds, self._dialect, self._fields)[np.searchsorted(feeds, block.text_starts)]
        return replace(block, plain=plain & (block.ends - block.starts <= self._dialect.limit))


def first_record(buffer: bytes, eof: bool, dialect: Dialect, offset: int, line: int) -> Block | None:
    """A block that begins with the first record in the buffer, or None when there is none whole within it."""
    for size in (min(16 << 10, len(buffer)), len(buffer)):
        whole = eof and size == len(buffer)
        end = size if whole else whole_lines(buffer[:size], dialect)
        if end:
            lines = lines_of(buffer[:end], dialect, whole_lines(buffer[:end], dialect) == end)
            block = by_line.cut(lines, dialect, offset, line, size, whole, most=1)
            if block is not None and len(block.starts):
                return block
    return None


def _overlong(stream: Readable, buffer: bytes, dialect: Dialect, offset: int, line: int) -> tuple[Block, bytes]:
    """A line longer than the limit, passed over without keeping it; with the bytes read after it."""
    length = 0
    while True:
        end = first_line(buffer, dialect)
        if end:
            length, rest = length + end, buffer[end:]
            break
        keep = len(buffer) % dialect.width
        length, tail = length + len(buffer) - keep, buffer[len(buffer) - keep :]
        chunk = stream.read(BLOCK_BYTES)
        if not chunk:
            length, rest = length + keep, b""
            break
        buffer = tail + chunk
    start, ends = np.zeros(1, np.int64), np.array([length], np.int64)
    return Block(offset, line, b"", b"", start, ends, NONE, NONE, ends, np.zeros(1, np.bool_), "", False, {0: TOO_LONG}), rest
