"""Among badly quoted lines, those read in columns give what the plain rules give: none that is bad is taken, none that is good refused."""

from __future__ import annotations

import io
import re

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suwen.intake.formats.delimited import read, survey
from suwen.intake.formats.delimited.dialect import Dialect
from suwen.intake.formats.delimited.encoded import lines_of
from suwen.intake.formats.delimited.rows import split, unended
from suwen.intake.formats.delimited.vector import plain_lines
from suwen.model.pack import Delimited
from tests.unit.intake import oracle

LIMIT = 40
WELL_QUOTED = re.compile(r'(?:"[^"]*"|[^",]*)(?:,(?:"[^"]*"|[^",]*)){2}')
QUOTES = ['"', '""', '"""', '","', '"a"', '"a"b', 'a"', 'a"b', '"', "", "a", "张", '"x""y"', '"\r"', "\r", '"\n"', "\0", "\ufffd", '" "', ' "a"']
GOOD = ["", "a", '"a"', '"a,b"', '""', 'a"b', '"张"', '"x""y"', '","', '"NULL"', "NULL"]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Records of three fields, most of them well quoted, between lines of any quotes."""
    rows = draw(st.lists(st.tuples(st.integers(0, 3), st.lists(st.sampled_from(QUOTES), max_size=4), st.tuples(*[st.sampled_from(GOOD)] * 3)), max_size=14))
    ends = draw(st.sampled_from([("\n",), ("\r\n",), ("\n", "\r\n")]))
    found = [(",".join(good) if turn else ",".join(wild)) + draw(st.sampled_from(ends)) for turn, wild, good in rows]
    text = draw(st.sampled_from(["", '"a"b,c,d\n', '"\n'])) + "".join(found)
    return text[: len(text) - draw(st.integers(0, 2))] if text else text


@settings(max_examples=300, deadline=None)
@given(
    text=texts(),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16-le"]),
    spoil=st.one_of(st.none(), st.integers(0, 400)),
    pieces=st.sampled_from([9, 1 << 20]),
)
@example(text='"a"b,c,d\n""",""",a,\n', encoding="utf-8", spoil=None, pieces=1 << 20)
@example(text='"a"b,c,d\n"a","b,\nc",d\n"a",b,c\n', encoding="utf-8", spoil=None, pieces=1 << 20)
@example(text='"a"b,c,d\na"b,"c",d\n"a",b"c",d\n', encoding="utf-8", spoil=None, pieces=1 << 20)
def test_lines_among_badly_quoted_ones_are_read_as_the_plain_rules_say(text: str, encoding: str, spoil: int | None, pieces: int) -> None:
    raw = text.encode(encoding)
    if spoil is not None and raw:
        raw = raw[: spoil % len(raw)] + b"\xff" + raw[spoil % len(raw) + (1 if encoding != "utf-16-le" else 0) :]
    spec = Delimited(delimiter=",", quote='"', encoding=encoding, header=False, null=("", "NULL"))

    def opened() -> io.BytesIO:
        return io.BytesIO(raw)

    member = survey(opened, spec, name="f", columns=("a", "b", "c"), piece_bytes=pieces, record_limit=LIMIT)
    expected = oracle.records(raw[member.data_offset :], encoding, ",", '"', 3, LIMIT, ("", "NULL"))
    rows = [list(row.values()) for piece in member.pieces for batch in read(opened, spec, member, piece, record_limit=LIMIT) for row in batch.to_pylist()]
    assert rows == [[*(e.values or [None] * 3), e.code] for e in expected]


@settings(max_examples=300, deadline=None)
@given(text=texts())
def test_a_plain_line_is_a_record_of_three_fields_and_a_well_quoted_one_is_plain(text: str) -> None:
    lines = lines_of(text.encode(), Dialect("utf-8", ",", '"'), text.endswith("\n"))
    if not text:
        return
    feeds = np.flatnonzero(np.frombuffer(lines.text, np.uint8) == 10)
    plain = plain_lines(lines, feeds, Dialect("utf-8", ",", '"'), 3)
    for line, taken in zip(lines.text.decode().split("\n")[:-1], plain.tolist(), strict=True):
        found = split(unended(line), Dialect("utf-8", ",", '"'))
        if taken:
            assert found is not None and len(found) == 3
        elif not set("\r\0\ufeff") & set(line):
            assert not WELL_QUOTED.fullmatch(line)
