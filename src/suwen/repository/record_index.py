"""The record index: hashes of every staged record, from which versions and dispositions are queries.

One row per record: receipt, record, key (equal keys of two feeds differ), check (31 further bits of the key's md5), content, and, where the kind has
them, version, tombstone and window day; `issue` is the finding code that keeps a record out whatever the target (rejected by the reader, key unreadable,
outside the window).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suwen.engine import hash as hashing
from suwen.engine.keys import repeated
from suwen.engine.port import Engine
from suwen.engine.sql import Tree, case, col, compared, conjunction, disjunction, integer, is_null, negation, null, read_parquet, statement, text, typed
from suwen.model.pack import Kind
from suwen.model.receipt import Mode, Receipt
from suwen.model.region import Region
from suwen.model.staging import ISSUES, RECEIPT, RECORD
from suwen.repository.staged import FEED, SALT, feed_hash


@dataclass(frozen=True)
class KindExpressions:
    """A kind's compiled version, tombstone and window expressions (None where it has none)."""

    version: Tree | None
    tombstone: Tree | None
    window: Tree | None


COLUMNS = ("receipt", "record", "key", "check", "content", "nth", "version", "tombstone", "day", "issue")


def index_query(kind: Kind, staged: Tree, columns: Iterable[str], compiled: KindExpressions, *, bounds: tuple[Tree, Tree] | None, region: Region) -> Tree:
    """The index rows of staged records of one kind, keyless ones still without their ordinal; keys as the region's ids go.

    `staged`: the records with `columns` (all that any of their files has) and what their keys are made of besides, see `key_constants`. `bounds`: the
    first and the last day of which their delivery speaks (null: of all), columns of `s` or constants; None where none of them says so.
    """
    contents = {c: col(c, "s") for c in sorted({*columns, *kind.key})}
    keyed = bool(kind.key)
    keys = [col(c, "s") for c in kind.key]
    blank = disjunction([disjunction([is_null(k), compared(k, "=", text(""))]) for k in keys])  # false for a keyless kind
    issues: list[tuple[Tree, Tree]] = [(negation(is_null(col(ISSUES, "s"))), col(ISSUES, "s"))]
    if keyed:
        issues.append((blank, text("KEY-001")))
    day = compiled.window
    if day is not None and bounds is not None:
        issues.append((_outside(day, *bounds), text("WIN-001")))
    return statement(
        "select {receipt}::INTEGER as receipt, {record}::INTEGER as record, {key} as key, {check} as {check_name}, {content} as content, "
        "1::INTEGER as nth, {version} as version, {tombstone} as tombstone, {day} as day, {issue} as issue from {staged} s",
        receipt=RECEIPT,
        record=RECORD,
        key=case(
            [(disjunction([negation(is_null(col(ISSUES, "s"))), blank]), typed(null(), "BIGINT"))],
            fed_key(keys, region) if keyed else keyless_key(contents),
        ),
        check=hashing.record_check(keys) if keyed else typed(integer(0), "INTEGER"),
        check_name="check",
        content=hashing.content(contents),
        version=_as_number(compiled.version),
        tombstone=typed(compiled.tombstone, "BOOLEAN") if compiled.tombstone is not None else typed(null(), "BOOLEAN"),
        day=day if day is not None else typed(null(), "DATE"),
        issue=typed(case(issues), "VARCHAR"),
        staged=staged,
    )


def key_constants(kind: Kind) -> str:
    """What the keys of a kind's records are made of besides their texts: whose they are, or of keyless ones that and their file in mode append."""
    return FEED if kind.key else SALT


def fed_key(parts: Sequence[Tree], region: Region) -> Tree:
    """The key of a record with these key columns, of the feed that the column `FEED` says."""
    bits = region.settings.id_bits
    return hashing.xored([hashing.record_key(parts, bits, region.replacements), hashing.narrowed(col(FEED), bits)])


def _as_number(version: Tree | None) -> Tree:
    """A version as BIGINT: compiled expressions give BIGINT already, or a TIMESTAMP taken as microseconds by the caller."""
    return typed(version, "BIGINT") if version is not None else typed(null(), "BIGINT")


def _outside(day: Tree, low: Tree, high: Tree) -> Tree:
    beyond = disjunction([is_null(day), compared(day, "<", low), compared(day, ">", high)])
    return conjunction([negation(is_null(low)), beyond])


def salt_of(receipt: Receipt, content: str) -> int:
    """What a file adds to the keys of keyless records: its feed and, in append mode, a hash of its unpacked bytes' sha256."""
    return feed_hash(receipt.feed) ^ (hashing.constant_hash(hashing.prefix("file"), content) if receipt.mode is Mode.APPEND else 0)


def keyless_key(contents: Mapping[str, Tree]) -> Tree:
    """The key of a keyless record that is the first of its content: content and salt."""
    return hashing.xored([hashing.content(contents), col(SALT)])


def write_index(engine: Engine, kind: Kind, queries: Mapping[int, Tree], paths: Mapping[int, Path]) -> None:
    """Write the index of a kind's records of some deliveries, each as a whole, in one file or several; keyless equal ones get their ordinal in their delivery.

    In append mode the file's bytes are in the key, so the ordinal counts within the file: the same bytes again are duplicates, equal charges in
    two deliveries are two. The relation `declared_receipts(receipt, delivery, appended)` tells deliveries and mode.
    """
    if kind.key:
        for receipt, query in queries.items():
            engine.copy_whole(query, paths[receipt], codec=_CODEC)
        return
    first = {r: p.with_name(f"{p.stem}.first.parquet") for r, p in paths.items()}
    for receipt, query in queries.items():
        engine.copy_whole(query, first[receipt], codec=_CODEC)
    twice = repeated([str(p) for p in first.values()], "key")
    ordinals = f"ordinals_{kind.name}_{hashlib.sha256(str(min(paths.values())).encode()).hexdigest()[:12]}"  # indexes are written side by side
    if len(twice):
        engine.register("repeated_keys", twice)
        engine.temporary(ordinals, _ordinals(read_parquet([str(p) for p in first.values()])))
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


def _ordinals(first: Tree) -> Tree:
    """(receipt, record, key, nth) of the second and further of equal records. Keys that hold a file's bytes are numbered within each file."""
    ordinal = hashing.text_hash(hashing.prefix("ordinal"), typed(col("nth"), "VARCHAR"))
    return statement(
        """with numbered as (
            select i.*, row_number() over (partition by i.key, i.delivery, i.file order by i.receipt, i.record) as nth
            from (select x.* exclude (nth), d.delivery, case when d.appended then x.receipt else 0 end as file
                from {first} x join declared_receipts d on d.receipt = x.receipt semi join repeated_keys r on r.key = x.key) i)
        select receipt, record, xor(key, {ordinal}) as key, nth from numbered where nth > 1""",
        ordinal=ordinal,
        first=first,
    )
