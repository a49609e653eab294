"""Two small vendor systems, each said twice: as the template Suwen reads, and as plain Python for the plain model.

`prop/his`: patients and stays with keys, items without; a joined parent, named rows, a filter, one address for many patients.
`prop/lab`: people, cases and tests of the same organisation, whose persons and visits are the same as those of `prop/his`.
Each stands in several editions (`Edition`), as a template is mended in the course of time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tests.property.plain_model import Kind, Ref, Target, Template, Text


@dataclass(frozen=True)
class Edition:
    """`mended`: dates of birth in a second form. `changed`: no more addresses, no sequence of stays, "U" and "?" are no value,
    persons of `prop/lab` come last. `homes`: where the feeds belong (see `HOMES`). `apart`: the lab numbers its persons in its own way.
    `coded`: a test code is mapped anew, and no template changes.
    """

    mended: bool = False
    changed: bool = False
    homes: str = "first"
    apart: bool = False
    coded: bool = False


FIRST, MENDED = Edition(), Edition(mended=True, coded=True)
PACK = """\
name = "prop"
title = { en = "For tests", zh = "测试" }
owner = "tests"
concept_ids = [2000900001, 2000900099]
"""
HEAD = """\
name = "prop/{name}"
title = {{ en = "{name}", zh = "{name}" }}
owner = "tests"
[source]
citation = "made up"
version = "{version}"
standing = "verified"
[reader]
delimiter = "|"
quote = "none"
encoding = "utf-8"
null = [{null}]
"""
PLACE = """\
[target.place]
from = "patients"
table = "location"
key = ["CITY"]
[[target.place.filters]]
rule = "no-city"
keep = "not is_blank(CITY)"
[target.place.columns]
city = "text(CITY)"
county = "text(SEX)"
"""
HIS = """
[kind.patients]
files = ["patients*"]
columns = ["ID", "SEX", "BIRTH", "CITY", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"
[kind.stays]
files = ["stays*"]
columns = ["ID", "PAT", "BEGIN", "UNTIL", "SEQ", "OP"]
key = ["ID"]
{sequence}tombstone = "OP = 'D'"
window = "date_of(BEGIN, 'iso')"
[kind.items]
files = ["items*"]
columns = ["STAY", "DAY", "CODE1", "CODE2"]
window = "date_of(DAY, 'iso')"

{place}[target.person]
from = "patients"
table = "person"
[target.person.columns]
gender_concept_id = "concept(SEX, 'prop-sex')"
gender_source_value = "text(SEX)"
year_of_birth = "year_of({birth})"
person_source_value = "text(ID)"
{location}
[target.visit]
from = "stays"
table = "visit_occurrence"
[target.visit.columns]
person_id = "ref('person', PAT)"
visit_concept_id = "0"
visit_type_concept_id = "32817"
visit_start_date = "date_of(BEGIN, 'iso')"
visit_end_date = "date_of(UNTIL, 'iso')"
visit_source_value = "text(ID)"

[target.item]
from = "items"
table = "condition_occurrence"
[target.item.join.stay]
kind = "stays"
on = { STAY = "ID" }
[[target.item.rows]]
name = "first"
set = { code = "CODE1", which = "'first'" }
[[target.item.rows]]
name = "second"
set = { code = "CODE2", which = "'second'" }
[[target.item.filters]]
rule = "no-code"
keep = "not is_blank(row.code)"
[target.item.columns]
person_id = "ref('person', stay.PAT)"
visit_occurrence_id = "ref('visit', STAY)"
condition_concept_id = "0"
condition_type_concept_id = "32817"
condition_start_date = "coalesce(date_of(DAY, 'iso'), date_of(stay.BEGIN, 'iso'))"
condition_end_date = "date_of(stay.UNTIL, 'iso')"
condition_source_value = "row.code"
condition_status_source_value = "row.which"

[[example]]
name = "one patient"
[[example.given.patients]]
ID = "a"
BIRTH = "1980-01-01"
[[example.expect.person]]
year_of_birth = "1980"
"""
LAB = """
[kind.people]
files = ["people*"]
columns = ["PID", "SEX", "BIRTH", "RACE", "DIED"]
key = ["PID"]
[kind.cases]
files = ["cases*"]
columns = ["CNO", "PID", "DAY"]
key = ["CNO"]
window = "date_of(DAY, 'iso')"
[kind.tests]
files = ["tests*"]
columns = ["TID", "PID", "CNO", "DAY", "CODE", "RESULT", "SEQ"]
key = ["TID"]
version = "integer(SEQ)"
window = "date_of(DAY, 'iso')"

[target.person]
from = "people"
table = "person"
priority = {priority}
[target.person.columns]
gender_concept_id = "concept(SEX, 'prop-sex')"
gender_source_value = "text(SEX)"
year_of_birth = "year_of({birth})"
race_source_value = "text(RACE)"

[target.death]
from = "people"
table = "death"
[[target.death.filters]]
rule = "alive"
keep = "not is_blank(DIED)"
[target.death.columns]
person_id = "ref('person', PID)"
death_date = "date_of(DIED, 'iso')"

[target.visit]
from = "cases"
table = "visit_occurrence"
[target.visit.columns]
person_id = "ref('person', PID)"
visit_concept_id = "0"
visit_type_concept_id = "32817"
visit_start_date = "date_of(DAY, 'iso')"
visit_end_date = "date_of(DAY, 'iso')"

[target.test]
from = "tests"
event = "measurement"
require = ["visit_occurrence_id"]
[target.test.code]
code = "text(CODE)"
system = "'prop-test'"
[target.test.columns]
person_id = "ref('person', PID)"
visit_occurrence_id = "ref('visit', CNO)"
type_concept_id = "32817"
start_date = "date_of(DAY, 'iso')"
value_source_value = "text(RESULT)"

[[example]]
name = "one person"
[[example.given.people]]
PID = "a"
BIRTH = "1980-01-01"
[[example.expect.person]]
year_of_birth = "1980"
"""
MAP = """\
name = "prop-{name}"
title = {{ en = "{name}", zh = "{name}" }}
owner = "tests"
[source]
citation = "made up"
version = "1"
standing = "verified"
"""
SEXES = {"M": 8507, "F": 8532}
CONCEPTS = {2000900001: "Measurement", 2000900002: "Observation"}
COLUMNS = {
    "patients": ("ID", "SEX", "BIRTH", "CITY", "OP"),
    "stays": ("ID", "PAT", "BEGIN", "UNTIL", "SEQ", "OP"),
    "items": ("STAY", "DAY", "CODE1", "CODE2"),
    "people": ("PID", "SEX", "BIRTH", "RACE", "DIED"),
    "cases": ("CNO", "PID", "DAY"),
    "tests": ("TID", "PID", "CNO", "DAY", "CODE", "RESULT", "SEQ"),
}
KINDS = {"his": ("patients", "stays", "items"), "lab": ("people", "cases", "tests")}
SPANS = {
    "visit_occurrence": ("visit_start_date", "visit_end_date"),
    "condition_occurrence": ("condition_start_date", "condition_end_date"),
    "measurement": ("@date", ""),
    "observation": ("@date", ""),
    "death": ("death_date", ""),
}


def write_packs(folder: Path, edition: Edition) -> None:
    """Write the pack into a region's folder of packs."""
    parts = {
        "birth": "coalesce(date_of(BIRTH, 'iso'), date_of(BIRTH, 'yyyymmdd'))" if edition.mended else "date_of(BIRTH, 'iso')",
        "sequence": "" if edition.changed else 'version = "integer(SEQ)"\n',
        "place": "" if edition.changed else PLACE,
        "location": "" if edition.changed else "location_id = \"ref('place', CITY)\"",
        "priority": "150" if edition.changed else "50",
    }
    files = {"pack.toml": PACK}
    for name, codes in (("test", codes_of_tests(edition)), ("sex", SEXES)):
        files[f"standard/prop-{name}.toml"] = MAP.format(name=name)
        files[f"standard/prop-{name}.csv"] = "source_code,source_name,concept_id,vocabulary,code\n" + "".join(f"{c},{c},{n},,\n" for c, n in codes.items())
    files["concept/prop.csv"] = "concept_id,name,domain,code\n" + "".join(f"{n},c{n},{d},c{n}\n" for n, d in CONCEPTS.items())
    for name, body in (("his", HIS), ("lab", LAB)):
        head = HEAD.format(name=name, version=f"{edition.mended} {edition.changed}", null=", ".join(f'"{n}"' for n in nulls(edition)))
        files[f"template/{name}.toml"] = head + re.sub(r"\{(\w+)\}", lambda hole: parts[hole[1]], body)
    for name, text in files.items():
        path = folder / "prop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def nulls(edition: Edition) -> tuple[str, ...]:
    """The texts that mean no value, besides the empty one."""
    return ("U", "?") if edition.changed else ()


def codes_of_tests(edition: Edition) -> dict[str, int]:
    """Code -> concept: T2 becomes an observation, and the mended map moves it back."""
    return {"T1": 2000900001, "T2": 2000900001 if edition.coded else 2000900002}


def day(text: str | None) -> date | None:
    """A date in ISO form, else None."""
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None
    except ValueError:
        return None


def of(column: str) -> Callable[[Text], str | None]:
    return lambda r: r.get(column)


def day_of(*columns: str) -> Callable[[Text], date | None]:
    return lambda r: next((found for c in columns if (found := day(r.get(c)))), None)


def always(value: Any) -> Callable[[Text], Any]:
    return lambda _: value


def ref(target: str, column: str) -> Callable[[Text], Ref]:
    return lambda r: Ref(target, (r.get(column),))


def sex_concept(r: Text) -> int | None:
    """0 for a code the map does not know, null where there is no code."""
    return SEXES.get(sex, 0) if (sex := r.get("SEX")) else None


def whole(column: str) -> Callable[[Text], int | None]:
    return lambda r: int(r[column]) if r.get(column) else None


def deleted(r: Text) -> bool:
    return r.get("OP") == "D"


def birth_year(edition: Edition) -> Callable[[Text], int | None]:
    def year(r: Text) -> int | None:
        text = r.get("BIRTH")
        found = day(text)
        if not found and edition.mended and text and len(text) == 8 and text.isdigit():
            found = datetime.strptime(text, "%Y%m%d").date()
        return found.year if found else None

    return year


def his(edition: Edition) -> Template:
    """`prop/his` in plain Python."""
    kinds = [
        Kind("patients", ("ID",), tombstone=deleted),
        Kind("stays", ("ID",), version=always(None) if edition.changed else whole("SEQ"), tombstone=deleted, window=day_of("BEGIN")),
        Kind("items", window=day_of("DAY")),
    ]
    place = Target(
        "place",
        "patients",
        "location",
        {"city": of("CITY"), "county": of("SEX")},
        key=lambda r: (r.get("CITY"),),
        filters=[("no-city", lambda r: bool(r.get("CITY")))],
    )
    person = Target(
        "person",
        "patients",
        "person",
        {
            "gender_concept_id": sex_concept,
            "gender_source_value": of("SEX"),
            "year_of_birth": birth_year(edition),
            "person_source_value": of("ID"),
            **({} if edition.changed else {"location_id": ref("place", "CITY")}),
        },
        needs=frozenset({"year_of_birth"}),
        zero=frozenset({"gender_concept_id", "race_concept_id"}),
    )
    visit = Target(
        "visit",
        "stays",
        "visit_occurrence",
        {"person_id": ref("person", "PAT"), "visit_start_date": day_of("BEGIN"), "visit_end_date": day_of("UNTIL"), "visit_source_value": of("ID")},
        needs=frozenset({"person_id", "visit_start_date"}),
        parents={"person_id": "person"},
    )
    item = Target(
        "item",
        "items",
        "condition_occurrence",
        {
            "person_id": ref("person", "stay.PAT"),
            "visit_occurrence_id": ref("visit", "STAY"),
            "condition_start_date": day_of("DAY", "stay.BEGIN"),
            "condition_end_date": day_of("stay.UNTIL"),
            "condition_source_value": of("row.code"),
            "condition_status_source_value": of("row.which"),
        },
        needs=frozenset({"person_id", "condition_start_date"}),
        parents={"person_id": "person"},
        joins={"stay": ("stays", ("STAY",))},
        rows=[(w, {"code": of(c), "which": lambda _, w=w: w}) for w, c in (("first", "CODE1"), ("second", "CODE2"))],  # type: ignore[misc]
        filters=[("no-code", lambda r: bool(r["row.code"]))],
    )
    return Template({k.name: k for k in kinds}, {t.name: t for t in (*([] if edition.changed else [place]), person, visit, item)})


def lab(edition: Edition) -> Template:
    """`prop/lab` in plain Python."""
    kinds = [
        Kind("people", ("PID",)),
        Kind("cases", ("CNO",), window=day_of("DAY")),
        Kind("tests", ("TID",), version=whole("SEQ"), window=day_of("DAY")),
    ]
    codes = codes_of_tests(edition)

    def table(r: Text) -> str:
        return {"Measurement": "measurement", "Observation": "observation"}[CONCEPTS.get(codes.get(r.get("CODE") or "", 0), "Measurement")]

    person = Target(
        "person",
        "people",
        "person",
        {"gender_concept_id": sex_concept, "gender_source_value": of("SEX"), "year_of_birth": birth_year(edition), "race_source_value": of("RACE")},
        needs=frozenset({"year_of_birth"}),
        zero=frozenset({"gender_concept_id", "race_concept_id"}),
        priority=150 if edition.changed else 50,
    )
    death = Target(
        "death",
        "people",
        "death",
        {"person_id": ref("person", "PID"), "death_date": day_of("DIED")},
        needs=frozenset({"person_id", "death_date"}),
        parents={"person_id": "person"},
        filters=[("alive", lambda r: bool(r.get("DIED")))],
    )
    visit = Target(
        "visit",
        "cases",
        "visit_occurrence",
        {"person_id": ref("person", "PID"), "visit_start_date": day_of("DAY"), "visit_end_date": day_of("DAY")},
        needs=frozenset({"person_id", "visit_start_date"}),
        parents={"person_id": "person"},
    )
    test = Target(
        "test",
        "tests",
        table,
        {
            "person_id": ref("person", "PID"),
            "visit_occurrence_id": ref("visit", "CNO"),
            "@concept_id": lambda r: codes.get(r.get("CODE") or "", 0),
            "@date": day_of("DAY"),
            "@source_value": of("CODE"),
            "value_source_value": of("RESULT"),
        },
        needs=frozenset({"person_id", "@date"}),
        parents={"person_id": "person", "visit_occurrence_id": "visit_occurrence"},
    )
    return Template({k.name: k for k in kinds}, {t.name: t for t in (person, death, visit, test)})
