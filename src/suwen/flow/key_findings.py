"""Findings about keys: one key twice in a delivery or on one day with different content, and absences judged though keys cannot be read."""

from __future__ import annotations

from suwen.engine.sql import Tree, statement, text
from suwen.flow.kind_relations import index, is_asserting
from suwen.flow.known_receipts import fresh_receipt
from suwen.flow.lanes import KindData
from suwen.flow.work import Work


def note_unread_keys(work: Work, data: KindData) -> None:
    """WIN-002: how many records of a new snapshot or window have no readable key, and so count as absent."""
    if is_asserting(work, data.tally.receipts[data.fresh]) and data.is_new:
        found = statement(
            "select 'WIN-002' as code, receipt, record from {i} i where key is null and receipt in (select receipt from receipts where asserts)",
            i=index(work, data, fresh=True),
        )
        _post(work, data, found)


def note_versions(work: Work, data: KindData, contested: str) -> None:
    """KEY-002 and KEY-003: records of new receipts whose key stands before them with different content, in their delivery or in another of the same moment.

    `contested`: the versions of every key that has more than one. A source's own sequence parts versions of one moment.
    """
    with work.guard:
        if not data.kind.key or data.place in work.noted:
            return
        work.noted.add(data.place)
    _post(
        work,
        data,
        statement(
            """with v as (select x.*, r.delivery from {versions} x join receipts r on r.receipt = x.receipt where x.issue is null)
            select distinct case when a.delivery = b.delivery then 'KEY-002' else 'KEY-003' end as code, a.receipt, a.record
            from v a join v b on b.key = a.key and b.as_of = a.as_of and b.version is not distinct from a.version
            where a.content <> b.content and (b.receipt < a.receipt or (b.receipt = a.receipt and b.record < a.record)) and {fresh}""",
            versions=contested,
            fresh=fresh_receipt(work, "receipt", "a"),
        ),
    )


def _post(work: Work, data: KindData, found: Tree) -> None:
    name = work.fresh("finding")
    work.engine.temporary(
        name,
        statement(
            """select {run}::BIGINT as run, f.code, r.feed, {kind} as kind, '' as target, '' as column_name, f.receipt::BIGINT as receipt,
            f.records, f.examples from (select code, receipt, count(*) as records, to_json(list_sort(min(record, 5)))::VARCHAR as examples
                from {found} x group by code, receipt) f join receipts r on r.receipt = f.receipt""",
            run=work.number,
            kind=text(data.kind.name),
            found=found,
        ),
    )
    if work.engine.count(name):
        work.findings.append(name)
