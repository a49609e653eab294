"""The indicators' bench: a tiny one runs from region to report."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import indicators


@pytest.mark.deep
def test_a_tiny_one_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--hospitals", "4", "--persons", "300", "--years", "1", "--repeats", "1", "--folder", str(tmp_path), "--date", "2024-01-31"]
    assert indicators.main(asked) == 0
    report = (tmp_path / "indicators.md").read_text("utf-8")
    assert "2024-01-31" in report and str(tmp_path) not in report
    for said in ("cells of points that add up / plain scan", "one hospital's day", "every hospital in a month"):
        assert said in report
    assert "the slowest page" in capsys.readouterr().out
