"""A person's own SQL: what reads is answered, everything else is refused for a reason, and nothing of the machine is reached."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.base.errors import SuwenError
from suwen.engine.duck import Engine
from suwen.engine.query import Guarded, _explained
from suwen.engine.sql import read_parquet, statement

SECRET = "the patient Zhang San"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables of a lake, and files beside them that must not be read."""
    path = tmp_path_factory.mktemp("lake")
    person = pa.table(
        {"person_id": pa.array([1, 2, 2**62], pa.int64()), "year_of_birth": pa.array([1950, 2000, None], pa.int32()), "name": ["a", SECRET, None]}
    )
    pq.write_table(person, path / "person.parquet")
    pq.write_table(pa.table({"feed": ["h1"], "records": pa.array([7], pa.int64())}), path / "ledger.parquet")
    pq.write_table(pa.table({"secret": [SECRET]}), path / "secret.parquet")
    (path / "secret.csv").write_text(f"secret\n{SECRET}\n")
    (path / "secret.json").write_text('{"secret": 1}')
    duckdb.connect(path / "secret.duckdb").close()
    return path


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[Guarded]:
    files = [str(folder / "person.parquet"), str(folder / "ledger.parquet")]
    views = {
        "omop.person": statement("select person_id, year_of_birth, name from {t}", t=read_parquet([files[0]])),
        "cdr.person": statement("select * from {t}", t=read_parquet([files[0]])),
        "state.ledger": statement("select * from {t}", t=read_parquet([files[1]])),
    }
    with Guarded(views, lambda: files, threads=2, memory="512MiB", scratch=folder / "scratch") as connection:
        yield connection


ANSWERED = {
    "count": ("select count(*) from omop.person", [(3,)]),
    "bare name": ("select count(*) from person", [(3,)]),
    "any case and quotes": ('SELECT count(*) FROM "OMOP"."Person";', [(3,)]),
    "from first": ("from person select count(*)", [(3,)]),
    "table command": ("table state.ledger", [("h1", 7)]),
    "comments": ("/* a */ select 1 -- b; drop table x\n", [(1,)]),
    "words in text": ("select 'insert into x; attach ''y''; copy' as t", [("insert into x; attach 'y'; copy",)]),
    "columns named like commands": ('select 1 as "insert", 2 as "copy"', [(1, 2)]),
    "with": ("with a as (select 1 x), b as (select x + 1 y from a) select y from b", [(2,)]),
    "with over a table of that name": ("with person as (select * from person where person_id = 1) select count(*) from person", [(1,)]),
    "recursion": ("with recursive n(i) as (select 1 union all select i + 1 from n where i < 4) select sum(i)::int from n", [(10,)]),
    "subquery": ("select (select count(*) from state.ledger), exists (select 1 from cdr.person)", [(1, True)]),
    "join": ("select count(*) from omop.person p join cdr.person q using (person_id) left join state.ledger l on l.records = 7", [(3,)]),
    "window": ("select max(r) from (select row_number() over (order by person_id) r from person)", [(3,)]),
    "sets": ("select 1 union all select 1 except all select 1 order by 1 limit 1", [(1,)]),
    "table functions": ("select sum(r)::int from range(4) t(r), unnest([1, 2]) u(v)", [(12,)]),
    "values": ("select sum(a)::int from (values (1), (2)) t(a)", [(3,)]),
    "grouping sets": (
        "select year_of_birth, count(*) from person where year_of_birth < 1960 group by rollup (year_of_birth) order by 1 nulls last",
        [(1950, 1), (None, 1)],
    ),
    "filter, case, cast, like": ("select count(*) filter (case when cast(year_of_birth as text) like '19%' then true else false end) from person", [(1,)]),
    "dates and regexes": ("select date_trunc('month', date '2024-05-17')::date::text, regexp_extract('a12', '[0-9]+')", [("2024-05-01", "12")]),
    "median and decimals": (
        "select median(year_of_birth), sum(records)::decimal(18, 4)::text from person, state.ledger where year_of_birth > 0",
        [(1975.0, "14.0000")],
    ),
    "qualify": ("select person_id from person qualify row_number() over (order by person_id desc) = 3", [(1,)]),
    "try_cast": ("select try_cast('x' as int) is null", [(True,)]),
    "describe": ("select column_name from (describe omop.person)", [("person_id",), ("year_of_birth",), ("name",)]),
}


