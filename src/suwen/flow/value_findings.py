"""Findings about values: what a mapping could not read, map or hold, counted per check and receipt."""

from __future__ import annotations

from collections.abc import Iterable, Set

from suwen.engine.sql import (
    Tree,
    coalesce,
    col,
    conjunction,
    disjunction,
    in_texts,
    integer,
    negation,
    read_parquet,
    statement,
    text,
    typed,
    union_all,
)
from suwen.flow.known_receipts import fresh_receipt
from suwen.flow.lanes import FeedTarget, TargetKey
from suwen.flow.work import Work
from suwen.repository.mapping import MappingPlan

_SINGLE = "select count(*) as records, to_json(list_sort(min(_record, 5)))::VARCHAR as examples"
_SEVERAL = "select count(distinct _record) as records, to_json(list_sort(min(distinct _record, 5)))::VARCHAR as examples"  # a record makes several rows
_FINDING = """
    select {run}::BIGINT as run, {code} as code, r.feed, {kind} as kind, {target} as target, {column} as column_name, r.receipt, f.records, f.examples
    from (select _receipt, {told} from {m} where _issues & {mask} <> 0 and {fresh} group by _receipt) f join receipts r on r.receipt = f._receipt"""


def note_values(work: Work, key: TargetKey, plan: MappingPlan, rows: str, issues: int, again: frozenset[str] | None, whole: Set[str], *, several: bool) -> None:
    """Counts per check and receipt over the mapped records, with at most five record numbers as examples.

    A finding is told once: of records that are new, of feeds mapped `again` or waited for a joined parent until now, or of all (None). Of feeds that are mapped
    again as a whole (`whole`; all of them for None) it is told in place of what was told of the target before. Of a record that waits nothing is told yet:
    what its parent gives is not known. `several`: a record may make several rows.
    """
    retold = [part for part in work.parts(key) if work.old_tag(part) is not None and (again is None or part.feed in whole)]
    if retold:
        work.untold.append(told_of(retold))
    fresh = statement("select true").expressions[0] if again is None else _untold(work, key, plan, again)
    if plan.target.joins:
        fresh = conjunction([fresh, negation(coalesce(plan.in_state("held"), typed(text("false"), "BOOLEAN")))])
    told = statement(_SEVERAL if several else _SINGLE).expressions
    masks: dict[tuple[str, str], int] = {}  # a column with several readings is told once for each code
    for n, check in enumerate(plan.checks):
        masks[check.code, check.column] = masks.get((check.code, check.column), 0) | issues & 1 << n
    found = [
        statement(
            _FINDING, run=work.number, code=text(code), kind=text(key.kind), target=text(key.target), column=text(column),
            told=told, m=rows, mask=integer(mask), fresh=fresh,
        )
        for (code, column), mask in masks.items() if mask
    ]  # fmt: skip
    if found:
        name = work.fresh("finding")
        work.engine.temporary(name, union_all(found))
        work.findings.append(name)


def _untold(work: Work, key: TargetKey, plan: MappingPlan, again: frozenset[str]) -> Tree:
    """True for the mapped rows of new records, and of those that waited for a joined parent in the last release."""
    new = fresh_receipt(work, "_receipt", feeds=again)
    stored = work.stored_states(key)
    if not plan.target.joins or not stored:
        return new
    waited = statement(
        "select (_receipt, _record) in (select (d.receipt, d.record) from {d} d where d.state = 'held' and {joined})",
        d=read_parquet([f.path for f in stored]),
        joined=in_texts(col("detail", "d"), sorted({j.kind for j in plan.target.joins})),  # of a required reference `detail` is the id
    ).expressions[0]
    return disjunction([new, waited])


def told_of(parts: Iterable[FeedTarget]) -> Tree:
    """True for the stored findings of some feeds' targets."""
    alike: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        alike.setdefault((part.kind, part.target), []).append(part.feed)
    told = "select kind = {k} and target = {t} and {feeds}"
    return disjunction(
        [
            statement(told, k=text(kind), t=text(target), feeds=in_texts(col("feed"), sorted(feeds))).expressions[0]
            for (kind, target), feeds in sorted(alike.items())
        ]
    )
