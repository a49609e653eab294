"""Finding codes: one list, in two languages, each with its severity and stage."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from suwen.base.errors import Defect
from suwen.govern.policy.reasons import REASONS
from suwen.model.finding import FINDINGS, FindingCode, describe, finding


def test_every_code_says_what_was_expected_in_both_languages() -> None:
    for code, known in FINDINGS.items():
        assert known.code == code
        assert "Expected:" in describe(code, "en") or known.stage == "run"
        assert re.search(r"[\u4e00-\u9fff]", describe(code, "zh"))
        assert describe(code, "zh").endswith("。") and describe(code).endswith(".")


def test_the_codes_others_rely_on() -> None:
    assert finding("MAP-001").severity == "error" and finding("REF-002").severity == "info"
    assert {code.split("-")[0] for code in FINDINGS} == {"RDR", "KEY", "WIN", "MAP", "PID", "REF", "IDN", "RUN"}


def test_every_code_that_is_written_in_the_house_is_in_the_list(root: Path) -> None:
    written = {code for path in (root / "src").rglob("*.py") for code in re.findall(r'"([A-Z]{3}-[0-9]{3})"', path.read_text("utf-8"))}
    assert written <= set(FINDINGS) | set(REASONS)
    assert not set(FINDINGS) & set(REASONS)


def test_an_unknown_or_ill_formed_code_is_a_defect() -> None:
    with pytest.raises(Defect, match="MAP-999"):
        describe("MAP-999")
    with pytest.raises(Defect, match="not well formed"):
        FindingCode("MAP-1", "error", "mapping", "x", "x")
