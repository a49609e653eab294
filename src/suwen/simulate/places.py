"""The fictional province: its hospitals, where they lie and when they hold, what systems they run, and where the people of a district go.

Numbers (shares of levels, kinds and systems, how far people go) are invented.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from suwen.simulate.draws import Bits, Truths, below, chosen, draw
from suwen.simulate.knowledge import Knowledge
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, Ints

KINDS = ("general hospital", "hospital of traditional Chinese medicine", "women's and children's hospital", "community health centre", "township health centre")
GENERAL, TRADITIONAL, MOTHER_CHILD, COMMUNITY, TOWNSHIP = range(5)
DIALECTS = ("his_gbk", "his_csv", "modern", "window7")
DOCTORS = (0, 2, 5, 9)  # of a department, by level of the hospital
MOST_DOCTORS = 16  # doctor number = department * MOST_DOCTORS + number in it
CANDIDATES = 16
COLUMNS = ("organisation_id", "name_en", "name_zh", "parent", "level", "kind", "division", "zone", "valid_from", "valid_to")
_EPOCH, _BEGUN = date(1970, 1, 1), date(2000, 1, 1)
_NUMERALS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十")
_ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth")
_NEAR, _CITY, _PROVINCE = (
    {1: 420, 2: 380, 3: 500},
    160,
    30,
)  # pull of a hospital by its level in the own district; of one elsewhere in the city; of the first two


@dataclass(frozen=True)
class Hospitals:
    """Hospitals by place. Days are day numbers; NONE: never."""

    codes: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    level: Ints
    kind: Ints
    district: Ints  # place in AREA, at the start
    moved: Ints  # day from which it belongs to another district
    district_after: Ints
    closed: Ints  # last day on which it works
    system: Ints  # place in DIALECTS
    laboratory: Ints  # 1 where a laboratory system of its own sends the results
    front_page: Ints  # 1 where monthly front pages are sent

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Places:
    """`districts`: places in AREA that are used, with `weight` of their population. `cuts`: days on which the choice of hospitals changes.

    `candidates` and `ends`: (period, class of care, place in AREA, candidate) -> hospital and its cumulative share in 2^16.
    """

    hospitals: Hospitals
    districts: Ints
    weight: Ints
    cities: Ints
    cuts: Ints
    candidates: Ints
    ends: Ints

    def choose(self, bits: Bits, day: Ints, care: Ints, area: Ints) -> Ints:
        """The hospital for each contact: `care` is (1 for mothers and children, else 0) * 3 + level needed - 1."""
        period = np.searchsorted(self.cuts, day, side="left")
        at = (period * self.candidates.shape[1] + care) * self.candidates.shape[2] + area
        ends = self.ends.reshape(-1, CANDIDATES)
        drawn, chosen_place = below(bits, 1 << 16), np.zeros(len(at), dtype=np.int64)
        for candidate in range(CANDIDATES - 1):
            chosen_place += drawn >= ends[at, candidate]
        found: Ints = self.candidates.reshape(-1, CANDIDATES)[at, chosen_place]
        return found


def make_places(settings: Settings, knowledge: Knowledge) -> Places:
    """The places of a region; a function of the settings alone."""
    districts = _districts(settings, knowledge)
    hospitals = _hospitals(settings, knowledge, districts)
    cuts = np.unique(hospitals.closed[hospitals.closed != NONE])
    shape = (len(cuts) + 1, 6, len(knowledge.areas.codes), CANDIDATES)
    candidates, ends = np.zeros(shape, dtype=np.int64), np.full(shape, 1 << 16, dtype=np.int64)
    city = knowledge.areas.parent
    for period in range(shape[0]):
        open_ = np.ones(len(hospitals), dtype=bool) if period == 0 else ~((hospitals.closed != NONE) & (hospitals.closed <= cuts[period - 1]))
        for care in range(6):
            fit = open_ & _fits(hospitals, care // 3, care % 3 + 1)
            for district in districts:
                candidates[period, care, district], ends[period, care, district] = _pull(hospitals, fit, int(district), city)
    return Places(hospitals, districts, knowledge.areas.weight[districts], np.unique(city[districts]), cuts, candidates, ends)


def doctors(settings: Settings, knowledge: Knowledge, places: Places, hospital: int) -> dict[str, Ints]:
    """The doctors of a hospital: number, department, sex, surname and given name (places in the names)."""
    level = int(places.hospitals.level[hospital])
    own = np.flatnonzero(knowledge.departments.level <= level).astype(np.int64)
    number = (own[:, None] * MOST_DOCTORS + np.arange(DOCTORS[level])[None, :]).ravel()
    names = knowledge.names
    usual = np.where((names.given_from <= 1985) & (names.given_to >= 1985), names.given_weight, 0)
    sex = 1 + below(draw(settings.seed, "doctor sex", hospital, number), 2)
    given = np.zeros(len(number), dtype=np.int64)
    for one in (1, 2):
        weights = np.where((names.given_sex == one) | (names.given_sex == 0), usual, 0)
        given = np.where(sex == one, chosen(draw(settings.seed, "doctor given", hospital, number), weights), given)
    surname = chosen(draw(settings.seed, "doctor surname", hospital, number), names.surname_weight)
    return {"number": number, "department": number // MOST_DOCTORS, "sex": sex, "surname": surname, "given": given}


def organisation_rows(settings: Settings, knowledge: Knowledge, places: Places) -> Iterator[tuple[str, ...]]:
    """The rows of organisations.csv below its header: province, cities, districts, then each hospital, once for every period it holds unchanged."""
    areas, hospitals = knowledge.areas, places.hospitals
    for place in [0, *places.cities.tolist(), *places.districts.tolist()]:
        parent = "" if areas.parent[place] == NONE else str(areas.codes[areas.parent[place]])
        code = str(areas.codes[place])
        yield code, areas.names_en[place], areas.names_zh[place], parent, areas.levels[place], "", code, "Asia/Shanghai", _BEGUN.isoformat(), ""
    for place in range(len(hospitals)):
        periods = [(hospitals.district[place], _BEGUN, _day(hospitals.closed[place]))]
        if hospitals.moved[place] != NONE:
            moved = _EPOCH + timedelta(days=int(hospitals.moved[place]))
            first = (hospitals.district[place], _BEGUN, (moved - timedelta(days=1)).isoformat())
            periods = [first, (hospitals.district_after[place], moved, _day(hospitals.closed[place]))]
        for district, begun, ended in periods:
            code = str(areas.codes[district])
            named = (hospitals.codes[place], hospitals.names_en[place], hospitals.names_zh[place])
            kind = f"level {hospitals.level[place]} {KINDS[hospitals.kind[place]]}"
            yield *named, code, "hospital", kind, code, "Asia/Shanghai", begun.isoformat(), ended


def organisations_csv(settings: Settings, knowledge: Knowledge, places: Places) -> str:
    """The text of organisations.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(organisation_rows(settings, knowledge, places))
    return text.getvalue()


