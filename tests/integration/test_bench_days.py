"""The bench of days: what is sent is what is reckoned with, it goes on where it was stopped, its ratios are the right ones, and a tiny one runs."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench import days, days_page
from bench.daily_records import SENDERS, sender_of, write_delivery
from bench.measure import Measured, StepFailed


def day(run: float, number: int = 1, **more: object) -> Measured:
    tables = {"person": 2 * (20 + number), **dict.fromkeys(("visit_occurrence", "measurement", "condition_occurrence", "cost"), 6 * number)}
    said = {"landing": 1.0, "landing_cpu": 0.5, "run": run, "run_cpu": run, "stages": {"staging": run / 2}, "rows": 40, "records": 40, "receipts": 12 * number}
    return Measured(run + 1.0, run, 300 << 20, 100 << 20, {**said, "landed": 2, "tables": tables, **more})


def test_a_sender_sends_a_few_rows_and_a_window_holds_yesterday_too(tmp_path: Path) -> None:
    assert {sender_of(hospital).mode for hospital in (1, 2)} == {sender.mode for sender in SENDERS} == {"upsert", "window"}
    upsert, window = (next(h for h in (1, 2) if sender_of(h).mode == mode) for mode in ("upsert", "window"))
    assert [write_delivery(tmp_path / f"u{n}", upsert, n) for n in (1, 2, 9)] == [33, 14, 14]
    assert [write_delivery(tmp_path / f"w{n}", window, n) for n in (1, 2, 9)] == [33, 46, 27]
    with zipfile.ZipFile(next((tmp_path / "u9").iterdir())) as archive:
        assert len(archive.namelist()) == 5
    results = list(csv.DictReader((tmp_path / "w9" / "ht_jy_20240109.csv").read_text("utf-8").splitlines(), delimiter=";"))
    assert len(results) == len({row["BBH"] for row in results}) == 7  # of two days, and one of the day before that was corrected yesterday
    assert {row["SJRQ"][:10] for row in results} == {"2024-01-08", "2024-01-09"}


def test_late_is_the_last_days_and_early_those_around_the_tenth() -> None:
    found = {n: day(10.0 if n < 20 else 14.0 if n < 100 else 13.0, n) for n in range(1, 105)}
    found[11] = day(99.0, 11, **{"of run": [("a", 1, 0.1, 0.2)]})  # watched: in no median
    assert days_page.ratio(found, "run") == 1.3 and len(days_page.early(found)) == 4
    assert days_page.dearest(found, "run") == (16, 14.0)
    page = days_page.tables(found, {30: Measured(5.0, 4.0, 1 << 30, 0, {"merged": 7, "removed": 9, "areas": {"lake": (3, 4)}})}, {"cores": "2"}, 2)
    short = {row[0]: row for row in page[0].rows}
    assert short["`run`"][1:5] == ("10.00", "13.00", "1.30", "<= 1.5")
    assert {table.title.split(":")[0] for table in page} >= {"Maintenance", "What must hold", "Day 11, run"}
    assert days_page.all_hold(found, 2) and not days_page.all_hold({**found, 7: day(10.0, 8)}, 2)


def test_it_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Any]] = []
    killed = [4]

    def step(module: str, name: str, arguments: Mapping[str, Any]) -> Measured:
        asked.append((name, arguments.get("number")))
        if name == "daily.day" and arguments["number"] in killed:
            raise StepFailed("killed")
        if name == "daily.upkeep":
            return Measured(5.0, 4.0, 1 << 30, 0, {"merged": 7, "removed": 9, "areas": {"lake": (3, 4)}})
        return day(10.0, arguments.get("number", 1))

    monkeypatch.setattr(days, "in_process", step)
    words = ["--hospitals", "2", "--days", "5", "--maintain", "2", "--folder", str(tmp_path), "--date", "2024-01-31"]
    assert days.main(words) == 1
    killed.clear()
    assert days.main(words) == 0
    assert [number for name, number in asked if name == "daily.day"] == [1, 2, 3, 4, 4, 5]
    assert [name for name, _ in asked].count("daily.region") == 1 and [name for name, _ in asked].count("daily.upkeep") == 2
    assert sorted(json.loads((tmp_path / "days-2" / "days.json").read_text("utf-8"))["days"]) == ["1", "2", "3", "4", "5"]
    report = (tmp_path / "days-2" / "days.md").read_text("utf-8")
    assert "2024-01-31" in report and str(tmp_path) not in report


@pytest.mark.deep
def test_a_tiny_one_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--hospitals", "2", "--days", "2", "--maintain", "1", "--profile", "2", "--folder", str(tmp_path), "--date", "2024-01-31"]
    assert days.main(words) == 0
    assert "every delivery of every day was landed" in capsys.readouterr().out
    assert "dearest functions" in (tmp_path / "days-2" / "days.md").read_text("utf-8")
