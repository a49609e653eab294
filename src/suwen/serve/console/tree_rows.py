"""The organisation tree as a list: each organisation below the one above it, with what has come from all below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from suwen.flow.status import FeedStatus, Status
from suwen.govern.policy.tree import Tree
from suwen.model.region import Organisation, Region
from suwen.model.release import Release
from suwen.serve.console.scope import within


@dataclass(frozen=True)
class TreeRow:
    """One organisation: how deep it lies, when it ended (None: it has not), and of all feeds below it the last day, dispositions and quarantined records."""

    unit: str
    depth: int
    organisation: Organisation
    ended: date | None
    feeds: int
    through: date | None
    received: int
    quarantined: int


def tree_rows(tree: Tree, units: frozenset[str], status: Status, release: Release | None, region: Region, today: date) -> list[TreeRow]:
    """The organisations that are open to a reader, in the order of the tree."""
    sums = _sums(release, region)
    least = min((len(tree.path(unit)) for unit in units), default=0)
    return [_row(tree, unit, len(tree.path(unit)) - least, status, sums, today) for unit in within(units, tree)]


def _sums(release: Release | None, region: Region) -> Mapping[str, tuple[int, int]]:
    """organisation -> (dispositions, quarantined) of its own feeds."""
    found: dict[str, tuple[int, int]] = {}
    for label, records in (release.totals if release else {}).items():
        feed, _, _, state = label.split("|")
        if feed in region.feeds:
            received, kept = found.get(region.feeds[feed].organisation, (0, 0))
            found[region.feeds[feed].organisation] = (received + records, kept + (records if state == "quarantined" else 0))
    return found


def _row(tree: Tree, unit: str, depth: int, status: Status, sums: Mapping[str, tuple[int, int]], today: date) -> TreeRow:
    below = tree.below(unit)
    feeds = [feed for feed in status.feeds if feed.organisation in below]
    held = tree.organisations[unit]
    ended = held.valid_to if held.valid_to is not None and held.valid_to < today else None
    numbers = [sums[one] for one in below if one in sums]
    return TreeRow(unit, min(depth, 4), held, ended, len(feeds), _through(feeds), sum(n[0] for n in numbers), sum(n[1] for n in numbers))


def _through(feeds: list[FeedStatus]) -> date | None:
    """The last day that every one of some feeds speaks for; None where one has sent nothing."""
    days = [feed.latest[:10] for feed in feeds]
    return date.fromisoformat(min(days)) if days and all(days) else None
