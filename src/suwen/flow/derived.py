"""Derived tables: rows computed from other rows of the repository, kept up for the persons a run touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from suwen.base.errors import SuwenError
from suwen.engine import hash as hashing
from suwen.engine.months import month_of
from suwen.engine.sql import Tree, alike, col, compared, conjunction, integer, read_parquet, statement, text, typed, union_all
from suwen.flow.collisions import HEADER, free_id
from suwen.flow.work import Work, standing
from suwen.flow.written import write_files
from suwen.model.extension import ALL_TABLES
from suwen.model.finding import describe
from suwen.repository.rows import MONTH, cells, lake_name

# The rule by which each table is worked out, by number: with another one than the last release's a table is worked out anew as a whole.
RULES: Mapping[str, int] = MappingProxyType({"observation_period": 1, "condition_era": 1, "drug_era": 1})
OF_VOCABULARY = frozenset({"drug_era"})  # tables whose rows depend on the vocabulary besides their sources
# The columns whose values are the key of a row, of tables that have several rows for a master.
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "condition_era": ("person_id", "condition_concept_id", "condition_era_start_date"),
        "drug_era": ("person_id", "drug_concept_id", "drug_era_start_date"),
    }
)
_ORGANISATIONS = "organisations_of_persons"


def rules(work: Work) -> dict[str, str]:
    """Derived table -> a hash of all that decides its rows besides the rows they are made of."""
    ids = [work.region.settings.id_bits, sorted(work.region.replacements.items())]
    hashed = {table: [number, ids, work.vocabulary.hash if work.vocabulary and table in OF_VOCABULARY else ""] for table, number in RULES.items()}
    return {table: hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16] for table, said in hashed.items()}


def is_new(work: Work, table: str) -> bool:
    """Whether a derived table must be worked out as a whole."""
    return work.previous is None or work.previous.derived.get(table) != rules(work)[table]


def is_touched(work: Work, table: str, sources: Sequence[str]) -> bool:
    """Whether a run has anything to do for a derived table."""
    return bool(is_new(work, table) or work.relinked or any(lake_name(t) in work.changes for t in sources))


def touched_persons(work: Work, table: str, sources: Sequence[str]) -> str | None:
    """The persons with created or removed rows in the sources or changed links, and their masters; None for all, where the table is worked out as a whole."""
    if is_new(work, table):
        return None
    parts: list[Tree] = [statement("select 0::BIGINT as person_id where false")]
    for source in sources:
        change = work.changes.get(lake_name(source))
        if change is None:
            continue
        created = [str(n.written.path) for n in change.created if n.written.rows]
        if created:
            parts.append(statement("select person_id from {f} f", f=read_parquet(created)))
        parts += [statement("select person_id from {t}", t=t) for t in change.removed]
    name = work.fresh("persons")
    every = union_all([*parts, statement("select person_id from relinked")])
    if work.joined:
        every = statement(
            """with p as materialized (select person_id from {all} x)
            select person_id from p union all select j.master from p join joined j on j.person_id = p.person_id""",
            all=every,
        )
    work.engine.temporary(name, statement("select distinct person_id from {all} x where person_id is not null", all=every))
    return name


def among(persons: str | None, column: Tree) -> Tree:
    """True for the rows of touched persons."""
    if persons is None:
        return statement("select true").expressions[0]
    return statement("select {c} in (select person_id from {p})", c=column, p=persons).expressions[0]


def keep_up(work: Work, table: str, rows: Tree, persons: str | None) -> None:
    """Bring a derived table up to date with the rows of the touched persons, without their ids: only what differs is taken out and written.

    A row has its master's id and belongs to the master's organisation.
    """
    shape, name = ALL_TABLES[table], lake_name(table)
    old = [f.path for f in work.files(name)]
    new = work.fresh(f"new_{table}")
    made = statement(
        """select {id} as {own}, r.*, 0::BIGINT as _receipt, 0::BIGINT as _record, {tag} as _template, {run}::BIGINT as _run, {month} as {m},
        coalesce(o.organisation, '') as _organisation from {r} r left join {o} o on o.person_id = r.person_id""",
        id=_id(work, table), own=shape.id_column or "", tag=text(f"derived:{table}"), run=work.number,
        month=month_of(col(shape.date_column or "", "r")), m=MONTH, r=rows, o=_organisations(work),
    )  # fmt: skip
    work.engine.temporary(new, made)
    if old:
        _retire(work, table, new, old, persons)
    if not work.engine.count(new):
        return
    _refuse_twins(work, table, new)
    write_files(work, table, new)
    work.add_cells(table, cells(new, shape, "_organisation", 1))


def _organisations(work: Work) -> str:
    """(person_id, organisation), by the person row's feed, of persons before and after the run; a feed that has moved since made other ids."""
    if _ORGANISATIONS in work.fixed:
        return _ORGANISATIONS
    old, new = [f.path for f in work.files("cdr/person")], [str(n.written.path) for n in work.change("cdr/person").created if n.written.rows]
    parts = [statement("select 0::BIGINT as person_id, '' as organisation where false")]
    for paths, column in ((old, "before"), (new, "organisation")):
        if paths:
            parts.append(
                statement(
                    "select p.person_id, r.{c} as organisation from {p} p join owned_receipts r on r.receipt = p._receipt", c=column, p=read_parquet(paths)
                )
            )
    every = statement("select person_id, min(organisation) as organisation from {all} x group by person_id", all=union_all(parts))
    work.engine.temporary(_ORGANISATIONS, every)
    work.fixed.add(_ORGANISATIONS)
    return _ORGANISATIONS


