"""The benches of scale and of questions: a tiny region runs from its files to both pages; what they reckon is right."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bench import questions, scale
from bench.measure import Measured
from bench.scale_page import Size, exponent, markdown


@pytest.mark.deep
def test_a_tiny_one_runs(tmp_path: Path) -> None:
    asked = ["--sizes", "0.02", "--hospitals", "4", "--years", "1", "--folder", str(tmp_path), "--date", "2024-01-31", "--reserve", "0.1", "--keep"]
    assert scale.main(asked) == 0
    page, kept = (tmp_path / "scale.md").read_text("utf-8"), (tmp_path / "0.02M.json").read_text("utf-8")
    assert "| records received = rows simulated | yes | yes |" in page and "2024-01-31" in page and str(tmp_path) not in page
    steps = json.loads(kept)["steps"]
    assert list(steps) == ["region", "simulated 0", "landed 0", "simulated 1", "landed 1", "ran", "day"] and 0 < steps["day"]["said"]["records"] < 1000
    assert not (tmp_path / "0.02M" / "source").exists()
    assert scale.main(asked) == 0 and (tmp_path / "0.02M.json").read_text("utf-8") == kept  # nothing is measured twice

    report = tmp_path / "questions.md"
    assert questions.main([str(tmp_path / "0.02M" / "region"), "--warm", "--rounds", "1", "--report", str(report)]) == 0
    assert "| cells and tables gave the same values | yes |" in report.read_text("utf-8")


def step(seconds: float, **said: object) -> Measured:
    return Measured(seconds, 2 * seconds, 300 << 20, 100 << 20, said)


def size(millions: float, seconds: float, lost: int = 0) -> Size:
    rows, lake = int(millions * 1_000_000), dict.fromkeys(("staging", "pools", "index", "cdr", "ext", "state"), int(millions * 1_000_000))
    steps = {
        "region": step(1.0, feeds=9),
        "simulated 0": step(2.0, rows=rows // 2, bytes=rows, spill=5 * rows),
        "landed 0": step(seconds / 10, deliveries=7, bytes=10 * rows, files=50),
        "simulated 1": step(2.0, rows=rows // 2 + 100, bytes=rows, spill=5 * rows),
        "landed 1": step(seconds / 10, deliveries=7, bytes=19 * rows, files=100),
        "ran": step(seconds, records=rows - lost, stages={"staging": seconds / 2, "index": seconds / 4}, bytes=lake, spill=0),
        "day": step(seconds / 100, records=100, stages={}, bytes=lake, spill=0),
    }
    asked = {"millions": millions, "hospitals": 24, "years": 3}
    return Size(millions, asked, {"rows": rows, "groups": 2, "machine": {"cores": "2", "load average before": "0.1"}, "date": "2024-01-31"}, steps)


def test_the_exponent_is_the_slope_of_the_logarithms() -> None:
    assert exponent([(10.0, 10**1.5), (20.0, 20**1.5), (100.0, 100**1.5)]) == pytest.approx(1.5)
    assert exponent([(10.0, 3.0)]) is None


def test_the_page_tells_how_cost_grows() -> None:
    page = markdown([size(2, 1.0), size(10, 50.0), size(100, 500.0)], 2, "10GiB")
    assert "| cost exponent, 10 to 100 million rows: seconds | 1.000 | <= 1.06 |" in page
    assert "| cost(100 M) / cost(10 M) | 10.00 for 10.00 times the rows | <= 11.5 |" in page
    assert "| one hospital's day at 100 M / full run | 1.00% | <= 2% |" in page
    assert "| landing and lake | 50 (25.0) | 250 (25.0) | 2,500 (25.0) |" in page


def test_a_size_that_was_broken_off_is_told_and_no_more(tmp_path: Path) -> None:
    broken = size(1000, 1.0)
    broken = Size(broken.millions, broken.asked, {**broken.more, "stopped": "the disk"}, {k: v for k, v in broken.steps.items() if k not in ("ran", "day")})
    page = markdown([size(10, 50.0), broken], 2, "10GiB")
    assert "1000 million rows: the disk." in page and "| 1000 |" not in page


@pytest.mark.parametrize(("lost", "code"), [(0, 0), (1, 1)])
def test_lost_records_are_told_by_the_exit_code(tmp_path: Path, lost: int, code: int) -> None:
    one = size(0.5, 3.0, lost)
    asked = {"millions": 0.5, "hospitals": 24, "years": 3, "threads": 2, "memory": "10GiB"}
    said = {"asked": asked, "more": dict(one.more), "steps": {name: asdict(step) for name, step in one.steps.items()}}
    (tmp_path / "0.5M.json").write_text(json.dumps(said), encoding="utf-8")
    assert scale.main(["--sizes", "0.5", "--folder", str(tmp_path), "--reserve", "0.1"]) == code
    assert ("| records received = rows simulated | NO | yes |" in (tmp_path / "scale.md").read_text("utf-8")) is bool(lost)


def test_no_more_rows_are_asked_for_than_the_disk_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10_000_000_000})())
    asked = scale.Asked(1000, tmp_path, 24, 3, 2, "10GiB", 0)
    assert scale.fitting(asked, [size(10, 5.0), size(100, 50.0)]) == 400_000_000  # 25 bytes a row each
    assert scale.fitting(scale.Asked(20, tmp_path, 24, 3, 2, "10GiB", 0), [size(10, 5.0)]) == 20_000_000
