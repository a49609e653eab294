"""What befalls the people of a block: episodes of illness, drawn from incidence by age, sex, season and year; and the chronic conditions people live with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from suwen.simulate.draws import Bits, Truths, below, chosen, counted, draw, happens, waiting
from suwen.simulate.knowledge import BANDS, OLDEST, Knowledge
from suwen.simulate.outbreaks import Outbreaks, outbreak_cases
from suwen.simulate.places import Places
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, Ints, Rows

# How an episode is cared for.
NATURAL, ADMITTED, VISITED, DYING, CHECKED, DELIVERY, BORN = range(7)
SLOTS = 8  # chronic conditions of a person that are kept
_WHOLE, _STEPS = 1_000_000_000, 4096
_IN_HOSPITAL = 150_000  # millionths of deaths; invented (most people in China die at home)


@dataclass(frozen=True)
class Illness:
    """Episodes of a block: place of the person, condition, day, way of care, outbreak (NONE), place of the episode they go on with (itself mostly).

    `slots`: chronic conditions by person (SLOTS columns, NONE where none), `onset` their days, `stage` that of cancers.
    """

    person: Ints
    condition: Ints
    day: Ints
    mode: Ints
    outbreak: Ints
    root: Ints
    slots: Ints
    onset: Ints
    stage: Ints

    def known(self, day: int) -> Ints:
        """1 for the episodes of a lasting condition that the person had before a day."""
        same = (self.slots[self.person] == self.condition[:, None]) & (self.onset[self.person] < day)
        return same.any(axis=1).astype(np.int64)


def befall(settings: Settings, knowledge: Knowledge, places: Places, outbreaks: Outbreaks, person: Rows) -> Illness:
    """All episodes of the people of a block in the simulated years, by person and day."""
    slots, onset, stage = _chronic(settings, knowledge, person)
    parts = [
        _acute(settings, knowledge, person),
        _lasting(settings, knowledge, person, slots, onset),
        _births(settings, knowledge, person),
        _dying(settings, knowledge, person, slots, onset),
    ]
    cases = outbreak_cases(settings, places, outbreaks, person)
    parts.append(_episodes(cases["person"], cases["condition"], cases["day"], NATURAL, cases["outbreak"]))
    table = np.concatenate(parts, axis=1)
    who, day = table[0], table[2]
    died = person["died"][who]
    kept = (day >= settings.first) & (day <= settings.last) & (day >= person["born"][who]) & ((died == NONE) | (day <= died))
    table = table[:, kept]
    table = table[:, np.lexsort((table[1], table[2], table[0]))]
    return Illness(table[0], table[1], table[2], table[3], table[4], _roots(knowledge, table), slots, onset, stage)


def _roots(knowledge: Knowledge, table: Ints) -> Ints:
    """Visits for one lasting condition are one episode: the first of the person's with it."""
    number = np.arange(table.shape[1], dtype=np.int64)
    lasting = np.isin(table[1], knowledge.conditions.of("chronic", "cancer"))
    key = np.where(lasting, table[0] * len(knowledge.conditions.codes) + table[1], -1 - number)
    _, first, at = np.unique(key, return_index=True, return_inverse=True)
    return first[at].astype(np.int64)


def _episodes(person: Ints, condition: Ints, day: Ints, mode: int | Ints, outbreak: int | Ints = NONE) -> Ints:
    return np.stack([np.broadcast_to(np.asarray(column, dtype=np.int64), person.shape) for column in (person, condition, day, mode, outbreak)])


def _frailty(settings: Settings, person: Rows) -> Ints:
    """How readily a person falls ill and goes to hospital, in thousandths, 1000 on average."""
    return 400 + waiting(draw(settings.seed, "frailty", person["person"]), 600)


