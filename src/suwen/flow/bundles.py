"""Bundles: small receipts of one reader staged together, so that neither files nor lists grow with the days on which a few rows come.

What has been bundled is merged by tiers: eight bundles of about as many receipts become one of the next size, so that a region keeps a handful of them and
a record is written again a few times in all. A bundle is a folder, whose list is written last; its content follows from its receipts and the reader spec.
See docs/decisions/bundles.md.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from math import log
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from suwen.engine.port import Engine
from suwen.engine.sql import col, read_parquet, statement
from suwen.engine.store.port import Store
from suwen.flow.stage import Stager
from suwen.intake.formats.delimited import Member, read
from suwen.intake.survey_store import opener
from suwen.model.receipt import Receipt
from suwen.model.staging import ISSUES, RECEIPT, RECORD, Bundle, BundlePart, Tally, Unread, tallied, together
from suwen.repository.record_index import salt_of
from suwen.repository.staged import FEED, SALT, feed_hash

FORM = 1
FEWEST = 8  # small deliveries that stand apart before they are put together
SMALL = 1 << 20  # bytes of a delivery, as it came
AT_ONCE = 64 << 20  # bytes of the deliveries that are read into one bundle
TIER = 8  # bundles of about as many receipts that become one
LARGEST = 4_000_000  # records of a bundle that is merged no more
LIST = "list.parquet"
_PLACES = {ISSUES: pa.string(), RECEIPT: pa.int64(), RECORD: pa.int64(), FEED: pa.int64(), SALT: pa.int64()}


def kept_bundles(store: Store, folder: Path, spec: str) -> list[Bundle]:
    """The bundles of a reader spec that are whole; of those that hold the same receipts the largest. `folder`: that of all bundles."""
    found = [one for one in (_load(store, path) for path in store.find(folder / spec, f"*/{LIST}")) if one is not None]
    taken: set[int] = set()
    kept: list[Bundle] = []
    for bundle in sorted(found, key=lambda b: -len(b.receipts)):
        mine = set(bundle.receipts.tolist())
        if not mine & taken and all(store.whole(Path(part.path)) for part in bundle.parts):
            taken |= mine
            kept.append(bundle)
    return sorted(kept, key=lambda b: b.name)


def make_bundles(engine: Engine, folder: Path, waiting: Sequence[tuple[Stager, Receipt]]) -> Iterator[Bundle]:
    """Read receipts of one reader spec, whole deliveries in order, into bundles."""
    some: list[tuple[Stager, Receipt]] = []
    held = 0
    for at, (stager, receipt) in enumerate(waiting):
        some.append((stager, receipt))
        held += receipt.length
        last = at + 1 == len(waiting) or waiting[at + 1][1].delivery != receipt.delivery
        if last and (held >= AT_ONCE or at + 1 == len(waiting)):
            yield _make(engine, folder, some)
            some, held = [], 0


def merged(engine: Engine, folder: Path, bundles: Sequence[Bundle]) -> list[Bundle]:
    """The bundles after as many of about the same size as make the next have become one; the lists of those that went into it are removed."""
    found = list(bundles)
    while True:
        tiers: dict[int, list[Bundle]] = {}
        for bundle in found:
            if bundle.rows < LARGEST:
                tiers.setdefault(int(log(len(bundle.receipts), TIER)), []).append(bundle)
        full = next((of for _, of in sorted(tiers.items()) if len(of) >= TIER), None)
        if full is None:
            return found
        one = _merge(engine, folder, full)
        engine.store.remove(folder / b.spec / b.name / LIST for b in full)
        found = [*(b for b in found if b not in full), one]


def _make(engine: Engine, folder: Path, of: Sequence[tuple[Stager, Receipt]]) -> Bundle:
    batches: dict[tuple[str, tuple[str, ...]], list[pa.RecordBatch]] = {}
    files: dict[str, list[tuple[int, int, int]]] = {}
    unread: list[Unread] = []
    for stager, receipt in of:
        looked = stager.look(receipt)
        unread += looked.unread
        told = [(kind, 0, 0) for kind in looked.empty]
        for member, kind in looked.members:
            salt = salt_of(receipt, stager.content(receipt, member))
            read_in = [_placed(receipt, member, salt, batch) for batch in _batches(stager, receipt, member)]
            batches.setdefault((kind.name, tuple(sorted(member.columns))), []).extend(read_in)
            told.append((kind.name, sum(b.num_rows for b in read_in), sum(b.num_rows - b.column(ISSUES).null_count for b in read_in)))
        for kind_name, rows, rejected in told or [("", 0, 0)]:
            files.setdefault(kind_name, []).append((receipt.sequence, rows, rejected))
    spec = of[0][0].spec
    place = _place(folder, spec, [receipt.sequence for _, receipt in of])
    parts = []
    for at, ((kind_name, columns), some) in enumerate(sorted(batches.items())):
        table = pa.Table.from_batches(_numbered(some, columns))
        path = place / f"{kind_name}-{at}.parquet"
        engine.copy_batches(table.to_reader(), path)
        parts.append(BundlePart(str(path), kind_name, columns, table.num_rows, table.num_rows - table[ISSUES].null_count))
    made = Bundle(place.name, spec, tuple(parts), {kind: tallied(said) for kind, said in files.items()}, tuple(unread))
    _save(engine.store, place, made)
    return made


def _batches(stager: Stager, receipt: Receipt, member: Member) -> Iterator[pa.RecordBatch]:
    for piece in member.pieces:
        yield from read(opener(stager.landing, receipt, member), stager.template.reader, member, piece)


def _placed(receipt: Receipt, member: Member, salt: int, batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch with whose it is; record numbers are put in when all batches of the member are there."""
    names = [*sorted(member.columns), ISSUES]
    constants = {RECEIPT: receipt.sequence, RECORD: member.first_record, FEED: feed_hash(receipt.feed), SALT: salt}
    columns = [batch.column(name).cast(pa.string()) for name in names]
    columns += [pa.array(np.full(batch.num_rows, value, np.int64)) for value in constants.values()]
    return pa.RecordBatch.from_arrays(columns, names=[*names, *constants])


