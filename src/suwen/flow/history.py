"""One human across organisations: the patients that are linked, their visits, and what was recorded at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from suwen.base.errors import SuwenError
from suwen.engine.sql import Tree, alias, col, in_numbers, integer, statement, text, union_all
from suwen.flow.reader import OpenRelease

# What is counted of a visit: table -> nothing more than how many rows.
COUNTED = ("condition_occurrence", "procedure_occurrence", "measurement", "drug_exposure", "observation")
MOST = 2_000  # visits of one human that are read
CODES = 6  # diagnoses named of a visit


@dataclass(frozen=True)
class Patient:
    """An organisation's patient: `year_of_birth` and `gender` (concept id) as it knows them; how and why it is linked to its master."""

    person_id: int
    organisation: str
    year_of_birth: int | None
    gender: int | None
    method: str
    reason: str


@dataclass(frozen=True)
class Visit:
    """One visit: its days (`end` None: not over), what kind (concept id), the department as sent, diagnosis codes as sent, and rows recorded at it."""

    visit_id: int
    person_id: int
    organisation: str
    concept_id: int
    start: date
    end: date | None
    start_at: datetime | None
    department: str
    diagnoses: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class History:
    """All that is known of one human by links: `master` and the patients and visits, in the order of time. `more`: visits beyond those read."""

    master: int
    patients: tuple[Patient, ...]
    visits: tuple[Visit, ...]
    more: int


def organisations_of(opened: OpenRelease) -> Mapping[int, str]:
    """Receipt -> the organisation whose feed it came by, in the release."""
    found = opened.ask(statement("select r.receipt, r.organisation from {r} r", r=opened.view("state.receipt")))
    return dict(zip(found["receipt"].to_pylist(), found["organisation"].to_pylist(), strict=True))


def master_of(opened: OpenRelease, person_id: int) -> int:
    """The master of a patient; itself where nothing links it. Raises SuwenError where there is no such patient."""
    known = statement("select p.person_id as id from {p} p where p.person_id = {id}", p=opened.view("cdr.person"), id=integer(person_id))
    if not opened.ask(known).num_rows:
        raise SuwenError(f"there is no person {person_id}", where=f"release {opened.release.number}", expected="a person_id of the release")
    linked = statement("select l.master_person_id as id from {l} l where l.person_id = {id}", l=opened.view("ext.ext_person_link"), id=integer(person_id))
    found = opened.ask(linked).to_pylist()
    return int(found[0]["id"]) if found else person_id


def history(opened: OpenRelease, person_id: int, organisations: Mapping[int, str]) -> History:
    """The history of the human whom a patient is. Raises SuwenError where there is no such patient."""
    master = master_of(opened, person_id)
    patients = _patients(opened, master, organisations)
    rows = _visits(opened, [one.person_id for one in patients])
    shown = rows[-MOST:]
    ids = [row["visit_occurrence_id"] for row in shown]
    counts, codes = _counts(opened, ids), _codes(opened, ids)
    visits = tuple(_visit(row, organisations, codes.get(row["visit_occurrence_id"], ()), counts.get(row["visit_occurrence_id"], {})) for row in shown)
    return History(master, patients, visits, len(rows) - len(shown))


def _patients(opened: OpenRelease, master: int, organisations: Mapping[int, str]) -> tuple[Patient, ...]:
    query = statement(
        """with l as (select * from {links} x where x.master_person_id = {master})
        select p.person_id, p.year_of_birth, p.gender_concept_id as gender, p._receipt as receipt, coalesce(l.method, 'own') as method,
            coalesce(l.reason, '') as reason
        from {people} p left join l on l.person_id = p.person_id where l.person_id is not null or p.person_id = {master} order by p.person_id""",
        links=opened.view("ext.ext_person_link"),
        people=opened.view("cdr.person"),
        master=integer(master),
    )
    return tuple(
        Patient(row["person_id"], organisations.get(row["receipt"], ""), row["year_of_birth"], row["gender"], row["method"], row["reason"])
        for row in opened.ask(query).to_pylist()
    )


def _visits(opened: OpenRelease, people: Sequence[int]) -> list[dict[str, Any]]:
    query = statement(
        """select v.visit_occurrence_id, v.person_id, v.visit_concept_id, v.visit_start_date, v.visit_end_date, v.visit_start_datetime, v._receipt as receipt,
            coalesce(e.discharge_department_name, e.admission_department_name, '') as department
        from {visits} v left join {more} e on e.visit_occurrence_id = v.visit_occurrence_id
        where {mine} order by v.visit_start_date, v.visit_start_datetime, v.visit_occurrence_id""",
        visits=opened.view("cdr.visit_occurrence"),
        more=opened.view("ext.ext_visit"),
        mine=in_numbers(col("person_id", "v"), people),
    )
    found: list[dict[str, Any]] = opened.ask(query).to_pylist()
    return found


def _visit(row: Mapping[str, Any], organisations: Mapping[int, str], codes: Sequence[str], counts: Mapping[str, int]) -> Visit:
    return Visit(
        row["visit_occurrence_id"],
        row["person_id"],
        organisations.get(row["receipt"], ""),
        row["visit_concept_id"] or 0,
        row["visit_start_date"],
        row["visit_end_date"],
        row["visit_start_datetime"],
        row["department"],
        tuple(codes),
        counts,
    )


def _counts(opened: OpenRelease, visits: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """visit -> table -> rows recorded at it."""
    if not visits:
        return {}
    present = [name for name in COUNTED if opened.files(f"cdr/{name}")]
    parts = [_count(opened, name, visits) for name in present]
    found: dict[int, dict[str, int]] = {}
    for row in opened.ask(union_all(parts)).to_pylist() if parts else ():
        found.setdefault(row["visit"], {})[row["name"]] = row["records"]
    return found


def _count(opened: OpenRelease, name: str, visits: Sequence[int]) -> Tree:
    return statement(
        "select {name} as name, r.visit_occurrence_id as visit, count(*)::BIGINT as records from {rows} r where {mine} group by all",
        name=text(name),
        rows=opened.view(f"cdr.{name}"),
        mine=in_numbers(col("visit_occurrence_id", "r"), visits),
    )


def _codes(opened: OpenRelease, visits: Sequence[int]) -> Mapping[int, Sequence[str]]:
    """visit -> its first diagnosis codes as sent, in the order of their rows."""
    if not visits:
        return {}
    query = statement(
        """select {columns} from {rows} r where {mine} and r.condition_source_value is not null
        order by r.visit_occurrence_id, r.condition_start_datetime, r._receipt, r._record, r.condition_source_value""",
        columns=[alias(col("visit_occurrence_id", "r"), "visit"), alias(col("condition_source_value", "r"), "code")],
        rows=opened.view("cdr.condition_occurrence"),
        mine=in_numbers(col("visit_occurrence_id", "r"), visits),
    )
    found: dict[int, dict[str, None]] = {}
    for row in opened.ask(query).to_pylist():
        of = found.setdefault(row["visit"], {})
        if len(of) < CODES:
            of[row["code"]] = None
    return {visit: tuple(of) for visit, of in found.items()}
