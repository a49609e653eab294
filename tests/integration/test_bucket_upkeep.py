"""Maintenance, backup and upgrade of a region in a bucket: what they do in folders, and no harm to whoever has the lease."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.engine.releases import Releases
from suwen.engine.store.client import Client
from suwen.flow.backup.folder import BackupFolder
from suwen.flow.backup.giving import restore
from suwen.flow.backup.places import backups_at
from suwen.flow.backup.taking import back_up
from suwen.flow.formats import parts
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.stores import releases_of
from suwen.flow.upgrade import upgrade
from suwen.flow.upkeep.maintain import maintain
from suwen.model.format import FORMAT
from suwen.model.region import Keep, Region
from tests.integration.object_store import Fault, ObjectStore, in_buckets
from tests.integration.small_region import deliver, make
from tests.integration.test_maintain import daily

NOW = datetime(2030, 1, 1, tzinfo=UTC)
AT_ONCE = Keep(releases=1, months=0, grace_hours=0)
DAYS = 4


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region in folders after some days of daily runs."""
    folder = tmp_path_factory.mktemp("grown") / "region"
    make(folder)
    deliver(folder, [0, 1])
    run(open_region(folder))
    for day in range(DAYS):
        daily(folder, day)
    return folder


@pytest.fixture
def region(store: ObjectStore, grown: Path, bucket: str, tmp_path: Path) -> Region:
    """The same moved into a bucket, on a machine that has nothing of it."""
    folder = tmp_path / "region"
    shutil.copytree(grown, folder, ignore=shutil.ignore_patterns("lake", "landing", "outbox"))
    in_buckets(folder, store, bucket)
    client = Client(store.access(bucket, "here"))
    for path in sorted(one for name in ("landing", "lake") for one in (grown / name).rglob("*") if one.is_file()):
        if not path.name.startswith(".") and path.name != "lock":
            client.put(path.relative_to(grown).as_posix(), path)
    return replace(open_region(folder), keep=AT_ONCE)


def moved(region: Region, other: Path) -> Region:
    """The region on another machine."""
    shutil.copytree(region.folder, other, ignore=shutil.ignore_patterns("cache", "outbox"))
    return open_region(other)


def content(region: Region) -> tuple[int, str]:
    found = releases_of(region).latest()
    assert found is not None
    return found.number, found.content


def data_files(store: ObjectStore, bucket: str) -> list[str]:
    return [name for name in store.names(bucket) if "/_part=" in name]


def test_files_are_merged_releases_thinned_out_and_what_nobody_names_is_removed(region: Region, store: ObjectStore, bucket: str, tmp_path: Path) -> None:
    (number, before), files, other = content(region), data_files(store, bucket), moved(region, tmp_path / "other")
    seen = releases_of(other).numbers()
    report = maintain(region, at=NOW)
    assert not report.damage and report.compacted == number + 1 and report.merged and report.rows_proven
    assert content(region) == (number + 1, before) and releases_of(region).numbers() == [number + 1]
    assert len(data_files(store, bucket)) < len(files) and report.files_after == len(store.names(bucket))
    assert releases_of(other).numbers() == [number + 1] != seen and content(other) == (number + 1, before)
    with pytest.raises(SuwenError, match="was removed"):
        releases_of(other).get(seen[0])
    assert OpenRelease(other).query("select count(*) as n from person").to_pylist()[0]["n"] > 0
    daily(other.folder, DAYS)
    assert content(region)[0] == number + 2


def test_what_went_bad_in_the_bucket_is_told_and_nothing_is_changed(region: Region, store: ObjectStore, bucket: str) -> None:
    client = Client(store.access(bucket, "here"))
    assert not maintain(region, at=NOW, dry_run=True).damage  # the first look notes what is there
    name = next(held.name for held in client.below("lake/cdr/person") if held.name.endswith(".parquet"))
    client.put(name, client.get(name)[0][:-1] + b"x")
    lost = next(held.name for held in client.below("landing/objects"))
    client.delete([lost])
    names = store.names(bucket)
    report = maintain(region, at=NOW)
    assert {damage.where for damage in report.damage} == {client.where(name), client.where(lost)}
    assert "nothing was changed" in " ".join(report.notes) and store.names(bucket) == names


