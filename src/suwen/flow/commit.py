"""The end of a run: files that lose rows rewritten, derived tables made, every table committed once, both balances checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from suwen.base.errors import Defect
from suwen.engine.delta import DataFile, NewFile
from suwen.engine.hash import row_hashes
from suwen.engine.keys import repeated
from suwen.engine.port import Written
from suwen.engine.sql import Tree, alias, col, disjunction, in_texts, integer, negation, read_parquet, statement, text, typed, union_all
from suwen.flow.eras import condition_eras, drug_eras
from suwen.flow.linked import keep_links, keep_tree
from suwen.flow.masters import settle_masters
from suwen.flow.merging import merge_small
from suwen.flow.periods import observation_periods
from suwen.flow.person_findings import note_resident_ids
from suwen.flow.rivals import Claim, refuse_rows
from suwen.flow.source_maps import source_maps
from suwen.flow.upkeep.grouping import LARGE, filled
from suwen.flow.work import Work, of_table, standing
from suwen.flow.written import written_cells
from suwen.model import state as states
from suwen.model.extension import ALL_TABLES
from suwen.model.release import TableState
from suwen.repository.identifiers import CODES
from suwen.repository.rows import stored_columns

CELL = "state/cell"
_COUNTS, _COUNTED = (*CODES, "PID-004", "REF-002", "MAP-022"), "counts"  # findings of which each run may tell another number; their part
_MODULUS = 2**64
_EARLIEST = 12 * 2000  # the first month whose cells lie by year
_UNDIVIDED = "000000"  # the part of an earlier Suwen


def commit_all(work: Work) -> tuple[dict[str, TableState], str]:
    """Commit every changed table; gives the state of all tables in the release and the hash of the cells."""
    _tell_dangling(work)
    _append_books(work)
    fingerprints, cells_sha = _cells(work)
    before = dict(work.previous.tables) if work.previous else {}
    result = {n: replace(s, created=0, removed=0) for n, s in before.items()}
    changed = sorted(work.changes)
    taken_out = dict(zip(changed, work.each([partial(_rewrite, name=name) for name in changed]), strict=True))
    for name in sorted(work.changes, key=lambda n: (_borrows(n), n)):  # a death has its person's id: a collision is told where it arose
        _refuse_repeated_ids(work, name)
    merged = merge_small(work, taken_out)
    for name, gone in taken_out.items():
        change, beside = work.changes[name], merged.get(name, [])
        add = [*(n for n in change.created if n.written.rows), *(new for _, new in beside)]
        files = [*gone, *(file for group, _ in beside for file in group.files)]
        if not add and not files:
            continue
        table = work.table(name)
        if not table.exists:
            table.open()
            work.step(f"made {name}")
        version = table.commit(work.bases.get(name, -1), add, files, application=f"suwen/{work.number}/{work.attempt}/{name}")
        work.step(f"committed {name}")
        rows = sum(f.rows for f in table.files(version))
        _balance(work, name, rows)
        result[name] = TableState(version, rows, "", change.created_rows, change.removed_rows)
    return {n: replace(s, fingerprint=fingerprints.get(n, "")) for n, s in result.items()}, cells_sha


def _balance(work: Work, name: str, after: int) -> None:
    """Second balance: rows before + created - removed = rows after."""
    if name.startswith("state/"):
        return
    before = work.previous.tables[name].rows if work.previous and name in work.previous.tables else 0
    change = work.changes[name]
    if before + change.created_rows - change.removed_rows != after:
        raise Defect(f"RUN-002: {name} does not balance: {before} rows + {change.created_rows} created - {change.removed_rows} removed is not {after}")


def _rewrite(work: Work, name: str) -> list[DataFile]:
    """Write again, without the removed rows, the files that lose some, small ones of a part as one; gives the files the commit takes out."""
    change, files = work.changes[name], {f.path: f for f in work.files(name)}
    out = list(work.taken_out.get(name, []))
    if not change.removed:
        return out
    gone = work.fresh("gone")
    work.engine.temporary(gone, work.removed_ids(name))
    lost = dict(work.engine.rows(statement("select filename, count(*) from {g} g group by filename order by 1", g=gone)))
    losing = [files[path] for path in lost]
    for part, together in _together([file for file in losing if lost[file.path] < file.rows]):
        written = _without(work, name, part, together, gone, sum(lost[file.path] for file in together))
        change.created.append(NewFile(written, part))
        change.rewritten_rows += written.rows
    return [*out, *losing]


def _together(files: Sequence[DataFile]) -> Iterator[tuple[str, Sequence[DataFile]]]:
    """(part, files that are written again as one): large ones each by itself, so that it stays in its place among the others."""
    parts: dict[str, list[DataFile]] = {}
    for file in files:
        if file.bytes < LARGE:
            parts.setdefault(file.part, []).append(file)
        else:
            yield file.part, [file]
    for part, small in parts.items():
        yield from ((part, some) for some in filled(small))


def _without(work: Work, name: str, part: str, files: Sequence[DataFile], gone: str, count: int) -> Written:
    """Files of a part written again as one, without those of their rows, `count`, that are gone."""
    shape, paths = ALL_TABLES[name.split("/")[1]], [file.path for file in files]
    query = statement(
        "select {c} from {f} f anti join (select _id, filename from {g} g where {mine}) x on x._id = f.{id} and x.filename = f.filename",
        c=[alias(col(c, "f"), c) for c in stored_columns(shape)],
        f=read_parquet(paths, filename=True),
        g=gone,
        mine=in_texts(col("filename", "g"), paths),
        id=shape.id_column or "",
    )
    written = work.engine.copy(query, work.table(name).new_path(part, f"{work.number:08d}-{work.attempt}-{work.fresh('k')}"))
    work.step(f"rewrote {name}")
    before = sum(file.rows for file in files)
    if written.rows != before - count:
        raise Defect(f"{name}: {len(files)} files of {before} rows lost {count} and kept {written.rows}")
    return written


def _borrows(name: str) -> bool:
    table = name.split("/")[1]
    return table in ALL_TABLES and ALL_TABLES[table].borrowed_id is not None


def _refuse_repeated_ids(work: Work, name: str) -> None:
    """Each id once among the rows written in this run; ids that stood before were compared when the rows were made."""
    group, table = name.split("/")
    created = [str(n.written.path) for n in work.changes[name].created if n.written.rows]
    identifier = ALL_TABLES[table].id_column if group != "state" else None
    if identifier is None or not created:
        return
    twice = repeated(created, identifier)["key"]
    if len(twice):
        row_id = twice[0].as_py()
        claims = work.engine.rows(
            statement(
                "select _receipt, _record, _template from {f} f where {id} = {value} order by 1, 2, 3 limit 2",
                f=read_parquet(created),
                id=identifier,
                value=integer(row_id),
            )
        )
        refuse_rows(work, table, row_id, [Claim(*claim) for claim in claims])


def _tell_dangling(work: Work) -> None:
    """REF-002: how many optional references of each column name a row that is not there, told again where the number changed."""
    before = work.previous.dangling if work.previous else {}
    changed = [place for place in sorted({*before, *work.dangling}) if before.get(place, 0) != work.dangling.get(place, 0)]
    if changed and before:
        work.untold.append(statement("select code = 'REF-002' and {own}", own=in_texts(col("column_name"), changed)).expressions[0])
    rows = [
        statement(
            "select {run}::BIGINT as run, 'REF-002' as code, '' as feed, '' as kind, '' as target, "
            "{place} as column_name, 0::BIGINT as receipt, {n}::BIGINT as records, '[]' as examples",
            run=work.number,
            place=text(place),
            n=work.dangling[place],
        )
        for place in changed
        if place in work.dangling
    ]
    if rows:
        name = work.fresh("finding")
        work.engine.temporary(name, union_all(rows))
        work.findings.append(name)


def _append_books(work: Work) -> None:
    """Write the run's ledger, findings and lineage."""
    part = f"{work.number // 100:06d}00"
    if work.moves:
        _new_file(work, "state/ledger", part, work.moves)
    _findings(work, part)
    _lineage(work)


