"""The receipts of a landing as columns: read a thousand deliveries at a time, so that looking at all of them stays cheap when there are very many.

A thousand deliveries that are complete never change, so what was read of them is kept beside them as one Parquet file. It is only a saving: one that is
missing, damaged, or not of the deliveries that are there is made again. What it holds is not read again from the deliveries: that one of them was damaged
since is told by maintenance, which reads all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from suwen.base.errors import SuwenError
from suwen.model.receipt import Delivery, Mode, Object, Receipt, Segment

CHUNK = 1000  # deliveries
_LAST = b"last"  # sha256 of the last delivery of a chunk, by which it is known again
_SCHEMA = pa.schema(
    {
        "sequence": pa.int64(),
        "feed": pa.string(),
        "delivery": pa.int64(),
        "name": pa.string(),
        "length": pa.int64(),
        "sha256": pa.string(),
        "received_at": pa.timestamp("us", "UTC"),
        "as_of": pa.timestamp("us"),
        "mode": pa.string(),
        "window_from": pa.date32(),
        "window_to": pa.date32(),
        "sender": pa.string(),
        "codec": pa.string(),
        "key_reference": pa.string(),
        "segment": pa.string(),  # null: a whole object
        "offset": pa.int64(),
        "crc32": pa.int64(),
    }
)
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Numbered = Sequence[tuple[int, Path]]  # deliveries with the files that hold them


class Register:
    """Receipts in their sequence, from 1 without gaps; `table` has a row for each, with the columns of `Receipt`."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def receipt(self, sequence: int) -> Receipt:
        """One receipt. Raises KeyError where there is none."""
        if not 1 <= sequence <= len(self):
            raise KeyError(sequence)
        return _receipt(self.table.slice(sequence - 1, 1).to_pylist()[0])

    def numbers(self, column: str) -> Numbers:
        """A column of whole numbers."""
        return np.asarray(self.table[column].to_numpy(), np.int64)

    @cached_property
    def feeds(self) -> tuple[list[str], Numbers]:
        """The feeds, and for each receipt the place of its own among them."""
        encoded = self.table["feed"].combine_chunks().dictionary_encode()
        return encoded.dictionary.to_pylist(), np.asarray(encoded.indices.to_numpy(), np.int64)

    @cached_property
    def by_feed(self) -> dict[str, Numbers]:
        """Feed -> its sequences, ascending."""
        names, codes = self.feeds
        order = np.argsort(codes, kind="stable")
        ends = np.searchsorted(codes[order], np.arange(len(names) + 1))
        return {name: order[ends[at] : ends[at + 1]] + 1 for at, name in enumerate(names)}

    def feeds_of(self, some: Flags) -> set[str]:
        """The feeds of some receipts."""
        names, codes = self.feeds
        return {names[code] for code in np.unique(codes[some])}

    @property
    def deliveries(self) -> int:
        """How many there are, which is the number of the last."""
        return int(self.table["delivery"][-1].as_py()) if len(self) else 0

    def of_moment(self, feed: str, as_of: datetime) -> list[list[Receipt]]:
        """The receipts of a feed's deliveries that speak for a moment, delivery by delivery."""
        wanted = pc.and_(pc.equal(self.table["feed"], feed), pc.equal(self.table["as_of"], pa.scalar(as_of, pa.timestamp("us"))))
        receipts = [_receipt(row) for row in self.table.filter(wanted).to_pylist()]
        return [list(of) for _, of in groupby(receipts, lambda receipt: receipt.delivery)]

    @cached_property
    def bounds(self) -> Numbers:
        """Where the receipts of each delivery begin in the table, and where the last one's end."""
        return np.concatenate([np.searchsorted(self.numbers("delivery"), np.arange(1, self.deliveries + 1)), [len(self)]])

    def delivery(self, number: int) -> Delivery:
        """One delivery, as far as its receipts tell. Raises KeyError where there is none."""
        if not 1 <= number <= self.deliveries:
            raise KeyError(number)
        first, end = self.bounds[number - 1 : number + 1].tolist()
        receipts = tuple(_receipt(row) for row in self.table.slice(first, end - first).to_pylist())
        one = receipts[0]
        return Delivery(number, one.feed, one.as_of, one.mode, one.window, one.received_at, receipts)

    def in_deliveries(self, numbers: Iterable[int]) -> Flags:
        """Which receipts came in some deliveries."""
        return np.isin(self.numbers("delivery"), np.fromiter(numbers, np.int64))


