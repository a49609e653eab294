"""Cells of points after any sequence of runs are those counted by hand from the stored rows, and those of a rebuild; and only touched ones are made again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.model.receipt import State
from tests.property.point_world import PointWorld, expected_cells, full, stored_cells

Step = Callable[[PointWorld], object]
DAYS = [f"2024-{month:02d}-{day:02d}" for month in (1, 2, 3) for day in (1, 2, 15, 28)]
NUMBERS = ["", "n1", "n2"]


@contextmanager
def world() -> Iterator[PointWorld]:
    with tempfile.TemporaryDirectory(prefix="suwen-") as folder:
        yield PointWorld.new(Path(folder) / "region")


def check(found: PointWorld) -> None:
    opened = found.opened()
    assert stored_cells(opened) == expected_cells(opened, found.third)


def rebuilt(found: PointWorld, into: Path) -> PointWorld:
    shutil.copytree(found.folder, into, ignore=shutil.ignore_patterns("lake", "outbox"))
    run(open_region(into))
    return PointWorld(into, found.third)


OPS = st.sampled_from(["U", "U", "U", "D"])
patients = st.tuples(st.integers(1, 3), st.sampled_from(NUMBERS), OPS).map(lambda t: f"p{t[0]},{t[1]},{t[2]}")
stays = st.tuples(st.integers(1, 5), st.integers(1, 3), st.sampled_from(DAYS), st.sampled_from([*DAYS, ""]), OPS).map(
    lambda t: f"s{t[0]},p{t[1]},{t[2]},{max(t[2], t[3]) if t[3] else ''},1,{t[4]}"
)
ways = st.tuples(st.integers(1, 5), st.integers(1, 3), st.sampled_from(DAYS), st.sampled_from("15"), OPS).map(lambda t: f"s{t[0]},p{t[1]},{t[2]},{t[3]},{t[4]}")
acts = st.tuples(
    st.integers(1, 5), st.integers(1, 3), st.integers(1, 5), st.sampled_from(DAYS), st.sampled_from("xy"), st.sampled_from(["", "3", "7"]), OPS
).map(lambda t: f"a{t[0]},p{t[1]},s{t[2]},{t[3]},{t[4]},{t[5]},{t[6]}")


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, object]:
    what = draw(st.sampled_from(["deliver"] * 6 + ["move", "declare", "decide"]))
    if what == "deliver":
        kinds = {"patients": patients, "stays": stays, "ways": ways, "acts": acts}
        wanted = draw(st.sets(st.sampled_from(sorted(kinds)), min_size=1))
        return what, (draw(st.sampled_from("abc")), {kind: draw(st.lists(kinds[kind], min_size=1, max_size=4)) for kind in sorted(wanted)})
    if what == "move":
        return what, (draw(st.sampled_from("abc")), draw(st.sampled_from(["H1", "H2", "H3"])))
    if what == "declare":
        return what, draw(st.integers(0, 2))
    return what, (draw(st.integers(1, 6)), draw(st.sampled_from([State.WITHDRAWN, State.ACCEPTED])))


def act(found: PointWorld, step: tuple[str, object]) -> None:
    what, how = step
    if what == "deliver":
        feed, kinds = how  # type: ignore[misc]
        found.deliver(feed, **kinds)
    elif what == "move":
        found.move(*how)  # type: ignore[misc]
    elif what == "declare":
        found.declare(how)  # type: ignore[arg-type]
    elif how[0] <= found.delivered:  # type: ignore[index]
        found.decide(*how)  # type: ignore[misc]


Runs = list[list[tuple[str, object]]]
RUNS = st.lists(st.lists(steps(), min_size=1, max_size=3), min_size=2, max_size=4)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(RUNS)
def test_cells_after_any_runs_are_those_counted_by_hand_and_those_of_a_rebuild(runs: Runs) -> None:
    after_any(runs)


@pytest.mark.deep
@settings(max_examples=100, deadline=None, derandomize=False, suppress_health_check=list(HealthCheck))
@given(RUNS)
def test_cells_after_many_more_runs(runs: Runs) -> None:
    after_any(runs)


def after_any(runs: Runs) -> None:
    with world() as found, tempfile.TemporaryDirectory(prefix="suwen-") as other:
        full(found)
        found.run()
        check(found)
        for some in runs:
            for step in some:
                act(found, step)
            found.run()
            check(found)
        again = rebuilt(found, Path(other) / "again")
        assert stored_cells(again.opened()) == stored_cells(found.opened())


CHANGES = {
    "a stay corrected": (lambda w: w.deliver("a", stays=["s3,p3,2024-03-01,2024-03-16,1,U"]), {("H1", "2024-03")}),
    "a stay moved to another month": (lambda w: w.deliver("b", stays=["s3,p3,2024-02-01,2024-02-16,1,U"]), {("H2", "2024-02"), ("H2", "2024-03")}),
    "a stay deleted": (lambda w: w.deliver("c", stays=["s3,p3,2024-03-01,2024-03-15,1,D"]), {("H3", "2024-03")}),
    "a way to leave told later": (lambda w: w.deliver("a", ways=["s3,p3,2024-03-01,5,U"]), {("H1", "2024-03")}),
    "an act of another month than its stay": (lambda w: w.deliver("a", acts=["a5,p3,s3,2024-02-15,y,7,U"]), {("H1", "2024-02"), ("H1", "2024-03")}),
    "nothing that counts": (lambda w: w.deliver("a", patients=["p9,,U"]), set()),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_makes_only_touched_cells_again(name: str) -> None:
    change, touched = CHANGES[name]
    with world() as found:
        full(found)
        found.run()
        before = stored_cells(found.opened())
        change(found)
        report = found.run()
        opened = found.opened()
        check(found)
        made = stored_cells(opened, report.release)
        months = {(key[1], f"{key[3] // 12}-{key[3] % 12 + 1:02d}") for key in made}
        assert months <= touched
        after = stored_cells(opened)
        assert {key for key in after.keys() | before.keys() if after.get(key) != before.get(key)} <= {
            key for key in after.keys() | before.keys() if (key[1], f"{key[3] // 12}-{key[3] % 12 + 1:02d}") in touched
        }


def test_links_that_come_and_go_touch_the_stays_of_their_humans_alone() -> None:
    with world() as found:
        full(found)
        found.run()
        found.deliver("a", patients=["p3,n2,U"])  # now the same human as p2 of all hospitals
        report = found.run()
        check(found)
        made = {(*key[:2], key[3]) for key in stored_cells(found.opened(), report.release) if key[0] == "AA01.06"}
        assert made and {(place[1]) for place in made} <= {"H1", "H2", "H3"}
        found.deliver("a", patients=["p3,,U"])
        found.run()
        check(found)


def test_a_new_indicator_is_filled_back_and_one_that_went_leaves_nothing() -> None:
    with world() as found:
        full(found)
        found.run()
        for third in (1, 2, 0):
            found.declare(third)
            report = found.run()
            check(found)
            made = {key[0] for key in stored_cells(found.opened(), report.release)}
            assert made == ({"AA03.01"} if third else set())


def test_a_region_without_indicators_keeps_no_cells() -> None:
    with world() as found:
        shutil.rmtree(found.folder / "packs" / "wards" / "indicator")
        full(found)
        report = found.run()
        assert "state/point_cell" not in found.opened().release.tables
        assert report.release == 1


OF_A_STAY = ("AA01.01", "AA01.02", "AA01.03", "AA01.04", "AA01.05")
EVENTS: dict[str, tuple[Step, set[tuple[str, str, str]]]] = {
    "a stay that goes": (
        lambda w: w.deliver("a", stays=["s3,p3,2024-03-01,2024-03-15,1,D"]),
        {("visits", "H1", "2024-03-01"), ("visits", "H1", "2024-03-15"), *((code, "H1", "2024-03-15") for code in OF_A_STAY)},
    ),
    "a stay that moves": (
        lambda w: w.deliver("a", stays=["s3,p3,2024-02-10,2024-02-12,1,U"]),
        {("visits", "H1", day) for day in ("2024-03-01", "2024-03-15", "2024-02-10", "2024-02-12")}
        | {(code, "H1", day) for code in OF_A_STAY for day in ("2024-03-15", "2024-02-12")},
    ),
    "a stay told again": (lambda w: w.deliver("a", stays=["s3,p3,2024-03-01,2024-03-15,1,U"]), set()),
    "an act more in the same session": (lambda w: w.deliver("b", acts=["a9,p2,s2,2024-01-28,y,,U"]), set()),
    "an act more in a session of its own": (
        lambda w: w.deliver("b", acts=["a9,p2,s2,2024-01-28,z,7,U"]),
        {("AA02.01", "H2", "2024-02-02"), ("AA02.02", "H2", "2024-02-02"), ("AA01.02", "H2", "2024-02-02")},
    ),
    "a stay that is followed no more": (
        lambda w: w.deliver("c", stays=["s4,p1,2024-02-16,,1,U"]),
        {("visits", "H3", "2024-02-10"), ("visits", "H3", "2024-02-16")},
    ),
    "a death": (lambda w: w.deliver("c", ways=["s1,p1,2024-01-01,5,U"]), {("AA01.07", "H3", "2024-01-15")}),
}


@pytest.mark.parametrize("name", EVENTS)
def test_one_event_changes_exactly_its_own_cells(name: str) -> None:
    """The stays of p1 are followed by s4 of all three hospitals, so that one of these may go without any readmission going."""
    change, expected = EVENTS[name]
    with world() as found:
        full(found)
        found.run()
        before = stored_cells(found.opened())
        change(found)
        found.run()
        after = stored_cells(found.opened())
        assert {(key[0], key[1], key[2].isoformat()) for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == expected
