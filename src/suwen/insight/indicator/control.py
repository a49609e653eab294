"""Control limits of a series: between which values a process moves by chance alone.

A share of units that each either have a mark or not gets limits from its own denominator (p chart); everything else limits from how much neighbours
differ (individuals chart). Both as in the e-Handbook of Statistical Methods of NIST/SEMATECH, 6.3.2.2 and 6.3.3.2.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

FEWEST = 8  # values from which limits say anything
_RANGES = Fraction(266, 100)  # 3 / d2 of two values: 3 / 1.128, to the two digits that tables give


@dataclass(frozen=True)
class Limits:
    """The centre of a series and per value its limits; `out`: places of the values beyond them. `chart`: p or individuals."""

    chart: str
    centre: float
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    out: tuple[int, ...]


def individuals(values: Sequence[Fraction | None]) -> Limits | None:
    """Limits from the mean moving range of neighbours; missing values have no neighbours. None where there are too few values."""
    known = [value for value in values if value is not None]
    ranges = [abs(after - before) for before, after in itertools.pairwise(values) if before is not None and after is not None]
    if len(known) < FEWEST or not ranges:
        return None
    centre = sum(known, Fraction(0)) / len(known)
    reach = _RANGES * sum(ranges, Fraction(0)) / len(ranges)
    low = max(Fraction(0), centre - reach) if min(known) >= 0 else centre - reach
    return _limits("individuals", float(centre), values, [float(low)] * len(values), [float(centre + reach)] * len(values))


def shares(parts: Sequence[int | None], wholes: Sequence[int | None], factor: int = 100) -> Limits | None:
    """Limits of parts of wholes, times `factor`, from the binomial's spread at each whole. None where there are too few values."""
    pairs = [(part, whole) if part is not None and whole else None for part, whole in zip(parts, wholes, strict=True)]
    known = [pair for pair in pairs if pair is not None]
    if len(known) < FEWEST:
        return None
    centre = sum(part for part, _ in known) / sum(whole for _, whole in known)
    reach = [3 * sqrt(centre * (1 - centre) / pair[1]) if pair else None for pair in pairs]
    low = [None if one is None else max(0.0, centre - one) * factor for one in reach]
    high = [None if one is None else min(1.0, centre + one) * factor for one in reach]
    values = [Fraction(pair[0] * factor, pair[1]) if pair else None for pair in pairs]
    return _limits("p", centre * factor, values, low, high)


def _limits(chart: str, centre: float, values: Sequence[Fraction | None], low: Sequence[float | None], high: Sequence[float | None]) -> Limits:
    lows = [None if value is None else one for value, one in zip(values, low, strict=True)]
    highs = [None if value is None else one for value, one in zip(values, high, strict=True)]
    out = tuple(
        at
        for at, (value, under, over) in enumerate(zip(values, lows, highs, strict=True))
        if value is not None and under is not None and over is not None and not under <= value <= over
    )
    return Limits(chart, centre, tuple(lows), tuple(highs), out)
