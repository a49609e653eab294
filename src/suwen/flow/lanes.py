"""Lanes: feeds whose records go one way together, so that a run has as many statements for a thousand hospitals as for one of each template.

The feeds of an organisation are in one batch, since they may tell of the same rows; a batch has no more records to map than memory is meant for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from suwen.model.pack import Kind
from suwen.model.region import Region
from suwen.model.staging import StagedFile

MOST = 6_000_000  # records that a batch of several organisations may have to map


@dataclass(frozen=True)
class Lane:
    """Feeds of one template, time zone and key systems. `number`: its place among the lanes of a run; `batch`: that of its organisations."""

    number: int
    batch: int
    template: str
    zone: str
    key_systems: tuple[tuple[str, str], ...]
    feeds: tuple[str, ...]

    def __str__(self) -> str:
        return self.feeds[0] if len(self.feeds) == 1 else f"{self.feeds[0]} and {len(self.feeds) - 1} more"


@dataclass(frozen=True)
class TargetKey:
    """One target of the feeds of a lane."""

    lane: Lane
    kind: str
    target: str

    def __str__(self) -> str:
        return f"{self.lane}|{self.kind}|{self.target}"

    @property
    def part(self) -> str:
        """The part of state/disposition that holds the target's records, among those of like targets."""
        return f"{self.kind}.{self.target}"


@dataclass(frozen=True)
class FeedTarget:
    """One target of one feed, as releases tell of it."""

    feed: str
    kind: str
    target: str

    def __str__(self) -> str:
        return f"{self.feed}|{self.kind}|{self.target}"

    @property
    def part(self) -> str:
        """The part of state/disposition that holds the target's records, among those of like targets."""
        return f"{self.kind}.{self.target}"


@dataclass
class KindData:
    """The records of one kind of a lane: staging files and index files by feed, all and new ones; `empty`: receipts of files without a record."""

    lane: Lane
    kind: Kind
    files: list[StagedFile] = field(default_factory=list)
    empty: dict[int, str] = field(default_factory=dict)
    new_receipts: set[int] = field(default_factory=set)
    indexes: dict[str, list[str]] = field(default_factory=dict)
    new_indexes: list[str] = field(default_factory=list)
    restaged: set[str] = field(default_factory=set)  # feeds
    repeats: bool = False  # a keyless kind some of whose records are the second or further of equal ones

    @property
    def place(self) -> tuple[int, str]:
        return self.lane.number, self.kind.name

    @property
    def records(self) -> int:
        return sum(f.rows for f in self.files)

    @property
    def feeds(self) -> set[str]:
        """Every feed with a file of the kind."""
        return {f.feed for f in self.files} | set(self.empty.values())

    @property
    def receipts(self) -> dict[int, str]:
        """Every receipt with a file of the kind, and its feed."""
        return {f.receipt: f.feed for f in self.files} | self.empty

    @property
    def every_index(self) -> list[str]:
        return [path for paths in self.indexes.values() for path in paths]

    def received(self) -> Mapping[str, int]:
        """Feed -> its records."""
        found: dict[str, int] = {}
        for file in self.files:
            found[file.feed] = found.get(file.feed, 0) + file.rows
        return found


def lanes(region: Region, volumes: Mapping[str, int], most: int = MOST) -> dict[str, Lane]:
    """The lane of each feed. `volumes`: feed -> the records it has to map."""
    found: dict[tuple[int, str, str, tuple[tuple[str, str], ...]], list[str]] = {}
    for batch, feeds in enumerate(_batches(region, volumes, most)):
        for feed in feeds:
            declared = region.feeds[feed]
            found.setdefault((batch, declared.template, region.zone_of(declared), tuple(sorted((declared.key_systems or {}).items()))), []).append(feed)
    made = [Lane(number, *like, tuple(sorted(feeds))) for number, (like, feeds) in enumerate(found.items())]
    return {feed: lane for lane in made for feed in lane.feeds}


def _batches(region: Region, volumes: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """Feeds whose records are mapped together: all of some organisations."""
    organisations: dict[str, list[str]] = {}
    for feed in sorted(volumes):
        organisations.setdefault(region.feeds[feed].organisation, []).append(feed)
    batch: list[str] = []
    held = 0
    for _, feeds in sorted(organisations.items()):
        more = sum(volumes[feed] for feed in feeds)
        if batch and held + more > most:
            yield batch
            batch, held = [], 0
        batch, held = [*batch, *feeds], held + more
    if batch:
        yield batch
