"""Days of deliveries with defects of whole files and of sending: each bad file is told with its code; what comes twice, late or outside changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from suwen.simulate.defects.catalogue import DELIVERY, FILE, READER, Kind, kinds
from suwen.simulate.dialects.systems import SYSTEMS
from tests.integration.defect_regions import Landed, region_of
from tests.unit.simulate.spoilt import exported, only, small

LEAVES = ("charges", "orders", "results", "reports")  # files whose records no other refers to
FILES = [kind for kind in kinds().values() if kind.role == FILE and kind.stage == READER]
SENDINGS = [kind for kind in kinds().values() if kind.role == DELIVERY and kind.stage == READER and not kind.code]


@dataclass(frozen=True)
class Size:
    """How large the regions are, and how many of each kind that gives at least."""

    persons: int
    hospitals: int
    days: int
    enough: int


SIZES = [pytest.param(Size(400, 8, 20, 15), id="small"), pytest.param(Size(1_500, 24, 60, 200), id="large", marks=pytest.mark.deep)]


def daily(
    factory: pytest.TempPathFactory, size: Size, files: tuple[str, ...], rates: Mapping[str, float], names: Sequence[str] = ("modern", "window7")
) -> Landed:
    """Systems that send each day, sending some of their files; packed where it is but one."""
    folder = factory.mktemp("daily")
    made = small(size.persons, size.hospitals)
    systems = [only(SYSTEMS[name], files) for name in names]
    export = exported(made, folder / "export", rates or None, systems, base=made.settings.last - size.days, packed=len(names) == 1)
    return region_of(made, export, folder)


@pytest.fixture(scope="module", params=SIZES)
def size(request: pytest.FixtureRequest) -> Size:
    found = request.param
    assert isinstance(found, Size)
    return found


@pytest.fixture(scope="module")
def clean(size: Size, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return daily(tmp_path_factory, size, ("patients", "charges"), {})


@pytest.fixture(scope="module")
def resent(size: Size, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return daily(tmp_path_factory, size, ("patients", "charges"), {"delivery-twice": 0.48, "delivery-late": 0.52})


@pytest.fixture(scope="module")
def spoilt(size: Size, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return daily(tmp_path_factory, size, ("patients", *LEAVES), {kind.name: 0.245 for kind in FILES})


@pytest.fixture(scope="module")
def broken(size: Size, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return daily(tmp_path_factory, replace(size, persons=3 * size.persons, days=2 * size.days), ("patients", *LEAVES), {"archive-broken": 0.95}, ("modern",))


@pytest.fixture(scope="module")
def outside(size: Size, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return daily(tmp_path_factory, replace(size, days=size.days * 3 // 2), ("patients", "charges"), {"window-late": 0.9}, ("window7",))


def test_every_kind_that_the_reader_must_tell_is_here() -> None:
    told = {kind.name for kind in kinds().values() if kind.stage == READER and kind.role in (FILE, DELIVERY)}
    assert told == {kind.name for kind in (*FILES, *SENDINGS)} | {"archive-broken", "window-late"}


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.name)
def test_a_bad_file_is_told_with_its_code(kind: Kind, spoilt: Landed, size: Size) -> None:
    expected = {(row["folder"], row["file"], row["record"] or 0) for row in spoilt.export.truth if row["kind"] == kind.name}
    sql = f"select receipt, record from state.disposition where state = 'quarantined' and code = '{kind.code}'"
    found = [(spoilt.folders[receipt], spoilt.files[receipt][1], record) for receipt, record in spoilt.rows(sql)]
    assert len(expected) >= size.enough
    assert Counter(found) == Counter(expected)


def test_nothing_else_is_refused(spoilt: Landed) -> None:
    rows = spoilt.rows("select distinct code from state.disposition where state in ('quarantined', 'held')")
    assert {code for (code,) in rows} == {kind.code for kind in FILES}


def test_a_broken_archive_is_told_with_its_code(broken: Landed, size: Size) -> None:
    """One refusal for each, and of nothing else."""
    expected = {(row["folder"], row["file"], 0, "RDR-014") for row in broken.export.truth}
    found = broken.rows("select receipt, record, code from state.disposition where state = 'quarantined'")
    assert len(expected) >= size.enough
    assert Counter((broken.folders[receipt], broken.files[receipt][1], record, code) for receipt, record, code in found) == Counter(expected)


def test_records_outside_a_late_window_are_refused(outside: Landed, size: Size) -> None:
    """Those changed on the day that the window leaves out, and nothing else."""
    windows = {one.folder: one.window for one in outside.export.deliveries}
    assert len(outside.export.truth) >= size.enough
    expected: dict[str, set[tuple[str, int]]] = {}
    for row in outside.export.truth:
        first, _ = windows[row["folder"]] or (date.max, None)
        left_out = f"{first - timedelta(1)}"
        for path in (outside.export.folder / row["folder"]).iterdir():
            lines = path.read_text(encoding="utf-8-sig").splitlines()[1:]
            places = {(path.name, number) for number, line in enumerate(lines, 1) if left_out in line.rpartition(";")[2]}
            expected.setdefault(row["folder"], set()).update(places)
    found: dict[str, set[tuple[str, int]]] = {folder: set() for folder in expected}
    for receipt, record, code in outside.rows("select receipt, record, code from state.disposition where state = 'quarantined'"):
        assert code == "WIN-001"
        found[outside.folders[receipt]].add((outside.files[receipt][1], record))
    assert found == expected
    assert sum(map(bool, expected.values())) >= size.enough - 5  # a hospital may have had nothing to tell on that day


def test_records_outside_a_late_window_are_missed_nowhere(clean: Landed, outside: Landed) -> None:
    """The days before sent them too."""
    feeds = {feed for feed, _ in outside.files.values()}
    kept = {receipt for receipt, (feed, _) in clean.files.items() if feed in feeds}
    for table, columns in (("person", "person_id, year_of_birth"), ("cost", "cost_id, total_charge")):
        before = {tuple(row) for receipt, *row in clean.rows(f"select _receipt, {columns} from cdr.{table}") if receipt in kept}
        assert {tuple(row) for row in outside.rows(f"select {columns} from cdr.{table}")} == before != set()


def test_what_comes_twice_or_late_changes_no_content(clean: Landed, resent: Landed, size: Size) -> None:
    sent = Counter(row["kind"] for row in resent.export.truth)
    assert {kind.name: sent[kind.name] for kind in SENDINGS if sent[kind.name] < size.enough} == {}
    assert list(resent.export.deliveries) != sorted(resent.export.deliveries)
    assert resent.release.release.content == clean.release.release.content
    assert clean.release.release.content


def test_what_comes_twice_is_a_duplicate(resent: Landed, size: Size) -> None:
    """Of a delivery's second sending each record is a duplicate, and no row is made of it; a cancellation is one however often it is told."""
    twice = {row["folder"] for row in resent.export.truth if row["kind"] == "delivery-twice"}
    first: dict[tuple[str, str], int] = {}
    second = set()
    for receipt, folder in sorted(resent.folders.items()):
        if folder in twice and first.setdefault((folder, resent.files[receipt][1]), receipt) != receipt:
            second.add(receipt)
    assert {resent.folders[receipt] for receipt in second} == twice
    states = resent.rows("select receipt, state, count(distinct record) from state.disposition group by all")
    assert {state for receipt, state, _ in states if receipt in second} - {"deleted"} == {"duplicate"}
    assert sum(n for receipt, state, n in states if receipt in second and state == "deleted") < size.enough / 10
    assert {receipt for receipt, _, _ in states} >= second
    for table in ("person", "cost"):
        assert not second & {receipt for (receipt,) in resent.rows(f"select distinct _receipt from cdr.{table}")}
