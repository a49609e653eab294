"""The people of a block: who is born when, who lives with whom, who moves, who dies, and the resident ids no two of them share.

A block is a range of person numbers and is made alone. Families are matched inside it: couples by age, children to mothers of a likely age. Shares are
invented unless knowledge/ages.csv names a source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.base.errors import Defect
from suwen.simulate.draws import Truths, below, chosen, draw, happens, normal
from suwen.simulate.knowledge import Knowledge
from suwen.simulate.places import Places
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, Ints, Rows, rows_of

SMALLEST_BLOCK, SERIALS = 25_000, 500  # serials a sex; a block has its own, so that resident ids are unique over all blocks
YEAR = 365.2425
_BIRTHS = 68  # a year per ten thousand people
_FERTILITY = (260, 347, 243, 111, 29)  # by five years of the mother's age from 20 on, thousandths; United Nations, World Population Prospects 2024: China 2023
_CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, as generally known
_CHECK_SIGNS = "10X98765432"


@dataclass(frozen=True)
class Blocks:
    """How the persons are cut into blocks."""

    count: int
    size: int
    persons: int

    def numbers(self, block: int) -> Ints:
        """The person numbers of a block."""
        return np.arange(block * self.size, min(self.persons, (block + 1) * self.size), dtype=np.int64)


def cut(persons: int) -> Blocks:
    """Blocks of at least SMALLEST_BLOCK persons, never more than SERIALS of them."""
    size = max(SMALLEST_BLOCK, -(-persons // SERIALS))
    return Blocks(-(-persons // size), size, persons)


def make_people(settings: Settings, knowledge: Knowledge, places: Places, blocks: Blocks, block: int) -> Rows:
    """The PERSON rows of a block, `died_in` still NONE."""
    person, seed = blocks.numbers(block), settings.seed
    sex, born = _sex_and_birth(settings, knowledge, person)
    family, mother, spouse = _families(settings, person, sex, born)
    died = _deaths(settings, knowledge, person, sex, born)
    head = family - person[0]
    area = places.districts[chosen(draw(seed, "area", family), places.weight)]
    moved = np.where(happens(draw(seed, "moves", family), 20_000 * settings.years), settings.first + below(draw(seed, "moved", family), settings.days), NONE)
    other = places.districts[chosen(draw(seed, "area after", family), places.weight)]
    moved = np.where((other == area) | ((died != NONE) & (moved > died)) | (moved <= born), NONE, moved)
    age = (settings.first - born) * 10_000 // 3_652_425
    payer = _payers(settings, knowledge, person, age, area)
    born, serial = _serials(settings, blocks, block, sex, born, area, family)
    return rows_of(
        "person",
        person=person,
        sex=sex,
        born=born,
        died=died,
        died_in=NONE,
        family=family,
        mother=mother,
        area=area,
        moved=moved,
        area_after=np.where(moved == NONE, NONE, other),
        surname=_surnames(settings, knowledge, person, sex, head, mother, spouse),
        given=_given(settings, knowledge, person, sex, born),
        ethnic=_ethnic(settings, knowledge, family),
        occupation=_occupations(settings, knowledge, person, age, area),
        payer=payer,
        blood=1 + chosen(draw(seed, "blood", person), (280, 240, 410, 70)),
        rhesus=np.where(happens(draw(seed, "rhesus", person), 4_000), 1, 2),
        serial=serial,
        phone=300_000_000 + below(draw(seed, "phone", person), 690_000_000),
        house=1 + below(draw(seed, "house", family), 1200),
    )


def resident_number(area_code: Ints, born: Ints, serial: Ints) -> tuple[Ints, Ints]:
    """The first 17 digits of the resident id as a number, and the place of its check character in "10X98765432" (GB 11643)."""
    days = born.astype("datetime64[D]")
    months = days.astype("datetime64[M]").astype(np.int64)
    year, month, day = 1970 + months // 12, months % 12 + 1, (days - days.astype("datetime64[M]")).astype(np.int64) + 1
    number = area_code * 10**11 + year * 10**7 + month * 10**5 + day * 10**3 + serial
    total = np.zeros(len(number), dtype=np.int64)
    for place, weight in enumerate(_CHECK_WEIGHTS):
        total += number // 10 ** (16 - place) % 10 * weight
    return number, total % 11


def mistyped_digit(seed: int, hospital: Ints, local: Ints) -> tuple[Ints, Ints]:
    """How a hospital mistyped a resident id: place of the digit (from 0, among the first 17) and what is added to it modulo 10; the check then never holds."""
    return below(draw(seed, "mistyped place", hospital, local), 17), 1 + below(draw(seed, "mistyped digit", hospital, local), 9)


def check_character(place: int) -> str:
    """The check character by its place."""
    return _CHECK_SIGNS[place]


def _sex_and_birth(settings: Settings, knowledge: Knowledge, person: Ints) -> tuple[Ints, Ints]:
    ages, seed = knowledge.ages, settings.seed
    births = int(ages.people.sum()) * _BIRTHS * settings.days // 3_652_425
    weights = np.concatenate([ages.people[0], ages.people[1], [births * 1108 // 2108, births * 1000 // 2108]])
    drawn, bands = chosen(draw(seed, "band", person), weights), len(ages.first)
    newborn = drawn >= 2 * bands
    sex = 1 + np.where(newborn, drawn - 2 * bands, drawn // bands)
    band = np.where(newborn, 0, drawn % bands)
    span = (ages.last - ages.first + 1)[band] * 36525 // 100
    old = np.minimum(below(draw(seed, "age", person), span), np.where(ages.first[band] >= 85, below(draw(seed, "age again", person), span), span))
    before = settings.first - 1 - ages.first[band] * 36525 // 100 - old
    return sex, np.where(newborn, settings.first + below(draw(seed, "born", person), settings.days), before)


def _families(settings: Settings, person: Ints, sex: Ints, born: Ints) -> tuple[Ints, Ints, Ints]:
    """Family number (the person number of its head), mother and spouse (places in the block, NONE) of everybody."""
    seed, count = settings.seed, len(person)
    family, mother, spouse = person.copy(), np.full(count, NONE), np.full(count, NONE)
    age = (settings.first - born) // 365
    weds = (age >= 20) & ~happens(draw(seed, "single", person), np.where(age < 23, 800_000, np.where(age < 30, 450_000, np.where(age < 70, 80_000, 350_000))))
    wives = _by_birth(weds & (sex == 2), normal(draw(seed, "matched", person), born, 700))
    men = _by_birth(weds & (sex == 1), normal(draw(seed, "matched", person), born + 730, 700))
    pairs = min(len(wives), len(men))
    wives, men = _spread(wives, pairs), _spread(men, pairs)
    spouse[wives], spouse[men] = men, wives
    family[wives] = person[men]
    if pairs:
        mother = _mothers(settings, person, born, wives)
    child = mother != NONE
    family[child] = family[mother[child]]
    parents = np.flatnonzero((age >= 62) & (spouse == NONE) & happens(draw(seed, "with children", person), 450_000))
    if pairs and len(parents):
        order = wives[np.argsort(born[wives], kind="stable")]
        at = np.clip(np.searchsorted(born[order], born[parents] + 27 * 365), 0, len(order) - 1)
        family[parents] = family[order[at]]
    return family, np.where(child, person[mother], NONE), spouse


def _by_birth(who: Truths, key: Ints) -> Ints:
    places = np.flatnonzero(who).astype(np.int64)
    return places[np.argsort(key[places], kind="stable")]


def _spread(places: Ints, count: int) -> Ints:
    """`count` of the places, evenly from first to last."""
    return places[np.arange(count, dtype=np.int64) * len(places) // max(1, count)]


def _mothers(settings: Settings, person: Ints, born: Ints, wives: Ints) -> Ints:
    """The mother's place for persons who were under 18 at the start or born later; births of one mother lie ten months apart."""
    mother = np.full(len(person), NONE)
    child = np.flatnonzero((born > settings.first - 18 * 365) & ~happens(draw(settings.seed, "mother away", person), 40_000)).astype(np.int64)
    order = wives[np.argsort(born[wives], kind="stable")]
    band = chosen(draw(settings.seed, "mother's age", person[child]), _FERTILITY)
    at_birth = (20 + 5 * band) * 365 + below(draw(settings.seed, "mother's age too", person[child]), 5 * 365)
    at = np.searchsorted(born[order], born[child] - at_birth)
    waiting = np.arange(len(child))
    for step in (0, 1, -1, 2, -2, 3, 5, -4):
        place = order[np.clip(at[waiting] + step, 0, len(order) - 1)]
        fit = (born[child[waiting]] - born[place] > 19 * 365) & (born[child[waiting]] - born[place] < 46 * 365)
        mother[child[waiting]] = np.where(fit, place, NONE)
        waiting = waiting[(mother[child[waiting]] == NONE) | _too_close(mother, born, child)[waiting]]
        mother[child[waiting]] = NONE
    return mother


