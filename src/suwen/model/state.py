"""The state tables of the lake: what became of every record, and what a run did; the shapes of DESIGN's ledger as columns."""

from __future__ import annotations

from collections.abc import Mapping

# Every record not named here is mapped. A record the reader rejects stands once, with target "".
DISPOSITION: Mapping[str, str] = {
    "feed": "VARCHAR",
    "kind": "VARCHAR",
    "target": "VARCHAR",
    "receipt": "BIGINT",
    "record": "BIGINT",
    "key": "BIGINT",
    "state": "VARCHAR",
    "code": "VARCHAR",
    "detail": "VARCHAR",
}
# The sources of rows that have more than one: all of them, ordinal 0 being the row's own provenance.
LINEAGE: Mapping[str, str] = {"table_name": "VARCHAR", "id": "BIGINT", "receipt": "BIGINT", "record": "BIGINT", "template": "VARCHAR", "ordinal": "INTEGER"}
# The moves of records between states in a run; from_state "" is a record not seen before.
LEDGER: Mapping[str, str] = {
    "run": "BIGINT",
    "feed": "VARCHAR",
    "kind": "VARCHAR",
    "target": "VARCHAR",
    "receipt": "BIGINT",
    "from_state": "VARCHAR",
    "to_state": "VARCHAR",
    "records": "BIGINT",
}
FINDING: Mapping[str, str] = {
    "run": "BIGINT",
    "code": "VARCHAR",
    "feed": "VARCHAR",
    "kind": "VARCHAR",
    "target": "VARCHAR",
    "column_name": "VARCHAR",
    "receipt": "BIGINT",
    "records": "BIGINT",
    "examples": "VARCHAR",
}
# Exact counts and sums of row hashes per table, organisation and month.
CELL: Mapping[str, str] = {"table_name": "VARCHAR", "organisation": "VARCHAR", "month": "INTEGER", "records": "BIGINT", "total": "VARCHAR"}
# The receipts of a release: whose each is, and how many records were read of it. Times: `as_of` local, `received_at` UTC.
RECEIPT_TABLE: Mapping[str, str] = {
    "receipt": "BIGINT",
    "feed": "VARCHAR",
    "organisation": "VARCHAR",
    "delivery": "BIGINT",
    "as_of": "TIMESTAMP",
    "received_at": "TIMESTAMP",
    "bytes": "BIGINT",
    "records": "BIGINT",
}
ORIGIN = "origin"
# Statistical points in cells. A point that adds up has one row per organisation, day and origin (the month of the counted rows' own date, by which
# cells are made again); a median one per `value` too, a distinct one per `person_id` (of the organisation) too. `run`: the run that made the cell.
# The point "visits" holds the visits that begin or end on a day: which organisations reported.
POINT_CELL: Mapping[str, str] = {
    "point": "VARCHAR",
    "organisation": "VARCHAR",
    "day": "DATE",
    "origin": "INTEGER",
    "value": "DECIMAL(24,8)",
    "person_id": "BIGINT",
    "records": "BIGINT",
    "total": "DECIMAL(38,8)",
    "run": "BIGINT",
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "state/disposition": DISPOSITION,
    "state/lineage": LINEAGE,
    "state/ledger": LEDGER,
    "state/finding": FINDING,
    "state/cell": CELL,
    "state/receipt": RECEIPT_TABLE,
    "state/point_cell": POINT_CELL,
}
