"""The examples of indicators run: all that ship hold, and an expectation that does not is told with file and line."""

from dataclasses import replace
from fractions import Fraction

import pytest

from suwen.flow.check_indicators import run_indicator_examples
from suwen.packs.loader import load_packs, shipped_packs

SHIPPED = load_packs(shipped_packs())
TEN = ("SV01", "SV02", "SV03", "EF01", "QS01M", "QS02", "QS03", "CE01", "CE02", "CE02D")


def test_the_ten_come_with_suwen() -> None:
    assert set(SHIPPED.indicators) == set(TEN)


@pytest.mark.parametrize("code", SHIPPED.indicators)
def test_the_examples_of_a_shipped_indicator_hold(code: str) -> None:
    examples = SHIPPED.indicators[code].examples
    assert len(examples) >= 2
    assert any(example.boundary for example in examples)
    assert [str(problem) for problem in run_indicator_examples(SHIPPED, [code])] == []


def test_every_wrong_value_is_told_where_it_stands() -> None:
    wrong, places = {}, set()
    for code in ("SV01", "EF01", "CE02D"):
        indicator = SHIPPED.indicators[code]
        examples = []
        for example in indicator.examples:
            spoilt = [replace(one, value=None if one.value else "7") if at % 2 else replace(one, value="987654321/7") for at, one in enumerate(example.expect)]
            places |= {one.place for one in spoilt}
            examples.append(replace(example, expect=tuple(spoilt)))
        wrong[code] = replace(indicator, examples=tuple(examples))
    found = run_indicator_examples(replace(SHIPPED, indicators={**SHIPPED.indicators, **wrong}), list(wrong))
    assert {problem.place for problem in found} == places
    assert all(problem.what.startswith('example "') and problem.expected for problem in found)


def test_every_point_is_expected_of_some_example() -> None:
    expected = {one.code for indicator in SHIPPED.indicators.values() for example in indicator.examples for one in example.expect}
    expected |= {code for indicator in SHIPPED.indicators.values() if indicator.code in expected for code in indicator.used}
    assert {code for indicator in SHIPPED.indicators.values() for code in indicator.points} <= expected


def test_a_value_is_exact() -> None:
    third = next(e for example in SHIPPED.indicators["CE02D"].examples for e in example.expect if e.value == "100/3")
    spoilt = replace(SHIPPED.indicators["CE02D"].examples[1], expect=(replace(third, value="33.333333333333333"),))
    packs = replace(SHIPPED, indicators={**SHIPPED.indicators, "CE02D": replace(SHIPPED.indicators["CE02D"], examples=(spoilt,))})
    (problem,) = run_indicator_examples(packs, ["CE02D"])
    assert str(Fraction(100, 3)) in problem.what
