"""The answer to a query in the form asked for: a table to look at, CSV, JSON, or a Parquet file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from suwen.base.errors import SuwenError
from suwen.cli.say import count, plain, say, say_table
from suwen.engine.query import Answer
from suwen.flow.region import explained

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
    with explained(output), output.open("wb") as out:
        yield out


def _table(answer: Answer) -> None:
    rows = list(islice((tuple(row.values()) for batch in answer for row in batch.to_pylist()), SHOWN + 1))
    numbers = [field.name for field in answer.schema if pa.types.is_integer(field.type) or pa.types.is_decimal(field.type) or pa.types.is_floating(field.type)]
    say_table(answer.schema.names, rows[:SHOWN], numbers=numbers)
    say([f"the first {SHOWN} rows are shown; all with --format csv, json or parquet" if len(rows) > SHOWN else count(len(rows), "row")])


def _csv(answer: Answer, out: IO[bytes]) -> None:
    """RFC 4180 with a header; a null is nothing, an empty text is `""`; lists and the like are JSON."""
    nested = [pa.types.is_nested(field.type) for field in answer.schema]
    schema = pa.schema([pa.field(field.name, pa.string() if is_nested else field.type) for field, is_nested in zip(answer.schema, nested, strict=True)])
    with pacsv.CSVWriter(out, schema) as writer:
        for batch in answer:
            columns = [_as_json(column) if is_nested else column for column, is_nested in zip(batch.columns, nested, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _as_json(column: pa.Array) -> pa.Array:
    return pa.array([None if value is None else json.dumps(plain(value), ensure_ascii=False) for value in column.to_pylist()], pa.string())


def _json(answer: Answer, out: IO[bytes]) -> None:
    """A list of objects, written as it comes; ids (columns of 64 bits named so) are text."""
    ids = {field.name for field in answer.schema if field.type == pa.int64()}
    separator = b"[\n"
    for batch in answer:
        for row in batch.to_pylist():
            held = {name: plain(value, name if name in ids else "") for name, value in row.items()}
            out.write(separator + json.dumps(held, ensure_ascii=False).encode())
            separator = b",\n"
    out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _parquet(answer: Answer, output: Path | None) -> None:
    if output is None:
        raise SuwenError("Parquet cannot be shown", where="--format parquet", expected="a file to write to", do="add --output FILE")
    with explained(output), pq.ParquetWriter(output, answer.schema, compression="zstd") as writer:
        for batch in answer:
            writer.write_batch(batch)
