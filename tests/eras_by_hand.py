"""Eras worked out one day after another in plain Python: starts open a spell, ends close it some days later, and where none is open an era has ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

WINDOW = 30


class Spell(NamedTuple):
    person: int
    concept: int
    first: date
    last: date


class Era(NamedTuple):
    person: int
    concept: int
    first: date
    last: date
    records: int
    gap: int


def eras(spells: Iterable[Spell]) -> list[Era]:
    """The eras of all persons and concepts, in order."""
    groups = defaultdict[tuple[int, int], list[Spell]](list)
    for spell in spells:
        groups[spell.person, spell.concept].append(spell)
    return sorted(era for key, group in groups.items() for era in _eras(key, group))


def _eras(key: tuple[int, int], spells: Sequence[Spell]) -> list[Era]:
    found: list[Era] = []
    for end in _ends(spells):
        inside = [spell for spell in spells if spell.last <= end and not any(spell.first <= era.last for era in found)]
        first = min(spell.first for spell in inside)
        days = {spell.first + timedelta(n) for spell in inside for n in range((spell.last - spell.first).days)}
        found.append(Era(*key, first, end, len(inside), (end - first).days - len(days)))
    return found


def _ends(spells: Sequence[Spell]) -> list[date]:
    """The days on which eras end: a spell stays open 30 days longer, and what begins on the day on which another closes finds it open."""
    steps = sorted([(spell.first, 0) for spell in spells] + [(spell.last + timedelta(WINDOW), 1) for spell in spells])
    ends, still = [], 0
    for day, closes in steps:
        still += -1 if closes else 1
        if not still:
            ends.append(day - timedelta(WINDOW))
    return ends


def condition_spell(row: dict[str, object], person: int) -> list[Spell]:
    """The spell of a row of condition_occurrence; none of an unknown condition."""
    first, last, concept = row["condition_start_date"], row["condition_end_date"], row["condition_concept_id"]
    assert isinstance(first, date) and isinstance(concept, int)
    if isinstance(last, date):
        return [Spell(person, concept, first, max(first, last))] if concept else []
    return [Spell(person, concept, first, first + timedelta(1))] if concept else []


def drug_spells(row: dict[str, object], person: int, ingredients: Iterable[int]) -> list[Spell]:
    """The spells of a row of drug_exposure, one for each ingredient of its drug."""
    first, last, days = row["drug_exposure_start_date"], row["drug_exposure_end_date"], row["days_supply"]
    assert isinstance(first, date) and (days is None or isinstance(days, int))
    if days is not None and days < 0:
        return []
    if not isinstance(last, date):
        last = first + timedelta(days or 1)
    return [Spell(person, one, first, max(first, last)) for one in ingredients]
