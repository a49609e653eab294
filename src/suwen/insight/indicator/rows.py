"""The rows that count: one pass over a base's table for all its points.

Trees only; what they are run on is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from suwen.engine.compile import Compiled
from suwen.engine.sql import (
    Tree,
    alias,
    boolean,
    case,
    coalesce,
    col,
    conjunction,
    disjunction,
    in_texts,
    is_null,
    negation,
    null,
    statement,
    text,
    tried,
    typed,
)
from suwen.insight.indicator.meaning import (
    DAY,
    BaseMeaning,
    Members,
    PointMeaning,
    meaning_of,
    meaning_of_breakdown,
    meaning_of_point,
)
from suwen.insight.indicator.relation import (
    GROUP,
    NO_GROUPS,
    ORGANISATION,
    ORIGIN,
    PERSON,
    ROW,
    Groups,
    Tables,
    beside,
    flat,
    grouped,
    measured,
    of_table,
    same,
    touching,
    with_someone,
)
from suwen.model.indicator import Base, Breakdown, Count, Point, Scope

VALUE = "DECIMAL(24,8)"
_LISTED: Members = {}


def point_rows(
    base: Base,
    points: Sequence[Point],
    source: Tree,
    tables: Tables,
    *,
    links: Tree | None = None,
    touched: Tree | None = None,
    members: Members = _LISTED,
    breakdowns: Sequence[Breakdown] = (),
    groups: Groups = NO_GROUPS,
) -> Tree:
    """The rows of a base that count for any of its points, each once.

    `source`: the stored rows of the base's table with `_organisation`; `tables`: those of any other table. `links`: (person_id, master_person_id), used
    where the base's persons are masters. `touched`: (organisation, origin) to which the answer is narrowed. `members`: of concept sets. `groups`: measures
    that need not be grouped any more.
    Gives organisation, day DATE, origin INTEGER (`month_of` the date by which the row is stored), row_id, person_id (the organisation's patient; null where
    the table has none), per point `n_<place>` BOOLEAN (it counts) and `v_<place>` DECIMAL(24,8) (its value; null where it does not count or has none),
    per breakdown `b_<place>` VARCHAR (a label, "" for none of them). A sum or median does not count a row without value.
    """
    meaning = meaning_of(base, members)
    counted = [meaning_of_point(point, meaning) for point in points]
    parted = [meaning_of_breakdown(breakdown) for breakdown in breakdowns]
    work = _Work(meaning, _used(meaning, counted), tables, links, groups)
    rows = work.chosen(work.measured(work.beside(work.own(source, touched))), touched)
    rows = grouped(rows, tables, frozenset().union(*(part.columns for part in parted)))
    return _answer(counted, rows, [_label(*pair) for pair in zip(breakdowns, parted, strict=True)])


def names_used(meaning: BaseMeaning, points: Iterable[Point]) -> frozenset[str]:
    """Every name that some points of a base need."""
    return _used(meaning, [meaning_of_point(point, meaning) for point in points])


def _used(meaning: BaseMeaning, points: Iterable[PointMeaning]) -> frozenset[str]:
    """Every name that the base, the points and the measures they need use."""
    parts = [meaning.day, *meaning.keep, *meaning.by, *([meaning.best] if meaning.best else [])]
    parts += [part for point in points for part in (point.keep, point.value) if part]
    used = frozenset().union(*(part.columns for part in parts))
    for name, each in reversed(list(meaning.each.items())):
        if any(one.startswith(f"{name}.") for one in used):
            used |= {column for column in each.columns if not each.is_own(column)} | ({own for own, _ in each.each.on} if not each.each.of_person else set())
    return used


@dataclass(frozen=True)
class _Work:
    """The steps from stored rows to chosen ones; each takes and gives a relation. `used`: the names of which columns are needed."""

    meaning: BaseMeaning
    used: frozenset[str]
    tables: Tables
    links: Tree | None
    groups: Groups

    @property
    def base(self) -> Base:
        return self.meaning.base

    def own(self, source: Tree, touched: Tree | None) -> Tree:
        """The base's own columns that are used, with what every row has; of the touched, with all that compete with them."""
        wanted = {name for name in self.used if "." not in name}
        wanted |= {own for one in self.base.beside if self._uses(one.alias) for own, _ in one.on}
        rows = of_table(self.base.table, sorted(wanted), source)
        if touched is None or not self.meaning.by:
            return rows if touched is None else touching(rows, touched)
        keys = [alias(flat(one), f"_by_{at}") for at, one in enumerate(self.meaning.by)]
        keyed = statement("select *, {keys} from {r} r", keys=keys, r=rows)
        alike = conjunction([same(f"_by_{at}", f"_by_{at}") for at in range(len(keys))])
        return statement("select l.* from {l} l semi join {r} r on {alike}", l=keyed, r=touching(keyed, touched), alike=alike)

    def _uses(self, name: str) -> bool:
        return any(one.startswith(f"{name}.") for one in self.used)

    def beside(self, rows: Tree) -> Tree:
        """With the columns of what is beside each row; rows that the conditions on these alone leave out are gone."""
        for one in self.base.beside:
            rows = beside(rows, one.alias, one.table, one.on, self.used, self.tables)
        return self._kept(rows, early=True)

    def _kept(self, rows: Tree, *, early: bool) -> Tree:
        """Rows for which the conditions hold that can be judged before anything is measured, or those that cannot."""
        keep = [flat(part) for part in self.meaning.keep if self._is_early(part) == early]
        return statement("select * from {r} r where {keep}", r=rows, keep=conjunction(keep)) if keep else rows

    def _is_early(self, part: Compiled) -> bool:
        return not any(name.split(".")[0] in self.base.each for name in part.columns if "." in name)

    def measured(self, rows: Tree) -> Tree:
        """With the measures of the other tables' rows that belong to each row."""
        needed = [one for name, one in self.meaning.each.items() if self._uses(name)]
        links = self.links if self.base.person is Scope.MASTER else None
        if any(one.each.of_person for one in needed):
            rows = with_someone(rows, PERSON, links)
        for one in needed:
            rows = measured(rows, one, self.used, self.tables, links, self.groups)
        return self._kept(rows, early=False)

    def chosen(self, rows: Tree, touched: Tree | None) -> Tree:
        """With the day, without rows that have none; of rows that compete the one that counts."""
        dated = statement("select * from (select *, {day} as {name} from {r} r) x where {name} is not null", day=flat(self.meaning.day), name=DAY, r=rows)
        if not self.meaning.by:
            return dated
        best = flat(self.meaning.best) if self.meaning.best else typed(null(), "BOOLEAN")
        once = statement(
            "select * from {r} r qualify row_number() over (partition by {by} order by {best} desc nulls last, {row}) = 1",
            by=[flat(one) for one in self.meaning.by], best=best, row=ROW, r=dated,
        )  # fmt: skip
        return touching(once, touched) if touched is not None else once


