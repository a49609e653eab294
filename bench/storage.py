"""What reading a table from a bucket costs, three ways, against the same files in a folder: bytes asked of the store, seconds, and seconds of processors.

Needs a store: SUWEN_STORE=http://127.0.0.1:7070 SUWEN_BUCKET=suwen and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY in the environment.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from suwen.engine.duck import Engine
from suwen.engine.sql import Tree, integer, read_parquet, statement
from suwen.engine.store.access import Access
from suwen.engine.store.bucket import BucketStore
from suwen.engine.store.client import Client

FILES, ROW_GROUP = 16, 122_880
QUESTIONS = {
    "one column, all rows": "select sum(measurement_concept_id) from {f} f",
    "three columns, one month of 36": (
        "select measurement_concept_id, count(*), avg(value_as_number) from {f} f "
        "where measurement_date >= date '2024-06-01' and measurement_date < date '2024-07-01' group by 1"
    ),
    "every column, all rows": "select bit_xor(hash(f)) from {f} f",
}


def make(rows: int, folder: Path, engine: Engine) -> list[Path]:
    """A table in the shape of measurement, ordered by month, in files of equal rows."""
    each = rows // FILES
    paths = [folder / f"m{n:02d}.parquet" for n in range(FILES)]
    for n, path in enumerate(paths):
        query = statement(
            """select i as measurement_id, (hash(i % 400000) % 400000)::BIGINT as person_id, (3000000 + hash(i, 1) % 400)::INTEGER as measurement_concept_id,
            date '2023-01-01' + (i * 1095 // {rows})::INTEGER as measurement_date, (hash(i, 2) % 100000 / 1000.0)::DECIMAL(24,8) as value_as_number,
            (hash(i // 3) % 90000)::BIGINT as visit_occurrence_id, 'T' || (hash(i, 3) % 400) as measurement_source_value, 'mmol/L' as unit_source_value,
            (i // 100000)::BIGINT as _receipt, i as _record from range({low}, {high}) r(i)""",
            rows=integer(rows),
            low=integer(n * each),
            high=integer((n + 1) * each),
        )
        engine.copy(query, path, ordered=True, row_group=ROW_GROUP)
    return paths


class Counted(Client):
    """A client that counts what it reads."""

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self.bytes = self.requests = 0

    def part(self, name: str, start: int, end: int) -> bytes:
        self.bytes, self.requests = self.bytes + end - start, self.requests + 1
        return super().part(name, start, end)

    def download(self, name: str, path: Path) -> None:
        super().download(name, path)
        self.bytes, self.requests = self.bytes + path.stat().st_size, self.requests + 1


Spent = tuple[float, float]  # seconds by the clock, and of this process's work


def best(ask: Callable[[], object], before: Callable[[], None], times: int) -> Spent:
    """The fewest seconds of some tries, by the clock and of work."""
    found = []
    for _ in range(times):
        before()
        began, work = time.perf_counter(), time.process_time()
        ask()
        found.append((time.perf_counter() - began, time.process_time() - work))
    return min(clock for clock, _ in found), min(work for _, work in found)


def cold(paths: list[Path]) -> None:
    """Have the system forget what it holds of files."""
    for path in paths:
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(rows: int, times: int, folder: Path) -> None:
    """Print a line for each question and way."""
    access = Access(
        os.environ["SUWEN_BUCKET"], "bench-storage", os.environ["SUWEN_STORE"],
        key_id=os.environ["AWS_ACCESS_KEY_ID"], secret=os.environ["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    local = make(rows, folder / "local", Engine(scratch=folder / "scratch"))
    store = BucketStore(access, folder / "face")
    store.client = client = Counted(access)
    paths = [folder / "face" / path.name for path in local]
    for path, source in zip(paths, local, strict=True):
        client.put(path.name, source)
    size = sum(path.stat().st_size for path in local)
    print(f"{rows:,} rows, {size / 1e6:.0f} MB in {FILES} files")
    print(f"{'question':32} {'way':22} {'MB read':>8} {'requests':>8} {'seconds':>8} {'to warm':>8} {'work':>8} {'to warm':>8}")
    for question, sql in QUESTIONS.items():
        warm = _asked(sql, [str(path) for path in local], None, folder, lambda: None, times)
        _tell(question, "folder, warm", 0, 0, warm, warm)
        _tell(question, "folder, cold", 0, 0, _asked(sql, [str(path) for path in local], None, folder, lambda: cold(local), times), warm)
        for way in ("ranges", "fetched whole", "fetched before"):
            if way != "fetched before":
                shutil.rmtree(folder / "face", ignore_errors=True)
            client.bytes = client.requests = 0
            names = store.readable(paths) if way == "ranges" else [str(path) for path in paths]
            again = (lambda: None) if way != "fetched whole" else lambda: shutil.rmtree(folder / "face", ignore_errors=True)
            seconds = _asked(sql, names, store, folder, again, times)
            _tell(question, way, client.bytes // times, client.requests // times, seconds, warm)
    client.delete(path.name for path in paths)


def _asked(sql: str, names: list[str], store: BucketStore | None, folder: Path, before: Callable[[], None], times: int) -> Spent:
    def ask() -> None:
        engine = Engine(scratch=folder / "scratch", store=store)
        query: Tree = statement(sql, f=read_parquet(names))
        engine.rows(query)
        engine.close()

    return best(ask, before, times)


def _tell(question: str, way: str, size: int, requests: int, spent: Spent, warm: Spent) -> None:
    clock, work = spent
    print(f"{question:32} {way:22} {size / 1e6:8.1f} {requests:8} {clock:8.2f} {clock / warm[0]:8.1f} {work:8.2f} {work / warm[1]:8.1f}", flush=True)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rows", type=int, default=20_000_000)
    given.add_argument("--times", type=int, default=3)
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(asked.rows, asked.times, Path(folder))


if __name__ == "__main__":
    main()
