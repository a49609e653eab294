"""Two keys with one id, in a region whose ids are cut to 20 bits: the run stops and says how to go on, and an exception resolves it for good."""

import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.flow.land import land
from suwen.flow.reader import OpenRelease, open_release
from suwen.flow.region import add_feed, open_region
from suwen.flow.run import run
from suwen.model.receipt import Mode
from tests.integration.small_region import PATIENTS, RESULTS, VISITS, make

BITS = 20
MORE = """
[kind.tests]
files = ["tests*.csv"]
columns = ["ID", "PATIENT", "DAY", "CODE"]
key = ["ID"]
[kind.charges]
files = ["charges*.csv"]
columns = ["ID", "TEST", "PRICE"]
key = ["ID"]
[target.test]
from = "tests"
event = "measurement"
code = { code = "CODE", system = "'LOINC'" }
[target.test.columns]
person_id = "ref('person', PATIENT)"
start_date = "date_of(DAY, 'iso')"
type_concept_id = "32856"
[target.charge]
from = "charges"
table = "cost"
[target.charge.columns]
cost_event_id = "ref('test', TEST)"
cost_domain_id = "'Measurement'"
cost_type_concept_id = "32821"
total_charge = "money(PRICE)"
[target.death]
from = "visits"
table = "death"
filters = [{ rule = "alive", keep = "WARD = 'morgue'" }]
[target.death.columns]
person_id = "ref('person', PATIENT)"
death_date = "date_of(LEFT_ON, 'iso')"
death_type_concept_id = "32817"
[target.told_death]
from = "tests"
table = "death"
filters = [{ rule = "alive", keep = "CODE = 'autopsy'" }]
[target.told_death.columns]
person_id = "ref('person', PATIENT)"
death_date = "date_of(DAY, 'iso')"
death_type_concept_id = "32817"
cause_source_value = "text(ID)"
"""


def low_bits(*words: str, text: str) -> int:
    """The last bits of the md5 of a text under a salt, worked out here: what an id of this region is."""
    salt = "".join(f"{len(word)}:{word}" for word in words) + "|"
    return int.from_bytes(hashlib.md5((salt + text).encode()).digest(), "little") & ((1 << BITS) - 1)


def person_id(organisation: str) -> Callable[[str], int]:
    return lambda key: low_bits("person", "person", "0", text=key) ^ low_bits("owner", "organisation", organisation, text="")


def colliding(*ids: Callable[[str], int], names: Iterable[str] = ()) -> tuple[str, str]:
    """Two keys with one id; with two functions, the first key under the one and the second under the other."""
    seen: dict[int, str] = {}
    for name in names or (f"p{n}" for n in range(100_000)):
        other = seen.get(ids[-1](name))
        if other is not None and other != name:
            return other, name
        seen.setdefault(ids[0](name), name)
    raise AssertionError("no pair among so many")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "region"
    make(folder)
    template = folder / "packs" / "small" / "template" / "small.toml"
    head, example = template.read_text(encoding="utf-8").split("\n[[example]]")
    template.write_text(f"{head}\n{MORE}\n[[example]]{example}", encoding="utf-8")
    with (folder / "region.toml").open("a", encoding="utf-8") as stream:
        stream.write(f"\n[ids]\nbits = {BITS}\n")
    return folder


