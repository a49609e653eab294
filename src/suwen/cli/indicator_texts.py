"""Indicators as people and programs read them: rows of tables, lines of text, plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from suwen.cli.say import count
from suwen.flow.differences import Difference
from suwen.flow.explanations import ExplainedPoint, Explanation
from suwen.flow.trials import Trial
from suwen.flow.value_records import CountedRecord
from suwen.insight.indicator.decomposition import Effect
from suwen.insight.indicator.value import shown
from suwen.model.indicator import Direction, Indicator, Value
from suwen.model.region import Organisation

_BETTER = {Direction.HIGHER: "higher", Direction.LOWER: "lower", Direction.TARGET: "within its band", Direction.MONITOR: "neither"}
_MORE = 2  # decimals of effects beyond those of the value
MISSING = "missing"


def catalogue_rows(found: Sequence[Indicator]) -> list[tuple[object, ...]]:
    return [(one.code, one.title["en"], one.title["zh"], one.unit["en"], one.period.value, _BETTER[one.direction]) for one in found]


def value_rows(found: Sequence[Value], indicator: Indicator, names: Mapping[str, Organisation]) -> list[tuple[object, ...]]:
    return [
        (
            one.unit,
            names[one.unit].name_en or names[one.unit].name_zh,
            one.span.text,
            _number(one.value, indicator.decimals),
            *(_plain(one.points[code]) for code in indicator.used),
            f"{one.reporting} of {one.expected}{', provisional' if one.provisional else ''}",
        )
        for one in found
    ]


def value_json(one: Value, indicator: Indicator) -> dict[str, object]:
    """A value as plain data; `exact` as a fraction, points as numbers."""
    return {
        "code": one.code,
        "unit": one.unit,
        "period": one.span.text,
        "value": None if one.value is None else float(one.value),
        "shown": None if one.value is None else shown(one.value, indicator.decimals),
        "exact": None if one.value is None else str(one.value),
        "points": {code: None if number is None else _plain(number) for code, number in one.points.items()},
        "reporting": one.reporting,
        "expected": one.expected,
        "provisional": one.provisional,
        "release": one.release,
    }


def difference_rows(found: Difference, indicator: Indicator) -> tuple[list[str], tuple[str, ...], list[tuple[object, ...]]]:
    """Lines above a table, its columns and its rows."""
    before, after = found.before, found.after
    places = indicator.decimals + _MORE
    lines = [
        f"{indicator.code} {indicator.title['en']}, {before.unit}: {_number(before.value, places)} in {before.span.text}, "
        f"{_number(after.value, places)} in {after.span.text} ({indicator.unit['en']})"
    ]
    if found.change is None:
        return [*lines, "a value is missing, so nothing can be said of the change"], (), []
    ratio = bool(indicator.denominator)
    columns = ("part", "name", before.span.text, after.span.text, *(("rate effect", "mix effect") if ratio else ()), "effect")
    rows: list[tuple[object, ...]] = [(one.part or "-", _label(found, one.part), *_effect(one, indicator, places)) for one in found.effects]
    total = sum((one.whole for one in found.effects), Fraction(0))
    return [*lines, f"the effects add up to {shown(total, places)}"], columns, rows


def _effect(one: Effect, indicator: Indicator, places: int) -> tuple[str, ...]:
    if not indicator.denominator:
        own = [shown(indicator.factor * side.numerator, indicator.decimals) for side in (one.before, one.after)]
        return (*own, shown(one.whole, places))
    own = [shown(indicator.factor * side.numerator / side.denominator, places) if side.denominator else MISSING for side in (one.before, one.after)]
    return (*own, shown(one.rate, places), shown(one.mix, places), shown(one.whole, places))


def _label(found: Difference, part: str) -> str:
    label = found.labels.get(part, {})
    return label.get("en") or label.get("zh", "")


def difference_json(found: Difference, indicator: Indicator) -> dict[str, object]:
    return {
        "before": value_json(found.before, indicator),
        "after": value_json(found.after, indicator),
        "change": None if found.change is None else str(found.change),
        "by": found.by,
        "effects": [
            {
                "part": one.part,
                "label": found.labels.get(one.part, {}),
                "before": {"numerator": _plain(one.before.numerator), "denominator": _plain(one.before.denominator)},
                "after": {"numerator": _plain(one.after.numerator), "denominator": _plain(one.after.denominator)},
                "rate": str(one.rate),
                "mix": str(one.mix),
                "effect": str(one.whole),
            }
            for one in found.effects
        ],
    }


def record_rows(found: Sequence[CountedRecord], points: Sequence[str]) -> list[tuple[object, ...]]:
    return [(one.day, one.organisation, one.table, one.id, *(_decimal(one.points.get(code)) for code in points)) for one in found]


def record_json(one: CountedRecord) -> dict[str, object]:
    return {
        "table": one.table,
        "id": one.id,
        "organisation": one.organisation,
        "day": one.day,
        "person_id": one.person_id,
        "points": one.points,
        "key": one.key,
    }


def explained(found: Explanation) -> Iterator[str]:
    """An indicator and its points as lines."""
    one = found.indicator
    yield f"{one.code} {one.title['en']} {one.title['zh']}, {one.unit['en']}"
    yield f"  {one.definition['en']}"
    yield f"  {one.definition['zh']}"
    over = f" / ({' + '.join(one.denominator)})" if one.denominator else ""
    yield f"  = {f'{one.factor} * ' if one.factor != 1 else ''}({' + '.join(one.numerator)}){over}"
    yield f"  source: {one.source.citation}, {one.source.version} ({one.source.standing}); declared at {one.place}"
    for point in found.points:
        yield from _explained_point(point)


def _explained_point(one: ExplainedPoint) -> Iterator[str]:
    yield ""
    yield f"{one.point.code} {one.point.title['en']} {one.point.title['zh']}: {one.point.kind.value} over {one.base.name}"
    yield f"  {one.point.definition['en']}"
    yield f"  {one.base.definition['en']}"
    yield f"  declared at {one.place}"
    yield from (f"  {line}" for line in one.sql.splitlines())
    yield "  columns, and where the templates in use take them from"
    for column in one.columns:
        yield f"    {column.table}.{column.column}"
        yield from (f"      {source.place} {source.target}: {source.expression}  [{', '.join(source.columns)}]" for source in column.sources)


def trial_lines(found: Trial) -> Iterator[str]:
    """A trial as lines."""
    one = found.indicator
    yield f"{one.code} {one.title['en']}, {one.unit['en']}{', in the place of the one in force' if found.replaces else ''}"
    width = max((len(_number(value.value, one.decimals)) for value in found.values), default=0)
    for value in found.values:
        yield f"  {value.unit}  {value.span.text}  {_number(value.value, one.decimals):>{width}}  ({value.reporting} of {value.expected} report)"
    for code, sql in found.sql.items():
        yield f"{code}"
        yield from (f"  {line}" for line in sql.splitlines())
    yield f"{count(len(found.samples), 'row')} that count{'s' if len(found.samples) == 1 else ''} in the last month with a value, without texts and persons"
    for sample in found.samples:
        yield "  " + "  ".join(f"{name} {_cell(value)}" for name, value in sample.items())
    yield "examples: not all hold" if found.wrong else f"examples: all {len(one.examples)} hold"
    yield from (f"  {line}" for problem in found.wrong for line in str(problem).splitlines())
    yield f"cost: {count(found.rows, 'row')} looked at, {count(found.counted, 'record')} counted, {found.seconds:.2f} s"


def trial_json(found: Trial) -> dict[str, object]:
    return {
        "code": found.indicator.code,
        "replaces": found.replaces,
        "values": [value_json(one, found.indicator) for one in found.values],
        "sql": found.sql,
        "samples": found.samples,
        "rows": found.rows,
        "counted": found.counted,
        "seconds": found.seconds,
        "wrong": [{"where": str(problem.place), "what": problem.what, "expected": problem.expected} for problem in found.wrong],
    }


def _cell(value: object) -> str:
    return "null" if value is None else format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def _decimal(value: Decimal | None) -> str:
    return "" if value is None else _cell(value)


def _number(value: Fraction | None, decimals: int) -> str:
    return MISSING if value is None else shown(value, decimals)


def _plain(number: Fraction | None) -> int | float | str:
    """A point as a number: whole, or with the decimals that it has."""
    if number is None:
        return MISSING
    return int(number) if number.denominator == 1 else float(number)
