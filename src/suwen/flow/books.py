"""The books of a run: dispositions kept up, the ledger of moves between them, and the check that every record has exactly one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from suwen.base.errors import Defect
from suwen.engine.delta import DataFile, NewFile
from suwen.engine.sql import Tree, alias, col, integer, literal_rows, null, read_parquet, statement, text, typed, union_all
from suwen.flow.kind_relations import received
from suwen.flow.known_receipts import fresh_receipt
from suwen.flow.lanes import FeedTarget, KindData
from suwen.flow.targets import Made, reader_rejects
from suwen.flow.work import Work
from suwen.model import state as states

DISPOSITION, LEDGER = "state/disposition", "state/ledger"
Totals = dict[str, int]


def post(work: Work, made: Made) -> None:
    """Bring the dispositions of a target up to date, post the moves, and check that the touched records are all there."""
    data = work.kinds[made.key.lane.number, made.key.kind]
    _balance(work, made, data)
    old, count = _old(work, made)
    _move(work, made, data, old if count else None)
    _replace(work, made.key.part, old if count else None, made.exceptions if made.others else None)


def _balance(work: Work, made: Made, data: KindData) -> None:
    """Records touched = mapped + all others; mapped ones are counted in the rows themselves."""
    touched = made.records.records if made.records is not None else data.records - data.rejected
    mapped = made.mapped
    if made.plan.slots or mapped != touched - made.others:  # a record may have made several rows
        mapped = work.engine.one(statement("select count(*) from (select distinct _receipt, _record from {m} where _reason is null) x", m=made.rows))
    if mapped != touched - made.others:
        raise Defect(f"RUN-001: the ledger of {made.key} does not balance: {touched} records, {mapped} mapped and {made.others} otherwise")


def _old(work: Work, made: Made) -> tuple[str, int]:
    """The target's dispositions in the last release, of the records touched now, with the file each stands in, as a temporary table; and their number.

    Of feeds that are mapped again as a whole all of them: a receipt may be no more.
    """
    held = made.held_before(work)
    stored = [f.path for f in work.stored_states(made.key) if held is None or f.may_hold(held)]
    if not stored:
        return "", 0
    name, columns = work.fresh("old_states"), [*(col(c, "d") for c in states.DISPOSITION), col("filename", "d")]
    mine = made.touches(work, "d", "receipt", "record")
    work.engine.temporary(name, statement("select {c} from {d} d where {mine}", c=columns, d=read_parquet(stored, filename=True), mine=mine))
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
    key, received = made.key, _received(work, data)
    counts = statement(_ALL_MAPPED, received=received)
    if old or made.others:
        fresh = fresh_receipt(work, "receipt")
        counts = statement(_MOVES, new=made.exceptions, old=old or _none(), fresh=fresh, received=received)
    moved = statement(
        "select {run}::BIGINT as run, r.feed, {kind} as kind, {target} as target, "
        "c.receipt::BIGINT as receipt, c.from_state, c.to_state, c.records::BIGINT as records from {c} c join receipts r on r.receipt = c.receipt",
        run=work.number,
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


def _received(work: Work, data: KindData) -> Tree:
    """(receipt, records) of the new receipts, without what the reader rejects."""
    new = data.tally.where(data.fresh & (data.tally.rows > 0))
    receipts, places = np.unique(new.receipts, return_inverse=True)
    counts = np.bincount(places, weights=new.rows - new.rejected, minlength=len(receipts)).astype(np.int64)
    name = work.fresh("received")
    work.engine.register(f"{name}_in", pa.table({"receipt": receipts, "records": counts}))
    work.engine.temporary(name, statement("select receipt, records from {t}", t=f"{name}_in"))
    work.engine.unregister(f"{name}_in")
    return statement("select * from {n} n", n=name)


def post_rejects(work: Work) -> None:
    """Post what the reader rejects: records once each (target ""), and objects that cannot be read as one record each."""
    for data in work.kinds.values():
        if (data.tally.rejected[data.fresh] > 0).any():
            name = work.fresh("rejects")
            work.engine.temporary(name, statement("select * from {q} q where {fresh}", q=reader_rejects(work, data), fresh=fresh_receipt(work, "receipt")))
            _post_new(work, f"{data.kind.name}.", name)
    if work.unread:
        rows = [
            [text(u.feed), integer(u.receipt), text(u.code), text(f"{u.member}: {u.reason}" if u.reason else u.member)]
            for u in sorted(work.unread, key=lambda u: (u.feed, u.receipt))
        ]
        name = work.fresh("unread")
        given = literal_rows(("feed", "receipt", "code", "detail"), ("VARCHAR", "BIGINT", "VARCHAR", "VARCHAR"), rows)
        told = """select feed, '' as kind, '' as target, receipt, 0::BIGINT as record, null::BIGINT as key, 'quarantined' as state, code, detail from {g} g"""
        work.engine.temporary(name, statement(told, g=given))
        _post_new(work, ".", name)


def _post_new(work: Work, part: str, rows: str) -> None:
    """Post states of new receipts, of which none stand but those of receipts read anew."""
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
    stored, old = [f.path for f in work.files(DISPOSITION) if f.part == part], work.fresh("old_states")
    if stored:
        again = statement("select d.* from {d} d semi join {r} r on r.receipt = d.receipt", d=read_parquet(stored, filename=True), r=rows)
        work.engine.temporary(old, again)
    _replace(work, part, old if stored and work.engine.count(old) else None, rows)


def take_out(work: Work, label: FeedTarget) -> None:
    """Take all states of a target of a feed out of the books, whose moves are posted by whoever asks."""
    stored, old = [f.path for f in work.stored_states(label)], work.fresh("old_states")
    if stored:
        mine = statement("select d.* from {d} d where d.feed = {f}", d=read_parquet(stored, filename=True), f=text(label.feed))
        work.engine.temporary(old, mine)
        _replace(work, label.part, old if work.engine.count(old) else None, None)


def _replace(work: Work, part: str, old: str | None, new: str | None) -> None:
    """Take the states in `old` (with the file each stands in) out of a part of state/disposition and put those of `new` in, as temporary tables.

    What is taken out is written when the run commits, since several targets may have states in a file.
    """
    change = work.change(DISPOSITION)
    if old:
        with work.guard:
            change.removed.append(old)
    if new:
        columns = [col(c) for c in states.DISPOSITION]
        path = work.table(DISPOSITION).new_path(part, f"{work.number:08d}-{work.attempt}-{work.fresh('d')}")
        written = work.engine.copy(statement("select {c} from {n} n", c=columns, n=new), path)
        work.step(f"wrote {DISPOSITION}")
        with work.guard:
            change.created.append(NewFile(written, part))


def rewrite(work: Work) -> None:
    """Write again, without the states that were taken out, the files that lose some; those of a part together."""
    change = work.changes.get(DISPOSITION)
    if change is None or not change.removed:
        return
    gone = work.fresh("gone_states")
    parts = [statement("select receipt, record, filename from {t} t", t=table) for table in change.removed]
    work.engine.temporary(gone, union_all(parts))
    change.removed.clear()
    hit = {path for (path,) in work.engine.rows(statement("select distinct filename from {g} g", g=gone))}
    by_part: dict[str, list[DataFile]] = {}
    for file in work.files(DISPOSITION):
        if file.path in hit:
            by_part.setdefault(file.part, []).append(file)
    for part, files in by_part.items():
        kept = statement(
            "select {c} from {f} f anti join {g} g on g.receipt = f.receipt and g.record = f.record and g.filename = f.filename",
            c=[alias(col(c, "f"), c) for c in states.DISPOSITION],
            f=read_parquet([file.path for file in files], filename=True),
            g=gone,
        )
        written = work.engine.copy(kept, work.table(DISPOSITION).new_path(part, f"{work.number:08d}-{work.attempt}-{work.fresh('d')}"))
        work.step(f"wrote {DISPOSITION}")
        work.taken_out.setdefault(DISPOSITION, []).extend(files)
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
        for feed, records in received(work, work.kinds[key.lane.number, key.kind]).items():
            expected = records - sums.get((feed, key.kind, ""), 0)
            told = sums.get((feed, key.kind, key.target), 0)
            if told != expected:
                place = FeedTarget(feed, key.kind, key.target)
                raise Defect(f"RUN-001: the ledger of {place} does not balance: {expected} records received, {told} with a disposition")
