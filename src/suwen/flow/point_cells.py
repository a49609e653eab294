"""Statistical points in a run: the touched cells are made again and the files that hold them replaced, inside the release.

A point that is new, or whose rule has changed since the last release, is made as a whole; so a new indicator is filled back by the next run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from suwen.engine.delta import DataFile, NewFile
from suwen.engine.sql import (
    Tree,
    alias,
    col,
    compared,
    conjunction,
    disjunction,
    in_texts,
    integer,
    literal_rows,
    negation,
    read_parquet,
    statement,
    text,
    typed,
    union_all,
)
from suwen.flow.layout import part_of, parts_of
from suwen.flow.point_rules import PREFIX, PRESENCE, by_base, point_rules
from suwen.flow.point_touch import members_of, no_rows, origin_of, touched_cells
from suwen.flow.work import Work, standing
from suwen.insight.indicator.cells import CELL, cells_of, presence_of
from suwen.insight.indicator.groups import grouped_once, shared
from suwen.insight.indicator.relation import NO_GROUPS, Group, Groups
from suwen.insight.indicator.rows import point_rows
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import Base, Point, Scope
from suwen.model.state import POINT_CELL
from suwen.repository.rows import lake_name

TABLE = "state/point_cell"
LINK = "ext_person_link"
VISITS = "visit_occurrence"
_LAST_MONTH = 12 * 9999 + 11
ROW_GROUP = 20_480  # rows; small, since an answer reads one point of a file that is sorted by points


@dataclass(frozen=True)
class Due:
    """What a run must do: which points it makes as a whole, and which cells of the others it makes again.

    `touched`: their temporary table; `months`: the bases that occur in it, each with its origins.
    """

    rules: dict[str, str]
    whole: frozenset[str]  # codes; also of points that are no more
    touched: str = ""
    months: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def origins(self) -> frozenset[int]:
        return frozenset[int]().union(*self.months.values())


def keep_points(work: Work) -> None:
    """Bring the cells of all statistical points up to the rows as they will be after the run."""
    due = _due(work)
    if due is None:
        return
    groups = _grouped_once(work, due)
    parts = [made for name, points in by_base(work.packs).items() for made in _of_base(work, due, work.packs.bases[name], points, groups)]
    parts += _presence(work, due)
    _replace(work, due, [_counted(work, part) for part in parts])


def _counted(work: Work, cells: Tree) -> str:
    """Cells as a temporary table. A statement for each base: what one has joined is given back before the next one's is."""
    name = work.fresh("point_cells")
    work.engine.temporary(name, _typed(cells, work.number))
    return name


def _due(work: Work) -> Due | None:
    """What there is to do; None where no cell can have changed, and where no indicator is in force nor was."""
    rules = point_rules(work.packs, work.vocabulary.hash if work.vocabulary else "")
    before = {name: rule for name, rule in (work.previous.derived if work.previous else {}).items() if name.startswith(PREFIX)}
    if not rules and not before:
        return None
    whole = frozenset(name.removeprefix(PREFIX) for name in {*rules, *before} if rules.get(name) != before.get(name))
    bases = [work.packs.bases[name] for name, points in by_base(work.packs).items() if any(point.code not in whole for point in points)]
    if work.previous is None or not before:
        return Due(rules, whole)
    touched = touched_cells(work, bases, VISITS)
    found = work.engine.rows(statement("select distinct base, origin from {t} t", t=touched))
    months = {base: frozenset(origin for one, origin in found if one == base) for base, _ in found}
    return Due(rules, whole, touched, months) if found or whole else None


def _grouped_once(work: Work, due: Due) -> Groups:
    """What the bases that are made as a whole measure of the same rows."""
    whole = [(work.packs.bases[name], [p for p in points if p.code in due.whole]) for name, points in by_base(work.packs).items()]
    bases = [(base, points) for base, points in whole if points]
    once = shared(bases, {base.name: members_of(work, base) for base, _ in bases})
    found = {}
    for key, one in once.items():
        name = work.fresh("point_groups")
        tree, columns = grouped_once(one, partial(_stored, work))
        work.engine.temporary(name, tree)
        found[key] = Group(name, columns)
    return found


def _stored(work: Work, table: str, months: frozenset[int] | None = None) -> Tree:
    """A table's rows as they will be after the run. `months`: those from the first of them to the last, and no others where the files tell."""
    rows = standing(work, lake_name(table))
    if rows is None:
        return no_rows(table)
    column = ALL_TABLES[table].date_column
    if months is None or 0 in months or column is None:
        return rows
    inside = [compared(col(column), ">=", _first_day(min(months)))]
    if max(months) < _LAST_MONTH:
        inside.append(compared(col(column), "<", _first_day(max(months) + 1)))
    return statement("select * from {r} r where {w}", r=rows, w=conjunction(inside))


def _first_day(month: int) -> Tree:
    return typed(text(f"{month // 12:04d}-{month % 12 + 1:02d}-01"), "DATE")


def _of_base(work: Work, due: Due, base: Base, points: Sequence[Point], groups: Groups) -> list[Tree]:
    """The cells of one base that are due."""
    whole = [point for point in points if point.code in due.whole]
    others = [point for point in points if point.code not in due.whole]
    if standing(work, lake_name(base.table)) is None:
        return []
    made = [cells_of(_rows(work, base, whole, None, groups), whole)] if whole else []
    return [*made, cells_of(_rows(work, base, others, due, NO_GROUPS), others)] if others and base.name in due.months else made


