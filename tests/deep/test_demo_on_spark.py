"""The region of `make demo` on Spark, here and on a standalone cluster: every table has the fingerprint that DuckDB gives it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suwen.cli.main import main
from suwen.flow.region import open_region
from suwen.flow.run import run
from tests.integration.on_spark import content, needs_spark, on_spark
from tests.integration.spark_cluster import CLUSTER_CONFIG, CONFIG, cluster

pytestmark = [pytest.mark.deep, needs_spark, pytest.mark.timeout(3600)]
DEMO = ["--hospitals", "6", "--persons", "2000", "--years", "2"]  # as examples/demo.sh has it
COMPILED = [name for name in CONFIG if name.startswith("spark.sql.codegen")]  # here there are rows enough for Java that is compiled for each statement


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's region with all that its hospitals sent, and no lake."""
    folder = tmp_path_factory.mktemp("demo") / "made"
    assert main(["simulate", str(folder), *DEMO]) == 0
    assert main(["land", "--manifest", str(folder / "exports" / "deliveries.csv"), "--region", str(folder / "region")]) == 0
    return folder / "region"


@pytest.fixture(scope="module")
def by_duckdb(landed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("duckdb") / "region"
    shutil.copytree(landed, folder)
    region = open_region(folder)
    began = time.perf_counter()
    run(region)
    print(f"DuckDB: {time.perf_counter() - began:.1f} s")
    return content(region)


def _run_apart(folder: Path, what: str) -> dict[str, object]:
    """The content of a region's release, run in a process of its own."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "tests.integration.run_on_spark", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    print(f"{what}: {time.perf_counter() - began:.1f} s")
    return content(open_region(folder))


def test_on_this_machine(landed: Path, by_duckdb: dict[str, object], tmp_path: Path) -> None:
    folder = tmp_path / "region"
    shutil.copytree(landed, folder)
    on_spark(folder, config={})
    assert _run_apart(folder, "Spark here") == by_duckdb


def test_on_a_cluster_of_a_master_and_two_workers(landed: Path, by_duckdb: dict[str, object], tmp_path: Path) -> None:
    folder = tmp_path / "region"
    shutil.copytree(landed, folder)
    (tmp_path / "cluster").mkdir()
    with cluster(tmp_path / "cluster") as running:
        on_spark(folder, running.master, config={name: value for name, value in CLUSTER_CONFIG.items() if name not in COMPILED})
        assert _run_apart(folder, "Spark on a cluster") == by_duckdb
