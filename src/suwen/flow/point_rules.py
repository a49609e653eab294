"""Which statistical points are in force, and by what each is worked out: with another rule than the last release's its cells are made anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

from suwen.model.functions import VERSION
from suwen.model.indicator import Base, Indicator, Point
from suwen.packs.loader import Packs

PRESENCE = "visits"  # the point that tells which organisations reported
FORM = 1  # the form of cells
_SAID = frozenset({"place", "title", "definition", "owner", "source", "unit", "sha256"})  # what changes no number
PREFIX = "point:"


def points_of(indicators: Mapping[str, Indicator]) -> dict[str, Point]:
    """Every point that some indicator declares, by its code."""
    return {code: point for _, indicator in sorted(indicators.items()) for code, point in indicator.points.items()}


def by_base(packs: Packs) -> dict[str, tuple[Point, ...]]:
    """The points of each base that has any, in the order of their codes."""
    found: dict[str, list[Point]] = {}
    for _, point in sorted(points_of(packs.indicators).items()):
        found.setdefault(point.base, []).append(point)
    return {name: tuple(points) for name, points in sorted(found.items())}


def point_rules(packs: Packs, vocabulary: str) -> dict[str, str]:
    """`point:<code>` -> a hash of all that decides its cells besides the rows; none where no indicator is in force."""
    points = points_of(packs.indicators)
    rules = {f"{PREFIX}{code}": point_rule(packs.bases[point.base], point, vocabulary) for code, point in points.items()}
    return {**rules, f"{PREFIX}{PRESENCE}": _hashed([FORM])} if rules else {}


def point_rule(base: Base, point: Point, vocabulary: str) -> str:
    """The hash of one point's rule; the vocabulary enters where a concept set means what descends from its concepts too."""
    grown = vocabulary if any(one.descendants for one in base.concepts.values()) else ""
    return _hashed([FORM, VERSION, _decides(base), _decides(point), grown])


def _hashed(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _decides(part: object) -> object:
    """A declaration without its texts and places."""
    if is_dataclass(part) and not isinstance(part, type):
        return {one.name: _decides(getattr(part, one.name)) for one in fields(part) if one.name not in _SAID}
    if isinstance(part, Mapping):
        return [[str(key), _decides(held)] for key, held in part.items()]
    if isinstance(part, (tuple, list)):
        return [_decides(held) for held in part]
    return part.value if isinstance(part, Enum) else part if part is None or isinstance(part, (str, int, bool)) else str(part)
