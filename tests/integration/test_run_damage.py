"""Damage: what a run can make again it makes again; for the rest it says what, where and what to do, changes nothing, and goes on once it is mended."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import suwen
from suwen.base.errors import SuwenError
from suwen.cli.main import main
from suwen.engine.releases import Releases
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.intake.landing import Landing
from tests.integration.run_server import observed
from tests.integration.small_region import deliver, make


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region with one release, and a second delivery that has not been run."""
    folder = tmp_path_factory.mktemp("region") / "waiting"
    make(folder)
    deliver(folder, [0])
    run(open_region(folder))
    deliver(folder, [2])
    return folder


@pytest.fixture(scope="module")
def expected(waiting: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("whole") / "region"
    shutil.copytree(waiting, folder)
    run(open_region(folder))
    return observed(folder)


@pytest.fixture
def region(waiting: Path, tmp_path: Path) -> Path:
    shutil.copytree(waiting, tmp_path / "region")
    return tmp_path / "region"


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def cut(path: Path) -> None:
    os.chmod(path, 0o640)
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def change(path: Path) -> None:
    """Other bytes, as many as before."""
    data = bytearray(path.read_bytes())
    data[4 : len(data) // 2] = bytes(b ^ 0x5A for b in data[4 : len(data) // 2])
    os.chmod(path, 0o640)
    path.write_bytes(data)


def first(region: Path, pattern: str) -> Path:
    return sorted(p for p in region.glob(pattern) if p.is_file() or pattern.count("*") == 0)[0]


@pytest.mark.parametrize(
    "harms",
    [
        {"lake/staging/his/visits/*.parquet": remove, "lake/index/his/*/*.parquet": cut, "lake/packs/*": remove},
        {"lake/staging/his/*/*.parquet": cut, "lake/index/his/visits/*.parquet": remove, "lake/index/his/patients/*.parquet": cut},
        {"lake/staging/his/*.json": cut, "lake/index/his/visits/*.parquet": empty, "lake/packs/*": remove},
        {"lake/staging/his/*.json": remove, "lake/staging/his/patients/*": empty},
    ],
)
def test_what_can_be_made_again_is_made_again(harms: dict[str, Callable[[Path], None]], region: Path, expected: dict[str, object]) -> None:
    for pattern, harm in harms.items():
        assert list(region.glob(pattern))
        for path in list(region.glob(pattern)):
            harm(path)
    run(open_region(region))
    assert observed(region) == expected


HARMS = {
    "data file gone": ("lake/cdr/visit_detail/_part=*/*.parquet", remove, "table visit_detail is damaged: a file is missing: _part="),
    "data file cut": ("lake/cdr/person/_part=*/*.parquet", cut, "table person is damaged: a file of "),
    "data file changed": ("lake/cdr/person/_part=*/*.parquet", change, "a file of the lake is damaged"),
    "books cut": ("lake/state/disposition/_part=*/*.parquet", cut, "table disposition is damaged"),
    "cells gone": ("lake/state/cell/_part=*/*.parquet", remove, "table cell is damaged"),
    "table gone": ("lake/cdr/visit_occurrence", remove, "table visit_occurrence is damaged: it is not there"),
    "log gone": ("lake/cdr/person/_delta_log/00000000000000000001.json", remove, "table person is damaged"),
    "log cut": ("lake/cdr/person/_delta_log/00000000000000000001.json", cut, "table person is damaged"),
    "log empty": ("lake/cdr/person/_delta_log/00000000000000000001.json", empty, "table person is damaged"),
    "release cut": ("lake/releases/00000001.json", cut, "release 1 cannot be read"),
    "release empty": ("lake/releases/00000001.json", empty, "release 1 cannot be read"),
    "release of another shape": ("lake/releases/00000001.json", lambda p: p.write_text("[]"), "release 1 cannot be read"),
    "staging changed": ("lake/staging/his/visits/*.parquet", change, "a file of the lake is damaged"),
    "index changed": ("lake/index/his/visits/*.parquet", change, "a file of the lake is damaged"),
    "delivery cut": ("landing/deliveries/0000000002.json", cut, "damaged"),
    "region.toml gone": ("region.toml", remove, "there is no region.toml here"),
    "region.toml empty": ("region.toml", empty, "region.toml"),
    "organisations gone": ("organisations.csv", remove, "organisations.csv"),
    "feed empty": ("feeds/his.toml", empty, "feeds/his.toml"),
    "feed gone": ("feeds/his.toml", remove, "files have landed for the feed his"),
    "template gone": ("packs/small/template/small.toml", remove, 'there is no template "small/csv"'),
    "lock a folder": ("lake/.lock", lambda p: (p.unlink(), p.mkdir()), ".lock"),
}


def refused(region: Path) -> str:
    """The text of the error a run ends with, in which no value of a record may be."""
    with pytest.raises(SuwenError) as told:
        run(open_region(region))
    text = str(told.value)
    assert "to do:" in text or "expected:" in text
    assert not any(value in text for value in ("v12", "p3", "1953", "w2", "2024-0")), text
    return text


@pytest.fixture(scope="module")
def patient(waiting: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region that is damaged and mended again and again, and never run to an end."""
    folder = tmp_path_factory.mktemp("patient") / "region"
    shutil.copytree(waiting, folder)
    return folder


def mend(path: Path, patient: Path, waiting: Path) -> None:
    sound = waiting / path.relative_to(patient)
    if path.exists():
        remove(path)
    if sound.is_dir():
        shutil.copytree(sound, path)
    else:
        shutil.copy2(sound, path)


@pytest.mark.parametrize("name", HARMS)
def test_damage_is_told_and_nothing_is_published(name: str, patient: Path, waiting: Path) -> None:
    pattern, harm, said = HARMS[name]
    path = first(patient, pattern)
    harm(path)
    assert said in refused(patient)
    mend(path, patient, waiting)
    assert Releases(patient / "lake" / "releases").numbers() == [1]


@pytest.mark.parametrize("harm", [remove, cut, change])
def test_bytes_in_landing_that_are_not_those_that_arrived_stop_the_run(harm: Callable[[Path], None], patient: Path, waiting: Path) -> None:
    names = {r.sha256 for r in Landing(patient / "landing").receipts()[-1:]}
    path = next(p for p in patient.glob("landing/objects/*/*") if p.name in names)
    shutil.rmtree(patient / "lake" / "staging", ignore_errors=True)
    harm(path)
    text = refused(patient)
    assert "the bytes of receipt" in text and str(path) in text and "restore landing from its copy" in text
    mend(path, patient, waiting)


@pytest.mark.parametrize("harm", [remove, cut, change])
def test_readers_are_told_too(harm: Callable[[Path], None], patient: Path, waiting: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = first(patient, "lake/cdr/person/_part=*/*.parquet")
    harm(path)
    for read in (lambda: suwen.open(patient).table("person"), lambda: suwen.open(patient).query("select max(year_of_birth) as y from person")):
        with pytest.raises(SuwenError, match=r"a file of the lake is (missing|damaged)") as told:
            read()
        assert told.value.where == str(path)
    assert main(["query", "select * from person", "--region", str(patient)]) == 2
    assert main(["run", "--region", str(patient)]) == 2
    said = capfd.readouterr()
    assert said.out == "" and "Traceback" not in said.err and said.err.count("to do:") == 2
    mend(path, patient, waiting)


def test_a_region_damaged_often_and_mended_comes_to_the_same_end(patient: Path, expected: dict[str, object]) -> None:
    run(open_region(patient))
    assert observed(patient) == expected


def test_the_newest_release_moved_away_is_published_again(region: Path, expected: dict[str, object]) -> None:
    run(open_region(region))
    (region / "lake" / "releases" / "00000002.json").unlink()
    run(open_region(region))
    assert observed(region) == expected


def test_a_damaged_lake_is_made_anew_from_landing_as_the_error_says(region: Path, expected: dict[str, object]) -> None:
    remove(first(region, "lake/cdr/person/_part=*/*.parquet"))
    assert "move cdr, ext, state and releases out of it and run again" in refused(region)
    for name in ("cdr", "ext", "state", "releases"):
        shutil.rmtree(region / "lake" / name, ignore_errors=True)
    run(open_region(region))
    again = observed(region)
    assert again["number"] == 1 and all(again[name] == expected[name] for name in ("content", "cells", "totals"))


def mount(*options: str, on: Path) -> None:
    done = subprocess.run(["mount", *options, str(on)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(region: Path) -> Iterator[Path]:
    """The region with its lake on a file system of its own."""
    lake = region / "lake"
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    lake.rename(region / "aside")
    lake.mkdir()
    mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", on=lake)
    try:
        shutil.copytree(region / "aside", lake, dirs_exist_ok=True)
        yield region
    finally:
        subprocess.run(["umount", str(lake)], check=True)


def used(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(small_disk: Path, expected: dict[str, object]) -> None:
    lake = small_disk / "lake"
    for free in (0, 4, 8, 16, 16, 16, 16):  # what an earlier attempt staged and indexed stays, so each comes further
        mount("-o", f"remount,size={used(lake) + free * 1024}", on=lake)
        text = refused(small_disk)
        assert "no space left on device" in text or "no room to put aside" in text, text
        assert observed(small_disk)["number"] == 1
    mount("-o", "remount,size=64m", on=lake)
    run(open_region(small_disk))
    assert observed(small_disk) == expected


def test_a_lake_that_may_only_be_read_stops_the_run(small_disk: Path, expected: dict[str, object]) -> None:
    lake = small_disk / "lake"
    mount("-o", "remount,ro", on=lake)
    assert "read-only file system" in refused(small_disk)
    mount("-o", "remount,rw", on=lake)
    run(open_region(small_disk))
    assert observed(small_disk) == expected
