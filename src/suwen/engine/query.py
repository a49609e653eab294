"""A person's own SQL, read-only: a connection that holds only the views of one release, closed to files, settings and extensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from suwen.base.errors import Defect, SuwenError
from suwen.engine.faults import damaged, engine_errors
from suwen.engine.guard import Judge, first_line, functions, refusal
from suwen.engine.interrupts import interruptible
from suwen.engine.render import render
from suwen.engine.sql import Tree, literally
from suwen.engine.store.port import Store, from_bucket

if TYPE_CHECKING:
    from suwen.engine.store.ranges import Ranges

_CLOSED_AT_START: dict[str, str | int | float | list[str]] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "preserve_insertion_order": False,
    "default_null_order": "NULLS_LAST",
}
# What such an error says repeats words of the query or of the schema; any other may repeat a value of a row.
_ABOUT_THE_TEXT = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.SyntaxException, duckdb.NotImplementedException)


class Guarded:
    """One connection over one release's views (`schema.name` -> query), each made when a text first names it. Close it after use.

    `files` gives the only files that the views made so far can open. What does not fit into memory spills to `scratch`, a folder made when needed; `store`
    is where files are read by ranges. DuckDB would let a COPY write over one of the files: that it never gets to run is the judge's work alone.
    """

    def __init__(
        self, views: Mapping[str, Tree], files: Callable[[], Sequence[str]], *, threads: int, memory: str, scratch: Path, store: Store | None = None
    ) -> None:
        self._views, self._listed, self._memory, self._scratch = views, files, memory, scratch
        self._config = {"threads": threads, "memory_limit": memory, "temp_directory": str(scratch), **_CLOSED_AT_START}
        self._ranges = store.ranges() if store else None
        self._home = "omop" if any(name.startswith("omop.") for name in views) else "main"
        self._parser = duckdb.connect(config=self._config)
        self._parser.execute("set enable_external_access = false; set lock_configuration = true")
        self._judge = Judge(frozenset(name.lower() for name in views), functions(self._parser), self._parser, self._home)
        self._con: duckdb.DuckDBPyConnection | None = None
        self._made: frozenset[str] = frozenset()
        self._files: Sequence[str] = ()

    def _over(self, wanted: frozenset[str]) -> duckdb.DuckDBPyConnection:
        """The connection with the wanted views. One that lacks some gives way to another with all: it is locked, and knows no other files."""
        if self._con is None or not wanted <= self._made:
            self._close()
            self._made |= wanted
            self._con = self._opened()
        return self._con

    def _opened(self) -> duckdb.DuckDBPyConnection:
        opened = duckdb.connect(config=self._config)
        try:
            opened.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")  # the bar would stand in the answer on standard output
            if self._ranges is not None:
                opened.register_filesystem(self._ranges)
            for schema in sorted({name.split(".", 1)[0] for name in self._views}):
                opened.execute(f'create schema "{schema}"')
            for name in self._views:
                if name.lower() in self._made:
                    self._view(opened, name)
            self._files = self._listed()
            listed = ", ".join("'" + path.replace("'", "''") + "'" for path in dict.fromkeys([*self._files, *map(literally, self._files)]))
            for setting in (f"schema = '{self._home}'", f"allowed_paths = [{listed}]", "enable_external_access = false", "lock_configuration = true"):
                opened.execute(f"set {setting}")
        except BaseException:
            opened.close()
            raise
        return opened

    def _view(self, opened: duckdb.DuckDBPyConnection, name: str) -> None:
        schema, table = name.split(".", 1)
        sql = f'create view "{schema}"."{table}" as {render(self._views[name])}'
        with from_bucket(self._ranges), engine_errors(sql, memory=self._memory, scratch=self._scratch):
            opened.execute(sql)

    def _close(self) -> None:
        if self._con is not None:
            self._con.close()
            self._con = None

    def close(self) -> None:
        self._close()
        self._parser.close()

    def __enter__(self) -> Guarded:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def stream(self, sql: str, rows: int = 122_880) -> Iterator[Answer]:
        """The answer as a stream, to be read inside the `with`. Raises SuwenError when the text is refused or cannot be answered."""
        allowed = self._judge.check(sql)
        connection = self._over(allowed.tables)
        connection.execute("begin transaction read only")
        try:
            with from_bucket(self._ranges), _explained(self._files, bound=False):
                answer = connection.sql(allowed.statement)
            with from_bucket(self._ranges), _explained(self._files):
                reader = interruptible(connection, lambda: answer.to_arrow_reader(rows))
        except BaseException:
            connection.execute("rollback")
            raise
        try:
            yield Answer(reader, connection, self._files, self._ranges)
        finally:
            reader.close()
            connection.execute("rollback")

    def arrow(self, sql: str) -> pa.Table:
        """The whole answer."""
        with self.stream(sql) as answer:
            return pa.Table.from_batches(list(answer), answer.schema)


class Answer:
    """A query's answer: its Arrow schema, and its record batches when iterated, once."""

    def __init__(self, reader: pa.RecordBatchReader, connection: duckdb.DuckDBPyConnection, files: Sequence[str] = (), ranges: Ranges | None = None) -> None:
        self._reader, self._con, self._files, self._ranges = reader, connection, files, ranges
        self.schema: pa.Schema = reader.schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            with from_bucket(self._ranges), _explained(self._files):
                batch = interruptible(self._con, lambda: next(self._reader, None))
            if batch is None:
                return
            yield batch


@contextmanager
def _explained(files: Sequence[str], *, bound: bool = True) -> Iterator[None]:
    """DuckDB's errors as ours; a message that may repeat a value of a row is left out, once the text is `bound` any. A damaged one of `files` is named."""
    try:
        yield
    except _ABOUT_THE_TEXT as error:
        raise _value() if bound else refusal(first_line(error), "columns and types that fit") from None
    except duckdb.OutOfMemoryException:
        raise _memory() from None
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except RuntimeError as error:  # what the client makes of an interrupt while it waits
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from None
        raise
    except duckdb.DataError:
        raise _value() from None
    except duckdb.InvalidInputException as error:
        raise damaged(files, str(error), whole=False) or _value() from None
    except OSError as error:  # what Arrow makes of an error in the middle of a stream
        said = str(error)
        raise _memory() if said.startswith("Out of Memory") else damaged(files, said, whole=False) or _value() from None
    except (duckdb.Error, pa.ArrowException) as error:
        raise damaged(files, str(error)) or Defect(f"the engine failed on a query: {type(error).__name__}") from error


def _memory() -> SuwenError:
    return SuwenError("the query needs more memory than the region allows", where="the query", do="read fewer rows or columns, or raise memory in region.toml")


def _value() -> SuwenError:
    return SuwenError(
        "a value does not fit what the query does with it", where="the query", expected="values that convert", do="use try_cast, or filter before"
    )
