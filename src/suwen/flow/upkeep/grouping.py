"""Which files of a table become one: many small ones of a part, and parts of years gone by that are small together.

A file is written again only with others that together are at least as large, so a row is rewritten a number of times that grows with the logarithm of
its part, however often maintenance comes by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suwen.engine.delta import DataFile
from suwen.flow.layout import RECENT_MONTHS, ROWS, month_of_part

LARGE = 64 << 20  # bytes from which a file is large enough
MOST = 256 << 20  # bytes of a file, about
FEW = 4  # small files of a part that are left as they are


@dataclass(frozen=True)
class Group:
    """Files that become one in a part; they may lie in other parts that the part takes in."""

    part: str
    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def groups(files: Sequence[DataFile], *, monthly: bool) -> list[Group]:
    """The groups of a table's files. `monthly`: its parts are ranges of months, so that those of years gone by may be joined."""
    parts: dict[str, list[DataFile]] = {}
    for file in files:
        parts.setdefault(file.part, []).append(file)
    found: list[Group] = []
    for part, taken in (_joined(parts) if monthly else {part: (part,) for part in parts}).items():
        if len(taken) > 1:  # as one: else a month would lie in two parts
            found.append(Group(part, tuple(sorted((file for one in taken for file in parts[one]), key=in_order))))
        else:
            found += [Group(part, tuple(chunk)) for chunk in filled(_small(parts[part]))]
    return found


def _small(files: Sequence[DataFile]) -> list[DataFile]:
    """The files of a part that are worth being one; none where there are few."""
    small = sorted((file for file in files if file.bytes < LARGE), key=lambda f: (f.bytes, f.path))
    total = sum(file.bytes for file in small)
    while len(small) > 1 and small[-1].bytes > total - small[-1].bytes:
        total -= small.pop().bytes
    return small if len(small) > FEW else []


def in_order(file: DataFile) -> tuple[tuple[int, int], str]:
    """By what files that become one are sorted: their receipts."""
    return file.receipts or (0, 0), file.path


def filled(files: Sequence[DataFile]) -> list[list[DataFile]]:
    """Files in groups of about MOST bytes, in the order of their receipts: whoever looks for a receipt then reads few of them."""
    found: list[list[DataFile]] = []
    size = 0
    for file in sorted(files, key=in_order):
        if not found or size + file.bytes > MOST:
            found.append([])
            size = 0
        found[-1].append(file)
        size += file.bytes
    return found


def _joined(parts: Mapping[str, Sequence[DataFile]]) -> dict[str, tuple[str, ...]]:
    """Part -> the parts that it becomes: neighbours that ended a year before the last begins, and have few rows together."""
    names = sorted(parts, key=month_of_part)
    closed = month_of_part(names[-1]) - RECENT_MONTHS if names else 0
    found: dict[str, tuple[str, ...]] = {}
    last, rows = "", 0
    for name, following in zip(names, [*names[1:], names[-1] if names else ""], strict=True):
        here = sum(file.rows for file in parts[name])
        ended = name != names[-1] and month_of_part(following) <= closed
        if last and ended and rows + here <= ROWS:
            found[last] += (name,)
            rows += here
        else:
            found[name] = (name,)
            last, rows = (name, here) if ended else ("", 0)
    return found
