"""Numbers that occur more than once, found by sorting: faster than grouping where nearly all occur once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from suwen.engine.faults import file_errors

_AT_ONCE = 40_000_000  # numbers sorted at a time: 320 MB, and as much again while reading


def repeated(paths: Sequence[str], column: str, *, at_once: int = _AT_ONCE) -> pa.Table:
    """The values of an int64 column (nulls aside) that stand more than once in the files together, as a table with the column `key`.

    More than `at_once` rows are taken in ranges of the value, one pass over the files for each.
    """
    with file_errors(paths):
        rows = sum(pq.ParquetFile(p).metadata.num_rows for p in paths)
        ranges = max(1, -(-rows // at_once))
        step = (2**63) // ranges
        found = [_repeated(paths, column, n * step, 2**63 - 1 if n == ranges - 1 else (n + 1) * step - 1) for n in range(ranges)]
    return pa.table({"key": pa.array(np.concatenate(found), type=pa.int64())})


def _repeated(paths: Sequence[str], column: str, low: int, high: int) -> np.ndarray:
    pieces = [_values(p, column, low, high) for p in paths]
    values = np.concatenate(pieces) if pieces else np.empty(0, dtype=np.int64)
    del pieces
    values.sort()
    return np.unique(values[1:][values[1:] == values[:-1]])


def _values(path: str, column: str, low: int, high: int) -> np.ndarray:
    table = pq.read_table(path, columns=[column], use_threads=True)
    values = np.concatenate([c.drop_null().to_numpy(zero_copy_only=False) for c in table[column].chunks] or [np.empty(0, dtype=np.int64)])
    if low == 0 and high == 2**63 - 1:
        return np.asarray(values, dtype=np.int64)
    return np.asarray(values[(values >= low) & (values <= high)], dtype=np.int64)
