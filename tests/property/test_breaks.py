"""Sentences of the design broken on purpose, one small piece of Suwen at a time: each must show as a difference from the plain model."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suwen.engine import sql
from suwen.flow import arrivals, kind_relations, sources, touched
from suwen.flow import run as running
from suwen.flow.work import Work
from suwen.repository import planner, record_index, rows, versions
from suwen.repository import staged as staging
from tests.property.histories import BASE, HISTORIES, R, human, lab, patient
from tests.property.histories import his as his_sends
from tests.property.world import World, play

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]
NO_KEYS = "select 0::BIGINT as key where false"


def one_line(text: str) -> str:
    """Text however it is broken into lines and adjoining literals."""
    return re.sub(r"\s+", " ", re.sub(r'"\s*\n\s*"', "", text))


def reworded(module: ModuleType, *pairs: tuple[str, str]) -> Break:
    """Queries of a module with words exchanged; a word that stands in no query of the module breaks nothing and is told."""
    text = one_line(Path(module.__file__ or "").read_text(encoding="utf-8"))
    for old, _ in pairs:
        assert old in text, f"{module.__name__} does not say {old!r} any more: mend this break"

    def changed(query: str, **parts: Any) -> Any:
        query = one_line(query)
        for old, new in pairs:
            query = query.replace(old, new)
        return sql.statement(query, **parts)

    return lambda patch: patch.setattr(module, "statement", changed)


def replaced(*places: tuple[Any, str], by: Any) -> Break:
    """The same name of some modules or classes set to something else."""

    def change(patch: Patch) -> None:
        for owner, name in places:
            assert hasattr(owner, name), f"there is no {name} any more: mend this break"
            patch.setattr(owner, name, by)

    return change


def both(*changes: Break) -> Break:
    """Several changes at once."""

    def change(patch: Patch) -> None:
        for one in changes:
            one(patch)

    return change


def settled_without_the_gone(work: Work, table: str) -> None:
    TRUE_SETTLE(work, table)
    work.engine.temporary(f"gone_{table}", sql.statement("select 0::BIGINT as id where false"))


TRUE_SETTLE, TRUE_TOGETHER = Work.settle, arrivals.together
EVERYTHING_AGAIN = replaced((running, "target_touched"), by=lambda *_: None)  # what else narrows a run down to what it must look at
ORDER = "order by version nulls first, as_of, receipt, record"

BREAKS: Mapping[str, tuple[Break, str]] = {
    "versions ordered by arrival": (reworded(versions, (ORDER, "order by version nulls first, receipt, record")), "a late older version changes nothing"),
    "a source's sequence does not count": (reworded(versions, (ORDER, "order by as_of, receipt, record")), "a source's own sequence orders versions"),
    "a quarantined version ends its predecessor": (
        reworded(versions, ("judged where why is null", "judged")),
        "a quarantined version ends nothing until replayed",
    ),
    "an absence ends what was seen on its very day": (
        reworded(versions, ("a.as_of > s.last_seen", "a.as_of >= s.last_seen")),
        "what stands in the very snapshot is not absent",
    ),
    "an absence ends for ever": (
        reworded(versions, ("max(as_of) as last_seen", "min(as_of) as last_seen")),
        "an absence ends what was not seen since, and a late older delivery revives nothing",
    ),
    "a late older delivery revives": (
        reworded(versions, ("max(as_of) as last_seen", "max(as_of) + interval (max(receipt)) day as last_seen")),
        "an absence ends what was not seen since, and a late older delivery revives nothing",
    ),
    "a tombstone for a key not seen is ignored": (
        reworded(
            versions,
            (
                "judged where why is null",
                "judged z where why is null and not (ends and not exists (select 1 from judged y where y.key = z.key and y.receipt < z.receipt))",
            ),
        ),
        "a tombstone for a key not yet seen",
    ),
    "duplicates are new versions": (reworded(versions, ("(not ends and before", "(false and before")), "the same file again"),
    "equal records without a key are one": (reworded(record_index, ("where nth > 1", "where nth > 1000000")), "equal records in one delivery count apart"),
    "equal records of two appended files are one": (replaced((arrivals, "salt_of"), (kind_relations, "salt_of"), by=lambda *_: 0), "the same file again"),
    "a packed file is another file": (
        replaced((arrivals, "salt_of"), (kind_relations, "salt_of"), by=lambda receipt, _: int(receipt.sha256[:12], 16) if receipt.mode == "append" else 0),
        "the same bytes packed are the same file",
    ),
    "held children are not released": (replaced((touched, "_flipped"), by=lambda *_: []), "children come before their parents, and outlive nothing"),
    "a parent that goes leaves its children": (
        replaced((Work, "settle"), by=settled_without_the_gone),
        "children come before their parents, and outlive nothing",
    ),
    "children of a corrected parent stay as they were": (
        replaced((touched, "_children"), by=lambda *_: sql.statement(NO_KEYS)),
        "a joined parent is corrected and goes",
    ),
    "sources merged in the order of arrival": (
        reworded(rows, ("order by x._priority, r.version desc nulls last, r.as_of desc, r.key, r.feed, x._receipt", "order by x._receipt")),
        "two feeds tell of one person",
    ),
    "the first source decides every column": (
        replaced((rows, "call"), by=lambda name, *args: sql.call("arg_min_null" if name == "arg_min" else name, *args)),
        "two feeds tell of one person",
    ),
    "a snapshot speaks for other feeds": (
        both(
            reworded(versions, ("where a.source = r.source and", "where")),
            reworded(sources, ("a.source = {source}", "{source} = {source}")),
            EVERYTHING_AGAIN,
        ),
        "another organisation's keys are others",
    ),
    "equal keys of two feeds are one": (
        replaced((record_index, "feed_hash"), (staging, "feed_hash"), by=lambda _: 0),
        "another organisation's keys are others",
    ),
    "a snapshot speaks for kinds that are not in it": (
        both(
            replaced((touched, "kind_receipts"), by=lambda work, data: "receipts"),
            replaced((touched, "asserts"), (sources, "asserts"), by=lambda *_: True),
            EVERYTHING_AGAIN,
        ),
        "a snapshot speaks for its own kinds alone",
    ),
    "an empty file says nothing": (
        replaced((arrivals, "together"), by=lambda tallies: TRUE_TOGETHER([tally.where(tally.rows > 0) for tally in tallies])),
        "an empty snapshot ends all of its kind and nothing of others",
    ),
    "a window speaks for every day": (
        reworded(touched, ("r.as_of, r.low, r.high from", "r.as_of, null::DATE as low, null::DATE as high from")),
        "a window speaks for its days and kinds alone",
    ),
    "records outside the window are taken": (
        replaced((record_index, "_outside"), by=lambda *_: sql.disjunction([])),
        "a window speaks for its days and kinds alone",
    ),
    "a mended template replays nothing": (
        replaced((Work, "stale_feeds"), by=lambda self, key: frozenset(key.lane.feeds) if self.previous is None else frozenset()),
        "a quarantined version ends nothing until replayed",
    ),
    "named rows share an id": (replaced((planner._Planner, "_slot"), by=lambda *_: None), "a joined parent is corrected and goes"),
    "organisations share their ids": (
        replaced((kind_relations, "organisation_hash"), by=lambda _: 0),
        "another organisation's keys are others",
    ),
    "a run looks at new records alone": (
        replaced((running, "target_touched"), by=lambda work, key, kinds: new_keys(work, key)),
        "children come before their parents, and outlive nothing",
    ),
}


def new_keys(work: Work, key: Any) -> str | None:
    if work.previous is None:
        return None
    name = work.fresh("keys")
    fresh = kind_relations.index(work, work.kinds[key.lane.number, key.kind], fresh=True)
    keys = sql.statement("select distinct key from {i} i where key is not null", i=fresh)
    work.engine.temporary(name, keys)
    return name


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_sentence_shows(name: str, monkeypatch: Patch) -> None:
    change, history = BREAKS[name]
    change(monkeypatch)
    with tempfile.TemporaryDirectory(prefix="suwen-") as folder:
        assert play(World.new(Path(folder) / "region"), HISTORIES[history]) != []


def test_a_model_that_is_wrong_shows() -> None:
    """The comparison itself: a value, a state and a source that are not there are told."""
    with tempfile.TemporaryDirectory(prefix="suwen-") as folder:
        world = World.new(Path(folder) / "region")
        assert play(world, [BASE, lab(2, people=[human()]), R]) == []
        world.delivered[0] = replace(world.delivered[0], files=world.delivered[0].files[:1])
        assert play(world, [his_sends(3, patients=[patient("p3")]), R]) != []
