"""The steps of the observations' bench: rows as a release, the question on DuckDB and on Spark, cold and warm, and a plain scan of the same columns.

Cold: the system's page cache is dropped inside the process, when engine and program are there but no row has been read; the bytes that then come from
disk are told by /proc/<process>/io. Both need root on Linux.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bench.family import FamilyClock, family
from bench.measure import Measured, bytes_of
from suwen.engine.delta import LakeTable, NewFile
from suwen.engine.duck import Engine
from suwen.engine.render import render
from suwen.engine.sql import read_parquet, statement
from suwen.flow.layout import part_of, parts_of
from suwen.flow.reader import OpenRelease
from suwen.flow.region import create, open_region
from suwen.flow.stores import lake_of, releases_of
from suwen.model.extension import ALL_TABLES
from suwen.model.release import Release, TableState
from suwen.repository.rows import stored_columns

OTHER = "select date_trunc('month', date '2024-02-29') as month, count(distinct id % 7) as n from {rows} where id < 900 group by 1"  # of no table
TABLE, MONTHS, FIRST_YEAR, HOSPITALS = "measurement", 36, 2022, 40
CODE, BELOW, FROM, TO = 3_000_030, 50, "2023-01-01", "2023-12-31"
DROP = Path("/proc/sys/vm/drop_caches")
WARM = 3  # times it is asked again

# A row: its month and place in it; hospitals one after the other, each in the order of days, as monthly deliveries come.
_PLACED = """select i, i // {n} as m, (i % {n}) * {h} // {n} as hospital, ((i % {n}) * {h} % {n}) * 28 // {n} as day from range({low}, {high}) r(i)"""
_SAID = {
    "measurement_id": "hash(i, 0) >> 1",
    "person_id": "hash(hash(i, 1) % {persons}, 7) >> 1",
    "measurement_concept_id": "3000000 + floor(300 * pow((hash(i, 2) % 1000000) / 1000000.0, 2))",
    "measurement_date": "make_date({year} + m // 12, 1 + m % 12, 1 + day)",
    "measurement_datetime": "make_timestamp({year} + m // 12, 1 + m % 12, 1 + day, (hash(i, 4) % 24)::BIGINT, (hash(i, 5) % 60)::BIGINT, 0)",
    "measurement_type_concept_id": "32856",
    "value_as_number": "(hash(i, 3) % 20000) / 100.0",
    "unit_concept_id": "8840 + hash(i, 2) % 10",
    "visit_occurrence_id": "hash(i // 5, 9) >> 1",
    "measurement_source_value": "'L' || floor(300 * pow((hash(i, 2) % 1000000) / 1000000.0, 2))::INTEGER",
    "measurement_source_concept_id": "0",
    "unit_source_value": "'mg/dL'",
    "value_source_value": "((hash(i, 3) % 20000) / 100.0)::VARCHAR",
    "_receipt": "1 + m * {h} + hospital",
    "_record": "i % ({n} // {h} + 1)",
    "_template": "'0123456789abcdef:1'",
    "_run": "1",
}
_ASKED = """select {month} as month, count(distinct person_id) as patients, count(*) as observations from {rows}
where measurement_concept_id = {code} and value_as_number < {below} and measurement_date between date '{first}' and date '{last}' group by 1 order by 1"""


def _question(rows: str, month: str = "date_trunc('month', measurement_date)", **columns: str) -> str:
    said = _ASKED.format(month=month, rows=rows, code=CODE, below=BELOW, first=FROM, last=TO)
    for name, other in columns.items():
        said = said.replace(name, other)
    return said


