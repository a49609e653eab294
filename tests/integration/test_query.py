"""Questions to a real region: schemas agree with each other, `omop` is what research tools expect, and a reader never sees half a run."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import suwen
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.model.cdm import TABLES
from tests.integration.small_region import deliver, make


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases: the second takes in corrections, deletions and late parents."""
    place = tmp_path_factory.mktemp("small") / "region"
    region = make(place)
    for deliveries in ([0, 1], [2, 3]):
        deliver(place, deliveries)
        run(region)
    return place


@pytest.fixture(params=[1, 2])
def opened(folder: Path, request: pytest.FixtureRequest) -> OpenRelease:
    return suwen.open(folder, request.param)


def test_every_table_holds_the_rows_that_its_release_names(opened: OpenRelease) -> None:
    with opened.guarded() as connection:
        for name, state in opened.release.tables.items():
            assert connection.arrow(f"select count(*) as n from {name.replace('/', '.')}").to_pylist() == [{"n": state.rows}], name


def test_omop_is_the_published_model(opened: OpenRelease) -> None:
    with opened.guarded() as connection:
        for name, table in TABLES.items():
            assert connection.arrow(f"select * from omop.{name} limit 0").schema.names == list(table.row_columns)


def test_no_shown_reference_leads_nowhere(opened: OpenRelease) -> None:
    """Every reference that omop shows, required or optional, names a row that is there."""
    with opened.guarded() as connection:
        for name, table in TABLES.items():
            for column in table.columns:
                if column.references and f"cdr/{name}" in opened.release.tables and TABLES[column.references[0]].group != "vocabulary":
                    other, key = column.references
                    lost = (
                        f"select count(*) as n from omop.{name} a where a.{column.name} is not null and a.{column.name} not in (select {key} from omop.{other})"
                    )
                    assert connection.arrow(lost).to_pylist() == [{"n": 0}], f"{name}.{column.name}"


def test_some_reference_did_lead_nowhere(folder: Path) -> None:
    """The test above is not idle: in the first release results name a visit that had not come."""
    first = suwen.open(folder, 1)
    assert first.release.dangling.get("measurement.visit_occurrence_id", 0) > 0
    hidden = """select count(*) as n from cdr.measurement c join omop.measurement o using (measurement_id)
        where c.visit_occurrence_id is distinct from o.visit_occurrence_id"""
    assert first.query(hidden).to_pylist()[0]["n"] == first.release.dangling["measurement.visit_occurrence_id"]


def test_the_first_release_stays_readable(folder: Path) -> None:
    first, second = suwen.open(folder, 1), suwen.open(folder, 2)
    assert first.table("measurement").num_rows + 1 < second.table("measurement").num_rows
    assert "p12" in second.table("person").column("person_source_value").to_pylist()
    assert "p12" not in first.table("person").column("person_source_value").to_pylist()
    assert suwen.open(folder).release.number == 2


def test_the_ledger_is_a_table_like_any_other(folder: Path) -> None:
    moved = (
        suwen.open(folder).query("select to_state, sum(records)::bigint as n from state.ledger where run = 2 and from_state = 'held' group by 1").to_pylist()
    )
    assert any(row["to_state"] == "mapped" and row["n"] > 0 for row in moved)


class Reader(threading.Thread):
    """Opens the newest release again and again; whatever it sees must be whole."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.ended, self.seen, self.broken = folder, threading.Event(), list[int](), list[str]()

    def run(self) -> None:
        while not self.ended.is_set():
            opened = OpenRelease(open_region(self.folder))
            self.seen.append(opened.release.number)
            self.broken += list(self._broken(opened))
            self.ended.wait(0.1)

    def _broken(self, opened: OpenRelease) -> Iterator[str]:
        for name in ("cdr/person", "cdr/visit_occurrence", "cdr/measurement", "state/disposition"):
            rows = opened.table(name.replace("/", ".")).num_rows
            if rows != opened.release.tables[name].rows:
                yield f"release {opened.release.number}: {name} has {rows} rows"


def test_a_reader_meanwhile_sees_whole_releases_only(tmp_path: Path) -> None:
    region = make(tmp_path / "region")
    deliver(region.folder, [0, 1])
    run(region)
    reader = Reader(region.folder)
    reader.start()
    deliver(region.folder, [2])
    run(region)
    deliver(region.folder, [3])
    run(region)
    while reader.seen[-1] != 3 and reader.is_alive():
        reader.ended.wait(0.05)
    reader.ended.set()
    reader.join(30)
    assert not reader.broken and reader.seen == sorted(reader.seen) and set(reader.seen) >= {1, 3}
