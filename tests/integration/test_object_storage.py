"""Lake and landing in a bucket, over the S3 protocol: the same releases as in folders, from any machine, and nothing half-done when the store fails."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from suwen.base.errors import SuwenError
from suwen.engine.store.bucket import BucketStore
from suwen.engine.store.client import Client
from suwen.engine.store.lease import LEASE, Lease
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.flow.stores import lake_of, landing_of, releases_of
from suwen.model.receipt import Mode
from suwen.model.region import Region
from tests.integration.object_store import KEY_ID, SECRET, Fault, ObjectStore, in_buckets
from tests.integration.small_region import deliver, make

ROOT = Path(__file__).parent.parent.parent
QUESTION = "select v.visit_occurrence_id, p.year_of_birth from visit_occurrence v join person p using (person_id) where p.year_of_birth > 1955 order by 1"


@pytest.fixture(scope="module")
def in_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """What two runs publish where everything lies in folders: release -> what it holds."""
    folder = tmp_path_factory.mktemp("folders") / "region"
    make(folder)
    found = {}
    for number, which in enumerate(([0, 1], [2, 3]), 1):
        deliver(folder, which)
        run(open_region(folder))
        found[number] = held(open_region(folder))
    return found


@pytest.fixture
def region(store: ObjectStore, bucket: str, tmp_path: Path) -> Path:
    """A region in a bucket, with nothing in it."""
    folder = tmp_path / "region"
    make(folder)
    in_buckets(folder, store, bucket)
    return folder


@pytest.fixture(scope="module")
def published(store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region in a bucket with two releases; it is only read."""
    folder = tmp_path_factory.mktemp("published") / "region"
    make(folder)
    in_buckets(folder, store, store.bucket())
    for which in ([0, 1], [2, 3]):
        deliver(folder, which)
        run(open_region(folder))
    return folder


def held(region: Region) -> Any:
    """What the newest release says and holds."""
    opened = OpenRelease(region)
    rows = {name: sorted(map(repr, opened.table(f"cdr.{name}").to_pylist())) for name in ("person", "visit_occurrence", "measurement")}
    said = opened.release
    fingerprints = {name: state.fingerprint for name, state in said.tables.items()}
    return said.number, fingerprints, dict(said.totals), said.cells_sha256, rows, opened.query(QUESTION).to_pylist()


def elsewhere(folder: Path, other: Path) -> Path:
    """The same region on another machine: without what this one has of the bucket."""
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("cache", "outbox"))
    return other


def refused(folder: Path, what: str) -> SuwenError:
    """The error of a run."""
    with pytest.raises(SuwenError) as caught:
        run(open_region(folder))
    assert what in caught.value.what, caught.value
    assert caught.value.where and caught.value.do
    return caught.value


