"""Who is still in hospital: stored without an end, shown with the last day the feed speaks for, and no row is written again for that."""

from datetime import date
from pathlib import Path
from typing import Any

from suwen.flow.reader import OpenRelease
from suwen.flow.run import run
from tests.integration.example_regions import DAYS, deliver, hospital


def open_stays(opened: OpenRelease) -> dict[int, tuple[Any, ...]]:
    """Id -> (end as shown, end as stored, the run that wrote the row)."""
    asked = """select s.visit_occurrence_id as id, o.visit_end_date as shown, s.visit_end_date as stored, s._run as run
        from cdr.visit_occurrence s join omop.visit_occurrence o using (visit_occurrence_id) where s.visit_type_concept_id = 32220"""
    return {row["id"]: (row["shown"], row["stored"], row["run"]) for row in opened.query(asked).to_pylist()}


def test_an_open_stay_ends_on_the_last_day_the_feed_speaks_for(tmp_path: Path) -> None:
    first = hospital(tmp_path / "region", days=1)
    before = open_stays(first)
    assert sorted(before.values()) == [(date(2024, 3, 1), None, 1)] * 2
    deliver(first.region, DAYS[1])
    run(first.region)
    second = OpenRelease(first.region)
    after = open_stays(second)
    assert list(after.values()) == [(date(2024, 3, 2), None, 1)] and after.keys() < before.keys(), "one has left, the other is still there"
    closed = "select count(*) as n from omop.visit_occurrence where visit_occurrence_id = {} and visit_end_date is not null and visit_type_concept_id <> 32220"
    (left,) = before.keys() - after.keys()
    assert second.query(closed.format(left)).to_pylist() == [{"n": 1}]
    assert open_stays(first) == before, "the first release says what it said"
    details = second.query("select visit_occurrence_id as id from ext.ext_visit where is_open").to_pylist()
    assert [row["id"] for row in details] == list(after)
