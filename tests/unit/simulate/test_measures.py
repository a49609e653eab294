"""Measured values follow the ranges and the diseases they were given."""

from __future__ import annotations

import math

import numpy as np
import pytest

from suwen.simulate.catalogue import Catalogue, read_catalogue
from suwen.simulate.course import Course, counted_in, spread
from suwen.simulate.knowledge import read_knowledge
from suwen.simulate.measures import EXP_LEAST, EXP_ONE, LINEAR, LOG, exponential
from suwen.simulate.measuring import Values, measured
from suwen.simulate.shapes import NONE, Ints
from suwen.simulate.stems import named

PEOPLE = 20_000


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(read_knowledge().conditions)


def people(condition: int, sex: int = 1, age: int = 40) -> Course:
    """Persons of one sex and age with one disease, each in one visit."""
    number = np.arange(PEOPLE, dtype=np.int64)
    nothing, same = np.zeros(0, dtype=np.int64), np.full(PEOPLE, 1000, dtype=np.int64)
    none = np.zeros(PEOPLE, dtype=np.bool_)
    conditions = np.stack([np.full(PEOPLE, condition), np.full(PEOPLE, NONE), np.full(PEOPLE, NONE)], axis=1)
    return Course(
        1, 2**40, number, number, np.full(PEOPLE, sex), np.full(PEOPLE, age), number * 0, number * 0, number * 0, none, same, none, number, number,
        np.stack([number, number], axis=1), conditions, number * 0, same, nothing, nothing, np.zeros(0, dtype=np.bool_),
    )  # fmt: skip


def values(catalogue: Catalogue, code: str, condition: str = "", sex: int = 1, age: int = 40) -> Values:
    course = people(catalogue.conditions.index(condition) if condition else NONE, sex, age)
    item: Ints = np.full(PEOPLE, catalogue.labs.place(code), dtype=np.int64)
    return measured(catalogue.labs, course, "result", course.visit, item, course.visit, np.full(PEOPLE, 1000, dtype=np.int64))


@pytest.mark.parametrize(("code", "sex"), [("HGB", 1), ("HGB", 2), ("WBC", 1), ("ALT", 1), ("ALT", 2), ("CREA", 1), ("K", 1), ("NA", 2), ("PLT", 2)])
def test_the_middle_95_per_cent_of_the_healthy_are_in_the_range(catalogue: Catalogue, code: str, sex: int) -> None:
    abnormal = values(catalogue, code, sex=sex).abnormal
    assert 0.935 < (abnormal == 0).mean() < 0.965
    assert abs((abnormal == 1).mean() - (abnormal == 2).mean()) < 0.012


def test_haemoglobin_of_men_has_the_middle_and_the_spread_of_its_range(catalogue: Catalogue) -> None:
    value = values(catalogue, "HGB").value
    assert abs(value.mean() - (130 + 175) / 2) < 0.3
    assert abs(value.std() - (175 - 130) / 3.92) < 0.2


def test_diseases_move_results(catalogue: Catalogue) -> None:
    assert np.median(values(catalogue, "HBA1C", "E11").value) > 70
    assert (values(catalogue, "HGB", "D50", sex=2).abnormal == 2).mean() > 0.9
    assert (values(catalogue, "CRP", "J18").abnormal == 1).mean() > 0.5
    assert np.median(values(catalogue, "TSH", "E05").value) < 20
    assert abs((values(catalogue, "FLUA", "J10").value == 1).mean() - 0.62) < 0.015
    assert (values(catalogue, "FLUA").value == 1).mean() < 0.03


def test_answers_are_among_those_of_the_item(catalogue: Catalogue) -> None:
    for condition in ("B18", "B20", "C11", "N76", ""):
        for code in ("HBSAG", "HBSAB", "HBCAB", "HBEAB", "HIVAB", "VCLEAN", "UPRO", "EBVVCA"):
            found = values(catalogue, code, condition)
            assert found.value.min() >= 0 and found.value.max() < len(catalogue.labs.answers[catalogue.labs.place(code)]), (code, condition)
    assert abs((values(catalogue, "HBCAB", "B18").value == 1).mean() - 0.97) < 0.01


def test_small_values_are_told_as_below_the_limit(catalogue: Catalogue) -> None:
    found = values(catalogue, "CRP")
    limit = int(catalogue.labs.detection[catalogue.labs.place("CRP")])
    assert limit == 5
    assert (found.value >= limit).all()
    assert (found.value[found.below == 1] == limit).all()
    assert 0.05 < found.below.mean() < 0.4


def test_the_exponential_is_the_exponential() -> None:
    table = exponential()
    assert all(abs(int(table[x - EXP_LEAST]) - EXP_ONE * math.exp(x / 1000)) < 1 for x in range(-14_000, 9_001, 250))


def test_every_item_has_a_scale_its_columns_fit(catalogue: Catalogue) -> None:
    labs = catalogue.labs
    for place, code in enumerate(labs.codes):
        numeric = labs.scale[place] in (LINEAR, LOG)
        assert numeric != bool(labs.answers[place]), code
        assert len(labs.answers[place]) == len(labs.answers_en[place]), code
        assert bool(labs.other_unit[place]) == bool(labs.other_factor[place]), code
        if labs.answers[place] and labs.from_person[place] == NONE:
            assert labs.weights[place].sum() == 1000, code
            assert np.count_nonzero(labs.weights[place]) == len(labs.answers[place]), code


def test_stems_name_codes_and_ranges() -> None:
    assert named("J12-J18|U07", "J18.9") and named("J12-J18|U07", "U07.1") and named("A", "A09")
    assert not named("J12-J18", "J19") and not named("", "J18") and not named("B17.1", "B17.2")


def test_groups_are_spread_and_counted() -> None:
    which, entry = spread(np.array([10, 20, 30]), np.array([2, 0, 3]))
    assert which.tolist() == [0, 0, 2, 2, 2] and entry.tolist() == [10, 11, 30, 31, 32]
    assert counted_in(np.array([5, 5, 7, 7, 7, 9])).tolist() == [0, 1, 0, 1, 2, 0]


def test_fee_items_are_those_of_the_front_page(catalogue: Catalogue) -> None:
    assert len(catalogue.fees.codes) == 28 and catalogue.fees.codes[0] == "D11" and catalogue.fees.codes[-1] == "D34"
    assert catalogue.fees.codes[int(catalogue.fee_parent[catalogue.fees.place("D23x01")])] == "D23"
    assert len(set(catalogue.charges.codes)) == len(catalogue.charges.codes)
    assert (catalogue.charges.price > 0).all()
