"""The DuckDB engine: one in-memory connection with a memory limit and a scratch folder, run by trees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from suwen.engine import port
from suwen.engine.ahead import ahead
from suwen.engine.faults import engine_errors, paths_in, system_fault
from suwen.engine.interrupts import interruptible
from suwen.engine.port import Written
from suwen.engine.render import render
from suwen.engine.sql import literally, read_parquet, statement
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store, from_bucket
from suwen.model.region import Settings

_OWN = "set TimeZone = 'UTC'; set enable_progress_bar = false"  # of each connection; DuckDB would draw its bar into standard output


class Engine:
    """A DuckDB connection with bounded memory; what does not fit spills to `scratch`.

    A connection has one open result at a time: results are taken whole, or as a reader that is finished before the next call.
    The files that a statement names are brought here from `store` first, and what appears whole is kept there.
    """

    side_by_side = False  # a large statement has all threads and all memory

    def __init__(self, *, threads: int = 2, memory: str = "4GiB", scratch: Path, store: Store | None = None) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self.scratch = scratch
        self.store = store or FolderStore(scratch)
        self.memory, self._threads = memory, threads
        self.spreads = threads > 1
        self.step: Callable[[str], None] = lambda _: None  # told when a file is written aside and when it has its name
        self._con = duckdb.connect(
            config={
                "threads": threads,
                "memory_limit": memory,
                "temp_directory": str(scratch),
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "default_null_order": "NULLS_LAST",
            }
        )
        self._con.execute(_OWN)
        self._ranges = self.store.ranges()
        if self._ranges is not None:
            self._con.register_filesystem(self._ranges)

    def beside(self) -> Engine:
        """Another connection to the same tables, for another thread: what one makes all see; memory and threads are shared. To be closed too."""
        other = copy(self)
        other._con = self._con.cursor()
        other._con.execute(_OWN)
        return other

    def close(self) -> None:
        self._con.close()

    def execute(self, query: exp.Expression | str) -> None:
        """Run a statement for its effect. Raises SuwenError where memory, disk or a file is at fault; so do all that follow."""
        sql = _text(query)
        with self._explained(sql):
            interruptible(self._con, lambda: self._con.execute(sql))

    def spread(self, work: Callable[[port.Engine, port.Item], None], items: Sequence[port.Item]) -> None:
        if self.spreads:
            share = Settings(self._threads, self.memory).share(self._threads).memory
            ahead(work, items, processes=self._threads, memory=share, scratch=self.scratch)

    def rows(self, query: exp.Expression | str) -> list[tuple[Any, ...]]:
        """The rows of a query as tuples; for small answers."""
        sql = _text(query)
        with self._explained(sql):
            return interruptible(self._con, lambda: self._con.execute(sql).fetchall())

    def one(self, query: exp.Expression | str) -> Any:
        """The single value of a query."""
        return self.rows(query)[0][0]

    def arrow(self, query: exp.Expression | str) -> pa.Table:
        """The rows of a query as an Arrow table."""
        sql = _text(query)
        with self._explained(sql):
            return interruptible(self._con, lambda: self._con.sql(sql).to_arrow_table())

    def batches(self, query: exp.Expression | str, rows: int = 122_880) -> Iterator[pa.RecordBatch]:
        """The rows of a query, batch by batch, with its errors explained as those of any other; finish it before the next call."""
        sql = _text(query)
        with self._explained(sql):
            yield from self._con.sql(sql).to_arrow_reader(rows)

    @contextmanager
    def _explained(self, sql: str, target: Path | None = None) -> Iterator[None]:
        if self.store.remote:
            self.store.fetch(path for path in map(Path, paths_in(sql)) if path.is_relative_to(self.store.root))
        with from_bucket(self._ranges), engine_errors(sql, target=target, memory=self.memory, scratch=self.scratch):
            yield

    def register(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        """Make Arrow data readable under a name, without copying."""
        self._con.register(name, data)

    def unregister(self, name: str) -> None:
        self._con.unregister(name)

    def temporary(self, name: str, query: exp.Expression) -> None:
        """Create or replace a table that lasts as long as the engine, from a query."""
        self.execute(f"create or replace table {quoted([name])} as {render(query)}")

    def drop(self, *names: str) -> None:
        for name in names:
            self.execute(f"drop table if exists {quoted([name])}")

    def count(self, name: str) -> int:
        return int(self.one(f"select count(*) from {quoted([name])}"))

    def has_more_than(self, paths: Sequence[str], column: str, limit: int) -> bool:
        """Whether a column of Parquet files goes above a limit; answered from their statistics."""
        return bool(paths) and bool(self.one(statement("select coalesce(max({c}), 0) > {n} from {f} f", c=column, n=limit, f=read_parquet(list(paths)))))

    def copy(self, query: exp.Expression | str, path: Path, *, ordered: bool = False, codec: str = "zstd", row_group: int = 122_880) -> Written:
        """Write a query to one Parquet file; `ordered` keeps the query's row order."""
        sql = _text(query)
        with self._explained(sql, path):
            return self._copied(sql, path, ordered, codec, row_group)

    def _copied(self, sql: str, path: Path, ordered: bool, codec: str, row_group: int = 122_880) -> Written:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = str(path).replace("'", "''")
        if ordered:
            self._con.execute("set preserve_insertion_order = true")
        try:
            copying = f"copy ({sql}) to '{target}' (format parquet, compression {codec}, row_group_size {row_group}, return_stats)"
            row = interruptible(self._con, lambda: self._con.execute(copying).fetchone())
        finally:
            if ordered:
                self._con.execute("set preserve_insertion_order = false")
        if row is None:  # no row at all: DuckDB wrote nothing
            return Written(path, 0, 0, {})
        statistics = {name.strip('"').replace('""', '"'): {k: str(v) for k, v in values.items()} for name, values in (row[4] or {}).items()}
        return Written(path, int(row[1]), int(row[2]), statistics)

    def copy_parts(self, rows: exp.Expression | str, columns: Sequence[exp.Expression], parts: Sequence[tuple[exp.Expression, Path]]) -> Iterator[Written]:
        """Write a relation to a file for each part, one after the other: each is a scan, which costs less than keeping the parts apart in one."""
        for condition, path in parts:
            everything = "select {c} from {r} x" if len(parts) == 1 else "select {c} from {r} x where {w}"
            yield self.copy(statement(everything, c=list(columns), r=rows, **({} if len(parts) == 1 else {"w": condition})), path)

    def copy_batches(self, reader: pa.RecordBatchReader, path: Path, *, codec: str = "zstd") -> Written:
        """Write a stream of record batches to one Parquet file in its order; the file appears whole or not at all."""
        self.register("batches_to_copy", reader)
        try:
            return self._whole(path, lambda temporary: self.copy(statement("select * from batches_to_copy"), temporary, ordered=True, codec=codec))
        finally:
            self.unregister("batches_to_copy")

    def copy_csv(self, source: Path, options: Mapping[str, object], path: Path, *, codec: str = "zstd") -> int:
        """Write a delimited file's records, all columns as text, to one Parquet file in the file's order; gives the rows written."""
        arguments = ", ".join(f"{name} = {_literal(value)}" for name, value in options.items())
        query = f"select * from read_csv({_literal(literally(str(source)))}, {arguments})"
        try:
            return self._whole(path, lambda temporary: self._copied(query, temporary, True, codec)).rows
        except duckdb.Error as error:
            if fault := system_fault(str(error), path):
                raise fault from None
            return -1  # the caller's own reader takes the file instead, record by record

    def copy_whole(self, query: exp.Expression, path: Path, *, ordered: bool = False, codec: str = "zstd") -> Written:
        """Write a query to one Parquet file that appears whole or not at all; `ordered` keeps the query's row order."""
        return self._whole(path, lambda temporary: self.copy(query, temporary, ordered=ordered, codec=codec))

    def _whole(self, path: Path, write: Callable[[Path], Written]) -> Written:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")  # of one name, so that the next attempt writes over what a dead one left
        try:
            written = write(temporary)
            self.step(f"wrote aside {_place(path)}")
            self.store.name(temporary, path)
            self.step(f"named {_place(path)}")
        finally:
            temporary.unlink(missing_ok=True)
        return replace(written, path=path)


