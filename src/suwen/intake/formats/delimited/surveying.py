"""The one pass over a member that says what is in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import numpy as np

from suwen.intake.formats.delimited.block import ANY, NONE, Block, Int64s
from suwen.intake.formats.delimited.dialect import RECORD_LIMIT, SAMPLE_BYTES, Dialect
from suwen.intake.formats.delimited.header import read_header
from suwen.intake.formats.delimited.member import STRIDE, Member, Piece
from suwen.intake.formats.delimited.rows import After
from suwen.intake.formats.delimited.scan import BLOCK_BYTES, blocks
from suwen.intake.formats.delimited.sniff import resolve, sniff_encoding
from suwen.model.pack import Delimited

Open = Callable[[], BinaryIO]
PIECE_BYTES = 64 << 20


def survey(
    open_stream: Open,
    spec: Delimited,
    *,
    name: str,
    columns: Sequence[str] = (),
    piece_bytes: int = PIECE_BYTES,
    position: int = 1,
    codec: str = "",
    first_record: int = 1,
    record_limit: int = RECORD_LIMIT,
    progress: Callable[[int], None] = lambda _: None,
) -> Member:
    """Pass once over a member (unpacked bytes). `columns` name the fields of a file without header; `progress` is told bytes.

    `position` and `codec`: where it lay in its object and how it was packed; its records are numbered from `first_record`.
    Raises SuwenError when it cannot be read at all. A record that is not good stops nothing.
    """
    dialect: Dialect | None = None
    found: Member | bytes = b""
    while isinstance(found, bytes):
        with open_stream() as stream:
            head = _head(stream)
            # A file may begin with plain ASCII and go on in something else: then what it is shows only there, and the pass begins again.
            dialect = replace(dialect, encoding=sniff_encoding(found, name), open_encoding=False) if dialect else resolve(spec, head, name, record_limit)
            found = _pass(stream, head, dialect, spec, name, columns, piece_bytes, progress)
    return replace(found, position=position, codec=codec).numbered_from(first_record)


def _head(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < SAMPLE_BYTES and (chunk := stream.read(SAMPLE_BYTES - len(head))):
        head += chunk
    return head


def _newlines(head: str) -> set[str]:
    """How the lines before the first record end: none, one or (two) mixed ways."""
    feeds, pairs, returns = head.count("\n"), head.count("\r\n"), head.count("\r")
    return ({"\r\n"} if returns else set()) | ({"\n"} if feeds > pairs or returns > pairs else set())


def _pass(
    stream: BinaryIO,
    head: bytes,
    dialect: Dialect,
    spec: Delimited,
    name: str,
    columns: Sequence[str],
    piece_bytes: int,
    progress: Callable[[int], None],
) -> Member | bytes:
    """The member, or the first lines that are not ASCII when the encoding was still open and they are not in it."""
    named, offset, line = read_header(head, dialect, spec, name, columns)
    tally = _Tally(offset, piece_bytes, newlines=_newlines(head[dialect.mark : offset].decode(dialect.encoding, "replace")))
    still_open = dialect.open_encoding
    for block in blocks(After(head[offset:], stream), dialect, len(named), offset, line, min(BLOCK_BYTES, piece_bytes)):
        if still_open and not block.raw.isascii():
            if sniff_encoding(block.raw, name) != dialect.encoding:
                return block.raw
            still_open = False
        tally.add(block)
        progress(block.size)
    tally.close()
    return Member(
        name=name,
        position=1,
        codec="",
        length=tally.end,
        encoding=dialect.encoding,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        newline=tally.newline,
        simple=dialect.simple,
        columns=named,
        first_record=1,
        records=tally.records,
        data_offset=offset,
        gap_bytes=tally.end - offset - tally.record_bytes,
        multiline=tally.multiline,
        pieces=tuple(tally.pieces),
        starts=np.concatenate(tally.starts),
        lines=np.concatenate(tally.lines),
    )


@dataclass
class _Tally:
    """What the blocks passed so far add up to."""

    end: int
    piece_bytes: int
    records: int = 0
    record_bytes: int = 0
    multiline: bool = False
    starts: list[Int64s] = field(default_factory=lambda: [NONE])
    lines: list[Int64s] = field(default_factory=lambda: [NONE])
    newlines: set[str] = field(default_factory=set)
    pieces: list[Piece] = field(default_factory=list)
    _piece: Piece | None = None
    _piece_newlines: set[str] = field(default_factory=set)

    @property
    def newline(self) -> str:
        """The one way all lines end; LF where there is nothing to tell, "" when mixed."""
        return "\n" if not self.newlines else next(iter(self.newlines)) if len(self.newlines) == 1 else ""

    def add(self, block: Block) -> None:
        """Take a block in."""
        sampled = block.starts[-self.records % STRIDE :: STRIDE]
        if len(sampled):
            self.starts.append(sampled + block.offset)
            self.lines.append(block.lines_of(sampled))
        self.record_bytes += int((block.ends - block.starts).sum())
        # Fewer records than lines: some lines are blank, or some records longer; only a regular block, without blank lines, tells which.
        self.multiline |= not block.regular or len(block.starts) < len(block.line_ends)
        self._grow(block)
        self.records += len(block.starts)
        self.end = block.offset + block.size

    def _grow(self, block: Block) -> None:
        if self._piece is None:
            self._piece_newlines = set()
        self._piece_newlines |= {block.newline} - {ANY}
        self.newlines |= self._piece_newlines
        regular = block.regular and len(self._piece_newlines) <= 1
        old = self._piece or Piece(self.records + 1, 0, block.offset, 0, True)
        self._piece = replace(old, records=old.records + len(block.starts), byte_length=old.byte_length + block.size, regular=old.regular and regular)
        if self._piece.byte_length >= self.piece_bytes and self._piece.records:
            self.pieces.append(self._piece)
            self._piece = None

    def close(self) -> None:
        """End the last piece; blank lines alone are no piece but belong to the one before."""
        last, self._piece = self._piece, None
        if last and last.records:
            self.pieces.append(last)
        elif last and self.pieces:
            self.pieces[-1] = replace(self.pieces[-1], byte_length=self.pieces[-1].byte_length + last.byte_length, regular=False)