def _rows(work: Work, base: Base, points: Sequence[Point], within: Due | None, groups: Groups) -> Tree:
    """The rows that count for some points, of all cells or of the touched ones: where no row of another month can compete with one of these, the base's own
    table is read from the first touched month to the last.
    """
    touched = None if within is None else statement("select organisation, origin from {t} t where base = {b}", t=within.touched, b=text(base.name))
    own = None if within is None or base.once is not None else within.months[base.name]
    stored = partial(_stored, work)
    links = statement("select person_id, master_person_id from {l} l", l=stored(LINK)) if base.person is Scope.MASTER else None
    return point_rows(base, points, _owned(_stored(work, base.table, own)), stored, links=links, touched=touched, members=members_of(work, base), groups=groups)


def _owned(rows: Tree) -> Tree:
    """Stored rows with `_organisation`, that of their feed."""
    return statement("select r.*, w.organisation as _organisation from {r} r join owned_receipts w on w.receipt = r._receipt", r=rows)


def _presence(work: Work, due: Due) -> list[Tree]:
    """The due cells of the point that tells who reported."""
    whole = PRESENCE in due.whole
    if not due.rules or not (whole or "" in due.months):
        return []
    rows = _stored(work, VISITS, None if whole else due.months[""])
    visits = statement(
        """select w.organisation, {origin} as origin, r.visit_start_date as first, r.visit_end_date as last from {r} r
        join owned_receipts w on w.receipt = r._receipt""",
        origin=origin_of(VISITS, "r"), r=rows,
    )  # fmt: skip
    if not whole:
        mine = statement("select * from {t} t where base = ''", t=due.touched)
        visits = statement("select v.* from {v} v semi join {t} t on t.organisation = v.organisation and t.origin = v.origin", v=visits, t=mine)
    return [presence_of(visits, PRESENCE)]


def _nothing() -> Tree:
    return literal_rows(CELL, [POINT_CELL[name] for name in CELL], [])


def _typed(cells: Tree, run: int) -> Tree:
    """Cells with the types of their table, and the run that made them."""
    columns = [alias(typed(col(name), POINT_CELL[name]), name) for name in CELL]
    return statement("select {c}, {run}::BIGINT as run from {x} x", c=columns, run=run, x=cells)


def _replace(work: Work, due: Due, new: Sequence[str]) -> None:
    """Put the new cells, in these tables, in the place of the old ones: the files that held any are written again without them."""
    hit = _hit(work, due)
    names = [col(name) for name in POINT_CELL]
    parts = [statement("select {c} from {n} n", c=names, n=table) for table in new] or [_typed(_nothing(), work.number)]
    if hit:
        old = read_parquet([file.path for file in hit])
        parts.append(statement("select {c} from {o} o where {keep}", c=names, o=old, keep=negation(_gone(work, due))))
    histogram = work.engine.rows(statement("select origin, count(*) from {all} x group by all order by 1", all=union_all(parts)))
    work.change(TABLE)
    work.taken_out[TABLE] = hit
    left: dict[str, int] = {}
    for file in work.files(TABLE):
        if file not in hit:
            left[file.part] = left.get(file.part, 0) + file.rows
    for low, high in parts_of({TABLE: left}, TABLE, histogram) if histogram else ():
        if any(low <= origin < high for origin, _ in histogram):
            _write(work, union_all(parts), low, high)


def _hit(work: Work, due: Due) -> list[DataFile]:
    """The files of the last release that may hold a cell to be replaced."""
    files = work.files(TABLE)
    if not files or due.whole & _codes_before(work):
        return list(files)
    return [file for file in files if file.origins is None or any(file.origins[0] <= origin <= file.origins[1] for origin in due.origins)]


def _codes_before(work: Work) -> set[str]:
    return {name.removeprefix(PREFIX) for name in (work.previous.derived if work.previous else {}) if name.startswith(PREFIX)}


def _gone(work: Work, due: Due) -> Tree:
    """True for old cells that are made again, or whose point is no more."""
    conditions = [in_texts(col("point"), sorted(due.whole))]
    if due.months:
        bases = {"": [PRESENCE], **{name: [point.code for point in points] for name, points in by_base(work.packs).items()}}
        pairs = [(text(code), text(name)) for name, codes in bases.items() for code in codes]
        found = statement(
            "select p.code, t.organisation, t.origin from {t} t join {p} p on p.base = t.base",
            t=due.touched, p=literal_rows(("code", "base"), ("VARCHAR", "VARCHAR"), pairs),
        )  # fmt: skip
        conditions.append(statement("select (point, organisation, origin) in {f}", f=found).expressions[0])
    return disjunction(conditions)


def _write(work: Work, cells: Tree, low: int, high: int) -> None:
    """One part's file, sorted so that an answer reads little of it."""
    inside = conjunction([compared(col("origin"), ">=", integer(low)), compared(col("origin"), "<", integer(high))])
    query = statement(
        "select {c} from {x} x where {w} order by point, organisation, day, origin, value, person_id", c=[col(n) for n in POINT_CELL], x=cells, w=inside
    )
    path = work.table(TABLE).new_path(part_of(low), f"{work.number:08d}-{work.attempt}-{work.fresh('p')}")
    written = work.engine.copy(query, path, ordered=True, row_group=ROW_GROUP)
    work.step(f"wrote {TABLE}")
    work.change(TABLE).created.append(NewFile(written, part_of(low)))
