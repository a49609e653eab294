"""What DuckDB, Arrow and delta-rs raise becomes one clear error of ours, and no value of a record is in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest

from suwen.base.errors import Defect, SuwenError
from suwen.engine.duck import Engine
from suwen.engine.faults import is_whole, system_fault
from suwen.engine.keys import repeated
from suwen.engine.sql import read_parquet, statement

SECRET = "zhang san"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(threads=1, memory="64MiB", scratch=tmp_path / "scratch")
    yield made
    made.close()


@pytest.fixture
def file(engine: Engine, tmp_path: Path) -> Path:
    path = tmp_path / "it's.parquet"
    engine.copy(f"select range as id, '{SECRET}' || range as name from range(50000)", path)
    return path


def harm(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
        return
    changed = {
        "empty": b"",
        "short": data[:7],
        "cut": data[: len(data) // 2],
        "footer": data[:-400] + os.urandom(392) + data[-8:],
        "length": data[:-8] + b"\xff\xff\xff\x7f" + data[-4:],
        "pages": data[:4] + bytes(b ^ 0x5A for b in data[4 : len(data) // 2]) + data[len(data) // 2 :],
    }
    path.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["missing", "empty", "short", "cut", "footer", "length", "pages"])
def test_a_damaged_file_is_named_whoever_reads_it(how: str, engine: Engine, file: Path) -> None:
    harm(file, how)
    assert is_whole(file) == (how in ("footer", "length", "pages"))
    query = statement("select id, name from {f} f", f=read_parquet([str(file)]))
    readers = [
        lambda: engine.rows(query),
        lambda: engine.arrow(query),
        lambda: engine.temporary("t", query),
        lambda: engine.copy(query, file.parent / "new.parquet"),
        lambda: engine.copy_whole(query, file.parent / "new.parquet"),
        lambda: repeated([str(file)], "id"),
    ]
    for read in readers:
        with pytest.raises(SuwenError) as told:
            read()
        assert told.value.where == str(file) and "a file of the lake is " in told.value.what and told.value.do
        assert ("is missing" in told.value.what) == (how == "missing") and SECRET not in str(told.value)
    assert not [name for name in os.listdir(file.parent) if name.endswith(".tmp")]


def test_a_sound_file_beside_a_damaged_one_is_not_blamed(engine: Engine, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    other.write_bytes(file.read_bytes())
    harm(other, "pages")
    with pytest.raises(SuwenError) as told:
        engine.arrow(statement("select * from {f} f", f=read_parquet([str(file), str(other)])))
    assert told.value.where == str(other)


@pytest.mark.parametrize(
    "query",
    [
        "select name::integer as n from {f} f",
        "select error(name) as n from {f} f",
        "select sum(id::hugeint * 170141183460469231731687303715884105) as n from {f} f",
        "select strptime(name, '%d') as n from {f} f",
    ],
)
def test_a_value_that_does_not_fit_is_a_defect_without_the_value(query: str, engine: Engine, file: Path) -> None:
    tree = statement(query, f=read_parquet([str(file)]))
    for ask in (engine.rows, engine.arrow, engine.execute, lambda q: engine.copy(q, file.parent / "new.parquet")):
        with pytest.raises(Defect) as told:
            ask(tree)
        assert SECRET not in str(told.value) and "the engine failed on a statement" in str(told.value)
        assert told.value.__cause__ is None and told.value.__suppress_context__  # a traceback would print the engine's own text


def test_a_statement_of_ours_that_is_wrong_is_a_defect_that_says_why(engine: Engine) -> None:
    with pytest.raises(Defect, match="refused a statement: BinderException") as told:
        engine.execute("select nosuch from (select 1 as a) x")
    assert "nosuch" in str(told.value.__cause__)


def test_too_little_memory_is_told_with_the_setting(tmp_path: Path) -> None:
    engine = Engine(threads=1, memory="2MiB", scratch=tmp_path / "scratch")
    with pytest.raises(SuwenError, match="more memory than the region allows") as told:
        engine.execute("create temp table t as select range as a, md5(range::varchar) as b from range(3000000)")
    assert told.value.expected == "more than 2MiB" and told.value.do == "raise memory in region.toml"
    engine.close()


def test_no_room_to_put_aside_is_told_with_the_folder(tmp_path: Path) -> None:
    engine = Engine(threads=1, memory="20MiB", scratch=tmp_path / "scratch")
    engine.execute("set max_temp_directory_size = '1MiB'")
    with pytest.raises(SuwenError, match="no room to put aside") as told:
        engine.execute("create temp table t as select range as a, md5(range::varchar) as b from range(3000000)")
    assert told.value.where == str(tmp_path / "scratch")
    engine.close()


def test_what_fails_leaves_the_engine_in_order(engine: Engine, file: Path, tmp_path: Path) -> None:
    with pytest.raises(Defect):
        engine.copy(f"select error('{SECRET}')", tmp_path / "new.parquet", ordered=True)
    assert engine.one("select current_setting('preserve_insertion_order')") is False
    assert engine.one("select 1") == 1


def test_a_source_that_fails_leaves_no_file(engine: Engine, tmp_path: Path) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"name": [SECRET]})
        raise ValueError(SECRET)

    with pytest.raises(Defect) as told:
        engine.copy_batches(pa.RecordBatchReader.from_batches(pa.schema([("name", pa.string())]), batches()), tmp_path / "a" / "new.parquet")
    assert SECRET not in str(told.value) and list((tmp_path / "a").iterdir()) == []


@pytest.mark.parametrize("code", ["No space left on device", "Disk quota exceeded", "Read-only file system", "Permission denied", "Input/output error"])
def test_the_systems_words_become_advice(code: str, tmp_path: Path) -> None:
    fault = system_fault(f'IO Error: Could not write file "{SECRET}": {code}', tmp_path)
    assert fault is not None and fault.what == f"writing failed: {code.lower()}" and fault.where == str(tmp_path) and fault.do
    assert SECRET not in str(fault)
    assert system_fault("IO Error: something else", tmp_path) is None


def test_delimited_text_that_duckdb_refuses_is_left_to_our_own_reader(engine: Engine, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text(f"a,b\n1,{SECRET},3\n")
    options = {"delim": ",", "header": True, "all_varchar": True, "strict_mode": True, "auto_detect": False, "columns": {"a": "VARCHAR", "b": "VARCHAR"}}
    assert engine.copy_csv(source, options, tmp_path / "a.parquet") == -1
    assert sorted(p.name for p in tmp_path.glob("*a.*")) == ["a.csv"]


ENDLESS = """
import signal, sys
from pathlib import Path
from suwen.engine.duck import Engine

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with the signal ignored
engine = Engine(scratch=Path(sys.argv[1]))
print("ready", flush=True)
try:
    engine.execute("select sum(a.range * b.range) from range(10000000) a, range(100000) b")
except KeyboardInterrupt:
    sys.exit(99)
"""


def test_an_interrupt_within_a_statement(root: Path, tmp_path: Path) -> None:
    """In a process of its own: a statement that an interrupt did not end would otherwise end no test run either."""
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    with subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            assert interrupted(process) == 99
        finally:
            process.kill()


def interrupted(process: subprocess.Popen[str]) -> int | None:
    """The exit code of a process that is interrupted again and again, as by somebody who waits for it."""
    for _ in range(60):
        with suppress(subprocess.TimeoutExpired):
            return process.wait(1)
        process.send_signal(signal.SIGINT)
    return None