def _label(breakdown: Breakdown, group: Compiled) -> Tree:
    value = flat(group, GROUP)
    return case([(in_texts(value, list(breakdown.labels)), value)], text(""))


def _answer(points: Sequence[PointMeaning], rows: Tree, labels: Sequence[Tree]) -> Tree:
    """The columns that `point_rows` promises; rows that count for no point are left out."""
    known = {"organisation": ORGANISATION, "day": DAY, "origin": ORIGIN, "row_id": ROW, "person_id": PERSON}
    columns = [alias(col(name), shown) for shown, name in known.items()] + [alias(label, f"b_{at}") for at, label in enumerate(labels)]
    for at, point in enumerate(points):
        value = tried(flat(point.value), VALUE) if point.value else typed(null(), VALUE)
        keep = [flat(point.keep)] if point.keep else []
        if point.point.kind in (Count.SUM, Count.MEDIAN):
            keep.append(negation(is_null(value)))
        counts = coalesce(conjunction(keep), boolean(False))
        columns += [alias(counts, f"n_{at}"), alias(case([(counts, value)]) if point.value else value, f"v_{at}")]
    whole = statement("select {c} from {r} r", c=columns, r=rows)
    return statement("select * from {w} w where {any}", w=whole, any=disjunction([col(f"n_{at}") for at in range(len(points))]))
