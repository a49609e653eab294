"""Where a region's lake and landing are kept, opened: folders of this machine, or buckets."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import cast

from suwen.base.errors import SuwenError
from suwen.base.system import explained
from suwen.engine import duck
from suwen.engine.opening import open_engine
from suwen.engine.port import Engine
from suwen.engine.releases import Releases
from suwen.engine.store.access import Access
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store
from suwen.intake.landing import Landing
from suwen.model.region import Bucket, Region

READING = ".reading"  # below the lake's folder: where large queries spill; a run's own scratch folder is emptied while others read


def lake_of(region: Region) -> Store:
    """Where the region's lake is kept."""
    return _store(region, region.lake_address, region.lake)


def landing_of(region: Region, message: Callable[[str], None] = lambda _: None) -> Landing:
    """The region's landing; `message` is told where another landing is waited for."""
    return Landing(region.landing, message, landing_store(region))


def landing_store(region: Region) -> Store:
    """Where the region's landing is kept."""
    return _store(region, region.landing_address, region.landing)


def releases_of(region: Region) -> Releases:
    """The region's releases."""
    return Releases(region.releases, lake_of(region))


def engine_of(region: Region) -> duck.Engine:
    """A new engine that reads the region's lake, with the memory and threads it may use. What reads is DuckDB, whatever makes releases."""
    settings = region.settings
    return duck.Engine(threads=settings.threads, memory=settings.memory, scratch=region.lake / READING, store=lake_of(region))


def working_engine(region: Region, scratch: Path) -> Engine:
    """A new engine that makes the region's releases: the one that region.toml names."""
    return open_engine(region.settings, scratch, lake_of(region))


def bucket_at(said: Bucket, address: str, place: str) -> Store:
    """What is kept at an address, without copies on this machine. `place`: the file that says how it is reached."""
    return _bucket(said, address, Path("/nowhere"), place)


def _store(region: Region, address: str, folder: Path) -> Store:
    return _bucket(region.bucket, address, folder, f"{region.folder}/region.toml") if address else FolderStore(folder)


@lru_cache(maxsize=8)
def _bucket(said: Bucket, address: str, folder: Path, place: str) -> Store:
    """The one store of a process for an address: connections are kept, and who holds its lease is known to all that write."""
    try:
        module = import_module("suwen.engine.store.bucket")
    except ModuleNotFoundError as error:
        do = "pip install 'suwen[s3]'"
        raise SuwenError(f"the Python package {error.name} is not installed", where=address, expected="Suwen with object storage", do=do) from None
    name, _, prefix = address.removeprefix("s3://").partition("/")
    key_id, secret = (_secret(key, reference, place) for key, reference in (("key_id", said.key_id), ("secret", said.secret)))
    token = _secret("token", said.token, place) if said.token else ""
    access = Access(name, prefix, said.endpoint, said.region, said.path_style, said.ca, key_id, secret, token, said.lease_seconds)
    return cast(Store, module.BucketStore(access, folder, said.cache_gb << 30))


def _secret(key: str, reference: str, place: str) -> str:
    """What a reference names, read now."""
    how, _, name = reference.partition(":")
    held = os.environ.get(name, "") if how == "env" else _private(Path(name))
    if not held:
        what = f"the variable {name} of the environment is not set" if how == "env" else "the file is empty"
        raise SuwenError(
            f"object storage: {what}", where=f"{place}: {key} of [store]", expected="the credentials' words", do="set it, or name another place for it"
        )
    return held


def _private(path: Path) -> str:
    """A secret in a file that nobody else may read."""
    with explained(path, "reading a secret failed"):
        text, mode = path.read_text("utf-8").strip(), stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SuwenError(f"others may read this file (mode {mode:04o})", where=str(path), expected="mode 0600", do=f"chmod 600 {path}")
    return text
