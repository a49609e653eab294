"""Parquet files read and written by Spark: views over lists of files, and one file out of a query with its statistics."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import NullType

from suwen.base.errors import Defect
from suwen.engine.faults import file_errors
from suwen.engine.port import Written
from suwen.engine.spark.printer import literal, quoted
from suwen.engine.spark.session import java

PART = "_suwen_part"  # a column: to which of several files a row goes
_PATTERN = re.compile(r"([\\*?\[\]{}])")
_MARKED = re.compile(r"\[([*?\[])\]")  # how a path is written for DuckDB, where a mark stands for itself


def plain(path: str) -> str:
    """The path that a tree's text for DuckDB means."""
    return _MARKED.sub(r"\1", path)


def opened(spark: SparkSession, paths: Sequence[str], *, row_number: bool, filename: bool, by_name: bool) -> DataFrame:
    """The rows of files, by the columns of the first or (`by_name`) of all. With `row_number` also `file_row_number` and `file_index`, with `filename` that."""
    with file_errors(paths):
        schemas = [pq.read_schema(path) for path in (paths if by_name else paths[:1])]
    schema = from_arrow_schema(_united(schemas), prefer_timestamp_ntz=True)
    if hidden := [path for path in paths if Path(path).name.startswith((".", "_"))]:
        raise Defect(f"Spark reads no hidden file: {Path(hidden[0]).name}")
    frame = spark.read.schema(schema).parquet(*(_PATTERN.sub(r"\\\1", path) for path in paths))
    if not row_number and not filename:
        return frame
    columns = [f.col(quoted(field.name)) for field in schema.fields]
    columns += [f.col("_metadata.row_index").alias("file_row_number")] if row_number else []
    if len(paths) == 1:
        columns += [f.lit(0).cast("bigint").alias("file_index")] if row_number else []
        columns += [f.lit(paths[0]).alias("filename")] if filename else []
        return frame.select(columns)
    columns += [f.col("_metadata.file_path").alias("_file_path")]
    named = [quoted(field.name) for field in schema.fields]
    named += ["file_row_number", "file_index"] if row_number else []
    return frame.select(columns).join(f.broadcast(_places(spark, paths)), "_file_path").select(*named, *(["filename"] if filename else []))


def _united(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """The columns of all, each once, in the order in which they come."""
    fields: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            fields.setdefault(field.name, field)
    return pa.schema([field.with_nullable(True) for field in fields.values()])


def _places(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """(_file_path, file_index, filename) of files: Spark tells a row's file by its address, in which odd characters are written otherwise."""
    address = java(spark).org.apache.hadoop.fs.Path
    rows = ", ".join(f"({literal('file:' + address(path).toUri().toString())}, {at}L, {literal(path)})" for at, path in enumerate(paths))
    return spark.sql(f"SELECT * FROM VALUES {rows} AS places(_file_path, file_index, filename)")


def kept(spark: SparkSession, frame: DataFrame, folder: Path) -> tuple[DataFrame, int]:
    """A frame worked out into the files of a new folder, and how many rows it has."""
    frame = frame.select([f.col(quoted(c.name)).cast("int").alias(c.name) if isinstance(c.dataType, NullType) else quoted(c.name) for c in frame.schema.fields])
    frame.write.option("compression", "lz4_raw").parquet(f"file:{folder}")
    rows = sum(pq.read_metadata(path).num_rows for path in folder.glob("part-*.parquet"))
    return spark.read.schema(frame.schema).parquet(_PATTERN.sub(r"\\\1", str(folder))), rows


def write_one(frame: DataFrame, path: Path, aside: Path, *, codec: str, row_group: int) -> Written:
    """Write a frame of one part to exactly one Parquet file `path`, by way of the folder `aside` on the same file system; none where it has no row."""
    return _write(frame, [path], aside, codec, row_group)[0]


def write_parts(frame: DataFrame, paths: Sequence[Path], aside: Path, *, codec: str = "zstd", row_group: int = 122_880) -> list[Written]:
    """Write each row to the file whose number, from 0, its column `PART` holds, which is written nowhere; one task writes one file."""
    numbered = frame.repartitionById(len(paths), f.col(quoted(PART)).cast("int")).drop(PART)
    return _write(numbered, paths, aside, codec, row_group)


def _write(frame: DataFrame, paths: Sequence[Path], aside: Path, codec: str, row_group: int) -> list[Written]:
    """Write the parts of a frame to files in their order."""
    for folder in {path.parent for path in paths}:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        frame.write.option("compression", codec).option("parquet.block.row.count.limit", str(row_group)).parquet(f"file:{aside}")
        made = {int(path.name.split("-")[1]): path for path in aside.glob("part-*.parquet")}
        if len(made) != len(list(aside.glob("part-*.parquet"))) or max(made, default=0) >= len(paths):
            raise Defect(f"Spark wrote {len(list(aside.glob('part-*.parquet')))} files where {len(paths)} were asked for")
        return [_placed(made.get(at), path) for at, path in enumerate(paths)]
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _placed(made: Path | None, path: Path) -> Written:
    """A file that Spark wrote under its name; none where it has no row."""
    if made is None or not pq.read_metadata(made).num_rows:
        return Written(path, 0, 0, {})
    os.replace(made, path)
    return written(path)


def written(path: Path) -> Written:
    """What a Parquet file's own footer says of it, in the form in which DuckDB tells it of a file it wrote."""
    metadata = pq.read_metadata(path)
    statistics = {metadata.schema.column(at).path: _statistics(metadata, at) for at in range(metadata.num_columns)}
    return Written(path, metadata.num_rows, path.stat().st_size, statistics)


def _statistics(metadata: Any, column: int) -> Mapping[str, str]:
    """`null_count`, and `min` and `max` where every row group tells them: of numbers, days and times alone, for a long text may have been cut."""
    groups = [metadata.row_group(at).column(column).statistics for at in range(metadata.num_row_groups)]
    if any(group is None or not group.has_null_count for group in groups):
        return {}
    said = {"null_count": str(sum(group.null_count for group in groups))}
    told = [group for group in groups if group.has_min_max]
    valued = [group for group in groups if group.num_values]
    if not told or len(told) != len(valued) or not isinstance(told[0].min, (int, date, datetime)):
        return said
    exact = {"min_is_exact": "true", "max_is_exact": "true"}
    return {**said, "min": str(min(group.min for group in told)), "max": str(max(group.max for group in told)), **exact}
