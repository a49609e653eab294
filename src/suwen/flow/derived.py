"""Derived tables: rows computed from other rows of the repository, kept up for the persons a run touched."""

from __future__ import annotations

from suwen.engine.sql import Tree, col, compared, read_parquet, statement, text, union_all
from suwen.flow.masters import of_masters
from suwen.flow.work import Work, standing
from suwen.flow.written import write_rows
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import MONTH, cells, lake_name, month_of

PERIOD_TYPE = 32880  # OMOP concept "Standard algorithm"
TAG = "derived:observation_period"
SOURCES = (
    "visit_occurrence",
    "condition_occurrence",
    "drug_exposure",
    "procedure_occurrence",
    "device_exposure",
    "measurement",
    "observation",
    "specimen",
    "death",
)
_ENDS = {
    "visit_occurrence": "visit_end_date",
    "condition_occurrence": "condition_end_date",
    "drug_exposure": "drug_exposure_end_date",
    "procedure_occurrence": "procedure_end_date",
    "device_exposure": "device_exposure_end_date",
}


def observation_periods(work: Work) -> None:
    """One period a master person, from the first day of any event of its patients to the last; those with changed events or links are worked out again.

    Source: OMOP CDM 5.4, observation_period: without enrolment data the span of the person's events.
    """
    if not work.relinked and not any(lake_name(t) in work.changes for t in SOURCES):
        return
    persons = _touched_persons(work)
    rows = _periods(work, persons)
    made = work.fresh("periods")
    work.engine.temporary(made, rows)
    _split_by_organisation(work, made, persons)


def _touched_persons(work: Work) -> str | None:
    """The persons with created or removed events or changed links, and their masters; None for all, where there was no release."""
    if work.previous is None or lake_name("observation_period") not in work.previous.tables:
        return None
    parts: list[Tree] = [statement("select 0::BIGINT as person_id where false")]
    for table in SOURCES:
        change = work.changes.get(lake_name(table))
        if change is None:
            continue
        created = [str(n.written.path) for n in change.created if n.written.rows]
        if created:
            parts.append(statement("select person_id from {f} f", f=read_parquet(created)))
        parts += [statement("select person_id from {t}", t=t) for t in change.removed]
    name = work.fresh("persons")
    every = union_all([*parts, statement("select person_id from relinked")])
    if work.joined:
        every = statement("select unnest([x.person_id, j.master]) as person_id from {all} x left join joined j on j.person_id = x.person_id", all=every)
    work.engine.temporary(name, statement("select distinct person_id from {all} x where person_id is not null", all=every))
    return name


def _periods(work: Work, persons: str | None) -> Tree:
    """(person_id, first, last) of the touched persons. Where nothing was removed a period can only grow, so the stored one and the new events are enough."""
    changes = {table: work.changes.get(lake_name(table)) for table in SOURCES}
    growing = persons is not None and not work.relinked and not any(c.removed for c in changes.values() if c)
    spans = [statement("select 0::BIGINT as person_id, null::DATE as first, null::DATE as last where false")]
    keep = statement("select true").expressions[0]
    if persons is not None:
        keep = statement("select person_id in (select person_id from {p})", p=persons).expressions[0]
    for table in SOURCES:
        change = changes[table]
        created = [str(n.written.path) for n in change.created if n.written.rows] if change else []
        rows = (read_parquet(created) if created else None) if growing else standing(work, lake_name(table))
        if rows is not None:
            spans.append(_spans(table, of_masters(work, rows), keep))
    stored = [f.path for f in work.files(lake_name("observation_period"))]
    if growing and stored:
        first, last = "observation_period_start_date", "observation_period_end_date"
        spans.append(statement("select person_id, {f} as first, {l} as last from {r} r where {keep}", f=first, l=last, r=read_parquet(stored), keep=keep))
    return statement("select person_id, min(first) as first, max(last) as last from {all} x group by person_id", all=union_all(spans))


def _spans(table: str, rows: Tree, keep: Tree) -> Tree:
    """(person_id, first, last) over the rows of one table of events."""
    start, end = ALL_TABLES[table].date_column or "", _ENDS.get(table)
    last = statement("select max(greatest({s}, coalesce({e}, {s})))", s=start, e=end or start).expressions[0]
    return statement("select person_id, min({s}) as first, {last} as last from {r} r where {keep} group by person_id", s=start, last=last, r=rows, keep=keep)