def _findings(work: Work, part: str) -> None:
    """The run's findings; stored ones that are told anew go, with the files they stand in written again.

    Counts that a run tells in place of the last one's lie in a part of their own, else every run would write again what stands beside them.
    """
    name = "state/finding"
    told = [statement("select * from {t}", t=t) for t in work.findings]
    files = {f.path: f for f in work.files(name)} if work.untold else {}
    if files:
        stored, untold = read_parquet(list(files), filename=True), disjunction(work.untold)
        hit = [path for (path,) in work.engine.rows(statement("select distinct filename from {s} s where {u}", s=stored, u=untold))]
        if hit:
            work.taken_out[name] = [files[path] for path in hit]
            told.append(statement("select * from {s} s where not {u}", s=read_parquet(hit), u=disjunction(work.untold)))
    if told:
        work.change(name)
        counts = in_texts(col("code"), _COUNTS)
        for where, apart in ((part, negation(counts)), (_COUNTED, counts)):
            _new_file(work, name, where, [statement("select * from {f} f where {w}", f=union_all([one.copy() for one in told]), w=apart)])


def _new_file(work: Work, name: str, part: str, queries: list[Tree]) -> None:
    columns = [alias(typed(col(c), t), c) for c, t in states.TABLES[name].items()]
    query = statement("select {c} from {q} q", c=columns, q=union_all(queries))
    written = work.engine.copy(query, work.table(name).new_path(part, f"{work.number:08d}-{work.attempt}"))
    work.step(f"wrote {name}")
    work.change(name).created.append(NewFile(written, part))


