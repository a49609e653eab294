"""The engines side by side: DuckDB, and one Spark session for all that compares them."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator

import pytest

from suwen.base.errors import SuwenError
from suwen.engine.duck import Engine as DuckDB
from suwen.engine.opening import open_engine
from suwen.engine.port import Engine
from suwen.model.region import Settings

ON_SPARK = Settings(engine="spark", threads=2, memory="2GiB")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Spark on this machine; tests that ask for it are skipped where there is none."""
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install 'suwen[spark]'")
    if shutil.which("java") is None:
        pytest.skip("there is no Java, which Spark needs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PySpark's own are not ours to mend
        try:
            engine = open_engine(ON_SPARK, tmp_path_factory.mktemp("spark"))
        except SuwenError as error:
            pytest.skip(str(error))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def duckdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = DuckDB(threads=1, memory="1GiB", scratch=tmp_path_factory.mktemp("duckdb"))
    yield engine
    engine.close()
