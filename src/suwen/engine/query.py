"""A person's own SQL, read-only: a connection that holds only the views of one release, closed to files, settings and extensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    """One connection over one release's views (`schema.name` -> query); `files` are the only ones it can open. Close it after use.

    What does not fit into memory spills to `scratch`, a folder made when needed; `store` is where files are read by ranges. DuckDB would let a
    COPY write over one of `files`: that it never gets to run is the judge's work alone.
    """

    def __init__(self, views: Mapping[str, Tree], files: Sequence[str], *, threads: int, memory: str, scratch: Path, store: Store | None = None) -> None:
        self._con = duckdb.connect(config={"threads": threads, "memory_limit": memory, "temp_directory": str(scratch), **_CLOSED_AT_START})
        self._con.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")  # the bar would stand in the answer on standard output
        self._ranges = store.ranges() if store else None
        if self._ranges is not None:
            self._con.register_filesystem(self._ranges)
        for schema in sorted({name.split(".", 1)[0] for name in views}):
            self._con.execute(f'create schema "{schema}"')
        for name, tree in views.items():
            schema, table = name.split(".", 1)
            sql = f'create view "{schema}"."{table}" as {render(tree)}'
            with from_bucket(self._ranges), engine_errors(sql, memory=memory, scratch=scratch):
                self._con.execute(sql)
        self._files = files
        home = "omop" if any(name.startswith("omop.") for name in views) else "main"
        self._judge = Judge(frozenset(name.lower() for name in views), functions(self._con), self._con.cursor(), home)
        self._lock(home, files)

    def _lock(self, home: str, files: Sequence[str]) -> None:
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in dict.fromkeys([*files, *map(literally, files)]))
        for setting in (f"schema = '{home}'", f"allowed_paths = [{listed}]", "enable_external_access = false", "lock_configuration = true"):
            self._con.execute(f"set {setting}")

    def close(self) -> None:
        self._con.close()

    def __enter__(self) -> Guarded:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def stream(self, sql: str, rows: int = 122_880) -> Iterator[Answer]:
        """The answer as a stream, to be read inside the `with`. Raises SuwenError when the text is refused or cannot be answered."""
        statement = self._judge.check(sql)
        self._con.execute("begin transaction read only")
        try:
            with from_bucket(self._ranges), _explained(self._files, bound=False):
                answer = self._con.sql(statement)
            with from_bucket(self._ranges), _explained(self._files):
                reader = interruptible(self._con, lambda: answer.to_arrow_reader(rows))
        except BaseException:
            self._con.execute("rollback")
            raise
        try:
            yield Answer(reader, self._con, self._files, self._ranges)
        finally:
            reader.close()
            self._con.execute("rollback")

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
