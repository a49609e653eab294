"""What is said of a patient's resident id, and which patients it shows to be the same human."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.engine.sql import Tree, call, coalesce, compared, conjunction, is_null, statement, text, typed
from suwen.repository.mapping import Check

IDENTIFIERS = "ext_person_identifier"
RESIDENT_ID = "resident id"
AGREEING = ("check_agrees", "birth_date_agrees", "sex_agrees")
_CODES = {"check_agrees": "PID-002", "birth_date_agrees": "PID-003", "sex_agrees": "PID-003"}


def identifier_checks(columns: Mapping[str, Tree]) -> tuple[Check, ...]:
    """The checks of a target of identifiers, by its columns' trees: a resident id is absent, is not valid, or does not agree with the patient.

    That the birth date or sex itself cannot be read is told where the patient is mapped.
    """
    if "kind" not in columns or "value" not in columns:
        return ()
    resident = compared(columns["kind"], "=", text(RESIDENT_ID))
    found = [Check("PID-001", "value", conjunction([resident, is_null(columns["value"])]))]
    for name, code in _CODES.items():
        if name in columns:
            wrong = compared(coalesce(columns[name], typed(text("true"), "BOOLEAN")), "=", typed(text("false"), "BOOLEAN"))
            found.append(Check(code, name, conjunction([resident, wrong])))
    return tuple(found)


def resident_ids(rows: Tree) -> Tree:
    """(person_id, value, agrees) of the resident ids among stored identifiers; `agrees`: valid, with the patient's birth date and sex."""
    agrees = call("coalesce", statement("select check_agrees and birth_date_agrees and sex_agrees").expressions[0], typed(text("false"), "BOOLEAN"))
    return statement("select person_id, value, {agrees} as agrees from {r} i where kind = {kind}", agrees=agrees, r=rows, kind=text(RESIDENT_ID))


def masters(numbers: str) -> Tree:
    """(person_id, master, method, reason) of patients by `numbers`, a table of (person_id, value, agrees, told) that holds every patient of each value in it.

    The patients of one agreeing resident id are one human, whose master is the smallest person_id; a patient with two different ones is linked by neither.
    `told`: the patient's system sends resident ids; without that there is no reason to give.
    """
    return statement(
        """with own as (
            select person_id, min(value) filter (where agrees) as value, count(distinct value) filter (where agrees) as several,
                count(value) as sent, bool_or(told) as told
            from {n} n group by person_id
        ),
        sets as (select value, min(person_id) as master, count(*) as members from own where several = 1 group by value)
        select o.person_id, coalesce(s.master, o.person_id) as master, case when s.members > 1 then 'resident id' else 'own' end as method,
            case when s.members > 1 then 'the same resident id, valid and agreeing with birth date and sex'
                when s.members = 1 then 'no other patient has the resident id'
                when o.several > 1 then 'several resident ids' when o.sent > 0 then 'the resident id is not valid, or does not agree with birth date and sex'
                when o.told then 'no resident id' end as reason
        from own o left join sets s on s.value = o.value and o.several = 1""",
        n=numbers,
    )
