"""Records of a block by comparison of whole arrays: for all text whose quoting is valid, however irregular otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.intake.formats.delimited.bits import from_after, from_before, odd_so_far, pack, positions
from suwen.intake.formats.delimited.block import ANY, CR, LF, NONE, Block, Bools, Bytes, Int64s, Lines
from suwen.intake.formats.delimited.dialect import Dialect

_MARK = "\ufeff".encode()


@dataclass(frozen=True)
class _Found:
    """Separators that are not inside quotes up to the last record's end, by place and byte; `feeds`: all decided line feeds, `ending`: which end a record."""

    places: Int64s
    kinds: Bytes
    feeds: Int64s
    ending: Int64s | None
    quoted: bool

    def first(self, records: int) -> _Found:
        """The same for so many first records only."""
        used = int(self.ending[records - 1]) + 1 if self.ending is not None else records
        kept = int(np.searchsorted(self.places, self.feeds[used - 1], "right"))
        return _Found(self.places[:kept], self.kinds[:kept], self.feeds[:used], None if self.ending is None else self.ending[:records], self.quoted)


def cut(lines: Lines, dialect: Dialect, fields: int, offset: int, line: int) -> Block | None:
    """The records that end in `lines`, up to the first whose quoting is bad or that is quoted and over the limit; perhaps none.

    None when that is the very first.
    """
    data = np.frombuffer(lines.text, np.uint8)
    quoted = bool(dialect.quote) and dialect.quote.encode() in lines.text
    found = _outside_quotes(data, ord(dialect.delimiter), ord(dialect.quote)) if quoted else _all(data, ord(dialect.delimiter))
    if found is None:
        return None
    own = found.feeds + 1 if lines.ends is None else lines.ends[: len(found.feeds)]
    ends = own if found.ending is None else own[found.ending]
    starts = _starts(ends)
    if found.ending is not None and len(ends) and int((ends - starts).max()) > dialect.limit:
        good = int(np.argmax(ends - starts > dialect.limit))
        if not good:
            return None
        found = found.first(good)
        ends, starts, own = ends[:good], starts[:good], own[: len(found.feeds)]
    return _block(found, lines, data, starts, ends, own, dialect, fields, offset, line)


def _starts(ends: Int64s) -> Int64s:
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1]
    return starts


def _all(data: Bytes, delimiter: int) -> _Found:
    places = np.flatnonzero((data == LF) | (data == delimiter))
    kinds = data[places]
    return _Found(places, kinds, places[kinds == LF], None, False)


def _outside_quotes(data: Bytes, delimiter: int, quote: int) -> _Found | None:
    """What is outside quotes, before the first quote that neither opens after a separator, closes before one nor is doubled.

    None when no record ends before that quote.
    """
    quotes, feeds = pack(data == quote), pack(data == LF)
    separators = feeds | pack(data == delimiter)
    inside = odd_so_far(quotes)
    ends = positions(feeds & ~inside)
    if not len(ends):
        return _Found(NONE, data[:0], NONE, NONE, True)
    either = separators | quotes
    closing = either | (pack(data == CR) & from_after(feeds))
    bad = (quotes & inside & ~from_before(either, True)) | (quotes & ~inside & ~from_after(closing))
    if bad.any():
        ends = ends[: int(np.searchsorted(ends, positions(bad)[0]))]
        if not len(ends):
            return None
    places = positions(separators & ~inside)
    places = places[: int(np.searchsorted(places, ends[-1], "right"))]
    if not (feeds & inside).any():
        return _Found(places, data[places], ends, None, True)
    all_feeds = positions(feeds)
    ending = np.searchsorted(all_feeds, ends)
    return _Found(places, data[places], all_feeds[: int(ending[-1]) + 1], ending, True)


