"""Maintenance: what it keeps, merges and removes, that content stays the same, what it says of damage, and that a death at any step does no harm."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import suwen
from suwen.base.errors import SuwenError
from suwen.cli.main import main
from suwen.engine.delta import LakeTable
from suwen.engine.releases import Releases
from suwen.flow import arrivals
from suwen.flow.backup.folder import BackupFolder
from suwen.flow.backup.giving import restore
from suwen.flow.backup.taking import back_up
from suwen.flow.keeping import keeping
from suwen.flow.land import land
from suwen.flow.region import open_region, region_lock
from suwen.flow.run import run
from suwen.flow.trace import trace
from suwen.flow.upkeep.maintain import MaintainReport, maintain
from suwen.intake.landing import Landing
from suwen.model.receipt import Fact, Mode, State
from suwen.model.region import Keep, Region
from tests.integration.run_server import Prepared
from tests.integration.small_region import FIRST_DAY, RESULTS, VISITS, deliver, make

DAYS = 5
LAST = DAYS + 1  # the number of the newest release before maintenance
NOW = datetime(2030, 1, 1, tzinfo=UTC)
AT_ONCE = Keep(releases=1, months=0, grace_hours=0)


def daily(folder: Path, day: int) -> None:
    """A day's delivery of a few visits and results, and its run."""
    source = folder / "outbox" / f"day{day}"
    source.mkdir(parents=True)
    came = FIRST_DAY + timedelta(70 + day)
    visits = [f"d{day}-{n},p{n},{came},{came + timedelta(1)},w,U" for n in range(3)]
    (source / "visits.csv").write_text("\n".join([VISITS, *visits]) + "\n", encoding="utf-8")
    region = open_region(folder)
    land(region, "his", [source], as_of=date(2024, 5, 1) + timedelta(day), mode=Mode.UPSERT, received_at=datetime(2024, 6, 1, tzinfo=UTC))
    (source / "visits.csv").rename(source / "results.csv")
    results = [f"p{n},d{day}-{n},{came},c{day},{day}.5" for n in range(3)]
    (source / "results.csv").write_text("\n".join([RESULTS, *results]) + "\n", encoding="utf-8")
    land(region, "lab", [source], as_of=date(2024, 5, 1) + timedelta(day), mode=Mode.APPEND, received_at=datetime(2024, 6, 1, tzinfo=UTC))
    run(region)


@pytest.fixture(autouse=True)
def each_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries stand apart; of pools see test_pools.py."""
    monkeypatch.setattr(arrivals, "FEWEST", 1_000)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region after some days of daily runs: many small files, a release a day."""
    folder = tmp_path_factory.mktemp("many") / "region"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "FEWEST", 1_000)
        make(folder)
        deliver(folder, [0, 1])
        run(open_region(folder))
        for day in range(DAYS):
            daily(folder, day)
    return folder


@pytest.fixture
def region(many: Path, tmp_path: Path) -> Region:
    shutil.copytree(many, tmp_path / "region")
    return replace(open_region(tmp_path / "region"), keep=AT_ONCE)


@pytest.fixture(scope="module")
def server() -> Iterator[Prepared]:
    with Prepared() as one:
        yield one


def newest(region: Region) -> tuple[int, str]:
    found = Releases(region.releases).latest()
    assert found is not None
    return found.number, found.content


def data_files(region: Region) -> int:
    return len([p for group in ("cdr", "ext", "state") for p in (region.lake / group).glob("*/_part=*/*.parquet")])


def answers(region: Region) -> list[object]:
    opened = suwen.open(region.folder)
    said = [
        opened.query(f"select * from {name} order by all").to_pylist() for name in ("cdr.visit_occurrence", "cdr.measurement", "state.finding", "state.ledger")
    ]
    return [*said, opened.query("select * exclude (run) from state.point_cell order by all").to_pylist()]


