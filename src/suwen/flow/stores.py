"""Where a region's lake and landing are kept, opened: folders of this machine, or buckets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from suwen.engine.duck import Engine
from suwen.engine.releases import Releases
from suwen.engine.store.folder import FolderStore
from suwen.engine.store.port import Store
from suwen.intake.landing import Landing
from suwen.model.region import Region

READING = ".reading"  # below the lake's folder: where large queries spill; a run's own scratch folder is emptied while others read


def lake_of(region: Region) -> Store:
    """Where the region's lake is kept."""
    return FolderStore(region.lake)


def landing_of(region: Region, message: Callable[[str], None] = lambda _: None) -> Landing:
    """The region's landing; `message` is told where another landing is waited for."""
    return Landing(region.landing, message, FolderStore(region.landing))


def releases_of(region: Region) -> Releases:
    """The region's releases."""
    return Releases(region.releases, lake_of(region))


def engine_of(region: Region, scratch: Path | None = None) -> Engine:
    """A new engine over the region's lake, with the memory and threads it may use; one that only reads unless `scratch` says where else to spill."""
    settings = region.settings
    return Engine(threads=settings.threads, memory=settings.memory, scratch=scratch or region.lake / READING, store=lake_of(region))
