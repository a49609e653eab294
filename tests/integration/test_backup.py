"""Backup and restore: what is durable comes back as the same release, also after kills in their middle, and what is half is refused."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import suwen
from suwen.base.errors import SuwenError
from suwen.engine.releases import Releases
from suwen.flow.backup.folder import BackupFolder
from suwen.flow.backup.giving import RestoreReport, check, restore
from suwen.flow.backup.taking import BackupReport, Wanted, back_up
from suwen.flow.keeping import keeping
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.intake.landing import Landing
from suwen.model.backup import Extent
from suwen.model.region import Region
from tests.integration.run_server import Prepared
from tests.integration.small_region import deliver, make

LANDING = Wanted(Extent.LANDING)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """Two releases, the second of which took rows out of files of the first."""
    folder = tmp_path_factory.mktemp("whole") / "region"
    make(folder)
    deliver(folder, [0, 1])
    run(open_region(folder))
    deliver(folder, [2])
    run(open_region(folder))
    (folder / "secrets.toml").write_text("signing_key = 'k'\n", encoding="utf-8")
    return open_region(folder)


@pytest.fixture
def served(region: Region, tmp_path: Path) -> Iterator[tuple[Region, sqlite3.Connection]]:
    """A copy whose control data is being written to: its newest rows lie in the file beside."""
    shutil.copytree(region.folder, tmp_path / "served")
    with closing(sqlite3.connect(tmp_path / "served" / "control.db")) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table entry (number integer)")
        connection.executemany("insert into entry values (?)", [(n,) for n in range(100)])
        connection.commit()
        assert (tmp_path / "served" / "control.db-wal").stat().st_size
        yield open_region(tmp_path / "served"), connection


def taken(region: Region, target: Path, wanted: Wanted | None = None, step: Callable[[str], None] = lambda _: None) -> BackupReport:
    return back_up(region, BackupFolder(target, step), wanted)


def given(source: Path, folder: Path, name: str = "", step: Callable[[str], None] = lambda _: None) -> RestoreReport:
    return restore(BackupFolder(source, step), folder, name)


def content(folder: Path) -> tuple[str, list[int]]:
    kept = Releases(folder / "lake" / "releases")
    newest = kept.latest()
    assert newest is not None
    return newest.content, kept.numbers()


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_drill_gives_the_same_release_and_says_from_when_and_how_long(region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = taken(region, tmp_path / "kept")
    began = time.monotonic()
    back = given(tmp_path / "kept", tmp_path / "back")
    with capsys.disabled():
        print(
            f"\nrestore drill: recovery point release {back.release} of {back.published_at}, received until {back.received_at}; "
            f"recovery time {time.monotonic() - began:.2f} s for {back.files} files, {back.bytes} bytes, {back.rows} rows proven"
        )
    assert content(tmp_path / "back") == content(region.folder)
    assert (back.release, back.deliveries, back.published_at, back.received_at) == (2, 3, report.published_at, "2024-05-01T00:00:00+00:00")
    assert back.tables and back.rows == sum(s.rows for n, s in Releases(region.releases).get(2).tables.items() if n.startswith(("cdr/", "ext/")))
    for number in (1, 2):
        ours, theirs = suwen.open(region.folder, number), suwen.open(tmp_path / "back", number)
        assert ours.query("select * from cdr.visit_occurrence order by visit_occurrence_id") == theirs.query(
            "select * from cdr.visit_occurrence order by visit_occurrence_id"
        )
    assert Landing(tmp_path / "back" / "landing").verify_objects() == back.objects


def test_a_restored_region_goes_on_as_the_first_would_have(region: Region, tmp_path: Path) -> None:
    taken(region, tmp_path / "kept")
    given(tmp_path / "kept", tmp_path / "back")
    shutil.copytree(region.folder, tmp_path / "first")
    for folder in (tmp_path / "first", tmp_path / "back"):
        assert run(open_region(folder)).release is None
        deliver(folder, [3])
        assert run(open_region(folder)).release == 3
    assert content(tmp_path / "first") == content(tmp_path / "back")


def test_landing_alone_is_enough_to_make_everything_again(region: Region, tmp_path: Path) -> None:
    report = taken(region, tmp_path / "kept", LANDING)
    assert (report.release, report.deliveries) == (0, 3)
    back = given(tmp_path / "kept", tmp_path / "back")
    assert not Releases(tmp_path / "back" / "lake" / "releases").numbers() and not back.tables
    run(open_region(tmp_path / "back"))
    assert content(tmp_path / "back")[0] == content(region.folder)[0]


def test_backups_of_landing_alone_between_whole_ones_are_in_nobodys_way(region: Region, tmp_path: Path) -> None:
    shutil.copytree(region.folder, tmp_path / "region")
    own = open_region(tmp_path / "region")
    whole = taken(own, tmp_path / "kept")
    deliver(own.folder, [3])
    between = taken(own, tmp_path / "kept", LANDING)
    assert 0 < between.new_files < whole.new_files
    back = given(tmp_path / "kept", tmp_path / "back")
    assert (back.name, back.release) == (whole.name, whole.release) and between.name[:27] in back.notes[-1]
    assert check(BackupFolder(tmp_path / "kept"))[0] == whole.name
    assert not taken(own, tmp_path / "kept").new_files
    assert given(tmp_path / "kept", tmp_path / "later", between.name[:27]).deliveries == whole.deliveries + 1


def test_what_is_there_is_not_copied_again(region: Region, tmp_path: Path) -> None:
    shutil.copytree(region.folder, tmp_path / "region")
    first = taken(open_region(tmp_path / "region"), tmp_path / "kept")
    again = taken(open_region(tmp_path / "region"), tmp_path / "kept")
    assert first.new_files and not again.new_files and again.files == first.files and again.name != first.name
    deliver(tmp_path / "region", [3])
    run(open_region(tmp_path / "region"))
    third = taken(open_region(tmp_path / "region"), tmp_path / "kept")
    assert 0 < third.new_files < third.files and third.release == 3
    assert given(tmp_path / "kept", tmp_path / "earlier", first.name[:27]).release == 2
    assert given(tmp_path / "kept", tmp_path / "newest").release == 3


def test_control_data_is_copied_whole_while_it_is_written_to(served: tuple[Region, sqlite3.Connection], tmp_path: Path) -> None:
    region, connection = served
    connection.execute("insert into entry values (100)")  # not committed: not in the backup
    report = taken(region, tmp_path / "kept")
    assert any("secrets.toml is not in it" in note for note in report.notes)
    back = given(tmp_path / "kept", tmp_path / "back")
    assert any("secrets.toml" in note for note in back.notes)
    with closing(sqlite3.connect(tmp_path / "back" / "control.db")) as copy:
        assert copy.execute("select count(*), max(number) from entry").fetchone() == (100, 99)
    assert (tmp_path / "back" / "control.db").stat().st_mode & 0o777 == 0o600
    assert "secrets.toml" not in files(tmp_path / "back")


def test_secrets_are_in_it_only_where_their_owner_says_so(region: Region, tmp_path: Path) -> None:
    assert not taken(region, tmp_path / "kept", Wanted(secrets=True)).notes
    given(tmp_path / "kept", tmp_path / "back")
    assert (tmp_path / "back" / "secrets.toml").read_bytes() == (region.folder / "secrets.toml").read_bytes()
    assert (tmp_path / "back" / "secrets.toml").stat().st_mode & 0o777 == 0o600


def test_with_staging_the_next_run_reads_nothing_of_landing_again(region: Region, tmp_path: Path) -> None:
    taken(region, tmp_path / "kept", Wanted(staging=True))
    given(tmp_path / "kept", tmp_path / "back")
    for one in (tmp_path / "back" / "landing" / "objects").glob("*/*"):
        one.unlink()
    deliver(tmp_path / "back", [3])
    assert run(open_region(tmp_path / "back")).release == 3


def test_a_run_may_be_at_work_meanwhile(region: Region, tmp_path: Path) -> None:
    """What it commits and has not published is not in the backup, and what it publishes meanwhile neither."""
    shutil.copytree(region.folder, tmp_path / "region")
    deliver(tmp_path / "region", [3])
    reports: list[BackupReport] = []

    def step(name: str) -> None:
        if name in ("committed cdr/measurement", "released"):
            reports.append(taken(open_region(tmp_path / "region"), tmp_path / "kept"))

    run(open_region(tmp_path / "region"), step=step)
    assert [report.release for report in reports] == [2, 3]
    assert given(tmp_path / "kept", tmp_path / "before", reports[0].name).release == 2
    assert content(tmp_path / "before") == content(region.folder)
    assert run(open_region(tmp_path / "before")).release == 3
    assert content(tmp_path / "before") == content(tmp_path / "region")


@pytest.fixture(scope="module")
def server() -> Iterator[Prepared]:
    with Prepared() as one:
        yield one


def spread(steps: list[str], each: int = 3) -> list[int]:
    """For every name of a step so many of its places (1-based), the first and last among them."""
    places: dict[str, list[int]] = {}
    for number, name in enumerate(steps, 1):
        places.setdefault(name, []).append(number)
    return sorted({numbers[round(i * (len(numbers) - 1) / (each - 1))] for numbers in places.values() for i in range(each)})


def test_killed_anywhere_a_backup_is_whole_or_absent_and_the_next_completes(region: Region, tmp_path: Path, server: Prepared) -> None:
    steps, target = server.ask("backup", region.folder, target=tmp_path / "whole")["points"], tmp_path / "kept"
    for after in spread(steps):
        before = BackupFolder(target).names()
        assert server.ask("backup", region.folder, target=target, kill_at=after).get("killed")
        names = BackupFolder(target).names()
        assert names == before or steps[after - 1] == "backup-named"
        for name in names:
            BackupFolder(target).manifest(name)
        taken(region, target)
        shutil.rmtree(target)
    assert server.ask("backup", region.folder, target=target, kill_at=len(steps) // 2).get("killed")
    taken(region, target)
    assert not list((target / "tmp").iterdir())
    given(target, tmp_path / "back")
    assert content(tmp_path / "back") == content(region.folder)


def test_killed_anywhere_a_restore_leaves_no_region_and_the_next_completes(region: Region, tmp_path: Path, server: Prepared) -> None:
    taken(region, tmp_path / "kept")
    steps = server.ask("restore", tmp_path / "kept", target=tmp_path / "whole")["points"]
    whole = files(tmp_path / "whole")
    for number, after in enumerate(spread(steps)):
        folder = tmp_path / f"back{number}"
        assert server.ask("restore", tmp_path / "kept", target=folder, kill_at=after).get("killed")
        assert folder.exists() == (steps[after - 1] == "restored")
        if not folder.exists():
            given(tmp_path / "kept", folder)
        assert files(folder) == whole
        assert not list(tmp_path.glob(f".{folder.name}*"))


def test_a_restore_of_another_backup_takes_nothing_from_a_dead_one(region: Region, tmp_path: Path, server: Prepared) -> None:
    shutil.copytree(region.folder, tmp_path / "region")
    first = taken(open_region(tmp_path / "region"), tmp_path / "kept")
    (tmp_path / "region" / "more.csv").write_text("a\n", encoding="utf-8")
    second = taken(open_region(tmp_path / "region"), tmp_path / "kept")
    assert server.ask("restore", tmp_path / "kept", target=tmp_path / "back", name=second.name, kill_at="all-there").get("killed")
    given(tmp_path / "kept", tmp_path / "back", first.name)
    assert "more.csv" not in files(tmp_path / "back")


def _objects(kept: Path) -> list[Path]:
    return sorted((kept / "objects").glob("*/*"), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "list cut", "list gone", "not a backup", "a later form"])
def test_half_backups_are_refused_and_nothing_appears(region: Region, tmp_path: Path, damage: str) -> None:
    taken(region, tmp_path / "kept")
    one, (listed,) = _objects(tmp_path / "kept")[-1], (tmp_path / "kept" / "backups").iterdir()
    one.chmod(0o600)
    match damage:
        case "missing":
            one.unlink()
        case "cut":
            os.truncate(one, one.stat().st_size - 1)
        case "changed":
            one.write_bytes(bytes([one.read_bytes()[0] ^ 1]) + one.read_bytes()[1:])
        case "list cut":
            os.truncate(listed, listed.stat().st_size // 2)
        case "list gone":
            listed.unlink()
        case "not a backup":
            (tmp_path / "kept" / "suwen-backup.json").unlink()
        case _:
            (tmp_path / "kept" / "suwen-backup.json").write_text('{"backup": 2}')
    with pytest.raises(SuwenError) as told:
        given(tmp_path / "kept", tmp_path / "back")
    assert told.value.where and (told.value.do or told.value.expected)
    assert not (tmp_path / "back").exists()


def test_a_content_gone_bad_is_found_and_copied_again(region: Region, tmp_path: Path) -> None:
    taken(region, tmp_path / "kept")
    assert check(BackupFolder(tmp_path / "kept"))[1] == len(_objects(tmp_path / "kept"))
    one = _objects(tmp_path / "kept")[-1]
    one.chmod(0o600)
    one.write_bytes(bytes([one.read_bytes()[0] ^ 1]) + one.read_bytes()[1:])
    with pytest.raises(SuwenError, match="1 of "):
        check(BackupFolder(tmp_path / "kept"))
    assert taken(region, tmp_path / "kept").new_files == 1
    check(BackupFolder(tmp_path / "kept"))
    assert given(tmp_path / "kept", tmp_path / "back").release == 2


def test_a_backup_whose_rows_are_others_is_not_the_same_release(region: Region, tmp_path: Path) -> None:
    """Every hash is right, and the release lies: only its fingerprints tell."""
    shutil.copytree(region.folder, tmp_path / "region")
    path = tmp_path / "region" / "lake" / "releases" / "00000002.json"
    path.write_text(path.read_text("utf-8").replace(Releases(region.releases).get(2).tables["cdr/person"].fingerprint, "1"), encoding="utf-8")
    taken(open_region(tmp_path / "region"), tmp_path / "kept")
    with pytest.raises(SuwenError, match="not release 2: cdr/person"):
        given(tmp_path / "kept", tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("damage", ["object", "object cut", "table"])
def test_what_is_damaged_is_not_taken_for_good(region: Region, tmp_path: Path, damage: str) -> None:
    shutil.copytree(region.folder, tmp_path / "region")
    if damage == "table":
        next((tmp_path / "region" / "lake" / "cdr" / "person").glob("_part=*/*")).unlink()
    else:
        one = next((tmp_path / "region" / "landing" / "objects").glob("*/*"))
        one.chmod(0o600)
        one.write_bytes(one.read_bytes()[:-1] + (b"" if damage == "object cut" else b"~"))
    with pytest.raises(SuwenError, match=r"damaged|missing"):
        taken(open_region(tmp_path / "region"), tmp_path / "kept")
    assert not BackupFolder(tmp_path / "kept").names()


def test_what_is_not_ours_stays(region: Region, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(SuwenError, match="something else"):
        taken(region, tmp_path / "other")
    assert files(tmp_path / "other") == {"thesis.txt": b"mine"}
    taken(region, tmp_path / "kept")
    (tmp_path / "kept" / "objects" / "note.txt").write_text("mine")
    (tmp_path / "kept" / "note.txt").write_text("mine")
    taken(region, tmp_path / "kept")
    assert (tmp_path / "kept" / "note.txt").exists() and (tmp_path / "kept" / "objects" / "note.txt").exists()
    with pytest.raises(SuwenError, match="not empty"):
        given(tmp_path / "kept", tmp_path / "other")
    assert files(tmp_path / "other") == {"thesis.txt": b"mine"}


def test_a_backup_does_not_lie_inside_its_region(region: Region) -> None:
    with pytest.raises(SuwenError, match="inside"):
        taken(region, region.folder / "kept")


def test_a_region_whose_lake_lies_elsewhere_is_restored_with_its_own(region: Region, tmp_path: Path) -> None:
    shutil.copytree(region.folder, tmp_path / "region")
    shutil.move(tmp_path / "region" / "lake", tmp_path / "far")
    path = tmp_path / "region" / "region.toml"
    path.write_text(path.read_text("utf-8").replace('# lake = "lake"', f'lake = "{tmp_path / "far"}"'), encoding="utf-8")
    taken(open_region(tmp_path / "region"), tmp_path / "kept")
    assert any("comments" in note for note in given(tmp_path / "kept", tmp_path / "back").notes)
    assert open_region(tmp_path / "back").lake == tmp_path / "back" / "lake"
    assert content(tmp_path / "back") == content(region.folder)


def test_a_backup_waits_for_who_removes_files(region: Region, tmp_path: Path) -> None:
    with keeping(region, removing=True), pytest.raises(SuwenError, match="maintenance"):
        taken(region, tmp_path / "kept")
    with keeping(region):
        taken(replace(region), tmp_path / "kept")
