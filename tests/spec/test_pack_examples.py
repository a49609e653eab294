"""The examples in packs run: all that ship hold, and one that does not is told with file and line."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from suwen.cli.main import main
from suwen.flow.check import check
from suwen.flow.examples import run_examples
from suwen.flow.region import create
from suwen.model.cdm import Type
from suwen.model.pack import Example, Template
from suwen.packs.loader import Packs, load_packs, shipped_packs
from suwen.packs.problem import Problem
from suwen.packs.promised import column_of

SHIPPED = load_packs(shipped_packs())
# values of the right form that no example expects
OTHER: Mapping[Type, str] = {
    Type.INTEGER: "987654",
    Type.DATE: "1801-02-03",
    Type.TIMESTAMP: "1801-02-03 04:05:06",
    Type.VARCHAR: "said nowhere",
    Type.MONEY: "987654.25",
    Type.AMOUNT: "987654.25",
}


@pytest.mark.parametrize("template", SHIPPED.templates)
def test_the_examples_of_a_shipped_template_hold(template: str) -> None:
    assert SHIPPED.templates[template].examples
    assert [str(problem) for problem in run_examples(SHIPPED, [template])] == []


@pytest.mark.parametrize("template", SHIPPED.templates)
def test_every_wrong_value_is_told_where_it_stands(template: str) -> None:
    spoilt, places = spoiled(SHIPPED.templates[template])
    found = run_examples(replace(SHIPPED, templates={template: spoilt}))
    targets = len(SHIPPED.templates[template].targets)
    assert len(places) > (60 if targets > 10 else targets)  # of a whole hospital's system, and of one that sends a single file
    assert {(p.place, p.what.split('"')[3]) for p in found} == places


def spoiled(template: Template) -> tuple[Template, set[tuple[object, str]]]:
    """The template with another value at every place where it expects one, and (place, column) of all of them."""
    places: set[tuple[object, str]] = set()

    def other(example: Example, target: str, row: int, name: str, said: str | None) -> str:
        shape = template.targets[target]
        kind = column_of(shape.table, shape.event, name).type
        places.add((example.places[target, row, name], name))
        if kind is Type.BIGINT:
            named = said.split(":")[1] if said else next(t.name for t in template.targets.values() if template.kinds[t.source].key)
            return f"ref:{named}:nobody"
        return ("false" if said == "true" else "true") if kind is Type.BOOLEAN else OTHER[kind]

    examples = [
        replace(e, expect={t: tuple({n: other(e, t, at, n, v) for n, v in row.items()} for at, row in enumerate(rows)) for t, rows in e.expect.items()})
        for e in template.examples
    ]
    return replace(template, examples=tuple(examples)), places


# What an example means, on a template made for it.

PACK = 'name = "a"\ntitle = { en = "A", zh = "A" }\nowner = "tests"\n'
TEMPLATE = """\
name = "a/b"
title = { en = "A", zh = "A" }
owner = "tests"
source = { citation = "c", version = "1", standing = "verified" }
[kind.patients]
files = ["p*"]
columns = ["ID", "SEX", "BORN", "SEEN", "OP"]
key = ["ID"]
version = "integer(SEEN)"
tombstone = "OP = 'D'"
[kind.stays]
files = ["s*"]
columns = ["WARD", "NO", "ID", "DAY", "TEAM", "LEAD"]
key = ["WARD", "NO"]
[kind.notes]
files = ["n*"]
columns = ["ID", "WARD", "NO", "DAY", "A", "B", "DAYS", "AMOUNT"]
[target.person]
from = "patients"
table = "person"
[target.person.columns]
gender_concept_id = "concept(SEX, 'a-sex')"
year_of_birth = "integer(BORN)"
[target.visit]
from = "stays"
table = "visit_occurrence"
require = ["care_site_id"]
filters = [{ rule = "no-ward", keep = "WARD <> '-'" }]
[target.visit.columns]
person_id = "ref('person', ID)"
visit_concept_id = "9201"
visit_start_date = "date_of(DAY, 'iso')"
visit_end_date = "date_of(DAY, 'iso')"
visit_type_concept_id = "32827"
care_site_id = "ref('team', TEAM)"
[target.team]
from = "stays"
table = "care_site"
key = ["TEAM"]
[target.team.columns]
care_site_name = "text(LEAD)"
place_of_service_source_value = "text(DAY)"
[target.note]
from = "notes"
event = "observation"
join.stay = { kind = "stays", on = { WARD = "WARD", NO = "NO" } }
code = { code = "row.code", system = "'a-code'" }
rows = [{ name = "a", set = { code = "A" } }, { name = "b", set = { code = "B" } }]
filters = [{ rule = "no-code", keep = "not is_blank(row.code)" }]
[target.note.columns]
person_id = "ref('person', stay.ID)"
visit_occurrence_id = "ref('visit', WARD, NO)"
start_date = "date_of(stay.DAY, 'iso')"
days_supply = "integer(DAYS)"
quantity = "number(AMOUNT)"
type_concept_id = "32817"
[target.remark]
from = "notes"
event = "observation"
[target.remark.columns]
person_id = "ref('person', ID)"
start_date = "date_of(DAY, 'iso')"
type_concept_id = "32817"
"""
MAPS = {
    "a-sex": "source_code,source_name,concept_id,vocabulary,code\nF,woman,8532,,\n",
    "a-code": "source_code,source_name,concept_id,vocabulary,code\nflu,flu,7000001,,\npill,pill,2000200001,,\nstent,stent,2000200002,,\n",
}
CONCEPTS = "concept_id,name,domain,code\n2000200001,a pill,Drug,pill\n2000200002,a stent,Device,stent\n"


def packs(root: Path, *examples: str) -> tuple[Packs, list[str]]:
    """The template with examples, and its lines."""
    text = TEMPLATE + "".join(f'\n[[example]]\nname = "{number}"\n{example}\n' for number, example in enumerate(examples, 1))
    files = {"pack.toml": PACK.replace("owner", "concept_ids = [2000200001, 2000200009]\nowner"), "template/a-b.toml": text, "concept/own.csv": CONCEPTS}
    head = 'name = "{0}"\ntitle = {{ en = "A", zh = "A" }}\nowner = "tests"\nsource = {{ citation = "c", version = "1", standing = "verified" }}\n'
    for name, entries in MAPS.items():
        files |= {f"standard/{name}.toml": head.format(name), f"standard/{name}.csv": entries}
    files["concept/own.toml"] = head.format("own")
    for path, content in files.items():
        (root / "a" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "a" / path).write_text(content, encoding="utf-8")
    loaded = load_packs([], [root])
    assert check(loaded) == []
    return loaded, text.split("\n")


def told(root: Path, *examples: str) -> list[tuple[str, Problem]]:
    """(the line that is named, the problem) of every example that does not hold."""
    loaded, lines = packs(root, *examples)
    return [(lines[problem.place.line - 1], problem) for problem in run_examples(loaded)]


HOLDING = {
    "an empty text is null, a column that is not named is not compared": """