def made(folder: str, rows: int, threads: int, memory: str) -> Measured:
    """A region whose one release has so many rows of measurement, written by our engine in our layout; no run made it. Says files and bytes."""
    path, each = Path(folder), rows // MONTHS
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    region = create(path, ["core"], "bench", "UTC")
    engine = Engine(threads=threads, memory=memory, scratch=region.scratch)
    columns, name = stored_columns(ALL_TABLES[TABLE]), f"cdr/{TABLE}"
    table = LakeTable(region.lake / "cdr" / TABLE, columns, lake_of(region))
    first = FIRST_YEAR * 12
    with FamilyClock() as clock:
        files: list[NewFile] = []
        for low, high in parts_of({}, name, [(first + month, each) for month in range(MONTHS)]):
            months = range(max(low - first, 0), min(high - first, MONTHS))
            if months:
                written = engine.copy(_rows(columns, months.start * each, months.stop * each, each, rows), table.new_path(part_of(low), f"{len(files):06d}"))
                files.append(NewFile(written, part_of(low)))
        version = table.commit(-1, files, [], application="bench")
        releases_of(region).publish(_release(name, TableState(version, each * MONTHS, "")))
    engine.close()
    shutil.rmtree(region.scratch, ignore_errors=True)
    return clock.measured({"rows": each * MONTHS, "files": len(files), "bytes": bytes_of(region.lake)})


