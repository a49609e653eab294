"""A region of an earlier format brought to today's, step by step; each step leaves a region of the next format, so a killed upgrade goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from suwen.base.clock import now
from suwen.base.progress import SILENT, Progress
from suwen.base.system import explained
from suwen.flow.formats import LAKE, Part, parts, readable, store_of, write_format
from suwen.flow.region import region_lock
from suwen.flow.stores import releases_of
from suwen.intake.durable import locked
from suwen.model.format import FORMAT
from suwen.model.region import Region


def _made_anew(region: Region, part: Part) -> None:
    """Ids are others in format 2, so no row of before can stand beside one of after: the releases go, each noted, and the next run makes all of landing."""
    if part.name == LAKE:
        releases = releases_of(region)
        for number in releases.numbers():
            why = "rows have other ids since format 2; the next run makes them anew from landing"
            releases.remove(releases.get(number), now().isoformat(timespec="seconds"), why, same_as=0)


@dataclass(frozen=True)
class Step:
    """How a part of a region comes to a format from the one before. `does`: in words; `change`: may be done twice."""

    does: str
    change: Callable[[Region, Part], None]


STEPS: Mapping[int, Step] = {
    2: Step("the format is written down; receipts stay as they are, and releases of the lake go: the next run makes all rows anew from landing", _made_anew)
}


@dataclass(frozen=True)
class Upgraded:
    """A step that was taken, or would be: of which part, from which format to which, and what it does."""

    part: str
    before: int
    after: int
    does: str


def upgrade(
    region: Region, *, dry_run: bool = False, wait: bool = False, progress: Progress = SILENT, step: Callable[[str], None] = lambda _: None
) -> tuple[Upgraded, ...]:
    """Bring landing and lake to today's format; nothing where they have it. Raises SuwenError where they have a later one."""
    readable(region)
    todo = tuple(
        Upgraded(part.name, number - 1, number, STEPS[number].does) for part in parts(region) if part.format for number in range(part.format + 1, FORMAT + 1)
    )
    if dry_run or not todo:
        return todo
    region.landing.mkdir(parents=True, exist_ok=True)  # of a bucket there may be nothing here yet
    with region_lock(region, wait=wait, message=progress.start), explained(region.landing), locked(region.landing / "lock", progress.start):
        for part in parts(region):
            for number in range(part.format + 1, FORMAT + 1) if part.format else ():
                progress.start(f"upgrading {part.name} to format {number}")
                STEPS[number].change(region, part)
                step(f"changed {part.name}")
                write_format(part.folder, number, store_of(region, part.name))
                step(f"upgraded {part.name}")
    return todo
