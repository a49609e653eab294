"""Landing: what is kept, numbered and refused."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from suwen.base.errors import SuwenError
from suwen.intake import sources
from suwen.intake.landing import Landing
from suwen.model.receipt import Delivery, Fact, Mode, State

NOW = datetime(2024, 5, 1, 8, 30, tzinfo=UTC)


def land(landing: Landing, *paths: Path, **said: Any) -> Delivery:
    return landing.land("h1", paths, **{"as_of": date(2024, 4, 30), "mode": Mode.SNAPSHOT, "received_at": NOW, "sender": "ftp"} | said)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "region" / "landing")


def put(tmp_path: Path, name: str, data: bytes = b"a,b\n1,2\n") -> Path:
    path = tmp_path / "sent" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_bytes_are_kept_unchanged_under_their_hash(tmp_path: Path, landing: Landing) -> None:
    data = bytes(range(256)) * 50_000
    told: list[int] = []
    delivery = land(landing, put(tmp_path, "a.csv", data), put(tmp_path, "b.csv", b""), progress=told.append)
    first, second = delivery.receipts
    assert (first.sequence, first.name, first.length, first.sha256) == (1, "a.csv", len(data), hashlib.sha256(data).hexdigest())
    assert (second.sequence, second.length) == (2, 0)
    assert landing.object_path(first.sha256) == landing.folder / "objects" / first.sha256[:2] / first.sha256
    with landing.open(first) as stream:
        assert stream.read() == data
    assert sum(told) == len(data)
    assert landing.deliveries() == [delivery]
    assert landing.receipts() == [first, second]
    assert landing.verify_objects() == 2
    assert delivery.as_of == datetime(2024, 4, 30)


def test_the_same_bytes_twice_are_one_object_and_two_receipts(tmp_path: Path, landing: Landing) -> None:
    land(landing, put(tmp_path, "a.csv"), put(tmp_path, "b.csv"))
    land(landing, put(tmp_path, "a.csv"))
    assert [receipt.sequence for receipt in landing.receipts()] == [1, 2, 3]
    assert len(list((landing.folder / "objects").glob("*/*"))) == 1


def test_numbers_run_over_all_feeds_and_later_ones_can_be_asked_for(tmp_path: Path, landing: Landing) -> None:
    deliveries = [landing.land(feed, [put(tmp_path, "a.csv")], as_of=datetime(2024, 4, 30, 7), mode=Mode.APPEND, received_at=NOW) for feed in "xyx"]
    assert [delivery.number for delivery in deliveries] == [1, 2, 3]
    assert landing.deliveries(after=2) == deliveries[2:]
    assert landing.receipts(after=1) == [receipt for delivery in deliveries[1:] for receipt in delivery.receipts]


def test_the_codec_is_judged_by_content(tmp_path: Path, landing: Landing) -> None:
    files = [put(tmp_path, "a.csv", b"\x1f\x8b\x08rest"), put(tmp_path, "b.gz", b"PK\x03\x04rest"), put(tmp_path, "c.zip", b"a,b")]
    assert [receipt.codec for receipt in land(landing, *files).receipts] == ["gzip", "zip", ""]


def test_of_a_folder_all_files_below_it_are_landed_in_order_without_hidden_ones(tmp_path: Path, landing: Landing) -> None:
    for name in ("b.csv", "a.csv", "inner/c.csv", ".hidden", ".git/config.csv"):
        put(tmp_path, name, name.encode())
    (tmp_path / "sent" / "link.csv").symlink_to(put(tmp_path, "../elsewhere/x.csv"))
    delivery = land(landing, tmp_path / "sent")
    assert [receipt.name for receipt in delivery.receipts] == ["a.csv", "b.csv", "link.csv", "c.csv"]


def test_an_object_gone_bad_is_found_and_healed_by_the_same_bytes(tmp_path: Path, landing: Landing) -> None:
    receipt = land(landing, put(tmp_path, "a.csv")).receipts[0]
    path = landing.object_path(receipt.sha256)
    path.chmod(0o640)
    path.write_bytes(b"x")
    with pytest.raises(SuwenError, match="receipt 1 are not those that arrived"):
        landing.verify_objects()
    land(landing, put(tmp_path, "a.csv"))
    assert landing.verify_objects() == 1
    path.unlink()
    with pytest.raises(SuwenError, match="receipt 1 are not in landing"):
        landing.open(receipt)


def refused(tmp_path: Path, landing: Landing, what: str, *paths: Path, **said: Any) -> SuwenError:
    """Landing is refused with one clear message, and nothing is in."""
    before = landing.deliveries()
    with pytest.raises(SuwenError, match=what) as error:
        land(landing, *paths, **said)
    assert landing.deliveries() == before
    assert not (landing.folder / "tmp").exists() or list((landing.folder / "tmp").iterdir()) == []
    return error.value


def test_what_cannot_be_landed_is_refused_and_nothing_is_in(tmp_path: Path, landing: Landing) -> None:
    good = put(tmp_path, "a.csv")
    refused(tmp_path, landing, "no file was named")
    refused(tmp_path, landing, "no such file", good, tmp_path / "absent.csv")
    refused(tmp_path, landing, "the same name", good, put(tmp_path, "other/a.csv"))
    refused(tmp_path, landing, "the same name", good, good)
    refused(tmp_path, landing, "as_of", good, as_of=NOW)
    refused(tmp_path, landing, "received_at", good, received_at=datetime(2024, 1, 1))
    refused(tmp_path, landing, "window", good, mode=Mode.WINDOW)
    refused(tmp_path, landing, "window", good, window=(date(2024, 1, 1), date(2024, 1, 2)))
    refused(tmp_path, landing, "not UTF-8", put(tmp_path, os.fsdecode(b"\xff.csv")))
    (tmp_path / "empty").mkdir()
    refused(tmp_path, landing, "holds no file", tmp_path / "empty")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path, landing, "device, pipe or socket", tmp_path / "pipe")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    refused(tmp_path, landing, "no such file", tmp_path / "broken")
    (tmp_path / "empty" / "loop").symlink_to(tmp_path)
    refused(tmp_path, landing, "link to a folder", tmp_path / "empty")
    assert land(landing, good).number == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b"more"), "changed while it was read"),
        (lambda path: os.truncate(path, 10), "changed while it was read"),
        (lambda path: os.utime(path, ns=(1, 1)), "changed while it was read"),
        (lambda path: path.unlink(), "removed or replaced"),
        (lambda path: os.replace(path.with_name("new"), path), "removed or replaced"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path,
    landing: Landing,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], object],
    what: str,
) -> None:
    monkeypatch.setattr(sources, "CHUNK", 64)
    path = put(tmp_path, "a.csv", b"x" * 1000)
    put(tmp_path, "new", b"y" * 1000)
    seen: list[str] = []

    def step(name: str) -> None:
        seen.append(name)
        if seen.count("object-chunk-written") == 3 and name == "object-chunk-written":
            change(path)

    refused(tmp_path, landing, what, put(tmp_path, "first.csv"), path, after_step=step)


def test_leftovers_of_a_dead_landing_are_cleaned(tmp_path: Path, landing: Landing) -> None:
    land(landing, put(tmp_path, "a.csv"))
    (landing.folder / "tmp" / "object-999").write_bytes(b"half")
    land(landing, put(tmp_path, "a.csv"))
    assert list((landing.folder / "tmp").iterdir()) == []


def test_a_second_landing_waits_says_so_and_takes_the_next_number(tmp_path: Path, landing: Landing) -> None:
    messages: list[str] = []
    waiting = threading.Event()
    second: list[Delivery] = []

    def tell(message: str) -> None:
        messages.append(message)
        waiting.set()

    other = threading.Thread(target=lambda: second.append(land(Landing(landing.folder, tell), put(tmp_path, "b.csv"))))

    def step(name: str) -> None:
        if name == "object-created":
            other.start()
            assert waiting.wait(20)

    first = land(landing, put(tmp_path, "a.csv"), after_step=step)
    other.join()
    assert (first.number, second[0].number) == (1, 2)
    assert len(messages) == 1
    assert "waiting" in messages[0]


def test_facts_are_appended_and_the_newest_holds_but_erased_is_final(tmp_path: Path, landing: Landing) -> None:
    for _ in range(3):
        land(landing, put(tmp_path, "a.csv"))
    said = [(1, State.WAITING), (1, State.ACCEPTED), (2, State.ERASED), (2, State.ACCEPTED), (3, State.WITHDRAWN)]
    facts = [Fact(number, state, NOW, "steward", "because") for number, state in said]
    for fact in facts:
        landing.add_fact(fact)
    assert landing.facts() == facts
    assert landing.states() == {1: State.ACCEPTED, 2: State.ERASED, 3: State.WITHDRAWN}
    with pytest.raises(SuwenError, match="no delivery 9"):
        landing.add_fact(Fact(9, State.WITHDRAWN, NOW, "steward", "because"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "0000000002.json").unlink(),
        lambda folder: (folder / "0000000002.json").write_text("{"),
        lambda folder: (folder / "0000000002.json").write_text((folder / "0000000002.json").read_text().replace("snapshot", "all")),
        lambda folder: (folder / "0000000003.json").write_text((folder / "0000000002.json").read_text()),
        lambda folder: (folder / "0000000003.json").write_text((folder / "0000000003.json").read_text().replace('"sequence": 3', '"sequence": 4')),
    ],
    ids=["lost", "cut off", "changed", "copied", "renumbered"],
)
def test_damage_is_said_not_guessed_around(tmp_path: Path, landing: Landing, damage: Callable[[Path], object]) -> None:
    for _ in range(3):
        land(landing, put(tmp_path, "a.csv"))
    damage(landing.folder / "deliveries")
    with pytest.raises(SuwenError, match="restore landing from its copy"):
        landing.deliveries()


def test_a_landing_never_used_is_empty(landing: Landing) -> None:
    assert (landing.deliveries(), landing.receipts(), landing.facts(), landing.states(), landing.verify_objects()) == ([], [], [], {}, 0)
    assert not landing.folder.exists()
