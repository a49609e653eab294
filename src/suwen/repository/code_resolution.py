"""From the codes of the sources to standard concepts: one relation that mapping joins.

A code is looked for in the packs' code maps first; what a map says of a code decides, also that it has no standard concept. Otherwise it is the
code of a concept of the loaded vocabulary `system`, which leads to standard concepts by `Maps to`. A code that leads nowhere has concept 0 and keeps
its source concept; its standing says whether the record, the map or the vocabulary is why.
Source: Book of OHDSI, chapter 5 (standard concepts, `Maps to`, `Maps to value`); design, "Codes".
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from suwen.engine.port import Engine
from suwen.engine.sql import Part, Tree, case, col, in_texts, read_parquet, statement, table, text
from suwen.model.pack import CodeMap, LocalConcept
from suwen.model.vocabulary import VOCABULARIES
from suwen.repository.vocabulary import VocabularyVersion

# UCUM tells units apart by case (`mg`, `Mg`); elsewhere a code in the other case is the same code when only one concept answers to it.
CASE_MATTERS: tuple[str, ...] = ("UCUM",)

MAPPED = "mapped"
NO_CONCEPT = "no concept"  # a map says so
UNMAPPED = "unmapped"  # neither a map nor the vocabulary knows the code
NOT_STANDARD = "not standard"  # no standard concept is left of the one it leads to
NOT_IN_VOCABULARY = "not in vocabulary"  # a map leads to what the loaded vocabulary lacks; a concept id is taken as declared
NOT_LOADED = "no vocabulary"  # a code, or a map's target, of a standard vocabulary while none is loaded

_MAPS = pa.schema(
    [
        ("source_vocabulary_id", pa.string()),
        ("source_code", pa.string()),
        ("source_name", pa.string()),
        ("concept_id", pa.int32()),
        ("vocabulary", pa.string()),
        ("code", pa.string()),
    ]
)
_CONCEPTS = pa.schema([("concept_id", pa.int32()), ("domain", pa.string())])

# What stands for the vocabulary's tables while none is loaded.
_NO_CONCEPT = """
    select null::integer as concept_id, '' as domain_id, '' as vocabulary_id, '' as concept_code, '' as standard_concept,
           '' as invalid_reason, null::date as valid_start_date where false"""
_NO_RELATION = "select null::integer as concept_id_1, null::integer as concept_id_2, '' as relationship_id, '' as invalid_reason where false"

# The concept a vocabulary has for each code that is asked for: in the same case, else in another case when that is unambiguous.
# Where a vocabulary used a code twice over the years, the valid, standard, latest concept is the one.
_SOURCE = """
    with wanted as (
        select system, code from {used}
        union select vocabulary, code from {maps} where concept_id is null
    ), near as (
        select w.system, w.code, c.concept_code, c.concept_id, c.concept_code = w.code as exact,
               row_number() over (partition by w.system, w.code, c.concept_code
                   order by c.invalid_reason is not null, c.standard_concept is distinct from 'S', c.valid_start_date desc, c.concept_id) as place
        from wanted as w join {concept} as c on c.vocabulary_id = w.system and upper(c.concept_code) = upper(w.code)
    )
    select system, code, case when bool_or(exact) then max(concept_id) filter (where exact)
                              when count(*) = 1 and system not in ({case_matters}) then max(concept_id) end as concept_id
    from near where place = 1 group by system, code"""

# Every concept asked for that the vocabulary knows, with its standard concepts: itself, or where `Maps to` leads; target null: nowhere.
_TARGET = """
    with asked as (
        select concept_id from {source} where concept_id is not null
        union select concept_id from {maps} where concept_id <> 0
    ), known as (
        select c.concept_id, c.domain_id, coalesce(c.standard_concept = 'S' and c.invalid_reason is null, false) as standard
        from {concept} as c join asked on asked.concept_id = c.concept_id
    ), links as (
        select r.concept_id_1, r.relationship_id, t.concept_id, t.domain_id
        from {relation} as r join asked on asked.concept_id = r.concept_id_1 join {concept} as t on t.concept_id = r.concept_id_2
        where r.relationship_id in ('Maps to', 'Maps to value') and r.invalid_reason is null and t.standard_concept = 'S' and t.invalid_reason is null
    ), targets as (
        select concept_id, concept_id as target, domain_id as domain from known where standard
        union select k.concept_id, l.concept_id, l.domain_id
        from known as k join links as l on l.concept_id_1 = k.concept_id and l.relationship_id = 'Maps to' where not k.standard
    ), single as (
        select concept_id_1 as concept_id, max(concept_id) filter (where relationship_id = 'Maps to value') as value
        from links group by concept_id_1
        having count(distinct concept_id) filter (where relationship_id = 'Maps to value') = 1
           and count(distinct concept_id) filter (where relationship_id = 'Maps to') = 1
    )
    select k.concept_id, t.target, t.domain, single.value
    from known as k left join targets as t on t.concept_id = k.concept_id left join single on single.concept_id = k.concept_id"""

# Each entry of the maps with the concepts it leads to. A concept the vocabulary does not know is taken as declared.
_ENTRY = """
    select distinct m.source_vocabulary_id as system, m.source_code as code, t.value,
           coalesce(t.target, case when t.concept_id is null then nullif(m.concept_id, 0) end) as target,
           coalesce(t.domain, own.domain) as domain,
           case when t.target is not null or own.concept_id is not null then {mapped}
                when t.concept_id is not null then {not_standard}
                when m.concept_id = 0 then {no_concept}
                when m.concept_id is null then {unknown_code}
                else {unknown_concept} end as standing
    from {maps} as m
    left join {source} as s on m.concept_id is null and s.system = m.vocabulary and s.code = m.code
    left join {target} as t on t.concept_id = coalesce(m.concept_id, s.concept_id)
    left join {own} as own on own.concept_id = m.concept_id"""

_RESOLUTION = """
    with answer as (
        select system, code, target, domain, value, standing from {entry}
        union all
        select s.system, s.code, t.target, t.domain, t.value, case when t.target is null then {not_standard} else {mapped} end
        from {source} as s join {target} as t on t.concept_id = s.concept_id
        where not exists (select 1 from {entry} as e where e.system = s.system and e.code = s.code)
    ), answered as (
        select system, code, target, min(domain) as domain, min(value) as value, min(standing) as standing from answer
        where target is not null group by system, code, target
    ), failed as (
        select system, code, min(standing) as standing from answer group by system, code
    ), pair as (
        select distinct system, code from {used} where system is not null and code is not null
    )
    select p.system, p.code, coalesce(s.concept_id, 0)::integer as source_concept_id, coalesce(a.target, 0)::integer as concept_id, a.domain,
           case when count(*) over (partition by p.system, p.code) > 1 then a.target::varchar else '' end as slot,
           row_number() over (partition by p.system, p.code order by a.target) = 1 as first,
           coalesce(a.standing, f.standing, {unknown}) as standing, a.value::integer as value_concept_id
    from pair as p
    left join answered as a on a.system = p.system and a.code = p.code
    left join failed as f on f.system = p.system and f.code = p.code
    left join {source} as s on s.system = p.system and s.code = p.code"""

# The codes of the maps that lead to what the loaded vocabulary lacks, by map.
_LACKING = """
    select system, count(distinct code) as codes, to_json(list_sort(min(distinct code, 5)))::VARCHAR as examples
    from {resolution} where standing = {lacking} group by system"""

_TO_CONCEPT_MAP = """
    select r.code as source_code, r.source_concept_id, r.system as source_vocabulary_id,
           (select min(m.source_name) from {maps} as m where m.source_vocabulary_id = r.system and m.source_code = r.code) as source_code_description,
           r.concept_id as target_concept_id,
           coalesce(c.vocabulary_id, (select min(nullif(m.vocabulary, '')) from {maps} as m
               where m.source_vocabulary_id = r.system and m.source_code = r.code), 'None') as target_vocabulary_id,
           date '1970-01-01' as valid_start_date, date '2099-12-31' as valid_end_date, null::varchar as invalid_reason
    from {resolution} as r left join {concept} as c on c.concept_id = r.concept_id and r.concept_id <> 0"""


def map_table(code_maps: Iterable[CodeMap]) -> pa.Table:
    """The entries of code maps as one Arrow table: source_vocabulary_id, source_code, source_name, and concept_id or (vocabulary, code)."""
    rows = [
        {
            "source_vocabulary_id": code_map.system,
            "source_code": entry.source_code,
            "source_name": entry.source_name,
            "concept_id": entry.concept_id,
            "vocabulary": entry.vocabulary,
            "code": entry.code,
        }
        for code_map in code_maps
        for entry in code_map.entries
    ]
    return pa.Table.from_pylist(rows, _MAPS)


def concept_table(concepts: Iterable[LocalConcept]) -> pa.Table:
    """The packs' own concepts as an Arrow table: concept_id, domain."""
    return pa.Table.from_pylist([{"concept_id": c.concept_id, "domain": c.domain} for c in concepts], _CONCEPTS)


