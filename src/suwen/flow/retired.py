"""What a changed declaration leaves behind: rows and dispositions of targets that are no more, rows in tables a target fills no more, rows of the
organisation that a feed has left, and the books of feeds that are read anew."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.engine.sql import Tree, col, conjunction, in_numbers, in_texts, read_parquet, statement, text
from suwen.flow.books import LEDGER, take_out
from suwen.flow.lanes import FeedTarget
from suwen.flow.value_findings import told_of
from suwen.flow.work import Work, lake_tables
from suwen.flow.written import dated
from suwen.model.extension import ALL_TABLES
from suwen.repository.identifiers import CODES
from suwen.repository.rows import cells


def retired(work: Work) -> list[FeedTarget]:
    """Feeds' targets of the last release that no template in force has any more."""
    told = [FeedTarget(*said.split("|")) for said in (work.previous.mapped_with if work.previous else {})]
    standing = {part for key in work.plans for part in work.parts(key)}
    return [part for part in told if part not in standing]


def retire(work: Work) -> None:
    """Take out what retired targets made, and what others made in tables they fill no more or for an organisation that their feed has left; close the
    books of feeds whose records are read anew."""
    gone = retired(work)
    moved = [part for key in work.plans for part in work.parts(key) if work.moved(part)]
    left = [*((key, name) for key in (*gone, *moved) for name in _stored_tables(work)), *_left(work)]
    for key, name in left:
        _take_rows(work, key, name)
    for key in (*gone, *moved, *(key for key, _ in left)):  # those who told of the same rows tell them anew
        work.stale_groups |= {(work.old_organisation(key), of) for of in (key.target, *_borrowing(work))}
    closed = [f"{k.feed}|{k.kind}|{k.target}" for k in gone] + [label for label in _labels(work) if label.split("|")[0] in work.reread]
    if closed:
        _close_books(work, sorted(set(closed)))
    patients = in_texts(col("code"), CODES)  # of the patients as they stand, whatever is read anew: told anew where they change
    work.untold += [statement("select feed = {f} and target = '' and not {p}", f=text(feed), p=patients).expressions[0] for feed in sorted(work.reread)]
    labels = [FeedTarget(*label.split("|")) for label in sorted(set(closed))]
    if labels:
        work.untold.append(told_of(labels))
    standing = {(part.feed, part.kind, part.target) for key in work.plans for part in work.parts(key)}
    for feed, kind, target in (label.split("|") for label in sorted(set(closed))):
        if (feed, kind, target) not in standing:
            take_out(work, FeedTarget(feed, kind, target))


def _stored_tables(work: Work) -> list[str]:
    """The lake tables with rows made of records in the last release."""
    names = sorted(work.previous.tables if work.previous else {})
    return [n for n in names if not n.startswith("state/") and ALL_TABLES[n.split("/")[1]].id_column is not None and work.files(n)]


def _borrowing(work: Work) -> list[str]:
    """The groups of tables whose rows several targets of other names may tell."""
    return [f"table {table}" for n in _stored_tables(work) if ALL_TABLES[table := n.split("/")[1]].borrowed_id]


def _left(work: Work) -> list[tuple[FeedTarget, str]]:
    """Mended targets, with the tables they have rows in and fill no more."""
    plans = {part: (work.tag(key), lake_tables(plan)) for key, plan in work.plans.items() for part in work.parts(key)}
    mended = {part: tag for part, (now, _) in plans.items() if (tag := work.old_tag(part)) not in (None, now)}
    found: list[tuple[FeedTarget, str]] = []
    for name in _stored_tables(work) if mended else ():
        tags = work.engine.rows(statement("select distinct _template from {r} r", r=read_parquet([f.path for f in work.files(name)])))
        found += [(part, name) for part, tag in mended.items() if (tag,) in tags and name not in plans[part][1]]
    return found


def _labels(work: Work) -> set[str]:
    return {label.rsplit("|", 1)[0] for label in (work.previous.totals if work.previous else {})}


def _take_rows(work: Work, key: FeedTarget, name: str) -> None:
    """Mark the rows a target made in a table for removal."""
    shape, removed = ALL_TABLES[name.split("/")[1]], work.fresh("removed")
    receipts = work.receipts_of([key.feed])
    paths = [f.path for f in work.files(name) if f.may_hold(receipts)]
    tag = work.old_tag(key)
    if not paths or tag is None:
        return
    mine = conjunction([in_texts(col("_template"), [tag]), in_numbers(col("_receipt"), receipts)])
    rows: Tree = statement("select r.*, {id} as _id from {r} r where {mine}", id=shape.id_column or "", r=read_parquet(paths, filename=True), mine=mine)
    work.engine.temporary(removed, dated(rows, shape))
    count = work.engine.count(removed)
    if count:
        change = work.change(name)
        change.removed.append(removed)
        change.removed_rows += count
        work.add_cells(shape.name, cells(removed, shape, text(work.old_organisation(key)), -1))


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
