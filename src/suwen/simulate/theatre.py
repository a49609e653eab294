"""Entries into theatre: what is operated on together, and who comes back in the same stay, as planned or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.simulate.catalogue import Catalogue
from suwen.simulate.course import DAY, HOUR, INPATIENT, MINUTE, Course
from suwen.simulate.draws import Bits, below, draw, happens
from suwen.simulate.shapes import NONE, Ints

_TOGETHER, _BACK, _SECOND = 80_000, 17_000, 40_000  # millionths of the visits with an operation; of stays the last two
_SOON = 600_000  # millionths of the unplanned returns that are within two days
_ASKED, _BESIDE, _AGAIN = 0, 1, 2


@dataclass(frozen=True)
class Done:
    """Rows of visit (its row in the course), code, second, entry into theatre (NONE for what is no operation), and whether it is an unplanned return.

    `turn` tells apart the rows of one code in a visit.
    """

    visit: Ints
    code: Ints
    time: Ints
    session: Ints
    unplanned: Ints
    turn: Ints

    def take(self, places: Ints) -> Done:
        """The rows at some places."""
        return Done(self.visit[places], self.code[places], self.time[places], self.session[places], self.unplanned[places], self.turn[places])


def in_theatre(knowledge: Catalogue, course: Course, visit: Ints, code: Ints, time: Ints) -> Done:
    """Procedures asked for, those in theatre with their entries, and what was done there besides."""
    known = knowledge.procedures
    operations = np.flatnonzero(known.operation[code] == 1)
    at = operations[np.unique(visit[operations], return_index=True)[1]]  # the first of each visit: when it begins, all of the entry do
    first = np.full(len(course.visit), NONE)
    first[visit[at]] = time[at]
    session = np.where(known.operation[code] == 1, 1, NONE)
    asked = _rows(visit, code, np.where(session == 1, first[visit], time), session, 0, _ASKED)
    beside = at[happens(_drawn(course, "another operation", visit[at]), _TOGETHER) & (known.together[code[at]] != NONE)]
    together = _rows(visit[beside], known.together[code[beside]], time[beside], 1, 0, _BESIDE)
    return _joined([asked, together, _again(knowledge, course, visit[at], code[at], time[at])])


def _again(knowledge: Catalogue, course: Course, visit: Ints, code: Ints, time: Ints) -> Done:
    """The second entries, of stays that last until then."""
    known, stay = knowledge.procedures, course.kind[visit] == INPATIENT
    back = stay & happens(_drawn(course, "unplanned return", visit), _BACK)
    second = stay & ~back & happens(_drawn(course, "second operation", visit), _SECOND)
    bits = _drawn(course, "time of return", visit)
    soon = happens(_drawn(course, "return within two days", visit), _SOON)
    gap = np.where(soon, 4 * HOUR + below(bits, 43 * HOUR), 49 * HOUR + below(bits, 72 * HOUR))
    returned = time + known.minutes[code] * MINUTE + gap
    morning = (time // DAY + 2 + below(bits, 4)) * DAY + 8 * HOUR + below(bits << np.uint64(16), 7 * HOUR)
    later = np.where(back, returned, morning)
    fits = np.flatnonzero((back | second) & (later < course.until[visit] - 2 * HOUR))
    unplanned = back[fits].astype(np.int64)
    done = np.where(unplanned == 1, known.back[code[fits]], known.second[code[fits]])
    return _rows(visit[fits], done, later[fits], 2, unplanned, _AGAIN)


def _drawn(course: Course, purpose: str, visit: Ints) -> Bits:
    return draw(course.seed, purpose, course.visit[visit])


def _rows(visit: Ints, code: Ints, time: Ints, session: Ints | int, unplanned: Ints | int, turn: int) -> Done:
    spread = (np.broadcast_to(np.asarray(part, dtype=np.int64), visit.shape) for part in (session, unplanned, turn))
    return Done(visit, code, time, *spread)


def _joined(parts: list[Done]) -> Done:
    return Done(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("visit", "code", "time", "session", "unplanned", "turn")))
