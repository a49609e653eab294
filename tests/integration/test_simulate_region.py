"""`suwen simulate` and landing by manifest: what is written, what lands, and what is said of words that cannot be meant."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import pickle
import shutil
from collections import Counter
from pathlib import Path

import pytest

from suwen.cli.main import main
from suwen.flow.region import open_region
from suwen.intake.landing import Landing
from suwen.simulate.export import FEED_COLUMNS
from suwen.simulate.region import Simulation
from suwen.simulate.settings import Settings
from suwen.simulate.together import Scene, Work, _save, two
from tests.integration.simulated import truth

ASKED = ["--hospitals", "4", "--persons", "800", "--years", "1", "--seed", "4"]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "province"
    assert main(["simulate", str(folder), *ASKED, "--clean"]) == 0
    return folder


@pytest.fixture(scope="module")
def landed(simulated: Path) -> Path:
    assert main(["land", "--manifest", str(simulated / "exports" / "deliveries.csv"), "--region", str(simulated / "region")]) == 0
    return simulated


def test_what_was_written(simulated: Path) -> None:
    assert sorted(path.name for path in simulated.iterdir()) == ["exports", "region", "truth"]
    assert not [path for path in simulated.parent.iterdir() if path != simulated]
    said = json.loads((simulated / "truth" / "settings.json").read_text(encoding="utf-8"))
    assert {name: said[name] for name in ("hospitals", "persons", "years", "seed", "clean")} == {
        "hospitals": 4, "persons": 800, "years": 1, "seed": 4, "clean": True
    }  # fmt: skip
    with (simulated / "exports" / "feeds.csv").open(encoding="utf-8") as stream:
        listed = {tuple(row[column] for column in FEED_COLUMNS) for row in csv.DictReader(stream)}
    region = open_region(simulated / "region")
    assert {(feed.name, feed.template, feed.organisation, feed.mode.value) for feed in region.feeds.values()} == listed
    assert region.packs == ("core", "cn") and len({feed.template for feed in region.feeds.values()}) == 6
    assert len(truth(simulated, "persons")) == 800
    assert len(truth(simulated, "outbreaks")) >= 3


def test_a_manifest_again_lands_nothing(landed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = (landed / "exports" / "deliveries.csv").read_text(encoding="utf-8").splitlines()
    before = len(Landing(landed / "region" / "landing").deliveries())
    capsys.readouterr()
    assert main(["land", "--manifest", str(landed / "exports" / "deliveries.csv"), "--region", str(landed / "region")]) == 0
    told = capsys.readouterr().out
    assert told.count("has landed already") == len(listed) - 1
    assert len(Landing(landed / "region" / "landing").deliveries()) == before == len(listed) - 1


def _small(folder: Path) -> None:
    assert main(["simulate", str(folder), "--hospitals", "2", "--persons", "40", "--years", "1"]) == 0


def test_a_refused_delivery_is_told_and_the_others_land(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _small(tmp_path / "p")
    manifest, region = tmp_path / "p" / "exports" / "deliveries.csv", tmp_path / "p" / "region"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    manifest.write_text("\n".join([*lines, "nobody,2025-12-31,snapshot,,,H0001", lines[1].rsplit(",", 1)[0] + ",missing"]) + "\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["land", "--manifest", str(manifest), "--region", str(region)]) == 2
    told = capsys.readouterr()
    assert f'refused: deliveries.csv:{len(lines) + 1}, nobody as of 2025-12-31 00:00:00: {region}/feeds: there is no feed "nobody"' in told.out
    assert f"refused: deliveries.csv:{len(lines) + 2}" in told.out
    assert f"2 of {len(lines) + 1} deliveries refused" in told.err and "Traceback" not in told.err
    assert len(Landing(region / "landing").deliveries()) == len(lines) - 1
    assert main(["land", "--manifest", str(manifest), "--region", str(region), "--json"]) == 2
    outcomes = Counter(one["outcome"] for one in json.loads(capsys.readouterr().out))
    assert outcomes == {"known": len(lines) - 1, "refused": 2}


def test_other_files_of_the_same_date_are_another_delivery(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _small(tmp_path / "p")
    manifest, region = tmp_path / "p" / "exports" / "deliveries.csv", tmp_path / "p" / "region"
    assert main(["land", "--manifest", str(manifest), "--region", str(region)]) == 0
    changed = next(path for path in sorted(manifest.parent.rglob("*")) if path.suffix in {".txt", ".csv"} and path.parent != manifest.parent)
    changed.write_bytes(changed.read_bytes() + b"\n")
    before = len(Landing(region / "landing").deliveries())
    capsys.readouterr()
    assert main(["land", "--manifest", str(manifest), "--region", str(region)]) == 0
    assert f"1 landed, {before - 1:,} known, 0 refused" in capsys.readouterr().out
    assert len(Landing(region / "landing").deliveries()) == before + 1


HEADER = "feed,as_of,mode,window_from,window_to,folder\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER, "lists no delivery"),
        ("feed,as_of\nx,y\n", 'lacks the column "mode"'),
        (HEADER + "a,yesterday,snapshot,,,b\n", 'm.csv:2: as_of "yesterday" is not a date'),
        (HEADER + "a,2025-01-01,all,,,b\n", 'unknown mode "all"'),
        (HEADER + "a,2025-01-01,window,2025-01-01,,b\n", "are not two dates"),
        (HEADER + "a,2025-01-01,snapshot,,,../b\n", "does not lie below"),
        (HEADER + ",2025-01-01,snapshot,,,b\n", "no feed is named"),
    ],
)
def test_a_wrong_manifest_lands_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    assert main(["new", str(tmp_path / "r")]) == 0
    (tmp_path / "m.csv").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["land", "--manifest", str(tmp_path / "m.csv"), "--region", str(tmp_path / "r")]) == 2
    told = capsys.readouterr()
    assert said in told.err and not told.out
    assert not Landing(tmp_path / "r" / "landing").deliveries()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["land", "--manifest", "nowhere.csv"], "nowhere.csv"),
        (["land", "--manifest", "m.csv", "feed", "file"], "a manifest says itself what is landed"),
        (["land"], "no feed was named"),
        (["land", "feed"], "no file was named"),
    ],
)
def test_words_that_do_not_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main(["new", str(tmp_path / "r")]) == 0
    capsys.readouterr()
    assert main([*words, "--region", str(tmp_path / "r")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hospitals", "0"], "--hospitals: 0 cannot be simulated"),
        (["--persons", "-1"], "--persons: -1 cannot be simulated"),
        (["--years", "21"], "expected: a whole number from 1 to 20"),
        (["--seed", "-1"], "--seed: this seed cannot be used"),
        (["--hospitals", "20", "--persons", "19"], "expected: at least as many persons as hospitals"),
        (["--hospitals", "many"], "a valid integer"),
    ],
)
def test_bad_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main(["simulate", str(tmp_path / "p"), *words]) == 2
    told = capsys.readouterr()
    assert said in told.err and not told.out and "Traceback" not in told.err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine").write_text("kept", encoding="utf-8")
    for target in (tmp_path / "p", tmp_path / "p" / "mine"):
        assert main(["simulate", str(target), *ASKED]) == 2
    assert "the folder is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["p"] and [path.name for path in (tmp_path / "p").iterdir()] == ["mine"]


def test_nothing_stays_of_a_simulation_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("suwen.simulate.region.write_outbreaks", full)
    assert main(["simulate", str(tmp_path / "p"), "--hospitals", "1", "--persons", "10", "--years", "1"]) == 2
    assert "no space left on device" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_error_names_the_folder_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["simulate", str(tmp_path / "file" / "p"), "--hospitals", "1", "--persons", "10"]) == 2
    assert f"{tmp_path}/file/p: writing failed: not a directory" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_process_that_finds_the_disk_full_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block handed to the other process that cannot be written whole."""

    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    scene = Scene(Settings(hospitals=1, persons=10, years=1))
    monkeypatch.setattr(Path, "open", lambda *_: Full())
    with pytest.raises(OSError, match="No space left") as told:
        _save(tmp_path, scene.block(0))
    assert pickle.loads(pickle.dumps(told.value)).errno == errno.ENOSPC


def digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def simulated_by(folder: Path, settings: Settings, processes: int, compress: bool = False) -> dict[str, str]:
    folder.mkdir()
    Simulation(settings).write(folder, processes=processes, compress=compress)
    found = digests(folder)
    shutil.rmtree(folder)
    return found


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    settings = Settings(hospitals=5, persons=500, years=1, seed=9)
    assert simulated_by(tmp_path / "one", settings, 1, True) == simulated_by(tmp_path / "two", settings, 2, True)


def test_hospitals_written_by_themselves_send_what_they_send_beside_others(tmp_path: Path) -> None:
    settings = Settings(hospitals=5, persons=500, years=1, seed=9, clean=True)
    (tmp_path / "all").mkdir()
    whole = Simulation(settings).write(tmp_path / "all", compress=True)
    hospitals = [path.name for path in sorted((tmp_path / "all" / "exports").iterdir()) if path.is_dir()]
    rows, found = 0, dict[str, str]()
    for number, only in enumerate((hospitals[::2], hospitals[1::2])):
        folder = tmp_path / str(number)
        folder.mkdir()
        rows += Simulation(settings).write(folder, compress=True, processes=number + 1, only=only).rows
        found |= digests(folder / "exports")
    expected = digests(tmp_path / "all" / "exports")
    assert rows == whole.rows and {name: said for name, said in found.items() if "/" in name} == {n: said for n, said in expected.items() if "/" in n}


def test_what_stops_one_of_two_processes_is_told(tmp_path: Path) -> None:
    for name in ("exports", "scratch"):
        (tmp_path / name).mkdir()
    with pytest.raises(FileNotFoundError):
        two(Work(Settings(hospitals=2, persons=50, years=1), tmp_path / "exports", tmp_path / "missing", tmp_path / "scratch"), lambda rows: None)


@pytest.mark.deep
def test_two_processes_write_the_same_bytes_of_several_blocks(tmp_path: Path) -> None:
    settings = Settings(hospitals=8, persons=60_000, years=1, seed=9)
    assert simulated_by(tmp_path / "one", settings, 1) == simulated_by(tmp_path / "two", settings, 2)