def suwen(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "suwen.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120, check=False)


def test_two_runs_publish_what_they_publish_in_folders_and_another_machine_goes_on(region: Path, tmp_path: Path, in_folders: dict[int, Any]) -> None:
    deliver(region, [0, 1])
    assert run(open_region(region)).release == 1
    assert held(open_region(region)) == in_folders[1]
    other = elsewhere(region, tmp_path / "other")
    assert held(open_region(other)) == in_folders[1]
    deliver(other, [2, 3])
    assert run(open_region(other)).release == 2
    assert held(open_region(other)) == held(open_region(region)) == in_folders[2]
    assert run(open_region(region)).release is None


def test_everything_is_answered_on_a_machine_that_has_nothing_of_it(published: Path, tmp_path: Path) -> None:
    other = elsewhere(published, tmp_path / "other")
    asked = suwen("query", QUESTION, "--region", other, "--format", "json")
    assert asked.returncode == 0, asked.stderr
    rows = OpenRelease(open_region(published)).query(QUESTION).to_pylist()
    assert [{name: int(value) for name, value in row.items()} for row in json.loads(asked.stdout)] == rows
    assert not list(open_region(other).lake.rglob("*.parquet"))
    row = OpenRelease(open_region(other)).query("select min(person_id) as id from person").to_pylist()[0]["id"]
    traced = suwen("trace", "person", row, "--region", other)
    assert traced.returncode == 0 and "s3://" in traced.stdout, traced.stdout + traced.stderr
    for command in (["indicator", "value", "SM01", "--unit", "H1", "--period", "2024"], ["status"], ["releases"], ["ledger"]):
        answer = suwen(*command, "--region", other)
        assert answer.returncode == 0, (command, answer.stderr)


def test_a_file_that_is_lost_is_told_of_by_who_reads_it(region: Path, store: ObjectStore, bucket: str, tmp_path: Path) -> None:
    deliver(region, [0])
    run(open_region(region))
    deliver(region, [1])
    client = Client(store.access(bucket, "here/lake"))
    client.delete([held.name for held in client.below("cdr/person") if held.name.endswith(".parquet")])
    other = elsewhere(region, tmp_path / "other")
    with pytest.raises(SuwenError, match="a file of the lake is missing") as caught:
        OpenRelease(open_region(other)).query("select * from person")
    assert str(caught.value.where).startswith("s3://")
    refused(other, "table person is damaged: a file is missing")


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(2, 9))])
def test_a_store_that_goes_away_at_any_step_leaves_nothing_half_done(
    region: Path, store: ObjectStore, tmp_path: Path, in_folders: dict[int, Any], seed: int
) -> None:
    deliver(region, [0, 1])
    began = store.writes()
    run(open_region(region))
    writes, whole = store.writes() - began, held(open_region(region))
    assert whole == in_folders[1]
    for at in random.Random(seed).sample(range(writes - 2), 2):
        folder, other = tmp_path / f"at-{at}", store.bucket()
        make(folder)
        in_buckets(folder, store, other)
        deliver(folder, [0, 1])
        done = [name for name in store.names(other) if "/landing/" in name]
        store.fail(Fault(code="AccessDenied", skip=at, times=10_000))
        refused(folder, "access is denied")
        store.calm()
        assert not [name for name in store.names(other) if "/releases/" in name]
        assert [name for name in store.names(other) if "/landing/" in name] == done
        assert run(open_region(folder)).release == 1
        assert held(open_region(folder)) == whole


