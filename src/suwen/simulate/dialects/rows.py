"""The rows of a block as the hospitals on one system see them: ordered by hospital, each row beside its visit, person and local number."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.text import Array, Mask
from suwen.simulate.shapes import NONE, VISIT_KINDS, Block, Ints, Rows

PART = 50_000  # rows written at once: what they take stays within a processor's cache
RANKS = 12  # diagnoses or procedures of a visit that a line can hold
STAYS = np.array([kind in {"inpatient", "day case"} for kind in VISIT_KINDS])


class Places:
    """From entity numbers to the places of their rows."""

    def __init__(self, numbers: Ints) -> None:
        self._first = int(numbers.min()) if len(numbers) else 0
        span = int(numbers.max()) - self._first + 1 if len(numbers) else 0
        self._table = np.full(span + 1, NONE, dtype=np.int64)
        self._table[numbers - self._first] = np.arange(len(numbers))

    def __getitem__(self, numbers: Ints) -> Ints:
        at = numbers - self._first
        known = (at >= 0) & (at < len(self._table))
        return np.where(known, self._table[np.where(known, at, 0)], NONE)


class Seen:
    """A block with the ways from its rows to their parents; made once for all systems.

    `last`: last day of the region; `final`: the block as it is, where this shows it as it was; `views`: such blocks, by what they show.
    """

    def __init__(self, block: Block, lexicon: Lexicon, last: int, final: Seen | None = None) -> None:
        self.last, self.final, self.views = last, final, dict[str, Seen]()
        self._ranked: dict[tuple[str, str], Ints] = {}
        self._of_visits: dict[Callable[[Rows], Array], Array] = {}
        self._at: dict[str, Ints] = {}
        self._sorted: dict[str, tuple[Ints, Ints]] = {}
        self.block, self.lexicon = block, lexicon
        self.visits, self.persons, self.patients = block.rows["visit"], block.rows["person"], block.rows["patient"]
        self.visit_place, self.person_place = Places(self.visits["visit"]), Places(self.persons["person"])

    def ranked(self, table: str, column: str) -> Ints:
        """By rank and place of visit a column of the visit's rows, or NONE; ValueError where a visit has more than RANKS."""
        if (table, column) not in self._ranked:
            rows = self.block.rows[table]
            if len(rows) and rows["rank"].max() >= RANKS:
                raise ValueError(f"{table}: a visit with more than {RANKS} rows")
            found = np.full((RANKS, len(self.visits)), NONE, dtype=np.int64)
            found[rows["rank"], self.visit_place[rows["visit"]]] = rows[column]
            self._ranked[table, column] = found
        return self._ranked[table, column]

    def at(self, table: str) -> Ints:
        """By row of a table the place of its visit."""
        if table not in self._at:
            rows = self.block.rows[table]
            self._at[table] = np.arange(len(rows)) if table == "visit" else self.visit_place[rows["visit"]]
        return self._at[table]

    def by_hospital(self, table: str) -> tuple[Ints, Ints]:
        """The rows of a table ordered by hospital, and where in this order each hospital begins, and after the last the end."""
        if table not in self._sorted:
            hospital = self.visits["hospital"].astype(np.uint16)[self.at(table)]
            starts = np.concatenate([[0], np.cumsum(np.bincount(hospital, minlength=len(self.lexicon.systems)))])
            self._sorted[table] = np.argsort(hospital, kind="stable"), starts
        return self._sorted[table]

    def of_visits(self, written: Callable[[Rows], Array]) -> Array:
        """What a function writes of each visit; made once, however many tables show it."""
        if written not in self._of_visits:
            self._of_visits[written] = written(self.visits)
        return self._of_visits[written]


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a table, ascending by hospital."""

    seen: Seen
    table: str
    places: Ints
    hospital: Ints
    twins: Mask | None = None  # rows of patient that stand for the second local number

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, name: str) -> Ints:
        return self.rows[name]

    def where(self, wanted: Mask) -> Part:
        """Some of the rows."""
        return Part(self.seen, self.table, self.places[wanted], self.hospital[wanted], None if self.twins is None else self.twins[wanted])

    @cached_property
    def rows(self) -> Rows:
        """The rows themselves."""
        return self.seen.block.rows[self.table].take(self.places)

    @cached_property
    def visit_places(self) -> Ints:
        """Where the rows' visits are."""
        return self.seen.at(self.table)[self.places]

    @cached_property
    def person_places(self) -> Ints:
        """Where the rows' persons are."""
        numbers = self["person"] if self.table == "patient" else self.visit("person")
        return self.seen.person_place[numbers]

    def visit(self, name: str) -> Ints:
        """A column of the rows' visits."""
        return self.seen.visits[name][self.visit_places]

    def of_visit(self, written: Callable[[Rows], Array]) -> Array:
        """What a function writes of the rows' visits."""
        return self.seen.of_visits(written).take(pa.array(self.visit_places))

    def once(self, key: Hashable, make: Callable[[], Array]) -> Array:
        """A column that several headings show, made once."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @cached_property
    def _made(self) -> dict[Hashable, Array]:
        return {}

    def person(self, name: str) -> Ints:
        """A column of the rows' persons."""
        return self.seen.persons[name][self.person_places]

    @cached_property
    def local(self) -> Ints:
        """The patients' local numbers."""
        if self.twins is not None:
            return np.where(self.twins, self["twin"], self["local"])
        return self.visit("local")

    @cached_property
    def stay(self) -> Mask:
        """Whether the visit is a stay."""
        return STAYS[self.visit("kind")]


