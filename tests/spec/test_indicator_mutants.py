"""Definitions broken on purpose: nearly every broken one turns an example red, so the examples say what the definitions mean.

All broken forms of one definition are worked out beside each other in few passes of an example, under codes of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from suwen.engine.duck import Engine
from suwen.insight.indicator.example import differing, worked_out
from suwen.model.indicator import Base, Expected, Indicator, IndicatorExample, Point
from suwen.packs.loader import load_packs, shipped_packs
from tests.spec.indicator_mutants import Mutant, has_meaning, of_base, of_indicator, of_point

PACKS = load_packs(shipped_packs())
POINTS = {code: point for indicator in PACKS.indicators.values() for code, point in indicator.points.items()}
ASKED = 0.95
FEWEST = 6
AT_ONCE = 40
# What no example can tell apart, and why.
SAME: Mapping[str, str] = {"operation: once 'operation ' to ~": "the word only keeps ids apart from the names of entries; any other does the same"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    found = Engine(threads=1, memory="512MiB", scratch=tmp_path_factory.mktemp("mutants"))
    yield found
    found.close()


def mutants() -> dict[str, list[Mutant]]:
    """Every broken form that `suwen check` would let pass, by the definition it breaks."""
    found: dict[str, list[Mutant]] = {}
    for code, indicator in PACKS.indicators.items():
        found[code] = list(of_indicator(indicator))
    for code, point in POINTS.items():
        found[code] = [one for one in of_point(point, PACKS.bases[point.base]) if one.point and has_meaning(PACKS.bases[point.base], [one.point])]
    for name, base in PACKS.bases.items():
        counted = [point for point in POINTS.values() if point.base == name]
        found[name] = [one for one in of_base(base) if one.base and has_meaning(one.base, counted)]
    return found


def survivors(engine: Engine, broken: Sequence[Mutant]) -> list[Mutant]:
    """Those that turn no example red."""
    alive = list(broken)
    for indicator in PACKS.indicators.values():
        for example in indicator.examples:
            groups = [alive[at : at + AT_ONCE] for at in range(0, len(alive), AT_ONCE)]
            alive = [one for group in groups for one in unnoticed(engine, example, group)]
    return alive


def unnoticed(engine: Engine, example: IndicatorExample, group: Sequence[Mutant]) -> list[Mutant]:
    """Those of which every expectation of an example still holds."""
    made = Made(example)
    owners = [mutant for at, mutant in enumerate(group) for _ in range(made.add(mutant, at))]
    if not owners:
        return list(group)
    everything = replace(next(iter(PACKS.indicators.values())), code="all", points=made.points)
    found = worked_out(engine, replace(example, expect=tuple(made.expect)), {**made.indicators, "all": everything}, made.bases)
    red = {str(owner) for owner, one in zip(owners, found, strict=True) if differing([one])}
    return [mutant for mutant in group if str(mutant) not in red]


class Made:
    """What is worked out of an example: the expectations that broken definitions touch, under codes of their own."""

    def __init__(self, example: IndicatorExample) -> None:
        self.example = example
        self.expect: list[Expected] = []
        self.points: dict[str, Point] = {}
        self.indicators: dict[str, Indicator] = {}
        self.bases: dict[str, Base] = dict(PACKS.bases)

    def add(self, mutant: Mutant, at: int) -> int:
        """How many expectations a broken definition touches."""
        before = len(self.expect)
        for expected in self.example.expect:
            indicator = mutant.indicator if mutant.of == expected.code and mutant.indicator else PACKS.indicators.get(expected.code)
            used = indicator.used if indicator else (expected.code,)
            changed = {code: f"{code}~{at}" for code in used if mutant.of in (code, POINTS[code].base)}
            if not changed and mutant.of != expected.code:
                continue
            for code in used:
                self._take(code, changed.get(code, code), mutant)
            if indicator is not None:
                sides = {side: tuple(changed.get(code, code) for code in getattr(indicator, side)) for side in ("numerator", "denominator")}
                self.indicators[f"{expected.code}~{at}"] = replace(indicator, points={}, **sides)
            self.expect.append(replace(expected, code=f"{expected.code}~{at}"))
        return len(self.expect) - before

    def _take(self, code: str, name: str, mutant: Mutant) -> None:
        point = mutant.point if name != code and mutant.point else POINTS[code]
        if name != code and mutant.base:
            self.bases[f"{point.base}~{name.split('~')[1]}"] = mutant.base
            point = replace(point, base=f"{point.base}~{name.split('~')[1]}")
        self.points[name] = replace(point, code=name)


MUTANTS = mutants()


def test_every_definition_is_broken_in_several_ways() -> None:
    assert set(MUTANTS) == {*PACKS.indicators, *POINTS, *PACKS.bases}
    for code, indicator in PACKS.indicators.items():
        of_it = {code, *indicator.used, *(POINTS[point].base for point in indicator.used)}
        assert sum(len(MUTANTS[one]) for one in of_it) >= FEWEST, code


def test_the_definitions_as_they_are_turn_nothing_red(engine: Engine) -> None:
    whole = [Mutant(name, "as it is", base=base) for name, base in PACKS.bases.items()]
    assert survivors(engine, whole) == whole


def test_nearly_every_broken_definition_turns_an_example_red(engine: Engine) -> None:
    broken = [mutant for found in MUTANTS.values() for mutant in found]
    left = [str(mutant) for mutant in survivors(engine, broken)]
    assert [one for one in left if one not in SAME] == []
    assert [one for one in SAME if one not in left] == []
    assert len(left) <= (1 - ASKED) * len(broken)
