"""Small regions with and without defects, landed and run; and what reader and template find of each kind, held against the truth."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from suwen.engine.query import Guarded
from suwen.flow.reader import OpenRelease
from suwen.flow.run import run
from suwen.flow.vocabulary import load_vocabulary
from suwen.intake.landing import Landing
from suwen.model.cdm import TABLES
from suwen.simulate.defects.catalogue import DANGLING, DELIVERY, FILE, RULE, Kind, kinds
from tests.integration.own_regions import land_all, of_export
from tests.unit.simulate.spoilt import Exported, Small, exported, small

PACKS = Path(__file__).parents[2] / "src" / "suwen" / "packs"
DOMAINS = {"LOINC": "Measurement", "UCUM": "Unit", "ATC": "Drug", "RxNorm": "Drug", "SNOMED": "Meas Value", "ICD10CN": "Condition", "ICD9ProcCN": "Procedure"}
CAUGHT = [kind for kind in kinds().values() if kind.role not in (FILE, DELIVERY) and kind.stage != RULE]
PERSONS, HOSPITALS = 5_000, 4
RATES = {kind.name: 0.004 for kind in CAUGHT} | {
    "swallowed-delimiter": 0.006, "visit-unknown": 0.006, "number-words": 0.008, "quantity-with-unit": 0.009, "days-fraction": 0.009, "days-too-large": 0.011,
    "result-with-unit": 0.006, "result-comma": 0.007, "result-stars": 0.005, "comparator-twice": 0.005, "unit-unknown": 0.005,
    "sex-unknown": 0.04, "ethnic-unknown": 0.04, "class-unknown": 0.015, "department-unknown": 0.015,
    "record-too-long": 0.0012, "yes-no-unknown": 0.4, "route-unknown": 0.3, "count-in-words": 0.35, "doctor-unknown": 0.7,
}  # fmt: skip
Place = tuple[str, str, int]  # feed, file, record
Told = tuple[str, str, str, str]  # state, code, target, column


@dataclass(frozen=True)
class Landed:
    """A region that was landed and run, with what is asked of it often."""

    release: OpenRelease
    export: Exported
    folders: Mapping[int, str]  # by receipt: the folder of its delivery

    @cached_property
    def files(self) -> Mapping[int, tuple[str, str]]:
        """By receipt: feed and file."""
        return {receipt.sequence: (receipt.feed, receipt.name) for receipt in Landing(self.release.region.landing).receipts()}

    @cached_property
    def open(self) -> Guarded:
        """The release, opened once for all questions."""
        return self.release.guarded()

    def table(self, sql: str) -> Any:
        """The answer to a question."""
        return self.open.arrow(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer as rows."""
        return list(zip(*(column.to_pylist() for column in self.table(sql).columns), strict=True))

    @cached_property
    def refused(self) -> Mapping[Place, set[Told]]:
        """By record: (state, code, target, column) of every target that is quarantined or held. What is held names the id of the person who is not there."""
        found = defaultdict[Place, set[Told]](set)
        persons = {str(identifier) for (identifier,) in self.rows("select person_id from cdr.person")}
        sql = "select receipt, record, state, code, target, detail from state.disposition where state in ('quarantined', 'held')"
        for receipt, record, state, code, target, detail in self.rows(sql):
            column = "person_id" if state == "held" and detail.isdigit() and detail not in persons else detail
            found[(*self.files[receipt], record)].add((state, code, target, column or ""))
        return found

    @cached_property
    def counted(self) -> Counter[tuple[str, ...]]:
        """How many records a finding counts, by (feed, file, code, target, column)."""
        found = Counter[tuple[str, ...]]()
        for receipt, code, target, column, records in self.rows("select receipt, code, target, column_name, records from state.finding"):
            found[(*self.files.get(receipt, ("", "")), code, target, column)] += records
        return found


def region_of(made: Small, export: Exported, folder: Path) -> Landed:
    """The region of an export, with every delivery landed in the order of sending, and one run."""
    region = of_export(folder / "region", export.folder)
    load_vocabulary(region, vocabulary_of(folder / "vocabulary", made.lexicon.conditions.codes, made.lexicon.procedures.codes))
    came = land_all(region, export.folder, export.deliveries)
    folders = {receipt.sequence: sent.folder for sent, delivery in zip(export.deliveries, came, strict=True) for receipt in delivery.receipts}
    run(region)
    return Landed(OpenRelease(region), export, folders)


