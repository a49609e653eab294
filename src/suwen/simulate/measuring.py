"""Values of laboratory items and vital signs: a healthy person's own level, moved by the diseases of the visit, with the scatter of the sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.simulate.course import RANKS, Course
from suwen.simulate.draws import STEPS, Bits, below, draw, normal
from suwen.simulate.measures import ANSWERS, EXP_LEAST, EXP_MOST, EXP_ONE, LOG, Measures, exponential, parts_of_spread
from suwen.simulate.shapes import NONE, Ints

_THOUSAND = 1000


@dataclass(frozen=True)
class Values:
    """Values with the marks that go with them, as RESULT has them."""

    value: Ints
    below: Ints
    abnormal: Ints


def measured(measures: Measures, course: Course, purpose: str, visit: Ints, item: Ints, sample: Ints, share: Ints) -> Values:
    """One value a row. `visit`: row in the course; `sample`: number that parts of the same sample share; `share`: thousandths of the shift that are left."""
    key = measures.follows[item]
    personal = draw(course.seed, f"{purpose} of person", course.person[visit], key)
    scatter = draw(course.seed, f"{purpose} of sample", sample, key)
    value = _numbers(measures, course, visit, item, personal, scatter, share)
    row = measures.band[item, course.sex[visit] - 1, course.age[visit]]
    under = (value < measures.detection[item]) & (measures.scale[item] != ANSWERS)
    value = np.where(under, measures.detection[item], value)
    abnormal = np.where(value > measures.high[row], 1, np.where(value < measures.low[row], 2, 0))
    for kind in np.flatnonzero((measures.scale == ANSWERS) & (np.bincount(item, minlength=len(measures.codes)) > 0)):
        at = np.flatnonzero(item == kind)
        value[at] = _answers(measures, course, int(kind), visit[at], personal[at], scatter[at])
        abnormal[at] = np.where(value[at] > measures.normal[kind], 3, 0)
    return Values(value, under.astype(np.int64), abnormal)


def flagged(measures: Measures, course: Course, visit: Ints, item: Ints, value: Ints) -> Ints:
    """0 normal, 1 high, 2 low, for values that were worked out from others."""
    row = measures.band[item, course.sex[visit] - 1, course.age[visit]]
    return np.where(value > measures.high[row], 1, np.where(value < measures.low[row], 2, 0))


def _numbers(measures: Measures, course: Course, visit: Ints, item: Ints, personal: Bits, scatter: Bits, share: Ints) -> Ints:
    own, other = parts_of_spread(measures.own)
    deviate = (own[item] * normal(personal, 0, _THOUSAND) + other[item] * normal(scatter, 0, _THOUSAND)) // _THOUSAND
    shift = _moved(measures, course, visit, item) * (course.severity[visit] * share // _THOUSAND) // _THOUSAND
    deviate = measures.sign[item] * deviate + shift
    row = measures.band[item, course.sex[visit] - 1, course.age[visit]]
    middle, away = measures.middle[row], measures.spread[row] * deviate // _THOUSAND
    log = measures.scale[item] == LOG
    power = exponential()[np.clip(np.where(log, away, 0), EXP_LEAST, EXP_MOST) - EXP_LEAST]
    fine = np.where(log, middle * power // EXP_ONE, middle + away)
    found: Ints = np.clip((fine + _THOUSAND // 2) // _THOUSAND, measures.least[item], measures.most[item])
    return found


def _moved(measures: Measures, course: Course, visit: Ints, item: Ints) -> Ints:
    """The strongest shift of the visit's diseases, in thousandths of a spread."""
    found: Ints = measures.shift[course.conditions[visit, 0], item]
    for rank in range(1, RANKS):
        also = measures.shift[course.conditions[visit, rank], item]
        found = np.where(np.abs(also) > np.abs(found), also, found)
    return found


def _answers(measures: Measures, course: Course, item: int, visit: Ints, personal: Bits, scatter: Bits) -> Ints:
    if measures.from_person[item] != NONE:
        known: Ints = course.answers[visit, measures.from_person[item]] - 1
        return known
    weights, normal_until = measures.weights[item], int(measures.normal[item]) + 1
    if not weights[normal_until:].any():  # every answer is normal, as with antibodies: diseases speak of all but the first
        normal_until = 1
    bits = personal if measures.own[item] else scatter
    told = measures.positive[course.conditions[visit], item].max(axis=1)
    chance = np.where(told == NONE, weights[normal_until:].sum(), told)
    positive = below(bits, 1000) < chance
    again = below(draw(course.seed, "answer", (bits >> np.uint64(1)).astype(np.int64)), STEPS)
    return np.where(positive, normal_until + _which(weights[normal_until:], again), _which(weights[:normal_until], again))


def _which(weights: Ints, at: Ints) -> Ints:
    """Places among weights for numbers from 0 to STEPS - 1."""
    ends = np.cumsum(weights) * STEPS // max(int(weights.sum()), 1)
    return np.minimum(np.searchsorted(ends, at, side="right"), max(len(weights) - 1, 0))
