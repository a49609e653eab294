"""Persons of two hospitals joined by their resident id, parted again by corrections, and told where the number is absent or wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from suwen.flow.land import land
from suwen.flow.reader import OpenRelease, open_release
from suwen.flow.region import open_region
from suwen.flow.run import RunReport, run
from suwen.flow.trace import trace_many
from suwen.intake.landing import Landing
from suwen.model.receipt import Fact, Mode, State
from tests.integration.own_regions import with_pack

TEMPLATE = """\
name = "people/csv"
title = { en = "A small register", zh = "小登记" }
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
files = ["patients*.csv"]
columns = ["ID", "BORN", "SEX", "NUMBER", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"
[kind.visits]
files = ["visits*.csv"]
columns = ["ID", "PATIENT", "CAME", "DIED"]
key = ["ID"]

[target.person]
from = "patients"
table = "person"
[target.person.columns]
gender_concept_id = "case when SEX = '1' then 8507 when SEX = '2' then 8532 else 0 end"
year_of_birth = "year_of(date_of(BORN, 'iso'))"
month_of_birth = "month_of(date_of(BORN, 'iso'))"
day_of_birth = "day_of(date_of(BORN, 'iso'))"
person_source_value = "text(ID)"
[target.resident_id]
from = "patients"
table = "ext_person_identifier"
[target.resident_id.columns]
person_id = "ref('person', ID)"
kind = "'resident id'"
value = "upper(text(NUMBER))"
check_agrees = "id_card_valid(NUMBER)"
birth_date_agrees = "id_card_birth_date(NUMBER) = date_of(BORN, 'iso')"
sex_agrees = "case when SEX in ('1', '2') then id_card_sex(NUMBER) = SEX end"
[target.visit]
from = "visits"
table = "visit_occurrence"
[target.visit.columns]
person_id = "ref('person', PATIENT)"
visit_concept_id = "9202"
visit_start_date = "date_of(CAME, 'iso')"
visit_end_date = "date_of(CAME, 'iso')"
visit_type_concept_id = "32827"
[target.death]
from = "visits"
table = "death"
filters = [{ rule = "alive", keep = "not is_blank(DIED)" }]
[target.death.columns]
person_id = "ref('person', PATIENT)"
death_date = "date_of(DIED, 'iso')"

[[example]]
name = "a woman without a number"
given.patients = [{ ID = "p", BORN = "1980-02-29", SEX = "2" }]
expect.person = [{ gender_concept_id = "8532", year_of_birth = "1980" }]
expect.resident_id = [{ person_id = "ref:person:p", value = "" }]
"""
HEADER = "ID,BORN,SEX,NUMBER,OP"
Lines = dict[str, list[str]]


def number(born: str, serial: int) -> str:
    """A resident id by the standard: area, day of birth, serial, and the character by which the weighted sum is 1 modulo 11."""
    digits = f"990101{born.replace('-', '')}{serial:03d}"
    rest = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(digits)) % 11
    return digits + "10X98765432"[rest]


X, Y, Z, W = number("1950-01-02", 11), number("1960-03-04", 22), number("1970-05-06", 33), number("1950-01-02", 13)
MISTYPED = X[:16] + str((int(X[16]) + 2) % 10) + X[17]

# (hospital, day of March, file -> lines)
DELIVERIES: list[tuple[str, int, Lines]] = [
    (
        "H1",
        1,
        {
            "patients.csv": [HEADER, f"a,1950-01-02,1,{X.lower()},U", "b,1951-01-02,1,,U", f"c,1950-01-02,1,{MISTYPED},U", f"d,1960-03-04,1,{Y},U"],
            "visits.csv": ["ID,PATIENT,CAME,DIED", "v1,a,2024-01-01,", "v2,b,2024-01-05,", "v3,d,2024-01-07,"],
        },
    ),
    (
        "H2",
        1,
        {
            "patients.csv": [HEADER, f"a2,1950-01-02,1,{X},U", f"d2,1960-03-04,2,{Y},U", f"e,1970-05-06,1,{Z},U"],
            "visits.csv": ["ID,PATIENT,CAME,DIED", "w1,a2,2024-02-01,2024-02-09", "w2,d2,2023-02-05,"],
        },
    ),
    ("H1", 2, {"patients.csv": [HEADER, f"d,1960-03-04,2,{Y},U"]}),  # the sex was wrong: one human with d2
    ("H2", 3, {"patients.csv": [HEADER, f"a2,1950-01-02,1,{W},U"]}),  # the number was another's: parted from a
    ("H2", 4, {"patients.csv": [HEADER, "d2,,,,D", f"f,1950-01-02,1,{X},U"]}),  # one goes, another of the first number comes
]
SAME = "the same resident id, valid and agreeing with birth date and sex"
ALONE = "no other patient has the resident id"


def region_of(folder: Path, template: str = TEMPLATE) -> Path:
    return with_pack(folder, "people", template, {"h1": "H1", "h2": "H2"}).folder


def deliver(folder: Path, number: int) -> None:
    hospital, day, files = DELIVERIES[number]
    source = folder / "outbox" / str(number)
    source.mkdir(parents=True)
    for name, lines in files.items():
        (source / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    land(open_region(folder), hospital.lower(), [source], as_of=date(2024, 3, day), mode=Mode.UPSERT, received_at=datetime(2024, 5, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[RunReport]]:
    folder = region_of(tmp_path_factory.mktemp("people") / "region")
    reports = []
    for numbers in ([0, 1], [2], [3], [4]):
        for one in numbers:
            deliver(folder, one)
        reports.append(run(open_region(folder)))
    return folder, reports


def humans(opened: OpenRelease) -> list[tuple[str, ...]]:
    """The patients of each human, in order."""
    sql = """select list_sort(list(p.person_source_value)) as members from ext.ext_person_link l join cdr.person p using (person_id)
        group by l.master_person_id order by 1"""
    return [tuple(row["members"]) for row in opened.query(sql).to_pylist()]


def links(opened: OpenRelease) -> dict[str, tuple[str, str, int]]:
    sql = "select p.person_source_value as who, l.method, l.reason, l.since_release as since from ext.ext_person_link l join cdr.person p using (person_id)"
    return {row["who"]: (row["method"], row["reason"], row["since"]) for row in opened.query(sql).to_pylist()}


def test_who_is_one_human_after_each_run(history: tuple[Path, list[RunReport]]) -> None:
    folder, _ = history
    assert humans(open_release(folder, 1)) == [("a", "a2"), ("b",), ("c",), ("d",), ("d2",), ("e",)]
    assert humans(open_release(folder, 2)) == [("a", "a2"), ("b",), ("c",), ("d", "d2"), ("e",)]
    assert humans(open_release(folder, 3)) == [("a",), ("a2",), ("b",), ("c",), ("d", "d2"), ("e",)]
    assert humans(open_release(folder, 4)) == [("a", "f"), ("a2",), ("b",), ("c",), ("d",), ("e",)]


def test_a_master_is_the_smallest_of_its_set(history: tuple[Path, list[RunReport]]) -> None:
    sql = "select master_person_id as master, min(person_id) as least from ext.ext_person_link group by 1"
    for number in (1, 2, 3, 4):
        assert all(row["master"] == row["least"] for row in open_release(history[0], number).query(sql).to_pylist())


def test_method_reason_and_since_follow_the_link(history: tuple[Path, list[RunReport]]) -> None:
    folder, _ = history
    wrong = "the resident id is not valid, or does not agree with birth date and sex"
    first = links(open_release(folder, 1))
    assert first["a"] == first["a2"] == ("resident id", SAME, 1)
    assert first["b"] == ("own", "no resident id", 1)
    assert first["c"] == first["d"] == ("own", wrong, 1)
    assert first["d2"] == first["e"] == ("own", ALONE, 1)
    last = links(open_release(folder, 4))
    assert last["a"] == last["f"] == ("resident id", SAME, 4)
    assert last["a2"] == ("own", ALONE, 3)
    assert last["d"] == ("own", ALONE, 4)
    assert last["e"] == ("own", ALONE, 1)
    assert not any(value in str(reason) for reason in (*first.values(), *last.values()) for value in (X, Y, Z, W))


def test_only_changed_links_are_written(history: tuple[Path, list[RunReport]]) -> None:
    moved = [(r.created.get("ext/ext_person_link", 0), r.removed.get("ext/ext_person_link", 0)) for r in history[1]]
    assert moved == [(7, 0), (2, 2), (2, 2), (3, 3)]


def test_wrong_numbers_are_those_of_the_patients_as_they_stand(history: tuple[Path, list[RunReport]]) -> None:
    """In the second release the one whose sex did not agree is corrected; of the others, sent once or again, nothing is told anew."""
    sql = "select run, code, column_name, feed, records from state.finding where code like 'PID%' order by all"
    still = [(1, "PID-001", "value", "h1", 1), (1, "PID-002", "check_agrees", "h1", 1)]
    found = [[tuple(row.values()) for row in open_release(history[0], number).query(sql).to_pylist()] for number in (1, 2, 3, 4)]
    assert found == [[*still, (1, "PID-003", "sex_agrees", "h1", 1)], still, still, still]


def test_runs_one_by_one_and_one_run_of_all_agree(history: tuple[Path, list[RunReport]], tmp_path: Path) -> None:
    folder = region_of(tmp_path / "region")
    for number in (3, 0, 4, 2, 1):
        deliver(folder, number)
    run(open_region(folder))
    assert open_release(folder).release.content == open_release(history[0]).release.content


def periods(opened: OpenRelease) -> list[tuple[str, str, str]]:
    sql = """select p.person_source_value as who, o.observation_period_start_date::varchar as first, o.observation_period_end_date::varchar as last
        from omop.observation_period o join cdr.person p using (person_id)"""
    masters = "select p.person_source_value as who, l.master_person_id as master from ext.ext_person_link l join cdr.person p on p.person_id = l.person_id"
    sets: dict[int, list[str]] = {}
    for row in opened.query(masters).to_pylist():
        sets.setdefault(row["master"], []).append(row["who"])
    name = {who: "+".join(sorted(of)) for of in sets.values() for who in of}
    return sorted((name[row["who"]], row["first"], row["last"]) for row in opened.query(sql).to_pylist())


def test_a_master_has_one_period_over_all_its_patients(history: tuple[Path, list[RunReport]]) -> None:
    folder, _ = history
    b = ("b", "2024-01-05", "2024-01-05")
    assert periods(open_release(folder, 1)) == [
        ("a+a2", "2024-01-01", "2024-02-09"), b, ("d", "2024-01-07", "2024-01-07"), ("d2", "2023-02-05", "2023-02-05"),
    ]  # fmt: skip
    assert periods(open_release(folder, 2)) == [("a+a2", "2024-01-01", "2024-02-09"), b, ("d+d2", "2023-02-05", "2024-01-07")]
    assert periods(open_release(folder, 3)) == [
        ("a", "2024-01-01", "2024-01-01"), ("a2", "2024-02-01", "2024-02-09"), b, ("d+d2", "2023-02-05", "2024-01-07"),
    ]  # fmt: skip
    assert periods(open_release(folder, 4)) == [
        ("a+f", "2024-01-01", "2024-01-01"), ("a2", "2024-02-01", "2024-02-09"), b, ("d", "2024-01-07", "2024-01-07"),
    ]  # fmt: skip


def test_omop_shows_masters(history: tuple[Path, list[RunReport]]) -> None:
    for number, persons in ((1, 6), (2, 5), (3, 6), (4, 6)):
        opened = open_release(history[0], number)
        masters = {row["m"] for row in opened.query("select distinct master_person_id as m from ext.ext_person_link").to_pylist()}
        assert {row["person_id"] for row in opened.table("person").to_pylist()} == masters and len(masters) == persons
        assert opened.table("person").num_rows == persons
        assert {row["person_id"] for row in opened.table("visit_occurrence").to_pylist()} <= masters
        assert opened.table("visit_occurrence").num_rows == opened.table("cdr.visit_occurrence").num_rows
        (death,) = opened.table("death").to_pylist()
        assert death["person_id"] in masters
        assert opened.table("death").schema.names[0] == "person_id" and "_own" not in opened.table("death").schema.names


def test_periods_trace_to_the_events_of_all_patients(history: tuple[Path, list[RunReport]]) -> None:
    opened = open_release(history[0], 2)
    inputs = [len(one.inputs) for one in trace_many(opened, "observation_period")]
    assert sum(inputs) == opened.table("cdr.visit_occurrence").num_rows + opened.table("cdr.death").num_rows


CARDS = """\
[kind.cards]
files = ["cards*.csv"]
columns = ["CARD", "PATIENT", "BORN", "NUMBER"]
key = ["CARD"]
[target.card]
from = "cards"
table = "ext_person_identifier"
[target.card.columns]
person_id = "ref('person', PATIENT)"
kind = "'resident id'"
value = "upper(text(NUMBER))"
check_agrees = "id_card_valid(NUMBER)"
birth_date_agrees = "id_card_birth_date(NUMBER) = date_of(BORN, 'iso')"
sex_agrees = "true"

[target.person]
"""


def with_cards(folder: Path) -> Path:
    """A region whose hospitals send numbers of patients by a second way too."""
    return region_of(folder, TEMPLATE.replace("[target.person]\n", CARDS, 1))


def send(folder: Path, hospital: str, day: int, files: Lines) -> None:
    source = folder / "outbox" / f"{hospital}-{day}"
    source.mkdir(parents=True)
    for name, lines in files.items():
        (source / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    land(open_region(folder), hospital.lower(), [source], as_of=date(2024, 3, day), mode=Mode.UPSERT, received_at=datetime(2024, 5, 1, tzinfo=UTC))


def test_a_number_that_shows_nobody_parts_nobody(tmp_path: Path) -> None:
    """A child known by its mother's number and by its own stays linked by its own when a third patient comes with the mother's."""
    told: list[tuple[str, int, Lines]] = [
        ("H1", 1, {"patients.csv": [HEADER, f"child,1970-05-06,1,{X},U"], "cards.csv": ["CARD,PATIENT,BORN,NUMBER", f"k1,child,1970-05-06,{Z}"]}),
        ("H2", 2, {"patients.csv": [HEADER, f"child2,1970-05-06,1,{Z},U"]}),
        ("H2", 3, {"patients.csv": [HEADER, f"mother,1950-01-02,1,{X},U"]}),
    ]
    folder, whole = with_cards(tmp_path / "steps"), with_cards(tmp_path / "whole")
    for one in told:
        send(folder, *one)
        run(open_region(folder))
        send(whole, *one)
    run(open_region(whole))
    assert humans(open_release(whole)) == [("child", "child2"), ("mother",)]
    assert humans(open_release(folder)) == humans(open_release(whole))
    assert open_release(folder).release.content == open_release(whole).release.content


def test_a_withdrawn_delivery_without_numbers_leaves_what_is_told_of_numbers(tmp_path: Path) -> None:
    folder = region_of(tmp_path / "region")
    deliver(folder, 0)
    send(folder, "H1", 9, {"visits.csv": ["ID,PATIENT,CAME,DIED", "v9,a,2024-03-01,"]})
    run(open_region(folder))
    sql = "select run, code, column_name, feed, records from state.finding where code like 'PID%' order by all"
    before = open_release(folder).query(sql).to_pylist()
    assert [row["code"] for row in before] == ["PID-001", "PID-002", "PID-003"]
    Landing(open_region(folder).landing).add_fact(Fact(2, State.WITHDRAWN, datetime(2024, 7, 2, tzinfo=UTC), "tests", "sent in error"))
    run(open_region(folder))
    assert open_release(folder).query(sql).to_pylist() == before


def test_numbers_that_come_and_go_without_their_patients_join_and_part(tmp_path: Path) -> None:
    told: list[tuple[str, int, Lines]] = [
        ("H1", 1, {"patients.csv": [HEADER, "a,1950-01-02,1,,U"]}),
        ("H2", 2, {"patients.csv": [HEADER, f"a2,1950-01-02,1,{X},U"]}),
        ("H1", 3, {"cards.csv": ["CARD,PATIENT,BORN,NUMBER", f"k1,a,1950-01-02,{X}"]}),
        ("H1", 4, {"cards.csv": ["CARD,PATIENT,BORN,NUMBER", f"k1,a,1950-01-02,{W}"]}),
    ]
    folder, shown = with_cards(tmp_path / "region"), []
    for one in told:
        send(folder, *one)
        run(open_region(folder))
        shown.append(humans(open_release(folder)))
    assert shown == [[("a",)], [("a",), ("a2",)], [("a", "a2")], [("a",), ("a2",)]]
    codes = "select code from state.finding where code like 'PID%'"
    assert open_release(folder).query(codes).to_pylist() == []
