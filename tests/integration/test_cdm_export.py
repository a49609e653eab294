"""The export loads into the published tables of DuckDB: primary keys hold, and foreign keys are open only for want of vocabulary rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from suwen.base.errors import SuwenError
from suwen.flow.export import DATABASE, FORMS, export
from suwen.flow.reader import OpenRelease
from suwen.model.cdm import TABLES
from tests.integration.example_regions import hospital

PUBLISHED = "data/omop-cdm-5.4"
KEY = re.compile(r"ALTER TABLE \S+\.(\w+) ADD CONSTRAINT \w+ FOREIGN KEY \((\w+)\) REFERENCES \S+\.(\w+) \((\w+)\)", re.IGNORECASE)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenRelease:
    return hospital(tmp_path_factory.mktemp("hospital") / "region")


@pytest.fixture(scope="module")
def folders(opened: OpenRelease, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for form in FORMS:
        found[form] = tmp_path_factory.mktemp("export") / form
        export(opened, form, found[form])
    return found


@pytest.fixture(scope="module")
def loaded(folders: dict[str, Path], shared: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = published(folders["parquet"], shared)
    yield connection
    connection.close()


def published(folder: Path, shared: Path) -> duckdb.DuckDBPyConnection:
    """A database of the published tables and primary keys, filled from the Parquet files of an export."""
    if not (shared / PUBLISHED).is_dir():
        pytest.skip("the published tables are not here")
    connection = duckdb.connect()
    connection.execute("create schema cdm")

    def script(name: str) -> str:
        return (shared / PUBLISHED / f"OMOPCDM_duckdb_5.4_{name}.sql").read_text("utf-8").replace("@cdmDatabaseSchema", "cdm")

    connection.execute(script("ddl"))
    connection.execute(script("primary_keys"))
    for name in TABLES:
        connection.execute(f"insert into cdm.{name} by name select * from read_parquet('{folder / name}.parquet')")
    return connection


def open_keys(connection: duckdb.DuckDBPyConnection, shared: Path) -> list[tuple[str, str, str]]:
    """(table, column, other table) of the published foreign keys that lead nowhere in some row."""
    text = (shared / PUBLISHED / "OMOPCDM_duckdb_5.4_constraints.sql").read_text("utf-8")
    keys = [tuple(part.lower() for part in found) for found in KEY.findall(text)]
    assert len(keys) == 176
    found = []
    for table, column, other, key in keys:
        (absent,) = connection.execute(
            f"select count(*) from cdm.{table} a anti join cdm.{other} b on b.{key} = a.{column} where a.{column} is not null"
        ).fetchall()[0]
        if absent:
            found.append((table, column, other))
    return found


def test_all_tables_and_rows_arrive(loaded: duckdb.DuckDBPyConnection, opened: OpenRelease) -> None:
    assert len(TABLES) == 39
    for name in TABLES:
        assert loaded.execute(f"select count(*) from cdm.{name}").fetchall() == [(opened.table(name).num_rows,)], name
    assert loaded.execute("select count(*) from cdm.measurement").fetchall()[0][0] > 0


def test_every_published_foreign_key(loaded: duckdb.DuckDBPyConnection, shared: Path) -> None:
    found = open_keys(loaded, shared)
    # no vocabulary is loaded: every concept is wanting, and the domains and vocabularies that rows name
    assert {other for _, _, other in found} <= {name for name, table in TABLES.items() if table.group == "vocabulary"}, found
    assert ("person", "gender_concept_id", "concept") in found


def test_ids_are_one_to_n(loaded: duckdb.DuckDBPyConnection) -> None:
    for name, table in TABLES.items():
        if table.group in ("clinical", "health system", "economics", "derived") and table.key:
            low, high, rows = loaded.execute(f"select min({table.key[0]}), max({table.key[0]}), count(*) from cdm.{name}").fetchall()[0]
            assert (low, high) == ((1, rows) if rows else (None, None)), name


def test_references_lead_to_the_same_rows(loaded: duckdb.DuckDBPyConnection, opened: OpenRelease) -> None:
    queries = [
        """select p.person_source_value, v.visit_start_datetime, v.visit_source_value from {0}.visit_occurrence v join {0}.person p using (person_id)""",
        """select p.person_source_value, m.measurement_source_value, m.value_source_value, v.visit_start_datetime
            from {0}.measurement m join {0}.person p using (person_id) left join {0}.visit_occurrence v using (visit_occurrence_id)""",
        """select c.cost_domain_id, d.drug_source_value, v.visit_start_datetime, c.total_charge::decimal(18, 3) as charge from {0}.cost c
            left join {0}.drug_exposure d on d.drug_exposure_id = c.cost_event_id and c.cost_domain_id = 'Drug'
            left join {0}.visit_occurrence v on v.visit_occurrence_id = c.cost_event_id and c.cost_domain_id = 'Visit'""",
    ]
    for query in queries:
        ours = [tuple(row.values()) for row in opened.query(query.format("omop")).to_pylist()]
        theirs = loaded.execute(query.format("cdm")).fetchall()
        assert len(ours) > 5
        assert sorted(map(_text, theirs)) == sorted(map(_text, ours))


def _text(row: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(map(str, row))


def test_the_three_forms_hold_the_same_rows(folders: dict[str, Path]) -> None:
    with duckdb.connect(str(folders["duckdb"] / DATABASE), read_only=True) as connection:
        for name, table in TABLES.items():
            rows = connection.execute(f"select count(*) from {name}").fetchall()
            assert connection.execute(f"select count(*) from read_parquet('{folders['parquet'] / name}.parquet')").fetchall() == rows
            columns = ", ".join(f"'{c.name}': 'VARCHAR'" for c in table.columns)
            assert (
                connection.execute(f"select count(*) from read_csv('{folders['csv'] / name}.csv', header = true, columns = {{{columns}}})").fetchall() == rows
            )


def test_the_same_release_gives_the_same_files(folders: dict[str, Path], opened: OpenRelease, tmp_path: Path) -> None:
    export(opened, "csv", tmp_path / "again")
    for name in TABLES:
        assert (tmp_path / "again" / f"{name}.csv").read_bytes() == (folders["csv"] / f"{name}.csv").read_bytes(), name


def test_an_export_is_whole_or_absent(opened: OpenRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(SuwenError, match="the folder is not empty"):
        export(opened, "csv", tmp_path / "full")
    with pytest.raises(SuwenError, match="unknown form"):
        export(opened, "xml", tmp_path / "new")
    monkeypatch.setattr("suwen.flow.export.write_csv", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(SuwenError, match="writing failed: no space left"):
        export(opened, "csv", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]


@pytest.mark.parametrize(
    ("name", "told"), [("link", "mount point or a link"), ("a\udcffb", "not UTF-8"), ("n" * 300, "file name too long")], ids=["link", "name", "long"]
)
def test_a_place_that_cannot_be(opened: OpenRelease, tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SuwenError, match=told):
        export(opened, "csv", tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "link"]
