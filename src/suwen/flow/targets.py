"""One target of one feed in a run: which records hold, their mapped rows, and what became of every other record."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from suwen.engine.keys import repeated
from suwen.engine.sql import Tree, alias, case, col, disjunction, in_numbers, integer, read_parquet, statement, text, typed, union_all
from suwen.flow.collisions import refuse_keys
from suwen.flow.key_findings import note_versions
from suwen.flow.touched import Touched, absences
from suwen.flow.work import KindData, TargetKey, Work, required_tables, told_of
from suwen.model.staging import ISSUES
from suwen.repository import versions
from suwen.repository.mapping import MappingPlan
from suwen.repository.planner import RECORD_KEY
from suwen.repository.record_index import SALT, keyless_key, salt_of
from suwen.repository.staged import staged

_SINGLE = "select count(*) as records, to_json(list_sort(min(_record, 5)))::VARCHAR as examples"
_SEVERAL = "select count(distinct _record) as records, to_json(list_sort(min(distinct _record, 5)))::VARCHAR as examples"  # a record makes several rows
_FINDING = """
    select {run}::BIGINT as run, {code} as code, {feed} as feed, {kind} as kind, {target} as target, {column} as column_name, _receipt as receipt, {told}
    from {m} where _issues & {mask} <> 0 and {fresh} group by _receipt"""
_NO_CODES = "select 0::BIGINT as receipt, 0::BIGINT as record, '' as code where false"


@dataclass
class Made:
    """What mapping one target gave: `rows` (temporary table of mapped rows), `exceptions` (feed, kind, ... as disposition), `everything`."""

    key: TargetKey
    plan: MappingPlan
    rows: str
    exceptions: str
    touched: Touched
    records: int
    counts: dict[str, int]
    had_rows: bool


def contested_versions(work: Work, data: KindData, touched: Touched) -> str:
    """The temporary table of versions that must be weighed against each other; stops the run where two keys collide."""
    if touched is None and (data.feed, data.kind.name) in work.weighed:
        return work.weighed[data.feed, data.kind.name]
    name = work.fresh("versions")
    index = read_parquet(data.indexes)
    if touched is None:
        work.engine.register("repeated_keys", repeated(data.indexes, "key"))
        keep = statement(
            "select i.key in (select key from repeated_keys) or i.tombstone or exists (select 1 from {a} a where a.as_of > r.as_of)", a=absences(work, data)
        ).expressions[0]
    else:
        several = statement("select key from {i} i semi join {t} t on t.key = i.key group by key having count(*) > 1", i=index, t=touched)
        keep = statement(
            "select i.key in (select key from {t}) and (i.key in {several} or i.tombstone or exists (select 1 from {a} a where a.as_of > r.as_of))",
            t=touched,
            several=several,
            a=absences(work, data),
        ).expressions[0]
    work.engine.temporary(name, versions.contested(index, keep))
    if touched is None:
        work.engine.unregister("repeated_keys")
        work.weighed[data.feed, data.kind.name] = name
    refuse_keys(work, data, work.engine.rows(versions.colliding(name)))
    note_versions(work, data, name)
    return name


def sources(work: Work, data: KindData, plan: MappingPlan, keep: Tree | None, drop: Tree | None) -> Tree:
    """The staged records a plan maps: all, or those in `keep`(receipt, record), less those in `drop`."""
    columns = set(plan.source_columns)
    keyless = not data.kind.key and not plan.target.key
    if keyless:
        columns |= {c for f in data.files for c in f.columns}
    files = data.files
    if keep is not None:
        wanted = {r for (r,) in work.engine.rows(statement("select distinct receipt from {k} k", k=keep))}
        files = [f for f in files if f.receipt in wanted] or files[:1]
    base = staged(files, sorted(columns), {SALT: [salt_of(work.receipts[f.receipt], f) for f in files]} if keyless else None)
    if keyless:
        base = _with_keys(data, base, sorted({c for f in data.files for c in f.columns}), set(plan.source_columns))
    if keep is not None:
        base = statement("select s.* from {s} s semi join {keep} k on k.receipt = s._receipt and k.record = s._record", s=base, keep=keep)
    if drop is not None:
        base = statement("select s.* from {s} s anti join {drop} k on k.receipt = s._receipt and k.record = s._record", s=base, drop=drop)
    return base


def _with_keys(data: KindData, base: Tree, columns: list[str], used: set[str]) -> Tree:
    """Keyless records with their own key: worked out from the content, taken from the index for the second and further of equal ones."""
    keyed = statement(
        "select {used}, {issue}, _receipt, _record, {key} as {name} from {s} s",
        used=[col(c) for c in sorted(used)],
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
            ordinals=statement("select receipt, record, key from {i} i where nth > 1", i=read_parquet(data.indexes)),
        )
        if data.repeats
        else keyed
    )


def parents(work: Work, key: TargetKey, plan: MappingPlan) -> dict[str, Tree | str]:
    """The current records of the kinds a plan joins, as temporary tables of their columns."""
    found: dict[str, Tree | str] = {}
    for join in plan.target.joins:
        name = f"parent_{key.feed}_{join.kind}"
        columns = sorted({c for j in plan.target.joins if j.kind == join.kind for c in plan.joined[j.alias]})
        data = work.kinds.get((key.feed, join.kind))
        work.engine.temporary(name, _current(work, data, columns) if data else _nothing(columns))
        found[join.kind] = name
    return found


def _nothing(columns: list[str]) -> Tree:
    return statement("select {c}, 0::BIGINT as _record where false", c=[alias(typed(text(""), "VARCHAR"), c) for c in columns])


def _current(work: Work, data: KindData, columns: list[str]) -> Tree:
    """Text of the records of a kind that hold, whatever its targets make of them."""
    weighed = contested_versions(work, data, None)
    standing = work.fresh("standing")
    work.engine.temporary(standing, versions.states(weighed, statement(_NO_CODES), absences(work, data)))
    dropped = statement(
        "select receipt, record from {s} where state <> 'current' union all select receipt, record from {i} i where issue is not null",
        s=standing,
        i=read_parquet(data.indexes),
    )
    return statement("select s.* from {s} s anti join {d} d on d.receipt = s._receipt and d.record = s._record", s=staged(data.files, columns), d=dropped)


def map_target(work: Work, key: TargetKey, touched: Touched) -> Made:
    """Weigh versions, map what holds, and tell what became of every touched record."""
    data, plan = work.kinds[key.feed, key.kind], work.plans[key]
    joined = parents(work, key, plan)
    weighed = contested_versions(work, data, touched)
    judged = _judge(work, key, data, plan, weighed, joined)
    keep, drop = _kept(work, data, judged, touched)
    rows = mapped_rows(work, plan, sources(work, data, plan, keep, drop), joined, key)
    held = _hold(work, plan, rows)
    exceptions = _exceptions(work, key, data, plan, judged, rows, held, touched)
    _gather_findings(work, key, plan, rows, data.new_receipts if touched is not None else None)
    _leave_mapped(work, plan, rows, exceptions, held)
    return Made(key, plan, rows, exceptions, touched, 0, _counts(work, plan, rows), _had_rows(work, key, data, touched))


def _counts(work: Work, plan: MappingPlan, rows: str) -> dict[str, int]:
    """Mapped rows per table."""
    return {plan.tables[t]: n for t, n in work.engine.rows(statement("select _table, count(*) from {m} where _reason is null group by _table", m=rows))}


def _had_rows(work: Work, key: TargetKey, data: KindData, touched: Touched) -> bool:
    """Whether the target may have rows of touched records in the last release."""
    if touched is None:
        return work.old_tag(key) is not None
    old = [p for p in data.indexes if p not in set(data.new_indexes)]
    return bool(old) and bool(work.engine.one(statement("select count(*) from {i} i semi join {t} t on t.key = i.key", i=read_parquet(old), t=touched)))


def _judge(work: Work, key: TargetKey, data: KindData, plan: MappingPlan, weighed: str, joined: dict[str, Tree | str]) -> str:
    """States of the contested versions; those a mapping would quarantine are found first, since they end nothing."""
    codes = statement(_NO_CODES)
    name = work.fresh("judged")
    if not work.engine.count(weighed):
        work.engine.temporary(name, statement("select 0::BIGINT as receipt, 0::BIGINT as record, 0::BIGINT as key, '' as state, '' as code where false"))
        return name
    if any(r.state == "quarantined" for r in plan.reasons):
        only = statement(
            "select receipt, record from {w} where issue is null and not coalesce(tombstone, false)", w=weighed
        )  # a tombstone says an end and nothing else
        trial = mapped_rows(work, plan, sources(work, data, plan, only, None), joined, key)
        codes = statement(
            "select _receipt as receipt, _record as record, min({code}) as code from {t} where {quarantined} group by all",
            code=_code(plan),
            t=trial,
            quarantined=_in_state(plan, "quarantined"),
        )
    work.engine.temporary(name, versions.states(weighed, codes, absences(work, data)))
    return name


def _kept(work: Work, data: KindData, judged: str, touched: Touched) -> tuple[Tree | None, Tree | None]:
    if touched is not None:
        keep = work.fresh("keep")
        work.engine.temporary(
            keep,
            statement(
                """select i.receipt, i.record from {i} i semi join {t} t on t.key = i.key
                anti join (select * from {j} j where state <> 'current') j on j.receipt = i.receipt and j.record = i.record where i.issue is null""",
                i=read_parquet(data.indexes),
                t=touched,
                j=judged,
            ),
        )
        return statement("select receipt, record from {k}", k=keep), None
    weighed = work.engine.one(statement("select count(*) from {j} where state <> 'current'", j=judged))
    issues = work.engine.one(statement("select count(*) from {i} i where issue is not null", i=read_parquet(data.indexes)))
    if not weighed and not issues:
        return None, None
    out = statement(
        "select receipt, record from {j} where state <> 'current' union all select receipt, record from {i} i where issue is not null",
        j=judged,
        i=read_parquet(data.indexes),
    )
    return None, out


def mapped_rows(work: Work, plan: MappingPlan, source: Tree, joined: dict[str, Tree | str], key: TargetKey) -> str:
    """The mapped rows of a source as a temporary table; codes are resolved for the pairs that occur."""
    resolution = work.resolve(plan.pairs(source, joined)) if plan.lookups else ""
    name = work.fresh("rows")
    work.engine.temporary(name, plan.query(source, joined, resolution))
    return name


def _in_state(plan: MappingPlan, state: str) -> Tree:
    return in_numbers(col("_reason"), [n for n, r in enumerate(plan.reasons) if r.state == state])


def _code(plan: MappingPlan) -> Tree:
    return case([(in_numbers(col("_reason"), [n]), text(r.code)) for n, r in enumerate(plan.reasons)], text("")) if plan.reasons else text("")


def _about(plan: MappingPlan) -> Tree:
    return case([(in_numbers(col("_reason"), [n]), text(r.about)) for n, r in enumerate(plan.reasons) if r.about], text(""))


def _hold(work: Work, plan: MappingPlan, rows: str) -> Tree:
    """(receipt, record, detail) of records whose required parent has no row; detail is the parent's id."""
    found = []
    for column, table in required_tables(plan.target).items():
        if table in work.live and column in {m.name for m in plan.columns}:
            found.append(
                statement(
                    "select distinct m._receipt as receipt, m._record as record, m.{c}::VARCHAR as detail "
                    "from {m} m anti join {live} l on l.id = m.{c} where m._reason is null and m.{c} is not null",
                    c=column,
                    m=rows,
                    live=f"live_{table}",
                )
            )
    if not found:
        return statement("select 0::BIGINT as receipt, 0::BIGINT as record, '' as detail where false")
    name = work.fresh("held")
    work.engine.temporary(name, union_all(found))
    return statement("select * from {h}", h=name)


