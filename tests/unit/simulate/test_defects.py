"""Defects of records: each kind two hundred times, at the place told, and every other byte as in the clean export."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from suwen.model.finding import finding
from suwen.simulate.defects.catalogue import DELIVERY, FILE, READER, RULE, TEMPLATE, Kind, columns, kinds, sites
from suwen.simulate.defects.inject import Defects
from suwen.simulate.defects.page import GROUPS, with_tables
from suwen.simulate.defects.profile import default_profile
from suwen.simulate.defects.spoiling import SPOIL
from suwen.simulate.dialects import rows
from suwen.simulate.dialects.systems import SYSTEMS
from suwen.simulate.export import Export
from suwen.simulate.timetable import Timetable
from tests.unit.simulate import tiny
from tests.unit.simulate.spoilt import Exported, exported, only, small

ROOT = Path(__file__).parents[3]
OF_RECORDS = [kind for kind in kinds().values() if kind.role not in (FILE, DELIVERY)]
ENOUGH = 200
RATES: Mapping[str, Sequence[tuple[int, float]]] = {"record-too-long": ((3_000, 0.002),)}  # a mebibyte each


def test_forty_kinds_in_five_groups() -> None:
    assert len(kinds()) >= 40
    assert {kind.group for kind in kinds().values()} == set(GROUPS)
    assert {kind.name for kind in OF_RECORDS} == SPOIL.keys()
    for kind in kinds().values():
        assert kind.stage in (READER, TEMPLATE, RULE)
        if kind.stage != RULE and kind.code:
            assert finding(kind.code)


def test_the_page_is_what_the_code_does() -> None:
    """`python -m suwen.simulate.defects.page docs/guide/defects.md` writes it."""
    page = (ROOT / "docs" / "guide" / "defects.md").read_text("utf-8")
    assert with_tables(page) == page


def test_every_role_is_befallen_and_every_column_there() -> None:
    assert {kind.role for kind in OF_RECORDS} == {one.role for one in columns()}
    files = {(system.name, kind.name) for system in SYSTEMS.values() for kind in system.kinds}
    assert {(one.system, one.file) for one in columns()} <= files


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Exported]:
    """The clean export of a region with so many persons."""
    return cache(lambda persons: exported(small(persons), tmp_path_factory.mktemp("clean") / "all"))


@pytest.mark.parametrize("kind", OF_RECORDS, ids=lambda kind: kind.name)
def test_where_it_is_told_and_nowhere_else(kind: Kind, clean: Callable[[int], Exported], tmp_path: Path) -> None:
    of = defaultdict[str, list[str]](list)
    for (system, file), held in sites().items():
        if any(site.kind == kind for site in held):
            of[system].append(file)
    systems = [only(SYSTEMS[system], files) for system, files in of.items()]
    for persons, rate in RATES.get(kind.name, ((3_000, 0.03), (3_000, 0.9), (12_000, 0.9))):
        found = exported(small(persons), tmp_path / f"{persons} {rate}", {kind.name: rate}, systems)
        if len(found.truth) >= ENOUGH:
            break
    assert len(found.truth) >= ENOUGH
    assert {(row["kind"], row["code"]) for row in found.truth} == {(kind.name, kind.code)}
    by_file = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in found.truth:
        by_file[f"{row['folder']}/{row['file']}"].append(row)
    for path in sorted(path for path in found.folder.rglob("*") if path.parent != found.folder and path.is_file()):
        name = path.relative_to(found.folder).as_posix()
        _as_clean((clean(persons).folder / name).read_bytes(), path.read_bytes(), by_file.pop(name, []))
    assert not by_file


def _as_clean(clean: bytes, spoilt: bytes, defects: Sequence[Mapping[str, Any]]) -> None:
    """The file is the clean one but for the records told of, which stand where it is told."""
    newline = b"\r\n" if clean[: clean.find(b"\n")].endswith(b"\r") else b"\n"
    at = clean_at = 0
    for one in defects:
        start, end = one["offset"], one["offset"] + one["length"]
        assert spoilt[at:start] == clean[clean_at : clean_at + start - at]
        clean_at += start - at
        assert spoilt.count(newline, 0, start) == one["record"]  # the header is a line too
        assert spoilt.count(newline, start, end) == one["records"]
        if not one["added"]:
            was = clean[clean_at : clean.find(newline, clean_at) + len(newline)]
            assert was != spoilt[start:end]
            clean_at += len(was)
        at = end
    assert spoilt[at:] == clean[clean_at:]


def _all_of(folder: Path, base: int | None) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    folder.mkdir()
    defects = Defects(default_profile(daily=base is not None), 3)
    export = Export(folder, tiny.lexicon(), list(SYSTEMS.values()), Timetable(tiny.LAST_DAY, base), defects=defects)
    export.write(tiny.block())
    export.finish()
    defects.write(folder / "defects.parquet")
    told = pq.read_table(folder / "defects.parquet").to_pylist()
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}, told


@pytest.mark.parametrize("base", [None, tiny.LAST_DAY - 30])
def test_the_same_bytes_however_the_rows_are_cut(tmp_path: Path, base: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    one = _all_of(tmp_path / "one", base)
    monkeypatch.setattr(rows.parts, "__defaults__", (None, 7))
    assert one == _all_of(tmp_path / "other", base)
    assert one[1]


def test_a_record_sent_again_has_the_same_defect(tmp_path: Path) -> None:
    """Window7 sends every record on seven days: whatever has a defect has it, and the same bytes, on all of them."""
    made = small(2_000)
    found = exported(made, tmp_path / "daily", {"patient-unknown": 0.3, "unit-unknown": 0.3}, [only(SYSTEMS["window7"], ["results"])], made.settings.last - 20)
    lines = Counter[bytes]()
    for row in found.truth:
        path = found.folder / row["folder"] / row["file"]
        lines[path.read_bytes()[row["offset"] : row["offset"] + row["length"]]] += 1
    sent = Counter(line for path in found.folder.rglob("ht_jy*.csv") for line in path.read_bytes().splitlines(keepends=True)[1:])
    assert max(lines.values()) == 7
    assert lines == {line: sent[line] for line in lines}
