"""What the simulator knows of the world: people, places and conditions, read once from knowledge/*.csv into frozen arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from suwen.simulate.knowledge_files import lists, read_table, shares, whole
from suwen.simulate.shapes import NONE, Ints

Shares = tuple[tuple[str, int], ...]  # codes with thousandths
BANDS = (0, 1, 5, 15, 30, 45, 60, 75)  # first age of the bands of incidence
OLDEST = 105
KINDS = ("acute", "infectious", "injury", "chronic", "cancer", "pregnancy", "newborn", "checkup")
CLASSES = ("", "A", "B", "C")  # of the law on infectious diseases


@dataclass(frozen=True)
class Conditions:
    """Conditions by place; shares in thousandths, incidence per 100,000 a year by sex (0 male, 1 female), band and condition.

    For lasting ones (chronic, cancer) incidence is of onset, `admission` and `follow_ups` are a year. `wave`: how far a year may lie above or below the mean.
    `emergency`: episodes that begin there; `observation`: of these, kept; `admission`: episodes admitted; `day_case`: of admissions, home the same day.
    `fatality`: weight among the causes of death in hospital (how many die there follows from the life table). `follow_ups`: hundredths of a visit.
    `readmission`: of stays, within 31 days; `planned`: of these. `transfer`: of stays below level 3, moved up. `level`: of the smallest hospital that admits.
    `confirmed`: of infectious disease cards, by laboratory. `stages`: weights of stages 1 to 4.
    """

    codes: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    kind: Ints  # place in KINDS
    department: Ints
    incidence: Ints  # (2, bands, conditions)
    season: Ints  # place in the seasons
    wave: Ints
    reportable: Ints  # place in CLASSES
    confirmed: Ints
    emergency: Ints
    observation: Ints
    admission: Ints
    day_case: Ints
    stay: Ints  # mean days
    fatality: Ints
    follow_ups: Ints  # hundredths: an episode, for chronic ones a year
    interval: Ints
    readmission: Ints
    planned: Ints
    transfer: Ints
    level: Ints
    stages: tuple[tuple[int, ...], ...]
    accompanying: tuple[tuple[tuple[int, int], ...], ...]  # (place, share)
    labs: tuple[Shares, ...]
    drugs: tuple[Shares, ...]
    procedures: tuple[Shares, ...]
    exams: tuple[Shares, ...]

    def place(self, code: str) -> int:
        """The place of the condition with this code."""
        return self.codes.index(code)

    def of(self, *kinds: str) -> Ints:
        """The places of all conditions of some kinds."""
        return np.flatnonzero(np.isin(self.kind, [KINDS.index(kind) for kind in kinds])).astype(np.int64)


@dataclass(frozen=True)
class Areas:
    """Province, cities and districts by place; parent NONE at the top. `weight`: of a district's population; `urban`: thousandths."""

    codes: Ints
    parent: Ints
    levels: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    weight: Ints
    urban: Ints


@dataclass(frozen=True)
class Departments:
    """Departments by place. `level`: of the smallest hospital that has it; `instead`: where its patients go in a smaller one; `mother_child`: 1 or 0."""

    codes: tuple[str, ...]
    catalogue: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    level: Ints
    instead: Ints
    mother_child: Ints
    wards: Ints

    def place(self, code: str) -> int:
        """The place of the department with this code."""
        return self.codes.index(code)


@dataclass(frozen=True)
class Ages:
    """Age bands: first and last age, people by sex (sex, band), deaths in a year per million by sex and single age (sex, age)."""

    first: Ints
    last: Ints
    people: Ints
    deaths: Ints


@dataclass(frozen=True)
class Names:
    """Surnames with weights; given names with sex (1, 2, 0 for both), first and last year of birth they were common in, and weights."""

    surnames: tuple[str, ...]
    surname_weight: Ints
    given: tuple[str, ...]
    given_sex: Ints
    given_from: Ints
    given_to: Ints
    given_weight: Ints


@dataclass(frozen=True)
class Coded:
    """A small code table with weights: occupations, ethnic groups, payers, blood groups."""

    codes: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    weight: Ints


@dataclass(frozen=True)
class Knowledge:
    """All that the world is made from."""

    conditions: Conditions
    areas: Areas
    departments: Departments
    ages: Ages
    names: Names
    occupations: Coded
    ethnic: Coded
    season_names: tuple[str, ...]
    seasons: Ints  # (season, month) weights


