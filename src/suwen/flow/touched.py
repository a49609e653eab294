"""Which records a run must look at: keys with new versions or new absences, children of changed parents, and what waited for a parent or lost it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from suwen.engine.sql import Tree, col, in_numbers, in_texts, integer, literal_rows, null, read_parquet, statement, text, typed, union_all
from suwen.flow.lanes import KindData, TargetKey
from suwen.flow.work import Slice, Work, lake_tables, required_tables
from suwen.model.receipt import Mode
from suwen.repository.record_index import fed_key
from suwen.repository.staged import feeds_of, staged

Touched = str | None  # a temporary table of keys; None: every record


def asserts(work: Work, data: KindData, *, new: bool = False) -> set[tuple[str, datetime, tuple[date, date] | None]]:
    """Feed, moment and window (None: everything) of the snapshot and window deliveries with a file of the kind."""
    found = (work.receipts[s] for s in data.receipts if not new or s in data.new_receipts)
    return {(r.feed, r.as_of, r.window) for r in found if r.mode in (Mode.SNAPSHOT, Mode.WINDOW)}


def absences(work: Work, data: KindData, *, new: bool = False) -> Tree:
    """The assertions of absence about a kind: (source, as_of, low, high), one for each snapshot or window delivery with a file of the kind."""
    rows = [
        (
            integer(work.sources[feed]),
            typed(text(as_of.isoformat(sep=" ")), "TIMESTAMP"),
            *((typed(text(d.isoformat()), "DATE") for d in window) if window else (typed(null(), "DATE"), typed(null(), "DATE"))),
        )
        for feed, as_of, window in sorted(asserts(work, data, new=new), key=str)
    ]
    return literal_rows(("source", "as_of", "low", "high"), ("INTEGER", "TIMESTAMP", "DATE", "DATE"), rows)


def kind_touched(work: Work, data: KindData) -> str:
    """Keys of a kind whose versions may stand otherwise than in the last release; a table, perhaps empty."""
    name = work.fresh("keys")
    parts = [statement("select key from {i} i where key is not null", i=read_parquet(data.new_indexes))] if data.new_indexes else []
    fresh, asserting = set(data.new_indexes), {feed for feed, _, _ in asserts(work, data, new=True)}
    old = [path for feed in sorted(asserting) for path in data.indexes.get(feed, ()) if path not in fresh]
    if old:
        parts.append(
            statement(
                """select i.key from {i} i join receipts r on r.receipt = i.receipt where i.key is not null
                and exists (select 1 from {a} a where a.source = r.source and a.as_of > r.as_of and (a.low is null or i.day between a.low and a.high))""",
                i=read_parquet(old),
                a=absences(work, data, new=True),
            )
        )
    parts = parts or [statement("select 0::BIGINT as key where false")]
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
    name, fresh = work.fresh("records"), in_numbers(col("receipt"), sorted(data.new_receipts))
    parts = [statement("select i.* from {i} i semi join {t} t on t.key = i.key", i=read_parquet(data.every_index), t=touched)]
    whole = work.whole.get(touched, frozenset())
    unkeyed = [*data.new_indexes, *(path for feed in sorted(whole) for path in data.indexes.get(feed, ()) if path not in set(data.new_indexes))]
    if unkeyed:
        parts.append(statement("select i.* from {i} i where i.key is null", i=read_parquet(unkeyed)))
    work.engine.temporary(name, statement("select i.*, r.as_of, r.source from {all} i join receipts r on r.receipt = i.receipt", all=union_all(parts)))
    counted = """select count(*) filter (where key is not null or issue not like 'RDR%'),
        count(*) filter (where issue is not null and issue not like 'RDR%'), list(distinct receipt) filter (where not {fresh}) from {n}"""
    records, issues, old = work.engine.rows(statement(counted, n=name, fresh=fresh))[0]
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
            parts.append(_children(work, data, [own for own, _ in _in_key_order(work, key, join.kind, join.on)], parent))
    for column, table in required_tables(plan.target).items():
        parts += _flipped(work, key, column, table)
    again = [path for feed in sorted(stale) for path in data.indexes.get(feed, ())]
    if again:
        parts.append(statement("select key from {i} i", i=read_parquet(again)))
    if len(parts) == 1:
        return kinds[data.place]
    name = work.fresh("keys")
    work.engine.temporary(name, statement("select distinct key from {all} x where key is not null", all=union_all(parts)))
    work.whole[name] = stale
    return name


def _in_key_order(work: Work, key: TargetKey, kind: str, on: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of a join in the order of the parent's key, as its record key is hashed."""
    by_parent = {theirs: own for own, theirs in on}
    return [(by_parent[c], c) for c in work.packs.templates[key.lane.template].kinds[kind].key]


def _children(work: Work, data: KindData, columns: Sequence[str], parents: str) -> Tree:
    """Keys of the records whose joined parent is touched."""
    return statement(
        """select i.key from {index} i semi join (
            select s._receipt as receipt, s._record as record from {staged} s semi join {parents} p on p.key = {key}) c
        on c.receipt = i.receipt and c.record = i.record""",
        index=read_parquet(data.every_index),
        staged=staged(data.files, list(columns), feeds_of(data.files)),
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
            index=read_parquet(data.every_index),
            places=union_all(places),
        )
    ]


def tag_of(work: Work, keys: Sequence[TargetKey]) -> Tree:
    """True for rows made by one of the targets, in the last release's version or in this run's."""
    tags = {t for k in keys for t in (work.tag(k), *work.old_tags(k))}
    return in_texts(col("_template"), sorted(tags))
