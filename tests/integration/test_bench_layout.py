"""The bench of layouts: a tiny one runs, and every layout answers the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import layout
from bench.policies import POLICIES, Policy


@pytest.mark.parametrize("policies", [POLICIES[:1], pytest.param(POLICIES, marks=pytest.mark.deep)])
def test_a_tiny_one_runs(policies: tuple[Policy, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "POLICIES", policies)
    monkeypatch.setattr(layout, "PIECES", (1, 3))
    assert layout.main(["--rows", "6000", "--hospitals", "3", "--folder", str(tmp_path), "--date", "2024-01-31"]) == 0
    found = json.loads((tmp_path / "layout" / "layout.json").read_text("utf-8"))["steps"]
    answers = {json.dumps({q: read["rows"] for q, read in one["said"]["reads"].items()}) for one in found.values() if "reads" in one["said"]}
    assert len(answers) == 1 and all(read["rows"] for read in found["pieces"]["said"]["pieces"]["3"]["reads"].values())
    report = (tmp_path / "layout" / "layout.md").read_text("utf-8")
    assert "2024-01-31" in report and str(tmp_path) not in report and policies[-1].name in report
