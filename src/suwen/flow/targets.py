"""One target of a lane in a run: which records hold, their mapped rows, and what became of every other record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from suwen.engine.sql import (
    Tree,
    case,
    col,
    conjunction,
    disjunction,
    in_numbers,
    integer,
    read_parquet,
    statement,
    text,
    union_all,
)
from suwen.flow.kind_relations import index
from suwen.flow.known_receipts import fresh_receipt
from suwen.flow.lanes import KindData, TargetKey
from suwen.flow.sources import NO_CODES, contested_versions, parents, sources
from suwen.flow.touched import Touched, absences, touched_records
from suwen.flow.value_findings import note_values
from suwen.flow.work import Slice, Work, required_tables
from suwen.repository import versions
from suwen.repository.mapping import MappingPlan

_NO_STATES = "select 0::BIGINT as receipt, 0::BIGINT as record, 0::BIGINT as key, '' as state, '' as code where false"
_NO_DISPOSITION = """
    select '' as feed, '' as kind, '' as target, 0::BIGINT as receipt, 0::BIGINT as record, 0::BIGINT as key, '' as state, '' as code, '' as detail
    where false"""


@dataclass
class Made:
    """What mapping one target gave.

    `rows`: temporary table of mapped rows, `mapped` of them without a reason against them, `counts` of these per table. `exceptions`: temporary table
    of the touched records that are not mapped, as rows of state/disposition, `others` of them. `records`: the touched records that the index tells of
    (None: every record); `whole`: the feeds all of whose records are touched; `had_rows`: whether the target may have rows of touched records in the last
    release.
    """

    key: TargetKey
    plan: MappingPlan
    rows: str
    mapped: int
    counts: dict[str, int]
    exceptions: str
    others: int
    touched: Touched
    records: Slice | None
    whole: Set[str]
    had_rows: bool

    def held_before(self, work: Work) -> Sequence[int] | None:
        """The receipts in the last release whose records are touched; None for any of its feeds."""
        return None if self.records is None else [*self.records.old, *work.receipts_of(self.whole)]

    def touches(self, work: Work, alias: str, receipt: str, record: str, feeds: Iterable[str] | None = None) -> Tree:
        """True for a touched record, told of by two columns under an alias; of some feeds alone, where they are given."""
        mine = set(self.key.lane.feeds) if feeds is None else set(feeds)
        if self.records is None:
            return work.come_by(mine, receipt, alias)
        place = "select ({a}, {b}) in (select (receipt, record) from {r} r)"
        told = statement(place, a=col(receipt, alias), b=col(record, alias), r=self.records.name).expressions[0]
        whole = [work.come_by(self.whole, receipt, alias)] if self.whole else []
        return conjunction([disjunction([told, *whole]), *([] if feeds is None else [work.come_by(mine, receipt, alias)])])


def map_target(work: Work, key: TargetKey, touched: Touched) -> Made:
    """Weigh versions, map what holds, and tell what became of every touched record."""
    data, plan = work.kinds[key.lane.number, key.kind], work.plans[key]
    records = touched_records(work, data, touched) if touched is not None else None
    again = work.whole.get(touched or "", frozenset[str]())
    joined = parents(work, key, plan, statement("select receipt, record from {r} r", r=records.name) if records is not None else None)
    judged = _judge(work, key, data, plan, contested_versions(work, data, touched), joined, records, again)
    rows = _mapped(work, key, data, plan, joined, judged, records)
    counts, refused, issues = _summary(work, plan, rows)
    held = _hold(work, plan, rows)
    note_values(work, key, plan, rows, issues, again if touched is not None else None, work.stale_feeds(key), several=_several(plan))
    exceptions, others = _exceptions(work, key, data, plan, judged, rows, held, records, refused)
    if others and _leave_mapped(work, plan, rows, exceptions, held):
        counts, _, _ = _summary(work, plan, rows)
    whole = work.stale_feeds(key)
    had_rows = bool(work.old_tags(key)) if records is None or whole else bool(records.old)
    return Made(key, plan, rows, sum(counts.values()), counts, exceptions, others, touched, records, whole, had_rows)


def _summary(work: Work, plan: MappingPlan, rows: str) -> tuple[dict[str, int], int, int]:
    """Mapped rows per table, rows with a reason against them, and the issues that occur, a bit each."""
    counts: dict[str, int] = {}
    refused = issues = 0
    asked = statement("select _table, _reason is null, count(*), coalesce(bit_or(_issues), 0) from {m} group by all", m=rows)
    for table, kept, number, found in work.engine.rows(asked):
        issues |= found
        if kept:
            counts[plan.tables[table]] = number
        else:
            refused += number
    return counts, refused, issues


@dataclass(frozen=True)
class _Judged:
    """States of the contested versions: a temporary table, `others` of them are not current.

    `trial`: the mapped rows of what was `tried` to find out (None: nothing); `failed`: how many of these are not current.
    """

    states: str
    others: int
    trial: str | None
    tried: Tree
    failed: int = 0


def _judge(
    work: Work, key: TargetKey, data: KindData, plan: MappingPlan, weighed: str, joined: dict[str, Tree | str], records: Slice | None, again: frozenset[str]
) -> _Judged:
    """Weigh the contested versions; those a mapping would quarantine are found first, since they end nothing.

    Of records mapped before, the last release tells which were quarantined, unless a joined parent has its say, or they are of a feed that is mapped
    `again` as a whole.
    """
    name, tried = work.fresh("judged"), statement("select 0::BIGINT as receipt, 0::BIGINT as record where false")
    if not work.engine.count(weighed):
        return _Judged(work.empty("judged", _NO_STATES), 0, None, tried)
    known = records is not None and not plan.target.joins
    fresh = fresh_receipt(work, "receipt", "i", feeds=again) if known else statement("select true").expressions[0]
    tried = statement(  # a tombstone says an end and nothing else
        "select i.receipt, i.record from {w} i where i.issue is null and not coalesce(i.tombstone, false) and {fresh}", w=weighed, fresh=fresh
    )
    trial, codes = None, _quarantined_before(work, key, again) if known else []
    if work.engine.one(statement("select count(*) from {t} t", t=tried)):
        trial = mapped_rows(work, plan, sources(work, data, plan, tried, None), joined, key)
        refused = "select _receipt as receipt, _record as record, min({code}) as code from {t} where {quarantined} group by all"
        codes.append(statement(refused, code=_code(plan), t=trial, quarantined=plan.in_state("quarantined")))
    work.engine.temporary(name, versions.states(weighed, union_all([statement(NO_CODES), *codes]), absences(work, data)))
    counts = "select count(*), count(*) filter (where (receipt, record) in (select (receipt, record) from {t} t)) from {j} where state <> 'current'"
    others, failed = work.engine.rows(statement(counts, j=name, t=tried))[0]
    return _Judged(name, others, trial, tried, failed)


def _quarantined_before(work: Work, key: TargetKey, again: frozenset[str]) -> list[Tree]:
    """(receipt, record, code) of the records of other receipts that the target quarantined in the last release."""
    stored = [f.path for f in work.stored_states(key)]
    fresh = fresh_receipt(work, "receipt", "d", feeds=again)
    asked = "select d.receipt, d.record, d.code from {d} d where d.state = 'quarantined' and not {fresh}"
    return [statement(asked, d=read_parquet(stored), fresh=fresh)] if stored else []


def _mapped(work: Work, key: TargetKey, data: KindData, plan: MappingPlan, joined: dict[str, Tree | str], judged: _Judged, records: Slice | None) -> str:
    """The mapped rows of the records that hold: of contested ones those already mapped, and the rest now."""
    already: list[Tree] = []
    if judged.trial is not None:
        holding = statement("select receipt, record from {j} where state = 'current'", j=judged.states)
        already = [statement("select t.* from {t} t semi join {h} h on h.receipt = t._receipt and h.record = t._record", t=judged.trial, h=holding)]
    keep, drop, rest = None, None, 1
    if records is not None:
        wanted = work.fresh("keep")
        work.engine.temporary(wanted, _to_map(judged, records))
        keep, rest = statement("select receipt, record from {k}", k=wanted), work.engine.count(wanted)
    elif judged.others or judged.trial is not None or _has_issues(work, data):
        weighed = [statement("select receipt, record from {j}", j=judged.states)]
        drop = union_all([*weighed, statement("select receipt, record from {i} i where issue is not null", i=index(work, data))])
    if already and not rest:
        if not judged.failed:
            return str(judged.trial)
        name = work.fresh("rows")
        work.engine.temporary(name, already[0])
        return name
    return mapped_rows(work, plan, sources(work, data, plan, keep, drop), joined, key, already)


def _to_map(judged: _Judged, records: Slice) -> Tree:
    """(receipt, record) of the touched records that hold and are not mapped yet."""
    held = statement("select i.receipt, i.record from {n} i where i.issue is null and i.key is not null", n=records.name)
    if judged.trial is None and not judged.others:
        return held
    out = statement("select receipt, record from {j} where state <> 'current' union all select * from {tried} t", j=judged.states, tried=judged.tried)
    return statement("select h.* from {h} h anti join {out} o on o.receipt = h.receipt and o.record = h.record", h=held, out=out)


def _has_issues(work: Work, data: KindData) -> bool:
    """Whether a record of a kind has an issue; asked once for all its targets."""
    with work.once("issues", *data.place):
        if data.place not in work.with_issues:
            asked = statement("select count(*) from {i} i where issue is not null", i=index(work, data))
            work.with_issues[data.place] = bool(work.engine.one(asked))
        return work.with_issues[data.place]


def mapped_rows(work: Work, plan: MappingPlan, source: Tree, joined: dict[str, Tree | str], key: TargetKey, already: Sequence[Tree] = ()) -> str:
    """The mapped rows of a source as a temporary table, with rows that were mapped before; codes are resolved for the pairs that occur."""
    resolution = work.resolve(plan.pairs(source, joined)) if plan.lookups else ""
    name = work.fresh("rows")
    work.engine.temporary(name, union_all([*already, plan.query(source, joined, resolution)]))
    return name


def _code(plan: MappingPlan) -> Tree:
    return case([(in_numbers(col("_reason"), [n]), text(r.code)) for n, r in enumerate(plan.reasons)], text("")) if plan.reasons else text("")


def _about(plan: MappingPlan) -> Tree:
    return case([(in_numbers(col("_reason"), [n]), text(r.about)) for n, r in enumerate(plan.reasons) if r.about], text(""))


def _hold(work: Work, plan: MappingPlan, rows: str) -> str | None:
    """The temporary table (receipt, record, detail) of records whose required parent has no row, detail being the parent's id; None for none."""
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
        return None
    name = work.fresh("held")
    work.engine.temporary(name, union_all(found))
    return name if work.engine.count(name) else None


