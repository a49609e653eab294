"""The books of a run: dispositions kept up, the ledger of moves between them, and the check that every record has exactly one."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.base.errors import Defect
from suwen.engine.delta import NewFile
from suwen.engine.sql import Tree, alias, col, in_numbers, null, read_parquet, statement, text, typed, union_all
from suwen.flow.targets import Made, reader_rejects
from suwen.flow.work import KindData, TargetKey, Work
from suwen.model import state as states

DISPOSITION, LEDGER = "state/disposition", "state/ledger"
Totals = dict[str, int]


def post(work: Work, made: Made) -> None:
    """Bring the dispositions of a target up to date, post the moves, and check that the touched records are all there."""
    data = work.kinds[made.key.feed, made.key.kind]
    _balance(work, made, data)
    old, count = _old(work, made)
    _move(work, made, data, old if count else None)
    _replace(work, made.key.part, old, count, made.exceptions, made.others)


def _balance(work: Work, made: Made, data: KindData) -> None:
    """Records touched = mapped + all others; mapped ones are counted in the rows themselves."""
    touched = made.records.records if made.records is not None else data.records - sum(f.rejected for f in data.files)
    mapped = made.mapped
    if made.plan.slots or mapped != touched - made.others:  # a record may have made several rows
        mapped = work.engine.one(statement("select count(*) from (select distinct _receipt, _record from {m} where _reason is null) x", m=made.rows))
    if mapped != touched - made.others:
        raise Defect(f"RUN-001: the ledger of {made.key} does not balance: {touched} records, {mapped} mapped and {made.others} otherwise")


def _old(work: Work, made: Made) -> tuple[str, int]:
    """The target's dispositions in the last release, of the records touched now, as a temporary table; and their number."""
    stored = work.stored_states(made.key)
    if not stored or (made.records is not None and not made.records.old):
        return "", 0
    name, columns = work.fresh("old_states"), [col(c, "d") for c in states.DISPOSITION]
    rows = read_parquet([f.path for f in stored])
    if made.records is None:
        query = statement("select {c} from {d} d", c=columns, d=rows)
    else:
        query = statement("select {c} from {d} d semi join {r} r on r.receipt = d.receipt and r.record = d.record", c=columns, d=rows, r=made.records.name)
    work.engine.temporary(name, query)
    return name, work.engine.count(name)


def _none() -> Tree:
    return statement("select {c} where false", c=[alias(typed(null(), t), n) for n, t in states.DISPOSITION.items()])


_MOVES = """with n as (select receipt, record, state from {new}), o as (select receipt, record, state from {old}),
    known as (select coalesce(o.receipt, n.receipt) as receipt, coalesce(o.state, 'mapped') as from_state,
        coalesce(n.state, 'mapped') as to_state, count(*) as records
        from (select * from o where not {fresh} and receipt in (select receipt from receipts)) o full join (select * from n where not {fresh})
            n on n.receipt = o.receipt and n.record = o.record group by all),
    come as (select receipt, '' as from_state, state as to_state, count(*) as records from n where {fresh} group by all),
    mapped as (select r.receipt, '' as from_state, 'mapped' as to_state, r.records - coalesce(c.records, 0) as records
        from {received} r left join (select receipt, sum(records) as records from come group by receipt) c on c.receipt = r.receipt)
    select * from known where from_state <> to_state union all select * from come union all select * from mapped where records <> 0"""
_ALL_MAPPED = "select r.receipt, '' as from_state, 'mapped' as to_state, r.records from {received} r where r.records <> 0"


def _move(work: Work, made: Made, data: KindData, old: str | None) -> None:
    """The moves of a target's touched records between states, new ones coming from nowhere."""
    key, received = made.key, _received(data)
    counts = statement(_ALL_MAPPED, received=received)
    if old or made.others:
        fresh = in_numbers(col("receipt"), sorted(data.new_receipts))
        counts = statement(_MOVES, new=made.exceptions, old=old or _none(), fresh=fresh, received=received)
    moved = statement(
        "select {run}::BIGINT as run, {feed} as feed, {kind} as kind, {target} as target, "
        "receipt::BIGINT as receipt, from_state, to_state, records::BIGINT as records from {c} c",
        run=work.number,
        feed=text(key.feed),
        kind=text(key.kind),
        target=text(key.target),
        c=counts,
    )
    if not (old or made.others):
        work.moves.append(moved)
        return
    name = work.fresh("moves")
    work.engine.temporary(name, moved)
    work.moves.append(statement("select * from {t}", t=name))


def _received(data: KindData) -> Tree:
    """(receipt, records) of the new receipts, without what the reader rejects."""
    nothing = statement("select 0::BIGINT as receipt, 0::BIGINT as records where false")
    counts: dict[int, int] = {}
    for f in data.files:
        if f.receipt in data.new_receipts:
            counts[f.receipt] = counts.get(f.receipt, 0) + f.rows - f.rejected
    return union_all([nothing, *(statement("select {r}::BIGINT as receipt, {n}::BIGINT as records", r=r, n=n) for r, n in sorted(counts.items()))])