def test_small_files_become_large_and_nothing_else_changes(region: Region) -> None:
    number, content = newest(region)
    before, said = data_files(region), json.dumps(answers(region), default=str)
    report = maintain(region)
    assert not report.damage and not report.notes
    assert newest(region) == (number + 1, content) and report.compacted == number + 1 == report.release
    assert report.kept == (number + 1,) and report.removed_releases == tuple(range(1, number + 1))
    assert data_files(region) < before / 3
    assert report.bytes_after < report.bytes_before and report.files_after < report.files_before
    merged = {one.table: one for one in report.merged}
    assert merged["cdr/measurement"].files_before > merged["cdr/measurement"].files_after
    assert json.dumps(answers(region), default=str) == said
    again = maintain(region)
    assert not again.compacted and not again.merged and not again.removed_releases and not again.removed
    assert again.bytes_after <= again.bytes_before + 100_000


def test_runs_go_on_after_it_as_without_it(many: Path, region: Region, tmp_path: Path) -> None:
    maintain(region)
    shutil.copytree(many, tmp_path / "other")
    for folder in (region.folder, tmp_path / "other"):
        deliver(folder, [2])
        run(open_region(folder))
        daily(folder, DAYS)
    assert newest(region)[1] == newest(open_region(tmp_path / "other"))[1]
    shutil.rmtree(tmp_path / "other" / "lake")
    run(open_region(tmp_path / "other"))
    assert newest(region)[1] == newest(open_region(tmp_path / "other"))[1]


def test_the_new_release_tells_the_moves_and_ways_of_its_run(region: Region) -> None:
    before = suwen.open(region.folder)
    visit = before.query("select max(visit_occurrence_id) as id from cdr.visit_occurrence").to_pylist()[0]["id"]
    told = trace(before, "visit_occurrence", str(visit))
    maintain(region)
    after = suwen.open(region.folder)
    assert after.release.run == before.release.run == after.release.number - 1
    assert trace(after, "visit_occurrence", str(visit)).records == told.records


def test_a_dry_run_changes_nothing_and_says_what_would_be(region: Region) -> None:
    names = {path: path.stat().st_size for path in region.folder.rglob("*") if path.is_file()}
    would = maintain(region, dry_run=True)
    assert {p: p.stat().st_size for p in region.folder.rglob("*") if p.is_file() and p.name not in ("hashes.json", ".keeping")} == names
    did = maintain(region)
    assert [one.table for one in would.merged] == [one.table for one in did.merged]
    assert set(would.removed_releases) <= set(did.removed_releases) and would.dry_run and not would.compacted


def test_the_last_the_named_and_one_a_month_are_kept(many: Path, tmp_path: Path) -> None:
    shutil.copytree(many, tmp_path / "region")
    kept = Releases(tmp_path / "region" / "lake" / "releases")
    for number in range(1, 5):  # as if these had been published in earlier months
        path = kept.folder / f"{number:08d}.json"
        said = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**said, "published_at": f"2024-0{(number + 1) // 2}-15T00:00:00+00:00"}), encoding="utf-8")
    region = replace(open_region(tmp_path / "region"), keep=Keep(releases=2, months=36, named=(1,), grace_hours=0))
    report = maintain(region)
    assert report.kept == (1, 2, 4, 5, 7)  # named; the newest of two months; the two last contents, the newest of which is now the release of larger files
    assert report.removed_releases == (3, 6)
    for number in report.kept:
        assert suwen.open(region.folder, number).table("cdr.visit_occurrence").num_rows
    assert maintain(replace(region, keep=AT_ONCE)).kept == (7,)


def test_who_asks_for_a_removed_release_is_told(region: Region) -> None:
    opened = suwen.open(region.folder, LAST)
    maintain(region)
    with pytest.raises(SuwenError, match=f"release {LAST} was removed at") as told:
        suwen.open(region.folder, LAST)
    assert f"release {LAST + 1} has the same content" in told.value.expected
    with pytest.raises(SuwenError, match="release 3 was removed at") as told:
        suwen.open(region.folder, 3)
    assert "same content" not in told.value.expected
    for question in (lambda: opened.table("cdr.visit_occurrence"), lambda: opened.query("select count(*) from cdr.measurement")):
        with pytest.raises(SuwenError, match=f"release {LAST} was removed at"):
            question()
    with pytest.raises(SuwenError, match="there is no release 99"):
        suwen.open(region.folder, 99)


