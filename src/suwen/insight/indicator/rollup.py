"""From cells to units and periods: the SQL trees of the roll-up, through the tree of organisations as it was on each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from suwen.engine.sql import Tree, call, case, col, compared, conjunction, in_texts, statement, text, typed
from suwen.model.indicator import Period

_BELOW = "from {x} x join {u} w on w.organisation = x.organisation and x.day >= w.first and x.day < w.after"


@dataclass(frozen=True)
class Asked:
    """What is asked of cells: points, units with who lies below them (unit, organisation, first, after), and periods of one kind from `first` until `after`."""

    points: Sequence[str]
    units: Tree | str
    period: Period
    first: date
    after: date


def added(cells: Tree | str, asked: Asked) -> Tree:
    """(unit, first, point, records, total, organisations) of points that add up; `first`: of the period, `organisations`: how many have a cell in it."""
    each = statement(
        f"select w.unit, x.organisation, x.point, {{p}} as first, sum(x.records) as records, sum(x.total) as total {_BELOW} group by all",
        **_parts(cells, asked),
    )
    return statement(
        "select unit, first, point, sum(records)::BIGINT as records, sum(total)::DECIMAL(38,8) as total, count(*) as organisations from {e} e group by all",
        e=each,
    )


def medians(cells: Tree | str, asked: Asked) -> Tree:
    """(unit, first, point, low, high): the two values in the middle, the same of an odd number."""
    values = statement(f"select w.unit, {{p}} as first, x.point, x.value, sum(x.records) as n {_BELOW} group by all", **_parts(cells, asked))
    ranked = statement(
        """select unit, first, point, value, sum(n) over (partition by unit, first, point order by value) as until,
        sum(n) over (partition by unit, first, point) as whole from {v} v""",
        v=values,
    )
    return statement(
        "select unit, first, point, min(value) filter (where until > (whole - 1) // 2) as low, min(value) filter (where until > whole // 2) as high "
        "from {r} r group by all",
        r=ranked,
    )


def persons(cells: Tree | str, asked: Asked, masters: Tree | str | None) -> Tree:
    """(unit, first, point, persons): how many different ones. `masters`: (person_id, master) of those who are shown as another; None: patients are counted."""
    parts = _parts(cells, asked)
    if masters is None:
        return statement(f"select w.unit, {{p}} as first, x.point, count(distinct x.person_id) as persons {_BELOW} group by all", **parts)
    return statement(
        "select w.unit, {p} as first, x.point, count(distinct coalesce(m.master, x.person_id)) as persons "
        f"{_BELOW} left join {{m}} m on m.person_id = x.person_id group by all",
        m=masters,
        **parts,
    )


def condensed(cells: Tree | str, changes: Sequence[date]) -> Tree:
    """Cells that add up, put together by month: the day is the month's first or, where the tree changed within it, that of the last change before.

    Whoever asks for months or longer periods gets from these what the cells give. `changes`: the days on which the tree changed.
    """
    inner = [day for day in sorted(changes, reverse=True) if day.day > 1]
    month = typed(call("date_trunc", text("month"), col("day", "x")), "DATE")
    if inner:
        since = [(compared(col("day", "x"), ">=", change), change) for change in (typed(text(day.isoformat()), "DATE") for day in inner)]
        month = call("greatest", month, case(since))
    return statement(
        """select x.point, x.organisation, {day} as day, sum(x.records)::BIGINT as records, sum(x.total)::DECIMAL(38,8) as total
        from {x} x group by all""",
        x=cells, day=month,
    )  # fmt: skip


def of_points(cells: Tree | str, points: Sequence[str]) -> Tree:
    """The cells of some points."""
    return statement("select * from {x} x where {mine}", x=cells, mine=in_texts(col("point"), points))


def period_of(period: Period, day: Tree) -> Tree:
    """The first day of the period in which a day lies."""
    return day if period is Period.DAY else typed(call("date_trunc", text(period.value), day), "DATE")


def _parts(cells: Tree | str, asked: Asked) -> dict[str, Tree | str]:
    first, after = (typed(text(day.isoformat()), "DATE") for day in (asked.first, asked.after))
    inside = conjunction([in_texts(col("point"), asked.points), compared(col("day"), ">=", first), compared(col("day"), "<", after)])
    return {
        "p": period_of(asked.period, col("day", "x")),
        "x": statement("select * from {c} c where {w}", c=cells, w=inside),
        "u": asked.units,
    }
