"""How a region stands: its feeds, what has landed, what has been published, and what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from suwen.flow.stores import landing_of, releases_of
from suwen.model.receipt import Delivery, State
from suwen.model.region import Region


@dataclass(frozen=True)
class FeedStatus:
    """One feed: deliveries and receipts landed, bytes, the date its newest delivery speaks for (ISO, "" for none), receipts not in a release yet."""

    feed: str
    template: str
    organisation: str
    mode: str
    deliveries: int
    receipts: int
    bytes: int
    latest: str
    waiting: int


@dataclass(frozen=True)
class Status:
    """A region at this moment. `release` 0 and `published_at` "" before the first; `states`: records by state; `rows`: of tables that have any.

    `vocabulary`: whether the release was made with one; without it codes of standard vocabularies have concept 0, and nothing else says so.
    """

    name: str
    folder: str
    feeds: tuple[FeedStatus, ...]
    release: int
    published_at: str
    states: Mapping[str, int]
    rows: Mapping[str, int]
    vocabulary: bool

    @property
    def waiting(self) -> int:
        """Receipts that a run would take in."""
        return sum(feed.waiting for feed in self.feeds)


def status(region: Region) -> Status:
    """Look at landing and the newest release."""
    release = releases_of(region).latest()
    landing = landing_of(region)
    decided = landing.states()
    held = [d for d in landing.deliveries() if decided.get(d.number, State.ACCEPTED) is State.ACCEPTED]
    through, left_out = (release.receipts_through, frozenset(release.left_out)) if release else (0, frozenset[int]())
    states = Counter[str]()
    for label, records in (release.totals if release else {}).items():
        states[label.rsplit("|", 1)[1]] += records
    return Status(
        name=region.name,
        folder=str(region.folder),
        feeds=tuple(
            _feed(region, name, [d for d in held if d.feed == name], lambda receipt: receipt <= through and receipt not in left_out)
            for name in sorted({*region.feeds, *(d.feed for d in held)})
        ),
        release=release.number if release else 0,
        published_at=release.published_at if release else "",
        states=dict(states),
        rows={name: state.rows for name, state in (release.tables if release else {}).items() if state.rows},
        vocabulary=bool(release and release.vocabulary),
    )


def _feed(region: Region, name: str, deliveries: list[Delivery], taken_in: Callable[[int], bool]) -> FeedStatus:
    feed = region.feeds.get(name)
    receipts = [receipt for delivery in deliveries for receipt in delivery.receipts]
    return FeedStatus(
        feed=name,
        template=feed.template if feed else "",
        organisation=feed.organisation if feed else "",
        mode=feed.mode.value if feed else "",
        deliveries=len(deliveries),
        receipts=len(receipts),
        bytes=sum(receipt.length for receipt in receipts),
        latest=max((d.as_of.isoformat() for d in deliveries), default=""),
        waiting=sum(not taken_in(receipt.sequence) for receipt in receipts),
    )
