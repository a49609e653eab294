"""From contacts to visits: what cannot have happened is left out (overlaps, after death, at closed hospitals), the rest is numbered and told of diagnoses."""

from __future__ import annotations

import numpy as np

from suwen.base.errors import Defect
from suwen.simulate.contacts import CHECK_UP, DAY, DAY_CASE, EMERGENCY, INPATIENT, MINUTE, OBSERVATION, OUTPATIENT, Contacts, Scene
from suwen.simulate.draws import Truths, below, chosen, draw, happens
from suwen.simulate.illness import DYING
from suwen.simulate.knowledge import Knowledge
from suwen.simulate.places import DOCTORS, MOST_DOCTORS
from suwen.simulate.shapes import NONE, Ints, Rows, rows_of

NUMBERS = 1 << 22  # visits, episodes and cards that a block may have
_MEDICAL = ("GENP", "RESP", "GAST", "NEUR", "CARD", "HAEM", "NEPH", "ENDO", "RHEU", "INFE", "FEVR", "DERM", "OTOR")
_MOST_ACCOMPANYING = 5


def settle(scene: Scene, contacts: Contacts) -> tuple[Contacts, Ints]:
    """The contacts that can all have happened, by person and start, with `parent` as a place among them; and for each whether the person dies in it (1)."""
    who = scene.illness.person[contacts["episode"]]
    contacts = _at_death(scene, contacts, who)
    kept = _possible(scene, contacts, who)
    order = np.flatnonzero(kept)
    order = order[np.lexsort((contacts["kind"][order], contacts["start"][order], who[order]))]
    order = _without_overlaps(contacts, who, order)
    order = _once_dead(contacts, who, order)
    place = np.full(len(who), NONE)
    place[order] = np.arange(len(order))
    found = {name: column[order] for name, column in contacts.items()}
    parent = np.where(found["parent"] == NONE, NONE, place[found["parent"]])
    lost = (found["route"] == 3) & (parent == NONE)
    found["route"] = np.where(lost, 2, found["route"])
    found["parent"] = parent
    return found, found["dying"]


