"""Findings about persons: how many patients of the release have no resident id, or one that is wrong."""

from __future__ import annotations

from suwen.engine.sql import col, in_texts, read_parquet, statement
from suwen.flow.work import Work, standing
from suwen.repository.identifiers import CODES, IDENTIFIERS, amiss

IDENTIFIER, FINDING = f"ext/{IDENTIFIERS}", "state/finding"
_SAID = "code, feed, kind, target, column_name, receipt, records, examples"


def note_resident_ids(work: Work) -> None:
    """PID-001 to PID-003 of the patients as they stand after the run, in place of what was told before; `run` is the one since which a count holds.

    A patient counts once for each code, in the receipt of the first record that says so; a record that is sent again counts nothing anew.
    """
    if IDENTIFIER not in work.changes:
        return
    rows, now, stored = standing(work, IDENTIFIER), work.fresh("amiss"), [f.path for f in work.files(FINDING)]
    nothing = statement("select 0::BIGINT as person_id, '' as code, '' as column_name, 0::BIGINT as receipt, 0::BIGINT as record where false")
    work.engine.temporary(
        now,
        statement(
            """select a.code, r.feed, '' as kind, '' as target, a.column_name, a.receipt, count(*) as records,
            to_json(list_sort(min(a.record, 5)))::VARCHAR as examples
            from {a} a join receipts r on r.receipt = a.receipt group by a.code, r.feed, a.column_name, a.receipt""",
            a=amiss(rows) if rows is not None else nothing,
        ),
    )
    own = in_texts(col("code"), CODES)
    before = work.fresh("amiss")
    empty = statement("select 0::BIGINT as run, n.* from {n} n where false", n=now)
    told = statement(f"select run, {_SAID} from {{f}} f where {{own}}", f=read_parquet(stored), own=own) if stored else empty
    work.engine.temporary(before, told)
    new, old = statement(f"select {_SAID} from {{n}} n", n=now), statement(f"select {_SAID} from {{b}} b", b=before)
    differ = "select count(*) from ((select * from {n} n except select * from {o} o) union all (select * from {o} o except select * from {n} n)) x"
    if not work.engine.one(statement(differ, n=new, o=old)):
        return
    work.untold.append(own)
    found = work.fresh("finding")
    work.engine.temporary(
        found,
        statement(f"select coalesce(b.run, {{run}}::BIGINT) as run, n.* from {{n}} n left join {{b}} b using ({_SAID})", run=work.number, n=now, b=before),
    )
    work.findings.append(found)
