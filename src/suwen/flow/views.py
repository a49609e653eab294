"""What a reader sees of a release: the schemas `omop` (as published), `cdr` and `ext` (as stored), `state`, as queries over its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from suwen.engine.sql import Tree, alias, case, col, integer, literal_rows, null, read_parquet, statement, text
from suwen.model import state
from suwen.model.cdm import TABLES, Column, Table
from suwen.model.extension import ALL_TABLES, EXTENSION_TABLES
from suwen.model.release import Release
from suwen.model.staging import RECEIPT
from suwen.repository.rows import lake_name, stored_columns

STILL_PATIENT = 32220  # visit type concept of a stay that has not ended
# The table whose open rows end, as far as one knows, on the feed's last day: (type column, end column).
OPEN_ENDS: Mapping[str, tuple[str, str]] = {
    "visit_occurrence": ("visit_type_concept_id", "visit_end_date"),
    "visit_detail": ("visit_detail_type_concept_id", "visit_detail_end_date"),
}
RECEIPTS = "state/receipt"
BY_MASTER = frozenset({"observation_period", "drug_era", "condition_era", "dose_era"})  # stored by master
Files = Callable[[str], Sequence[str]]  # the Parquet files of a lake or vocabulary table
CDM_VERSION, CDM_VERSION_CONCEPT = "5.4", 756265  # the concept of the OMOP vocabulary for CDM v5.4.0


def names() -> tuple[str, ...]:
    """Every view, as `schema.table`."""
    stored = tuple(f"cdr.{name}" for name, table in TABLES.items() if table.group != "vocabulary" or name == "source_to_concept_map")
    return (*(f"omop.{name}" for name in TABLES), *stored, *(f"ext.{name}" for name in EXTENSION_TABLES), *(name.replace("/", ".") for name in state.TABLES))


def stored_view(name: str, files: Files) -> Tree:
    """The rows of `cdr.*`, `ext.*` or `state.*` as they are stored, with their provenance."""
    schema, table = name.split(".", 1)
    columns = state.TABLES[f"state/{table}"] if schema == "state" else stored_columns(ALL_TABLES[table])
    return _rows(columns, files(f"{schema}/{table}"))


def omop_view(table: Table, files: Files, *, vocabulary: bool, dangling: Mapping[str, int], joined: bool = False) -> Tree:
    """The published columns of a CDM table, in order.

    Two columns differ from what is stored: an optional reference is null while the row it names is absent, and an open stay ends on the last
    day its feed speaks for. Where links join persons (`joined`), a row's person is its master.
    """
    paths = files(f"vocabulary/{table.name}" if vocabulary else lake_name(table.name))
    if not paths:
        return _rows({c.name: str(c.type) for c in table.columns}, ())
    rows = read_parquet(paths)
    if joined and table.person_column and table.name not in BY_MASTER:
        rows = _of_masters(table, rows, read_parquet(files("ext/ext_person_link")))
    ends = OPEN_ENDS.get(table.name)
    columns = [alias(_shown(table, column, files, dangling, ends), column.name) for column in table.columns]
    if ends is None:
        return statement("select {columns} from {rows} s", columns=columns, rows=rows)
    return statement(
        "select {columns} from {rows} s left join {days} d on d.receipt = s.{receipt} and {open}",
        columns=columns,
        rows=rows,
        days=_days(files),
        receipt=RECEIPT,
        open=_is_open(*ends),
    )


def _of_masters(table: Table, rows: Tree, links: Tree) -> Tree:
    """Stored rows whose person is the master; of person the master's own row, of death that of the smallest person_id that has one."""
    pairs = statement("select person_id, master_person_id as master from {l} l where master_person_id <> person_id", l=links)
    if table.name == "person":
        return statement("select r.* from {r} r anti join {p} m on m.person_id = r.person_id", r=rows, p=pairs)
    shown = statement(
        "select r.* replace (coalesce(m.master, r.person_id) as person_id), r.person_id as _own from {r} r left join {p} m on m.person_id = r.person_id",
        r=rows,
        p=pairs,
    )
    if table.name == "death":
        return statement("select * from {s} x qualify row_number() over (partition by person_id order by _own) = 1", s=shown)
    return shown


def cdm_source_view(region: str, zone: str, release: Release, vocabulary: str) -> Tree:
    """cdm_source: one row that says what a release is. It is worked out when read, since it holds when the release was published, which is no content.

    The source's date is the last day any feed speaks for, the release's that of its publication in the region's zone.
    """
    published = datetime.fromisoformat(release.published_at).astimezone(ZoneInfo(zone)).date().isoformat()
    source = max((moment[:10] for moment in release.as_of.values()), default=published)
    values = {
        "cdm_source_name": region,
        "cdm_source_abbreviation": region[:25],
        "cdm_holder": region,
        "source_description": f"feeds: {', '.join(sorted(release.as_of))}" if release.as_of else "",
        "cdm_etl_reference": f"Suwen, release {release.number}",
        "source_release_date": source,
        "cdm_release_date": published,
        "cdm_version": CDM_VERSION,
        "cdm_version_concept_id": str(CDM_VERSION_CONCEPT),
        "vocabulary_version": vocabulary or "none",
    }
    columns = TABLES["cdm_source"].columns
    row = [text(values[c.name]) if values.get(c.name) else null() for c in columns]
    return literal_rows([c.name for c in columns], [str(c.type) for c in columns], [row])


def _rows(columns: Mapping[str, str], paths: Sequence[str]) -> Tree:
    """Columns of files; typed and empty where there are none."""
    if not paths:
        return literal_rows(list(columns), list(columns.values()), [])
    return statement("select {columns} from {rows}", columns=[col(name) for name in columns], rows=read_parquet(paths))


def _shown(table: Table, column: Column, files: Files, dangling: Mapping[str, int], ends: tuple[str, str] | None) -> Tree:
    if ends is not None and column.name == ends[1]:
        return case([(_is_open(*ends), col("day", "d"))], col(column.name, "s"))
    if column.references and not column.required and dangling.get(f"{table.name}.{column.name}", 0) > 0:
        return _present(column, files)
    return col(column.name, "s")


def _present(column: Column, files: Files) -> Tree:
    """A reference where the row it names is there, else null."""
    assert column.references is not None
    other, key = column.references
    rows = _rows({key: str(ALL_TABLES[other].column(key).type)}, files(lake_name(other)))
    shown: Tree = statement(
        "select case when {own} in (select r.{key} from {rows} r) then {own} end", own=col(column.name, "s"), key=key, rows=rows
    ).expressions[0]
    return shown


def _is_open(kind: str, end: str) -> Tree:
    condition: Tree = statement("select {kind} = {still} and {end} is null", kind=col(kind, "s"), still=integer(STILL_PATIENT), end=col(end, "s")).expressions[
        0
    ]
    return condition


def _days(files: Files) -> Tree:
    """(receipt, day): the last day for which the receipt's feed speaks in the release."""
    receipts = _rows(state.RECEIPT_TABLE, files(RECEIPTS))
    last = statement("select feed, cast(max(as_of) as date) as day from {r} r group by feed", r=receipts)
    return statement("select r.receipt, l.day from {r} r join {l} l on l.feed = r.feed", r=receipts, l=last)
