"""A clean region of 12 hospitals, landed and run: what the repository holds is the truth, by organisation and day, and nothing is amiss but resident ids."""

from __future__ import annotations

import runpy
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from suwen.cli.main import main
from suwen.flow.region import open_region
from suwen.simulate.truth import VISITS
from tests.integration.simulated import Held, simulate, totals, truth

ROOT = Path(__file__).parents[2]
CONCEPTS = dict(zip(VISITS, (9202, 9203, 581385, 9201, 9201, 32693), strict=True))
FIGURES = (4119, 2494, 2591)  # patients, true persons among them, masters: as docs/guide/persons-and-links.md has them


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = simulate(tmp_path_factory.mktemp("clean") / "province", 12, 3000)
    assert main(["land", "--manifest", str(folder / "exports" / "deliveries.csv"), "--region", str(folder / "region")]) == 0
    return folder


@pytest.fixture(scope="module")
def held(landed: Path) -> Held:
    assert main(["run", "--region", str(landed / "region")]) == 0
    return Held(landed / "region")


def test_persons(landed: Path, held: Held) -> None:
    found = Counter((organisation, row["local"]) for organisation, row in held.rows("select _receipt as receipt, person_source_value as local from cdr.person"))
    assert found == Counter((row["organisation_id"], row["local_number"]) for row in truth(landed, "links"))


def test_visits(landed: Path, held: Held) -> None:
    found = held.sums("select _receipt as receipt, visit_start_date as day, visit_concept_id as concept, count(*) as n from cdr.visit_occurrence group by all")
    expected: Counter[tuple[Any, ...]] = Counter()
    for row in truth(landed, "totals_by_event_day"):
        for name, concept in CONCEPTS.items():
            expected[row["organisation_id"], row["day"], concept] += row[name]
    assert found == +expected
    open_ones = held.sums("select _receipt as receipt, count(*) as n from cdr.visit_occurrence where visit_end_datetime is null group by all")
    assert open_ones == Counter((row["organisation_id"],) for row in truth(landed, "open_visits"))


def test_diagnoses_by_visit_day(landed: Path, held: Held) -> None:
    """All but those of open stays where only the front page tells them."""
    found = held.sums(
        """select c._receipt as receipt, v.visit_start_date as day, count(*) as n from cdr.condition_occurrence c
        join cdr.visit_occurrence v on v.visit_occurrence_id = c.visit_occurrence_id group by all"""
    )
    assert found == totals(landed, "totals_by_visit_day", "diagnoses", "diagnoses_untold")
    everything = held.sums("select _receipt as receipt, count(*) as n from cdr.condition_occurrence group by all")
    assert everything.total() == found.total()


def test_procedures(landed: Path, held: Held) -> None:
    """All but those of open stays where only the front page tells them."""
    found = held.sums("select _receipt as receipt, procedure_date as day, count(*) as n from cdr.procedure_occurrence group by all")
    assert found == totals(landed, "totals_by_event_day", "procedures", "procedures_untold")


def test_drugs(landed: Path, held: Held) -> None:
    found = held.sums("select _receipt as receipt, drug_exposure_start_date as day, count(*) as n from cdr.drug_exposure group by all")
    assert found == totals(landed, "totals_by_event_day", "drugs")


@pytest.mark.parametrize(("column", "kept"), [("results", "="), ("vital_signs", "<>")])
def test_results_and_vital_signs(landed: Path, held: Held, column: str, kept: str) -> None:
    found = held.sums(
        f"select _receipt as receipt, measurement_date as day, count(*) as n from cdr.measurement where measurement_type_concept_id {kept} 32856 group by all"
    )
    assert found == totals(landed, "totals_by_event_day", column)


@pytest.mark.parametrize(
    ("column", "counted"),
    [("charges", "count(*)"), ("charged_fen", "sum(c.total_charge * 100)::bigint"), ("insured_fen", "sum(c.paid_by_payer * 100)::bigint")],
)
def test_charges_by_visit_day(landed: Path, held: Held, column: str, counted: str) -> None:
    found = held.sums(
        f"""select c._receipt as receipt, v.visit_start_date as day, {counted} as n from cdr.cost c
        join cdr.visit_occurrence v on v.visit_occurrence_id = c.cost_event_id group by all"""
    )
    assert found == totals(landed, "totals_by_visit_day", column)


