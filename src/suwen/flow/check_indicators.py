"""The meaning of bases, points and breakdowns, held against the tables they count; and their examples, worked out and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.engine.compile import compile_expression
from suwen.engine.opening import EXAMPLES, open_engine
from suwen.engine.port import Engine
from suwen.insight.indicator.example import differing, worked_out
from suwen.insight.indicator.meaning import Item, breakdown_context, items
from suwen.insight.indicator.value import shown
from suwen.model.region import Settings
from suwen.packs.loader import Packs
from suwen.packs.problem import Problem, Problems

_PLACES = 9
Proven = set[tuple[object, ...]]


def check_indicators(packs: Packs, problems: Problems, proven: Proven) -> None:
    """Every expression of every base, of the points that count its rows, and of every breakdown. `proven` as in `check`."""
    points = [point for indicator in packs.indicators.values() for point in indicator.points.values()]
    for base in packs.bases.values():
        for item in items(base, [point for point in points if point.base == base.name]):
            _prove(item, (base.name, *base.concepts), problems, proven)
    for breakdown in packs.breakdowns.values():
        _prove(Item(breakdown.value, "text", breakdown_context()), (), problems, proven)


def _prove(item: Item, about: tuple[object, ...], problems: Problems, proven: Proven) -> None:
    """Compile one expression, unless the same one compiled before and saw the same."""
    key = (item.expression.text, item.expected, about, tuple(item.context.columns.items()))
    if key in proven:
        return
    try:
        compile_expression(item.expression, item.context, item.expected)
    except SuwenError as error:
        problems.add_error(error, item.expression.place.file)
    else:
        proven.add(key)


def run_indicator_examples(packs: Packs, codes: Iterable[str] | None = None, settings: Settings = EXAMPLES) -> list[Problem]:
    """Every expectation that does not hold, sorted by file and line; of all indicators, or of those named. The packs must have passed `check`."""
    wanted = list(packs.indicators if codes is None else codes)
    problems = Problems()
    if not wanted:
        return []
    with tempfile.TemporaryDirectory(prefix="suwen-examples-") as scratch:
        engine = open_engine(settings, Path(scratch))
        try:
            for code in wanted:
                _run(engine, packs, code, problems)
        finally:
            engine.close()
    return sorted(set(problems))


def _run(engine: Engine, packs: Packs, code: str, problems: Problems) -> None:
    for example in packs.indicators[code].examples:
        try:
            found = differing(worked_out(engine, example, packs.indicators, packs.bases))
        except SuwenError as error:
            problems.add_error(error, example.place.file)
            continue
        for expected, came in found:
            what = f'example "{example.name}": {expected.code} of {expected.unit} in {expected.period} is {_shown(came)}'
            problems.add(expected.place, what, expected=_shown(None if expected.value is None else Fraction(expected.value)))


def _shown(value: Fraction | None) -> str:
    """A value as examples write it: a decimal where it is one of few places, else a fraction."""
    if value is None:
        return "missing"
    places = next((at for at in range(_PLACES) if (value * 10**at).denominator == 1), None)
    return str(value) if places is None else shown(value, places)
