"""The order in which targets are mapped: those that can make the same rows together, parents before those that require them."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.flow.lanes import TargetKey
from suwen.flow.work import Work, made_as, required_tables
from suwen.repository.mapping import MappingPlan


def groups(work: Work) -> list[list[TargetKey]]:
    """Targets that can make the same rows (organisations of one batch, one target name; one table whose ids are another's), parents before those
    that require them."""
    found: dict[tuple[int, str], list[TargetKey]] = {}
    for key, plan in work.plans.items():
        found.setdefault((key.lane.batch, made_as(plan)), []).append(key)
    ordered = sorted(found.values(), key=lambda keys: (_rank(work, work.plans[keys[0]], ()), keys[0].lane.batch, keys[0].target))
    return [sorted(keys, key=str) for keys in ordered]


def _rank(work: Work, plan: MappingPlan, seen: Sequence[str]) -> int:
    """0 for what requires nothing, else one more than the tables it requires."""
    wanted = required_tables(plan.target)
    ranks = [_rank(work, p, (*seen, t)) for t in wanted.values() if t not in seen for p in work.plans.values() if p.target.table == t and not p.target.event]
    return 1 + max(ranks) if ranks else int(bool(wanted))
