"""Delimited text by example: known answers, headers, pieces, encodings."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.intake.formats.delimited import Location, Member, bytes_of, locate, locate_many, read, survey
from suwen.model.pack import Delimited

SPECTRUM = [
    "comma_in_quotes",
    "empty",
    "empty_crlf",
    "escaped_quotes",
    "json",
    "location_coordinates",
    "newlines",
    "newlines_crlf",
    "quotes_and_newlines",
    "simple",
    "simple_crlf",
    "utf8",
]
# csv-spectrum's expected JSON for this file has another telephone number than its CSV.
ANOTHER_NUMBER = {"1234567890": "2095257564"}


def rows(raw: bytes, spec: Delimited = Delimited(), columns: tuple[str, ...] = (), **more: int) -> list[dict[str, str | None]]:  # noqa: B008
    def opened() -> io.BytesIO:
        return io.BytesIO(raw)

    member = survey(opened, spec, name="f.csv", columns=columns, **more)
    return [row for piece in member.pieces for batch in read(opened, spec, member, piece) for row in batch.to_pylist()]


def surveyed(raw: bytes, spec: Delimited = Delimited(), **more: int) -> Member:  # noqa: B008
    return survey(lambda: io.BytesIO(raw), spec, name="f.csv", **more)


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["as shared", "CR LF"])
@pytest.mark.parametrize("spec", [Delimited(), Delimited(delimiter="", quote="", encoding="")], ids=["declared", "sniffed"])
@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum(shared: Path, name: str, spec: Delimited, ends: bytes) -> None:
    """https://github.com/max-mapper/csv-spectrum; `null` and empty text are not told apart there. The shared copy has lost its CR LF."""
    folder = shared / "data" / "robustness"
    raw = (folder / "csvs" / f"{name}.csv").read_bytes().replace(b"\n", ends)
    expected = json.loads((folder / "json" / f"{name}.json").read_text("utf-8"))
    newline = ends.decode()
    wanted = [
        {key: ANOTHER_NUMBER.get(value, value).replace("\r\n", "\n").replace("\n", newline) for key, value in row.items()}
        for row in (expected if isinstance(expected, list) else [expected])
    ]
    found = rows(raw, spec)
    assert [row.pop("_issues") for row in found] == [None] * len(wanted)
    assert [{key: value or "" for key, value in row.items()} for row in found] == wanted


def test_nothing_and_empty_text_are_told_apart() -> None:
    assert rows(b'a,b,c\n,"",NULL\n"NULL",x,\n', Delimited(null=("", "NULL"))) == [
        {"a": None, "b": "", "c": None, "_issues": None},
        {"a": "NULL", "b": "x", "c": None, "_issues": None},
    ]


def test_each_bad_record_has_its_code_and_the_next_is_read() -> None:
    raw = b'a,b\n1,2\n1\n1,2,3\n"x,2\n"y"z,2\n\xff,2\n\0,2\n' + b"z" * 100 + b',2\n\n1,"2\n3"\n'
    spec = Delimited()
    bad = ["RDR-001", "RDR-001", "RDR-002", "RDR-002", "RDR-003", "RDR-004"]
    found = [(row["a"], row["b"], row["_issues"]) for row in rows(raw, spec)]
    assert found == [("1", "2", None), *((None, None, code) for code in bad), ("z" * 100, "2", None), ("1", "2\n3", None)]
    member = surveyed(raw, record_limit=64)
    batches = read(lambda: io.BytesIO(raw), spec, member, member.pieces[0], record_limit=64)
    assert [code for batch in batches for code in batch["_issues"].to_pylist()] == [None, *bad, "RDR-005", None]
    assert member.gap_bytes == 1


def test_a_quote_never_closed_costs_one_record() -> None:
    raw = b"a,b\n" + b'1,"2\n' + b"3,4\n" * 300_000
    member = surveyed(raw)
    assert member.records == 300_001
    issues = [code for piece in member.pieces for batch in read(lambda: io.BytesIO(raw), Delimited(), member, piece) for code in batch["_issues"].to_pylist()]
    assert (issues[0], set(issues[1:])) == ("RDR-002", {None})


