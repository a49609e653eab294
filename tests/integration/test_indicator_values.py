"""The ten indicators of a clean region, at every level and in every period, are the simulator's truth exactly; a reorganisation and a closure are inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from suwen.cli.main import main
from suwen.flow.answers import Answers
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.insight.indicator.value import spans
from suwen.model.indicator import Period
from tests.integration.indicator_truth import FORMULAS, POINTS, IndicatorTruth
from tests.integration.simulated import simulate

FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = simulate(tmp_path_factory.mktemp("clean") / "province", 6, 900)
    assert main(["land", "--manifest", str(folder / "exports" / "deliveries.csv"), "--region", str(folder / "region")]) == 0
    assert main(["run", "--region", str(folder / "region")]) == 0
    return folder


@pytest.fixture(scope="module")
def truth(landed: Path) -> IndicatorTruth:
    return IndicatorTruth(landed)


@pytest.fixture(scope="module")
def answers(landed: Path) -> Iterator[Answers]:
    with Answers(OpenRelease(open_region(landed / "region"))) as found:
        yield found


def test_a_reorganisation_and_a_closure_are_inside(answers: Answers) -> None:
    changes = [day for day in answers.tree.changes if FIRST < day < LAST]
    moved = [one for one in answers.tree.history if one.valid_from in changes]
    closed = [one for one in answers.tree.history if one.valid_to and not any(m.organisation_id == one.organisation_id for m in moved)]
    assert moved and closed and moved[0].valid_from.day != 1
    assert answers.tree.levels == ("province", "city", "district", "hospital")


def test_the_catalogue_is_the_ten(answers: Answers) -> None:
    assert set(answers.catalogue) == set(FORMULAS)


@pytest.mark.parametrize("period", [Period.MONTH, Period.QUARTER, Period.YEAR, Period.DAY])
@pytest.mark.parametrize("code", FORMULAS)
def test_every_level_in_every_period(code: str, period: Period, answers: Answers, truth: IndicatorTruth) -> None:
    """Days only of the hospitals and the province, and of two months; the others follow from the same cells."""
    wanted = spans(period, FIRST, LAST)
    levels = answers.tree.levels
    if period is Period.DAY:
        wanted, levels = wanted[150:180], ("province", "hospital")
    for level in levels:
        found = {(one.unit, one.span.text): one.value for one in answers.values(code, wanted, level=level)}
        expected = {(unit, span.text): truth.value(code, unit, span.first, span.after) for unit in truth.units.of_level(level) for span in wanted}
        assert {key: expected[key] for key in found} == found
        assert all(value is None for key, value in expected.items() if key not in found)  # a unit that was not there yet, or no more


@pytest.mark.parametrize("code", POINTS)
def test_every_point_by_month_and_unit(code: str, answers: Answers, truth: IndicatorTruth) -> None:
    months = spans(Period.MONTH, FIRST, LAST)
    for level in answers.tree.levels:
        units = answers.tree.units_of(level, months)
        numbers, reporting = answers.numbers([code], [(unit, kin) for unit in units for kin in answers.tree.below(unit)], months)
        for unit in units:
            for span in months:
                expected = truth.point(code, unit, span.first, span.after)
                sent = reporting.get((unit, span.first), 0)
                assert sent == truth.reporting(unit, span.first, span.after)
                zero: Fraction | None = None if code == "EF01.02" else Fraction(0)
                assert (numbers.get((unit, span.first), {}).get(code, zero) if sent else None) == expected, (unit, span.text)


def test_a_patient_who_crosses_hospitals_is_counted_once_above(answers: Answers) -> None:
    year = spans(Period.YEAR, FIRST, LAST)
    totals: Mapping[str, Fraction] = {}
    for level in ("hospital", "province"):
        units = answers.tree.units_of(level, year)
        numbers, _ = answers.numbers(["SV02.04"], [(unit, kin) for unit in units for kin in answers.tree.below(unit)], year)
        totals = {**totals, level: sum((of["SV02.04"] for of in numbers.values()), Fraction(0))}
    assert totals["province"] < totals["hospital"]
