"""What a file holds is what the plain reading of the rules says, for generated and mutated bytes in every kind of encoding."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suwen.intake.formats.delimited import bytes_of, locate, locate_many, ranges, read, read_pieces, survey
from suwen.model.pack import Delimited
from tests.unit.intake import oracle

LIMIT = 48
ENCODINGS = ["utf-8", "gb18030", "gbk", "big5", "shift_jis", "latin-1", "utf-16-le", "utf-16-be"]
# In GB18030 the second byte of 亅, 亊, 乛 and 乗 is `|`, `~`, `^` or `\`; 㐁 takes four bytes with digits in them.
WIDE = {"gb18030": "亅亊乛乗張㐁", "gbk": "亅亊乛乗張", "big5": "功教咽許蓋", "shift_jis": "ソ表能十貼ポ", "latin-1": "éÿ", "utf-8": "张\ufeff€𠀀"}
PIECES = ["\n", "\n", "\r\n", "\r", '"', '"', '""', "a", "bc", " ", "\0", "NULL"]


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, str, str, str]:
    encoding = draw(st.sampled_from(ENCODINGS))
    delimiter = draw(st.sampled_from([",", "|", "^", "~", "\\", "\t", "||", "|~|"]))
    quote = draw(st.sampled_from(['"', '"', "none", "'"]))
    alphabet = [*PIECES, delimiter, delimiter, delimiter, *WIDE.get(encoding, "张𠀀"), quote if len(quote) == 1 else "'"]
    if draw(st.booleans()):
        # Mostly good records, so that the fast ways are walked too.
        field = st.sampled_from(["", "a", "bc", *WIDE.get(encoding, "张"), '""', '"a"', f'"{delimiter}"', '"x""y"', '"\n"'])
        rows = draw(st.lists(st.tuples(field, field, field), max_size=12))
        end = draw(st.sampled_from(["\n", "\r\n"]))
        text = "".join(delimiter.join(row) + end for row in rows)
    else:
        text = "".join(draw(st.lists(st.sampled_from(alphabet), max_size=40)))
    raw = text.encode(encoding)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.sampled_from([b"\x81", b"\xff", b"\n", b'"', b"\xe5\xbc", b"\0", b"", b"\x81\x30"])) + raw[at + draw(st.integers(0, 1)) :]
    return raw, encoding, delimiter, quote


@settings(max_examples=400, deadline=None)
@given(file=files(), piece_bytes=st.sampled_from([1, 7, 30, 1 << 20]), null=st.sampled_from([("",), ("", "NULL", "a")]))
@example(file=(b'a,b,c\n"x\ny,z\n"q",1,2\n', "utf-8", ",", '"'), piece_bytes=1, null=("",))
@example(file=(b"\xef\xbb\xbf,b,c\n", "utf-8", ",", '"'), piece_bytes=1, null=("",))
@example(file=(b'"' + b"x" * 60 + b'\n"a",b,c\n', "utf-8", ",", '"'), piece_bytes=7, null=("",))
@example(file=(b'x",",y\n' * 12, "utf-8", ",", '"'), piece_bytes=7, null=("",))
@example(file=(b'a,b,c\n,"",', "utf-8", ",", '"'), piece_bytes=1, null=("",))
@example(file=(b"a,b,c\n" + b"y" * 60 + b",b,c\n1,2,3\n", "utf-8", ",", '"'), piece_bytes=1 << 20, null=("",))
@example(file=(b'a,b,c\n1,2,"3"4\n' + b"y" * 60 + b",b,c\n1,2,3\n", "utf-8", ",", '"'), piece_bytes=1 << 20, null=("",))
@example(file=(b"a,b,c\n" + b"y" * 100 + b"\n1,2,3", "utf-8", ",", '"'), piece_bytes=1, null=("",))
def test_survey_read_and_locate_agree_with_the_plain_rules(file: tuple[bytes, str, str, str], piece_bytes: int, null: tuple[str, ...]) -> None:
    raw, encoding, delimiter, quote = file
    spec = Delimited(delimiter=delimiter, quote=quote, encoding=encoding, header=False, null=null)
    columns = ("a", "b", "c")

    def opened() -> io.BytesIO:
        return io.BytesIO(raw)

    member = survey(opened, spec, name="f", columns=columns, piece_bytes=piece_bytes, record_limit=LIMIT)
    expected = oracle.records(raw[member.data_offset :], encoding, delimiter, "" if quote == "none" else quote, len(columns), LIMIT, null)
    shift = member.data_offset

    found = list(ranges(opened, member, record_limit=LIMIT))
    assert [(one.byte_offset, one.byte_offset + one.byte_length, one.line) for one in found] == [(e.start + shift, e.end + shift, e.line) for e in expected]
    assert [one.record for one in found] == list(range(1, len(expected) + 1))
    assert member.records == len(expected) == sum(piece.records for piece in member.pieces)

    # Header, records and blank lines cover the file, no byte twice.
    at, blank = shift, 0
    for one in found:
        assert raw[at : one.byte_offset].decode(encoding, "replace").strip("\r\n") == ""
        blank += one.byte_offset - at
        at = one.byte_offset + one.byte_length
    assert blank + len(raw) - at == member.gap_bytes
    assert member.length == len(raw)

    rows = [row for piece in member.pieces for row in _rows(list(read(opened, spec, member, piece, record_limit=LIMIT)), piece.records)]
    wanted = [[*(e.values or [None] * 3), e.code] for e in expected]
    assert rows == wanted
    assert rows == [row for piece, batches in read_pieces(opened, spec, member, record_limit=LIMIT) for row in _rows(list(batches), piece.records)]

    first = 1
    for piece in member.pieces:
        assert piece.first_record == first
        first += piece.records
        if piece.regular:
            assert all(e.code is None for e in expected[piece.first_record - 1 : first - 1])
    assert list(locate_many(opened, member, [one.record for one in found], record_limit=LIMIT)) == found
    for one in found[-1:]:
        assert locate(opened, member, one.record, record_limit=LIMIT) == one
        assert bytes_of(opened, one) == raw[one.byte_offset : one.byte_offset + one.byte_length]


def _rows(batches: list[pa.RecordBatch], records: int) -> list[list[str | None]]:
    for batch in batches:
        batch.validate(full=True)
    assert sum(batch.num_rows for batch in batches) == records
    return [list(row.values()) for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "big5", "shift_jis"])
def test_there_are_characters_whose_second_byte_is_a_delimiter(encoding: str) -> None:
    """The property above would be idle without them."""
    seconds = {char.encode(encoding)[1:2] for char in WIDE[encoding]}
    assert seconds & {b"|", b"^", b"~", b"\\"}
