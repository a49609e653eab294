"""The rows of a piece, as Arrow batches of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import pyarrow as pa

from suwen.intake.formats.delimited.dialect import RECORD_LIMIT, Dialect
from suwen.intake.formats.delimited.member import Member, Piece
from suwen.intake.formats.delimited.rows import Slice, Table, skip_to
from suwen.intake.formats.delimited.scan import blocks
from suwen.model.pack import Delimited

Open = Callable[[], BinaryIO]


def read(open_stream: Open, spec: Delimited, member: Member, piece: Piece, *, record_limit: int = RECORD_LIMIT) -> Iterator[pa.RecordBatch]:
    """The rows of a piece in order, exactly `piece.records`: the member's columns as text, then `_issues` (finding code, null for a good row).

    A rejected record is a row of nulls with its code. Texts of `spec.null` and the empty text are null where not quoted. A packed member is
    unpacked from its beginning for each piece: read all its pieces at once by `read_pieces`.
    """
    with open_stream() as stream:
        skip_to(stream, 0, piece.byte_offset)
        yield from _piece(stream, spec, member, piece, record_limit)


def read_pieces(open_stream: Open, spec: Delimited, member: Member, *, record_limit: int = RECORD_LIMIT) -> Iterator[tuple[Piece, Iterator[pa.RecordBatch]]]:
    """All pieces in order from one opening; take each piece's batches before the next piece."""
    with open_stream() as stream:
        at = 0
        for piece in member.pieces:
            skip_to(stream, at, piece.byte_offset)
            at = piece.byte_offset + piece.byte_length
            yield piece, _piece(stream, spec, member, piece, record_limit)


def _piece(stream: BinaryIO, spec: Delimited, member: Member, piece: Piece, record_limit: int) -> Iterator[pa.RecordBatch]:
    dialect = Dialect(member.encoding, member.delimiter, member.quote, limit=record_limit)
    table = Table(member.columns, dialect, spec.null)
    if piece.regular and dialect.encoding == "utf-8":
        data = stream.read(piece.byte_length)
        yield from table.fast(data)
        return
    for block in blocks(Slice(stream, piece.byte_length), dialect, len(member.columns), piece.byte_offset, 1):
        if len(block.starts):
            yield from table.rows(block)


def direct_options(member: Member, spec: Delimited) -> dict[str, object]:
    """Arguments of DuckDB's read_csv that read a `direct` member: all columns as text, strictly.

    `new_line` is left out: DuckDB 2.0 reads CR LF well without it, and wrongly with it where fields are empty.
    """
    return {
        "auto_detect": False,
        "strict_mode": True,
        "header": spec.header,
        "skip": spec.skip_lines,
        "delim": member.delimiter,
        "quote": member.quote,
        "escape": member.quote,
        "nullstr": sorted({"", *spec.null}),
        "allow_quoted_nulls": False,
        "columns": {name: "VARCHAR" for name in member.columns},
        "null_padding": False,
        "max_line_size": 4 << 20,
        "encoding": "utf-8",
    }
