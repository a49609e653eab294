"""Bases, indicators and breakdowns: every mistake is told with the line on which it stands; laid over one another the last one counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.flow.check import check
from suwen.model.indicator import OF_PERSON, Count, Direction, How, Period, Scope
from suwen.packs.loader import Packs, load_packs
from suwen.packs.problem import PackErrors, Problem

PACK = 'name = "mine"\ntitle = { en = "Mine", zh = "我的" }\nowner = "tests"\n'
BASE = """\
name = "stay"
title = { en = "Stays", zh = "住院" }
definition = { en = "Stays.", zh = "住院。" }
owner = "tests"
source = { citation = "c", version = "1", standing = "verified" }
table = "visit_occurrence"
date = "visit_end_date"
keep = "in_concepts(visit_concept_id, 'inpatient') and not coalesce(more.is_open, false)"
person = "master"
[concepts.inpatient]
ids = [9201, 262]
[beside.more]
table = "ext_visit"
on = { visit_occurrence_id = "visit_occurrence_id" }
[each.charge]
table = "cost"
on = { visit_occurrence_id = "given.visit_occurrence_id" }
beside.given = { table = "drug_exposure", on = { cost_event_id = "drug_exposure_id" } }
keep = "charge.cost_domain_id = 'Drug'"
[each.charge.measure]
total = { sum = "charge.total_charge", keep = "charge.total_charge > 0" }
[each.next]
table = "visit_occurrence"
on = "person"
keep = "days_between(visit_end_date, next.visit_start_date) > 0"
[each.next.measure.n]
count = true
[once]
by = ["person_id", "visit_end_date"]
best = "charge.total"
"""
INDICATOR = """\
code = "MY01"
title = { en = "Stays", zh = "住院" }
definition = { en = "Stays.", zh = "住院。" }
owner = "tests"
source = { citation = "c", version = "1", standing = "verified" }
unit = { en = "stays", zh = "人次" }
direction = "lower"
period = "month"
numerator = ["MY01.01"]
denominator = ["MY01.02"]
factor = 100
decimals = 1
[point."MY01.01"]
title = { en = "Charges", zh = "费用" }
definition = { en = "Charges.", zh = "费用。" }
kind = "sum"
base = "stay"
value = "charge.total"
[point."MY01.02"]
title = { en = "Back", zh = "再入院" }
definition = { en = "Back.", zh = "再入院。" }
kind = "count"
base = "stay"
keep = "next.n > 0"
[[example]]
name = "first"
given.visit_occurrence = [{ visit_concept_id = "9201", visit_start_date = "2024-01-01", organisation = "H2" }]
expect = [{ unit = "H1", period = "2024-01", value = "" }]
[[example]]
name = "second"
boundary = "leap day"
organisations = [{ organisation_id = "H1", valid_from = "2024-01-01" }]
given.ext_visit = [{ is_open = "true" }]
expect = [{ code = "MY01.02", unit = "H1", period = "2024-02-29", value = "200/3" }]
"""
BREAKDOWN = """\
name = "sex"
title = { en = "Sex", zh = "性别" }
owner = "tests"
source = { citation = "c", version = "1", standing = "verified" }
value = "person.gender_source_value"
label.f = { en = "Female", zh = "女" }
"""
FILES = {"pack.toml": PACK, "base/stay.toml": BASE, "indicator/any/MY01.toml": INDICATOR, "breakdown/sex.toml": BREAKDOWN}
B, N, G = "base/stay.toml", "indicator/any/MY01.toml", "breakdown/sex.toml"


ABOVE = 4  # lines that a table's heading may stand above, or a second example's name below, what was bent


def written(root: Path, **changed: str) -> Path:
    for name, text in FILES.items():
        path = root / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changed.get(name, text), "utf-8")
    return root


def told(root: Path) -> list[Problem]:
    with pytest.raises(PackErrors) as caught:
        load_packs([], [root])
    return list(caught.value.problems)


def loaded(tmp_path: Path, **changed: str) -> Packs:
    return load_packs([], [written(tmp_path, **changed)])


def test_what_the_files_say(tmp_path: Path) -> None:
    packs = loaded(tmp_path)
    base, indicator = packs.bases["stay"], packs.indicators["MY01"]
    assert (base.table, base.person, base.concepts["inpatient"].ids, base.concepts["inpatient"].descendants) == (
        "visit_occurrence",
        Scope.MASTER,
        (9201, 262),
        True,
    )
    assert base.tables == ("visit_occurrence", "ext_visit", "cost", "drug_exposure")
    assert base.each["charge"].on == (("visit_occurrence_id", "given.visit_occurrence_id"),)
    assert base.each["next"].on == OF_PERSON and base.each["next"].of_person
    assert (base.each["charge"].measures["total"].how, base.each["next"].measures["n"].how) == (How.SUM, How.COUNT)
    assert base.once is not None and [one.text for one in base.once.by] == ["person_id", "visit_end_date"]
    assert (indicator.numerator, indicator.denominator, indicator.factor, indicator.decimals) == (("MY01.01",), ("MY01.02",), 100, 1)
    assert (indicator.direction, indicator.period, indicator.used) == (Direction.LOWER, Period.MONTH, ("MY01.01", "MY01.02"))
    assert (indicator.points["MY01.01"].kind, indicator.points["MY01.01"].unit) == (Count.SUM, indicator.unit)
    first, second = indicator.examples
    assert (first.expect[0].code, first.expect[0].value, second.boundary, second.expect[0].value) == ("MY01", None, "leap day", "200/3")
    assert {base.sha256, indicator.sha256, packs.breakdowns["sex"].sha256} <= set(packs.contents)
    assert list(packs.breakdowns["sex"].labels) == ["f"]
    assert check(packs) == []


MISTAKES = [
    (B, 'table = "visit_occurrence"\ndate', 'table = "vists"\ndate', 'no rows of "vists" can be counted'),
    (B, 'table = "visit_occurrence"\ndate', 'table = "observation_period"\ndate', 'rows of "observation_period" came from no organisation'),
    (B, 'date = "visit_end_date"\n', "", 'missing "date"'),
    (B, 'person = "master"', 'person = "global"', 'unknown scope "global"'),
    (B, "ids = [9201, 262]", "ids = []", '"ids" is empty'),
    (B, "ids = [9201, 262]", "ids = [9201, 9201]", '9201 stands twice in "ids"'),
    (B, "ids = [9201, 262]", 'ids = ["9201"]', '"ids" holds a text that does not belong there'),
    (B, 'on = { visit_occurrence_id = "visit_occurrence_id" }', 'on = { person_id = "person_id" }', 'several rows of "ext_visit" may be beside one'),
    (B, 'on = { visit_occurrence_id = "visit_occurrence_id" }', 'on = { visit_id = "visit_occurrence_id" }', '"visit_occurrence" has no column "visit_id"'),
    (B, '"given.visit_occurrence_id"', '"gave.visit_occurrence_id"', 'nothing here is called "gave"'),
    (B, '"given.visit_occurrence_id"', '"given.visit_id"', '"drug_exposure" has no column "visit_id"'),
    (B, "[each.next]", "[each.more]", 'alias "more" stands already in line 12'),
    (B, "count = true", "count = false", '"count" is false'),
    (B, "count = true", 'count = true\nmax = "next.visit_start_date"', 'measure "n" says 2 things to measure'),
    (B, "count = true", 'keep = "true"', 'measure "n" says not what to measure'),
    (B, 'by = ["person_id", "visit_end_date"]', "by = []", '"by" is empty'),
    (
        B,
        '[each.charge]\ntable = "cost"\non = { visit_occurrence_id = "given.visit_occurrence_id" }',
        '[each.charge]\ntable = "cost"\non = "person"',
        'rows of "cost" are nobody\'s',
    ),
    (N, 'code = "MY01"', 'code = "my1"', '"my1" is not a code of an indicator'),
    (N, 'direction = "lower"', 'direction = "down"', 'unknown direction "down"'),
    (N, 'period = "month"\nn', 'period = "week"\nn', 'unknown period "week"'),
    (N, 'numerator = ["MY01.01"]', "numerator = []", '"numerator" is empty'),
    (N, 'numerator = ["MY01.01"]', 'numerator = ["MY01.10"]', 'the formula of "MY01" names unknown point "MY01.10"'),
    (N, 'denominator = ["MY01.02"]', 'denominator = ["SV99.02"]', 'the formula of "MY01" names unknown point "SV99.02"'),
    (N, "decimals = 1", "decimals = 7", '"decimals" is out of range'),
    (N, "decimals = 1", "decimals = 1\nahead = 3661", '"ahead" is out of range'),
    (N, '[point."MY01.02"]', '[point."MY02.02"]', '"MY02.02" is not a code of a point of "MY01"'),
    (N, 'value = "charge.total"\n', "", 'missing "value"'),
    (N, 'keep = "next.n > 0"', 'value = "next.n"', 'a point of kind "count" has a value'),
    (N, 'base = "stay"\nkeep', 'base = "stays"\nkeep', 'point "MY01.02" counts rows of unknown base "stays"'),
    (N, 'boundary = "leap day"\n', "", "no example stands at a boundary"),
    (N, '[[example]]\nname = "second"', '[[example]]\nname = "first"', 'two examples are named "first"'),
    (N, "given.ext_visit", "given.ext_visits", 'unknown table "ext_visits"'),
    (N, 'is_open = "true"', 'open = "true"', 'table "ext_visit" has no column "open"'),
    (N, 'is_open = "true"', 'is_open = "yes"', '"yes" is no value of "is_open"'),
    (N, 'period = "2024-02-29"', 'period = "2024-2-29"', '"2024-2-29" is no period'),
    (N, 'value = "200/3"', 'value = "200/0"', '"200/0" is no value'),
    (N, 'valid_from = "2024-01-01"', 'valid_from = "2024"', '"2024" is no value of "valid_from"'),
    (N, 'code = "MY01.02", unit', 'code = "MY01.03", unit', 'example "second" expects a value of unknown "MY01.03"'),
    (G, "label.f = {", 'label."" = {', 'a group has the code ""'),
    (G, 'en = "Female"', r'en = "Fem\u202eale"', '"en" holds the character U+202E'),
    (N, 'title = { en = "Stays"', r'title = { en = "St\u0000ays"', '"en" holds the character U+0000'),
    (N, 'title = { en = "Charges"', f'title = {{ en = "{"C" * 2_001}"', '"en" holds 2001 characters'),
    (G, 'value = "person.gender_source_value"\n', "", 'missing "value"'),
]


@pytest.mark.parametrize(("file", "old", "new", "what"), MISTAKES)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, file: str, old: str, new: str, what: str) -> None:
    assert FILES[file].count(old) == 1
    bent = FILES[file].replace(old, new)
    problems = told(written(tmp_path, **{file: bent}))
    (found,) = [one for one in problems if what in one.what]
    assert found.place.file.endswith(f"mine/{file}")
    if new and not what.startswith(("no example", "missing")):
        first = bent[: bent.index(new)].count("\n") + 1
        assert first - ABOVE <= found.place.line <= first + new.count("\n") + ABOVE
    assert found.expected or found.do


@pytest.mark.parametrize("kind", ["median", "distinct"])
def test_what_does_not_add_up_is_not_added(tmp_path: Path, kind: str) -> None:
    value = 'value = "next.n"' if kind == "median" else ""
    bent = INDICATOR.replace('kind = "count"\nbase = "stay"\nkeep = "next.n > 0"', f'kind = "{kind}"\nbase = "stay"\n{value}')
    both = bent.replace('numerator = ["MY01.01"]\ndenominator = ["MY01.02"]', 'numerator = ["MY01.01", "MY01.02"]')
    (problem,) = told(written(tmp_path, **{N: both}))
    assert '"MY01.02" is added to other points' in problem.what and problem.place.line == 9


def test_a_point_is_declared_once(tmp_path: Path) -> None:
    twin = INDICATOR.replace('code = "MY01"\n', 'code = "MY01A"\n', 1)
    root = written(tmp_path)
    (root / "mine" / "indicator" / "any" / "twin.toml").write_text(twin, "utf-8")
    found = told(root)
    assert {problem.what.split(" is also")[0] for problem in found} == {'point "MY01.01"', 'point "MY01.02"'}


def test_a_later_pack_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    later = tmp_path / "later"
    written(tmp_path / "earlier")
    written(later, **{N: INDICATOR.replace("factor = 100", "factor = 1000")})
    packs = load_packs([], [tmp_path / "earlier", later])
    assert packs.indicators["MY01"].factor == 1000
    assert {override.what for override in packs.overrides} == {"base", "indicator", "breakdown"}


MEANINGLESS = [
    (B, 'visit_end_date"\nkeep', 'visit_end"\nkeep', "no column visit_end"),
    (B, 'date = "visit_end_date"', 'date = "visit_end_datetime"', "an expression of type time"),
    (B, "'inpatient')", "'inpatients')", 'no concept set "inpatients"'),
    (B, "more.is_open, false", "more.is_opened, false", "no column more.is_opened"),
    (B, 'sum = "charge.total_charge"', 'sum = "charge.cost_domain_id"', "an expression of type text"),
    (B, 'keep = "charge.total_charge > 0"', 'keep = "charge.total_charge"', "an expression of type money"),
    (B, 'by = ["person_id", "visit_end_date"]', 'by = ["more.person_id"]', "no column more.person_id"),
    (B, 'best = "charge.total"', 'best = "charge.sum"', "no column charge.sum"),
    (B, "next.visit_start_date) > 0", "next.visit_start) > 0", "no column next.visit_start"),
    (N, 'keep = "next.n > 0"', 'keep = "next.n"', "an expression of type integer"),
    (N, 'keep = "next.n > 0"', f'keep = "next.n > {"9" * 5_000}"', "a number literal that is too large"),
    (N, 'value = "charge.total"', 'value = "visit_source_value"', "an expression of type text"),
    (N, 'keep = "next.n > 0"', "keep = \"concept('1', 'cn-sex') = 1\"", "concept() cannot be used here"),
    (G, '"person.gender_source_value"', '"person.gender_concept_id"', "an expression of type integer"),
    (G, '"person.gender_source_value"', '"persons.gender_source_value"', "no column persons.gender_source_value"),
]


@pytest.mark.parametrize(("file", "old", "new", "what"), MEANINGLESS)
def test_an_expression_without_meaning_is_told_where_it_stands(tmp_path: Path, file: str, old: str, new: str, what: str) -> None:
    assert FILES[file].count(old) == 1
    bent = FILES[file].replace(old, new)
    (found,) = check(loaded(tmp_path, **{file: bent}))
    assert what in found.what
    assert found.place.line == bent[: bent.index(new)].count("\n") + 1
