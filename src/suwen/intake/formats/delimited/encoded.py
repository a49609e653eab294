"""Physical lines in any encoding: where they end in the original bytes, and their text in UTF-8."""

from __future__ import annotations

import codecs
import threading
from itertools import pairwise

import numpy as np
import pyarrow as pa

from suwen.intake.formats.delimited.block import LF, NONE, Int64s, Lines
from suwen.intake.formats.delimited.dialect import Dialect

_REPLACEMENT = "\ufffd".encode()


def whole_lines(buffer: bytes, dialect: Dialect) -> int:
    """Length of the buffer up to its last line feed, 0 when there is none."""
    if dialect.width == 1:
        return buffer.rfind(b"\n") + 1
    feeds = _wide_feeds(buffer, dialect)
    return int(feeds[-1]) if len(feeds) else 0


def first_line(buffer: bytes, dialect: Dialect) -> int:
    """Length of the buffer's first line, 0 when it does not end here."""
    if dialect.width == 1:
        return buffer.find(b"\n") + 1
    feeds = _wide_feeds(buffer, dialect)
    return int(feeds[0]) if len(feeds) else 0


def _wide_feeds(buffer: bytes, dialect: Dialect) -> Int64s:
    """Offsets after each line feed of UTF-16."""
    units = np.frombuffer(buffer, "<u2" if dialect.encoding.endswith("le") else ">u2", len(buffer) // 2)
    return (np.flatnonzero(units == LF) + 1) * 2


def lines_of(raw: bytes, dialect: Dialect, whole: bool) -> Lines:
    """The lines of `raw`; `whole` when it ends in a line feed, else its last line is the file's last."""
    if dialect.encoding == "utf-8":
        return Lines(raw, raw, None, _invalid_utf8(raw), False) if whole else Lines(raw, raw + b"\n", _ends_of(raw, dialect), _invalid_utf8(raw), True)
    ends = _ends_of(raw, dialect)
    try:
        text, broken = raw.decode(dialect.encoding).encode(), NONE
    except UnicodeError:
        text, broken = b"\n".join(_mended(raw[a:b], dialect) for a, b in pairwise([0, *ends.tolist()])), NONE
        broken = _replaced(text)
        text += b"\n" if whole else b""
    return Lines(raw, text if whole else text + b"\n", ends, broken, not whole)


def _ends_of(raw: bytes, dialect: Dialect) -> Int64s:
    ends = np.flatnonzero(np.frombuffer(raw, np.uint8) == LF) + 1 if dialect.width == 1 else _wide_feeds(raw, dialect)
    return ends if len(ends) and ends[-1] == len(raw) else np.append(ends, len(raw))


def _mended(line: bytes, dialect: Dialect) -> bytes:
    """One line decoded on its own, without its line feed, so that an invalid byte can never take the line feed along."""
    feed = "\n".encode(dialect.encoding)
    body = line[: -len(feed)] if line.endswith(feed) else line
    return body.decode(dialect.encoding, "replace").replace("\n", "\ufffd").encode("utf-8", "replace")


def _replaced(text: bytes) -> Int64s:
    """Where U+FFFD begins in a text, be it for bytes that were not valid or by the sender's own hand."""
    data = np.frombuffer(text, np.uint8)
    if len(data) < len(_REPLACEMENT):
        return NONE
    found: Int64s = np.flatnonzero((data[:-2] == _REPLACEMENT[0]) & (data[1:-1] == _REPLACEMENT[1]) & (data[2:] == _REPLACEMENT[2]))
    return found


def _invalid_utf8(data: bytes) -> Int64s:
    """The places of bytes that are no UTF-8."""
    if _valid_utf8(data):
        return NONE
    places: list[int] = []

    def note(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        places.extend(range(error.start, error.end))
        return "", error.end

    name = f"suwen-{threading.get_ident()}"  # handlers are the process's: each thread has its own
    codecs.register_error(name, note)
    data.decode("utf-8", name)
    return np.array(places, np.int64)


def _valid_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        pa.LargeStringArray.from_buffers(1, pa.py_buffer(np.array([0, len(data)], np.int64)), pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
