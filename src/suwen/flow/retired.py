"""What a changed declaration leaves behind: rows and dispositions of targets that are no more, and the books of feeds that are read anew."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.engine.sql import Tree, col, conjunction, in_numbers, in_texts, read_parquet, statement, text
from suwen.flow.books import DISPOSITION, LEDGER, part_name
from suwen.flow.tables import dated
from suwen.flow.work import TargetKey, Work, told_of
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import cells, lake_name


def retired(work: Work) -> list[TargetKey]:
    """Targets of the last release that no template in force has any more."""
    return [TargetKey(*said.split("|")) for said in (work.previous.mapped_with if work.previous else {}) if TargetKey(*said.split("|")) not in work.plans]


def retire(work: Work) -> None:
    """Take out what retired targets made, and close the books of feeds whose records are read anew."""
    gone = retired(work)
    for key in gone:
        _take_rows(work, key)
    closed = [f"{k.feed}|{k.kind}|{k.target}" for k in gone] + [label for label in _labels(work) if label.split("|")[0] in work.reread]
    if closed:
        _close_books(work, sorted(set(closed)))
    work.untold += [statement("select feed = {f} and target = ''", f=text(feed)).expressions[0] for feed in sorted(work.reread)]
    for label in sorted(set(closed)):
        feed, kind, target = label.split("|")
        work.untold.append(told_of(TargetKey(feed, kind, target)))
        part = part_name(feed, kind, target)
        if (feed, kind) not in work.kinds or target not in {k.target for k in work.plans if k.feed == feed}:
            work.taken_out.setdefault(DISPOSITION, []).extend(f for f in work.files(DISPOSITION) if f.part == part)
            work.change(DISPOSITION)


def _labels(work: Work) -> set[str]:
    return {label.rsplit("|", 1)[0] for label in (work.previous.totals if work.previous else {})}


def _take_rows(work: Work, key: TargetKey) -> None:
    """Mark the rows a retired target made for removal."""
    receipts = work.of_feed[key.feed]
    tag = work.old_tag(key)
    for name in sorted(work.previous.tables if work.previous else {}):
        group, table = name.split("/")
        if group == "state" or tag is None or ALL_TABLES[table].id_column is None:
            continue
        files = work.files(name)
        if not files:
            continue
        mine = conjunction([in_texts(col("_template"), [tag]), in_numbers(col("_receipt"), receipts)])
        shape, removed = ALL_TABLES[table], work.fresh("removed")
        rows: Tree = statement(
            "select r.*, {id} as _id from {r} r where {mine}", id=shape.id_column or "", r=read_parquet([f.path for f in files], filename=True), mine=mine
        )
        work.engine.temporary(removed, dated(rows, shape))
        count = work.engine.count(removed)
        if count:
            change = work.change(lake_name(table))
            change.removed.append(removed)
            change.removed_rows += count
            work.add_cells(table, cells(removed, shape, text(work.old_organisation(key)), -1))


def _close_books(work: Work, labels: Sequence[str]) -> None:
    """Post the moves that take every record of these targets out of its state: it is counted anew, or no more."""
    files = work.files(LEDGER)
    if not files:
        return
    name = work.fresh("moves")
    label = statement("select l.feed || '|' || l.kind || '|' || l.target").expressions[0]
    work.engine.temporary(
        name,
        statement(
            """with l as (select * from {ledger} l where {wanted}),
            net as (select feed, kind, target, receipt, state, sum(records) as records from (
                select feed, kind, target, receipt, to_state as state, records from l union all
                select feed, kind, target, receipt, from_state as state, -records as records from l) x
                where state <> '' group by all having sum(records) <> 0)
            select {run}::BIGINT as run, feed, kind, target, receipt, state as from_state, '' as to_state, records::BIGINT as records from net""",
            ledger=read_parquet([f.path for f in files]),
            wanted=in_texts(label, labels),
            run=work.number,
        ),
    )
    work.moves.append(statement("select * from {t}", t=name))
