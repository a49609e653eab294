"""Delta tables: a commit stands on the version it was planned from or is refused, removes what is there or nothing, and can be taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from suwen.base.errors import Defect, SuwenError
from suwen.engine.delta import DataFile, LakeTable, NewFile, arrow_type
from suwen.engine.duck import Engine
from suwen.engine.sql import read_parquet, statement

COLUMNS = {"id": "BIGINT", "day": "DATE", "at": "TIMESTAMP", "word": "VARCHAR", "amount": "DECIMAL(18,4)", "yes": "BOOLEAN", "small": "INTEGER"}
ROW = (
    "{n}::BIGINT as id, date '2024-02-29' + {n}::INTEGER as day, timestamp '2024-02-29 12:00:00.5' as at, 'w' || {n} as word, "
    "1.5::DECIMAL(18,4) as amount, true as yes, {n}::INTEGER as small"
)


class Table:
    """A lake table and the engine that writes its files."""

    def __init__(self, folder: Path) -> None:
        self.engine = Engine(threads=1, memory="256MiB", scratch=folder / "scratch")
        self.lake = LakeTable(folder / "lake" / "things", COLUMNS)
        self.files = 0

    def new(self, *numbers: int, part: str = "202402") -> NewFile:
        """A file of rows that is not yet committed."""
        self.files += 1
        query = " union all ".join(f"select {ROW.format(n=n)}" for n in numbers)
        return NewFile(self.engine.copy(query, self.lake.new_path(part, f"f{self.files}")), part)

    def ids(self, version: int | None = None) -> list[int]:
        files = [f.path for f in self.lake.files(version)]
        return sorted(n for path in files for (n,) in duckdb.connect().execute("select id from read_parquet(?, hive_partitioning = false)", [path]).fetchall())


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    made = Table(tmp_path)
    yield made
    made.engine.close()


def test_a_table_that_is_not_there_has_no_version_and_no_files(table: Table) -> None:
    assert (table.lake.exists, table.lake.version(), table.lake.files(), table.lake.files(-1)) == (False, -1, [], [])
    assert not table.lake.folder.exists()
    with pytest.raises(SuwenError, match="things is damaged: it is not there"):
        table.lake.files(3)


def test_a_folder_that_a_dead_process_left_is_no_table_yet(table: Table) -> None:
    (table.lake.folder / "_delta_log").mkdir(parents=True)
    assert not table.lake.exists and table.lake.files() == []
    assert table.lake.commit(-1, [table.new(1)], [], application="a") == 1


def test_the_files_of_every_version_can_be_read(table: Table) -> None:
    one, two = table.new(1, 2), table.new(3, part="202403")
    assert table.lake.commit(-1, [one], [], application="a") == 1
    assert table.lake.commit(1, [two], table.lake.files(), application="b") == 2
    assert (table.ids(0), table.ids(1), table.ids(2), table.ids()) == ([], [1, 2], [3], [3])
    (file,) = table.lake.files(1)
    assert file == DataFile(str(one.written.path), 2, one.written.path.stat().st_size, "202402")
    with pytest.raises(SuwenError, match="things is damaged"):
        table.lake.files(7)


def test_a_second_writer_from_the_same_version_is_refused(table: Table) -> None:
    table.lake.commit(-1, [table.new(1)], [], application="a")
    late = table.new(2)
    assert table.lake.commit(1, [table.new(3)], [], application="b") == 2
    for base in (-1, 0, 1, 3):
        with pytest.raises(SuwenError, match="one writer per region") as told:
            table.lake.commit(base, [late], [], application="c")
        assert "run again" in told.value.do
    assert table.ids() == [1, 3] and table.lake.version() == 2


def test_a_writer_that_comes_between_look_and_commit_is_noticed(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.lake.commit(-1, [table.new(1)], [], application="a")
    late, commit = table.new(2), DeltaTable.create_write_transaction

    def overtaken(opened: DeltaTable, *args: object, **more: object) -> None:
        monkeypatch.undo()
        table.lake.commit(1, [table.new(3)], [], application="b")
        commit(opened, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(DeltaTable, "create_write_transaction", overtaken)
    with pytest.raises(SuwenError, match="another writer committed first"):
        table.lake.commit(1, [late], [], application="c")
    assert table.ids() == [1, 3]


def test_a_transaction_is_committed_once_even_after_it_was_taken_back(table: Table) -> None:
    table.lake.commit(-1, [table.new(1)], [], application="run/1")
    with pytest.raises(Defect, match="run/1 was committed before"):
        table.lake.commit(1, [table.new(2)], [], application="run/1")
    assert table.lake.restore(-1) and table.ids() == []
    with pytest.raises(Defect, match="run/1 was committed before"):
        table.lake.commit(2, [table.new(2)], [], application="run/1")
    assert table.lake.commit(2, [table.new(2)], [], application="run/2") == 3 and table.ids() == [2]


def test_a_file_that_is_not_in_the_version_cannot_be_removed(table: Table) -> None:
    table.lake.commit(-1, [table.new(1)], [], application="a")
    gone = table.lake.files()
    table.lake.commit(1, [table.new(2)], gone, application="b")
    with pytest.raises(Defect, match="1 files to be removed are not in version 2"):
        table.lake.commit(2, [table.new(3)], gone, application="c")
    assert table.ids() == [2]


def test_a_commit_of_nothing_is_no_version(table: Table) -> None:
    table.lake.commit(-1, [table.new(1)], [], application="a")
    empty = table.engine.copy(f"select * from (select {ROW.format(n=1)}) where false", table.lake.new_path("202402", "empty"))
    assert table.lake.commit(1, [NewFile(empty, "202402")], [], application="b") == 1
    assert table.lake.version() == 1


def test_restore_takes_back_what_came_after_a_version(table: Table) -> None:
    table.lake.commit(-1, [table.new(1)], [], application="a")
    before = table.lake.files()
    table.lake.commit(1, [table.new(2)], [], application="b")
    table.lake.commit(2, [table.new(3)], table.lake.files(), application="c")
    assert table.lake.restore(1)
    assert table.lake.files() == before and table.lake.version() == 4
    assert not table.lake.restore(1)  # nothing more to take back
    assert table.lake.version() == 4 and table.ids(3) == [3]
    with pytest.raises(SuwenError, match="version 9 is not there, the newest is 4"):
        table.lake.restore(9)


def test_files_of_dead_runs_are_dropped_by_the_beginning_of_their_names(table: Table) -> None:
    table.lake.commit(-1, [table.new(1), table.new(2, part="000000")], [], application="a")
    table.new(3)
    table.new(4, part="a[b]")
    assert table.lake.drop_files("f[1]") == 0 and table.lake.drop_files("f3") + table.lake.drop_files("f4") == 2
    assert table.ids() == [1, 2]


def test_the_log_is_kept_for_as_long_as_releases_are(table: Table) -> None:
    table.lake.open()
    assert table.lake.open().metadata().configuration["delta.enableExpiredLogCleanup"] == "false"


def test_another_s_commits_are_seen_by_a_table_that_is_open(table: Table) -> None:
    other = LakeTable(table.lake.folder, COLUMNS)
    table.lake.open()
    assert table.lake.commit(0, [table.new(1)], [], application="one") == 1 and other.version() == 1 and len(other.files()) == 1
    assert table.lake.commit(1, [table.new(2)], [], application="two") == 2 and other.version() == 2
    assert [len(other.files(version)) for version in (1, 2, 0, 2)] == [1, 2, 0, 2]
    table.lake.restore(1)
    assert other.version() == 3 and len(other.files()) == 1 and len(table.lake.files()) == 1


def test_a_file_tells_between_which_receipts_its_rows_lie(tmp_path: Path) -> None:
    engine, lake = Engine(threads=1, memory="256MiB", scratch=tmp_path / "scratch"), LakeTable(tmp_path / "rows", {"id": "BIGINT", "_receipt": "BIGINT"})
    lake.open()
    for n in range(12):  # beyond a checkpoint
        query = f"select 1::BIGINT as id, {n}::BIGINT as _receipt union all select 2, {n + 5}" if n else "select 1::BIGINT as id, null::BIGINT as _receipt"
        lake.commit(n, [NewFile(engine.copy(query, lake.new_path("0", f"f{n:02d}")), "0")], [], application=f"a{n}")
    lake.restore(11)
    files = LakeTable(lake.folder, lake.columns).files()
    assert [f.receipts for f in files] == [None, *((n, n + 5) for n in range(1, 11))]
    assert files[0].may_hold([99]) and files[3].may_hold([1, 8]) and not files[3].may_hold([2, 9]) and not files[3].may_hold([])
    engine.close()


def test_a_hundred_versions_are_checkpointed_and_old_ones_still_open(table: Table) -> None:
    base = -1
    for number in range(1, 103):
        base = table.lake.commit(base, [table.new(number)], table.lake.files(), application=str(number))
    assert list((table.lake.folder / "_delta_log").glob("*.checkpoint.parquet"))
    assert (table.ids(1), table.ids(57), table.ids()) == ([1], [57], [102])


def test_files_are_held_against_the_release(table: Table) -> None:
    table.lake.commit(-1, [table.new(1, 2)], [], application="a")
    (file,) = files = table.lake.files()
    table.lake.check(files, 2)
    with pytest.raises(SuwenError, match="tells of 2 rows, the release of 3"):
        table.lake.check(files, 3)
    data = Path(file.path).read_bytes()
    Path(file.path).write_bytes(data[:-1])
    with pytest.raises(SuwenError, match=f"a file of {len(data)} bytes has {len(data) - 1}: _part=202402/f1.parquet"):
        table.lake.check(files, 2)
    Path(file.path).unlink()
    with pytest.raises(SuwenError, match="a file is missing") as told:
        table.lake.check(files, 2)
    assert told.value.where == str(table.lake.folder) and "landing" in told.value.do


def test_statistics_are_those_of_the_rows(table: Table) -> None:
    table.lake.commit(-1, [table.new(5, 3, 9)], [], application="a")
    (action,) = pa.table(table.lake.open().get_add_actions(flatten=True)).to_pylist()
    assert (action["num_records"], action["min.id"], action["max.id"], action["null_count.id"]) == (3, 3, 9, 0)
    assert (action["min.small"], action["max.small"]) == (3, 9)
    assert (str(action["min.day"]), str(action["max.day"])) == ("2024-03-03", "2024-03-09")
    assert str(action["min.at"]).startswith("2024-02-29 12:00:00.5")
    (log,) = [json.loads(line) for line in (table.lake.folder / "_delta_log" / f"{1:020d}.json").read_text().splitlines() if '"add"' in line]
    assert set(json.loads(log["add"]["stats"])["minValues"]) == {"id", "day", "at", "small"}


def test_delta_rs_and_duckdb_read_what_was_written(table: Table) -> None:
    table.lake.commit(-1, [table.new(1, 2), table.new(3, part="000000")], [], application="a")
    opened = table.lake.open()
    schema = pa.schema(opened.schema().to_arrow())
    assert [(f.name, f.type) for f in schema][:-1] == [(n, arrow_type(t)) for n, t in COLUMNS.items()]
    through_delta = sorted(opened.to_pyarrow_table().drop_columns(["_part"]).to_pylist(), key=lambda row: row["id"])
    paths = [f.path for f in table.lake.files()]
    assert table.engine.arrow(statement("select * from {f} f order by id", f=read_parquet(paths))).to_pylist() == through_delta
    assert [row["id"] for row in through_delta] == [1, 2, 3]