def _split_by_organisation(work: Work, made: str, persons: str | None) -> None:
    """Bring observation_period up to date: a period has its master's id and belongs to the master's organisation."""
    name = lake_name("observation_period")
    organisations = _organisations(work)
    day = col("first")
    rows = statement(
        """select person_id as observation_period_id, person_id, first as observation_period_start_date, last as observation_period_end_date,
        {type}::INTEGER as period_type_concept_id, 0::BIGINT as _receipt, 0::BIGINT as _record, {tag} as _template, {run}::BIGINT as _run,
        person_id as _id, 0 as _check, {month} as {m}, 0 as _priority from {made} p""",
        type=PERIOD_TYPE, tag=text(TAG), run=work.number, month=month_of(day), m=MONTH, made=made,
    )  # fmt: skip
    new = work.fresh("new_periods")
    work.engine.temporary(
        new,
        statement("select r.*, coalesce(o.organisation, '') as _organisation from {r} r left join {o} o on o.person_id = r.person_id", r=rows, o=organisations),
    )
    old_files = work.files(name)
    change = work.change(name)
    if old_files:
        _retire(work, new, [f.path for f in old_files], organisations, persons)
    for (organisation,) in work.engine.rows(statement("select distinct _organisation from {n} n order by 1", n=new)):
        only = statement("select * exclude (_organisation) from {n} n where {w}", n=new, w=compared(col("_organisation"), "=", text(organisation)))
        write_rows(work, "observation_period", only, organisation)
    if not change.created and not change.removed:
        work.changes.pop(name)


def _organisations(work: Work) -> Tree:
    """(person_id, organisation), by the person row's feed, of persons before and after the run; a feed that has moved since made other ids."""
    old, new = [f.path for f in work.files("cdr/person")], [str(n.written.path) for n in work.change("cdr/person").created if n.written.rows]
    parts = [statement("select 0::BIGINT as person_id, '' as organisation where false")]
    for paths, column in ((old, "before"), (new, "organisation")):
        if paths:
            parts.append(
                statement(
                    "select p.person_id, r.{c} as organisation from {p} p join owned_receipts r on r.receipt = p._receipt", c=column, p=read_parquet(paths)
                )
            )
    return statement("select person_id, min(organisation) as organisation from {all} x group by person_id", all=union_all(parts))


def _retire(work: Work, new: str, old_paths: list[str], organisations: Tree, persons: str | None) -> None:
    """Take out old periods that have changed or ended; periods that are equal are not written again."""
    table = ALL_TABLES["observation_period"]
    scope = (
        statement("select true").expressions[0] if persons is None else statement("select o.person_id in (select person_id from {p})", p=persons).expressions[0]
    )
    gone = work.fresh("removed")
    work.engine.temporary(
        gone,
        statement(
            """select o.*, o.observation_period_id as _id, {month} as {m}, coalesce(g.organisation, '') as _organisation
                from {old} o left join {g} g on g.person_id = o.person_id
            anti join {new} n on n._id = o.observation_period_id and n.observation_period_start_date = o.observation_period_start_date
                and n.observation_period_end_date = o.observation_period_end_date where {scope}""",
            month=month_of(col("observation_period_start_date", "o")), m=MONTH, old=read_parquet(old_paths, filename=True), g=organisations,
                new=new, scope=scope,
        ),
    )  # fmt: skip
    count = work.engine.count(gone)
    work.engine.execute(
        statement(
            "delete from {n} where _id in (select observation_period_id from {old} o where observation_period_id not in (select _id from {g} g))",
            n=new, old=read_parquet(old_paths), g=gone,
        )
    )  # fmt: skip
    if count:
        change = work.change("cdr/observation_period")
        change.removed.append(gone)
        change.removed_rows += count
        for (organisation,) in work.engine.rows(statement("select distinct _organisation from {g} g", g=gone)):
            work.add_cells(
                "observation_period",
                cells(
                    statement("select * from {g} g where {w}", g=gone, w=compared(col("_organisation"), "=", text(organisation))), table, text(organisation), -1
                ),
            )
