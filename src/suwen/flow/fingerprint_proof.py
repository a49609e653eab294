"""The proof that a release is what it says: the fingerprint of every table worked out again from the rows in its files."""

from __future__ import annotations

from dataclasses import dataclass

from suwen.base.progress import SILENT, Progress
from suwen.engine.delta import LakeTable
from suwen.engine.duck import Engine
from suwen.engine.hash import row_hashes
from suwen.engine.sql import read_parquet, statement
from suwen.flow.stores import lake_of
from suwen.model.extension import ALL_TABLES
from suwen.model.region import Region
from suwen.model.release import Release, TableState
from suwen.repository.rows import fingerprinted

_MODULUS = 2**64


@dataclass(frozen=True)
class Unlike:
    """A table whose rows are not those of the release: how many there are and how many it says; equal where only their content differs."""

    table: str
    rows: int
    expected: int


@dataclass(frozen=True)
class Proof:
    """Tables and rows whose fingerprints were worked out again, and those that differ: none where it is the same release."""

    release: int
    tables: int
    rows: int
    unlike: tuple[Unlike, ...]


def prove(region: Region, release: Release, engine: Engine, progress: Progress = SILENT) -> Proof:
    """Read every published table of a release. Raises SuwenError where a file is missing, cut or unreadable."""
    tables = {name: state for name, state in sorted(release.tables.items()) if name.startswith(("cdr/", "ext/")) and state.rows}
    progress.start(f"proving release {release.number}", sum(state.rows for state in tables.values()))
    unlike = []
    for name, state in tables.items():
        if found := _unlike(region, name, state, engine):
            unlike.append(found)
        progress.advance(state.rows)
    return Proof(release.number, len(tables), sum(state.rows for state in tables.values()), tuple(unlike))


def _unlike(region: Region, name: str, state: TableState, engine: Engine) -> Unlike | None:
    table, shape = LakeTable(region.lake / name, {}, lake_of(region)), ALL_TABLES[name.split("/")[1]]
    files = table.files(state.version)
    table.check(files, state.rows)
    rows = read_parquet([file.path for file in files])
    query = statement("select count(*), sum(_hash::HUGEINT)::VARCHAR from {h} h", h=row_hashes(rows, fingerprinted(shape), ()))
    count, total = engine.rows(query)[0]
    same = count == state.rows and str(int(total or 0) % _MODULUS) == state.fingerprint
    return None if same else Unlike(name, count, state.rows)
