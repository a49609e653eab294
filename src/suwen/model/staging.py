"""What staging holds: text tables, one row per source record in source order, one file per piece of a source file; or one for many small receipts.

A record is named for ever by (receipt, record): the receipt's sequence and its 1-based number among all records of the receipt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

ISSUES = "_issues"  # finding code of a rejected record; null for a good one
RECEIPT, RECORD, TEMPLATE, RUN = "_receipt", "_record", "_template", "_run"
OWNER = "_owner"  # by which ids of an organisation's rows differ from those of equal keys of others
FEED = "_feed"  # by which a feed's record keys differ from equal ones of others
SALT = "_salt"  # what the bytes of a file add to the keys of a keyless kind in append mode


Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StagedFile:
    """One staging file: its piece of a receipt, the record number before its first row, rows, and the source columns it has.

    `content`: the sha256 of the unpacked file it is a piece of.
    """

    path: str
    feed: str
    kind: str
    receipt: int
    member: int
    before: int
    rows: int
    columns: tuple[str, ...]
    rejected: int
    content: str


@dataclass(frozen=True)
class Unread:
    """A receipt (or a member of one) that could not be read at all, with its finding code and reason: it counts as one quarantined record."""

    feed: str
    receipt: int
    member: str
    code: str
    reason: str = ""


@dataclass(frozen=True)
class StagedReceipt:
    """All that came of reading one receipt with one reader spec. `empty`: the kinds of its files that hold no record."""

    receipt: int
    spec: str
    files: tuple[StagedFile, ...]
    unread: tuple[Unread, ...]
    empty: tuple[str, ...] = ()


def _none() -> Numbers:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Tally:
    """Files of a kind, by receipt: three columns of equal length. `rows`: records, 0 of a file that says that there is nothing; `rejected`: of these."""

    receipts: Numbers = field(default_factory=_none)
    rows: Numbers = field(default_factory=_none)
    rejected: Numbers = field(default_factory=_none)

    def where(self, some: npt.NDArray[np.bool_]) -> Tally:
        """Those of some files."""
        return Tally(self.receipts[some], self.rows[some], self.rejected[some])


def tallied(files: Sequence[tuple[int, int, int]]) -> Tally:
    """The tally of files told as (receipt, rows, rejected)."""
    columns = np.array(files, np.int64).reshape(len(files), 3)
    return Tally(columns[:, 0], columns[:, 1], columns[:, 2])


def together(tallies: Sequence[Tally]) -> Tally:
    """One tally of several."""
    return Tally(*(np.concatenate([_none(), *(getattr(one, name) for one in tallies)]) for name in ("receipts", "rows", "rejected")))


@dataclass(frozen=True)
class PoolPart:
    """A file with the records of one kind of many receipts, whose files had the same columns; `_receipt`, `_record`, `_feed`, `_salt` are columns of it."""

    path: str
    kind: str
    columns: tuple[str, ...]
    rows: int
    rejected: int


@dataclass(frozen=True)
class Pool:
    """Small receipts staged together by one reader spec. `tallies`: their files by kind; under "" those of which there is no file."""

    name: str
    spec: str
    parts: tuple[PoolPart, ...]
    tallies: Mapping[str, Tally]
    unread: tuple[Unread, ...] = ()

    @cached_property
    def receipts(self) -> Numbers:
        """Its receipts, ascending."""
        return np.unique(together(list(self.tallies.values())).receipts)

    @property
    def rows(self) -> int:
        """The records of all of them."""
        return sum(part.rows for part in self.parts)
