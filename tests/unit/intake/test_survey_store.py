"""Surveys of receipts: members numbered one after the other, kept by content and spec, made again when damaged."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.intake import survey_store
from suwen.intake.archive import Refusal
from suwen.intake.formats.delimited import Member, bytes_of, locate_many, read, read_pieces
from suwen.intake.landing import Landing
from suwen.intake.survey_store import opener, survey_receipt
from suwen.model.pack import Delimited
from suwen.model.receipt import Mode, Receipt

SPEC = Delimited()
TEXT = b"a,b\n" + b"".join(b"%d,x\n" % n for n in range(3000))


def landed(tmp_path: Path, name: str, data: bytes) -> tuple[Landing, Receipt]:
    path = tmp_path / name
    path.write_bytes(data)
    landing = Landing(tmp_path / "landing")
    delivery = landing.land("h1", [path], as_of=date(2024, 1, 1), mode=Mode.SNAPSHOT, received_at=datetime(2024, 1, 1, tzinfo=UTC))
    return landing, delivery.receipts[0]


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(f"{name}.csv", data)
    return stream.getvalue()


def members(landing: Landing, receipt: Receipt, spec: Delimited = SPEC, piece_bytes: int = 1 << 20) -> tuple[Member, ...]:
    found = survey_receipt(landing, receipt, spec, piece_bytes=piece_bytes)
    assert not isinstance(found, Refusal)
    return found


def test_plain_gzip_and_zip_hold_the_same(tmp_path: Path) -> None:
    for name, data, codec in (("a.csv", TEXT, ""), ("a.csv.gz", gzip.compress(TEXT), "gzip"), ("a.zip", zipped(a=TEXT), "zip")):
        landing, receipt = landed(tmp_path, name, data)
        (member,) = members(landing, receipt, piece_bytes=5000)
        assert (member.name, member.codec, member.records, member.direct) == ("a.csv", codec, 3000, codec == "")
        assert len(member.pieces) > 1
        open_stream = opener(landing, receipt, member)
        single = [row for piece in member.pieces for batch in read(open_stream, SPEC, member, piece) for row in batch["a"].to_pylist()]
        assert single == [str(n) for n in range(3000)]
        assert [row for _, batches in read_pieces(open_stream, SPEC, member) for batch in batches for row in batch["a"].to_pylist()] == single
        places = list(locate_many(open_stream, member, [1, 1500, 3000]))
        assert [bytes_of(open_stream, place) for place in places] == [b"0,x\n", b"1499,x\n", b"2999,x\n"]


def test_members_are_numbered_one_after_the_other(tmp_path: Path) -> None:
    landing, receipt = landed(tmp_path, "all.zip", zipped(z=b"a\n1\n2\n", empty=b"a\n", b=b"a\n3\n"))
    found = members(landing, receipt)
    assert [(one.name, one.position, one.first_record, one.records) for one in found] == [("z.csv", 1, 1, 2), ("empty.csv", 2, 3, 0), ("b.csv", 3, 3, 1)]
    assert found[2].pieces[0].first_record == 3
    assert [place.record for place in locate_many(opener(landing, receipt, found[2]), found[2], [3])] == [3]
    assert [one.name for one in survey_receipt(landing, receipt, SPEC, wanted=lambda name: name != "z.csv")] == ["empty.csv", "b.csv"]  # type: ignore[union-attr]


def test_a_member_refused_refuses_the_receipt(tmp_path: Path) -> None:
    whole = zipped(a=b"a\n1\n", b=b"a\n" + bytes(range(65, 91)) * 50)
    at = whole.find(b"b.csv") + 20
    landing, receipt = landed(tmp_path, "all.zip", whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
    found = survey_receipt(landing, receipt, SPEC)
    assert isinstance(found, Refusal)
    assert found.code == "RDR-014"
    landing, receipt = landed(tmp_path, "two.zip", zipped(a=TEXT, b=TEXT))
    assert isinstance(survey_receipt(landing, receipt, SPEC, total_limit=len(TEXT) + 10), Refusal)
    assert len(members(landing, receipt)) == 2


def test_of_a_small_file_no_survey_is_kept(tmp_path: Path) -> None:
    landing, receipt = landed(tmp_path, "a.csv", TEXT)
    assert members(landing, receipt) and not list(landing.surveys.iterdir())
    _, larger = landed(tmp_path, "b.csv", TEXT * (1 + survey_store.WORTH_KEEPING // len(TEXT)))
    assert members(landing, larger) and len(list(landing.surveys.glob("*.npz"))) == 1


def test_a_survey_is_made_once_and_again_when_its_copy_is_lost_or_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_store, "WORTH_KEEPING", 0)
    landing, receipt = landed(tmp_path, "a.csv", TEXT)
    made: list[str] = []
    real = survey_store.survey

    def counted(*args: object, **named: object) -> Member:
        made.append("")
        return real(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(survey_store, "survey", counted)
    first = members(landing, receipt)[0]
    assert members(landing, receipt)[0].to_bytes() == first.to_bytes()
    assert len(made) == 1
    (kept,) = landing.surveys.glob("*.npz")
    good = kept.read_bytes()
    for number, damaged in enumerate((good[:100], b"", good[: len(good) // 2] + b"\0" + good[len(good) // 2 + 1 :], None), 2):
        if damaged is None:
            kept.unlink()
        else:
            kept.write_bytes(damaged)
        assert members(landing, receipt)[0].to_bytes() == first.to_bytes()
        assert len(made) == number
        assert kept.read_bytes() == good
    members(landing, receipt, Delimited(quote="none"))
    members(landing, receipt, piece_bytes=100)
    assert len(list(landing.surveys.iterdir())) == 3


def test_the_same_bytes_under_another_name_keep_their_own_name(tmp_path: Path) -> None:
    landing, first = landed(tmp_path, "a.csv", TEXT)
    _, second = landed(tmp_path, "b.csv", TEXT)
    assert [members(landing, receipt)[0].name for receipt in (first, second)] == ["a.csv", "b.csv"]


def test_what_is_no_delimited_text_is_said_with_its_member(tmp_path: Path) -> None:
    landing, receipt = landed(tmp_path, "all.zip", zipped(good=b"a\n1\n", bad=b"a,a\n1,2\n"))
    with pytest.raises(SuwenError) as error:
        survey_receipt(landing, receipt, SPEC)
    assert str(error.value.where) == "bad.csv:1"
    landing.object_path(receipt.sha256).unlink()
    with pytest.raises(SuwenError, match="not in landing"):
        survey_receipt(landing, receipt, SPEC)
