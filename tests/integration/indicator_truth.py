"""What the ten indicators of pack `cn` must say of a clean simulated region: from its truth and organisations.csv, event by event, in plain Python.

Nothing here knows templates, tables or engine. A unit has on each day the organisations whose way up leads through it on that day. A stay counts on the day on
which it ends, another visit on the day on which it begins. Of a unit and period of which no organisation below told any visit, all is missing (None).
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet as pq

Master = Hashable  # a person that the exact rule finds, or a hospital's patient whom it joins with nobody
WINDOW = 31  # days within which a readmission counts
ALIVE = (1, 3, 4, 9)  # CV06.00.226: on order, to primary care, against advice, other; 2 is a transfer, 5 a death
DIED = 5

# indicator -> (numerator, denominator, factor)
FORMULAS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {
    "SV01": (("SV01.01", "SV01.02", "SV01.03"), (), 1),
    "SV02": (("SV02.02",), (), 1),
    "SV03": (("SV03.02", "SV03.03"), ("SV03.01",), 100),
    "EF01": (("EF01.01",), ("SV02.02",), 1),
    "QS01M": (("QS01.01",), ("SV02.02",), 100),
    "QS02": (("QS02.01",), ("QS02.03",), 100),
    "QS03": (("QS03.01",), ("QS03.03",), 100),
    "CE01": (("CE01.01",), ("SV01.01", "SV01.02"), 1),
    "CE02": (("CE02.01",), ("SV02.02",), 1),
    "CE02D": (("CE02.02",), ("CE02.01",), 100),
}


@dataclass(frozen=True)
class Row:
    """A row of organisations.csv."""

    name: str
    parent: str
    level: str
    first: date
    last: date


class Units:
    """The organisation tree, day by day."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            self.rows = [
                Row(
                    row["organisation_id"],
                    row["parent"],
                    row["level"],
                    date.fromisoformat(row["valid_from"]),
                    date.fromisoformat(row["valid_to"]) if row["valid_to"] else date.max,
                )
                for row in csv.DictReader(stream)
            ]
        self.above = lru_cache(maxsize=None)(self._above)

    def _above(self, name: str, day: date) -> frozenset[str]:
        """The units in which an organisation lies on a day, itself among them; none on a day of which no row tells."""
        here = [row for row in self.rows if row.name == name and row.first <= day <= row.last]
        return frozenset({name for _ in here} | {unit for row in here for unit in self._above(row.parent, day)})

    def of_level(self, level: str) -> list[str]:
        """The units that ever had a level."""
        return sorted({row.name for row in self.rows if row.level == level})

    @property
    def levels(self) -> list[str]:
        return sorted({row.level for row in self.rows})


@dataclass(frozen=True)
class Stay:
    """A stay that has ended, with what is known of the person's others."""

    organisation: str
    master: Master
    first: date
    last: date
    way: int
    dead: bool  # the hospital's patient died between its first and last day
    planned: bool
    entries: int
    level3: int
    level4: int
    back: bool
    soon: bool
    day_case: bool
    charged: int
    drugs: int
    materials: int
    again: bool  # another stay of the person, in any hospital, begins 1 to 31 days after
    alike: bool  # and one of those has a principal diagnosis of the same category

    @property
    def days(self) -> int:
        """Days in hospital; the day of admission and that of discharge count as one."""
        return max(1, (self.last - self.first).days)

    @property
    def index(self) -> bool:
        """Whether a readmission could follow."""
        return self.way in ALIVE and not self.dead

    @property
    def readmitted(self) -> bool:
        return self.index and self.again and not self.planned


OF_STAYS: Mapping[str, Callable[[Stay], int]] = {
    "SV02.02": lambda stay: 1,
    "SV02.03": lambda stay: stay.day_case,
    "SV03.01": lambda stay: stay.entries,
    "SV03.02": lambda stay: stay.level3,
    "SV03.03": lambda stay: stay.level4,
    "EF01.01": lambda stay: stay.days,
    "EF01.03": lambda stay: stay.days > 30,
    "QS01.01": lambda stay: stay.dead,
    "QS02.01": lambda stay: stay.readmitted,
    "QS02.02": lambda stay: stay.readmitted and stay.alike,
    "QS02.03": lambda stay: stay.index,
    "QS03.01": lambda stay: stay.back,
    "QS03.02": lambda stay: stay.soon,
    "QS03.03": lambda stay: stay.entries > 0,
    "CE02.01": lambda stay: stay.charged,
    "CE02.02": lambda stay: stay.drugs,
    "CE02.03": lambda stay: stay.materials,
}
MEDIAN, ADMISSIONS, PERSONS = "EF01.02", "SV02.01", "SV02.04"
KINDS = {"SV01.01": "outpatient", "SV01.02": "emergency"}
FEES = {"CE01.01": "charged_fen", "CE01.02": "drug_fen", "CE01.03": "test_fen"}  # of outpatient and emergency visits
MONEY = frozenset({*FEES, "CE02.01", "CE02.02", "CE02.03"})  # counted in fen
OBSERVED, AT_A_DISTANCE = "SV01.04", "SV01.03"  # no hospital of a simulated region treats at a distance
POINTS = (*OF_STAYS, MEDIAN, ADMISSIONS, PERSONS, *KINDS, OBSERVED, AT_A_DISTANCE, *FEES)


