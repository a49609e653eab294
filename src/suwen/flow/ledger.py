"""The ledger as readers see it: what became of every record received, and the moves of each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suwen.flow.reader import OpenRelease
from suwen.repository.versions import STATES


@dataclass(frozen=True)
class Line:
    """One target of one kind of one feed: records by their current state. `target` "" holds the records that the reader rejects."""

    feed: str
    kind: str
    target: str
    states: Mapping[str, int]

    @property
    def records(self) -> int:
        """All records that have a disposition here."""
        return sum(self.states.values())


@dataclass(frozen=True)
class Move:
    """Records that a run moved from one state to another; `from_state` "" for records not seen before."""

    run: int
    feed: str
    kind: str
    target: str
    from_state: str
    to_state: str
    records: int


def totals(opened: OpenRelease) -> list[Line]:
    """The books of a release, by feed, kind and target; states in their fixed order."""
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for label, records in opened.release.totals.items():
        feed, kind, target, state = label.split("|")
        found.setdefault((feed, kind, target), {})[state] = records
    return [Line(*key, {state: states[state] for state in STATES if state in states}) for key, states in sorted(found.items())]


def moves(opened: OpenRelease, run: int | None = None) -> list[Move]:
    """The moves of the run that published the release, or of an earlier one, summed over receipts."""
    wanted = opened.release.run if run is None else run
    found: dict[tuple[str, str, str, str, str], int] = {}
    for batch in opened.batches("state.ledger"):
        for row in batch.to_pylist():
            if row["run"] == wanted:
                key = (row["feed"], row["kind"], row["target"], row["from_state"], row["to_state"])
                found[key] = found.get(key, 0) + row["records"]
    return [Move(wanted, *key, records) for key, records in sorted(found.items())]