def _exceptions(work: Work, key: TargetKey, data: KindData, plan: MappingPlan, judged: str, rows: str, held: Tree, touched: Touched) -> str:
    """Every touched record that is not mapped, as rows of state/disposition; one row per record, the gravest of its rows' reasons."""
    index = read_parquet(data.indexes)
    within = (
        statement("select true").expressions[0]
        if touched is None
        else statement("select i.key is null or i.key in (select key from {t})", t=touched).expressions[0]
    )
    parts = [
        statement("select receipt, record, key, state, coalesce(code, '') as code, '' as detail, 0 as weight from {j} where state <> 'current'", j=judged),
        statement(
            "select i.receipt, i.record, i.key, 'quarantined' as state, i.issue as code, '' as detail, 1 as weight "
            "from {i} i anti join {j} j on j.receipt = i.receipt and j.record = i.record "
            "where i.issue is not null and i.issue not like 'RDR%' and {within} and {fresh}",
            i=index,
            j=judged,
            within=within,
            fresh=disjunction([_new_receipts(data), statement("select i.key is not null").expressions[0]])
            if touched is not None
            else statement("select true").expressions[0],
        ),
    ]
    if plan.reasons:
        parts.append(
            statement(
                "select _receipt as receipt, _record as record, null::BIGINT as key, {state} as state, {code} as code, {about} as detail, {weight} as weight "
                "from {m} where _reason is not null",
                state=case([(_in_state(plan, s), text(s)) for s in ("held", "quarantined", "filtered")], text("quarantined")),
                code=_code(plan),
                about=_about(plan),
                weight=case([(_in_state(plan, "held"), integer(2)), (_in_state(plan, "quarantined"), integer(3))], integer(9)),
                m=rows,
            )
        )
    parts.append(statement("select receipt, record, null::BIGINT as key, 'held' as state, 'REF-001' as code, detail, 4 as weight from {h} h", h=held))
    name = work.fresh("exceptions")
    every = union_all(parts)
    work.engine.temporary(
        name,
        statement(
            "select {feed} as feed, {kind} as kind, {target} as target, e.receipt::BIGINT as "
            "receipt, e.record::BIGINT as record, e.key, e.state, e.code, e.detail from {e} e",
            feed=text(key.feed),
            kind=text(key.kind),
            target=text(key.target),
            e=_gravest(every, rows) if _several(plan) else every,
        ),
    )
    return name


