"""Connections side by side: each thread its own results and registered data, all the same tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from suwen.engine.duck import Engine
from suwen.engine.sql import statement


def test_threads_share_tables_and_nothing_else(tmp_path: Path) -> None:
    engine = Engine(threads=2, memory="256MiB", scratch=tmp_path / "scratch")
    engine.temporary("known", statement("select 42 as n"))

    def work(number: int) -> list[tuple[int, ...]]:
        other = engine.beside()
        found = []
        for step in range(20):
            other.register("given", pa.table({"n": [number] * 10}))
            other.temporary(f"made_{number}_{step}", statement("select g.n, k.n as k from given g cross join known k"))
            other.unregister("given")
            found += other.rows(statement("select min(n), max(n), max(k), count(*) from {t}", t=f"made_{number}_{step}"))
            if step % 2:
                other.drop(f"made_{number}_{step}")
        assert other.one("select current_setting('TimeZone')") == "UTC"
        other.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(work, range(8))):
            assert found == [(number, number, 42, 10)] * 20
    assert engine.count("made_3_0") == 10
    engine.close()


def test_a_table_s_name_may_hold_quotes(tmp_path: Path) -> None:
    engine = Engine(threads=1, memory="256MiB", scratch=tmp_path / "scratch")
    engine.temporary('a "b"', statement("select 1 as n"))
    assert engine.count('a "b"') == 1
    engine.drop('a "b"')
    engine.close()
