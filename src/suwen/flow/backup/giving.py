"""A backup is given back: every file by its hash into an empty folder, then the proof that the newest release is the same.

It grows in a hidden folder beside and takes its name last. A restore that was killed is taken up there: files that are right stay.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from suwen.base.atomic import refuse_taken
from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.base.system import explained
from suwen.engine.delta import LakeTable
from suwen.engine.duck import Engine
from suwen.engine.releases import Releases
from suwen.flow.backup.contents import LAKE, LANDING
from suwen.flow.backup.kept import CHUNK, Backups
from suwen.flow.fingerprint_proof import Proof, prove
from suwen.flow.region import open_region
from suwen.flow.region_files import CONTROL_FILE, REGION_FILE, SECRETS_FILE, check_path
from suwen.intake.durable import sync_folder
from suwen.intake.landing import Landing
from suwen.model.backup import Kept, Manifest
from suwen.model.region import Region

_OF = ".of"  # which backup a folder in progress is of
_ADDRESS = re.compile(r"^(\s*)(lake|landing)(\s*=)", re.MULTILINE)
_PRIVATE = (CONTROL_FILE, SECRETS_FILE)


@dataclass(frozen=True)
class RestoreReport:
    """What was restored, where, and what was proven: `tables` and `rows` whose fingerprints are those of the release (0: none in it), `objects` of landing
    by their hashes. `received_at`, `published_at`: the recovery point, what came later is not here. `seconds`: the recovery time."""

    name: str
    folder: str
    extent: str
    release: int
    published_at: str
    deliveries: int
    received_at: str
    files: int
    bytes: int
    objects: int
    tables: int
    rows: int
    seconds: float
    notes: tuple[str, ...]


def restore(source: Backups, folder: Path, name: str = "", *, progress: Progress = SILENT) -> RestoreReport:
    """Give a backup back (the newest with a release, or the one whose name begins so) into a new or empty folder, which appears whole and proven or not at all.

    Raises SuwenError where a file of the backup is missing or damaged, the folder is taken, or what was restored is not the release that was kept.
    """
    began = time.monotonic()
    target = Path(os.path.abspath(folder))
    refuse_taken(folder)
    check_path(target)
    source.check()
    full = source.called(name)
    manifest = source.manifest(full)
    _refuse_half(source, manifest)
    with _growing(target, full) as aside:
        progress.start("restoring", manifest.bytes, "bytes")
        for file in manifest.files:
            _give(source, file, aside / file.name)
            progress.advance(file.bytes)
        notes = _own_addresses(aside)
        source.step("all-there")
        proof, objects = _proven(aside, manifest, progress)
        source.step("proven")
        _finish(aside, target, manifest.files)
        source.step("restored")
    progress.done()
    return RestoreReport(
        full,
        str(target),
        manifest.extent.value,
        manifest.release,
        manifest.published_at,
        manifest.deliveries,
        manifest.received_at,
        len(manifest.files),
        manifest.bytes,
        objects,
        proof.tables,
        proof.rows,
        time.monotonic() - began,
        (*notes, *_missing_keys(manifest), *_later(source, full)),
    )


def _later(source: Backups, full: str) -> Iterator[str]:
    """What was taken after a backup."""
    later = [name for name in source.names() if name > full]
    if later:
        yield f"{len(later)} later, the last of them {later[-1][:27]}: suwen restore {source.where} --list, and --backup NAME for another"


def check(source: Backups, name: str = "", *, progress: Progress = SILENT) -> tuple[str, int, int]:
    """Hash every content of a backup again: its name, how many contents there are, and their bytes.

    Raises SuwenError where some are missing or damaged; damaged ones are set aside, and the next backup copies them again.
    """
    source.check()
    full = source.called(name)
    contents = {file.sha256: file for file in source.manifest(full).files}
    total = sum(file.bytes for file in contents.values())
    progress.start("checking", total, "bytes")
    wrong = []
    for sha256, file in contents.items():
        if source.set_aside(sha256):
            wrong.append(file.name)
        progress.advance(file.bytes)
    progress.done()
    if wrong:
        raise SuwenError(
            f"{len(wrong)} of {len(contents)} contents of the backup are missing or damaged, such as that of {wrong[0]}",
            where=source.where,
            expected="the bytes that were copied",
            do="suwen backup copies them again from the region; look at the disk under this folder",
        )
    return full, len(contents), total


def _refuse_half(source: Backups, manifest: Manifest) -> None:
    """Raises SuwenError where contents are missing or cut, before anything is copied."""
    missing = [file for file in manifest.files if not source.has(file.sha256, file.bytes)]
    if missing:
        raise SuwenError(
            f"{len(missing)} of {len(manifest.files)} files of the backup are missing or have not their length, such as {missing[0].name}",
            where=source.where,
            expected="every file that the backup lists",
            do="restore another backup, or bring objects back from a copy of this folder",
        )


@contextmanager
def _growing(target: Path, name: str) -> Iterator[Path]:
    """The folder beside in which a restore grows, held for it alone; what is of another backup, or not of one, is made anew."""
    aside = target.with_name(f".{target.name}.restoring")
    with explained(aside, "the restore stopped"):
        aside.mkdir(parents=True, exist_ok=True)
        handle = os.open(aside, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SuwenError("another restore is at work here", where=str(target), expected="one at a time", do="wait for it to end") from None
            if not (aside / _OF).exists() or (aside / _OF).read_text("utf-8") != name:
                for left in aside.iterdir():
                    shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
                (aside / _OF).write_text(name, encoding="utf-8")
            yield aside
        finally:
            os.close(handle)


def _give(source: Backups, file: Kept, path: Path) -> None:
    """Put a file in its place, unless it is there already, with the time at which it was written."""
    if path.exists() and path.stat().st_size == file.bytes and _sha256(path) == file.sha256:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    source.give(file.sha256, path)
    path.chmod(0o600 if file.name in _PRIVATE else 0o440 if file.name.startswith(f"{LANDING}/objects/") else 0o640)
    os.utime(path, ns=(file.stamp, file.stamp))
    source.step("file-restored")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _own_addresses(aside: Path) -> tuple[str, ...]:
    """Make the restored region's lake and landing its own, where region.toml names them elsewhere: what was restored must not write into what was lost."""
    path = aside / REGION_FILE
    text = path.read_text("utf-8")
    top, section, rest = text.partition("\n[")
    own = _ADDRESS.sub(r"\1# restored: \2\3", top)
    if own == top:
        return ()
    path.write_text(own + section + rest, encoding="utf-8")
    return (f"{REGION_FILE} named other folders for lake or landing; these lines are comments now, and both lie in the restored folder",)


