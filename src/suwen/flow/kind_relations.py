"""The records and the index of a kind in a run, as relations: those of single receipts and those of pools, of what holds and is of its lane."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from suwen.engine.sql import Tree, col, conjunction, in_numbers, integer, read_parquet, statement, union_all
from suwen.flow.lanes import KindData
from suwen.flow.work import Work
from suwen.model.staging import FEED, OWNER, SALT, Numbers, StagedFile
from suwen.repository.record_index import COLUMNS, salt_of
from suwen.repository.staged import feeds_of, organisation_hash, pooled, staged

_NO_INDEX = """select 0::INTEGER as receipt, 0::INTEGER as record, 0::BIGINT as key, 0::INTEGER as "check", 0::BIGINT as content, 0::INTEGER as nth,
    0::BIGINT as version, false as tombstone, null::DATE as day, '' as issue where false"""


def records(work: Work, data: KindData, columns: Sequence[str], constants: Sequence[str] = (), *, of: Tree | None = None) -> Tree:
    """The staged records of a kind: `columns`, `constants` of `OWNER`, `FEED` and `SALT`, issue and place.

    `of`: only files with records of some receipts are read, told as a relation with the column receipt; which of their records are meant is the caller's.
    """
    wanted = None if of is None else _distinct(work, of)
    files = data.files if wanted is None else [f for f in data.files if f.receipt in wanted]
    parts = data.parts if wanted is None else [held for held in data.parts if np.isin(held.receipts, np.array(sorted(wanted), np.int64)).any()]
    found = [staged(files, columns, _constants(work, files, constants))] if files else []
    for whole in (True, False):
        alike = [held.part for held in parts if held.whole is whole]
        if alike:
            mine = None if whole and OWNER not in constants else _of_lane(data)
            found.append(pooled(alike, columns, constants, mine))
    if not found:  # a relation of the right shape, of a file that is there
        one = staged(data.files[:1], columns, _constants(work, data.files[:1], constants)) if data.files else None
        nothing = one or pooled([data.parts[0].part], columns, constants, _of_lane(data))
        return statement("select * from {n} n where false", n=nothing)
    return union_all(found)


def _distinct(work: Work, places: Tree) -> set[int]:
    return {receipt for (receipt,) in work.engine.rows(statement("select distinct receipt from {k} k", k=places))}


def _constants(work: Work, files: Sequence[StagedFile], wanted: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name in wanted:
        if name == OWNER:
            owners = {feed: organisation_hash(work.feed(feed).organisation) for feed in {f.feed for f in files}}
            found[OWNER] = [owners[f.feed] for f in files]
        elif name == FEED:
            found |= feeds_of(files)
        elif name == SALT:
            found[SALT] = [salt_of(work.receipts[f.receipt], f.content) for f in files]
    return found


def _of_lane(data: KindData, *, fresh: bool = False, sources: Sequence[int] | None = None) -> Tree:
    """(receipt, owner) of the receipts of a kind's lane that hold."""
    mine = [statement("select lane = {n}", n=integer(data.lane.number)).expressions[0]]
    mine += [col("fresh")] if fresh else []
    mine += [in_numbers(col("source"), sources)] if sources is not None else []
    return statement("select receipt, owner from receipts where {mine}", mine=conjunction(mine))


def index(work: Work, data: KindData, *, fresh: bool = False, feeds: Collection[str] | None = None) -> Tree:
    """The index rows of a kind; of records that are new to the run, or of some feeds alone, where it is said."""
    single = data.new_indexes if fresh else [path for feed, paths in data.indexes.items() if feeds is None or feed in feeds for path in paths]
    sources = None if feeds is None else sorted(work.sources[feed] for feed in feeds if feed in work.sources)
    parts = [held for held in data.parts if not fresh or held.some_fresh]
    columns = [col(name, "i") for name in COLUMNS]
    found = [statement("select {c} from {i} i", c=columns, i=read_parquet(single))] if single else []
    whole = [held.index for held in parts if held.whole and sources is None and (not fresh or bool(held.fresh.all()))]
    others = [held.index for held in parts if held.index not in set(whole)]
    if whole:
        found.append(statement("select {c} from {i} i", c=columns, i=read_parquet(whole)))
    if others and sources != []:
        mine = _of_lane(data, fresh=fresh, sources=sources)
        found.append(statement("select {c} from {i} i semi join {r} r on r.receipt = i.receipt", c=columns, i=read_parquet(others), r=mine))
    return union_all(found) if found else statement(_NO_INDEX)


def kind_receipts(work: Work, data: KindData) -> str:
    """The temporary table (receipt) of the receipts with a file of a kind."""
    name = f"receipts_of_{data.lane.number}_{data.kind.name}"
    with work.once(name):
        if name not in work.fixed:
            work.engine.register(f"{name}_in", pa.table({"receipt": pa.array(np.unique(data.tally.receipts), pa.int64())}))
            work.engine.temporary(name, statement("select receipt from {t}", t=f"{name}_in"))
            work.engine.unregister(f"{name}_in")
            work.fixed.add(name)
    return name


def is_asserting(work: Work, receipts: Numbers) -> bool:
    """Whether any of some receipts says that what it does not hold is gone."""
    return bool(work.asserting[receipts - 1].any()) if len(receipts) else False


def received(work: Work, data: KindData) -> dict[str, int]:
    """Feed -> its records of a kind."""
    names, codes = work.receipts.register.feeds
    sums = np.bincount(codes[data.tally.receipts - 1], weights=data.tally.rows, minlength=len(names)).astype(np.int64)
    return {names[at]: int(sums[at]) for at in np.flatnonzero(sums)}
