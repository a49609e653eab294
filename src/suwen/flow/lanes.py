"""Lanes: feeds whose records go one way together, so that a run has as many statements for a thousand hospitals as for one of each template.

The feeds of an organisation are in one batch, since they may tell of the same rows; a batch has no more records to map than memory is meant for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from suwen.intake.register import Flags
from suwen.model.pack import Kind
from suwen.model.region import Region
from suwen.model.staging import Numbers, PoolPart, StagedFile, Tally

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


@dataclass(frozen=True)
class LanePart:
    """A part of a pool of which records are of a lane.

    `beside`: all parts of the kind in the pool; `whole`: all of its records are of the lane, and hold; `fresh`: which receipts are new to the run.
    """

    part: PoolPart
    beside: tuple[PoolPart, ...]
    whole: bool
    fresh: Flags
    receipts: Numbers
    index: str = ""

    @property
    def some_fresh(self) -> bool:
        return bool(self.fresh.any())


@dataclass
class KindData:
    """The records of one kind of a lane: files of single receipts with their indexes by feed, parts of pools, and the tally of both.

    `fresh`: which files of the tally are new to the run; `feeds`: every feed with a file of the kind; `restaged`: feeds read anew.
    """

    lane: Lane
    kind: Kind
    files: list[StagedFile] = field(default_factory=list)
    parts: list[LanePart] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    fresh: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))
    feeds: frozenset[str] = frozenset()
    restaged: frozenset[str] = frozenset()
    indexes: dict[str, list[str]] = field(default_factory=dict)  # of single receipts
    new_indexes: list[str] = field(default_factory=list)
    repeats: bool = False  # a keyless kind some of whose records are the second or further of equal ones

    @property
    def place(self) -> tuple[int, str]:
        return self.lane.number, self.kind.name

    @property
    def records(self) -> int:
        return int(self.tally.rows.sum())

    @property
    def rejected(self) -> int:
        return int(self.tally.rejected.sum())

    @property
    def columns(self) -> list[str]:
        """Every column of any of its files."""
        return sorted({c for f in self.files for c in f.columns} | {c for held in self.parts for c in held.part.columns})

    @property
    def is_new(self) -> bool:
        """Whether a file with records is new to the run."""
        return bool((self.fresh & (self.tally.rows > 0)).any())

    @property
    def every_index(self) -> list[str]:
        """The files of the index; those of pools may tell of records of others too."""
        return [*(path for paths in self.indexes.values() for path in paths), *(held.index for held in self.parts)]


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
