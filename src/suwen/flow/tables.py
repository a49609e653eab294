"""Mapped rows into stored tables: rows with several sources merged, old rows compared, new files written part by part, cells kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from suwen.base.errors import Defect
from suwen.engine.delta import DataFile
from suwen.engine.months import month_of
from suwen.engine.sql import (
    Tree,
    alike,
    col,
    compared,
    conjunction,
    integer,
    negation,
    read_parquet,
    statement,
    text,
    union_all,
)
from suwen.flow.kind_relations import index, kind_receipts
from suwen.flow.lanes import TargetKey
from suwen.flow.rivals import Claim, refuse_rows
from suwen.flow.sources import parents, sources
from suwen.flow.targets import Made, map_target, mapped_rows
from suwen.flow.touched import Touched, tag_of, touched_records
from suwen.flow.work import Work, made_as, required_tables
from suwen.flow.written import OWNED, owned, write_rows
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import MONTH, cells, completed, identity, lake_name, merged, projected, stored_columns

_NO_IDS = "select 0::BIGINT as id where false"


@dataclass
class Group:
    """Targets of a batch of organisations that may make the same rows, as mapped in this run."""

    keys: list[TargetKey]
    made: list[Made]


def run_group(work: Work, keys: list[TargetKey], touched: dict[TargetKey, Touched]) -> list[Made]:
    """Map the touched targets of a group and bring their tables up to date."""
    shared = _is_shared(work, keys)
    if shared:
        touched = {k: _with_bereft(work, k, t) for k, t in touched.items()}
    active = [k for k in keys if _has_work(work, k, touched[k])]
    made = [map_target(work, k, touched[k]) for k in active]
    if not made:
        return []
    group = Group(keys, made)
    for table in dict.fromkeys(t for k in keys for t in work.plans[k].tables):
        _bring_up(work, group, table, shared)
    return made


def _is_shared(work: Work, keys: Sequence[TargetKey]) -> bool:
    """Whether several records may make one row: their target's key is not their own, or an organisation has several feeds with such records."""
    organisations = Counter(work.feed(feed).organisation for k in keys for feed in work.kinds[k.lane.number, k.kind].feeds)
    return any(not work.plans[k].own_key for k in keys) or max(organisations.values(), default=0) > 1


def _has_work(work: Work, key: TargetKey, touched: Touched) -> bool:
    """Whether a target has a record to look at: of a touched key, or a new one whose key cannot be read."""
    if touched is None or work.engine.count(touched):
        return True
    data = work.kinds[key.lane.number, key.kind]
    return bool(data.is_new or work.whole.get(touched)) and touched_records(work, data, touched).records > 0


def _with_bereft(work: Work, key: TargetKey, touched: Touched) -> Touched:
    """The touched keys, and those of records whose own required parent has gone though the row they take part in names the parent of its first source."""
    gone = {c: t for c, t in required_tables(work.plans[key].target).items() if t in work.live and work.engine.count(f"gone_{t}")}
    files = work.files("state/lineage")
    if touched is None or not gone or not files:
        return touched
    data, plan, keep = work.kinds[key.lane.number, key.kind], work.plans[key], work.fresh("keep")
    others = conjunction(
        [
            _renamed(tag_of(work, [key])),
            statement("select l.receipt in (select receipt from {k} k)", k=kind_receipts(work, data)).expressions[0],
            compared(col("ordinal", "l"), "<>", integer(0)),
        ]
    )
    work.engine.temporary(
        keep, statement("select distinct l.receipt, l.record from {l} l where {others}", l=read_parquet([f.path for f in files]), others=others)
    )
    if not work.engine.count(keep):
        return touched
    kept = statement("select receipt, record from {k}", k=keep)
    rows = mapped_rows(work, plan, sources(work, data, plan, kept, None), parents(work, key, plan, kept), key)
    bereft = [
        statement("select _receipt as receipt, _record as record from {m} m semi join {g} g on g.id = m.{c}", m=rows, g=f"gone_{t}", c=c)
        for c, t in gone.items()
    ]
    name = work.fresh("keys")
    keys = statement("select i.key from {i} i semi join {b} b on b.receipt = i.receipt and b.record = i.record", i=index(work, data), b=union_all(bereft))
    work.engine.temporary(name, statement("select key from {t} union select key from {keys} k", t=touched, keys=keys))
    work.whole[name] = work.whole.get(touched, frozenset())
    return name


