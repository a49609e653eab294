"""The order and number of deliveries leave no trace: 90 days of changes, or of "the last 7 days again", end where one snapshot does; shuffled and twice too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from suwen.flow.land import land, templates_of
from suwen.flow.manifest import Listed
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.model.receipt import Mode
from suwen.model.region import Region
from tests.integration.simulated import listed, simulate

DAILY = ("meridian-ehr", "hengtai-his")
NOT_TOLD_OF_CONTENT = {"duplicate", "superseded", "deleted"}  # states that tell what arrived more often than once, and nothing of what holds


def arrived(region: Region, deliveries: Sequence[Listed], runs: int = 1) -> OpenRelease:
    """The region after deliveries have landed in the order given, with so many runs between and after them."""
    stops = {len(deliveries) * (n + 1) // runs for n in range(runs)}
    templates = templates_of(region)
    for number, one in enumerate(deliveries, 1):
        land(region, one.feed, [one.folder], as_of=one.as_of, mode=one.mode, window=one.window, templates=templates)
        if number in stops:
            run(region)
    return OpenRelease(region)


def findings(opened: OpenRelease) -> list[dict[str, object]]:
    return opened.query("select code, feed, column_name, sum(records)::bigint as n from state.finding group by all order by all").to_pylist()


def same(one: OpenRelease, other: OpenRelease) -> None:
    """Every published table has the same rows, the findings are the same, and records that hold are in the same states."""
    assert {n: t.fingerprint for n, t in one.release.tables.items() if t.fingerprint} == {
        n: t.fingerprint for n, t in other.release.tables.items() if t.fingerprint
    }
    assert one.release.content == other.release.content
    assert findings(one) == findings(other)
    holding = [{label: n for label, n in o.release.totals.items() if label.rsplit("|", 1)[1] not in NOT_TOLD_OF_CONTENT} for o in (one, other)]
    assert holding[0] == holding[1]


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Region]:
    """A region like another one, with nothing landed."""

    def make(folder: Path) -> Region:
        other = tmp_path_factory.mktemp("again") / "region"
        _copy(folder / "region", other)
        return open_region(other)

    return make


def _copy(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if path.is_file() and inside.parts[0] not in {"lake", "landing"}:
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            (target / inside).write_bytes(path.read_bytes())


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("daily") / "province", 4, 240, "--daily")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("once") / "province", 4, 240)


@pytest.fixture(scope="module")
def snapshot(once: Path, again: Callable[[Path], Region]) -> OpenRelease:
    """The two hospitals' systems at the end, each sent once and whole."""
    deliveries = listed(once, *DAILY)
    assert len(deliveries) == 2 and {one.mode for one in deliveries} == {Mode.SNAPSHOT}
    return arrived(again(once), deliveries)


@pytest.mark.parametrize("runs", [1, pytest.param(7, marks=pytest.mark.deep)])
def test_90_daily_deliveries_end_as_one_snapshot(daily: Path, snapshot: OpenRelease, again: Callable[[Path], Region], runs: int) -> None:
    deliveries = listed(daily, *DAILY)
    days = {product: len({one.as_of for one in listed(daily, product)}) for product in DAILY}
    assert days["hengtai-his"] >= 90, days
    opened = arrived(again(daily), deliveries, runs)
    same(opened, snapshot)
    states = {label.rsplit("|", 1)[1] for label in opened.release.totals}
    assert states >= {"duplicate", "superseded", "deleted"}  # the days did say more than the snapshot


def shuffled_twice(deliveries: Sequence[Listed]) -> list[Listed]:
    """Every delivery two times, in an order of chance."""
    found = [*deliveries, *deliveries]
    Random(3).shuffle(found)
    return found


def some_days(folder: Path) -> list[Listed]:
    """What every system sent first, and on the last eight days."""
    everything = listed(folder)
    days = sorted({one.as_of for one in everything})
    return [one for one in everything if one.as_of in {days[0], *days[-8:]}]


def whatever_the_order(deliveries: Sequence[Listed], in_order: Region, mixed: Region) -> None:
    one, other = arrived(in_order, deliveries), arrived(mixed, shuffled_twice(deliveries), runs=2)
    same(one, other)
    records = [sum(o.release.totals.values()) for o in (one, other)]
    assert records[1] == 2 * records[0]  # what came again stands in the books, as duplicate, superseded or deleted


# The two others send day by day above; all six are for the nights.
ONCE = ("yunhai-his", "chenxi-his", "qiming-lis", "hqms")


@pytest.mark.parametrize("products", [pytest.param(ONCE, id="four systems"), pytest.param((), id="all systems", marks=pytest.mark.deep)])
def test_systems_in_any_order_and_twice_give_the_same_release(products: tuple[str, ...], once: Path, again: Callable[[Path], Region]) -> None:
    deliveries = listed(once, *products)
    assert len({one.feed for one in deliveries}) == len(deliveries) >= 4
    whatever_the_order(deliveries, again(once), again(once))


@pytest.mark.deep
def test_days_of_all_systems_in_any_order_and_twice_give_the_same_release(daily: Path, again: Callable[[Path], Region]) -> None:
    deliveries = some_days(daily)
    assert {one.mode for one in deliveries} >= {Mode.SNAPSHOT, Mode.WINDOW, Mode.UPSERT}
    whatever_the_order(deliveries, again(daily), again(daily))
