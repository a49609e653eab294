"""Finding codes: what may be wrong with a record, a file or a delivery; `findings.csv` is the only list of them.

A message says what was found, what was expected and what to do, and never holds a value of a record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from suwen.base.errors import Defect
from suwen.model.cdm import read_rows

Severity = Literal["error", "warning", "info"]
Stage = Literal["reader", "key", "mapping", "reference", "run"]
Language = Literal["en", "zh"]

_FORM = re.compile(r"[A-Z]{3}-\d{3}")


@dataclass(frozen=True)
class FindingCode:
    """One code. `severity` error: the record, file or run is not taken; warning: taken, look at it; info. `stage`: where it is found."""

    code: str
    severity: Severity
    stage: Stage
    message_en: str
    message_zh: str

    def __post_init__(self) -> None:
        well_formed = _FORM.fullmatch(self.code) and self.severity in get_args(Severity) and self.stage in get_args(Stage)
        if not well_formed or not self.message_en or not self.message_zh:
            raise Defect(f"finding code {self.code} is not well formed")


def _read() -> Mapping[str, FindingCode]:
    found: dict[str, FindingCode] = {}
    for row in read_rows("findings.csv"):
        if row["code"] in found:
            raise Defect(f"finding code {row['code']} stands twice")
        found[row["code"]] = FindingCode(**row)  # type: ignore[arg-type]
    return MappingProxyType(found)


FINDINGS: Mapping[str, FindingCode] = _read()


def finding(code: str) -> FindingCode:
    """The finding code of that name; Defect where there is none."""
    if code not in FINDINGS:
        raise Defect(f"unknown finding code {code}")
    return FINDINGS[code]


def describe(code: str, language: Language = "en") -> str:
    """The message of a code in English or Chinese."""
    return finding(code).message_zh if language == "zh" else finding(code).message_en