def _several(plan: MappingPlan) -> bool:
    """Whether a record may make several rows, or wait for several parents."""
    return bool(plan.slots) or any(x.every for x in plan.lookups) or len(required_tables(plan.target)) > 1


def _gravest(parts: Tree, rows: str) -> Tree:
    """One row per record, the gravest of its rows' reasons; a record some of whose rows a filter drops is mapped by the others."""
    return statement(
        """select * from (
            select receipt, record, arg_min(key, weight) as key, arg_min(state, (weight, code, detail)) as state, arg_min(code, (weight, code, detail)) as code,
                arg_min(detail, (weight, code, detail)) as detail
            from {parts} x group by receipt, record) e
        where e.state <> 'filtered' or (e.receipt, e.record) not in (select (_receipt, _record) from {m} where _reason is null)""",
        parts=parts,
        m=rows,
    )


def _new_receipts(data: KindData) -> Tree:
    return in_numbers(col("receipt", "i"), sorted(data.new_receipts))


def _leave_mapped(work: Work, plan: MappingPlan, rows: str, exceptions: str, held: Tree) -> None:
    """Take out the rows of records that are not mapped: a record is mapped whole or not at all, but for rows a filter drops.

    Rows with a reason of their own are left out wherever rows are used; here go the others: held ones, and sisters of a row with a reason.
    """
    if (plan.slots or any(x.every for x in plan.lookups)) and work.engine.count(exceptions):
        out = statement("select receipt, record from {e} where state <> 'filtered'", e=exceptions)
    elif work.engine.one(statement("select count(*) from {h} h", h=held)):
        out = held
    else:
        return
    work.engine.execute(statement("delete from {m} where (_receipt, _record) in (select (receipt, record) from {o} o)", m=rows, o=out))


