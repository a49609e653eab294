"""The one decision function: role by action as the manual's table says, subtrees of the dated tree, tokens, and no whenever in doubt."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.base.errors import Place
from suwen.govern.policy.actions import EVERYWHERE, NEVER_BY_TOKEN, ROLES_OF, Action, Role
from suwen.govern.policy.actors import ANYWHERE, NOBODY, OWNER, WHOLE, Actor, Grant, Opening, Resource
from suwen.govern.policy.decisions import action_name, allowed_units, decide, role_name
from suwen.govern.policy.reasons import REASONS
from suwen.govern.policy.tree import Tree
from suwen.model.region import Organisation

# What each role may do, written down a second time and by hand: v viewer, n analyst, s steward, a administrator.
EXPECTED = {
    Action.VALUES: "vnsa",
    Action.CATALOGUE: "vnsa",
    Action.RELEASES: "vnsa",
    Action.TOKENS: "vnsa",
    Action.FEEDS: "nsa",
    Action.RECORDS: "nsa",
    Action.RAW: "nsa",
    Action.QUARANTINE: "sa",
    Action.REPLAY: "sa",
    Action.OPEN_IDENTITY: "sa",
    Action.SEE_IDENTITY: "sa",
    Action.QUERY: "a",
    Action.PEOPLE: "a",
    Action.AUDIT: "a",
}
LETTERS = {"v": Role.VIEWER, "n": Role.ANALYST, "s": Role.STEWARD, "a": Role.ADMINISTRATOR}
IN = frozenset({"D1", "H1"})
OPEN = Opening(IN, "a purpose")


def actor(role: Role, **more: object) -> Actor:
    return Actor("someone", active=True, grants=(Grant(role, "D1", IN),), openings=(OPEN,), **more)  # type: ignore[arg-type]


def row(organisation: str, parent: str, first: str, last: str = "") -> Organisation:
    ends = date.fromisoformat(last) if last else None
    return Organisation(organisation, Place("organisations.csv", 1), organisation, organisation, parent, "", "", "", "UTC", date.fromisoformat(first), ends)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("letter", LETTERS)
def test_a_role_may_do_what_the_table_says_within_its_units_alone(action: Action, letter: str) -> None:
    someone, may = actor(LETTERS[letter]), letter in EXPECTED[action]
    assert decide(someone, action, Resource("H1")).allowed == may
    assert decide(someone, action, ANYWHERE).allowed == (may and action is not Action.SEE_IDENTITY)
    for outside in ("H2", WHOLE, "no such unit", "*"):
        assert decide(someone, action, Resource(outside)).allowed == (may and action in EVERYWHERE)


@pytest.mark.parametrize("action", Action)
def test_the_manual_holds_the_same_table(action: Action, root: Path) -> None:
    lines = (root / "docs" / "guide" / "people-and-roles.md").read_text("utf-8").splitlines()
    cells = next(line.split("|") for line in lines if line.startswith(f"| {action_name(action, 'en')} "))
    assert "".join(letter for letter, cell in zip("vnsa", cells[2:6], strict=True) if cell.strip() == "yes") == EXPECTED[action]


@pytest.mark.parametrize("action", Action)
def test_nobody_may_do_anything_and_the_owner_everything(action: Action) -> None:
    assert decide(NOBODY, action, ANYWHERE).code == "POL-010"
    assert decide(OWNER, action, Resource("H1")).code == "POL-002"


@pytest.mark.parametrize(
    ("more", "code"),
    [({"active": False}, "POL-011"), ({"needs_second_factor": True}, "POL-012"), ({"needs_new_password": True}, "POL-015"), ({"grants": ()}, "POL-020")],
)
def test_what_stands_in_the_way(more: dict[str, object], code: str) -> None:
    held = {"name": "someone", "active": True, "grants": (Grant(Role.ADMINISTRATOR, WHOLE, frozenset(), whole=True),)} | more
    found = decide(Actor(**held), Action.VALUES, Resource("H1"))  # type: ignore[arg-type]
    assert (found.allowed, found.code) == (False, code)


@pytest.mark.parametrize("action", Action)
def test_a_token_does_no_more_than_its_scope_and_never_what_belongs_to_a_page(action: Action) -> None:
    assert decide(actor(Role.ADMINISTRATOR, scope=frozenset()), action, Resource("H1")).allowed is False
    whole = decide(actor(Role.ADMINISTRATOR, scope=frozenset(Action)), action, Resource("H1"))
    assert whole.allowed == (action not in NEVER_BY_TOKEN)


def test_identities_are_seen_only_where_they_were_opened() -> None:
    steward = Actor("s", active=True, grants=(Grant(Role.STEWARD, "D1", IN),), openings=(Opening(frozenset({"H1"}), "a purpose", "person 7"),))
    assert decide(steward, Action.SEE_IDENTITY, Resource("H1", "person 7")).allowed
    for elsewhere in (Resource("H1", "person 8"), Resource("H1"), Resource("D1", "person 7")):
        assert decide(steward, Action.SEE_IDENTITY, elsewhere).code == "POL-030"


def test_a_decision_that_breaks_is_a_no() -> None:
    broken = Actor("someone", active=True, grants=(None,))  # type: ignore[arg-type]
    assert decide(broken, Action.VALUES, Resource("H1")).code == "POL-099"
    assert decide(actor(Role.VIEWER), "see everything", Resource("H1")).allowed is False  # type: ignore[arg-type]


@given(
    st.sampled_from(list(Action)), st.lists(st.tuples(st.sampled_from(list(Role)), st.frozensets(st.sampled_from("ABCD"))), max_size=4), st.sampled_from("ABCD")
)
def test_more_roles_never_take_away_and_the_units_allowed_are_those_decided(action: Action, roles: list[tuple[Role, frozenset[str]]], unit: str) -> None:
    grants = tuple(Grant(role, "A", units) for role, units in roles)
    someone = Actor("someone", active=True, grants=grants, openings=(Opening(frozenset("ABCD"), "a purpose"),))
    found = decide(someone, action, Resource(unit)).allowed
    assert all(
        decide(Actor("x", active=True, grants=grants[:n], openings=someone.openings), action, Resource(unit)).allowed <= found for n in range(len(grants))
    )
    if action not in EVERYWHERE:
        units = allowed_units(someone, action)
        assert units is not None and (unit in units) == found


def test_every_reason_is_told_in_both_languages_with_names() -> None:
    someone = Actor("x", active=True, grants=(Grant(Role.VIEWER, "D1", IN),), names={"H2": ("Second Hospital", "第二医院")})
    refused = decide(someone, Action.VALUES, Resource("H2"))
    assert refused.reason("en") == "A role allows this action, but not over Second Hospital."
    assert refused.reason("zh-hans") == "角色允许此操作，但范围不含第二医院。"
    assert all(role_name(role, "zh") != role_name(role, "en") for role in Role)
    assert all(action_name(one, "zh") != action_name(one, "en") for one in Action)
    assert set(ROLES_OF) == set(Action) and REASONS["POL-001"].allowed


def test_the_tree_is_that_of_the_day() -> None:
    rows = [row("P", "", "2000-01-01"), row("D1", "P", "2000-01-01"), row("D2", "P", "2000-01-01"), row("H1", "D1", "2000-01-01", "2024-06-30")]
    rows += [row("H1", "D2", "2024-07-01"), row("H2", "D1", "2000-01-01", "2020-12-31"), row("H3", "D1", "2030-01-01")]
    before, after = Tree(rows, date(2024, 6, 30)), Tree(rows, date(2024, 7, 1))
    assert before.below("D1") == {"D1", "H1", "H2"} and after.below("D1") == {"D1", "H2"}  # what has closed stays where it was
    assert after.below("D2") == {"D2", "H1"} and after.below("P") == {"P", "D1", "D2", "H1", "H2"}
    assert after.below("H3") == after.below("nowhere") == frozenset() and after.path("H1") == ["P", "D2", "H1"]