def send(folder: Path, feed: str = "his", day: int = 1, mode: Mode = Mode.UPSERT, **files: list[str]) -> None:
    outbox = folder / "outbox" / f"{feed}-{day}"
    outbox.mkdir(parents=True)
    for name, lines in files.items():
        (outbox / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    land(open_region(folder), feed, [outbox], as_of=date(2024, 3, day), mode=mode, received_at=datetime(2024, 5, 1, tzinfo=UTC))


def stopped(folder: Path) -> tuple[SuwenError, list[str]]:
    """The error of a run that must stop at a collision, and the lines it offers for collisions.csv."""
    before = sorted((folder / "lake" / "releases").glob("*.json"))
    with pytest.raises(SuwenError) as caught:
        run(open_region(folder))
    assert caught.value.code == "IDN-001"
    assert sorted((folder / "lake" / "releases").glob("*.json")) == before, "nothing is published"
    return caught.value, re.findall(r"[0-9]+,[0-9a-f]{32},[0-9]+", caught.value.do)


def resolved(folder: Path, line: str) -> OpenRelease:
    """The release after an exception was written down."""
    path = folder / "collisions.csv"
    known = path.read_text(encoding="utf-8") if path.exists() else "id,key_md5,replacement\n"
    path.write_text(known + line + "\n", encoding="utf-8")
    report = run(open_region(folder))
    assert report.release is not None
    assert run(open_region(folder)).release is None
    return open_release(folder)


def patient(key: str, born: str = "1950-01-01") -> str:
    return f"{key},{born},F,U"


def visit(key: str, of: str, ward: str = "w1") -> str:
    return f"{key},{of},2024-01-01,2024-01-03,{ward},U"


def whose(opened: OpenRelease, table: str, source: str) -> list[tuple[str, str]]:
    """(patient, text of the row) of a table's rows."""
    asked = f"select p.person_source_value as a, t.{source} as b from omop.{table} t join omop.person p using (person_id) order by 1, 2"
    return [(row["a"], row["b"]) for row in opened.query(asked).to_pylist()]


def test_two_patients_with_one_id(folder: Path) -> None:
    one, other = colliding(person_id("H1"))
    visits = [visit("v1", one, "w1"), visit("v2", other, "w2"), visit("v3", other, "morgue"), visit("v4", other, "morgue")]
    send(folder, patients=[PATIENTS, patient("p"), patient(one), patient(other)], visits=[VISITS, *visits])
    send(folder, "lab", mode=Mode.APPEND, results=[RESULTS, f"{one},v1,2024-01-02,a,1", f"{other},v2,2024-01-02,b,2"])
    error, lines = stopped(folder)
    assert "record 2 of receipt 1 and record 3 of receipt 1 (table person)" in error.what
    assert one not in str(error) and other not in str(error), "no value of a record in a message"
    assert len(lines) == 2 and [int(line.split(",")[0]) for line in lines] == [person_id("H1")(one)] * 2
    opened = resolved(folder, lines[1])
    persons = {row["person_source_value"]: row["person_id"] for row in opened.table("person").to_pylist()}
    assert persons[one] == person_id("H1")(one) and persons[other] == int(lines[1].split(",")[2])
    # every reference follows, in this feed and in the other
    assert whose(opened, "visit_detail", "visit_detail_source_value") == sorted([(one, "w1"), (other, "morgue"), (other, "morgue"), (other, "w2")])
    assert whose(opened, "measurement", "measurement_source_value") == sorted([(one, "a"), (other, "b")])
    assert [row["person_id"] for row in opened.table("death").to_pylist()] == [persons[other]], "two records tell one death"
    assert len({row["person_id"] for row in opened.table("observation_period").to_pylist()}) == 2


def test_a_patient_who_comes_later_takes_nobodys_place(folder: Path) -> None:
    one, other = colliding(person_id("H1"))
    send(folder, patients=[PATIENTS, patient(one), patient("p")])
    assert run(open_region(folder)).release == 1
    send(folder, day=2, patients=[PATIENTS, patient(other)])
    error, lines = stopped(folder)
    assert "record 1 of receipt 1 and record 1 of receipt 2 (table person)" in error.what
    assert sorted(open_release(folder).table("person").column("person_source_value").to_pylist()) == sorted([one, "p"])
    opened = resolved(folder, lines[0])
    persons = {row["person_source_value"]: row["person_id"] for row in opened.table("person").to_pylist()}
    assert persons.keys() == {one, other, "p"} and persons[other] == person_id("H1")(other)
    assert persons[one] == int(lines[0].split(",")[2]), "the one chosen moves, though it was there first"


def test_two_records_whose_keys_have_one_hash(folder: Path) -> None:
    def record_key(key: str) -> int:
        return low_bits("key", "0", text=key)

    one, other = colliding(record_key)
    send(folder, patients=[PATIENTS, patient(one), patient("p")], visits=[VISITS, visit("v1", one), visit("v2", "p")])
    assert run(open_region(folder)).release == 1
    send(folder, day=2, patients=[PATIENTS, patient(other), patient(one, "1951-02-03")])
    error, lines = stopped(folder)
    assert "(kind patients)" in error.what and len(lines) == 2
    assert "record 1 of receipt 3" in error.what, "the one that came; the other is named by one of its two versions"
    opened = resolved(folder, lines[0])
    assert {r["person_source_value"]: r["year_of_birth"] for r in opened.table("person").to_pylist()} == {one: 1951, other: 1950, "p": 1950}
    assert opened.table("visit_occurrence").num_rows == 2


def test_patients_of_two_hospitals_with_one_id(folder: Path) -> None:
    add_feed(open_region(folder), "other", "small/csv", "H2")
    one, other = colliding(person_id("H1"), person_id("H2"))
    send(folder, patients=[PATIENTS, patient(one)])
    send(folder, "other", patients=[PATIENTS, patient(other)])
    error, lines = stopped(folder)
    assert "record 1 of receipt 1 and record 1 of receipt 2 (table person)" in error.what
    assert resolved(folder, lines[0]).table("person").num_rows == 2


def test_two_keyless_records_with_one_id(folder: Path) -> None:
    def content(value: str) -> int:
        whole = 0
        for column, text in zip(RESULTS.split(","), ("p", None, "2024-01-02", "c", value), strict=True):
            whole ^= low_bits("content", column, text=text) if text else 0
        return whole

    one, other = colliding(content, names=(str(n) for n in range(100_000)))
    send(folder, patients=[PATIENTS, patient("p")])
    send(folder, "lab", mode=Mode.SNAPSHOT, results=[RESULTS, *(f"p,,2024-01-02,c,{value}" for value in ("7000000", one, other))])
    error, lines = stopped(folder)
    assert "record 2 of receipt 2 and record 3 of receipt 2 (table measurement)" in error.what
    opened = resolved(folder, lines[0])
    held = {int(row["value_as_number"]): row["measurement_id"] for row in opened.table("measurement").to_pylist()}
    assert held.keys() == {7000000, int(one), int(other)} and len(set(held.values())) == 3


def test_a_reference_to_an_event_follows(folder: Path) -> None:
    def test_id(key: str) -> int:
        return low_bits("test", "test", "0", text=key) ^ low_bits("owner", "organisation", "H1", text="")

    one, other = colliding(test_id)
    tests = ["ID,PATIENT,DAY,CODE", f"{one},p,2024-01-02,a", f"{other},p,2024-01-03,b"]
    send(folder, patients=[PATIENTS, patient("p")], tests=tests, charges=["ID,TEST,PRICE", f"c1,{one},1.00", f"c2,{other},2.00"])
    error, lines = stopped(folder)
    assert "(table measurement)" in error.what
    opened = resolved(folder, lines[0])
    asked = """select total_charge::integer as paid, measurement_source_value as code
        from omop.cost join omop.measurement on cost_event_id = measurement_id order by 1"""
    assert [tuple(row.values()) for row in opened.query(asked).to_pylist()] == [(1, "a"), (2, "b")]


def test_a_death_told_by_two_kinds_of_record_is_one(folder: Path) -> None:
    send(folder, patients=[PATIENTS, patient("p"), patient("q")], visits=[VISITS, visit("v1", "p", "morgue"), visit("v2", "q", "morgue")])
    run(open_region(folder))
    send(folder, day=2, tests=["ID,PATIENT,DAY,CODE", "t1,p,2024-01-04,autopsy", "t2,p,2024-01-04,a"])
    assert run(open_region(folder)).release == 2
    deaths = {row["person_id"]: (row["death_date"], row["cause_source_value"]) for row in open_release(folder).table("death").to_pylist()}
    persons = {row["person_source_value"]: row["person_id"] for row in open_release(folder).table("person").to_pylist()}
    assert deaths.keys() == set(persons.values()) and deaths[persons["q"]] == (date(2024, 1, 3), None)
    assert deaths[persons["p"]] == (date(2024, 1, 4), "t1"), "the later word first, and of every column the first that says something"
    send(folder, day=3, visits=[VISITS, "v1,p,2024-01-01,2024-01-03,morgue,D"])
    run(open_region(folder))
    assert len(open_release(folder).table("death").to_pylist()) == 2, "the other record still tells it"


def test_the_same_patient_number_in_two_hospitals_is_two_persons(folder: Path) -> None:
    setting = folder / "region.toml"
    setting.write_text(setting.read_text(encoding="utf-8").replace(f"bits = {BITS}", "bits = 63"), encoding="utf-8")
    add_feed(open_region(folder), "other", "small/csv", "H2")
    numbers = [f"p{n}" for n in range(50)]
    for feed, year in (("his", 1950), ("other", 1960)):
        send(folder, feed, patients=[PATIENTS, *(patient(n, f"{year}-01-01") for n in numbers)], visits=[VISITS, *(visit(f"v{n}", n) for n in numbers)])
    run(open_region(folder))
    opened = open_release(folder)
    persons = opened.table("person").to_pylist()
    assert len({row["person_id"] for row in persons}) == 100
    asked = """select year_of_birth as year, count(*)::integer as n
        from omop.person join cdr.visit_occurrence v using (person_id) where v._receipt <= 2 group by 1"""
    assert opened.query(asked).to_pylist() == [{"year": 1950, "n": 50}], "each visit leads to its own hospital's patient"
