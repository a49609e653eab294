"""A run that makes small files one: the same content as without, few files, books that balance, and files that say which rows they may hold."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from suwen.engine.delta import LakeTable
from suwen.engine.releases import Releases
from suwen.flow import merging
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.upkeep.maintain import maintain
from tests.integration.small_region import deliver, make
from tests.integration.test_maintain import daily

DAYS, FANOUT = 6, 3


def held(folder: Path) -> tuple[str, dict[str, int], str]:
    release = Releases(folder / "lake" / "releases").latest()
    assert release is not None
    return release.content, dict(release.totals), release.cells_sha256


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region after some days of daily runs that make three small files one."""
    folder = tmp_path_factory.mktemp("merged") / "region"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "FANOUT", FANOUT)
        make(folder)
        deliver(folder, [0, 1])
        run(open_region(folder))
        for day in range(DAYS):
            daily(folder, day)
    return folder


def test_parts_have_few_files_and_the_rows_of_all(region: Path) -> None:
    release = Releases(region / "lake" / "releases").latest()
    assert release is not None
    for name, state in release.tables.items():
        table = LakeTable(region / "lake" / name, {})
        files = table.files(state.version)
        table.check(files, state.rows)
        assert max(Counter(file.part for file in files).values()) <= FANOUT + 1, name
    assert any("-t_" in path.name for path in (region / "lake" / "cdr").glob("*/_part=*/*.parquet"))


def test_the_content_is_that_of_one_run_over_everything(region: Path, tmp_path: Path) -> None:
    shutil.copytree(region, tmp_path / "region", ignore=shutil.ignore_patterns("lake"))
    run(open_region(tmp_path / "region"))
    assert held(tmp_path / "region") == held(region)


def test_maintenance_finds_nothing_wrong_and_the_next_day_comes(region: Path, tmp_path: Path) -> None:
    shutil.copytree(region, tmp_path / "region")
    before = held(tmp_path / "region")
    assert not maintain(open_region(tmp_path / "region")).damage
    assert held(tmp_path / "region") == before
    daily(tmp_path / "region", DAYS)
    assert held(tmp_path / "region") != before
