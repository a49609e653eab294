"""Fixed vectors of every hash, and the laws they must keep; each worked out a second time by Python alone (tests/hash_by_hand.py).

A vector that changes changes every id of every region: these numbers may never be mended to make a test pass.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.engine import hash as hashing
from suwen.engine.duck import Engine
from suwen.engine.sql import Tree, alias, col, integer, null, statement, table, text, typed
from suwen.model.extension import ALL_TABLES
from tests import hash_by_hand as by_hand

# type -> (Arrow type, values that occur)
KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "VARCHAR": (pa.string(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)),
    "BIGINT": (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)),
    "INTEGER": (pa.int32(), st.integers(-(2**31), 2**31 - 1) | st.integers(-3, 3)),
    "BOOLEAN": (pa.bool_(), st.booleans()),
    "DATE": (pa.date32(), st.dates(date(1, 1, 1), date(9999, 12, 31))),
    "TIMESTAMP": (pa.timestamp("us"), st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))),
    "DECIMAL(18,4)": (pa.decimal128(18, 4), st.decimals(Decimal("-99999999999999.9999"), Decimal("99999999999999.9999"), places=4)),
    "DECIMAL(24,8)": (
        pa.decimal128(24, 8),
        st.decimals(Decimal("-9999999999999999.99999999"), Decimal("9999999999999999.99999999"), places=8) | st.decimals(-5, 5, places=8),
    ),
}
COLUMNS = [(f"c{at}", kind) for at, kind in enumerate([*KINDS, "DATE", "INTEGER", "VARCHAR"])]
ROW = st.tuples(*(st.none() | KINDS[kind][1] for _, kind in COLUMNS))
Row = Sequence[Any]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(threads=2, memory="512MiB", scratch=tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.close()


def one(engine: Engine, tree: Tree) -> Any:
    return engine.one(statement("select {tree}", tree=tree))


def texts(*values: str | None) -> list[Tree]:
    return [typed(null(), "VARCHAR") if value is None else text(value) for value in values]


def literal(kind: str, value: Any) -> Tree:
    return typed(null() if value is None else text(str(value).lower() if isinstance(value, bool) else str(value)), kind)


# (words of the salt, text, bits, hash)
TEXTS = [
    (("person", "H001", "patient", "0"), "P1", 63, 5_512_584_363_527_522_371),
    (("person", "H001", "patient", "0"), "", 63, 1_690_258_539_639_849_536),
    (("person", "H001", "patient", "0"), "王㛃", 63, 4_774_657_345_341_345_819),
    (("人", "医院"), "😀 a\n", 63, 8_536_582_710_167_256_270),
    (("person", "H001", "patient", "0"), "P1", 20, 936_003),
]


@pytest.mark.parametrize(("words", "value", "bits", "expected"), TEXTS)
def test_the_hash_of_a_text(words: tuple[str, ...], value: str, bits: int, expected: int, engine: Engine) -> None:
    assert by_hand.prefix(*words) == hashing.prefix(*words)
    found = one(engine, hashing.text_hash(hashing.prefix(*words), text(value), bits))
    assert found == by_hand.text_hash(by_hand.prefix(*words), value, bits) == hashing.constant_hash(hashing.prefix(*words), value, bits) == expected


# (key, slot, bits, id)
IDS: list[tuple[tuple[str | None, ...], str | None, int, int | None]] = [
    (("P1",), None, 63, 4_099_701_444_409_312_826),
    (("P1",), "", 63, 4_099_701_444_409_312_826),
    (("P1",), "other-1", 63, 536_535_624_200_720_103),
    (("P1",), "|4112343", 63, 2_250_011_175_289_363_080),
    (("J1", "2"), None, 63, 7_129_816_643_966_228_664),
    (("2", "J1"), None, 63, 4_070_628_381_838_456_938),
    (("J12", ""), None, 63, 1_001_174_347_022_479_386),
    (("云海", "一"), "主要诊断", 63, 1_882_746_631_641_666_618),
    (("P1",), None, 20, 804_410),
    (("P1", None), None, 63, None),
]


@pytest.mark.parametrize(("key", "slot", "bits", "expected"), IDS)
def test_the_id_of_an_entity(key: tuple[str | None, ...], slot: str | None, bits: int, expected: int | None, engine: Engine) -> None:
    named, owned = ("diagnosis", "stay"), hashing.owner_hash("organisation", "H001")
    slotted = None if slot is None else text(slot)
    found = one(engine, hashing.entity_id(*named, texts(*key), slotted, integer(owned), bits))
    assert owned == by_hand.owner("organisation", "H001") and found == by_hand.entity_id(*named, key, slot, owned, bits) == expected
    if None not in key:
        whole = one(engine, hashing.entity_md5(*named, texts(*key), slotted, integer(owned)))
        assert whole == by_hand.entity_md5(*named, [part or "" for part in key], slot, owned)
        assert int(whole, 16) & (2**bits - 1) == found, "an id is cut from what the exception table names a key by"


RECORDS: list[tuple[tuple[str, ...], int, int]] = [
    (("P1",), 8_197_980_849_850_184_579, 758_335_288),
    (("J1", "2"), 5_037_014_623_509_836_179, 24_948_222),
    (("", "病"), 8_791_282_420_294_372_167, 652_338_184),
]


@pytest.mark.parametrize(("key", "expected", "check"), RECORDS)
def test_the_key_of_a_record(key: tuple[str, ...], expected: int, check: int, engine: Engine) -> None:
    assert one(engine, hashing.record_key(texts(*key))) == by_hand.record_key(key) == expected
    assert one(engine, hashing.record_check(texts(*key))) == by_hand.record_check(key) == check
    md5 = one(engine, hashing.record_md5(texts(*key)))
    assert int(md5, 16) & (2**63 - 1) == expected and int(md5, 16) >> 64 & (2**31 - 1) == check
    assert one(engine, hashing.record_key(texts(*key), 63, {md5: 42, "f" * 32: 43})) == 42
    assert one(engine, hashing.record_key([*texts(*key), typed(null(), "VARCHAR")])) is None


CONTENTS: list[tuple[dict[str, str | None], int]] = [
    ({"A": "1", "B": "2"}, 2_652_724_974_137_329_901),
    ({"A": "2", "B": "1"}, 2_534_026_233_094_644_928),
    ({"A": "1", "B": None}, 6_668_569_187_270_818_135),
    ({"A": "1", "B": ""}, 2_238_463_490_395_078_939),
    ({"A": None}, 0),
    ({"名": "王㛃", "A": "1"}, 1_513_673_608_719_343_980),
]


@pytest.mark.parametrize(("columns", "expected"), CONTENTS)
def test_the_content_of_a_record(columns: dict[str, str | None], expected: int, engine: Engine) -> None:
    trees = {name: literal("VARCHAR", value) for name, value in columns.items()}
    assert one(engine, hashing.content(trees)) == by_hand.content(columns) == expected
    assert one(engine, hashing.content(dict(reversed(trees.items())))) == expected, "the order of columns does not enter"
    assert one(engine, hashing.content({**trees, "not sent": literal("VARCHAR", None)})) == expected


# (type, value, hash of a row that has this value alone in a column c)
CELLS: list[tuple[str, Any, int]] = [
    ("VARCHAR", None, 1_219_129_291_567_492_034),
    ("VARCHAR", "", 7_446_484_667_444_467_006),
    ("VARCHAR", "a", 6_590_927_137_658_761_194),
    ("VARCHAR", "云岭市南湖区", 6_147_226_711_214_762_950),
    ("BIGINT", 0, 5_707_000_663_430_178_382),
    ("BIGINT", 1, 5_707_000_657_279_746_675),
    ("BIGINT", -1, 6_779_702_545_093_831_477),
    ("BIGINT", 2**63 - 1, 6_779_702_545_093_831_477),
    ("BIGINT", -(2**63), 5_707_000_663_430_178_382),
    ("INTEGER", -45, 6_779_702_515_362_657_785),
    ("BOOLEAN", True, 5_707_000_657_279_746_675),
    ("BOOLEAN", False, 5_707_000_663_430_178_382),
    ("DATE", date(1582, 10, 15), 5_707_000_663_430_178_382),
    ("DATE", date(1969, 12, 31), 5_707_054_871_647_640_532),
    ("DATE", date(2024, 2, 29), 5_706_746_753_369_982_315),
    ("DATE", date(1, 1, 1), 6_776_503_627_862_781_451),
    ("TIMESTAMP", datetime(2024, 2, 29, 23, 59, 59, 999_999), 5_503_389_456_534_915_435),
    ("TIMESTAMP", datetime(1969, 12, 31, 23, 59, 59), 6_779_443_025_151_827_438),
    ("DECIMAL(18,4)", Decimal("-31.5"), 6_780_034_072_860_915_798),
    ("DECIMAL(18,4)", Decimal("8999999999.9999"), 1_502_550_933_589_030_553),
    ("DECIMAL(18,4)", Decimal("9000000000"), 1_773_227_446_269_248_167),
    ("DECIMAL(18,4)", Decimal("99999999999999.9999"), 9_119_865_442_602_823_597),
    ("DECIMAL(24,8)", Decimal("0.00000001"), 5_707_000_657_279_746_675),
    ("DECIMAL(24,8)", Decimal("-0.00000001"), 6_779_702_545_093_831_477),
    ("DECIMAL(24,8)", Decimal("89999999999.99999999"), 6_290_450_749_541_647_618),
    ("DECIMAL(24,8)", Decimal("90000000000"), 5_398_084_294_559_104_060),
    ("DECIMAL(24,8)", Decimal("-9999999999999999.99999999"), 6_373_414_400_856_841_937),
]


@pytest.mark.parametrize(("kind", "value", "expected"), CELLS)
def test_the_hash_of_a_row_with_one_value(kind: str, value: Any, expected: int, engine: Engine) -> None:
    assert one(engine, hashing.row_hash([("c", kind, literal(kind, value))])) == by_hand.row_hash([("c", kind, value)]) == expected
    assert one(engine, hashing.mixed(typed(text(str(expected)), "BIGINT"))) == by_hand.mixed(expected)
    assert 0 <= by_hand.mixed(expected) < 2**63


def given_rows(engine: Engine, rows: Sequence[Row]) -> tuple[list[int], list[int]]:
    """The engine's hashes of rows, as they are and mixed."""
    data = {name: pa.array([row[at] for row in rows], KINDS[kind][0]) for at, (name, kind) in enumerate(COLUMNS)}
    engine.register("rows_in", pa.table({"nth": pa.array(range(len(rows)), pa.int64()), **data}))
    try:
        cells = [(name, kind, col(name)) for name, kind in COLUMNS]
        plain = statement("select nth, {row} as h from {r} r", row=hashing.row_hash(cells), r=table("rows_in"))
        in_steps = hashing.row_hashes(table("rows_in"), cells, [alias(col("nth"), "nth")])
        return tuple([h for _, h in sorted(engine.rows(query))] for query in (plain, in_steps))  # type: ignore[return-value]
    finally:
        engine.unregister("rows_in")