def _proven(aside: Path, manifest: Manifest, progress: Progress) -> tuple[Proof, int]:
    """Open what was restored: deliveries without gaps, tables of every release whole, and the newest release's rows with their fingerprints."""
    for below in (LAKE, LANDING, "feeds", "packs"):
        (aside / below).mkdir(exist_ok=True)
    region = open_region(aside)
    landing = Landing(region.landing)
    deliveries, erased = landing.deliveries(), landing.erased()
    kept = Releases(region.releases)
    if kept.numbers() != sorted(manifest.releases) or len(deliveries) != manifest.deliveries:
        raise SuwenError("what was restored lacks releases or deliveries of the backup", where=str(region.releases), do="restore another backup")
    for number in kept.numbers():
        for name, state in kept.get(number).tables.items():
            table = LakeTable(region.lake / name, {})
            table.check(table.files(state.version), state.rows)
    return _same_release(region, kept, progress), len({r.sha256 for delivery in deliveries for r in delivery.receipts if r.sequence not in erased})


def _same_release(region: Region, kept: Releases, progress: Progress) -> Proof:
    newest = kept.latest()
    if newest is None:
        return Proof(0, 0, 0, ())
    engine = Engine(threads=region.settings.threads, memory=region.settings.memory, scratch=region.scratch)
    try:
        proof = prove(region, newest, engine, progress)
    finally:
        engine.close()
        shutil.rmtree(region.scratch, ignore_errors=True)
    if proof.unlike:
        wrong = proof.unlike[0]
        raise SuwenError(
            f"what was restored is not release {newest.number}: {wrong.table} has {wrong.rows} rows with another fingerprint",
            expected=f"{wrong.expected} rows and the release's fingerprint",
            do="restore another backup, or one of landing alone and make the rest again with suwen run",
        )
    return proof


def _finish(aside: Path, target: Path, files: Sequence[Kept]) -> None:
    (aside / _OF).unlink()
    for folder in sorted({(aside / file.name).parent for file in files} | {aside}):
        sync_folder(folder)
    os.replace(aside, target)
    sync_folder(target.parent)


def _missing_keys(manifest: Manifest) -> tuple[str, ...]:
    names = {file.name for file in manifest.files}
    if CONTROL_FILE in names and SECRETS_FILE not in names:
        return (f"{SECRETS_FILE} is not in this backup: put your copy into the folder before suwen serve",)
    return ()
