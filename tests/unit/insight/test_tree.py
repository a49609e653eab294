"""The closure of the organisation tree, held against walking up from each organisation on each day."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from suwen.base.errors import Place
from suwen.insight.indicator.tree import FOREVER, Kin, closure
from suwen.model.region import FIRST_DAY, Organisation

START = date(2024, 1, 1)
SPAN = 12


def row(name: str, parent: str = "", first: date = FIRST_DAY, last: date | None = None) -> Organisation:
    return Organisation(name, Place("organisations.csv"), name, name, parent, "", "", "", "UTC", first, last)


@st.composite
def histories(draw: st.DrawFn) -> list[Organisation]:
    """Organisations O0, O1 ... with periods that do not overlap; a parent has a smaller number, or is not there at all."""
    rows = []
    for number in range(draw(st.integers(1, 6))):
        at = draw(st.integers(-2, 6))
        for _ in range(draw(st.integers(1, 3))):
            length, gap = draw(st.integers(1, 6)), draw(st.integers(0, 2))
            parent = draw(st.sampled_from(["", "O9", *(f"O{one}" for one in range(number))]))
            last = None if draw(st.booleans()) and at + length > SPAN else START + timedelta(days=at + length - 1)
            rows.append(row(f"O{number}", parent, START + timedelta(days=at), last))
            at += length + gap
            if last is None:
                break
    return rows


def walked(rows: Sequence[Organisation], day: date) -> set[tuple[str, str, int]]:
    """(ancestor, descendant, depth) on a day, by walking up."""
    held = {one.organisation_id: one for one in rows if one.valid_from <= day and (one.valid_to is None or day <= one.valid_to)}
    found = set()
    for name in held:
        above: str | None = name
        depth = 0
        while above in held:
            found.add((above, name, depth))
            above, depth = held[above].parent, depth + 1
    return found


@given(histories())
def test_the_closure_says_of_every_day_what_walking_up_says(rows: list[Organisation]) -> None:
    kins = closure(rows)
    for day in (START + timedelta(days=at) for at in range(-4, 3 * SPAN)):
        assert {(k.ancestor, k.descendant, k.depth) for k in kins if k.first <= day < k.after} == walked(rows, day)


@given(histories())
def test_periods_of_a_pair_neither_meet_nor_overlap(rows: list[Organisation]) -> None:
    kins = closure(rows)
    assert list(kins) == sorted(kins)
    assert all(kin.first < kin.after for kin in kins)
    for one, other in pairwise(kins):
        assert (one.ancestor, one.descendant, one.depth) != (other.ancestor, other.descendant, other.depth) or one.after < other.first


def test_a_hospital_that_moves_and_closes() -> None:
    rows = [
        row("P"),
        row("D1", "P"),
        row("D2", "P", last=date(2024, 12, 31)),
        row("H", "D1", last=date(2024, 6, 30)),
        row("H", "D2", date(2024, 7, 1), date(2025, 3, 31)),
    ]
    moved, closed, shut = date(2024, 7, 1), date(2025, 4, 1), date(2025, 1, 1)
    assert [k for k in closure(rows) if k.descendant == "H"] == [
        Kin("D1", "H", 1, FIRST_DAY, moved),
        Kin("D2", "H", 1, moved, shut),
        Kin("H", "H", 0, FIRST_DAY, closed),
        Kin("P", "H", 2, FIRST_DAY, shut),
    ]
    assert Kin("P", "D1", 1, FIRST_DAY, FOREVER) in closure(rows)