@pytest.mark.parametrize("deaths", [["/releases/00000001"], pytest.param(["cdr/person/_delta_log/00000000000000000001", "/index/"], marks=pytest.mark.deep)])
def test_a_run_that_is_killed_is_done_again_at_once_here_and_after_the_lease_elsewhere(
    region: Path, store: ObjectStore, bucket: str, tmp_path: Path, in_folders: dict[int, Any], deaths: list[str]
) -> None:
    deliver(region, [0, 1])
    for place in deaths:
        command = [sys.executable, "-m", "suwen.cli.main", "run", "--region", str(region)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        store.fail(Fault(part=place, code="InternalError", kill=process.pid))
        assert process.wait(timeout=60) == -signal.SIGKILL
    store.calm()
    assert json.loads(Client(store.access(bucket, "here/lake")).get(LEASE)[0])["held"]
    other = elsewhere(region, tmp_path / "other")
    refused(other, "another run is at work")
    waited = list[str]()
    with lake_of(open_region(other)).lock(wait=True, message=waited.append):
        assert len(waited) == 1
    assert run(open_region(region)).release == 1
    assert held(open_region(region)) == in_folders[1]


def test_of_two_that_put_a_name_at_once_one_is_first(store: ObjectStore, bucket: str) -> None:
    clients = [Client(store.access(bucket)) for _ in range(4)]

    def put(name: str, at: int) -> bool:
        return clients[at].create(name, f"by {at}".encode())

    with ThreadPoolExecutor(len(clients)) as pool:
        for name in (f"releases/{n:08d}.json" for n in range(12)):
            won = list(pool.map(put, [name] * len(clients), range(len(clients))))
            assert won.count(True) == 1
            assert clients[0].get(name)[0] == f"by {won.index(True)}".encode()


def test_a_store_that_does_not_heed_conditions_is_refused(region: Path, store: ObjectStore, bucket: str) -> None:
    store.fail(Fault(heedless=True, times=10_000))
    with pytest.raises(SuwenError, match="does not keep to conditional puts"):
        deliver(region, [0])
    store.calm()
    assert landing_of(open_region(region)).deliveries() == []


def test_a_region_that_is_moved_into_a_bucket_is_found_there_as_it_was(store: ObjectStore, bucket: str, tmp_path: Path, in_folders: dict[int, Any]) -> None:
    folder = tmp_path / "region"
    make(folder)
    deliver(folder, [0, 1])
    run(open_region(folder))
    for group in ("lake", "landing"):
        client = Client(store.access(bucket, f"here/{group}"))
        files = [path for path in (folder / group).rglob("*") if path.is_file() and not path.name.startswith(".")]
        for path in files:
            client.put(path.relative_to(folder / group).as_posix(), path)
        shutil.rmtree(folder / group)
    in_buckets(folder, store, bucket)
    assert run(open_region(folder)).release is None
    deliver(folder, [2, 3])
    assert run(open_region(folder)).release == 2
    assert held(open_region(folder)) == in_folders[2]


def test_a_put_whose_answer_is_lost_is_done_once(region: Path, store: ObjectStore, in_folders: dict[int, Any]) -> None:
    store.fail(Fault(part="/deliveries/", lost=True))
    deliver(region, [0, 1])
    store.fail(*(Fault(part=part, lost=True) for part in ("/lease.json", "/releases/", "/index/")))
    assert run(open_region(region)).release == 1
    assert not store.unspent()
    assert held(open_region(region)) == in_folders[1]


def test_two_machines_that_land_at_once_number_their_deliveries_without_gap_or_loss(region: Path, tmp_path: Path) -> None:
    machines = [region, elsewhere(region, tmp_path / "other")]
    for folder in machines:
        (folder / "a.csv").write_text(f"ID\n{folder.name}\n", "utf-8")

    def send(at: int) -> None:
        folder = machines[at % 2]
        landing_of(open_region(folder)).land(
            "his", [folder / "a.csv"], as_of=date(2024, 1, 1 + at), mode=Mode.APPEND, received_at=datetime(2024, 5, 1, 0, 0, at, tzinfo=UTC)
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(8)))
    for folder in machines:
        landed = landing_of(open_region(folder)).deliveries()
        assert [one.number for one in landed] == list(range(1, 9))
        assert {one.as_of.day for one in landed} == set(range(1, 9))
        assert landing_of(open_region(folder)).verify_objects() == 2


def test_nothing_is_acknowledged_that_the_bucket_has_not(region: Path, store: ObjectStore, bucket: str) -> None:
    store.fail(Fault(part="/deliveries/", code="AccessDenied", times=99))
    with pytest.raises(SuwenError, match="access is denied"):
        deliver(region, [0])
    store.calm()
    assert landing_of(open_region(region)).deliveries() == []
    assert not [name for name in store.names(bucket) if "/deliveries/" in name]
    shutil.rmtree(region / "outbox")
    deliver(region, [0])
    landing = landing_of(open_region(region))
    assert landing.verify_objects() == 2
    receipt = landing.receipts()[0]
    Client(store.access(bucket, "here/landing")).put(f"objects/{receipt.sha256[:2]}/{receipt.sha256}", b"something else")
    with pytest.raises(SuwenError, match="are not those that arrived"):
        landing.verify_objects()
    landing.object_path(receipt.sha256).unlink()
    with pytest.raises(SuwenError, match="are not those that arrived"):
        landing.open(receipt)