def test_who_has_it_open_can_go_on_for_the_time_of_grace(region: Region) -> None:
    patient = replace(region, keep=replace(AT_ONCE, grace_hours=24))
    opened = suwen.open(region.folder, LAST)
    maintain(patient, at=NOW)
    rows = opened.table("cdr.visit_occurrence").num_rows
    maintain(patient, at=NOW + timedelta(hours=23))
    assert opened.query("select count(*) as n from cdr.visit_occurrence").to_pylist() == [{"n": rows}]
    assert maintain(patient, at=NOW + timedelta(hours=25)).removed
    with pytest.raises(SuwenError, match="was removed"):
        opened.query("select count(*) as n from cdr.visit_occurrence")


def test_what_dead_processes_left_goes(region: Region) -> None:
    maintain(region)
    old, lake = time.time() - 3 * 86_400, region.lake
    left = [
        lake / ".scratch" / "duckdb_temp_storage.tmp",
        lake / "packs" / ".abc.tmp",
        lake / "vocabulary" / ".loading-77" / "concept.parquet",
        lake / "vocabulary" / ("0" * 64) / "concept.parquet",
        lake / "cdr" / "person" / "_part=000000" / "00000099-dead-f1.parquet",
        lake / "staging" / "his" / "visits" / ".0000000001-0-x.parquet.tmp",
        lake / "index" / "his" / "visits" / "0000000099-0123456789ab.parquet",
        lake / ".reading" / "old.tmp",
        region.landing / "objects" / "00" / ("0" * 64),
        region.folder / ".0123456789ab.tmp",
    ]
    stays = [lake / "mine.txt", lake / ".reading" / "new.tmp", region.folder / ".notes.tmp", lake / "cdr" / "person" / "notes.parquet"]
    for path in (*left, *stays):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)
        if path.name != "new.tmp":
            os.utime(path, (old, old))
    report = maintain(region)
    assert not [path for path in left if path.exists()]
    assert all(path.exists() for path in stays)
    assert sum(one.files for one in report.removed) >= len(left)
    assert not (lake / "vocabulary" / ".loading-77").exists()


def test_what_was_withdrawn_leaves_staging_once_no_kept_release_holds_it(region: Region) -> None:
    Landing(region.landing).add_fact(Fact(4, State.WITHDRAWN, NOW, "who", "why"))
    staged = region.lake / "staging" / "lab" / "results"
    assert list(staged.glob("0000000005-*"))
    maintain(region)
    assert list(staged.glob("0000000005-*"))  # the newest release still holds it
    run(region)
    maintain(region)
    assert not list(staged.glob("0000000005-*")) and not list((region.lake / "index" / "lab" / "results").glob("0000000005-*"))
    assert list(staged.glob("0000000007-*"))
    assert run(region).release is None


