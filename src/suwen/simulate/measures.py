"""What can be measured, laboratory items and vital signs: units, ranges by sex and age, and how diseases move the values.

Values are whole numbers of an item's last decimal place; the middle of the healthy is kept in thousandths of that place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import isqrt

import numpy as np

from suwen.base.errors import Defect
from suwen.simulate.knowledge_files import lists, read_table
from suwen.simulate.shapes import NONE, Ints
from suwen.simulate.stems import fitting

OLDEST = 120
LINEAR, LOG, ANSWERS = range(3)
SCALES = ("linear", "log", "answers")
FROM_PERSON = ("blood", "rhesus")  # items whose answer is a column of PERSON, a code from 1 on
NO_LOW, NO_HIGH = -(2**62), 2**62
EXP_ONE, EXP_LEAST, EXP_MOST = 1 << 16, -14_000, 14_000
_WIDTH = Fraction(392, 100)  # of the middle 95 % of a normal distribution, in spreads
_MOST_ANSWERS = 5


@dataclass(frozen=True)
class Measures:
    """Items by place; `shift` and `positive` by condition (the last row for no condition) and item."""

    codes: tuple[str, ...]
    loinc: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    unit: tuple[str, ...]  # UCUM
    unit_shown: tuple[str, ...]
    other_unit: tuple[str, ...]  # UCUM; empty where there is one unit only
    other_factor: tuple[Fraction, ...]  # what a value in `unit` is multiplied by; 0 without
    other_decimals: Ints
    decimals: Ints
    scale: Ints
    detection: Ints  # NO_LOW without
    least: Ints
    most: Ints
    own: Ints
    follows: Ints  # the item whose draws it shares, itself where none
    sign: Ints
    from_person: Ints  # place in FROM_PERSON; NONE
    sums: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[str, ...], ...]
    answers_en: tuple[tuple[str, ...], ...]
    weights: Ints  # (items, 5) of the answers among the healthy, in thousandths
    normal: Ints  # last place of a normal answer
    standing: tuple[str, ...]
    band: Ints  # (items, sex - 1, age): place in the four columns that follow
    low: Ints
    high: Ints
    middle: Ints  # thousandths of the last decimal
    spread: Ints  # the same; for log items thousandths of the natural logarithm
    shift: Ints  # thousandths of a spread
    positive: Ints  # thousandths of abnormal answers; NONE where the healthy's hold

    def place(self, code: str) -> int:
        """The place of the item with this code."""
        return self.codes.index(code)


@lru_cache(maxsize=1)
def exponential() -> Ints:
    """EXP_ONE times e^x, for x in thousandths from EXP_LEAST to EXP_MOST; by decimal arithmetic, the same on every machine."""
    with localcontext(prec=24, rounding=ROUND_HALF_EVEN):
        step, found, value = (Decimal(1) / 1000).exp(), [], (Decimal(EXP_LEAST) / 1000).exp() * EXP_ONE
        for _ in range(EXP_LEAST, EXP_MOST + 1):
            found.append(int(value + Decimal("0.5")))
            value *= step
    return np.array(found, dtype=np.int64)


def rounded(number: Fraction) -> int:
    """The nearest whole number, halves upward."""
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)


def read_measures(name: str, conditions: Sequence[str]) -> Measures:
    """The items of `<name>_item.csv` with the ranges of `<name>_range.csv` and what effect.csv says of them."""
    rows = read_table(f"{name}_item")
    codes = tuple(row["code"] for row in rows)
    decimals = [int(row["decimals"]) for row in rows]
    follows, sign = _follows(rows, codes)
    bands, table = _ranges(name, rows, codes, decimals)
    shift, positive = _effects(codes, conditions, follows, sign)

    def scaled(column: str, absent: int) -> Ints:
        return np.array([rounded(Fraction(r[column]) * 10**d) if r.get(column) else absent for r, d in zip(rows, decimals, strict=True)], dtype=np.int64)

    def texts(column: str) -> tuple[str, ...]:
        return tuple(row.get(column, "") for row in rows)

    own = np.array([int(row["own"]) for row in rows], dtype=np.int64)
    return Measures(
        codes=codes,
        loinc=texts("loinc"),
        names_zh=texts("name_zh"),
        names_en=texts("name_en"),
        unit=texts("unit"),
        unit_shown=texts("unit_shown"),
        other_unit=texts("alt_unit"),
        other_factor=tuple(Fraction(row.get("alt_factor") or 0) for row in rows),
        other_decimals=np.array([int(row.get("alt_decimals") or 0) for row in rows], dtype=np.int64),
        decimals=np.array(decimals, dtype=np.int64),
        scale=np.array([SCALES.index(row["scale"]) for row in rows], dtype=np.int64),
        detection=scaled("detection", NO_LOW),
        least=scaled("least", NO_LOW),
        most=scaled("most", NO_HIGH),
        own=own,
        follows=follows,
        sign=sign,
        from_person=np.array([FROM_PERSON.index(row["follows"]) if row["follows"] in FROM_PERSON else NONE for row in rows], dtype=np.int64),
        sums=tuple(tuple(codes.index(part) for part in row.get("sums", "").split("+") if part) for row in rows),
        answers=tuple(tuple(filter(None, row.get("answers", "").split("|"))) for row in rows),
        answers_en=tuple(tuple(filter(None, row.get("answers_en", "").split("|"))) for row in rows),
        weights=np.array([_five(lists(row.get("weights", ""))) for row in rows], dtype=np.int64),
        normal=np.array([int(row.get("normal") or 0) for row in rows], dtype=np.int64),
        standing=texts("standing"),
        band=bands,
        low=table[:, 0],
        high=table[:, 1],
        middle=table[:, 2],
        spread=table[:, 3],
        shift=shift,
        positive=positive,
    )


def parts_of_spread(own: Ints) -> tuple[Ints, Ints]:
    """Thousandths of the spread that belong to the person and to the sample, their squares adding to one."""
    return own, np.array([isqrt(1_000_000 - int(part) ** 2) for part in own], dtype=np.int64)


def _five(weights: list[int]) -> list[int]:
    return (weights + [0] * _MOST_ANSWERS)[:_MOST_ANSWERS]


def _follows(rows: Sequence[Mapping[str, str]], codes: tuple[str, ...]) -> tuple[Ints, Ints]:
    names = [row["follows"] for row in rows]
    places = [codes.index(name.lstrip("-")) if name and name not in FROM_PERSON else place for place, name in enumerate(names)]
    return np.array(places, dtype=np.int64), np.array([-1 if name.startswith("-") else 1 for name in names], dtype=np.int64)


def _ranges(name: str, rows: Sequence[Mapping[str, str]], codes: tuple[str, ...], decimals: list[int]) -> tuple[Ints, Ints]:
    """Which row of the ranges holds for item, sex and age; and low, high, middle and spread of each row (row 0: of nothing)."""
    bands = np.zeros((len(codes), 2, OLDEST + 1), dtype=np.int64)
    table = [[NO_LOW, NO_HIGH, 0, 0]]
    for entry in read_table(f"{name}_range"):
        place = codes.index(entry["item"])
        for sex in (0, 1):
            if entry["sex"] in ("0", str(sex + 1)):
                bands[place, sex, int(entry["age_from"]) : int(entry["age_to"]) + 1] = len(table)
        table.append(_range(entry, rows[place]["scale"], 10 ** decimals[place]))
    bare = [codes[place] for place, row in enumerate(rows) if row["scale"] != "answers" and not bands[place].all() and not row.get("sums")]
    if bare:
        raise Defect(f"{name}_range.csv: no range for every sex and age of {bare}")
    return bands, np.array(table, dtype=np.int64)


def _range(entry: Mapping[str, str], scale: str, unit: int) -> list[int]:
    low, high = (Fraction(entry[name]) if entry[name] else None for name in ("low", "high"))
    if entry["median"]:
        middle = Fraction(entry["median"])
        spread = Fraction(entry["spread"])
    elif low is None or high is None:
        raise Defect(f"range of {entry['item']}: a median and a spread are needed where an end is open")
    elif scale == "log":
        middle, spread = _of_logarithms(low, high)
    else:
        middle, spread = (low + high) / 2, (high - low) / _WIDTH
    return [
        NO_LOW if low is None else rounded(low * unit),
        NO_HIGH if high is None else rounded(high * unit),
        rounded(middle * unit * 1000),
        rounded(spread if scale == "log" else spread * unit * 1000),
    ]


def _of_logarithms(low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Median and spread (thousandths) of the log-normal distribution whose middle 95 % are a range."""
    with localcontext(prec=24, rounding=ROUND_HALF_EVEN):
        ends = [(Decimal(end.numerator) / Decimal(end.denominator)).ln() for end in (low, high)]
        return Fraction(((ends[0] + ends[1]) / 2).exp()), Fraction((ends[1] - ends[0]) * 1000) / _WIDTH


def _effects(codes: tuple[str, ...], conditions: Sequence[str], follows: Ints, sign: Ints) -> tuple[Ints, Ints]:
    shift = np.zeros((len(conditions) + 1, len(codes)), dtype=np.int64)
    positive = np.full((len(conditions) + 1, len(codes)), NONE, dtype=np.int64)
    for entry in read_table("effect"):
        if entry["item"] not in codes:
            continue
        place, fits = codes.index(entry["item"]), np.flatnonzero(fitting(entry["stems"], conditions))
        if entry["shift"]:
            moved = rounded(Fraction(entry["shift"]) * 1000)
            at = fits[np.abs(shift[fits, place]) < abs(moved)]
            shift[at, place] = moved
        if entry["positive"]:
            positive[fits, place] = np.maximum(positive[fits, place], int(entry["positive"]))
    return np.where(shift == 0, sign * shift[:, follows], shift), positive  # a follower without effects of its own follows there too
