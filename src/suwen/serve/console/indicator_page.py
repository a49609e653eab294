"""What an indicator's page shows of one unit and period: its value, its course, how units compare, and why it changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from suwen.base.errors import SuwenError
from suwen.flow.answers import Answers
from suwen.flow.differences import decompose
from suwen.insight.indicator.control import Limits, individuals, shares
from suwen.insight.indicator.decomposition import Effect
from suwen.insight.indicator.value import moved, span, span_of, year_before
from suwen.model.indicator import Count, Direction, Indicator, Period, Span, Value
from suwen.serve.console.figures import Bar, bars, steps

LENGTHS: Mapping[Period, int] = {Period.DAY: 62, Period.MONTH: 24, Period.QUARTER: 12, Period.YEAR: 6}  # periods in a course
BAR = 160  # width of the bars of a comparison


def newest_whole(period: Period, day: date, ahead: int = 0) -> Span:
    """The last period of a kind that had come to its end some days `ahead` of a day."""
    day -= min(timedelta(ahead), day - date.min)
    found = span_of(day, period)
    return found if found.after <= day + timedelta(days=1) else moved(found, -1)


def spans_until(last: Span) -> tuple[Span, ...]:
    """So many periods as a course has, in order, the given one the last."""
    return tuple(moved(last, -by) for by in range(LENGTHS[last.period] - 1, -1, -1))


@dataclass(frozen=True)
class Asked:
    """What a page asks: the indicator, unit and period, and the period it is held against."""

    indicator: Indicator
    unit: str
    span: Span
    against: Span


def asked(answers: Answers, code: str, unit: str, period: str, against: str) -> Asked:
    """The question of an address; what it leaves open is the newest whole period, and the same a year before. Raises SuwenError for one that has no answer."""
    indicator = answers.indicator(code)
    answers.tree.unit(unit)
    day = answers.until
    if day is None and not period:
        raise SuwenError("nothing has come yet from which a value could be made", expected="a release with records")
    chosen = span(period) if period else newest_whole(indicator.period, day or date.min, indicator.ahead)
    before = _year_before(chosen)
    other = span(against) if against else before
    return Asked(indicator, unit, chosen, other if other.period is chosen.period else before)


def _year_before(chosen: Span) -> Span:
    """The same period a year before. Raises SuwenError for one so early that the calendar has no room for it or for a course."""
    try:
        spans_until(chosen)
        return year_before(chosen)
    except (ValueError, OverflowError):
        raise SuwenError(f'"{chosen.text}" lies too early', expected="a period with others before it") from None


@dataclass(frozen=True)
class Change:
    """How a value moved: by how much, whether that is good, bad or neither by the indicator's direction, and whether in points of per cent.

    A provisional value is neither, since more may come.
    """

    by: Fraction
    grade: str
    points: bool


def change(indicator: Indicator, before: Value | None, after: Value) -> Change | None:
    """The change between two values; None where one is missing."""
    if before is None or before.value is None or after.value is None:
        return None
    by = after.value - before.value
    rising = indicator.direction is Direction.HIGHER
    graded = indicator.direction in (Direction.HIGHER, Direction.LOWER) and by != 0 and not (before.provisional or after.provisional)
    return Change(by, ("good" if (by > 0) is rising else "bad") if graded else "", indicator.unit.get("en") == "%")


@dataclass(frozen=True)
class Course:
    """The values of a unit over periods, with control limits, reckoned from all of them, where that can be done."""

    values: tuple[Value, ...]
    limits: Limits | None

    @property
    def rows(self) -> tuple[tuple[Value, float | None, float | None], ...]:
        """(value, lower limit, upper limit), the newest first."""
        nothing = (None,) * len(self.values)
        low, high = (self.limits.low, self.limits.high) if self.limits else (nothing, nothing)
        return tuple(reversed(list(zip(self.values, low, high, strict=True))))

    @property
    def last(self) -> Value:
        """The value of the last period."""
        return self.values[-1]


def course(answers: Answers, indicator: Indicator, unit: str, last: Span) -> Course:
    """The course up to a period, from the first in which anybody reported."""
    every = answers.values(indicator.code, spans_until(last), unit=unit)
    values = every[next((at for at, one in enumerate(every) if one.reporting), len(every) - 1) :]
    return Course(values, _limits(answers, indicator, values))


def _limits(answers: Answers, indicator: Indicator, values: Sequence[Value]) -> Limits | None:
    """Limits of a share where the formula counts the same rows twice, all and those with a mark; else of single values."""
    parts, wholes = [_summed(one, indicator.numerator) for one in values], [_summed(one, indicator.denominator) for one in values]
    if _is_share(answers, indicator) and all(a is None or b is None or a <= b for a, b in zip(parts, wholes, strict=True)):
        return shares([None if a is None else int(a) for a in parts], [None if b is None else int(b) for b in wholes], indicator.factor)
    return individuals([one.value for one in values])


def _is_share(answers: Answers, indicator: Indicator) -> bool:
    """Whether numerator and denominator both count rows of one base."""
    points = [answers.points[code] for code in indicator.used]
    return bool(indicator.denominator) and all(one.kind is Count.COUNT for one in points) and len({one.base for one in points}) == 1


def _summed(one: Value, points: Sequence[str]) -> Fraction | None:
    """The sum of points of a value; None where one is missing, or there are none."""
    known = [one.points[code] for code in points]
    return sum((number for number in known if number is not None), Fraction(0)) if known and None not in known else None


@dataclass(frozen=True)
class Row:
    """One unit of a comparison: its value, what that changed since the other period, and its bar."""

    value: Value
    before: Value
    change: Change | None
    bar: Bar | None


@dataclass(frozen=True)
class Comparison:
    """The units directly below one, the greatest value first; `zero` and `mark`: where zero and the upper unit's value lie under the bars."""

    rows: tuple[Row, ...]
    zero: float
    mark: float | None


