"""Loading a vocabulary: two published forms, one hash, whole or absent, and mistakes named with file and line."""

import csv
import datetime
import io
import json
import random
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.base.errors import Place, SuwenError
from suwen.engine.duck import Engine
from suwen.model.cdm import TABLES, Type
from suwen.repository import vocabulary
from suwen.repository.vocabulary import VocabularyVersion
from suwen.repository.vocabulary_files import VOCABULARY_TABLES

SUBSET = "data/synthea-omop-5.4/Synthea27Nj_5.4.zip"
CONCEPT = ["1", 'Say "ah", please', "Procedure", "Local", "Act", "S", "A1", "1970-01-01", "2099-12-31", None]
CONTENT: dict[str, list[list[str | None]]] = {
    "concept": [CONCEPT, ["2", "发热", "Condition", "Local", "Finding", None, "a1", "2020-02-29", "2021-01-01", "U"]],
    "concept_relationship": [["2", "1", "Maps to", "2020-02-29", "2099-12-31", None]],
    "vocabulary": [["None", "OMOP", None, "v5 test", "0"], ["Local", "Ours", None, None, "0"]],
    "drug_strength": [["1", "1", "0.00005", "1", None, None, None, None, "12", "1970-01-01", "2099-12-31", None]],
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(threads=2, memory="1GiB", scratch=tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.close()


def athena(table: str, rows: Sequence[Sequence[str | None]]) -> str:
    """The tab-delimited form: no quoting, dates without dashes."""
    dates = {i for i, c in enumerate(TABLES[table].columns) if c.type is Type.DATE}
    lines = ["\t".join(TABLES[table].row_columns)]
    lines += ["\t".join((v or "").replace("-", "") if i in dates else (v or "") for i, v in enumerate(row)) for row in rows]
    return "\n".join(lines) + "\n"


def comma(table: str, rows: Sequence[Sequence[str | None]]) -> str:
    """The comma-delimited form: quotes, ISO dates, names in capitals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([c.upper() for c in TABLES[table].row_columns])
    writer.writerows([v if v is not None else "" for v in row] for row in rows)
    return text.getvalue()


def written(folder: Path, **files: str | bytes) -> Path:
    folder.mkdir(parents=True)
    for table, content in files.items():
        (folder / f"{table.upper()}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def good(**files: str | bytes) -> dict[str, str | bytes]:
    return {t: athena(t, rows) for t, rows in CONTENT.items()} | files


def refused(tmp_path: Path, engine: Engine, **files: str | bytes) -> SuwenError:
    """The error of loading good files with some exchanged; nothing may be left behind."""
    store = tmp_path / "store"
    with pytest.raises(SuwenError) as caught:
        vocabulary.load(written(tmp_path / "files", **good(**files)), store, engine)
    assert not store.exists() or list(store.iterdir()) == []
    return caught.value


def rows_of(version: VocabularyVersion, table: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in pq.read_table(version.path(table)).to_pylist()]


def test_the_subset_is_loaded_row_for_row(shared: Path, tmp_path: Path, engine: Engine) -> None:
    version = vocabulary.load(shared / SUBSET, tmp_path, engine)
    with zipfile.ZipFile(shared / SUBSET) as archive:
        for table in VOCABULARY_TABLES:
            lines = csv.reader(io.TextIOWrapper(archive.open(table.upper() + ".csv"), "utf-8", newline=""))
            assert next(lines) == list(TABLES[table].row_columns)
            expected = [[v or None for v in line] for line in lines]
            loaded = pq.read_table(version.path(table))
            assert version.rows[table] == loaded.num_rows == len(expected)
            for i, column in enumerate(loaded.columns):
                assert column.cast("string").to_pylist() == [line[i] for line in expected]
    assert version.rows["concept"] == 2294
    assert version.rows["concept_ancestor"] == 0
    assert version.name == "v5.0 09-APR-22*"
    assert vocabulary.current(tmp_path) == version


def test_both_forms_give_the_same_rows_and_the_same_hash(tmp_path: Path, engine: Engine) -> None:
    tabs = vocabulary.load(written(tmp_path / "tabs", **good()), tmp_path / "a", engine)
    commas = vocabulary.load(written(tmp_path / "commas", **{t: comma(t, rows) for t, rows in CONTENT.items()}), tmp_path / "b", engine)
    assert tabs.hash == commas.hash
    assert tabs.name == "v5 test"
    assert rows_of(tabs, "concept")[0][1] == 'Say "ah", please'
    assert rows_of(tabs, "drug_strength")[0][2] == Decimal("0.00005000")
    for table in VOCABULARY_TABLES:
        assert rows_of(tabs, table) == rows_of(commas, table)
    assert set(tabs.absent) == set(VOCABULARY_TABLES) - set(CONTENT)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\t\r\n\x00", exclude_categories=["Cs"]), min_size=1, max_size=6)
DATES = st.dates().map(str)
CONCEPTS = st.lists(
    st.tuples(st.integers(0, 2**31 - 1).map(str), *[TEXTS] * 4, st.sampled_from(["S", "C", None]), TEXTS, DATES, DATES, st.sampled_from(["U", "D", None])),
    max_size=6,
    unique_by=lambda c: c[0],
)


@settings(max_examples=10)
@given(concepts=CONCEPTS, order=st.randoms(use_true_random=False))
def test_the_hash_is_of_the_rows_not_of_the_form_or_the_order(
    concepts: list[tuple[str | None, ...]], order: random.Random, tmp_path_factory: pytest.TempPathFactory, engine: Engine
) -> None:
    base, shuffled = tmp_path_factory.mktemp("law"), list(concepts)
    others = {t: athena(t, []) for t in ("concept_relationship", "vocabulary")}
    order.shuffle(shuffled)
    tabs = vocabulary.load(written(base / "tabs", concept=athena("concept", concepts), **others), base / "store", engine)
    commas = vocabulary.load(written(base / "commas", concept=comma("concept", shuffled), **others), base / "store", engine)
    assert tabs == commas
    assert sorted(map(str, rows_of(tabs, "concept"))) == sorted(str((int(c[0] or 0), *c[1:7], *rest(c))) for c in concepts)


@pytest.mark.parametrize(("column", "value"), [(1, "Say ah"), (5, None), (7, "1970-01-02"), (9, "D"), (6, "A1 ")])
def test_a_change_of_one_value_is_another_vocabulary(column: int, value: str | None, tmp_path: Path, engine: Engine) -> None:
    changed = [*CONCEPT[:column], value, *CONCEPT[column + 1 :]]
    one = vocabulary.load(written(tmp_path / "one", **good()), tmp_path / "store", engine)
    other = vocabulary.load(written(tmp_path / "two", **good(concept=athena("concept", [changed, CONTENT["concept"][1]]))), tmp_path / "store", engine)
    assert one.hash != other.hash


def rest(concept: tuple[str | None, ...]) -> tuple[object, ...]:
    return (*(datetime.date.fromisoformat(d or "") for d in concept[7:9]), concept[9])


def test_another_vocabulary_becomes_current_and_the_first_stays_readable(tmp_path: Path, engine: Engine) -> None:
    store = tmp_path / "store"
    assert vocabulary.current(store) is None
    first = vocabulary.load(written(tmp_path / "one", **good()), store, engine)
    second = vocabulary.load(written(tmp_path / "two", **good(concept=athena("concept", [CONCEPT]))), store, engine)
    assert vocabulary.current(store) == second != first
    assert vocabulary.opened(store, first.hash) == first
    assert vocabulary.load(tmp_path / "one", store, engine) == first == vocabulary.current(store)
    assert sorted(p.name for p in store.iterdir()) == sorted([first.hash, second.hash, "current.json"])
    assert json.loads((store / "current.json").read_text()) == {"hash": first.hash}


def test_what_a_killed_load_left_is_cleared(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "store" / ".loading-1").mkdir(parents=True)
    (tmp_path / "store" / ".loading-1" / "concept.parquet").write_bytes(b"half")
    version = vocabulary.load(written(tmp_path / "one", **good()), tmp_path / "store", engine)
    assert sorted(p.name for p in (tmp_path / "store").iterdir()) == sorted([version.hash, "current.json"])


def test_a_zip_in_any_case_with_a_byte_order_mark_and_further_columns(tmp_path: Path, engine: Engine) -> None:
    plain = vocabulary.load(written(tmp_path / "one", **good()), tmp_path / "store", engine)
    with zipfile.ZipFile(tmp_path / "v.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for table, text in good().items():
            lines = str(text).splitlines()
            archive.writestr(f"download/{table}.csv", "\ufeff" + lines[0].upper() + "\textra\n" + "".join(line + "\t?\n" for line in lines[1:]))
            archive.writestr(f"__MACOSX/download/{table}.csv", b"\x00")
    assert vocabulary.load(tmp_path / "v.zip", tmp_path / "store", engine) == plain


def test_progress_is_told_by_table(tmp_path: Path, engine: Engine) -> None:
    told: dict[str, int] = {}
    version = vocabulary.load(written(tmp_path / "one", **good()), tmp_path / "store", engine, told.__setitem__)
    assert told == dict(version.rows)


def broken(table: str, line: int, column: str, value: str | None) -> str:
    rows = [list(row) for row in CONTENT[table]]
    rows[line - 2][TABLES[table].row_columns.index(column)] = value
    return athena(table, rows)


@pytest.mark.parametrize(
    ("table", "line", "column", "value"),
    [
        ("concept", 3, "concept_id", "0x1F"),
        ("concept", 2, "concept_id", "2147483648"),
        ("concept", 3, "concept_id", None),
        ("concept", 2, "valid_start_date", "20230230"),
        ("concept", 3, "valid_end_date", "2023-1-01"),
        ("concept", 3, "valid_end_date", None),
        ("concept_relationship", 2, "concept_id_2", "1.0"),
        ("vocabulary", 3, "vocabulary_concept_id", "?"),
        ("drug_strength", 2, "amount_value", "1,5"),
        ("drug_strength", 2, "amount_value", "1e30"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_by_file_line_and_column(
    table: str, line: int, column: str, value: str | None, tmp_path: Path, engine: Engine
) -> None:
    error = refused(tmp_path, engine, **{table: broken(table, line, column, value)})
    assert error.where == Place(f"{table.upper()}.csv", line)
    assert column in error.what
    assert error.expected
    assert value is None or value not in str(error)


@pytest.mark.parametrize(
    ("concept", "line", "what"),
    [
        (athena("concept", CONTENT["concept"]) + "3\tx\n", 4, "2 fields"),
        (athena("concept", CONTENT["concept"]).encode().replace("热".encode(), b"\xff"), 3, "UTF-8"),
        (comma("concept", CONTENT["concept"]) + '3,"open', 4, "fields"),
        ("concept_id\tconcept_name\n", 1, "domain_id"),
        ("", 1, "concept_id"),
        (b"\xff\xfeconcept_id", 1, "UTF-8"),
        (athena("concept", [CONCEPT]).replace("domain_id\t", "concept_id\tdomain_id\t"), 1, "concept_id twice"),
    ],
    ids=["a short line", "not UTF-8", "an open quote", "missing columns", "empty", "another encoding", "a column twice"],
)
def test_a_misshapen_file_is_named_with_the_line(concept: str | bytes, line: int, what: str, tmp_path: Path, engine: Engine) -> None:
    error = refused(tmp_path, engine, concept=concept)
    assert error.where == Place("CONCEPT.csv", line)
    assert what in error.what


def test_a_fault_far_down_is_found(tmp_path: Path, engine: Engine) -> None:
    rows = [[str(i), "1", "Is a", "1970-01-01", "2099-12-31", None] for i in range(25_000)]
    rows[20_007][3] = "soon"
    error = refused(tmp_path, engine, concept_relationship=athena("concept_relationship", rows))
    assert error.where == Place("CONCEPT_RELATIONSHIP.csv", 20_009)


def test_a_repeated_key_is_named_with_its_lines(tmp_path: Path, engine: Engine) -> None:
    error = refused(tmp_path, engine, concept=athena("concept", [*CONTENT["concept"], CONCEPT]))
    assert (error.where, error.what) == ("CONCEPT.csv", "concept_id 1 stands on the lines 2, 4")
    error = refused(tmp_path / "again", engine, vocabulary=athena("vocabulary", [CONTENT["vocabulary"][0]] * 2))
    assert "vocabulary_id None stands on the lines 2, 3" in error.what


def test_missing_files_are_named(tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(SuwenError, match=r"no CONCEPT_RELATIONSHIP\.csv, VOCABULARY\.csv"):
        vocabulary.load(written(tmp_path / "files", concept=athena("concept", [])), tmp_path / "store", engine)
    with pytest.raises(SuwenError, match="no such folder"):
        vocabulary.load(tmp_path / "nowhere", tmp_path / "store", engine)


def test_two_files_for_one_table_are_refused(tmp_path: Path, engine: Engine) -> None:
    folder = written(tmp_path / "files", **good())
    (folder / "concept.csv").write_text(athena("concept", []))
    with pytest.raises(SuwenError, match="two files for the table concept"):
        vocabulary.load(folder, tmp_path / "store", engine)


def test_a_damaged_or_false_zip_is_refused(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "false.zip").write_bytes(b"PK not really")
    with pytest.raises(SuwenError, match="not a zip"):
        vocabulary.load(tmp_path / "false.zip", tmp_path / "store", engine)
    with zipfile.ZipFile(tmp_path / "v.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for table, text in good().items():
            archive.writestr(f"{table}.csv", text)
        inside = archive.getinfo("concept.csv")
    damaged = bytearray((tmp_path / "v.zip").read_bytes())
    at = inside.header_offset + 30 + len("concept.csv") + 60
    damaged[at : at + 40] = bytes(40)
    (tmp_path / "v.zip").write_bytes(bytes(damaged))
    with pytest.raises(SuwenError) as caught:
        vocabulary.load(tmp_path / "v.zip", tmp_path / "store", engine)
    assert "concept.csv" in str(caught.value.where)


def test_a_store_that_cannot_be_written_is_a_clear_error(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "store").write_text("a file stands where the folder should be")
    with pytest.raises(SuwenError, match="cannot be written"):
        vocabulary.load(written(tmp_path / "files", **good()), tmp_path / "store", engine)


def test_an_unknown_hash_is_said_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match="is not here"):
        vocabulary.opened(tmp_path, "0" * 64)