def _retire(work: Work, table: str, new: str, old_paths: Sequence[str], persons: str | None) -> None:
    """Take out old rows that have changed or ended; rows that are equal are not written again."""
    shape, name = ALL_TABLES[table], lake_name(table)
    own = shape.id_column or ""
    equal = conjunction([compared(col(own, "n"), "=", col(own, "o")), *(alike(c, "n", "o") for c in shape.row_columns if c != own)])
    gone = work.fresh("removed")
    work.engine.temporary(
        gone,
        statement(
            """select o.*, o.{id} as _id, {month} as {m}, coalesce(g.organisation, '') as _organisation
                from {old} o left join {g} g on g.person_id = o.person_id anti join {new} n on {equal} where {scope}""",
            id=own, month=month_of(col(shape.date_column or "", "o")), m=MONTH, old=read_parquet(old_paths, filename=True), g=_organisations(work),
                new=new, equal=equal, scope=among(persons, col("person_id", "o")),
        ),
    )  # fmt: skip
    same = statement("select o.{id} from {old} o semi join {new} n on {equal}", id=own, old=read_parquet(old_paths), new=new, equal=equal)
    work.engine.execute(statement("delete from {n} where {id} in (select {id} from {same} s)", n=new, id=own, same=same))
    count = work.engine.count(gone)
    if count:
        change = work.change(name)
        change.removed.append(gone)
        change.removed_rows += count
        work.add_cells(table, cells(gone, shape, "_organisation", -1))


def _refuse_twins(work: Work, table: str, new: str) -> None:
    """IDN-001: rows worked out for two different keys have one id."""
    own, kept = ALL_TABLES[table].id_column or "", standing(work, lake_name(table))
    columns = [col(c) for c in dict.fromkeys((own, *KEYS.get(table, ())))]
    every = [statement("select {c} from {n} n", c=columns, n=new)]
    if kept is not None:
        every.append(statement("select {c} from {k} k semi join {n} n on n.{id} = k.{id}", c=columns, k=kept, n=new, id=own))
    twice = work.engine.rows(statement("select {id} from {all} x group by 1 having count(*) > 1 order by 1 limit 1", id=own, all=union_all(every)))
    if not twice:
        return
    (shared,) = twice[0]
    same = compared(col(own), "=", integer(shared))
    keys = work.engine.rows(statement("select {md5} from {all} x where {same} order by 1 limit 2", md5=_md5(table), all=union_all(every), same=same))
    lines = [f"{shared},{key_md5},{free_id(key_md5)}" for (key_md5,) in keys]
    raise SuwenError(
        f"two rows of {table}, of different keys, have the id {shared}",
        where=lake_name(table),
        expected=describe("IDN-001"),
        do="\n    ".join([f"put one of these lines into collisions.csv of the region, below its header {HEADER} (docs/guide/collisions.md)", *lines]),
        code="IDN-001",
    )


def _id(work: Work, table: str) -> Tree:
    """The id of a derived row: its master's, where a master has one row, else made of the columns of its key."""
    if table not in KEYS:
        return col("person_id", "r")
    plain = hashing.entity_id(table, "", _texts(table, "r"), bits=work.region.settings.id_bits)
    replacements = work.region.replacements
    return hashing.excepted(plain, _md5(table, "r"), replacements) if replacements else plain


def _md5(table: str, of: str = "") -> Tree:
    return hashing.entity_md5(table, "", _texts(table, of))


def _texts(table: str, of: str) -> list[Tree]:
    return [typed(col(c, of), "VARCHAR") for c in KEYS[table]]
