"""Why a region with defects counts otherwise than the clean one: rows that differ, the records they are made of, and what became of these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from suwen.flow.answers import Answers
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.value_records import records
from suwen.insight.indicator.value import span
from suwen.intake.landing import Landing
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import lake_name

# The tables of which the bases of the ten are made, and the column that leads to the visit.
TABLES = {
    "visit_occurrence": "visit_occurrence_id", "ext_visit": "visit_occurrence_id", "ext_procedure": "visit_occurrence_id",
    "condition_occurrence": "visit_occurrence_id", "cost": "cost_event_id", "death": "",
}  # fmt: skip
REFUSED = ("quarantined", "held")
Row = Mapping[str, Any]


class Region:
    """A region that was landed and run; its records by feed, file and number, which are the same in a region of the same settings."""

    def __init__(self, folder: Path) -> None:
        self.opened = OpenRelease(open_region(folder / "region"))
        self.answers = Answers(self.opened)
        self.files = {receipt.sequence: (receipt.feed, receipt.name) for receipt in Landing(self.opened.region.landing).receipts()}

    def rows(self, table: str) -> dict[int, Row]:
        """The stored rows of a table by id."""
        own = ALL_TABLES[table].id_column or ""
        return {row[own]: row for row in self.opened.table(lake_name(table).replace("/", ".")).to_pylist()}

    @cached_property
    def visits(self) -> dict[int, Row]:
        return self.rows("visit_occurrence")

    @cached_property
    def masters(self) -> dict[int, int]:
        return {row["person_id"]: row["master_person_id"] for row in self.opened.table("ext.ext_person_link").to_pylist()}

    @cached_property
    def refused(self) -> set[tuple[str, str, int]]:
        """(feed, file, record) of records that are quarantined or held, for whatever target."""
        found = self.opened.query("select distinct receipt, record from state.disposition where state in ('quarantined', 'held')").to_pylist()
        return {(*self.files[row["receipt"]], row["record"]) for row in found}

    @cached_property
    def sources(self) -> dict[tuple[str, int], list[tuple[int, int]]]:
        """(table, id) -> the records of a row with several sources."""
        found: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        for row in self.opened.table("state.lineage").to_pylist():
            found[row["table_name"], row["id"]].append((row["receipt"], row["record"]))
        return found

    def made_of(self, table: str, row_id: int, row: Row) -> set[tuple[str, str, int]]:
        """(feed, file, record) of all records that a row is made of."""
        places = [*self.sources.get((table, row_id), ()), (row["_receipt"], row["_record"])]
        return {(*self.files[receipt], record) for receipt, record in places}

    def counted(self, code: str, period: str) -> dict[tuple[str, int], Mapping[str, Any]]:
        """(table, id) -> what each point takes of it, of every row behind an indicator."""
        found = records(self.answers, code, self.answers.tree.top, span(period), limit=1_000_000)
        return {(one.table, one.id): {**one.points, "day": one.day, "organisation": one.organisation} for one in found}


def changed_rows(clean: Region, spoilt: Region) -> Iterable[tuple[str, int, Row]]:
    """(table, id, row of the clean region) of rows that are missing in the other, or otherwise."""
    for table in TABLES:
        names, after = ALL_TABLES[table].row_columns, spoilt.rows(table)
        for row_id, row in clean.rows(table).items():
            other = after.get(row_id)
            if other is None or any(row[name] != other[name] for name in names):
                yield table, row_id, row
        assert not after.keys() - clean.rows(table).keys(), table


def befallen(clean: Region, changed: Sequence[tuple[str, int, Row]]) -> tuple[set[int], set[int]]:
    """The visits of changed rows, and the humans of whom one changed."""
    visits = {row[TABLES[table]] for table, _, row in changed if TABLES[table]}
    return visits, {clean.masters[row["person_id"]] for table, _, row in changed if row.get("person_id") is not None}
