"""What a target maps: the versions that must be weighed against each other, the staged records that hold, and the joined parents of these."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from suwen.engine.keys import repeated
from suwen.engine.sql import Tree, alias, col, read_parquet, statement, text, typed
from suwen.flow.collisions import refuse_keys
from suwen.flow.key_findings import note_versions
from suwen.flow.lanes import KindData, TargetKey
from suwen.flow.touched import Touched, absences, asserts, touched_records
from suwen.flow.work import Work
from suwen.model.staging import ISSUES, StagedFile
from suwen.repository import versions
from suwen.repository.mapping import MappingPlan
from suwen.repository.planner import RECORD_KEY
from suwen.repository.record_index import keyless_key, salt_of
from suwen.repository.staged import FEED, OWNER, SALT, feeds_of, organisation_hash, staged

NO_CODES = "select 0::BIGINT as receipt, 0::BIGINT as record, '' as code where false"


def contested_versions(work: Work, data: KindData, touched: Touched) -> str:
    """The temporary table of versions that must be weighed against each other; stops the run where two keys collide."""
    place = (*data.place, touched or "")
    with work.once("versions", *place):
        if place not in work.weighed:
            work.weighed[place] = _contested(work, data, touched)
        return work.weighed[place]


def _contested(work: Work, data: KindData, touched: Touched) -> str:
    name = work.fresh("versions")
    if touched is None:
        work.engine.store.fetch(map(Path, data.every_index))
        work.engine.register("repeated_keys", repeated(data.every_index, "key"))
        keep = statement("select i.key in (select key from repeated_keys) or i.tombstone or {c}", c=_covered(work, data, "r")).expressions[0]
        work.engine.temporary(name, versions.contested(read_parquet(data.every_index), keep))
        work.engine.unregister("repeated_keys")
    else:
        several = """select i.* from {n} i
            where key is not null and (key in (select key from {n} n where key is not null group by key having count(*) > 1) or i.tombstone or {c})"""
        work.engine.temporary(name, statement(several, n=touched_records(work, data, touched).name, c=_covered(work, data, "i")))
    refuse_keys(work, data, work.engine.rows(versions.colliding(name)))
    note_versions(work, data, name)
    return name


def _covered(work: Work, data: KindData, of: str) -> Tree:
    """True for an index row `i` that an assertion of absence of its feed, made after its moment, speaks of. `of`: the alias that holds as_of and source."""
    if not asserts(work, data):
        return typed(text("false"), "BOOLEAN")
    covered: Tree = statement(
        """select exists (select 1 from {a} a where a.source = {source} and a.as_of > {moment} and (a.low is null or i.day between a.low and a.high))""",
        a=absences(work, data), source=col("source", of), moment=col("as_of", of),
    ).expressions[0]  # fmt: skip
    return covered


def sources(work: Work, data: KindData, plan: MappingPlan, keep: Tree | None, drop: Tree | None) -> Tree:
    """The staged records a plan maps, and whose they are: all, or those in `keep`(receipt, record), less those in `drop`."""
    columns = set(plan.source_columns)
    keyless = not data.kind.key and not plan.target.key
    if keyless:
        columns |= {c for f in data.files for c in f.columns}
    files = data.files
    if keep is not None:
        wanted = {r for (r,) in work.engine.rows(statement("select distinct receipt from {k} k", k=keep))}
        files = [f for f in files if f.receipt in wanted] or files[:1]
    base = staged(files, sorted(columns), _constants(work, files, keyless=keyless))
    if keyless:
        base = _with_keys(data, base, sorted({c for f in data.files for c in f.columns}), set(plan.source_columns))
    if keep is not None:
        base = statement("select s.* from {s} s semi join {keep} k on k.receipt = s._receipt and k.record = s._record", s=base, keep=keep)
    if drop is not None:
        base = statement("select s.* from {s} s anti join {drop} k on k.receipt = s._receipt and k.record = s._record", s=base, drop=drop)
    return base


def _constants(work: Work, files: Sequence[StagedFile], *, keyless: bool) -> dict[str, list[int]]:
    owners = {feed: organisation_hash(work.feed(feed).organisation) for feed in {f.feed for f in files}}
    salts = {SALT: [salt_of(work.receipts[f.receipt], f) for f in files]} if keyless else {}
    return {OWNER: [owners[f.feed] for f in files], **feeds_of(files), **salts}


def _with_keys(data: KindData, base: Tree, columns: list[str], used: set[str]) -> Tree:
    """Keyless records with their own key: worked out from the content, taken from the index for the second and further of equal ones."""
    keyed = statement(
        "select {used}, {issue}, _receipt, _record, {key} as {name} from {s} s",
        used=[col(c) for c in (*sorted(used), OWNER, FEED)],
        issue=col(ISSUES),
        key=keyless_key(columns),
        name=RECORD_KEY,
        s=base,
    )
    return (
        statement(
            "select s.* replace (coalesce(o.key, {name}) as {name}) from {s} s left join {ordinals} o on o.receipt = s._receipt and o.record = s._record",
            name=RECORD_KEY,
            s=keyed,
            ordinals=statement("select receipt, record, key from {i} i where nth > 1", i=read_parquet(data.every_index)),
        )
        if data.repeats
        else keyed
    )


def parents(work: Work, key: TargetKey, plan: MappingPlan) -> dict[str, Tree | str]:
    """The current records of the kinds a plan joins, as temporary tables of their columns."""
    found: dict[str, Tree | str] = {}
    for join in plan.target.joins:
        name = work.fresh(f"parent_{join.kind}")
        columns = sorted({c for j in plan.target.joins if j.kind == join.kind for c in plan.joined[j.alias]})
        data = work.kinds.get((key.lane.number, join.kind))
        work.engine.temporary(name, _current(work, data, columns) if data else _nothing(columns))
        found[join.kind] = name
    return found


def _nothing(columns: list[str]) -> Tree:
    return statement("select {c}, 0::BIGINT as _record, 0::BIGINT as {f} where false", c=[alias(typed(text(""), "VARCHAR"), c) for c in columns], f=FEED)


def _current(work: Work, data: KindData, columns: list[str]) -> Tree:
    """Text of the records of a kind that hold, whatever its targets make of them."""
    weighed = contested_versions(work, data, None)
    standing = work.fresh("standing")
    work.engine.temporary(standing, versions.states(weighed, statement(NO_CODES), absences(work, data)))
    dropped = statement(
        "select receipt, record from {s} where state <> 'current' union all select receipt, record from {i} i where issue is not null",
        s=standing,
        i=read_parquet(data.every_index),
    )
    records = staged(data.files, columns, feeds_of(data.files))
    return statement("select s.* from {s} s anti join {d} d on d.receipt = s._receipt and d.record = s._record", s=records, d=dropped)
