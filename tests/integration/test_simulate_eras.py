"""The eras of a simulated region, half of its deliveries after the other, against a plain computation from its events."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from suwen.flow.reader import OpenRelease
from suwen.flow.run import run
from suwen.flow.vocabulary import load_vocabulary
from suwen.model.cdm import TABLES
from suwen.simulate.dialects.systems import SYSTEMS
from tests import eras_by_hand as plain
from tests.integration.own_regions import land_all, of_export
from tests.unit.simulate.spoilt import exported, small

STANDARD = Path(__file__).parents[2] / "src" / "suwen" / "packs" / "cn" / "standard"
PERSONS, HOSPITALS = 1_000, 3
CONDITION, ATC, DRUG = 10_000, 30_000, 40_000  # where the concepts of each kind begin; ingredients are those below


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> list[OpenRelease]:
    """The release of the first half of the deliveries, and that of all."""
    folder = tmp_path_factory.mktemp("eras")
    made = small(PERSONS, HOSPITALS)
    sent = exported(made, folder / "export", systems=[SYSTEMS[name] for name in ("his_gbk", "his_csv", "modern")])
    region = of_export(folder / "region", sent.folder)
    load_vocabulary(region, vocabulary(folder / "vocabulary", made.lexicon.conditions.codes))
    releases = []
    half = len(sent.deliveries) // 2
    for part in (sent.deliveries[:half], sent.deliveries[half:]):
        land_all(region, sent.folder, part)
        run(region)
        releases.append(OpenRelease(region))
    return releases


def drug_codes() -> list[str]:
    """The ATC codes to which the packs' maps of drugs lead."""
    codes = set()
    for path in STANDARD.glob("*drug*.csv"):
        with path.open(encoding="utf-8") as stream:
            codes |= {row["code"] for row in csv.DictReader(stream) if row["vocabulary"] == "ATC"}
    return sorted(codes)


def ingredients() -> dict[int, set[int]]:
    """Drug -> its ingredients: one for each subgroup of ATC, and a second of their own for combinations, whose codes have an R."""
    groups = {group: number for number, group in enumerate(sorted({code[:5] for code in drug_codes()}), 1)}
    return {DRUG + n: {groups[code[:5]]} | ({9_000 + groups[code[:5]]} if code[4:5] == "R" else set()) for n, code in enumerate(drug_codes())}


def vocabulary(folder: Path, conditions: tuple[str, ...]) -> Path:
    """Diagnoses are standard; each code of ATC maps to a drug of RxNorm, which has its ingredients above it."""

    def concept(number: int, domain: str, system: str, kind: str, standard: str, code: str) -> tuple[str, ...]:
        return str(number), code, domain, system, kind, standard, code, "1970-01-01", "2099-12-31", ""

    concepts = [concept(CONDITION + n, "Condition", "ICD10CN", "x", "S", code) for n, code in enumerate(sorted(set(conditions)))]
    concepts += [concept(ATC + n, "Drug", "ATC", "ATC 5th", "C", code) for n, code in enumerate(drug_codes())]
    concepts += [concept(DRUG + n, "Drug", "RxNorm", "Clinical Drug", "S", f"drug {code}") for n, code in enumerate(drug_codes())]
    of = ingredients()
    concepts += [concept(one, "Drug", "RxNorm", "Ingredient", "S", f"ingredient {one}") for one in sorted(set().union(*of.values()))]
    leads = [(str(ATC + n), str(DRUG + n), "Maps to", "1970-01-01", "2099-12-31", "") for n in range(len(drug_codes()))]
    above = [(str(one), str(drug), "1", "1") for drug, parts in of.items() for one in parts]
    folder.mkdir()
    for table, rows in (("concept", concepts), ("concept_relationship", leads), ("concept_ancestor", above), ("vocabulary", [])):
        lines = [TABLES[table].row_columns, *rows]
        (folder / f"{table}.csv").write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize("half", [0, 1])
def test_condition_eras(half: int, halves: list[OpenRelease]) -> None:
    rows = events(halves[half], "condition_occurrence", "condition_concept_id, condition_start_date, condition_end_date")
    expected = plain.eras(spell for row in rows for spell in plain.condition_spell(row, int(str(row["person"]))))
    assert stored(halves[half], "condition_era") == [tuple(era[:-1]) for era in expected]
    assert len(expected) > 500 and sum(era.records > 1 for era in expected) > 50


@pytest.mark.parametrize("half", [0, 1])
def test_drug_eras(half: int, halves: list[OpenRelease]) -> None:
    of = ingredients()
    rows = events(halves[half], "drug_exposure", "drug_concept_id, drug_exposure_start_date, drug_exposure_end_date, days_supply")
    expected = plain.eras(spell for row in rows for spell in plain.drug_spells(row, int(str(row["person"])), of.get(int(str(row["drug_concept_id"])), ())))
    assert stored(halves[half], "drug_era") == [tuple(era) for era in expected]
    assert len(expected) > 500 and sum(era.gap > 0 for era in expected) > 50


def test_some_eras_go_over_hospitals(halves: list[OpenRelease]) -> None:
    """Patients of several hospitals have one era, which starts in one and ends in another."""
    sql = """select count(*) as n from (select e.condition_era_id from omop.condition_era e
        join ext.ext_person_link l on l.master_person_id = e.person_id join cdr.condition_occurrence c on c.person_id = l.person_id
        and c.condition_concept_id = e.condition_concept_id and c.condition_start_date between e.condition_era_start_date and e.condition_era_end_date
        group by 1 having count(distinct c.person_id) > 1) x"""
    assert halves[1].query(sql).to_pylist()[0]["n"] > 5


def events(opened: OpenRelease, table: str, columns: str) -> list[dict[str, object]]:
    sql = f"select l.master_person_id as person, {columns} from cdr.{table} t join ext.ext_person_link l on l.person_id = t.person_id"
    return list(opened.query(sql).to_pylist())


def stored(opened: OpenRelease, table: str) -> list[tuple[object, ...]]:
    return sorted(tuple(row.values())[1:] for row in opened.table(table).to_pylist())
