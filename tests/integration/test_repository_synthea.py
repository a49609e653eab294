"""Synthea's files in the repository, held against plain Python over the raw files: without a vocabulary, with one, and from one to the other."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.vocabulary import load_vocabulary
from suwen.intake.landing import Landing
from suwen.model.cdm import TABLES
from suwen.model.event import EVENT_TABLES, columns_of
from tests.integration.example_regions import SYNTHEA, new_synthea, synthea
from tests.integration.synthea_by_hand import DATES, FILES, Record, Row, Subset, local_day, records, rows

ZONE = "America/New_York"
SUBSET = "data/synthea-omop-5.4/Synthea27Nj_5.4.zip"
MAPPED = tuple(dict.fromkeys(sent.table for sent in FILES))
Stored = dict[str, Any]


@dataclass(frozen=True)
class Repository:
    """A release with its mapped tables read: per table the stored rows, each with its file and record number."""

    opened: OpenRelease
    tables: dict[str, list[Stored]]

    def __init__(self, opened: OpenRelease) -> None:
        names = {r.sequence: r.name.removesuffix(".csv") for r in Landing(opened.region.landing).receipts()}
        tables = {name: opened.table(f"cdr.{name}").to_pylist() for name in dict.fromkeys((*MAPPED, *EVENT_TABLES))}
        for row in (row for of in tables.values() for row in of):
            row["record"] = names[row["_receipt"]], row["_record"]
        object.__setattr__(self, "opened", opened)
        object.__setattr__(self, "tables", tables)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> OpenRelease:
    return synthea(tmp_path_factory.mktemp("synthea") / "region")


@pytest.fixture(scope="module")
def plain(region: OpenRelease) -> Repository:
    return Repository(region)


@cache
def raw(file: str) -> list[Record]:
    """The records of one of the example's files."""
    return records(SYNTHEA, file)


def months(of: list[Row]) -> Counter[tuple[str, int, int]]:
    return Counter((row.table, row.start.year if row.start else 0, row.start.month if row.start else 0) for row in of)


def stored_months(held: Repository) -> Counter[tuple[str, int, int]]:
    days = ((name, row[DATES[name]] if name in DATES else None) for name, of in held.tables.items() for row in of)
    return Counter((name, day.year if day else 0, day.month if day else 0) for name, day in days)


def test_one_file_is_one_table(plain: Repository) -> None:
    expected = rows(SYNTHEA, ZONE)
    assert {name: len(of) for name, of in plain.tables.items() if of} == Counter(row.table for row in expected)
    assert stored_months(plain) == months(expected)
    assert Counter((row["record"], name) for name, of in plain.tables.items() for row in of) == Counter(((r.file, r.number), r.table) for r in expected)


def test_every_id_is_there_once(plain: Repository) -> None:
    for name, of in plain.tables.items():
        if name != "death":
            ids = [row[f"{name}_id"] for row in of]
            assert len(set(ids)) == len(ids) and all(0 <= one < 2**63 for one in ids), name


def by_source(of: list[Stored], identifier: str, source: str) -> dict[str, int]:
    found = {row[source]: row[identifier] for row in of}
    assert len(found) == len(of)
    return found


def test_every_reference_leads_to_the_row_of_the_record_it_names(plain: Repository) -> None:
    id_of = {
        "PATIENT": by_source(plain.tables["person"], "person_id", "person_source_value"),
        "PROVIDER": by_source(plain.tables["provider"], "provider_id", "provider_source_value"),
        "ORGANIZATION": by_source(plain.tables["care_site"], "care_site_id", "care_site_source_value"),
        "ENCOUNTER": {raw("encounters")[row["record"][1] - 1]["Id"]: row["visit_occurrence_id"] for row in plain.tables["visit_occurrence"]},
        "LOCATION": by_source(plain.tables["location"], "location_id", "location_source_value"),
    }
    seen: Counter[str] = Counter()

    def leads(row: Stored, column: str, kind: str, named: str) -> None:
        assert row[column] == (id_of[kind][named] if named else None), column
        seen[kind] += bool(named)

    for name, of in plain.tables.items():
        for row in of:
            file, number = row["record"]
            record = raw(file)[number - 1]
            if "person_id" in row:
                leads(row, "person_id", "PATIENT", record.get("PATIENT", record["Id"] if file == "patients" else ""))
            if "ENCOUNTER" in record:
                leads(row, "visit_occurrence_id", "ENCOUNTER", record["ENCOUNTER"])
            if name == "cost":
                leads(row, "cost_event_id", "ENCOUNTER", record["Id"])
            if name == "visit_occurrence":
                leads(row, "provider_id", "PROVIDER", record["PROVIDER"])
            if name in ("visit_occurrence", "provider"):
                leads(row, "care_site_id", "ORGANIZATION", record["ORGANIZATION"])
            if name in ("person", "care_site"):
                leads(row, "location_id", "LOCATION", record["Id"])
    assert seen["ENCOUNTER"] > 2500 and min(seen.values()) > 80


