"""What the rooms above ask of an engine: run trees, keep relations under names, write Parquet files; DuckDB and Spark both are one.

A tree is composed once, in DuckDB's dialect (`engine/sql.py`); each engine prints it in its own. Which engine a region has is decided in
`engine/opening.py` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from suwen.engine.sql import Tree
from suwen.engine.store.port import Store

Item = TypeVar("Item")


@dataclass(frozen=True)
class Written:
    """One Parquet file as written: rows, bytes and the statistics per column (`min`, `max` as text, `null_count`, `min_is_exact`, `max_is_exact`).

    No row: no file.
    """

    path: Path
    rows: int
    bytes: int
    statistics: Mapping[str, Mapping[str, str]]


class Engine(Protocol):
    """An engine at work: bounded memory, what does not fit spills to `scratch`. Its relations last until it is closed.

    Files that a query names are brought from `store` first, and what appears whole is kept there. `step` is told when a file is written aside
    and when it has its name. Every call raises SuwenError where memory, disk, a file or the engine's own machines are at fault.
    `side_by_side`: whether even large statements are better worked on several at a time, since each leaves some of its machines idle.
    """

    side_by_side: bool

    scratch: Path
    spreads: bool  # whether `spread` has other machines, or processes, do anything
    memory: str
    store: Store
    step: Callable[[str], None]

    def beside(self) -> Engine:
        """The same engine for another thread: what one makes by `temporary` all see, what one registers it sees alone. To be closed too."""
        ...

    def close(self) -> None: ...

    def execute(self, query: Tree | str) -> None:
        """Run a statement for its effect; `delete from` a relation that `temporary` made is the one that every engine has."""
        ...

    def spread(self, work: Callable[[Engine, Item], None], items: Sequence[Item]) -> None:
        """Do `work` ahead for each item on the engine's own machines or in processes beside this one, each with an engine that stages there.

        Where it has none: nothing. `work`, a function of a module, and items are pickled, and leave what they do in files. What fails is left undone,
        for the caller to do and to fail at himself.
        """
        ...

    def rows(self, query: Tree | str) -> list[tuple[Any, ...]]:
        """The rows of a query as tuples; for small answers. Of a struct a dict, of a list a list."""
        ...

    def one(self, query: Tree | str) -> Any:
        """The single value of a query."""
        ...

    def arrow(self, query: Tree | str) -> pa.Table:
        """The rows of a query as an Arrow table."""
        ...

    def batches(self, query: Tree | str, rows: int = 122_880) -> Iterator[pa.RecordBatch]:
        """The rows of a query, batch by batch; finish it before the next call."""
        ...

    def register(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        """Make Arrow data readable under a name."""
        ...

    def unregister(self, name: str) -> None: ...

    def temporary(self, name: str, query: Tree) -> None:
        """Create or replace a relation that lasts as long as the engine, from a query worked out now."""
        ...

    def drop(self, *names: str) -> None: ...

    def count(self, name: str) -> int:
        """The rows of a relation by its name."""
        ...

    def has_more_than(self, paths: Sequence[str], column: str, limit: int) -> bool:
        """Whether a column of Parquet files goes above a limit."""
        ...

    def copy(self, query: Tree | str, path: Path, *, ordered: bool = False, codec: str = "zstd", row_group: int = 122_880) -> Written:
        """Write a query to one Parquet file; `ordered` keeps the query's row order. `row_group`: about how many rows."""
        ...

    def copy_parts(self, rows: Tree | str, columns: Sequence[Tree], parts: Sequence[tuple[Tree, Path]]) -> Iterator[Written]:
        """Write columns of a relation to a Parquet file for each part, a condition and a path, in their order; each row fulfils one of the conditions."""
        ...

    def copy_batches(self, reader: pa.RecordBatchReader, path: Path, *, codec: str = "zstd") -> Written:
        """Write a stream of record batches to one Parquet file in its order; the file appears whole or not at all."""
        ...

    def copy_csv(self, source: Path, options: Mapping[str, object], path: Path, *, codec: str = "zstd") -> int:
        """Write a delimited file's records, all columns as text, to one Parquet file in the file's order; gives the rows written, -1 for "cannot"."""
        ...

    def copy_whole(self, query: Tree, path: Path, *, ordered: bool = False, codec: str = "zstd") -> Written:
        """Write a query to one Parquet file that appears whole or not at all; `ordered` keeps the query's row order."""
        ...
