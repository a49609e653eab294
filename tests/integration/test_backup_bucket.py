"""Backups in a bucket: the same as in a folder, over a store that refuses, forgets, or holds something else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.cli.main import main
from suwen.engine.releases import Releases
from suwen.flow.backup.giving import check, restore
from suwen.flow.backup.kept import Backups
from suwen.flow.backup.places import backups_at, bucket_of
from suwen.flow.backup.taking import back_up
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.model.region import Region
from tests.integration.object_store import Fault, ObjectStore
from tests.integration.small_region import deliver, make


@pytest.fixture(scope="module")
def region(store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Region:
    """A region in folders with one release, whose region.toml says how the bucket is reached."""
    folder = tmp_path_factory.mktemp("of") / "region"
    make(folder)
    path = folder / "region.toml"
    path.write_text(path.read_text("utf-8").replace("\n[engine]", f'\n[store]\nendpoint = "{store.endpoint}"\n\n[engine]', 1), "utf-8")
    deliver(folder, [0, 1])
    run(open_region(folder))
    return open_region(folder)


@pytest.fixture
def address(store: ObjectStore) -> str:
    return f"s3://{store.bucket()}/kept"


def place(region: Region, address: str) -> Backups:
    return backups_at(address, region.bucket, "region.toml")


def content(folder: Path) -> str:
    found = Releases(folder / "lake" / "releases").latest()
    assert found is not None
    return found.content


def test_a_backup_in_a_bucket_comes_back_as_the_same_release(region: Region, address: str, tmp_path: Path) -> None:
    shutil.copytree(region.folder, tmp_path / "region")
    own = open_region(tmp_path / "region")
    first, again = back_up(own, place(own, address)), back_up(own, place(own, address))
    assert first.new_files and not again.new_files and first.name != again.name
    deliver(own.folder, [2])
    run(own)
    assert 0 < back_up(own, place(own, address)).new_files < first.files
    back = restore(place(own, address), tmp_path / "back")
    assert back.release == 2 and content(tmp_path / "back") == content(own.folder)
    assert restore(place(own, address), tmp_path / "earlier", first.name).release == 1


def test_the_commands_take_an_address(region: Region, store: ObjectStore, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = shutil.copy(region.folder / "region.toml", tmp_path / "settings.toml")
    assert main(["backup", address, "--region", str(region.folder)]) == 0
    assert main(["backup", address, "--check", "--region", str(region.folder)]) == 0
    assert main(["restore", address, "--list", "--store", str(settings)]) == 0
    assert main(["restore", address, str(tmp_path / "back"), "--store", str(settings)]) == 0
    assert "release 1 is the same" in capsys.readouterr().out
    assert main(["backup", "s3://Not An Address", "--region", str(region.folder)]) == 2
    assert main(["backup", "ftp://host/kept", "--region", str(region.folder)]) == 2
    assert bucket_of(settings).endpoint == store.endpoint


def test_what_is_not_ours_stays(region: Region, store: ObjectStore, address: str) -> None:
    place(region, address).put("thesis.txt", b"mine")
    with pytest.raises(SuwenError, match="something else"):
        back_up(region, place(region, address))
    assert store.names(address.removeprefix("s3://").split("/")[0]) == ["kept/thesis.txt"]
    with pytest.raises(SuwenError, match="no backups here"):
        restore(place(region, address), region.folder.parent / "never")


def test_a_store_that_refuses_leaves_no_backup_and_the_next_completes(region: Region, store: ObjectStore, address: str, tmp_path: Path) -> None:
    store.fail(Fault(part="objects/", code="AccessDenied", skip=9, times=1000))
    with pytest.raises(SuwenError):
        back_up(region, place(region, address))
    assert not place(region, address).names()
    store.calm()
    back_up(region, place(region, address))
    assert restore(place(region, address), tmp_path / "back").release == 1


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_half_backups_are_refused_and_found_by_a_check(region: Region, address: str, tmp_path: Path, damage: str) -> None:
    back_up(region, place(region, address))
    kept = place(region, address)
    one = max(kept.manifest(kept.called()).files, key=lambda file: file.bytes)
    if damage == "gone":
        kept.rename_damaged(one.sha256)
    else:
        kept.put(kept.object_of(one.sha256), b"x" * one.bytes)
    with pytest.raises(SuwenError, match=r"missing|damaged"):
        restore(place(region, address), tmp_path / "back")
    assert not (tmp_path / "back").exists()
    with pytest.raises(SuwenError, match="1 of "):
        check(place(region, address))
    assert back_up(region, place(region, address)).new_files == 1
    assert restore(place(region, address), tmp_path / "back").release == 1