def _text(query: exp.Expression | str) -> str:
    return query if isinstance(query, str) else render(query)


def _place(path: Path) -> str:
    return "/".join(path.parts[-4:-1])


def delta_statistics(written: Written, types: Mapping[str, str]) -> str:
    """Delta's statistics JSON for one file: numRecords, minValues, maxValues, nullCount.

    Dates and times as ISO text, numbers as numbers; long texts are left out, since a cut text is no bound.
    Source: Delta protocol, per-file statistics, https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
    """
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for name, values in written.statistics.items():
        nulls[name] = int(values.get("null_count", 0))
        if "min" not in values or "max" not in values:
            continue
        low, high = _bound(values["min"], types.get(name, "")), _bound(values["max"], types.get(name, ""))
        if low is not None and high is not None and values.get("min_is_exact") == "true" and values.get("max_is_exact") == "true":
            least[name], most[name] = low, high
    return json.dumps({"numRecords": written.rows, "minValues": least, "maxValues": most, "nullCount": nulls})


def _bound(value: str, sql_type: str) -> Any:
    if sql_type in ("BIGINT", "INTEGER"):
        return int(value)
    if sql_type == "DATE":
        return value
    if sql_type == "TIMESTAMP":
        return value.replace(" ", "T") + ("" if "." in value else ".000000")
    return None


def quoted(names: Sequence[str]) -> str:
    """Identifiers quoted and joined, for fixed statements."""
    return ", ".join('"' + n.replace('"', '""') + '"' for n in names)


def _literal(value: object) -> str:
    """A constant of a table function's argument: text, number, boolean, list or struct of them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(v) for v in value) + "]"
    raise TypeError(type(value).__name__)
