"""Pools: small receipts of one reader staged together, so that neither files nor lists grow with the days on which a few rows come.

What has been pooled is merged by tiers: eight pools of about as many receipts become one of the next size, so that a region keeps a handful of them and
a record is written again a few times in all. A pool is a folder, whose list is written last; its content follows from its receipts and the reader spec.
See docs/decisions/pools.md.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from math import log
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from suwen.base.system import explained
from suwen.engine.port import Engine
from suwen.engine.sql import col, in_numbers, negation, read_parquet, statement
from suwen.engine.store.port import Store
from suwen.flow.stage import Ahead, Stager, worth_spreading
from suwen.intake.formats.delimited import Member, read
from suwen.intake.register import Flags
from suwen.intake.survey_store import opener
from suwen.model.receipt import Receipt
from suwen.model.staging import FEED, ISSUES, RECEIPT, RECORD, SALT, Numbers, Pool, PoolPart, Tally, Unread, tallied, together
from suwen.repository.record_index import salt_of
from suwen.repository.staged import feed_hash

FORM = 1
FEWEST = 8  # small deliveries that stand apart before they are put together
SMALL = 8 << 20  # bytes of a delivery, as it came
AT_ONCE = 64 << 20  # bytes of the deliveries that are read into one pool
TIER = 8  # pools of about as many receipts that become one
LARGEST = 4_000_000  # records that a merged pool may have
ROWS_OF_A_GROUP = 122_880  # DuckDB's own
LIST = "list.parquet"
_PLACES = {ISSUES: pa.string(), RECEIPT: pa.int64(), RECORD: pa.int64(), FEED: pa.int64(), SALT: pa.int64()}


def kept_pools(store: Store, folder: Path, spec: str, needed: Flags | None = None) -> list[Pool]:
    """The pools of a reader spec that are whole; of those that hold the same receipts the largest. `folder`: that of all pools.

    `needed`: a flag for each receipt from 1; pools with one that is not are passed over.
    """
    found = [one for one in (_load(store, path) for path in store.find(folder / spec, f"*/{LIST}")) if one is not None]
    taken: set[int] = set()
    kept: list[Pool] = []
    for pool in sorted(found, key=lambda b: -len(b.receipts)):
        if needed is not None and not all_of(pool.receipts, needed).all():
            continue
        mine = set(pool.receipts.tolist())
        if not mine & taken and _is_whole(store, pool):
            taken |= mine
            kept.append(pool)
    return sorted(kept, key=lambda b: b.name)


def all_of(receipts: Numbers, flags: Flags) -> Flags:
    """Of each receipt its flag; false for one that has none."""
    inside = receipts <= len(flags)
    found = np.zeros(len(receipts), np.bool_)
    found[inside] = flags[receipts[inside] - 1]
    return found


def _is_whole(store: Store, pool: Pool) -> bool:
    return all(store.whole(Path(part.path)) for part in pool.parts)


def make_pools(engine: Engine, folder: Path, waiting: Sequence[Sequence[tuple[Stager, Receipt]]]) -> Iterator[Pool]:
    """Read receipts into pools, each of one reader spec; by the engine's others, where it has some and there is enough to read.

    `waiting`: of every spec its receipts, whole deliveries in order.
    """
    some = [of for receipts in waiting for of in _shared_out(receipts)]
    if worth_spreading(engine, [receipt for of in some for _, receipt in of], len(some)):
        engine.spread(_made_there, [(folder, [Ahead.of(stager, receipt) for stager, receipt in of]) for of in sorted(some, key=_length, reverse=True)])
    for of in some:
        made = _load(engine.store, _place(folder, of[0][0].spec, [receipt.sequence for _, receipt in of]) / LIST)
        yield made if made is not None and _is_whole(engine.store, made) else _make(engine, folder, of)


def _shared_out(waiting: Sequence[tuple[Stager, Receipt]]) -> Iterator[list[tuple[Stager, Receipt]]]:
    """Receipts by pool."""
    some: list[tuple[Stager, Receipt]] = []
    held = 0
    for at, (stager, receipt) in enumerate(waiting):
        some.append((stager, receipt))
        held += receipt.length
        last = at + 1 == len(waiting)
        if last or (held >= AT_ONCE and waiting[at + 1][1].delivery != receipt.delivery):
            yield some
            some, held = [], 0


def _length(of: Sequence[tuple[Stager, Receipt]]) -> int:
    return sum(receipt.length for _, receipt in of)


def _made_there(engine: Engine, item: tuple[Path, list[Ahead]]) -> None:
    folder, of = item
    _make(engine, folder, [(one.stager(engine), one.receipt) for one in of])


def merged(engine: Engine, folder: Path, pools: Sequence[Pool]) -> list[Pool]:
    """The pools after as many of about the same size as make the next have become one. Those that went into it stay for who reads them."""
    found = list(pools)
    while True:
        tiers: dict[int, list[Pool]] = {}
        for pool in found:
            if pool.rows * TIER <= LARGEST:
                tiers.setdefault(int(log(len(pool.receipts), TIER)), []).append(pool)
        full = next((of for _, of in sorted(tiers.items()) if len(of) >= TIER), None)
        if full is None:
            return found
        one = _merge(engine, folder, full)
        found = [*(b for b in found if b not in full), one]


def _make(engine: Engine, folder: Path, of: Sequence[tuple[Stager, Receipt]]) -> Pool:
    place = _place(folder, of[0][0].spec, [receipt.sequence for _, receipt in of])
    parts: dict[tuple[str, tuple[str, ...]], _Part] = {}
    files: dict[str, list[tuple[int, int, int]]] = {}
    unread: list[Unread] = []
    try:
        for stager, receipt in of:
            looked = stager.look(receipt)
            unread += looked.unread
            told = [(kind, 0, 0) for kind in looked.empty]
            for member, kind in looked.members:
                shape = kind.name, tuple(sorted(member.columns))
                if shape not in parts:
                    parts[shape] = _Part(engine, place / f"{kind.name}-{len(parts)}.parquet", *shape)
                told.append((kind.name, *parts[shape].take(stager, receipt, member)))
            for kind_name, rows, rejected in told or [("", 0, 0)]:
                files.setdefault(kind_name, []).append((receipt.sequence, rows, rejected))
        kept = tuple(part.close() for _, part in sorted(parts.items()))
    finally:
        for part in parts.values():
            part.drop()
    made = Pool(place.name, of[0][0].spec, kept, {kind: tallied(said) for kind, said in files.items()}, tuple(unread))
    _save(engine.store, place, made)
    return made


class _Part:
    """A part on its way: batches are written in row groups as they come, aside until it is closed."""

    def __init__(self, engine: Engine, path: Path, kind: str, columns: tuple[str, ...]) -> None:
        self.engine, self.path, self.kind, self.columns = engine, path, kind, columns
        self.aside = path.with_name(f".{path.name}.tmp")
        self.schema = pa.schema([*((name, pa.string()) for name in columns), *_PLACES.items()])
        self.rows = self.rejected = self._waiting = 0
        self._batches: list[pa.RecordBatch] = []
        self._writer: pq.ParquetWriter | None = None

    def take(self, stager: Stager, receipt: Receipt, member: Member) -> tuple[int, int]:
        """Read a file into it; gives its records, and how many of them the reader rejects."""
        rows, rejected = self.rows, self.rejected
        first, salt = member.first_record, salt_of(receipt, stager.content(receipt, member))
        stager.progress.start(f"reading {member.name}", member.records)
        for piece in member.pieces:
            for batch in read(opener(stager.landing, receipt, member), stager.template.reader, member, piece):
                if batch.num_rows:
                    self._add(batch, receipt, first + self.rows - rows, salt)
                    stager.progress.advance(batch.num_rows)
        return self.rows - rows, self.rejected - rejected

    def _add(self, batch: pa.RecordBatch, receipt: Receipt, number: int, salt: int) -> None:
        texts = [batch.column(name).cast(pa.string()) for name in (*self.columns, ISSUES)]
        places = {RECEIPT: receipt.sequence, RECORD: 0, FEED: feed_hash(receipt.feed), SALT: salt}
        numbers = [pa.array(np.full(batch.num_rows, value, np.int64)) for value in places.values()]
        numbers[1] = pa.array(np.arange(number, number + batch.num_rows, dtype=np.int64))
        self._batches.append(pa.RecordBatch.from_arrays([*texts, *numbers], schema=self.schema))
        self.rows += batch.num_rows
        self.rejected += batch.num_rows - texts[-1].null_count
        self._waiting += batch.num_rows
        if self._waiting >= ROWS_OF_A_GROUP:
            self._write()

    def _write(self) -> None:
        with explained(self.path):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = pq.ParquetWriter(self.aside, self.schema, compression="zstd")
            self._writer.write_table(pa.Table.from_batches(self._batches, self.schema), row_group_size=2 * ROWS_OF_A_GROUP)
        self._batches, self._waiting = [], 0

    def close(self) -> PoolPart:
        """Write what waits, and give the file its name."""
        self._write()
        assert self._writer is not None
        with explained(self.path):
            self._writer.close()
        self.engine.step(f"wrote aside pools/{self.path.parent.name}")
        self.engine.store.name(self.aside, self.path)
        self.engine.step(f"named pools/{self.path.parent.name}")
        return PoolPart(str(self.path), self.kind, self.columns, self.rows, self.rejected)

    def drop(self) -> None:
        """Leave nothing aside of what was not closed."""
        if self._writer is not None:
            with suppress(OSError):  # where the disk is full: the first error is the one to tell
                self._writer.close()
        self.aside.unlink(missing_ok=True)


def _merge(engine: Engine, folder: Path, pools: Sequence[Pool]) -> Pool:
    spec = pools[0].spec
    place = _place(folder, spec, [int(r) for b in pools for r in b.receipts])
    alike: dict[tuple[str, tuple[str, ...]], list[PoolPart]] = {}
    for part in (part for pool in pools for part in pool.parts):
        alike.setdefault((part.kind, part.columns), []).append(part)
    parts = []
    for at, ((kind, columns), of) in enumerate(sorted(alike.items())):
        path = place / f"{kind}-{at}.parquet"
        named = [col(name) for name in (*columns, *_PLACES)]
        rows = statement("select {c} from {f} f order by _receipt, _record", c=named, f=read_parquet([part.path for part in of]))
        engine.copy_whole(rows, path, ordered=True)  # so that a few receipts are found without reading all
        parts.append(PoolPart(str(path), kind, columns, sum(part.rows for part in of), sum(part.rejected for part in of)))
    kinds = sorted({kind for pool in pools for kind in pool.tallies})
    tallies = {kind: together([b.tallies[kind] for b in pools if kind in b.tallies]) for kind in kinds}
    made = Pool(place.name, spec, tuple(parts), tallies, tuple(u for pool in pools for u in pool.unread))
    _save(engine.store, place, made)
    return made


def without(engine: Engine, folder: Path, pool: Pool, gone: Numbers) -> Pool | None:
    """A pool without some of its receipts, written anew; None where none would be left."""
    stay = np.setdiff1d(pool.receipts, gone)
    if not len(stay):
        return None
    place = _place(folder, pool.spec, stay.tolist())
    parts = []
    for part in pool.parts:
        named = [col(name) for name in (*part.columns, *_PLACES)]
        others = negation(in_numbers(col(RECEIPT), gone.tolist()))
        rows = statement("select {c} from {f} f where {o} order by _receipt, _record", c=named, f=read_parquet([part.path]), o=others)
        path = place / Path(part.path).name
        written = engine.copy_whole(rows, path, ordered=True)
        if written.rows:
            rejected = engine.one(statement("select count(_issues) from {f} f", f=read_parquet([str(path)])))
            parts.append(PoolPart(str(path), part.kind, part.columns, written.rows, int(rejected)))
    tallies = {kind: tally.where(np.isin(tally.receipts, stay)) for kind, tally in pool.tallies.items()}
    left = set(stay.tolist())
    made = Pool(place.name, pool.spec, tuple(parts), tallies, tuple(one for one in pool.unread if one.receipt in left))
    _save(engine.store, place, made)
    return made


def _place(folder: Path, spec: str, receipts: Sequence[int]) -> Path:
    said = hashlib.sha256(json.dumps([FORM, sorted(receipts)]).encode()).hexdigest()[:12]
    return folder / spec / f"{min(receipts):010d}-{max(receipts):010d}-{said}"


def _save(store: Store, place: Path, pool: Pool) -> None:
    """Write the list, by file names, so that a region can be moved."""
    kinds = sorted(pool.tallies)
    lengths = [len(pool.tallies[kind].receipts) for kind in kinds]
    whole = together([pool.tallies[kind] for kind in kinds])
    kind = pa.DictionaryArray.from_arrays(np.repeat(np.arange(len(kinds), dtype=np.int32), lengths), pa.array(kinds, pa.string()))
    columns = {"kind": kind, **vars(whole)}
    parts = [asdict(replace(part, path=Path(part.path).name)) for part in pool.parts]
    said = {"form": FORM, "spec": pool.spec, "parts": parts, "unread": [asdict(one) for one in pool.unread]}
    table = pa.table(columns).replace_schema_metadata({"pool": json.dumps(said)})
    written = io.BytesIO()
    pq.write_table(table, written, compression="zstd")
    store.put(place / LIST, written.getvalue())


def _load(store: Store, path: Path) -> Pool | None:
    """A pool as listed; None where the list cannot be read: its receipts are read again."""
    try:
        table = pq.read_table(io.BytesIO(store.read(path)))
        said = json.loads((table.schema.metadata or {})[b"pool"])
        if said["form"] != FORM:
            return None
        parts = tuple(PoolPart(**{**p, "columns": tuple(p["columns"]), "path": str(path.parent / p["path"])}) for p in said["parts"])
        return Pool(path.parent.name, said["spec"], parts, _tallies(table), tuple(Unread(**u) for u in said["unread"]))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def _tallies(table: pa.Table) -> Mapping[str, Tally]:
    kinds = table["kind"].combine_chunks().dictionary_encode()
    codes = np.asarray(kinds.indices.to_numpy(zero_copy_only=False), np.int64)
    whole = Tally(*(np.asarray(table[name].to_numpy(), np.int64) for name in ("receipts", "rows", "rejected")))
    return {str(kind): whole.where(codes == at) for at, kind in enumerate(kinds.dictionary.to_pylist())}