def resolve(engine: Engine, used: str, *, vocabulary: VocabularyVersion | None, maps: pa.Table, concepts: pa.Table, into: str = "resolution") -> None:
    """Make the temporary table `into` from the relation `used`(system, code): one row for each pair and standard concept it leads to.

    Columns: system, code, source_concept_id INTEGER (0: none), concept_id INTEGER (0: none), domain (of the standard concept, null where unknown),
    slot (the concept id as text where a code leads to several, else ''), first BOOLEAN (true once for each pair: the smallest concept),
    standing (one of the words above), value_concept_id (where one `Maps to value` stands beside one `Maps to`, else null). Null codes are left out.
    """
    steps = {name: f"{into}_{name}" for name in ("maps", "own", "source", "target", "entry")}
    parts: dict[str, Part] = {name: table(step) for name, step in steps.items()} | {"used": table(used), **_relations(vocabulary)}
    parts |= {"case_matters": [text(v) for v in CASE_MATTERS], "unknown": unknown(col("system", "p")) if vocabulary is None else text(UNMAPPED)}
    parts |= {"mapped": text(MAPPED), "not_standard": text(NOT_STANDARD), "no_concept": text(NO_CONCEPT)}
    parts |= {"unknown_code": text(NOT_IN_VOCABULARY if vocabulary else NOT_LOADED), "unknown_concept": text(NOT_IN_VOCABULARY if vocabulary else MAPPED)}
    engine.register(steps["maps"], maps)
    engine.register(steps["own"], concepts)
    try:
        for step, sql in (("source", _SOURCE), ("target", _TARGET), ("entry", _ENTRY)):
            engine.temporary(steps[step], statement(sql, **parts))
        engine.temporary(into, statement(_RESOLUTION, **parts))
    finally:
        engine.drop(steps["entry"], steps["target"], steps["source"])
        engine.unregister(steps["own"])
        engine.unregister(steps["maps"])


