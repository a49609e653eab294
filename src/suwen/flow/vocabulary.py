"""The region's vocabulary: loaded under the writer's lock, and the one in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from suwen.base.progress import SILENT, Progress
from suwen.engine.limits import hold
from suwen.flow.region import region_lock
from suwen.flow.stores import lake_of, working_engine
from suwen.model.region import Region
from suwen.repository.vocabulary import VocabularyVersion, current, load


def load_vocabulary(
    region: Region, source: Path, *, progress: Progress = SILENT, wait: bool = False, message: Callable[[str], None] | None = None
) -> VocabularyVersion:
    """Load the vocabulary files of a folder or zip; the next run uses them. Raises SuwenError naming file and line, and then nothing has changed."""
    with region_lock(region, wait=wait, message=message):
        hold(region.settings.threads)
        engine = working_engine(region, region.scratch)
        try:
            return load(source, region.vocabulary, engine, _Report(progress))
        finally:
            engine.close()
            progress.done()


def current_vocabulary(region: Region) -> VocabularyVersion | None:
    """The vocabulary that the next run uses; None for none."""
    return current(region.vocabulary, lake_of(region))


class _Report:
    """Tells progress the rows of each table as they grow."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._table, self._rows = progress, "", 0

    def __call__(self, table: str, rows: int) -> None:
        if table != self._table:
            self._progress.start(f"loading {table}")
            self._table, self._rows = table, 0
        self._progress.advance(rows - self._rows)
        self._rows = rows
