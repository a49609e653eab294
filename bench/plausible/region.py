"""A simulated region held as a few tables of whole numbers, from the simulator's own events and before any file is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suwen.simulate.course import DAY
from suwen.simulate.knowledge import Knowledge
from suwen.simulate.measures import Measures
from suwen.simulate.outbreaks import Outbreaks
from suwen.simulate.places import Hospitals
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, Block, Ints, Rows
from suwen.simulate.together import Scene

YEAR = 365.2425
DRUGS = ("D23", "D23x01", "D24", "D25")  # fee items of western drugs, antibacterials, proprietary and herbal medicines
ITEMS = ("WBC", "HGB", "ALT", "ALB", "CREA", "K", "GLU", "CRP")
Columns = Mapping[str, Ints]


@dataclass(frozen=True)
class Region:
    """Columns by table. `person`: sex, born, died, died_in; `visit`: one row a visit with its person's sex and age, its principal condition and its charges;
    `card`: the cards of reportable diseases; `patient`: how hospitals know people; `result`: numbers of some laboratory items, `plain` where the visit
    is a check-up without any other diagnosis; `fee`: fen by fee item and kind of visit.
    """

    settings: Settings
    knowledge: Knowledge
    hospitals: Hospitals
    outbreaks: Outbreaks
    measures: Measures
    fees: tuple[str, ...]
    person: Columns
    visit: Columns
    card: Columns
    patient: Columns
    result: Columns
    diagnosed: Columns
    fee: Ints
    settled: int


def simulate(settings: Settings) -> Region:
    """The region of these settings; takes about a second for 10,000 person-years."""
    scene = Scene(settings)
    fees = scene.catalogue.fees.codes
    parts = [_counted(scene, scene.block(number)) for number in range(scene.world.blocks)]
    tables = {name: _joined([part[name] for part in parts]) for name in ("person", "visit", "card", "patient", "result", "diagnosed")}
    return Region(
        settings=settings,
        knowledge=scene.world.knowledge,
        hospitals=scene.world.places.hospitals,
        outbreaks=scene.world.outbreaks,
        measures=scene.catalogue.labs,
        fees=fees,
        fee=sum(part["fee"]["amount"] for part in parts).reshape(-1, len(fees)),
        settled=sum(int(part["settled"]["total"].sum()) for part in parts),
        **tables,
    )


def _joined(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of(rows: Rows, *names: str) -> dict[str, Ints]:
    return {name: rows[name] for name in names}


def _counted(scene: Scene, block: Block) -> dict[str, Columns]:
    visit, diagnosis, charge = (block.rows[name] for name in ("visit", "diagnosis", "charge"))
    at = np.searchsorted(visit["visit"], charge["visit"])
    drugs = np.isin(charge["fee"], [scene.catalogue.fees.place(code) for code in DRUGS])
    fees = len(scene.catalogue.fees.codes)
    return {
        "person": _of(block.rows["person"], "person", "sex", "born", "died", "died_in", "mother"),
        "visit": {**_visits(block), "charged": _summed(at, charge["amount"], visit), "drugs": _summed(at[drugs], charge["amount"][drugs], visit)},
        "card": _of(block.rows["case_report"], "condition", "onset", "diagnosed", "reported", "outbreak"),
        "patient": _of(block.rows["patient"], "hospital", "person", "resident_id", "twin"),
        "result": _results(scene, block),
        "diagnosed": {
            "person": visit["person"][np.searchsorted(visit["visit"], diagnosis["visit"])],
            "condition": diagnosis["condition"],
        },
        "fee": {"amount": _sums(visit["kind"][at] * fees + charge["fee"], charge["amount"], 6 * fees)},
        "settled": {"total": block.rows["settlement"]["total"]},
    }


def _sums(places: Ints, amounts: Ints, length: int) -> Ints:
    return np.bincount(places, weights=amounts, minlength=length).astype(np.int64)  # exact: whole numbers far below 2^53


def _summed(at: Ints, amounts: Ints, visit: Rows) -> Ints:
    return _sums(at, amounts, len(visit))


def _visits(block: Block) -> dict[str, Ints]:
    visit, person, diagnosis = (block.rows[name] for name in ("visit", "person", "diagnosis"))
    who = visit["person"] - person["person"][0]
    first = diagnosis.take(diagnosis["rank"] == 0)
    condition = np.full(len(visit), NONE)
    condition[np.searchsorted(visit["visit"], first["visit"])] = first["condition"]
    names = ("visit", "person", "hospital", "kind", "start", "end", "department_out", "way", "from_visit", "readmission", "planned")
    age = ((visit["start"] // DAY - person["born"][who]) / YEAR).astype(np.int64)
    return {**_of(visit, *names), "sex": person["sex"][who], "age": np.maximum(age, 0), "condition": condition}


def _results(scene: Scene, block: Block) -> dict[str, Ints]:
    """Results of ITEMS; of several in a visit the first, so that long stays do not outweigh."""
    own = {scene.catalogue.labs.place(code) for code in ITEMS}
    result = block.rows["result"]
    result = result.take(np.isin(result["item"], sorted(own)))
    visits, diagnosis = _visits(block), block.rows["diagnosis"]
    order = np.lexsort((result["sampled"], result["item"], result["visit"]))
    first = np.r_[True, (np.diff(result["visit"][order]) != 0) | (np.diff(result["item"][order]) != 0)] if len(order) else np.zeros(0, dtype=bool)
    result = result.take(order[first])
    at = np.searchsorted(visits["visit"], result["visit"])
    diagnoses = np.bincount(np.searchsorted(visits["visit"], diagnosis["visit"]), minlength=len(visits["visit"]))
    plain = (visits["kind"] == 5) & (diagnoses == 1)
    return {
        **_of(result, "item", "value"),
        "sex": visits["sex"][at],
        "age": visits["age"][at],
        "condition": visits["condition"][at],
        "plain": plain[at].astype(np.int64),
    }
