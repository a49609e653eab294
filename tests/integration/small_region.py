"""A region of a few dozen records that runs in about a second: two feeds of one organisation, children held for absent parents, keyless records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from suwen.flow.land import land
from suwen.flow.region import open_region
from suwen.model.receipt import Mode
from suwen.model.region import Region
from tests.integration.own_regions import with_pack

TEMPLATE = """\
name = "small/csv"
title = { en = "A small system", zh = "小系统" }
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
columns = ["ID", "BORN", "SEX", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"
[kind.visits]
files = ["visits*.csv"]
columns = ["ID", "PATIENT", "CAME", "LEFT_ON", "WARD", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"
[kind.results]
files = ["results*.csv"]
columns = ["PATIENT", "VISIT", "DAY", "CODE", "VALUE"]

[target.person]
from = "patients"
table = "person"
[target.person.columns]
gender_concept_id = "case when SEX = 'M' then 8507 when SEX = 'F' then 8532 else 0 end"
year_of_birth = "year_of(date_of(BORN, 'iso'))"
person_source_value = "text(ID)"
[target.visit]
from = "visits"
table = "visit_occurrence"
[target.visit.columns]
person_id = "ref('person', PATIENT)"
visit_concept_id = "9201"
visit_start_date = "date_of(CAME, 'iso')"
visit_end_date = "date_of(LEFT_ON, 'iso')"
visit_type_concept_id = "32827"
[target.visit_part]
from = "visits"
table = "visit_detail"
[target.visit_part.columns]
person_id = "ref('person', PATIENT)"
visit_occurrence_id = "ref('visit', ID)"
visit_detail_concept_id = "9201"
visit_detail_start_date = "date_of(CAME, 'iso')"
visit_detail_end_date = "date_of(LEFT_ON, 'iso')"
visit_detail_type_concept_id = "32827"
visit_detail_source_value = "text(WARD)"
[target.result]
from = "results"
table = "measurement"
[target.result.columns]
person_id = "ref('person', PATIENT)"
visit_occurrence_id = "ref('visit', VISIT)"
measurement_concept_id = "0"
measurement_date = "date_of(DAY, 'iso')"
measurement_type_concept_id = "32856"
measurement_source_value = "text(CODE)"
value_as_number = "number(VALUE)"

[[example]]
name = "a woman"
given.patients = [{ ID = "p", BORN = "1980-02-29", SEX = "F" }]
expect.person = [{ gender_concept_id = "8532", year_of_birth = "1980" }]
"""
HEAD = 'owner = "tests"\ntitle = { en = "t", zh = "t" }\ndefinition = { en = "d", zh = "d" }\n'
SOURCE = '[source]\ncitation = "made for these tests"\nversion = "1"\nstanding = "verified"\n'
BASE = f'name = "stays"\n{HEAD}table = "visit_occurrence"\ndate = "visit_end_date"\n{SOURCE}'
EXAMPLE = '[[example]]\nname = "{name}"\nboundary = "leap year"\ngiven.visit_occurrence = []\nexpect = [{{ unit = "H1", period = "2024", value = "" }}]\n'
INDICATOR = f"""\
code = "SM01"
{HEAD}unit = {{ en = "u", zh = "u" }}
direction = "monitor"
period = "month"
numerator = ["SM01.01"]
{SOURCE}[point."SM01.01"]
title = {{ en = "t", zh = "t" }}
definition = {{ en = "d", zh = "d" }}
kind = "count"
base = "stays"
[point."SM01.02"]
title = {{ en = "t", zh = "t" }}
definition = {{ en = "d", zh = "d" }}
kind = "distinct"
base = "stays"
{EXAMPLE.format(name="one")}{EXAMPLE.format(name="two")}"""
PATIENTS, VISITS, RESULTS = "ID,BORN,SEX,OP", "ID,PATIENT,CAME,LEFT_ON,WARD,OP", "PATIENT,VISIT,DAY,CODE,VALUE"
FIRST_DAY = date(2024, 1, 1)
Files = dict[str, list[str]]


def _visit(number: int, patient: int, came: int, ward: str, op: str = "U") -> str:
    return f"v{number},p{patient},{FIRST_DAY + timedelta(came)},{FIRST_DAY + timedelta(came + 2)},{ward},{op}"


def deliveries() -> list[tuple[str, date, Mode, Files]]:
    """(feed, as_of, mode, file -> lines): at first two, then one of each feed with corrections, deletions and late parents."""
    patients = [f"p{n},{1950 + n}-02-{n + 1:02d},{'MF'[n % 2]},U" for n in range(12)]
    visits = [_visit(n, n % 14, 9 * n, f"w{n % 5}") for n in range(40)]  # p12 and p13 are not here yet: their visits are held
    results = [f"p{n % 13},v{n % 41},{FIRST_DAY + timedelta(5 * n)},c{n % 7},{n}.25" for n in range(60)]
    later_patients = ["p12,1962-02-13,M,U", "p3,1953-02-04,M,U", "p5,,,D", "p6,1900-01-01,F,U"]  # comes; corrected; deleted; corrected
    later_visits = [_visit(1, 1, 200, "w1"), _visit(2, 2, 18, "w2"), _visit(8, 8, 0, "", "D"), _visit(40, 12, 400, "w9"), _visit(41, 2, 30, "")]
    return [
        ("his", date(2024, 3, 1), Mode.UPSERT, {"patients.csv": [PATIENTS, *patients], "visits.csv": [VISITS, *visits]}),
        ("lab", date(2024, 3, 1), Mode.APPEND, {"results.csv": [RESULTS, *results, results[0], "p1,v1,not a day,c,1"]}),
        ("his", date(2024, 4, 1), Mode.UPSERT, {"patients.csv": [PATIENTS, *later_patients], "visits.csv": [VISITS, *later_visits]}),
        ("lab", date(2024, 4, 1), Mode.APPEND, {"results.csv": [RESULTS, *(f"p12,v40,{FIRST_DAY + timedelta(n)},late,{n}" for n in range(12))]}),
    ]


def make(folder: Path) -> Region:
    """The region with its pack and feeds, nothing landed."""
    files = {"base/stays.toml": BASE, "indicator/a/SM01.toml": INDICATOR}
    return with_pack(folder, "small", TEMPLATE, {"his": "H1", "lab": "H1"}, {'"4GiB"': '"256MiB"'}, files)


def deliver(folder: Path, which: Sequence[int]) -> None:
    """Land deliveries by their places in `deliveries()`."""
    region = open_region(folder)
    for number in which:
        feed, as_of, mode, files = deliveries()[number]
        source = folder / "outbox" / str(number)
        source.mkdir(parents=True)
        for name, lines in files.items():
            (source / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        land(region, feed, [source], as_of=as_of, mode=mode, received_at=datetime(2024, 5, 1, tzinfo=UTC))
