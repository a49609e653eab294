"""The rules of eras: worked by hand, and against a plain computation over thousands of spells."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from suwen.engine.duck import Engine
from suwen.engine.sql import Tree, statement
from suwen.flow.eras import eras, exposures, ingredients, occurrences
from tests import eras_by_hand as plain

NEW_YEAR = date(2024, 1, 1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(threads=1, memory="256MB", scratch=tmp_path)
    yield engine
    engine.close()


def day(number: int | None) -> date | None:
    return None if number is None else NEW_YEAR + timedelta(number - 1)


def table(engine: Engine, name: str, columns: dict[str, pa.DataType], rows: Sequence[Sequence[object]]) -> Tree:
    engine.register("given", pa.table([pa.array([row[n] for row in rows], kind) for n, kind in enumerate(columns.values())], names=list(columns)))
    engine.temporary(name, statement("select * from given"))
    engine.unregister("given")
    return statement("select * from {n} n", n=name)


def spells(engine: Engine, rows: Sequence[tuple[int, int, date, date]]) -> Tree:
    return table(engine, "spells", {"person_id": pa.int64(), "concept_id": pa.int32(), "first": pa.date32(), "last": pa.date32()}, rows)


def worked(engine: Engine, query: Tree) -> list[tuple[object, ...]]:
    return engine.rows(statement("select person_id, concept_id, first, last, records, gap from {e} e order by all", e=eras(query)))


# (spells as days of the year, first and last), (eras: first, last, spells, gap days)
WORKED = {
    "one day": ([(5, 5)], [(5, 5, 1, 0)]),
    "30 days apart": ([(1, 10), (40, 45)], [(1, 45, 2, 30)]),
    "31 days apart": ([(1, 10), (41, 45)], [(1, 10, 1, 0), (41, 45, 1, 0)]),
    "the next day": ([(1, 10), (11, 12)], [(1, 12, 2, 1)]),
    "the same day again": ([(3, 6), (3, 6), (3, 4)], [(3, 6, 3, 0)]),
    "beginning where another ends": ([(1, 10), (10, 20)], [(1, 20, 2, 0)]),
    "overlapping": ([(1, 10), (8, 15)], [(1, 15, 2, 0)]),
    "nested: the longer end counts": ([(1, 60), (5, 8), (90, 91)], [(1, 91, 3, 30)]),
    "nested, then out of reach": ([(1, 60), (5, 8), (91, 91)], [(1, 60, 2, 0), (91, 91, 1, 0)]),
    "several gaps": ([(1, 2), (5, 6), (36, 36), (67, 68)], [(1, 36, 3, 33), (67, 68, 1, 0)]),
    "as in issue 761 of the CDM": ([(1, 5), (3, 7), (11, 13), (16, 20)], [(1, 20, 4, 7)]),
}


@pytest.mark.parametrize("case", WORKED)
def test_worked_by_hand(case: str, engine: Engine) -> None:
    given, expected = WORKED[case]
    rows = [(1, 7, day(first), day(last)) for first, last in given]
    eras_of_it = [(1, 7, day(first), day(last), n, gap) for first, last, n, gap in expected]
    assert worked(engine, spells(engine, rows)) == eras_of_it  # type: ignore[arg-type]
    assert plain.eras(plain.Spell(*row) for row in rows) == eras_of_it  # type: ignore[arg-type]


def test_persons_and_concepts_stand_alone(engine: Engine) -> None:
    rows = [(1, 7, NEW_YEAR, NEW_YEAR), (1, 8, NEW_YEAR, NEW_YEAR), (2, 7, NEW_YEAR, NEW_YEAR)]
    assert worked(engine, spells(engine, rows)) == [(*row, 1, 0) for row in rows]


def test_thousands_of_spells(engine: Engine) -> None:
    chance = random.Random(1)
    rows = []
    for _ in range(6_000):
        first = NEW_YEAR + timedelta(chance.randrange(700))
        rows.append((chance.randrange(150), chance.randrange(4), first, first + timedelta(chance.choice([0, 0, 1, 1, 3, 7, 14, 30, 90]))))
    expected = plain.eras(plain.Spell(*row) for row in rows)
    assert worked(engine, spells(engine, rows)) == expected
    assert len(expected) > 2_000 and sum(era.records > 1 for era in expected) > 500 and sum(era.gap > 0 for era in expected) > 500


def test_the_days_of_a_condition(engine: Engine) -> None:
    columns = {"condition_occurrence_id": pa.int64(), "person_id": pa.int64(), "condition_concept_id": pa.int32()}
    columns |= {"condition_start_date": pa.date32(), "condition_end_date": pa.date32()}
    rows = [(1, 1, 7, day(5), day(9)), (2, 1, 7, day(5), None), (3, 1, 7, day(5), day(2)), (4, 1, 0, day(5), day(9))]
    query = statement("select id, first, last from {o} o order by 1", o=occurrences(table(engine, "conditions", columns, rows)))
    assert engine.rows(query) == [(1, day(5), day(9)), (2, day(5), day(6)), (3, day(5), day(5))]


def test_the_days_of_a_drug(engine: Engine) -> None:
    columns = {"drug_exposure_id": pa.int64(), "person_id": pa.int64(), "drug_concept_id": pa.int32()}
    columns |= {"drug_exposure_start_date": pa.date32(), "drug_exposure_end_date": pa.date32(), "days_supply": pa.int32()}
    given: list[tuple[int, int | None, int | None]] = [  # drug, last day, days of supply
        (11, 9, 90), (11, None, 7), (11, None, 0), (11, None, None), (11, 2, None), (11, 9, -1), (0, 9, None),
        (12, 9, None), (99, 9, None), (11, None, 2**31 - 1),
    ]  # fmt: skip
    rows = [(n, 1, drug, day(5), day(last), supply) for n, (drug, last, supply) in enumerate(given, 1)]
    pairs = table(engine, "pairs", {"drug": pa.int32(), "ingredient": pa.int32()}, [(11, 1), (12, 1), (12, 2), (0, 1)])
    query = statement("select id, concept_id, first, last from {e} e order by 1, 2", e=exposures(table(engine, "drugs", columns, rows), pairs))
    ends = [(1, 1, 9), (2, 1, 12), (3, 1, 6), (4, 1, 6), (5, 1, 5), (8, 1, 9), (8, 2, 9), (10, 1, 6)]
    assert engine.rows(query) == [(number, ingredient, day(5), day(last)) for number, ingredient, last in ends]


def test_ingredients_are_those_of_rxnorm(engine: Engine) -> None:
    kinds = {"concept_id": pa.int32(), "vocabulary_id": pa.string(), "concept_class_id": pa.string()}
    concepts = [
        (1, "RxNorm", "Ingredient"),
        (2, "RxNorm", "Ingredient"),
        (3, "RxNorm", "Clinical Drug"),
        (4, "RxNorm Extension", "Ingredient"),
        (5, "ATC", "ATC 5th"),
    ]
    ancestors = [(1, 1), (1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (1, 3), (1, 6)]
    of = {"ancestor_concept_id": pa.int32(), "descendant_concept_id": pa.int32()}
    used = table(engine, "used", {"drug_concept_id": pa.int32()}, [(1,), (3,), (3,), (7,)])
    query = ingredients(table(engine, "concepts", kinds, concepts), table(engine, "ancestors", of, ancestors), used)
    assert engine.rows(statement("select drug, ingredient from {i} i order by all", i=query)) == [(1, 1), (3, 1), (3, 2)]


def test_no_era_ends_after_the_last_day_that_readers_know(engine: Engine) -> None:
    columns = {"condition_occurrence_id": pa.int64(), "person_id": pa.int64(), "condition_concept_id": pa.int32()}
    columns |= {"condition_start_date": pa.date32(), "condition_end_date": pa.date32()}
    rows = table(engine, "conditions", columns, [(1, 1, 7, date.max, None)])
    assert engine.rows(statement("select first, last from {o} o", o=occurrences(rows))) == [(date.max, date.max)]
