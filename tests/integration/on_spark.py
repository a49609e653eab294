"""What tests on Spark share: why they are skipped, settings for small data, and what a release holds, to be compared."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from suwen.engine.releases import Releases
from suwen.flow.region import open_region
from suwen.model.region import Region

# For a few rows, of which each statement costs what it takes to begin: nothing is compiled, nothing divided.
CONFIG: Mapping[str, str] = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or shutil.which("java") is None, reason="needs PySpark (the extra `spark`) and Java 17 or later on the PATH"
)


def on_spark(folder: Path, master: str = "", memory: str = "1GiB", config: Mapping[str, str] = CONFIG) -> Region:
    """A region's folder set to Spark, read anew."""
    path = folder / "region.toml"
    text = path.read_text(encoding="utf-8").replace("[engine]", '[engine]\nuse = "spark"', 1).replace('"256MiB"', f'"{memory}"')
    listed = "".join(f'"{name}" = "{value}"\n' for name, value in config.items())
    text += f'\n[spark]\n{f"""master = "{master}" """ if master else ""}\n[spark.config]\n{listed}'
    path.write_text(text, encoding="utf-8")
    return open_region(folder)


def content(region: Region) -> dict[str, object]:
    """What the newest release of a region says, but for whose run it was and when."""
    release = Releases(region.releases).latest()
    assert release is not None
    tables = {name: (state.rows, state.fingerprint, state.created, state.removed) for name, state in release.tables.items()}
    return {"tables": tables, "totals": release.totals, "cells": release.cells_sha256, "dangling": release.dangling, "joined": release.joined}