def _day(number: int) -> str:
    return "" if number == NONE else (_EPOCH + timedelta(days=int(number))).isoformat()


def _districts(settings: Settings, knowledge: Knowledge) -> Ints:
    """About one district for three hospitals, dealt to as many cities as a square has sides."""
    cities = [place for place, level in enumerate(knowledge.areas.levels) if level == "city"]
    inside = {city: np.flatnonzero(knowledge.areas.parent == city).tolist() for city in cities}
    inside = {city: found[::3] + found[1::3] + found[2::3] for city, found in inside.items()}  # districts and counties by turns
    wanted = min(max(1, (settings.hospitals + 1) // 3), sum(len(found) for found in inside.values()))
    most = min(len(found) for found in inside.values())
    used = min(len(cities), max(1, round(wanted**0.5), -(-wanted // most)))
    return np.sort(np.array([inside[cities[number % used]][number // used] for number in range(wanted)], dtype=np.int64))


def _hospitals(settings: Settings, knowledge: Knowledge, districts: Ints) -> Hospitals:
    count, seed = settings.hospitals, settings.seed
    areas = knowledge.areas
    number = np.arange(count, dtype=np.int64)
    third, second = max(1, count * 12 // 100), max(1, count * 33 // 100) if count > 1 else 0
    level = np.where(number < third, 3, np.where(number < third + second, 2, 1)).astype(np.int64)
    by_city = np.array(sorted(districts.tolist(), key=lambda d: (int(areas.codes[d]) % 100, int(areas.codes[d]))), dtype=np.int64)
    start = np.where(level == 3, 0, np.where(level == 2, third, third + second))
    district = by_city[(number - start) % len(districts)]
    nth = (number - start) // len(districts)
    kind = np.where(level == 1, np.where(areas.urban[district] > 600, COMMUNITY, TOWNSHIP), GENERAL)
    kind = np.where((level == 2) & ((number - start) % 4 == 2), MOTHER_CHILD, np.where((level == 2) & ((number - start) % 4 == 3), TRADITIONAL, kind))
    kind = np.where((level == 3) & ((number - start) % 5 == 3), MOTHER_CHILD, np.where((level == 3) & ((number - start) % 5 == 4), TRADITIONAL, kind))
    moved, after, closed = _changes(settings, districts, level, district)
    names = _hospital_names(knowledge, level, kind, district, nth)
    turn = below(draw(seed, "first system"), len(DIALECTS))
    return Hospitals(
        codes=tuple(f"H{one + 1:04d}" for one in range(count)),
        names_zh=tuple(name[0] for name in names),
        names_en=tuple(name[1] for name in names),
        level=level,
        kind=kind,
        district=district,
        moved=moved,
        district_after=after,
        closed=closed,
        system=(number + turn) % len(DIALECTS),
        laboratory=((level >= 2) | (below(draw(seed, "laboratory system", number), 10) < 3)).astype(np.int64),
        front_page=(level >= 2).astype(np.int64),
    )


def _changes(settings: Settings, districts: Ints, level: Ints, district: Ints) -> tuple[Ints, Ints, Ints]:
    """One reorganisation and one closure for every hundred hospitals, none where there are fewer than four; on first days of months but for leap days."""
    count = len(level)
    moved, after, closed = np.full(count, NONE), np.full(count, NONE), np.full(count, NONE)
    if count >= 4:
        times = 1 + (count - 1) // 100
        seconds, firsts = np.flatnonzero(level == 2), np.flatnonzero(level == 1)
        for number in range(min(times, len(seconds)) if len(districts) > 1 else 0):
            place = seconds[-1 - number]
            moved[place] = settings.first + settings.days * (45 + number % 7) // 100
            at = int(np.searchsorted(districts, district[place]))  # places in AREA go city by city, so the district before is mostly of the same city
            after[place] = districts[at - 1] if at else districts[1]
        for number in range(min(times, len(firsts) - 1)):
            closed[firsts[-1 - number]] = settings.first + settings.days * (70 + number % 5) // 100
    return moved, after, closed


def _hospital_names(knowledge: Knowledge, level: Ints, kind: Ints, district: Ints, nth: Ints) -> list[tuple[str, str]]:
    areas, found, seen = knowledge.areas, [], dict[tuple[int, int, int], int]()
    for one in range(len(level)):
        place = int(areas.parent[district[one]]) if level[one] == 3 else int(district[one])
        key = (place, int(level[one]), int(kind[one]))
        order = seen[key] = seen.get(key, -1) + 1
        found.append(_hospital_name(areas.names_zh[place], areas.names_en[place], int(kind[one]), order))
    return found


def _hospital_name(zh: str, en: str, kind: int, order: int) -> tuple[str, str]:
    numeral, ordinal = _NUMERALS[order % 10], _ORDINALS[order % 10]
    more_zh, more_en = ("", "") if order < 10 else (f"{order // 10}院区", f", campus {order // 10}")
    forms = {
        GENERAL: (f"{zh}第{numeral}人民医院", f"{ordinal} People's Hospital of {en}"),
        TRADITIONAL: (f"{zh}中医医院{'' if order == 0 else f'（第{numeral}）'}", f"{ordinal} Hospital of Traditional Chinese Medicine of {en}"),
        MOTHER_CHILD: (f"{zh}妇幼保健院{'' if order == 0 else f'（第{numeral}）'}", f"{ordinal} Women's and Children's Hospital of {en}"),
        COMMUNITY: (f"{zh}第{numeral}社区卫生服务中心", f"{ordinal} Community Health Centre of {en}"),
        TOWNSHIP: (f"{zh}第{numeral}中心卫生院", f"{ordinal} Township Health Centre of {en}"),
    }
    return forms[kind][0] + more_zh, forms[kind][1] + more_en


def _fits(hospitals: Hospitals, mother_child: int, level: int) -> Truths:
    high = hospitals.level >= level
    if not high.any():
        high = hospitals.level == hospitals.level.max()
    kinds = np.ones(len(hospitals), dtype=bool) if mother_child else hospitals.kind != MOTHER_CHILD
    return high & kinds if (high & kinds).any() else high


def _pull(hospitals: Hospitals, fit: Truths, district: int, city: Ints) -> tuple[Sequence[int], Ints]:
    """Up to CANDIDATES hospitals that the people of a district go to, with cumulative shares in 2^16."""
    weight = np.zeros(len(hospitals), dtype=np.int64)
    near = fit & (hospitals.district == district)
    for level, pull in _NEAR.items():
        among = near & (hospitals.level == level)
        weight[among] = pull // max(1, int(among.sum())) + 1
    same_city = fit & ~near & (city[hospitals.district] == city[district])
    weight[same_city & (hospitals.level == 3)] = _CITY
    weight[same_city & (hospitals.level < 3)] = 12
    top = np.flatnonzero(fit & (weight == 0))[:2]
    weight[top] = _PROVINCE
    order = np.argsort(-weight, kind="stable")[:CANDIDATES]
    order = order[weight[order] > 0]
    ends = np.cumsum(weight[order]) * (1 << 16) // int(weight[order].sum())
    padded = np.full(CANDIDATES, order[-1]), np.full(CANDIDATES, 1 << 16)
    padded[0][: len(order)], padded[1][: len(order)] = order, ends
    return padded[0].tolist(), padded[1]
