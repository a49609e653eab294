"""The receipts of a landing as columns: the same as its deliveries tell, read from chunks that are made again wherever they may not hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from suwen.base.errors import SuwenError
from suwen.intake import landing as landings
from suwen.intake import register
from suwen.intake.landing import Landing
from suwen.intake.register import Numbered, Receipts
from suwen.model.receipt import Delivery, Mode

NOW = datetime(2024, 5, 1, 8, 30, 0, 123456, tzinfo=UTC)
WINDOW = (date(2024, 4, 1), date(2024, 4, 30))


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """Eight deliveries of two feeds, three a chunk."""
    monkeypatch.setattr(register, "CHUNK", 3)
    made = Landing(tmp_path / "landing")
    for number in range(8):
        send(made, tmp_path, number)
    return made


def send(landing: Landing, folder: Path, number: int) -> Delivery:
    paths = [folder / f"{name}{number}.csv" for name in "ab"[: 1 + number % 2]]
    for path in paths:
        path.write_text(f"a\n{path.name}\n")
    windowed = number % 3 == 0
    return landing.land(
        f"feed{number % 2}", paths, as_of=datetime(2024, 4, 1 + number, 6, 30), mode=Mode.WINDOW if windowed else Mode.UPSERT,
        window=WINDOW if windowed else None, sender="ftp", received_at=NOW,
    )  # fmt: skip


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the deliveries that are read one by one."""
    found: list[int] = []
    real = landings._read

    def noted(numbers: Numbered) -> list[Delivery]:
        found.extend(number for number, _ in numbers)
        return real(numbers)

    monkeypatch.setattr(landings, "_read", noted)
    return found


def test_it_holds_every_receipt_as_it_is(landing: Landing) -> None:
    held = landing.register()
    expected = landing.receipts()
    assert len(held) == len(expected) == 12 and held.deliveries == 8
    for _ in range(2):  # as made, and from the chunks
        assert [held.receipt(receipt.sequence) for receipt in expected] == expected
        held = landing.register()
    assert {feed: sequences.tolist() for feed, sequences in held.by_feed.items()} == {
        feed: [r.sequence for r in expected if r.feed == feed] for feed in ("feed0", "feed1")
    }
    assert held.of_moment("feed1", datetime(2024, 4, 2, 6, 30)) == [[r for r in expected if r.delivery == 2]]
    some = Receipts(held, ~held.in_deliveries([2, 5]))
    assert list(some) == [r.sequence for r in expected if r.delivery not in (2, 5)] and len(some) == len(list(some))
    assert some.latest == {"feed0": datetime(2024, 4, 7, 6, 30), "feed1": datetime(2024, 4, 8, 6, 30)}
    assert some.of("feed1") == [r.sequence for r in expected if r.feed == "feed1" and r.delivery != 2]
    with pytest.raises(KeyError):
        some[2]
    with pytest.raises(KeyError):
        held.receipt(13)


def test_whole_chunks_are_read_once(landing: Landing, read: list[int]) -> None:
    landing.register()
    assert sorted(read) == list(range(1, 9))
    read.clear()
    landing.register()
    assert read == [7, 8]


@pytest.mark.parametrize("harm", ["cut", "gone", "other columns", "of other deliveries"])
def test_a_chunk_that_may_not_hold_is_made_again(harm: str, landing: Landing, read: list[int]) -> None:
    expected = landing.register().table
    kept = landing.folder / "register" / "0000000001.parquet"
    good, found = kept.read_bytes(), pq.read_table(kept)
    if harm == "cut":
        kept.write_bytes(good[: len(good) // 2])
    elif harm == "gone":
        kept.unlink()
    elif harm == "other columns":
        pq.write_table(found.drop_columns(["sender"]), kept)
    else:
        pq.write_table(found.replace_schema_metadata({"last": "0" * 64}), kept)
    read.clear()
    assert landing.register().table.equals(expected)
    assert read == [1, 2, 3, 7, 8]
    read.clear()
    landing.register()
    assert read == [7, 8]


def test_the_next_number_is_found_without_the_hint_and_in_spite_of_a_wrong_one(landing: Landing, tmp_path: Path) -> None:
    hint = landing.folder / "newest"
    for number, said in enumerate([None, "3", "99", "", "x"], 8):
        if said is None:
            hint.unlink()
        else:
            hint.write_text(said)
        assert send(landing, tmp_path, number).number == number + 1
    assert len(landing.register()) == landing.receipts()[-1].sequence


def test_what_is_missing_is_told(landing: Landing, tmp_path: Path) -> None:
    landing.register()
    (landing.folder / "deliveries" / "0000000005.json").unlink()
    with pytest.raises(SuwenError, match="0000000005"):
        landing.register()
    (landing.folder / "newest").unlink()
    with pytest.raises(SuwenError, match="0000000005"):
        send(landing, tmp_path, 9)
