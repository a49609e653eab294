"""Columns known from statistics to hold one value give rows the same hashes as the values read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from suwen.engine.duck import Engine
from suwen.engine.port import Written
from suwen.engine.sql import read_parquet, text
from suwen.flow.written import dated, fixed_columns
from suwen.model.cdm import Table
from suwen.model.extension import ALL_TABLES
from suwen.repository.rows import cells

VALUES = {
    "BIGINT": ("-9223372036854775808", "9223372036854775807", "0", "null", "7"),
    "INTEGER": ("-2147483648", "2147483647", "0", "null", "5"),
    "DATE": ("date '2024-01-05'", "null"),
    "TIMESTAMP": ("timestamp '2024-01-05 01:02:03'", "null"),
    "VARCHAR": ("''", "'a'", "null"),
}


def written(engine: Engine, table: Table, folder: Path, chance: random.Random) -> list[Written]:
    """Two files of one to three rows, most of whose columns hold one value, or nothing, throughout."""
    held = {c.name: chance.choice(VALUES.get(str(c.type), ("1.5", "null", "0"))) for c in table.columns}

    def row() -> str:
        return "select " + ", ".join(f'({chance.choice([*[held[c.name]] * 5, "null"])})::{c.type} as "{c.name}"' for c in table.columns)

    return [engine.copy(" union all ".join(row() for _ in range(chance.randint(1, 3))), folder / f"{n}.parquet") for n in range(2)]


@pytest.mark.parametrize("seed", range(3))
def test_cells_are_those_of_the_values(seed: int, tmp_path: Path) -> None:
    engine, found = Engine(threads=1, memory="256MiB", scratch=tmp_path / "scratch"), 0
    for name, table in ALL_TABLES.items():
        files = written(engine, table, tmp_path / name, random.Random(f"{seed} {name}"))
        fixed = fixed_columns(files, table)
        found += len(fixed)
        rows = dated(read_parquet([str(f.path) for f in files]), table)
        said, read = (engine.rows(cells(rows, table, text("H1"), 1, known)) for known in (fixed, {}))
        assert sorted(said) == sorted(read)
    assert found > 50
    engine.close()
