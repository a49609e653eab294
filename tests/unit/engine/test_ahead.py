"""Processes that work ahead: they do what they are given, and what fails or dies in one of them leaves the rest and the caller unharmed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from suwen.engine import port
from suwen.engine.duck import Engine
from suwen.engine.sql import read_parquet, statement

KILLED = 13


def written(engine: port.Engine, item: tuple[Path, int]) -> None:
    """Writes its number and process into a file; some numbers fail or die."""
    folder, number = item
    print("whatever a library says does not reach who waits")
    if number == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    if number < 0:
        raise ValueError("left undone")
    batch = pa.record_batch({"x": [number], "process": [os.getpid()]})
    engine.copy_batches(pa.RecordBatchReader.from_batches(batch.schema, [batch]), folder / f"{number}.parquet")


def asleep(_: port.Engine, item: Path) -> None:
    item.write_text(str(os.getpid()))
    time.sleep(60)


def spread(tmp_path: Path, numbers: list[int], threads: int = 2) -> list[tuple[int, int]]:
    """The numbers that were written, and by which process."""
    engine = Engine(threads=threads, memory="512MiB", scratch=tmp_path / "scratch")
    made = tmp_path / "made"
    made.mkdir()
    assert engine.spreads == (threads > 1)
    engine.spread(written, [(made, number) for number in numbers])
    files = sorted(map(str, made.glob("*")))
    found = engine.rows(statement("select x, process from {f} f order by x", f=read_parquet(files))) if files else []
    engine.close()
    return [(x, process) for x, process in found]


def test_two_processes_do_all_items_and_none_of_them_is_this_one(tmp_path: Path) -> None:
    found = spread(tmp_path, list(range(9)))
    assert [x for x, _ in found] == list(range(9))
    assert os.getpid() not in {process for _, process in found}


def test_nothing_is_imported_from_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "duckdb.py").write_text("raise SystemExit('this is not DuckDB')")
    monkeypatch.chdir(tmp_path)
    assert [x for x, _ in spread(tmp_path, [1, 2, 3])] == [1, 2, 3]


def test_what_fails_is_left_undone(tmp_path: Path) -> None:
    assert [x for x, _ in spread(tmp_path, [1, -2, 3, -4, 5])] == [1, 3, 5]


def test_a_process_that_dies_takes_no_more_than_its_item(tmp_path: Path) -> None:
    found = spread(tmp_path, [KILLED, *range(20, 26)])
    assert [x for x, _ in found] == list(range(20, 26))


def test_when_all_have_died_the_caller_goes_on(tmp_path: Path) -> None:
    assert KILLED not in [x for x, _ in spread(tmp_path, [KILLED] * 4)]


def test_an_engine_of_one_thread_has_none(tmp_path: Path) -> None:
    assert spread(tmp_path, [1, 2], threads=1) == []


def _runs(process: int) -> bool:
    try:
        return "ahead" in Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes as Linux shows them")
def test_they_end_with_the_process_they_work_for(tmp_path: Path) -> None:
    said = [tmp_path / "one", tmp_path / "two"]
    script = (
        "from pathlib import Path; from suwen.engine.ahead import ahead; from tests.unit.engine.test_ahead import asleep; "
        f"ahead(asleep, [Path(p) for p in {[str(p) for p in said]!r}], processes=2, memory='256MiB', scratch=Path({str(tmp_path)!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment, cwd=Path(__file__).parents[3])
    try:
        until = time.monotonic() + 60
        while not all(p.exists() and p.read_text() for p in said) and time.monotonic() < until:
            time.sleep(0.05)
        workers = [int(p.read_text()) for p in said]
        assert all(map(_runs, workers))
    finally:
        parent.kill()
        parent.wait()
    until = time.monotonic() + 20
    while any(map(_runs, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(_runs, workers))
