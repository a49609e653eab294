"""The answer to a query in the form asked for: a table to look at, CSV, JSON, or a Parquet file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from suwen.base.atomic import written_whole
from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.cli.say import count, plain, say, say_table
from suwen.engine.query import Answer

FORMATS = ("table", "csv", "json", "parquet")
SHOWN = 100  # rows of a table on the screen


def give(answer: Answer, form: str, output: Path | None) -> None:
    """Write an answer as `form` to a file, or to standard output (Parquet only to a file)."""
    if form == "table":
        _table(answer)
    elif form == "parquet":
        _parquet(answer, output)
    else:
        with _opened(output) as out:
            (_csv if form == "csv" else _json)(answer, out)


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[bytes]]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with explained(output), written_whole(output) as aside, aside.open("wb") as out:
        yield out


def _table(answer: Answer) -> None:
    rows = list(islice((tuple(row.values()) for batch in answer for row in _rows(batch)), SHOWN + 1))
    numbers = [field.name for field in answer.schema if pa.types.is_integer(field.type) or pa.types.is_decimal(field.type) or pa.types.is_floating(field.type)]
    say_table(answer.schema.names, rows[:SHOWN], numbers=numbers)
    say([f"the first {SHOWN} rows are shown; all with --format csv, json or parquet" if len(rows) > SHOWN else count(len(rows), "row")])


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    with _showable():
        return batch.to_pylist()


@contextmanager
def _showable() -> Iterator[None]:
    """Years before 1 and after 9999, and parts of a microsecond, have no form in Python."""
    try:
        yield
    except (OverflowError, ValueError):
        what = "a date or time is outside the years 1 to 9999, or finer than microseconds"
        raise SuwenError(what, where="the query", expected="dates and times that can be shown", do="cast it to text in the query: column::text") from None


@contextmanager
def _storable() -> Iterator[None]:
    try:
        yield
    except pa.ArrowNotImplementedError:
        what = "a column has a type that Parquet does not hold"
        raise SuwenError(what, where="the query", expected="columns of plain types", do="cast it to text in the query: column::text") from None


def _csv(answer: Answer, out: IO[bytes]) -> None:
    """RFC 4180 with a header; a null is nothing, an empty text is `""`; lists and the like are JSON, bytes hexadecimal."""
    kept = [_plain_type(field.type) for field in answer.schema]
    schema = pa.schema([pa.field(field.name, field.type if plain_type else pa.string()) for field, plain_type in zip(answer.schema, kept, strict=True)])
    with pacsv.CSVWriter(out, schema) as writer:
        for batch in answer:
            columns = [column if plain_type else _as_text(column) for column, plain_type in zip(batch.columns, kept, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _plain_type(kind: pa.DataType) -> bool:
    """Whether a value of this type is one word of CSV."""
    wanted = ("integer", "floating", "decimal", "boolean", "string", "date", "timestamp", "time", "null", "dictionary")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in wanted)


def _as_text(column: pa.Array) -> pa.Array:
    with _showable():
        return pa.array([None if value is None else _text(value) for value in column.to_pylist()], pa.string())


def _text(value: object) -> str:
    held = plain(value)
    return held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)


def _json(answer: Answer, out: IO[bytes]) -> None:
    """A list of objects, written as it comes; ids (columns of 64 bits named so) are text."""
    ids = {field.name for field in answer.schema if field.type == pa.int64()}
    separator = b"[\n"
    for batch in answer:
        for row in _rows(batch):
            held = {name: plain(value, name if name in ids else "") for name, value in row.items()}
            out.write(separator + json.dumps(held, ensure_ascii=False).encode())
            separator = b",\n"
    out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _parquet(answer: Answer, output: Path | None) -> None:
    if output is None:
        raise SuwenError("Parquet cannot be shown", where="--format parquet", expected="a file to write to", do="add --output FILE")
    schema = pa.schema([pa.field(f.name, pa.string() if pa.types.is_interval(f.type) else f.type) for f in answer.schema])
    with explained(output), written_whole(output) as aside, _storable(), pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        for batch in answer:
            columns = [_as_text(column) if pa.types.is_interval(column.type) else column for column in batch.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