def _rows(columns: Mapping[str, str], low: int, high: int, each: int, rows: int) -> str:
    names = {"n": each, "h": HOSPITALS, "low": low, "high": high, "year": FIRST_YEAR, "persons": max(1, rows // 170)}
    said = ", ".join(f"({_SAID.get(name, 'null').format(**names)})::{kind} as {name}" for name, kind in columns.items())
    return f"select {said} from ({_PLACED.format(**names)}) placed"


def _release(name: str, state: TableState) -> Release:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Release(1, 1, now, 0, 0, {name: state}, {}, {}, {}, {}, "", "", "", {}, {})


def flattened(folder: str, out: str, threads: int, memory: str) -> Measured:
    """The four columns of the question, a folder a month, as one lays a table out for Spark."""
    return _by_month(folder, out, threads, memory, "person_id, measurement_concept_id, measurement_date, value_as_number")


def nested(folder: str, out: str, threads: int, memory: str) -> Measured:
    """The same rows as FHIR's Observation in Parquet: structs and lists, days and references as texts; one folder."""
    coding = "struct_pack(\"system\" := 'http://loinc.org', code := measurement_concept_id::VARCHAR, display := measurement_source_value)"
    said = f"""measurement_id::VARCHAR as id, struct_pack(coding := [{coding}]) as code, struct_pack(reference := 'Patient/' || person_id) as subject,
        struct_pack("dateTime" := strftime(measurement_datetime, '%Y-%m-%dT%H:%M:%SZ')) as effective,
        struct_pack(quantity := struct_pack(value := value_as_number, unit := unit_source_value)) as value"""
    return _by_month(folder, out, threads, memory, said)


def _by_month(folder: str, out: str, threads: int, memory: str, columns: str) -> Measured:
    region, path = open_region(Path(folder)), Path(out)
    shutil.rmtree(path, ignore_errors=True)
    engine = Engine(threads=threads, memory=memory, scratch=region.scratch)
    files = render(read_parquet(list(OpenRelease(region).files(f"cdr/{TABLE}"))))
    with FamilyClock() as clock:
        for month in range(MONTHS):
            first, after = (date(FIRST_YEAR + at // 12, 1 + at % 12, 1) for at in (month, month + 1))
            inside = f"measurement_date >= date '{first}' and measurement_date < date '{after}'"
            engine.copy(f"select {columns} from {files} s where {inside}", path / f"month={first:%Y-%m}" / "rows.parquet", row_group=1_000_000)
    engine.close()
    shutil.rmtree(region.scratch, ignore_errors=True)
    return clock.measured({"bytes": bytes_of(path)})


def ours(folder: str, threads: int, memory: str, cold: bool) -> Measured:
    """The question to our release, opened anew each time: cold, and again warm. The process has answered another question before the clock runs."""
    sql = _question(TABLE)
    OpenRelease(open_region(Path(folder))).query(OTHER.format(rows="range(1000) t(id)"))

    def ask() -> list[tuple[Any, ...]]:
        table = OpenRelease(open_region(Path(folder))).query(sql)
        return [tuple(row.values()) for row in table.to_pylist()]

    return _asked(ask, cold)


def scanned(folder: str, threads: int, memory: str, cold: bool) -> Measured:
    """The same columns of the same months read by DuckDB, and nothing asked of them but one number a column that no statistics can tell."""
    region = open_region(Path(folder))
    files = read_parquet(list(OpenRelease(region).files(f"cdr/{TABLE}")))
    values = "bit_xor(person_id), bit_xor(measurement_concept_id), max(value_as_number), max(measurement_date), count(*)"
    query = statement(f"select {values} from {{f}} f where measurement_date between date '{FROM}' and date '{TO}'", f=files)

    def ask() -> list[tuple[Any, ...]]:
        engine = Engine(threads=threads, memory=memory, scratch=region.scratch)
        found = engine.rows(query)
        engine.close()
        return found

    return _asked(ask, cold)


def on_spark(folder: str, table: str, config: Mapping[str, str], threads: int, keep: bool, cold: bool) -> Measured:
    """The question to Spark: `table` is "ours", or the folder of one made for it. `keep`: its columns are kept in memory first, which is part of cold.

    Spark is started and has answered another question before the clock runs.
    """
    from pyspark.sql import SparkSession  # noqa: PLC0415 an extra: it may be absent

    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master(f"local[{threads}]").appName("observations")
    for name, value in {**settings, "spark.sql.session.timeZone": "UTC", "spark.local.dir": f"{folder}-spill", **config}.items():
        builder = builder.config(name, value)
    began = time.perf_counter()
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.sql(OTHER.format(rows="range(1000)")).collect()
    start = time.perf_counter() - began
    paths = OpenRelease(open_region(Path(folder))).files(f"cdr/{TABLE}") if table == "ours" else [table]
    kept: list[Any] = []

    def ask() -> list[tuple[Any, ...]]:
        if not kept:
            frame = spark.read.parquet(*paths)
            if keep:
                frame = frame.select("person_id", "measurement_concept_id", "measurement_date", "value_as_number").persist()
            frame.createOrReplaceTempView("observations")
            kept.append(frame)
        sql = _question("observations") if table == "ours" or "flat" in table else _of_nested()
        return [tuple(row) for row in spark.sql(sql).collect()]

    measured = _asked(ask, cold, {"start": start})
    spark.stop()
    return measured


def _of_nested() -> str:
    """The question to Observations as FHIR has them, with the months' folders left out by their names as one would."""
    rows = f"""(select subject.reference as person_id, cast(coding.code as int) as measurement_concept_id, value.quantity.value as value_as_number,
        cast(substr(effective.dateTime, 1, 10) as date) as measurement_date from observations lateral view explode(code.coding) as coding
        where month between '{FROM[:7]}' and '{TO[:7]}')"""
    return _question(rows)


def _asked(ask: Callable[[], list[tuple[Any, ...]]], cold: bool, further: Mapping[str, object] | None = None) -> Measured:
    """Ask once with an empty page cache, then warm. Says seconds and bytes read of each, and the answer."""
    if cold:
        os.sync()
        DROP.write_text("3")
    said: list[dict[str, float]] = []
    with FamilyClock() as clock:
        for _ in range(1 + WARM):
            read, began = _read(), time.perf_counter()
            answer = ask()
            said.append({"seconds": time.perf_counter() - began, "read": _read() - read})
    months = [[str(row[0])[:10], *map(str, row[1:])] for row in answer]
    return clock.measured({"first": said[0], "again": said[1:], "answer": months, **(further or {})})


def _read() -> int:
    """Bytes that a family of processes has had read from disk so far."""
    return sum(_read_by(process) for process in family(os.getpid()))


def _read_by(process: int) -> int:
    with suppress(OSError):
        lines: Iterator[str] | Sequence[str] = Path(f"/proc/{process}/io").read_text().splitlines()
        return next((int(line.split(":")[1]) for line in lines if line.startswith("read_bytes")), 0)
    return 0