@pytest.mark.parametrize(
    "wrong",
    [
        ("the secret is not that of the key", {"AWS_SECRET_ACCESS_KEY": "wrong"}),
        ("the key is not known", {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}),
        ("the variable AWS_SECRET_ACCESS_KEY of the environment is not set", {"AWS_SECRET_ACCESS_KEY": ""}),
    ],
    ids=lambda wrong: wrong[0][:20],
)
def test_wrong_credentials_are_told_without_showing_them(published: Path, wrong: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.environ["AWS_ACCESS_KEY_ID"] == KEY_ID
    for name, value in wrong[1].items():
        monkeypatch.setenv(name, value)
    answer = suwen("status", "--region", published)
    assert answer.returncode == 2 and wrong[0] in answer.stderr and "Traceback" not in answer.stderr
    assert not any(value and value in answer.stderr for value in wrong[1].values())


def test_a_clock_that_is_wrong_a_lost_bucket_and_a_store_out_of_reach_are_told(
    region: Path, store: ObjectStore, bucket: str, tmp_path: Path, in_folders: dict[int, Any]
) -> None:
    deliver(region, [0, 1])
    store.skew(3_600)
    assert "NTP" in refused(region, "clock differs").do
    store.calm()
    assert run(open_region(region)).release == 1
    assert held(open_region(region)) == in_folders[1]
    away = elsewhere(region, tmp_path / "away")
    path = away / "region.toml"
    path.write_text(path.read_text("utf-8").replace(store.endpoint, "http://127.0.0.1:9"), "utf-8")
    refused(away, "cannot be reached")
    store.lose(bucket)
    refused(region, "the bucket is not there")
    with pytest.raises(SuwenError, match="the bucket is not there"):
        deliver(region, [2])


@pytest.mark.parametrize(
    ("at", "what"),
    [
        ("committed state/cell", r"has lost its lease \(number 1\): another holds it with number 2"),
        ("release written", "another run has published release 1"),  # between its last look at the lease and its put: the number itself is the fence
    ],
)
def test_a_run_that_another_has_overtaken_publishes_nothing(region: Path, tmp_path: Path, in_folders: dict[int, Any], at: str, what: str) -> None:
    deliver(region, [0, 1])
    other, seen = elsewhere(region, tmp_path / "other"), list[Any]()

    def stalls(step: str) -> None:
        if step == at and not seen:
            lease = lake_of(open_region(region))._lease  # type: ignore[attr-defined]  # the process stands still: it gives no sign of life, and knows nothing of it
            lease._end.set()
            seen.append(run(open_region(other), wait=True))

    with pytest.raises(SuwenError, match=what):
        run(open_region(region), step=stalls)
    assert seen[0].release == 1
    assert releases_of(open_region(region)).numbers() == [1]
    assert held(open_region(region)) == held(open_region(other)) == in_folders[1]
    assert run(open_region(region)).release is None
    deliver(other, [2, 3])
    assert run(open_region(other)).release == 2  # what the overtaken run wrote is gone, and nothing else
    assert held(open_region(other)) == in_folders[2]


def test_a_lease_grows_by_one_with_each_holder_and_knows_no_clock_but_the_stores(store: ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(store.access(bucket, lease_seconds=5))
    first, second = Lease(client, "a"), Lease(client, "b")
    first.take()
    assert first.number == 1 and second.busy()
    with pytest.raises(SuwenError, match="another run is at work"):
        second.take()
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 600)  # ten minutes ahead: nothing has run out for that
    with pytest.raises(SuwenError, match="another run is at work"):
        second.take()
    time.sleep(3.5)  # it is renewed meanwhile
    first.check()
    first.give_back()
    assert not second.busy()
    second.take()
    assert second.number == 2
    with pytest.raises(SuwenError, match="has lost its lease"):
        first.check()
    second._end.set()  # dies
    taken = Lease(client, "c")
    taken.take(wait=True)
    assert taken.number == 3
    with pytest.raises(SuwenError, match="another holds it with number 3"):
        second.check()
    second.give_back()
    taken.check()
    taken.give_back()
    again = Lease(client, "c")
    again.take()
    alone = Lease(client, "c")  # of the same machine, whose folder's lock only the living can hold
    alone.take()
    assert alone.number == 5
    alone.give_back()
    again._end.set()


def test_a_bound_on_copies_is_kept_to_and_what_is_gone_comes_again(store: ObjectStore, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.engine.store.room._RECENT", -60)  # nothing is taken for being in use
    kept, bound = BucketStore(store.access(bucket), tmp_path / "a"), 100_000
    paths = [tmp_path / "a" / f"t/{n}.parquet" for n in range(10)]
    paths[0].parent.mkdir(parents=True)
    for n, path in enumerate(paths):
        path.write_bytes(bytes([n]) * 30_000)
    kept.keep(paths)
    little = BucketStore(store.access(bucket), tmp_path / "b", bound)
    mine = [tmp_path / "b" / path.relative_to(tmp_path / "a") for path in paths]
    for path in mine:
        assert list(little.fetch([path])) == [path]
        os.utime(path, (time.time() - 3_600, time.time() - 3_600))
    assert sum(path.stat().st_size for path in mine if path.exists()) <= bound + 30_000
    for path, source in zip(mine, paths, strict=True):
        little.fetch([path])
        assert path.read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ('lake = "s3://Bucket/x"', "is not an address of object storage"),
        ('lake = "s3://bucket-1/a"\nlanding = "s3://bucket-1/a/b"', "lie in each other"),
        ('[store]\nkey_id = "AKIAIOSFODNN7EXAMPLE"', "key_id is not a reference"),
        ('[store]\nendpoint = "http://s3.example.org"', "is not reached by TLS"),
        ('[store]\nendpoint = "s3.example.org"', "not the address of a store"),
        ("[store]\nlease_seconds = 1", "out of range"),
    ],
)
def test_what_region_toml_says_wrong_is_told_with_its_line(tmp_path: Path, said: str, what: str) -> None:
    make(tmp_path / "region")
    path = tmp_path / "region" / "region.toml"
    mark = "\n[engine]"
    path.write_text(path.read_text("utf-8").replace(mark, f"\n{said}\n{mark}", 1), "utf-8")
    with pytest.raises(SuwenError) as caught:
        open_region(tmp_path / "region")
    assert what in str(caught.value) and "AKIA" not in str(caught.value) and "region.toml" in str(caught.value)


