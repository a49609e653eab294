"""Vocabulary files as published: Athena's tab-delimited form (no quoting, dates yyyymmdd) and comma-delimited CSV (quotes, ISO dates).

A file is read as a stream of Arrow batches in the types of `model.cdm`. What does not fit stops the reading with file, line and column; the
line is looked for in a second, slow pass, so that the fast one need not count. Values never stand in a message, except the vocabulary's ids.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from suwen.base.errors import Place, SuwenError
from suwen.model.cdm import TABLES, Column, Table, Type

# The tables a vocabulary release brings; source_to_concept_map is made from the packs' code maps instead.
VOCABULARY_TABLES: tuple[str, ...] = tuple(t.name for t in TABLES.values() if t.group == "vocabulary" and t.name != "source_to_concept_map")
REQUIRED_TABLES: tuple[str, ...] = ("concept", "concept_relationship", "vocabulary")

_BLOCK = 8 << 20
_CHUNK = 10_000
_ENCRYPTED = 0x1  # bit 0 of a member's general purpose flags, ZIP APPNOTE 4.4.4
_UNPACKABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)
_ARROW = {Type.INTEGER: pa.int32(), Type.DATE: pa.date32(), Type.VARCHAR: pa.string(), Type.AMOUNT: pa.decimal128(24, 8)}
_WANTED = {Type.INTEGER: "a whole number from 0 to 2147483647", Type.DATE: "a date as yyyymmdd or yyyy-mm-dd", Type.AMOUNT: "a number"}


@dataclass(frozen=True)
class VocabularyFile:
    """One file of a vocabulary: the table it fills, its name for messages, and how to open its bytes."""

    table: Table
    name: str
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class _Form:
    delimiter: str
    quoted: bool
    header: tuple[str, ...]


def find(source: Path) -> Mapping[str, VocabularyFile]:
    """The vocabulary files of a folder or zip, by table name; any case of the file names, other files are left alone."""
    found: dict[str, VocabularyFile] = {}
    for name, opener in _members(source):
        path = PurePosixPath(name)
        table = path.stem.lower()
        if path.suffix.lower() != ".csv" or table not in VOCABULARY_TABLES:
            continue
        if table in found:
            raise SuwenError(f"two files for the table {table}: {found[table].name} and {name}", where=str(source), expected="one file for each table")
        found[table] = VocabularyFile(TABLES[table], name, opener)
    absent = [t.upper() + ".csv" for t in REQUIRED_TABLES if t not in found]
    if absent:
        raise SuwenError(
            f"no {', '.join(absent)}",
            where=str(source),
            expected="a folder or zip with the files of an OMOP vocabulary",
            do="give the unpacked Athena download, or the zip itself",
        )
    return found


def _members(source: Path) -> list[tuple[str, Callable[[], IO[bytes]]]]:
    if source.is_dir():
        return [(p.name, lambda p=p: p.open("rb")) for p in sorted(source.iterdir()) if p.is_file()]  # type: ignore[misc]
    if not source.is_file():
        raise SuwenError("there is no such folder or file", where=str(source), expected="a folder or zip with the files of an OMOP vocabulary")
    try:
        with zipfile.ZipFile(source) as archive:
            members = [m for m in archive.infolist() if not m.filename.startswith("__MACOSX/")]
    except zipfile.BadZipFile:
        raise SuwenError("the file is not a zip", where=str(source), expected="a folder or zip with the files of an OMOP vocabulary") from None
    if any(m.flag_bits & _ENCRYPTED or m.compress_type not in _UNPACKABLE for m in members):
        raise SuwenError("the zip is encrypted or packed in an unusual way", where=str(source), do="unpack it and give the folder")
    names = sorted(m.filename for m in members)
    return [(n, lambda n=n: _member(source, n)) for n in names]  # type: ignore[misc]


def _member(source: Path, name: str) -> IO[bytes]:
    """A member of a zip; the zip is closed with it."""
    with zipfile.ZipFile(source) as archive:
        return archive.open(name)


def schema(table: Table) -> pa.Schema:
    """The Arrow schema of a vocabulary table."""
    return pa.schema([pa.field(c.name, _ARROW[c.type]) for c in table.columns])


def batches(file: VocabularyFile) -> Iterator[pa.RecordBatch]:
    """The rows of a file in the table's columns and types, in file order and bounded memory."""
    form = _form(file)
    try:
        with file.open() as stream:
            for batch in _text_batches(stream, form, file.table):
                yield _converted(batch, file.table)
    except (pa.ArrowInvalid, *_DAMAGED) as error:
        raise _fault(file, form) or SuwenError("the file cannot be read as delimited UTF-8 text", where=file.name) from error


