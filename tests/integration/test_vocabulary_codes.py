"""Source codes become standard concepts: the packs' maps first, then the vocabulary, and concept 0 with its source where neither leads."""

import csv
import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

from suwen.base.errors import Place
from suwen.engine.duck import Engine
from suwen.model.cdm import TABLES
from suwen.model.pack import CodeMap, CodeMapEntry, LocalConcept, Source
from suwen.repository import vocabulary
from suwen.repository.code_resolution import concept_table, map_table, resolve, source_to_concept_map
from suwen.repository.vocabulary import VocabularyVersion

SUBSET = "data/synthea-omop-5.4/Synthea27Nj_5.4.zip"
HERE = Place("map.csv", 1)

# id, domain, vocabulary, standard, code, from, invalid
CONCEPTS = """
1   Condition   SNOMED  S  100   1970-01-01  -
2   Condition   SNOMED  S  200   1970-01-01  -
3   Measurement SNOMED  S  300   1970-01-01  -
4   Meas Value  SNOMED  S  400   1970-01-01  -
5   Condition   SNOMED  -  500   1970-01-01  U
10  Condition   ICD10   -  J18.9 1970-01-01  -
11  Condition   ICD10   -  Z99   1970-01-01  -
12  Condition   ICD10   -  E11   1970-01-01  -
13  Condition   ICD10   -  R50   1970-01-01  -
14  Condition   ICD10   -  r50   1970-01-01  -
15  Condition   ICD10   -  B97   1970-01-01  -
16  Condition   ICD10   C  CLS   1970-01-01  -
17  Condition   ICD10   -  OLD   1970-01-01  -
18  Condition   ICD10   -  OLD   1990-01-01  D
19  Condition   ICD10   -  OLD   1980-01-01  -
20  Unit        UCUM    S  mg    1970-01-01  -
21  Unit        UCUM    S  Mg    1970-01-01  -
22  Unit        UCUM    S  mL    1970-01-01  -
"""
RELATIONS = """
1 1 Maps_to -
10 1 Maps_to -
11 5 Maps_to -
12 1 Maps_to -
12 2 Maps_to -
12 3 Is_a -
12 4 Maps_to_value -
13 2 Maps_to D
13 3 Maps_to -
15 3 Maps_to -
15 4 Maps_to_value -
5 2 Maps_to -
3 1 Maps_to -
17 1 Maps_to -
18 2 Maps_to -
19 2 Maps_to -
10 999 Maps_to -
"""


