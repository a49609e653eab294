"""The visits of a block as care sees them: who came, for how long, with which diseases and how badly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suwen.base.errors import Defect
from suwen.simulate.draws import below, draw, normal
from suwen.simulate.measures import OLDEST
from suwen.simulate.shapes import NONE, VISIT_KINDS, Block, Ints

Truths = npt.NDArray[np.bool_]
DAY, HOUR, MINUTE = 86_400, 3_600, 60
OUTPATIENT, EMERGENCY, OBSERVATION, INPATIENT, DAY_CASE, CHECK_UP = range(len(VISIT_KINDS))
DIED = 5  # CV06.00.226
RANKS = 3  # diagnoses of a visit that move its results
_AFTER = 2 * HOUR  # what is done after an outpatient's consultation
_MEAN, _DEVIATION, _LEAST, _MOST = 1000, 350, 250, 2200  # of the severity, in thousandths


@dataclass(frozen=True)
class Course:
    """Visits, one row each, in the order of the block; `cutoff` is the first second that nobody saw."""

    seed: int
    cutoff: int
    visit: Ints
    person: Ints
    sex: Ints
    age: Ints
    kind: Ints
    start: Ints
    until: Ints  # last second in which something can be done
    open: Truths
    nights: Ints  # days of a stay, at least 1
    died: Truths
    doctor: Ints
    payer: Ints
    answers: Ints  # (visits, 2) blood group and rhesus as codes
    conditions: Ints  # (visits, RANKS); NONE where there are fewer
    stage: Ints
    severity: Ints  # thousandths
    diagnosis_visit: Ints  # row of the visit
    diagnosis_condition: Ints
    diagnosis_first: Truths

    @property
    def stays(self) -> Truths:
        """Visits with a bed: admissions and day cases."""
        found: Truths = (self.kind == INPATIENT) | (self.kind == DAY_CASE)
        return found


def course(seed: int, last_day: int, block: Block) -> Course:
    """The visits of a block; visits, persons and diagnoses may stand in any order."""
    visit, person, diagnosis = block.rows["visit"], block.rows["person"], block.rows["diagnosis"]
    who = _places(person["person"], visit["person"])
    cutoff = (last_day + 1) * DAY
    kind, start = visit["kind"], visit["start"]
    still = visit["end"] == NONE
    bed = (kind == INPATIENT) | (kind == DAY_CASE)
    end = np.where(still, cutoff - 1, visit["end"])
    until = np.minimum(np.where(bed, end, end + _AFTER), cutoff - 1)
    row = _places(visit["visit"], diagnosis["visit"])
    order = np.lexsort((diagnosis["rank"], row))
    row, condition, rank = row[order], diagnosis["condition"][order], diagnosis["rank"][order]
    conditions = np.full((len(visit), RANKS), NONE, dtype=np.int64)
    near = rank < RANKS
    conditions[row[near], rank[near]] = condition[near]
    stage = np.full(len(visit), NONE, dtype=np.int64)
    np.maximum.at(stage, row, diagnosis["stage"][order])
    return Course(
        seed=seed,
        cutoff=cutoff,
        visit=visit["visit"],
        person=visit["person"],
        sex=person["sex"][who],
        age=np.clip((start // DAY - person["born"][who]) * 400 // 146_097, 0, OLDEST),
        kind=kind,
        start=start,
        until=np.maximum(until, start),
        open=still & bed,
        nights=np.maximum(end // DAY - start // DAY, 1),
        died=visit["way"] == DIED,
        doctor=visit["doctor"],
        payer=visit["payer"],
        answers=np.stack([person["blood"][who], person["rhesus"][who]], axis=1),
        conditions=conditions,
        stage=stage,
        severity=np.clip(normal(draw(seed, "severity", visit["visit"]), _MEAN, _DEVIATION), _LEAST, _MOST),
        diagnosis_visit=row,
        diagnosis_condition=condition,
        diagnosis_first=rank == 0,
    )


def spread(start: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """For ranges that begin at `start` with `sizes` entries: which range each entry is of, and the entry itself."""
    which = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    ends = np.cumsum(sizes)
    return which, start[which] + np.arange(len(which), dtype=np.int64) - (ends - sizes)[which]


def counted_in(group: Ints) -> Ints:
    """The place of each row among the rows of its group; the groups stand together."""
    if not len(group):
        return group
    new = np.flatnonzero(np.diff(group)) + 1
    starts = np.zeros(len(group), dtype=np.int64)
    starts[new] = new
    return np.arange(len(group), dtype=np.int64) - np.maximum.accumulate(starts)


def numbered(course: Course, visit: Ints, most: int) -> Ints:
    """Numbers unique in the province for rows that stand by visit: the visit's number times `most`, and the place in the visit."""
    places = counted_in(visit)
    if len(places) and int(places.max()) >= most:
        raise Defect(f"a visit with more than {most} rows of one table")
    found: Ints = course.visit[visit] * most + places
    return found


def about(bits: npt.NDArray[np.uint64], middle: npt.ArrayLike) -> Ints:
    """Whole numbers from 0.7 to 1.6 of a middle."""
    return np.asarray(middle) * (700 + below(bits, 900)) // 1000


def _places(of: Ints, wanted: Ints) -> Ints:
    order = np.argsort(of, kind="stable")
    return order[np.searchsorted(of, wanted, sorter=order)]
