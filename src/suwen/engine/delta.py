"""Delta Lake tables in a folder or bucket: files by version, commits that are a compare-and-set, and taking back what a dead run left.

A commit names the version it was planned from and is refused when another came first (`max_commit_retries=0`; otherwise delta-rs rebases a
stale commit and both are accepted). Each removed path is checked to be in that version, since delta-rs accepts removals of what is not there.
"""

from __future__ import annotations

import glob
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from suwen.base.errors import Defect, SuwenError
from suwen.engine.duck import delta_statistics
from suwen.engine.faults import broken_table, table_errors
from suwen.engine.port import Written
from suwen.engine.store.faults import store_fault
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store
from suwen.model.staging import RECEIPT
from suwen.model.state import ORIGIN

PART = "_part"
# A release names its tables' versions for as long as it is kept, so no log may be cleaned away after Delta's default of 30 days.
_KEEP_LOG = {"delta.enableExpiredLogCleanup": "false"}
_HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table version: absolute path, rows, bytes, its part, and the lowest and highest `_receipt` and `origin` in it (None: not known)."""

    path: str
    rows: int
    bytes: int
    part: str
    receipts: tuple[int, int] | None = None
    origins: tuple[int, int] | None = None

    def may_hold(self, receipts: Collection[int]) -> bool:
        """Whether a row of one of the receipts may be in the file."""
        return self.receipts is None or any(self.receipts[0] <= receipt <= self.receipts[1] for receipt in receipts)


@dataclass(frozen=True)
class NewFile:
    """A file written but not yet committed, and the part it belongs to."""

    written: Written
    part: str


def arrow_type(sql_type: str) -> pa.DataType:
    """The Arrow type of one of the model's column types."""
    simple = {"BIGINT": pa.int64(), "INTEGER": pa.int32(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"), "VARCHAR": pa.string(), "BOOLEAN": pa.bool_()}
    if sql_type in simple:
        return simple[sql_type]
    precision, scale = sql_type.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return pa.decimal128(int(precision), int(scale))


class LakeTable:
    """A Delta table partitioned by `_part`; columns as (name -> SQL type) without the partition column."""

    def __init__(self, folder: Path, columns: Mapping[str, str], store: Store | None = None) -> None:
        self.folder, self.columns, self.store = folder, dict(columns), store or FolderStore(folder)
        self._uri, self._options = self.store.table(folder)
        self._newest: DeltaTable | None = None  # as it was opened last

    @property
    def exists(self) -> bool:
        """Whether the log has a version: a folder alone is what a process left that died while it made the table."""
        return self.store.has_any(self.folder / "_delta_log", "[0-9]*")

    def _schema(self) -> pa.Schema:
        return pa.schema([pa.field(n, arrow_type(t)) for n, t in self.columns.items()] + [pa.field(PART, pa.string())])

    def open(self, version: int | None = None) -> DeltaTable:
        """The table at a version (newest when None); made empty when there is none. Raises SuwenError when its log cannot be read."""
        newest = self._newest
        if newest is not None and not self._has(newest.version() + 1) and version in (None, newest.version()):
            return newest
        with table_errors(self.folder, self._uri):
            if not self.exists:
                DeltaTable.create(self._uri, self._schema(), partition_by=[PART], mode="ignore", configuration=_KEEP_LOG, storage_options=self._options)
            found = DeltaTable(self._uri, version=version, storage_options=self._options)
        self._newest = found if version is None or not self._has(version + 1) else newest
        return found

    def _has(self, version: int) -> bool:
        """Whether the log has the entry that makes a version."""
        return self.store.exists(self.folder / "_delta_log" / f"{version:020d}.json")

    def version(self) -> int:
        """The newest version; -1 where there is no table."""
        return self.open().version() if self.exists else -1

    def files(self, version: int | None = None) -> list[DataFile]:
        """The files of a version, ordered by path; none where there is no table (version -1). Raises SuwenError where a version is not there."""
        if version == -1 or (version is None and not self.exists):
            return []
        if not self.exists:
            raise broken_table(self.folder, "it is not there", self._uri)
        table = self.open(version)
        with table_errors(self.folder, self._uri):
            actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
        found = [
            DataFile(str(self.folder / a["path"]), a["num_records"], a["size_bytes"], a[f"partition.{PART}"], _range(a, RECEIPT), _range(a, ORIGIN))
            for a in actions
        ]
        return sorted(found, key=lambda f: f.path)

    def check(self, files: Sequence[DataFile], rows: int) -> None:
        """Raises SuwenError where a file is missing or has not the length it was written with, or all together have not so many rows."""
        found_rows = sum(file.rows for file in files)
        if found_rows != rows:
            raise broken_table(self.folder, f"its log tells of {found_rows} rows, the release of {rows}", self._uri)
        lengths = self.store.lengths([Path(file.path) for file in files])
        for file in files:
            found = lengths.get(Path(file.path))
            if found != file.bytes:
                what = "a file is missing" if found is None else f"a file of {file.bytes} bytes has {found}"
                raise broken_table(self.folder, f"{what}: {self._relative(Path(file.path))}", self._uri)

    def new_path(self, part: str, name: str) -> Path:
        """Where a new file of a part is to be written."""
        return self.folder / f"{PART}={part}" / f"{name}.parquet"

    def commit(self, base: int, add: Sequence[NewFile], remove: Sequence[DataFile], *, application: str) -> int:
        """Replace exactly `remove` by `add` as one commit on version `base`; gives the new version.

        `application`: the transaction id (run, attempt, step). Raises SuwenError when another writer committed first, Defect on an unknown removal.
        """
        table = self.open()
        if table.version() != max(base, 0):
            raise SuwenError(
                f"table {self.folder.name} is at version {table.version()}, but this run planned from {base}",
                expected="one writer per region",
                do="let the other run end, then run again",
            )
        if table.transaction_version(application) is not None:
            raise Defect(f"{self.folder.name}: transaction {application} was committed before")
        self._check_removals(table, remove)
        now = int(time.time() * 1000)
        actions: list[AddAction | RemoveAction] = [
            AddAction(self._relative(n.written.path), n.written.bytes, {PART: n.part}, now, True, delta_statistics(n.written, self.columns))
            for n in add
            if n.written.rows
        ]
        actions += [RemoveAction(self._relative(Path(f.path)), True, now, f.bytes, {PART: f.part}) for f in remove]
        if not actions:
            return int(table.version())
        self.store.keep(new.written.path for new in add if new.written.rows)
        self.store.still_mine()
        properties = CommitProperties(max_commit_retries=0, app_transactions=[Transaction(application, 1)])
        self._newest = None
        with table_errors(self.folder, self._uri):
            try:
                table.create_write_transaction(actions, "append", self._schema(), [PART], commit_properties=properties, post_commithook_properties=_HOOKS)
            except CommitFailedError as error:
                what = f"table {self.folder.name}: another writer committed first"
                other = SuwenError(what, expected="one writer per region", do="let the other run end, then run again")
                raise store_fault(str(error), self._uri) or other from error
        return max(base, 0) + 1

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _check_removals(self, table: DeltaTable, remove: Sequence[DataFile]) -> None:
        if not remove:
            return
        present = {a["path"] for a in pa.table(table.get_add_actions(flatten=True)).to_pylist()}
        missing = [f.path for f in remove if self._relative(Path(f.path)) not in present]
        if missing:
            raise Defect(f"{self.folder.name}: {len(missing)} files to be removed are not in version {table.version()}")

    def drop_files(self, prefix: str, keep: Collection[str] = ()) -> int:
        """Delete the data files whose names begin so, but those of some paths; for what dead runs wrote, which no release names. Gives how many there were."""
        found = [path for path in self.store.find(self.folder, f"{PART}=*/{glob.escape(prefix)}*.parquet") if str(path) not in keep]
        self.store.remove(found)
        return len(found)

    def restore(self, version: int) -> bool:
        """Bring the table back to a release's version (-1: the table was not there: back to empty); what came after belongs to a dead run.

        Tells whether there was anything to take back.
        """
        if not self.exists:
            return False
        table = self.open()
        aim = max(version, 0)
        if table.version() < aim:
            raise broken_table(self.folder, f"version {aim} is not there, the newest is {table.version()}", self._uri)
        if table.version() == aim or self.files(aim) == self.files():
            return False
        self._newest = None
        self.store.still_mine()
        with table_errors(self.folder, self._uri):
            table.restore(aim, post_commithook_properties=_HOOKS)
        return True


def _range(action: Mapping[str, Any], column: str) -> tuple[int, int] | None:
    low, high = action.get(f"min.{column}"), action.get(f"max.{column}")
    return None if low is None or high is None else (low, high)
