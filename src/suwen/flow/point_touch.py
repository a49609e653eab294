"""Which cells of statistical points a run must make again: of each base, the organisations and origin months of rows whose part in it may have changed.

A row's part in a base can change with the row itself, with a row of a table beside it, with a row it is measured by, with the links of its person, and
with a row that competes with it. The origin is the month of the row's own date, so what is beside it moves no row to other cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from suwen.engine.months import month_of
from suwen.engine.sql import Tree, alias, col, compared, conjunction, integer, literal_rows, read_parquet, statement, text, union_all
from suwen.flow.concept_members import set_members
from suwen.flow.work import Work, standing
from suwen.insight.indicator.meaning import meaning_of
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import Base, Beside, Each, Scope
from suwen.repository.rows import lake_name, stored_columns

_NO_CELLS = "select '' as base, '' as organisation, 0::INTEGER as origin where false"


def touched_cells(work: Work, bases: Sequence[Base], visits: str) -> str:
    """The temporary table (base, organisation, origin) of the cells to be made again; those of all visits stand under the base "". `visits`: their table."""
    name = work.fresh("touched_cells")
    found = [*_own_cells(work, "", visits), *(part for base in bases for part in _of_base(work, base))]
    work.engine.temporary(
        name, statement("select distinct base, organisation, origin::INTEGER as origin from {all} x", all=union_all([statement(_NO_CELLS), *found]))
    )
    return name


def origin_of(table: str, alias_name: str = "") -> Tree:
    """The origin of a row of a table: the month of its date; 0 where it has none."""
    date = ALL_TABLES[table].date_column
    return month_of(col(date, alias_name)) if date else integer(0)


def no_rows(table: str) -> Tree:
    """A stored table without rows."""
    columns = stored_columns(ALL_TABLES[table])
    return literal_rows(list(columns), list(columns.values()), [])


def members_of(work: Work, base: Base) -> Mapping[str, Sequence[int]]:
    """The members of a base's concept sets by the run's vocabulary."""
    ancestors = str(work.vocabulary.path("concept_ancestor")) if work.vocabulary else ""
    return set_members(base, ancestors, work.engine.rows)


def _of_base(work: Work, base: Base) -> Iterator[Tree]:
    personal = any(each.of_person for each in base.each.values())
    linked = bool(work.relinked) and personal and base.person is Scope.MASTER
    if not linked and not any(lake_name(table) in work.changes for table in base.tables):
        return
    yield from _own_cells(work, base.name, base.table)
    rows = standing(work, lake_name(base.table))
    if rows is None:
        return
    ways: dict[tuple[str, ...], list[Tree]] = {}  # those that end in the same columns are gone at once: the base's rows are read but once for them
    for keys, own in _ways(work, base):
        ways.setdefault(own, []).append(keys)
    touched = [_named(rows, union_all(keys), own) for own, keys in ways.items()]
    yield from (_cells(base, found) for found in touched)
    if base.once is not None:
        changed = [found for found, _ in _changed(work, base.table)]
        by = [alias(one.tree, f"k_{place}") for place, one in enumerate(meaning_of(base, members_of(work, base)).by)]
        yield from (_rivals(base, by, rows, found) for found in [*touched, *changed])


def _own_cells(work: Work, name: str, table: str) -> Iterator[Tree]:
    """The cells of rows of a base's own table that came or went."""
    for rows, owner in _changed(work, table):
        yield statement(
            "select distinct {base} as base, w.{o} as organisation, {origin} as origin from {r} r join owned_receipts w on w.receipt = r._receipt",
            base=text(name), o=owner, origin=origin_of(table, "r"), r=rows,
        )  # fmt: skip


def _changed(work: Work, table: str) -> Iterator[tuple[Tree, str]]:
    """Rows of a table that the run created, and that it removed; each with the column of `owned_receipts` that says whose they are."""
    change = work.changes.get(lake_name(table))
    if change is None:
        return
    created = [str(n.written.path) for n in change.created if n.written.rows]
    if created:
        yield read_parquet(created), "organisation"
    for name in change.removed:
        yield statement("select * from {t}", t=name), "before"


def _cells(base: Base, rows: Tree) -> Tree:
    """The cells of standing rows of a base's table."""
    return statement(
        "select distinct {base} as base, w.organisation as organisation, {origin} as origin from {r} r join owned_receipts w on w.receipt = r._receipt",
        base=text(base.name), origin=origin_of(base.table, "r"), r=rows,
    )  # fmt: skip


def _named(rows: Tree, keys: Tree, own: Sequence[str]) -> Tree:
    """The rows whose columns `own` hold the values k_0, k_1, ... of some key."""
    same = conjunction([compared(col(f"k_{place}", "k"), "=", col(name, "b")) for place, name in enumerate(own)])
    return statement("select b.* from {b} b semi join {k} k on {same}", b=rows, k=keys, same=same)


