"""How a region stands: its feeds, what has landed, what has been published, and what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suwen.flow.known_receipts import accepted, held_before
from suwen.flow.stores import landing_of, releases_of
from suwen.intake.register import Flags, Receipts
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
    held = accepted(landing, landing.register())
    waiting = held.held & ~held_before(release, held.register)
    states = Counter[str]()
    for label, records in (release.totals if release else {}).items():
        states[label.rsplit("|", 1)[1]] += records
    return Status(
        name=region.name,
        folder=str(region.folder),
        feeds=tuple(_feed(region, name, held, waiting) for name in sorted({*region.feeds, *held.feeds})),
        release=release.number if release else 0,
        published_at=release.published_at if release else "",
        states=dict(states),
        rows={name: state.rows for name, state in (release.tables if release else {}).items() if state.rows},
        vocabulary=bool(release and release.vocabulary),
    )


def _feed(region: Region, name: str, held: Receipts, waiting: Flags) -> FeedStatus:
    feed = region.feeds.get(name)
    mine = np.array(held.of(name), np.int64) - 1
    register = held.register
    return FeedStatus(
        feed=name,
        template=feed.template if feed else "",
        organisation=feed.organisation if feed else "",
        mode=feed.mode.value if feed else "",
        deliveries=len(np.unique(register.numbers("delivery")[mine])),
        receipts=len(mine),
        bytes=int(register.numbers("length")[mine].sum()),
        latest=held.latest[name].isoformat() if len(mine) else "",
        waiting=int(np.count_nonzero(waiting[mine])),
    )
