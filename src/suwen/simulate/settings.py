"""What a simulated region is asked to be: one frozen object, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from suwen.base.errors import SuwenError

MOST_HOSPITALS, MOST_PERSONS, MOST_YEARS = 2_000, 20_000_000, 20
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Settings:
    """`persons`: who ever lives in the province in the simulated years, those born meanwhile included. `clean`: without injected defects.

    Raises SuwenError where a number is outside what can be simulated.
    """

    hospitals: int = 24
    persons: int = 60_000
    years: int = 3
    seed: int = 1
    last_day: date = date(2025, 12, 31)
    clean: bool = False
    daily: bool = False

    def __post_init__(self) -> None:
        for name, value, most in (("hospitals", self.hospitals, MOST_HOSPITALS), ("persons", self.persons, MOST_PERSONS), ("years", self.years, MOST_YEARS)):
            if not 1 <= value <= most:
                raise SuwenError(f"{value} cannot be simulated", where=f"--{name}", expected=f"a whole number from 1 to {most:,}")
        if not 0 <= self.seed < 2**63:
            raise SuwenError("this seed cannot be used", where="--seed", expected="a whole number from 0 to 2^63 - 1")
        if not date(1990, 1, 1) <= self.last_day <= date(2090, 12, 31):
            raise SuwenError(f"the last day {self.last_day} cannot be simulated", where="--last-day", expected="a day from 1990-01-01 to 2090-12-31")

    @property
    def last(self) -> int:
        """The last simulated day, as a day number."""
        return self.last_day.toordinal() - _EPOCH

    @property
    def first(self) -> int:
        """The first simulated day, as a day number: `years` years before the day after the last."""
        after = date.fromordinal(self.last_day.toordinal() + 1)
        day = 28 if (after.month, after.day) == (2, 29) else after.day
        return date(after.year - self.years, after.month, day).toordinal() - _EPOCH

    @property
    def days(self) -> int:
        """How many days are simulated."""
        return self.last - self.first + 1
