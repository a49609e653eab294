"""The record index: hashes of every staged record, from which versions and dispositions are queries.

One row per record: receipt, record, key, check (31 further bits of the key's md5), content, and, where the kind has them, version, tombstone and
window day; `issue` is the finding code that keeps a record out whatever the target (rejected by the reader, key unreadable, outside the window).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from suwen.engine import hash as hashing
from suwen.engine.duck import Engine
from suwen.engine.sql import Tree, alias, both, case, col, compared, disjunction, integer, is_null, negation, null, statement, text, typed
from suwen.model.pack import Kind
from suwen.model.receipt import Mode, Receipt
from suwen.model.staging import ISSUES, RECEIPT, RECORD, StagedFile
from suwen.repository.staged import staged

COLUMNS = ("receipt", "record", "key", "check", "content", "version", "tombstone", "day", "issue")


@dataclass(frozen=True)
class KindExpressions:
    """A kind's compiled version, tombstone and window expressions (None where it has none)."""

    version: Tree | None
    tombstone: Tree | None
    window: Tree | None


def index_query(kind: Kind, files: Sequence[StagedFile], compiled: KindExpressions, receipts: Mapping[int, Receipt], *, windows: bool, bits: int) -> Tree:
    """The index rows of the staging files of one kind (all of one delivery), keyless ones still without their ordinal."""
    columns = sorted({c for f in files for c in f.columns} | set(kind.key))
    contents = {c: col(c) for c in columns}
    keyed = bool(kind.key)
    keys = [col(c) for c in kind.key]
    content = hashing.content(contents)
    blank = disjunction([disjunction([is_null(k), compared(k, "=", text(""))]) for k in keys])
    issues: list[tuple[Tree, Tree]] = [(negation(is_null(col(ISSUES))), col(ISSUES))]
    if keyed:
        issues.append((blank, text("KEY-001")))
    day = compiled.window if windows and compiled.window is not None else None
    if day is not None:
        issues += [(_outside(day, r), text("WIN-001")) for r in _distinct_windows(files, receipts)]
    return statement(
        "select {receipt} as receipt, {record} as record, {key} as key, {check} as {check_name}, {content} as content, {version} as version, "
        "{tombstone} as tombstone, {day} as day, {issue} as issue from {staged} s",
        receipt=RECEIPT,
        record=RECORD,
        key=case([(blank, typed(null(), "BIGINT"))], hashing.record_key(keys, bits)) if keyed else content,
        check=hashing.record_check(keys) if keyed else typed(integer(0), "INTEGER"),
        check_name="check",
        content=content,
        version=_as_number(compiled.version),
        tombstone=typed(compiled.tombstone, "BOOLEAN") if compiled.tombstone is not None else typed(null(), "BOOLEAN"),
        day=day if day is not None else typed(null(), "DATE"),
        issue=typed(case(issues), "VARCHAR"),
        staged=staged(files, sorted(set(columns) | set(kind.columns) | set(kind.optional))),
    )


def _as_number(version: Tree | None) -> Tree:
    """A version as BIGINT: compiled expressions give BIGINT already, or a TIMESTAMP taken as microseconds by the caller."""
    return typed(version, "BIGINT") if version is not None else typed(null(), "BIGINT")


def _distinct_windows(files: Sequence[StagedFile], receipts: Mapping[int, Receipt]) -> list[tuple[date, date]]:
    found = {receipts[f.receipt].window for f in files if receipts[f.receipt].mode is Mode.WINDOW}
    return sorted(w for w in found if w is not None)


def _outside(day: Tree, window: tuple[date, date]) -> Tree:
    low, high = (typed(text(d.isoformat()), "DATE") for d in window)
    return disjunction([is_null(day), compared(day, "<", low), compared(day, ">", high)])


def write_index(engine: Engine, kind: Kind, query: Tree, mode: Mode, shas: Mapping[int, str], paths: Mapping[int, str]) -> None:
    """Write the index of one delivery's kind, a file per receipt; equal contents of a keyless kind get their ordinal within the delivery.

    In append mode the ordinal counts within the file and the key also holds the sha256 of the file's bytes: the same bytes again are duplicates,
    equal charges in two deliveries are two.
    """
    from pathlib import Path

    if kind.key and len(paths) == 1:
        engine.copy(query, Path(next(iter(paths.values()))), codec="lz4_raw")
        return
    engine.temporary("new_index", query)
    source = "new_index" if kind.key else _with_ordinals(engine, mode, shas)
    for receipt, path in paths.items():
        engine.copy(statement("select * from {source} where receipt = {receipt}", source=source, receipt=receipt), Path(path), codec="lz4_raw")
    engine.drop("new_index", "new_index_keyed")


def _with_ordinals(engine: Engine, mode: Mode, shas: Mapping[int, str]) -> str:
    salted = case(
        [(compared(col("receipt"), "=", integer(r)), hashing.text_hash(hashing.prefix("file"), text(sha))) for r, sha in sorted(shas.items())] if mode is Mode.APPEND else [],
        integer(0),
    )
    within = [col("content"), col("receipt")] if mode is Mode.APPEND else [col("content")]
    ordinal = hashing.text_hash(hashing.prefix("ordinal"), typed(col("nth"), "VARCHAR"))
    engine.temporary(
        "new_index_keyed",
        statement(
            """with repeated as (select content from new_index where issue is null group by content having count(*) > 1),
            numbered as (select receipt, record, row_number() over (partition by {within} order by receipt, record) as nth
                from new_index semi join repeated using (content) where issue is null)
            select i.* replace (case when i.issue is null then xor(xor(i.content, coalesce(case when n.nth > 1 then {ordinal} end, 0)), {salt}) end as key)
            from new_index i left join numbered n on n.receipt = i.receipt and n.record = i.record""",
            within=within,
            ordinal=ordinal,
            salt=_qualified(salted),
        ),
    )
    return "new_index_keyed"


def _qualified(tree: Tree) -> Tree:
    """The salt's `receipt` read from the index side of the join."""
    copy = tree.copy()
    for column in copy.find_all(type(col("x"))):
        column.replace(col(column.name, "i"))
    return copy
