"""Random and fixed histories of deliveries: after every run Suwen's repository is that of the plain model, in whatever order things came."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from suwen.flow import arrivals, pools
from tests.property import packs
from tests.property.histories import FEBRUARY, HISTORIES, JANUARY
from tests.property.world import FEEDS, HOMES, JUNK, Decide, Deliver, Fields, Mend, Run, Step, World, after, content, play, reordered

EXAMPLES = int(os.environ.get("SUWEN_HISTORIES", "4"))  # a run costs about a second: `SUWEN_HISTORIES=200` for a night
DEEP = int(os.environ.get("SUWEN_DEEP_HISTORIES", "150"))

PACKED = ("", "", "gz", "zip")
# What each column says mostly, and what at times: few values, so that keys meet, contents repeat and references hit.
SAID = {
    "ID": ("p1", "p2", "p3"),
    "SEX": ("M", "F", ""),
    "BIRTH": ("1980-01-01", "1990-05-05"),
    "CITY": ("", "X", "Y"),
    "PAT": ("p1", "p2", "p3"),
    "BEGIN": ("2024-01-05", "2024-02-10"),
    "UNTIL": ("", "2024-02-12"),
    "SEQ": ("", "", "1", "2"),
    "STAY": ("v1", "v2", "v3"),
    "CODE1": ("A", "B"),
    "CODE2": ("", "A"),
    "RACE": ("", "R", "S"),
    "DIED": ("", "2024-02-03"),
    "DAY": ("2024-01-06", "2024-02-11"),
    "CODE": ("T1", "T2", "T3"),
    "RESULT": ("", "5"),
    "TID": ("t1", "t2"),
    "OP": ("",),
}
SAID |= {"PID": SAID["ID"], "CNO": SAID["STAY"]}
ODD = {
    "ID": "",
    "PAT": "",
    "BIRTH": "19700202",
    "BEGIN": "?",
    "DAY": "",
    "STAY": "",
    "CNO": "",
    "CODE": "",
    "CODE1": "",
    "SEX": "U",
    "DIED": "x",
    "OP": "D",
    "PID": "p9",
}


@st.composite
def records(draw: st.DrawFn, kind: str) -> Fields:
    """A good record; at times one with an odd value, or with a field too few."""
    columns = packs.COLUMNS[kind]
    said = {**SAID, "ID": SAID["STAY"]} if kind == "stays" else SAID
    fields = {c: draw(st.sampled_from(said[c])) for c in columns}
    odd = draw(st.sampled_from(("", "", "", "", "", *columns)))
    fields[odd or columns[0]] = ODD.get(odd, fields[odd or columns[0]])
    return tuple(fields.values())[: -1 if draw(st.integers(0, 24)) == 24 else None]


@st.composite
def deliveries(draw: st.DrawFn, feed: str, day: int) -> Deliver:
    mode = draw(st.sampled_from(("append", "append", "snapshot", "upsert", "window")))
    window = draw(st.sampled_from((JANUARY, FEBRUARY))) if mode == "window" else None
    template = FEEDS[feed]
    wanted = draw(
        st.sampled_from([packs.KINDS[template]] * 3 + [packs.KINDS[template][n::2] for n in (0, 1)] + [(k,) for k in packs.KINDS[template]] + [(JUNK,)])
    )
    kinds = [k for k in wanted if k != "items" or mode != "upsert"]  # records without a key are not landed as upsert
    files = {k: draw(st.lists(records(k), min_size=draw(st.sampled_from((1, 1, 1, 0))), max_size=5)) if k != JUNK else [("1", "2")] for k in kinds or [JUNK]}
    return Deliver(feed, day, mode, files, window, draw(st.sampled_from(PACKED)), draw(st.sampled_from((False, False, True))))


EDITIONS = st.builds(packs.Edition, mended=st.booleans(), changed=st.booleans(), homes=st.sampled_from(sorted(HOMES)), apart=st.booleans(), coded=st.booleans())


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Deliveries with runs between them, templates mended in their course, and a run at the end; their days are mostly distinct."""
    days = iter(
        draw(
            st.sampled_from((st.permutations(range(1, 12)), st.permutations(range(1, 12)), st.lists(st.integers(1, 3), min_size=11, max_size=11))).flatmap(
                lambda s: s
            )
        )
    )
    steps: list[Step] = [draw(deliveries("his", next(days))), draw(deliveries("lab", next(days)))]
    for what in draw(st.lists(st.sampled_from(("deliver", "deliver", "deliver", "again", "run", "run", "mend", "decide")), min_size=2, max_size=8)):
        before = [s for s in steps if isinstance(s, Deliver)]
        if what == "run":
            steps.append(Run())
        elif what == "mend":
            steps.append(Mend(draw(EDITIONS)))
        elif what == "again":
            steps.append(replace(draw(st.sampled_from(before)), day=next(days), packed=draw(st.sampled_from(PACKED))))
        elif what == "decide":
            steps.append(Decide(draw(st.integers(1, len(before))), draw(st.sampled_from(("withdrawn", "waiting", "accepted")))))
        else:
            steps.append(draw(deliveries(draw(st.sampled_from(("his", "his", "lab", "lab", "far"))), next(days))))
    return [*steps, Run()]


@contextmanager
def region() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="suwen-") as folder:
        yield World.new(Path(folder) / "region")


def hold(history: list[Step], order: list[int]) -> None:
    """One history in three ways: as it went, in another order and one run, and rebuilt from its landing: each is the model's, and all are one.

    Order is promised not to show where the days for which deliveries speak are distinct.
    """
    days = [step.day for step in history if isinstance(step, Deliver)]
    for step in history:
        note(repr(step))
    with region() as first, region() as second, tempfile.TemporaryDirectory(prefix="suwen-") as folder:
        assert play(first, history) == []
        if not first.delivered:
            return
        assert play(second, reordered(history, order)) == []
        assert content(second) == content(first) or len(set(days)) < len(days)
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


@pytest.mark.parametrize("name", HISTORIES)
def test_fixed_history_in_pools(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where every delivery is put into a pool, and each two pools of one size become one."""
    monkeypatch.setattr(arrivals, "FEWEST", 1)
    monkeypatch.setattr(pools, "TIER", 2)
    with region() as world:
        assert play(world, HISTORIES[name]) == []
        assert list((world.folder / "lake" / "pools").glob("*/*/list.parquet"))
        assert not list((world.folder / "lake" / "staging").rglob("*.parquet"))
