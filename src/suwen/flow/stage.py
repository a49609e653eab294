"""Staging and index of receipts: each read once per reader spec, its files written whole or not at all, under names that say what they hold.

A staging file's content follows from the receipt's bytes and the reader spec alone, so what a dead run left is taken up by the next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from suwen.base.errors import Defect, SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.engine.port import Engine
from suwen.engine.store.port import Store
from suwen.flow.places import columns_of, kinds_of
from suwen.intake.archive import Refusal
from suwen.intake.formats.delimited import Member, Piece, direct_options, read
from suwen.intake.landing import Landing
from suwen.intake.survey_store import opener, survey_receipt
from suwen.model.pack import Kind, Template
from suwen.model.receipt import Receipt
from suwen.model.staging import ISSUES, StagedFile, StagedReceipt, Unread

WORTH_SPREADING = 16 << 20  # bytes: less is read before others have begun
FORM = 1  # of staging: part of every spec, so that a new way of reading reads again


def spec_of(template: Template) -> str:
    """The hash of everything that decides how receipts are read into kinds."""
    said = [FORM, asdict(template.reader), [[k.name, k.files, k.columns, () if template.reader.header else k.optional] for k in template.kinds.values()]]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Looked:
    """What is in a receipt: the files with records, each with its kind, those that cannot be read, and the kinds of files without a record."""

    members: tuple[tuple[Member, Kind], ...]
    unread: tuple[Unread, ...]
    empty: tuple[str, ...]


@dataclass(frozen=True)
class Stager:
    """Reads the receipts of one feed by its template."""

    engine: Engine
    landing: Landing
    folder: Path
    template: Template
    feed: str
    piece_bytes: int
    progress: Progress = SILENT
    step: Callable[[str], None] = lambda _: None

    def staged(self, receipt: Receipt) -> StagedReceipt:
        """The staging of a receipt: as kept, or made now."""
        found = self.kept(receipt)
        if found is not None:
            return found
        made = self._stage(receipt)
        _save(self.engine.store, self._list(receipt), made, self.folder)
        self.step("listed staging")
        return made

    def kept(self, receipt: Receipt) -> StagedReceipt | None:
        """The staging of a receipt as it was made before; None where it has to be made."""
        store, listed = self.engine.store, self._list(receipt)
        found = _load(store, listed, self.folder) if store.exists(listed) else None
        return found if found is not None and all(store.whole(Path(f.path)) for f in found.files) else None

    def _list(self, receipt: Receipt) -> Path:
        return self.folder / self.feed / f"{receipt.sequence:010d}-{self.spec}.json"

    @cached_property
    def spec(self) -> str:
        """The hash of how it reads."""
        return spec_of(self.template)

    def _stage(self, receipt: Receipt) -> StagedReceipt:
        looked = self.look(receipt)
        files = tuple(file for member, kind in looked.members for file in self._write(receipt, member, kind, self.spec))
        return StagedReceipt(receipt.sequence, self.spec, files, looked.unread, looked.empty)

    def look(self, receipt: Receipt) -> Looked:
        """The files in a receipt, as the template's reader and kinds have them."""
        self.landing.check(receipt)
        try:
            members = survey_receipt(self.landing, receipt, self.template.reader, lambda name: columns_of(self.template, name), piece_bytes=self.piece_bytes)
        except SuwenError as error:
            if not error.code:  # not about what the file holds: a full disk, a missing object
                raise
            return Looked((), (Unread(self.feed, receipt.sequence, receipt.name, error.code, error.what),), ())
        if isinstance(members, Refusal):
            return Looked((), (Unread(self.feed, receipt.sequence, receipt.name, members.code, members.reason),), ())
        fitting: list[tuple[Member, Kind]] = []
        unread: list[Unread] = []
        empty: list[str] = []
        for member in members:
            kind = self._kind(member.name)
            if isinstance(kind, str):
                unread.append(Unread(self.feed, receipt.sequence, member.name, kind, ""))
            elif missing := [c for c in kind.columns if c not in member.columns]:
                unread.append(Unread(self.feed, receipt.sequence, member.name, "RDR-006", ", ".join(missing)))
            elif member.records:
                fitting.append((member, kind))
            elif member.length:  # a header alone says that there is nothing; a file without a byte says nothing at all
                empty.append(kind.name)
        return Looked(tuple(fitting), tuple(unread), tuple(empty))

    def _kind(self, name: str) -> Kind | str:
        """The kind of a file, or the finding code that says why it has none."""
        fitting = kinds_of(self.template, name)
        if len(fitting) == 1:
            return fitting[0]
        return "RDR-021" if fitting else "RDR-020"

    def _write(self, receipt: Receipt, member: Member, kind: Kind, spec: str) -> list[StagedFile]:
        base = self.folder / self.feed / kind.name / f"{receipt.sequence:010d}-{member.position}-{spec}"
        content = self.content(receipt, member)
        if member.direct:
            path = base.with_name(base.name + "-0.parquet")
            written = self._direct(receipt, member, path)
            if written == member.records:
                return [self._file(path, receipt, member, kind, member.first_record - 1, member.records, 0, content)]
        self.progress.start(f"reading {member.name}", member.records)
        return [self._piece(receipt, member, kind, piece, content, base.with_name(f"{base.name}-{n}.parquet")) for n, piece in enumerate(member.pieces, 1)]

    def _direct(self, receipt: Receipt, member: Member, path: Path) -> int:
        source = self.landing.object_path(receipt.sha256)
        self.progress.start(f"reading {member.name}", member.records)
        rows = self.engine.copy_csv(source, direct_options(member, self.template.reader), path)
        self.progress.advance(rows)
        return rows

    def content(self, receipt: Receipt, member: Member) -> str:
        """The sha256 of the member's unpacked bytes: packed another way, a file is still the same."""
        if not member.codec:
            return receipt.sha256
        digest = hashlib.sha256()
        with opener(self.landing, receipt, member)() as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()

    def _piece(self, receipt: Receipt, member: Member, kind: Kind, piece: Piece, content: str, path: Path) -> StagedFile:
        rejected = [0]
        failed: list[Exception] = []
        batches = _keeping(failed, self._counted(read(opener(self.landing, receipt, member), self.template.reader, member, piece), rejected))
        schema = pa.schema([pa.field(c, pa.string()) for c in (*member.columns, ISSUES)])
        try:
            self.engine.copy_batches(pa.RecordBatchReader.from_batches(schema, batches), path)
        except (SuwenError, Defect):
            if failed:
                raise failed[0] from None  # what the engine says is only that its source failed
            raise
        return self._file(path, receipt, member, kind, piece.first_record - 1, piece.records, rejected[0], content)

    def _counted(self, batches: Iterable[pa.RecordBatch], rejected: list[int]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            issues = batch.column(batch.schema.get_field_index(ISSUES))
            rejected[0] += len(issues) - issues.null_count
            self.progress.advance(batch.num_rows)
            yield pa.RecordBatch.from_arrays([c.cast(pa.string()) for c in batch.columns], names=batch.schema.names)

    def _file(self, path: Path, receipt: Receipt, member: Member, kind: Kind, before: int, rows: int, rejected: int, content: str) -> StagedFile:
        return StagedFile(str(path), self.feed, kind.name, receipt.sequence, member.position, before, rows, member.columns, rejected, content)


@dataclass(frozen=True)
class Ahead:
    """One receipt to be staged, and all that says how."""

    landing: Path
    folder: Path
    template: Template
    feed: str
    piece_bytes: int
    receipt: Receipt

    @classmethod
    def of(cls, stager: Stager, receipt: Receipt) -> Ahead:
        """What a stager would do with a receipt."""
        return cls(stager.landing.folder, stager.folder, stager.template, stager.feed, stager.piece_bytes, receipt)

    def stager(self, engine: Engine) -> Stager:
        """The same at work with another engine."""
        return Stager(engine, Landing(self.landing), self.folder, self.template, self.feed, self.piece_bytes)


def stage_all(engine: Engine, waiting: Sequence[tuple[Stager, Receipt]]) -> list[StagedReceipt]:
    """The staging of receipts, as kept or made now; by the engine's others, where it has some and there is enough to read. One pass reads all kinds of one."""
    kept = [stager.kept(receipt) for stager, receipt in waiting]
    new = [one for one, found in zip(waiting, kept, strict=True) if found is None]
    if not engine.side_by_side:  # what is larger than all others together is sooner read by all threads of the engine itself
        whole = sum(receipt.length for _, receipt in new)
        new = [(stager, receipt) for stager, receipt in new if 2 * receipt.length <= whole]
    if worth_spreading(engine, [receipt for _, receipt in new], len(new)):
        engine.spread(_staged_there, [Ahead.of(stager, receipt) for stager, receipt in new])
    return [found or stager.staged(receipt) for (stager, receipt), found in zip(waiting, kept, strict=True)]


def worth_spreading(engine: Engine, receipts: Sequence[Receipt], parts: int) -> bool:
    """Whether an engine has others to read receipts that are shared out in so many parts, and they would be done sooner. Not with a bucket: other machines
    have other caches.
    """
    return parts > 1 and engine.spreads and not engine.store.remote and sum(receipt.length for receipt in receipts) >= WORTH_SPREADING


def _staged_there(engine: Engine, ahead: Ahead) -> None:
    ahead.stager(engine).staged(ahead.receipt)


def _keeping(failed: list[Exception], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches; an exception on the way is kept, since Arrow passes on no more than its text."""
    try:
        yield from batches
    except Exception as error:
        failed.append(error)
        raise


def _save(store: Store, kept: Path, made: StagedReceipt, folder: Path) -> None:
    """Keep the list of a receipt's staging files, by paths from the staging folder, so that a region can be moved."""
    raw = asdict(made)
    for file in raw["files"]:
        file["path"] = Path(file["path"]).relative_to(folder).as_posix()
    store.put(kept, json.dumps(raw).encode())


def _load(store: Store, kept: Path, folder: Path) -> StagedReceipt | None:
    """The kept list; None where it cannot be read, so that the receipt is read again."""
    try:
        raw = json.loads(store.read(kept))
        files = tuple(StagedFile(**{**f, "columns": tuple(f["columns"]), "path": str(folder / f["path"])}) for f in raw["files"])
        return StagedReceipt(raw["receipt"], raw["spec"], files, tuple(Unread(**u) for u in raw["unread"]), tuple(raw["empty"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def kept_staging(store: Store, folder: Path, feed: str, spec: str) -> list[StagedReceipt]:
    """The staging of a feed as runs with this reader spec kept it, by receipt; what cannot be read is left out."""
    found = (_load(store, kept, folder) for kept in store.find(folder / feed, f"*-{spec}.json"))
    return [one for one in found if one is not None]