def hashed_by_hand(row: Row) -> int:
    return by_hand.row_hash([(name, kind, value) for (name, kind), value in zip(COLUMNS, row, strict=True)])


@settings(max_examples=30)  # each takes the engine tens of milliseconds
@given(st.lists(ROW, min_size=1, max_size=40))
def test_rows_as_python_hashes_them(engine: Engine, rows: list[Row]) -> None:
    plain, mixed = given_rows(engine, rows)
    assert plain == [hashed_by_hand(row) for row in rows]
    assert mixed == [by_hand.mixed(h) for h in plain]


@given(ROW, st.data())
def test_a_change_of_any_cells_changes_the_hash_of_a_row(row: Row, data: st.DataObject) -> None:
    changed = list(row)
    for at in data.draw(st.sets(st.integers(0, len(COLUMNS) - 1), min_size=1)):
        changed[at] = data.draw(st.none() | KINDS[COLUMNS[at][1]][1])
    assert (hashed_by_hand(row) == hashed_by_hand(changed)) == (list(row) == changed)


@pytest.mark.parametrize("columns", [("visit_start_date", "visit_end_date"), ("condition_start_date", "condition_end_date"), ("a", "b")])
@pytest.mark.parametrize("days", [1, 2, 7, 30, 365])
def test_two_dates_that_move_together_do_not_cancel(columns: tuple[str, str], days: int) -> None:
    """With one multiplier for all columns they did, in one case of eight."""
    for start in range(700_000, 740_000, 7):
        before = [(name, "DATE", date.fromordinal(start + at)) for at, name in enumerate(columns)]
        after = [(name, "DATE", date.fromordinal(start + at + days)) for at, name in enumerate(columns)]
        assert by_hand.row_hash(before) != by_hand.row_hash(after)


