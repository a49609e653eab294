"""Small files of a part made one, proven to hold the same rows; and which a run makes one, so that a part has few however many days have passed.

Files of a part are told apart by tiers of their bytes, each FANOUT times the one below. Where a tier has FANOUT files they become one, mostly of the next
tier: a row is written again once a tier, and a part has few files of each. A run does some, those of the most files first, and not more rows together than
a few times those it made itself, so that no day pays for all, or for what a first run left. What it leaves, and parts to which nothing comes any more, are
maintenance's (`flow/upkeep`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from suwen.base.errors import Defect
from suwen.engine.delta import DataFile, NewFile
from suwen.engine.hash import row_hashes
from suwen.engine.sql import Tree, alias, col, read_parquet, statement
from suwen.flow.point_cells import ROW_GROUP
from suwen.flow.point_cells import TABLE as POINT_CELL
from suwen.flow.upkeep.grouping import LARGE, MOST, Group, filled
from suwen.flow.work import Work

FANOUT = 8
SMALLEST = 32 << 10  # bytes; below all files are of one tier
AT_ONCE = 6  # groups that a run makes one
LEAST, TIMES = 200_000, 8  # rows that a run may merge in any case, and as many times those that it made
ROWS_OF_A_GROUP = 122_880  # DuckDB's own
_WHOLE = (POINT_CELL, "state/cell", "state/lineage")  # written anew where they change


def merge_small(work: Work, taken_out: Mapping[str, Sequence[DataFile]]) -> dict[str, list[tuple[Group, NewFile]]]:
    """Make small files one in the parts that this run writes to; gives by table the groups and their new files. `taken_out`: what goes anyway."""
    found: list[tuple[str, Group]] = []
    for name, change in work.changes.items():
        if name not in _WHOLE:
            out, parts = {file.path for file in taken_out.get(name, ())}, {new.part for new in change.created if new.written.rows}
            found += [(name, group) for group in due(file for file in work.files(name) if file.part in parts and file.path not in out)]
    chosen = affordable(found, max(LEAST, TIMES * sum(change.created_rows for change in work.changes.values())))
    made = work.each([partial(_merged, name=name, group=group) for name, group in chosen])
    merged: dict[str, list[tuple[Group, NewFile]]] = {}
    for (name, group), new in zip(chosen, made, strict=True):
        merged.setdefault(name, []).append((group, new))
    return merged


def affordable(found: Sequence[tuple[str, Group]], most: int) -> list[tuple[str, Group]]:
    """What a run does of that which is due: those of the most files, of at most so many rows together, and not more bytes than a large file has."""
    chosen: list[tuple[str, Group]] = []
    size = 0
    for name, group in sorted(found, key=lambda one: (-len(one[1].files), one[0], one[1].part)):
        if len(chosen) < AT_ONCE and group.rows <= most and size + group.bytes <= MOST:
            chosen.append((name, group))
            most, size = most - group.rows, size + group.bytes
    return chosen


def due(files: Iterable[DataFile]) -> list[Group]:
    """The tiers of each part that have FANOUT files or more, as groups of at most about MOST bytes that become one."""
    tiers: dict[tuple[str, int], list[DataFile]] = {}
    for file in files:
        if file.bytes < LARGE:
            tiers.setdefault((file.part, tier(file.bytes)), []).append(file)
    full = [(part, of) for (part, _), of in sorted(tiers.items()) if len(of) >= FANOUT]
    return [Group(part, tuple(some)) for part, of in full for some in filled(of) if len(some) > 1]


def tier(size: int) -> int:
    """Of which tier a file of so many bytes is."""
    found = 0
    while size >= SMALLEST * FANOUT:
        size //= FANOUT
        found += 1
    return found


def _merged(work: Work, name: str, group: Group) -> NewFile:
    return merged_file(work, name, group, work.fresh("t"))


def merged_file(work: Work, name: str, group: Group, label: str) -> NewFile:
    """A group's rows in one file, proven to be the same rows. Raises Defect where they are not."""
    table, paths = work.table(name), [file.path for file in group.files]
    columns = [alias(col(column), column) for column in table.columns]
    rows = statement("select {c} from {f} f", c=columns, f=read_parquet(paths))
    target = table.new_path(group.part, f"{work.number:08d}-{work.attempt}-{label}")
    if name == POINT_CELL:  # sorted, so that an answer reads little of it
        rows = statement("select {c} from {r} x order by point, organisation, day, origin, value, person_id", c=columns, r=rows)
    written = work.engine.copy(rows, target, ordered=True, row_group=ROW_GROUP if name == POINT_CELL else ROWS_OF_A_GROUP)
    work.step(f"compacted {name}")
    before, after = (_sum(work, name, read_parquet(found)) for found in (paths, [str(target)]))
    if before != after or written.rows != group.rows:
        raise Defect(f"{name}: a compacted file does not hold the rows of the {len(paths)} files it replaces")
    return NewFile(written, group.part)


def _sum(work: Work, name: str, rows: Tree) -> tuple[object, ...]:
    """How many rows, and the sum of their hashes over every stored column."""
    columns = [(column, kind, col(column)) for column, kind in work.table(name).columns.items()]
    return work.engine.rows(statement("select count(*), sum(_hash::HUGEINT)::VARCHAR from {h} h", h=row_hashes(rows, columns, ())))[0]
