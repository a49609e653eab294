"""A release: the one thing readers see. It names every table's version, the fingerprints, the ledger's totals and what was in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TableState:
    """A table in a release: Delta version, rows, and the sum of its rows' hashes (modulo 2^64, as decimal text).

    `created` and `removed`: rows the run of this release made and took away; a changed row is both.
    """

    version: int
    rows: int
    fingerprint: str
    created: int = 0
    removed: int = 0


@dataclass(frozen=True)
class Release:
    """What one run published. `receipts_through` and `receipts_held`: the last receipt in it, and how many accepted receipts there were.

    `tables`: by lake name (`cdr/person`, `state/disposition`). `totals`: "feed|kind|target|state" -> records. `mapped_with`: "feed|kind|target"
    -> tag and hash of all that decides its rows. `packs`: hash of everything in force. `readers`: feed -> reader spec. `dangling`: "table.column"
    -> optional references whose row is absent. `as_of`: feed -> the latest moment a delivery of it speaks for. `left_out`: receipts up to
    `receipts_through` that are not in it, since their deliveries wait for approval or were withdrawn. `joined`: the persons whose
    master is another. `derived`: derived table -> hash of all that decides its rows besides the rows they are made of.
    """

    number: int
    run: int
    published_at: str
    receipts_through: int
    receipts_held: int
    tables: Mapping[str, TableState]
    totals: Mapping[str, int]
    mapped_with: Mapping[str, str]
    packs: Mapping[str, str]
    readers: Mapping[str, str]
    vocabulary: str
    functions: str
    cells_sha256: str
    dangling: Mapping[str, int]
    as_of: Mapping[str, str]
    id_bits: int = 63
    left_out: Sequence[int] = ()
    joined: int = 0
    derived: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """The release's content: one text over the fingerprints of all published tables; equal content is 'the same release'."""
        return ";".join(
            f"{name}={state.rows}:{state.fingerprint}" for name, state in sorted(self.tables.items()) if name.startswith(("cdr/", "ext/")) and state.rows
        )
