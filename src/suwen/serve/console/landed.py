"""What has landed, read again only when a delivery or a fact has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from suwen.flow.status import Status, status
from suwen.flow.stores import landing_of, releases_of
from suwen.intake.register import Register
from suwen.model.receipt import State
from suwen.model.region import Region

_Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Landed:
    """A region's standing, the receipts of its deliveries, and what was decided about these."""

    status: Status
    register: Register
    states: Mapping[int, State]


_LOCK, _KEPT = Lock(), dict[Path, tuple[Region, _Stamp, Landed]]()


def landed(region: Region) -> Landed:
    """What has landed by now."""
    stamp = _stamp(region)
    with _LOCK:
        held = _KEPT.get(region.folder)
    if held is not None and held[0] is region and held[1] == stamp:
        return held[2]
    landing = landing_of(region)
    found = Landed(status(region), landing.register(), landing.states())
    with _LOCK:
        _KEPT[region.folder] = (region, stamp, found)
    return found


def _stamp(region: Region) -> _Stamp:
    """What changes with everything that is shown: deliveries, facts, and the newest release."""
    return (*landing_of(region).stamp(), *releases_of(region).numbers()[-1:])
