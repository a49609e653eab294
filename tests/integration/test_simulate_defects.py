"""A small region with defects, landed and run: reader and template find each kind where the truth has it, and disturb nothing else."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from suwen.flow.land import land
from suwen.flow.reader import OpenRelease
from suwen.flow.region import add_feed, create
from suwen.flow.run import run
from suwen.flow.vocabulary import load_vocabulary
from suwen.intake.landing import Landing
from suwen.model.cdm import TABLES
from suwen.model.receipt import Mode
from suwen.simulate.defects.catalogue import DELIVERY, FILE, RULE, kinds
from tests.unit.simulate.spoilt import Exported, exported, small

STANDARD = Path(__file__).parents[2] / "src" / "suwen" / "packs" / "cn" / "standard"
DOMAINS = {"LOINC": "Measurement", "UCUM": "Unit", "ATC": "Drug", "RxNorm": "Drug", "SNOMED": "Meas Value", "ICD10CN": "Condition", "ICD9ProcCN": "Procedure"}
CAUGHT = [kind for kind in kinds().values() if kind.role not in (FILE, DELIVERY) and kind.stage != RULE]
RATES = {kind.name: 0.004 for kind in CAUGHT} | {
    "yes-no-unknown": 0.6, "route-unknown": 0.15, "count-in-words": 0.15, "doctor-unknown": 0.15,
    "department-unknown": 0.02, "class-unknown": 0.02, "sex-unknown": 0.02, "ethnic-unknown": 0.02,
}  # fmt: skip
ROWS = ("person", "location", "visit_occurrence", "ext_visit", "death", "condition_occurrence", "drug_exposure", "procedure_occurrence", "measurement", "note", "cost")
Place = tuple[str, str, int]  # feed, file, record


@dataclass(frozen=True)
class Landed:
    """A region that was landed and run, with what is asked of it often."""

    release: OpenRelease
    export: Exported

    @cached_property
    def files(self) -> Mapping[int, tuple[str, str]]:
        """By receipt: feed and file."""
        return {receipt.sequence: (receipt.feed, receipt.name) for receipt in Landing(self.release.region.landing).receipts()}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(zip(*(column.to_pylist() for column in self.release.query(sql).columns), strict=True))

    @cached_property
    def refused(self) -> Mapping[Place, set[tuple[str, str, str, str]]]:
        """By record: (state, code, target, column) of every target that is quarantined or held."""
        found = defaultdict[Place, set[tuple[str, str, str, str]]](set)
        sql = "select receipt, record, state, code, target, detail from state.disposition where state in ('quarantined', 'held')"
        for receipt, record, *told in self.rows(sql):
            found[(*self.files[receipt], record)].add(tuple(text or "" for text in told))  # type: ignore[arg-type]
        return found

    @cached_property
    def counted(self) -> Counter[tuple[str, ...]]:
        """How many records a finding counts, by (feed, file, code, target, column)."""
        found = Counter[tuple[str, ...]]()
        for receipt, code, target, column, records in self.rows("select receipt, code, target, column_name, records from state.finding"):
            found[(*self.files.get(receipt, ("", "")), code, target, column)] += records
        return found


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return _landed(tmp_path_factory.mktemp("clean"), None)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return _landed(tmp_path_factory.mktemp("spoilt"), RATES)


def _landed(folder: Path, rates: Mapping[str, float] | None) -> Landed:
    made = small(12_000)
    export = exported(made, folder / "export", rates)
    region = create(folder / "region", ["core", "cn"], "simulated", "Asia/Shanghai")
    with (export.folder / "feeds.csv").open(encoding="utf-8") as stream:
        for feed in csv.DictReader(stream):
            region, _ = add_feed(region, feed["feed"], feed["template"], feed["organisation"], Mode(feed["mode"]))
    load_vocabulary(region, _vocabulary(folder / "vocabulary", made.lexicon.conditions.codes, made.lexicon.procedures.codes))
    for sent in export.deliveries:
        land(region, sent.feed, [export.folder / sent.folder], as_of=sent.as_of, mode=Mode(sent.mode), window=sent.window)
    run(region)
    return Landed(OpenRelease(region), export)


def _vocabulary(folder: Path, conditions: Iterable[str], procedures: Iterable[str]) -> Path:
    """Every code that the packs' maps lead to, and those of diagnoses and procedures, each a standard concept."""
    codes = {("ICD10CN", code) for code in conditions} | {("ICD9ProcCN", code) for code in procedures}
    for path in sorted(STANDARD.glob("*.csv")):
        with path.open(encoding="utf-8") as stream:
            codes |= {(row["vocabulary"], row["code"]) for row in csv.DictReader(stream) if row["vocabulary"]}
    concepts = [
        (str(1000 + place), code, DOMAINS[vocabulary], vocabulary, "x", "S", code, "1970-01-01", "2099-12-31", "")
        for place, (vocabulary, code) in enumerate(sorted(codes))
    ]
    folder.mkdir()
    for table, content in (("concept", concepts), ("concept_relationship", []), ("vocabulary", [])):
        lines = [TABLES[table].row_columns, *content]
        (folder / f"{table}.csv").write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def _places(row: Mapping[str, Any]) -> list[Place]:
    return [(row["feed"], row["file"], record) for record in range(row["record"], row["record"] + row["records"])]


