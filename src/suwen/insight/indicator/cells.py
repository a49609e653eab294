"""From rows that count to cells: the SQL trees of what a run keeps of every statistical point."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.engine.sql import Tree, alias, call, col, list_of, null, statement, struct, text, typed, union_all
from suwen.model.indicator import Count, Point
from suwen.model.state import POINT_CELL

PLACE = ("organisation", "day", "origin")
CELL = tuple(name for name in POINT_CELL if name != "run")
ADDING = (Count.COUNT, Count.SUM)


def cells_of(rows: Tree | str, points: Sequence[Point]) -> Tree:
    """The cells of some points of one base, with the columns `CELL`.

    `rows`: organisation, day, origin, person_id, and of each point by its place `n_<i>` (whether the row counts) and `v_<i>` (its value; of a sum null
    where it does not count).
    """
    several = any(point.kind not in ADDING for point in points) and len(points) > 1
    if several and isinstance(rows, Tree):  # each kind of cell looks at the rows once more, but they are worked out once
        once = statement("with counted as materialized (select * from {r} r) select * from {c} c", r=rows, c=cells_of("counted", points))
        return statement("select x.* from {o} x", o=once)  # a query that begins with WITH stands in no union
    parts: list[Tree] = []
    adding = [(place, point) for place, point in enumerate(points) if point.kind in ADDING]
    if adding:
        parts.append(_adding(rows, adding))
    for place, point in enumerate(points):
        if point.kind is Count.MEDIAN:
            parts.append(_apart(rows, place, point, f"v_{place}", "value"))
        elif point.kind is Count.DISTINCT:
            parts.append(_apart(rows, place, point, "person_id", "person_id"))
    return union_all(parts)


def _adding(rows: Tree | str, points: Sequence[tuple[int, Point]]) -> Tree:
    """All points that add up in one pass: grouped once, then a row for each that has any."""
    counted: list[Tree] = []
    cells: list[Tree] = []
    for place, point in points:
        counted.append(alias(typed(call("count_if", col(f"n_{place}")), "BIGINT"), f"c_{place}"))
        total: Tree = typed(null(), POINT_CELL["total"])
        if point.kind is Count.SUM:
            summed = statement("select coalesce(sum({v}), 0)", v=f"v_{place}").expressions[0]  # null where the row does not count
            counted.append(alias(typed(summed, POINT_CELL["total"]), f"t_{place}"))
            total = col(f"t_{place}")
        cells.append(struct({"point": text(point.code), "records": col(f"c_{place}"), "total": total}))
    grouped = statement("select {p}, {c} from {r} r where day is not null group by organisation, day, origin", p=[col(p) for p in PLACE], c=counted, r=rows)
    parted = statement("select {p}, unnest({cells}) as cell from {g} g", p=[col(p) for p in PLACE], cells=list_of(cells), g=grouped)
    return statement(
        """select x.cell.point as point, x.organisation, x.day, x.origin, null::DECIMAL(24,8) as value, null::BIGINT as person_id,
        x.cell.records as records, x.cell.total as total from {x} x where x.cell.records > 0""",
        x=parted,
    )


def _apart(rows: Tree | str, place: int, point: Point, by: str, into: str) -> Tree:
    """The cells of a point that keeps its values, or its persons, apart; rows without any are left out."""
    values = {name: col(by) if name == into else typed(null(), POINT_CELL[name]) for name in ("value", "person_id")}
    columns = [alias(typed(text(point.code), "VARCHAR"), "point"), *(col(p) for p in PLACE), *(alias(v, n) for n, v in values.items())]
    return statement(
        "select {c}, count(*)::BIGINT as records, null::DECIMAL(38,8) as total from {r} r where {n} and day is not null and {by} is not null group by all",
        c=columns, r=rows, n=f"n_{place}", by=by,
    )  # fmt: skip


def presence_of(visits: Tree | str, code: str) -> Tree:
    """The cells of the visits that begin or end on a day. `visits`: organisation, origin, first, last (null: not ended)."""
    lengths = statement("select organisation, origin, first, last, count(*) as n from {v} v group by all", v=visits)  # DuckDB 2.0 may fail on unnested joins
    days = statement(
        "select organisation, origin, n, unnest(case when last is null or last = first then [first] else [first, last] end) as day from {l} l", l=lengths
    )
    return statement(
        """select {code}::VARCHAR as point, organisation, day, origin, null::DECIMAL(24,8) as value, null::BIGINT as person_id, sum(n)::BIGINT as records,
        null::DECIMAL(38,8) as total from {d} d where day is not null group by organisation, day, origin""",
        code=text(code), d=days,
    )  # fmt: skip
