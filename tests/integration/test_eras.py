"""Eras of master persons of two hospitals by a vocabulary written by hand: worked, followed through links, corrections and withdrawals, traced and exported."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.flow.export import export
from suwen.flow.land import land
from suwen.flow.reader import OpenRelease, open_release
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.trace import trace_many
from suwen.flow.vocabulary import load_vocabulary
from suwen.intake.landing import Landing
from suwen.model.cdm import TABLES
from suwen.model.receipt import Fact, Mode, State
from tests import eras_by_hand as plain
from tests.integration.own_regions import with_pack
from tests.integration.test_cdm_export import open_keys, published

TEMPLATE = """\
name = "eras/csv"
title = { en = "Diagnoses and drugs", zh = "诊断与用药" }
owner = "tests"
[source]
citation = "made for these tests"
version = "1"
standing = "verified"
[reader]
delimiter = ","
quote = '"'
encoding = "utf-8"

[kind.patients]
files = ["patients*"]
columns = ["ID", "NUMBER"]
key = ["ID"]
[kind.diagnoses]
files = ["diagnoses*"]
columns = ["ID", "PATIENT", "CODE", "FIRST", "LAST", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"
[kind.drugs]
files = ["drugs*"]
columns = ["ID", "PATIENT", "CODE", "FIRST", "LAST", "DAYS", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"

[target.person]
from = "patients"
table = "person"
[target.person.columns]
gender_concept_id = "8507"
year_of_birth = "1950"
person_source_value = "text(ID)"
[target.resident_id]
from = "patients"
table = "ext_person_identifier"
[target.resident_id.columns]
person_id = "ref('person', ID)"
kind = "'resident id'"
value = "text(NUMBER)"
check_agrees = "true"
birth_date_agrees = "true"
sex_agrees = "true"
[target.diagnosis]
from = "diagnoses"
table = "condition_occurrence"
[target.diagnosis.columns]
person_id = "ref('person', PATIENT)"
condition_concept_id = "integer(CODE)"
condition_start_date = "date_of(FIRST, 'iso')"
condition_end_date = "date_of(LAST, 'iso')"
condition_type_concept_id = "32817"
condition_source_value = "text(ID)"
[target.drug]
from = "drugs"
event = "drug_exposure"
code = { code = "CODE", system = "'RxNorm'" }
[target.drug.columns]
person_id = "ref('person', PATIENT)"
start_date = "date_of(FIRST, 'iso')"
end_date = "date_of(LAST, 'iso')"
days_supply = "integer(DAYS)"
type_concept_id = "32838"
source_value = "text(ID)"

[[example]]
name = "a man"
given.patients = [{ ID = "p" }]
expect.person = [{ person_source_value = "p" }]
"""
# concept, vocabulary, class, code; then which ingredients (concepts 1 to 5) the drugs hold, written by hand
CONCEPTS = """
1 RxNorm Ingredient aspirin
2 RxNorm Ingredient metformin
3 RxNorm Ingredient sitagliptin
4 RxNorm Ingredient amlodipine
5 RxNorm Ingredient valsartan
11 RxNorm Clinical_Drug aspirin-100
12 RxNorm Clinical_Drug aspirin-300
21 RxNorm Clinical_Drug metformin-500
22 RxNorm Clinical_Drug metformin-850
23 RxNorm Clinical_Drug metformin-sitagliptin
31 RxNorm Clinical_Drug sitagliptin-100
41 RxNorm Clinical_Drug amlodipine-5
42 RxNorm Clinical_Drug amlodipine-valsartan
51 RxNorm Clinical_Drug valsartan-80
61 RxNorm Clinical_Drug saline
90 ATC ATC_5th A10BA02
"""
INGREDIENTS = {11: {1}, 12: {1}, 21: {2}, 22: {2}, 23: {2, 3}, 31: {3}, 41: {4}, 42: {4, 5}, 51: {5}, 1: {1}, 2: {2}, 61: set()}
NEW_YEAR = date(2024, 1, 1)
PATIENTS, DIAGNOSES, DRUGS = "ID,NUMBER", "ID,PATIENT,CODE,FIRST,LAST,OP", "ID,PATIENT,CODE,FIRST,LAST,DAYS,OP"
FILES = {"patients": PATIENTS, "diagnoses": DIAGNOSES, "drugs": DRUGS}


def day(number: int | str) -> str:
    """A day of 2024 by its number."""
    return (NEW_YEAR + timedelta(int(number) - 1)).isoformat() if number != "" else ""


def diagnosis(name: str, patient: str, code: int, first: int, last: int | str = "", op: str = "U") -> str:
    return f"{name},{patient},{code},{day(first)},{day(last)},{op}"


def drug(name: str, patient: str, code: str, first: int, last: int | str = "", days: int | str = "", op: str = "U") -> str:
    return f"{name},{patient},{code},{day(first)},{day(last)},{days},{op}"


# (hospital, day of June, file -> lines); a of H1 and a2 of H2 are one human from the second run on
DELIVERIES: list[tuple[str, int, dict[str, list[str]]]] = [
    (
        "H1",
        1,
        {
            "patients": ["a,", "b,N2"],
            "diagnoses": [
                diagnosis("d1", "a", 201, 1, 10),
                diagnosis("d2", "a", 201, 40),
                diagnosis("d3", "b", 201, 1, 10),
                diagnosis("d4", "b", 201, 41, 41),
                diagnosis("d5", "b", 201, 41, 60),
                diagnosis("d6", "b", 0, 41, 60),
                diagnosis("d7", "b", 202, 41, 45),
            ],
            "drugs": [
                drug("r1", "a", "aspirin-100", 1, days=30),
                drug("r2", "a", "aspirin-300", 20, 25),
                drug("r3", "a", "aspirin", 60, 60),
                drug("r4", "a", "saline", 60, 70),
                drug("r5", "b", "metformin-500", 1, 10),
                drug("r6", "b", "metformin-sitagliptin", 30, 39),
                drug("r7", "b", "sitagliptin-100", 71, 80),
                drug("r8", "b", "A10BA02", 71, 80),
            ],
        },
    ),
    (
        "H2",
        1,
        {
            "patients": ["a2,N1"],
            "diagnoses": [diagnosis("e1", "a2", 201, 71, 72), diagnosis("e2", "a2", 202, 300)],
            "drugs": [drug("s1", "a2", "aspirin-100", 85, 90), drug("s2", "a2", "amlodipine-valsartan", 1, 7), drug("s3", "a2", "amlodipine-5", 5, 40)],
        },
    ),
    ("H1", 2, {"patients": ["a,N1"]}),
    ("H1", 3, {"diagnoses": [diagnosis("d7", "b", 202, 41, 45, "D"), diagnosis("d4", "b", 201, 40, 41)], "drugs": [drug("r6", "b", "metformin-850", 42, 50)]}),
    ("H1", 4, {"drugs": [drug("r9", "a", "valsartan-80", 35, 36), drug("r10", "b", "metformin-500", 60, 60)]}),
    ("H2", 5, {"patients": ["a2,N3"]}),
]
RUNS = ([0, 1], [2], [3], [4], [5])
WITHDRAWN = 5  # the delivery of the fourth run, counted from one


def make(folder: Path, settings: str = "") -> Path:
    """`settings`: more lines of region.toml."""
    with_pack(folder, "eras", TEMPLATE, {"h1": "H1", "h2": "H2"})
    with (folder / "region.toml").open("a", encoding="utf-8") as said:
        said.write(settings)
    return folder


def vocabulary(folder: Path, without: int = 0) -> Path:
    """The vocabulary's files; `without`: a drug whose ancestors are not told."""
    folder.mkdir()
    concepts = []
    for line in CONCEPTS.strip().splitlines():
        concept, system, kind, code = line.split()
        standard = "S" if system == "RxNorm" else "C"
        concepts.append((concept, code, "Drug", system, kind.replace("_", " "), standard, code, "1970-01-01", "2099-12-31", ""))
    above = [(str(of), str(drug), "1", "1") for drug, parts in INGREDIENTS.items() for of in parts if drug != without]
    above += [("90", "21", "1", "1"), ("21", "21", "0", "0")]
    for table, rows in (("concept", concepts), ("concept_ancestor", above), ("concept_relationship", []), ("vocabulary", [])):
        lines = [TABLES[table].row_columns, *rows]
        (folder / f"{table}.csv").write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def deliver(folder: Path, number: int) -> None:
    hospital, of_june, files = DELIVERIES[number]
    source = folder / "outbox" / str(number)
    source.mkdir(parents=True)
    for name, lines in files.items():
        (source / f"{name}.csv").write_text("\n".join([FILES[name], *lines]) + "\n", encoding="utf-8")
    land(open_region(folder), hospital.lower(), [source], as_of=date(2024, 6, of_june), mode=Mode.UPSERT, received_at=datetime(2024, 7, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The region after a run for each step, and after the fourth one's delivery was withdrawn."""
    folder = make(tmp_path_factory.mktemp("eras") / "region")
    load_vocabulary(open_region(folder), vocabulary(folder / "vocabulary"))
    for numbers in RUNS:
        for number in numbers:
            deliver(folder, number)
        run(open_region(folder))
    withdraw(folder, WITHDRAWN)
    run(open_region(folder))
    return folder


def withdraw(folder: Path, delivery: int) -> None:
    Landing(open_region(folder).landing).add_fact(Fact(delivery, State.WITHDRAWN, datetime(2024, 7, 2, tzinfo=UTC), "tests", "sent in error"))


def rebuilt(folder: Path, numbers: list[int]) -> OpenRelease:
    make(folder)
    load_vocabulary(open_region(folder), vocabulary(folder / "vocabulary"))
    for number in numbers:
        deliver(folder, number)
    run(open_region(folder))
    return open_release(folder)


Shown = dict[tuple[str, int], list[tuple[int, ...]]]


def shown(opened: OpenRelease, table: str) -> Shown:
    """(the human's patients, concept) -> the eras: first and last day of 2024, records, and of drugs the gap days."""
    names = defaultdict(list)
    for row in opened.query(
        "select p.person_source_value as who, l.master_person_id as m from ext.ext_person_link l join cdr.person p using (person_id)"
    ).to_pylist():
        names[row["m"]].append(row["who"])
    found = defaultdict(list)
    for row in opened.table(table).to_pylist():
        _, person, concept, first, last, *counts = row.values()
        found["+".join(sorted(names[person])), concept].append(((first - NEW_YEAR).days + 1, (last - NEW_YEAR).days + 1, *counts))
    return {key: sorted(eras) for key, eras in found.items()}


def test_worked_condition_eras(folder: Path) -> None:
    b = {("b", 201): [(1, 10, 1), (41, 60, 2)], ("b", 202): [(41, 45, 1)]}
    first = {("a", 201): [(1, 41, 2)], ("a2", 201): [(71, 72, 1)], ("a2", 202): [(300, 301, 1)]}
    assert shown(open_release(folder, 1), "condition_era") == first | b
    linked = {("a+a2", 201): [(1, 72, 3)], ("a+a2", 202): [(300, 301, 1)]}
    assert shown(open_release(folder, 2), "condition_era") == linked | b
    assert shown(open_release(folder, 3), "condition_era") == linked | {("b", 201): [(1, 60, 3)]}
    assert shown(open_release(folder, 5), "condition_era") == first | {("b", 201): [(1, 60, 3)]}


def test_worked_drug_eras(folder: Path) -> None:
    """r1 lasts to day 30 by its supply and r3 begins 30 days later; r6, of two ingredients, lies 20 days after r5; what ATC or no ancestor names has none."""
    b = {("b", 2): [(1, 39, 2, 20)], ("b", 3): [(30, 39, 1, 0), (71, 80, 1, 0)]}
    first = {("a", 1): [(1, 60, 3, 30)], ("a2", 1): [(85, 90, 1, 0)], ("a2", 4): [(1, 40, 2, 0)], ("a2", 5): [(1, 7, 1, 0)]}
    assert shown(open_release(folder, 1), "drug_era") == first | b
    linked = {("a+a2", 1): [(1, 90, 4, 55)], ("a+a2", 4): [(1, 40, 2, 0)], ("a+a2", 5): [(1, 7, 1, 0)]}
    assert shown(open_release(folder, 2), "drug_era") == linked | b
    changed = {("b", 2): [(1, 10, 1, 0), (42, 50, 1, 0)], ("b", 3): [(71, 80, 1, 0)]}
    assert shown(open_release(folder, 3), "drug_era") == linked | changed
    more = {("a+a2", 5): [(1, 36, 2, 28)], ("b", 2): [(1, 10, 1, 0), (42, 60, 2, 10)]}
    assert shown(open_release(folder, 4), "drug_era") == linked | changed | more
    assert shown(open_release(folder, 5), "drug_era")["a", 5] == [(35, 36, 1, 0)]
    assert shown(open_release(folder, 6), "drug_era") == first | changed


@pytest.mark.parametrize(("number", "numbers"), [(3, [3, 2, 1, 0]), (5, [5, 0, 4, 2, 1, 3]), (6, [1, 5, 0, 3, 2])])
def test_increments_equal_a_rebuild(number: int, numbers: list[int], folder: Path, tmp_path: Path) -> None:
    again, ours = rebuilt(tmp_path / "region", numbers), open_release(folder, number)
    assert again.release.content == ours.release.content
    for table in ("condition_era", "drug_era"):
        assert again.table(table).sort_by(f"{table}_id").to_pylist() == ours.table(table).sort_by(f"{table}_id").to_pylist()
        assert again.release.tables[f"cdr/{table}"].fingerprint == ours.release.tables[f"cdr/{table}"].fingerprint


def test_only_eras_of_touched_persons_are_written(folder: Path) -> None:
    """A run writes an era with its number; the third touched b alone, the fourth a and b in their drugs alone."""
    runs = {number: {row["_run"] for row in open_release(folder, number).table("cdr.condition_era").to_pylist()} for number in (2, 3, 4)}
    assert runs == {2: {1, 2}, 3: {1, 2, 3}, 4: {1, 2, 3}}, "an era of the patient whose id the human has stands as the first run wrote it"
    of_b = open_release(folder, 4).query("select distinct e._run as r from cdr.drug_era e where drug_concept_id = 3").to_pylist()
    assert of_b == [{"r": 1}]


def test_eras_trace_to_what_they_are_made_of(folder: Path) -> None:
    for number in (2, 5):
        opened = open_release(folder, number)
        for table, source in (("condition_era", "condition_occurrence"), ("drug_era", "drug_exposure")):
            events = opened.table(f"cdr.{source}").to_pylist()
            names = {row[f"{source}_id"]: row[f"{source.split('_')[0]}_source_value"] for row in events}
            traces = list(trace_many(opened, table))
            counts = [row[f"{source}_count"] for row in (one.row for one in traces)]
            assert [len(one.inputs) for one in traces] == counts and counts
            found = {tuple(sorted(names[i.id] for i in one.inputs)) for one in traces}  # type: ignore[index]
            if number == 2 and table == "condition_era":
                assert found == {("d1", "d2", "e1"), ("e2",), ("d3",), ("d4", "d5"), ("d7",)}
            if number == 2 and table == "drug_era":
                assert found == {("r1", "r2", "r3", "s1"), ("r5", "r6"), ("r6",), ("r7",), ("s2", "s3"), ("s2",)}


def test_without_a_vocabulary_no_drug_has_an_era(tmp_path: Path) -> None:
    """And with one, or with another, all drug eras are worked out anew, those of conditions stay."""
    folder = make(tmp_path / "region")
    deliver(folder, 0)
    run(open_region(folder))
    assert open_release(folder).table("drug_era").num_rows == 0 and open_release(folder).table("condition_era").num_rows == 4
    load_vocabulary(open_region(folder), vocabulary(tmp_path / "one", without=23))
    run(open_region(folder))
    assert shown(open_release(folder), "drug_era") == {("a", 1): [(1, 60, 3, 30)], ("b", 2): [(1, 10, 1, 0)], ("b", 3): [(71, 80, 1, 0)]}
    load_vocabulary(open_region(folder), vocabulary(tmp_path / "other"))
    report = run(open_region(folder))
    assert shown(open_release(folder), "drug_era")["b", 2] == [(1, 39, 2, 20)]
    assert "cdr/condition_era" not in report.created and report.created["cdr/drug_era"] == 2 and report.removed["cdr/drug_era"] == 1
    assert open_release(folder).release.derived["condition_era"] == open_release(folder, 1).release.derived["condition_era"]


def test_eras_go_out_with_the_export(folder: Path, shared: Path, tmp_path: Path) -> None:
    """Into the published tables with their primary keys; all that eras refer to is there."""
    opened = open_release(folder, 2)
    export(opened, "parquet", tmp_path / "out")
    connection = published(tmp_path / "out", shared)
    for table, expected in (("condition_era", 5), ("drug_era", 6)):
        rows = connection.execute(f"select count(*), min({table}_id), max({table}_id) from cdm.{table}").fetchall()
        assert rows == [(expected, 1, expected)] == [(opened.table(table).num_rows, 1, expected)]
    wanting = [key for key in open_keys(connection, shared) if key[0].endswith("_era")]
    assert wanting == [("condition_era", "condition_concept_id", "concept")]  # the vocabulary of these tests has no conditions
    connection.close()


def low_bits(concept: int) -> int:
    """What a condition's concept gives to the id of its eras, where ids have 20 bits."""
    digest = hashlib.md5(f"13:condition_era0:1:1|{concept}".encode()).digest()
    return int.from_bytes(digest, "little") % 2**20


def test_two_eras_of_one_id_stop_the_run(tmp_path: Path) -> None:
    """Nothing is published until an exception gives one of the two keys another id."""
    seen: dict[int, int] = {}
    other, one = next((seen[low_bits(n)], n) for n in range(1, 100_000) if seen.setdefault(low_bits(n), n) != n)
    folder = make(tmp_path / "region", "\n[ids]\nbits = 20\n")
    (tmp_path / "patients.csv").write_text(f"{PATIENTS}\na,N1\n", encoding="utf-8")
    (tmp_path / "diagnoses.csv").write_text("\n".join([DIAGNOSES, diagnosis("x", "a", one, 1), diagnosis("y", "a", other, 1)]) + "\n", encoding="utf-8")
    land(open_region(folder), "h1", [tmp_path / "patients.csv", tmp_path / "diagnoses.csv"], as_of=date(2024, 6, 1), mode=Mode.UPSERT)
    with pytest.raises(SuwenError, match="two rows of condition_era") as caught:
        run(open_region(folder))
    assert caught.value.code == "IDN-001" and not list((folder / "lake" / "releases").glob("*.json"))
    lines = re.findall(r"[0-9]+,[0-9a-f]{32},[0-9]+", caught.value.do)
    assert len(set(lines)) == 2
    (folder / "collisions.csv").write_text(f"id,key_md5,replacement\n{lines[1]}\n", encoding="utf-8")
    run(open_region(folder))
    ids = {str(row["condition_era_id"]) for row in open_release(folder).table("condition_era").to_pylist()}
    assert ids == {lines[0].split(",")[0], lines[1].split(",")[2]}


def test_plain_eras_of_the_region(folder: Path) -> None:
    for number in (2, 4, 6):
        opened = open_release(folder, number)
        assert ours(opened, "condition_era") == by_hand(opened, {})[0]
        assert ours(opened, "drug_era") == by_hand(opened, INGREDIENTS)[1]


def ours(opened: OpenRelease, table: str) -> list[tuple[object, ...]]:
    """The eras of a release without their ids, in order."""
    return sorted(tuple(row.values())[1:] for row in opened.table(table).to_pylist())


def by_hand(opened: OpenRelease, ingredients: dict[int, set[int]]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The condition eras and the drug eras of a release's events, worked out in plain Python."""
    master = {row["person_id"]: row["master_person_id"] for row in opened.table("ext_person_link").to_pylist()}
    conditions = [s for row in opened.table("cdr.condition_occurrence").to_pylist() for s in plain.condition_spell(row, master[row["person_id"]])]
    drugs = [
        s
        for row in opened.table("cdr.drug_exposure").to_pylist()
        for s in plain.drug_spells(row, master[row["person_id"]], ingredients.get(row["drug_concept_id"], ()))
    ]
    return [tuple(era[:-1]) for era in plain.eras(conditions)], [tuple(era) for era in plain.eras(drugs)]
