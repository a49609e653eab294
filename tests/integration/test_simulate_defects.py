"""A small region with defects, landed and run: reader and template find each kind where the truth has it, and disturb nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from suwen.model.extension import ALL_TABLES
from suwen.simulate.defects.catalogue import Kind
from tests.integration.defect_regions import CAUGHT, RATES, Landed, Place, landed, measured

ENOUGH, WELL = 200, 0.99
PLACES = 1 << 32  # more than a file has records
PATIENTS = {"PID-001", "PID-002", "PID-003"}  # numbers that the patients of the clean region lack or have wrong
ROWS = (
    "person",
    "location",
    "visit_occurrence",
    "ext_visit",
    "ext_procedure",
    "death",
    "condition_occurrence",
    "drug_exposure",
    "procedure_occurrence",
    "measurement",
    "note",
    "cost",
)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return landed(tmp_path_factory.mktemp("clean"), None)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return landed(tmp_path_factory.mktemp("spoilt"), RATES)


def test_the_clean_region_has_no_finding_but_of_its_patients_numbers(clean: Landed) -> None:
    assert not clean.refused
    assert {place[2] for place in clean.counted} <= PATIENTS


def test_no_finding_that_no_defect_explains(spoilt: Landed) -> None:
    """A snapshot with an unreadable key is told by WIN-002."""
    assert {place[2] for place in spoilt.counted} <= {*PATIENTS, "WIN-002", *(kind.code for kind in CAUGHT)}


@pytest.mark.parametrize("kind", CAUGHT, ids=lambda kind: kind.name)
def test_found(kind: Kind, spoilt: Landed) -> None:
    found = measured(kind, spoilt)
    assert found.injected >= ENOUGH
    assert found.recall >= WELL and found.precision >= WELL, found


def test_nothing_else_is_disturbed(clean: Landed, spoilt: Landed) -> None:
    """Every row of the clean region is there again, but for those made of the records with defects."""
    befallen = _numbers(clean, _befallen(spoilt))
    for table in ROWS:
        key = ALL_TABLES[table].columns[0].name
        before, after = _rows(clean, table), _rows(spoilt, table)
        kept = before.filter(pc.invert(pc.is_in(before[key], value_set=_made_of(clean, table, befallen))))
        assert kept.num_rows > before.num_rows / 8, table  # stays and front pages have many defects, to be enough
        again = after.take(pc.index_in(kept[key], value_set=after[key]))
        assert again.equals(kept), (table, [pair for pair in zip(kept.to_pylist(), again.to_pylist(), strict=True) if pair[0] != pair[1]][:3])
        assert pc.all(pc.is_in(after[key], value_set=before[key])).as_py(), table


def _schema(table: str) -> str:
    return "ext" if table.startswith("ext_") else "cdr"


def _rows(of: Landed, table: str) -> Any:
    """The published columns."""
    return of.table(f"select {', '.join(column.name for column in ALL_TABLES[table].columns)} from {_schema(table)}.{table}")


def _made_of(of: Landed, table: str, records: Any) -> Any:
    """The ids of the rows made of some records."""
    sql = f"""select {ALL_TABLES[table].columns[0].name} as id, _receipt * {PLACES} + _record as place from {_schema(table)}.{table}
        union all select id, receipt * {PLACES} + record from state.lineage where table_name = '{table}'"""
    found = of.table(sql)
    return found.filter(pc.is_in(found["place"], value_set=records))["id"].combine_chunks()


def _numbers(of: Landed, places: set[Place]) -> Any:
    """Receipt and record as one number."""
    receipts = {file: receipt for receipt, file in of.files.items()}
    return pa.array([receipts[feed, file] * PLACES + record for feed, file, record in places], pa.int64())


def _befallen(spoilt: Landed) -> set[Place]:
    """The records with defects by their number in the clean file: less what defects before them added to it."""
    by_file = defaultdict[tuple[str, str], list[Mapping[str, Any]]](list)
    for row in spoilt.export.truth:
        by_file[row["feed"], row["file"]].append(row)
    found: set[Place] = set()
    for (feed, file), rows in by_file.items():
        more = 0
        for row in rows:  # in order of place
            number = row["record"] - more
            if row["added"]:
                number -= 1  # the record before it, of which one comes twice
            found.add((feed, file, number))
            more += row["records"] if row["added"] else row["records"] - 1
    return found
