"""The truth that indicators are held against: every stay with what happened in it, and outpatient visits with their charges by organisation, day and kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.rows import STAYS
from suwen.simulate.dialects.text import Mask
from suwen.simulate.shapes import NONE, VISIT_KINDS, Block, Ints

DIED = 5  # CV06.00.226
MINUTE, SOON, LONG = 60, 48 * 60, 6 * 60  # SOON and LONG in whole minutes
# sums of charges beside the whole: fee items of the front page, with those of which they consist
FEES = {"drug": ("D23", "D24", "D25"), "test": ("D15", "D16", "D17", "D18"), "material": ("D31", "D32", "D33")}
CLINICS = tuple(place for place, stay in enumerate(STAYS.tolist()) if not stay)  # places in VISIT_KINDS
_KINDS = pa.array(VISIT_KINDS)


Charged = Mapping[str, Ints]  # `charged_fen`, and the sums of FEES (`drug_fen` ...): by place of the visit in the block


def charged(block: Block, lexicon: Lexicon) -> Charged:
    """What each visit of a block was charged."""
    visit, charge = block.rows["visit"], block.rows["charge"]
    at = np.searchsorted(visit["visit"], charge["visit"])
    found = {"charged_fen": _summed(at, charge["amount"], len(visit))}
    for name, codes in FEES.items():
        of = np.array([code.startswith(codes) for code in lexicon.fees.codes])[charge["fee"]]
        found[f"{name}_fen"] = _summed(at[of], charge["amount"][of], len(visit))
    return found


def stays(block: Block, lexicon: Lexicon, sums: Charged) -> pa.Table:
    """The stays of a block, open ones with a null end.

    `planned`: at discharge a readmission within 31 days was planned. `entries`: into theatre; `level1` to `level4`: by the highest level of what was done in
    them. `unplanned_return`: one of the entries was not planned; `within_48h`: and began at most 48 hours (in whole minutes) after the one before.
    `condition`: the principal diagnosis; `condition_told`: the hospital has told it (a front page tells it when the stay has ended).
    """
    rows = block.rows["visit"]
    places = np.flatnonzero(STAYS[rows["kind"]])
    visit = rows.take(places)
    still = visit["end"] == NONE
    front = np.array(["frontpage" in systems for systems in lexicon.systems])[visit["hospital"]]
    theatre = _theatre(block, lexicon, visit["visit"])
    return pa.table(
        {
            "visit": visit["visit"],
            "organisation_id": pa.array(lexicon.hospitals.codes).take(pa.array(visit["hospital"])),
            "local_number": pa.array([f"{number:09d}" for number in visit["local"].tolist()], pa.string()),
            "person": visit["person"],
            "kind": _KINDS.take(pa.array(visit["kind"])),
            "start": pa.array(visit["start"], pa.timestamp("s")),
            "end": pa.array(visit["end"], pa.timestamp("s"), mask=still),
            "way": pa.array(visit["way"], mask=visit["way"] == NONE),
            "died": visit["way"] == DIED,
            "planned": visit["planned"] == 1,
            **{name: pa.array(column) for name, column in theatre.items()},
            **{name: column[places] for name, column in sums.items()},
            "condition": pa.array(lexicon.conditions.codes).take(_principal(block, visit["visit"])),
            "condition_told": ~(still & front),
        }
    )


def _theatre(block: Block, lexicon: Lexicon, stay: Ints) -> Mapping[str, Ints | Mask]:
    """By stay (its numbers ascend) the entries into theatre."""
    rows = block.rows["procedure"]
    rows = rows.take((rows["session"] != NONE) & np.isin(rows["visit"], stay))
    at = np.searchsorted(stay, rows["visit"])
    level = np.array([int(word) for word in lexicon.procedures["level"]], dtype=np.int64)[rows["procedure"]]
    order = np.lexsort((-level, rows["session"], at))  # of each entry the highest level first
    entry = np.stack([at[order], rows["session"][order]], axis=1)
    new = np.flatnonzero(np.any(np.diff(entry, axis=0, prepend=NONE) != 0, axis=1))
    highest, stay_of, began = level[order][new], entry[new, 0], rows["time"][order][new]
    back = rows["unplanned"][order][new] == 1
    waited = np.diff(began, prepend=0)  # since the entry before, which is of the same stay for who comes back
    found: dict[str, Ints | Mask] = {"entries": _counted(stay_of, len(stay))}
    found |= {f"level{which}": _counted(stay_of[highest == which], len(stay)) for which in (1, 2, 3, 4)}
    found["unplanned_return"] = _counted(stay_of[back], len(stay)) > 0
    found["within_48h"] = _counted(stay_of[back & (waited // MINUTE <= SOON)], len(stay)) > 0
    return found


def _principal(block: Block, stay: Ints) -> pa.Array:
    """By stay the place of its principal diagnosis among the conditions."""
    rows = block.rows["diagnosis"]
    rows = rows.take((rows["rank"] == 0) & np.isin(rows["visit"], stay))
    found = np.full(len(stay), NONE)
    found[np.searchsorted(stay, rows["visit"])] = rows["condition"]
    return pa.array(found, mask=found == NONE)


class Clinics:
    """Visits that are no stays by hospital, day and kind; blocks are added in any order.

    `visits`: that began, with their charges; `six_hours`: of these, that lasted at least so long; `ended`: that ended on the day.
    """

    def __init__(self, hospitals: int, first: int, last: int) -> None:
        self._first, self._span = first, last - first + 1
        self._size = hospitals * self._span * len(CLINICS)
        self.counts: dict[str, Ints] = {
            name: np.zeros(self._size, dtype=np.int64) for name in ("visits", "six_hours", "ended", "charged_fen", *(f"{fee}_fen" for fee in FEES))
        }

    def add(self, block: Block, sums: Charged) -> None:
        """Count the visits of a block."""
        visit = block.rows["visit"]
        turn = np.full(len(VISIT_KINDS), NONE)
        turn[list(CLINICS)] = np.arange(len(CLINICS))
        places = np.flatnonzero(turn[visit["kind"]] != NONE)
        row = visit["hospital"][places] * self._span - self._first
        cells = (row + visit["start"][places] // 86_400) * len(CLINICS) + turn[visit["kind"][places]]
        over = visit["end"][places] != NONE
        ends = (row + visit["end"][places] // 86_400) * len(CLINICS) + turn[visit["kind"][places]]
        self.counts["ended"] += _counted(ends[over], self._size)
        self.counts["visits"] += _counted(cells, self._size)
        lasted = (visit["end"][places] - visit["start"][places]) // MINUTE
        self.counts["six_hours"] += _counted(cells[over & (lasted >= LONG)], self._size)
        for name, column in sums.items():
            self.counts[name] += _summed(cells, column[places], self._size)


def clinics_table(counts: Mapping[str, Ints], organisations: tuple[str, ...], first: int) -> pa.Table:
    """One row for each organisation, day and kind on which any visit began or ended; `first`: the first simulated day."""
    cells = np.flatnonzero(counts["visits"] + counts["ended"])
    span = len(counts["visits"]) // (len(organisations) * len(CLINICS))
    day = first + cells // len(CLINICS) % span
    return pa.table(
        {
            "organisation_id": pa.array(organisations).take(pa.array(cells // (len(CLINICS) * span))),
            "day": pa.array(day.astype(np.int32)).cast(pa.date32()),
            "kind": _KINDS.take(pa.array(np.array(CLINICS)[cells % len(CLINICS)])),
            **{name: column[cells] for name, column in counts.items()},
        }
    )


def _counted(at: Ints, length: int) -> Ints:
    return np.bincount(at, minlength=length).astype(np.int64)


def _summed(at: Ints, numbers: Ints, length: int) -> Ints:
    """Sums of whole numbers by place; exact in doubles, as they are below 2^53."""
    return np.bincount(at, weights=numbers, minlength=length).astype(np.int64)