class Receipts(Mapping[int, Receipt]):
    """Some receipts of a register by sequence, each made when it is asked for. `held`: a flag for every receipt of the register."""

    def __init__(self, register: Register, held: Flags) -> None:
        self.register, self.held = register, held

    @classmethod
    def nothing(cls) -> Receipts:
        """None, of a landing in which nothing has landed."""
        return cls(Register(_SCHEMA.empty_table()), np.zeros(0, np.bool_))

    @cached_property
    def sequences(self) -> Numbers:
        """Theirs, ascending."""
        return np.flatnonzero(self.held) + 1

    @cached_property
    def table(self) -> pa.Table:
        """Their columns."""
        return self.register.table.filter(pa.array(self.held))

    def __getitem__(self, sequence: int) -> Receipt:
        if sequence not in self:
            raise KeyError(sequence)
        return self.register.receipt(sequence)

    def __contains__(self, sequence: object) -> bool:
        return isinstance(sequence, int) and 1 <= sequence <= len(self.held) and bool(self.held[sequence - 1])

    def __iter__(self) -> Iterator[int]:
        return iter(self.sequences.tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(self.held))

    @property
    def feeds(self) -> set[str]:
        """Whose they are."""
        return self.register.feeds_of(self.held)

    def of(self, feed: str) -> list[int]:
        """Those of a feed, ascending."""
        mine = self.register.by_feed.get(feed, np.empty(0, np.int64))
        return [int(sequence) for sequence in mine[self.held[mine - 1]]]

    @cached_property
    def latest(self) -> dict[str, datetime]:
        """Feed -> the latest moment that any of its receipts speaks for."""
        found = self.table.group_by("feed").aggregate([("as_of", "max")])
        return dict(zip(found["feed"].to_pylist(), found["as_of_max"].to_pylist(), strict=True))


def read_register(folder: Path, numbers: Numbered, load: Callable[[Numbered], list[Delivery]]) -> Register:
    """The register of deliveries. `numbers`: all, without gaps; `load` reads some. Raises SuwenError where receipts are missing between two."""
    whole = len(numbers) // CHUNK * CHUNK
    chunks = [_chunk(folder / f"{at // CHUNK + 1:010d}.parquet", numbers[at : at + CHUNK], load) for at in range(0, whole, CHUNK)]
    found = Register(pa.concat_tables([*chunks, as_table(load(numbers[whole:]))]))
    if not np.array_equal(found.numbers("sequence"), np.arange(1, len(found) + 1)):
        raise SuwenError("receipts are missing between two deliveries", where=str(numbers[0][1].parent), do="restore landing from its copy")
    return found


def as_table(deliveries: Iterable[Delivery]) -> pa.Table:
    """The receipts of deliveries as columns."""
    receipts = [receipt for delivery in deliveries for receipt in delivery.receipts]
    forms = [receipt.form if isinstance(receipt.form, Segment) else None for receipt in receipts]
    plain = ("sequence", "feed", "delivery", "name", "length", "sha256", "received_at", "as_of", "sender", "codec", "key_reference")
    columns: dict[str, list[object]] = {name: [getattr(receipt, name) for receipt in receipts] for name in plain}
    columns |= {"mode": [receipt.mode.value for receipt in receipts]}
    columns |= {name: [receipt.window[end] if receipt.window else None for receipt in receipts] for end, name in enumerate(("window_from", "window_to"))}
    columns |= {name: [getattr(form, name) if form else None for form in forms] for name in ("segment", "offset", "crc32")}
    return pa.table({name: pa.array(columns[name], kind) for name, kind in zip(_SCHEMA.names, _SCHEMA.types, strict=True)})


def _chunk(kept: Path, numbers: Numbered, load: Callable[[Numbered], list[Delivery]]) -> pa.Table:
    last = hashlib.sha256(numbers[-1][1].read_bytes()).hexdigest().encode()
    with suppress(OSError, pa.ArrowException, KeyError, TypeError):
        found = pq.read_table(kept, schema=_SCHEMA)
        said = pq.read_metadata(kept)
        if (said.metadata or {})[_LAST] == last and said.schema.to_arrow_schema().equals(_SCHEMA):
            return found
    made = as_table(load(numbers))
    _save(kept, made.replace_schema_metadata({_LAST: last}))
    return made


def _save(kept: Path, table: pa.Table) -> None:
    temporary = kept.with_name(f".{kept.name}-{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(kept)
    except OSError:  # a landing that is full or may not be written to costs the saving, never the reading
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _receipt(row: Mapping[str, object]) -> Receipt:
    said: dict[str, object] = dict(row)
    first, last = said.pop("window_from"), said.pop("window_to")
    segment, offset, crc32 = said.pop("segment"), said.pop("offset"), said.pop("crc32")
    said["form"] = Segment(str(segment), int(str(offset)), int(str(crc32))) if segment is not None else Object(str(row["sha256"]))
    said["mode"] = Mode(str(row["mode"]))
    said["window"] = (first, last) if isinstance(first, date) and isinstance(last, date) else None
    return Receipt(**said)  # type: ignore[arg-type]  # the columns are those of a receipt, checked when it was read