Keep = Callable[[Seen, Ints], Mask]  # (block, places of the visits of a table's rows) -> which rows a system writes


def parts(seen: Seen, table: str, hospitals: Mask, keep: Keep | None = None, having: str = "", size: int = PART) -> Iterator[Part]:
    """The rows of a table of the hospitals marked, ascending by hospital, in parts. `having`: only those with a value in this column."""
    rows = seen.block.rows[table]
    if table == "patient":
        yield from _patients(seen, rows, hospitals, size)
        return
    order, starts = seen.by_hospital(table)
    chosen = np.flatnonzero(hospitals)
    if not len(chosen):
        return
    places = np.concatenate([order[starts[number] : starts[number + 1]] for number in chosen])
    hospital = np.repeat(chosen, np.diff(starts)[chosen])
    if having:
        wanted = rows[having][places] != NONE
        places, hospital = places[wanted], hospital[wanted]
    if keep is not None:
        wanted = keep(seen, seen.at(table)[places])
        places, hospital = places[wanted], hospital[wanted]
    for start in range(0, len(places), size):
        yield Part(seen, table, places[start : start + size], hospital[start : start + size])


def _patients(seen: Seen, rows: Rows, hospitals: Mask, size: int) -> Iterator[Part]:
    """The rows of patients, those with a second local number twice."""
    first = np.flatnonzero(hospitals[rows["hospital"]])
    second = first[rows["twin"][first] != NONE]
    places, twins = np.concatenate([first, second]), np.repeat([False, True], [len(first), len(second)])
    order = np.argsort(rows["hospital"][places].astype(np.uint16), kind="stable")
    places, twins = places[order], twins[order]
    for start in range(0, len(places), size):
        cut = slice(start, start + size)
        yield Part(seen, "patient", places[cut], rows["hospital"][places[cut]], twins[cut])


def at_stays(seen: Seen, at: Ints) -> Mask:
    """Rows of stays."""
    return STAYS[seen.visits["kind"][at]]


def at_clinics(seen: Seen, at: Ints) -> Mask:
    """Rows of visits that are no stays."""
    return ~STAYS[seen.visits["kind"][at]]


def not_on_front_page(seen: Seen, at: Ints) -> Mask:
    """Rows of visits that are no stays, and those of stays where no monthly front page tells them."""
    front = np.array(["frontpage" in systems for systems in seen.lexicon.systems])
    return ~STAYS[seen.visits["kind"][at]] | ~front[seen.visits["hospital"][at]]
