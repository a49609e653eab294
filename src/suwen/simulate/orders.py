"""Drug orders: dose by age, days by setting, packs for outpatients and pieces in stays."""

from __future__ import annotations

import numpy as np

from suwen.simulate.asked import asked
from suwen.simulate.catalogue import Catalogue
from suwen.simulate.course import DAY, HOUR, MINUTE, Course, Truths, numbered
from suwen.simulate.draws import Bits, below, chosen, draw
from suwen.simulate.shapes import NONE, Ints, Rows, rows_of

PER_VISIT = 100  # numbers of orders kept for a visit
_CHILD = np.array([200, 200, 330, 330, 330, 330, 500, 500, 500, 500, 500, 500], dtype=np.int64)  # thousandths of an adult's dose by year of age
_LONG = 21  # days: what is supplied for longer is for a chronic disease, by half or twice as well
_SUPPLY, _SUPPLY_WEIGHTS = np.array([1, 2, 4], dtype=np.int64), (1, 6, 2)  # halves of the usual days


def orders(knowledge: Catalogue, course: Course) -> Rows:
    """The drug orders of every visit, each drug at most once in it; none that the patient is too young for."""
    wanted, drugs = asked(knowledge, course, "drugs"), knowledge.drugs
    wanted = wanted.take(np.flatnonzero(course.age[wanted.visit] >= drugs.age_from[wanted.code]))
    visit, drug = wanted.visit, wanted.code
    bed = course.stays[visit]
    bits = draw(course.seed, "order", course.visit[visit], drug)
    start = _starts(course, visit, bits, bed)
    days = np.where(bed, _days_in(drugs.stay_days[drug], course.nights[visit], bits), _days_out(course.seed, drugs.days[drug], course.visit[visit]))
    left = np.maximum((course.until[visit] - start) // DAY + 1, 1)
    lasting = bed & course.open[visit] & (days >= left)
    days = np.where(bed, np.minimum(days, left), days)
    dose = np.where(course.age[visit] < len(_CHILD), _child(drugs.dose[drug], course.age[visit]), drugs.dose[drug])
    last = start + (days - 1) * DAY + DAY - DAY * 100 // np.maximum(drugs.per_day[drug], 100)
    end = np.where(bed, np.minimum(last, course.until[visit]), last)
    return rows_of(
        "order",
        order=numbered(course, visit, PER_VISIT),
        visit=course.visit[visit],
        drug=drug,
        start=start,
        end=np.where(lasting, NONE, end),
        dose=dose,
        per_day=drugs.per_day[drug],
        route=drugs.route[drug],
        quantity=_quantity(knowledge, drug, dose, days, bed),
        days=days,
        long_term=(bed & (days > 1)).astype(np.int64),
    )


def doses(per_day: Ints, days: Ints) -> Ints:
    """How many doses so many days have, at least one."""
    found: Ints = np.maximum(-(-per_day * days // 100), 1)
    return found


def _starts(course: Course, visit: Ints, bits: Bits, bed: Truths) -> Ints:
    """In a stay within hours of admission, one in four on a later day; else after the consultation."""
    later = chosen(bits, (6, 1, 1)) * DAY
    within = np.maximum(course.until[visit] - course.start[visit], 1)
    delay = np.where(bed, 40 * MINUTE + below(bits << np.uint64(16), 4 * HOUR) + later, 5 * MINUTE + below(bits << np.uint64(16), 20 * MINUTE))
    found: Ints = course.start[visit] + np.where(delay < within, delay, within // 2)
    return found


def _days_in(usual: Ints, nights: Ints, bits: Bits) -> Ints:
    return np.where(usual == 0, nights, np.minimum(usual + below(bits << np.uint64(24), 3) - (usual > 1), nights))


def _days_out(seed: int, usual: Ints, visit: Ints) -> Ints:
    halves = _SUPPLY[chosen(draw(seed, "supply", visit), _SUPPLY_WEIGHTS)]
    return np.maximum(np.where(usual >= _LONG, usual * halves // 2, usual), 1)


def _child(dose: Ints, age: Ints) -> Ints:
    found: Ints = np.maximum(dose * _CHILD[np.minimum(age, len(_CHILD) - 1)] // 1000, 1)
    return found


def _quantity(knowledge: Catalogue, drug: Ints, dose: Ints, days: Ints, bed: Truths) -> Ints:
    """Hundredths of packs: whole packs for outpatients, what is used in stays; of ampoules and bags for one dose, whole ones always."""
    drugs = knowledge.drugs
    content = drugs.amount[drug] * drugs.pieces[drug]
    need = dose * doses(drugs.per_day[drug], days)
    single = (drugs.pieces[drug] == 1) & (2 * drugs.dose[drug] >= drugs.amount[drug])
    each = -(-dose // drugs.amount[drug]) * doses(drugs.per_day[drug], days) * 100
    used = np.where(bed, -(-need * 100 // content), -(-need // content) * 100)
    return np.where(single, each, used)