def _lineage(work: Work) -> None:
    """Lineage of merged rows: that of ids whose rows were made, removed or merged again now is replaced."""
    name = "state/lineage"
    files = work.files(name)
    touched = [
        statement("select {t} as table_name, _id as id from {r} r", t=text(n.split("/")[1]), r=work.removed_ids(n))
        for n, c in work.changes.items()
        if c.removed
    ]
    touched += [statement("select {t} as table_name, id from {ids} i", t=text(table), ids=ids) for table, ids in work.retold]
    made = [statement("select * from {t}", t=t) for t in work.lineage]
    if not made and not (files and touched):
        return
    if not files:
        _new_file(work, name, "000000", made)
        return
    replaced = union_all([*touched, *(statement("select table_name, id from {t}", t=t) for t in work.lineage)])
    kept = statement(
        "select l.* from {l} l anti join {r} r on r.table_name = l.table_name and r.id = l.id", l=read_parquet([f.path for f in files]), r=replaced
    )
    if not made and work.engine.one(statement("select count(*) from {k} k", k=kept)) == sum(f.rows for f in files):
        return
    work.taken_out[name] = list(files)
    _new_file(work, name, "000000", [kept, *made])


def _cells(work: Work) -> tuple[Mapping[str, str], str]:
    """Add the run's cells to the last release's; gives each table's fingerprint and the hash of all cells."""
    files = work.files(CELL)
    added = _added_cells(work)
    if not added and not files:
        return {}, ""
    stay = list(files)
    if added:
        come = work.fresh("cells")
        work.engine.temporary(come, statement("select table_name, organisation, month::INTEGER as month, records, total from {a} a", a=union_all(added)))
        stay = _cells_by_year(work, come)
    created = [str(n.written.path) for n in work.change(CELL).created if n.written.rows] if added else []
    paths = [*(file.path for file in stay), *created]
    if not paths:
        return {}, hashlib.sha256(b"").hexdigest()
    stored = read_parquet(paths)
    sums = work.engine.rows(statement("select table_name, sum(total::HUGEINT)::HUGEINT::VARCHAR from {f} f group by 1 order by 1", f=stored))
    group = {t: "ext" if ALL_TABLES[t].group == "extension" else "cdr" for t, _ in sums}
    hashed = row_hashes(statement("select * from {f} f", f=stored), [(name, kind, col(name)) for name, kind in states.CELL.items()], ())
    whole = work.engine.rows(statement("select count(*), sum(_hash::HUGEINT)::HUGEINT::VARCHAR from {h} h", h=hashed))[0]
    return {f"{group[t]}/{t}": str(int(total) % _MODULUS) for t, total in sums}, hashlib.sha256(repr(whole).encode()).hexdigest()


def _year_part(year: int) -> str:
    return f"{year:04d}" if year else "early"


def _added_cells(work: Work) -> list[Tree]:
    """The cells of what the run wrote and took out."""
    organisations = {work.feed(feed).organisation for feed in work.lanes}
    only = organisations.pop() if len(organisations) == 1 else None
    return [*work.cells, *(of_table(table, written_cells(table, files, only if of is None else of)) for (table, of), files in work.uncounted.items())]


