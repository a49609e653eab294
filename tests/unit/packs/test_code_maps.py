"""Each mistake in a code map, a file of concepts or the head of a pack is told at its line."""

from __future__ import annotations

from typing import Any

import pytest

MAP, ROWS, CONCEPTS, PACK = "standard/small-sex.toml", "standard/small-sex.csv", "concept/own.csv", "pack.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "what"),
    [
        (MAP, '"small-sex"', '"UCUM"', 1, "is not a good name"),
        (MAP, '"small-sex"', '"ucum"', 1, "is the name of a standard vocabulary"),
        (MAP, "source = ", "sorce = ", 4, 'unknown key "sorce"'),
        (ROWS, "concept_id,", "", 1, 'the header lacks the column "concept_id"'),
        (ROWS, "vocabulary,code", "vocabulary,code,kode", 1, 'the header has an unknown column "kode"'),
        (ROWS, "vocabulary,code", "code,code", 1, 'the header has the column "code" twice'),
        (ROWS, "F,Female,8532,,", ",Female,8532,,", 2, "the source_code is blank"),
        (ROWS, "M,Male", "F,Male", 3, 'source_code "F" stands twice, first in line 2'),
        (ROWS, "8532,,", "8532.0,,", 2, "the concept_id is not a number"),
        (ROWS, "8532,,", "-1,,", 2, "the concept_id is not a number"),
        (ROWS, "8532,,", "٣,,", 2, "the concept_id is not a number"),
        (ROWS, "8532,,", "8532,Gender,F", 2, "a concept_id and also a vocabulary"),
        (ROWS, "8532,,", ",,", 2, "neither a concept_id nor a code"),
        (ROWS, ",Gender,M", ",Gender,", 3, "vocabulary without a code"),
        (ROWS, ",Gender,M", ",,M", 3, "code without a vocabulary"),
        (ROWS, ",Gender,M", ",Gendre,M", 3, 'unknown vocabulary "Gendre"'),
        (ROWS, "8532,,", "8532,", 2, "the row has 4 fields"),
        (ROWS, "Female", '"Fe"male', 2, "not valid CSV"),
        (ROWS, "2100000001", "2100000002", 4, "is not declared by the pack that reserves it"),
        (ROWS, "2100000001", "2000000001", 4, "lies in no range of a pack in use"),
        (CONCEPTS, "2100000001", "2100000101", 2, "is outside its pack's range"),
        (CONCEPTS, "2100000001", "x", 2, "is not a number"),
        (CONCEPTS, "Gender", "Sex", 2, 'unknown domain "Sex"'),
        (CONCEPTS, "Other sex", " ", 2, "the name is blank"),
        (PACK, "concept_ids = [2100000001, 2100000100]\n", "", 0, "no range of ids"),
        (PACK, "2100000001", "2000000000", 4, "is not inside the reserved numbers"),
        (PACK, "2100000100", "2100000000", 4, "is not inside the reserved numbers"),
        (PACK, "2100000001, ", "", 4, "is not a range"),
    ],
)
def test_mistakes(folder: Any, file: str, old: str, new: str, line: int, what: str) -> None:
    folder.change(file, old, new)
    problems = folder.problems()
    told = [problem for problem in problems if what in problem.what]
    assert told, "\n".join(map(str, problems))
    assert not line or (told[0].place.line == line and told[0].place.file.endswith(file))


def test_a_row_over_several_lines_is_named_by_its_first(folder: Any) -> None:
    folder.change(ROWS, "F,Female,8532,,", 'F,"Fe\nmale",8532,,\nG,"a\n\nb",x,,')
    assert [(p.place.line, p.what) for p in folder.problems()] == [(4, "the concept_id is not a number of a concept")]


def test_empty_lines_are_no_rows_and_an_empty_file_is_a_mistake(folder: Any) -> None:
    folder.change(ROWS, "M,Male", "\nM,Male")
    assert [entry.line for entry in folder.load().code_maps["small-sex"].entries] == [2, 4, 5]
    folder.write(ROWS, "")
    assert "the file is empty" in folder.problems()[0].what
