"""What is published: figures with their sources, and series by age and month, each read once from a CSV file beside this one."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PUBLISHED, DERIVED, INVENTED = "published", "derived from published", "invented"
PEOPLE = {2019: 1_400_050, 2023: 1_409_670}  # thousands at the end of the year: National Bureau of Statistics
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Figure:
    """A published figure, or the place of one that nobody publishes (`value` None)."""

    section: str
    key: str
    what: str
    short: str
    unit: str
    value: float | None
    standing: str
    source: str
    year: str
    url: str
    note: str

    def __post_init__(self) -> None:
        if self.standing not in (PUBLISHED, DERIVED, INVENTED):
            raise ValueError(f"{self.key}: no such standing: {self.standing}")
        if (self.standing == INVENTED) != (self.value is None) or (self.value is not None and not (self.source and self.year and self.url)):
            raise ValueError(f"{self.key}: a figure has a value and a source with year and address, or it is invented")


@dataclass(frozen=True)
class Disease:
    """Reported cases of a disease by month of some years; `codes`: the simulator's conditions that are reported as it."""

    name: str
    codes: tuple[str, ...]
    months: Mapping[int, tuple[int, ...]]

    def rate(self, year: int) -> float:
        """Cases a year per 100,000 people."""
        return sum(self.months[year]) / PEOPLE[year] * 100

    def shares(self, years: tuple[int, ...]) -> list[float]:
        """Each month's share of a year (%), the mean over years."""
        return [sum(self.months[year][month] / sum(self.months[year]) for year in years) / len(years) * 100 for month in range(12)]


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a file, comments left out."""
    lines = (_FOLDER / f"{name}.csv").read_text("utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@lru_cache(maxsize=1)
def figures() -> tuple[Figure, ...]:
    """All figures in the order of the page. Raises ValueError where one has no source."""
    return tuple(Figure(**{**row, "value": float(row["value"]) if row["value"] else None}) for row in rows("published"))  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def diseases() -> tuple[Disease, ...]:
    """The notifiable diseases that are compared."""
    found: dict[str, tuple[tuple[str, ...], dict[int, tuple[int, ...]]]] = {}
    for row in rows("monthly"):
        months = found.setdefault(row["disease"], (tuple(row["codes"].split("|")), {}))[1]
        months[int(row["year"])] = tuple(int(row[f"m{month}"]) for month in range(1, 13))
    return tuple(Disease(name, codes, months) for name, (codes, months) in found.items())