def _cells_by_year(work: Work, come: str) -> list[DataFile]:
    """Write the cells of the years that have new ones again; gives the files of the others.

    A part is a year from 2000 on, and one holds all before and what has no date. So a day costs as much after many years as in the first.
    """
    year = statement("select case when month < {m} then 0 else month // 12 end", m=integer(_EARLIEST)).expressions[0]
    touched = {_year_part(number) for (number,) in work.engine.rows(statement("select distinct {y} from {c} c", y=year, c=come))}
    files = work.files(CELL)
    undivided = any(file.part == _UNDIVIDED for file in files)  # an earlier Suwen kept all cells in one
    hit = [file for file in files if undivided or file.part in touched]
    columns = [col("table_name"), col("organisation"), col("month"), col("records"), alias(typed(col("total"), "HUGEINT"), "total")]
    summed, sources = work.fresh("cells"), [statement("select * from {c}", c=come)]
    if hit:
        sources.append(statement("select {c} from {f} f", c=columns, f=read_parquet([file.path for file in hit])))
    work.engine.temporary(
        summed,
        statement(
            "select table_name, organisation, month, sum(records)::BIGINT as records, sum(total)::HUGEINT as total, {y} as year "
            "from {all} x group by all having sum(records) <> 0 or sum(total) <> 0",
            y=year,
            all=union_all(sources),
        ),
    )
    work.change(CELL)
    work.taken_out[CELL] = hit
    for (number,) in work.engine.rows(statement("select distinct year from {s} s order by 1", s=summed)):
        cells = statement(
            "select table_name, organisation, month, records, total::VARCHAR as total from {s} s where year = {n} order by all", s=summed, n=integer(number)
        )
        _new_file(work, CELL, _year_part(number), [cells])
    return [file for file in files if file not in hit]


def dangling(work: Work) -> dict[str, int]:
    """Optional references whose row is absent, per "table.column", after the run; counted again where either side changed.

    Where none was absent before and no row of the other table has gone, only what the run wrote can be.
    """
    before = dict(work.previous.dangling) if work.previous else {}
    tables = {*(work.previous.tables if work.previous else {}), *work.changes}
    changed = {n for n, c in work.changes.items() if c.created or c.removed}
    gone = {name for name in changed if _lost_ids(work, name)}
    found: dict[str, int] = {}
    counts: list[Tree] = []
    for name in sorted(n for n in tables if not n.startswith("state/") and work.after(n)):
        for column, other, identifier in _optional_references(name.split("/")[1]):
            place = f"{name.split('/')[1]}.{column}"
            if name not in changed and other not in changed:
                found[place] = before.get(place, 0)
            elif rows := _suspects(work, name, whole=bool(before.get(place)) or other in gone):
                counts.append(_absent(work, place, rows, column, other, identifier))
    if counts:
        found |= dict(work.engine.rows(union_all(counts)))
    return {place: count for place, count in sorted(found.items()) if count}


def _optional_references(table: str) -> list[tuple[str, str, str]]:
    """(column, lake table it names, that table's id) of the references of a table that may be empty."""
    found = []
    for column in ALL_TABLES[table].columns:
        if column.references is not None and not column.required and ALL_TABLES[column.references[0]].group != "vocabulary":
            other = column.references[0]
            found.append((column.name, f"cdr/{other}", ALL_TABLES[other].id_column or ""))
    return found


def _lost_ids(work: Work, name: str) -> bool:
    """Whether a table lost an id in this run; a row that was only written otherwise has the same."""
    identifier = ALL_TABLES[name.split("/")[1]].id_column if not name.startswith("state/") else None
    if identifier is None or not work.changes[name].removed:
        return False
    created = [str(n.written.path) for n in work.changes[name].created if n.written.rows]
    gone = work.removed_ids(name)
    if created:
        gone = statement("select g._id from {g} g anti join {c} c on c.{id} = g._id", g=gone, c=read_parquet(created), id=identifier)
    return bool(work.engine.one(statement("select count(*) from {g} g", g=gone)))


def _suspects(work: Work, name: str, *, whole: bool) -> Tree | None:
    """The rows of a table among which a reference may lead nowhere: all, or those written in this run."""
    if whole:
        return standing(work, name)
    created = [str(n.written.path) for n in work.change(name).created if n.written.rows]
    return read_parquet(created) if created else None


def _absent(work: Work, place: str, rows: Tree, column: str, other: str, identifier: str) -> Tree:
    """(place, references of a column whose row is not there)."""
    parents = standing(work, other)
    if parents is None:
        return statement("select {p} as place, count({c}) as n from {r} r", p=text(place), c=column, r=rows)
    return statement(
        "select {p} as place, count(*) as n from {r} r anti join {o} p on p.{id} = r.{c} where r.{c} is not null",
        p=text(place), c=column, r=rows, o=parents, id=identifier,
    )  # fmt: skip


def derived_rows(work: Work) -> None:
    """Make the derived tables and keep up the run's own extension tables."""
    keep_links(work)
    note_resident_ids(work)
    settle_masters(work)
    observation_periods(work)
    condition_eras(work)
    drug_eras(work)
    source_maps(work)
    keep_tree(work)
    work.dangling = dangling(work)