def _numbered(batches: Sequence[pa.RecordBatch], columns: Sequence[str]) -> list[pa.RecordBatch]:
    """The batches with their records numbered on within each file, whose first number they hold."""
    found, place, number = [], (0, 0), 0
    at = len(columns) + 2
    for batch in batches:
        if not batch.num_rows:
            continue
        here = (batch.column(RECEIPT)[0].as_py(), batch.column(RECORD)[0].as_py())
        number = number if here == place else here[1]
        place = here
        found.append(batch.set_column(at, RECORD, pa.array(np.arange(number, number + batch.num_rows, dtype=np.int64))))
        number += batch.num_rows
    return found


def _merge(engine: Engine, folder: Path, bundles: Sequence[Bundle]) -> Bundle:
    spec = bundles[0].spec
    place = _place(folder, spec, [int(r) for b in bundles for r in b.receipts])
    alike: dict[tuple[str, tuple[str, ...]], list[BundlePart]] = {}
    for part in (part for bundle in bundles for part in bundle.parts):
        alike.setdefault((part.kind, part.columns), []).append(part)
    parts = []
    for at, ((kind, columns), of) in enumerate(sorted(alike.items())):
        path = place / f"{kind}-{at}.parquet"
        named = [col(name) for name in (*columns, *_PLACES)]
        engine.copy_whole(statement("select {c} from {f} f", c=named, f=read_parquet([part.path for part in of])), path)
        parts.append(BundlePart(str(path), kind, columns, sum(part.rows for part in of), sum(part.rejected for part in of)))
    kinds = sorted({kind for bundle in bundles for kind in bundle.tallies})
    tallies = {kind: together([b.tallies[kind] for b in bundles if kind in b.tallies]) for kind in kinds}
    made = Bundle(place.name, spec, tuple(parts), tallies, tuple(u for bundle in bundles for u in bundle.unread))
    _save(engine.store, place, made)
    return made


def _place(folder: Path, spec: str, receipts: Sequence[int]) -> Path:
    said = hashlib.sha256(json.dumps([FORM, sorted(receipts)]).encode()).hexdigest()[:12]
    return folder / spec / f"{min(receipts):010d}-{max(receipts):010d}-{said}"


def _save(store: Store, place: Path, bundle: Bundle) -> None:
    """Write the list, by file names, so that a region can be moved."""
    kinds = sorted(bundle.tallies)
    lengths = [len(bundle.tallies[kind].receipts) for kind in kinds]
    whole = together([bundle.tallies[kind] for kind in kinds])
    columns = {"kind": np.repeat(np.array(kinds, dtype=object), lengths), **vars(whole)}
    said = {"spec": bundle.spec, "parts": [asdict(replace(p, path=Path(p.path).name)) for p in bundle.parts], "unread": [asdict(u) for u in bundle.unread]}
    table = pa.table(columns).replace_schema_metadata({"bundle": json.dumps(said)})
    written = io.BytesIO()
    pq.write_table(table, written, compression="zstd")
    store.put(place / LIST, written.getvalue())


def _load(store: Store, path: Path) -> Bundle | None:
    """A bundle as listed; None where the list cannot be read: its receipts are read again."""
    try:
        table = pq.read_table(io.BytesIO(store.read(path)))
        said = json.loads((table.schema.metadata or {})[b"bundle"])
        parts = tuple(BundlePart(**{**p, "columns": tuple(p["columns"]), "path": str(path.parent / p["path"])}) for p in said["parts"])
        return Bundle(path.parent.name, said["spec"], parts, _tallies(table), tuple(Unread(**u) for u in said["unread"]))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def _tallies(table: pa.Table) -> Mapping[str, Tally]:
    kinds = np.array(table["kind"].to_pylist(), dtype=object)
    whole = Tally(*(np.asarray(table[name].to_numpy(), np.int64) for name in ("receipts", "rows", "rejected")))
    return {str(kind): whole.where(kinds == kind) for kind in sorted(set(kinds))}