@pytest.mark.parametrize("case", ANSWERED)
def test_what_reads_is_answered(guarded: Guarded, case: str) -> None:
    sql, expected = ANSWERED[case]
    assert [tuple(row.values()) for row in guarded.arrow(sql).to_pylist()] == expected


def test_describe_and_summarize(guarded: Guarded) -> None:
    assert guarded.arrow("describe omop.person").column("column_name").to_pylist() == ["person_id", "year_of_birth", "name"]
    assert guarded.arrow("summarize select year_of_birth from person").num_rows == 1


# {f}: the folder of files. Each is refused by the judge, before anything runs.
HOSTILE = [
    # writing and changing
    "insert into omop.person values (1)",
    "update omop.person set name = 'x'",
    "delete from omop.person",
    "merge into omop.person using cdr.person p on true when matched then delete",
    "truncate omop.person",
    "create table t as select 1",
    "create or replace view omop.person as select 1",
    "create temp table t (a int)",
    "create macro f() as 1",
    "create function person() as table select 1",
    "create schema s",
    "create sequence s",
    "create secret s (type s3)",
    "create type t as enum ('a')",
    "drop view omop.person",
    "alter table omop.person add column x int",
    "comment on view omop.person is 'x'",
    "with a as (insert into omop.person values (1) returning *) select * from a",
    "with a as (delete from omop.person returning *) select 1",
    "with a as materialized (update omop.person set name = 'x' returning *) select 1",
    "explain analyze insert into omop.person values (1)",
    # more than one statement
    "select 1; select 2",
    "select 1; drop view omop.person",
    "select 1;;insert into omop.person values (1)",
    "select 'a'';'; attach 'x'",
    "/* */ ; drop view omop.person; --",
    "select 1 --\n; drop view omop.person",
    "begin; drop view omop.person; commit",
    # files
    "select * from read_csv('{f}/secret.csv')",
    "select * from READ_CSV_AUTO('{f}/secret.csv')",
    "select * from read_parquet('{f}/secret.parquet')",
    "select * from parquet_scan('{f}/person.parquet')",
    "select * from read_text('{f}/secret.csv')",
    "select * from read_blob('{f}/*')",
    "select * from read_json('{f}/secret.json')",
    "select * from read_ndjson_objects('{f}/secret.json')",
    "select * from read_duckdb('{f}/secret.duckdb')",
    "select * from sniff_csv('{f}/secret.csv')",
    "select * from parquet_metadata('{f}/person.parquet')",
    "select * from parquet_schema('{f}/person.parquet')",
    "select * from glob('{f}/*')",
    "select * from '{f}/secret.csv'",
    "from '{f}/secret.parquet'",
    'select * from "{f}/secret.csv"',
    'select * from "{f}/person.parquet"',
    "select * from '{f}/person.parquet' p",
    "select * from omop.'{f}/secret.csv'",
    "select (select secret from '{f}/secret.csv')",
    "select 1 where exists (from '{f}/secret.parquet')",
    "select * from person p, lateral (select * from read_text('{f}/secret.csv')) q",
    "with x as (from '{f}/secret.csv') select * from x",
    'with "{f}/secret.csv" as (select 1), b as (select 2) select * from "{f}/person.parquet"',
    'select * from (with "{f}/secret.csv" as (select 1) select 1), "{f}/secret.csv"',
    "select * from system.main.read_text('{f}/secret.csv')",
    "select * from main.glob('{f}/*')",
    "summarize '{f}/secret.csv'",
    "describe '{f}/secret.csv'",
    "describe table '{f}/secret.csv'",
    "pivot '{f}/secret.csv' on secret using count(*)",
    "select * from (pivot '{f}/secret.csv' on secret in ('a') using count(*))",
    "select * from 'https://example.org/x.parquet'",
    "select * from 's3://bucket/x.parquet'",
    # files written
    "copy (select 1) to '{f}/out.csv'",
    "copy omop.person to '{f}/out.parquet' (format parquet)",
    "copy omop.person from '{f}/secret.csv'",
    "export database '{f}/out'",
    "import database '{f}/out'",
    # databases, extensions, settings
    "attach '{f}/secret.duckdb' as other",
    "attach ':memory:' as other",
    "detach memory",
    "use memory",
    "install httpfs",
    "force install 'httpfs' from 'http://example.org'",
    "load json",
    "load '{f}/x.duckdb_extension'",
    "set threads = 1",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "set variable x = 1",
    "reset lock_configuration",
    "pragma enable_profiling",
    "pragma database_list",
    "call pragma_version()",
    "call duckdb_settings()",
    "checkpoint",
    "vacuum",
    "analyze",
    "show tables",
    "show all tables",
    "show databases",
    "explain select 1",
    # statements kept and repeated
    "prepare p as select 1",
    "execute p",
    "execute immediate 'select 1'",
    "deallocate p",
    "select $1",
    "select ?",
    "select $name",
    # SQL inside SQL, the engine's own tables and functions
    "select * from query('select * from read_text(''{f}/secret.csv'')')",
    "select * from QUERY('drop view omop.person')",
    "select * from query_table('{f}/secret.csv')",
    "select * from query_table(['omop.person'])",
    "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select json_serialize_plan('select * from read_text(''{f}/secret.csv'')')",
    "select json_serialize_sql('select 1')",
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from duckdb_views()",
    "select sql from duckdb_views",
    "select * from duckdb_logs",
    "select * from sqlite_master",
    "select * from pg_catalog.pg_views",
    "select * from information_schema.tables",
    "select * from system.information_schema.tables",
    "select * from memory.omop.person",
    "select * from pragma_show('person')",
    "select * from pragma_storage_info('person')",
    "select * from which_secret('s3://x', 's3')",
    "select * from test_all_types()",
    "select * from arrow_scan(1, 2, 3)",
    "select * from pandas_scan(1)",
    "select * from python_map_function(1)",
    "select * from seq_scan('person')",
    "select current_setting('temp_directory')",
    "select getenv('HOME')",
    "select getvariable('x')",
    "select nextval('s')",
    "select setseed(0.5)",
    "select write_log('x')",
    "select sleep_ms(60000)",
    "select pg_sleep(60)",
    "select list_transform([1], lambda x: sleep_ms(60000))",
    "select main.sleep_ms(60000)",
    "select person.sleep_ms() from (select 60000 as person)",
    "select current_query()",
    "select pg_get_viewdef('omop.person')",
    # Python's own names
    "select * from folder",
    "select * from guarded",
    "select * from pa",
    # nonsense
    "",
    "   \n",
    "-- nothing",
    "select",
    "selekt 1",
    "\x00select 1",
    "select '\x00'",
    "{{",
    "(" * 500,
    "select 1 from person, nowhere.nothing",
    "𝓼𝓮𝓵𝓮𝓬𝓽 1",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_what_does_more_than_read_is_refused(guarded: Guarded, folder: Path, sql: str) -> None:
    with pytest.raises(SuwenError) as caught:
        guarded.arrow(sql.replace("{f}", str(folder)))
    assert caught.value.where == "the query" and caught.value.do
    assert SECRET not in str(caught.value)


def test_nothing_was_changed_by_all_that(guarded: Guarded, folder: Path) -> None:
    assert guarded.arrow("select count(*) as n from person").to_pylist() == [{"n": 3}]
    assert not [name for name in os.listdir(folder) if name.startswith("out")]


PAST_THE_JUDGE = [
    "select * from read_text('{f}/secret.csv')",
    "select * from '{f}/secret.parquet'",
    "copy (select 1) to '{f}/out.csv'",
    "attach '{f}/secret.duckdb' as other",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "set allowed_paths = ['{f}/secret.csv']",
    "set allowed_directories = ['/']",
    "create table t as select 1",
    "drop view omop.person",
    "install httpfs",
    "export database '{f}/out'",
    "select * from guarded",
]


@pytest.mark.parametrize("sql", PAST_THE_JUDGE)
def test_behind_the_judge_the_connection_is_closed_too(guarded: Guarded, folder: Path, sql: str) -> None:
    """The second wall by itself: the judge is taken away."""
    before = (folder / "person.parquet").read_bytes()
    connection = guarded._con
    connection.execute("begin transaction read only")
    try:
        with pytest.raises(duckdb.Error):
            connection.execute(sql.replace("{f}", str(folder)))
    finally:
        connection.execute("rollback")
    assert (folder / "person.parquet").read_bytes() == before and not (folder / "out.csv").exists()


def test_an_error_about_values_repeats_none_of_them(guarded: Guarded) -> None:
    with pytest.raises(SuwenError) as caught:
        guarded.arrow("select cast(name as integer) from person")
    assert SECRET not in str(caught.value) and "try_cast" in str(caught.value)
    assert "Zhang" not in repr(caught.value.__cause__)


@pytest.mark.parametrize(
    "sql",
    [
        "select timezone(name, now()) from person where name is not null",
        "select date_part(name, current_date) from person",
        "select now() at time zone name from person",
    ],
)
def test_an_error_that_comes_while_rows_are_read_repeats_none_of_them(guarded: Guarded, sql: str) -> None:
    with pytest.raises(SuwenError) as caught:
        guarded.arrow(sql)
    assert SECRET not in str(caught.value) and "try_cast" in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "said"), [("select " * 300 + "1" + "", "not SQL"), ("select * from (" * 400 + "person" + ") t" * 400, "nested"), ("select '\udcff'", "UTF-8")]
)
def test_what_no_parser_takes_is_refused(guarded: Guarded, sql: str, said: str) -> None:
    with pytest.raises(SuwenError, match=said):
        guarded.arrow(sql)


