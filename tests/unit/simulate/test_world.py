"""The world of the simulator: what must hold of every block, and how near its totals come to those it aims at."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import date

import numpy as np
import pytest

from suwen.base.errors import SuwenError
from suwen.simulate.knowledge import BANDS, read_knowledge
from suwen.simulate.outbreaks import SHAPES
from suwen.simulate.people import check_character, mistyped_digit, resident_number
from suwen.simulate.places import COLUMNS, MOST_DOCTORS, doctors
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, TABLES, VISIT_KINDS, Block, rows_of
from suwen.simulate.world import World

DAY = 86_400
SETTINGS = Settings(hospitals=24, persons=60_000, years=2, seed=5)
STAYS = (VISIT_KINDS.index("inpatient"), VISIT_KINDS.index("day case"))


@pytest.fixture(scope="module")
def world() -> World:
    return World(SETTINGS)


@pytest.fixture(scope="module")
def block(world: World) -> Block:
    return world.block(0)


def _digest(block: Block) -> str:
    found = hashlib.sha256()
    for name in sorted(block.rows):
        for column in sorted(block.rows[name].columns):
            found.update(np.ascontiguousarray(block.rows[name][column]).astype("<i8").tobytes())
    return found.hexdigest()


def _person_years(block: Block) -> float:
    person = block.rows["person"]
    until = np.where(person["died"] == NONE, SETTINGS.last, person["died"])
    return float(np.maximum(until - np.maximum(person["born"], SETTINGS.first) + 1, 0).sum()) / 365.25


def test_a_block_is_the_same_alone_and_after_others(world: World, block: Block) -> None:
    other = World(SETTINGS)
    other.block(1)
    assert _digest(other.block(0)) == _digest(block)
    assert _digest(World(Settings(hospitals=24, persons=60_000, years=2, seed=6)).block(0)) != _digest(block)


def test_tables_have_their_shapes(block: Block) -> None:
    assert {"person", "patient", "visit", "diagnosis", "case_report"} == block.rows.keys()
    for name, rows in block.rows.items():
        assert rows_of(name, **rows.columns).columns.keys() == TABLES[name].keys()
        assert {column.dtype for column in rows.columns.values()} == {np.dtype(np.int64)}
        assert {len(column) for column in rows.columns.values()} == {len(rows)}


def test_resident_ids_are_unique_in_the_province(world: World) -> None:
    people = [world.block(number).rows["person"] for number in range(world.blocks)]
    assert sum(len(one) for one in people) == SETTINGS.persons
    numbers = [resident_number(world.knowledge.areas.codes[p["area"]], p["born"], p["serial"])[0] for p in people]
    assert len(np.unique(np.concatenate(numbers))) == SETTINGS.persons
    assert all((p["serial"] % 2 == (p["sex"] == 1)).all() for p in people)


def test_the_check_character_is_that_of_the_standard_and_no_mistyped_digit_passes() -> None:
    # The example printed in GB 11643: 11010519491231002X.
    number, check = resident_number(np.array([110105]), np.array([(date(1949, 12, 31) - date(1970, 1, 1)).days]), np.array([2]))
    assert (str(number[0]), check_character(int(check[0]))) == ("11010519491231002", "X")
    place, added = mistyped_digit(1, np.arange(500), np.arange(500))
    assert set(place.tolist()) <= set(range(17)) and set(added.tolist()) == set(range(1, 10))
    digits = np.array([int(sign) for sign in str(number[0])])
    weights = np.array((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    for one, more in zip(place.tolist(), added.tolist(), strict=True):
        wrong = digits.copy()
        wrong[one] = (wrong[one] + more) % 10
        assert int(wrong @ weights) % 11 != int(digits @ weights) % 11


def test_visits_are_ordered_numbered_and_within_life(block: Block) -> None:
    visit, person = block.rows["visit"], block.rows["person"]
    assert (np.diff(visit["visit"]) > 0).all()
    key = visit["person"] * (1 << 34) + visit["start"]
    assert (np.diff(key) >= 0).all()
    who = visit["person"] - person["person"][0]
    day, died = visit["start"] // DAY, person["died"][who]
    assert (day >= np.maximum(SETTINGS.first, person["born"][who])).all() and (day <= SETTINGS.last).all()
    assert ((died == NONE) | (day <= died)).all()
    assert ((died == NONE) | (visit["end"] == NONE) | (visit["end"] // DAY <= died)).all()
    assert ((visit["end"] == NONE) | (visit["end"] > visit["start"])).all()


def test_nobody_is_in_two_beds_at_once(block: Block) -> None:
    visit = block.rows["visit"]
    beds = visit.take(np.isin(visit["kind"], (*STAYS, VISIT_KINDS.index("observation"))))
    end = np.where(beds["end"] == NONE, (SETTINGS.last + 2) * DAY, beds["end"])
    same = beds["person"][1:] == beds["person"][:-1]
    assert (beds["start"][1:][same] >= end[:-1][same]).all()


def test_deaths_in_hospital_end_the_stay(block: Block) -> None:
    visit, person = block.rows["visit"], block.rows["person"]
    dead = person.take(person["died_in"] != NONE)
    at = np.searchsorted(visit["visit"], dead["died_in"])
    assert len(dead) > 20
    assert (visit["way"][at] == 5).all() and (visit["end"][at] // DAY == dead["died"]).all() and (visit["person"][at] == dead["person"]).all()
    assert (visit["way"] == 5).sum() == len(dead)


def test_open_stays_have_neither_end_nor_way_and_lie_at_the_end(block: Block) -> None:
    visit = block.rows["visit"]
    stays = visit.take(np.isin(visit["kind"], STAYS))
    still = stays["end"] == NONE
    assert 10 < still.sum() < len(stays) // 20
    assert (stays["way"][still] == NONE).all() and (stays["way"][~still] != NONE).all()
    others = visit.take(~np.isin(visit["kind"], STAYS))
    assert (others["way"] == NONE).all() and (others["route"] == NONE).all() and (others["admission_number"] == NONE).all()


def test_visits_lead_to_later_visits_of_the_same_person(block: Block) -> None:
    visit = block.rows["visit"]
    for column in ("from_visit", "readmission"):
        at = np.flatnonzero(visit[column] != NONE)
        before = np.searchsorted(visit["visit"], visit[column][at])
        assert len(at) > 50 and (visit["visit"][before] == visit[column][at]).all()
        assert (visit["person"][before] == visit["person"][at]).all() and (visit["start"][before] < visit["start"][at]).all()
    again = np.flatnonzero(visit["readmission"] != NONE)
    before = np.searchsorted(visit["visit"], visit["readmission"][again])
    gap = visit["start"][again] // DAY - visit["end"][before] // DAY
    assert gap.min() >= 0 and gap.max() <= 31
    planned = np.flatnonzero(visit["planned"] == 1)
    assert len(planned) > 20 and set(planned) < set(before)
    moved = visit.take(visit["route"] == 3)
    assert (moved["from_visit"] != NONE).all()
    assert (moved["hospital"] != visit["hospital"][np.searchsorted(visit["visit"], moved["from_visit"])]).all()


def test_patients_are_who_visited_and_local_numbers_name_one_person(world: World, block: Block) -> None:
    visit = block.rows["visit"]
    booked = set(zip(visit["hospital"].tolist(), visit["local"].tolist(), visit["person"].tolist(), strict=True))
    links = world.links(block)
    named = set(zip(links["hospital"].tolist(), links["local"].tolist(), links["person"].tolist(), strict=True))
    assert booked == named
    second = world.links(world.block(1))
    locals_ = np.concatenate([links["hospital"] << 40 | links["local"], second["hospital"] << 40 | second["local"]])
    assert len(np.unique(locals_)) == len(locals_)
    patient = block.rows["patient"]
    assert (patient["twin"] != NONE).sum() > 20 and {0, 1, 2} == set(patient["resident_id"].tolist())
    hospital_and_person = patient["hospital"] << 40 | patient["person"]
    first = dict(zip(hospital_and_person.tolist(), patient["registered"].tolist(), strict=True))
    assert all(first[key] <= start for key, start in zip((visit["hospital"] << 40 | visit["person"]).tolist(), visit["start"].tolist(), strict=True))


def test_a_closed_hospital_has_no_visits_and_a_moved_one_two_rows(world: World) -> None:
    hospitals = world.places.hospitals
    closed = np.flatnonzero(hospitals.closed != NONE)
    moved = np.flatnonzero(hospitals.moved != NONE)
    assert len(closed) == 1 and len(moved) == 1
    for number in range(world.blocks):
        visit = world.block(number).rows["visit"]
        there = visit.take(visit["hospital"] == closed[0])
        assert len(there) > 0 and (there["start"] // DAY <= hospitals.closed[closed[0]]).all() and (there["end"] // DAY <= hospitals.closed[closed[0]]).all()
    rows = list(csv.DictReader(io.StringIO(world.organisations())))
    assert tuple(rows[0]) == COLUMNS and rows[0]["parent"] == ""
    assert {row["parent"] for row in rows} - {""} <= {row["organisation_id"] for row in rows}
    history = [row for row in rows if row["organisation_id"] == hospitals.codes[moved[0]]]
    assert len(history) == 2 and history[0]["parent"] != history[1]["parent"] and history[0]["valid_to"] < history[1]["valid_from"]
    assert sum(1 for row in rows if row["level"] == "hospital" and row["valid_to"] and row["organisation_id"] == hospitals.codes[closed[0]]) == 1
    assert set(hospitals.system.tolist()) == {0, 1, 2, 3}


def test_doctors_of_visits_are_doctors_of_the_hospital(world: World, block: Block) -> None:
    visit = block.rows["visit"]
    for hospital in range(len(world.places.hospitals)):
        staff = doctors(SETTINGS, world.knowledge, world.places, hospital)
        assert set(visit["doctor"][visit["hospital"] == hospital].tolist()) <= set(staff["number"].tolist())
        assert (staff["department"] == staff["number"] // MOST_DOCTORS).all()


def test_diagnoses_are_ranked_once_a_visit_and_fit_the_sex(world: World, block: Block) -> None:
    diagnosis, visit, person = block.rows["diagnosis"], block.rows["visit"], block.rows["person"]
    at = np.searchsorted(visit["visit"], diagnosis["visit"])
    assert (diagnosis["rank"] == 0).sum() == len(visit)
    assert len(np.unique(diagnosis["visit"] * 1000 + diagnosis["condition"])) == len(diagnosis)
    assert (diagnosis["time"] >= visit["start"][at]).all()
    assert ((visit["end"][at] == NONE) | (diagnosis["time"] <= visit["end"][at])).all()
    sex = person["sex"][visit["person"][at] - person["person"][0]]
    codes = np.array(world.knowledge.conditions.codes)[diagnosis["condition"]]
    assert (sex[np.char.startswith(codes, "O")] == 2).all() and (sex[codes == "C61"] == 1).all()
    cancer = world.knowledge.conditions.kind[diagnosis["condition"]] == 4
    assert set(diagnosis["stage"][cancer & (diagnosis["rank"] > 0)].tolist()) <= {1, 2, 3, 4}


def test_mothers_are_women_of_an_age_to_bear_and_bear_in_hospital(world: World, block: Block) -> None:
    person, visit, diagnosis = (block.rows[name] for name in ("person", "visit", "diagnosis"))
    child = person.take((person["mother"] != NONE) & (person["born"] >= SETTINGS.first))
    mother = child["mother"] - person["person"][0]
    age = (child["born"] - person["born"][mother]) / 365.25
    assert (person["sex"][mother] == 2).all() and age.min() > 18 and age.max() < 46.5
    assert (person["family"][mother] == child["family"]).all()
    births = np.isin(np.array(world.knowledge.conditions.codes)[diagnosis["condition"]], ("O80", "O82", "O14", "O42")) & (diagnosis["rank"] == 0)
    delivered = visit.take(np.isin(visit["visit"], diagnosis["visit"][births]) & np.isin(visit["kind"], STAYS))
    assert len(delivered) > 0.85 * len(child)


def test_cards_are_of_reportable_conditions_and_outbreaks_lie_where_and_when_planned(world: World) -> None:
    conditions, plan = world.knowledge.conditions, world.outbreaks
    cards = [world.block(number).rows["case_report"] for number in range(world.blocks)]
    card = {name: np.concatenate([one[name] for one in cards]) for name in cards[0].columns}
    assert (conditions.reportable[card["condition"]] > 0).all() and len(np.unique(card["report"])) == len(card["report"])
    assert (card["onset"] * DAY <= card["diagnosed"]).all() and (card["diagnosed"] < card["reported"]).all()
    assert card["reported"].max() < (SETTINGS.last + 1) * DAY
    ill = card["outbreak"] != NONE
    of = card["outbreak"][ill]
    assert ill.sum() > 30 and (card["condition"][ill] == plan.condition[of]).all()
    assert ((card["onset"][ill] >= plan.start[of]) & (card["onset"][ill] < plan.start[of] + plan.days[of])).all()
    assert set(plan.shape.tolist()) <= set(range(len(SHAPES)))


def test_the_pyramid_is_near_the_census(block: Block) -> None:
    person = block.rows["person"]
    age = (SETTINGS.first - person["born"][person["born"] < SETTINGS.first]) // 365.25
    shares = [((age >= first) & (age <= last)).mean() for first, last in ((0, 14), (15, 59), (60, 200), (65, 200))]
    assert shares == pytest.approx([0.1795, 0.6335, 0.1870, 0.1350], abs=0.01)  # 2020 census


def test_totals_are_near_those_aimed_at(block: Block) -> None:
    visit, years = block.rows["visit"], _person_years(block)
    rate = {kind: float((visit["kind"] == place).sum()) / years for place, kind in enumerate(VISIT_KINDS)}
    assert rate["outpatient"] == pytest.approx(3.0, abs=0.4)
    assert rate["emergency"] == pytest.approx(0.35, abs=0.06)
    assert rate["inpatient"] + rate["day case"] == pytest.approx(0.17, abs=0.02)
    assert rate["check-up"] == pytest.approx(0.3, abs=0.05)
    assert len(block.rows["diagnosis"]) / len(visit) == pytest.approx(1.4, abs=0.1)
    deaths = (block.rows["person"]["died"] != NONE).sum() / years
    assert deaths == pytest.approx(0.0079, abs=0.0015)


def test_seasons_show(world: World, block: Block) -> None:
    diagnosis, visit = block.rows["diagnosis"], block.rows["visit"]
    at = np.searchsorted(visit["visit"], diagnosis["visit"])
    month = (visit["start"][at] // DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    flu = np.bincount(month[(diagnosis["condition"] == world.knowledge.conditions.place("J10")) & (diagnosis["rank"] == 0)], minlength=12)
    mouth = np.bincount(month[(diagnosis["condition"] == world.knowledge.conditions.place("B08.4")) & (diagnosis["rank"] == 0)], minlength=12)
    assert flu[[11, 0, 1]].sum() > 3 * flu[[5, 6, 7]].sum() and mouth[[4, 5, 6]].sum() > 3 * mouth[[11, 0, 1]].sum()


def test_knowledge_is_whole() -> None:
    knowledge = read_knowledge()
    conditions = knowledge.conditions
    assert len(conditions.codes) >= 150 and len(set(conditions.codes)) == len(conditions.codes)
    assert conditions.incidence.shape == (2, len(BANDS), len(conditions.codes))
    for name in ("emergency", "observation", "admission", "day_case", "readmission", "planned", "transfer", "confirmed"):
        assert getattr(conditions, name).min() >= 0 and getattr(conditions, name).max() <= 1000, name
    assert all(0 < share <= 1000 for asked in (conditions.labs, conditions.drugs, conditions.procedures, conditions.exams) for one in asked for _, share in one)
    assert ((conditions.admission == 0) | (conditions.stay > 0)).all()
    assert set(conditions.level.tolist()) <= {1, 2, 3}


@pytest.mark.parametrize("hospitals", [1, 2, 3, 7])
def test_small_regions_work(hospitals: int) -> None:
    world = World(Settings(hospitals=hospitals, persons=300, years=1, seed=2))
    block = world.block(0)
    assert set(block.rows["visit"]["hospital"].tolist()) <= set(range(hospitals)) and len(block.rows["visit"]) > 300
    assert world.organisations().count("\n") >= hospitals + 3


@pytest.mark.parametrize("wrong", [{"hospitals": 0}, {"persons": 0}, {"years": 99}, {"seed": -1}, {"last_day": date(1900, 1, 1)}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SuwenError) as refused:
        Settings(**wrong)  # type: ignore[arg-type]
    assert refused.value.expected
