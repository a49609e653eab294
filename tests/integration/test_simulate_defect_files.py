"""Days of deliveries with defects of whole files and of sending: each bad file is told with its code, and what comes twice or late changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from suwen.simulate.defects.catalogue import DELIVERY, FILE, READER, Kind, kinds
from suwen.simulate.dialects.systems import SYSTEMS
from tests.integration.defect_regions import Landed, region_of
from tests.unit.simulate.spoilt import exported, only, small

LEAVES = ("charges", "orders", "results", "reports")  # files whose records no other refers to
FILES = [kind for kind in kinds().values() if kind.role == FILE and kind.stage == READER]
SENDINGS = [kind for kind in kinds().values() if kind.role == DELIVERY and kind.stage == READER]


@dataclass(frozen=True)
class Size:
    """How large the regions are, and how many of each kind that gives at least."""

    persons: int
    hospitals: int
    days: int
    enough: int


SIZES = [pytest.param(Size(400, 8, 20, 15), id="small"), pytest.param(Size(1_500, 24, 60, 200), id="large", marks=pytest.mark.deep)]


def daily(factory: pytest.TempPathFactory, size: Size, files: tuple[str, ...], rates: Mapping[str, float]) -> Landed:
    """The systems that send each day, sending some of their files, unpacked."""
    folder = factory.mktemp("daily")
    made = small(size.persons, size.hospitals)
    systems = [only(SYSTEMS[name], files) for name in ("modern", "window7")]
    export = exported(made, folder / "export", rates or None, systems, base=made.settings.last - size.days)
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


def test_what_comes_twice_or_late_changes_no_content(clean: Landed, resent: Landed, size: Size) -> None:
    sent = Counter(row["kind"] for row in resent.export.truth)
    assert {kind.name: sent[kind.name] for kind in SENDINGS if sent[kind.name] < size.enough} == {}
    assert list(resent.export.deliveries) != sorted(resent.export.deliveries)
    assert resent.release.release.content == clean.release.release.content
    assert clean.release.release.content


def test_what_comes_twice_is_a_duplicate(resent: Landed) -> None:
    """Of a delivery's second sending each record is a duplicate, and no row is made of it."""
    twice = {row["folder"] for row in resent.export.truth if row["kind"] == "delivery-twice"}
    first: dict[tuple[str, str], int] = {}
    second = set()
    for receipt, folder in sorted(resent.folders.items()):
        if folder in twice and first.setdefault((folder, resent.files[receipt][1]), receipt) != receipt:
            second.add(receipt)
    assert {resent.folders[receipt] for receipt in second} == twice
    states = resent.rows("select receipt, state, count(distinct record) from state.disposition group by all")
    assert {state for receipt, state, _ in states if receipt in second} == {"duplicate"}
    assert {receipt for receipt, _, _ in states} >= second
    for table in ("person", "cost"):
        assert not second & {receipt for (receipt,) in resent.rows(f"select distinct _receipt from cdr.{table}")}