class IndicatorTruth:
    """The values of a simulated region; `folder` holds its truth/ and region/."""

    def __init__(self, folder: Path) -> None:
        self._truth = folder / "truth"
        self.units = Units(folder / "region" / "organisations.csv")

    def _rows(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pq.read_table(self._truth / f"{name}.parquet").to_pylist()
        return found

    @cached_property
    def _all_stays(self) -> list[dict[str, Any]]:
        """Every stay, open ones too, with the master of its patient."""
        masters: dict[tuple[str, str], Master] = {}
        for row in self._rows("links"):
            patient = row["organisation_id"], row["local_number"]
            masters[patient] = row["person"] if row["exact"] else patient
        return [row | {"master": masters[row["organisation_id"], row["local_number"]]} for row in self._rows("stays")]

    @cached_property
    def stays(self) -> list[Stay]:
        """The stays that have ended."""
        deaths: dict[tuple[str, str], date] = {}
        of_master: dict[Master, list[dict[str, Any]]] = defaultdict(list)
        for row in self._all_stays:
            of_master[row["master"]].append(row)
            if row["died"]:
                deaths[row["organisation_id"], row["local_number"]] = row["end"].date()
        return [_stay(row, deaths.get((row["organisation_id"], row["local_number"])), of_master[row["master"]]) for row in self._all_stays if row["end"]]

    @cached_property
    def _outpatient(self) -> list[dict[str, Any]]:
        return self._rows("outpatient")

    @cached_property
    def _additive(self) -> Mapping[tuple[str, str], Counter[date]]:
        """(point, unit) -> day -> number (fen of sums of money)."""
        found: dict[tuple[str, str], Counter[date]] = defaultdict(Counter)
        for point, organisation, day, number in self._counted():
            for unit in self.units.above(organisation, day) if number else ():
                found[point, unit][day] += number
        return found

    def _counted(self) -> Iterator[tuple[str, str, date, int]]:
        """(point, organisation, day, number) of all that adds up."""
        for stay in self.stays:
            for point, number in OF_STAYS.items():
                yield point, stay.organisation, stay.last, int(number(stay))
        for row in self._all_stays:
            yield ADMISSIONS, row["organisation_id"], row["start"].date(), 1
        points = {kind: point for point, kind in KINDS.items()}
        for row in self._outpatient:
            here = row["organisation_id"], row["day"]
            if row["kind"] == "observation":
                yield OBSERVED, *here, row["six_hours"]
            if row["kind"] in points:
                yield points[row["kind"]], *here, row["visits"]
                yield from ((point, *here, row[column]) for point, column in FEES.items())

    @cached_property
    def _listed(self) -> Mapping[str, Sequence[tuple[date, int, Master]]]:
        """unit -> (day of discharge, days in hospital, person) of its discharges."""
        found: dict[str, list[tuple[date, int, Master]]] = defaultdict(list)
        for stay in self.stays:
            for unit in self.units.above(stay.organisation, stay.last):
                found[unit].append((stay.last, stay.days, stay.master))
        return found

    @cached_property
    def _told(self) -> Mapping[str, Mapping[date, set[str]]]:
        """unit -> day -> the organisations below it of which a visit began or ended on it."""
        found: dict[str, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
        days: set[tuple[str, date]] = {(row["organisation_id"], row["day"]) for row in self._outpatient}
        for row in self._all_stays:
            days |= {(row["organisation_id"], time.date()) for time in (row["start"], row["end"]) if time}
        for organisation, day in days:
            for unit in self.units.above(organisation, day):
                found[unit][day].add(organisation)
        return found

    def reporting(self, unit: str, first: date, after: date) -> int:
        """How many organisations below a unit told any visit of a period."""
        return len(set().union(*(names for day, names in self._told[unit].items() if first <= day < after)))

    def point(self, code: str, unit: str, first: date, after: date) -> Fraction | None:
        """A point of a unit from its first day until before `after`."""
        if code not in POINTS:
            raise KeyError(code)
        if not self.reporting(unit, first, after):
            return None
        if code in (MEDIAN, PERSONS):
            inside = [(days, master) for day, days, master in self._listed[unit] if first <= day < after]
            if code == PERSONS:
                return Fraction(len({master for _, master in inside}))
            return Fraction(median(Fraction(days) for days, _ in inside)) if inside else None
        total = sum(number for day, number in self._additive[code, unit].items() if first <= day < after)
        return Fraction(total, 100) if code in MONEY else Fraction(total)

    def value(self, code: str, unit: str, first: date, after: date) -> Fraction | None:
        """An indicator, exactly; None where it is missing."""
        numerator, denominator, factor = FORMULAS[code]
        points = {name: self.point(name, unit, first, after) for name in (*numerator, *denominator)}
        known = {name: number for name, number in points.items() if number is not None}
        if len(known) < len(points):
            return None
        over = sum((known[name] for name in denominator), Fraction(0)) if denominator else Fraction(1)
        return factor * sum((known[name] for name in numerator), Fraction(0)) / over if over else None


def _stay(row: Mapping[str, Any], died: date | None, of_person: Sequence[Mapping[str, Any]]) -> Stay:
    """A stay that has ended. `died`: when the hospital's patient did; `of_person`: the stays of whom the exact rule holds for one person."""
    first, last = _day(row["start"]), _day(row["end"])
    soon = [other for other in of_person if timedelta(days=1) <= _day(other["start"]) - last <= timedelta(days=WINDOW)]
    return Stay(
        organisation=row["organisation_id"],
        master=row["master"],
        first=first,
        last=last,
        way=row["way"],
        dead=row["way"] == DIED or (died is not None and first <= died <= last),
        planned=row["planned"],
        entries=row["entries"],
        level3=row["level3"],
        level4=row["level4"],
        back=row["unplanned_return"],
        soon=row["within_48h"],
        day_case=row["kind"] == "day case" and row["end"] - row["start"] <= timedelta(days=1),
        charged=row["charged_fen"],
        drugs=row["drug_fen"],
        materials=row["material_fen"],
        again=bool(soon),
        alike=any(other["condition_told"] and other["condition"][:3] == row["condition"][:3] for other in soon),
    )


def _day(time: datetime) -> date:
    return time.date()
