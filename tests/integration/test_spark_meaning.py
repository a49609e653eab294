"""What each construct of our statements means, on DuckDB and on Spark: the same rows, of the same values and types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from suwen.engine import duck
from suwen.engine import hash as hashing
from suwen.engine.delta import arrow_type
from suwen.engine.opening import open_engine
from suwen.engine.port import Engine
from suwen.engine.sql import Tree, alias, col, integer, list_of, read_parquet, statement, struct, text, typed
from suwen.model.region import Settings, Spark
from tests.integration.on_spark import CONFIG, needs_spark

pytestmark = needs_spark
COLUMNS = {"n": "BIGINT", "g": "INTEGER", "s": "VARCHAR", "d": "DATE", "at": "TIMESTAMP", "m": "DECIMAL(18,4)", "f": "BOOLEAN"}
ROWS = [
    (1, 1, "a", date(2024, 2, 29), datetime(2024, 2, 29, 23, 59, 59, 999999), Decimal("1.5000"), True),
    (2, 1, None, date(1850, 1, 1), datetime(1850, 1, 1), Decimal("-2.2500"), None),
    (3, 2, "", None, None, None, False),
    (4, 2, "患者\u3000'\\ ${x} 😀", date(2200, 12, 31), datetime(2200, 12, 31, 0, 0, 0, 1), Decimal("99999999999999.9999"), True),
    (5, None, "a", date(2024, 3, 1), datetime(1969, 12, 31, 23, 59, 59), Decimal("0"), False),
    (-(2**63), None, "b", date(1582, 10, 14), None, Decimal("-0.0001"), None),
]
TABLE = pa.table({name: pa.array([row[at] for row in ROWS], arrow_type(kind)) for at, (name, kind) in enumerate(COLUMNS.items())})
STATEMENTS = {
    "nulls in an order": "select n, s from t order by s desc, n",
    "all in order": "select s, n from t order by all",
    "nulls first": "select n, g from t order by g nulls first, n desc",
    "distinct": "select distinct s from t order by s",
    "group by all": "select g, count(*), count(s), count(distinct s), sum(m), min(d), max(at) from t group by all order by g",
    "having": "select s from t group by s having count(*) > 1 order by 1",
    "filters": "select count(*) filter (f), sum(m) filter (n > 0), list(distinct g) filter (g = 1), bool_or(f), bit_or(g), count_if(f) from t",
    "least n": "select to_json(list_sort(min(g, 2)))::VARCHAR, to_json(list_sort(min(distinct s, 3)))::VARCHAR from t where s is not null",
    "arg_min": "select g, arg_min(s, n), arg_max(s, n), arg_min(n, (s, d)) from t where n > 0 group by g order by g",
    "arg_min of a row": "select arg_min(struct_pack(one := n, other := s), n) as x from t where n > 0",
    "joins": "select a.n, b.n from t a left join t b on b.g = a.g and b.n > a.n order by a.n, b.n",
    "full join": "select coalesce(a.n, b.n), a.s, b.s from (select * from t where n < 3) a full join (select * from t where n > 1) b on a.n = b.n order by 1",
    "semi": "select a.n from t a semi join (select g from t where n = 1) b on b.g = a.g order by 1",
    "anti": "select a.n from t a anti join (select g from t where n = 1) b on b.g = a.g order by 1",
    "using": "select n, a.s from t a join (select n, d from t) b using (n) order by n",
    "in rows": "select n from t where (n, g) in (select (n, g) from t where f) order by n",
    "in columns": "select n from t where (n, g) in (select n, g from t where f) order by n",
    "not in": "select n from t where n not in (select n from t where f) order by n",
    "not in with a null": "select n from t where g not in (select g from t) order by n",
    "exists": "select n from t a where exists (select 1 from t b where b.n > a.n and (b.g is null or a.d between b.d and b.d)) order by n",
    "like": "select n from t where s like '患%' or s not like '%a' order by n",
    "null-safe": "select a.n, b.n from t a join t b on a.s is not distinct from b.s and a.n is distinct from b.n order by 1, 2",
    "case": "select n, case when f then 1 when not f then 0 end, case g when 1 then 'one' else 'other' end from t order by n",
    "nullif": "select n, nullif(s, ''), coalesce(s, 'none'), greatest(g, 1), least(d, date '2000-01-01') from t order by n",
    "whole numbers": "select g // 2, g % 2, -g, abs(-g), 7 // 2, -7 // 2, -7 % 3 from t order by n",
    "bits": "select (g & 3) <> 0, g >> 1, xor(g, 5), xor(n, 9223372036854775807) from t order by n",
    "days": "select n, d + 1, d - 1, date_diff('day', d, date '2024-01-01'), 12 * year(d) + month(d) - 1 from t order by n",
    "cut days": "select n, date_trunc('month', d)::DATE, date_trunc('quarter', d)::DATE, date_trunc('year', at)::DATE from t order by n",
    "days and times": "select n, at::DATE, d::TIMESTAMP from t order by n",
    "texts of values": "select n::VARCHAR, d::VARCHAR, at::VARCHAR, m::VARCHAR, f::VARCHAR, s || '|' || n::VARCHAR from t order by n",
    "tries": "select try_cast(s as INTEGER), case when m = trunc(m) then try_cast(m as INTEGER) end, trunc(m) from t order by n",
    "microseconds": "select n, epoch_us(at) from t order by n",
    "exact sums": "select sum(n::HUGEINT)::HUGEINT, sum(m)::DECIMAL(38,8), (sum(n::HUGEINT) * 1)::VARCHAR from t where n > 0",
    "windows": """select n, row_number() over (partition by g order by s desc nulls last, n), lag(s) over o, sum(n) over (partition by g order by n
        rows between unbounded preceding and 1 preceding), count(*) filter (f) over (order by n rows between unbounded preceding and current row)
        from t where n > 0 window o as (partition by g order by n) order by n""",
    "qualify": "select n from t qualify row_number() over (partition by g order by n) = 1 order by n",
    "parts": "with a as materialized (select n, g from t), b as (select g, max(n) as n from a group by g) select * from b order by g",
    "columns left out": "select * exclude (at, f) replace (coalesce(s, '-') as s) from t order by n",
    "columns of one": "select r.* replace (r.n + 1 as n) from (select n, s from t where n > 0) r order by n",
    "unions": "select n from t where n = 1 union all select n from t where n = 1 union all select 2 order by 1",
    "difference": "select * from ((select n from t except select 1) union all (select 1 except select n from t)) x order by 1",
    "union": "select g from t union select 7 order by 1",
    "limit": "select n from t order by n limit 2",
    "unnested": "select distinct n, unnest([g, 9]) as x from t order by 1, 2",
    "elements": "select n, list_extract([10, 20], g), list_extract([1], 5) from t order by n",
    "sub-query": "select n, (select max(n) from t) from t order by n",
}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    settings = Settings(threads=1, memory="1GiB", engine="spark", spark=Spark(config=CONFIG))
    one: Engine = duck.Engine(threads=1, memory="256MiB", scratch=tmp_path_factory.mktemp("duckdb"))
    other = open_engine(settings, tmp_path_factory.mktemp("spark"))
    for engine in (one, other):
        engine.register("given", TABLE)
        engine.temporary("t", statement("select * from given"))
        engine.unregister("given")
    yield one, other
    one.close()
    other.close()


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_means_the_same(engines: tuple[Engine, Engine], name: str) -> None:
    one, other = (engine.rows(statement(STATEMENTS[name])) for engine in engines)
    assert other == one


def test_rows_unfolded_from_structs(engines: tuple[Engine, Engine]) -> None:
    rows = list_of([struct({"_slot": text(slot), "value": tree}) for slot, tree in (("a", col("s")), ("b", typed(text("x"), "VARCHAR")))])
    asked = statement("select * exclude (_row), _row.value as v, _row._slot as {slot} from {i} z order by n, 3",
                      slot="row.", i=statement("select t.n, unnest({rows}) as _row from t", rows=rows))  # fmt: skip
    one, other = (engine.rows(asked) for engine in engines)
    assert other == one


def test_hashes_are_the_same(engines: tuple[Engine, Engine]) -> None:
    parts = [col("s"), typed(col("n"), "VARCHAR")]
    owner = typed(integer(hashing.owner_hash("H1")), "BIGINT")
    trees: list[Tree] = [
        hashing.entity_id("person", "his", parts, col("s"), owner),
        hashing.entity_md5("person", "his", parts, col("s"), owner),
        hashing.record_key(parts),
        hashing.record_key(parts, 20, {"0" * 32: 5}),
        hashing.record_check(parts),
        hashing.content({"a": col("s"), "b": parts[1]}),
        hashing.row_hash([(name, kind, col(name)) for name, kind in COLUMNS.items()]),
    ]
    asked = statement("select n, {h} from t order by n", h=[alias(tree, f"h{at}") for at, tree in enumerate(trees)])
    one, other = (engine.rows(asked) for engine in engines)
    assert other == one


def test_sums_of_hashes_are_the_same(engines: tuple[Engine, Engine]) -> None:
    hashed = hashing.row_hashes("t", [(name, kind, col(name)) for name, kind in COLUMNS.items()], [alias(col("g"), "g")])
    asked = statement("select g, -1 * sum(_hash::HUGEINT) as total from {h} h group by all order by g", h=hashed)
    one, other = (engine.rows(asked) for engine in engines)
    assert other == one


def test_files_are_written_alike(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    query = statement("select * from t order by s desc, n")
    one, other = (engine.copy(query, tmp_path / f"{at}[1] 目录" / "x.parquet", ordered=True) for at, engine in enumerate(engines))
    assert (one.rows, sorted(one.statistics)) == (other.rows, sorted(other.statistics))
    for name in ("n", "g", "d", "at"):
        assert {key: one.statistics[name][key] for key in ("min", "max", "null_count")} == {
            key: other.statistics[name][key] for key in ("min", "max", "null_count")
        }
    for engine in engines:
        first, second = (engine.arrow(statement("select * from {f} f", f=read_parquet([str(written.path)]))) for written in (one, other))
        assert first.schema == second.schema
        assert first.to_pylist() == second.to_pylist()
    assert engines[1].copy(statement("select * from t where n = 77"), tmp_path / "none.parquet").rows == 0
    assert not (tmp_path / "none.parquet").exists()


def test_rows_know_their_file_and_place(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    paths = [str(engines[0].copy(statement(f"select n, s from t where n {sign} 3 order by n"), tmp_path / f"{n} %20é[x]" / "f.parquet", ordered=True).path)
             for n, sign in enumerate(("<", ">="))]  # fmt: skip
    for chosen in (paths, paths[:1]):
        files = read_parquet(chosen, row_number=True, filename=True)
        asked = statement("select f.n, filename, file_row_number, file_index from {f} f order by n", f=files)
        one, other = (engine.rows(asked) for engine in engines)
        assert [(*row[:1], row[1].replace("[[]", "["), *row[2:]) for row in one] == other


def test_rows_are_taken_out_and_tables_replaced(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        engine.temporary("u", statement("select n, g, null as nothing from t"))
        engine.execute(statement("delete from u where (n, g) in (select (n, g) from t where f)"))
        assert engine.count("u") == 4
        engine.temporary("u", statement("select n from u where n < 3"))
        other = engine.beside()
        other.register("mine", pa.table({"x": [1]}))
        assert (other.count("u"), other.one(statement("select x from mine"))) == (2, 1)
        other.close()
        engine.drop("u", "nobody")


def test_rows_are_written_to_the_files_of_their_parts(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    found = []
    for which, engine in enumerate(engines):
        parts = [
            (statement(f"select {condition}").expressions[0], tmp_path / str(which) / f"_part={at}" / "rows.parquet")
            for at, condition in enumerate(("n < 2", "n = 7", "n between 2 and 3", "n > 3"))
        ]
        written = list(engine.copy_parts("t", [alias(col("n"), "n"), alias(col("s"), "s")], parts))
        kept = [(one.rows, engine.rows(statement("select n, s from {f} f order by n", f=read_parquet([str(one.path)])))) for one in written if one.rows]
        found.append(([one.rows for one in written], kept))
        assert [one.path for one in written] == [path for _, path in parts]
        assert next(iter(engine.copy_parts("t", [alias(col("n"), "n")], [(parts[1][0], tmp_path / f"{which}.parquet")]))).rows == 6
        assert not list(tmp_path.rglob("part-*"))
    assert found[0] == found[1]
    assert found[0][0] == [2, 0, 2, 2]


def test_workers_write_files_ahead(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    folder = str(tmp_path)

    def work(engine: Engine, number: int) -> None:
        if number == 2:
            raise ValueError("left undone")
        batches = pa.RecordBatchReader.from_batches(pa.schema([("x", pa.int64())]), [pa.record_batch({"x": [number]})])
        engine.copy_batches(batches, Path(folder) / f"{number}.parquet")

    engines[0].spread(work, [0, 1])
    assert not list(tmp_path.iterdir())
    engines[1].spread(work, [1, 2, 3])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.parquet", "3.parquet"]
