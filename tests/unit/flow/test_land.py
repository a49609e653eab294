"""What a delivery speaks for: date, mode and window, settled before a byte is kept."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from suwen.base.errors import Place, SuwenError
from suwen.flow.land import date_in_names, land
from suwen.intake.landing import Landing
from suwen.model.receipt import Mode
from suwen.model.region import FIRST_DAY, Feed, Organisation, Region, Settings
from tests.integration.small_region import PATIENTS, RESULTS, make

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "in" / name for name in ("people_20240430.csv", "visits_20240430.csv")]
    (tmp_path / "in").mkdir()
    for path in paths:
        path.write_text(f"id\n{path.name}\n")
    return paths


def region(tmp_path: Path, **of_feed: Any) -> Region:
    given = {"name": "h1", "place": Place("feeds/h1.toml"), "template": "toy/letters", "organisation": "A", "mode": Mode.SNAPSHOT} | of_feed
    organisation = Organisation("A", Place("organisations.csv", 2), "", "", "", "", "", "", "Asia/Shanghai", FIRST_DAY, None)
    return Region(tmp_path, "r", "UTC", (), Settings(1), tmp_path / "lake", tmp_path / "landing", {"h1": Feed(**given)}, {"A": organisation})


def test_without_a_date_the_hour_of_receipt_counts_in_the_organisations_zone(tmp_path: Path, files: list[Path]) -> None:
    delivery = land(region(tmp_path), "h1", files, received_at=NOON)
    assert delivery.as_of == datetime(2024, 5, 1, 20) and delivery.received_at == NOON
    assert delivery.mode is Mode.SNAPSHOT and [receipt.name for receipt in delivery.receipts] == [path.name for path in files]
    assert Landing(tmp_path / "landing").deliveries() == [delivery]


def test_file_names_tell_the_date_and_an_option_overrules_them(tmp_path: Path, files: list[Path]) -> None:
    at = region(tmp_path, as_of=r"_(?P<date>\d{8})\.")
    assert land(at, "h1", files, received_at=NOON).as_of == datetime(2024, 4, 30)
    assert land(at, "h1", files, as_of=date(2024, 4, 1), received_at=NOON).as_of == datetime(2024, 4, 1)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (r"(?P<date>\d{4}-\d\d-\d\d)", "a_2024-02-29.csv", datetime(2024, 2, 29)),
        (r"(?P<date>\d{14})", "a20240229133000.csv", datetime(2024, 2, 29, 13, 30)),
        (r"(?P<day>\d+)\.(?P<month>\d+)\.(?P<year>\d{4})", "a 1.2.2024.csv", datetime(2024, 2, 1)),
        (r"(?P<date>\d{4}_\d\d_\d\d)", "a2024_02_29", datetime(2024, 2, 29)),
    ],
)
def test_dates_in_names(tmp_path: Path, pattern: str, name: str, expected: datetime) -> None:
    assert date_in_names(region(tmp_path, as_of=pattern).feeds["h1"], [Path(name)]) == expected


@pytest.mark.parametrize(
    ("of_feed", "more", "said"),
    [
        ({"as_of": r"_(?P<date>\d{6})_"}, {}, "no file name tells the date"),
        ({"as_of": r"_(?P<date>\d{6})"}, {}, "does not tell a date"),
        ({"as_of": r"(?P<date>20\d\d0431)?"}, {}, "does not tell a date"),
        ({"mode": Mode.WINDOW}, {}, "without its window"),
        ({}, {"mode": Mode.WINDOW}, "without its window"),
        ({}, {"window": (date(2024, 1, 1), date(2024, 1, 2))}, "in mode snapshot"),
        ({"mode": Mode.WINDOW}, {"window": (date(2024, 1, 2), date(2024, 1, 1))}, "first date is after"),
    ],
)
def test_what_does_not_agree_is_refused_and_nothing_is_taken_in(
    tmp_path: Path, files: list[Path], of_feed: dict[str, Any], more: dict[str, Any], said: str
) -> None:
    with pytest.raises(SuwenError, match=said):
        land(region(tmp_path, **of_feed), "h1", files, received_at=NOON, **more)
    assert not (tmp_path / "landing").exists()


def test_names_that_tell_two_dates_are_refused(tmp_path: Path, files: list[Path]) -> None:
    (tmp_path / "in" / "wards_20240501.csv").write_text("x\n")
    with pytest.raises(SuwenError, match="different dates"):
        land(region(tmp_path, as_of=r"_(?P<date>\d{8})\."), "h1", [tmp_path / "in"], received_at=NOON)


def test_an_unknown_feed_is_named(tmp_path: Path, files: list[Path]) -> None:
    with pytest.raises(SuwenError, match='no feed "h2"'):
        land(region(tmp_path), "h2", files)


def test_a_window_is_kept(tmp_path: Path, files: list[Path]) -> None:
    window = (date(2024, 4, 1), date(2024, 4, 30))
    assert land(region(tmp_path), "h1", files, mode=Mode.WINDOW, window=window, received_at=NOON).window == window


def test_progress_counts_every_byte(tmp_path: Path, files: list[Path]) -> None:
    told: list[tuple[str, Any]] = []

    class Told:
        def start(self, step: str, total: int | None = None, unit: str = "rows") -> None:
            told.append((step, total))

        def advance(self, amount: int) -> None:
            told.append(("bytes", amount))

        def done(self) -> None:
            told.append(("done", None))

    land(region(tmp_path), "h1", files, received_at=NOON, progress=Told())
    size = sum(path.stat().st_size for path in files)
    assert told[0] == ("landing", size) and told[-1] == ("done", None) and sum(amount for what, amount in told if what == "bytes") == size


@pytest.fixture
def small(tmp_path: Path) -> Region:
    return make(tmp_path / "small")


def written(tmp_path: Path, name: str, *lines: str) -> Path:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_where_records_lie_is_found_when_they_land(tmp_path: Path, small: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.flow.land.WORTH_KEEPING", 0)
    monkeypatch.setattr("suwen.intake.survey_store.WORTH_KEEPING", 0)
    paths = [written(tmp_path, "patients.csv", PATIENTS, "p1,1980-01-01,F,U"), written(tmp_path, "unknown.txt", "a,b")]
    land(small, "his", paths, received_at=NOON)
    kept = {path.name.split("-")[0] for path in (small.landing / "surveys").glob("*.npz")}
    assert {receipt.sha256 for receipt in Landing(small.landing).receipts()} >= kept and kept


def test_records_without_a_key_are_not_landed_as_upsert(tmp_path: Path, small: Region) -> None:
    results = written(tmp_path, "results.csv", RESULTS, "p1,v1,2024-01-01,c,1")
    with pytest.raises(SuwenError, match="no key") as caught:
        land(small, "lab", [results], mode=Mode.UPSERT, received_at=NOON)
    assert "append" in caught.value.do and not (small.landing / "deliveries").exists()
    assert land(small, "lab", [results], mode=Mode.APPEND, received_at=NOON).number == 1


def test_what_arrives_is_kept_though_the_packs_are_broken(tmp_path: Path, small: Region) -> None:
    (small.pack_folder / "small" / "template" / "small.toml").write_text("broken", "utf-8")
    assert land(small, "his", [written(tmp_path, "patients.csv", PATIENTS)], received_at=NOON).number == 1