@settings(max_examples=30)
@given(st.lists(ROW, min_size=2, max_size=12), st.data())
def test_the_sum_over_rows_knows_no_order_but_every_row(engine: Engine, rows: list[Row], data: st.DataObject) -> None:
    total = sum(by_hand.mixed(hashed_by_hand(row)) for row in rows)
    shuffled = data.draw(st.permutations(rows))
    assert sum(given_rows(engine, shuffled)[1]) == total
    one, other, at = data.draw(st.tuples(st.integers(0, len(rows) - 1), st.integers(0, len(rows) - 1), st.integers(0, len(COLUMNS) - 1)))
    swapped = [list(row) for row in rows]
    swapped[one][at], swapped[other][at] = rows[other][at], rows[one][at]
    same = sorted(map(repr, swapped)) == sorted(repr(list(row)) for row in rows)
    assert (sum(by_hand.mixed(hashed_by_hand(row)) for row in swapped) == total) == same, "two rows that exchange a value are other rows"


def test_every_column_of_the_model_has_constants_of_its_own() -> None:
    names = sorted({column.name for shape in ALL_TABLES.values() for column in shape.columns} | {"_receipt", "_record", "_template"})
    for use in ("salt", "null", "low", "high"):
        assert len({by_hand.of_column(name, use) for name in names}) == len(names)
    assert all(2**30 < low < 2**31 < high < 2**32 and low % 2 and high % 2 for low, high in map(by_hand.multipliers, names))
