"""The extension tables a run keeps up itself: the organisation tree as of the release, and who is whose master person."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.base.errors import Defect
from suwen.engine.delta import NewFile
from suwen.engine.sql import Tree, alias, col, null, read_parquet, statement, text, typed, union_all
from suwen.flow.work import Work
from suwen.flow.written import write_rows
from suwen.model.extension import ALL_TABLES
from suwen.model.region import Organisation
from suwen.repository.rows import MONTH, cells, stored_columns

OWN = "own"
LINK, TREE = "ext/ext_person_link", "ext/ext_organisation"


def keep_links(work: Work) -> None:
    """Every person is its own master until persons are linked: rows for those who came, none for those who went."""
    if "person" not in work.live:
        return
    made = work.fresh("links")
    stored = work.files(LINK)
    known = (
        statement("select person_id as id from {f} f", f=read_parquet([f.path for f in stored])) if stored else statement("select 0::BIGINT as id where false")
    )
    work.engine.temporary(made, statement("select l.id, {r}::BIGINT as since from live_person l anti join {k} k on k.id = l.id", r=work.number, k=known))
    if stored:
        _drop_links(work, [f.path for f in stored])
    if not work.engine.count(made):
        return
    rows = statement(
        """select m.id as person_id, m.id as master_person_id, m.since as since_release, {own} as method, null::VARCHAR as reason,
        0::BIGINT as _receipt, 0::BIGINT as _record, {tag} as _template, {run}::BIGINT as _run, m.id as _id, 0 as _check,
            0::INTEGER as {month}, 0 as _priority from {m} m""",
        own=text(OWN), tag=text("derived:ext_person_link"), run=work.number, month=MONTH, m=made,
    )  # fmt: skip
    write_rows(work, "ext_person_link", rows, "")


def _drop_links(work: Work, stored: list[str]) -> None:
    gone = work.fresh("removed")
    work.engine.temporary(
        gone,
        statement(
            "select f.*, f.person_id as _id, 0::INTEGER as {m} from {f} f anti join live_person l on l.id = f.person_id",
            m=MONTH,
            f=read_parquet(stored, filename=True),
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
    columns = stored_columns(shape)
    nothing = statement("select {c} where false", c=[alias(typed(null(), t), n) for n, t in columns.items()])
    rows = union_all([nothing, *(_row(work, columns, one) for one in work.region.history)])
    new = work.fresh("tree")
    work.engine.temporary(new, rows)
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


def _row(work: Work, columns: Mapping[str, str], one: Organisation) -> Tree:
    """One row of organisations.csv as a row of ext_organisation."""
    renamed = {"division_code": "division"}
    values: dict[str, object] = {n: getattr(one, renamed.get(n, n)) for n in columns if not n.startswith("_")}
    values |= {"_receipt": 0, "_record": 0, "_template": "derived:ext_organisation", "_run": work.number}
    return statement("select {c}", c=[alias(typed(null() if values[n] in (None, "") else text(str(values[n])), t), n) for n, t in columns.items()])
