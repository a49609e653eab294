"""From the bytes of records to columns of text, and the finding code of each record that is not good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from suwen.intake.formats.delimited.block import BAD_ENCODING, BAD_FIELDS, BAD_QUOTING, NUL_BYTE, TOO_LONG, Block, Int64s
from suwen.intake.formats.delimited.dialect import Dialect
from suwen.model.staging import ISSUES

READ_BYTES = 4 << 20
MOSTLY = 0.5  # from this share of plain records on, joining two ways of reading is cheaper than one
Row = list[str | None]


def split(text: str, dialect: Dialect) -> list[tuple[str, bool]] | None:
    """The fields of one record without its line end, each with whether it was quoted; None when the quoting is bad."""
    delimiter, quote = dialect.delimiter, dialect.quote
    if not quote or quote not in text:
        return [(one, False) for one in text.split(delimiter)]
    found: list[tuple[str, bool]] = []
    at = 0
    while True:
        if text.startswith(quote, at):
            start = at = at + 1
            while True:
                close = text.find(quote, at)
                if close < 0:
                    return None
                at = close + 1
                if not text.startswith(quote, at):
                    break
                at += 1
            found.append((text[start:close].replace(quote + quote, quote), True))
            if at == len(text):
                return found
            if not text.startswith(delimiter, at):
                return None
            at += len(delimiter)
        else:
            end = text.find(delimiter, at)
            found.append((text[at:] if end < 0 else text[at:end], False))
            if end < 0:
                return found
            at = end + len(delimiter)


def unended(text: str) -> str:
    """A record's text without its line end: LF, CR LF, or CR at the end of the file."""
    return text.removesuffix("\n").removesuffix("\r")


class Table:
    """Makes record batches of a member: its columns as text, then `_issues`."""

    def __init__(self, columns: tuple[str, ...], dialect: Dialect, null: tuple[str, ...]) -> None:
        self._columns, self._dialect = columns, dialect
        self._null = {"", *null}
        self.schema = pa.schema([(name, pa.string()) for name in (*columns, ISSUES)])

    def rows(self, block: Block) -> Iterator[pa.RecordBatch]:
        """The rows of a block: plain records by Arrow's reader, the others one by one."""
        if block.plain.all():
            yield from self.fast(block.text if not len(block.text_ends) else block.text[int(block.text_starts[0]) : int(block.text_ends[-1])])
        elif block.plain.mean() < MOSTLY:
            yield self._slow(block, np.arange(len(block.starts)))
        else:
            yield self._mixed(block)

    def fast(self, text: bytes) -> Iterator[pa.RecordBatch]:
        """The rows of plain records in UTF-8."""
        if not text.endswith(b"\n"):
            text += b"\n"  # without it pyarrow 26 takes an empty last field after a quoted one for quoted
        quoted = bool(self._dialect.quote) and self._dialect.quote.encode() in text
        reader = pacsv.open_csv(
            pa.BufferReader(text),
            read_options=pacsv.ReadOptions(column_names=list(self._columns), use_threads=False, block_size=READ_BYTES),
            parse_options=pacsv.ParseOptions(delimiter=self._dialect.delimiter, quote_char=self._dialect.quote or False, newlines_in_values=quoted),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in self._columns},
                null_values=sorted(self._null),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in reader:
            if batch.num_rows:
                yield pa.RecordBatch.from_arrays([*batch.columns, pa.nulls(batch.num_rows, pa.string())], schema=self.schema)

    def _mixed(self, block: Block) -> pa.RecordBatch:
        text = b"".join(block.text[a:b] for a, b in _runs(block))
        others = np.flatnonzero(~block.plain)
        both = pa.Table.from_batches([*self.fast(text), self._slow(block, others)])
        order = np.empty(len(block.plain), np.int64)
        order[block.plain] = np.arange(len(block.plain) - len(others))
        order[others] = np.arange(len(block.plain) - len(others), len(block.plain))
        return both.take(pa.array(order)).combine_chunks().to_batches()[0]

    def _slow(self, block: Block, chosen: Int64s) -> pa.RecordBatch:
        rows, issues = [], []
        for number in chosen.tolist():
            row, issue = self._row(block, number, int(block.starts[number]), int(block.ends[number]))
            rows.append(row)
            issues.append(issue)
        columns = [list(column) for column in zip(*rows, strict=True)]
        return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in (*columns, issues)], schema=self.schema)

    def _row(self, block: Block, number: int, start: int, end: int) -> tuple[Row, str | None]:
        if end - start > self._dialect.limit:
            found: list[tuple[str, bool]] | str = TOO_LONG
        else:
            found = block.rejected.get(number) or self._fields(block.raw[start:end])
        if isinstance(found, str):
            return [None] * len(self._columns), found
        return [None if not quoted and value in self._null else value for value, quoted in found], None

    def _fields(self, raw: bytes) -> list[tuple[str, bool]] | str:
        """The fields of a record, or the code of what is wrong with it."""
        try:
            text = unended(raw.decode(self._dialect.encoding))
        except UnicodeDecodeError:
            return BAD_ENCODING
        if "\0" in text:
            return NUL_BYTE
        found = split(text, self._dialect)
        if found is None:
            return BAD_QUOTING
        return found if len(found) == len(self._columns) else BAD_FIELDS


def _runs(block: Block) -> Iterator[tuple[int, int]]:
    """The text ranges of plain records, neighbours joined."""
    edges = np.flatnonzero(np.diff(block.plain.astype(np.int8), prepend=0, append=0))
    for first, after in zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True):
        yield int(block.text_starts[first]), int(block.text_ends[after - 1])


def skip_to(stream: BinaryIO, at: int, offset: int) -> None:
    """Go forward from one offset to another, by reading where the stream cannot seek."""
    if stream.seekable():
        stream.seek(offset)
        return
    left = offset - at
    while left > 0 and (chunk := stream.read(min(left, READ_BYTES))):
        left -= len(chunk)


class After:
    """Bytes read before, then the rest of the stream they came from."""

    def __init__(self, held: bytes, stream: BinaryIO) -> None:
        self._held, self._at, self._stream = held, 0, stream

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`."""
        data = self._held[self._at : self._at + size]
        self._at += len(data)
        return data or self._stream.read(size)


class Slice:
    """The next `length` bytes of a stream as a stream of its own."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._left = stream, length

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`."""
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data
