"""Operations and other procedures: when, how long, by whom, with which anaesthesia."""

from __future__ import annotations

import numpy as np

from suwen.simulate.asked import asked
from suwen.simulate.catalogue import Catalogue
from suwen.simulate.course import DAY, HOUR, MINUTE, Course, counted_in
from suwen.simulate.draws import Bits, below, chosen, draw, normal
from suwen.simulate.shapes import NONE, Ints, Rows, rows_of
from suwen.simulate.theatre import in_theatre

_GRADES, _GRADE_WEIGHTS = np.array([1, 2, 3, 9], dtype=np.int64), (965, 22, 5, 8)  # CV05.10.023
_SHORTEST = 5  # minutes


def procedures(knowledge: Catalogue, course: Course) -> Rows:
    """The procedures of every visit, the main one (of the highest level, then the longest) first."""
    wanted, known = asked(knowledge, course, "procedures"), knowledge.procedures
    bits = draw(course.seed, "procedure", course.visit[wanted.visit], wanted.code)
    done = in_theatre(knowledge, course, wanted.visit, wanted.code, _times(course, wanted.visit, bits))
    done = done.take(np.lexsort((done.turn, done.code, -known.minutes[done.code], -known.level[done.code], done.visit)))
    visit, code, time = done.visit, done.code, done.time
    bits = draw(course.seed, "procedure's course", course.visit[visit], code, done.turn)
    minutes = np.maximum(normal(bits, known.minutes[code], known.minutes[code] // 5), _SHORTEST)
    room = np.maximum((course.until[visit] - time) // MINUTE, _SHORTEST)
    grade = _GRADES[chosen(bits << np.uint64(24), _GRADE_WEIGHTS)]
    cut = known.incision[code]
    return rows_of(
        "procedure",
        visit=course.visit[visit],
        rank=counted_in(visit),
        procedure=code,
        time=time,
        minutes=np.where(course.stays[visit], np.minimum(minutes, room), minutes),
        surgeon=course.doctor[visit],
        anaesthesia=known.anaesthesia[code],
        incision=np.where(cut == NONE, NONE, np.where(cut == 0, 0, 10 * cut + grade)),
        session=done.session,
        unplanned=done.unplanned,
    )


def _times(course: Course, visit: Ints, bits: Bits) -> Ints:
    """In working hours of one of the first days of a stay where that is inside it, else in its first half; for others after the consultation."""
    start, until = course.start[visit], course.until[visit]
    day = start // DAY + below(bits, np.minimum(course.nights[visit], 3))
    planned = day * DAY + 8 * HOUR + below(bits << np.uint64(12), 9 * HOUR)
    fits = course.stays[visit] & (planned > start + HOUR) & (planned < until - HOUR)
    return np.where(fits, planned, start + (until - start) * (200 + below(bits << np.uint64(12), 300)) // 1000)
