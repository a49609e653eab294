"""The rows that count: narrowed to cells they are those of the whole; breakdowns part them; who competes with whom does not depend on where it lies."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from suwen.base.errors import Place
from suwen.engine.duck import Engine
from suwen.engine.render import render
from suwen.engine.sql import Tree, integer, literal_rows, statement, text
from suwen.insight.indicator.example_rows import GivenTables
from suwen.insight.indicator.groups import grouped_once, shared
from suwen.insight.indicator.relation import Group
from suwen.insight.indicator.rows import point_rows
from suwen.model.indicator import Breakdown, IndicatorExample
from suwen.packs.loader import load_packs

PACKS = load_packs(["cn"])
POINTS = {code: point for indicator in PACKS.indicators.values() for code, point in indicator.points.items()}
EXAMPLES = {f"{code} {example.name}": example for code in ("SV03", "QS02", "QS03", "CE01") for example in PACKS.indicators[code].examples}
CELL = ("organisation", "origin")
Found = list[dict[str, object]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    found = Engine(threads=1, memory="512MiB", scratch=tmp_path_factory.mktemp("rows"))
    yield found
    found.close()


def example(**given: list[dict[str, str | None]]) -> IndicatorExample:
    return IndicatorExample("made here", Place("here"), "", {name: tuple(rows) for name, rows in given.items()}, (), ())


def cells(*wanted: tuple[str, int]) -> Tree:
    return literal_rows(CELL, ("VARCHAR", "INTEGER"), [(text(organisation), integer(origin)) for organisation, origin in wanted])


def found(engine: Engine, given: IndicatorExample, base: str, touched: Tree | None = None, breakdowns: list[Breakdown] | None = None) -> Found:
    tables = GivenTables(engine, given)
    points = [point for point in POINTS.values() if point.base == base]
    links = statement("select person_id, master_person_id from {l} l", l=tables("ext_person_link"))
    rows = point_rows(PACKS.bases[base], points, tables(PACKS.bases[base].table), tables, links=links, touched=touched, breakdowns=breakdowns or ())
    return sorted(engine.arrow(rows).to_pylist(), key=lambda row: row["row_id"])


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("base", ["discharge", "operation", "early-return", "clinic-visit"])
def test_rows_of_touched_cells_are_those_of_the_whole(engine: Engine, name: str, base: str) -> None:
    whole = found(engine, EXAMPLES[name], base)
    if not whole:
        return
    first = (whole[0]["organisation"], whole[0]["origin"])
    touched = found(engine, EXAMPLES[name], base, cells(first, ("H9", 5)))
    assert touched == [row for row in whole if (row["organisation"], row["origin"]) == first]


def test_who_competes_may_lie_in_another_month(engine: Engine) -> None:
    given = example(
        visit_occurrence=[{"visit_occurrence_id": "s", "visit_concept_id": "9201", "visit_start_date": "2024-01-30", "visit_end_date": "2024-02-09"}],
        ext_procedure=[
            {"visit_occurrence_id": "s", "theatre_session": "1", "operation_level": "2", "procedure_date": "2024-01-31"},
            {"visit_occurrence_id": "s", "theatre_session": "1", "operation_level": "3", "procedure_date": "2024-02-01"},
        ],
    )
    january, february = 12 * 2024, 12 * 2024 + 1
    assert [row["origin"] for row in found(engine, given, "operation")] == [february]
    assert found(engine, given, "operation", cells(("H1", january))) == []
    assert [row["origin"] for row in found(engine, given, "operation", cells(("H1", february)))] == [february]


def test_a_row_says_whose_it_is_and_what_it_adds(engine: Engine) -> None:
    given = example(
        visit_occurrence=[{"visit_occurrence_id": "s", "visit_concept_id": "9201", "visit_start_date": "2023-12-30", "visit_end_date": "2024-01-02"}],
        ext_visit=[{"visit_occurrence_id": "s", "fee_total": "12.5"}],
    )
    (row,) = found(engine, given, "discharge")
    codes = [code for code, point in POINTS.items() if point.base == "discharge"]
    assert (row["organisation"], str(row["day"]), row["origin"]) == ("H1", "2024-01-02", 12 * 2023 + 11)
    counted = {code: row[f"v_{at}"] for at, code in enumerate(codes) if row[f"n_{at}"]}
    assert counted == {"CE02.01": 12.5, "CE02.02": 0, "CE02.03": 0, "EF01.01": 3, "EF01.02": 3, "SV02.02": None, "SV02.04": None}
    assert all(row[f"v_{at}"] is None for at, code in enumerate(codes) if code not in counted)


def test_a_sum_does_not_count_what_has_no_value(engine: Engine) -> None:
    point = replace(POINTS["CE02.01"], value=replace(POINTS["CE02.01"].value, text="more.fee_total"))
    given = example(
        visit_occurrence=[{"visit_concept_id": "9201", "visit_start_date": "2024-01-01", "visit_end_date": "2024-01-02"}],
    )
    tables = GivenTables(engine, given)
    assert engine.rows(point_rows(PACKS.bases["discharge"], [point], tables("visit_occurrence"), tables)) == []


def test_a_measure_is_that_of_the_rows_that_belong(engine: Engine) -> None:
    """A patient with two stays, one of them with charges: what belongs to one visit is not another's."""
    given = example(
        visit_occurrence=[
            {"visit_occurrence_id": name, "person_id": "p", "visit_concept_id": "9201", "visit_start_date": "2024-01-01", "visit_end_date": "2024-01-02"}
            for name in ("a", "b")
        ],
        cost=[{"cost_event_id": "a", "cost_domain_id": "Visit", "total_charge": charge} for charge in ("0.0001", "99999999999999", "-1")],
    )
    codes = [code for code, point in POINTS.items() if point.base == "discharge"]
    total = f"v_{codes.index('CE02.01')}"
    assert [str(row[total]) for row in found(engine, given, "discharge")] == ["99999999999998.00010000", "0E-8"]