def test_what_was_erased_is_nowhere_any_more(region: Region, tmp_path: Path) -> None:
    """Not in landing, staging, tables or any release, named ones and those in their time of grace among them; all else goes on."""
    patient = replace(region, keep=Keep(named=(3, LAST)))
    landing = Landing(region.landing)
    gone = next(one for one in landing.deliveries() if one.number == 4)  # the lab's of the first day
    objects = [landing.object_path(receipt.sha256) for receipt in gone.receipts]
    landing.add_fact(Fact(4, State.ERASED, NOW, "who", "why"))
    first = maintain(patient)
    assert any("holds what was erased" in note for note in first.notes) and all(path.exists() for path in objects)
    assert first.kept == (1, LAST + 1)  # before the delivery came, and the newest, made of larger files
    run(open_region(region.folder))
    second = maintain(patient)
    assert second.kept == (1, LAST + 2) and not second.notes and not any(path.exists() for path in objects)
    with pytest.raises(SuwenError, match="it held a delivery that was erased"):
        suwen.open(region.folder, 3)
    assert not list((region.lake / "staging" / "lab").rglob("0000000005-*.parquet"))
    assert not [f for f in (region.lake / "cdr" / "measurement").glob("_part=*/*") if f.name.startswith(("00000002-", "00000003-"))]
    for number in second.kept:
        assert suwen.open(region.folder, number).table("cdr.measurement").num_rows
    assert not maintain(patient).damage and landing.verify_objects()
    back_up(region, BackupFolder(tmp_path / "kept"))
    restore(BackupFolder(tmp_path / "kept"), tmp_path / "back")
    assert run(open_region(tmp_path / "back")).release is None
    shutil.rmtree(tmp_path / "back" / "lake")
    run(open_region(tmp_path / "back"))
    assert newest(open_region(tmp_path / "back"))[1] == newest(region)[1]


def test_packs_that_no_kept_release_had_in_force_go(region: Region) -> None:
    template = region.pack_folder / "small" / "template" / "small.toml"
    template.write_text(template.read_text("utf-8") + "\n# another text\n", encoding="utf-8")
    before = set((region.lake / "packs").iterdir())
    run(open_region(region.folder))
    after = set((region.lake / "packs").iterdir())
    assert len(after - before) == 2  # the template, and the list
    maintain(region)
    left = set((region.lake / "packs").iterdir())
    assert after - left == {p for p in before if p.name.startswith(_template_of(region, LAST)) or p.suffix == ".json"}
    visit = suwen.open(region.folder).query("select max(visit_occurrence_id) as id from cdr.visit_occurrence").to_pylist()[0]["id"]
    assert trace(suwen.open(region.folder), "visit_occurrence", str(visit)).records


def _template_of(region: Region, number: int) -> str:
    gone = Releases(region.releases).removed(number)
    assert gone is not None
    return str(next(iter(gone["release"]["mapped_with"].values())).split(":")[0])


def _object(region: Region) -> Path:
    return sorted((region.landing / "objects").glob("*/*"))[0]


def _data(region: Region) -> Path:
    release = Releases(region.releases).latest()
    assert release is not None
    return Path(LakeTable(region.lake / "cdr/measurement", {}).files(release.tables["cdr/measurement"].version)[0].path)


def flip(path: Path) -> None:
    path.chmod(0o600)
    held = path.read_bytes()
    path.write_bytes(held[:-9] + bytes([held[-9] ^ 1]) + held[-8:])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda r: flip(_object(r)), "are not those that arrived"),
        (lambda r: _object(r).unlink(), "are missing"),
        (lambda r: os.truncate(_object(r), 3), "arrived"),
        (lambda r: flip(_data(r)), "when it was first looked at"),
        (lambda r: os.truncate(_data(r), 30), "a file of"),
        (lambda r: _data(r).unlink(), "a file is missing"),
        (lambda r: flip(next((r.lake / "packs").glob("?" * 64))), "a kept pack"),
        (lambda r: (r.landing / "deliveries" / "0000000002.json").unlink(), "is missing"),
        (lambda r: flip(next((r.lake / "cdr" / "person" / "_delta_log").glob("*1.json"))), "damaged|looked at"),
    ],
    ids=["object changed", "object gone", "object cut", "data changed", "data cut", "data gone", "pack", "delivery", "log"],
)
def test_damage_is_told_with_what_to_do_and_nothing_is_changed(region: Region, damage: object, said: str) -> None:
    maintain(region, dry_run=True)  # hashes are noted
    _object(region).chmod(0o600)
    damage(region)  # type: ignore[operator]
    before = {p for p in region.folder.rglob("*") if p.is_file()}
    report = maintain(region)
    assert report.damage and any(re.search(said, one.what) for one in report.damage), report.damage
    assert all(one.where and one.do for one in report.damage)
    assert {p for p in region.folder.rglob("*") if p.is_file()} >= before and report.notes


