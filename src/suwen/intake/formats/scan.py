"""Where records begin and end, found block by block in one pass and bounded memory.

What a record is: it begins at the start of a physical line (lines end by LF, in every encoding read here). When its quoting follows
RFC 4180 (a quote opens directly after a delimiter or the record's start and closes directly before a delimiter or the record's end,
doubled quotes stand for one; a quote elsewhere in an unquoted field is text) and it is no longer than the limit, it ends where the line
ends outside quotes. Otherwise only the physical line is a (rejected) record, so that a lost quote does not swallow what follows. A line
with no bytes but its end is a gap. These rules look at bytes from the record's start only: any run of whole records scans the same alone.

A block whose quoting is valid is cut by vectorised comparison over its UTF-8 text; only the others go line by line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suwen.intake.formats.dialect import Dialect
from suwen.intake.formats.member import Int64s

BLOCK_BYTES = 1 << 20
LF, CR = 10, 13
ANY = "*"  # the line end of a block that has none: one record at the end of the file
BAD_FIELDS, BAD_QUOTING, BAD_ENCODING, NUL_BYTE, TOO_LONG = "RDR-001", "RDR-002", "RDR-003", "RDR-004", "RDR-005"
Bytes = npt.NDArray[np.uint8]


class Readable(Protocol):
    """Something bytes come from, in order."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Block:
    """A run of whole records: offsets are absolute in the member, `line` is the 1-based line it begins with.

    `raw`: its bytes ("" for a line longer than the limit); `utf8`: the same decoded, when regular; `rejected`: positions whose line was rejected.
    """

    offset: int
    line: int
    raw: bytes
    starts: Int64s
    ends: Int64s
    line_ends: Int64s
    regular: bool
    newline: str
    utf8: bytes = b""
    rejected: dict[int, str] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """Offset after the block's last line."""
        return int(self.line_ends[-1])

    def line_of(self, start: int) -> int:
        """1-based physical line of the record that starts at `start`."""
        return self.line + int(np.searchsorted(self.line_ends, start, "right"))


