"""Packs are found, read, laid over each other and hashed; mistakes across files are told."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from suwen.packs.loader import load_packs, shipped_packs
from suwen.packs.problem import PackErrors


def test_what_a_template_says(folder: Any) -> None:
    template = folder.load().templates["vendor/system"]
    assert template.title == {"en": "A system", "zh": "系统"}
    assert (template.reader.delimiter, template.reader.quote, template.reader.encoding, template.reader.null) == ("|", '"', "gb18030", ("", "NULL"))
    stays = template.kinds["stays"]
    assert (stays.key, stays.version.text, stays.tombstone) == (("NO",), "integer(NO)", None)
    person, condition = template.targets["person"], template.targets["condition"]
    assert (person.table, person.event, person.key_system, person.key) == ("person", False, "person", ())
    assert (condition.table, condition.event, condition.require, condition.joins[0].on) == ("condition_occurrence", True, ("person_id",), (("ID", "ID"),))
    assert [(slot.name, {a: e.text for a, e in slot.set.items()}) for slot in condition.rows] == [("first", {"code": "CODE1"}), ("second", {"code": "CODE2"})]
    (example,) = template.examples
    assert example.given == {"patients": ({"ID": "1", "SEX": "F", "BORN": None},)}
    assert example.expect == {"person": ({"gender_concept_id": "8532", "year_of_birth": None},)}


def test_every_part_knows_its_line(folder: Any, line_of: Any) -> None:
    file = "template/vendor-system.toml"
    template = folder.load().templates["vendor/system"]
    assert template.place.file == str(folder.root / "small" / file)
    person, condition = template.targets["person"], template.targets["condition"]
    assert person.place.line == line_of(file, "[target.person]")
    assert person.columns["year_of_birth"].place.line == line_of(file, "year_of_birth")
    assert condition.key[0].place.line == line_of(file, 'key = ["NO"]\nrequire')
    assert condition.filters[0].keep.place.line == line_of(file, "keep = ")
    assert condition.rows[1].place.line == line_of(file, '[[target.condition.rows]]\nname = "second"')
    assert [entry.line for entry in folder.load().code_maps["small-sex"].entries] == [2, 3, 4]


def test_a_code_map_and_concepts(folder: Any) -> None:
    packs = folder.load()
    entries = packs.code_maps["small-sex"].entries
    assert [(e.source_code, e.concept_id, e.vocabulary, e.code) for e in entries] == [
        ("F", 8532, "", ""),
        ("M", None, "Gender", "M"),
        ("X", 2100000001, "", ""),
    ]
    assert packs.concepts[2100000001].name == "Other sex"
    assert packs.packs["small"].concept_ids == (2100000001, 2100000100)


def test_a_code_map_whose_csv_has_a_header_of_its_own(folder: Any) -> None:
    folder.write("standard/small-sex.toml", (folder.root / "small/standard/small-sex.toml").read_text() + '\n[columns]\nsource_code = "编码"\n')
    folder.write("standard/small-sex.csv", "\ufeff编码,source_name,concept_id,vocabulary,code\n女,Female,8532,,\n")
    assert folder.load().code_maps["small-sex"].entries[0].source_code == "女"


def test_hashes_are_over_the_files_bytes(folder: Any) -> None:
    packs, at = folder.load(), folder.root / "small"
    template = (at / "template/vendor-system.toml").read_bytes()
    assert packs.templates["vendor/system"].sha256 == hashlib.sha256(template).hexdigest()
    both = (at / "standard/small-sex.toml").read_bytes() + b"\0" + (at / "standard/small-sex.csv").read_bytes()
    assert packs.code_maps["small-sex"].sha256 == hashlib.sha256(both).hexdigest()
    assert all(hashlib.sha256(content).hexdigest() == sha256 for sha256, content in packs.contents.items())
    assert len(packs.contents) == 4


def test_a_later_pack_is_laid_over_an_earlier_and_it_is_told(folder: Any, tmp_path: Path) -> None:
    over = tmp_path / "zz"
    (folder.root / "small").rename(tmp_path / "aa")
    for name in ("aa", "zz"):
        path = over if name == "zz" else tmp_path / "aa"
        (path / "template").mkdir(parents=True, exist_ok=True)
    (tmp_path / "aa/pack.toml").write_text((tmp_path / "aa/pack.toml").read_text().replace('"small"', '"aa"'))
    (over / "pack.toml").write_text('name = "zz"\ntitle = { en = "Z", zh = "Z" }\nowner = "tests"\n')
    template = (tmp_path / "aa/template/vendor-system.toml").read_text()
    (over / "template/mine.toml").write_text(template.replace('owner = "tests"', 'owner = "the region"'))
    packs = load_packs([], [tmp_path])
    assert packs.templates["vendor/system"].owner == "the region"
    (override,) = packs.overrides
    assert (override.what, override.name, Path(override.earlier.file).name, Path(override.later.file).name) == (
        "template",
        "vendor/system",
        "vendor-system.toml",
        "mine.toml",
    )


def test_a_folder_may_be_a_pack_itself_or_absent(folder: Any, tmp_path: Path) -> None:
    assert load_packs([], [folder.root / "small", tmp_path / "absent"]).packs.keys() == {"small"}
    with pytest.raises(PackErrors, match="a file stands where a folder"):
        load_packs([], [folder.root / "small/pack.toml"])


def test_unknown_packs_are_named_with_what_was_meant(folder: Any) -> None:
    assert "core" in shipped_packs()
    with pytest.raises(PackErrors, match=r'unknown pack "smal"\n.*\n.*did you mean "small"'):
        load_packs(["smal"], [folder.root])


def test_all_mistakes_of_all_files_are_told_at_once_sorted(folder: Any) -> None:
    folder.change("template/vendor-system.toml", 'owner = "tests"', "owner = 7")
    folder.change("standard/small-sex.csv", "8532", "F")
    folder.change("pack.toml", "2100000001,", "1,")
    problems = folder.problems()
    assert [(Path(p.place.file).name, p.place.line) for p in problems] == [
        ("own.csv", 2),
        ("pack.toml", 4),
        ("small-sex.csv", 2),
        ("vendor-system.toml", 3),
    ]
    assert problems == sorted(problems)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("template/twin.toml", "template/vendor-system.toml", 'template "vendor/system" is also declared at'),
        ("standard/a-twin.toml", "standard/small-sex.toml", "no such file"),
        ("standard/alone.csv", "standard/small-sex.csv", "a CSV of codes without its header"),
        ("concept/twin.csv", "concept/own.csv", "concept 2100000001 is also declared at"),
    ],
)
def test_twins_and_orphans(folder: Any, name: str, content: str, what: str) -> None:
    folder.write(name, (folder.root / "small" / content).read_bytes())
    assert any(what in problem.what for problem in folder.problems())


def test_ranges_of_two_packs_do_not_overlap(folder: Any) -> None:
    other = folder.root / "other"
    other.mkdir()
    (other / "pack.toml").write_text('name = "other"\ntitle = { en = "O", zh = "O" }\nowner = "tests"\nconcept_ids = [2100000100, 2100000200]\n')
    (problem,) = folder.problems()
    assert 'overlaps that of pack "other"' in problem.what and problem.place.line == 4


def test_a_pack_without_its_head_or_with_another_name(folder: Any) -> None:
    (folder.root / "small/pack.toml").rename(folder.root / "small/pack.txt")
    assert any(p.what == "no such file" and p.place.file.endswith("small/pack.toml") for p in folder.problems())
    folder.change("pack.toml", '"small"', '"large"')
    assert any('pack "large" stands in a folder named "small"' in p.what for p in folder.problems())


def test_folders_and_unreadable_files_among_the_declarations(folder: Any) -> None:
    (folder.root / "small/template/folder.toml").mkdir()
    folder.write("template/latin.toml", b"name = '\xe9'\n")
    assert {p.what for p in folder.problems()} == {"a folder stands where a file is expected", "the file is not valid UTF-8"}