def _too_close(mother: Ints, born: Ints, child: Ints) -> Truths:
    order = np.lexsort((born[child], mother[child]))
    ordered = child[order]
    same = (mother[ordered][1:] == mother[ordered][:-1]) & (mother[ordered][1:] != NONE) & (born[ordered][1:] - born[ordered][:-1] < 330)
    found = np.zeros(len(child), dtype=bool)
    found[order[1:]] = same
    return found


def _deaths(settings: Settings, knowledge: Knowledge, person: Ints, sex: Ints, born: Ints) -> Ints:
    died = np.full(len(person), NONE)
    for year in range(settings.years):
        start = settings.first + settings.days * year // settings.years
        length = settings.first + settings.days * (year + 1) // settings.years - start
        age = np.clip((start + length // 2 - born) // 365, 0, knowledge.ages.deaths.shape[1] - 1)
        dies = happens(draw(settings.seed, "dies", person, year), knowledge.ages.deaths[sex - 1, age])
        day = start + below(draw(settings.seed, "died", person, year), length)
        soon = (born >= start) & (born < start + length)
        day = np.where(soon, born + below(draw(settings.seed, "died", person, year), 90) ** 2 // 90, day)
        died = np.where((died == NONE) & dies & (born <= day) & (day <= settings.last), day, died)
    return died


def _payers(settings: Settings, knowledge: Knowledge, person: Ints, age: Ints, area: Ints) -> Ints:
    """CV07.10.005. Share of employee and resident insurance near the national ones of 2023 (general knowledge), the rest invented."""
    town = happens(draw(settings.seed, "town", person), knowledge.areas.urban[area] * 1000)
    bits, codes = draw(settings.seed, "payer", person), np.array([1, 2, 3, 4, 5, 6, 7, 8, 99])
    adult_town = codes[chosen(bits, (560, 290, 20, 8, 15, 12, 75, 15, 5))]
    adult_country = codes[chosen(bits, (120, 380, 400, 25, 5, 2, 60, 5, 3))]
    child = codes[chosen(bits, (0, 700, 180, 10, 20, 0, 85, 3, 2))]
    return np.where(age < 18, child, np.where(town, adult_town, adult_country)).astype(np.int64)


def _surnames(settings: Settings, knowledge: Knowledge, person: Ints, sex: Ints, head: Ints, mother: Ints, spouse: Ints) -> Ints:
    own = chosen(draw(settings.seed, "surname", person), knowledge.names.surname_weight)
    child = mother != NONE
    father = np.where(child, spouse[np.where(child, mother - person[0], 0)], NONE)
    return np.where(child & (father != NONE), own[np.where(father != NONE, father, 0)], own)


def _given(settings: Settings, knowledge: Knowledge, person: Ints, sex: Ints, born: Ints) -> Ints:
    names, given = knowledge.names, np.zeros(len(person), dtype=np.int64)
    year = 1970 + born * 10_000 // 3_652_425
    edges = np.unique(np.concatenate([names.given_from, names.given_to + 1]))
    era = np.searchsorted(edges, year, side="right")
    for one in (1, 2):
        for number in np.unique(era):
            who = (sex == one) & (era == number)
            at = edges[min(max(number - 1, 0), len(edges) - 2)]
            usual = ((names.given_sex == one) | (names.given_sex == 0)) & (names.given_from <= at) & (names.given_to >= at)
            given[who] = chosen(draw(settings.seed, "given", person[who]), np.where(usual, names.given_weight, 0))
    return given


def _ethnic(settings: Settings, knowledge: Knowledge, family: Ints) -> Ints:
    codes = np.array([int(code) for code in knowledge.ethnic.codes])
    return codes[chosen(draw(settings.seed, "ethnic", family), knowledge.ethnic.weight)]


def _occupations(settings: Settings, knowledge: Knowledge, person: Ints, age: Ints, area: Ints) -> Ints:
    place = {code: number for number, code in enumerate(knowledge.occupations.codes)}
    bits = draw(settings.seed, "occupation", person)
    grown = chosen(bits, knowledge.occupations.weight)
    farmer = happens(draw(settings.seed, "farmer", person), 600_000 - knowledge.areas.urban[area] * 600)
    grown = np.where(farmer, place["27"], grown)
    old = np.where(grown == place["27"], grown, place["80"])
    young = np.where(age < 6, place["70"], place["31"])
    return np.where(age < 20, young, np.where(age >= 60, old, grown)).astype(np.int64)


def _serials(settings: Settings, blocks: Blocks, block: int, sex: Ints, born: Ints, area: Ints, family: Ints) -> tuple[Ints, Ints]:
    """Serials such that (area, day of birth, serial) is unique in the province; who finds no free one is born a day earlier."""
    room, born = max(1, SERIALS // blocks.count), born.copy()
    for _ in range(60):
        cell = (area * 3 + sex) * 100_000 + born + 40_000
        order = np.argsort(cell, kind="stable")
        first = np.r_[True, cell[order][1:] != cell[order][:-1]]
        begun = np.maximum.accumulate(np.where(first, np.arange(len(cell)), 0))
        rank = np.zeros(len(cell), dtype=np.int64)
        rank[order] = np.arange(len(cell)) - begun
        late = rank >= room
        if not late.any():
            turn = below(draw(settings.seed, "serials", cell), SERIALS)
            return born, 2 * ((block + rank * blocks.count + turn) % SERIALS) + (sex == 1)
        born = np.where(late, born - 1, born)
    raise Defect("no free resident ids: too many persons of one day and district in a block")
