"""The region as its files say now: read again when one of them changes, with the organisation tree of today."""

from __future__ import annotations

import logging
import os
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from zoneinfo import ZoneInfo

from django.conf import settings

from suwen.base.clock import now
from suwen.base.errors import SuwenError
from suwen.flow.region import open_region
from suwen.flow.region_files import ORGANISATIONS_FILE, REGION_FILE
from suwen.govern.policy.tree import Tree
from suwen.model.region import Region

_LOG = logging.getLogger(__name__)
_Stamp = tuple[tuple[str, int, int], ...]


class Present:
    """One region read from its folder, kept until its files or the day change."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, Lock()
        self._stamp: _Stamp = ()
        self._told: _Stamp | None = None
        self._region: Region | None = None
        self._tree: tuple[date, Tree] | None = None

    def region(self) -> Region:
        """The region; raises SuwenError where its files have been damaged meanwhile."""
        with self._lock:
            stamp = self._stamped()
            if self._region is None or stamp != self._stamp:
                self._region, self._stamp, self._tree = self._read(stamp), stamp, None
            return self._region

    def _read(self, stamp: _Stamp) -> Region:
        try:
            return open_region(self._folder)
        except SuwenError as error:
            if stamp != self._told:  # once for each state of the files, however often it is asked for
                self._told = stamp
                _LOG.error("the region cannot be read", extra={"told": str(error)})
            raise

    def tree(self) -> Tree:
        """The organisation tree as of today in the region's own zone."""
        region, today = self.region(), self.today()
        with self._lock:
            if self._tree is None or self._tree[0] != today:
                self._tree = (today, Tree(region.history, today))
            return self._tree[1]

    def today(self) -> date:
        """The day it is in the region."""
        moment: datetime = now().astimezone(ZoneInfo(self.region().zone))
        return moment.date()

    def _stamped(self) -> _Stamp:
        files = [self._folder / REGION_FILE, self._folder / ORGANISATIONS_FILE, *sorted((self._folder / "feeds").glob("*.toml"))]
        return tuple((file.name, held.st_mtime_ns, held.st_size) for file in files if (held := _held(file)))


def _held(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:
        return None


_PRESENT: dict[Path, Present] = {}


def present() -> Present:
    """The region this process serves."""
    folder = settings.SUWEN_REGION.folder
    return _PRESENT.setdefault(folder, Present(folder))