def children(answers: Answers, unit: str, wanted: Span) -> tuple[str, ...]:
    """Who lies directly below a unit on some day of a period."""
    return tuple(sorted({kin.descendant for kin in answers.tree.below(unit) if kin.depth == 1 and kin.first < wanted.after and kin.after > wanted.first}))


def comparison(answers: Answers, question: Asked, own: Fraction | None) -> Comparison:
    """The units below the one that is asked about, each as its own page shows it."""
    units = children(answers, question.unit, question.span)
    found = answers.values(question.indicator.code, (question.span, question.against), units=units) if units else ()
    pairs = sorted(
        ((found[at], found[at + 1]) for at in range(0, len(found), 2)), key=lambda pair: (pair[0].value is None, -(pair[0].value or 0), pair[0].unit)
    )
    values = [after.value for after, _ in pairs]
    additive = not question.indicator.denominator
    zero, drawn = bars([*values, None if additive else own], BAR)
    rows = tuple(Row(after, before, change(question.indicator, before, after), bar) for (after, before), bar in zip(pairs, drawn[:-1], strict=True))
    mark = drawn[-1]
    return Comparison(rows, zero, None if mark is None else round(mark.x if mark.negative else mark.x + mark.width, 2))


@dataclass(frozen=True)
class Tile:
    """One area on the map: its value and the class of its colour."""

    value: Value
    step: int | None


@dataclass(frozen=True)
class Group:
    """Areas that lie together, under the unit above them."""

    unit: str
    tiles: tuple[Tile, ...]

    def among(self, units: Collection[str]) -> Group:
        """The areas that are some of these."""
        return Group(self.unit, tuple(tile for tile in self.tiles if tile.value.unit in units))


def tile_map(answers: Answers, question: Asked) -> tuple[Group, ...]:
    """The lowest areas below a unit, those that institutions lie in, grouped by what lies above; () where the unit is one itself."""
    wanted = question.span
    below = {kin.descendant for kin in answers.tree.below(question.unit) if kin.depth and kin.first < wanted.after and kin.after > wanted.first}
    over = {unit: children(answers, unit, wanted) for unit in sorted(below)}
    areas = [unit for unit, held in over.items() if held and not any(over.get(child) for child in held)]
    found = answers.values(question.indicator.code, (wanted,), units=areas) if areas else ()
    above = {child: unit for unit, held in {question.unit: children(answers, question.unit, wanted), **over}.items() for child in held}
    groups: dict[str, list[Tile]] = {}
    for value, step in zip(found, steps([one.value for one in found]), strict=True):
        groups.setdefault(above.get(value.unit, ""), []).append(Tile(value, step))
    return tuple(Group(unit, tuple(tiles)) for unit, tiles in sorted(groups.items()))


@dataclass(frozen=True)
class Part:
    """One part of a change: a unit or a group of patients with its names, what it held before and after, its effects and their bar."""

    part: str
    labels: Mapping[str, str]
    effect: Effect
    bar: Bar | None


@dataclass(frozen=True)
class Why:
    """A change parted: the parts with the greatest effect first, and the sums, which add up to the difference exactly. `zero`: where zero lies."""

    by: str
    parts: tuple[Part, ...]
    rate: Fraction
    mix: Fraction
    zero: float
    summable: bool = True

    @property
    def whole(self) -> Fraction:
        """The difference between the two values."""
        return self.rate + self.mix


def why(answers: Answers, question: Asked, by: str, open_units: Collection[str]) -> Why:
    """Why a value changed, by units below (`unit`; those not open are one part) or a breakdown; without parts where a value is missing or no sum of parts."""
    if any(answers.points[code].kind not in (Count.COUNT, Count.SUM) for code in question.indicator.used):
        return Why(by, (), Fraction(0), Fraction(0), 0, summable=False)
    found = decompose(answers, question.indicator.code, question.unit, question.against, question.span, by, within=open_units)
    zero, drawn = bars([effect.whole for effect in found.effects], BAR)
    parts = tuple(Part(effect.part, found.labels.get(effect.part, {}), effect, bar) for effect, bar in zip(found.effects, drawn, strict=True))
    nothing = Fraction(0)
    return Why(by, parts, sum((e.rate for e in found.effects), nothing), sum((e.mix for e in found.effects), nothing), zero)
