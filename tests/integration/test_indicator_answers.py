"""Answers of a region small enough to count by hand: units with their dates, missing values, records, reasons of a change, trials, and the commands."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from fractions import Fraction
from statistics import median

import pytest

import suwen
from suwen.base.errors import SuwenError
from suwen.cli.main import main
from suwen.flow.answers import Answers
from suwen.flow.differences import decompose
from suwen.flow.explanations import explain
from suwen.flow.trace import trace
from suwen.flow.value_records import CountedRecord, records
from suwen.insight.indicator.value import span, spans
from suwen.model.indicator import Period
from tests.property.point_world import PointWorld, expected_cells, full

FIRST, LAST = date(2024, 1, 1), date(2024, 3, 31)
UNITS = {"province": ["P"], "district": ["D1", "D2"], "hospital": ["H1", "H2", "H3", "H4"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PointWorld:
    found = PointWorld.new(tmp_path_factory.mktemp("world") / "region")
    full(found)
    found.run()
    return found


@pytest.fixture(scope="module")
def answers(world: PointWorld) -> Iterator[Answers]:
    with Answers(world.opened()) as found:
        yield found


def above(organisation: str, day: date) -> set[str]:
    """The units of an organisation on a day, by the lines of the tree read one by one."""
    if organisation == "H3" and day > date(2024, 3, 10):
        return set()
    district = {"H1": "D1" if day < date(2024, 2, 15) else "D2", "H2": "D1", "H3": "D2"}[organisation]
    return {organisation, district, "P"}


@pytest.mark.parametrize("period", list(Period))
def test_cells_reach_units_and_periods_as_the_tree_was_on_their_day(period: Period, world: PointWorld, answers: Answers) -> None:
    counts: dict[tuple[str, str, date], Fraction] = defaultdict(Fraction)
    values: dict[tuple[str, date], list[Fraction]] = defaultdict(list)
    persons: dict[tuple[str, date], set[int]] = defaultdict(set)
    reporting: dict[tuple[str, date], set[str]] = defaultdict(set)
    master = {row["person_id"]: row["master_person_id"] for row in world.opened().table("ext.ext_person_link").to_pylist()}
    begins = {day: one.first for one in spans(period, FIRST, LAST) for day in (one.first,)}
    for (code, organisation, day, _, value, person), (n, total) in expected_cells(world.opened(), 0).items():
        first = max(begin for begin in begins if begin <= day)
        for unit in above(organisation, day):
            if code == "visits":
                reporting[unit, first].add(organisation)
            elif code == "AA01.03":
                assert value is not None
                values[unit, first] += [Fraction(value)] * n
            elif code == "AA01.04":
                assert person is not None
                persons[unit, first].add(master[person])
            else:
                counts[code, unit, first] += Fraction(total if total is not None else n)
    for level, units in UNITS.items():
        wanted = spans(period, FIRST, LAST)
        assert set(answers.tree.units_of(level, wanted)) == set(units)
        pairs = [(unit, kin) for unit in units for kin in answers.tree.below(unit)]
        numbers, sent = answers.numbers(["AA01.02", "AA01.03", "AA01.04", "AA01.06", "AA01.01"], pairs, wanted)
        for unit in units:
            for one in wanted:
                key, of = (unit, one.first), numbers.get((unit, one), {})
                assert sent.get((unit, one), 0) == len(reporting[key])
                for code in ("AA01.02", "AA01.06", "AA01.01"):
                    assert of.get(code, 0) == counts[code, *key]
                assert of.get("AA01.03") == (median(values[key]) if values[key] else None)
                assert of.get("AA01.04", 0) == len(persons[key])


def test_a_ratio_and_who_reported(answers: Answers) -> None:
    """Stays that ended: in January s1 of three hospitals, each followed within 31 days by a stay of the same human; in February s2, followed by none."""
    found = answers.values("AA01", [span("2024-01"), span("2024-02"), span("2024-Q1")], unit="P")
    assert [(one.value, one.reporting, one.expected) for one in found] == [(1, 3, 4), (0, 3, 4), (Fraction(3, 8), 3, 4)]
    assert found[0].points == {"AA01.06": 3, "AA01.01": 3}


def test_a_value_is_provisional_until_all_that_counts_can_have_happened(answers: Answers) -> None:
    """The last delivery speaks for 4 January; AA01 looks two days ahead, AA02 none."""
    assert answers.until == date(2024, 1, 4)
    days = [span(f"2024-01-0{day}") for day in range(1, 7)]
    assert [one.provisional for one in answers.values("AA02", days, unit="P")] == [False, False, False, False, True, True]
    assert [one.provisional for one in answers.values("AA01", days, unit="P")] == [False, False, True, True, True, True]


def test_missing_is_missing_and_not_nought(answers: Answers) -> None:
    """H4 never sends; H3 is closed from 11 March on, so its stay that ends then counts for nobody; of days without any visit nothing is known."""
    quarter = {one.unit: one for one in answers.values("AA02", [span("2024-Q1")], level="hospital")}
    assert quarter["H4"].value is None and (quarter["H4"].reporting, quarter["H4"].expected) == (0, 1)
    assert quarter["H4"].points == {"AA02.01": None}
    march = {one.unit: one for one in answers.values("AA01", [span("2024-03")], level="hospital")}
    assert march["H3"].points["AA01.01"] == 0 and march["H3"].value is None  # a denominator of nought
    assert answers.values("AA02", [span("2024-03-15")], unit="H3")[0].value is None
    assert answers.values("AA02", [span("2019")], unit="P")[0].value is None


def test_a_series_goes_from_the_first_visit_to_the_last(answers: Answers) -> None:
    assert [one.span.text for one in answers.series("AA01", "P", Period.MONTH)] == ["2024-01", "2024-02", "2024-03"]
    assert [one.span.text for one in answers.series("AA01", "H3", Period.QUARTER)] == ["2024-Q1"]
    assert answers.series("AA01", "H4", Period.MONTH) == ()
    with pytest.raises(SuwenError, match="periods"):
        answers.series("AA01", "P", Period.DAY, date(1900, 1, 1), date(2024, 1, 1))


@pytest.mark.parametrize("by", ["unit", "way"])
@pytest.mark.parametrize(("code", "unit"), [("AA01", "P"), ("AA01", "D2"), ("AA02", "P"), ("AA02", "H1")])
def test_effects_add_up_to_the_change(code: str, unit: str, by: str, answers: Answers) -> None:
    found = decompose(answers, code, unit, span("2024-01"), span("2024-02"), by)
    if found.change is None:
        assert not found.effects
    else:
        assert sum((one.whole for one in found.effects), Fraction(0)) == found.change
    if code == "AA02":
        for side, one in (("before", found.before), ("after", found.after)):
            assert sum((getattr(effect, side).numerator for effect in found.effects), Fraction(0)) == one.value


def test_a_hospital_that_changes_its_district_in_february_is_part_of_both(answers: Answers) -> None:
    found = decompose(answers, "AA02", "P", span("2024-01"), span("2024-Q1"))
    assert {one.part for one in found.effects} == {"D1", "D2"}
    assert found.labels["D1"] == {"en": "District one", "zh": "一区"}


def test_what_is_no_sum_of_parts_is_not_parted(world: PointWorld) -> None:
    file = world.folder / "packs" / "wards" / "indicator" / "a" / "AA09.toml"
    text = (world.folder / "packs/wards/indicator/a/AA01.toml").read_text(encoding="utf-8")
    points = text[text.index('[point."') : text.index("[[example]]")]
    file.write_text(text.replace(points, "").replace('"AA01"', '"AA09"').replace('"AA01.06"', '"AA01.03"').replace('denominator = ["AA01.01"]\n', ""), "utf-8")
    try:
        with Answers(world.opened()) as found:
            assert found.values("AA09", [span("2024-01")], unit="P")[0].value == 14
            with pytest.raises(SuwenError, match="a median"):
                decompose(found, "AA09", "P", span("2024-01"), span("2024-02"))
    finally:
        file.unlink()


def test_the_records_behind_a_value_come_page_by_page_and_lead_to_their_bytes(answers: Answers) -> None:
    whole = records(answers, "AA01", "P", span("2024-Q1"))
    assert len(whole) == answers.values("AA01", [span("2024-Q1")], unit="P")[0].points["AA01.01"]
    assert sum(one.points.get("AA01.06", 0) for one in whole) == 3
    paged: list[CountedRecord] = []
    while page := records(answers, "AA01", "P", span("2024-Q1"), after=paged[-1].key if paged else "", limit=3):
        paged += page
    assert tuple(paged) == whole
    first = trace(answers.opened, whole[0].table, str(whole[0].id))
    assert first.records[0].place.text.startswith("s1,p1,2024-01-01,2024-01-15")
    only = records(answers, "AA01", "P", span("2024-Q1"), only="AA01.06")
    assert only == tuple(one for one in whole if "AA01.06" in one.points)
    assert 0 < len(only) < len(whole)
    with pytest.raises(SuwenError, match="is no point of AA01"):
        records(answers, "AA01", "P", span("2024-Q1"), only="AA02.01")
    with pytest.raises(SuwenError, match="no place"):
        records(answers, "AA01", "P", span("2024-Q1"), after="nowhere")


def test_explained_sql_gives_the_points_by_organisation_and_month(world: PointWorld, answers: Answers) -> None:
    opened = world.opened()
    for code in ("AA01", "AA02"):
        for one in explain(answers, code).points:
            told = {(row["organisation"], row["month"]): row["number"] for row in opened.query(one.sql).to_pylist()}
            expected: dict[tuple[str, date], int] = defaultdict(int)
            for (point, organisation, day, *_), (n, _) in expected_cells(opened, 0).items():
                if point == one.point.code:
                    expected[organisation, day.replace(day=1)] += n
            assert told == expected
    columns = {(c.table, c.column): c.sources for c in explain(answers, "AA01").points[0].columns}
    assert ("procedure_occurrence", "quantity") not in columns  # only what the point needs
    (source,) = columns["visit_occurrence", "visit_end_date"]
    assert (source.expression, source.columns) == ("date_of(LEFT_ON, 'iso')", ("LEFT_ON",))


def test_a_new_indicator_is_tried_then_in_force(world: PointWorld, capsys: pytest.CaptureFixture[str]) -> None:
    region = ["--region", str(world.folder)]
    assert main(["indicator", "new", "MY01", "--base", "stays", *region]) == 0
    path = world.folder / "packs" / "own" / "indicator" / "own" / "MY01.toml"
    assert main(["check", *region]) == 0
    capsys.readouterr()
    assert main(["indicator", "try", str(path), "--json", *region]) == 0
    tried = json.loads(capsys.readouterr().out)
    assert [(one["period"], one["shown"]) for one in tried["values"]] == [("2024-01", "3"), ("2024-02", "3"), ("2024-03", "2")]
    assert (tried["counted"], tried["rows"]) == (9, 12) and not tried["replaces"]
    assert {"visit_start_date", "person_id"} & tried["samples"][0].keys() == set()
    assert tried["wrong"] == []
    wrong = world.folder / "MY01.toml"
    wrong.write_text(path.read_text("utf-8").replace('period = "2024-03", value = ""', 'period = "2024-03", value = "7"'), "utf-8")
    assert main(["indicator", "try", str(wrong), *region]) == 0
    said = capsys.readouterr().out
    assert "is missing\n    expected: 7\n" in said, "an example that does not hold is told"
    wrong.unlink()
    assert main(["indicator", "value", "MY01", *region]) == 2
    assert "does not hold MY01" in capsys.readouterr().err
    assert main(["run", *region]) == 0
    capsys.readouterr()
    assert main(["indicator", "value", "MY01", "--unit", "P", "--json", *region]) == 0
    assert [one["shown"] for one in json.loads(capsys.readouterr().out)] == ["3", "3", "2"]
    assert main(["indicator", "new", "MY01", *region]) == 2
    assert "already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list"], "AA02"),
        (["explain", "AA01"], "visit_occurrence.visit_end_date"),
        (["value", "AA01", "--level", "district", "--period", "2024-01"], "District two"),
        (["value", "AA02", "--unit", "H1", "--period", "quarter"], "2024-Q1"),
        (["why", "AA01", "--from", "2024-01", "--to", "2024-02"], "the effects add up to -1.00"),
        (["why", "AA01", "--from", "2024-01", "--to", "2024-02", "--by", "way"], "on order"),
        (["records", "AA02", "--period", "2024-01", "--unit", "H1", "--limit", "1"], "procedure_occurrence"),
        (["explain", "AA01", "--json"], '"columns"'),
        (["why", "AA01", "--from", "2024-01", "--to", "2024-02", "--json"], '"effects"'),
        (["records", "AA02", "--period", "2024-01", "--json"], '"key"'),
    ],
)
def test_commands(arguments: list[str], said: str, world: PointWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["indicator", *arguments, "--region", str(world.folder)]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["value", "AA1", "--unit", "P"], 'did you mean "AA0'),
        (["value", "AA01", "--unit", "Q"], "organisations.csv"),
        (["value", "AA01", "--level", "country", "--period", "2024"], "province, district, hospital"),
        (["value", "AA01", "--unit", "P", "--period", "March"], "is no period"),
        (["value", "AA01", "--unit", "P", "--level", "district"], "one of them"),
        (["why", "AA01", "--from", "2024-01", "--to", "2024-02", "--by", "moon"], "unit, way"),
        (["new", "my-01"], "no code"),
        (["new", "MY02", "--base", "nothing"], "known: acts, stays"),
        (["try", "missing.toml"], "missing.toml"),
    ],
)
def test_mistakes_are_told(arguments: list[str], said: str, world: PointWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["indicator", *arguments, "--region", str(world.folder)]) == 2
    assert said in capsys.readouterr().err


def test_from_python(world: PointWorld) -> None:
    found = suwen.open(world.folder).indicator("AA01")
    assert found.value("2024-01").value == 1
    assert [one.value for one in found.series("month")][:2] == [1, 0]
    assert {one.unit for one in found.values("district", "2024-Q1")} == {"D1", "D2"}
    assert found.why("2024-01", "2024-02").change == -1
    assert len(found.records("2024-01")) == 3
    assert found.explain().indicator.code == "AA01"


def test_many_may_ask_at_once(world: PointWorld) -> None:
    with Answers(world.opened()) as found, ThreadPoolExecutor(4) as pool:
        asked = list(pool.map(lambda n: found.series("AA01", ("P", "D1", "D2", "H1")[n % 4], Period.MONTH), range(40)))
        assert all(asked[n] == asked[n % 4] for n in range(40))
