"""Generic event columns reach every column of the seven domain tables."""

import pytest

from suwen.model.cdm import TABLES, Type
from suwen.model.event import DEFAULTS, DOMAIN_TABLE, EVENT_TABLES, GENERIC, MADE, PROMISED, columns_of, dropped, table_for


@pytest.mark.parametrize("table", EVENT_TABLES)
def test_every_column_of_a_table_comes_from_one_generic_column(table: str) -> None:
    assert tuple(columns_of(table)) == TABLES[table].row_columns
    assert len(set(columns_of(table).values())) == len(TABLES[table].row_columns)
    assert set(columns_of(table).values()) | set(dropped(table)) == set(GENERIC)


@pytest.mark.parametrize("table", EVENT_TABLES)
def test_every_required_column_is_made_promised_or_defaulted(table: str) -> None:
    promised = {name for group in PROMISED for name in group}
    defaulted = {d.column for d in DEFAULTS if not d.tables or table in d.tables}
    generic = columns_of(table)
    assert {generic[c] for c in TABLES[table].required} <= promised | defaulted | set(MADE)


def test_what_an_event_must_promise() -> None:
    assert PROMISED == (("person_id",), ("type_concept_id",), ("start_date", "start_datetime"))


@pytest.mark.parametrize("table", EVENT_TABLES)
def test_a_generic_column_has_the_type_of_its_columns(table: str) -> None:
    for physical, generic in columns_of(table).items():
        kind = TABLES[table].column(physical).type
        assert GENERIC[generic].type is kind or (generic == "quantity" and kind is Type.INTEGER)


@pytest.mark.parametrize(
    ("generic", "table", "physical"),
    [
        ("start_date", "procedure_occurrence", "procedure_date"),
        ("start_datetime", "drug_exposure", "drug_exposure_start_datetime"),
        ("value_as_text", "observation", "value_as_string"),
        ("status_concept_id", "condition_occurrence", "condition_status_concept_id"),
        ("event_field_concept_id", "measurement", "meas_event_field_concept_id"),
        ("source_concept_id", "specimen", None),
        ("visit_occurrence_id", "specimen", None),
        ("value_as_number", "condition_occurrence", None),
    ],
)
def test_where_a_generic_column_goes(generic: str, table: str, physical: str | None) -> None:
    assert GENERIC[generic].columns.get(table) == physical
    assert (generic in dropped(table)) == (physical is None)


def test_defaults_name_generic_columns_and_give_the_type_they_promise() -> None:
    gives = {"same": None, "date of": Type.DATE, "last day of supply": Type.DATE}
    for default in DEFAULTS:
        source = GENERIC[default.source]
        assert GENERIC[default.column].type is (gives[default.how] or source.type)
        assert default.how != "date of" or source.type is Type.TIMESTAMP
        assert set(default.tables) <= set(GENERIC[default.column].columns)
        assert default.why


def test_the_end_of_a_drug_exposure_is_never_missing_once_its_start_is_known() -> None:
    assert [d.source for d in DEFAULTS if d.column == "end_date" and (not d.tables or "drug_exposure" in d.tables)][-1] == "start_date"


def test_the_domain_chooses_the_table() -> None:
    assert {d: table_for(d, "measurement") for d in DOMAIN_TABLE} == dict(DOMAIN_TABLE)
    assert table_for("Race", "measurement") == "observation"
    assert table_for(None, "measurement") == table_for("", "measurement") == "measurement"
