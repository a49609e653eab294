"""The record index: hashes of every staged record, from which versions and dispositions are queries.

One row per record: receipt, record, key (equal keys of two feeds differ), check (31 further bits of the key's md5), content, and, where the kind has
them, version, tombstone and window day; `issue` is the finding code that keeps a record out whatever the target (rejected by the reader, key unreadable,
outside the window).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from suwen.engine import hash as hashing
from suwen.engine.keys import repeated
from suwen.engine.port import Engine
from suwen.engine.sql import Tree, case, col, compared, disjunction, integer, is_null, negation, null, read_parquet, statement, text, typed
from suwen.model.pack import Kind
from suwen.model.receipt import Mode, Receipt
from suwen.model.region import Region
from suwen.model.staging import ISSUES, RECEIPT, RECORD, StagedFile
from suwen.repository.staged import FEED, SALT, feed_hash, feeds_of, staged


@dataclass(frozen=True)
class KindExpressions:
    """A kind's compiled version, tombstone and window expressions (None where it has none)."""

    version: Tree | None
    tombstone: Tree | None
    window: Tree | None


def index_query(kind: Kind, files: Sequence[StagedFile], compiled: KindExpressions, receipts: Mapping[int, Receipt], *, region: Region) -> Tree:
    """The index rows of the staging files of one kind (all of one delivery), keyless ones still without their ordinal; keys as the region's ids go."""
    columns = sorted({c for f in files for c in f.columns} | set(kind.key))
    contents = {c: col(c) for c in columns}
    keyed = bool(kind.key)
    keys = [col(c) for c in kind.key]
    content = hashing.content(contents)
    blank = disjunction([disjunction([is_null(k), compared(k, "=", text(""))]) for k in keys])  # false for a keyless kind
    issues: list[tuple[Tree, Tree]] = [(negation(is_null(col(ISSUES))), col(ISSUES))]
    if keyed:
        issues.append((blank, text("KEY-001")))
    day = compiled.window
    if day is not None:
        issues += [(_outside(day, r), text("WIN-001")) for r in _distinct_windows(files, receipts)]
    return statement(
        "select {receipt}::INTEGER as receipt, {record}::INTEGER as record, {key} as key, {check} as {check_name}, {content} as content, "
        "1::INTEGER as nth, {version} as version, {tombstone} as tombstone, {day} as day, {issue} as issue from {staged} s",
        receipt=RECEIPT,
        record=RECORD,
        key=case(
            [(disjunction([negation(is_null(col(ISSUES))), blank]), typed(null(), "BIGINT"))],
            fed_key(keys, region) if keyed else keyless_key(columns),
        ),
        check=hashing.record_check(keys) if keyed else typed(integer(0), "INTEGER"),
        check_name="check",
        content=content,
        version=_as_number(compiled.version),
        tombstone=typed(compiled.tombstone, "BOOLEAN") if compiled.tombstone is not None else typed(null(), "BOOLEAN"),
        day=day if day is not None else typed(null(), "DATE"),
        issue=typed(case(issues), "VARCHAR"),
        staged=staged(files, sorted(set(columns) | set(kind.columns) | set(kind.optional)), _constants(files, receipts, keyed=keyed)),
    )


def _constants(files: Sequence[StagedFile], receipts: Mapping[int, Receipt], *, keyed: bool) -> dict[str, list[int]]:
    """What keys are made of besides a record's texts, per file."""
    if keyed:
        return feeds_of(files)
    return {SALT: [salt_of(receipts[f.receipt], f) for f in files]}


def fed_key(parts: Sequence[Tree], region: Region) -> Tree:
    """The key of a record with these key columns, of the feed that the column `FEED` says."""
    bits = region.settings.id_bits
    return hashing.xored([hashing.record_key(parts, bits, region.replacements), hashing.narrowed(col(FEED), bits)])


def _as_number(version: Tree | None) -> Tree:
    """A version as BIGINT: compiled expressions give BIGINT already, or a TIMESTAMP taken as microseconds by the caller."""
    return typed(version, "BIGINT") if version is not None else typed(null(), "BIGINT")


def _distinct_windows(files: Sequence[StagedFile], receipts: Mapping[int, Receipt]) -> list[tuple[date, date]]:
    found = {receipts[f.receipt].window for f in files if receipts[f.receipt].mode is Mode.WINDOW}
    return sorted(w for w in found if w is not None)


def _outside(day: Tree, window: tuple[date, date]) -> Tree:
    low, high = (typed(text(d.isoformat()), "DATE") for d in window)
    return disjunction([is_null(day), compared(day, "<", low), compared(day, ">", high)])


def salt_of(receipt: Receipt, file: StagedFile) -> int:
    """What a file adds to the keys of keyless records: its feed and, in append mode, a hash of its unpacked bytes' sha256."""
    return feed_hash(file.feed) ^ (hashing.constant_hash(hashing.prefix("file"), file.content) if receipt.mode is Mode.APPEND else 0)


def keyless_key(columns: Sequence[str]) -> Tree:
    """The key of a keyless record that is the first of its content: content and salt."""
    return hashing.xored([hashing.content({c: col(c) for c in columns}), col(SALT)])


def write_index(engine: Engine, kind: Kind, queries: Mapping[int, Tree], paths: Mapping[int, Path], *, append: bool) -> None:
    """Write the index of one delivery's kind, a file per receipt; equal keys of a keyless kind get their ordinal within the delivery.

    In append mode the file's bytes are in the key, so the ordinal counts within the file: the same bytes again are duplicates, equal charges in
    two deliveries are two.
    """
    if kind.key:
        for receipt, query in queries.items():
            engine.copy_whole(query, paths[receipt], codec=_CODEC)
        return
    first = {r: p.with_name(f"{p.stem}.first.parquet") for r, p in paths.items()}
    for receipt, query in queries.items():
        engine.copy_whole(query, first[receipt], codec=_CODEC)
    twice = repeated([str(p) for p in first.values()], "key")
    ordinals = f"ordinals_{kind.name}_{min(paths)}"  # indexes are written side by side: a receipt may hold several kinds
    if len(twice):
        engine.register("repeated_keys", twice)
        engine.temporary(ordinals, _ordinals(read_parquet([str(p) for p in first.values()]), append=append))
        engine.unregister("repeated_keys")
    for receipt, path in paths.items():
        if len(twice):
            engine.copy_whole(statement(_NUMBERED, first=read_parquet([str(first[receipt])]), ordinals=ordinals), path, codec=_CODEC)
            first[receipt].unlink()
        else:
            engine.store.name(first[receipt], path)
    engine.drop(ordinals)


_CODEC = "lz4_raw"  # hashes do not compress
_NUMBERED = """select i.* replace (coalesce(n.key, i.key) as key, coalesce(n.nth, 1)::INTEGER as nth)
    from {first} i left join {ordinals} n on n.receipt = i.receipt and n.record = i.record"""


def _ordinals(first: Tree, *, append: bool) -> Tree:
    """(receipt, record, key, nth) of the second and further of equal records. Keys that hold a file's bytes (`append`) are numbered within each file."""
    together = [col("key"), *([col("receipt")] if append else [])]
    ordinal = hashing.text_hash(hashing.prefix("ordinal"), typed(col("nth"), "VARCHAR"))
    return statement(
        """with numbered as (
            select i.*, row_number() over (partition by {together} order by receipt, record) as nth
            from (select x.* exclude (nth) from {first} x semi join repeated_keys r on r.key = x.key) i)
        select receipt, record, xor(key, {ordinal}) as key, nth from numbered where nth > 1""",
        together=together,
        ordinal=ordinal,
        first=first,
    )