def test_lines_that_each_leave_a_quote_open_are_read_in_linear_time() -> None:
    """Every line could be the beginning of a record that never ends: each is looked at once, not once for each line before."""
    assert surveyed(b"a,b\n" + b'x",",y\n' * 30_000).records == 30_000


@pytest.mark.parametrize(
    ("encoding", "delimiter", "char"),
    [
        ("gb18030", "|", "亅"),
        ("gb18030", "^", "乛"),
        ("gb18030", "~", "亊"),
        ("gb18030", "\\", "乗"),
        ("gbk", "|", "亅"),
        ("big5", "\\", "功"),
        ("big5", "|", "咽"),
        ("shift_jis", "\\", "表"),
        ("shift_jis", "|", "ポ"),
    ],
)
def test_a_second_byte_that_looks_like_the_delimiter_is_none(encoding: str, delimiter: str, char: str) -> None:
    chars = [one for one in map(chr, range(0x3040, 0x9FFF)) if one.encode(encoding, "ignore")[1:] == delimiter.encode()][:40]
    assert char in chars
    lines = [delimiter.join((one, one * 2, "x")) for one in chars]
    raw = "\n".join([delimiter.join("abc"), *lines]).encode(encoding)
    spec = Delimited(delimiter=delimiter, encoding=encoding)
    member = surveyed(raw, spec)
    assert all(piece.regular for piece in member.pieces)
    assert not member.direct
    assert [(row["a"], row["b"], row["c"]) for row in rows(raw, spec)] == [(one, one * 2, "x") for one in chars]
    place = locate(lambda: io.BytesIO(raw), member, len(chars))
    assert bytes_of(lambda: io.BytesIO(raw), place).decode(encoding) == lines[-1]


def test_byte_order_marks_belong_to_the_header() -> None:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), ("\ufeff".encode("gb18030"), "gb18030")):
        raw = mark + "姓名|b\r\n张|2\r\n".encode(encoding)
        for declared in ("", "utf-16" if "16" in encoding else encoding):
            spec = Delimited(delimiter="|", encoding=declared)
            assert rows(raw, spec) == [{"姓名": "张", "b": "2", "_issues": None}]
            member = surveyed(raw, spec)
            assert (member.encoding, member.data_offset, member.direct) == (encoding, len(mark + "姓名|b\r\n".encode(encoding)), encoding == "utf-8")


def test_pieces_are_cut_at_records_and_say_where_they_are() -> None:
    raw = b"a,b\n" + b'1,"x\ny"\n' * 5000
    member = surveyed(raw, piece_bytes=4000)
    assert len(member.pieces) > 5
    at, first = member.data_offset, 1
    for piece in member.pieces:
        assert (piece.byte_offset, piece.first_record) == (at, first)
        assert piece.regular
        at, first = at + piece.byte_length, first + piece.records
    assert (at, first) == (len(raw), 5001)
    assert member.starts.tolist() == [4 + 8 * n for n in range(0, 5000, 1024)]
    assert member.lines.tolist() == [2 + 2 * n for n in range(0, 5000, 1024)]
    again = Member.from_bytes(member.numbered_from(11).to_bytes())
    assert (again.pieces, again.columns, again.direct) == (member.numbered_from(11).pieces, ("a", "b"), False)
    found = list(locate_many(lambda: io.BytesIO(raw), again, [5010, 11, 1500]))
    assert found == [Location(n, 4 + 8 * (n - 11), 8, 2 + 2 * (n - 11)) for n in (11, 1500, 5010)]
    for absent in (0, 10, 5011):
        with pytest.raises(SuwenError, match=f"no record {absent}"):
            locate(lambda: io.BytesIO(raw), again, absent)


def test_good_quoting_of_every_form_is_regular() -> None:
    for end in (b"\n", b"\r\n"):
        raw = end.join([b"a,b", b'"","x""y"', b'"""x""",""""', b'"1","2"', b"1,2"])
        assert all(piece.regular for piece in surveyed(raw).pieces)
        assert all(piece.regular for piece in surveyed(raw + end).pieces)
        assert [row["b"] for row in rows(raw)] == ['x"y', '"', "2", "2"]


