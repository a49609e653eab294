"""The steps of the bench of layouts: rows in the shape of measurement, written by a policy, a hospital's day on top, and three reads."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar
from unittest.mock import patch

from bench.measure import Clock, Measured
from bench.policies import Policy
from suwen.engine.duck import Engine
from suwen.engine.sql import read_parquet, statement
from suwen.flow import layout
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import stored_columns

TABLE = "measurement"
SOURCE, DAY, CORRECTED = "source.parquet", "day.parquet", "corrected.parquet"
DAYS = 1_095  # three years from 2023-01-01
RECEIPTS = 100  # of a hospital at most, one a month
PERSONS = 60  # rows a person
ROUNDS = 5  # of each read
_AFTER = 1 << 40  # the numbers of new rows begin here
T = TypeVar("T")


def source(folder: str, hospitals: int, rows: int, threads: int, memory: str) -> Measured:
    """Rows as a first run has them: in the order in which they came, hospital by hospital. Beside them a day of one hospital: what is new, and what it
    corrects, a tenth as much: of the last seven days, and one row of a year ago.
    """
    path = Path(folder)
    shutil.rmtree(path, ignore_errors=True)
    each, whose = max(1, rows // hospitals), hospitals // 2
    daily, width = max(1, each // DAYS), f"{DAYS} // {each}"
    with Clock() as clock, _engine(path, threads, memory) as engine:
        every = f"select n, n // {each} as h, n % {each} as i, n % {each} * {width} as d from range({each * hospitals}) r(n)"
        new = f"select {_AFTER} + k as n, {whose} as h, {each} + k as i, {DAYS} as d from range({daily}) r(k)"
        step = max(1, 7 * daily // max(1, daily // 10))
        recent = f"select {each} - 1 - k as i from range(0, {7 * daily}, {step}) r(k) union all select {each * (DAYS - 365) // DAYS} as i"
        corrected = f"select {whose * each} + i as n, {whose} as h, i, i * {width} as d from ({recent}) q where i >= 0"
        written = engine.copy(_made(every, each), path / SOURCE, ordered=True)
        engine.copy(_made(new, each), path / DAY, ordered=True)
        engine.copy(_made(corrected, each, more=1), path / CORRECTED, ordered=True)
    return clock.measured({"rows": written.rows, "bytes": written.bytes, "daily": daily, "corrected": 7 * daily // step + 1})


def _made(places: str, each: int, more: int = 0) -> str:
    """Rows with the columns of a stored measurement. `places`: query of (n: row, h: its hospital, i: which of the hospital's, d: its day)."""
    known = {
        "measurement_id": "hash(n, 7) >> 1",
        "person_id": f"hash(h, hash(i, 1) % {max(1, each // PERSONS)}) >> 1",
        "measurement_concept_id": "3000000 + (hash(n, 2) % 400)::INTEGER",
        "measurement_date": "date '2023-01-01' + d::INTEGER",
        "measurement_datetime": "timestamp '2023-01-01 08:00:00' + to_days(d::INTEGER) + to_seconds((hash(n, 3) % 30000)::INTEGER)",
        "measurement_type_concept_id": "32856",
        "value_as_number": f"(hash(n, 4) % 100000 / 1000.0)::DECIMAL(24,8) + {more}",
        "visit_occurrence_id": "hash(h, i // 3) >> 1",
        "measurement_source_value": "'T' || (hash(n, 2) % 400)",
        "unit_source_value": "'mmol/L'",
        "value_source_value": "(hash(n, 4) % 100000 / 1000.0)::VARCHAR",
        "_receipt": f"h * {RECEIPTS} + d // 31",
        "_record": "i",
        "_template": "'0123456789abcdef:42'",
        "_run": "1",
    }
    columns = ", ".join(f'({known.get(name, "null")})::{kind} as "{name}"' for name, kind in stored_columns(ALL_TABLES[TABLE]).items())
    return f"select {columns} from ({places}) p"


@contextmanager
def _engine(folder: Path, threads: int, memory: str) -> Iterator[Engine]:
    engine = Engine(threads=threads, memory=memory, scratch=folder / "scratch")
    try:
        yield engine
    finally:
        engine.close()
        shutil.rmtree(folder / "scratch", ignore_errors=True)


def laid_out(source: str, folder: str, policy: Mapping[str, Any], threads: int, memory: str) -> Measured:
    """A first run's writing, then the day of one hospital, then reads. Says seconds and bytes of each, and files."""
    path, whence, by = Path(folder), Path(source), Policy(**{**policy, "order": tuple(policy["order"])})
    shutil.rmtree(path, ignore_errors=True)
    with Clock() as clock, _engine(path, threads, memory) as engine:
        engine.temporary("mapped", statement("select * from {f} f", f=read_parquet([str(whence / SOURCE)])))
        first, files = _timed(lambda: _write(engine, by, "mapped", path, {}))
        engine.drop("mapped")
        sizes = [file.bytes for file in files]
        day, changed = _timed(lambda: _day(engine, by, whence, path, files))
        questions = {name: _read(engine, [str(file.path) for file in changed.files], sql) for name, sql in _questions(engine, whence).items()}
    said = {
        "write": first, "files": len(sizes), "bytes": sum(sizes), "least": min(sizes), "most": max(sizes), "day": day,
        "rewritten": changed.rewritten, "rewritten_bytes": changed.bytes, "new_files": changed.new, "reads": questions,
    }  # fmt: skip
    return clock.measured(said)


@dataclass(frozen=True)
class File:
    """A file of the table: its part, rows and bytes."""

    path: Path
    part: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Changed:
    """What a day did: the files afterwards, how many new ones there are, and how many files and bytes were written again."""

    files: Sequence[File]
    new: int
    rewritten: int
    bytes: int


def _write(engine: Engine, by: Policy, rows: str, folder: Path, known: Mapping[str, Mapping[str, int]], prefix: str = "f") -> list[File]:
    """Rows of a temporary table into new files, one for each part they go to, as `flow.written` writes them."""
    found: list[File] = []
    month, group = "12 * year(measurement_date) + month(measurement_date) - 1", f"_receipt // {RECEIPTS} % {by.groups}"
    with patch.object(layout, "ROWS", by.rows), patch.object(layout, "RECENT_ROWS", by.recent):
        for one in range(by.groups):
            mine = f"{group} = {one}" if by.groups > 1 else "true"
            histogram = engine.rows(f"select {month} as m, count(*) from {rows} where {mine} group by 1 order by 1")
            for low, high in layout.parts_of({TABLE: known.get(str(one), {})}, TABLE, histogram) if histogram else ():
                if not any(low <= m < high for m, _ in histogram):
                    continue
                part = f"{one}-{layout.part_of(low)}"
                order = f" order by {', '.join(by.order)}" if by.order else ""
                query = f"select * from {rows} where {mine} and {month} >= {low} and {month} < {high}{order}"
                written = engine.copy(query, folder / part / f"{prefix}.parquet", ordered=bool(by.order), row_group=by.row_group)
                found.append(File(written.path, part, written.rows, written.bytes))
    return found


def _day(engine: Engine, by: Policy, whence: Path, folder: Path, files: Sequence[File]) -> Changed:
    """New rows and corrected ones into new files; each file that held a corrected row is written again without it."""
    known: dict[str, dict[str, int]] = {}
    for file in files:
        group, part = file.part.split("-")
        known.setdefault(group, {})[part] = known.get(group, {}).get(part, 0) + file.rows
    engine.temporary("come", statement("select * from {f} f", f=read_parquet([str(whence / DAY), str(whence / CORRECTED)])))
    engine.temporary(
        "gone",
        statement(
            "select f.measurement_id as id, f.filename from {f} f semi join {c} c on c.measurement_id = f.measurement_id",
            f=read_parquet([str(file.path) for file in files], filename=True), c=read_parquet([str(whence / CORRECTED)]),
        ),
    )  # fmt: skip
    hit = {path for (path,) in engine.rows("select distinct filename from gone")}
    stay, again = [file for file in files if str(file.path) not in hit], []
    order = f" order by {', '.join(by.order)}" if by.order else ""
    for file in files:
        if str(file.path) in hit:
            kept = f"select f.* from read_parquet('{file.path}') f anti join gone g on g.id = f.measurement_id{order}"
            written = engine.copy(kept, file.path.with_name("again.parquet"), ordered=bool(by.order), row_group=by.row_group)
            again.append(File(written.path, file.part, written.rows, written.bytes))
    new = _write(engine, by, "come", folder, known, "new")
    return Changed([*stay, *again, *new], len(new), len(again), sum(file.bytes for file in again))


def _questions(engine: Engine, whence: Path) -> dict[str, str]:
    """One organisation's month, one concept over all, one person's rows; of the hospital that sent the day."""
    person, receipt = engine.rows(f"select person_id, _receipt from read_parquet('{whence / CORRECTED}') limit 1")[0]
    first = receipt // RECEIPTS * RECEIPTS
    mine = f"_receipt in (select r from range({first}, {first + RECEIPTS}) q(r))"
    return {
        "one organisation's month": f"select count(*), sum(value_as_number), count(distinct person_id) from {{f}} where "
        f"measurement_date >= date '2025-06-01' and measurement_date < date '2025-07-01' and {mine}",
        "one concept over all": "select year(measurement_date), month(measurement_date), count(*), sum(value_as_number) from {f} "
        "where measurement_concept_id = 3000007 group by all",
        "one person's rows": f"select * from {{f}} where person_id = {person}",
    }


def _read(engine: Engine, paths: Sequence[str], sql: str) -> dict[str, float]:
    """Median seconds of a question, and of processors, bytes that were read for it, and rows it gave."""
    source = f"read_parquet([{', '.join(repr(path) for path in paths)}])"
    rounds, before = [], 0
    for _ in range(ROUNDS):
        before = _bytes_read()
        rounds.append(_timed(lambda: engine.arrow(sql.format(f=source)).num_rows))
    return {name: median(one[name] for one, _ in rounds) for name in ("seconds", "cpu")} | {"bytes": _bytes_read() - before, "rows": rounds[0][1]}


def _bytes_read() -> int:
    """Bytes that this process has read from files so far, cached or not; 0 where the system does not tell."""
    told = Path("/proc/self/io")
    return int(told.read_text("ascii").split()[1]) if told.exists() else 0


def _timed(work: Callable[[], T]) -> tuple[dict[str, float], T]:
    """Seconds, and those of processors, of some work, and what it gives."""
    began, used = time.perf_counter(), time.process_time()
    found = work()
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}, found