def _exceptions(
    work: Work, key: TargetKey, data: KindData, plan: MappingPlan, judged: _Judged, rows: str, held: str | None, records: Slice | None, refused: int
) -> tuple[str, int]:
    """Every touched record that is not mapped, as rows of state/disposition; one row per record, the gravest of its rows' reasons. And their number."""
    parts: list[Tree] = []
    if judged.others:
        weighed = "select receipt, record, key, state, coalesce(code, '') as code, '' as detail, 0 as weight from {j} where state <> 'current'"
        parts.append(statement(weighed, j=judged.states))
    if records.issues if records is not None else _has_issues(work, data):
        parts.append(
            statement(
                "select i.receipt, i.record, i.key, 'quarantined' as state, i.issue as code, '' as detail, 1 as weight "
                "from {i} i anti join {j} j on j.receipt = i.receipt and j.record = i.record where i.issue is not null and i.issue not like 'RDR%'",
                i=records.name if records is not None else index(work, data),
                j=judged.states,
            )
        )
    if refused:
        parts.append(
            statement(
                "select _receipt as receipt, _record as record, null::BIGINT as key, {state} as state, {code} as code, {about} as detail, {weight} as weight "
                "from {m} where _reason is not null",
                state=case([(plan.in_state(s), text(s)) for s in ("held", "quarantined", "filtered")], text("quarantined")),
                code=_code(plan),
                about=_about(plan),
                weight=case([(plan.in_state("held"), integer(2)), (plan.in_state("quarantined"), integer(3))], integer(9)),
                m=rows,
            )
        )
    if held:
        parts.append(statement("select receipt, record, null::BIGINT as key, 'held' as state, 'REF-001' as code, detail, 4 as weight from {h} h", h=held))
    if not parts:
        return work.empty("disposition", _NO_DISPOSITION), 0
    name, every = work.fresh("exceptions"), union_all(parts)
    work.engine.temporary(
        name,
        statement(
            "select r.feed, {kind} as kind, {target} as target, e.receipt::BIGINT as "
            "receipt, e.record::BIGINT as record, e.key, e.state, e.code, e.detail from {e} e join receipts r on r.receipt = e.receipt",
            kind=text(key.kind),
            target=text(key.target),
            e=_gravest(every, rows) if _several(plan) else every,
        ),
    )
    return name, work.engine.count(name)


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