def test_a_store_by_tls_is_believed_by_its_authority_alone(
    region: Path, store: ObjectStore, tmp_path: Path, in_folders: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "")  # where delta-rs looks; put back afterwards
    monkeypatch.delenv("SSL_CERT_FILE")
    endpoint, authority = store.with_tls(tmp_path)
    path = region / "region.toml"
    text = path.read_text("utf-8").replace(store.endpoint, endpoint)
    path.write_text(text, "utf-8")
    with pytest.raises(SuwenError, match="certificate is not trusted"):
        deliver(region, [0, 1])
    shutil.rmtree(region / "outbox")
    shutil.copy(authority, region / "ca.pem")
    path.write_text(text.replace("\n[store]\n", '\n[store]\nca = "ca.pem"\n'), "utf-8")
    deliver(region, [0, 1])
    assert run(open_region(region)).release == 1
    assert held(open_region(region)) == in_folders[1]


def test_a_secret_in_a_file_is_read_where_nobody_else_may(region: Path, store: ObjectStore) -> None:
    path, secret = region / "region.toml", region / "s3.secret"
    secret.write_text(SECRET + "\n", "utf-8")
    secret.chmod(0o644)
    path.write_text(path.read_text("utf-8").replace("\n[store]\n", '\n[store]\nsecret = "file:s3.secret"\n'), "utf-8")
    with pytest.raises(SuwenError, match=r"others may read this file \(mode 0644\)"):
        deliver(region, [0])
    secret.chmod(0o600)
    shutil.rmtree(region / "outbox", ignore_errors=True)
    deliver(region, [0])
    assert len(landing_of(open_region(region)).deliveries()) == 1


@pytest.mark.deep
def test_spark_publishes_the_same_from_a_bucket(region: Path, tmp_path: Path, in_folders: dict[int, Any]) -> None:
    path = region / "region.toml"
    path.write_text(path.read_text("utf-8").replace("[engine]", '[engine]\nuse = "spark"', 1).replace('"256MiB"', '"1GiB"'), "utf-8")
    for number, which in enumerate(([0, 1], [2, 3]), 1):
        folder = elsewhere(region, tmp_path / f"machine-{number}")
        deliver(folder, which)
        assert run(open_region(folder), wait=True).release == number
        assert held(open_region(folder)) == in_folders[number]
