"""The extension tables a run keeps up itself: the organisation tree as of the release, and who is whose master person."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from suwen.base.errors import Defect
from suwen.engine.delta import NewFile
from suwen.engine.sql import Tree, alias, col, read_parquet, statement, text, typed, union_all
from suwen.flow.work import Work, standing
from suwen.flow.written import write_rows
from suwen.model.extension import ALL_TABLES
from suwen.model.region import Organisation
from suwen.repository.identifiers import IDENTIFIERS, masters, resident_ids
from suwen.repository.rows import MONTH, cells, stored_columns

LINK, TREE, IDENTIFIER = "ext/ext_person_link", "ext/ext_organisation", f"ext/{IDENTIFIERS}"
_NO_NUMBERS = "select 0::BIGINT as person_id, null::VARCHAR as value, false as agrees where false"


def keep_links(work: Work) -> None:
    """Every person has a link to its master: the smallest of the persons with the same agreeing resident id, else itself. Only changed rows are written."""
    if "person" not in work.live:
        return
    stored = [f.path for f in work.files(LINK)]
    weighed = _weighed(work, stored)
    links = work.fresh("links")
    work.engine.temporary(links, _links(work, weighed, stored))
    if stored:
        _drop_links(work, links, stored)
    rows = statement(
        """select l.person_id, l.master as master_person_id, l.since as since_release, l.method, l.reason,
        0::BIGINT as _receipt, 0::BIGINT as _record, {tag} as _template, {run}::BIGINT as _run, l.person_id as _id, 0 as _check,
            0::INTEGER as {month}, 0 as _priority from {l} l""",
        tag=text("derived:ext_person_link"), run=work.number, month=MONTH, l=links,
    )  # fmt: skip
    if work.engine.count(links):
        write_rows(work, "ext_person_link", rows, "")


def _weighed(work: Work, stored: list[str]) -> str:
    """The temporary table (person_id, value, agrees, told) of all persons whose link may have changed; without a resident id a row without value.

    These are the touched, and those of whom a number of a touched one agrees: each agreeing number here has all its patients. One whom such a number merely
    names is left out, since the patients of its own agreeing number would be missing beside it.
    """
    come = statement("select id from {p}", p="appeared_person" if stored else "live_person")
    known = standing(work, IDENTIFIER)
    name = work.fresh("weighed")
    if known is None and not _changed(work):
        work.engine.temporary(name, statement("select id as person_id, null::VARCHAR as value, false as agrees, false as told from {c} c", c=come))
        return name
    numbers = work.fresh("numbers")
    work.engine.temporary(numbers, resident_ids(known) if known is not None else statement(_NO_NUMBERS))
    touched = work.fresh("touched")
    changes = union_all([statement(_NO_NUMBERS), *_changed(work)])
    work.engine.temporary(
        touched, statement("select distinct person_id from (select id as person_id from {c} c union all select person_id from {x} x) y", c=come, x=changes)
    )
    values = statement(
        "select value from {x} x where value is not null union select n.value from {n} n semi join {t} t on t.person_id = n.person_id",
        x=changes,
        n=numbers,
        t=touched,
    )
    work.engine.temporary(
        name,
        statement(
            """with v as (select value from {values} q where value is not null),
            p as (select person_id from {t} t union select n.person_id from {n} n semi join v on v.value = n.value where n.agrees)
            select l.id as person_id, n.value, coalesce(n.agrees, false) as agrees, n.person_id is not null as told
            from p join live_person l on l.id = p.person_id left join {n} n on n.person_id = p.person_id""",
            values=values, t=touched, n=numbers,
        ),
    )  # fmt: skip
    return name


def _changed(work: Work) -> list[Tree]:
    """Queries of the resident ids that this run wrote and took out."""
    change = work.changes.get(IDENTIFIER)
    if change is None:
        return []
    created = [str(n.written.path) for n in change.created if n.written.rows]
    parts: list[Tree] = [resident_ids(read_parquet(created))] if created else []
    return [*parts, *(resident_ids(statement("select * from {t}", t=t)) for t in change.removed)]


def _links(work: Work, weighed: str, stored: list[str]) -> Tree:
    """(person_id, master, method, reason, since) of the weighed persons whose link is not stored like that; a link holds since it last changed."""
    found = masters(weighed)
    if not stored:
        return statement("select m.*, {r}::BIGINT as since from {m} m", r=work.number, m=found)
    return statement(
        """select m.*, case when f.master_person_id = m.master and f.method = m.method then f.since_release else {r}::BIGINT end as since
        from {m} m left join {f} f on f.person_id = m.person_id
        where f.person_id is null or f.master_person_id <> m.master or f.method <> m.method or f.reason is distinct from m.reason""",
        r=work.number, m=found, f=read_parquet(stored),
    )  # fmt: skip


def _drop_links(work: Work, links: str, stored: list[str]) -> None:
    """Take out the links of persons who went, and those that are written anew."""
    gone = work.fresh("removed")
    work.engine.temporary(
        gone,
        statement(
            """select f.*, f.person_id as _id, 0::INTEGER as {m} from {f} f
            where f.person_id not in (select id from live_person) or f.person_id in (select person_id from {l} l)""",
            m=MONTH,
            f=read_parquet(stored, filename=True),
            l=links,
        ),
    )
    count = work.engine.count(gone)
    if count:
        change = work.change(LINK)
        change.removed.append(gone)
        change.removed_rows += count
        work.add_cells("ext_person_link", cells(gone, ALL_TABLES["ext_person_link"], text(""), -1))


def keep_tree(work: Work) -> None:
    """ext_organisation holds the rows of organisations.csv; it is written again when they differ."""
    shape = ALL_TABLES["ext_organisation"]
    new = _as_declared(work, stored_columns(shape))
    stored = work.files(TREE)
    names = [col(c.name) for c in shape.columns]
    if stored:
        old = read_parquet([f.path for f in stored])
        differ = statement(
            "select count(*) from ((select {c} from {o} o except all select {c} "
            "from {n} n) union all (select {c} from {n} n except all select {c} from {o} o)) x",
            c=names,
            o=old,
            n=new,
        )
        if not work.engine.one(differ):
            return
        work.taken_out[TREE] = list(stored)
        work.add_cells("ext_organisation", cells(statement("select *, 0::INTEGER as {m} from {o} o", m=MONTH, o=old), shape, text(""), -1))
        work.change(TREE).removed_rows += sum(f.rows for f in stored)
    count = work.engine.count(new)
    if not count:
        return
    written = work.engine.copy(statement("select * from {n}", n=new), work.table(TREE).new_path("000000", f"{work.number:08d}-{work.attempt}"))
    work.step(f"wrote {TREE}")
    if written.rows != count:
        raise Defect(f"{TREE}: {written.rows} rows written where {count} were counted")
    change = work.change(TREE)
    change.created.append(NewFile(written, "000000"))
    change.created_rows += count
    work.add_cells("ext_organisation", cells(statement("select *, 0::INTEGER as {m} from {n}", m=MONTH, n=new), shape, text(""), 1))


def _as_declared(work: Work, columns: Mapping[str, str]) -> str:
    """The temporary table of organisations.csv as rows of ext_organisation; handed over as texts, since a region may have thousands."""
    said = [_row(work, columns, one) for one in work.region.history]
    given, new = work.fresh("tree_in"), work.fresh("tree")
    work.engine.register(given, pa.table({name: pa.array([row[name] for row in said], pa.string()) for name in columns}))
    try:
        work.engine.temporary(new, statement("select {c} from {g} g", c=[alias(typed(col(n), t), n) for n, t in columns.items()], g=given))
    finally:
        work.engine.unregister(given)
    return new


def _row(work: Work, columns: Mapping[str, str], one: Organisation) -> Mapping[str, str | None]:
    """One row of organisations.csv as a row of ext_organisation, in texts."""
    renamed = {"division_code": "division"}
    values: dict[str, object] = {n: getattr(one, renamed.get(n, n)) for n in columns if not n.startswith("_")}
    values |= {"_receipt": 0, "_record": 0, "_template": "derived:ext_organisation", "_run": work.number}
    return {n: None if value in (None, "") else str(value) for n, value in values.items()}
