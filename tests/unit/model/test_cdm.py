"""The tables as data are the published ones, but for the deviations declared."""

import csv
from pathlib import Path

import pytest

from suwen.base.errors import Defect
from suwen.model.cdm import DEVIATIONS, PROVENANCE, TABLES, Column, Table, Type, storage_columns

PLAIN = {"integer": Type.INTEGER, "date": Type.DATE, "datetime": Type.TIMESTAMP}


def published(shared: Path, level: str) -> list[dict[str, str]]:
    with (shared / f"data/omop-cdm-5.4/OMOP_CDMv5.4_{level}_Level.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def deviating(part: str) -> frozenset[tuple[str, str]]:
    (found,) = [d.fields for d in DEVIATIONS if part in d.what]
    return found


def test_every_published_field_in_its_order_and_no_other(shared: Path) -> None:
    fields = [(r["cdmTableName"], r["cdmFieldName"].strip('"')) for r in published(shared, "Field")]
    assert fields == [(t, c) for t in dict.fromkeys(t for t, _ in fields) for c in TABLES[t].row_columns]
    assert len(fields) == sum(len(t.columns) for t in TABLES.values()) == 432
    assert {t for t, _ in fields} == set(TABLES) == {r["cdmTableName"] for r in published(shared, "Table")}


def test_types_required_and_keys_are_the_published_ones_but_for_the_declared_deviations(shared: Path) -> None:
    for row in published(shared, "Field"):
        table, field, kind = row["cdmTableName"], row["cdmFieldName"].strip('"'), row["cdmDatatype"].lower()
        column, place = TABLES[table].column(field), (row["cdmTableName"], row["cdmFieldName"].strip('"'))
        assert column.published == kind, place
        assert column.primary_key == (row["isPrimaryKey"] == "Yes"), place
        assert column.required == (row["isRequired"] == "Yes") or place in deviating("may be null"), place
        expected = PLAIN.get(kind)
        if kind == "integer" and place in deviating("ids are BIGINT"):
            expected = Type.BIGINT
        elif kind == "float":
            expected = Type.MONEY if place in deviating("money") else Type.AMOUNT
        elif kind.startswith("varchar"):
            expected = Type.VARCHAR
        assert column.type is expected, place


def test_references_and_domains_are_the_published_ones_and_four_more(shared: Path) -> None:
    for row in published(shared, "Field"):
        place = row["cdmTableName"], row["cdmFieldName"].strip('"')
        column = TABLES[place[0]].column(place[1])
        named = (row["fkTableName"].lower(), row["fkFieldName"].lower()) if row["isForeignKey"] == "Yes" else None
        assert column.references == named or place in deviating("not published"), place
        assert column.domain == ("" if row["fkDomain"] == "NA" else row["fkDomain"]), place


def test_a_deviation_is_declared_for_every_column_that_deviates_and_no_other() -> None:
    every = [(t.name, c) for t in TABLES.values() for c in t.columns]
    assert deviating("ids are BIGINT") == {(t, c.name) for t, c in every if c.published == "integer" and c.type is Type.BIGINT}
    assert deviating("money") == {(t, c.name) for t, c in every if c.type is Type.MONEY}
    assert {t for t, _ in deviating("money")} == {"cost"}
    assert deviating("other numbers") == {(t, c.name) for t, c in every if c.type is Type.AMOUNT}
    assert deviating("text has no length") == {(t, c.name) for t, c in every if c.type is Type.VARCHAR}
    assert deviating("may be null") == {("visit_occurrence", "visit_end_date"), ("visit_detail", "visit_detail_end_date")}


def test_concept_ids_are_integer_and_all_other_row_ids_bigint() -> None:
    for table in TABLES.values():
        for column in table.columns:
            named = column.references[0] if column.references else table.name
            if column.published == "integer" and (column.references or column.primary_key):
                assert column.type is (Type.INTEGER if named == "concept" else Type.BIGINT), (table.name, column.name)


def test_every_reference_names_a_key_of_its_own_type() -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.references is not None:
                assert TABLES[column.references[0]].column(column.references[1]).type is column.type, (table.name, column.name)


@pytest.mark.parametrize(
    ("table", "id_column", "person", "date"),
    [
        ("person", "person_id", "person_id", None),
        ("death", "person_id", "person_id", "death_date"),
        ("visit_occurrence", "visit_occurrence_id", "person_id", "visit_start_date"),
        ("procedure_occurrence", "procedure_occurrence_id", "person_id", "procedure_date"),
        ("drug_era", "drug_era_id", "person_id", "drug_era_start_date"),
        ("location", "location_id", None, None),
        ("cost", "cost_id", None, None),
        ("fact_relationship", None, None, None),
        ("concept_relationship", None, None, None),
    ],
)
def test_id_person_and_date_of_a_table(table: str, id_column: str | None, person: str | None, date: str | None) -> None:
    assert (TABLES[table].id_column, TABLES[table].person_column, TABLES[table].date_column) == (id_column, person, date)


def test_every_table_of_events_of_a_person_has_a_required_date() -> None:
    for table in TABLES.values():
        if table.person_column and table.name != "person":
            assert table.date_column is not None and table.column(table.date_column).required, table.name


def test_each_table_says_in_two_languages_what_it_is() -> None:
    assert all(t.summary["en"] and t.summary["zh"] for t in TABLES.values())


def test_a_stored_table_carries_its_provenance_after_the_published_columns() -> None:
    stored = storage_columns(TABLES["death"])
    assert tuple(c.name for c in stored) == (*TABLES["death"].row_columns, "_receipt", "_record", "_template", "_run")
    assert [str(c.type) for c in PROVENANCE] == ["BIGINT", "BIGINT", "VARCHAR", "BIGINT"]


@pytest.mark.parametrize(
    ("columns", "date"),
    [((), None), ((Column("a", Type.DATE), Column("a", Type.DATE)), None), ((Column("a", Type.BIGINT),), "a")],
    ids=["no column", "a column twice", "a month from a number"],
)
def test_a_table_that_makes_no_sense_cannot_be_built(columns: tuple[Column, ...], date: str | None) -> None:
    with pytest.raises(Defect):
        Table("odd", "clinical", columns, date, {"en": "", "zh": ""})


def test_an_unknown_column_is_not_found() -> None:
    with pytest.raises(KeyError):
        TABLES["person"].column("nosuch")
