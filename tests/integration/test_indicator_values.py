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
from tests.integration.indicator_reasons import Region, befallen, changed_rows
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
                sent = reporting.get((unit, span), 0)
                assert sent == truth.reporting(unit, span.first, span.after)
                zero: Fraction | None = None if code == "EF01.02" else Fraction(0)
                assert (numbers.get((unit, span), {}).get(code, zero) if sent else None) == expected, (unit, span.text)


def test_a_patient_who_crosses_hospitals_is_counted_once_above(answers: Answers) -> None:
    year = spans(Period.YEAR, FIRST, LAST)
    totals: Mapping[str, Fraction] = {}
    for level in ("hospital", "province"):
        units = answers.tree.units_of(level, year)
        numbers, _ = answers.numbers(["SV02.04"], [(unit, kin) for unit in units for kin in answers.tree.below(unit)], year)
        totals = {**totals, level: sum((of["SV02.04"] for of in numbers.values()), Fraction(0))}
    assert totals["province"] < totals["hospital"]


REFUSING = (
    "extra-field",
    "missing-field",
    "invalid-byte",
    "nul-byte",
    "empty-key",
    "patient-unknown",
    "patient-empty",
    "date-impossible",
    "date-empty",
    "hour-24",
)
CLINIC = (9202, 9203)
CHANGED = ("CE01", "CE02", "CE02D")  # a record that others refer to is never refused, so no visit is lost, and these change by their charges


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """The same region, in which one record in fifty cannot be taken."""
    folder = tmp_path_factory.mktemp("spoilt")
    profile = folder / "profile.toml"
    profile.write_text("[rates]\n" + "".join(f"{kind} = 0.01\n" for kind in REFUSING), encoding="utf-8")
    province = folder / "province"
    asked = ["--hospitals", "6", "--persons", "900", "--years", "1", "--seed", "1", "--defects", str(profile)]
    assert main(["simulate", str(province), *asked]) == 0
    assert main(["land", "--manifest", str(province / "exports" / "deliveries.csv"), "--region", str(province / "region")]) == 0
    assert main(["run", "--region", str(province / "region")]) == 0
    return Region(province)


@pytest.fixture(scope="module")
def clean(landed: Path) -> Region:
    return Region(landed)


def test_every_row_that_defects_change_is_made_of_a_record_that_is_quarantined_or_held(clean: Region, spoilt: Region) -> None:
    changed = list(changed_rows(clean, spoilt))
    assert len(changed) > 100
    for table, row_id, row in changed:
        assert clean.made_of(table, row_id, row) & spoilt.refused, (table, row_id)


def test_money_that_is_not_counted_is_that_of_charges_which_the_ledger_refuses(clean: Region, spoilt: Region, truth: IndicatorTruth) -> None:
    """By hospital: the truth of clinic visits less the value is what the refused charges say; these are as many as the books have refused."""
    after = spoilt.rows("cost")
    gone = [row for row_id, row in clean.rows("cost").items() if row_id not in after]
    assert len(gone) > 50
    year = spans(Period.YEAR, FIRST, LAST)[0]
    hospitals = spoilt.answers.tree.units_of("hospital", [year])
    numbers, _ = spoilt.answers.numbers(["CE01.01"], [(unit, kin) for unit in hospitals for kin in spoilt.answers.tree.below(unit)], [year])
    for unit in hospitals:
        expected = truth.point("CE01.01", unit, year.first, year.after)
        assert expected is not None
        own = [(row, clean.visits[row["cost_event_id"]]) for row in gone if _of(clean, row) == unit]
        clinic = [row for row, visit in own if visit["visit_concept_id"] in CLINIC and visit["visit_start_date"].year == 2025]
        assert expected - numbers[unit, year]["CE01.01"] == sum((Fraction(row["total_charge"]) for row in clinic), Fraction(0)), unit
        assert len(own) == sum(n for label, n in spoilt.opened.release.totals.items() if _refuses_charges(spoilt, label) == unit)


def _refuses_charges(region: Region, label: str) -> str:
    """The hospital in whose books a line tells of charges that are quarantined or held, or that the reader rejects; "" of any other line."""
    feed, kind, target, state = label.split("|")
    template = region.answers.packs.templates[region.opened.region.feeds[feed].template]
    tables = {one.table for one in template.targets.values() if one.source == kind and target in (one.name, "")}
    return region.opened.region.feeds[feed].organisation if "cost" in tables and state in ("quarantined", "held") else ""


def _of(region: Region, row: Mapping[str, object]) -> str:
    feed, _ = region.files[int(str(row["_receipt"]))]
    return region.opened.region.feeds[feed].organisation


@pytest.mark.parametrize("code", FORMULAS)
def test_what_an_indicator_counts_otherwise_is_of_visits_and_humans_with_refused_records(code: str, clean: Region, spoilt: Region) -> None:
    visits, humans = befallen(clean, list(changed_rows(clean, spoilt)))
    before, after = clean.counted(code, "2025"), spoilt.counted(code, "2025")
    other = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    assert before and (other or code not in CHANGED)
    for table, row_id in other:
        rows = clean.rows(table) if table != "visit_occurrence" else clean.visits
        row = rows[row_id]
        assert row["visit_occurrence_id"] in visits or clean.masters[row["person_id"]] in humans, (table, row_id)
