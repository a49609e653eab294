"""A disk that is full, read-only or failing: one clear error, and no half state."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from suwen.base.errors import SuwenError
from suwen.intake.landing import Landing
from suwen.model.receipt import Delivery, Fact, Mode, State

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def land(landing: Landing, *paths: Path) -> Delivery:
    return landing.land("h1", paths, as_of=date(2024, 4, 30), mode=Mode.SNAPSHOT, received_at=NOW)


def put(folder: Path, name: str, size: int) -> Path:
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


def mounted(folder: Path, *options: str) -> bool:
    folder.mkdir(exist_ok=True)
    return subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB of its own."""
    folder = tmp_path / "disk"
    if os.geteuid() != 0 or not mounted(folder, "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        pytest.skip("mounting a small file system needs root and the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def unchanged(landing: Landing, before: list[Delivery]) -> None:
    assert landing.deliveries() == before
    assert landing.verify_objects() == len({receipt.sha256 for delivery in before for receipt in delivery.receipts})


def test_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    landing = Landing(small_disk / "landing")
    land(landing, put(tmp_path, "small.csv", 1000))
    before = landing.deliveries()
    large = [put(tmp_path, f"{n}.csv", 400 << 10) for n in range(3)]
    for _ in range(2):
        with pytest.raises(SuwenError) as error:
            land(landing, *large)
        assert "no space left" in error.value.what
        assert "nothing was taken in" in error.value.what
        assert "free some space" in error.value.do
        assert str(landing.folder) in str(error.value.where)
        unchanged(landing, before)
        assert list((landing.folder / "tmp").iterdir()) == []
    # What the failed landing had written in full is gone again, so a smaller one finds room.
    assert land(landing, *large[:2]).number == 2


def test_a_disk_full_to_the_last_byte(tmp_path: Path, small_disk: Path) -> None:
    landing = Landing(small_disk / "landing")
    land(landing, put(tmp_path, "small.csv", 1000))
    before = landing.deliveries()
    fill(small_disk / "fill")
    for _ in range(2):
        with pytest.raises(SuwenError, match="no space left"):
            land(landing, put(tmp_path, "tiny.csv", 10))
        with pytest.raises(SuwenError, match="no space left"):
            landing.add_fact(Fact(1, State.WITHDRAWN, NOW, "steward", "because"))
        unchanged(landing, before)
        assert landing.facts() == []
    (small_disk / "fill").unlink()
    assert land(landing, tmp_path / "tiny.csv").number == 2


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as filling:
        for size in (4096, 1):
            try:
                while True:
                    filling.write(b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC


def test_a_read_only_disk(tmp_path: Path, small_disk: Path) -> None:
    landing = Landing(small_disk / "landing")
    land(landing, put(tmp_path, "a.csv", 10))
    before = landing.deliveries()
    assert mounted(small_disk, "-o", "remount,ro")
    for place in (landing, Landing(small_disk / "new")):
        with pytest.raises(SuwenError, match="read-only file system") as error:
            land(place, tmp_path / "a.csv")
        assert "writable" in error.value.do
    unchanged(landing, before)
    assert mounted(small_disk, "-o", "remount,rw")
    assert land(landing, tmp_path / "a.csv").number == 2


def test_a_limit_on_file_size(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    path = put(tmp_path, "a.csv", 100_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(SuwenError, match="file too large"):
            land(landing, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    unchanged(landing, [])
    assert land(landing, path).number == 1


def failing(real: Callable[..., Any], turn: int, number: int) -> Callable[..., Any]:
    """`real`, but its call number `turn` (from 0) fails."""
    left = [turn]

    def called(*args: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == -1:
            raise OSError(number, os.strerror(number))
        return real(*args, **named)

    return called


@pytest.mark.parametrize("call", ["write", "fsync", "link", "open", "mkdir", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS])
def test_any_call_failing_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    """Each call of one kind fails in turn, until a landing has none left to fail."""
    landing = Landing(tmp_path / "landing")
    path = put(tmp_path, "a.csv", 100)
    first = land(landing, path)
    other = put(tmp_path, "b.csv", 100)
    where = {"mkdir": (Path, "mkdir"), "rename": (Path, "replace")}.get(call, (os, call))
    real = getattr(*where)
    for turn in range(100):
        with monkeypatch.context() as patched:
            patched.setattr(*where, failing(real, turn, number))
            try:
                second = land(landing, path, other)
            except SuwenError as error:
                assert os.strerror(number).lower() in error.what
                assert error.do
                landed = False
            else:
                landed = True
        if landed:
            break
        unchanged(landing, [first])
        assert len(list((landing.folder / "objects").glob("*/*"))) == 1
        for folder in (landing.folder / "objects").glob("*"):
            if not list(folder.iterdir()):
                folder.rmdir()
    assert turn > 0
    assert landing.deliveries() == [first, second]
