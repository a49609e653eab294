"""The floor: the least that any way into a repository of Parquet must do. Files are read as text by DuckDB and written to zstd Parquet, nothing else.

One file after the other, each to one Parquet file, with the threads and the memory limit of the run it is held against.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from bench.measure import Clock, Measured, bytes_of


def copying(source: str, out: str, threads: int, memory: str, ordered: bool, delimiter: str = ",", quote: str = '"') -> Measured:
    """Copy every CSV file of the folder `source` (UTF-8, with a header) to the folder `out`; says rows and bytes, and leaves nothing behind.

    `ordered`: whether DuckDB keeps the order of rows.
    """
    folder = Path(out)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with Clock() as clock:
        con = duckdb.connect(config={"threads": threads, "memory_limit": memory, "temp_directory": str(folder / "spill"), "preserve_insertion_order": ordered})
        rows = sum(_copy(con, path, folder / f"{path.stem}.parquet", delimiter, quote) for path in sorted(Path(source).glob("*.csv")))
        con.close()
    measured = clock.measured({"rows": rows, "bytes": bytes_of(folder)})
    shutil.rmtree(folder)
    return measured


def _copy(con: duckdb.DuckDBPyConnection, source: Path, target: Path, delimiter: str, quote: str) -> int:
    read = f"read_csv({_text(str(source))}, all_varchar = true, header = true, delim = {_text(delimiter)}, quote = {_text(quote)}, escape = {_text(quote)})"
    found = con.execute(f"copy (select * from {read}) to {_text(str(target))} (format parquet, compression zstd)").fetchone()
    assert found is not None
    return int(found[0])


def _text(said: str) -> str:
    return "'" + said.replace("'", "''") + "'"
