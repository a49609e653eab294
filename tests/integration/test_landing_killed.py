"""A landing killed anywhere: each delivery is whole or absent, nothing acknowledged is lost, and landing again works."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from suwen.intake import durable, landing, sources
from suwen.intake.landing import Landing
from suwen.model.receipt import Delivery, Mode

NOW = datetime(2024, 5, 1, tzinfo=UTC)
FILES = {"a.csv": b"id,name\n" + b"1,x\n" * 700, "b.csv": b"id\n" + b"22\n" * 900, "same.csv": b"id\n1\n"}
STEPS = [
    "folders-made",
    "locked",
    "cleaned",
    *["object-created", "object-chunk-written", "object-chunk-written", "object-synced", "object-folder-made", "object-named", "object-durable"] * 2,
    *["object-created", "object-chunk-written", "object-synced", "object-folder-made", "object-named", "object-durable"],
    "delivery-created",
    "delivery-half-written",
    "delivery-synced",
    "delivery-linked",
    "delivery-durable",
    "delivery-cleaned",
]


@pytest.fixture
def sent(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in FILES]
    for path in paths:
        path.write_bytes(FILES[path.name])
    return paths


def land(place: Landing, sent: list[Path], step: Callable[[str], None] = durable.no_step) -> Delivery:
    return place.land("h1", sent, as_of=date(2024, 4, 30), mode=Mode.SNAPSHOT, received_at=NOW, after_step=step)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def landed_in_child(place: Landing, sent: list[Path], after_steps: int | None, after_bytes: int | None) -> int | None:
    """The number a child process acknowledged before it ended or was killed after so many steps, or bytes written."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.close(reading)
            kill_while_writing(after_bytes)
            left = [after_steps if after_steps is not None else -1]

            def step(_: str) -> None:
                left[0] -= 1
                if left[0] == 0:
                    die()

            os.write(writing, str(land(place, sent, step).number).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return int(said) if said else None


def kill_while_writing(after_bytes: int | None) -> None:
    """From now on files are read in pieces of 1,500 bytes, and the process dies within the write that passes `after_bytes`."""
    sources.CHUNK = 1500  # type: ignore[misc]
    left = [after_bytes if after_bytes is not None else 1 << 40]

    def write_all(handle: int, data: bytes) -> None:
        os.write(handle, data[: left[0]])
        left[0] -= len(data)
        if left[0] <= 0:
            die()

    durable.write_all = write_all  # type: ignore[assignment]
    landing.write_all = write_all  # type: ignore[attr-defined]


def check(place: Landing, acknowledged: list[int]) -> None:
    """Every delivery is whole, numbers have no gap, and every acknowledged one is there."""
    deliveries = place.deliveries()
    assert [one.number for one in deliveries] == list(range(1, len(deliveries) + 1))
    assert set(acknowledged) <= {one.number for one in deliveries}
    for delivery in deliveries:
        assert [receipt.name for receipt in delivery.receipts] == list(FILES)
        for receipt in delivery.receipts:
            with place.open(receipt) as stream:
                assert stream.read() == FILES[receipt.name]
    place.verify_objects()


def test_killed_after_each_step(tmp_path: Path, sent: list[Path]) -> None:
    place, acknowledged = Landing(tmp_path / "landing"), list[int]()
    for number in range(1, len(STEPS) + 1):
        fresh = place if number % 2 else Landing(tmp_path / f"landing-{number}")  # the folders' first making, and its use
        before = len(fresh.deliveries())
        assert landed_in_child(fresh, sent, number, None) is None
        assert len(fresh.deliveries()) == before + (number > STEPS.index("delivery-synced") + 1)
        check(fresh, acknowledged if fresh is place else [])
        again = landed_in_child(fresh, sent, None, None)
        assert again is not None
        if fresh is place:
            acknowledged.append(again)
        check(fresh, [again])
        assert list((fresh.folder / "tmp").iterdir()) == []


def test_killed_within_writes(tmp_path: Path, sent: list[Path]) -> None:
    """At least twice within each object and the delivery, the rest anywhere."""
    sizes = [len(data) for data in FILES.values()]
    objects = sum(sizes)
    fixed = [1, sizes[0] - 1, sizes[0] + 1, sizes[0] + sizes[1] - 1, objects - 2, objects - 1, objects + 1, objects + 700, objects + 1400]
    places = random.Random(1)
    place, acknowledged = Landing(tmp_path / "landing"), list[int]()
    for after in fixed + [places.randrange(1, objects + 1500) for _ in range(16)]:
        before = len(place.deliveries())
        assert landed_in_child(place, sent, None, after) is None
        assert len(place.deliveries()) == before
        check(place, acknowledged)
    number = landed_in_child(place, sent, None, None)
    assert number == 1
    check(place, [1])


def test_the_steps_are_those_killed_at(tmp_path: Path, sent: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "CHUNK", 1500)
    seen: list[str] = []
    land(Landing(tmp_path / "landing"), sent, seen.append)
    assert seen == STEPS
    assert len(STEPS) + 25 >= 50


def test_names_appear_only_over_durable_bytes(tmp_path: Path, sent: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut needs, which a kill does not show: bytes are synced before they get a name, and the name before the acknowledgement."""
    calls: list[tuple[str, str]] = []
    real_sync, real_link, real_replace = os.fsync, os.link, Path.replace

    def sync(handle: int) -> None:
        calls.append(("sync", os.readlink(f"/proc/self/fd/{handle}")))
        real_sync(handle)

    def link(source: Path, target: Path) -> None:
        calls.append(("name", f"{source}>{target}"))
        real_link(source, target)

    def replace(source: Path, target: Path) -> Path:
        calls.append(("name", f"{source}>{target}"))
        return real_replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(Path, "replace", replace)
    land(Landing(tmp_path / "landing"), sent)
    named = [(at, *what.split(">")) for at, (kind, what) in enumerate(calls) if kind == "name"]
    assert len(named) == len(FILES) + 1
    for at, source, target in named:
        assert ("sync", source) in calls[:at]
        assert ("sync", str(Path(target).parent)) in calls[at:]
    last = named[-1][0]
    for _, _, target in named[:-1]:
        assert ("sync", str(Path(target).parent)) in calls[:last], "an object's name must be durable before the delivery that names it"
        assert ("sync", str(Path(target).parent.parent)) in calls[:last]


def test_interrupted_after_each_step(tmp_path: Path, sent: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Control-C is no kill: what was begun is tidied up, but never from under a delivery that is in."""
    monkeypatch.setattr(sources, "CHUNK", 1500)
    for number in range(len(STEPS)):
        place, left = Landing(tmp_path / f"landing-{number}"), [number]

        def step(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            land(place, sent, step)
        deliveries = place.deliveries()
        assert len(deliveries) == (number >= STEPS.index("delivery-linked"))
        check(place, [])
        if number >= STEPS.index("locked"):
            assert list((place.folder / "tmp").iterdir()) == []
            assert len(list((place.folder / "objects").glob("*/*"))) == len(FILES) * len(deliveries)