def _leave_mapped(work: Work, plan: MappingPlan, rows: str, exceptions: str, held: str | None) -> bool:
    """Take out the rows of records that are not mapped: a record is mapped whole or not at all, but for rows a filter drops. Whether there may be any.

    Rows with a reason of their own are left out wherever rows are used; here go the others: held ones, and sisters of a row with a reason.
    """
    if plan.slots or any(x.every for x in plan.lookups):
        out = statement("select receipt, record from {e} where state <> 'filtered'", e=exceptions)
    elif held:
        out = statement("select receipt, record from {h}", h=held)
    else:
        return False
    work.engine.execute(statement("delete from {m} where (_receipt, _record) in (select (receipt, record) from {o} o)", m=rows, o=out))
    return True


def reader_rejects(work: Work, data: KindData) -> Tree:
    """The records the reader rejects, once each, as rows of state/disposition with target ""."""
    return statement(
        "select r.feed, {kind} as kind, '' as target, i.receipt::BIGINT as receipt, i.record::BIGINT "
        "as record, null::BIGINT as key, 'quarantined' as state, i.issue as code, '' as detail "
        "from {i} i join receipts r on r.receipt = i.receipt where i.issue like 'RDR%'",
        kind=text(data.kind.name),
        i=index(work, data),
    )
