"""The small region run by Spark: every release has the content that DuckDB gives it, and DuckDB reads the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.flow.reader import OpenRelease
from suwen.flow.run import run
from suwen.model.region import Region
from tests.integration.on_spark import content, needs_spark, on_spark
from tests.integration.small_region import deliver, make

pytestmark = needs_spark
TURNS = ([0, 1], [2, 3])  # a first run, then corrections, deletions and late parents


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Region, Region, list[tuple[object, object]]]:
    """The region on both engines, and what each release of theirs says."""
    here, there = tmp_path_factory.mktemp("duckdb"), tmp_path_factory.mktemp("spark")
    plain = make(here)
    make(there)
    spark, said = on_spark(there), []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("suwen.flow.stage.WORTH_SPREADING", 0)  # Spark's workers read what landed, however little
        for number, turn in enumerate(TURNS):
            for folder in (here, there):
                deliver(folder, turn)
            run(plain)
            if number:  # now what stood apart is put together too, a pool a delivery, and merged
                patched.setattr("suwen.flow.arrivals.FEWEST", 1)
                patched.setattr("suwen.flow.pools.AT_ONCE", 1)
                patched.setattr("suwen.flow.pools.TIER", 2)
            run(spark)
            patched.setattr("suwen.flow.arrivals.FEWEST", 1_000)
            said.append((content(plain), content(spark)))
    return plain, spark, said


@pytest.mark.parametrize("turn", range(len(TURNS)))
def test_a_release_has_the_same_content(regions: tuple[Region, Region, list[tuple[object, object]]], turn: int) -> None:
    by_duckdb, by_spark = regions[2][turn]
    assert by_spark == by_duckdb


def test_rows_are_read_by_duckdb_as_its_own(regions: tuple[Region, Region, list[tuple[object, object]]]) -> None:
    plain, spark, _ = regions
    for table in ("person", "visit_occurrence", "measurement"):
        one, other = (OpenRelease(region).table(table).sort_by(f"{table}_id") for region in (plain, spark))
        assert other.schema == one.schema
        assert other == one


def test_pools_were_made_and_merged(regions: tuple[Region, Region, list[tuple[object, object]]]) -> None:
    assert len(list(regions[1].pools.glob("*/*/list.parquet"))) == 6  # four deliveries; the two of one file together; then all
    assert not regions[0].pools.exists()


def test_nothing_is_left_of_the_work(regions: tuple[Region, Region, list[tuple[object, object]]]) -> None:
    lake = regions[1].lake
    assert not (lake / ".scratch").exists()
    assert not [path for path in Path(lake / "cdr").rglob("*") if path.name.startswith((".", "_SUCCESS")) and path.name != "_delta_log"]