def test_nothing_but_the_answer_comes_to_standard_output(guarded: Guarded, tmp_path: Path) -> None:
    """DuckDB draws a bar there for whatever takes longer than two seconds."""
    engine = Engine(scratch=tmp_path)
    beside = engine.beside()
    for connection in (guarded._con, engine._con, beside._con):
        assert connection.execute("select current_setting('enable_progress_bar')").fetchone() == (False,)
    beside.close()
    engine.close()


def test_an_interrupt_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), _explained([]):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError), _explained([]):
        raise RuntimeError("another")


def test_a_wrong_column_is_named(guarded: Guarded) -> None:
    with pytest.raises(SuwenError, match="year_of_brith"):
        guarded.arrow("select year_of_brith from person")
    with pytest.raises(SuwenError, match=r"state\.ledger"):
        guarded.arrow("select * from ledger")


def test_the_memory_limit_holds(folder: Path) -> None:
    with Guarded({}, list, threads=1, memory="50MB", scratch=folder / "none") as small, pytest.raises(SuwenError, match="memory"):
        small.arrow("select max(length(l::text)) from (select list(r) l from range(30000000) t(r))")


def test_answers_stream(guarded: Guarded) -> None:
    with guarded.stream("select r from range(1000000) t(r)", rows=10_000) as answer:
        assert answer.schema.names == ["r"] and next(iter(answer)).num_rows <= 122_880
    assert guarded.arrow("select 1 as one").to_pylist() == [{"one": 1}]


