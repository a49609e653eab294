"""From episodes to contacts: the first visit, emergency and observation, admission, transfer, readmissions, follow-ups, each naming the contact it came from.

Contacts are candidates: whether they can all have happened is settled in visits.py. Times of day, delays and shares without a column in conditions.csv are
invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suwen.simulate.draws import Bits, Truths, below, chosen, counted, draw, happens, waiting
from suwen.simulate.illness import ADMITTED, BORN, CHECKED, DELIVERY, DYING, NATURAL, Illness
from suwen.simulate.knowledge import Knowledge
from suwen.simulate.places import MOTHER_CHILD, Places
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, VISIT_KINDS, Ints, Rows

OUTPATIENT, EMERGENCY, OBSERVATION, INPATIENT, DAY_CASE, CHECK_UP = range(len(VISIT_KINDS))
DAY, MINUTE = 86_400, 60
_OFFICE = (18, 24, 22, 14, 3, 4, 16, 14, 9, 4)  # arrivals by hour from 8
_CLOCK = (20, 15, 12, 10, 9, 10, 14, 22, 40, 52, 50, 45, 40, 42, 44, 46, 48, 50, 55, 65, 68, 58, 42, 28)  # emergencies by hour
_CHILD = 14 * 365
ROUNDS = 5  # readmissions in a chain
Contacts = Mapping[str, Ints]
COLUMNS = ("episode", "kind", "start", "end", "hospital", "route", "way", "parent", "planned", "dying")


@dataclass(frozen=True)
class Scene:
    """What all contacts of a block are made from. `number`: of each episode in the province; `who`, `condition` and `mode` of each episode."""

    settings: Settings
    knowledge: Knowledge
    places: Places
    person: Rows
    illness: Illness
    number: Ints

    def drawn(self, purpose: str, episode: Ints) -> Bits:
        """Chance for episodes."""
        return draw(self.settings.seed, purpose, self.number[episode])

    def often(self, purpose: str, episode: Ints, thousandths: Ints) -> Truths:
        """Whether a thing happens to episodes, by shares in thousandths."""
        return happens(self.drawn(purpose, episode), thousandths * 1000)

    def care(self, episode: Ints, level: Ints, day: Ints) -> Ints:
        """The class of care for choosing a hospital."""
        conditions, person = self.knowledge.conditions, self.illness.person[episode]
        mothers = self.knowledge.departments.mother_child[conditions.department[self.illness.condition[episode]]]
        child = day - self.person["born"][person] < _CHILD
        return np.maximum(mothers, child) * 3 + level - 1

    def hospital(self, purpose: str, episode: Ints, level: Ints, day: Ints) -> Ints:
        """Where people go: mostly where they always go for this class of care, else anywhere near."""
        person, care = self.illness.person[episode], self.care(episode, level, day)
        moved = (self.person["moved"][person] != NONE) & (day >= self.person["moved"][person])
        area = np.where(moved, self.person["area_after"][person], self.person["area"][person])
        usual = draw(self.settings.seed, "usual hospital", self.person["person"][person], care)
        bits = np.where(self.often("as usual", episode, np.full(len(episode), 780)), usual, self.drawn(purpose, episode))
        return self.places.choose(bits, day, care, area)


def make_contacts(scene: Scene) -> Contacts:
    """All candidates, parents before children."""
    parts = [_first(scene)]
    parts.append(_observed(scene, parts[0]))
    stays = _admissions(scene, parts[0])
    parts.append(stays)
    offset = len(parts[0]["episode"]) + len(parts[1]["episode"])
    transferred = _transfers(scene, stays, offset)
    parts.append(transferred)
    ended = _joined([_after_transfer(stays, transferred, offset), transferred])
    readmitted = _readmissions(scene, ended)
    parts.append(readmitted)
    parts.append(_follow_ups(scene, parts[0], _joined([stays, transferred])))
    parts[2] = _shortened(stays, transferred, offset)
    return _joined(parts)


def _table(**columns: Ints | int) -> Contacts:
    length = len(columns["episode"])  # type: ignore[arg-type]
    given = {"route": NONE, "way": NONE, "parent": NONE, "planned": 0, "dying": 0, **columns}
    return {name: np.broadcast_to(np.asarray(given[name], dtype=np.int64), (length,)) for name in COLUMNS}


def _joined(parts: list[Contacts]) -> Contacts:
    return {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}


def _workday(day: Ints, bits: Bits) -> Ints:
    """Two of three weekend days become one of the three workdays after."""
    weekday = (day + 3) % 7
    return np.where((weekday >= 5) & happens(bits, 660_000), day + 7 - weekday + below(bits << np.uint64(24), 3), day)


def _office(day: Ints, bits: Bits) -> Ints:
    return day * DAY + (8 + chosen(bits, _OFFICE)) * 3600 + below(bits << np.uint64(20), 3600)


def _first(scene: Scene) -> Contacts:
    """The first contact of every episode but births: place in this table = its order among those episodes."""
    illness, conditions = scene.illness, scene.knowledge.conditions
    episode = np.flatnonzero(~np.isin(illness.mode, (DELIVERY, BORN))).astype(np.int64)
    mode, condition, day = illness.mode[episode], illness.condition[episode], illness.day[episode]
    share = np.where(mode == DYING, 750, np.where(np.isin(mode, (NATURAL, ADMITTED)), conditions.emergency[condition], 0))
    emergency = scene.often("emergency", episode, share)
    day = np.where(emergency | (mode != NATURAL), day, day + chosen(scene.drawn("delay", episode), (25, 30, 25, 20)))
    day = np.where(emergency | (mode == DYING), day, _workday(day, scene.drawn("workday", episode)))
    hour = chosen(scene.drawn("hour", episode), _CLOCK)
    start = np.where(emergency, day * DAY + hour * 3600 + below(scene.drawn("second", episode), 3600), _office(day, scene.drawn("arrival", episode)))
    minutes = np.where(emergency, 30 + waiting(scene.drawn("emergency stay", episode), 90), 4 + waiting(scene.drawn("consultation", episode), 12))
    minutes = np.where(mode == CHECKED, 60 + below(scene.drawn("check-up stay", episode), 120), minutes)
    highest = scene.often("straight up", episode, np.full(len(episode), 300))
    level = np.where(highest, conditions.level[condition], np.maximum(1, conditions.level[condition] - 1))
    level = np.where(emergency, np.maximum(level, np.where(highest, 1, 2)), level)
    kind = np.where(mode == CHECKED, CHECK_UP, np.where(emergency, EMERGENCY, OUTPATIENT))
    return _table(episode=episode, kind=kind, start=start, end=start + minutes * MINUTE, hospital=scene.hospital("first", episode, level, day))


def _admitted(scene: Scene, episode: Ints) -> Truths:
    mode = scene.illness.mode[episode]
    asked = np.isin(mode, (ADMITTED, DYING, DELIVERY, BORN))
    found: Truths = asked | ((mode == NATURAL) & scene.often("admitted", episode, scene.knowledge.conditions.admission[scene.illness.condition[episode]]))
    return found


def _observed(scene: Scene, first: Contacts) -> Contacts:
    condition = scene.illness.condition[first["episode"]]
    kept = scene.often("observed", first["episode"], scene.knowledge.conditions.observation[condition])
    at = np.flatnonzero((first["kind"] == EMERGENCY) & kept & ~_admitted(scene, first["episode"])).astype(np.int64)
    start = first["end"][at] + 5 * MINUTE
    end = start + 4 * 3600 + MINUTE * waiting(scene.drawn("observation", first["episode"][at]), 700)
    return _table(episode=first["episode"][at], kind=OBSERVATION, start=start, end=end, hospital=first["hospital"][at], parent=at)


def _admissions(scene: Scene, first: Contacts) -> Contacts:
    illness, conditions = scene.illness, scene.knowledge.conditions
    episode = np.flatnonzero(_admitted(scene, np.arange(len(illness.mode)))).astype(np.int64)
    before = np.full(len(illness.mode), NONE)
    before[first["episode"]] = np.arange(len(first["episode"]))
    parent, mode, condition = before[episode], illness.mode[episode], illness.condition[episode]
    came = np.where(parent == NONE, illness.day[episode] * DAY, first["end"][parent])
    emergency = (parent != NONE) & (first["kind"][parent] == EMERGENCY)
    wait = np.where(mode == DYING, 0, below(scene.drawn("bed wait", episode), np.where(mode == ADMITTED, 4, 7)))
    elective = _office(_workday(came // DAY + wait, scene.drawn("bed workday", episode)), scene.drawn("bed hour", episode))
    clock = came + below(scene.drawn("labour hour", episode), DAY)
    sudden = came + (10 + below(scene.drawn("to the ward", episode), 110)) * MINUTE
    start = np.where(parent == NONE, clock, np.where(emergency, sudden, np.maximum(elective, came + 20 * MINUTE)))
    day = start // DAY
    chosen_hospital = scene.hospital("admission", episode, conditions.level[condition], day)
    there = np.where(parent == NONE, NONE, first["hospital"][parent])
    stays = (there != NONE) & _keeps(scene, there, episode, conditions.level[condition], day)
    hospital = np.where(stays, there, chosen_hospital)
    route = np.where(emergency, 1, np.where(parent == NONE, np.where(mode == BORN, 9, np.where(clock // DAY % 3 == 0, 1, 2)), 2))
    route = np.where((parent != NONE) & ~stays & scene.often("sent on", episode, np.full(len(episode), 500)), 3, route)
    case = scene.often("day case", episode, conditions.day_case[condition]) & ~emergency & (mode != DYING)
    end = _discharge(scene, "stay", episode, start, conditions.stay[condition], case)
    end = np.where(mode == DYING, np.maximum(end, (scene.person["died"][illness.person[episode]] + 1) * DAY - 1), end)
    return _table(
        episode=episode,
        kind=np.where(case, DAY_CASE, INPATIENT),
        start=start,
        end=end,
        hospital=hospital,
        route=route,
        way=_ways(scene, episode),
        parent=parent,
        dying=(mode == DYING).astype(np.int64),
    )


def _keeps(scene: Scene, hospital: Ints, episode: Ints, level: Ints, day: Ints) -> Truths:
    """Whether a hospital can keep the patient itself."""
    hospitals = scene.places.hospitals
    fits = (hospitals.kind[hospital] != MOTHER_CHILD) | (scene.care(episode, level, day) >= 3)
    found: Truths = fits & (hospitals.level[hospital] >= level) & ((hospitals.closed[hospital] == NONE) | (hospitals.closed[hospital] >= day))
    return found


def _discharge(scene: Scene, purpose: str, episode: Ints, start: Ints, mean: Ints, case: Truths) -> Ints:
    """The end of stays: half of the mean and a waiting time of the other half, in the morning; of day cases the same day."""
    days = np.maximum(1, mean // 2 + waiting(scene.drawn(purpose, episode), mean - mean // 2))
    morning = (start // DAY + days) * DAY + 8 * 3600 + below(scene.drawn(f"{purpose} end", episode), 5 * 3600)
    return np.where(case, start + 3 * 3600 + below(scene.drawn(f"{purpose} hours", episode), 5 * 3600), morning)


def _ways(scene: Scene, episode: Ints) -> Ints:
    """CV06.00.226 of those who neither die nor are transferred: by order, to primary care, against advice, other."""
    return np.array((1, 3, 4, 9))[chosen(scene.drawn("way", episode), (905, 30, 55, 10))]


def _transfers(scene: Scene, stays: Contacts, offset: int) -> Contacts:
    """Stays moved to a hospital of the third level after a day or more."""
    conditions, hospitals = scene.knowledge.conditions, scene.places.hospitals
    condition = scene.illness.condition[stays["episode"]]
    small = (hospitals.level[stays["hospital"]] < 3) & (stays["kind"] == INPATIENT) & (stays["dying"] == 0)
    at = np.flatnonzero(small & scene.often("transfer", stays["episode"], conditions.transfer[condition])).astype(np.int64)
    episode = stays["episode"][at]
    left = (stays["start"][at] // DAY + 1 + below(scene.drawn("moved on", episode), 3)) * DAY + (9 + below(scene.drawn("moved hour", episode), 9)) * 3600
    start = left + (40 + below(scene.drawn("on the road", episode), 100)) * MINUTE
    hospital = scene.hospital("transfer", episode, np.full(len(at), 3), start // DAY)
    other = hospital != stays["hospital"][at]
    at, episode, start, hospital = at[other], episode[other], start[other], hospital[other]
    end = _discharge(scene, "second stay", episode, start, conditions.stay[condition[at]], np.zeros(len(at), dtype=bool))
    return _table(episode=episode, kind=INPATIENT, start=start, end=end, hospital=hospital, route=3, way=_ways(scene, episode), parent=offset + at)


def _shortened(stays: Contacts, transferred: Contacts, offset: int) -> Contacts:
    """The stays that were moved on end before the stay elsewhere begins."""
    at = transferred["parent"] - offset
    end, way = stays["end"].copy(), stays["way"].copy()
    end[at], way[at] = transferred["start"] - 40 * MINUTE, 2
    return {**stays, "end": end, "way": way}


def _after_transfer(stays: Contacts, transferred: Contacts, offset: int) -> Contacts:
    kept = np.ones(len(stays["episode"]), dtype=bool)
    kept[transferred["parent"] - offset] = False
    return {name: column[kept] for name, column in stays.items()}


def _readmissions(scene: Scene, ended: Contacts) -> Contacts:
    """Stays within 31 days of a discharge for the same condition: planned courses of treatment go on for some rounds, others happen once."""
    conditions, parts = scene.knowledge.conditions, []
    at = np.flatnonzero((ended["dying"] == 0) & (scene.illness.mode[ended["episode"]] != DYING)).astype(np.int64)
    episode, end, hospital = ended["episode"][at], ended["end"][at], ended["hospital"][at]
    condition = scene.illness.condition[episode]
    share = conditions.readmission[condition]
    planned = scene.often("planned", episode, conditions.planned[condition])
    for turn in range(ROUNDS):
        again = scene.often(f"again {turn}", episode, share if turn == 0 else np.where(planned, 820, 30))
        episode, end, hospital = episode[again], end[again], hospital[again]
        condition, planned, share = condition[again], planned[again], share[again]
        gap = np.where(planned, 14 + below(scene.drawn(f"gap {turn}", episode), 10), 2 + below(scene.drawn(f"gap {turn}", episode), 28))
        start = _office(end // DAY + gap, scene.drawn(f"again hour {turn}", episode))
        mean = np.where(planned, 4, conditions.stay[condition])
        case = planned & scene.often(f"again case {turn}", episode, conditions.day_case[condition])
        end = _discharge(scene, f"again stay {turn}", episode, start, mean, case)
        route = np.where(planned | scene.often(f"again route {turn}", episode, np.full(len(episode), 450)), 2, 1)
        kind = np.where(case, DAY_CASE, INPATIENT)
        columns = {"kind": kind, "start": start, "end": end, "hospital": hospital, "route": route, "way": _ways(scene, episode)}
        parts.append(_table(episode=episode, planned=planned.astype(np.int64), **columns))
    return _joined(parts)


def _follow_ups(scene: Scene, first: Contacts, stays: Contacts) -> Contacts:
    """Visits after the first or after the stay, the first of them sometimes on referral to a larger hospital."""
    conditions, illness = scene.knowledge.conditions, scene.illness
    count = np.zeros(len(illness.mode), dtype=np.int64)
    base, hospital, parent = (np.full(len(count), NONE) for _ in range(3))
    base[first["episode"]], hospital[first["episode"]] = first["start"], first["hospital"]
    parent[first["episode"]] = np.arange(len(first["episode"]))
    base[stays["episode"]], hospital[stays["episode"]] = stays["end"], stays["hospital"]
    who = np.flatnonzero(np.isin(illness.mode, (NATURAL, DELIVERY)) & ~np.isin(conditions.kind[illness.condition], (3, 4))).astype(np.int64)
    count[who] = counted(scene.drawn("follow-ups", who), conditions.follow_ups[illness.condition[who]] * 10_000)
    episode = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(episode)) - np.repeat(np.cumsum(count) - count, count)
    interval = conditions.interval[illness.condition[episode]]
    jitter = 700 + below(draw(scene.settings.seed, "interval", scene.number[episode], nth), 600)
    day = base[episode] // DAY + 1 + (nth + 1) * interval * jitter // 1000
    day = _workday(day, draw(scene.settings.seed, "follow-up workday", scene.number[episode], nth))
    start = _office(day, draw(scene.settings.seed, "follow-up hour", scene.number[episode], nth))
    end = start + (4 + waiting(draw(scene.settings.seed, "follow-up stay", scene.number[episode], nth), 10)) * MINUTE
    closed = scene.places.hospitals.closed[hospital[episode]]
    level = np.minimum(3, conditions.level[illness.condition[episode]] + 1)
    referred = (nth == 0) & (parent[episode] != NONE) & scene.often("referred", episode, np.full(len(episode), 80))
    elsewhere = referred | ((closed != NONE) & (day > closed))
    where = np.where(elsewhere, scene.hospital("referral", episode, level, day), hospital[episode])
    led = np.where(referred & (where != hospital[episode]), parent[episode], NONE)
    return _table(episode=episode, kind=OUTPATIENT, start=start, end=end, hospital=where, parent=led)
