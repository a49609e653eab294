"""What staging holds: text tables, one file per piece of a source file, one row per source record in source order.

A record is named for ever by (receipt, record): the receipt's sequence and its 1-based number among all records of the receipt.
"""

from __future__ import annotations

from dataclasses import dataclass

ISSUES = "_issues"  # finding code of a rejected record; null for a good one
RECEIPT, RECORD, TEMPLATE, RUN = "_receipt", "_record", "_template", "_run"


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