def _acute(settings: Settings, knowledge: Knowledge, person: Rows) -> Ints:
    """Episodes year by year: how many by the sum of all incidences of sex and age, which by their shares, when by the season of each."""
    conditions, seed = knowledge.conditions, settings.seed
    own = conditions.of("acute", "infectious", "injury", "checkup", "newborn")
    frailty, parts = _frailty(settings, person), []
    for year in range(settings.years):
        start = settings.first + settings.days * year // settings.years
        length = settings.first + settings.days * (year + 1) // settings.years - start
        rates = conditions.incidence[:, :, own] * _years_wave(settings, knowledge, own, start)[None, None, :] // 1000
        rates = np.where(conditions.kind[own] == 6, 0, rates)
        group = (
            (person["sex"] - 1) * len(BANDS) + np.searchsorted(np.array(BANDS), np.maximum((start + length // 2 - person["born"]) // 365, 0), side="right") - 1
        )
        flat = rates.reshape(2 * len(BANDS), -1)
        count = counted(draw(seed, "how often ill", person["person"], year), np.minimum(flat.sum(axis=1)[group] * frailty // 100, 6_000_000), most=14)
        who = np.repeat(np.arange(len(person)), count)
        nth = np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count)
        which = _weighted(draw(seed, "which illness", person["person"][who], year, nth), flat, group[who])
        condition = own[which]
        day = _day_of_year(settings, knowledge, condition, start, length, draw(seed, "when ill", person["person"][who], year, nth))
        kept = _by_area(settings, knowledge, condition, person["area"][who], year, draw(seed, "ill here", person["person"][who], year, nth))
        mode = np.where(conditions.kind[condition] == 7, CHECKED, NATURAL)
        parts.append(_episodes(who, condition, day, mode)[:, kept])
    return np.concatenate(parts, axis=1)


def _weighted(bits: Bits, weights: Ints, row: Ints) -> Ints:
    """A place in the row of weights of each; rows are laid end to end on one line, so that one search finds all."""
    total = np.maximum(weights.sum(axis=1), 1)
    ends = np.cumsum(weights, axis=1) * ((1 << 31) - 1) // total[:, None]
    line = (ends + (np.arange(len(weights))[:, None] << 31)).ravel()
    found: Ints = np.searchsorted(line, below(bits, (1 << 31) - 1) + (row << 31), side="right").astype(np.int64)
    return np.asarray(found - row * weights.shape[1], dtype=np.int64)


def _years_wave(settings: Settings, knowledge: Knowledge, own: Ints, start: int) -> Ints:
    """How high a condition stands in a year, in thousandths, within its `wave` above or below 1000."""
    wave = knowledge.conditions.wave[own]
    return 1000 - wave + below(draw(settings.seed, "wave", own, start), 2 * wave + 1)


def _by_area(settings: Settings, knowledge: Knowledge, condition: Ints, area: Ints, year: int, bits: Bits) -> Truths:
    """Infectious conditions are rarer in some districts and years: between 65 and 100 %."""
    infectious = knowledge.conditions.kind[condition] == 1
    share = 650_000 + 1000 * below(draw(settings.seed, "by area", condition, area, year), 351)
    kept: Truths = ~infectious | happens(bits, share)
    return kept


def _day_of_year(settings: Settings, knowledge: Knowledge, condition: Ints, start: int, length: int, bits: Bits) -> Ints:
    months = ((np.arange(start, start + length)).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)) % 12
    weights = knowledge.seasons[:, months]
    return start + _weighted(bits, weights, knowledge.conditions.season[condition])


@lru_cache(maxsize=4)
def _onset_table(columns: tuple[tuple[int, ...], ...]) -> Ints:
    """By steps of chance, the age in days at which a hazard by band (per 100,000 a year) strikes; NONE where it does not before OLDEST."""
    spans = np.diff(np.array([*BANDS, OLDEST])) * 365
    tables = []
    for rates in columns:
        alive, cumulative = _WHOLE, [0]
        for rate, span in zip(rates, spans.tolist(), strict=True):
            for _ in range(16):
                alive -= alive * (rate * span // 16) // 36_500_000
                cumulative.append(_WHOLE - alive)
        edges = np.concatenate([[0], np.cumsum(np.repeat(spans, 16)) // 16])
        at = (2 * np.arange(_STEPS) + 1) * _WHOLE // (2 * _STEPS)
        place = np.searchsorted(np.array(cumulative), at, side="left")
        tables.append(np.where(place < len(cumulative), edges[np.minimum(place, len(edges) - 1)], NONE))
    return np.array(tables, dtype=np.int64)


def _chronic(settings: Settings, knowledge: Knowledge, person: Rows) -> tuple[Ints, Ints, Ints]:
    """Lasting conditions a person has or gets, the first SLOTS of them: condition, day of onset, stage of cancers."""
    conditions, seed = knowledge.conditions, settings.seed
    own = conditions.of("chronic", "cancer")
    count = len(person)
    slots, onset, stage = (np.full((count, SLOTS), NONE) for _ in range(3))
    used = np.zeros(count, dtype=np.int64)
    columns = tuple(tuple(conditions.incidence[sex, :, one].tolist()) for sex in (0, 1) for one in own.tolist())
    table = _onset_table(columns)
    frail = _frailty(settings, person)
    for number, one in enumerate(own.tolist()):
        bits = draw(seed, "chronic", person["person"], one)
        step = below(bits, _STEPS) * np.clip(2500 - frail, 700, 1400) // 1100
        age = table[(person["sex"] - 1) * len(own) + number, np.minimum(step, _STEPS - 1)]
        day = person["born"] + age + below(bits << np.uint64(32), 300)
        has = np.flatnonzero((age != NONE) & (day <= settings.last) & (used < SLOTS) & ((person["died"] == NONE) | (day < person["died"])))
        if int(conditions.kind[one]) == 4:
            has = has[(day[has] > settings.first - 5 * 365)]  # who had it earlier is cured or dead
            stage[has, used[has]] = 1 + chosen(draw(seed, "stage", person["person"][has], one), conditions.stages[one] or (1, 1, 1, 1))
        slots[has, used[has]], onset[has, used[has]] = one, day[has]
        used[has] += 1
    return slots, onset, stage


def _lasting(settings: Settings, knowledge: Knowledge, person: Rows, slots: Ints, onset: Ints) -> Ints:
    """Visits and stays for lasting conditions: an onset in the simulated years is seen first, then come visits at intervals, and some stays."""
    conditions, seed = knowledge.conditions, settings.seed
    who, slot = np.nonzero(slots != NONE)
    condition, begun = slots[who, slot], onset[who, slot]
    number = person["person"][who]
    start = np.maximum(begun, settings.first)
    end = np.where(person["died"][who] == NONE, settings.last, person["died"][who])
    days = np.maximum(end - start + 1, 0)
    fresh = begun >= settings.first
    cancer = conditions.kind[condition] == 4
    several = (slots != NONE).sum(axis=1)[who]
    willing = np.where(happens(draw(seed, "treated", number, condition), 620_000), _frailty(settings, person)[who], 0)
    mean = conditions.follow_ups[condition] * 10_000 * days // 365 * willing // 1000 * 10 // (4 + 6 * several)
    visits = (mean + below(draw(seed, "regular visits", number, condition), 1_000_000)) // 1_000_000
    at = np.repeat(np.arange(len(who)), visits)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(visits) - visits, visits)
    spread = below(draw(seed, "regular day", number[at], condition[at], nth), np.maximum(days[at] // np.maximum(visits[at], 1), 1))
    regular = _episodes(who[at], condition[at], start[at] + nth * days[at] // np.maximum(visits[at], 1) + spread, VISITED)
    first = np.flatnonzero(fresh & ((willing > 0) | cancer)).astype(np.int64)
    seen = _episodes(who[first], condition[first], begun[first], np.where(cancer[first], NATURAL, VISITED))
    yearly = np.where(cancer & ~fresh, conditions.admission[condition] // 8, np.where(cancer, 0, conditions.admission[condition]))
    stays = counted(draw(seed, "chronic stays", number, condition), yearly * 1000 * days // 365 * _frailty(settings, person)[who] // 1000)
    at = np.repeat(np.arange(len(who)), stays)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(stays) - stays, stays)
    day = start[at] + below(draw(seed, "chronic stay day", number[at], condition[at], nth), np.maximum(days[at], 1))
    return np.concatenate([regular, seen, _episodes(who[at], condition[at], day, ADMITTED)], axis=1)


def _births(settings: Settings, knowledge: Knowledge, person: Rows) -> Ints:
    """Care before birth, deliveries (with complications), and newborns who are ill."""
    codes, seed = knowledge.conditions.codes, settings.seed
    child = np.flatnonzero((person["mother"] != NONE) & (person["born"] >= settings.first)).astype(np.int64)
    mother, born, number = person["mother"][child] - person["person"][0], person["born"][child], person["person"][child]
    ways = [(code, share) for code, share in (("O80", 500), ("O82", 400), ("O42", 60), ("O14", 40)) if code in codes]
    way = np.array([codes.index(code) for code, _ in ways])[chosen(draw(seed, "delivery", number), [share for _, share in ways])]
    parts = [_episodes(mother, way, born, DELIVERY)]
    if "Z34" in codes:
        for nth, before in enumerate((200, 160, 125, 95, 65, 40, 25, 12)):
            comes = happens(draw(seed, "antenatal", number, nth), 720_000)
            day = born - before + below(draw(seed, "antenatal day", number, nth), 12)
            parts.append(_episodes(mother, np.full(len(child), codes.index("Z34")), day, VISITED)[:, comes])
    for one in knowledge.conditions.of("newborn").tolist():
        rate = knowledge.conditions.incidence[0, 0, one]
        ill = happens(draw(seed, "newborn", number, one), rate * 10)
        day = born + below(draw(seed, "newborn day", number, one), 6)
        parts.append(_episodes(child, np.full(len(child), one), day, BORN)[:, ill])
    return np.concatenate(parts, axis=1)


def _dying(settings: Settings, knowledge: Knowledge, person: Rows, slots: Ints, onset: Ints) -> Ints:
    """The last illness of who dies in hospital: of their cancer, else of what kills most in stays of their age and sex."""
    conditions, seed = knowledge.conditions, settings.seed
    dead = np.flatnonzero((person["died"] != NONE) & happens(draw(seed, "dies in hospital", person["person"]), _IN_HOSPITAL)).astype(np.int64)
    number, died = person["person"][dead], person["died"][dead]
    band = np.searchsorted(np.array(BANDS), np.maximum((died - person["born"][dead]) // 365, 0), side="right") - 1
    deadly = conditions.incidence * (conditions.admission * conditions.fatality)[None, None, :]
    deadly = np.where(np.isin(conditions.kind, [4, 5, 7])[None, None, :], 0, deadly) // 1000 + (conditions.fatality > 50)[None, None, :]
    cause = _weighted(draw(seed, "cause of death", number), deadly.reshape(2 * len(BANDS), -1), (person["sex"][dead] - 1) * len(BANDS) + band)
    cancer = np.where((slots[dead] != NONE) & (conditions.kind[slots[dead]] == 4) & (onset[dead] < died[:, None]), slots[dead], NONE).max(axis=1)
    cause = np.where((cancer != NONE) & happens(draw(seed, "of cancer", number), 750_000), cancer, cause)
    before = np.minimum(waiting(draw(seed, "last days", number), 7), 60)
    return _episodes(dead, cause, np.maximum(np.maximum(died - before, person["born"][dead]), settings.first), DYING)
