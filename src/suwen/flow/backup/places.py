"""Where backups go, from how a person says it: a folder, or an address in a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from suwen.base.errors import SuwenError
from suwen.flow.backup.bucket import BackupBucket
from suwen.flow.backup.folder import BackupFolder
from suwen.flow.backup.kept import Backups
from suwen.flow.region_places import is_address, read_bucket
from suwen.flow.stores import bucket_at
from suwen.model.region import Bucket
from suwen.packs.problem import Problems
from suwen.packs.section import Section
from suwen.packs.toml_places import read_toml


def backups_at(said: str, bucket: Bucket, place: str) -> Backups:
    """A place for backups. `bucket`: how addresses are reached, as the section [store] of the file `place` says. Raises SuwenError for one that is none."""
    if "://" not in said:
        return BackupFolder(Path(said))
    if not is_address(said):
        raise SuwenError("this is no place for backups", where=said, expected="a folder, or s3://BUCKET/PREFIX")
    address = said.rstrip("/")
    return BackupBucket(cast(Any, bucket_at(bucket, address, place)), address)


def bucket_of(file: Path | None) -> Bucket:
    """How addresses are reached by the section [store] of a file, such as a copy of region.toml; without a file as the environment has it."""
    if file is None:
        return Bucket()
    problems = Problems()
    document = read_toml(file, str(file))
    found = read_bucket(Section(document, (), document.data, problems, None), file.resolve().parent)
    problems.raise_if_any()
    return found