def test_decimals_are_those_of_the_files(plain: Repository) -> None:
    for row in plain.tables["cost"]:
        record = raw("encounters")[row["record"][1] - 1]
        assert (row["total_charge"], row["paid_by_payer"]) == (Decimal(record["TOTAL_CLAIM_COST"]), Decimal(record["PAYER_COVERAGE"]))
    for row in plain.tables["observation"]:
        if row["record"][0] == "observations":
            record = raw("observations")[row["record"][1] - 1]
            assert row["value_as_number"] == (Decimal(record["VALUE"]) if record["TYPE"] == "numeric" else None)
    eight = Decimal("0.00000001")
    for row in (one for one in plain.tables["location"] if one["record"][0] == "patients"):
        record = raw("patients")[row["record"][1] - 1]
        assert [row[c] for c in ("latitude", "longitude")] == [Decimal(record[c]).quantize(eight, ROUND_HALF_UP) for c in ("LAT", "LON")]


def test_a_person_is_observed_from_the_first_day_of_any_event_to_the_last(plain: Repository) -> None:
    days: dict[str, set[date]] = defaultdict(set)
    for row in rows(SYNTHEA, ZONE):
        record = raw(row.file)[row.number - 1]
        if row.table != "payer_plan_period" and row.start:
            days[record.get("PATIENT", record["Id"] if row.file == "patients" else "")] |= {row.start, row.end or row.start}
    persons = {row["person_id"]: row["person_source_value"] for row in plain.tables["person"]}
    found = plain.opened.table("observation_period").to_pylist()
    assert {persons[row["person_id"]]: (row["observation_period_start_date"], row["observation_period_end_date"]) for row in found} == {
        patient: (min(of), max(of)) for patient, of in days.items()
    }
    assert len(found) == 27 and {row["period_type_concept_id"] for row in found} == {32880}


def test_the_schema_omop_is_the_published_one(plain: Repository, shared: Path) -> None:
    published: dict[str, list[str]] = defaultdict(list)
    for field in records(shared / "data/omop-cdm-5.4", "OMOP_CDMv5.4_Field_Level"):
        published[field["cdmTableName"].lower()].append(field["cdmFieldName"].strip().strip('"').lower())
    assert len(published) == 39
    with plain.opened.guarded() as connection:
        for name, columns in published.items():
            assert connection.arrow(f"select * from omop.{name}").schema.names == columns
    for name in ("measurement", "observation"):
        stored, shown = plain.opened.table(f"cdr.{name}"), plain.opened.table(name)
        assert sorted(shown.to_pylist(), key=repr) == sorted(stored.select(shown.schema.names).to_pylist(), key=repr)


def test_a_release_says_what_it_is(plain: Repository) -> None:
    (said,) = plain.opened.table("cdm_source").to_pylist()
    assert (said["cdm_source_name"], said["cdm_version"], said["cdm_version_concept_id"]) == ("synthea", "5.4", 756265)
    assert said["source_release_date"] == date(2024, 1, 1) and said["vocabulary_version"] == "none"
    assert said["cdm_release_date"] == local_day(plain.opened.release.published_at.removesuffix("+00:00") + "Z", plain.opened.region.zone)
    assert all(said[column] is not None for column in TABLES["cdm_source"].required)


