"""What the doctors ask for: which panels, drugs, procedures and examinations each visit has, from its diseases and from routine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.simulate.catalogue import ROUTINE, Catalogue
from suwen.simulate.course import Course, spread
from suwen.simulate.draws import below, draw
from suwen.simulate.shapes import NONE, Ints

_CODES = 4096  # more than any list has
_ONE_OF = _CODES - 1  # the number under which alternatives are drawn


@dataclass(frozen=True)
class Asked:
    """Rows of visit (its row in the course), code and the condition it is for (NONE in routine); by visit, then code, each pair once."""

    visit: Ints
    code: Ints
    condition: Ints

    def take(self, places: Ints) -> Asked:
        """The rows at some places."""
        return Asked(self.visit[places], self.code[places], self.condition[places])


def asked(knowledge: Catalogue, course: Course, what: str) -> Asked:
    """What is asked for of one list: labs, drugs, procedures, exams or vitals."""
    parts = [_routine(knowledge, course, what)]
    if what in knowledge.wants:
        parts.insert(0, _for_diseases(knowledge, course, what))
    visit, code, condition = (np.concatenate([getattr(part, name) for part in parts]) for name in ("visit", "code", "condition"))
    if what == "drugs":
        code = np.where(course.stays[visit], knowledge.drugs.instead[code], code)
    first = np.unique(visit * _CODES + code, return_index=True)[1]
    return Asked(visit[first], code[first], condition[first])


def _for_diseases(knowledge: Catalogue, course: Course, what: str) -> Asked:
    wants, use = knowledge.wants[what], knowledge.use[what]
    factor = use[course.kind[course.diagnosis_visit], np.where(course.diagnosis_first, 0, 1)]
    needy = np.flatnonzero(factor)
    condition = course.diagnosis_condition[needy]
    which, entry = spread(wants.start[condition], wants.start[condition + 1] - wants.start[condition])
    which = needy[which]
    visit, factor, code = course.diagnosis_visit[which], factor[which], wants.code[entry]
    if what == "procedures":
        fits = course.diagnosis_first[which] | (wants.before[entry] == NONE)
        fits &= course.stays[visit] | (knowledge.procedures.outpatient[code] == 1)
        which, entry, visit, factor, code = (part[fits] for part in (which, entry, visit, factor, code))
    before = wants.before[entry]
    at = below(draw(course.seed, what, course.visit[visit], np.where(before == NONE, code, _ONE_OF)), 1_000_000)
    lower = np.maximum(before, 0) * factor
    kept = (lower <= at) & (at < lower + wants.share[entry] * factor)
    return Asked(visit[kept], code[kept], course.diagnosis_condition[which[kept]])


def _routine(knowledge: Catalogue, course: Course, what: str) -> Asked:
    routine, visits, codes = knowledge.routine, [], []
    for place in np.flatnonzero(routine.what == (ROUTINE.index(what) if what in ROUTINE else NONE)):
        fits = course.kind == routine.kind[place]
        fits &= (course.age >= routine.age_from[place]) & (course.age <= routine.age_to[place])
        if routine.sex[place]:
            fits &= course.sex == routine.sex[place]
        rows = np.flatnonzero(fits)
        kept = rows[below(draw(course.seed, f"routine {what}", course.visit[rows], routine.code[place]), 1000) < routine.share[place]]
        visits.append(kept)
        codes.append(np.full(len(kept), routine.code[place]))
    if not visits:
        nothing = np.zeros(0, dtype=np.int64)
        return Asked(nothing, nothing, nothing)
    visit = np.concatenate(visits)
    return Asked(visit, np.concatenate(codes), np.full(len(visit), NONE, dtype=np.int64))