class Row(NamedTuple):
    source_concept_id: int
    concept_id: int
    domain: str | None
    slot: str
    first: bool
    standing: str


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(threads=2, memory="1GiB", scratch=tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> VocabularyVersion:
    """A vocabulary of a few concepts, each for one case."""
    folder = tmp_path_factory.mktemp("small")
    concepts = [line.replace("Meas Value", "Meas_Value").split() for line in CONCEPTS.strip().splitlines()]
    rows = [(i, "a name", d.replace("_", " "), v, "x", s, c, f, "2099-12-31", bad) for i, d, v, s, c, f, bad in concepts]
    links = [(a, b, r.replace("_", " "), "1970-01-01", "2099-12-31", bad) for a, b, r, bad in (line.split() for line in RELATIONS.strip().splitlines())]
    for table, content in (("concept", rows), ("concept_relationship", links), ("vocabulary", [])):
        lines = [TABLES[table].row_columns, *(["" if v == "-" else v for v in row] for row in content)]
        (folder / f"{table}.csv").write_text("".join("\t".join(line) + "\n" for line in lines))
    return vocabulary.load(folder, folder / "store", engine)


def code_map(system: str, *entries: tuple[str, int | None, str, str]) -> CodeMap:
    listed = tuple(CodeMapEntry(code, f"name of {code}", concept, of, target) for code, concept, of, target in entries)
    return CodeMap(system, HERE, {"en": system}, "tests", Source("none", "1", "verified"), listed)


def resolved(
    engine: Engine,
    pairs: Iterable[tuple[str | None, str | None]],
    version: VocabularyVersion | None,
    maps: Iterable[CodeMap] = (),
    concepts: Iterable[LocalConcept] = (),
) -> Mapping[tuple[str, str], list[Row]]:
    """The rows of `resolve` by (system, code), in the order of their concepts."""
    systems, codes = zip(*pairs, strict=True)
    engine.register("pairs", pa.table({"system": pa.array(systems, pa.string()), "code": pa.array(codes, pa.string())}))
    try:
        resolve(engine, "pairs", vocabulary=version, maps=map_table(maps), concepts=concept_table(concepts))
    finally:
        engine.unregister("pairs")
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for system, code, *values in engine.rows(
        "select system, code, source_concept_id, concept_id, domain, slot, first, standing from resolution order by system, code, concept_id"
    ):
        found[system, code].append(Row(*values))
    assert all([r.first for r in rows] == [True] + [False] * (len(rows) - 1) for rows in found.values())
    return found


def one(engine: Engine, version: VocabularyVersion | None, system: str, code: str, *maps: CodeMap) -> Row:
    (row,) = resolved(engine, [(system, code)], version, maps)[system, code]
    return row


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        ("SNOMED", "100", Row(1, 1, "Condition", "", True, "mapped")),
        ("SNOMED", "300", Row(3, 3, "Measurement", "", True, "mapped")),
        ("SNOMED", "500", Row(5, 2, "Condition", "", True, "mapped")),
        ("ICD10", "J18.9", Row(10, 1, "Condition", "", True, "mapped")),
        ("ICD10", "j18.9", Row(10, 1, "Condition", "", True, "mapped")),
        ("ICD10", "R50", Row(13, 3, "Measurement", "", True, "mapped")),
        ("ICD10", "r50", Row(14, 0, None, "", True, "not standard")),
        ("ICD10", "Z99", Row(11, 0, None, "", True, "not standard")),
        ("ICD10", "CLS", Row(16, 0, None, "", True, "not standard")),
        ("ICD10", "OLD", Row(19, 2, "Condition", "", True, "mapped")),
        ("ICD10", "X00", Row(0, 0, None, "", True, "unmapped")),
        ("ICD9", "J18.9", Row(0, 0, None, "", True, "unmapped")),
        ("UCUM", "mg", Row(20, 20, "Unit", "", True, "mapped")),
        ("UCUM", "MG", Row(0, 0, None, "", True, "unmapped")),
        ("UCUM", "ML", Row(0, 0, None, "", True, "unmapped")),
        ("ICD10", "", Row(0, 0, None, "", True, "unmapped")),
    ],
    ids=[
        "a standard concept",
        "a standard concept is its own answer, whatever it maps to",
        "a replaced one",
        "a source code",
        "in the other case",
        "an ended relationship does not count",
        "of two cases the exact one",
        "a map to what is no longer standard",
        "a classification",
        "a code used again: valid, then latest",
        "an unknown code",
        "an unknown system",
        "a unit",
        "units differ by case",
        "even where one alone answers",
        "an empty code",
    ],
)
def test_a_code_of_a_vocabulary(system: str, code: str, expected: Row, engine: Engine, small: VocabularyVersion) -> None:
    assert one(engine, small, system, code) == expected


def test_a_code_that_maps_to_several_has_a_row_and_a_slot_for_each(engine: Engine, small: VocabularyVersion) -> None:
    assert resolved(engine, [("ICD10", "E11")], small)["ICD10", "E11"] == [
        Row(12, 1, "Condition", "1", True, "mapped"),
        Row(12, 2, "Condition", "2", False, "mapped"),
    ]


def test_a_value_said_by_the_code_itself_comes_with_it(engine: Engine, small: VocabularyVersion) -> None:
    resolved(engine, [("ICD10", "B97"), ("ICD10", "E11"), ("SNOMED", "300")], small)
    values = engine.rows("select distinct code, value_concept_id from resolution order by code")
    assert values == [("300", None), ("B97", 4), ("E11", None)]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (("k", 2, "", ""), Row(0, 2, "Condition", "", True, "mapped")),
        (("k", 5, "", ""), Row(0, 2, "Condition", "", True, "mapped")),
        (("k", 11, "", ""), Row(0, 0, None, "", True, "not standard")),
        (("k", 8507, "", ""), Row(0, 8507, None, "", True, "not in vocabulary")),
        (("k", 0, "", ""), Row(0, 0, None, "", True, "no concept")),
        (("k", None, "SNOMED", "300"), Row(0, 3, "Measurement", "", True, "mapped")),
        (("k", None, "ICD10", "J18.9"), Row(0, 1, "Condition", "", True, "mapped")),
        (("k", None, "ICD10", "Z99"), Row(0, 0, None, "", True, "not standard")),
        (("k", None, "SNOMED", "nosuch"), Row(0, 0, None, "", True, "not in vocabulary")),
        (("K", 2, "", ""), Row(0, 0, None, "", True, "unmapped")),
        (("k", 2_000_000_001, "", ""), Row(0, 2_000_000_001, "Observation", "", True, "mapped")),
    ],
    ids=[
        "a concept",
        "a concept replaced since",
        "a concept that leads nowhere",
        "a concept the vocabulary lacks",
        "said to have no standard concept",
        "a code",
        "a code that maps on",
        "a code that leads nowhere",
        "a code the vocabulary lacks",
        "a map is read in its own case",
        "a pack's own concept",
    ],
)
def test_an_entry_of_a_code_map(entry: tuple[str, int | None, str, str], expected: Row, engine: Engine, small: VocabularyVersion) -> None:
    own = LocalConcept(2_000_000_001, "ours", "Observation", "o", HERE)
    assert resolved(engine, [("local", "k")], small, [code_map("local", entry)], [own])["local", "k"] == [expected]


