"""The staging of a feed outside a run: its records as the run that read them kept them, one by one or in pools."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suwen.engine.sql import Tree, col, in_numbers, statement, union_all
from suwen.engine.store.port import Store
from suwen.flow.pools import kept_pools
from suwen.flow.stage import kept_staging
from suwen.model.region import Region
from suwen.model.staging import PoolPart, StagedFile
from suwen.repository.staged import pooled, staged


class StagedAlready:
    """The records of some receipts of a feed, read by one reader spec; what was never staged is left out."""

    def __init__(self, store: Store, region: Region, feed: str, spec: str, receipts: Sequence[int]) -> None:
        self._receipts = receipts
        wanted = np.array(receipts, np.int64)
        self._files: dict[str, list[StagedFile]] = {}
        self._parts: dict[str, list[PoolPart]] = {}
        inside: set[int] = set()
        for pool in kept_pools(store, region.pools, spec):
            mine = np.intersect1d(pool.receipts, wanted)
            inside |= set(mine.tolist())
            for part in pool.parts:
                tally = pool.tallies[part.kind]
                if np.isin(tally.receipts[tally.rows > 0], mine).any():
                    self._parts.setdefault(part.kind, []).append(part)
        apart = set(receipts) - inside
        for one in kept_staging(store, region.staging, feed, spec):
            if one.receipt in apart:
                for file in one.files:
                    self._files.setdefault(file.kind, []).append(file)

    def has(self, kind: str) -> bool:
        """Whether there is a record of a kind."""
        return kind in self._files or kind in self._parts

    def columns(self, kind: str) -> list[str]:
        """The columns of a kind's files, in their order."""
        held = [*self._files.get(kind, ()), *self._parts.get(kind, ())]
        return list(dict.fromkeys(column for one in held for column in one.columns))

    def records(self, kind: str, columns: Sequence[str]) -> Tree:
        """The records of a kind that has some: `columns`, issue and place."""
        found = [staged(self._files[kind], columns)] if kind in self._files else []
        if kind in self._parts:
            mine = statement("select s.* from {s} s where {mine}", s=pooled(self._parts[kind], columns), mine=in_numbers(col("_receipt", "s"), self._receipts))
            found.append(mine)
        return union_all(found)
