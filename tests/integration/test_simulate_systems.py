"""What the simulated systems write, landed and run: the rows equal the events they were written from, all at once and day by day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.flow.reader import OpenRelease
from suwen.flow.run import run
from suwen.simulate.dialects.systems import SYSTEMS
from suwen.simulate.export import Export
from suwen.simulate.shapes import NONE, Ints
from suwen.simulate.timetable import Timetable
from tests.integration.own_regions import land_all, of_export
from tests.unit.simulate import tiny


def arrived(folder: Path, base: int | None) -> OpenRelease:
    (folder / "export").mkdir(parents=True)
    made = Export(folder / "export", tiny.lexicon(), list(SYSTEMS.values()), Timetable(tiny.LAST_DAY, base))
    made.write(tiny.block())
    made.finish()
    region = of_export(folder / "region", folder / "export")
    land_all(region, folder / "export", made.deliveries)
    run(region)
    return OpenRelease(region)


# All at once is what test_simulate_clean lands, a larger region; here it is for the nights.
SENT = [pytest.param(None, id="at once", marks=pytest.mark.deep), pytest.param(tiny.LAST_DAY - 12, id="day by day")]


@pytest.fixture(scope="module", params=SENT)
def release(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OpenRelease:
    return arrived(tmp_path_factory.mktemp("systems"), request.param)


def moments(seconds: Ints) -> list[datetime | None]:
    return [None if second == NONE else datetime.fromtimestamp(second, UTC).replace(tzinfo=None) for second in seconds.tolist()]


def rows(release: OpenRelease, sql: str) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row.values()) for row in release.query(sql).to_pylist())


def test_visits(release: OpenRelease) -> None:
    visit = tiny.block().rows["visit"]
    expected = Counter(zip(moments(visit["start"]), moments(visit["end"]), strict=True))
    assert rows(release, "select visit_start_datetime as s, visit_end_datetime as e from cdr.visit_occurrence") == expected
    kinds = Counter((concept,) for concept in np.array([9202, 9203, 581385, 9201, 9201, 32693])[visit["kind"]].tolist())
    assert rows(release, "select visit_concept_id as c from cdr.visit_occurrence") == kinds


def test_persons(release: OpenRelease) -> None:
    """Everyone in every hospital, and in each the one with two numbers twice."""
    assert sum(rows(release, "select person_id as p from cdr.person").values()) == 13 * len(tiny.SYSTEMS)
    assert rows(release, "select gender_concept_id as g from cdr.person")[8507,] == 6 * len(tiny.SYSTEMS)


def test_links(release: OpenRelease) -> None:
    """Everyone is one human everywhere, but for who has no resident id and whose is mistyped: these are their own masters in each hospital."""
    hospitals = len(tiny.SYSTEMS)
    sql = "select method as m, count(*) as n, count(distinct master_person_id) as masters from ext.ext_person_link group by method"
    assert rows(release, sql) == {("resident id", 11 * hospitals, 10): 1, ("own", 2 * hospitals, 2 * hospitals): 1}


def test_diagnoses(release: OpenRelease) -> None:
    """All but those of stays that are open, where front pages tell them."""
    block = tiny.block()
    visit, diagnosis = block.rows["visit"], block.rows["diagnosis"]
    front = np.array(["frontpage" in systems for systems in tiny.SYSTEMS])
    place = diagnosis["visit"] - visit["visit"][0]
    told = ~(front[visit["hospital"][place]] & (visit["end"][place] == NONE))
    codes = tiny.lexicon().conditions.codes
    expected = Counter((codes[condition],) for condition in diagnosis["condition"][told].tolist())
    assert rows(release, "select condition_source_value as c from cdr.condition_occurrence") == expected


def test_drugs(release: OpenRelease) -> None:
    order = tiny.block().rows["order"]
    expected = Counter(zip(moments(order["start"]), moments(order["end"]), (order["quantity"] // 100).tolist(), order["days"].tolist(), strict=True))
    sql = "select drug_exposure_start_datetime as s, drug_exposure_end_datetime as e, quantity::int as q, days_supply as d from cdr.drug_exposure"
    assert rows(release, sql) == expected


def test_results_and_vital_signs(release: OpenRelease) -> None:
    block = tiny.block()
    result, vital = block.rows["result"], block.rows["vital"]
    number = tiny.lexicon().item_decimals[result["item"]] > 0
    assert rows(release, "select value_as_number is null as n from cdr.measurement") == {
        (False,): int(number.sum()) + len(vital),
        (True,): int((~number).sum()),
    }
    below = rows(release, "select operator_concept_id as o from cdr.measurement")[4171756,]
    assert below == int((result["below"] == 1).sum())


def test_charges(release: OpenRelease) -> None:
    charge = tiny.block().rows["charge"]
    expected = Counter(zip(charge["amount"].tolist(), charge["insured"].tolist(), strict=True))
    assert rows(release, "select (total_charge * 100)::int as t, (paid_by_payer * 100)::int as p from cdr.cost") == expected


def test_nothing_is_amiss(release: OpenRelease) -> None:
    """No record waits or is refused, and the only findings are resident ids absent or mistyped."""
    assert set(rows(release, "select distinct state as s from state.disposition")) <= {
        ("mapped",),
        ("filtered",),
        ("duplicate",),
        ("superseded",),
        ("deleted",),
    }
    assert set(rows(release, "select distinct code as c from state.finding")) == {("PID-001",), ("PID-002",)}
