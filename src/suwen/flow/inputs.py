"""The rows that derived rows were worked out from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from suwen.engine.sql import Tree, col, in_numbers, read_parquet, statement, union_all
from suwen.flow.eras import CONDITION, DRUG, exposures, ingredients, occurrences
from suwen.flow.periods import SOURCES
from suwen.flow.reader import OpenRelease
from suwen.model.cdm import Table
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import lake_name

# Derived table -> the tables of whose rows those of the same person make a row of it; of an era only those of its condition or ingredient and days.
_OF_PERSON: Mapping[str, Sequence[str]] = {"observation_period": SOURCES, "ext_person_link": ("person", "ext_person_identifier")}
_OF_ERA: Mapping[str, tuple[str, str]] = {"condition_era": (CONDITION, "condition"), "drug_era": (DRUG, "drug")}  # source, and how its columns begin


@dataclass(frozen=True)
class Input:
    """A row that a derived row was worked out from; without an id the whole table."""

    table: str
    id: int | None


def inputs_of(opened: OpenRelease, shape: Table, rows: Sequence[Mapping[str, object]]) -> dict[int, tuple[Input, ...]]:
    """Per derived row of a table, by its id, the rows it was worked out from."""
    own = shape.id_column or ""
    found: dict[int, list[Input]] = {int(str(row[own])): [] for row in rows if "person_id" in row}
    if not found:
        return {}
    for name, query in _queries(opened, shape, sorted(found)):
        for row_id, input_id in zip(*(column.to_pylist() for column in opened.ask(query).columns), strict=True):
            found[row_id].append(Input(name, input_id))
    return {row_id: tuple(of) for row_id, of in found.items()}


def _queries(opened: OpenRelease, shape: Table, ids: Sequence[int]) -> Iterator[tuple[str, Tree]]:
    """(table, query of (derived row, input)) for each table with inputs of the rows."""
    rows = statement("select * from {rows} r where {mine}", rows=_stored(opened, shape.name), mine=in_numbers(col(shape.id_column or "", "r"), ids))
    if shape.name in _OF_ERA:
        source, begin = _OF_ERA[shape.name]
        if opened.files(lake_name(source)):
            yield source, _of_eras(opened, shape, rows, source, begin)
        return
    for name in _OF_PERSON.get(shape.name, ()):
        if opened.files(lake_name(name)):
            yield (
                name,
                statement(
                    "select m.{own} as row, s.{id} as id from {members} m join {rows} s on s.person_id = m.member order by 1, 2",
                    own=shape.id_column or "",
                    id=ALL_TABLES[name].id_column or "",
                    members=_members(opened, rows),
                    rows=_stored(opened, name),
                ),
            )


def _of_eras(opened: OpenRelease, shape: Table, rows: Tree, source: str, begin: str) -> Tree:
    """The rows of a source that an era strings together: of its person's patients, its concept, and beginning within its days."""
    stored = _stored(opened, source)
    if source == DRUG:
        concepts, ancestors = (read_parquet(opened.files(f"vocabulary/{name}")) for name in ("concept", "concept_ancestor"))
        stored = exposures(stored, ingredients(concepts, ancestors, stored))
    else:
        stored = occurrences(stored)
    return statement(
        """select m.{own} as row, s.id from {members} m
        join {spells} s on s.person_id = m.member and s.concept_id = m.{concept} and s.first between m.{start} and m.{end} order by 1, 2""",
        own=shape.id_column or "", members=_members(opened, rows), spells=stored, concept=f"{begin}_concept_id", start=f"{begin}_era_start_date",
        end=f"{begin}_era_end_date",
    )  # fmt: skip


def _members(opened: OpenRelease, rows: Tree) -> Tree:
    """Derived rows once for each patient, `member`, that has part in them: their own person, and those it is linked with."""
    own = statement("select r.*, r.person_id as member from {r} r", r=rows)
    if not opened.files("ext/ext_person_link"):
        return own
    links = statement("select person_id, master_person_id as master from {links} k where method <> 'own'", links=_stored(opened, "ext_person_link"))
    linked = statement(
        """select r.*, b.person_id as member from {r} r join {links} a on a.person_id = r.person_id
        join {links} b on b.master = a.master and b.person_id <> a.person_id""",
        links=links,
        r=rows,
    )
    return union_all([own, linked])


def _stored(opened: OpenRelease, name: str) -> Tree:
    return opened.view(lake_name(name).replace("/", "."))
