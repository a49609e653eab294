"""A run on a standalone cluster, one of whose workers is killed in the middle, and what is said where Spark is not to be had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from suwen.flow.run import run
from tests.integration.on_spark import content, needs_spark, on_spark
from tests.integration.small_region import deliver, make
from tests.integration.spark_cluster import CLUSTER_CONFIG, cluster

pytestmark = needs_spark
KILLED_AT = 4  # files written before a worker is killed


def _started(folder: Path, environment: Mapping[str, str] = os.environ) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.run_on_spark", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def _ended(folder: Path, environment: Mapping[str, str] = os.environ) -> tuple[int, str]:
    """The exit code of a run, and what it said of an error."""
    with _started(folder, environment) as process:
        said, _ = process.communicate(timeout=300)
    return process.returncode, said


def test_a_run_on_a_cluster_that_loses_a_worker(tmp_path: Path) -> None:
    here, there = tmp_path / "duckdb", tmp_path / "spark"
    plain = make(here)
    make(there)
    for folder in (here, there):
        deliver(folder, [0, 1])
    run(plain)
    (tmp_path / "cluster").mkdir()
    with cluster(tmp_path / "cluster") as running:
        spark = on_spark(there, running.master, config=CLUSTER_CONFIG)
        told: list[str] = []
        with _started(there) as process:
            assert process.stdout is not None
            for line in process.stdout:
                told.append(line.strip())
                if told[-1].startswith("named") and sum(one.startswith("named") for one in told) == KILLED_AT:
                    running.kill_worker(0)
        assert process.returncode == 0, told
        assert "published" in told
        assert running.workers[1].poll() is None
    assert content(spark) == content(plain)


@pytest.fixture
def landed(tmp_path: Path) -> Path:
    make(tmp_path / "region")
    deliver(tmp_path / "region", [0])
    return tmp_path / "region"


def test_an_unreachable_master(landed: Path) -> None:
    region = on_spark(landed, "spark://127.0.0.1:9")
    code, said = _ended(landed)
    assert code == 2
    assert "Spark's master cannot be reached" in said
    assert "spark://127.0.0.1:9" in said
    assert not region.releases.exists()


def test_no_java(landed: Path) -> None:
    on_spark(landed)
    code, said = _ended(landed, {**os.environ, "PATH": "/nonexistent", "JAVA_HOME": ""})
    assert code == 2
    assert "there is no Java" in said
    assert "Java 17" in said


@pytest.mark.parametrize(("version", "told"), [('openjdk version "11.0.2" 2019-01-15', "Java is 11"), ('java version "1.8.0_202"', "Java is 8")])
def test_an_old_java(landed: Path, tmp_path: Path, version: str, told: str) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{version}' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    on_spark(landed)
    code, said = _ended(landed, {**os.environ, "JAVA_HOME": str(tmp_path / "jdk")})
    assert code == 2
    assert f"{told}, too old for Spark" in said
