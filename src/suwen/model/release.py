"""A release: the one thing readers see. It names every table's version, the fingerprints, the ledger's totals and what was in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TableState:
    """A table in a release: Delta version, rows, and the sum of its rows' hashes (modulo 2^64, as decimal text)."""

    version: int
    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Release:
    """`receipts`: the receipt sequences in it (up to and including `receipts_through`, without withdrawn ones).

    `tables`: by lake name (`cdr/person`, `state/disposition`). `totals`: (feed, kind, target, state) joined by "|" -> records.
    `stale`: (feed|kind|target) -> hash of template, code maps and functions that mapped it. `cells`: file of fingerprints per table,
    organisation and month, with its sha256. `dangling`: `table.column` -> optional references whose row is absent.
    """

    number: int
    run: int
    published_at: str
    receipts_through: int
    tables: Mapping[str, TableState]
    totals: Mapping[str, int]
    mapped_with: Mapping[str, str]
    packs: Mapping[str, str]
    vocabulary: str
    functions: str
    cells: str
    cells_sha256: str
    dangling: Mapping[str, int]
    as_of: Mapping[str, str]
    id_bits: int = 63

    @property
    def content(self) -> str:
        """The release's content: one text over the fingerprints of all published tables; equal content is 'the same release'."""
        return ";".join(f"{name}={state.rows}:{state.fingerprint}" for name, state in sorted(self.tables.items()) if name.startswith(("cdr/", "ext/")) and state.rows)
