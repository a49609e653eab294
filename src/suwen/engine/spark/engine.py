"""The Spark engine: the same trees printed in Spark's SQL, run in one session, files read and written one by one.

A relation that is to last is written to Parquet files in the scratch folder: what is read of it again is planned from there and not from the first file
on, its size is known, and a worker that is lost takes nothing along. Views have names that no other engine of the process uses.
"""

from __future__ import annotations

import itertools
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine import port
from suwen.engine.duck import Engine as DuckEngine
from suwen.engine.port import Written
from suwen.engine.spark import files
from suwen.engine.spark.faults import spark_errors
from suwen.engine.spark.queries import in_one_part
from suwen.engine.spark.rendering import spark_text
from suwen.engine.spark.session import session, unused
from suwen.engine.sql import Tree, case, coalesce, integer, negation, parsed, read_parquet, statement
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store
from suwen.model.region import Settings

_numbers = itertools.count(1)


class _Relation:
    """A relation under a name: its view, its columns, its rows where they are known, and where it is kept if it is the engine's own."""

    def __init__(self, view: str, columns: Sequence[str], rows: int | None = None, kept: Path | None = None) -> None:
        self.view, self.columns, self.rows, self.kept = view, columns, rows, kept


class SparkEngine:
    """An engine (`engine/port.py`) on Spark. What does not fit into memory spills to `scratch`, on a cluster to its workers' own folders."""

    spreads = True
    side_by_side = True  # while one statement is planned, or writes its one file, others have the cores

    def __init__(self, settings: Settings, scratch: Path, store: Store | None = None) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self.scratch = scratch
        self.store = store or FolderStore(scratch)
        self.memory = settings.memory
        self._settings = settings
        self.step: Callable[[str], None] = lambda _: None
        self._spark = session(settings, scratch)
        self._tables: dict[str, _Relation] = {}  # what all see that stand beside one another
        self._registered: dict[str, _Relation] = {}
        self._first = True
        self._views: dict[tuple[Any, ...], _Relation] = {}  # over files, which never change

    def beside(self) -> SparkEngine:
        other = copy(self)
        other._registered, other._first = {}, False
        return other

    def close(self) -> None:
        for name in list(self._registered):
            self.unregister(name)
        if self._first:
            self.drop(*self._tables)
            for relation in self._views.values():
                self._forget(relation)
            self._views.clear()
            unused(self._spark)

    def execute(self, query: Tree | str) -> None:
        tree = _tree(query)
        if not isinstance(tree, exp.Delete):
            raise Defect(f"Spark runs no {type(tree).__name__} for its effect")
        name = tree.this.name
        gone = coalesce(tree.args["where"].this.copy(), exp.false())
        self.temporary(name, statement("select * from {t} where {left}", t=name, left=negation(gone)))

    def spread(self, work: Callable[[port.Engine, port.Item], None], items: Sequence[port.Item]) -> None:
        share = self._settings.share(self._settings.threads).memory
        folder = str(self.scratch / "ahead")

        def each(item: port.Item) -> None:
            own = DuckEngine(threads=1, memory=share, scratch=Path(folder) / uuid.uuid4().hex)
            with closing(own), suppress(Exception):  # whatever it is, it happens again where it can be told
                work(own, item)

        with suppress(PySparkException, Py4JError):  # workers without Suwen, or none left: the same
            self._spark.sparkContext.parallelize(items, len(items)).foreach(each)

    def rows(self, query: Tree | str) -> list[tuple[Any, ...]]:
        table = self.arrow(query)
        return list(zip(*map(_values, table.columns), strict=True))

    def one(self, query: Tree | str) -> Any:
        return self.rows(query)[0][0]

    def arrow(self, query: Tree | str) -> pa.Table:
        tree = _tree(query)
        with spark_errors(tree, spark=self._spark, memory=self.memory):
            return self._frame(tree).toArrow()

    def batches(self, query: Tree | str, rows: int = 122_880) -> Iterator[pa.RecordBatch]:
        path = self.scratch / f"stream-{next(_numbers)}.parquet"
        written = self.copy(query, path, ordered=True)
        try:
            if written.rows:
                with pq.ParquetFile(path) as file:
                    yield from file.iter_batches(rows)
        finally:
            path.unlink(missing_ok=True)

    def register(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        table = data if isinstance(data, pa.Table) else data.read_all()
        path = self.scratch / f"registered-{next(_numbers)}.parquet"
        pq.write_table(table, path, compression="lz4")
        frame = files.opened(self._spark, [str(path)], row_number=False, filename=False, by_name=False)
        self._registered[name] = self._viewed(frame, rows=table.num_rows, kept=path)

    def unregister(self, name: str) -> None:
        self._forget(self._registered.pop(name, None))

    def temporary(self, name: str, query: Tree) -> None:
        folder = self.scratch / f"table-{next(_numbers)}"
        with spark_errors(query, target=folder, spark=self._spark, memory=self.memory):
            frame, rows = files.kept(self._spark, self._frame(query), folder)
            made = self._viewed(frame, rows=rows, kept=folder)
        before = self._tables.get(name)
        self._tables[name] = made
        self._forget(before)

    def _viewed(self, frame: DataFrame, *, rows: int | None = None, kept: Path | None = None) -> _Relation:
        view = f"suwen_{next(_numbers)}"
        frame.createOrReplaceTempView(view)
        return _Relation(view, frame.columns, rows, kept)

    def _forget(self, relation: _Relation | None) -> None:
        if relation is None:
            return
        self._spark.catalog.dropTempView(relation.view)
        if relation.kept is not None and relation.kept.is_dir():
            shutil.rmtree(relation.kept, ignore_errors=True)
        elif relation.kept is not None:
            relation.kept.unlink(missing_ok=True)

    def drop(self, *names: str) -> None:
        for name in list(names):
            self._forget(self._tables.pop(name, None))

    def count(self, name: str) -> int:
        found = self._found(name)
        return found.rows if found.rows is not None else int(self.one(statement("select count(*) from {n}", n=name)))

    def has_more_than(self, paths: Sequence[str], column: str, limit: int) -> bool:
        return bool(paths) and bool(self.one(statement("select coalesce(max({c}), 0) > {n} from {f} f", c=column, n=limit, f=read_parquet(list(paths)))))

    def copy(self, query: Tree | str, path: Path, *, ordered: bool = False, codec: str = "zstd", row_group: int = 122_880) -> Written:
        tree = _tree(query)
        with spark_errors(tree, target=path, spark=self._spark, memory=self.memory):
            in_order = in_one_part(tree) if ordered else None
            frame = self._frame(in_order) if in_order is not None else self._frame(tree).repartition(1)
            return files.write_one(frame, path, self.scratch / f"copy-{next(_numbers)}", codec=codec, row_group=row_group)

    def copy_parts(self, rows: Tree | str, columns: Sequence[Tree], parts: Sequence[tuple[Tree, Path]]) -> Iterator[Written]:
        """One job whose tasks write a file each, side by side."""
        if len(parts) == 1:
            yield self.copy(statement("select {c} from {r} x", c=list(columns), r=rows), parts[0][1])
            return
        number = case([(condition, integer(at)) for at, (condition, _) in enumerate(parts)])
        tree = statement("select {c}, {n} as {name} from {r} x", c=list(columns), n=number, name=files.PART, r=rows)
        paths = [path for _, path in parts]
        with spark_errors(tree, target=paths[0], spark=self._spark, memory=self.memory):
            written = files.write_parts(self._frame(tree), paths, self.scratch / f"copy-{next(_numbers)}")
        yield from written

    def copy_batches(self, reader: pa.RecordBatchReader, path: Path, *, codec: str = "zstd") -> Written:
        with self._staging() as duckdb:
            return duckdb.copy_batches(reader, path, codec=codec)

    def copy_csv(self, source: Path, options: Mapping[str, object], path: Path, *, codec: str = "zstd") -> int:
        with self._staging() as duckdb:
            return duckdb.copy_csv(source, options, path, codec=codec)

    @contextmanager
    def _staging(self) -> Iterator[DuckEngine]:
        """What stages delivered files, in this process: the same bytes whichever engine goes on from there."""
        made = DuckEngine(threads=self._settings.threads, memory=self.memory, scratch=self.scratch)
        made.step = self.step
        try:
            yield made
        finally:
            made.close()

    def copy_whole(self, query: Tree, path: Path, *, ordered: bool = False, codec: str = "zstd") -> Written:
        return self._whole(path, lambda aside: self.copy(query, aside, ordered=ordered, codec=codec))

    def _whole(self, path: Path, write: Callable[[Path], Written]) -> Written:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.tmp")
        try:
            written = write(aside)
            self.step(f"wrote aside {'/'.join(path.parts[-4:-1])}")
            self.store.name(aside, path)
            self.step(f"named {'/'.join(path.parts[-4:-1])}")
        finally:
            aside.unlink(missing_ok=True)
        return replace(written, path=path)

    # What names in a tree stand for.

    def relation(self, name: str) -> str:
        return self._found(name).view

    def _found(self, name: str) -> _Relation:
        found = self._registered.get(name) or self._tables.get(name)
        if found is None:
            raise Defect(f"Spark knows no relation {name}")
        return found

    def files(self, paths: Sequence[str], *, row_number: bool, filename: bool, by_name: bool) -> str:
        plain = tuple(files.plain(path) for path in paths)
        place = (plain, row_number, filename, by_name)
        if place not in self._views:
            if self.store.remote:
                self.store.fetch(path for path in map(Path, plain) if path.is_relative_to(self.store.root))
            self._views[place] = self._viewed(files.opened(self._spark, plain, row_number=row_number, filename=filename, by_name=by_name))
        return self._views[place].view

    def columns(self, view: str) -> Sequence[str]:
        return next(r.columns for r in (*self._registered.values(), *self._tables.values(), *self._views.values()) if r.view == view)

    def _frame(self, tree: Tree) -> DataFrame:
        return self._spark.sql(spark_text(tree, self))


def _values(column: pa.ChunkedArray) -> list[Any]:
    """A column's values; exact sums of whole numbers, which are decimals of 38 digits in Spark, as the whole numbers they are."""
    values: list[Any] = column.to_pylist()
    return [value if value is None else int(value) for value in values] if column.type == pa.decimal128(38, 0) else values


def _tree(query: Tree | str) -> Tree:
    return parsed(query) if isinstance(query, str) else query