def test_stays(landed: Path, held: Held) -> None:
    """Beginning, end, death, plan of a readmission, day case and money; the front pages' sums are those of the charges."""
    sql = """select v._receipt as receipt, p.person_source_value as local, v.visit_start_datetime as first, v.visit_end_datetime as last,
        x.discharge_way_source_value as way, x.readmission_planned as planned, x.subtype, x.fee_total, x.fee_drug, c.total, c.drugs
        from cdr.visit_occurrence v join cdr.person p using (person_id) join ext.ext_visit x using (visit_occurrence_id) join (
            select cost_event_id as visit_occurrence_id, sum(total_charge) as total,
                coalesce(sum(total_charge) filter (left(revenue_code_source_value, 3) in ('D23', 'D24', 'D25')), 0) as drugs from cdr.cost group by all
        ) c using (visit_occurrence_id) where v.visit_concept_id = 9201"""
    found, pages = Counter[tuple[Any, ...]](), 0
    for organisation, row in held.rows(sql):
        pages += row["fee_total"] is not None
        assert row["fee_total"] is None or (row["fee_total"], row["fee_drug"]) == (row["total"], row["drugs"])
        way, kind = int(row["way"]) if row["way"] else None, row["subtype"] or "inpatient"
        money = int(row["total"] * 100), int(row["drugs"] * 100)
        found[organisation, row["local"], row["first"], row["last"], way, row["planned"], kind, *money] += 1
    columns = ("organisation_id", "local_number", "start", "end", "way", "planned", "kind", "charged_fen", "drug_fen")
    expected = [row | {"planned": row["planned"] if row["end"] else None} for row in truth(landed, "stays")]
    assert found == Counter(tuple(row[name] for name in columns) for row in expected)
    assert 0 < pages < len(expected)


def test_entries_into_theatre(landed: Path, held: Held) -> None:
    sql = """select _receipt as receipt, local, first, count(*) as entries, count(*) filter (level = 3) as level3, count(*) filter (level = 4) as level4,
        bool_or(coalesce(not planned, false)) as back from (
            select x._receipt, p.person_source_value as local, v.visit_start_datetime as first, theatre_session, max(operation_level) as level,
                bool_and(planned_return) as planned, count(distinct procedure_datetime) as begun
            from ext.ext_procedure x join cdr.person p using (person_id) join cdr.visit_occurrence v using (visit_occurrence_id) group by all having begun = 1
        ) e group by all"""
    found = Counter((organisation, *row.values()) for organisation, row in held.rows(sql))
    columns = ("organisation_id", "local_number", "start", "entries", "level3", "level4", "unplanned_return")
    assert found == Counter(tuple(row[name] for name in columns) for row in truth(landed, "stays") if row["entries"])
    assert max(entries for _, _, _, entries, *_ in found) == 2


def test_kinds_of_visit_that_concepts_do_not_tell(landed: Path, held: Held) -> None:
    sql = """select _receipt as receipt, visit_start_date as day, subtype, count(*) as n from ext.ext_visit
        where subtype in ('check-up', 'observation') group by all"""
    expected = Counter({(row["organisation_id"], row["day"], row["kind"]): row["visits"] for row in truth(landed, "outpatient") if row["visits"]})
    assert held.sums(sql) == Counter({key: n for key, n in expected.items() if key[2] in {"check-up", "observation"}})


def test_charges_of_outpatients(landed: Path, held: Held) -> None:
    sql = """select c._receipt as receipt, v.visit_start_date as day, v.visit_concept_id as concept, (sum(c.total_charge) * 100)::bigint as n from cdr.cost c
        join cdr.visit_occurrence v on v.visit_occurrence_id = c.cost_event_id
        where v.visit_concept_id <> 9201 and left(c.revenue_code_source_value, 3) in ('D23', 'D24', 'D25') group by all"""
    concepts = {"outpatient": 9202, "emergency": 9203, "observation": 581385, "check-up": 32693}
    expected = {(row["organisation_id"], row["day"], concepts[row["kind"]]): row["drug_fen"] for row in truth(landed, "outpatient")}
    assert held.sums(sql) == Counter({key: n for key, n in expected.items() if n})