def _bring_up(work: Work, group: Group, table: str, shared: bool) -> None:
    name = lake_name(table)
    old_files = work.files(name)
    if not any(m.counts.get(table) for m in group.made) and not (old_files and any(m.had_rows for m in group.made)):
        return
    old_ids = _touched_rows(work, group, table, old_files)
    if not old_ids and not any(m.counts.get(table) for m in group.made):
        return
    rows = [projected(m.plan, m.rows, table, work.tag(m.key), work.number) for m in group.made if table in m.plan.tables]
    if shared and old_files:
        old_ids = old_ids or work.empty("ids", _NO_IDS)
        rows += _other_sources(work, group, table, old_ids, rows, old_files)
    new: Tree | str = union_all(rows)
    if old_ids and (shared or _lost_a_source(work, group)):  # it may tell of it still
        work.retold.append((table, old_ids))
    if shared:
        new = _merge(work, group, table, union_all(rows))
    if not all(m.plan.target.event for m in group.made):
        new = completed(new, ALL_TABLES[table])
    if not old_files:
        write_rows(work, table, new)
        return
    _compare(work, group, table, new, old_ids or "", old_files, shared)


def _lost_a_source(work: Work, group: Group) -> bool:
    made = made_as(work.plans[group.keys[0]])
    return any((work.feed(feed).organisation, made) in work.stale_groups for key in group.keys for feed in key.lane.feeds)


def _touched_rows(work: Work, group: Group, table: str, files: Sequence[DataFile]) -> str | None:
    """Ids of stored rows that a touched record made or took part in, as a temporary table; None where there are none."""
    parts = [part for made in group.made if files and made.had_rows for part in _ids_of(work, made, table, files)]
    if not parts:
        return None
    name = work.fresh("touched_ids")
    work.engine.temporary(name, statement("select distinct id from {all} x", all=union_all(parts)))
    return name if work.engine.count(name) else None


def _ids_of(work: Work, made: Made, table: str, files: Sequence[DataFile]) -> Iterator[Tree]:
    """Queries of the ids of rows whose first source a touched record of a target is, and of those in which it takes part.

    Rows of the organisation that a feed has left are of others now.
    """
    stayed, tags = [part.feed for part in work.parts(made.key) if not work.moved(part)], tag_of(work, [made.key])
    held = made.held_before(work)
    paths = [f.path for f in files if held is None or f.may_hold(held)]
    if paths:
        own = conjunction([tags, made.touches(work, "r", "_receipt", "_record", stayed)])
        yield statement("select {id} as id from {r} r where {own}", id=_id(table), r=read_parquet(paths), own=own)
    if lineage := work.files("state/lineage"):
        theirs = conjunction([_renamed(tags), made.touches(work, "l", "receipt", "record", stayed), compared(col("table_name", "l"), "=", text(table))])
        yield statement("select l.id from {l} l where {theirs}", l=read_parquet([f.path for f in lineage]), theirs=theirs)


def _renamed(tree: Tree) -> Tree:
    """A condition on `_template` read from lineage, whose column is `template`."""
    copy = tree.copy()
    for column in list(copy.find_all(type(col("x")))):
        column.replace(col("template", "l"))
    return copy


