"""Staging as a relation: every record with its place, whatever the shapes of the files it comes from."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.engine.duck import Engine
from suwen.engine.render import render
from suwen.engine.sql import statement
from suwen.model.staging import ISSUES, StagedFile
from suwen.repository.staged import staged

NAMES = ("A", "B", "每日")
PIECES = st.lists(
    st.tuples(st.sets(st.sampled_from(NAMES), min_size=1), st.lists(st.booleans(), max_size=6), st.integers(0, 10_000), st.integers(1, 3)),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(threads=2, memory="256MiB", scratch=tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.close()


def write(folder: Path, number: int, columns: list[str], rejects: list[bool], before: int, receipt: int) -> StagedFile:
    """A staging file whose texts tell their place; `rejects` says of each record whether it was rejected (and holds nothing)."""
    path = folder / f"{number}.parquet"
    texts = {c: pa.array([None if bad else f"{c}{number}.{at}" for at, bad in enumerate(rejects)], pa.string()) for c in columns}
    issues = {ISSUES: pa.array(["RDR-001" if bad else None for bad in rejects], pa.string())} if any(rejects) or number % 2 else {}
    pq.write_table(pa.table({**texts, **issues}), path, row_group_size=2)
    return StagedFile(str(path), "feed", "kind", receipt, number, before, len(rejects), tuple(columns), sum(rejects), content="")


@given(PIECES)
def test_every_record_has_its_texts_and_its_place(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[set[str], list[bool], int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("staging")
    files = [write(folder, at, sorted(columns), rejects, before, receipt) for at, (columns, rejects, before, receipt) in enumerate(pieces)]
    query = staged(files, NAMES, {"salt": [100 + at for at in range(len(files))]})
    found = engine.rows(statement("select * from {q} q", q=query))
    expected = [
        (*(None if bad or name not in columns else f"{name}{at}.{nth}" for name in NAMES), 100 + at, "RDR-001" if bad else None, receipt, before + nth + 1)
        for at, (columns, rejects, before, receipt) in enumerate(pieces)
        for nth, bad in enumerate(rejects)
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_columns_have_their_types_and_order(engine: Engine, tmp_path: Path) -> None:
    files = [write(tmp_path, 0, ["A"], [False], 0, 7)]
    described = engine.rows(f"describe {render(staged(files, ['B', 'A'], {'salt': [1]}))}")
    assert [(name, kind) for name, kind, *_ in described] == [
        ("B", "VARCHAR"),
        ("A", "VARCHAR"),
        ("salt", "BIGINT"),
        ("_issues", "VARCHAR"),
        ("_receipt", "BIGINT"),
        ("_record", "BIGINT"),
    ]


def test_one_file_needs_no_look_up_by_file(tmp_path: Path) -> None:
    """The place in the list of files is asked for only where files differ: a constant costs nothing."""
    one = write(tmp_path, 0, ["A"], [False], 0, 7)
    assert "file_index" not in render(staged([one], ["A"]))
    other = write(tmp_path, 1, ["A"], [False], 1, 8)
    assert "file_index" in render(staged([one, other], ["A"]))
    assert "union_by_name" not in render(staged([one, other], ["A"])), "files of one shape are not matched by name"
