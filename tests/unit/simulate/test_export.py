"""Files of the systems: their bytes, their deliveries, and the code maps that name their codes."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from suwen.simulate.catalogue import read_catalogue
from suwen.simulate.dialects import rows
from suwen.simulate.dialects.frontpage import FEES
from suwen.simulate.dialects.identity import resident_id
from suwen.simulate.dialects.maps import code_maps
from suwen.simulate.dialects.rows import Seen, parts
from suwen.simulate.dialects.systems import SYSTEMS
from suwen.simulate.export import Export
from suwen.simulate.knowledge import read_knowledge
from suwen.simulate.sending import Delivery
from suwen.simulate.timetable import Timetable
from tests.unit.simulate import tiny

STANDARD = Path(__file__).parents[3] / "src" / "suwen" / "packs" / "cn" / "standard"


def export(folder: Path, base: int | None = None, compress: bool = False) -> list[Delivery]:
    folder.mkdir()
    made = Export(folder, tiny.lexicon(), list(SYSTEMS.values()), Timetable(tiny.LAST_DAY, base), compress=compress)
    made.write(tiny.block())
    return made.finish()


def hashes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("base", [None, tiny.LAST_DAY - 30])
def test_the_same_bytes_however_the_rows_are_cut(tmp_path: Path, base: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    export(tmp_path / "one", base, compress=True)
    monkeypatch.setattr(rows.parts, "__defaults__", (None, 7))
    export(tmp_path / "other", base, compress=True)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "other")


def test_all_at_once_is_a_snapshot_of_each_feed(tmp_path: Path) -> None:
    found = export(tmp_path / "all")
    assert {delivery.mode for delivery in found} == {"snapshot"}
    assert len(found) == sum(len(systems) for systems in tiny.SYSTEMS)
    with (tmp_path / "all" / "feeds.csv").open(encoding="utf-8") as stream:
        assert {row["template"] for row in csv.DictReader(stream)} == {system.template for system in SYSTEMS.values()}


def test_day_by_day(tmp_path: Path) -> None:
    found = export(tmp_path / "daily", tiny.LAST_DAY - 40)
    windows = [d for d in found if d.feed == "h0004-his" and d.mode == "window"]
    assert windows
    assert all(d.window is not None and (d.window[1] - d.window[0]).days == 6 and d.window[1] == d.as_of for d in windows)
    months = [d.window for d in found if d.feed == "h0004-frontpage" and d.mode == "window"]
    assert months
    assert {(first.day, (last - first).days >= 27) for first, last in (window for window in months if window)} == {(1, True)}
    assert {d.mode for d in found if d.feed == "h0001-his"} == {"snapshot", "upsert", "append"}


def test_by_the_month_every_day_is_in_one_window(tmp_path: Path) -> None:
    ends = [tiny.day(text) for text in ("2025-09-30", "2025-10-31", "2025-11-30", "2025-12-30", "2025-12-31")]
    made = Export(tmp_path, tiny.lexicon(), list(SYSTEMS.values()), Timetable(tiny.LAST_DAY, ends[0], tuple(ends[1:])))
    made.write(tiny.block())
    found = made.finish()
    assert {(d.as_of - date(1970, 1, 1)).days for d in found} <= set(ends)
    windows = sorted(d.window for d in found if d.feed == "h0004-his" and d.window is not None)
    asked = [(date(2025, 10, 1), date(2025, 10, 31)), (date(2025, 11, 1), date(2025, 11, 30)), (date(2025, 12, 1), date(2025, 12, 30))]
    assert set(windows) <= {*asked, (date(2025, 12, 25), date(2025, 12, 31))} and set(windows) & set(asked)
    assert {d.as_of for d in found if d.feed == "h0004-frontpage" and d.mode == "window"} <= {date(2025, 10, 31), date(2025, 11, 30), date(2025, 12, 31)}


def test_a_modern_day_is_one_zip(tmp_path: Path) -> None:
    export(tmp_path / "all")
    (path,) = (tmp_path / "all" / "H0003" / "his" / "20251231").iterdir()
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("encounters.csv").decode().splitlines()
    assert lines[0].startswith("encounter_id,patient_id,class,started_at")
    assert len(lines) == 1 + 12 * 4


def test_how_each_system_writes(tmp_path: Path) -> None:
    export(tmp_path / "all")
    pipes = (tmp_path / "all" / "H0001" / "his" / "20251231" / "BRXX_20251231.txt").read_bytes()
    assert pipes.decode("gb18030").splitlines()[1].startswith("000000100|王建国|1|19691220|99010119691220")
    chinese = (tmp_path / "all" / "H0002" / "his" / "20251231" / "患者信息_20251231.csv").read_bytes()
    assert chinese.startswith(b"\xef\xbb\xbf")
    assert "男,1969/12/20," in chinese.decode("utf-8-sig").splitlines()[1]
    results = (tmp_path / "all" / "H0002" / "lis" / "20251231" / "LIS_RESULT_20251231.txt").read_text("utf-8")
    assert {"阴性", "弱阳性", "<51.3"} <= {line.split("\t")[6] for line in results.splitlines()}
    assert {"10^9/L", "10*3/uL", "mg/dL"} <= {line.split("\t")[7] for line in results.splitlines()}


def test_a_front_page_adds_up(tmp_path: Path) -> None:
    export(tmp_path / "all")
    with (tmp_path / "all" / "H0004" / "frontpage" / "20251231" / "hqms_20251231.csv").open(encoding="gb18030", newline="") as stream:
        pages = list(csv.DictReader(stream))
    assert len(pages) == 23  # of 24 stays one is open
    for page in pages:
        assert round(100 * float(page["D01"])) == sum(round(100 * float(page[fee])) for fee in FEES if "x" not in fee)


def test_resident_ids_fail_where_they_are_mistyped() -> None:
    seen = Seen(tiny.block(1), tiny.lexicon((("his_gbk",),)), tiny.LAST_DAY)
    (part,) = parts(seen, "patient", np.array([True]))
    weights = [pow(2, 17 - place, 11) for place in range(17)]
    for text, state in zip(resident_id(part).to_pylist(), part["resident_id"].tolist(), strict=True):
        assert (text == b"") == (state == 1)
        if text:
            total = sum(int(chr(digit)) * weight for digit, weight in zip(text[:17], weights, strict=True))
            assert ("10X98765432"[total % 11] == chr(text[17])) == (state == 0)


def test_the_pack_names_every_code() -> None:
    """`python -m suwen.simulate.dialects.maps src/suwen/packs/cn/standard` writes them."""
    for name, text in code_maps(read_catalogue(read_knowledge().conditions)).items():
        assert (STANDARD / f"{name}.csv").read_text("utf-8") == text, name


def test_dates_of_deliveries(tmp_path: Path) -> None:
    assert {delivery.as_of for delivery in export(tmp_path / "all")} == {date(2025, 12, 31)}