def _other_sources(work: Work, group: Group, table: str, old_ids: str, rows: Sequence[Tree], files: Sequence[DataFile]) -> list[Tree]:
    """Rows of untouched records that take part in a touched row: they are mapped again, for merging only."""
    ids = work.fresh("shared_ids")
    work.engine.temporary(ids, statement("select id from {o} union select _id from {n} x", o=old_ids, n=union_all(list(rows))))
    lineage = work.files("state/lineage")
    found: list[Tree] = []
    for key in group.keys:
        data, plan = work.kinds[key.lane.number, key.kind], work.plans[key]
        if table not in plan.tables:
            continue
        tags = tag_of(work, [key])
        places = [
            statement(
                "select _receipt as receipt, _record as record from {r} r semi join {ids} i on i.id = r.{id} where {tags} and {own}",
                r=read_parquet([f.path for f in files]),
                ids=ids,
                id=_id(table),
                tags=tags,
                own=work.come_by(data.feeds, "_receipt", "r"),
            )
        ]
        if lineage:
            places.append(
                statement(
                    "select l.receipt, l.record from {l} l semi join {ids} i on i.id = l.id where l.table_name = {t} and {tags} and {own}",
                    l=read_parquet([f.path for f in lineage]), ids=ids, t=text(table), tags=_renamed(tags), own=work.come_by(data.feeds, "receipt", "l"),
                )
            )  # fmt: skip
        made = next((m for m in group.made if m.key == key), None)
        if made is not None and made.touched is None:
            continue
        keep = statement("select distinct receipt, record from {p} p", p=union_all(places))
        if made is not None:
            touched = statement("select receipt, record from {r} r", r=made.records.name if made.records else "")
            keep = statement("select p.* from {p} p anti join {t} t on t.receipt = p.receipt and t.record = p.record", p=keep, t=touched)
        found.append(_again(work, key, table, keep, ids))
    return found


def _again(work: Work, key: TargetKey, table: str, keep: Tree, ids: str) -> Tree:
    data, plan = work.kinds[key.lane.number, key.kind], work.plans[key]
    joined = parents(work, key, plan, keep)
    rows = mapped_rows(work, plan, sources(work, data, plan, keep, None), joined, key)
    return statement("select x.* from {p} x semi join {ids} i on i.id = x._id", p=projected(plan, rows, table, work.tag(key), work.number), ids=ids)


def _merge(work: Work, group: Group, table: str, rows: Tree) -> str:
    """The rows with every id once; the sources of merged ones go to lineage. Stops the run where different keys meet in an id."""
    every = work.fresh("every")
    work.engine.temporary(every, rows)
    twice = work.fresh("twice")
    work.engine.temporary(twice, statement("select _id from {e} group by _id having count(*) > 1", e=every))
    if not work.engine.count(twice):
        return every
    several = statement("select e.* from {e} e semi join {t} t on t._id = e._id", e=every, t=twice)
    _refuse_other_keys(work, group, table, several)
    kinds = {work.kinds[k.lane.number, k.kind].place: work.kinds[k.lane.number, k.kind] for k in group.keys}
    records = statement(
        "select i.receipt, i.record, i.version, i.key, r.as_of, r.feed from {i} i join receipts r on r.receipt = i.receipt",
        i=union_all([index(work, data) for _, data in sorted(kinds.items())]),
    )
    one = work.fresh("merged")
    work.engine.temporary(one, merged(several, ALL_TABLES[table], records))
    _keep_lineage(work, table, several, one)
    result = work.fresh("rows_once")
    names = [*stored_columns(ALL_TABLES[table]), "_id", "_check", MONTH, "_priority"]
    columns = [col(n) for n in names]
    work.engine.temporary(
        result,
        statement("select {c} from {e} e anti join {t} t on t._id = e._id union all select {c} from {m} m", c=columns, e=every, t=twice, m=one),
    )
    work.engine.drop(every)
    return result


def _refuse_other_keys(work: Work, group: Group, table: str, several: Tree) -> None:
    """Rows to be merged were made from one key."""
    place = statement("select struct_pack(receipt := _receipt, record := _record, tag := _template)").expressions[0]
    found = work.engine.rows(
        statement(
            "select _id, arg_min({place}, _check), arg_max({place}, _check) from {s} s group by _id having min(_check) <> max(_check) order by 1 limit 1",
            place=place,
            s=several,
        )
    )
    for row_id, *claims in found:
        refuse_rows(work, table, row_id, [Claim(**claim) for claim in claims])