def pieces(source: str, folder: str, counts: Sequence[int], threads: int, memory: str) -> Measured:
    """One part of today's layout as so many files of equal rows, as days leave them: bytes and reads of each, and what making one file of them costs."""
    path, whence = Path(folder), Path(source)
    shutil.rmtree(path, ignore_errors=True)
    found: dict[str, object] = {}
    with Clock() as clock, _engine(path, threads, memory) as engine:
        engine.temporary("part", statement("select * from {f} f limit {n}", f=read_parquet([str(whence / SOURCE)]), n=layout.RECENT_ROWS))
        rows = engine.count("part")
        for count in counts:
            each = -(-rows // count)
            paths = [path / str(count) / f"{place}.parquet" for place in range(count)]
            for place, target in enumerate(paths):
                engine.copy(f"select * from part limit {each} offset {place * each}", target)
            named = [str(target) for target in paths]
            reads = {name: _read(engine, named, sql) for name, sql in _questions(engine, whence).items()}
            merge, written = _timed(lambda named=named, count=count: engine.copy(_all_of(named), path / f"{count}.parquet"))  # type: ignore[misc]
            found[str(count)] = {"bytes": sum(p.stat().st_size for p in paths), "reads": reads, "merge": merge, "merged": written.bytes, "rows": each}
    return clock.measured({"rows": rows, "pieces": found})


def _all_of(paths: Sequence[str]) -> str:
    return f"select * from read_parquet([{', '.join(repr(path) for path in paths)}])"
