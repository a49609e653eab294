"""The steps of the questions' bench: a question asked of a region, and the columns it needs read by DuckDB alone; cold and warm."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from bench.measure import Clock, Measured
from suwen.flow.answers import Answers
from suwen.flow.base_rows import counted_rows, full_name
from suwen.flow.explanations import columns_used
from suwen.flow.point_cells import TABLE
from suwen.flow.point_rules import by_base
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.insight.indicator.cells import cells_of
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import Period

_DROP = Path("/proc/sys/vm/drop_caches")
Wanted = Mapping[str, Sequence[str]]  # lake table -> columns

# Persons with type 2 diabetes, then metformin within 30 days, then HbA1c above 7 %: diagnosis, drug and result by the codes of the region's systems.
COURSE = """
with diagnosed as (select person_id, condition_start_date as day from omop.condition_occurrence where condition_source_value like 'E11%'),
treated as (select person_id, drug_exposure_start_date as day from omop.drug_exposure where drug_source_value in ('METF', 'YPMETF', 'XY0069')),
high as (
    select person_id, max(measurement_date) as day from omop.measurement
    where measurement_source_value in ('HBA1C', '0034') and value_as_number > 7 group by person_id
)
select count(distinct d.person_id) as persons, sum(distinct d.person_id::hugeint)::varchar as which
from diagnosed d join treated t on t.person_id = d.person_id and t.day between d.day and d.day + 30
join high h on h.person_id = d.person_id and h.day > t.day
"""
_COURSE: Wanted = {
    "cdr/condition_occurrence": ("person_id", "condition_start_date", "condition_source_value"),
    "cdr/drug_exposure": ("person_id", "drug_exposure_start_date", "drug_source_value"),
    "cdr/measurement": ("person_id", "measurement_date", "measurement_source_value", "value_as_number"),
}
_CELLS: Wanted = {TABLE: ("point", "organisation", "day", "value", "person_id", "records", "total")}


def asked(folder: str, question: str, cold: bool, rounds: int, threads: int, memory: str) -> Measured:
    """Ask a question of a door that is open. Says seconds and bytes read from the disk of each round, what was answered, and what opening took."""
    opening, ask = QUESTIONS[question]
    return _measured(lambda: opening(_opened(folder, threads, memory)), ask, cold, rounds)


def read(folder: str, question: str, cold: bool, rounds: int, threads: int, memory: str) -> Measured:
    """Every column that a question needs, of the same files, by DuckDB alone: counted and hashed, so that no statistics answer for them."""
    opened = _opened(folder, threads, memory)
    queries = [_hashing(columns, opened.files(table)) for table, columns in _wanted(opened, question).items() if opened.files(table)]

    def reading(connection: duckdb.DuckDBPyConnection) -> str:
        return str([connection.execute(query).fetchall() for query in queries])

    return _measured(lambda: duckdb.connect(config={"threads": threads, "memory_limit": memory}), reading, cold, rounds)


def _measured(opening: Callable[[], Any], ask: Callable[[Any], str], cold: bool, rounds: int) -> Measured:
    """Cold: the first asking after the page cache was dropped, the only one of this process. Warm: so many, each of a door of its own, after one that does
    not count.
    """
    seconds, sizes, answers, opened = [], [], set[str](), []
    with Clock() as clock:
        for place in range(1 if cold else rounds + 1):
            began = time.perf_counter()
            door = opening()
            opened.append(time.perf_counter() - began)
            if cold:
                os.sync()
                _DROP.write_text("3\n", encoding="ascii")
            before, began = _from_disk(), time.perf_counter()
            answers.add(ask(door))
            if cold or place:
                seconds.append(time.perf_counter() - began)
                sizes.append(_from_disk() - before)
    return clock.measured({"seconds": seconds, "bytes": sizes, "answers": sorted(answers), "opening": opened})


def _from_disk() -> int:
    """Bytes that this process had read from the disk (not from the page cache)."""
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes:"))


def _opened(folder: str, threads: int, memory: str) -> OpenRelease:
    region = open_region(Path(folder))
    return OpenRelease(replace(region, settings=replace(region.settings, threads=threads, memory=memory)))


def _hashing(columns: Sequence[str], files: Sequence[str]) -> str:
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    hashes = ", ".join(f"sum(hash({column})::hugeint)" for column in columns)
    return f"select count(*), {hashes} from read_parquet([{listed}])"


def _wanted(opened: OpenRelease, question: str) -> Wanted:
    if question == "course":
        return _COURSE
    if question == "cells":
        return _CELLS
    with Answers(opened) as answers:
        found = set(_needed(answers))
    return {full_name(table).replace(".", "/"): [column for _, column in some] for table, some in groupby(sorted(found), key=lambda pair: pair[0])}


def _needed(answers: Answers) -> Iterator[tuple[str, str]]:
    """(table, column) of all that the points name, with what says whose a row is and when."""
    for name, points in by_base(answers.packs).items():
        base = answers.packs.bases[name]
        shape = ALL_TABLES[base.table]
        yield from (pair for point in points for pair in columns_used(base, point))
        yield from ((base.table, column) for column in ("_receipt", shape.id_column, shape.date_column) if column)


def _course(opened: OpenRelease) -> str:
    return str(opened.query(COURSE).to_pylist()[0])


def _indicators(door: Answers, *, from_tables: bool) -> str:
    """All values of all indicators, of every hospital and month, as one hash."""
    with door as answers:
        known = answers.extent(answers.tree.top)
        if from_tables:
            made = [cells_of(counted_rows(answers, answers.packs.bases[name], points), points) for name, points in by_base(answers.packs).items()]
            answers.put_beside(list(answers.points), made)
        assert known is not None
        months, lowest = answers.periods(Period.MONTH, *known), answers.tree.levels[-1]
        digest, number = hashlib.sha256(), 0
        for code in answers.catalogue:
            for value in answers.values(code, months, level=lowest):
                digest.update(f"{code} {value.unit} {value.span} {value.value}\n".encode())
                number += value.value is not None
    return f"{number:,} values, {digest.hexdigest()[:16]}"


# question -> (how its door is opened: packs are read then, and the release's own file; how it is asked)
QUESTIONS: Mapping[str, tuple[Callable[[OpenRelease], Any], Callable[[Any], str]]] = {
    "cells": (Answers, lambda door: _indicators(door, from_tables=False)),
    "tables": (Answers, lambda door: _indicators(door, from_tables=True)),
    "course": (lambda opened: opened, _course),
}


def course_by_hand(folder: str, threads: int, memory: str) -> Measured:
    """The answer to the question of the course out of the stored tables, by DuckDB alone and in other words: for the comparison, not for its time."""
    opened = _opened(folder, threads, memory)
    with Clock() as clock, duckdb.connect(config={"threads": threads, "memory_limit": memory}) as connection:
        for table in (*_COURSE, "ext/ext_person_link"):
            files = ", ".join("'" + file.replace("'", "''") + "'" for file in opened.files(table))
            connection.execute(f"create view {table.split('/')[1]} as select * from read_parquet([{files}])")
        connection.execute("create table who as select person_id, master_person_id as master from ext_person_link")
        found = connection.execute(_BY_HAND).fetchall()
    return clock.measured({"persons": found[0][0], "which": found[0][1]})


_BY_HAND = """
with d as (select coalesce(master, c.person_id) as p, condition_start_date as day from condition_occurrence c left join who using (person_id)
    where starts_with(condition_source_value, 'E11')),
