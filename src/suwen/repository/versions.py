"""Versions and dispositions: which record of a key holds, and what became of every other; queries over the record index.

Order of versions: (source sequence or timestamp where the template names one, as_of, receipt, record). Equal contents that follow one another are
one version, first seen in its first record, last seen in its last. The newest accepted version holds, unless it is a tombstone or an assertion of
absence made after the key was last seen covers it. Every definition is a pure function of the set of records: arrival never shows.
"""

from __future__ import annotations

from suwen.engine.sql import Tree, statement

CURRENT, QUARANTINED, DUPLICATE, SUPERSEDED, DELETED, FILTERED, HELD, MAPPED = (
    "current",
    "quarantined",
    "duplicate",
    "superseded",
    "deleted",
    "filtered",
    "held",
    "mapped",
)
STATES = (MAPPED, QUARANTINED, DUPLICATE, SUPERSEDED, DELETED, FILTERED, HELD)


def contested(index: Tree | str, keep: Tree) -> Tree:
    """The index rows of keys with more than one version, a tombstone or a possible absence: (index columns, as_of, source).

    `receipts(receipt, as_of, source, ...)` is a relation of the run; `keep` chooses the rows.
    """
    return statement(
        "select i.*, r.as_of, r.source from {index} i join receipts r on r.receipt = i.receipt where i.key is not null and {keep}", index=index, keep=keep
    )


def states(versions: Tree | str, codes: Tree | str, absences: Tree | str) -> Tree:
    """(receipt, record, key, state, code, version_key) of every contested record.

    `codes(receipt, record, code)`: records a target quarantines. `absences(source, as_of, low, high)`: assertions of feeds; null bounds mean
    the whole kind.
    """
    return statement(
        """with judged as (
            select v.*, coalesce(v.issue, c.code) as why, coalesce(v.tombstone, false) as ends
            from {versions} v left join {codes} c on c.receipt = v.receipt and c.record = v.record),
        accepted as (
            select *, lag(content) over o as before, lag(ends) over o as before_ends
            from judged where why is null
            window o as (partition by key order by version nulls first, as_of, receipt, record)),
        numbered as (
            select *, (not ends and before is not distinct from content and not coalesce(before_ends, true)) as same
            from accepted),
        runs as (
            select *, sum(case when same then 0 else 1 end) over (partition by key order by version nulls first, as_of, receipt, record) as run
            from numbered),
        seen as (select key, max(as_of) as last_seen from judged where not ends group by key),
        tombs as (select distinct key, run from runs where ends),
        last as (select key, max(run) as last_run from runs group by key),
        gone as (
            select r.receipt, r.record from runs r join last l on l.key = r.key and l.last_run = r.run join seen s on s.key = r.key
            where not r.ends and exists (select 1 from {absences} a where a.source = r.source and a.as_of > s.last_seen
                and (a.low is null or r.day between a.low and a.high)))
        select j.receipt, j.record, j.key,
            case when j.why is not null then 'quarantined'
                when j.ends then 'deleted'
                when r.same then 'duplicate'
                when r.run < l.last_run then case when e.run is not null then 'deleted' else 'superseded' end
                when g.record is not null then 'deleted'
                else 'current' end as state,
            j.why as code
        from judged j
            left join runs r on r.receipt = j.receipt and r.record = j.record
            left join last l on l.key = j.key
            left join tombs e on e.key = r.key and e.run = r.run + 1
            left join gone g on g.receipt = j.receipt and g.record = j.record""",
        versions=versions,
        codes=codes,
        absences=absences,
    )


def colliding(versions: Tree | str) -> Tree:
    """(key, place, place) of two records whose keys differ though their hashes are equal, a place being the struct (receipt, record)."""
    return statement(
        """select key, arg_min(struct_pack(receipt := receipt, record := record), {check}) as one,
            arg_max(struct_pack(receipt := receipt, record := record), {check}) as other
        from {versions} where issue is null group by key having min({check}) <> max({check}) order by key""",
        versions=versions,
        check="check",
    )