def test_the_packs_maps_are_shown(plain: Repository) -> None:
    shown = plain.opened.table("source_to_concept_map").to_pylist()
    folder = Path(__file__).parents[2] / "src/suwen/packs/core/standard"
    entries = {(path.stem, entry["source_code"]): entry for path in folder.glob("*.csv") for entry in records(folder, path.stem)}
    assert {(row["source_vocabulary_id"], row["source_code"]): row["target_concept_id"] for row in shown} == {
        place: int(entry["concept_id"] or 0) for place, entry in entries.items()
    }
    assert {(row["source_vocabulary_id"], row["source_code"]): row["source_code_description"] for row in shown} == {
        place: entry["source_name"] for place, entry in entries.items()
    }
    assert all(row[column] is not None for row in shown for column in TABLES["source_to_concept_map"].required)


# With the vocabulary: the same region once it has loaded it, and one that had it from the start.


@pytest.fixture(scope="module")
def archive(shared: Path) -> Path:
    return shared / SUBSET


@pytest.fixture(scope="module")
def subset(archive: Path) -> Subset:
    return Subset(archive)


@pytest.fixture(scope="module")
def coded(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    region = new_synthea(tmp_path_factory.mktemp("coded") / "region")
    load_vocabulary(region, archive)
    run(region)
    return Repository(OpenRelease(region))


@pytest.fixture(scope="module")
def moved(plain: Repository, archive: Path) -> Repository:
    folder = plain.opened.region.folder
    load_vocabulary(open_region(folder), archive)
    assert run(open_region(folder)).release == 2
    return Repository(OpenRelease(open_region(folder)))


def test_the_standard_concepts_domain_chooses_the_table(coded: Repository, subset: Subset) -> None:
    expected = rows(SYNTHEA, ZONE, subset)
    assert {name: len(of) for name, of in coded.tables.items() if of} == Counter(row.table for row in expected)
    assert stored_months(coded) == months(expected)
    assert Counter(row.table for row in expected)["measurement"] > 500, "the subset moves most observations"


def test_each_row_has_the_concepts_looked_up_by_hand(coded: Repository, subset: Subset) -> None:
    of_codes = {sent.file for sent in FILES if sent.vocabulary}
    expected = Counter((r.file, r.number, r.table, r.concept, r.source_concept, r.code) for r in rows(SYNTHEA, ZONE, subset) if r.file in of_codes)
    found: Counter[tuple[Any, ...]] = Counter()
    for name in EVENT_TABLES:
        columns = {generic: physical for physical, generic in columns_of(name).items()}
        names = [columns[generic] for generic in ("concept_id", "source_concept_id", "source_value") if generic in columns]
        found.update((*row["record"], name, *(row[column] for column in names)) for row in coded.tables[name] if row["record"][0] in of_codes)
    assert found == expected


def test_units_have_the_concepts_looked_up_by_hand(coded: Repository, subset: Subset) -> None:
    for row in coded.tables["measurement"]:
        if row["record"][0] == "observations":
            units = raw("observations")[row["record"][1] - 1]["UNITS"]
            leads = subset.look_up("UCUM", units)[1]
            assert row["unit_concept_id"] == ((leads[0][0] if leads else 0) if units not in ("", "null") else None)


def test_a_vocabulary_that_comes_later_gives_the_same_repository(moved: Repository, coded: Repository) -> None:
    assert moved.opened.release.content == coded.opened.release.content
    assert run(open_region(moved.opened.region.folder)).release is None, "nothing is stale any more"
    for name in coded.tables:
        shown, others = ([[row[column] for column in TABLES[name].row_columns] for row in one.tables[name]] for one in (moved, coded))
        assert sorted(shown, key=repr) == sorted(others, key=repr), name
    assert moved.opened.table("cdm_source").to_pylist()[0]["vocabulary_version"] == "v5.0 09-APR-22*"


def test_a_row_that_moves_to_another_table_keeps_its_id(plain: Repository, moved: Repository) -> None:
    def ids(held: Repository) -> dict[tuple[str, int], list[tuple[str, int]]]:
        found: dict[tuple[str, int], list[tuple[str, int]]] = defaultdict(list)
        for name in EVENT_TABLES:
            for row in held.tables[name]:
                found[row["record"]].append((name, row[f"{name}_id"]))
        return found

    before, after = ids(plain), ids(moved)
    assert before.keys() == after.keys()
    single = {record for record, of in after.items() if len(of) == 1}
    assert all([one for _, one in before[record]] == [one for _, one in after[record]] for record in single)
    assert sum(before[record] != after[record] for record in single) > 500, "so many have moved"
    assert plain.opened.table("cdr.measurement").num_rows == 0, "the first release is as it was"
