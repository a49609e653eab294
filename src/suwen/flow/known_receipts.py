"""What a run knows of receipts: which hold, which are new, and whose they are, as relations that its statements join."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suwen.base.errors import SuwenError
from suwen.engine.sql import Tree, col, disjunction, in_numbers, statement
from suwen.flow.work import Work
from suwen.intake.landing import Landing
from suwen.intake.register import Flags, Receipts, Register
from suwen.model.receipt import Mode, State
from suwen.model.region import Region
from suwen.model.release import Release
from suwen.repository.staged import organisation_hash

ASSERTING = (Mode.SNAPSHOT.value, Mode.WINDOW.value)


def accepted(landing: Landing, register: Register) -> Receipts:
    """The receipts of the deliveries that hold."""
    others = [delivery for delivery, state in landing.states().items() if state is not State.ACCEPTED]
    return Receipts(register, ~register.in_deliveries(others))


def held_before(previous: Release | None, register: Register) -> Flags:
    """Which receipts are in the last release."""
    sequences = register.numbers("sequence")
    if previous is None:
        return np.zeros(len(register), np.bool_)
    return (sequences <= previous.receipts_through) & ~np.isin(sequences, np.array(previous.left_out, np.int64))


def deliveries_in(release: Release | None, register: Register) -> Flags:
    """Which deliveries are in a release, a flag for each from 1."""
    held = held_before(release, register)
    return np.logical_and.reduceat(held, register.bounds[:-1]) if len(register) else held


def receipts_in(release: Release, register: Register) -> Receipts:
    """The receipts that are in a release."""
    return Receipts(register, held_before(release, register))


def note_receipts(work: Work, before: Flags) -> None:
    """Which receipts are new to this run, and which feeds lost one and are counted anew."""
    register, held = work.receipts.register, work.receipts.held
    work.of_feed = register.by_feed
    work.unseen = Receipts(register, held & ~before)
    work.reread = register.feeds_of(before & ~held)
    work.asserting = np.asarray(pc.is_in(register.table["mode"], pa.array(ASSERTING)).to_numpy(), np.bool_)


def refuse_unknown_feeds(region: Region, receipts: Receipts) -> None:
    """Raises SuwenError where files have landed for a feed that the region has no more."""
    unknown = sorted(receipts.feeds - set(region.feeds))
    if unknown:
        raise SuwenError(
            f"files have landed for the feed {unknown[0]}, which the region no longer has",
            where=str(region.folder / "feeds"),
            expected=f"a file feeds/{unknown[0]}.toml",
            do="put the feed's file back",
        )


def register_receipts(work: Work) -> None:
    """Make the relations of receipts, once it is known which are read anew and what the lane of each feed is.

    `receipts`: those that hold, with moment, feed, delivery, lane, whether their records are new to the run (`fresh`), the hash of their organisation
    (`owner`), and whether they say that what they do not hold is gone (`asserts`, of the days `low` to `high` or, where null, altogether).
    `owned_receipts`: whose every receipt is, and was in the last release, also of those that hold no more. `declared_receipts`: how each was delivered.
    """
    work.sources = {feed: number for number, feed in enumerate(sorted(work.of_feed))}
    held, names, places = work.receipts.table, *_feeds(work.receipts.table)
    fresh = work.unseen.held[work.receipts.held] | np.array([feed in work.reread for feed in names], np.bool_)[places]
    columns = {
        "receipt": held["sequence"],
        "as_of": held["as_of"],
        "feed": held["feed"],
        "source": _taken([work.sources[feed] for feed in names], pa.int32(), places),
        "delivery": held["delivery"],
        "lane": _taken([work.lanes[feed].number for feed in names], pa.int32(), places),
        "fresh": pa.array(fresh),
        "owner": _taken([organisation_hash(work.feed(feed).organisation) for feed in names], pa.int64(), places),
        "asserts": pc.is_in(held["mode"], pa.array(ASSERTING)),
        "low": held["window_from"],
        "high": held["window_to"],
    }
    _as_temporary(work, "receipts", pa.table(columns))
    known = work.receipts.register.table
    appended = pc.equal(known["mode"], Mode.APPEND.value)
    declared = {"receipt": known["sequence"], "delivery": known["delivery"], "appended": appended, "low": known["window_from"], "high": known["window_to"]}
    _as_temporary(work, "declared_receipts", pa.table(declared))
    before = work.organisations_before()
    now = before | {feed.name: feed.organisation for feed in work.region.feeds.values()}  # a feed that is no more had rows in the last release
    known = known.filter(pc.is_in(known["feed"], pa.array(list(now), pa.string())))
    names, places = _feeds(known)
    owned = {
        "receipt": known["sequence"],
        "organisation": _taken([now[feed] for feed in names], pa.string(), places),
        "before": _taken([before.get(feed, now[feed]) for feed in names], pa.string(), places),
        "source": _taken([work.sources[feed] for feed in names], pa.int32(), places),
    }
    _as_temporary(work, "owned_receipts", pa.table(owned))


def fresh_receipt(work: Work, column: str, table: str = "", *, feeds: frozenset[str] = frozenset()) -> Tree:
    """True for a receipt, in a column, whose records are new to the run, or that came by one of some feeds."""
    own = [statement("select fresh").expressions[0]]
    if feeds:
        own.append(in_numbers(col("source"), sorted(work.sources[feed] for feed in feeds if feed in work.sources)))
    found: Tree = statement("select {c} in (select receipt from receipts where {own})", c=col(column, table), own=disjunction(own)).expressions[0]
    return found


def _feeds(table: pa.Table) -> tuple[list[str], np.ndarray]:
    """The feeds of receipts, and for each receipt the place of its own among them."""
    found = table["feed"].combine_chunks().dictionary_encode()
    return found.dictionary.to_pylist(), np.asarray(found.indices.to_numpy(zero_copy_only=False), np.int64)


def _taken(values: list[object], kind: pa.DataType, places: np.ndarray) -> pa.Array:
    return pa.array(values, kind).take(pa.array(places))


def _as_temporary(work: Work, name: str, rows: pa.Table) -> None:
    work.engine.register("receipts_in", rows)
    work.engine.temporary(name, statement("select * from receipts_in"))
    work.engine.unregister("receipts_in")