def _rivals(base: Base, by: Sequence[Tree], rows: Tree, changed: Tree) -> Tree:
    """The cells of the rows that compete with changed ones. `by`: what says with which others a row competes, as k_0, k_1, ..."""
    keys = statement("select {k} from {c} c", k=by, c=changed)
    every = statement("select {id} as row_id, {k} from {r} r", id=ALL_TABLES[base.table].id_column or "", k=by, r=rows)
    same = conjunction([_alike(key.alias) for key in by])
    meeting = statement("select e.row_id from {e} e semi join {k} k on {same}", e=every, k=keys, same=same)
    id_column = ALL_TABLES[base.table].id_column or ""
    return _cells(base, statement("select b.* from {b} b semi join {m} m on m.row_id = b.{id}", b=rows, m=meeting, id=id_column))


def _alike(name: str) -> Tree:
    found: Tree = statement("select e.{n} is not distinct from k.{n}", n=name).expressions[0]
    return found


def _ways(work: Work, base: Base) -> Iterator[tuple[Tree, tuple[str, ...]]]:
    """For each way from the base to a changed table: the values of changed rows, and the base's columns that hold the same."""
    for beside in base.beside:
        for rows, _ in _changed(work, beside.table):
            yield _values(rows, [its for _, its in beside.on]), tuple(own for own, _ in beside.on)
    persons: list[Tree] = []
    for each in base.each.values():
        its = ["person_id"] if each.of_person else [its for _, its in each.on]
        found = list(_measured(work, each, its))
        if each.of_person:
            persons += found
        else:
            yield from ((keys, tuple(own for own, _ in each.on)) for keys in found)
    if base.person is Scope.MASTER and work.relinked and any(each.of_person for each in base.each.values()):
        persons.append(statement("select person_id as k_0 from relinked"))
    if persons:
        yield _everyone(work, base, union_all(persons)), ("person_id",)


def _measured(work: Work, each: Each, its: Sequence[str]) -> Iterator[Tree]:
    """The values `its` of a measured table's rows that changed, or beside which a row did; also as they were, where it is that which they are found by."""
    for rows, _ in _changed(work, each.table):
        yield _values(_with_beside(work, each, rows, its), its)
    known = standing(work, lake_name(each.table))
    for beside in each.beside:
        for changed, _ in _changed(work, beside.table) if known is not None else ():
            assert known is not None
            yield _values(_with_beside(work, each, known, its, beside, changed), its)


def _with_beside(work: Work, each: Each, rows: Tree, its: Sequence[str], beside: Beside | None = None, changed: Tree | None = None) -> Tree:
    """A measured table's rows with the columns `<alias>.<column>` of what is beside them, as `its` names them; beside `changed` rows where they are given."""
    found: Tree = rows
    for one in each.beside:
        wanted = [name.partition(".")[2] for name in its if name.partition(".")[0] == one.alias and "." in name]
        other: Tree | None = changed if one is beside else _ever(work, one.table) if wanted else None
        if other is None:
            continue
        same = conjunction([compared(col(theirs, "c"), "=", col(own, "r")) for own, theirs in one.on])
        columns = [alias(col(name, "c"), f"{one.alias}.{name}") for name in wanted]
        if columns:
            found = statement("select r.*, {n} from {r} r join {c} c on {same}", n=columns, r=found, c=other, same=same)
        else:
            found = statement("select r.* from {r} r semi join {c} c on {same}", r=found, c=other, same=same)
    return found


def _ever(work: Work, table: str) -> Tree:
    """A table's rows as they will be after the run, and those that the run removes; none of a table of which nothing ever came."""
    rows, change = standing(work, lake_name(table)), work.changes.get(lake_name(table))
    columns = [col(name) for name in ALL_TABLES[table].row_columns]
    parts = [rows if rows is not None else no_rows(table), *(change.removed if change else ())]
    return union_all([statement("select {c} from {r} r", c=columns, r=one) for one in parts])


def _values(rows: Tree, columns: Sequence[str]) -> Tree:
    return statement("select {c} from {r} r", c=[alias(col(name, "r"), f"k_{place}") for place, name in enumerate(columns)], r=rows)


def _everyone(work: Work, base: Base, persons: Tree) -> Tree:
    """Persons; where a person is the human, with all who are linked with one of them."""
    if base.person is not Scope.MASTER or not work.joined:
        return persons
    masters = statement("select coalesce(j.master, p.k_0) as k_0 from {p} p left join joined j on j.person_id = p.k_0", p=persons)
    linked = statement("select j.person_id as k_0 from joined j semi join {m} m on m.k_0 = j.master", m=masters)
    return union_all([masters, linked])
