"""Which engine a region has: the one place where it is decided."""

from __future__ import annotations

from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.engine import duck
from suwen.engine.port import Engine
from suwen.engine.store.port import Store
from suwen.model.region import Settings

EXAMPLES = Settings(threads=1, memory="512MiB")
"""For the few rows of a pack's examples."""


def open_engine(settings: Settings, scratch: Path, store: Store | None = None) -> Engine:
    """The engine that makes a region's releases, over what `store` keeps. Raises SuwenError where Spark is asked for and not to be had. To be closed.

    What reads a release opens DuckDB whatever made it: see docs/decisions/spark-engine.md.
    """
    if settings.engine == "spark":
        try:
            from suwen.engine.spark.engine import SparkEngine  # noqa: PLC0415 an extra: it may be absent
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in ("pyspark", "py4j"):
                raise
            raise SuwenError("Spark is not installed", where="region.toml", expected="PySpark beside Suwen", do="pip install 'suwen[spark]'") from None
        return SparkEngine(settings, scratch, store)
    return duck.Engine(threads=settings.threads, memory=settings.memory, scratch=scratch, store=store)
