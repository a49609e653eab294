"""How a region stands, as the first page says it: how fresh each feed is, what came last, the books in one line, and what needs someone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from suwen.flow.status import FeedStatus, Status
from suwen.model.receipt import Delivery, State
from suwen.model.region import Region
from suwen.model.release import Release
from suwen.repository.versions import STATES
from suwen.serve.console.landed import landed

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


def arrivals(region: Region, release: Release | None, units: frozenset[str], feed: str = "") -> list[Arrival]:
    """The deliveries of organisations, or of one feed, the newest first."""
    come = landed(region)
    through, left_out = release.receipts_through if release else 0, frozenset(release.left_out if release else ())
    found = []
    for delivery in reversed(come.deliveries):
        held = region.feeds.get(delivery.feed)
        if held is None or held.organisation not in units or feed not in ("", delivery.feed):
            continue
        inside = all(r.sequence <= through and r.sequence not in left_out for r in delivery.receipts)
        found.append(Arrival(delivery, held.organisation, come.states.get(delivery.number, State.ACCEPTED), inside))
    return found


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


def needs(fresh: Sequence[Freshness], arrived: Iterable[Arrival], states: Mapping[str, int], release: Release | None, may: Mapping[str, bool]) -> list[Need]:
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


def _of_feeds(fresh: Sequence[Freshness], arrived: Iterable[Arrival]) -> list[Need]:
    graded = Counter(one.grade for one in fresh)
    waiting = sum(one.feed.waiting for one in fresh)
    asked = sum(one.state is State.WAITING for one in arrived)
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
