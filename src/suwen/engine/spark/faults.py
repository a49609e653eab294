"""What Spark raises, as our two families of errors; its texts may repeat values of rows, so none is passed on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import SparkSession

from suwen.base.errors import Defect, SuwenError
from suwen.engine.faults import damaged, paths_in, system_fault
from suwen.engine.render import render
from suwen.engine.spark.session import stopped
from suwen.engine.sql import Tree

_MEMORY = ("java.lang.OutOfMemoryError", "SparkOutOfMemoryError")
_LOST = ("SparkContext was shut down", "stopped SparkContext", "Job aborted due to stage failure: Master removed our application")


@contextmanager
def spark_errors(tree: Tree, *, spark: SparkSession, target: Path | None = None, memory: str = "") -> Iterator[None]:
    """Turn what Spark raises on a statement (which writes `target`) into SuwenError where a machine or a file is at fault, else Defect."""
    try:
        yield
    except (AnalysisException, ParseException) as error:
        raise Defect(f"Spark refused a statement: {type(error).__name__}: {error.getCondition()}") from error
    except (PySparkException, Py4JError, pa.ArrowException, OSError) as error:
        said = str(error)
        if _condition(error) == "INVALID_TIMEZONE":
            raise _no_zone(error) from None
        raise _explained(said, tree, spark, target, memory) or Defect(f"Spark failed on a statement: {type(error).__name__}: {_condition(error)}") from None


def _explained(said: str, tree: Tree, spark: SparkSession, target: Path | None, memory: str) -> SuwenError | None:
    if any(word in said for word in _MEMORY):
        expected = f"more than {memory}" if memory else ""
        return SuwenError("Spark needs more memory than the region allows", where="region.toml", expected=expected, do="raise memory in region.toml")
    if stopped(spark) or any(word in said for word in _LOST):
        where = "region.toml"
        return SuwenError(
            "Spark's application ended in the middle", where=where, expected="a master that keeps it", do="look at the master's log and run again"
        )
    return system_fault(said, target) or damaged(paths_in(render(tree)), said)


def _no_zone(error: PySparkException) -> SuwenError:
    name = (error.getMessageParameters() or {}).get("timeZone", "").strip("'\"")
    return SuwenError(
        f"Java knows no time zone {name}", where="organisations.csv", expected="a zone whose rules Java has", do="use its usual name, or a newer Java"
    )


def _condition(error: Exception) -> str:
    """Spark's name for an error, which tells nothing of a row."""
    return (error.getCondition() or "") if isinstance(error, PySparkException) else ""