def test_a_bad_record_makes_its_own_piece_irregular_only() -> None:
    raw = b"a,b\n" + b"1,2\n" * 5000 + b'1,"2\n1\n\n1,2\r\n' + b"1,2\n" * 5000
    regular = [piece.regular for piece in surveyed(raw, piece_bytes=2000, record_limit=100).pieces]
    assert regular.count(False) <= 2
    assert regular[0]
    assert regular[-1]


def test_empty_files_and_headers_alone_hold_no_records() -> None:
    for raw in (b"", b"\n\r\n", b"\xef\xbb\xbf", b"a,b", b"a,b\n", b"a,b\n\n\n"):
        member = surveyed(raw)
        assert (member.records, member.pieces, member.columns) == (0, (), ("a", "b") if b"a" in raw else ())
        assert rows(raw) == []
        assert Member.from_bytes(member.to_bytes()).length == len(raw)


def test_lines_before_the_header_are_skipped_and_counted() -> None:
    raw = "医院导出\n共 2 行\na,b\n1,2\n".encode()
    spec = Delimited(skip_lines=2)
    assert rows(raw, spec) == [{"a": "1", "b": "2", "_issues": None}]
    assert locate(lambda: io.BytesIO(raw), surveyed(raw, spec), 1).line == 4
    wide = "x\na,b\n1,2\n".encode("utf-16")
    assert rows(wide, Delimited(skip_lines=1, encoding="utf-16")) == [{"a": "1", "b": "2", "_issues": None}]


def test_without_a_header_the_columns_are_declared() -> None:
    assert rows(b"1,2\n", Delimited(header=False), ("x", "y")) == [{"x": "1", "y": "2", "_issues": None}]
    with pytest.raises(SuwenError, match="no header and no columns"):
        surveyed(b"1,2\n", Delimited(header=False))


@pytest.mark.parametrize(
    ("raw", "spec", "what", "line"),
    [
        (b"a,,c\n", Delimited(), "column 2 has no name", 1),
        (b"a, \n", Delimited(), "column 2 has no name", 1),
        (b"\na,A\n", Delimited(), "columns 1 and 2 have the same name", 2),
        (b"a,_issues\n", Delimited(), "column 2 has a name that Suwen uses", 1),
        (b"a,_RECORD\n", Delimited(), "column 2 has a name that Suwen uses", 1),
        (b'a,"b\n1,2\n', Delimited(), "quoting of the header", 1),
        (b'a,"b"c\n1,2\n', Delimited(), "quoting of the header", 1),
        (b"a,\xff\n", Delimited(), "not valid utf-8", 1),
        (b"\xef\xbb\xbfa,b\n1,2\n", Delimited(encoding="gb18030"), "begins with the mark of UTF-8, and was to be gb18030", 1),
        (b"a,b\r1,2\r3,4\r", Delimited(), "cannot be printed", 1),
        (b"a\0b,c\n", Delimited(), "cannot be printed", 1),
        (b"x\n", Delimited(skip_lines=1), "column|ends before", 0),
        (b"x", Delimited(skip_lines=1), "ends before the lines to skip", 1),
        (b"x" * (2 << 20), Delimited(), "does not end within", 1),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_with_its_place(raw: bytes, spec: Delimited, what: str, line: int) -> None:
    if line == 0:
        assert surveyed(raw, spec).columns == ()
        return
    with pytest.raises(SuwenError, match=what) as error:
        surveyed(raw, spec)
    assert str(error.value.where) == f"f.csv:{line}"
    assert error.value.code == "RDR-007"
    assert error.value.do


def test_a_line_longer_than_memory_allows_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"a,b\n1,2\n" + b"x" * (5 << 20) + b"\n3,4\n"
    for encoding in ("utf-8", "utf-16-le"):
        coded = raw.decode().encode(encoding)
        found = rows(coded, Delimited(encoding=encoding))
        assert [(row["a"], row["_issues"]) for row in found] == [("1", None), (None, "RDR-005"), ("3", None)]