def test_rows_that_are_not_those_published_are_told_without_a_noted_hash(region: Region) -> None:
    path = region.releases / f"{LAST:08d}.json"
    said = json.loads(path.read_text("utf-8"))
    said["tables"]["cdr/measurement"]["fingerprint"] = "7"
    path.write_text(json.dumps(said), encoding="utf-8")
    assert any("another fingerprint" in one.what for one in maintain(region).damage)


def test_a_quick_look_reads_no_file_but_finds_what_is_short(region: Region) -> None:
    flip(_object(region))
    assert not maintain(region, quick=True, dry_run=True).damage
    os.truncate(_object(region), 3)
    assert maintain(region, quick=True, dry_run=True).damage


def test_a_quick_look_after_damage_was_found_reads_every_file(region: Region, capsys: pytest.CaptureFixture[str]) -> None:
    flip(_object(region))
    for quick in ([], ["--quick"]):
        assert main(["maintain", "--region", str(region.folder), *quick]) == 2
    assert "every file was read" in capsys.readouterr().out


def test_it_waits_for_a_run_and_leaves_files_to_a_backup(region: Region) -> None:
    with region_lock(region), pytest.raises(SuwenError, match="another run"):
        maintain(region)
    with keeping(region):
        report = maintain(region)
        assert report.compacted and not report.removed and any("backup" in note for note in report.notes)
    assert maintain(region).removed


def test_a_region_without_a_release_has_nothing_to_maintain(tmp_path: Path) -> None:
    make(tmp_path / "region")
    report = maintain(open_region(tmp_path / "region"))
    assert (report.release, report.damage, report.merged) == (0, (), ())


@pytest.mark.parametrize("each", [pytest.param((-1,), id="once in each kind of step"), pytest.param((0, 0.3, 0.6, -1), id="often", marks=pytest.mark.deep)])
def test_killed_at_any_step_the_next_completes_it(region: Region, tmp_path: Path, server: Prepared, each: tuple[float, ...]) -> None:
    """The same end as undisturbed, by maintenance again or by a run that comes first; readers see a whole release at every moment."""
    shutil.copytree(region.folder, tmp_path / "whole")
    points = server.ask("maintain", tmp_path / "whole")["points"]
    whole = server.ask("look", tmp_path / "whole")
    places: dict[str, list[int]] = {}
    for number, name in enumerate(points, 1):
        places.setdefault(re.sub(r" (cdr|ext|state|lake)/.*", "", name), []).append(number)
    chosen = sorted({numbers[int(at * len(numbers)) if at >= 0 else -1] for numbers in places.values() for at in each})
    for turn, number in enumerate(chosen):
        folder = tmp_path / f"dies{number}"
        shutil.copytree(region.folder, folder)
        assert server.ask("maintain", folder, kill_at=number).get("killed")
        seen = server.ask("look", folder)["observed"]
        assert (seen["content"], seen["rows"]) == (whole["observed"]["content"], whole["observed"]["rows"]), points[number - 1]
        if turn % 2:
            assert server.run(folder, watch=False)["release"] is None
        assert not server.ask("maintain", folder)["damage"]
        assert json.dumps(server.ask("look", folder)) == json.dumps(whole), points[number - 1]
        assert _files(folder) == _files(tmp_path / "whole"), points[number - 1]
        shutil.rmtree(folder)


def _files(folder: Path) -> dict[str, int]:
    lake = folder / "lake"
    found = {
        group: [p for p in (lake / group).rglob("*") if p.is_file() and "_delta_log" not in p.parts] for group in ("cdr", "ext", "state", "packs", "releases")
    }
    return {group: len(paths) for group, paths in found.items()}


def test_what_is_reported_is_what_is_there(region: Region) -> None:
    report: MaintainReport = maintain(region)
    files = [p for folder in (region.lake, region.landing) for p in folder.rglob("*") if p.is_file()]
    assert (report.files_after, report.bytes_after) == (len(files), sum(p.stat().st_size for p in files))
