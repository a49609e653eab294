"""Masters in a run: which persons are shown as another, whose links have changed, and where linked persons disagree."""

from __future__ import annotations

from suwen.engine.sql import Tree, read_parquet, statement, union_all
from suwen.flow.work import Work, standing

LINK, PERSON, FINDING = "ext/ext_person_link", "cdr/person", "state/finding"


def settle_masters(work: Work) -> None:
    """Keep `joined`, the persons whose master is another after the run, and `relinked`, the persons and masters of links that came, went or changed."""
    change = work.changes.get(LINK)
    before = work.previous.joined if work.previous else 0
    links = standing(work, LINK) if change is not None or before else None
    none = statement("select 0::BIGINT as person_id, 0::BIGINT as master where false")
    held = statement("select person_id, master_person_id as master from {l} l where master_person_id <> person_id", l=links) if links is not None else none
    work.engine.temporary("joined", held)
    work.joined = work.engine.count("joined")
    changed = []
    if change is not None:
        created = [str(n.written.path) for n in change.created if n.written.rows]
        changed = [read_parquet(created)] if created else []
        changed += [statement("select * from {t}", t=t) for t in change.removed]
    parts = [statement("select person_id, master_person_id from {c} c where method <> 'own'", c=c) for c in changed]
    nothing = statement("select 0::BIGINT as person_id, 0::BIGINT as master_person_id where false")
    pairs = union_all([nothing, *parts])
    work.engine.temporary("relinked", statement("select distinct unnest([person_id, master_person_id]) as person_id from {p} p", p=pairs))
    work.relinked = work.engine.count("relinked")
    if work.joined or before:
        _tell_disagreement(work)


def of_masters(work: Work, rows: Tree) -> Tree:
    """Rows with their person's master as person; as they are where no link joins anyone."""
    if not work.joined:
        return rows
    return statement("select r.* replace (coalesce(j.master, r.person_id) as person_id) from {r} r left join joined j on j.person_id = r.person_id", r=rows)


def _tell_disagreement(work: Work) -> None:
    """PID-004: how many humans have patients of different birth dates or sexes, told again where the number changed."""
    persons = standing(work, PERSON)
    count = 0
    if persons is not None and work.joined:
        count = work.engine.one(
            statement(
                """select count(*) from (select j.master from {p} p
                    join (select person_id, master from joined union select master, master from joined) j on j.person_id = p.person_id
                    group by j.master having count(distinct year_of_birth) > 1 or count(distinct month_of_birth) > 1 or count(distinct day_of_birth) > 1
                        or count(distinct nullif(gender_concept_id, 0)) > 1) x""",
                p=persons,
            )
        )
    stored = [f.path for f in work.files(FINDING)]
    told = work.engine.one(statement("select coalesce(max(records), 0) from {f} f where code = 'PID-004'", f=read_parquet(stored))) if stored else 0
    if count == told:
        return
    if told:
        work.untold.append(statement("select code = 'PID-004'").expressions[0])
    if count:
        name = work.fresh("finding")
        work.engine.temporary(
            name,
            statement(
                "select {run}::BIGINT as run, 'PID-004' as code, '' as feed, '' as kind, '' as target, 'person_id' as column_name, 0::BIGINT as receipt, "
                "{n}::BIGINT as records, '[]' as examples",
                run=work.number,
                n=count,
            ),
        )
        work.findings.append(name)