def post_rejects(work: Work) -> None:
    """Post what the reader rejects: records once each (target ""), and objects that cannot be read as one record each."""
    for (feed, kind), data in work.kinds.items():
        if any(f.rejected for f in data.files if f.receipt in data.new_receipts) or (data.restaged and any(f.rejected for f in data.files)):
            name = work.fresh("rejects")
            work.engine.temporary(
                name, statement("select * from {q} q where {fresh}", q=reader_rejects(work, data), fresh=in_numbers(col("receipt"), sorted(data.new_receipts)))
            )
            _post_new(work, TargetKey(feed, kind, ""), name)
    for feed in sorted({u.feed for u in work.unread}):
        rows = [
            statement(
                "select {feed} as feed, '' as kind, '' as target, {receipt}::BIGINT as receipt, 0::BIGINT "
                "as record, null::BIGINT as key, 'quarantined' as state, {code} as code, {detail} as detail",
                feed=text(feed),
                receipt=u.receipt,
                code=text(u.code),
                detail=text(f"{u.member}: {u.reason}" if u.reason else u.member),
            )
            for u in work.unread
            if u.feed == feed
        ]
        name = work.fresh("unread")
        work.engine.temporary(name, union_all(rows))
        _post_new(work, TargetKey(feed, "", ""), name)


def _post_new(work: Work, key: TargetKey, rows: str) -> None:
    moves = work.fresh("moves")
    work.engine.temporary(
        moves,
        statement(
            "select {run}::BIGINT as run, feed, kind, target, receipt, '' as from_state, state as to_state, count(*)::BIGINT as records "
            "from {r} r group by all",
            run=work.number,
            r=rows,
        ),
    )
    work.moves.append(statement("select * from {t}", t=moves))
    part, old = key.part, work.fresh("old_states")
    stored = [f.path for f in work.stored_states(key)]
    fresh = statement("select d.* from {d} d semi join {r} r on r.receipt = d.receipt", d=read_parquet(stored), r=rows) if stored else _none()
    work.engine.temporary(old, fresh)  # of receipts read anew
    _replace(work, part, old, work.engine.count(old), rows, work.engine.count(rows))


def _replace(work: Work, part: str, old: str, gone: int, new: str, come: int) -> None:
    """Take `old` out of a part of state/disposition and put `new` in, of so many rows; unchanged parts are left alone."""
    if not gone and not come:
        return
    target, change = work.table(DISPOSITION), work.change(DISPOSITION)
    files = [f for f in work.files(DISPOSITION) if f.part == part]
    columns = [col(c) for c in states.DISPOSITION]
    if gone:
        kept = statement(
            "select {c} from {f} f anti join {o} o on o.receipt = f.receipt and o.record = f.record",
            c=[col(c, "f") for c in states.DISPOSITION],
            f=read_parquet([f.path for f in files]),
            o=old,
        )
        query = union_all([kept, statement("select {c} from {n} n", c=columns, n=new)])
        with work.guard:
            work.taken_out.setdefault(DISPOSITION, []).extend(files)
    else:
        query = statement("select {c} from {n} n", c=columns, n=new)
    written = work.engine.copy(query, target.new_path(part, f"{work.number:08d}-{work.attempt}-{work.fresh('d')}"))
    work.step(f"wrote {DISPOSITION}")
    change.created.append(NewFile(written, part))


def totals(work: Work) -> Totals:
    """Records per feed, kind, target and state after the run: the last release's totals and this run's moves."""
    found: Totals = dict(work.previous.totals) if work.previous else {}
    summed = "select feed, kind, target, from_state, to_state, sum(records)::BIGINT from {m} m group by all"
    for feed, kind, target, before, after, records in work.engine.rows(statement(summed, m=union_all(work.moves))) if work.moves else ():
        for state, change in ((before, -records), (after, records)):
            if state:
                label = f"{feed}|{kind}|{target}|{state}"
                found[label] = found.get(label, 0) + change
    return {label: count for label, count in sorted(found.items()) if count}


def check_totals(work: Work, found: Mapping[str, int]) -> None:
    """First balance: per target, the states sum to the records received, less those the reader rejects, which stand once."""
    sums: dict[tuple[str, str, str], int] = {}
    for label, count in found.items():
        feed, kind, target, _ = label.split("|")
        if count < 0:
            raise Defect(f"RUN-001: the ledger has {count} records in {label}")
        sums[feed, kind, target] = sums.get((feed, kind, target), 0) + count
    for key in work.plans:
        data = work.kinds[key.feed, key.kind]
        received = data.records - sums.get((key.feed, key.kind, ""), 0)
        told = sums.get((key.feed, key.kind, key.target), 0)
        if told != received:
            raise Defect(f"RUN-001: the ledger of {key} does not balance: {received} records received, {told} with a disposition")
