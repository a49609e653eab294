"""What has landed, read again only when a delivery or a fact has come: landing only grows, so its folders' times tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from suwen.engine.releases import Releases
from suwen.flow.status import Status, status
from suwen.intake.landing import Landing
from suwen.model.receipt import Delivery, State
from suwen.model.region import Region

_Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Landed:
    """A region's standing, its deliveries in order, and what was decided about them."""

    status: Status
    deliveries: tuple[Delivery, ...]
    states: Mapping[int, State]


_LOCK, _KEPT = Lock(), dict[Path, tuple[Region, _Stamp, Landed]]()


def landed(region: Region) -> Landed:
    """What has landed by now."""
    stamp = _stamp(region)
    with _LOCK:
        held = _KEPT.get(region.folder)
    if held is not None and held[0] is region and held[1] == stamp:
        return held[2]
    landing = Landing(region.landing)
    found = Landed(status(region), tuple(landing.deliveries()), landing.states())
    with _LOCK:
        _KEPT[region.folder] = (region, stamp, found)
    return found


def _stamp(region: Region) -> _Stamp:
    """Times of the folders of deliveries and facts, and the newest release: they change with everything that is shown."""
    folders = (region.landing / "deliveries", region.landing / "facts")
    times = [folder.stat().st_mtime_ns if folder.is_dir() else 0 for folder in folders]
    return (*times, *Releases(region.releases).numbers()[-1:])
