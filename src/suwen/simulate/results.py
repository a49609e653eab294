"""Laboratory results and vital signs."""

from __future__ import annotations

import numpy as np

from suwen.simulate.asked import Asked, asked
from suwen.simulate.catalogue import Catalogue
from suwen.simulate.course import DAY, HOUR, INPATIENT, MINUTE, Course, about, numbered, spread
from suwen.simulate.draws import below, draw, waiting
from suwen.simulate.measures import Measures
from suwen.simulate.measuring import flagged, measured
from suwen.simulate.shapes import NONE, Ints, Rows, rows_of

PER_VISIT = 100  # numbers of samples kept for a visit
_EVERY, _MOST_AGAIN = 3, 3  # days between repeated panels, and how many more at most
_AGAIN = 250  # thousandths of those panels that are repeated every so often
_LEFT = np.array([1000, 700, 450, 300], dtype=np.int64)  # thousandths of a disease's shift on the first sample and the next
_LEFT_DYING = np.array([1000, 1150, 1300, 1500], dtype=np.int64)
_MORNING = 6 * HOUR
_MOST_DAILY = 10


def panels_of(knowledge: Catalogue, course: Course) -> tuple[Asked, Ints, Ints]:
    """The panels of every visit with their turn (0, then repeated) and second of sampling; by visit and turn."""
    wanted = asked(knowledge, course, "labs")
    unknown = (course.answers > 4)[wanted.visit].any(axis=1)  # a blood group that nobody knows cannot be reported
    wanted = wanted.take(np.flatnonzero(~(unknown & (wanted.code == knowledge.panels.place("BLOODTYPE")))))
    again = np.where((course.kind[wanted.visit] == INPATIENT) & (knowledge.panels.again[wanted.code] == 1), course.nights[wanted.visit] // _EVERY, 0)
    again = np.where(below(draw(course.seed, "again", course.visit[wanted.visit], wanted.code), 1000) < _AGAIN, again, 0)
    which, turn = spread(np.zeros(len(again), dtype=np.int64), 1 + np.minimum(again, _MOST_AGAIN))
    wanted = wanted.take(which)
    bits = draw(course.seed, "sampling", course.visit[wanted.visit], wanted.code, turn)
    start = course.start[wanted.visit]
    soon = np.where(course.stays[wanted.visit], 25 * MINUTE + waiting(bits, 100 * MINUTE), 8 * MINUTE + below(bits, 40 * MINUTE))
    later = (start // DAY + turn * _EVERY) * DAY + _MORNING + below(bits, 90 * MINUTE)
    time = np.where(turn == 0, np.minimum(start + soon, course.until[wanted.visit]), later)
    kept = np.flatnonzero(time <= course.until[wanted.visit])
    order = kept[np.lexsort((turn[kept], wanted.visit[kept]))]
    return wanted.take(order), turn[order], time[order]


def results(knowledge: Catalogue, course: Course, wanted: Asked, turn: Ints, sampled: Ints) -> Rows:
    """The results that were reported by the last day, for panels as panels_of gives them."""
    panels, labs = knowledge.panels, knowledge.labs
    sample = numbered(course, wanted.visit, PER_VISIT)
    minutes = about(draw(course.seed, "turnaround", sample), panels.minutes[wanted.code])
    reported = sampled + minutes * MINUTE
    seen = np.flatnonzero(reported < course.cutoff)
    sizes = panels.start[wanted.code[seen] + 1] - panels.start[wanted.code[seen]]
    which, entry = spread(panels.start[wanted.code[seen]], sizes)
    of, item = seen[which], panels.items[entry]
    visit, turns = wanted.visit[of], np.minimum(turn[of], len(_LEFT) - 1)
    share = np.where(course.died[visit], _LEFT_DYING[turns], _LEFT[turns])
    values = measured(labs, course, "result", visit, item, sample[of], share)
    value, abnormal = _summed(labs, course, visit, item, values.value, values.abnormal, which)
    return rows_of(
        "result",
        sample=sample[of],
        visit=course.visit[visit],
        item=item,
        value=value,
        below=values.below,
        sampled=sampled[of],
        reported=reported[of],
        abnormal=abnormal,
    )


def _summed(labs: Measures, course: Course, visit: Ints, item: Ints, value: Ints, abnormal: Ints, panel: Ints) -> tuple[Ints, Ints]:
    """Items that are sums of others of the same panel, which stand before them."""
    for place, parts in enumerate(labs.sums):
        at = np.flatnonzero(item == place) if parts else np.zeros(0, dtype=np.int64)
        if not len(at):
            continue
        total = np.zeros(len(at), dtype=np.int64)
        for part in parts:
            rows = np.flatnonzero(item == part)
            total += value[rows[np.searchsorted(panel[rows], panel[at])]]
        value[at], abnormal[at] = total, flagged(labs, course, visit[at], item[at], total)
    return value, abnormal


def vitals(knowledge: Catalogue, course: Course) -> Rows:
    """Vital signs: at the beginning of a visit, and on some of the days of a stay."""
    wanted, signs = asked(knowledge, course, "vitals"), knowledge.vitals
    days = np.where(course.kind[wanted.visit] == INPATIENT, np.minimum(course.nights[wanted.visit] - 1, _MOST_DAILY), 0)
    days = np.where(knowledge.vital_daily[wanted.code] > 0, days, 0)
    which, day = spread(np.zeros(len(days), dtype=np.int64), 1 + days)
    visit, item = wanted.visit[which], wanted.code[which]
    first = course.start[visit] + 3 * MINUTE + below(draw(course.seed, "first vitals", course.visit[visit]), 9 * MINUTE)
    round_time = (course.start[visit] // DAY + day) * DAY + 8 * HOUR + below(draw(course.seed, "ward round", course.visit[visit], day), 2 * HOUR)
    time = np.where(day == 0, np.minimum(first, course.until[visit]), round_time)
    at_all = below(draw(course.seed, "measured", course.visit[visit], item, day), 1000) < knowledge.vital_daily[item]
    kept = np.flatnonzero(((day == 0) | at_all) & (time <= course.until[visit]))
    both = knowledge.vital_pair[item[kept]] != NONE
    which, second = spread(np.zeros(len(kept), dtype=np.int64), 1 + both)
    at = kept[which]
    visit, day, time = visit[at], day[at], time[at]
    item = np.where(second == 1, knowledge.vital_pair[item[at]], item[at])
    left = np.where(course.died[visit], 1000 + 50 * day, np.maximum(1000 - 180 * day, 100))
    values = measured(signs, course, "vital", visit, item, course.visit[visit] * PER_VISIT + day, left)
    order = np.lexsort((time, visit))
    return rows_of("vital", visit=course.visit[visit][order], item=item[order], value=values.value[order], time=time[order])
