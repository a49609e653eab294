"""The extension tables stand beside the published ones in the same shape."""

from suwen.model.cdm import TABLES, Type
from suwen.model.extension import ALL_TABLES, EXTENSION_TABLES


def test_the_registry_holds_both() -> None:
    assert set(ALL_TABLES) == set(TABLES) | {"ext_visit", "ext_procedure", "ext_organisation", "ext_person_identifier", "ext_person_link"}
    assert all(t.group == "extension" and t.name.startswith("ext_") for t in EXTENSION_TABLES.values())


def test_each_column_says_in_two_languages_what_it_holds() -> None:
    assert all(all(c.meaning) for t in EXTENSION_TABLES.values() for c in t.columns)


def test_keys_and_months() -> None:
    visit, organisation, link = (EXTENSION_TABLES[n] for n in ("ext_visit", "ext_organisation", "ext_person_link"))
    assert (visit.id_column, visit.person_column, visit.date_column) == ("visit_occurrence_id", "person_id", "visit_start_date")
    assert (organisation.id_column, organisation.key, organisation.date_column) == (None, ("organisation_id", "valid_from"), None)
    assert (link.id_column, link.person_column) == ("person_id", "person_id")


def test_references_have_the_type_of_what_they_name() -> None:
    for table in EXTENSION_TABLES.values():
        for column in table.columns:
            if column.references:
                assert ALL_TABLES[column.references[0]].column(column.references[1]).type is column.type


def test_whether_a_stay_is_open_is_a_boolean() -> None:
    assert EXTENSION_TABLES["ext_visit"].column("is_open").type is Type.BOOLEAN
