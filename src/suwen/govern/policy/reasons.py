"""The reasons of decisions, by their codes, in English and Chinese; `reasons.csv` is the only list of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class Reason:
    """One reason: its code, whether it allows, and its messages with holes for names."""

    code: str
    allowed: bool
    message_en: str
    message_zh: str


def _read() -> Mapping[str, Reason]:
    text = files("suwen.govern.policy").joinpath("reasons.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return MappingProxyType({row["code"]: Reason(row["code"], row["allowed"] == "yes", row["message_en"], row["message_zh"]) for row in rows})


REASONS: Mapping[str, Reason] = _read()