def test_the_judge_does_not_wait_on_long_nonsense(guarded: Guarded) -> None:
    done = threading.Event()

    def ask() -> None:
        with pytest.raises(SuwenError):
            guarded.arrow("select " + "(" * 20_000 + "1" + ")" * 20_000 + " from nowhere")
        done.set()

    worker = threading.Thread(target=ask, daemon=True)
    worker.start()
    assert done.wait(20)


WORDS = st.sampled_from(
    [
        "select",
        "1",
        "*",
        "from",
        "omop.person",
        "person",
        "(",
        ")",
        ",",
        ";",
        "insert",
        "into",
        "with",
        "a",
        "as",
        "union",
        "all",
        "read_csv",
        "'x.csv'",
        "copy",
        "to",
        "attach",
        "set",
        "values",
        "where",
        "exists",
        "join",
        "using",
        "query",
        "unnest",
        "range",
        "/*",
        "*/",
        "--",
        "\n",
        "'",
        '"',
        "$$",
        "::",
        "int",
        "describe",
    ]
)


@given(st.lists(WORDS, max_size=14).map(" ".join))
@settings(max_examples=200)
def test_any_text_is_answered_or_refused(guarded: Guarded, sql: str) -> None:
    try:
        guarded.arrow(sql)
    except SuwenError:
        return
    assert not {"insert", "read_csv", "attach", "set", "query"} & set(duckdb_words(sql))


def duckdb_words(sql: str) -> list[str]:
    """The words of a text outside its quotes and comments, by DuckDB's tokenizer: keywords and names alone."""
    tokens = duckdb.tokenize(sql)
    ends = [start for start, _ in tokens[1:]] + [len(sql)]
    pieces = [sql[start:end] for (start, kind), end in zip(tokens, ends, strict=True) if kind is duckdb.token_type.keyword]
    return [piece.split(maxsplit=1)[0].lower() for piece in pieces if piece.strip()]