def blocks(stream: Readable, dialect: Dialect, fields: int, offset: int, line: int, held: bytes = b"", block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The blocks of a stream of records; `held`: bytes from `offset` on that were read before. Memory: a few blocks plus the record limit."""
    buffer, eof = held, False
    while True:
        block = _cut(buffer, eof, dialect, fields, offset, line) if buffer else None
        if block is None and not eof and len(buffer) > dialect.limit and _find_line_end(buffer, dialect) < 0:
            block, buffer = _overlong(stream, buffer, dialect, offset, line)
            yield block
            offset, line = block.end, line + 1
            continue
        if block is not None:
            yield block
            buffer = buffer[block.end - offset:]
            offset, line = block.end, line + len(block.line_ends)
            if len(buffer) >= block_bytes or eof:
                continue
        if eof:
            return
        # Reading at least as much again as is held keeps rescanning of an undecided record linear.
        chunk = stream.read(max(block_bytes, len(buffer)))
        eof = not chunk
        buffer += chunk


def _cut(buffer: bytes, eof: bool, dialect: Dialect, fields: int, offset: int, line: int) -> Block | None:
    """The records decided within the buffer, or None when more bytes are needed."""
    if not eof:
        end = _last_line_end(buffer, dialect)
        if end == 0:
            return None
        lines = buffer[:end]
    else:
        lines = buffer
    text, line_ends, broken = canonical(lines, dialect)
    if dialect.simple:
        found = _vector(text, line_ends, dialect, fields, eof and _last_line_end(lines, dialect) < len(lines))
        if found is not None:
            if found.used == 0:
                return _by_line(text, line_ends, len(buffer), eof, dialect, offset, line, lines) if eof or len(buffer) > dialect.limit else None
            return _block(found, text, line_ends, broken, dialect, offset, line, lines)
    return _by_line(text, line_ends, len(buffer), eof, dialect, offset, line, lines)


def _last_line_end(buffer: bytes, dialect: Dialect) -> int:
    """Offset after the last line feed, 0 when there is none."""
    if dialect.width == 1:
        return buffer.rfind(b"\n") + 1
    feeds = _wide_feeds(buffer, dialect)
    return int(feeds[-1]) if len(feeds) else 0


def _find_line_end(buffer: bytes, dialect: Dialect) -> int:
    """Offset after the first line feed, -1 when there is none."""
    if dialect.width == 1:
        return (buffer.find(b"\n") + 1) or -1
    feeds = _wide_feeds(buffer, dialect)
    return int(feeds[0]) if len(feeds) else -1


def _wide_feeds(buffer: bytes, dialect: Dialect) -> Int64s:
    """Offsets after each line feed of UTF-16."""
    units = np.frombuffer(buffer, "<u2" if dialect.encoding.endswith("le") else ">u2", len(buffer) // 2)
    return (np.flatnonzero(units == LF) + 1) * 2


def canonical(lines: bytes, dialect: Dialect) -> tuple[bytes, Int64s | None, bool]:
    """Whole lines as UTF-8 text ending in a line feed, with the original's line ends (None: the text's own) and whether any byte is invalid.

    Line i of the text is line i of the original. Invalid bytes become U+FFFD for the search of records; such a record is rejected later.
    """
    if dialect.encoding == "utf-8":
        text = lines if lines.endswith(b"\n") else lines + b"\n"
        return text, None if text is lines else _ends_of(lines, dialect), not _valid_utf8(lines)
    ends = _ends_of(lines, dialect)
    try:
        text = lines.decode(dialect.encoding).encode()
        return text if text.endswith(b"\n") else text + b"\n", ends, False
    except UnicodeError:
        return b"".join(_mended(lines[a:b], dialect) for a, b in zip([0, *ends.tolist()], ends.tolist(), strict=False)), ends, True


def _ends_of(lines: bytes, dialect: Dialect) -> Int64s:
    ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == LF) + 1 if dialect.width == 1 else _wide_feeds(lines, dialect)
    return ends if len(ends) and ends[-1] == len(lines) else np.append(ends, len(lines))


def _mended(line: bytes, dialect: Dialect) -> bytes:
    """One line decoded on its own, so that an invalid byte can never take its line feed along."""
    feed = "\n".encode(dialect.encoding)
    body = line[:-len(feed)] if line.endswith(feed) else line
    return body.decode(dialect.encoding, "replace").replace("\n", "\ufffd").encode("utf-8", "replace") + b"\n"


def _valid_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        pa.LargeStringArray.from_buffers(1, pa.py_buffer(np.array([0, len(data)], np.int64)), pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


@dataclass(frozen=True)
class _Found:
    """Records in the text: `ending` are the numbers of lines that end one; `used` lines are decided."""

    used: int
    starts: Int64s
    ends: Int64s
    feeds: Int64s
    ending: Int64s | None
    regular: bool
    newline: str


def _vector(text: bytes, line_ends: Int64s | None, dialect: Dialect, fields: int, open_end: bool) -> _Found | None:
    """Records by comparison of whole arrays; None when the quoting is not valid throughout, or a record may be over the limit."""
    data = np.frombuffer(text, np.uint8)
    delimiter = ord(dialect.delimiter)
    separators = (data == LF) | (data == delimiter)
    quote = ord(dialect.quote) if dialect.quote else -1
    if dialect.quote and dialect.quote.encode() in text:
        separators |= data == quote
        places = np.flatnonzero(separators)
        kinds = data[places]
        is_quote = kinds == quote
        outside = np.bitwise_xor.accumulate(is_quote) ^ True
        feeds = kinds == LF
        cut = np.flatnonzero(feeds & outside)
        all_feeds = places[feeds]
        if not len(cut):
            return _Found(0, _NONE, _NONE, all_feeds, None, False, "")
        last = int(cut[-1])
        if not _valid_quoting(data, places[:last + 1][is_quote[:last + 1]], delimiter, quote):
            return None
        kept = outside[:last + 1] & ~is_quote[:last + 1]
        ending: Int64s | None = np.flatnonzero(outside[feeds])
        places, kinds = places[:last + 1][kept], kinds[:last + 1][kept]
        ends = places[kinds == LF] + 1
        used = int(ending[-1]) + 1
    else:
        places = np.flatnonzero(separators)
        kinds = data[places]
        all_feeds = places[kinds == LF]
        ending, used, ends = None, len(all_feeds), all_feeds + 1
    starts = np.concatenate((_ZERO, ends[:-1]))
    if ending is not None and int(np.diff(ends if line_ends is None else line_ends[ending], prepend=0).max()) > dialect.limit:
        return None
    newline = _newline_of(text, data, ends, dialect, open_end)
    even = len(kinds) == fields * len(ends) and bool((kinds[fields - 1::fields] == LF).all())
    return _Found(used, starts, ends, all_feeds[:used], ending, even and newline != "", newline)


_NONE, _ZERO = np.zeros(0, np.int64), np.zeros(1, np.int64)


def _valid_quoting(data: Bytes, quotes: Int64s, delimiter: int, quote: int) -> bool:
    """True when every quote opens after a separator, closes before one, or is one of a doubled pair."""
    opens, closes = quotes[0::2], quotes[1::2]
    before = data[opens - 1]
    before[:1] = np.where(opens[:1] == 0, LF, before[:1])
    after = data[closes + 1]
    good_after = (after == delimiter) | (after == LF) | (after == quote)
    returns = np.flatnonzero(after == CR)
    good_after[returns] = data[closes[returns] + 2] == LF
    return bool(((before == delimiter) | (before == LF) | (before == quote)).all() and good_after.all())


def _newline_of(text: bytes, data: Bytes, ends: Int64s, dialect: Dialect, open_end: bool) -> str:
    """The one way all records end, "" when mixed or when a carriage return stands elsewhere outside quotes."""
    if open_end and len(ends) == 1:
        return ANY if text[-2:-1] != b"\r" else ""
    if b"\r" not in text:
        return "\n"
    used = int(ends[-1])
    returns = np.flatnonzero(data[:used] == CR)
    if not len(returns):
        return "\n"
    before_feed = data[np.maximum(ends - 2, 0)] == CR
    if open_end:
        if before_feed[-1]:
            return ""
        before_feed = before_feed[:-1]
    if dialect.quote and dialect.quote.encode() in text:
        inside = np.searchsorted(np.flatnonzero(data[:used] == ord(dialect.quote)), returns) & 1
        returns = returns[inside == 0]
        if not len(returns):
            return "\n"
    return "\r\n" if before_feed.all() and len(returns) == len(before_feed) else ""


def _block(found: _Found, text: bytes, line_ends: Int64s | None, broken: bool, dialect: Dialect, offset: int, line: int, lines: bytes) -> Block:
    own = found.feeds + 1 if line_ends is None else line_ends[:found.used]
    ends = own if found.ending is None else own[found.ending]
    starts = np.concatenate((_ZERO, ends[:-1]))
    lengths = found.ends - found.starts
    data = np.frombuffer(text, np.uint8)
    blank = (lengths == 1) | ((lengths == 2) & (data[found.starts] == CR))
    regular = found.regular and not broken and b"\0" not in text
    if blank.any():
        regular, starts, ends = False, starts[~blank], ends[~blank]
    if regular and len(ends) and int((ends - starts).max()) > dialect.limit:
        regular = False
    used = int(own[-1])
    raw = lines if used == len(lines) else lines[:used]
    utf8 = b"" if not regular else raw if line_ends is None else text[:int(found.ends[-1])]
    if regular and b"\xef\xbb\xbf" in utf8:
        regular = False
    return Block(offset, line, raw, starts + offset, ends + offset, own + offset, regular, found.newline, utf8 if regular else b"")


def first_record(buffer: bytes, eof: bool, dialect: Dialect, offset: int, line: int) -> Block | None:
    """A block that begins with the first record in the buffer, or None when there is none whole within it."""
    for size in (min(16 << 10, len(buffer)), len(buffer)):
        whole = eof and size == len(buffer)
        end = size if whole else _last_line_end(buffer[:size], dialect)
        if end:
            text, line_ends, _ = canonical(buffer[:end], dialect)
            block = _by_line(text, line_ends, size, whole, dialect, offset, line, buffer[:end])
            if block is not None and len(block.starts):
                return block
    return None


OUTSIDE, INSIDE, BAD = 0, 1, 2


def after_line(line: bytes, inside: bool, delimiter: bytes, quote: bytes) -> int:
    """The state after one line (without its line feed) that begins outside or inside a quoted field: OUTSIDE, INSIDE or BAD."""
    if not quote or quote not in line:
        return INSIDE if inside else OUTSIDE
    at = 0
    while True:
        if inside:
            close = line.find(quote, at)
            if close < 0:
                return INSIDE
            at = close + len(quote)
            if line.startswith(quote, at):
                at += len(quote)
                continue
            if line[at:] in (b"", b"\r"):
                return OUTSIDE
            if not line.startswith(delimiter, at):
                return BAD
            at, inside = at + len(delimiter), False
        elif line.startswith(quote, at):
            at, inside = at + len(quote), True
        else:
            found = line.find(delimiter, at)
            if found < 0:
                return OUTSIDE
            at = found + len(delimiter)


class _Lines:
    """The lines of a buffer, answering where a quoted field open at a line's start ends. Amortised linear: an answer holds for all lines passed."""

    def __init__(self, text: bytes, dialect: Dialect) -> None:
        self.all = text.split(b"\n")[:-1]
        self._delimiter, self._quote = dialect.delimiter.encode(), dialect.quote.encode()
        self._from, self._to, self._state = 0, 0, BAD

    def state(self, number: int) -> int:
        return after_line(self.all[number], False, self._delimiter, self._quote)

    def closes(self, number: int) -> tuple[int, int]:
        """(line, state) of the first line from `number` on that ends the field well (OUTSIDE) or badly; INSIDE: not in this buffer."""
        if not self._from <= number < self._to:
            at, state = number, INSIDE
            while at < len(self.all) and (state := after_line(self.all[at], True, self._delimiter, self._quote)) == INSIDE:
                at += 1
            self._from, self._to, self._state = number, at + 1, state
        return self._to - 1, self._state