given.patients = [{ ID = "1", SEX = "F", BORN = "1980" }, { ID = "2", SEX = "" }, { ID = "3", SEX = "X", BORN = "x" }]
expect.person = [{ gender_concept_id = "8532" }]""",
    "rows come in any order": """
given.patients = [{ ID = "1", SEX = "F", BORN = "1980" }, { ID = "2", SEX = "F", BORN = "1990" }]
expect.person = [{ gender_concept_id = "8532" }, { year_of_birth = "1980" }]""",
    "the newest version of a key counts, and a tombstone makes no row": """
given.patients = [{ ID = "1", BORN = "1981", SEEN = "9" }, { ID = "1", BORN = "1980", SEEN = "10" }, { ID = "1", BORN = "1979" },
    { ID = "2", BORN = "1990" }, { ID = "2", OP = "D", SEEN = "1" }, { BORN = "1970" }]
expect.person = [{ year_of_birth = "1980" }]""",
    "a parent that is only referred to need not be given; a key of two parts": """
given.stays = [{ WARD = "w", NO = "a:b", ID = "1", DAY = "2024-01-02", TEAM = "t" }]
expect.visit = [{ person_id = "ref:person:1", visit_occurrence_id = "ref:visit:w:a:b", care_site_id = "ref:team:t", preceding_visit_occurrence_id = "" }]""",
    "records that make one row": """
given.stays = [{ WARD = "w", NO = "1", TEAM = "t", DAY = "x" }, { WARD = "w", NO = "2", TEAM = "t", LEAD = "Ann", DAY = "y" },
    { WARD = "w", NO = "3", TEAM = "u" }]
expect.team = [{ care_site_name = "Ann", place_of_service_source_value = "x", place_of_service_concept_id = "" }, { care_site_name = "" }]""",
    "named rows, a join, and the table that a code's domain chooses, with that table's defaults": """
given.stays = [{ WARD = "w", NO = "1", ID = "7", DAY = "2024-01-02" }]
given.notes = [{ WARD = "w", NO = "1", A = "flu", B = "pill", DAYS = "3", AMOUNT = "2.5" }, { WARD = "w", NO = "1", A = "flu" }]
expect.note = [{ concept_id = "7000001", source_value = "flu", end_date = "" }, { concept_id = "7000001", person_id = "ref:person:7" },
    { concept_id = "2000200001", source_value = "pill", source_concept_id = "0", end_date = "2024-01-04", quantity = "2.5" }]""",
    "no number is taken that its column cannot hold, nor a fraction where whole ones count; a supply of no sensible length ends on its first day": """