def _keep_lineage(work: Work, table: str, several: Tree, merged_rows: str) -> None:
    name = work.fresh("lineage")
    work.engine.temporary(
        name,
        statement(
            """select {t} as table_name, s._id as id, s._receipt as receipt, s._record as record, s._template as template,
            (case when s._receipt = m._receipt and s._record = m._record and s._template = m._template then 0 else 1 end)::INTEGER as ordinal
            from (select distinct _id, _receipt, _record, _template from {s} x) s join {m} m on m._id = s._id""",
            t=text(table),
            s=several,
            m=merged_rows,
        ),
    )
    work.lineage.append(name)


def _id(table: str) -> str:
    identifier = ALL_TABLES[table].id_column
    if identifier is None:
        raise Defect(f"{table} has no id column")
    return identifier


def _compare(work: Work, group: Group, table: str, new: Tree | str, old_ids: str, files: Sequence[DataFile], shared: bool) -> None:
    """Write what is new or changed and mark what is gone; rows that are equal stay where they are."""
    shape = ALL_TABLES[table]
    wanted = union_all([statement("select _id as id from {n} n", n=new), *([statement("select id from {o}", o=old_ids)] if old_ids else [])])
    met = work.fresh("met")
    work.engine.temporary(
        met,
        statement(
            """select {id} as id, r.filename from {r} r semi join {w} w on w.id = {id}
            anti join {out} b on b._id = {id} and b.filename = r.filename""",  # a row that was taken out for another reason stands no more
            id=col(_id(table), "r"),
            out=work.removed_ids(lake_name(table)),
            r=read_parquet([f.path for f in files], filename=True),
            w=wanted,
        ),
    )
    paths = work.engine.rows(statement("select distinct filename from {m} m order by 1", m=met))
    if not paths:  # nothing of it stood before
        write_rows(work, table, new)
        return
    rows, old = work.fresh("new_rows"), work.fresh("old_rows")
    work.engine.temporary(rows, statement("select n.* from {n} n", n=new))
    month = month_of(col(shape.date_column)) if shape.date_column else integer(0)
    standing = statement(
        "select r.*, {id} as _id, {month} as {name} from {r} r semi join {m} m on m.id = r.{id_name}",
        id=col(_id(table), "r"),
        id_name=_id(table),
        month=month,
        name=MONTH,
        r=read_parquet([path for (path,) in paths], filename=True),
        m=met,
    )
    work.engine.temporary(old, standing)
    _refuse_foreign(work, group, table, old, rows, old_ids or work.empty("ids", _NO_IDS), shared)  # of new records alone, an id that stands is another key's
    gone, same = work.fresh("removed"), conjunction([alike(column, "o", "n") for column in identity(shape)])
    work.engine.temporary(gone, statement("select o.* from {o} o anti join {n} n on {same}", o=old, n=rows, same=same))
    removed = work.engine.count(gone)
    change = work.change(lake_name(table))
    if removed:
        with work.guard:
            change.removed.append(gone)
            change.removed_rows += removed
        work.add_cells(table, cells(owned(gone, before=True), shape, OWNED, -1))
    created = work.fresh("created")
    work.engine.temporary(created, statement("select n.* from {n} n anti join {o} o on {same}", n=rows, o=old, same=same))
    write_rows(work, table, created)
    work.engine.drop(rows, old)


def _refuse_foreign(work: Work, group: Group, table: str, old: str, new: str, old_ids: str, shared: bool) -> None:
    """A new id that a row of another key already has is a collision; where a group shares rows, its own were compared when they were merged."""
    mine = tag_of(work, group.keys)
    feeds = {feed for k in group.keys for feed in k.lane.feeds}
    foreign = negation(conjunction([mine, work.come_by(feeds, "_receipt")])) if shared else conjunction([])
    found = work.engine.rows(
        statement(
            "select o._id, o._receipt, o._record, o._template, n._receipt, n._record, n._template from (select * from {o} x where {foreign}) o "
            "join {n} n on n._id = o._id where o._id not in (select id from {ids} i) order by all limit 1",
            o=old,
            foreign=foreign,
            n=new,
            ids=old_ids,
        )
    )
    for row_id, *places in found:
        refuse_rows(work, table, row_id, [Claim(*places[:3]), Claim(*places[3:])])
