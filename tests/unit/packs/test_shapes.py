"""Each mistake of shape in a template is told at its line, with what was meant where that can be guessed."""

from __future__ import annotations

from typing import Any

import pytest

FILE = "template/vendor-system.toml"


@pytest.mark.parametrize(
    ("old", "new", "at", "what"),
    [
        ('owner = "tests"', 'ownr = "tests"', "owner", 'unknown key "ownr"'),
        ('owner = "tests"', 'owner = " "', "owner", '"owner" is blank'),
        ('"vendor/system"', '"Vendor System"', "name", "is not a good name"),
        (', zh = "系统"', "", "title", 'missing "zh" in [title]'),
        ('"verified"', '"true"', "standing", 'unknown standing "true"'),
        ('"|"', '"||"', "delimiter", '"delimiter" has 2 characters'),
        ('"|"', "'\"'", "delimiter = ", '"quote" equals "delimiter"'),
        ('"gb18030"', '"gb18031"', "encoding", 'unknown encoding "gb18031"'),
        ('"gb18030"', '"base64"', "encoding", 'unknown encoding "base64"'),
        ('null = ["NULL"]', 'mode = "upsert"', "null", 'unknown key "mode"'),
        ('null = ["NULL"]', "skip_lines = true", "null", '"skip_lines" is true or false'),
        ('null = ["NULL"]', "skip_lines = -1", "null", '"skip_lines" is out of range'),
        ('null = ["NULL"]', 'header = "yes"', "null", '"header" is a text'),
        ('files = ["pat_*.txt"]\n', "", "[kind.patients]", 'missing "files"'),
        ('["pat_*.txt"]', '["in/pat_*.txt"]', 'files = ["pat', "names a folder"),
        ('["pat_*.txt"]', '["STAY_*.txt"]', 'files = ["stay', 'also belongs to kind "patients"'),
        ('"SEX", "BORN"]', '"SEX", "SEX"]', 'columns = ["ID", "SEX"', '"SEX" stands twice'),
        ('"SEX", "BORN"]', '"SEX", "sex"]', 'columns = ["ID", "SEX"', "only by capitals"),
        ('"SEX", "BORN"]', '"SEX", "_BORN"]', 'columns = ["ID", "SEX"', "begins with _"),
        ('"SEX", "BORN"]', '"SEX", 7]', 'columns = ["ID", "SEX"', "holds a whole number"),
        ('["ZIP"]', '["SEX"]', "optional", 'stands in "columns" and in "optional"'),
        ('key = ["ID"]', 'key = ["IDD"]', 'key = ["ID"]', 'key column "IDD" is not among the columns'),
        ('key = ["ID"]', "key = []", 'key = ["ID"]', '"key" is empty'),
        ('from = "patients"', 'from = "patient"', 'from = "patients"', 'unknown kind "patient"'),
        ('table = "person"\n', "", "[target.person]", 'neither "table" nor "event"'),
        ('table = "person"\n', 'table = "person"\nevent = "observation"\n', "[target.person.columns]", 'both "table" and "event"'),
        ('table = "person"', 'table = "persons"', "table =", 'unknown table "persons"'),
        ('table = "person"', 'table = "concept"', "table =", "is made by Suwen or loaded"),
        ('event = "condition_occurrence"', 'event = "visit_occurrence"', "event =", "is not a table of events"),
        ('year_of_birth = "year_of', 'yaer_of_birth = "year_of', "year_of_birth", 'has no column "yaer_of_birth"'),
        ('year_of_birth = "year_of', 'person_id = "year_of', "year_of_birth", '"person_id" is made by Suwen'),
        ("gender_concept_id = \"concept(SEX, 'small-sex')\"\n", "", "[target.person.columns]", 'does not set "gender_concept_id"'),
        ("start_date = \"date_of(CAME, 'iso')\"\n", "", "[target.condition.columns]", 'does not set "start_date"'),
        ('type_concept_id = "32817"', "type_concept_id = 32817", "type_concept_id", '"type_concept_id" is a whole number'),
        ('key = ["NO"]\nrequire', "key = []\nrequire", 'key = ["NO"]\nrequire', '"key" is empty'),
        ('require = ["person_id"]', 'require = ["start_date"]', "require", "is not set by a ref"),
        ('require = ["person_id"]', 'require = ["provider_id"]', "require", "is not set by the target"),
        ("[target.condition.join.patient]", "[target.condition.join.row]", "[target.condition.join", 'alias "row" is taken'),
        ('kind = "patients"', 'kind = "persons"', "kind =", 'join to unknown kind "persons"'),
        ('on = { ID = "ID" }', 'on = { IDX = "ID" }', "on = {", 'has no column "IDX"'),
        ('on = { ID = "ID" }', 'on = { ID = "SEX" }', "on = {", '"SEX" is not a key column'),
        ('on = { ID = "ID" }', "on = {}", "on = {", "does not cover the key"),
        ('on = { ID = "ID" }', 'on = { ID = "ID", NO = "ID" }', "on = {", "does not cover the key"),
        ("system = \"'ICD10CM'\"\n", "", "[target.condition.code]", 'missing "system"'),
        ('name = "second"', 'name = "first"', 'name = "second"', 'two rows are named "first"'),
        ('set = { code = "CODE2" }', 'set = { kode = "CODE2" }', 'set = { code = "CODE2"', "sets other aliases"),
        ('set = { code = "CODE2" }', "set = {}", 'set = { code = "CODE2"', '"set" is empty'),
        ('rule = "no-code"\n', "", "[[target.condition.filters]]", 'missing "rule"'),
        ('rule = "no-code"', 'rule = "No code"', "rule", "is not a good name"),
        ("[[example.given.patients]]", "[[example.given.people]]", "[[example.given", 'unknown kind "people"'),
        ('SEX = "F"', 'SAX = "F"', 'SEX = "F"', 'kind "patients" has no column "SAX"'),
        ("[[example.expect.person]]", "[[example.expect.persons]]", "[[example.expect", 'unknown target "persons"'),
        ('gender_concept_id = "8532"', 'gender = "8532"', 'gender_concept_id = "8532"', 'target "person" has no column "gender"'),
        ('gender_concept_id = "8532"', 'gender_concept_id = "F"', 'gender_concept_id = "8532"', '"F" is no value of "gender_concept_id"'),
        ('gender_concept_id = "8532"', 'birth_datetime = "2023-02-29 00:00:00"', 'gender_concept_id = "8532"', 'is no value of "birth_datetime"'),
        ('gender_concept_id = "8532"', 'location_id = "ref:home:1"', 'gender_concept_id = "8532"', '"ref:home:1" names no row'),
        ('gender_concept_id = "8532"', 'person_id = "1"', 'gender_concept_id = "8532"', '"1" names no row'),
        ('gender_concept_id = "8532"', "gender_concept_id = 8532", 'gender_concept_id = "8532"', '"gender_concept_id" is a whole number'),
    ],
)
def test_mistakes(folder: Any, line_of: Any, old: str, new: str, at: str, what: str) -> None:
    folder.change(FILE, old, new)
    problems = folder.problems()
    assert any(what in problem.what and problem.place.line == line_of(FILE, at) for problem in problems), "\n".join(map(str, problems))
    assert all(problem.place.file.endswith(FILE) for problem in problems)


