"""How a region stands, as the first page says it: how fresh each feed is, what came last, the books in one line, and what needs someone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np

from suwen.flow.known_receipts import deliveries_in
from suwen.flow.status import FeedStatus, Status
from suwen.intake.register import Flags, Numbers
from suwen.model.receipt import Delivery, State
from suwen.model.region import Region
from suwen.model.release import Release
from suwen.repository.versions import STATES
from suwen.serve.console.landed import Landed, landed

BEHIND, LATE = 7, 31  # days after the newest feed of the region


class Grade(StrEnum):
    """How fresh a feed is, against the newest of the region."""

    FRESH = "fresh"
    BEHIND = "behind"
    LATE = "late"
    SILENT = "silent"


@dataclass(frozen=True)
class Freshness:
    """One feed: the last day it speaks for (None: nothing has come), and how many days that lies behind the newest of the region."""

    feed: FeedStatus
    through: date | None
    behind: int | None
    grade: Grade


def freshness(status: Status, units: frozenset[str]) -> list[Freshness]:
    """The feeds of organisations, those furthest behind first. The newest day is that of all feeds, whoever looks."""
    newest = max((_day(feed) for feed in status.feeds if feed.latest), default=None)
    found = [_fresh(feed, newest) for feed in status.feeds if feed.organisation in units]
    return sorted(found, key=lambda one: (one.behind is not None, -(one.behind or 0), one.feed.organisation, one.feed.feed))


def graded(fresh: Iterable[Freshness]) -> Mapping[str, int]:
    """Grade -> how many feeds have it, those of none included."""
    counted = Counter(one.grade for one in fresh)
    return {grade.value: counted[grade] for grade in Grade}


def _fresh(feed: FeedStatus, newest: date | None) -> Freshness:
    if not feed.latest or newest is None:
        return Freshness(feed, None, None, Grade.SILENT)
    behind = (newest - _day(feed)).days
    return Freshness(feed, _day(feed), behind, Grade.LATE if behind >= LATE else Grade.BEHIND if behind >= BEHIND else Grade.FRESH)


def _day(feed: FeedStatus) -> date:
    return datetime.fromisoformat(feed.latest).date()


@dataclass(frozen=True)
class Arrival:
    """One delivery and what was decided about it; `published`: whether it is in the newest release."""

    delivery: Delivery
    organisation: str
    state: State
    published: bool

    @property
    def length(self) -> int:
        """Bytes of all its files."""
        return sum(receipt.length for receipt in self.delivery.receipts)


class Arrivals:
    """Deliveries, the newest first; each is made when it is asked for, since there may be very many."""

    def __init__(self, region: Region, come: Landed, numbers: Numbers, published: Flags) -> None:
        self._region, self._come, self._published = region, come, published
        self._numbers = numbers  # ascending

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, places: slice) -> list[Arrival]:
        return [self._arrival(int(number)) for number in self._numbers[::-1][places]]

    def before(self, number: int) -> Arrivals:
        """Those that came before a delivery; all for 0."""
        return Arrivals(self._region, self._come, self._numbers[self._numbers < number] if number else self._numbers, self._published)

    @property
    def asked(self) -> int:
        """How many wait for approval."""
        waiting = [number for number, state in self._come.states.items() if state is State.WAITING]
        return int(np.count_nonzero(np.isin(self._numbers, waiting)))

    def _arrival(self, number: int) -> Arrival:
        delivery = self._come.register.delivery(number)
        state = self._come.states.get(number, State.ACCEPTED)
        return Arrival(delivery, self._region.feeds[delivery.feed].organisation, state, bool(self._published[number - 1]))


def arrivals(region: Region, release: Release | None, units: frozenset[str], feed: str = "") -> Arrivals:
    """The deliveries of organisations, or of one feed."""
    come = landed(region)
    names, codes = come.register.feeds
    wanted = np.array([_organisation(region, name) in units and feed in ("", name) for name in names], np.bool_)
    mine = wanted[codes[come.register.bounds[:-1]]] if names else wanted
    return Arrivals(region, come, np.flatnonzero(mine) + 1, deliveries_in(release, come.register))


def _organisation(region: Region, feed: str) -> str | None:
    return region.feeds[feed].organisation if feed in region.feeds else None


def books(release: Release | None, region: Region, units: frozenset[str]) -> Mapping[str, int]:
    """Dispositions by state, in their fixed order, of the feeds of organisations."""
    found: Counter[str] = Counter()
    for label, records in (release.totals if release else {}).items():
        feed, _, _, state = label.split("|")
        if feed in region.feeds and region.feeds[feed].organisation in units:
            found[state] += records
    return {state: found[state] for state in STATES if found[state]}


@dataclass(frozen=True)
class Need:
    """One thing that needs someone: how grave (bad, warn, info), which sentence, its numbers, and the page where it is seen to."""

    grade: str
    text: str
    values: Mapping[str, object]
    address: str
    argument: str = ""


def needs(fresh: Sequence[Freshness], arrived: Arrivals | None, states: Mapping[str, int], release: Release | None, may: Mapping[str, bool]) -> list[Need]:
    """What needs someone, the gravest first; only what the reader can open a page about."""
    found: list[Need] = []
    if may.get("FEEDS"):
        found += _of_feeds(fresh, arrived)
    if may.get("QUARANTINE") and states.get("quarantined"):
        found.append(
            Need(
                "warn",
                "{n} record is kept out with a reason that can be mended. | {n} records are kept out with reasons that can be mended.",
                {"n": states["quarantined"]},
                "quarantine",
            )
        )
    if may.get("QUARANTINE") and states.get("held"):
        found.append(
            Need(
                "info",
                "{n} record waits for another that has not come. | {n} records wait for others that have not come.",
                {"n": states["held"]},
                "quarantine",
                "?state=held",
            )
        )
    if release is not None and not release.vocabulary:
        found.append(Need("info", "No vocabulary is loaded: codes of standard vocabularies have no concepts.", {}, "releases"))
    return sorted(found, key=lambda one: ("bad", "warn", "info").index(one.grade))


def _of_feeds(fresh: Sequence[Freshness], arrived: Arrivals | None) -> list[Need]:
    graded = Counter(one.grade for one in fresh)
    waiting = sum(one.feed.waiting for one in fresh)
    asked = arrived.asked if arrived is not None else 0
    said = (
        (graded[Grade.LATE], "bad", "{n} feed is a month or more behind the newest. | {n} feeds are a month or more behind the newest."),
        (graded[Grade.SILENT], "bad", "{n} feed is expected and has sent nothing. | {n} feeds are expected and have sent nothing."),
        (asked, "warn", "{n} delivery waits for approval. | {n} deliveries wait for approval."),
        (graded[Grade.BEHIND], "warn", "{n} feed is a week or more behind the newest. | {n} feeds are a week or more behind the newest."),
        (
            waiting,
            "info",
            "{n} file has landed and waits for the next run. | {n} files have landed and wait for the next run.",
        ),
    )
    return [Need(grade, text, {"n": number}, "feeds") for number, grade, text in said if number]