def born(year: str | None, month: str | None = None, day: str | None = None) -> dict[str, str | None]:
    return {"year_of_birth": year, "month_of_birth": month, "day_of_birth": day}


AGES = [
    ("2024-02-29", born("2019", "3", "1"), "0-4"),
    ("2024-03-01", born("2019", "3", "1"), "5-14"),
    ("2023-02-28", born("2008", "2", "29"), "5-14"),
    ("2023-03-01", born("2008", "2", "29"), "15-44"),
    ("2024-06-30", born("1979", "6", "30"), "45-64"),
    ("2024-06-29", born("1979", "6", "30"), "15-44"),
    ("2024-01-01", born("1959"), "65+"),
    ("2023-12-31", born("1959"), "45-64"),
    ("2024-05-01", born("2024", "5", "1"), "0-4"),
    ("2024-05-01", born("2025", "5", "2"), ""),
    ("2024-05-01", born(None), ""),
]


@pytest.mark.parametrize(("day", "person", "band"), AGES)
def test_age_bands_by_the_age_on_the_day(engine: Engine, day: str, person: dict[str, str | None], band: str) -> None:
    given = example(visit_occurrence=[{"visit_concept_id": "9202", "visit_start_date": day, "person_id": "p"}], person=[{"person_id": "p", **person}])
    (row,) = found(engine, given, "clinic-visit", breakdowns=[PACKS.breakdowns["age-band"]])
    assert row["b_0"] == band


def test_groups_by_sex_and_payer(engine: Engine) -> None:
    stays = [
        {"visit_occurrence_id": f"s{at}", "person_id": f"p{at}", "visit_concept_id": "9201", "visit_start_date": "2024-01-01", "visit_end_date": "2024-01-02"}
        for at in range(4)
    ]
    given = example(
        visit_occurrence=stays,
        person=[{"person_id": "p0", "gender_concept_id": "8507"}, {"person_id": "p1", "gender_concept_id": "8532"}, {"person_id": "p2"}],
        ext_visit=[{"visit_occurrence_id": f"s{at}", "payment_method_source_value": payer} for at, payer in enumerate(("1", "7", "77"))],
    )
    rows = found(engine, given, "discharge", breakdowns=[PACKS.breakdowns["sex"], PACKS.breakdowns["payer"]])
    assert [(row["b_0"], row["b_1"]) for row in rows] == [("male", "1"), ("female", "7"), ("", ""), ("", "")]


def test_groups_of_what_is_no_visit_itself(engine: Engine) -> None:
    given = example(
        visit_occurrence=[
            {"visit_occurrence_id": "s", "person_id": "p", "visit_concept_id": "9201", "visit_start_date": "2024-01-01", "visit_end_date": "2024-01-02"}
        ],
        person=[{"person_id": "p", "gender_concept_id": "8532"}],
        ext_visit=[{"visit_occurrence_id": "s", "payment_method_source_value": "6"}],
        ext_procedure=[{"visit_occurrence_id": "s", "operation_level": "1", "procedure_date": "2024-01-01"}],
    )
    (row,) = found(engine, given, "operation", breakdowns=[PACKS.breakdowns["sex"], PACKS.breakdowns["payer"]])
    assert (row["b_0"], row["b_1"]) == ("female", "6")


@pytest.mark.parametrize("name", EXAMPLES)
def test_measures_grouped_once_for_several_bases_are_those_of_each(engine: Engine, name: str) -> None:
    tables = GivenTables(engine, EXAMPLES[name])
    bases = [(PACKS.bases[base], [point for point in POINTS.values() if point.base == base]) for base in ("clinic-visit", "discharge")]
    once = shared(bases, {base.name: {} for base, _ in bases})
    assert sorted({one.each[0].each.alias for one in once.values()}) == ["charge", "drug"]
    groups = {}
    for place, (key, one) in enumerate(once.items()):
        tree, columns = grouped_once(one, tables)
        engine.temporary(f"grouped_{place}", tree)
        groups[key] = Group(f"grouped_{place}", columns)
    links = statement("select person_id, master_person_id from {l} l", l=tables("ext_person_link"))
    for base, points in bases:
        own, together = (
            engine.arrow(point_rows(base, points, tables(base.table), tables, links=links, groups=given)).sort_by("row_id") for given in ({}, groups)
        )
        assert own.equals(together)
        assert "charge.cost_event_id" not in render(point_rows(base, points, tables(base.table), tables, links=links, groups=groups))


def test_measures_of_other_rows_are_not_grouped_together() -> None:
    clinic, discharge = PACKS.bases["clinic-visit"], PACKS.bases["discharge"]
    charge = discharge.each["charge"]
    other = replace(charge, keep=replace(charge.keep, text="charge.cost_domain_id = 'Drug'"))
    changed = replace(discharge, each={**discharge.each, "charge": other})
    bases = [(base, [point for point in POINTS.values() if point.base == base.name]) for base in (clinic, changed)]
    assert [one.each[0].each.alias for one in shared(bases, {"clinic-visit": {}, "discharge": {}}).values()] == ["drug"]
    assert shared(bases[:1], {"clinic-visit": {}}) == {}
