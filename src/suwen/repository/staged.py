"""Staging as a relation: source columns as text, the reader's issue, and the place (receipt, record) of every record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suwen.engine.hash import owner_hash
from suwen.engine.sql import Tree, alias, call, col, integer, list_of, null, paren, plus, read_parquet, statement, typed
from suwen.model.staging import FEED, ISSUES, OWNER, RECEIPT, RECORD, PoolPart, StagedFile


def staged(files: Sequence[StagedFile], columns: Sequence[str], constants: Mapping[str, Sequence[int]] | None = None) -> Tree:
    """The records of staging files of one kind: `columns` (null where a file has none), `_issues`, `_receipt`, `_record`.

    `constants`: further BIGINT columns by name, a value per file.
    """
    present = {c for f in files for c in f.columns}
    chosen = [alias(col(c) if c in present else typed(null(), "VARCHAR"), c) for c in columns]
    issues = col(ISSUES) if any(f.rejected for f in files) else typed(null(), "VARCHAR")
    one_shape = len({(f.columns, bool(f.rejected)) for f in files}) == 1
    return statement(
        "select {columns}, {more}, {issues} as {issue_name}, {receipt} as {receipt_name}, {record} as {record_name} from {files}",
        columns=chosen,
        more=[alias(_constant(values), name) for name, values in (constants or {}).items()],
        issues=issues,
        issue_name=ISSUES,
        receipt=_constant([f.receipt for f in files]),
        receipt_name=RECEIPT,
        record=plus(_constant([f.before + 1 for f in files]), typed(col("file_row_number"), "BIGINT")),
        record_name=RECORD,
        files=read_parquet([f.path for f in files], row_number=True, by_name=not one_shape),
    )


def pooled(parts: Sequence[PoolPart], columns: Sequence[str], constants: Sequence[str] = (), of: Tree | str | None = None) -> Tree:
    """The same of the parts of pools of one kind.

    `constants`: those of `OWNER`, `FEED` and `SALT` that are wanted. `of`: the relation (receipt, owner) of the receipts whose records are meant, None for
    all; whoever wants `OWNER` needs it.
    """
    present = {c for part in parts for c in part.columns}
    chosen = [alias(col(c, "b") if c in present else typed(null(), "VARCHAR"), c) for c in columns]
    more = [alias(col("owner", "o") if name == OWNER else col(name, "b"), name) for name in constants]
    files = read_parquet([part.path for part in parts], by_name=len({part.columns for part in parts}) > 1)
    places = [alias(col(name, "b"), name) for name in (ISSUES, RECEIPT, RECORD)]
    if of is None:
        return statement("select {c}, {m}, {p} from {files} b", c=chosen, m=more, p=places, files=files)
    return statement("select {c}, {m}, {p} from {files} b join {of} o on o.receipt = b._receipt", c=chosen, m=more, p=places, files=files, of=of)


def organisation_hash(organisation: str) -> int:
    """`OWNER` of an organisation's records."""
    return owner_hash("organisation", organisation)


def feed_hash(feed: str) -> int:
    """`FEED` of a feed's records."""
    return owner_hash("feed", feed)


def feeds_of(files: Sequence[StagedFile]) -> dict[str, list[int]]:
    """`FEED` of the records of some files, as constants of `staged`."""
    hashes = {feed: feed_hash(feed) for feed in {f.feed for f in files}}
    return {FEED: [hashes[f.feed] for f in files]}


def _constant(values: Sequence[int]) -> Tree:
    """A constant per file, by the file's place in the list."""
    if len(set(values)) == 1:
        return typed(integer(values[0]), "BIGINT")
    return call("list_extract", typed(list_of([integer(v) for v in values]), "BIGINT[]"), typed(paren(plus(col("file_index"), integer(1))), "BIGINT"))
