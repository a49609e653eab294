"""A unit's parts: the nearest level at which there are several, and on each day every organisation in one of them."""

from __future__ import annotations

from datetime import date

from suwen.base.errors import Place
from suwen.flow.answer_tree import Tree
from suwen.model.region import FIRST_DAY, Organisation


def organisation(name: str, parent: str, level: str, first: date = FIRST_DAY, last: date | None = None) -> Organisation:
    return Organisation(name, Place("organisations.csv", 1), name, name, parent, level, "", "", "", first, last)


TREE = Tree(
    [
        organisation("P", "", "province"),
        organisation("C", "P", "city"),
        organisation("D1", "C", "district"),
        organisation("D2", "C", "district"),
        organisation("H1", "D1", "hospital"),
        organisation("H2", "D1", "hospital", last=date(2024, 2, 14)),
        organisation("H2", "D2", "hospital", first=date(2024, 2, 15)),
    ],
    ["C", "H1", "H2"],
)


def test_a_province_of_one_city_is_parted_by_its_districts() -> None:
    assert {part for part, _ in TREE.parts("P")} == {"P", "C", "D1", "D2"}
    assert {part for part, _ in TREE.parts("C")} == {"C", "D1", "D2"}
    assert {part for part, _ in TREE.parts("D1")} == {"D1", "H1", "H2"}
    assert {part for part, _ in TREE.parts("H1")} == {"H1"}


def test_on_each_day_an_organisation_is_in_one_part() -> None:
    for unit in TREE.names:
        for day in (date(2024, 2, 14), date(2024, 2, 15)):
            below = sorted(kin.descendant for kin in TREE.below(unit) if kin.first <= day < kin.after)
            assert sorted(kin.descendant for _, kin in TREE.parts(unit) if kin.first <= day < kin.after) == below
    assert [part for part, kin in TREE.parts("P") if kin.descendant == "H2" and kin.first <= date(2024, 2, 15) < kin.after] == ["D2"]