def test_a_file_of_a_run_that_may_only_stand_still_stays(region: Region, store: ObjectStore, bucket: str) -> None:
    client, number = Client(store.access(bucket, "here")), content(region)[0]
    dead, still = (f"lake/cdr/person/_part=000000/{n:08d}-abcdef01-f1.parquet" for n in (number, number + 2))
    for name in (dead, still):
        client.put(name, b"PAR1")
    maintain(region, quick=True, at=NOW)
    names = store.names(bucket)
    assert f"here/{dead}" not in names and f"here/{still}" in names


def test_whoever_has_lost_the_lease_removes_nothing_more(region: Region, store: ObjectStore, bucket: str) -> None:
    def lose(step: str) -> None:
        if step == "release removed" and not taken:
            data, held = client.get("lease.json")
            said = json.loads(data)
            assert client.replace("lease.json", json.dumps({**said, "number": said["number"] + 1, "holder": "another"}).encode(), held.tag)
            taken.append(len(data_files(store, bucket)))

    client, taken = Client(store.access(bucket, "here/lake")), list[int]()
    with pytest.raises(SuwenError, match="lost its lease"):
        maintain(region, quick=True, at=NOW, step=lose)
    assert taken and len(data_files(store, bucket)) == taken[0] and content(region)[1]


@pytest.mark.deep
def test_a_store_that_refuses_leaves_a_region_that_goes_on(region: Region, store: ObjectStore) -> None:
    before = content(region)[1]
    for part in ("_delta_log", "releases/removed"):
        store.fail(Fault(part=part, code="AccessDenied"))
        with pytest.raises(SuwenError, match="denied"):
            maintain(region, quick=True, at=NOW)
        store.calm()
        assert content(region)[1] == before
    assert not maintain(region, at=NOW).damage and content(region)[1] == before


def test_a_backup_of_a_bucket_comes_back_as_the_same_release(region: Region, bucket: str, store: ObjectStore, tmp_path: Path) -> None:
    into = BackupFolder(tmp_path / "kept")
    first = back_up(region, into)
    assert first.new_files and not back_up(region, into).new_files
    back = restore(into, tmp_path / "back")
    assert back.release == content(region)[0] and back.rows and back.objects
    found = Releases(tmp_path / "back" / "lake" / "releases").latest()
    assert found is not None and found.content == content(region)[1]
    assert open_region(tmp_path / "back").lake_address == "" and back.notes
    assert run(open_region(tmp_path / "back")).release is None
    elsewhere = backups_at(f"s3://{store.bucket()}/kept", region.bucket, "region.toml")
    assert back_up(region, elsewhere).files == first.files
    assert restore(elsewhere, tmp_path / "again").release == back.release


def test_a_backup_of_a_damaged_bucket_is_refused(region: Region, bucket: str, store: ObjectStore, tmp_path: Path) -> None:
    client = Client(store.access(bucket, "here"))
    name = next(held.name for held in client.below("landing/objects"))
    client.put(name, client.get(name)[0][::-1])
    with pytest.raises(SuwenError, match="damaged") as caught:
        back_up(region, BackupFolder(tmp_path / "kept"))
    assert caught.value.where == client.where(name) and not BackupFolder(tmp_path / "kept").names()


def test_an_earlier_format_in_a_bucket_is_upgraded(region: Region, store: ObjectStore, bucket: str) -> None:
    before, client = content(region), Client(store.access(bucket, "here"))
    for part in ("lake", "landing"):
        client.put(f"{part}/format.json", json.dumps({"format": FORMAT - 1, "suwen": "0"}).encode())
    with pytest.raises(SuwenError, match="has format"):
        maintain(region, at=NOW)
    assert upgrade(region, dry_run=True)
    assert upgrade(region) and not upgrade(region)
    assert {part.format for part in parts(region)} == {FORMAT} and releases_of(region).latest() is None
    assert run(region).release == before[0] + 1 and content(region)[1] == before[1]