def test_no_record_is_refused_or_waits(held: Held) -> None:
    states = {label.rsplit("|", 1)[1] for label in held.release.release.totals}
    assert states == {"mapped", "filtered"}
    rules = {row["code"] for row in held.release.query("select distinct code from state.disposition").to_pylist()}
    assert rules <= {"alive", "no-code", "not-sent", "ordinary"}


def test_the_only_findings_are_resident_ids_as_many_as_in_the_truth(landed: Path, held: Held) -> None:
    """One statement says how many patients of each feed have none, or a mistyped one."""
    feeds = open_region(landed / "region").feeds
    found: Counter[tuple[str, str]] = Counter()
    for row in held.release.query("select code, feed, sum(records)::bigint as patients from state.finding group by all").to_pylist():
        found[feeds[row["feed"]].organisation, row["code"]] += row["patients"]
    codes = {"absent": "PID-001", "mistyped": "PID-002"}
    expected = Counter((row["organisation_id"], codes[row["resident_id_is"]]) for row in truth(landed, "links") if row["resident_id_is"] in codes)
    assert len(expected) > 12
    assert found == expected


def partition(named: Iterable[tuple[Hashable, Hashable]]) -> set[frozenset[Hashable]]:
    """The sets of members that share a name, from (name, member)."""
    sets: Mapping[Hashable, set[Hashable]] = defaultdict(set)
    for name, member in named:
        sets[name].add(member)
    return {frozenset(members) for members in sets.values()}


def patient(row: dict[str, Any]) -> tuple[str, str]:
    return row["organisation_id"], row["local_number"]


@pytest.fixture(scope="module")
def found_persons(held: Held) -> set[frozenset[Hashable]]:
    """The patients of each human, as the repository links them."""
    sql = """select p._receipt as receipt, p.person_source_value as local, l.master_person_id as master
        from ext.ext_person_link l join cdr.person p on p.person_id = l.person_id"""
    return partition((row["master"], (organisation, row["local"])) for organisation, row in held.rows(sql))


def test_masters_are_the_persons_that_the_exact_rule_can_find(landed: Path, held: Held, found_persons: set[frozenset[Hashable]]) -> None:
    """All numbers of a person with a right resident id are one human, and every other is its own."""
    links = truth(landed, "links")
    expected = partition(((row["person"],) if row["exact"] else patient(row), patient(row)) for row in links)
    assert found_persons == expected
    assert len(found_persons) == sum(row["masters"] for row in truth(landed, "persons"))
    by_number = partition((row["resident_id"] if row["exact"] else patient(row), patient(row)) for row in links)
    assert by_number == expected
    counted = held.release.query("select method, count(*) as n from ext.ext_person_link group by 1").to_pylist()
    joined = {row["method"]: row["n"] for row in counted}
    assert joined == {"resident id": sum(row["linked"] for row in links), "own": sum(not row["linked"] for row in links)}


def test_the_gap_to_the_true_persons(landed: Path, found_persons: set[frozenset[Hashable]]) -> None:
    """What the exact rule leaves apart are numbers without a right resident id alone; nothing is joined that is not one person. docs/guide say the figures."""
    links = truth(landed, "links")
    true = partition((row["person"], patient(row)) for row in links)
    person = {patient(row): row["person"] for row in links}
    assert all(len({person[one] for one in members}) == 1 for members in found_persons)  # type: ignore[index]
    apart = sum(row["masters"] - 1 for row in truth(landed, "persons") if row["patients"])
    assert (len(links), len(true), len(found_persons)) == FIGURES
    assert len(found_persons) - len(true) == apart


def test_the_example_finds_the_repository_as_the_truth(landed: Path, held: Held, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the humans whom no resident id tells differ; the example knows the things that open stays have not told."""
    capsys.readouterr()
    runpy.run_path(str(ROOT / "examples" / "against_truth.py"))["main"](landed)
    differing = [line for line in capsys.readouterr().out.splitlines()[1:] if not line.endswith(" 0")]
    assert [line.split()[:3] for line in differing] == [["humans", "in", "truth"]]
    assert differing[0].split()[3:] == [f"{FIGURES[1]:,}", f"{FIGURES[2]:,}", f"{FIGURES[2] - FIGURES[1]:,}"]
