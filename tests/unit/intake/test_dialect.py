"""Sniffing: what is plain is told, what is not is asked for."""

from __future__ import annotations

import io

import pytest

from suwen.base.errors import SuwenError
from suwen.intake.formats.delimited import Member, read, survey
from suwen.model.pack import Delimited

SNIFF = Delimited(delimiter="", quote="", encoding="")
CHINESE = "姓名{d}诊断{d}科室\n张三{d}急性上呼吸道感染{d}呼吸内科\n李四{d}高血压病{d}心血管内科\n"


def surveyed(raw: bytes, spec: Delimited = SNIFF) -> Member:
    return survey(lambda: io.BytesIO(raw), spec, name="f.csv")


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";", "^", "~", "\x01", "\x1f"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-16"])
def test_delimiter_and_encoding_are_told(encoding: str, delimiter: str) -> None:
    member = surveyed(CHINESE.format(d=delimiter).encode(encoding))
    assert member.delimiter == delimiter
    assert member.columns == ("姓名", "诊断", "科室")
    assert member.records == 2
    assert all(piece.regular for piece in member.pieces)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b;c\n1,2;3\n4,5;6\n", ","),
        ("a;b\n1,5;2,5\n3;4,5\n", ";"),
        ('a|b\n"x,y,z"|1\n"p,q"|2\n', "|"),
        ("name\nZhang\nLi\n", ","),
        ("", ","),
        ("a\tb\n1\t\n", "\t"),
    ],
)
def test_the_more_consistent_delimiter_wins(text: str, delimiter: str) -> None:
    assert surveyed(text.encode()).delimiter == delimiter


def test_ascii_for_a_megabyte_and_chinese_after() -> None:
    head = "a,b\n" + "plain,text\n" * 200_000
    for encoding in ("utf-8", "gb18030"):
        raw = (head + "张三,急性上呼吸道感染\n").encode(encoding)
        member = surveyed(raw)
        assert member.encoding == encoding
        assert member.records == 200_001
        batches = list(read(lambda raw=raw: io.BytesIO(raw), SNIFF, member, member.pieces[-1]))
        assert batches[-1].to_pylist()[-1] == {"a": "张三", "b": "急性上呼吸道感染", "_issues": None}


def test_what_cannot_be_told_is_asked_for_naming_what_was_tried() -> None:
    with pytest.raises(SuwenError, match="encoding cannot be told") as error:
        surveyed("nom,prénom\nDupré,Zoé\n".encode("latin-1"))
    assert "GB18030" in error.value.expected
    assert "Dupr" not in str(error.value)
    with pytest.raises(SuwenError, match="delimiter cannot be told") as error:
        surveyed(b"a b c\nd e f g\n- h i\n")
    assert "'|'" in error.value.expected
    assert error.value.code == "RDR-008"


@pytest.mark.parametrize("encoding", ["nonsense", "utf-7", "hz", "iso2022_jp", "utf-32", "base64", "idna", "cp037"])
def test_encodings_that_cannot_be_cut_at_line_feeds_are_refused(encoding: str) -> None:
    with pytest.raises(SuwenError, match="not one that can be read"):
        surveyed(b"a,b\n", Delimited(encoding=encoding))


@pytest.mark.parametrize(
    "spec", [Delimited(delimiter="\n"), Delimited(delimiter='"'), Delimited(quote="ab"), Delimited(delimiter="a\rb"), Delimited(quote="\n")]
)
def test_an_impossible_dialect_is_refused(spec: Delimited) -> None:
    with pytest.raises(SuwenError, match="cannot be used together"):
        surveyed(b"a,b\n", spec)
