"""The spine's bench: a tiny one runs and all its checks hold; its figures are the right ones; wrong content is told by the exit code."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import spine
from bench.findings import Findings, Increment, Settings, stages
from bench.measure import Measured
from bench.report import in_text, markdown


def bench(folder: Path, *options: str) -> dict[str, Any]:
    assert spine.main(["--rows", "20000", "--folder", str(folder), "--date", "2024-01-31", *options]) == 0
    found: dict[str, Any] = json.loads((folder / "spine.json").read_text("utf-8"))
    return found


def test_a_tiny_one_runs_and_its_checks_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = bench(tmp_path, "--repeats", "1", "--skip-low-memory", "--skip-increments")
    assert found["checks"] and all(check["holds"] for check in found["checks"])
    assert len(found["trace"]["said"]["tables"]) > 10
    assert sum(found["runs"][0]["said"]["rows"].values()) > found["source"]["total"] > 15_000
    report = (tmp_path / "spine.md").read_text("utf-8")
    assert "2024-01-31" in report and str(tmp_path) not in report
    assert "run / floor" in capsys.readouterr().out


@pytest.mark.deep
def test_a_tiny_one_runs_with_increments_and_rebuilds(tmp_path: Path) -> None:
    found = bench(tmp_path, "--repeats", "2")
    assert all(check["holds"] for check in found["checks"])
    assert [increment["name"] for increment in found["increments"]] == ["new patients", "corrections"]
    for increment in found["increments"]:
        assert len(increment["runs"]) == 2 and increment["rebuild"]["said"]["content"] == increment["runs"][1]["said"]["content"]
    assert len({measured["said"]["content"] for measured in (*found["runs"], found["low"])}) == 1


def measured(seconds: float, **said: object) -> Measured:
    return Measured(seconds, 2 * seconds, 300 << 20, 100 << 20, said)


def run_of(seconds: float, staging: float, size: int) -> Measured:
    books = {"created": {"cdr/person": 3}, "removed": {}, "rewritten": {"cdr/person": 7}, "rows": {"cdr/person": 30}}
    return measured(seconds, stages={"staging": staging}, bytes={"cdr": size}, **books)


@pytest.fixture
def findings() -> Findings:
    source = {"total": 1000, "bytes": 5_000_000, "days": None}
    found = Findings(Settings(1000, "4GiB", 2, 3), {"cores": "2"}, source, measured(2.0, bytes=5_000_000))
    found.floors = {True: [measured(s, bytes=1_000_000) for s in (3.0, 4.0, 2.0)], False: [measured(s, bytes=1_000_000) for s in (2.0, 2.0, 9.0)]}
    found.runs = [run_of(6.0, 1.0, 100), run_of(10.0, 3.0, 100), run_of(9.0, 2.0, 100)]
    patients = {"total": 10, "bytes": 50_000, "days": None}
    found.increments = [Increment("new patients", patients, measured(0.5, bytes=50_000), {"cdr": 100}, [run_of(0.5, 0.1, 130)])]
    found.check("all is well", True)
    return found


def test_the_floor_is_the_faster_setting_by_median(findings: Findings) -> None:
    assert (findings.faster, findings.floor) == (False, 2.0)
    assert findings.ratios == [3.0, 5.0, 1.0]
    assert findings.by_cpu(findings.runs) == 9.0 / 2.0
    assert stages(findings.runs) == {"staging": 2.0, "rest": 7.0}
    assert findings.increments[0].written == {"cdr": 30}


def test_both_forms_of_the_report_say_the_same(findings: Findings) -> None:
    page, text = markdown(findings, "2024-01-31"), in_text(findings, "2024-01-31")
    for figure in ("3.00 (1.00 to 5.00)", "300 MiB", "0.25", "1.00%", "1.000", "0.70 a row delivered"):
        assert figure in page and figure in text
    assert "| cdr/person | 3 | 0 | 7 | 30 |" in page


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1)])
def test_only_what_must_hold_decides_the_exit_code(findings: Findings, holds: bool, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings.check("the content is right", holds)
    monkeypatch.setattr(spine.Spine, "measure", lambda _: findings)
    assert spine.main(["--rows", "1000", "--folder", str(tmp_path)]) == code
    assert ("| the content is right | NO |" in (tmp_path / "spine.md").read_text("utf-8")) is not holds


@pytest.mark.parametrize("words", [["--rows", "0"], ["--repeats", "-1"], ["--threads", "two"]])
def test_a_number_that_is_none_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        spine.main(words)
    assert ended.value.code == 2
