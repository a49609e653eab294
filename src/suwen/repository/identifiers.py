"""What is said of a patient's resident id, and which patients it shows to be the same human."""

from __future__ import annotations

from suwen.engine.sql import Tree, call, statement, text, typed

IDENTIFIERS = "ext_person_identifier"
RESIDENT_ID = "resident id"
AGREEING = ("check_agrees", "birth_date_agrees", "sex_agrees")
CODES = ("PID-001", "PID-002", "PID-003")


def amiss(rows: Tree) -> Tree:
    """(person_id, code, column_name, receipt, record) of the patients among stored identifiers whose resident id is absent, invalid or does not agree.

    Each patient once for each code, with the first record that says it. One that is not valid says nothing of birth date and sex; that these cannot be
    read is told where the patient is mapped.
    """
    return statement(
        """with i as (select *, count(value) over (partition by person_id) as sent from {r} r where kind = {kind}),
        c as (select *, case when sent = 0 then {absent} when check_agrees = false then {invalid}
            when birth_date_agrees = false or sex_agrees = false then {other} end as code from i)
        select person_id, code, min(case when code = {absent} then 'value' when code = {invalid} then 'check_agrees'
                when birth_date_agrees = false then 'birth_date_agrees' else 'sex_agrees' end) as column_name,
            arg_min(_receipt, (_receipt, _record)) as receipt, arg_min(_record, (_receipt, _record)) as record
        from c where code is not null group by person_id, code""",
        r=rows, kind=text(RESIDENT_ID), absent=text(CODES[0]), invalid=text(CODES[1]), other=text(CODES[2]),
    )  # fmt: skip


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
