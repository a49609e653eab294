"""From the bytes of records to columns of text, and the finding code of each record that is not good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pacsv

from suwen.intake.formats.dialect import Dialect
from suwen.intake.formats.scan import BAD_ENCODING, BAD_FIELDS, BAD_QUOTING, NUL_BYTE, TOO_LONG, Block
from suwen.model.staging import ISSUES

READ_BYTES = 4 << 20
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

    def fast(self, source: pa.NativeFile, quoted: bool) -> Iterator[pa.RecordBatch]:
        """Batches of regular UTF-8 records by Arrow's reader; `quoted`: a quote may occur."""
        reader = pacsv.open_csv(
            source,
            read_options=pacsv.ReadOptions(column_names=list(self._columns), use_threads=False, block_size=READ_BYTES),
            parse_options=pacsv.ParseOptions(delimiter=self._dialect.delimiter, quote_char=self._dialect.quote or False, newlines_in_values=quoted),
            convert_options=pacsv.ConvertOptions(column_types={name: pa.string() for name in self._columns}, null_values=sorted(self._null),
                                                 strings_can_be_null=True, quoted_strings_can_be_null=False))
        for batch in reader:
            if batch.num_rows:
                yield pa.RecordBatch.from_arrays([*batch.columns, pa.nulls(batch.num_rows, pa.string())], schema=self.schema)

    def slow(self, block: Block) -> pa.RecordBatch:
        """The batch of any block, record by record."""
        rows, issues = [], []
        for i, (start, end) in enumerate(zip((block.starts - block.offset).tolist(), (block.ends - block.offset).tolist(), strict=True)):
            row, issue = self._row(block, i, start, end)
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


def skip_to(stream: BinaryIO, offset: int) -> None:
    """Go forward to an offset, by reading where the stream cannot seek."""
    if stream.seekable():
        stream.seek(offset)
        return
    while offset > 0 and (chunk := stream.read(min(offset, READ_BYTES))):
        offset -= len(chunk)


class Slice:
    """The next `length` bytes of a stream as a stream of its own."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._left = stream, length

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data