def test_enough_of_each(spoilt: Landed) -> None:
    counts = Counter(row["kind"] for row in spoilt.export.truth)
    assert {kind.name: counts[kind.name] for kind in CAUGHT if counts[kind.name] < 200} == {}


def test_the_clean_region_has_no_finding(clean: Landed) -> None:
    assert not clean.refused
    assert not clean.counted


@pytest.mark.parametrize("kind", [kind for kind in CAUGHT if kind.state != "mapped"], ids=lambda kind: kind.name)
def test_refused(kind: Any, spoilt: Landed) -> None:
    """Recall: its records are refused with its code, and where the truth names them by its target and column. Precision: no other record is, with that code."""
    expected = {place: row for row in spoilt.export.truth if row["kind"] == kind.name for place in _places(row)}
    of_code = {place for row in spoilt.export.truth if row["code"] == kind.code for place in _places(row)}
    right = [
        place
        for place, row in expected.items()
        if any((state, code) == (kind.state, kind.code) and row["target"] in ("", target) and row["column"] in ("", column) for state, code, target, column in spoilt.refused.get(place, ()))
    ]
    wrong = [place for place, told in spoilt.refused.items() if any(code == kind.code for _, code, *_ in told) and place not in of_code]
    assert len(right) / len(expected) >= 0.99, [(place, spoilt.refused.get(place)) for place in expected if place not in set(right)][:5]
    assert len(right) / (len(right) + len(wrong)) >= 0.99, [(place, spoilt.refused[place]) for place in wrong][:5]


@pytest.mark.parametrize("kind", [kind for kind in CAUGHT if kind.state == "mapped"], ids=lambda kind: kind.name)
def test_counted(kind: Any, spoilt: Landed) -> None:
    """What is taken is counted, and kinds that one finding tells of are counted together: whatever is too few or too many is held against each of them."""
    of_region = kind.code == "REF-002"
    expected = Counter[tuple[str, ...]]()
    own: set[tuple[str, ...]] = set()
    for row in spoilt.export.truth:
        if row["code"] == kind.code and row["state"] == "mapped":
            place = (*(("", "") if of_region else (row["feed"], row["file"])), row["code"], row["target"], row["column"])
            expected[place] += 1
            own |= {place} if row["kind"] == kind.name else set()
    injected = sum(row["kind"] == kind.name for row in spoilt.export.truth)
    found = {place: spoilt.counted[place] for place in own}
    too_few = sum(max(0, expected[place] - found[place]) for place in own)
    too_many = sum(max(0, found[place] - expected[place]) for place in own)
    elsewhere = {place: number for place, number in spoilt.counted.items() if place[2] == kind.code and place not in expected}
    assert too_few <= injected * 0.01, {place: (expected[place], found[place]) for place in own if expected[place] != found[place]}
    assert too_many + sum(elsewhere.values()) <= injected * 0.01, (elsewhere, {place: (expected[place], found[place]) for place in own})


def test_nothing_else_is_disturbed(clean: Landed, spoilt: Landed) -> None:
    """Every row of the clean region is there again, but for those made of the records with defects."""
    befallen = _befallen(spoilt)
    for table in ROWS:
        key = TABLES[table].columns[0].name
        before, after = _rows(clean, table), _rows(spoilt, table)
        sources = defaultdict[int, set[Place]](set)
        for identifier, receipt, record in clean.rows(f"select {key}, _receipt, _record from cdr.{table}"):
            sources[identifier].add((*clean.files[receipt], record))
        for identifier, receipt, record in clean.rows(f"select id, receipt, record from state.lineage where table_name = '{table}'"):
            sources[identifier].add((*clean.files[receipt], record))
        same = {identifier for identifier in before if not sources[identifier] & befallen}
        assert len(same) > len(before) / 2, table
        differing = [identifier for identifier in same if before[identifier] != after.get(identifier)]
        assert not differing, (table, len(differing), [(before[i], after.get(i)) for i in differing[:3]])
        assert not after.keys() - before.keys(), table


def _rows(of: Landed, table: str) -> dict[int, str]:
    """By id the published columns as one text."""
    names = [column.name for column in TABLES[table].columns]
    found = of.release.query(f"select {', '.join(names)} from cdr.{table}")
    texts = [pc.fill_null(pc.cast(column, pa.string()), "~") for column in found.columns]
    return dict(zip(found.column(0).to_pylist(), pc.binary_join_element_wise(*texts, "|").to_pylist(), strict=True))


def _befallen(spoilt: Landed) -> set[Place]:
    """The records with defects by their number in the clean file: less what defects before them added to it."""
    by_file = defaultdict[tuple[str, str], list[Mapping[str, Any]]](list)
    for row in spoilt.export.truth:
        by_file[row["feed"], row["file"]].append(row)
    found: set[Place] = set()
    for (feed, file), rows in by_file.items():
        more = 0
        for row in rows:  # in order of place
            number = row["record"] - more
            if row["added"]:
                number -= 1  # the record before it, of which one comes twice
            found.add((feed, file, number))
            more += row["records"] if row["added"] else row["records"] - 1
    return found
