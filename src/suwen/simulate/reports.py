"""Reports of examinations: imaging, function tests, endoscopy and pathology, with the text that fits the disease."""

from __future__ import annotations

import numpy as np

from suwen.simulate.asked import asked
from suwen.simulate.catalogue import Catalogue
from suwen.simulate.course import HOUR, MINUTE, Course, about, numbered
from suwen.simulate.draws import Bits, below, draw, waiting
from suwen.simulate.shapes import NONE, Ints, Rows, rows_of

PER_VISIT = 100  # numbers of reports kept for a visit
_EITHER = 1


def reports(knowledge: Catalogue, course: Course) -> tuple[Rows, Rows]:
    """All examinations that were made, and the reports among them that were ready by the last day (a report not ready has no row)."""
    wanted, exams = asked(knowledge, course, "exams"), knowledge.exams
    visit, exam = wanted.visit, wanted.code
    bits = draw(course.seed, "report", course.visit[visit], exam)
    condition = np.where(wanted.condition == NONE, course.conditions[visit, 0], wanted.condition)
    chance = exams.chance[condition, exam]
    finding = (chance <= below(bits, chance[:, -1])[:, None]).sum(axis=1)
    side = exams.side[exam, finding]
    side = np.where(side == _EITHER, 1 + (bits & np.uint64(1)).astype(np.int64), side)
    performed = _times(course, visit, bits)
    reported = performed + about(draw(course.seed, "reading", course.visit[visit], exam), exams.minutes[exam]) * MINUTE
    made = rows_of(
        "report",
        report=numbered(course, visit, PER_VISIT),
        visit=course.visit[visit],
        exam=exam,
        finding=finding,
        side=side,
        size=_sizes(knowledge, course, visit, exam, finding),
        performed=performed,
        reported=reported,
    )
    return made, made.take(reported < course.cutoff)


def _sizes(knowledge: Catalogue, course: Course, visit: Ints, exam: Ints, finding: Ints) -> Ints:
    """Millimetres; with a cancer's stage in the quarter of the range that goes with it."""
    least, most = knowledge.exams.size_from[exam, finding], knowledge.exams.size_to[exam, finding]
    at, stage = below(draw(course.seed, "size", course.visit[visit], exam), 1000), course.stage[visit]
    at = np.where(stage >= 1, (1000 * (np.clip(stage, 1, 4) - 1) + at) // 4, at)
    return np.where(least == NONE, NONE, least + (most - least) * at // 999)


def _times(course: Course, visit: Ints, bits: Bits) -> Ints:
    """Hours after admission, sometimes the next day; minutes after an outpatient's consultation began."""
    delay = np.where(course.stays[visit], HOUR + waiting(bits << np.uint64(16), 10 * HOUR), 20 * MINUTE + below(bits << np.uint64(16), 50 * MINUTE))
    within = course.until[visit] - course.start[visit]
    return course.start[visit] + np.where(delay < within, delay, within * 2 // 3)