def _by_line(text: bytes, line_ends: Int64s | None, held: int, eof: bool, dialect: Dialect, offset: int, line: int, raw: bytes) -> Block | None:
    """Records decided line by line; stops at the first that needs bytes beyond the `held` ones."""
    lines = _Lines(text, dialect)
    own = np.flatnonzero(np.frombuffer(text, np.uint8) == LF) + 1 if line_ends is None else line_ends
    bounds = [0, *own.tolist()]
    starts: list[int] = []
    ends: list[int] = []
    rejected: dict[int, str] = {}
    at = 0
    while at < len(lines.all):
        if lines.all[at] in (b"", b"\r"):
            at += 1
            continue
        last, code = _record(lines, at, bounds, held, eof, dialect.limit)
        if last < 0:
            break
        if code:
            rejected[len(starts)] = code
        starts.append(bounds[at])
        ends.append(bounds[last + 1])
        at = last + 1
    if at == 0:
        return None
    return Block(offset, line, raw[:bounds[at]], np.array(starts, np.int64) + offset, np.array(ends, np.int64) + offset, own[:at] + offset,
                 False, "", b"", rejected)


def _record(lines: _Lines, at: int, bounds: list[int], held: int, eof: bool, limit: int) -> tuple[int, str]:
    """Last line of the record that begins with line `at`, and its finding code; -1 when undecided."""
    state, last = lines.state(at), at
    if state == INSIDE:
        last, state = lines.closes(at + 1) if at + 1 < len(lines.all) else (at, INSIDE)
    if state == INSIDE and not eof and held - bounds[at] <= limit:
        return -1, ""
    if state == OUTSIDE and bounds[last + 1] - bounds[at] <= limit:
        return last, ""
    return at, TOO_LONG if bounds[at + 1] - bounds[at] > limit else BAD_QUOTING


def _overlong(stream: Readable, buffer: bytes, dialect: Dialect, offset: int, line: int) -> tuple[Block, bytes]:
    """A line longer than the limit, passed over without keeping it; with the bytes read after it."""
    length = 0
    while True:
        end = _find_line_end(buffer, dialect)
        if end >= 0:
            length, rest = length + end, buffer[end:]
            break
        keep = len(buffer) % dialect.width
        length, tail = length + len(buffer) - keep, buffer[len(buffer) - keep:]
        chunk = stream.read(BLOCK_BYTES)
        if not chunk:
            length, rest = length + keep, b""
            break
        buffer = tail + chunk
    ends = np.array([offset + length], np.int64)
    return Block(offset, line, b"", np.array([offset], np.int64), ends, ends, False, "", b"", {0: TOO_LONG}), rest
