"""Why an indicator changed between two periods: its difference parted by the units below, or by groups of patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from suwen.base.errors import SuwenError
from suwen.engine.sql import Tree, statement, text, union_all
from suwen.flow.answers import Answers
from suwen.flow.base_rows import counted_rows
from suwen.flow.value_records import cells_of_period, inside_of
from suwen.insight.indicator.cells import ADDING
from suwen.insight.indicator.decomposition import Effect, Share, decomposed
from suwen.model.indicator import Breakdown, Count, Indicator, Point, Span, Value
from suwen.packs.problem import nearest

UNIT = "unit"


@dataclass(frozen=True)
class Difference:
    """Two values of a unit, their difference, and the effects that add up to it; none where a value is missing. `labels`: part -> name by language."""

    before: Value
    after: Value
    by: str
    effects: tuple[Effect, ...]
    labels: Mapping[str, Mapping[str, str]]

    @property
    def change(self) -> Fraction | None:
        """The later value less the earlier."""
        return None if self.before.value is None or self.after.value is None else self.after.value - self.before.value


def decompose(answers: Answers, code: str, unit: str, before: Span, after: Span, by: str = UNIT) -> Difference:
    """What each part did to the change of a value from one period to another. `by`: "unit", or the name of a breakdown.

    Raises SuwenError where the indicator is a median or counts persons, which are not sums of parts.
    """
    indicator = answers.indicator(code)
    others = [point for point in indicator.used if answers.points[point].kind not in ADDING]
    if others:
        kind = "a median" if answers.points[others[0]].kind is Count.MEDIAN else "a number of persons"
        raise SuwenError(f"{code} holds {kind}, which is no sum of parts", where=others[0], expected="an indicator of points that are counted or summed")
    values = [answers.values(code, [span], unit=unit)[0] for span in (before, after)]
    shares, labels = _by_unit(answers, indicator, unit, before, after) if by == UNIT else _by_group(answers, indicator, unit, before, after, by)
    known = all(value.value is not None for value in values)
    effects = decomposed(*shares, ratio=bool(indicator.denominator), factor=indicator.factor) if known else None
    return Difference(values[0], values[1], by, effects or (), labels)


Parted = tuple[tuple[Mapping[str, Share], Mapping[str, Share]], Mapping[str, Mapping[str, str]]]


def _by_unit(answers: Answers, indicator: Indicator, unit: str, before: Span, after: Span) -> Parted:
    """By the units of the nearest level below that has more than one, and those above where they send visits of their own."""
    pairs = answers.tree.parts(unit)
    found: list[dict[str, Share]] = []
    for span in (before, after):
        numbers, _ = answers.numbers(indicator.used, pairs, [span])
        found.append({part: _share(indicator, of) for (part, _), of in numbers.items()})
    names = answers.tree.names
    labels = {part: {"en": names[part].name_en, "zh": names[part].name_zh} for part in {*found[0], *found[1]}}
    return (found[0], found[1]), labels


def _share(indicator: Indicator, numbers: Mapping[str, Fraction]) -> Share:
    nothing = Fraction(0)
    return Share(
        sum((numbers.get(code, nothing) for code in indicator.numerator), nothing), sum((numbers.get(code, nothing) for code in indicator.denominator), nothing)
    )


def _by_group(answers: Answers, indicator: Indicator, unit: str, before: Span, after: Span, name: str) -> Parted:
    """By groups of patients, counted in the rows of both periods."""
    breakdown = answers.packs.breakdowns.get(name)
    if breakdown is None:
        known = (UNIT, *answers.packs.breakdowns)
        raise SuwenError(f'there is no breakdown "{name[:60]}"', expected=f"one of {', '.join(known)}", do=nearest(name, known))
    found: list[dict[str, Share]] = []
    for span in (before, after):
        found.append({group: _share(indicator, of) for group, of in _of_groups(answers, indicator, unit, span, breakdown).items()})
    labels = {**breakdown.labels, "": {"en": "all others", "zh": "其他"}}
    return (found[0], found[1]), {group: labels[group] for group in {*found[0], *found[1]}}


def _of_groups(answers: Answers, indicator: Indicator, unit: str, span: Span, breakdown: Breakdown) -> dict[str, dict[str, Fraction]]:
    """Group -> point -> number, of one unit and period."""
    by_base: dict[str, list[Point]] = {}
    for point in (answers.points[code] for code in indicator.used):
        by_base.setdefault(point.base, []).append(point)
    queries = [query for _, points in sorted(by_base.items()) for query in _counts(answers, points, span, breakdown)]
    found: dict[str, dict[str, Fraction]] = {}
    with answers.asked([(unit, kin) for kin in answers.tree.below(unit)]) as (engine, units):
        whole = statement(
            """select x.code, x.part, sum(x.number) as number from {x} x
            join {u} w on w.organisation = x.organisation and x.day >= w.first and x.day < w.after group by all""",
            x=union_all(queries), u=units,
        )  # fmt: skip
        for code, part, number in engine.rows(whole):
            found.setdefault(part, {})[code] = Fraction(number)
    return found


def _counts(answers: Answers, points: Sequence[Point], span: Span, breakdown: Breakdown) -> list[Tree]:
    """(organisation, day, code, part, number) of one base's rows."""
    base = answers.packs.bases[points[0].base]
    rows = counted_rows(answers, base, points, touched=cells_of_period(answers, [point.code for point in points], span), breakdowns=(breakdown,))
    inside = statement("select * from {r} r where {inside}", r=rows, inside=inside_of(span))
    return [
        statement(
            "select organisation, day, {code} as code, b_0 as part, sum(coalesce({v}, 1))::DECIMAL(38,8) as number from {r} r where {n} group by all",
            code=text(point.code), v=f"v_{at}", n=f"n_{at}", r=inside,
        )
        for at, point in enumerate(points)
    ]  # fmt: skip
