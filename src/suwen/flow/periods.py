"""observation_period: of each master person the days from the first event of its patients to the last."""

from __future__ import annotations

from suwen.engine.sql import Tree, col, read_parquet, statement, union_all
from suwen.flow.derived import among, is_touched, keep_up, touched_persons
from suwen.flow.masters import of_masters
from suwen.flow.work import Work, standing
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import lake_name

TABLE = "observation_period"
PERIOD_TYPE = 32880  # OMOP concept "Standard algorithm"
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
    if not is_touched(work, TABLE, SOURCES):
        return
    persons = touched_persons(work, TABLE, SOURCES)
    rows = statement(
        """select person_id, first as observation_period_start_date, last as observation_period_end_date, {type}::INTEGER as period_type_concept_id
        from {p} p""",
        type=PERIOD_TYPE, p=_periods(work, persons),
    )  # fmt: skip
    keep_up(work, TABLE, rows, persons)


def _periods(work: Work, persons: str | None) -> Tree:
    """(person_id, first, last) of the touched persons. Where nothing was removed a period can only grow, so the stored one and the new events are enough."""
    changes = {table: work.changes.get(lake_name(table)) for table in SOURCES}
    growing = persons is not None and not work.relinked and not any(c.removed for c in changes.values() if c)
    spans = [statement("select 0::BIGINT as person_id, null::DATE as first, null::DATE as last where false")]
    keep = among(persons, col("person_id"))
    for table in SOURCES:
        change = changes[table]
        created = [str(n.written.path) for n in change.created if n.written.rows] if change else []
        rows = (read_parquet(created) if created else None) if growing else standing(work, lake_name(table))
        if rows is not None:
            spans.append(_spans(table, of_masters(work, rows), keep))
    stored = [f.path for f in work.files(lake_name(TABLE))]
    if growing and stored:
        first, last = "observation_period_start_date", "observation_period_end_date"
        spans.append(statement("select person_id, {f} as first, {l} as last from {r} r where {keep}", f=first, l=last, r=read_parquet(stored), keep=keep))
    return statement("select person_id, min(first) as first, max(last) as last from {all} x group by person_id", all=union_all(spans))


def _spans(table: str, rows: Tree, keep: Tree) -> Tree:
    """(person_id, first, last) over the rows of one table of events."""
    start, end = ALL_TABLES[table].date_column or "", _ENDS.get(table)
    last = statement("select max(greatest({s}, coalesce({e}, {s})))", s=start, e=end or start).expressions[0]
    return statement("select person_id, min({s}) as first, {last} as last from {r} r where {keep} group by person_id", s=start, last=last, r=rows, keep=keep)
