"""Rows of one id that were made from different keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suwen.engine.sql import compared, integer, statement
from suwen.flow.collisions import Rival, collision
from suwen.flow.lanes import TargetKey
from suwen.flow.sources import parents, sources
from suwen.flow.work import Work


@dataclass(frozen=True)
class Claim:
    """A row that claims an id: the record it is made of, and the tag of the target that made it."""

    receipt: int
    record: int
    tag: str


def refuse_rows(work: Work, table: str, row_id: int, claims: Sequence[Claim]) -> None:
    """Stop the run: two rows of a table have one id."""
    one, other = (Rival(c.receipt, c.record, _key_md5(work, c, row_id)) for c in claims)
    raise collision(work.feed_of(claims[0].receipt), f"table {table}", row_id, one, other)


def _key_md5(work: Work, claim: Claim, row_id: int) -> str:
    """The md5 of the key from which the claim's record makes a row of this id; "" where no target does so any more."""
    for key in work.plans:
        if claim.tag in (work.tag(key), *work.old_tags(key)) and claim.receipt in work.kinds[key.lane.number, key.kind].tally.receipts:
            found = _md5_of(work, key, claim, row_id)
            if found:
                return found
    return ""


def _md5_of(work: Work, key: TargetKey, claim: Claim, row_id: int) -> str:
    data, plan = work.kinds[key.lane.number, key.kind], work.plans[key]
    only = statement("select {r}::BIGINT as receipt, {n}::BIGINT as record", r=claim.receipt, n=claim.record)
    source, joined = sources(work, data, plan, only, None), parents(work, key, plan, only)
    resolution = work.resolve(plan.pairs(source, joined)) if plan.lookups else ""
    flat = plan.resolved(source, joined, resolution)
    same_id = compared(plan.identifier, "=", integer(row_id))
    rows = work.engine.rows(statement("select {md5} from {flat} x where {same_id}", md5=plan.key_md5, flat=flat, same_id=same_id))
    return str(rows[0][0]) if rows else ""
