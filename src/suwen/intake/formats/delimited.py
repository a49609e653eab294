"""Delimited text: any delimiter, quote and encoding, in bounded memory, with offsets into the member's own bytes.

`survey` passes once over a member and says what is in it; `read` gives the rows of one of its pieces; `locate` finds a record's bytes again.
What a record is, and which is rejected how, is said in `scan`. The header with what stands before it, the records (accepted and rejected)
and the blank lines cover a member exactly, no byte twice (`ranges`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from suwen.base.errors import Place, SuwenError
from suwen.intake.formats import dialect as dialects
from suwen.intake.formats.dialect import RECORD_LIMIT, Dialect
from suwen.intake.formats.member import STRIDE, Location, Member, Piece
from suwen.intake.formats.rows import Slice, Table, skip_to, split, unended
from suwen.intake.formats.scan import ANY, BLOCK_BYTES, Block, blocks, first_record
from suwen.model.pack import Delimited

__all__ = ["Location", "Member", "Piece", "direct_options", "locate", "locate_many", "ranges", "read", "survey"]

Open = Callable[[], BinaryIO]
PIECE_BYTES = 64 << 20
RESERVED = ("_issues", "_receipt", "_record", "_template", "_run")


def survey(
    open_stream: Open, spec: Delimited, *, name: str, columns: Sequence[str] = (), piece_bytes: int = PIECE_BYTES, position: int = 1, codec: str = "",
    first_record: int = 1, record_limit: int = RECORD_LIMIT, progress: Callable[[int], None] = lambda _: None,
) -> Member:
    """Pass once over a member (unpacked bytes). `columns` name the fields of a file without header. Raises SuwenError when it cannot be read at all."""
    with open_stream() as stream:
        head = _head(stream)
        dialect = dialects.resolve(spec, head, name, record_limit)
        found = _survey(stream, head, dialect, spec, name, columns, piece_bytes, progress)
    if isinstance(found, bytes):
        # The file began with plain ASCII and goes on in something else: what that is shows only now.
        dialect = replace(dialect, encoding=dialects.sniff_encoding(found, name), open_encoding=False)
        with open_stream() as stream:
            found = _survey(stream, _head(stream), dialect, spec, name, columns, piece_bytes, progress)
    assert isinstance(found, Member)
    return replace(found, position=position, codec=codec).numbered_from(first_record)


def _head(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < dialects.SAMPLE_BYTES and (chunk := stream.read(dialects.SAMPLE_BYTES - len(head))):
        head += chunk
    return head


@dataclass
class _Tally:
    """What the blocks passed so far add up to."""

    offset: int
    piece_bytes: int
    records: int = 0
    record_bytes: int = 0
    gap_lines: int = 0
    starts: list[Any] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    newlines: set[str] = field(default_factory=set)
    pieces: list[Piece] = field(default_factory=list)
    piece: Piece | None = None

    def add(self, block: Block) -> None:
        sampled = block.starts[-self.records % STRIDE::STRIDE]
        if len(sampled):
            self.starts.append(sampled)
            self.lines += [block.line_of(int(start)) for start in sampled]
        lines_in_records = int((np.searchsorted(block.line_ends, block.ends) - np.searchsorted(block.line_ends, block.starts, "right") + 1).sum()) \
            if not block.regular else len(block.line_ends)
        self.gap_lines += len(block.line_ends) - lines_in_records
        self.record_bytes += int((block.ends - block.starts).sum())
        self._grow(block)
        self.records += len(block.starts)

    def _grow(self, block: Block) -> None:
        size = block.end - block.offset
        regular = block.regular and len(self.newlines | {block.newline} - {ANY}) <= 1
        self.newlines |= {block.newline} - {ANY}
        if self.piece is None:
            self.piece = Piece(self.records + 1, len(block.starts), block.offset, size, regular)
        else:
            old = self.piece
            self.piece = replace(old, records=old.records + len(block.starts), byte_length=old.byte_length + size, regular=old.regular and regular)
        if self.piece.byte_length >= self.piece_bytes and self.piece.records:
            self.pieces.append(self.piece)
            self.piece = None
        self.offset = block.end

    def close(self) -> None:
        """End the last piece; blank lines alone are no piece but belong to the one before."""
        last, self.piece = self.piece, None
        if last is None:
            return
        if last.records:
            self.pieces.append(last)
        elif self.pieces:
            self.pieces[-1] = replace(self.pieces[-1], byte_length=self.pieces[-1].byte_length + last.byte_length, regular=False)


def _survey(
    stream: BinaryIO, head: bytes, dialect: Dialect, spec: Delimited, name: str, columns: Sequence[str], piece_bytes: int, progress: Callable[[int], None],
) -> Member | bytes:
    """The member, or the first lines that are not ASCII when the encoding was still open."""
    named, offset, line = _header(head, dialect, spec, name, columns)
    tally = _Tally(offset, piece_bytes)
    still_open = dialect.open_encoding
    for block in blocks(stream, dialect, len(named), offset, line, head[offset:], min(BLOCK_BYTES, piece_bytes)):
        if still_open and not block.raw.isascii():
            if dialects.sniff_encoding(block.raw, name) != dialect.encoding:
                return block.raw
            still_open = False
        tally.add(block)
        progress(block.end - block.offset)
    tally.close()
    newline = "\n" if not tally.newlines else tally.newlines.pop() if len(tally.newlines) == 1 else ""
    return Member(
        name=name, position=1, codec="", length=tally.offset, encoding=dialect.encoding, delimiter=dialect.delimiter, quote=dialect.quote,
        newline=newline, simple=dialect.simple, columns=named, first_record=1, records=tally.records, data_offset=offset, gap_lines=tally.gap_lines, gap_bytes=tally.offset - offset - tally.record_bytes, pieces=tuple(tally.pieces),
        starts=np.concatenate(tally.starts) if tally.starts else np.zeros(0, np.int64), lines=np.array(tally.lines, np.int64))


def _header(head: bytes, dialect: Dialect, spec: Delimited, name: str, columns: Sequence[str]) -> tuple[tuple[str, ...], int, int]:
    """Column names, offset of the first record and its 1-based line."""
    eof = len(head) < dialects.SAMPLE_BYTES
    offset, line = dialect.mark, 1
    for _ in range(spec.skip_lines):
        offset, line = _skip_line(head, offset, dialect, Place(name, line)), line + 1
    if not spec.header:
        _check_columns(columns, Place(name))
        if not columns:
            raise SuwenError("the file has no header and no columns were declared", where=name, do="name the kind's `columns` in the template")
        return tuple(columns), offset, line
    block = first_record(head[offset:], eof, dialect, offset, line)
    if block is None:
        if eof and not head[offset:].strip(b"\r\n\0"):
            return tuple(columns), len(head), line + head[offset:].count(b"\n")
        raise SuwenError("the header does not end within the record limit", where=Place(name, line), expected="a header line that names the columns")
    place = Place(name, block.line_of(int(block.starts[0])))
    start, end = int(block.starts[0]), int(block.ends[0])
    try:
        found = None if block.rejected else split(unended(head[start:end].decode(dialect.encoding)), dialect)
    except UnicodeDecodeError:
        raise SuwenError(f"the header is not valid {dialect.encoding}", where=place, do="declare the right `encoding` in the template's [reader]") from None
    if found is None:
        raise SuwenError("the quoting of the header is broken, or it is too long", where=place,
                         expected="each quoted name closed by a quote directly before the delimiter")
    named = tuple(value for value, _ in found)
    _check_columns(named, place)
    return named, end, block.line_of(end - 1) + 1


def _skip_line(head: bytes, offset: int, dialect: Dialect, place: Place) -> int:
    feed = "\n".encode(dialect.encoding)
    end = head.find(feed, offset)
    while end >= 0 and (end - offset) % dialect.width:
        end = head.find(feed, end + 1)
    if end < 0:
        raise SuwenError("the file ends before the lines to skip do", where=place, do="mend `skip_lines` in the template's [reader]")
    return end + len(feed)


def _check_columns(columns: Sequence[str], place: Place) -> None:
    seen: dict[str, int] = {}
    for number, column in enumerate(columns, 1):
        if not column.strip():
            raise SuwenError(f"column {number} has no name", where=place, expected="a header that names every column")
        if not column.isprintable():
            raise SuwenError(f"the name of column {number} holds characters that cannot be printed", where=place,
                             expected="lines ended by LF or CR LF, and the right encoding")
        if column.lower() in RESERVED:
            raise SuwenError(f"column {number} has the name {column}, which Suwen uses itself", where=place,
                             do="have the column renamed by its sender")
        if column.lower() in seen:
            raise SuwenError(f"columns {seen[column.lower()]} and {number} have the same name, {column}", where=place,
                             expected="names that differ, not only in case")
        seen[column.lower()] = number


def _dialect_of(member: Member, limit: int = RECORD_LIMIT) -> Dialect:
    return Dialect(member.encoding, member.delimiter, member.quote, limit=limit)


def read(open_stream: Open, spec: Delimited, member: Member, piece: Piece, *, record_limit: int = RECORD_LIMIT) -> Iterator[pa.RecordBatch]:
    """The rows of a piece in order, exactly `piece.records`: the member's columns as text, then `_issues` (finding code, null for a good row).

    A rejected record is a row of nulls with its code. Texts of `spec.null` and the empty text are null where not quoted.
    """
    dialect = _dialect_of(member, record_limit)
    table = Table(member.columns, dialect, spec.null)
    with open_stream() as stream:
        skip_to(stream, piece.byte_offset)
        if piece.regular and member.simple:
            yield from _fast(stream, dialect, piece, table)
            return
        for block in blocks(Slice(stream, piece.byte_length), dialect, len(member.columns), piece.byte_offset, 1):
            if not len(block.starts):
                continue
            if block.regular:
                yield from table.fast(pa.BufferReader(block.utf8), bool(dialect.quote))
            else:
                yield table.slow(block)


def _fast(stream: BinaryIO, dialect: Dialect, piece: Piece, table: Table) -> Iterator[pa.RecordBatch]:
    data = stream.read(piece.byte_length)
    source: pa.NativeFile = pa.BufferReader(data)
    if dialect.encoding != "utf-8":
        source = pa.transcoding_input_stream(source, dialect.encoding, "utf-8")
    yield from table.fast(source, bool(dialect.quote) and (dialect.width > 1 or dialect.quote.encode() in data))


def ranges(open_stream: Open, member: Member, *, record_limit: int = RECORD_LIMIT) -> Iterator[tuple[int, int, int, int]]:
    """(record number, byte offset, byte length, line) of every record in order."""
    with open_stream() as stream:
        skip_to(stream, member.data_offset)
        line = int(member.lines[0]) if len(member.lines) else 1
        yield from _walk(stream, member, member.data_offset, member.length, line, member.first_record, record_limit, bool(len(member.lines)))


def _walk(
    stream: BinaryIO, member: Member, offset: int, end: int, line: int, number: int, limit: int, align: bool = False,
) -> Iterator[tuple[int, int, int, int]]:
    """The records between two offsets; `align`: `line` is that of the first record, though blank lines may stand before it."""
    shift = 0
    for block in blocks(Slice(stream, end - offset), _dialect_of(member, limit), len(member.columns), offset, line):
        if align and len(block.starts):
            shift, align = line - block.line_of(int(block.starts[0])), False
        at = np.searchsorted(block.line_ends, block.starts, "right") + block.line + shift
        for start, stop, own in zip(block.starts.tolist(), block.ends.tolist(), at.tolist(), strict=True):
            yield number, start, stop - start, own
            number += 1


def locate_many(
    open_stream: Open, member: Member, records: Sequence[int], spec: Delimited | None = None, *, record_limit: int = RECORD_LIMIT,
) -> list[Location]:
    """Where the records (numbers of the receipt) lie, ascending; reads at most the 1,024 records around each.

    Raises SuwenError for a number that is not there.
    """
    found: list[Location] = []
    if any(not member.first_record <= one < member.first_record + member.records for one in records):
        last = member.first_record + member.records - 1
        raise SuwenError("there is no such record in this file", where=member.name, expected=f"a number from {member.first_record} to {last}")
    by_stride: dict[int, set[int]] = {}
    for one in records:
        by_stride.setdefault((one - member.first_record) // STRIDE, set()).add(one)
    with open_stream() as stream:
        at = 0
        for stride, wanted in sorted(by_stride.items()):
            start = int(member.starts[stride])
            end = int(member.starts[stride + 1]) if stride + 1 < len(member.starts) else member.length
            skip_to(stream, start if stream.seekable() else start - at)
            last = max(wanted)
            first = member.first_record + stride * STRIDE
            for number, offset, length, line in _walk(stream, member, start, end, int(member.lines[stride]), first, record_limit):
                if number in wanted:
                    found.append(Location(number, offset, length, line))
                if number == last:
                    break
            at = end
    return found


def locate(open_stream: Open, member: Member, record: int, spec: Delimited | None = None, *, record_limit: int = RECORD_LIMIT) -> Location:
    """Where one record (number of the receipt) lies."""
    return locate_many(open_stream, member, [record], spec, record_limit=record_limit)[0]


def direct_options(member: Member, spec: Delimited) -> dict[str, object]:
    """Arguments of DuckDB's read_csv that read a `direct` member: all columns as text, strictly."""
    return {
        "auto_detect": False, "strict_mode": True, "header": spec.header, "skip": spec.skip_lines, "delim": member.delimiter,
        "quote": member.quote, "escape": member.quote,
        "new_line": {"\n": "\\n", "\r\n": "\\r\\n"}[member.newline], "nullstr": sorted({"", *spec.null}), "allow_quoted_nulls": False,
        "columns": {name: "VARCHAR" for name in member.columns}, "null_padding": False, "max_line_size": 4 << 20, "encoding": "utf-8",
    }


def bytes_of(open_stream: Open, location: Location) -> bytes:
    """Exactly the bytes of a located record."""
    with open_stream() as stream:
        skip_to(stream, location.byte_offset)
        return io.BytesIO(stream.read(location.byte_length)).getvalue()