def test_a_code_belongs_to_events(folder: Any) -> None:
    folder.change(FILE, "[target.person.columns]", '[target.person.code]\ncode = "SEX"\nsystem = "\'Gender\'"\n[target.person.columns]')
    (problem,) = folder.problems()
    assert "a code stands in a target that is not an event" in problem.what


def test_an_id_that_is_another_tables_may_be_set(folder: Any) -> None:
    death = (
        '[target.death]\nfrom = "patients"\ntable = "death"\n[target.death.columns]\nperson_id = "ref(\'person\', ID)"\ndeath_date = "date_of(BORN, \'iso\')"\n'
    )
    folder.change(FILE, "[[example]]", death + "[[example]]")
    assert set(folder.load().templates["vendor/system"].targets) == {"person", "condition", "death"}


def test_an_event_may_promise_its_date_by_its_time(folder: Any) -> None:
    folder.change(FILE, "start_date = \"date_of(CAME, 'iso')\"", "start_datetime = \"local_time(CAME, 'iso')\"")
    folder.load()


def test_without_a_reader_the_usual_csv_is_meant(folder: Any) -> None:
    folder.change(FILE, '[reader]\ndelimiter = "|"\nencoding = "gb18030"\nnull = ["NULL"]\n', "")
    reader = folder.load().templates["vendor/system"].reader
    assert (reader.delimiter, reader.encoding, reader.header, reader.null) == (",", "utf-8", True, ("",))