def test_a_map_decides_against_the_vocabulary_and_keeps_the_source_concept(engine: Engine, small: VocabularyVersion) -> None:
    assert one(engine, small, "ICD10", "J18.9", code_map("ICD10", ("J18.9", 3, "", ""))) == Row(10, 3, "Measurement", "", True, "mapped")
    assert one(engine, small, "ICD10", "J18.9", code_map("ICD10", ("J18.9", 0, "", ""))) == Row(10, 0, None, "", True, "no concept")
    assert one(engine, small, "ICD10", "J18.9", code_map("ICD10", ("other", 3, "", ""))) == Row(10, 1, "Condition", "", True, "mapped")


def test_a_map_to_several_concepts_keeps_those_that_lead_somewhere(engine: Engine, small: VocabularyVersion) -> None:
    several = code_map("local", ("k", 3, "", ""), ("k", None, "ICD10", "E11"), ("k", 1, "", ""), ("k", None, "ICD10", "Z99"))
    assert [(r.concept_id, r.slot) for r in resolved(engine, [("local", "k")], small, [several])["local", "k"]] == [(1, "1"), (2, "2"), (3, "3")]


def test_without_a_vocabulary_a_declared_concept_is_taken_and_its_codes_are_not_judged(engine: Engine) -> None:
    maps = [code_map("local", ("m", 8507, "", ""), ("f", None, "Gender", "F"))]
    assert one(engine, None, "local", "m", *maps) == Row(0, 8507, None, "", True, "mapped")
    assert one(engine, None, "local", "f", *maps) == Row(0, 0, None, "", True, "no vocabulary")
    assert one(engine, None, "ICD10", "J18.9", *maps) == Row(0, 0, None, "", True, "no vocabulary")
    assert one(engine, None, "local", "x", *maps) == Row(0, 0, None, "", True, "unmapped")
    assert one(engine, None, "nowhere", "x", *maps) == Row(0, 0, None, "", True, "unmapped")


def test_repeated_pairs_are_one_and_null_codes_none(engine: Engine, small: VocabularyVersion) -> None:
    found = resolved(engine, [("SNOMED", "100"), ("SNOMED", "100"), ("SNOMED", None), (None, "100")], small)
    assert {k: len(v) for k, v in found.items()} == {("SNOMED", "100"): 1}


def test_nothing_used_gives_nothing(engine: Engine, small: VocabularyVersion) -> None:
    assert resolved(engine, [(None, None)], small) == {}


def test_the_relation_has_the_promised_types_and_leaves_no_other_table(engine: Engine, small: VocabularyVersion) -> None:
    resolved(engine, [("SNOMED", "100")], small)
    types = {name: kind for name, kind, *_ in engine.rows("describe resolution")}
    assert types["source_concept_id"] == types["concept_id"] == types["value_concept_id"] == "INTEGER"
    assert types["first"] == "BOOLEAN"
    assert [name for (name,) in engine.rows("select table_name from duckdb_tables() where table_name like 'resolution%'")] == ["resolution"]