def landed(folder: Path, rates: Mapping[str, float] | None) -> Landed:
    """The small region, clean or with defects."""
    made = small(PERSONS, HOSPITALS)
    return region_of(made, exported(made, folder / "export", rates), folder)


def vocabulary_of(folder: Path, conditions: Iterable[str], procedures: Iterable[str]) -> Path:
    """All concepts that the packs' maps lead to, and those of diagnoses and procedures, each a standard concept."""
    named: set[str] = set()
    codes = {("ICD10CN", code) for code in conditions} | {("ICD9ProcCN", code) for code in procedures}
    for path in sorted(PACKS.glob("*/standard/*.csv")):
        with path.open(encoding="utf-8") as stream:
            entries = list(csv.DictReader(stream))
        codes |= {(row["vocabulary"], row["code"]) for row in entries if row["vocabulary"]}
        named |= {row["concept_id"] for row in entries} - {"", "0"}
    concepts = [
        (str(1_000_000_000 + place), code, DOMAINS.get(vocabulary, "Metadata"), vocabulary, "x", "S", code, "1970-01-01", "2099-12-31", "")
        for place, (vocabulary, code) in enumerate(sorted(codes))
    ] + [(number, number, "Metadata", "None", "x", "S", number, "1970-01-01", "2099-12-31", "") for number in sorted(named)]
    folder.mkdir()
    for table, content in (("concept", concepts), ("concept_relationship", []), ("vocabulary", [])):
        lines = [TABLES[table].row_columns, *content]
        (folder / f"{table}.csv").write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Measured:
    """What was found of a kind. `missed` and `wrong`: how many, and what to look at."""

    kind: Kind
    injected: int
    right: int
    wrong: int
    example: object

    @property
    def recall(self) -> float:
        """The part of the injected that was found with its code, target and column."""
        return self.right / self.injected if self.injected else 0.0

    @property
    def precision(self) -> float:
        """The part of what was found so that was injected."""
        return self.right / (self.right + self.wrong) if self.right else 0.0


def measured(kind: Kind, of: Landed) -> Measured:
    """Recall and precision of a kind."""
    return _counted(kind, of) if kind.state == "mapped" else _refused(kind, of)


def places(row: Mapping[str, Any]) -> list[Place]:
    """The records that a row of the truth tells of."""
    return [(row["feed"], row["file"], record) for record in range(row["record"], row["record"] + row["records"])]


def _refused(kind: Kind, of: Landed) -> Measured:
    """Its records are refused with its code, and where the truth names them by its target and column; no record without a defect is, with that code."""
    expected = {place: row for row in of.export.truth if row["kind"] == kind.name for place in places(row)}
    of_code = {place for row in of.export.truth if row["code"] == kind.code for place in places(row)}
    missed = [place for place, row in expected.items() if not any(_tells(row, told) for told in of.refused.get(place, ()))]
    wrong = [place for place, told in of.refused.items() if any(code == kind.code for _, code, *_ in told) and place not in of_code]
    return Measured(kind, len(expected), len(expected) - len(missed), len(wrong), [(place, of.refused.get(place)) for place in (*missed[:3], *wrong[:3])])


def _tells(row: Mapping[str, Any], told: Told) -> bool:
    state, code, target, column = told
    return (state, code) == (row["state"], row["code"]) and row["target"] in ("", target) and row["column"] in ("", column)


def _counted(kind: Kind, of: Landed) -> Measured:
    """What is taken is counted, and kinds that one finding tells of are counted together: whatever is too few or too many is held against each of them."""
    expected = Counter[tuple[str, ...]]()
    own: set[tuple[str, ...]] = set()
    for row in of.export.truth:
        if row["code"] == kind.code and row["state"] == "mapped":
            place = (*(("", "") if kind.code == DANGLING else (row["feed"], row["file"])), row["code"], row["target"], row["column"])
            expected[place] += 1
            own |= {place} if row["kind"] == kind.name else set()
    injected = sum(row["kind"] == kind.name for row in of.export.truth)
    missed = sum(max(0, expected[place] - of.counted[place]) for place in own)
    more = sum(max(0, of.counted[place] - expected[place]) for place in own)
    elsewhere = {place: number for place, number in of.counted.items() if place[2] == kind.code and place not in expected}
    differing = {place: (expected[place], of.counted[place]) for place in own if expected[place] != of.counted[place]}
    return Measured(kind, injected, max(0, injected - missed), more + sum(elsewhere.values()), (differing, elsewhere))
