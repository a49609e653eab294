"""The lineage of columns: joins, named rows, codes, defaults and keys lead to the source columns that a template names."""

from pathlib import Path

import pytest

from suwen.flow.lineage import OWN, TargetLineage, target_lineage
from suwen.packs.loader import load_packs

PACK = 'name = "toy"\ntitle = { en = "Toy", zh = "玩具" }\nowner = "tests"\n'
TEMPLATE = """\
name = "toy/his"
title = { en = "A system", zh = "系统" }
owner = "tests"
[source]
citation = "tests"
version = "1"
standing = "verified"
[kind.stay]
files = ["stay*"]
columns = ["NO", "PATIENT", "CAME"]
key = ["NO"]
[kind.diagnosis]
files = ["diagnosis*"]
columns = ["STAY", "C1", "N1", "C2", "N2"]
key = ["STAY"]
[kind.drug]
files = ["drug*"]
columns = ["PATIENT", "CODE", "SYSTEM", "AT", "DAYS"]
[target.person]
from = "stay"
table = "person"
key = ["PATIENT"]
[target.person.columns]
gender_concept_id = "0"
year_of_birth = "1900"
[target.diagnosis]
from = "diagnosis"
event = "condition_occurrence"
[target.diagnosis.code]
code = "row.code"
system = "'X'"
[target.diagnosis.join.stay]
kind = "stay"
on = { STAY = "NO" }
[[target.diagnosis.rows]]
name = "first"
set = { code = "C1", name = "N1 || STAY" }
[[target.diagnosis.rows]]
name = "second"
set = { code = "C2", name = "'none'" }
[target.diagnosis.columns]
person_id = "ref('person', stay.PATIENT)"
start_datetime = "time_of(stay.CAME, 'iso')"
type_concept_id = "32817"
status_source_value = "row.name"
[target.drug]
from = "drug"
event = "drug_exposure"
[target.drug.code]
code = "CODE"
system = "SYSTEM"
[target.drug.columns]
person_id = "ref('person', PATIENT)"
start_datetime = "time_of(AT, 'iso')"
days_supply = "integer(DAYS)"
type_concept_id = "32817"
[[example]]
name = "one"
given.stay = [{ NO = "1", PATIENT = "p", CAME = "2024-01-01" }]
expect.person = [{ year_of_birth = "1900" }]
"""


@pytest.fixture(scope="module")
def lineages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TargetLineage]:
    pack = tmp_path_factory.mktemp("packs") / "toy"
    (pack / "template").mkdir(parents=True)
    (pack / "pack.toml").write_text(PACK, "utf-8")
    (pack / "template" / "his.toml").write_text(TEMPLATE, "utf-8")
    template = load_packs(["toy"], [Path(pack.parent)]).templates["toy/his"]
    return {name: target_lineage(template, target) for name, target in template.targets.items()}


def sources(lineage: TargetLineage, table: str, column: str, slot: str | None = None) -> list[tuple[tuple[tuple[str, str], ...], str]]:
    return [(step.sources, step.how) for step in lineage.of_table(table, slot)[column]]


def test_an_id_is_made_of_its_key(lineages: dict[str, TargetLineage]) -> None:
    assert sources(lineages["person"], "person", "person_id") == [(((OWN, "PATIENT"),), "key")]
    assert sources(lineages["diagnosis"], "condition_occurrence", "condition_occurrence_id") == [(((OWN, "STAY"),), "key")]
    (whole,) = sources(lineages["drug"], "drug_exposure", "drug_exposure_id")
    assert whole == (tuple((OWN, column) for column in ("PATIENT", "CODE", "SYSTEM", "AT", "DAYS")), "the record's content")


def test_a_joined_column_names_its_parent(lineages: dict[str, TargetLineage]) -> None:
    assert sources(lineages["diagnosis"], "condition_occurrence", "person_id") == [((("stay", "PATIENT"),), "")]
    assert lineages["diagnosis"].joins == {"stay": ("STAY",)}


def test_a_named_row_has_its_own_columns(lineages: dict[str, TargetLineage]) -> None:
    of = lineages["diagnosis"]
    assert sources(of, "condition_occurrence", "condition_status_source_value", "first") == [(((OWN, "N1"), (OWN, "STAY")), "row first")]
    assert sources(of, "condition_occurrence", "condition_status_source_value", "second") == [((), "row second")]
    assert sources(of, "condition_occurrence", "condition_status_source_value") == [(((OWN, "N1"), (OWN, "STAY")), "")], "it may be any"
    assert sources(of, "condition_occurrence", "condition_source_value", "second") == [(((OWN, "C2"),), "row second, code")]


def test_concepts_are_made_of_code_and_system(lineages: dict[str, TargetLineage]) -> None:
    expected = [(((OWN, "CODE"),), "code"), (((OWN, "SYSTEM"),), "system of the code")]
    assert sources(lineages["drug"], "drug_exposure", "drug_concept_id") == sources(lineages["drug"], "drug_exposure", "drug_source_concept_id") == expected


def test_defaults_lead_on_to_what_they_take(lineages: dict[str, TargetLineage]) -> None:
    at = ((OWN, "AT"),)
    assert sources(lineages["drug"], "drug_exposure", "drug_exposure_start_date") == [(at, "date of start_datetime")]
    assert sources(lineages["drug"], "drug_exposure", "drug_exposure_end_date") == [
        (((OWN, "DAYS"),), "last day of supply days_supply"),
        (at, "last day of supply days_supply, date of start_datetime"),
        (at, "the same as start_date, date of start_datetime"),
    ]


def test_places_are_those_of_the_expressions(lineages: dict[str, TargetLineage]) -> None:
    (step,) = lineages["diagnosis"].steps["type_concept_id"]
    assert TEMPLATE.splitlines()[step.expression.place.line - 1] == 'type_concept_id = "32817"' and step.expression.text == "32817"


def test_an_event_in_another_table_keeps_its_lineage(lineages: dict[str, TargetLineage]) -> None:
    """The domain of the standard concept may choose another table than the template names."""
    assert sources(lineages["diagnosis"], "observation", "observation_date", "first") == [((("stay", "CAME"),), "date of start_datetime")]
    assert "observation_concept_id" in lineages["drug"].of_table("observation")