def test_the_maps_become_rows_of_source_to_concept_map(engine: Engine, small: VocabularyVersion) -> None:
    maps = map_table([code_map("local", ("a", 5, "", ""), ("b", None, "ICD10", "E11"), ("c", None, "Gender", "F"), ("d", 8507, "", ""))])
    source_to_concept_map(engine, vocabulary=small, maps=maps, concepts=concept_table([]))
    described = engine.rows("describe source_to_concept_map")
    assert [(name, kind) for name, kind, *_ in described] == [(c.name, str(c.type)) for c in TABLES["source_to_concept_map"].columns]
    rows = engine.rows("select source_code, source_vocabulary_id, source_code_description, target_concept_id, target_vocabulary_id from source_to_concept_map")
    assert sorted(rows) == [
        ("a", "local", "name of a", 2, "SNOMED"),
        ("b", "local", "name of b", 1, "SNOMED"),
        ("b", "local", "name of b", 2, "SNOMED"),
        ("c", "local", "name of c", 0, "Gender"),
        ("d", "local", "name of d", 8507, "None"),
    ]
    assert engine.rows("select * from source_to_concept_map_lacking") == [("local", 2, '["c","d"]')]
    required = " or ".join(f"{c} is null" for c in TABLES["source_to_concept_map"].required)
    assert engine.one(f"select count(*) from source_to_concept_map where {required}") == 0


# Against the subset: an answer of our own in plain Python, from the same CSV and Synthea's raw codes.

SYNTHEA = {"conditions": "SNOMED", "procedures": "SNOMED", "observations": "LOINC", "medications": "RxNorm", "immunizations": "CVX", "devices": "SNOMED"}


def subset(shared: Path, table: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(shared / SUBSET) as archive:
        return list(csv.DictReader(io.TextIOWrapper(archive.open(f"{table}.csv"), "utf-8", newline="")))


def synthea_codes(shared: Path) -> Counter[tuple[str, str]]:
    """How often each (system, code) stands in Synthea's raw files."""
    count: Counter[tuple[str, str]] = Counter()
    for kind, system in SYNTHEA.items():
        with (shared / f"data/synthea-csv/{kind}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                count[system, row["CODE"]] += 1
                if row.get("UNITS"):
                    count["UCUM", row["UNITS"]] += 1
    return count


def plain_answer(shared: Path, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, set[tuple[int, str]]]]:
    """(source concept, {(standard concept, domain)}) by pair, as a reader of the OMOP conventions would look them up by hand."""
    concepts = subset(shared, "CONCEPT")
    by_code = {(c["vocabulary_id"], c["concept_code"]): int(c["concept_id"]) for c in concepts}
    standard = {int(c["concept_id"]): c["domain_id"] for c in concepts if c["standard_concept"] == "S"}
    maps_to: dict[int, set[int]] = defaultdict(set)
    for link in subset(shared, "CONCEPT_RELATIONSHIP"):
        if link["relationship_id"] == "Maps to" and not link["invalid_reason"]:
            maps_to[int(link["concept_id_1"])].add(int(link["concept_id_2"]))
    answer = {}
    for pair in pairs:
        source = by_code.get(pair, 0)
        targets = {source} if source in standard else maps_to[source] & standard.keys()
        answer[pair] = (source, {(t, standard[t]) for t in targets} or {(0, "")})
    return answer


@pytest.fixture(scope="module")
def loaded(shared: Path, tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> VocabularyVersion:
    return vocabulary.load(shared / SUBSET, tmp_path_factory.mktemp("subset"), engine)


def test_every_concept_of_the_subset_resolves_as_looked_up_by_hand(shared: Path, engine: Engine, loaded: VocabularyVersion) -> None:
    pairs = [(c["vocabulary_id"], c["concept_code"]) for c in subset(shared, "CONCEPT")]
    assert len(pairs) == 2294
    ours = resolved(engine, pairs, loaded)
    assert {k: (v[0].source_concept_id, {(r.concept_id, r.domain or "") for r in v}) for k, v in ours.items()} == plain_answer(shared, pairs)


def test_synthea_rows_per_domain_are_those_counted_by_hand(shared: Path, engine: Engine, loaded: VocabularyVersion) -> None:
    used = synthea_codes(shared)
    by_hand: Counter[str] = Counter()
    for pair, (_, targets) in plain_answer(shared, used).items():
        for _, domain in targets:
            by_hand[domain] += used[pair]
    ours: Counter[str] = Counter()
    for pair, rows in resolved(engine, used, loaded).items():
        for row in rows:
            ours[row.domain or ""] += used[pair]
    assert ours == by_hand
    assert ours["Condition"] > 0
    assert ours["Measurement"] > 0
    assert sum(ours.values()) >= sum(used.values())