def source_to_concept_map(
    engine: Engine, *, vocabulary: VocabularyVersion | None, maps: pa.Table, concepts: pa.Table, into: str = "source_to_concept_map"
) -> None:
    """Make the temporary table `into` with the CDM's source_to_concept_map rows of the packs' maps: one for each code and concept it leads to.

    `<into>_lacking`: (system, codes, examples) of the codes that lead to what the loaded vocabulary lacks.
    """
    name, pairs, resolution = f"{into}_maps", f"{into}_pairs", f"{into}_resolution"
    engine.register(name, maps)
    try:
        engine.temporary(pairs, statement("select distinct source_vocabulary_id as system, source_code as code from {maps}", maps=table(name)))
        resolve(engine, pairs, vocabulary=vocabulary, maps=maps, concepts=concepts, into=resolution)
        engine.temporary(into, statement(_TO_CONCEPT_MAP, maps=table(name), resolution=table(resolution), **_relations(vocabulary)))
        engine.temporary(f"{into}_lacking", statement(_LACKING, resolution=table(resolution), lacking=text(NOT_IN_VOCABULARY)))
    finally:
        engine.drop(pairs, resolution)
        engine.unregister(name)


def unknown(system: Tree) -> Tree:
    """The standing of a code that no map knows while no vocabulary is loaded: those of standard vocabularies cannot be judged."""
    return case([(in_texts(system, sorted(VOCABULARIES)), text(NOT_LOADED))], text(UNMAPPED))


def _relations(vocabulary: VocabularyVersion | None) -> dict[str, Part]:
    if vocabulary is None:
        return {"concept": statement(_NO_CONCEPT), "relation": statement(_NO_RELATION)}
    return {"concept": read_parquet([str(vocabulary.path("concept"))]), "relation": read_parquet([str(vocabulary.path("concept_relationship"))])}
