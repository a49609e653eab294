"""Random and fixed histories of deliveries: after every run Suwen's repository is that of the plain model, in whatever order things came."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.property import packs
from tests.property.histories import FEBRUARY, HISTORIES, JANUARY
from tests.property.world import FEEDS, JUNK, Deliver, Fields, Mend, Run, Step, World, after, content, play, reordered

EXAMPLES = int(os.environ.get("SUWEN_HISTORIES", "6"))  # a run costs about a second: `SUWEN_HISTORIES=200` for a night
DEEP = int(os.environ.get("SUWEN_DEEP_HISTORIES", "150"))

# What each column may say: few values, so that keys meet, contents repeat and references hit.
SAID = {
    "ID": ("p1", "p1", "p2", "p3"),
    "SEX": ("M", "F", "", "U"),
    "BIRTH": ("1980-01-01", "1980-01-01", "1990-05-05", "19700202", "bad", ""),
    "CITY": ("", "X", "Y"),
    "PAT": ("p1", "p1", "p2", "p3", ""),
    "BEGIN": ("2024-01-05", "2024-01-05", "2024-02-10", "?"),
    "UNTIL": ("", "2024-02-12"),
    "SEQ": ("", "", "1", "2"),
    "STAY": ("v1", "v1", "v2", "v3", ""),
    "CODE1": ("A", "A", "B", ""),
    "CODE2": ("", "", "A"),
    "RACE": ("", "R", "S"),
    "DIED": ("", "", "2024-02-03", "x"),
    "DAY": ("2024-01-06", "2024-01-06", "2024-02-11", ""),
    "CODE": ("T1", "T2", "T3", ""),
    "RESULT": ("", "5"),
    "OP": ("", "", "", "D"),
}
SAID |= {"PID": SAID["ID"], "CNO": SAID["STAY"], "TID": ("t1", "t1", "t2", "")}
STAYS = {**SAID, "ID": ("v1", "v1", "v2", "v3")}


def records(kind: str) -> st.SearchStrategy[Fields]:
    said = STAYS if kind == "stays" else SAID
    good = st.tuples(*(st.sampled_from(said[c]) for c in packs.COLUMNS[kind]))
    return st.one_of(good, good, good, good, good, st.just(("p1", "too", "few")[: len(packs.COLUMNS[kind]) - 1]))


def files(template: str) -> st.SearchStrategy[dict[str, list[Fields]]]:
    kinds = {k: st.lists(records(k), max_size=4) for k in packs.KINDS[template]}
    junk = st.just({JUNK: [("1", "2")]})
    some = st.fixed_dictionaries({}, optional=kinds).filter(bool)
    return st.one_of(*[some] * 12, junk)


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Deliveries of distinct days with runs between them, templates mended in their course, and a run at the end."""
    days = iter(draw(st.permutations(range(1, 10))))
    steps: list[Step] = []
    for what in draw(st.lists(st.sampled_from(("deliver", "deliver", "deliver", "again", "run", "mend")), min_size=2, max_size=8)):
        before = [s for s in steps if isinstance(s, Deliver)]
        if what == "run":
            steps.append(Run())
        elif what == "mend":
            steps.append(Mend(packs.Edition(*draw(st.tuples(*[st.booleans()] * 4)))))
        elif what == "again" and before:
            old = draw(st.sampled_from(before))
            steps.append(Deliver(old.feed, next(days), old.mode, old.files, old.window, draw(st.booleans())))
        else:
            feed = draw(st.sampled_from(("his", "his", "lab", "lab", "far")))
            mode = draw(st.sampled_from(("append", "snapshot", "upsert", "window")))
            window = draw(st.sampled_from((JANUARY, FEBRUARY))) if mode == "window" else None
            sent = draw(files(FEEDS[feed][0]))
            if mode == "upsert":
                sent.pop("items", None)  # records without a key are not landed as upsert
            steps.append(Deliver(feed, next(days), mode, sent or {JUNK: []}, window, draw(st.sampled_from((False, False, True)))))
    return [*steps, Run()]


@contextmanager
def region() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="suwen-") as folder:
        yield World.new(Path(folder) / "region")


def hold(history: list[Step], order: list[int]) -> None:
    """One history in three ways: as it went, in another order and one run, and rebuilt from its landing: each is the model's, and all are one."""
    for step in history:
        note(repr(step))
    with region() as first, region() as second, tempfile.TemporaryDirectory(prefix="suwen-") as folder:
        assert play(first, history) == []
        if not first.delivered:
            return
        assert play(second, reordered(history, order)) == []
        assert content(second) == content(first)
        rebuilt = first.rebuilt(Path(folder) / "again")
        assert after(rebuilt) == []
        assert content(rebuilt) == content(first)


@st.composite
def ordered(draw: st.DrawFn) -> tuple[list[Step], list[int]]:
    history = draw(histories())
    return history, draw(st.permutations(range(sum(isinstance(s, Deliver) for s in history))))


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(ordered())
def test_any_history_is_the_models(case: tuple[list[Step], list[int]]) -> None:
    hold(*case)


@pytest.mark.deep
@settings(max_examples=DEEP, derandomize=False, suppress_health_check=list(HealthCheck))
@given(ordered())
def test_many_histories_are_the_models(case: tuple[list[Step], list[int]]) -> None:
    hold(*case)


@pytest.mark.parametrize("name", HISTORIES)
def test_fixed_history(name: str) -> None:
    with region() as world:
        assert play(world, HISTORIES[name]) == []
