"""Spark works out the same ids, record keys, content hashes and row hashes, bit for bit, from the definitions written once more as Spark SQL."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suwen.engine import hash as hashing
from suwen.engine.duck import Engine
from suwen.engine.sql import alias, col, integer, read_parquet, statement, text
from tests import hash_by_hand as by_hand

pytestmark = [pytest.mark.deep, pytest.mark.filterwarnings("ignore")]  # PySpark's own warnings are not ours to mend

ROWS = 10_000
MASK = 2**63 - 1
COLUMNS = {
    "code": "VARCHAR",
    "病名": "VARCHAR",
    "number": "BIGINT",
    "concept_id": "INTEGER",
    "is_open": "BOOLEAN",
    "start_date": "DATE",
    "end_date": "DATE",
    "start_datetime": "TIMESTAMP",
    "total_charge": "DECIMAL(18,4)",
    "value_as_number": "DECIMAL(24,8)",
}
ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "DECIMAL(18,4)": pa.decimal128(18, 4),
    "DECIMAL(24,8)": pa.decimal128(24, 8),
}
ENTITY, KEY, SLOT = ("diagnosis", "住院"), ("code", "病名"), "slot"
OWNER = by_hand.owner("organisation", "H001")


def values(kind: str, dice: random.Random) -> Any:
    """A value of a type: ordinary, extreme, or null."""
    if dice.random() < 0.1:
        return None
    if kind == "VARCHAR":
        return "".join(dice.choice("abcXYZ019 |'\"\\\n\u3000患者㛃😀é") for _ in range(dice.choice((0, 1, 5, 30))))
    if kind.startswith("DECIMAL"):
        width, scale = (int(number) for number in kind.removeprefix("DECIMAL(").removesuffix(")").split(","))
        digits = dice.choice((2, scale + 1, scale + 6, scale + 10, width))
        return Decimal(dice.randint(-(10**digits) + 1, 10**digits - 1)).scaleb(-scale)
    if kind == "DATE":
        return date.fromordinal(dice.choice((dice.randint(1, 3_652_059), dice.randint(700_000, 740_000))))
    if kind == "TIMESTAMP":
        return datetime(1, 1, 1) + timedelta(microseconds=dice.randint(0, 9998 * 365 * 86_400 * 10**6))
    bits = dice.choice((1, 8, 20, 31 if kind == "INTEGER" else 63))
    return dice.random() < 0.5 if kind == "BOOLEAN" else dice.randint(-(2**bits), 2**bits - 1)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    dice = random.Random(20240229)
    made = [{"nth": nth, "slot": values("VARCHAR", dice), **{name: values(kind, dice) for name, kind in COLUMNS.items()}} for nth in range(ROWS)]
    return [*made, {"nth": ROWS, "slot": None, **dict.fromkeys(COLUMNS)}]


@pytest.fixture(scope="module")
def file(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    schema = pa.schema([("nth", pa.int64()), ("slot", pa.string()), *((name, ARROW[kind]) for name, kind in COLUMNS.items())])
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(threads=2, memory="1GiB", scratch=tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def spark(file: Path) -> Iterator[Any]:
    from pyspark.sql import SparkSession  # noqa: PLC0415 PySpark is an extra, and this module is collected without it too

    local = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.memory": "1g"}
    settings = {"spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2", **local}
    builder = SparkSession.builder.master("local[2]").appName("hashes")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    session.read.parquet(str(file)).createOrReplaceTempView("records")
    yield session
    session.stop()


# The definitions in Spark's SQL. A lambda over a list of one names a value once that is used several times.


def let(value: str, body: str) -> str:
    return f"transform(array({value}), v -> {body})[0]"


def literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def md5_half(salt: str, value: str, half: int) -> str:
    """Eight bytes of an md5 as a little-endian number of 64 bits, the low (0) or the high (1) ones."""
    reversed_bytes = ", ".join(f"substr(v, {half * 16 + 2 * at + 1}, 2)" for at in range(7, -1, -1))
    return let(f"md5(cast(concat({literal(salt)}, {value}) as binary))", f"cast(conv(concat({reversed_bytes}), 16, -10) as bigint)")


def text_hash(salt: str, value: str, bits: int = 63) -> str:
    return f"({md5_half(salt, value, 0)} & {2**bits - 1}L)"


def entity_id(parts: Sequence[str], slot: str, bits: int = 63) -> str:
    entity, system = ENTITY
    hashes = [text_hash(by_hand.prefix(entity, system, str(at)), part, bits) for at, part in enumerate(parts)]
    slotted = f"case when coalesce({slot}, '') = '' then 0L else {text_hash(by_hand.prefix(entity, 'slot'), slot, bits)} end"
    return " ^ ".join([*hashes, f"({slotted})", f"({OWNER} & {2**bits - 1}L)"])


def record_check(parts: Sequence[str]) -> str:
    return " ^ ".join(f"({md5_half(by_hand.prefix('key', str(at)), part, 1)} & {2**31 - 1}L)" for at, part in enumerate(parts))


def content(names: Sequence[str]) -> str:
    return " ^ ".join(f"coalesce({text_hash(by_hand.prefix('content', name), f'`{name}`')}, 0L)" for name in names)


def spread(value: str, by_low: int, by_high: int) -> str:
    return let(value, f"((v & {2**32 - 1}L) * {by_low}L) ^ (shiftright(v, 32) * {by_high}L) ^ shiftright(v, 29)")


def mixed(value: str) -> str:
    return spread(spread(value, *by_hand.FIRST), *by_hand.SECOND)


def cell(name: str, kind: str) -> str:
    column = f"`{name}`"
    if kind == "VARCHAR":
        return f"coalesce({text_hash(by_hand.prefix('row', name), column)}, {by_hand.of_column(name, 'null')}L)"
    numbers: Mapping[str, str] = {
        "DATE": f"cast(datediff({column}, date'1582-10-15') as bigint)",
        "TIMESTAMP": f"unix_micros(cast({column} as timestamp))",
    }
    salt = f"{by_hand.of_column(name, 'salt')}L"
    base = f"(({numbers.get(kind, f'cast({column} as bigint)')} & {MASK}L) ^ {salt})"
    if kind in by_hand.DECIMALS:
        scale, limit = by_hand.DECIMALS[kind]
        digits = f"cast({column} * cast({10**scale} as decimal({scale + 1},0)) as bigint)"
        as_text = text_hash(by_hand.prefix("row", name), f"cast({column} as string)")
        base = f"(case when abs({column}) < {limit} then (({digits} & {MASK}L) ^ {salt}) else {as_text} end)"
    return f"coalesce({spread(base, *by_hand.multipliers(name))}, {by_hand.of_column(name, 'null')}L)"


def row_hash() -> str:
    return " ^ ".join(cell(name, kind) for name, kind in COLUMNS.items())


def by_spark(spark: Any, *expressions: str) -> list[tuple[Any, ...]]:
    listed = ", ".join(f"{expression} as x{at}" for at, expression in enumerate(expressions))
    return [tuple(row)[1:] for row in spark.sql(f"select nth, {listed} from records order by nth").collect()]


def by_duckdb(engine: Engine, file: Path, *trees: Any) -> list[tuple[Any, ...]]:
    listed = [alias(tree, f"x{at}") for at, tree in enumerate(trees)]
    return [row[1:] for row in sorted(engine.rows(statement("select nth, {listed} from {r} r", listed=listed, r=read_parquet([str(file)]))))]


def test_ids_and_keys_are_the_same(spark: Any, engine: Engine, file: Path, rows: list[dict[str, Any]]) -> None:
    names = [f"`{name}`" for name in KEY]
    keys = [col(name) for name in KEY]
    slot = col(SLOT)
    found = by_spark(
        spark,
        entity_id(names, SLOT),
        entity_id(names, SLOT, 20),
        " ^ ".join(text_hash(by_hand.prefix("key", str(at)), name) for at, name in enumerate(names)),
        record_check(names),
        content([*KEY, SLOT]),
    )
    expected = by_duckdb(
        engine,
        file,
        hashing.entity_id(*ENTITY, keys, slot, integer(OWNER)),
        hashing.entity_id(*ENTITY, keys, slot, integer(OWNER), 20),
        hashing.record_key(keys),
        hashing.record_check(keys),
        hashing.content({name: col(name) for name in (*KEY, SLOT)}),
    )
    assert found == expected
    assert [one for one, *_ in found] == [by_hand.entity_id(*ENTITY, [row[name] for name in KEY], row[SLOT], OWNER) for row in rows]


def test_row_hashes_and_their_sum_are_the_same(spark: Any, engine: Engine, file: Path, rows: list[dict[str, Any]]) -> None:
    cells = [(name, kind, col(name)) for name, kind in COLUMNS.items()]
    found = [one for (one,) in by_spark(spark, row_hash())]
    assert found == [one for (one,) in by_duckdb(engine, file, hashing.row_hash(cells))]
    assert found == [by_hand.row_hash([(name, kind, row[name]) for name, kind in COLUMNS.items()]) for row in rows]
    hashes = hashing.row_hashes(read_parquet([str(file)]), cells, [alias(integer(0), "same")])
    total = engine.one(statement("select sum(h._hash::HUGEINT)::VARCHAR from {h} h", h=hashes))
    summed = spark.sql(f"select cast(sum(cast({mixed('h')} as decimal(20,0))) as string) from (select {row_hash()} as h from records)").collect()
    assert summed[0][0] == total == str(sum(by_hand.mixed(one) for one in found))


def test_a_text_is_hashed_in_utf8(spark: Any, engine: Engine) -> None:
    said = "患者\u3000😀é'\\"
    (row,) = spark.sql(f"select {text_hash('盐|', literal(said))}").collect()
    assert row[0] == engine.one(statement("select {h}", h=hashing.text_hash("盐|", text(said)))) == by_hand.text_hash("盐|", said)