def _at_death(scene: Scene, contacts: Contacts, who: Ints) -> Contacts:
    """Stays that reach the day of death end in it; `dying` says which do. A stay that begins that day begins early enough to end in it."""
    died = scene.person["died"][who]
    stay = np.isin(contacts["kind"], (INPATIENT, DAY_CASE))
    last = (died != NONE) & stay & (contacts["start"] // DAY <= died) & (contacts["end"] // DAY >= died)
    start = np.where(last, np.minimum(contacts["start"], died * DAY + 79_200), contacts["start"])
    room = np.maximum(died * DAY + DAY - 1 - start, 1)
    earliest = np.maximum(start + 1800, died * DAY)
    end = earliest + below(scene.drawn("hour of death", contacts["episode"]), np.maximum(np.minimum(died * DAY + DAY - 1 - earliest, room), 1))
    way = np.where(last, 5, contacts["way"])
    kind = np.where(last, INPATIENT, contacts["kind"])
    return {**contacts, "start": start, "end": np.where(last, end, contacts["end"]), "way": way, "kind": kind, "dying": last.astype(np.int64)}


def _possible(scene: Scene, contacts: Contacts, who: Ints) -> Truths:
    settings, person, hospitals = scene.settings, scene.person, scene.places.hospitals
    day, died = contacts["start"] // DAY, person["died"][who]
    inside = (day >= settings.first) & (day <= settings.last) & (day >= person["born"][who])
    stay = np.isin(contacts["kind"], (INPATIENT, DAY_CASE))
    last_illness = (contacts["kind"] == EMERGENCY) & (day == died) & (scene.illness.mode[contacts["episode"]] == DYING)
    alive = (died == NONE) | (contacts["end"] // DAY < died) | (contacts["dying"] == 1) | last_illness
    closed = hospitals.closed[contacts["hospital"]]
    works = (closed == NONE) | (np.where(stay, contacts["end"] // DAY, day) <= closed)
    found: Truths = inside & alive & works
    return found


def _once_dead(contacts: Contacts, who: Ints, order: Ints) -> Ints:
    """The order without the stays of the day of death that would begin after the person died in one."""
    dying = np.flatnonzero(contacts["dying"][order] == 1)
    _, first = np.unique(who[order[dying]], return_index=True)
    return np.delete(order, np.delete(dying, first))


def _without_overlaps(contacts: Contacts, who: Ints, order: Ints) -> Ints:
    """Contacts, ordered by person and start, without those that begin while the person is in a stay or under observation elsewhere; first come, first kept."""
    beds = np.isin(contacts["kind"], (OBSERVATION, INPATIENT, DAY_CASE))
    in_bed = order[beds[order]]
    in_bed = in_bed[~_covered(contacts, who, in_bed, in_bed, own=True)]
    kept = np.zeros(len(who), dtype=bool)
    kept[in_bed] = True
    others = order[~beds[order]]
    kept[others[~_covered(contacts, who, others, in_bed, own=False)]] = True
    return order[kept[order]]


def _covered(contacts: Contacts, who: Ints, asked: Ints, beds: Ints, own: bool) -> Truths:
    """Whether a bed of the same person, begun before (or, for others than itself, at) the start of the asked, ends after it."""
    if not len(beds):
        return np.zeros(len(asked), dtype=bool)
    span = np.int64(1) << 36
    until = np.maximum.accumulate(who[beds] * span + contacts["end"][beds])
    starts = who[beds] * span + contacts["start"][beds]
    asked_at = who[asked] * span + contacts["start"][asked]
    before = np.arange(len(asked)) if own else np.searchsorted(starts, asked_at, side="right")
    inside = np.where(before > 0, until[np.maximum(before - 1, 0)], -1) > asked_at
    if own:
        return inside
    after = np.searchsorted(starts, asked_at, side="left")
    ends_in = (after < len(beds)) & (starts[np.minimum(after, len(beds) - 1)] < who[asked] * span + contacts["end"][asked])
    return inside | ends_in


def visit_rows(scene: Scene, contacts: Contacts, first: int) -> Rows:
    """The VISIT rows of settled contacts; `first`: number of the first visit and of the first episode of the block. `local` is still NONE."""
    count = len(contacts["episode"])
    if count >= NUMBERS or len(scene.illness.mode) >= NUMBERS:
        raise Defect(f"a block with {count} visits; at most {NUMBERS - 1} can be numbered")
    episode, kind = contacts["episode"], contacts["kind"]
    who, condition = scene.illness.person[episode], scene.illness.condition[episode]
    visit = first + np.arange(count, dtype=np.int64)
    level = scene.places.hospitals.level[contacts["hospital"]]
    wanted = _wanted_department(scene, contacts, who, condition)
    department = _department_at(scene.knowledge)[level, wanted]
    intensive = (kind == INPATIENT) & (level >= 2) & happens(draw(scene.settings.seed, "intensive care", visit), 25_000)
    at_first = np.where(intensive, scene.knowledge.departments.place("ICU"), department)
    open_ = contacts["end"] >= (scene.settings.last + 1) * DAY
    stay = np.isin(kind, (INPATIENT, DAY_CASE))
    again = _readmissions(contacts, who, condition, visit, stay)
    planned = np.zeros(count, dtype=np.int64)
    planned[again[again != NONE] - first] = contacts["planned"][again != NONE]
    return rows_of(
        "visit",
        visit=visit,
        person=scene.person["person"][who],
        hospital=contacts["hospital"],
        local=NONE,
        kind=kind,
        start=contacts["start"],
        end=np.where(open_, NONE, contacts["end"]),
        department=at_first,
        department_out=np.where(open_, at_first, department),
        ward=1 + below(draw(scene.settings.seed, "ward", visit), scene.knowledge.departments.wards[at_first]),
        route=np.where(stay, contacts["route"], NONE),
        way=np.where(stay & ~open_, contacts["way"], NONE),
        doctor=department * MOST_DOCTORS + below(draw(scene.settings.seed, "doctor", visit), np.array(DOCTORS)[level]),
        payer=np.where(happens(draw(scene.settings.seed, "pays alone", visit), 25_000), 7, scene.person["payer"][who]),
        from_visit=np.where(contacts["parent"] == NONE, NONE, visit[contacts["parent"]]),
        readmission=again,
        planned=planned,
        episode=first + scene.illness.root[episode],
        admission_number=_admission_numbers(scene, contacts["hospital"], who, stay),
    )


def _department_at(knowledge: Knowledge) -> Ints:
    """By level of hospital and department wanted, the one there is."""
    departments = knowledge.departments
    found = np.tile(np.arange(len(departments.codes)), (4, 1))
    for level in range(4):
        for _ in range(3):
            found[level] = np.where(departments.level[found[level]] > max(level, 1), departments.instead[found[level]], found[level])
    return found


def _wanted_department(scene: Scene, contacts: Contacts, who: Ints, condition: Ints) -> Ints:
    departments = scene.knowledge.departments
    wanted = scene.knowledge.conditions.department[condition]
    child = contacts["start"] // DAY - scene.person["born"][who] < 14 * 365
    medical = np.isin(wanted, [departments.place(code) for code in _MEDICAL])
    wanted = np.where(child & medical, departments.place("PEDI"), wanted)
    urgent = np.isin(contacts["kind"], (EMERGENCY, OBSERVATION))
    wanted = np.where(urgent, departments.place("EMER"), wanted)
    return np.where(contacts["kind"] == CHECK_UP, departments.place("CHEK"), wanted)


def _readmissions(contacts: Contacts, who: Ints, condition: Ints, visit: Ints, stay: Truths) -> Ints:
    """For stays, the person's stay before for the same condition, ended at most 31 days earlier; not where the patient was moved from it."""
    at = np.flatnonzero(stay)
    found = np.full(len(visit), NONE)
    if len(at) > 1:
        before, now = at[:-1], at[1:]
        same = (who[before] == who[now]) & (condition[before] == condition[now]) & (contacts["parent"][now] != before)
        soon = contacts["start"][now] // DAY - contacts["end"][before] // DAY <= 31
        found[now] = np.where(same & soon, visit[before], NONE)
    return found


def _admission_numbers(scene: Scene, hospital: Ints, who: Ints, stay: Truths) -> Ints:
    """How often admitted here, stays before the simulated years counted."""
    at = np.flatnonzero(stay)
    key = who[at] * len(scene.places.hospitals) + hospital[at]
    order = np.argsort(key, kind="stable")
    first = np.r_[True, key[order][1:] != key[order][:-1]] if len(at) else np.zeros(0, dtype=bool)
    begun = np.maximum.accumulate(np.where(first, np.arange(len(at)), 0)) if len(at) else np.zeros(0, dtype=np.int64)
    rank = np.zeros(len(at), dtype=np.int64)
    rank[order] = np.arange(len(at)) - begun
    found = np.full(len(who), NONE)
    earlier = chosen(draw(scene.settings.seed, "admitted before", scene.person["person"][who[at]], hospital[at]), (70, 18, 8, 4))
    old = scene.person["born"][who[at]] < scene.settings.first - 5 * 365
    found[at] = 1 + rank + np.where(old, earlier, 0)
    return found


def with_patients(scene: Scene, visit: Rows, block: int, capacity: int) -> tuple[Rows, Rows]:
    """The PATIENT rows of a block, and the visits with their local numbers. `capacity`: persons of a block."""
    seed, key = scene.settings.seed, visit["hospital"] * (1 << 32) + visit["person"]
    pairs, at, of = np.unique(key, return_index=True, return_inverse=True)
    hospital, person = pairs >> 32, pairs & ((1 << 32) - 1)
    doubled = happens(draw(seed, "twin", hospital, person), 8_000)
    second = doubled[of] & (np.arange(len(key)) != at[of]) & happens(draw(seed, "booked as twin", visit["visit"]), 500_000)
    has_twin = np.zeros(len(pairs), dtype=bool)
    has_twin[of[second]] = True
    begun = np.searchsorted(hospital, hospital)
    rank = np.arange(len(pairs)) - begun
    twins = np.cumsum(has_twin) - np.r_[0, np.cumsum(has_twin)][begun] - 1
    local = 1 + block * 2 * capacity + rank
    twin = np.where(has_twin, 1 + block * 2 * capacity + capacity + twins, NONE)
    known = happens(draw(seed, "known before", hospital, person), 350_000)
    born = scene.person["born"][person - scene.person["person"][0]]
    first_seen = visit["start"][at] - below(draw(seed, "queue", hospital, person), 40) * MINUTE - 60
    earlier = (np.maximum(scene.settings.first - 1 - below(draw(seed, "since", hospital, person), 3000), born + 1)) * DAY + 9 * 3600
    registered = np.where(known & (earlier < first_seen), earlier, first_seen)
    infant = visit["start"][at] // DAY - born < 200
    absent = happens(draw(seed, "no id", hospital, person), np.where(infant, 550_000, 25_000))
    mistyped = happens(draw(seed, "mistyped", hospital, person), 6_000)
    patients = rows_of(
        "patient",
        hospital=hospital,
        person=person,
        local=local,
        registered=registered,
        resident_id=np.where(absent, 1, np.where(mistyped, 2, 0)),
        twin=twin,
    )
    booked = np.where(second, twin[of], local[of])
    return patients, Rows("visit", {**visit.columns, "local": booked})


def diagnosis_rows(scene: Scene, contacts: Contacts, visit: Rows) -> Rows:
    """Principal diagnosis, what comes with it, and what the person lives with; a condition once a visit."""
    seed, conditions, illness = scene.settings.seed, scene.knowledge.conditions, scene.illness
    who, condition, kind = illness.person[contacts["episode"]], illness.condition[contacts["episode"]], contacts["kind"]
    sex = scene.person["sex"][who]
    companions, shares = _companions(scene.knowledge)
    parts = [(np.arange(len(who)), condition, np.full(len(who), NONE))]
    share = np.array((300, 230, 300, 780, 550, 60))[kind]
    for slot in range(illness.slots.shape[1]):
        other = illness.slots[who, slot]
        has = (other != NONE) & (other != condition) & (illness.onset[who, slot] <= contacts["start"] // DAY)
        at = np.flatnonzero(has)
        at = at[happens(draw(seed, f"also {slot}", visit["visit"][at]), share[at] * 1000)]
        parts.append((at, other[at], illness.stage[who[at], slot]))
    possible = conditions.incidence.sum(axis=1) > 0
    for turn in range(companions.shape[1]):
        other = companions[condition, turn]
        fits = (other != NONE) & np.isin(kind, (EMERGENCY, OBSERVATION, INPATIENT, DAY_CASE, OUTPATIENT)) & possible[sex - 1, other]
        fits &= ~(illness.slots[who] == other[:, None]).any(axis=1)
        at = np.flatnonzero(fits)
        weight = shares[condition[at], turn] * np.where(np.isin(kind[at], (INPATIENT, DAY_CASE)), 1000, 500)
        at = at[happens(draw(seed, f"with {turn}", visit["visit"][at]), weight)]
        parts.append((at, other[at], np.full(len(at), NONE)))
    return _ranked(scene, contacts, visit, parts)


def _companions(knowledge: Knowledge) -> tuple[Ints, Ints]:
    found = knowledge.conditions.accompanying
    companions, shares = np.full((len(found), _MOST_ACCOMPANYING), NONE), np.zeros((len(found), _MOST_ACCOMPANYING), dtype=np.int64)
    for place, pairs in enumerate(found):
        for turn, (other, share) in enumerate(pairs[:_MOST_ACCOMPANYING]):
            companions[place, turn], shares[place, turn] = other, share
    return companions, shares


def _ranked(scene: Scene, contacts: Contacts, visit: Rows, parts: list[tuple[Ints, Ints, Ints]]) -> Rows:
    at, condition, stage = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(at, kind="stable")
    at, condition, stage = at[order], condition[order], stage[order]
    rank = np.arange(len(at)) - np.searchsorted(at, at)
    who = scene.illness.person[contacts["episode"][at]]
    own = (scene.illness.slots[who] == condition[:, None]) & (rank == 0)[:, None]
    stage = np.where(own.any(axis=1), scene.illness.stage[who, own.argmax(axis=1)], stage)
    bits = draw(scene.settings.seed, "on admission", visit["visit"][at], rank)
    principal, others = 1 + chosen(bits, (970, 30)), 1 + chosen(bits, (850, 50, 40, 60))
    stay = np.isin(visit["kind"][at], (INPATIENT, DAY_CASE))
    minutes = 3 + below(draw(scene.settings.seed, "diagnosis time", visit["visit"][at]), np.where(stay, 600, 3))
    time = np.minimum(visit["start"][at] + minutes * MINUTE, np.where(visit["end"][at] == NONE, (scene.settings.last + 1) * DAY - 1, visit["end"][at]))
    return rows_of(
        "diagnosis",
        visit=visit["visit"][at],
        rank=rank,
        condition=condition,
        stage=stage,
        on_admission=np.where(stay, np.where(rank == 0, principal, others), NONE),
        time=time,
    )
