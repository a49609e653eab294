"""Tables as CSV, Arrow and JSON text: nothing is lost, nothing can act."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.serve.api.forms import _arrow, _csv, neutral
from suwen.serve.api.limits import Rate
from suwen.serve.api.numbers import decimal, exact, plain

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


def written(texts: list[str | None], bom: bool = False) -> tuple[pa.Schema, bytes]:
    schema = pa.schema([("a", pa.string()), ("n", pa.int64())])
    batches = [pa.RecordBatch.from_pydict({"a": [text], "n": [-1]}, schema=schema) for text in texts]
    return schema, b"".join(_csv(schema, batches, 3, bom))


@given(st.lists(TEXTS, max_size=5))
def test_csv_gives_back_every_text_behind_at_most_an_apostrophe(texts: list[str]) -> None:
    _, body = written(list(texts))
    rows = list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert rows[0] == ["a", "n", "release"]
    assert len(rows) == len(texts) + 1
    for text, row in zip(texts, rows[1:], strict=True):
        assert row[0].removeprefix("'") == text.replace("\0", "\ufffd").removeprefix("'")
        assert row[1:] == ["-1", "3"]


@pytest.mark.parametrize("text", ["=1+1", "+SUM(1)", "-2+3", "@A1", "＝1", "\t=1", " =cmd|' /C calc'!A0", "\u3000@x", "\r=1", "+86-555", "=", "-"])
def test_what_begins_like_a_formula_stands_behind_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "-3.5", "+7", "2025-01-01", "a=1", "'=1", "郭••", "<script>", "\u202eabc"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


def test_csv_begins_with_a_mark_where_asked() -> None:
    assert written(["a"], bom=True)[1] == b"\xef\xbb\xbf" + written(["a"])[1]
    assert written([None])[1] == b"a,n,release\r\n,-1,3\r\n"


@given(st.lists(TEXTS, max_size=5))
def test_arrow_gives_back_every_text(texts: list[str]) -> None:
    schema = pa.schema([("a", pa.string())])
    body = b"".join(_arrow(schema, [pa.RecordBatch.from_pydict({"a": [text]}, schema=schema) for text in texts], 3))
    found = pa.ipc.open_stream(io.BytesIO(body))
    assert found.schema.metadata == {b"suwen.release": b"3"}
    assert found.read_all()["a"].to_pylist() == texts


def test_a_stream_reads_no_further_than_it_is_read() -> None:
    asked: list[int] = []
    schema = pa.schema([("n", pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        for at in range(1_000):
            asked.append(at)
            yield pa.RecordBatch.from_pydict({"n": [at]}, schema=schema)

    for chunks in (_arrow(schema, batches(), 1), _csv(schema, batches(), 1, False)):
        asked.clear()
        for _ in range(5):
            next(chunks)
        assert len(asked) <= 5


def test_numbers_are_exact_texts() -> None:
    assert [decimal(one) for one in (Fraction(1, 8), Fraction(7), Decimal("-0.50"), None)] == ["0.125", "7", "-0.5", None]
    assert (decimal(Fraction(2, 3)), decimal(Fraction(2, 3), 2), exact(Fraction(4, 6))) == ("0.666666666667", "0.67", "2/3")
    assert decimal(Fraction(100)) == "100"
    shown = [plain(one) for one in (2**62 + 1, Decimal("1.2000"), date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3), True, None, "x")]
    assert shown == ["4611686018427387905", "1.2", "2024-02-29", "2024-02-29T01:02:03", True, None, "x"]


def test_a_bucket_fills_evenly() -> None:
    now = [0.0]
    rate = Rate(60, lambda: now[0])
    assert [rate.wait("a") for _ in range(60)] == [0.0] * 60
    assert rate.wait("a") == pytest.approx(1.0)
    assert rate.wait("b") == 0.0
    now[0] = 0.5
    assert rate.wait("a") == pytest.approx(0.5)
    now[0] = 1.0
    assert rate.wait("a") == 0.0
