"""Regions of every earlier format: read as they are, refused for writing, upgraded to the same content, and one of a later format refused everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import suwen
from suwen.base.errors import SuwenError
from suwen.engine.duck import Engine
from suwen.engine.releases import Releases
from suwen.flow.backup.folder import BackupFolder
from suwen.flow.backup.taking import back_up
from suwen.flow.fingerprint_proof import prove
from suwen.flow.formats import parts
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.upgrade import STEPS, upgrade
from suwen.flow.upkeep.maintain import maintain
from suwen.model.format import FIRST, FORMAT, FORMAT_FILE
from suwen.model.region import Region
from tests.integration.format_regions import ACCOUNT, DELIVERED, archives, unpacked
from tests.integration.small_region import deliver, make

EARLIER = list(range(FIRST, FORMAT))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def content(folder: Path) -> str:
    release = Releases(folder / "lake" / "releases").latest()
    assert release is not None
    return release.content


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What this version makes of the same deliveries."""
    folder = tmp_path_factory.mktemp("today") / "region"
    make(folder)
    for numbers in DELIVERED:
        deliver(folder, numbers)
        run(open_region(folder))
    return folder


def test_there_is_a_step_and_a_region_for_every_earlier_format() -> None:
    assert sorted(STEPS) == [number + 1 for number in EARLIER]
    assert set(EARLIER) <= set(archives())


@pytest.mark.parametrize("number", EARLIER)
def test_a_region_of_an_earlier_format_is_upgraded_and_goes_on(number: int, today: Path, tmp_path: Path) -> None:
    folder = unpacked(number, tmp_path)
    region, before = open_region(folder), files(folder)
    assert [part.format for part in parts(region)] == [number, number]
    assert suwen.open(folder).table("cdr.visit_occurrence").num_rows
    deliveries_before = len(list((folder / "landing" / "deliveries").iterdir()))
    for refused in (lambda: run(region), lambda: deliver(folder, [3]), lambda: maintain(region)):
        with pytest.raises(SuwenError, match=f"has format {number}") as told:
            refused()
        assert "suwen upgrade" in told.value.do
    assert len(list((folder / "landing" / "deliveries").iterdir())) == deliveries_before
    would = upgrade(region, dry_run=True)
    assert {name: held for name, held in files(folder).items() if name in before} == before
    assert upgrade(region) == would and [(one.part, one.before) for one in would if one.before == number] == [("landing", number), ("lake", number)]
    assert not upgrade(region)
    last = max(int(path.stem) for path in (folder / "lake" / "releases" / "removed").glob("*.json"))
    with pytest.raises(SuwenError, match=r"was removed at .* the next run makes them anew"):
        Releases(region.releases).get(last)
    assert run(region).release == last + 1, "no number is given twice"
    assert content(folder) == content(today)
    release = Releases(region.releases).latest()
    assert release is not None
    engine = Engine(scratch=tmp_path / "scratch")
    assert not prove(region, release, engine).unlike
    engine.close()
    shutil.rmtree(folder / "outbox")
    deliver(folder, [3])
    run(open_region(folder))
    assert not maintain(open_region(folder)).damage
    shutil.copytree(today, tmp_path / "today")
    deliver(tmp_path / "today", [3])
    run(open_region(tmp_path / "today"))
    assert content(folder) == content(tmp_path / "today")


def test_the_accounts_of_an_earlier_region_are_still_there(tmp_path: Path) -> None:
    folder = unpacked(FIRST, tmp_path)
    said = [_suwen(["upgrade", "--dry-run"], folder), _suwen(["upgrade"], folder), _suwen(["upgrade"], folder), _suwen(["user", "list"], folder)]
    assert "landing: format 1 would become" in said[0] and "lake: format 1 became" in said[1]
    assert "nothing to upgrade" in said[2] and ACCOUNT in said[3]


def _suwen(words: list[str], folder: Path) -> str:
    done = subprocess.run([sys.executable, "-m", "suwen.cli.main", *words, "--region", str(folder)], capture_output=True, text=True, check=True, env=os.environ)
    return done.stdout


@pytest.mark.parametrize("died", ["changed landing", "upgraded landing", "changed lake", "upgraded lake"])
def test_an_upgrade_that_died_is_taken_up(died: str, tmp_path: Path) -> None:
    folder = unpacked(FIRST, tmp_path)

    def step(name: str) -> None:
        if name == died:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upgrade(open_region(folder), step=step)
    upgrade(open_region(folder))
    assert [part.format for part in parts(open_region(folder))] == [FORMAT, FORMAT]
    assert run(open_region(folder)).release == 3 and run(open_region(folder)).release is None


@pytest.mark.parametrize("name", ["landing", "lake"])
@pytest.mark.parametrize(
    "use",
    [
        run,
        maintain,
        upgrade,
        lambda region: suwen.open(region.folder),
        lambda region: deliver(region.folder, [3]),
        lambda region: back_up(region, BackupFolder(region.folder.parent / "kept")),
    ],
    ids=["run", "maintain", "upgrade", "open", "land", "backup"],
)
def test_a_later_format_is_refused_and_left_as_it_is(name: str, use: Callable[[Region], object], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if "land-" in request.node.name.split("[")[1] and name == "lake":
        pytest.skip("landing asks nothing of the lake")
    folder = unpacked(FIRST, tmp_path)
    upgrade(open_region(folder))
    (folder / name / FORMAT_FILE).write_text(json.dumps({"format": FORMAT + 1, "suwen": "9.0"}))
    before = files(folder / "lake") | files(folder / "landing")
    with pytest.raises(SuwenError, match=f"{name} has format {FORMAT + 1}, made by Suwen 9.0") as told:
        use(open_region(folder))
    assert "9.0" in told.value.do
    assert files(folder / "lake") | files(folder / "landing") | {".lock": b"", ".keeping": b""} == before | {".lock": b"", ".keeping": b""}


def test_a_new_region_and_a_lake_made_again_have_todays_format(today: Path, tmp_path: Path) -> None:
    make(tmp_path / "new")
    assert [part.format for part in parts(open_region(tmp_path / "new"))] == [FORMAT, FORMAT]
    (tmp_path / "new" / "lake" / FORMAT_FILE).write_text("{")
    with pytest.raises(SuwenError, match="damaged"):
        run(open_region(tmp_path / "new"))
