"""What `check` holds expressions against, beyond the mistakes made one by one in tests/spec: references, rows, versions, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.flow.check import check
from suwen.packs.loader import Packs, load_packs, shipped_packs
from suwen.packs.problem import Problem

HEAD = """\
name = "a/b"
title = { en = "A", zh = "A" }
owner = "tests"
source = { citation = "c", version = "1", standing = "verified" }
example = [{ name = "x", given.patients = [{ ID = "1" }], expect.person = [] }]
[kind.patients]
files = ["p*"]
columns = ["ID", "SEX", "END"]
key = ["ID"]
[kind.stays]
files = ["s*"]
columns = ["NO", "ID", "BEFORE", "DAY"]
key = ["NO"]
[kind.notes]
files = ["n*"]
columns = ["ID", "DAY", "A", "B"]
[target.person]
from = "patients"
table = "person"
[target.person.columns]
gender_concept_id = "concept(SEX, 'Gender')"
year_of_birth = "2000"
"""
VISIT = """\
[target.visit]
from = "stays"
table = "visit_occurrence"
[target.visit.columns]
person_id = "ref('person', ID)"
visit_concept_id = "9201"
visit_start_date = "date_of(DAY, 'iso')"
visit_end_date = "date_of_time(time_of(DAY, 'iso'))"
visit_type_concept_id = "32827"
"""
NOTES = """\
[target.note]
from = "notes"
event = "observation"
[target.note.columns]
person_id = "ref('person', ID)"
start_date = "date_of(DAY, 'iso')"
type_concept_id = "32817"
"""


def _packs(root: Path, text: str) -> Packs:
    (root / "a" / "template").mkdir(parents=True, exist_ok=True)
    (root / "a" / "pack.toml").write_text('name = "a"\ntitle = { en = "A", zh = "A" }\nowner = "tests"\n')
    (root / "a" / "template" / "a-b.toml").write_text(text)
    return load_packs([], [root])


def _problems(root: Path, text: str) -> list[Problem]:
    return check(_packs(root, text))


def _only(root: Path, text: str, line: str, what: str) -> None:
    """Exactly one problem is told, at the line that begins so."""
    (problem,) = _problems(root, text)
    assert text.split("\n")[problem.place.line - 1].startswith(line), problem
    assert what in problem.what, problem


def test_the_shipped_packs_are_right() -> None:
    assert check(load_packs(shipped_packs())) == []


def test_a_sound_template(tmp_path: Path) -> None:
    assert _problems(tmp_path, HEAD + VISIT + NOTES) == []


def test_all_mistakes_are_told_in_order(tmp_path: Path) -> None:
    text = HEAD.replace("concept(SEX,", "concept(SAX,").replace('"2000"', "\"'2000'\"") + VISIT.replace("date_of(DAY, 'iso')", "date_of(DAY, 'isoo'")
    problems = _problems(tmp_path, text)
    assert [problem.what.split(",")[0] for problem in problems] == [
        "no column SAX",
        "an expression of type text",
        "unexpected the end of the expression in an expression",
    ]
    assert problems == sorted(problems)


def test_required_references_do_not_go_in_a_circle(tmp_path: Path) -> None:
    text = VISIT.replace('table = "visit_occurrence"', 'table = "visit_occurrence"\nrequire = ["preceding_visit_occurrence_id"]')
    text += "preceding_visit_occurrence_id = \"ref('visit', BEFORE)\"\n"
    _only(tmp_path, HEAD + text, "preceding_visit", "required references go in a circle: visit > visit")


def test_an_optional_circle_is_no_mistake(tmp_path: Path) -> None:
    assert _problems(tmp_path, HEAD + VISIT + "preceding_visit_occurrence_id = \"ref('visit', BEFORE)\"\n") == []


def test_a_circle_through_several_targets(tmp_path: Path) -> None:
    first = VISIT.replace('table = "visit_occurrence"', 'table = "visit_occurrence"\nrequire = ["preceding_visit_occurrence_id"]')
    second = first.replace("target.visit", "target.other")
    text = f"{first}preceding_visit_occurrence_id = \"ref('other', BEFORE)\"\n{second}preceding_visit_occurrence_id = \"ref('visit', BEFORE)\"\n"
    assert {problem.what for problem in _problems(tmp_path, HEAD + text)} == {
        "required references go in a circle: visit > other > visit",
        "required references go in a circle: other > visit > other",
    }


def test_a_keyless_target_cannot_be_referred_to(tmp_path: Path) -> None:
    note = (
        NOTES.replace('event = "observation"', 'table = "provider"').replace("target.note", "target.doctor").split("person_id")[0]
        + 'provider_name = "text(A)"\n'
    )
    text = HEAD + note + VISIT + "provider_id = \"ref('doctor', ID)\"\n"
    _only(tmp_path, text, "provider_id", 'ref to target "doctor", which has no key')
    assert _problems(tmp_path, text.replace('table = "provider"', 'table = "provider"\nkey = ["A"]')) == []


def test_a_target_of_several_rows_cannot_be_referred_to(tmp_path: Path) -> None:
    rows = VISIT.replace("[target.visit.columns]", 'rows = [{ name = "a", set = { x = "NO" } }, { name = "b", set = { x = "ID" } }]\n[target.visit.columns]')
    text = HEAD + rows + NOTES + "visit_occurrence_id = \"ref('visit', A)\"\n"
    _only(tmp_path, text, "visit_occurrence_id", 'ref to target "visit", which makes several rows')


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("1", "2.5", []),
        ("1", "null", []),
        ("null", "number(B)", []),
        ("A", "B", ["an expression of type text"]),
        ("1", "B", ['"x" is text in this row']),
        ("1", "NOSUCH", ["no column NOSUCH"]),
        ("date_of(A, 'iso')", "date_of(B, 'iso')", ["an expression of type date"]),
    ],
)
def test_named_rows_have_the_type_their_expressions_have_in_common(tmp_path: Path, first: str, second: str, told: list[str]) -> None:
    rows = f'rows = [\n{{ name = "a", set = {{ x = "{first}" }} }},\n{{ name = "b", set = {{ x = "{second}" }} }},\n]\n[target.note.columns]'
    text = HEAD + NOTES.replace("[target.note.columns]", rows) + 'value_as_number = "row.x"\n'
    assert [problem.what for problem in _problems(tmp_path, text)] == told


@pytest.mark.parametrize(
    ("expression", "told"), [("integer(SEX)", False), ("time_of(SEX, 'iso')", False), ("SEX", True), ("date_of(SEX, 'iso')", True), ("null", True)]
)
def test_a_version_orders_by_number_or_time(tmp_path: Path, expression: str, told: bool) -> None:
    text = HEAD.replace('key = ["ID"]', f'key = ["ID"]\nversion = "{expression}"', 1)
    assert [problem.what.split(" of ")[0] for problem in _problems(tmp_path, text)] == ["a version"] * told


def test_a_column_may_be_named_like_a_keyword_in_quotes(tmp_path: Path) -> None:
    text = HEAD + 'month_of_birth = "integer(\\"END\\")"\n'
    assert _problems(tmp_path, text) == []


def test_what_was_proven_is_not_compiled_again(tmp_path: Path) -> None:
    packs, proven = _packs(tmp_path, HEAD + VISIT), set[tuple[object, ...]]()
    assert check(packs, proven) == [] and len(proven) == 7
    assert check(packs, proven) == [] and len(proven) == 7


def test_what_was_probably_meant_is_offered(tmp_path: Path) -> None:
    problems = _problems(tmp_path, HEAD.replace("'Gender'", "'Gendre'"))
    assert [(p.what, p.do) for p in problems] == [('unknown code map or vocabulary "Gendre"', 'did you mean "Gender"?')]
