"""A record's bytes found again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from suwen.base.errors import SuwenError
from suwen.intake.formats.delimited.dialect import RECORD_LIMIT, Dialect
from suwen.intake.formats.delimited.member import STRIDE, Location, Member
from suwen.intake.formats.delimited.rows import Slice, skip_to
from suwen.intake.formats.delimited.scan import blocks

Open = Callable[[], BinaryIO]


def locate(open_stream: Open, member: Member, record: int, *, record_limit: int = RECORD_LIMIT) -> Location:
    """Where one record (number of the receipt) lies; reads at most 1,024 records. Raises SuwenError for a number that is not there."""
    return next(iter(locate_many(open_stream, member, [record], record_limit=record_limit)))


def locate_many(open_stream: Open, member: Member, records: Sequence[int], *, record_limit: int = RECORD_LIMIT) -> Iterator[Location]:
    """Where the records (numbers of the receipt) lie, in ascending order without repeats; passes over what lies between them.

    Raises SuwenError for a number that is not there.
    """
    by_stride: dict[int, set[int]] = {}
    for record in records:
        if not member.first_record <= record < member.first_record + member.records:
            last = member.first_record + member.records - 1
            raise SuwenError(f"there is no record {record} in this file", where=member.name, expected=f"a number from {member.first_record} to {last}")
        by_stride.setdefault((record - member.first_record) // STRIDE, set()).add(record)
    with open_stream() as stream:
        at = 0
        for stride, wanted in sorted(by_stride.items()):
            start = int(member.starts[stride])
            end = int(member.starts[stride + 1]) if stride + 1 < len(member.starts) else member.length
            skip_to(stream, at, start)
            source = Slice(stream, end - start)
            yield from (
                one
                for one in _walk(source, member, start, int(member.lines[stride]), member.first_record + stride * STRIDE, record_limit)
                if one.record in wanted
            )
            at = end


def ranges(open_stream: Open, member: Member, *, record_limit: int = RECORD_LIMIT) -> Iterator[Location]:
    """Every record in order. With bytes 0 to `data_offset` and the blank lines between they cover the member."""
    if not member.records:
        return
    with open_stream() as stream:
        start = int(member.starts[0])
        skip_to(stream, 0, start)
        yield from _walk(Slice(stream, member.length - start), member, start, int(member.lines[0]), member.first_record, record_limit)


def bytes_of(open_stream: Open, location: Location) -> bytes:
    """Exactly the bytes of a located record."""
    with open_stream() as stream:
        skip_to(stream, 0, location.byte_offset)
        return stream.read(location.byte_length)


def _walk(source: Slice, member: Member, offset: int, line: int, number: int, limit: int) -> Iterator[Location]:
    dialect = Dialect(member.encoding, member.delimiter, member.quote, limit=limit)
    for block in blocks(source, dialect, len(member.columns), offset, line):
        for start, end, own in zip(block.starts.tolist(), block.ends.tolist(), block.lines_of(block.starts).tolist(), strict=True):
            yield Location(number, block.offset + start, end - start, own)
            number += 1
