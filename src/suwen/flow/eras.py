"""condition_era and drug_era: the rows of one master person and one condition, or one ingredient, strung together over gaps of at most 30 days.

Source: OHDSI, OMOP CDM 5.4, SQL scripts for the era tables, https://ohdsi.github.io/CommonDataModel/sqlScripts.html (read 2026-07);
where a script and the definition of a column disagree see docs/guide/eras.md.
"""

from __future__ import annotations

from suwen.engine.sql import Tree, col, read_parquet, statement
from suwen.flow.derived import among, is_touched, keep_up, touched_persons
from suwen.flow.masters import of_masters
from suwen.flow.work import Work, standing
from suwen.repository.rows import lake_name

WINDOW = 30  # days without the condition or the drug that an era goes on over
LONGEST_SUPPLY = 36_525  # days a supply may last, a hundred years: of more one cannot tell when it ended
# No era ends after 9999-12-31, the last day that most readers of dates know.
CONDITION, DRUG = "condition_occurrence", "drug_exposure"


def occurrences(rows: Tree) -> Tree:
    """(id, person_id, concept_id, first, last) of the rows of condition_occurrence that are part of an era: those of a known condition."""
    return statement(
        """select condition_occurrence_id as id, person_id, condition_concept_id as concept_id, condition_start_date as first,
        least(greatest(coalesce(condition_end_date, condition_start_date + 1), condition_start_date), date '9999-12-31') as last
        from {r} r where condition_concept_id <> 0""",
        r=rows,
    )


def exposures(rows: Tree, ingredients: Tree | str) -> Tree:
    """The same of drug_exposure, a row for each ingredient of its drug. `ingredients`: (drug, ingredient)."""
    return statement(
        """select r.drug_exposure_id as id, r.person_id, i.ingredient as concept_id, r.drug_exposure_start_date as first,
        least(greatest(r.drug_exposure_start_date, coalesce(r.drug_exposure_end_date,
            r.drug_exposure_start_date + case when r.days_supply between 1 and {most} then r.days_supply else 1 end)), date '9999-12-31') as last
        from {r} r join {i} i on i.drug = r.drug_concept_id where r.drug_concept_id <> 0 and coalesce(r.days_supply, 0) >= 0""",
        r=rows, i=ingredients, most=LONGEST_SUPPLY,
    )  # fmt: skip


def ingredients(concepts: Tree, ancestors: Tree, drugs: Tree) -> Tree:
    """(drug, ingredient): which ingredients of RxNorm the drugs hold, by the vocabulary. `drugs`: a query of their concepts."""
    return statement(
        """select distinct a.descendant_concept_id as drug, a.ancestor_concept_id as ingredient from {a} a
        join {c} c on c.concept_id = a.ancestor_concept_id and c.vocabulary_id = 'RxNorm' and c.concept_class_id = 'Ingredient'
        where a.descendant_concept_id in (select drug_concept_id from {d} d)""",
        a=ancestors, c=concepts, d=drugs,
    )  # fmt: skip


def eras(spells: Tree) -> Tree:
    """(person_id, concept_id, first, last, records, gap) of spells: one row for each era; `gap`: days between the end of one spell and the next start.

    The spells of a person and concept in the order of their starts: an era begins where the last day of all before is more than 30 days ago.
    """
    days = statement("select person_id, concept_id, first, max(last) as last, count(*) as records from {s} s group by all", s=spells)
    before = statement(
        """select *, max(last) over (partition by person_id, concept_id order by first rows between unbounded preceding and 1 preceding) as until
        from {d} d""",
        d=days,
    )
    numbered = statement(
        """select *, count(*) filter (until is null or date_diff('day', until, first) > {w})
            over (partition by person_id, concept_id order by first rows between unbounded preceding and current row) as era from {b} b""",
        b=before, w=WINDOW,
    )  # fmt: skip
    return statement(
        """select person_id, concept_id, min(first) as first, max(last) as last, sum(records) as records,
        coalesce(sum(days) filter (days between 1 and {w}), 0) as gap
        from (select *, date_diff('day', until, first) as days from {n} n) d group by person_id, concept_id, era""",
        n=numbered, w=WINDOW,
    )  # fmt: skip


def condition_eras(work: Work) -> None:
    """condition_era of the master persons whose patients have created or removed conditions or changed links."""
    table = "condition_era"
    if not is_touched(work, table, (CONDITION,)):
        return
    persons, rows = touched_persons(work, table, (CONDITION,)), standing(work, lake_name(CONDITION))
    found = _eras_of(work, occurrences(rows) if rows is not None else None, persons)
    published = statement(
        """select person_id, concept_id as condition_concept_id, first as condition_era_start_date, last as condition_era_end_date,
        records::INTEGER as condition_occurrence_count from {e} e""",
        e=found,
    )
    keep_up(work, table, published, persons)


def drug_eras(work: Work) -> None:
    """drug_era in the same way, of the ingredients that the vocabulary tells; without a vocabulary nobody knows any."""
    table = "drug_era"
    if not is_touched(work, table, (DRUG,)):
        return
    persons, rows = touched_persons(work, table, (DRUG,)), standing(work, lake_name(DRUG))
    spells = None
    if rows is not None and work.vocabulary is not None:
        concepts, ancestors = (read_parquet([str(work.vocabulary.path(name))]) for name in ("concept", "concept_ancestor"))
        name = work.fresh("ingredients")
        work.engine.temporary(name, ingredients(concepts, ancestors, rows))
        spells = exposures(rows, name)
    published = statement(
        """select person_id, concept_id as drug_concept_id, first as drug_era_start_date, last as drug_era_end_date,
        records::INTEGER as drug_exposure_count, gap::INTEGER as gap_days from {e} e""",
        e=_eras_of(work, spells, persons),
    )
    keep_up(work, table, published, persons)


def _eras_of(work: Work, spells: Tree | None, persons: str | None) -> Tree:
    """The eras of the touched master persons; a spell is its patient's master's."""
    if spells is None:
        return eras(statement("select 0::BIGINT as person_id, 0 as concept_id, null::DATE as first, null::DATE as last where false"))
    return eras(
        statement("select person_id, concept_id, first, last from {s} x where {keep}", s=of_masters(work, spells), keep=among(persons, col("person_id")))
    )
