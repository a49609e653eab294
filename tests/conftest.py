"""What every test shares: the outside data beside the project, and how hypothesis searches."""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from suwen.base.errors import SuwenError
from suwen.engine.duck import Engine as DuckDB
from suwen.engine.opening import open_engine
from suwen.engine.port import Engine
from suwen.model.region import Settings, Spark

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

# The same examples in every run: a red test is red for everybody. `make test-deep` searches further, and anew each time.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("deep", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    absent = pytest.mark.skip(reason="the folder ../shared is not beside the project")
    for item in items:
        if item.get_closest_marker("needs_shared"):
            item.add_marker(absent)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's own folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of outside data beside the project; a test that asks for it is skipped where the folder is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared is not beside the project")
    return SHARED


@pytest.fixture(scope="session")
def spark_settings() -> Settings:
    """Spark on this machine; a test that asks for it is skipped where there is none."""
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install 'suwen[spark]'")
    if shutil.which("java") is None:
        pytest.skip("there is no Java, which Spark needs")
    few_rows = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.adaptive.enabled": "false"}
    return Settings(engine="spark", threads=2, memory="2GiB", spark=Spark(config=few_rows | {"spark.sql.shuffle.partitions": "2"}))


@pytest.fixture(scope="session")
def spark(spark_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One Spark engine for all tests of a process; they need `filterwarnings("ignore")`, since PySpark's own are not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            engine = open_engine(spark_settings, tmp_path_factory.mktemp("spark"))
        except SuwenError as error:
            pytest.skip(str(error))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def duckdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """DuckDB beside it."""
    engine = DuckDB(threads=1, memory="2GiB", scratch=tmp_path_factory.mktemp("duckdb"))
    yield engine
    engine.close()