def _text_batches(stream: IO[bytes], form: _Form, table: Table) -> Iterator[pa.RecordBatch]:
    if not stream.read(1):
        return
    stream.seek(0)
    yield from arrow_csv.open_csv(
        stream,
        read_options=arrow_csv.ReadOptions(block_size=_BLOCK, column_names=list(form.header), skip_rows=1),
        parse_options=arrow_csv.ParseOptions(delimiter=form.delimiter, quote_char='"' if form.quoted else False, newlines_in_values=form.quoted),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in form.header},
            include_columns=list(table.row_columns),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _form(file: VocabularyFile) -> _Form:
    try:
        with file.open() as stream:
            line = stream.readline(1 << 16).decode("utf-8-sig").rstrip("\r\n")
    except _DAMAGED:
        raise _damaged(Place(file.name, 1)) from None
    except UnicodeDecodeError:
        raise SuwenError("the header is not UTF-8", where=Place(file.name, 1), expected="a header of column names in UTF-8") from None
    delimiter = "\t" if "\t" in line else ","
    header = tuple(name.strip().strip('"').lower() for name in line.split(delimiter))
    absent = [c for c in file.table.row_columns if c not in header]
    twice = sorted({c for c in file.table.row_columns if header.count(c) > 1})
    if absent or twice:
        what = f"the header has no column {', '.join(absent)}" if absent else f"the header names {', '.join(twice)} twice"
        raise SuwenError(what, where=Place(file.name, 1), expected=f"the columns {', '.join(file.table.row_columns)}, split by tab or comma")
    return _Form(delimiter, quoted=delimiter == ",", header=header)


def _converted(batch: pa.RecordBatch, table: Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([_typed(batch.column(c.name), c) for c in table.columns], schema=schema(table))


def _typed(values: pa.Array, column: Column) -> pa.Array:
    """The values in the column's type; ArrowInvalid when one does not fit. A required text is empty rather than null: the forms cannot tell them apart."""
    if column.type is Type.VARCHAR:
        return pc.fill_null(values, "") if column.required else values
    if column.required and values.null_count:
        raise pa.ArrowInvalid("a required value is missing")
    if column.type is Type.INTEGER:
        if not pc.all(pc.utf8_is_digit(values)).as_py() and values.null_count < len(values):  # the cast alone would take 0x1F
            raise pa.ArrowInvalid("not a whole number")
        return pc.cast(values, pa.int32())
    few = values.dictionary_encode()  # dates and strengths are few: each is read once
    read = _dates(few.dictionary) if column.type is Type.DATE else _amounts(few.dictionary)
    return read.take(few.indices)


def _dates(texts: pa.Array) -> pa.Array:
    parts = [pc.utf8_slice_codeunits(texts, a, b) for a, b in ((0, 4), (4, 6), (6, 8))]
    iso = pc.binary_join_element_wise(*parts, "-")
    return pc.cast(pc.if_else(pc.equal(pc.utf8_length(texts), 8), iso, texts), pa.date32())


def _amounts(texts: pa.Array) -> pa.Array:
    return pc.cast(pc.round(pc.cast(texts, pa.decimal256(60, 36)), 8), _ARROW[Type.AMOUNT])


# The slow pass: which line is it?


def lines_of(file: VocabularyFile, key: Mapping[str, str]) -> list[int]:
    """The lines on which the key columns have these texts; for saying where a repeated key stands."""
    form = _form(file)
    at = {form.header.index(name): value for name, value in key.items()}
    return [line for line, cells in _records(file, form) if len(cells) == len(form.header) and all(cells[i] == v for i, v in at.items())]


def _records(file: VocabularyFile, form: _Form) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each record after the header; undecodable bytes as surrogates. A record that spans lines has its last line's number."""
    with file.open() as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        reader = csv.reader(lines, delimiter=form.delimiter, quoting=csv.QUOTE_MINIMAL if form.quoted else csv.QUOTE_NONE, strict=True)
        next(reader, None)
        for cells in reader:
            if cells:
                yield reader.line_num, cells


def _fault(file: VocabularyFile, form: _Form) -> SuwenError | None:
    """What is wrong with the file and where; None when nothing is found."""
    line, chunk = 1, list[tuple[int, list[str]]]()
    try:
        for line, cells in _records(file, form):
            problem = _misshapen(cells, form)
            if problem:
                return _unreadable(chunk, file, form) or SuwenError(problem[0], where=Place(file.name, line), expected=problem[1])
            chunk.append((line, cells))
            if len(chunk) == _CHUNK:
                found = _unreadable(chunk, file, form)
                if found:
                    return found
                chunk.clear()
    except csv.Error:
        return SuwenError("the line cannot be split into fields", where=Place(file.name, line + 1), expected="quotes around whole fields, inner quotes doubled")
    except _DAMAGED:
        return _damaged(Place(file.name, line))
    return _unreadable(chunk, file, form)


def _damaged(place: Place) -> SuwenError:
    return SuwenError("the archive is damaged", where=place, do="fetch it again")


def _misshapen(cells: list[str], form: _Form) -> tuple[str, str] | None:
    if len(cells) != len(form.header):
        return f"the line has {len(cells)} fields", f"{len(form.header)} fields, as in the header"
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return "the line is not UTF-8", "UTF-8 text"
    return None


def _unreadable(chunk: list[tuple[int, list[str]]], file: VocabularyFile, form: _Form) -> SuwenError | None:
    """The first value of some well-shaped records that is not of its column's type: all at once, and only then one by one."""
    for column in file.table.columns:
        at = form.header.index(column.name)
        if _fits([cells[at] for _, cells in chunk], column):
            continue
        line, text = next((line, cells[at]) for line, cells in chunk if not _fits([cells[at]], column))
        what = f"the column {column.name} cannot be read" if text else f"the column {column.name} is empty"
        return SuwenError(what, where=Place(file.name, line), expected=_WANTED[column.type])
    return None


def _fits(texts: list[str], column: Column) -> bool:
    try:
        _typed(pa.array([t or None for t in texts], pa.string()), column)
    except pa.ArrowInvalid:
        return False
    return True
