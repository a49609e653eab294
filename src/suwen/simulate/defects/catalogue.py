"""Which defects there are and where each can befall a record: `kinds.csv` and `columns.csv`, from which docs/guide/defects.md is made."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from suwen.base.errors import Defect

READER, TEMPLATE, RULE = "reader", "template", "rule"
FILE, DELIVERY = "file", "delivery"  # roles of what befalls a whole file or delivery
DANGLING = "REF-002"  # counted over all feeds by table.column, without a target
TOLD_BY_COLUMN = ("MAP-", DANGLING)  # findings that name a column


@dataclass(frozen=True)
class Kind:
    """One kind of defect. `code`: the finding code by which reader or template must tell it, or the name of the rule that will; `state`: the
    state that the record must get; `role`: of the column it befalls; `systems`: those that can have it, empty for all."""

    name: str
    group: str
    stage: str
    code: str
    state: str
    role: str
    systems: tuple[str, ...]
    what: str

    def in_system(self, system: str) -> bool:
        """Whether records of a system can have it."""
        return not self.systems or system in self.systems


@dataclass(frozen=True)
class Site:
    """A kind of defect in a kind of file: the heading it befalls, and target and column of the template where the finding must name them."""

    kind: Kind
    heading: str
    target: str
    column: str


def _rows(name: str) -> list[Mapping[str, str]]:
    text = (files("suwen.simulate.defects") / name).read_text(encoding="utf-8")
    header, *rows = csv.reader(line for line in text.splitlines() if line and not line.startswith("#"))
    wrong = [row[0] for row in rows if len(row) != len(header)]
    if wrong:
        raise Defect(f"{name}: rows {wrong[:5]} do not have {len(header)} columns")
    return [dict(zip(header, row, strict=True)) for row in rows]


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, Kind]:
    """All kinds by name, in the order of the file."""
    found: dict[str, Kind] = {}
    for row in _rows("kinds.csv"):
        systems = tuple(name for name in row["systems"].split("|") if name)
        kind = Kind(row["kind"], row["group"], row["stage"], row["code"], row["state"], row["role"], systems, row["what"])
        if kind.name in found:
            raise Defect(f"kinds.csv: {kind.name} stands twice")
        found[kind.name] = kind
    return found


@dataclass(frozen=True)
class Befallen:
    """A column of a kind of file that defects of a role befall. `target`, `column`: of the template, where a finding about it must name them."""

    system: str
    file: str
    role: str
    heading: str
    target: str
    column: str


@lru_cache(maxsize=1)
def columns() -> tuple[Befallen, ...]:
    """All columns that defects befall; of a kind of file one for a role."""
    found = tuple(Befallen(*row.values()) for row in _rows("columns.csv"))
    if len({(one.system, one.file, one.role) for one in found}) < len(found):
        raise Defect("columns.csv: a role stands twice for a kind of file")
    return found


@lru_cache(maxsize=1)
def sites() -> Mapping[tuple[str, str], tuple[Site, ...]]:
    """By system and kind of file: the defects that its records can have."""
    found: dict[tuple[str, str], list[Site]] = {}
    for one in columns():
        for kind in kinds().values():
            if kind.role == one.role and kind.in_system(one.system):
                told = kind.stage == TEMPLATE and kind.code.startswith(TOLD_BY_COLUMN)
                target = one.target if told and kind.code != DANGLING else ""
                found.setdefault((one.system, one.file), []).append(Site(kind, one.heading, target, one.column if told else ""))
    return {place: tuple(held) for place, held in found.items()}
