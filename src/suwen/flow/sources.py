"""What a target maps: the versions that must be weighed against each other, the staged records that hold, and the joined parents of these."""

from __future__ import annotations

from pathlib import Path

from suwen.engine.keys import repeated
from suwen.engine.sql import Tree, alias, col, statement, text, typed, union_all
from suwen.flow.collisions import refuse_keys
from suwen.flow.key_findings import note_versions
from suwen.flow.kind_relations import index, records
from suwen.flow.lanes import KindData, TargetKey
from suwen.flow.touched import Touched, absences, asserts, in_key_order, touched_records
from suwen.flow.work import Work
from suwen.model.staging import FEED, ISSUES, OWNER, SALT
from suwen.repository import versions
from suwen.repository.mapping import MappingPlan
from suwen.repository.planner import RECORD_KEY
from suwen.repository.record_index import fed_key, keyless_key

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
        work.engine.temporary(name, versions.contested(index(work, data), keep))
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
        columns |= set(data.columns)
    base = records(work, data, sorted(columns), [OWNER, FEED, *([SALT] if keyless else [])], of=keep)
    if keyless:
        base = _with_keys(work, data, base, set(plan.source_columns))
    if keep is not None:
        base = statement("select s.* from {s} s semi join {keep} k on k.receipt = s._receipt and k.record = s._record", s=base, keep=keep)
    if drop is not None:
        base = statement("select s.* from {s} s anti join {drop} k on k.receipt = s._receipt and k.record = s._record", s=base, drop=drop)
    return base


def _with_keys(work: Work, data: KindData, base: Tree, used: set[str]) -> Tree:
    """Keyless records with their own key: worked out from the content, taken from the index for the second and further of equal ones."""
    keyed = statement(
        "select {used}, {issue}, _receipt, _record, {key} as {name} from {s} s",
        used=[col(c) for c in (*sorted(used), OWNER, FEED)],
        issue=col(ISSUES),
        key=keyless_key({c: col(c) for c in data.columns}),
        name=RECORD_KEY,
        s=base,
    )
    return (
        statement(
            "select s.* replace (coalesce(o.key, {name}) as {name}) from {s} s left join {ordinals} o on o.receipt = s._receipt and o.record = s._record",
            name=RECORD_KEY,
            s=keyed,
            ordinals=statement("select receipt, record, key from {i} i where nth > 1", i=index(work, data)),
        )
        if data.repeats
        else keyed
    )


def parents(work: Work, key: TargetKey, plan: MappingPlan, of: Tree | None = None) -> dict[str, Tree | str]:
    """The current records of the kinds a plan joins, as temporary tables of their columns; of some records (receipt, record) those they name."""
    found: dict[str, Tree | str] = {}
    for kind in dict.fromkeys(join.kind for join in plan.target.joins):
        name = work.fresh(f"parent_{kind}")
        columns = sorted({c for j in plan.target.joins if j.kind == kind for c in plan.joined[j.alias]})
        data = work.kinds.get((key.lane.number, kind))
        if data is None:
            rows = _nothing(columns)
        else:
            rows = _current(work, data, columns) if of is None else _named(work, data, columns, _named_keys(work, key, plan, kind, of))
        work.engine.temporary(name, rows)
        found[kind] = name
    return found


def _named_keys(work: Work, key: TargetKey, plan: MappingPlan, kind: str, of: Tree) -> str:
    """The temporary table of the keys of a kind that some records name."""
    name, data = work.fresh("keys"), work.kinds[key.lane.number, key.kind]
    told = []
    for join in plan.target.joins:
        if join.kind == kind:
            own = [mine for mine, _ in in_key_order(work, key, kind, join.on)]
            read = records(work, data, own, [FEED], of=of)
            named = fed_key([col(c, "s") for c in own], work.region)
            told.append(statement("select {k} as key from {s} s semi join {o} o on o.receipt = s._receipt and o.record = s._record", k=named, s=read, o=of))
    work.engine.temporary(name, statement("select distinct key from {t} t where key is not null", t=union_all(told)))
    return name


def _named(work: Work, data: KindData, columns: list[str], keys: str) -> Tree:
    """Text of the records of a kind that hold, of some keys."""
    if data.place in work.touched_kinds:  # what is to be found in its new versions is found in all of them
        contested_versions(work, data, work.touched_kinds[data.place])
    found, standing, holding = touched_records(work, data, keys), work.fresh("standing"), work.fresh("holding")
    weighed = versions.states(contested_versions(work, data, keys), statement(NO_CODES), absences(work, data))
    work.engine.temporary(standing, statement("select receipt, record from {w} w where state <> 'current'", w=weighed))
    query = """select n.receipt, n.record from {n} n anti join {s} s on s.receipt = n.receipt and s.record = n.record
        where n.issue is null and n.key is not null"""
    work.engine.temporary(holding, statement(query, n=found.name, s=standing))
    kept = statement("select receipt, record from {h} h", h=holding)
    read = records(work, data, columns, [FEED], of=kept)
    return statement("select s.* from {s} s semi join {h} h on h.receipt = s._receipt and h.record = s._record", s=read, h=kept)


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
        i=index(work, data),
    )
    read = records(work, data, columns, [FEED])
    return statement("select s.* from {s} s anti join {d} d on d.receipt = s._receipt and d.record = s._record", s=read, d=dropped)
