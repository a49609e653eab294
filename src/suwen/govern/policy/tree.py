"""The organisation tree on a day: who stands above whom, and all that lies below one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from suwen.govern.plain_text import one_line
from suwen.model.region import Organisation


class Tree:
    """The tree as of a day. An organisation that has ended stands where it last stood, one that has not begun is not there."""

    def __init__(self, history: Iterable[Organisation], day: date) -> None:
        rows = sorted((one for one in history if one.valid_from <= day), key=lambda one: one.valid_from)
        self.organisations: Mapping[str, Organisation] = {one.organisation_id: one for one in rows}
        self.names: Mapping[str, tuple[str, str]] = {
            key: (one_line(one.name_en or one.name_zh or key), one_line(one.name_zh or one.name_en or key)) for key, one in self.organisations.items()
        }
        self.children: dict[str, list[str]] = {}
        for key, one in self.organisations.items():
            self.children.setdefault(one.parent if one.parent in self.organisations else "", []).append(key)

    def below(self, unit: str) -> frozenset[str]:
        """An organisation and everything under it; nothing where it is not in the tree."""
        found: set[str] = set()
        waiting = [unit] if unit in self.organisations else []
        while waiting:
            at = waiting.pop()
            if at not in found:
                found.add(at)
                waiting += self.children.get(at, ())
        return frozenset(found)

    def path(self, unit: str) -> list[str]:
        """The organisations from the top down to one, itself last."""
        found: list[str] = []
        while unit in self.organisations and unit not in found:
            found.insert(0, unit)
            unit = self.organisations[unit].parent
        return found