def plain_lines(lines: Lines, feeds: Int64s, dialect: Dialect, fields: int) -> Bools:
    """Lines that are a record of the right number of fields in which nothing needs a second look.

    Where a field begins with a quote, every quote of the line opens one or closes one; elsewhere quotes are text.
    """
    data = np.frombuffer(lines.text, np.uint8)
    ends = feeds + 1
    delimiters = np.flatnonzero(data == ord(dialect.delimiter))
    quotes = np.flatnonzero(data == ord(dialect.quote)) if dialect.quote else NONE
    badly = NONE
    if len(quotes):
        before, line = data[quotes - 1], np.searchsorted(ends, quotes, "right")  # before the very first byte: the line feed at the very end
        opening = (before == LF) | (before == ord(dialect.delimiter))
        quoting = np.zeros(len(ends), np.bool_)
        quoting[line[opening]] = True
        first = np.searchsorted(quotes, np.concatenate((np.zeros(1, np.int64), ends)))  # of each line, and the end
        odd = (np.arange(len(quotes)) - first[line]) & 1 == 1
        after = data[np.minimum(quotes + 1, len(data) - 1)]
        closing = (after == LF) | (after == ord(dialect.delimiter)) | ((after == CR) & (data[np.minimum(quotes + 2, len(data) - 1)] == LF))
        badly = quotes[quoting[line] & ~np.where(odd, closing, opening)]
        badly = np.concatenate((badly, quotes[first[:-1][quoting & (np.diff(first) & 1 == 1)]]))
        theirs = np.searchsorted(ends, delimiters, "right")
        inside = (np.searchsorted(quotes, delimiters) - first[theirs]) & 1 == 1
        delimiters = delimiters[~(inside & quoting[theirs])]
    plain: Bools = np.diff(np.searchsorted(delimiters, ends), prepend=0) == fields - 1
    for places in (*_suspects(lines, data, ends, False, dialect), badly):
        plain[np.searchsorted(ends, places, "right")] = False
    return plain


def _block(
    found: _Found,
    lines: Lines,
    data: Bytes,
    starts: Int64s,
    ends: Int64s,
    own: Int64s,
    dialect: Dialect,
    fields: int,
    offset: int,
    line: int,
) -> Block:
    text_ends = found.feeds + 1 if found.ending is None else found.feeds[found.ending] + 1
    text_starts = _starts(text_ends)
    even = len(found.kinds) == fields * len(ends) and bool((found.kinds[fields - 1 :: fields] == LF).all())
    plain = np.ones(len(ends), np.bool_) if even else np.diff(np.flatnonzero(found.kinds == LF), prepend=-1) == fields
    newline = "" if not len(ends) else _newline(lines.text, data, found.feeds, lines.open_end and int(text_ends[-1]) == len(data))
    for places in _suspects(lines, data, text_ends, found.quoted, dialect):
        plain[np.searchsorted(text_ends, places[places < text_ends[-1]], "right")] = False
    plain &= ends - starts <= dialect.limit
    lengths = text_ends - text_starts
    blank = (lengths == 1) | ((lengths == 2) & (data[text_starts] == CR))
    kept = slice(None) if not blank.any() else ~blank
    used = int(own[-1]) if len(own) else 0
    raw = lines.raw if used == len(lines.raw) else lines.raw[:used]
    return Block(
        offset,
        line,
        raw,
        raw if lines.ends is None else lines.text,
        starts[kept],
        ends[kept],
        text_starts[kept],
        text_ends[kept],
        own,
        plain[kept],
        newline,
        bool(newline) and bool(plain.all()) and isinstance(kept, slice),
    )


def _newline(text: bytes, data: Bytes, feeds: Int64s, open_end: bool) -> str:
    """How all lines end, those inside quotes too; "" when mixed or a carriage return stands alone. The last line of a file may have no end."""
    if open_end:
        feeds = feeds[:-1]
    decided = len(text) if open_end else int(feeds[-1])
    if text.find(b"\r", 0, decided) < 0:
        return "\n" if len(feeds) else ANY
    returns = int(np.count_nonzero(data[:decided] == CR))
    return "\r\n" if returns == len(feeds) and bool((data[feeds - 1] == CR).all()) else ""


def _suspects(lines: Lines, data: Bytes, ends: Int64s, quoted: bool, dialect: Dialect) -> list[Int64s]:
    """Places of bytes whose record must be looked at one by one: invalid bytes, NUL, marks, a carriage return that ends no line."""
    found: list[Int64s] = []
    if not len(ends):
        return found
    if len(lines.broken):
        found.append(lines.broken)
    if b"\0" in lines.text:
        found.append(np.flatnonzero(data == 0))
    if not lines.text.isascii() and _MARK in lines.text:
        found.append(np.flatnonzero((data[:-2] == _MARK[0]) & (data[1:-1] == _MARK[1]) & (data[2:] == _MARK[2])))
    if b"\r" in lines.text:
        returns = np.flatnonzero(data == CR)
        lone = returns[data[returns + 1] != LF]
        if lines.open_end and data[-2] == CR:
            lone = np.append(lone, len(data) - 2)
        if quoted and len(lone):
            before = np.searchsorted(np.flatnonzero(data == ord(dialect.quote)), lone)
            lone = lone[before & 1 == 0]
        found.append(lone)
    return found
