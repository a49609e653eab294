"""A small pack written to a folder, which tests bend in one place and load again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suwen.packs.loader import Packs, load_packs
from suwen.packs.problem import PackErrors, Problem

PACK = """\
name = "small"
title = { en = "Small", zh = "小" }
owner = "tests"
concept_ids = [2100000001, 2100000100]
"""

TEMPLATE = """\
name = "vendor/system"
title = { en = "A system", zh = "系统" }
owner = "tests"

[source]
citation = "a manual"
version = "1"
standing = "verified"

[reader]
delimiter = "|"
encoding = "gb18030"
null = ["NULL"]

[kind.patients]
files = ["pat_*.txt"]
columns = ["ID", "SEX", "BORN"]
optional = ["ZIP"]
key = ["ID"]

[kind.stays]
files = ["stay_*.txt"]
columns = ["NO", "ID", "CAME", "CODE1", "CODE2"]
key = ["NO"]
version = "integer(NO)"

[target.person]
from = "patients"
table = "person"
[target.person.columns]
gender_concept_id = "concept(SEX, 'small-sex')"
year_of_birth = "year_of(date_of(BORN, 'iso'))"

[target.condition]
from = "stays"
event = "condition_occurrence"
key = ["NO"]
require = ["person_id"]
[target.condition.join.patient]
kind = "patients"
on = { ID = "ID" }
[target.condition.code]
code = "row.code"
system = "'ICD10CM'"
[target.condition.columns]
person_id = "ref('person', ID)"
start_date = "date_of(CAME, 'iso')"
type_concept_id = "32817"
[[target.condition.rows]]
name = "first"
set = { code = "CODE1" }
[[target.condition.rows]]
name = "second"
set = { code = "CODE2" }
[[target.condition.filters]]
rule = "no-code"
keep = "not is_blank(row.code)"

[[example]]
name = "a woman"
[[example.given.patients]]
ID = "1"
SEX = "F"
BORN = ""
[[example.expect.person]]
gender_concept_id = "8532"
year_of_birth = ""
"""

MAP = """\
name = "small-sex"
title = { en = "Sex", zh = "性别" }
owner = "tests"
source = { citation = "a manual", version = "1", standing = "to be checked" }
"""
MAP_ROWS = "source_code,source_name,concept_id,vocabulary,code\nF,Female,8532,,\nM,Male,,Gender,M\nX,Other,2100000001,,\n"
CONCEPTS = "concept_id,name,domain,code\n2100000001,Other sex,Gender,X\n"

FILES = {
    "pack.toml": PACK,
    "template/vendor-system.toml": TEMPLATE,
    "standard/small-sex.toml": MAP,
    "standard/small-sex.csv": MAP_ROWS,
    "concept/own.csv": CONCEPTS,
}


class Folder:
    """A root folder with the pack `small`, each of whose files can be rewritten before it is loaded."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def change(self, name: str, old: str, new: str) -> None:
        text = FILES[name]
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def load(self) -> Packs:
        return load_packs([], [self.root])

    def problems(self) -> list[Problem]:
        with pytest.raises(PackErrors) as caught:
            self.load()
        return list(caught.value.problems)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def line_of() -> Callable[[str, str], int]:
    """The 1-based line on which a text begins in one of the small pack's files."""
    return lambda name, text: FILES[name][: FILES[name].index(text)].count("\n") + 1