def _gather_findings(work: Work, key: TargetKey, plan: MappingPlan, rows: str, receipts: Set[int] | None) -> None:
    """Counts per check and receipt over the mapped records, with at most five record numbers as examples.

    A finding is told once: of the receipts that are new (`receipts`), or of all of them (None) in place of what was told of the target before.
    """
    if receipts is None and work.old_tag(key) is not None:
        work.untold.append(told_of(key))
    if not plan.checks:
        return
    fresh = statement("select true").expressions[0] if receipts is None else in_numbers(col("_receipt"), sorted(receipts))
    counted = [statement("select count(*) filter (where _issues & {m} <> 0)", m=integer(2**n)).expressions[0] for n in range(len(plan.checks))]
    totals = work.engine.rows(statement("select {c} from {m} where _issues <> 0 and {fresh}", c=counted, m=rows, fresh=fresh))[0]
    told = statement(_SEVERAL if _several(plan) else _SINGLE).expressions
    found = [
        statement(
            _FINDING, run=work.number, code=text(check.code), feed=text(key.feed), kind=text(key.kind), target=text(key.target), column=text(check.column),
            told=told, m=rows, mask=integer(2**n), fresh=fresh,
        )
        for n, check in enumerate(plan.checks) if totals[n]
    ]  # fmt: skip
    if found:
        name = work.fresh("finding")
        work.engine.temporary(name, union_all(found))
        work.findings.append(name)


def reader_rejects(work: Work, data: KindData) -> Tree:
    """The records the reader rejects, once each, as rows of state/disposition with target ""."""
    index = read_parquet(data.indexes)
    return statement(
        "select {feed} as feed, {kind} as kind, '' as target, receipt::BIGINT as receipt, record::BIGINT "
        "as record, null::BIGINT as key, 'quarantined' as state, issue as code, '' as detail "
        "from {i} i where issue like 'RDR%'",
        feed=text(data.feed),
        kind=text(data.kind.name),
        i=index,
    )
