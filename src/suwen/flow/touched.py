"""Which records a run must look at: keys with new versions or new absences, children of changed parents, and what waited for a parent or lost it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from suwen.engine.sql import Tree, boolean, col, in_texts, read_parquet, statement, text, union_all
from suwen.flow.kind_relations import index, is_asserting, kind_receipts, records
from suwen.flow.lanes import KindData, TargetKey
from suwen.flow.work import Slice, Work, lake_tables, required_tables
from suwen.model.staging import FEED
from suwen.repository.record_index import fed_key

Touched = str | None  # a temporary table of keys; None: every record


def asserts(work: Work, data: KindData) -> bool:
    """Whether a delivery with a file of the kind says that what it does not hold is gone."""
    return is_asserting(work, data.tally.receipts)


def absences(work: Work, data: KindData, *, new: bool = False) -> Tree:
    """The assertions of absence about a kind: (source, as_of, low, high), one for each snapshot or window delivery with a file of the kind."""
    fresh = col("fresh", "r") if new else boolean(True)
    mine: Tree = statement(
        "select distinct r.source, r.as_of, r.low, r.high from receipts r semi join {k} k on k.receipt = r.receipt where r.asserts and {fresh}",
        k=kind_receipts(work, data), fresh=fresh,
    )  # fmt: skip
    return mine


def kind_touched(work: Work, data: KindData) -> str:
    """Keys of a kind whose versions may stand otherwise than in the last release; a table, perhaps empty."""
    name = work.fresh("keys")
    parts = [statement("select key from {i} i where key is not null", i=index(work, data, fresh=True))]
    new = data.tally.receipts[data.fresh]
    if is_asserting(work, new):
        asserting = new[work.asserting[new - 1]]
        feeds, codes = work.receipts.register.feeds
        parts.append(
            statement(
                """select i.key from {i} i join receipts r on r.receipt = i.receipt where i.key is not null
                and exists (select 1 from {a} a where a.source = r.source and a.as_of > r.as_of and (a.low is null or i.day between a.low and a.high))""",
                i=index(work, data, feeds={feeds[code] for code in np.unique(codes[asserting - 1])}),
                a=absences(work, data, new=True),
            )
        )
    work.engine.temporary(name, statement("select distinct key from {all}", all=union_all(parts)))
    return name


def touched_records(work: Work, data: KindData, touched: str) -> Slice:
    """The index rows of touched keys and of new records without a key; one scan of the index for all that a run asks of them."""
    place = (*data.place, touched)
    with work.once("records", *place):
        if place not in work.slices:
            work.slices[place] = _slice(work, data, touched)
        return work.slices[place]


def _slice(work: Work, data: KindData, touched: str) -> Slice:
    """What is new has no place in the last release; what is of a feed that is mapped again as a whole is looked at without a key too."""
    name, whole = work.fresh("records"), work.whole.get(touched, frozenset())
    unkeyed = [index(work, data, fresh=True), *([index(work, data, feeds=whole)] if whole else [])]
    keyless = [statement("select i.* from {i} i where i.key is null", i=rows) for rows in unkeyed]
    parts = [
        statement("select i.* from {i} i semi join {t} t on t.key = i.key", i=index(work, data), t=touched),
        keyless[0] if len(keyless) == 1 else statement("select distinct x.* from {u} x", u=union_all(keyless)),
    ]
    told = "select i.*, r.as_of, r.source, r.fresh from {all} i join receipts r on r.receipt = i.receipt"
    work.engine.temporary(name, statement(told, all=union_all(parts)))
    counted = """select count(*) filter (where key is not null or issue not like 'RDR%'),
        count(*) filter (where issue is not null and issue not like 'RDR%'), list(distinct receipt) filter (where not fresh) from {n}"""
    records, issues, old = work.engine.rows(statement(counted, n=name))[0]
    return Slice(name, records, issues, tuple(sorted(old or ())))


def target_touched(work: Work, key: TargetKey, kinds: Mapping[tuple[int, str], str]) -> Touched:
    """Keys of the records that one target must map again; None where all of them must."""
    stale = work.stale_feeds(key)
    data, plan = work.kinds[key.lane.number, key.kind], work.plans[key]
    if stale >= data.feeds:
        return None
    parts = [statement("select key from {t}", t=kinds[data.place])]
    for join in plan.target.joins:
        parent = kinds.get((key.lane.number, join.kind))
        if parent and work.engine.count(parent):
            parts.append(_children(work, data, [own for own, _ in in_key_order(work, key, join.kind, join.on)], parent))
    for column, table in required_tables(plan.target).items():
        parts += _flipped(work, key, column, table)
    if stale & data.feeds:
        parts.append(statement("select key from {i} i", i=index(work, data, feeds=stale)))
    if len(parts) == 1:
        return kinds[data.place]
    name = work.fresh("keys")
    work.engine.temporary(name, statement("select distinct key from {all} x where key is not null", all=union_all(parts)))
    work.whole[name] = stale
    return name


def in_key_order(work: Work, key: TargetKey, kind: str, on: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of a join in the order of the parent's key, as its record key is hashed."""
    by_parent = {theirs: own for own, theirs in on}
    return [(by_parent[c], c) for c in work.packs.templates[key.lane.template].kinds[kind].key]


def _children(work: Work, data: KindData, columns: Sequence[str], parents: str) -> Tree:
    """Keys of the records whose joined parent is touched."""
    return statement(
        """select i.key from {index} i semi join (
            select s._receipt as receipt, s._record as record from {staged} s semi join {parents} p on p.key = {key}) c
        on c.receipt = i.receipt and c.record = i.record""",
        index=index(work, data),
        staged=records(work, data, columns, [FEED]),
        parents=parents,
        key=fed_key([col(c, "s") for c in columns], work.region),
    )


def _flipped(work: Work, key: TargetKey, column: str, table: str) -> list[Tree]:
    """Keys of records held for a parent that has come, and of rows whose parent has gone."""
    data, plan = work.kinds[key.lane.number, key.kind], work.plans[key]
    places: list[Tree] = []
    appeared, gone = f"appeared_{table}", f"gone_{table}"
    held = work.stored_states(key)
    if held and table in work.live and work.engine.count(appeared):
        places.append(
            statement(
                "select d.receipt, d.record from {held} d semi join {appeared} a on a.id::VARCHAR = d.detail where d.state = 'held'",
                held=read_parquet([f.path for f in held]),
                appeared=appeared,
            )
        )
    if table in work.live and work.engine.count(gone):
        for name in lake_tables(plan):
            files = work.files(name)
            physical = plan.physical(column, name.split("/")[1])
            if files and physical:
                places.append(
                    statement(
                        "select d._receipt as receipt, d._record as record from {rows} d semi join {gone} g on g.id = {ref} where d._template = {tag}",
                        rows=read_parquet([f.path for f in files]),
                        gone=gone,
                        ref=col(physical, "d"),
                        tag=text(work.tag(key)),
                    )
                )
    if not places:
        return []
    return [
        statement(
            "select i.key from {index} i semi join {places} p on p.receipt = i.receipt and p.record = i.record",
            index=index(work, data),
            places=union_all(places),
        )
    ]


def tag_of(work: Work, keys: Sequence[TargetKey]) -> Tree:
    """True for rows made by one of the targets, in the last release's version or in this run's."""
    tags = {t for k in keys for t in (work.tag(k), *work.old_tags(k))}
    return in_texts(col("_template"), sorted(tags))
