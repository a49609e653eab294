"""The truth of a region, counted from the events themselves while they are made: nothing here knows how a hospital's files are read or mapped.

Counts are kept by hospital and day, twice: by the day on which each thing happened, and by the day on which its visit began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suwen.base.errors import Defect
from suwen.simulate.dialects.identity import ABSENT, patient_number, resident_id
from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.rows import Seen, parts
from suwen.simulate.dialects.text import DAY
from suwen.simulate.shapes import NONE, VISIT_KINDS, Block, Ints, Rows

Counts = dict[str, dict[str, Ints]]  # basis -> column -> by hospital and day
BY_EVENT, BY_VISIT = "by_event", "by_visit"
VISITS = tuple(f"visits_{kind.replace(' ', '_').replace('-', '_')}" for kind in VISIT_KINDS)
UNTOLD = ("diagnoses", "procedures")  # of open stays, where a hospital tells them by the front page alone
COLUMNS = (
    *VISITS,
    "diagnoses",
    "diagnoses_untold",
    "procedures",
    "procedures_untold",
    "drugs",
    "results",
    "vital_signs",
    "charges",
    "charged_fen",
    "insured_fen",
)
_TIMES = {
    "diagnoses": ("diagnosis", "time"),
    "procedures": ("procedure", "time"),
    "drugs": ("order", "start"),
    "results": ("result", "sampled"),
    "vital_signs": ("vital", "time"),
    "charges": ("charge", "time"),
}
_KNOWN = pa.array(["right", "absent", "mistyped"])
_SEXES = pa.array(["male", "female"])


class Totals:
    """What happened in each hospital on each day; blocks are added one by one, in any order."""

    def __init__(self, lexicon: Lexicon, first: int, last: int) -> None:
        self._first, self._span, self._size = first, last - first + 1, len(lexicon.systems) * (last - first + 1)
        self._front_page = np.array(["frontpage" in systems for systems in lexicon.systems])
        self.counts: Counts = {basis: {name: np.zeros(self._size, dtype=np.int64) for name in COLUMNS} for basis in (BY_EVENT, BY_VISIT)}

    def add(self, block: Block) -> None:
        """Count the events of a block."""
        visit = block.rows["visit"]
        began = self._cell(visit["hospital"], visit["start"])
        for place, name in enumerate(VISITS):
            cells = began[visit["kind"] == place]
            self._count(BY_EVENT, name, cells)
            self._count(BY_VISIT, name, cells)
        for name, (table, time) in _TIMES.items():
            rows = block.rows[table]
            at = np.searchsorted(visit["visit"], rows["visit"])
            for basis, cells in ((BY_EVENT, self._cell(visit["hospital"][at], rows[time])), (BY_VISIT, began[at])):
                self._count(basis, name, cells)
                if name in UNTOLD:
                    untold = self._front_page[visit["hospital"][at]] & (visit["admission_number"][at] != NONE) & (visit["end"][at] == NONE)
                    self._count(basis, f"{name}_untold", cells[untold])
                if name == "charges":
                    self._count(basis, "charged_fen", cells, rows["amount"])
                    self._count(basis, "insured_fen", cells, rows["insured"])

    def _cell(self, hospital: Ints, second: Ints) -> Ints:
        day = second // DAY - self._first
        if len(day) and (day.min() < 0 or day.max() >= self._span):
            raise Defect("an event lies outside the simulated days")
        return hospital * self._span + day

    def _count(self, basis: str, name: str, cells: Ints, amounts: Ints | None = None) -> None:
        # bincount sums in doubles: sums of whole numbers below 2^53 are exact in them, whatever their order
        found = np.bincount(cells, weights=amounts, minlength=self._size)
        self.counts[basis][name] += found.astype(np.int64)


def totals_table(columns: Mapping[str, Ints], organisations: tuple[str, ...], first: int) -> pa.Table:
    """One row for each organisation and day on which anything happened; `first`: the first simulated day."""
    cells = np.flatnonzero(np.logical_or.reduce([column != 0 for column in columns.values()]))
    span = len(next(iter(columns.values()))) // len(organisations)
    named = pa.array(organisations).take(pa.array(cells // span))
    return pa.table({"organisation_id": named, "day": days(first + cells % span), **{name: column[cells] for name, column in columns.items()}})


def persons(block: Block, lexicon: Lexicon) -> pa.Table:
    """Everyone of a block, seen in a hospital or not; `masters`: how many persons the exact rule leaves of the `patients` that stand for one."""
    person, patient = block.rows["person"], block.rows["patient"]
    at = np.searchsorted(person["person"], patient["person"])
    numbers = 1 + (patient["twin"] != NONE)
    patients = _summed(at, numbers, len(person))
    exact = _summed(at, np.where(patient["resident_id"] == 0, numbers, 0), len(person))
    areas = pa.array(lexicon.areas.codes)
    return pa.table(
        {
            "person": person["person"],
            "sex": _SEXES.take(pa.array(person["sex"] - 1)),
            "born": pa.array(person["born"].astype(np.int32)).cast(pa.date32()),
            "died": days(person["died"]),
            "died_in": _or_null(person["died_in"]),
            "family": person["family"],
            "mother": _or_null(person["mother"]),
            "area": areas.take(pa.array(person["area"])),
            "moved": days(person["moved"]),
            "area_after": areas.take(_or_null(person["area_after"])),
            "patients": patients,
            "exact_patients": exact,
            "masters": patients - np.maximum(exact - 1, 0),
        }
    )


def links(block: Block, lexicon: Lexicon) -> Iterator[pa.Table]:
    """Who is who: each number under which a hospital knows a person, with the resident id as known there.

    `exact`: the exact rule can use it (check sum valid, birth date and sex agreeing); `linked`: there is another such number for it to be joined with.
    """
    person, patient = block.rows["person"], block.rows["patient"]
    numbers = np.where(patient["resident_id"] == 0, 1 + (patient["twin"] != NONE), 0)
    usable = _summed(np.searchsorted(person["person"], patient["person"]), numbers, len(person))
    for part in parts(Seen(block, lexicon, NONE), "patient", np.ones(len(lexicon.systems), dtype=bool)):
        exact = part["resident_id"] == 0
        known = resident_id(part)
        yield pa.table(
            {
                "organisation_id": pa.array(lexicon.hospitals.codes).take(pa.array(part.hospital)),
                "local_number": patient_number(part).cast(pa.string()),
                "person": part["person"],
                "second_number": np.zeros(len(part), dtype=bool) if part.twins is None else part.twins,
                "resident_id": pc.if_else(pa.array(part["resident_id"] == ABSENT), None, known.cast(pa.string())),
                "resident_id_is": _KNOWN.take(pa.array(part["resident_id"])),
                "exact": exact,
                "linked": exact & (usable[part.person_places] > 1),
            }
        )


def open_visits(block: Block, lexicon: Lexicon) -> pa.Table:
    """The visits that had not ended on the last day."""
    rows = block.rows["visit"]
    visit = rows.take(rows["end"] == NONE)
    return pa.table(
        {
            "visit": visit["visit"],
            "organisation_id": pa.array(lexicon.hospitals.codes).take(pa.array(visit["hospital"])),
            "local_number": pa.array([f"{number:09d}" for number in visit["local"].tolist()], pa.string()),
            "person": visit["person"],
            "kind": pa.array(VISIT_KINDS).take(pa.array(visit["kind"])),
            "admission_number": _or_null(visit["admission_number"]),
            "start": pa.array(visit["start"], pa.timestamp("s")),
        }
    )


class Cases:
    """How many cards came of each injected outbreak, and the first and last day of onset among them."""

    def __init__(self, outbreaks: int) -> None:
        self.counts = np.zeros(outbreaks, dtype=np.int64)
        self.first = np.full(outbreaks, np.iinfo(np.int64).max)
        self.last = np.full(outbreaks, NONE)

    def add(self, cards: Rows) -> None:
        """Count the cards of a block."""
        of = cards.take(cards["outbreak"] != NONE)
        np.add.at(self.counts, of["outbreak"], 1)
        np.minimum.at(self.first, of["outbreak"], of["onset"])
        np.maximum.at(self.last, of["outbreak"], of["onset"])

    def merge(self, other: Cases) -> None:
        """Add what was counted elsewhere."""
        self.counts += other.counts
        self.first, self.last = np.minimum(self.first, other.first), np.maximum(self.last, other.last)

    def columns(self) -> dict[str, object]:
        """Columns beside the plan of the outbreaks."""
        return {"cards": self.counts, "first_onset": days(np.where(self.counts > 0, self.first, NONE)), "last_onset": days(self.last)}


def days(numbers: Ints) -> pa.Array:
    """Dates from day numbers; null for NONE."""
    return pa.array(numbers.astype(np.int32), pa.int32(), mask=numbers == NONE).cast(pa.date32())


def _or_null(numbers: Ints) -> pa.Array:
    return pa.array(numbers, pa.int64(), mask=numbers == NONE)


def _summed(at: Ints, numbers: Ints, length: int) -> Ints:
    """Sums of whole numbers by place; exact, as they are small."""
    return np.bincount(at, weights=numbers, minlength=length).astype(np.int64)
