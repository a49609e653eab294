"""An opened release: its tables as Arrow or under SQL; whatever runs meanwhile, it shows one release and never half of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from suwen.base.errors import SuwenError
from suwen.engine.delta import LakeTable
from suwen.engine.duck import Engine
from suwen.engine.limits import hold
from suwen.engine.query import Guarded
from suwen.engine.sql import Tree
from suwen.flow.formats import readable
from suwen.flow.region import open_region
from suwen.flow.stores import READING, engine_of, lake_of, releases_of
from suwen.flow.views import cdm_source_view, names, omop_view, stored_view
from suwen.model import state
from suwen.model.cdm import TABLES
from suwen.model.extension import ALL_TABLES
from suwen.model.region import Region
from suwen.model.release import Release
from suwen.packs.problem import nearest
from suwen.repository.rows import stored_columns
from suwen.repository.vocabulary import opened as opened_vocabulary
from suwen.repository.vocabulary_files import VOCABULARY_TABLES


class OpenRelease:
    """One release of a region, the newest unless a number is given. Raises SuwenError where there is none."""

    def __init__(self, region: Region, number: int | None = None) -> None:
        self.region = region
        readable(region)
        hold(region.settings.threads)
        releases = releases_of(region)
        found = releases.latest() if number is None else releases.get(number)
        if found is None:
            raise SuwenError(
                "nothing has been published in this region", where=str(region.folder), expected="at least one release", do="land files and then: suwen run"
            )
        self.release: Release = found
        self._files: dict[str, Sequence[str]] = {}
        self._engine: Engine | None = None

    def keep_engine(self) -> None:
        """Answer every `ask` from one engine from now on, as a server does; its connections are made per question, so threads may ask at once."""
        self._engine = self._engine or engine_of(self.region)

    def table(self, name: str) -> pa.Table:
        """A table as Arrow: `measurement` (the schema omop), or `cdr.measurement`, `ext.ext_visit`, `state.ledger`."""
        with self._still_there(), self._opened(name) as (connection, full):
            return connection.arrow(_everything(full))

    def batches(self, name: str, rows: int = 122_880) -> Iterator[pa.RecordBatch]:
        """The same as a stream of record batches, in bounded memory."""
        with self._still_there(), self._opened(name) as (connection, full), connection.stream(_everything(full), rows) as answer:
            yield from answer

    def query(self, sql: str) -> pa.Table:
        """The answer to one reading SQL statement. Raises SuwenError when it is refused."""
        with self._still_there(), self.guarded() as connection:
            return connection.arrow(sql)

    def ask(self, query: Tree) -> pa.Table:
        """The answer to a query of our own making over the release's files."""
        engine = self._engine.beside() if self._engine else engine_of(self.region)
        try:
            with self._still_there():
                return engine.arrow(query)
        finally:
            engine.close()

    @contextmanager
    def streaming(self, query: Tree, rows: int = 122_880) -> Iterator[Iterator[pa.RecordBatch]]:
        """The same as a stream of record batches, in bounded memory, to be read inside the `with`."""
        engine = self._engine.beside() if self._engine else engine_of(self.region)
        try:
            with self._still_there():
                yield engine.batches(query, rows)
        finally:
            engine.close()

    @contextmanager
    def _still_there(self) -> Iterator[None]:
        """Whoever has a release open for longer than its files stay after its removal is told so, and not of a damage."""
        try:
            yield
        except SuwenError:
            kept = releases_of(self.region)
            if kept.removed(self.release.number):
                kept.get(self.release.number)  # raises what is to be told
            raise

    def guarded(self) -> Guarded:
        """A closed, read-only connection over every table of the release; close it after use."""
        return self._connection(self.views())

    def views(self) -> Mapping[str, Tree]:
        """The query behind each `schema.table`, made when it is asked for."""
        return _Views(self)

    def view(self, name: str) -> Tree:
        """The query behind one `schema.table`."""
        schema, table = name.split(".", 1)
        if schema != "omop":
            return stored_view(name, self.files)
        if table == "cdm_source":
            vocabulary = opened_vocabulary(self.region.vocabulary, self.release.vocabulary, lake_of(self.region)).name if self.release.vocabulary else ""
            return cdm_source_view(self.region.name, self.region.zone, self.release, vocabulary)
        of_vocabulary = table in VOCABULARY_TABLES
        return omop_view(TABLES[table], self.files, vocabulary=of_vocabulary, dangling=self.release.dangling, joined=self.release.joined > 0)

    def files(self, name: str) -> Sequence[str]:
        """The Parquet files of `cdr/...`, `ext/...`, `state/...` or `vocabulary/...` in this release."""
        if name not in self._files:
            self._files[name] = self._find(name)
        return self._files[name]

    def full_name(self, name: str) -> str:
        """`schema.table` for a name as a person writes it. Raises SuwenError for one that is not there."""
        schema = "" if "." in name else "ext." if name in ALL_TABLES and name not in TABLES else "omop."
        full = f"{schema}{name}".lower()
        if full not in names():
            raise SuwenError(f"there is no table {name}", expected="a table of the schemas omop, cdr, ext or state", do=nearest(full, names()))
        return full

    def _find(self, name: str) -> Sequence[str]:
        group, table = name.split("/")
        if group == "vocabulary":
            path = self.region.vocabulary / self.release.vocabulary / f"{table}.parquet"
            if self.release.vocabulary and not lake_of(self.region).exists(path):
                raise SuwenError(
                    f"release {self.release.number} names a vocabulary that is not here", where=str(path.parent), do="load the same vocabulary again"
                )
            return tuple(lake_of(self.region).readable([path])) if self.release.vocabulary else ()
        if name not in self.release.tables:
            return ()
        columns = state.TABLES[name] if group == "state" else stored_columns(ALL_TABLES[table])
        store = lake_of(self.region)
        files = LakeTable(self.region.lake / group / table, columns, store).files(self.release.tables[name].version)
        return tuple(store.readable([Path(file.path) for file in files]))

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[Guarded, str]]:
        full = self.full_name(name)
        with self._connection({full: self.view(full)}) as connection:
            yield connection, full

    def _known_files(self) -> list[str]:
        return sorted({path for paths in self._files.values() for path in paths})

    def _connection(self, views: Mapping[str, Tree]) -> Guarded:
        settings = self.region.settings
        return Guarded(
            views, self._known_files, threads=settings.threads, memory=settings.memory, scratch=self.region.lake / READING, store=lake_of(self.region)
        )


class _Views(Mapping[str, Tree]):
    def __init__(self, opened: OpenRelease) -> None:
        self._opened = opened

    def __getitem__(self, name: str) -> Tree:
        return self._opened.view(name)

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())


def _everything(full: str) -> str:
    schema, table = full.split(".", 1)
    return f'select * from "{schema}"."{table}"'


def open_release(folder: Path | str, number: int | None = None) -> OpenRelease:
    """Open the newest release of the region in a folder, or the one of that number."""
    return OpenRelease(open_region(Path(folder)), number)