t as (select coalesce(master, c.person_id) as p, drug_exposure_start_date as day from drug_exposure c left join who using (person_id)
    where drug_source_value = 'METF' or drug_source_value = 'YPMETF' or drug_source_value = 'XY0069'),
h as (select coalesce(master, c.person_id) as p, measurement_date as day from measurement c left join who using (person_id)
    where (measurement_source_value = 'HBA1C' or measurement_source_value = '0034') and value_as_number > 7),
treated as (select p, min(t.day) as day from d join t using (p) where t.day >= d.day and date_diff('day', d.day, t.day) <= 30 group by p)
select count(*), sum(p::hugeint)::varchar from treated x where exists (select 1 from h where h.p = x.p and h.day > x.day)
"""


def described(folder: str, threads: int, memory: str) -> Measured:
    """How large the region is: rows, bytes and files of the tables asked, and of all."""
    opened = _opened(folder, threads, memory)
    with Clock() as clock:
        stored = opened.release.tables
        said = {f"{name}: rows": stored[name].rows for name in (*_COURSE, TABLE)}
        files = {name: opened.files(name) for name in stored}
        said |= {f"{name}: files": len(files[name]) for name in (*_COURSE, TABLE)}
        said |= {f"{name}: bytes": sum(Path(file).stat().st_size for file in files[name]) for name in (*_COURSE, TABLE)}
        said["rows of all tables"] = sum(table.rows for table in stored.values())
        said["persons shown as another"] = opened.release.joined
    return clock.measured(said)
