"""The newest release of the region, kept open between requests, with what is worked out from it kept as long as it is the newest."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from suwen.base.errors import SuwenError
from suwen.flow.answers import Answers
from suwen.flow.history import organisations_of
from suwen.flow.joined import MOST_ENGINES
from suwen.flow.reader import OpenRelease
from suwen.flow.region import region_packs
from suwen.flow.stores import releases_of
from suwen.flow.trace import Tracer
from suwen.model.region import Region
from suwen.packs.loader import Packs

T = TypeVar("T")
ENGINES = 2 + MOST_ENGINES  # that of questions, that of indicators, and those of traces: together they have the region's memory
_MOST = 4_000  # things remembered of one release


class Published:
    """One release and all that pages ask of it; what it gives never changes, so it is worked out once."""

    def __init__(self, region: Region, number: int) -> None:
        self.opened = OpenRelease(replace(region, settings=region.settings.share(ENGINES)), number)
        self.opened.keep_engine()
        self.region, self.release = region, self.opened.release
        self._lock, self._known = Lock(), dict[Hashable, Any]()

    @cached_property
    def packs(self) -> Packs:
        """The packs in force."""
        return region_packs(self.region)

    @cached_property
    def answers(self) -> Answers:
        """Values of indicators, and what lies behind them."""
        return Answers(self.opened, self.packs)

    def holds(self, code: str) -> bool:
        """Whether the release holds an indicator as it is declared now."""
        return self.once(("holds", code), lambda: self._holds(code))

    def _holds(self, code: str) -> bool:
        try:
            self.answers.indicator(code)
        except SuwenError:
            return False
        return True

    @cached_property
    def tracer(self) -> Tracer:
        """The way back of rows."""
        return Tracer(self.opened)

    @cached_property
    def organisations(self) -> Mapping[int, str]:
        """Receipt -> the organisation it came from."""
        return organisations_of(self.opened)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made under this key before, else made now; when too much is known, the oldest is forgotten."""
        with self._lock:
            if key in self._known:
                found: T = self._known[key]
                return found
        made = make()
        with self._lock:
            self._known[key] = made
            while len(self._known) > _MOST:
                self._known.pop(next(iter(self._known)))
        return made


class Newest:
    """The newest release of a region: another one as soon as a run has put it, or the region's files have changed."""

    def __init__(self) -> None:
        self._lock, self._held = Lock(), dict[Path, tuple[Region, Published]]()

    def of(self, region: Region) -> Published | None:
        """The newest release; None before the first."""
        numbers = releases_of(region).numbers()
        if not numbers:
            return None
        with self._lock:
            held = self._held.get(region.folder)
            if held is None or held[0] is not region or held[1].release.number != numbers[-1]:
                held = (region, Published(region, numbers[-1]))
                self._held[region.folder] = held
            return held[1]


NEWEST = Newest()