@lru_cache(maxsize=1)
def read_knowledge() -> Knowledge:
    """The knowledge that Suwen ships."""
    departments, seasons = _departments(), read_table("seasons")
    season_names = tuple(row["season"] for row in seasons)
    return Knowledge(
        conditions=_conditions(departments, season_names),
        areas=_areas(),
        departments=departments,
        ages=_ages(),
        names=_names(),
        occupations=_coded("occupations"),
        ethnic=_coded("ethnic"),
        season_names=season_names,
        seasons=np.array([lists(row["months"]) for row in seasons], dtype=np.int64),
    )


def _conditions(departments: Departments, seasons: tuple[str, ...]) -> Conditions:
    rows = read_table("conditions")
    codes = tuple(row["code"] for row in rows)
    bands = np.array([lists(row["incidence"]) for row in rows], dtype=np.int64).T
    return Conditions(
        codes=codes,
        names_zh=tuple(row["name_zh"] for row in rows),
        names_en=tuple(row["name_en"] for row in rows),
        kind=np.array([KINDS.index(row["kind"]) for row in rows]),
        department=np.array([departments.place(row["department"]) for row in rows]),
        incidence=np.stack([bands * whole(rows, sex) // 100 for sex in ("male", "female")]),
        season=np.array([seasons.index(row["season"]) for row in rows]),
        reportable=np.array([CLASSES.index(row["reportable"]) for row in rows]),
        stages=tuple(tuple(lists(row["stages"])) for row in rows),
        accompanying=tuple(tuple((codes.index(code), share) for code, share in shares(row["with"])) for row in rows),
        wave=whole(rows, "wave"),
        confirmed=whole(rows, "confirmed"),
        emergency=whole(rows, "emergency"),
        observation=whole(rows, "observation"),
        admission=whole(rows, "admission"),
        day_case=whole(rows, "day_case"),
        stay=whole(rows, "stay"),
        fatality=whole(rows, "fatality"),
        follow_ups=whole(rows, "follow_ups"),
        interval=whole(rows, "interval"),
        readmission=whole(rows, "readmission"),
        planned=whole(rows, "planned"),
        transfer=whole(rows, "transfer"),
        level=whole(rows, "level"),
        labs=_asked(rows, "labs"),
        drugs=_asked(rows, "drugs"),
        procedures=_asked(rows, "procedures"),
        exams=_asked(rows, "exams"),
    )


def _asked(rows: Sequence[Mapping[str, str]], column: str) -> tuple[Shares, ...]:
    return tuple(shares(row[column]) for row in rows)


def _areas() -> Areas:
    rows = read_table("areas")
    places = {row["code"]: place for place, row in enumerate(rows)}
    return Areas(
        codes=whole(rows, "code"),
        parent=np.array([places.get(row["parent"], NONE) for row in rows]),
        levels=tuple(row["level"] for row in rows),
        names_zh=tuple(row["name_zh"] for row in rows),
        names_en=tuple(row["name_en"] for row in rows),
        weight=whole(rows, "weight"),
        urban=whole(rows, "urban"),
    )


def _departments() -> Departments:
    rows = read_table("departments")
    codes = tuple(row["code"] for row in rows)
    return Departments(
        codes=codes,
        catalogue=tuple(row["catalogue"] for row in rows),
        names_zh=tuple(row["name_zh"] for row in rows),
        names_en=tuple(row["name_en"] for row in rows),
        level=whole(rows, "level"),
        instead=np.array([codes.index(row["instead"] or row["code"]) for row in rows]),
        mother_child=whole(rows, "mother_child"),
        wards=whole(rows, "wards"),
    )


def _ages() -> Ages:
    rows = read_table("ages")
    first, last = whole(rows, "first"), whole(rows, "last")
    spans = last - first + 1
    deaths = np.stack([np.repeat(whole(rows, f"deaths_{sex}"), spans) for sex in ("male", "female")])
    return Ages(first, last, np.stack([whole(rows, "male"), whole(rows, "female")]), deaths)


def _names() -> Names:
    surnames, given = read_table("surnames"), read_table("given_names")
    return Names(
        tuple(row["name"] for row in surnames),
        whole(surnames, "weight"),
        tuple(row["name"] for row in given),
        whole(given, "sex"),
        whole(given, "from"),
        whole(given, "to"),
        whole(given, "weight"),
    )


def _coded(name: str) -> Coded:
    rows = read_table(name)
    return Coded(tuple(row["code"] for row in rows), tuple(row["name_zh"] for row in rows), tuple(row["name_en"] for row in rows), whole(rows, "weight"))
