"""Care: what happens in the visits adds up, stays in its time, and is the same however the persons are put into blocks."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.simulate.care import care
from suwen.simulate.catalogue import Catalogue, read_catalogue
from suwen.simulate.course import DAY, INPATIENT
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, TABLES, Block
from suwen.simulate.world import World

CARE = ("procedure", "order", "result", "vital", "report", "charge", "settlement")
SETTINGS = Settings(hospitals=6, persons=4_000, years=1, seed=7)


@pytest.fixture(scope="module")
def before() -> Block:
    return World(SETTINGS).block(0)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(World(SETTINGS).knowledge.conditions)


@pytest.fixture(scope="module")
def block(before: Block, catalogue: Catalogue) -> Block:
    return care(catalogue, SETTINGS, before)


def test_every_table_is_there_in_its_shape(block: Block) -> None:
    assert set(block.rows) == set(TABLES)
    assert all(set(rows.columns) == set(TABLES[name]) for name, rows in block.rows.items())
    assert all(len(block.rows[name]) > 0 for name in CARE)


def test_charges_are_quantity_times_price_and_add_up_to_the_settlement(block: Block) -> None:
    charge, settlement = block.rows["charge"], block.rows["settlement"]
    product = np.abs(charge["quantity"]) * charge["price"]
    assert (np.abs(charge["amount"]) == (product + 50) // 100).all()
    assert (np.sign(charge["amount"]) == np.sign(charge["quantity"])).all()
    assert (np.abs(charge["insured"]) <= np.abs(charge["amount"])).all()
    totals: dict[int, list[int]] = {}
    for visit, amount, insured in zip(charge["visit"].tolist(), charge["amount"].tolist(), charge["insured"].tolist(), strict=True):
        sums = totals.setdefault(visit, [0, 0])
        sums[0] += amount
        sums[1] += insured
    for visit, total, insured, own in zip(*(settlement[name].tolist() for name in ("visit", "total", "insured", "own")), strict=True):
        assert totals[visit] == [total, insured]
        assert own == total - insured >= 0


def test_who_is_still_in_hospital_has_charges_but_no_settlement(block: Block) -> None:
    visit = block.rows["visit"]
    still = visit["visit"][(visit["kind"] == INPATIENT) & (visit["end"] == NONE)]
    assert len(still)
    assert np.isin(still, block.rows["charge"]["visit"]).any()
    assert not np.isin(still, block.rows["settlement"]["visit"]).any()


def test_a_charge_that_is_taken_back_is_the_opposite_of_an_earlier_one(block: Block) -> None:
    charge = block.rows["charge"]
    back = charge.take(charge["reverses"] != NONE)
    order = np.argsort(charge["charge"])
    original = charge.take(order[np.searchsorted(charge["charge"], back["reverses"], sorter=order)])
    assert len(back) > 5
    assert (original["charge"] == back["reverses"]).all()
    assert (original["amount"] == -back["amount"]).all()
    assert (original["insured"] == -back["insured"]).all()
    assert (original["item"] == back["item"]).all()
    assert (original["time"] <= back["time"]).all()


def test_numbers_are_unique(block: Block) -> None:
    for table, column in (("order", "order"), ("report", "report"), ("charge", "charge")):
        numbers = block.rows[table][column]
        assert len(np.unique(numbers)) == len(numbers)
    result = block.rows["result"]
    assert len(np.unique(result["sample"] * 1000 + result["item"])) == len(result)


def test_nothing_happens_before_the_visit_or_after_the_last_day(block: Block) -> None:
    visit, cutoff = block.rows["visit"], (SETTINGS.last + 1) * DAY
    begins = dict(zip(visit["visit"].tolist(), visit["start"].tolist(), strict=True))
    times = {"procedure": "time", "order": "start", "result": "sampled", "vital": "time", "report": "performed", "charge": "time", "settlement": "time"}
    for table, column in times.items():
        rows = block.rows[table]
        start = np.array([begins[number] for number in rows["visit"].tolist()])
        assert (rows[column] >= start).all(), table
        assert (rows[column] < cutoff).all(), table
    assert (block.rows["result"]["reported"] < cutoff).all()
    assert (block.rows["report"]["reported"] < cutoff).all()


def test_in_a_stay_nothing_happens_after_discharge(block: Block) -> None:
    visit = block.rows["visit"]
    ended = visit.take((visit["kind"] == INPATIENT) & (visit["end"] != NONE))
    ends = dict(zip(ended["visit"].tolist(), ended["end"].tolist(), strict=True))
    for table, column in (("procedure", "time"), ("order", "end"), ("result", "sampled"), ("vital", "time"), ("report", "performed"), ("charge", "time")):
        rows = block.rows[table]
        inside = np.array([rows[column][at] <= ends.get(number, 2**62) for at, number in enumerate(rows["visit"].tolist())])
        assert inside.all(), table


def test_entries_into_theatre(catalogue: Catalogue) -> None:
    """What is done in one begins together; who comes back does so once, in a stay, and only operations are done there."""
    many = Settings(hospitals=6, persons=16_000, years=1, seed=7)
    block = care(catalogue, many, World(many).block(0))
    procedure, visit = block.rows["procedure"], block.rows["visit"]
    operation = catalogue.procedures.operation[procedure["procedure"]] == 1
    assert ((procedure["session"] != NONE) == operation).all()
    begun: dict[tuple[int, int], set[int]] = {}
    for number, session, time in zip(*(procedure[name][operation].tolist() for name in ("visit", "session", "time")), strict=True):
        begun.setdefault((number, session), set()).add(time)
    assert all(len(times) == 1 for times in begun.values()) and len(begun) < operation.sum()
    again = {number: min(begun[number, 2]) - min(begun[number, 1]) for number, session in begun if session == 2}
    assert {session for _, session in begun} == {1, 2} and all(hours >= 4 * 3600 for hours in again.values())
    unplanned = procedure.take(procedure["unplanned"] == 1)
    assert set(unplanned["session"].tolist()) == {2} and set(unplanned["visit"].tolist()) < set(again)
    assert set(visit["kind"][np.isin(visit["visit"], list(again))].tolist()) == {INPATIENT}


def test_care_depends_on_the_visit_alone(before: Block, block: Block, catalogue: Catalogue) -> None:
    visits = before.rows["visit"]["visit"][::3]
    some = Block(0, {**before.rows, **{name: before.rows[name].take(np.isin(before.rows[name]["visit"], visits)) for name in ("visit", "diagnosis")}})
    alone = care(catalogue, SETTINGS, some)
    for table in CARE:
        expected = block.rows[table].take(np.isin(block.rows[table]["visit"], visits))
        assert all((alone.rows[table][name] == expected[name]).all() for name in TABLES[table]), table


def test_a_block_without_visits_has_empty_tables(before: Block, catalogue: Catalogue) -> None:
    nobody = Block(0, {**before.rows, **{name: before.rows[name].take(np.zeros(0, dtype=np.int64)) for name in ("visit", "diagnosis")}})
    assert all(len(care(catalogue, SETTINGS, nobody).rows[table]) == 0 for table in CARE)


def test_total_protein_is_albumin_and_globulin(block: Block, catalogue: Catalogue) -> None:
    result = block.rows["result"]
    values = {
        name: dict(zip(*(result.take(result["item"] == catalogue.labs.place(name))[c].tolist() for c in ("sample", "value")), strict=True))
        for name in ("TP", "ALB", "GLB")
    }
    assert values["TP"]
    assert all(total == values["ALB"][sample] + values["GLB"][sample] for sample, total in values["TP"].items())


def test_blood_groups_are_those_of_the_person(block: Block, catalogue: Catalogue) -> None:
    result, person, visit = block.rows["result"], block.rows["person"], block.rows["visit"]
    blood = dict(zip(person["person"].tolist(), person["blood"].tolist(), strict=True))
    who = dict(zip(visit["visit"].tolist(), visit["person"].tolist(), strict=True))
    groups = result.take(result["item"] == catalogue.labs.place("ABO"))
    assert len(groups)
    assert all(value + 1 == blood[who[number]] for number, value in zip(groups["visit"].tolist(), groups["value"].tolist(), strict=True))


def test_texts_have_the_sides_and_sizes_they_speak_of(block: Block, catalogue: Catalogue) -> None:
    report, exams = block.rows["report"], catalogue.exams
    for exam, finding, side, size in zip(*(report[name].tolist() for name in ("exam", "finding", "side", "size")), strict=True):
        text = exams.texts[exam][finding] + exams.conclusions[exam][finding]
        assert ("{size}" in text) == (size != NONE)
        assert side in (1, 2, 3) if "{side}" in text else side in (0, 3)
