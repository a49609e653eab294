"""The header of a delimited file: which bytes it is, and the names it gives."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence

from suwen.base.errors import Place, SuwenError
from suwen.intake.formats.delimited.dialect import SAMPLE_BYTES, Dialect
from suwen.intake.formats.delimited.encoded import first_line
from suwen.intake.formats.delimited.rows import split, unended
from suwen.intake.formats.delimited.scan import first_record
from suwen.model.pack import Delimited
from suwen.model.staging import FEED, ISSUES, OWNER, RECEIPT, RECORD, RUN, SALT, TEMPLATE

RESERVED = (ISSUES, RECEIPT, RECORD, TEMPLATE, RUN, OWNER, FEED, SALT)
BAD_HEADER = "RDR-007"
_ENCODING = "the `encoding` that the template's [reader] declares"


def read_header(head: bytes, dialect: Dialect, spec: Delimited, name: str, columns: Sequence[str]) -> tuple[tuple[str, ...], int, int]:
    """Column names, offset of the first byte after the header and its 1-based line; `head`: the file's first bytes.

    `columns` are those of a file without header. An empty file has `columns` and no more. Raises SuwenError with file, line and column number.
    """
    if head.startswith(BOM_UTF8) and not dialect.mark:
        raise _refused(f"the file begins with the mark of UTF-8, and was to be {dialect.encoding}", Place(name, 1), _ENCODING)
    eof = len(head) < SAMPLE_BYTES
    offset, line = dialect.mark, 1
    for _ in range(spec.skip_lines):
        offset, line = _skip_line(head, offset, dialect, Place(name, line)), line + 1
    if not spec.header:
        if not columns:
            raise SuwenError("the file has no header and no columns were declared", where=name, do="name the kind's `columns` in the template")
        _check_columns(columns, Place(name))
        return tuple(columns), offset, line
    block = first_record(head[offset:], eof, dialect, offset, line)
    if block is None:
        if eof and not head[offset:].strip(b"\r\n\0"):
            return tuple(columns), len(head), line + head[offset:].count(b"\n")
        raise _refused("the header does not end within the record limit", Place(name, line), "a header line that names the columns")
    start, end = int(block.starts[0]), int(block.ends[0])
    place = Place(name, int(block.lines_of(block.starts[:1])[0]))
    named = _names(block.raw[start:end], bool(block.rejected.get(0)), dialect, place)
    _check_columns(named, place)
    return named, offset + end, int(block.lines_of(block.ends[:1] - 1)[0]) + 1


def _names(raw: bytes, rejected: bool, dialect: Dialect, place: Place) -> tuple[str, ...]:
    try:
        found = None if rejected else split(unended(raw.decode(dialect.encoding)), dialect)
    except UnicodeDecodeError:
        raise _refused(f"the header is not valid {dialect.encoding}", place, _ENCODING) from None
    if found is None:
        raise _refused("the quoting of the header is broken, or it is too long", place, "each quoted name closed by a quote directly before the delimiter")
    return tuple(value for value, _ in found)


def _skip_line(head: bytes, offset: int, dialect: Dialect, place: Place) -> int:
    length = first_line(head[offset:], dialect)
    if not length:
        raise _refused("the file ends before the lines to skip do", place, "as many lines as `skip_lines` of the template's [reader] says, and a header")
    return offset + length


def _check_columns(columns: Sequence[str], place: Place) -> None:
    seen: dict[str, int] = {}
    for number, column in enumerate(columns, 1):
        if not column.strip():
            raise _refused(f"column {number} has no name", place, "a header that names every column")
        if not column.isprintable():
            raise _refused(f"the name of column {number} holds characters that cannot be printed", place, "lines ended by LF or CR LF, and the right encoding")
        if column.lower() in RESERVED:
            raise _refused(f"column {number} has a name that Suwen uses itself", place, f"a name other than {', '.join(RESERVED)}")
        if column.lower() in seen:
            raise _refused(f"columns {seen[column.lower()]} and {number} have the same name", place, "names that differ, not only in case")
        seen[column.lower()] = number


def _refused(what: str, place: Place, expected: str) -> SuwenError:
    return SuwenError(what, where=place, expected=expected, do="have the file exported again, or mend the template's [reader]", code=BAD_HEADER)