given.patients = [{ ID = "1", BORN = "99999999999" }]
given.stays = [{ WARD = "w", NO = "1", ID = "7", DAY = "2024-01-02" }]
given.notes = [{ WARD = "w", NO = "1", A = "stent", DAYS = "99999999999", AMOUNT = "2.5" }, { WARD = "w", NO = "1", A = "stent", AMOUNT = "3000000000" },
    { WARD = "w", NO = "1", A = "stent", AMOUNT = "3.0" }, { WARD = "w", NO = "1", B = "pill", DAYS = "2147483647" },
    { WARD = "w", NO = "1", B = "pill", DAYS = "0", AMOUNT = "3000000000" }]
expect.person = []
expect.note = [{ quantity = "" }, { quantity = "" }, { quantity = "3" }, { days_supply = "2147483647", end_date = "2024-01-02" },
    { days_supply = "0", end_date = "2024-01-02", quantity = "3000000000" }]""",
    "an event without a code has concept 0": """
given.notes = [{ ID = "1", DAY = "2024-02-29" }]
expect.remark = [{ concept_id = "0", source_concept_id = "0", start_date = "2024-02-29", visit_occurrence_id = "" }]""",
    "no row at all": """
given.stays = [{ WARD = "-", NO = "1", ID = "1", DAY = "2024-01-02" }]
expect.visit = []""",
}
BROKEN = {
    "a wrong value": (
        """
given.patients = [{ ID = "1", SEX = "F" , BORN = "1980" }]
expect.person = [
    { gender_concept_id = "8532", year_of_birth = "1981" },
]""",
        "    { gender_concept_id",
        '"year_of_birth" of row 1 of target "person" is "1980"',
    ),
    "the id of another row": (
        """
given.stays = [{ WARD = "w", NO = "1", ID = "1", DAY = "2024-01-02" }]
expect.visit = [{ person_id = "ref:person:2" }]""",
        "expect.visit",
        '"person_id" of row 1 of target "visit" is the id of another row',
    ),
    "too few rows, with the reason": (
        """
given.stays = [{ WARD = "-", NO = "1", ID = "1", DAY = "2024-01-02" }, { WARD = "w", NO = "1", ID = "1", DAY = "2024-02-30" }]
expect.visit = [{ person_id = "ref:person:1" }]""",
        "expect.visit",
        '0 rows of target "visit"',
    ),
    "too many rows": (
        """
given.patients = [{ ID = "1", BORN = "1980" }, { ID = "2", BORN = "1981" }]
expect.person = [{ year_of_birth = "1981" }]""",
        "expect.person",
        '2 rows of target "person"',
    ),
    "a key of other parts": (
        """
given.stays = [{ WARD = "w", NO = "1", ID = "1", DAY = "2024-01-02" }]
expect.visit = [{ visit_occurrence_id = "ref:visit:w" }]""",
        "expect.visit",
        '"ref:visit:w" names a key of 1 parts',
    ),
    "a target without a key": (
        """
given.notes = [{ ID = "1", DAY = "2024-01-02" }]
expect.remark = [{ id = "ref:remark:x" }]""",
        "expect.remark",
        'target "remark" has no key',
    ),
}


def test_what_holds(tmp_path: Path) -> None:
    found = told(tmp_path, *HOLDING.values())
    names = list(HOLDING)
    assert [f"{names[int(p.what.split(chr(34))[1]) - 1]}: {p}" for _, p in found] == []


def test_what_does_not_hold_is_told_with_its_line(tmp_path: Path) -> None:
    found = told(tmp_path, *(example for example, _, _ in BROKEN.values()))
    said = {problem.what.split('"')[1] if problem.what.startswith("example") else problem.what: (line, problem) for line, problem in found}
    assert len(found) == len(said) == len(BROKEN)
    for (case, (_, line, what)), (at, problem) in zip(BROKEN.items(), said.values(), strict=True):
        assert at.startswith(line) and what in problem.what, (case, problem)
    few = said["3"][1]
    assert few.expected == "1" and few.do == "record 1 of stays is filtered (no-ward); record 2 of stays is quarantined (MAP-010 visit_start_date)"
    assert said["1"][1].expected == '"1981"'


def test_suwen_check_runs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In a region whose one pack has an example that does not hold; those that come with Suwen run in the tests above."""
    region = create(tmp_path / "region", ["core"], "examples", "UTC")
    setting = region.folder / "region.toml"
    setting.write_text(setting.read_text(encoding="utf-8").replace('packs = ["core"]', 'packs = ["a"]'), encoding="utf-8")
    packs(region.folder / "packs", BROKEN["too many rows"][0])
    monkeypatch.chdir(region.folder)
    assert main(["check"]) == 2
    shown = capsys.readouterr()
    line = TEMPLATE.count("\n") + 6
    assert f'a-b.toml:{line}: example "1": 2 rows of target "person"' in shown.err and "Traceback" not in shown.err
    assert main(["check", "--no-examples"]) == 0
