"""The benches of engines and of observations: small ones run and what must hold holds; what follows from figures is worked out right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import engines, observations
from bench.engine_report import in_text, markdown
from bench.engine_sizes import Compared, Findings, Line, Size, fitted, sentence
from bench.family import FamilyClock, cpu, family
from bench.measure import Measured
from tests.integration.on_spark import needs_spark


def ran(seconds: float, content: str = "a", **stages: float) -> Measured:
    said = {"content": content, "stages": stages or {"mapping and writing": seconds / 2}, "calls": {"start": [1, 2.0], "copy": [3, 1.0]}, "bytes": {"cdr": 10}}
    return Measured(seconds, 2 * seconds, 300 << 20, 0, said)


def by_hand(seconds: float) -> Measured:
    return Measured(seconds, 2 * seconds, 300 << 20, 0, {"bytes": 10})


@pytest.fixture
def findings() -> Findings:
    """DuckDB: 1 s and 2 s a million rows; Spark: 11 s and 6 s a million, half of it side by side; by hand 4 s."""
    found = Findings({"cores": "2"}, 2, "4GiB")
    found.sizes = [Size(rows, rows, "", [ran(1 + 2e-6 * rows)], [ran(11 + 6e-6 * rows)]) for rows in (1_000_000, 2_000_000, 10_000_000)]
    found.one_core = ran(11 + 6e-6 * 2_000_000 * 1.5)
    found.compared = Compared(found.sizes[1], [by_hand(10.0)], [by_hand(4.0)], {"person": {"ours": 1, "by_hand": 1, "same": True}})
    return found


def test_a_line_through_points() -> None:
    assert fitted([(10, 3.0), (20, 5.0), (100, 21.0)]) == Line(pytest.approx(1.0), pytest.approx(0.2))
    assert fitted([(10, 1.0), (20, 3.0)]).fixed == 0.0


def test_from_what_size_a_cluster_pays(findings: Findings) -> None:
    assert findings.side_by_side == pytest.approx(0.5)
    assert findings.pays_from(2) is None  # 4.5 s a million against 2 s
    findings.one_core = ran(11 + 6e-6 * 2_000_000 * 2)
    assert findings.side_by_side == pytest.approx(1.0)
    assert findings.pays_from(3) is None
    assert findings.pays_from(4) == pytest.approx(20_000_000)  # 11 + 1.5 x = 1 + 2 x
    assert "3 such machines with Spark are never quicker" in sentence(findings)
    assert "4 are from 20.0 million source rows" in sentence(findings)


def test_the_report_says_what_was_measured(findings: Findings) -> None:
    page, text = markdown(findings, "2024-01-31"), in_text(findings, "2024-01-31")
    for figure in ("2.88 (11.5 s / 4.0 s)", "5.25 (21.0 s / 4.0 s)", "0.22", "no number of such machines"):
        assert figure in page and figure in text
    assert findings.all_hold
    findings.sizes[0].spark.append(ran(1.0, content="b"))
    assert not findings.all_hold


def test_a_family_is_measured_with_what_it_starts() -> None:
    assert next(iter(family(os.getpid()))) == os.getpid()
    before = cpu(os.getpid())
    with FamilyClock() as clock:
        sum(range(3_000_000))
    measured = clock.measured({})
    assert cpu(os.getpid()) >= before
    assert measured.peak > 10 << 20 and measured.cpu < 60


@pytest.mark.parametrize("words", [["--sizes", "20000"], ["--sizes", "20000,none"]])
def test_sizes_that_are_none_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        engines.main(words)
    assert ended.value.code == 2


@pytest.mark.deep
@needs_spark
def test_tiny_ones_on_both_engines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--sizes", "8000,16000", "--by-hand", "8000", "--repeats", "1", "--skip-spread", "--folder", str(tmp_path), "--date", "2024-01-31"]
    assert engines.main(asked) == 0
    report = (tmp_path / "engines.md").read_text("utf-8")
    assert "2024-01-31" in report and str(tmp_path) not in report and "| NO |" not in report
    assert "by hand from the files" in capsys.readouterr().out


@pytest.mark.deep
@needs_spark
def test_few_observations_in_every_way(tmp_path: Path) -> None:
    assert observations.main(["--sizes", "72000", "--warm-only", "--folder", str(tmp_path), "--date", "2024-01-31"]) == 0
    report = (tmp_path / "observations.md").read_text("utf-8")
    assert "2024-01-31" in report and str(tmp_path) not in report and "| NO |" not in report
