"""The two balances of a release, as a page draws them: records by what became of them, and tables by what was made and taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suwen.flow.ledger import Line, Move
from suwen.model.release import Release
from suwen.repository.versions import STATES
from suwen.serve.console.figures import Segment, stacked

WIDTH = 1000  # of the figures, in their own units


@dataclass(frozen=True)
class RecordBalance:
    """One feed (or all: feed ""): received = the sum of its states. `bar`: the states side by side; `rest`: all but the mapped, on a scale of their own."""

    feed: str
    received: int
    states: Mapping[str, int]
    bar: tuple[Segment, ...]
    rest: tuple[Segment, ...]


def record_balances(lines: Sequence[Line]) -> tuple[RecordBalance, list[RecordBalance]]:
    """The balance of all, and one for each feed in the order of what is not mapped."""
    feeds = sorted({line.feed for line in lines})
    each = [_record_balance(feed, [line for line in lines if line.feed == feed]) for feed in feeds]
    return _record_balance("", lines), sorted(each, key=lambda one: (one.states.get("mapped", 0) - one.received, one.feed))


def _record_balance(feed: str, lines: Iterable[Line]) -> RecordBalance:
    sums = dict.fromkeys(STATES, 0)
    for line in lines:
        for state, records in line.states.items():
            sums[state] += records
    states = {state: number for state, number in sums.items() if number}
    rest = [(state, number) for state, number in states.items() if state != "mapped"]
    return RecordBalance(feed, sum(states.values()), states, stacked(list(states.items()), WIDTH), stacked(rest, WIDTH))


@dataclass(frozen=True)
class TableBalance:
    """One table: rows before + created - removed = rows after."""

    table: str
    before: int
    created: int
    removed: int
    after: int

    @property
    def holds(self) -> bool:
        """Whether the sum comes out, as every published release's must."""
        return self.before + self.created - self.removed == self.after


def table_balances(release: Release, before: Release | None) -> list[TableBalance]:
    """The balance of each table of the repository that has or had rows, by name. `before`: None for the first, and where it is kept no more."""
    found = []
    for name, state in sorted(release.tables.items()):
        if name.startswith("state/"):
            continue
        earlier = before.tables[name].rows if before and name in before.tables else state.rows - state.created + state.removed
        if state.rows or earlier:
            found.append(TableBalance(name.split("/", 1)[1], earlier, state.created, state.removed, state.rows))
    return found


@dataclass(frozen=True)
class Flow:
    """Records a run moved between two states, over all feeds; `before` "" for those not seen before."""

    before: str
    after: str
    records: int


def flows(moves: Iterable[Move]) -> list[Flow]:
    """The moves of a run summed over feeds and targets, the largest first."""
    sums: dict[tuple[str, str], int] = {}
    for move in moves:
        sums[move.from_state, move.to_state] = sums.get((move.from_state, move.to_state), 0) + move.records
    return [Flow(before, after, records) for (before, after), records in sorted(sums.items(), key=lambda one: -one[1]) if records]
