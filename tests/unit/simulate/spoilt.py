"""A small region made in memory, exported clean and with defects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from suwen.simulate.care import care
from suwen.simulate.catalogue import Catalogue, read_catalogue
from suwen.simulate.defects.inject import Defects
from suwen.simulate.defects.profile import WHOLE, Profile
from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.system import System
from suwen.simulate.dialects.systems import SYSTEMS
from suwen.simulate.export import Export
from suwen.simulate.naming import lexicon_of
from suwen.simulate.sending import Delivery
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import Block
from suwen.simulate.timetable import Timetable
from suwen.simulate.world import World


@dataclass(frozen=True)
class Small:
    """One block of a region with its names."""

    settings: Settings
    lexicon: Lexicon
    block: Block
    organisations: str


@cache
def small(persons: int, hospitals: int = 24, years: int = 1) -> Small:
    settings = Settings(hospitals=hospitals, persons=persons, years=years, seed=7)
    world = World(settings)
    catalogue: Catalogue = read_catalogue(world.knowledge.conditions)
    block = care(catalogue, settings, world.block(0))
    return Small(settings, lexicon_of(settings, world.knowledge, catalogue, world.places), block, world.organisations())


@dataclass(frozen=True)
class Exported:
    """An export: its folder, its deliveries in the order of sending, and the truth about its defects."""

    folder: Path
    deliveries: Sequence[Delivery]
    truth: Sequence[Mapping[str, Any]]


def exported(
    made: Small,
    folder: Path,
    rates: Mapping[str, float] | None = None,
    systems: Sequence[System] = tuple(SYSTEMS.values()),
    base: int | None = None,
    packed: bool = False,
) -> Exported:
    """`rates`: by kind of defect; None for a clean export. `base`: the day after which all is sent day by day. `packed`: those who pack what they send do."""
    folder.mkdir(parents=True)
    defects = None if rates is None else Defects(Profile({kind: round(rate * WHOLE) for kind, rate in rates.items()}), 3)
    held = [replace(system, packed=system.packed and packed) for system in systems]
    export = Export(folder, made.lexicon, held, Timetable(made.settings.last, base), defects=defects)
    export.write(made.block)
    found = export.finish()
    return Exported(folder, found, [row for table in defects.truth.tables() for row in table.to_pylist()] if defects else [])


def only(system: System, files: Sequence[str]) -> System:
    """A system that sends some of its files alone."""
    return replace(system, kinds=tuple(kind for kind in system.kinds if kind.name in files), masters=())
