"""What Synthea's files must become, worked out from the files themselves by plain Python: the csv module, dates, and a vocabulary's CSVs."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

Record = Mapping[str, str]
Concept = tuple[int, str]  # (standard concept, domain)


@dataclass(frozen=True)
class Sent:
    """How one file is read: the table it fills without a vocabulary, the columns that say when, and the vocabulary of its codes ("": it has none)."""

    file: str
    table: str
    start: str = ""
    end: str = ""
    vocabulary: str = ""


FILES = (
    Sent("patients", "person"),
    Sent("patients", "location"),
    Sent("patients", "death", "DEATHDATE"),
    Sent("organizations", "location"),
    Sent("organizations", "care_site"),
    Sent("providers", "provider"),
    Sent("encounters", "visit_occurrence", "START", "STOP"),
    Sent("encounters", "cost"),
    Sent("conditions", "condition_occurrence", "START", "STOP", "SNOMED"),
    Sent("medications", "drug_exposure", "START", "STOP", "RxNorm"),
    Sent("immunizations", "drug_exposure", "DATE", "DATE", "CVX"),
    Sent("procedures", "procedure_occurrence", "START", "", "SNOMED"),
    Sent("observations", "observation", "DATE", "", "LOINC"),
    Sent("allergies", "observation", "START"),
    Sent("devices", "device_exposure", "START", "", "SNOMED"),
    Sent("supplies", "device_exposure", "DATE", "", "SNOMED"),
    Sent("payer_transitions", "payer_plan_period", "START_YEAR"),
)
DATES = {
    "death": "death_date",
    "visit_occurrence": "visit_start_date",
    "condition_occurrence": "condition_start_date",
    "drug_exposure": "drug_exposure_start_date",
    "procedure_occurrence": "procedure_date",
    "measurement": "measurement_date",
    "observation": "observation_date",
    "device_exposure": "device_exposure_start_date",
    "payer_plan_period": "payer_plan_period_start_date",
}
# CDM 5.4: the table of each domain; whatever has none of its own is an observation.
TABLE_OF = {
    "Condition": "condition_occurrence",
    "Drug": "drug_exposure",
    "Procedure": "procedure_occurrence",
    "Device": "device_exposure",
    "Measurement": "measurement",
    "Specimen": "specimen",
}


@dataclass(frozen=True)
class Row:
    """One row that must be there: its source record (file, 1-based number), table, first and last day, standard concept, source concept and code."""

    file: str
    number: int
    table: str
    start: date | None
    end: date | None
    concept: int = 0
    source_concept: int = 0
    code: str = ""


def records(folder: Path, file: str) -> list[Record]:
    """The records of a file, in order."""
    with (folder / f"{file}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def local_day(text: str, zone: str) -> date | None:
    """The day on which a date, or an instant in UTC, falls in a zone."""
    if len(text) <= len("2024-01-31"):
        return date.fromisoformat(text) if text else None
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(ZoneInfo(zone)).date()


class Subset:
    """A vocabulary's concepts and `Maps to` links, looked up one by one."""

    def __init__(self, archive: Path) -> None:
        concepts = list(_members(archive, "CONCEPT"))
        self.concepts = {(c["vocabulary_id"], c["concept_code"]): int(c["concept_id"]) for c in concepts}
        assert len(self.concepts) == len(concepts), "no code stands twice in the subset"
        self.standard = {int(c["concept_id"]): c["domain_id"] for c in concepts if c["standard_concept"] == "S" and not c["invalid_reason"]}
        self.links: dict[int, set[int]] = defaultdict(set)
        for link in _members(archive, "CONCEPT_RELATIONSHIP"):
            if link["relationship_id"] == "Maps to" and not link["invalid_reason"]:
                self.links[int(link["concept_id_1"])].add(int(link["concept_id_2"]))

    def look_up(self, vocabulary: str, code: str) -> tuple[int, list[Concept]]:
        """The concept of a code, 0 for none, and the standard concepts it leads to."""
        found = self.concepts.get((vocabulary, code), 0)
        leads = {found} if found in self.standard else self.links[found] & self.standard.keys()
        return found, sorted((concept, self.standard[concept]) for concept in leads)


def _members(archive: Path, table: str) -> Iterator[Record]:
    with zipfile.ZipFile(archive) as opened, opened.open(f"{table}.csv") as stream:
        yield from csv.DictReader(io.TextIOWrapper(stream, "utf-8", newline=""))


def rows(folder: Path, zone: str, subset: Subset | None = None) -> list[Row]:
    """Every row that the repository must hold of these files in the tables that records fill."""
    insured = {payer["Id"] for payer in records(folder, "payers") if payer["NAME"] != "NO_INSURANCE"}
    found: list[Row] = []
    for sent in FILES:
        for number, record in enumerate(records(folder, sent.file), 1):
            if (sent.table == "death" and not record["DEATHDATE"]) or (sent.table == "payer_plan_period" and record["PAYER"] not in insured):
                continue
            start, end = (local_day(record[column], zone) if column else None for column in (sent.start, sent.end))
            found += _of_code(sent, number, start, end, record["CODE"], subset) if sent.vocabulary else [Row(sent.file, number, sent.table, start, end)]
    return found


def _of_code(sent: Sent, number: int, start: date | None, end: date | None, code: str, subset: Subset | None) -> list[Row]:
    source, leads = subset.look_up(sent.vocabulary, code) if subset else (0, [])
    tables = [(concept, TABLE_OF.get(domain, "observation")) for concept, domain in leads] or [(0, sent.table)]
    return [Row(sent.file, number, table, start, end, concept, source, code) for concept, table in tables]
