"""Vocabularies in the region: loaded once into Parquet, named by the hash of their rows, the current one pointed to.

    <store>/<hash>/<table>.parquet       one file for each vocabulary table of the CDM, empty where the release brought none
    <store>/<hash>/vocabulary.json       what the folder holds
    <store>/current.json                 the hash of the vocabulary in use

A folder is complete or absent: it is written aside and renamed. An older hash stays readable for the releases that name it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from suwen.base.errors import Defect, SuwenError
from suwen.engine.hash import row_hashes
from suwen.engine.port import Engine
from suwen.engine.sql import col, read_parquet, statement
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store
from suwen.model.cdm import TABLES, Table
from suwen.repository.vocabulary_files import VOCABULARY_TABLES, VocabularyFile, batches, find, lines_of, schema

_ROW_GROUP = 122_880


@dataclass(frozen=True)
class VocabularyVersion:
    """A loaded vocabulary: the hash of its rows, the name it gives itself, its folder, rows by table, and the tables its release did not bring."""

    hash: str
    name: str
    folder: Path
    rows: Mapping[str, int]
    absent: tuple[str, ...] = ()

    def path(self, table: str) -> Path:
        """The Parquet file of one vocabulary table."""
        return self.folder / f"{table}.parquet"


def load(source: Path, store: Path, engine: Engine, report: Callable[[str, int], None] | None = None) -> VocabularyVersion:
    """Load the vocabulary files of a folder or zip and make them current; the caller holds the region's writer lock.

    `report(table, rows)` is told the rows written so far. SuwenError names file and line of what cannot be read; then nothing has changed.
    """
    files = find(source)
    try:
        store.mkdir(parents=True, exist_ok=True)
        for left in store.glob(".loading-*"):  # of a load that was killed
            shutil.rmtree(left)
        aside = store / f".loading-{os.getpid()}"
        aside.mkdir()
    except OSError as error:
        raise _not_written(store, error) from error
    try:
        loaded = _write(files, aside, engine, report)
        return _publish(loaded, store, engine.store)
    except OSError as error:
        raise _not_written(store, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def current(store: Path, files: Store | None = None) -> VocabularyVersion | None:
    """The vocabulary in use; None when none was ever loaded. `files`: where the folder is kept, if not on this machine alone."""
    pointer, files = store / "current.json", files or FolderStore(store)
    try:
        with _readable(pointer):
            content = str(json.loads(files.read(pointer, fresh=True))["hash"])
    except FileNotFoundError:
        return None
    return opened(store, content, files)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what a damaged file of ours raises into SuwenError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SuwenError("the file cannot be read, or is damaged", where=str(path), do="restore it from a backup, or load the vocabulary again") from None


def opened(store: Path, content: str, files: Store | None = None) -> VocabularyVersion:
    """The loaded vocabulary of that hash."""
    folder, files = store / content, files or FolderStore(store)
    try:
        with _readable(folder / "vocabulary.json"):
            known = json.loads(files.read(folder / "vocabulary.json"))
            return VocabularyVersion(known["hash"], known["name"], folder, dict(known["rows"]), tuple(known["absent"]))
    except FileNotFoundError:
        raise SuwenError(f"the vocabulary {content[:12]} is not here", where=str(store), do="load it with `suwen vocabulary load`") from None


def _not_written(store: Path, error: OSError) -> SuwenError:
    return SuwenError(
        f"the vocabulary cannot be written: {error.strerror or 'input/output error'}", where=str(store), do="make room or give access, then load again"
    )


def _write(files: Mapping[str, VocabularyFile], aside: Path, engine: Engine, report: Callable[[str, int], None] | None) -> VocabularyVersion:
    rows = {name: _write_table(TABLES[name], files.get(name), aside / f"{name}.parquet", report) for name in VOCABULARY_TABLES}
    for name, file in files.items():
        _refuse_repeated_key(file, aside / f"{name}.parquet", engine)
    content = _content_hash(aside, rows, engine)
    named = engine.rows(statement("select max(vocabulary_version) from {t} where vocabulary_id = 'None'", t=read_parquet([str(aside / "vocabulary.parquet")])))
    return VocabularyVersion(content, named[0][0] or "", aside, rows, tuple(n for n in VOCABULARY_TABLES if n not in files))


def _write_table(table: Table, file: VocabularyFile | None, path: Path, report: Callable[[str, int], None] | None) -> int:
    """Write one table in row groups of bounded size; the number of its rows."""
    rows, held, waiting = 0, 0, list[pa.RecordBatch]()
    with pq.ParquetWriter(path, schema(table), compression="zstd") as writer:
        for batch in batches(file) if file else ():
            waiting.append(batch)
            held += batch.num_rows
            rows += batch.num_rows
            if held >= _ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting), row_group_size=_ROW_GROUP)
                held, waiting = 0, []
                if report:
                    report(table.name, rows)
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting), row_group_size=_ROW_GROUP)
    if report:
        report(table.name, rows)
    return rows


def _refuse_repeated_key(file: VocabularyFile, path: Path, engine: Engine) -> None:
    if not file.table.key:
        return
    (key,) = file.table.key
    twice = engine.rows(statement("select min(key) from (select {key} as key from {t} group by 1 having count(*) > 1)", key=key, t=read_parquet([str(path)])))[
        0
    ][0]
    if twice is not None:
        lines = lines_of(file, {key: str(twice)})
        raise SuwenError(f"{key} {twice} stands on the lines {', '.join(map(str, lines[:5]))}", where=file.name, expected=f"each {key} once")


def _content_hash(folder: Path, rows: Mapping[str, int], engine: Engine) -> str:
    """The hash of all rows whatever their order, files or form: per table the count and the exact sum of the 63-bit row hashes."""
    digest = hashlib.sha256()
    for name in VOCABULARY_TABLES:
        total = "0"
        if rows[name]:
            columns = [(c.name, str(c.type), col(c.name)) for c in TABLES[name].columns]
            hashes = row_hashes(read_parquet([str(folder / f"{name}.parquet")]), columns, ())
            total = engine.rows(statement("select sum(_hash::hugeint)::varchar from {hashes} as hashes", hashes=hashes))[0][0]
        digest.update(f"{name}:{rows[name]}:{total}\n".encode())
    return digest.hexdigest()


def _publish(loaded: VocabularyVersion, store: Path, files: Store) -> VocabularyVersion:
    folder = store / loaded.hash
    if not folder.exists():
        _save(loaded.folder / "vocabulary.json", {k: v for k, v in asdict(loaded).items() if k != "folder"})
        for path in loaded.folder.iterdir():
            _sync(path)
        _sync(loaded.folder)
        loaded.folder.rename(folder)
        _sync(store)
    files.keep(path for path in sorted(folder.iterdir()) if path.name != "vocabulary.json")
    files.keep([folder / "vocabulary.json"])
    kept = opened(store, loaded.hash, files)
    if kept.rows != loaded.rows:
        raise Defect(f"two vocabularies of different size have the hash {loaded.hash}")
    aside = store / ".current.json"
    _save(aside, {"hash": loaded.hash})
    files.still_mine()
    aside.replace(store / "current.json")
    _sync(store)
    files.keep([store / "current.json"])
    return kept


def _save(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
