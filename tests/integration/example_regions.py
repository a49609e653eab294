"""The two example systems as regions: Synthea's files, and the fictional Chinese hospital's deliveries of three days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from suwen.flow.land import land
from suwen.flow.reader import OpenRelease
from suwen.flow.region import add_feed, create
from suwen.flow.run import run
from suwen.model.receipt import Mode
from suwen.model.region import Region

EXAMPLES = Path(__file__).parents[2] / "examples"
SYNTHEA, HOSPITAL = EXAMPLES / "synthea", EXAMPLES / "cn-hospital"
RECEIVED = datetime(2024, 5, 1, tzinfo=UTC)
# what the hospital sends, by day: (folder, the day it speaks for, mode, window)
DAYS = (
    (("day1/master", 1, Mode.SNAPSHOT), ("day1/records", 1, Mode.UPSERT), ("day1/append", 1, Mode.APPEND)),
    (("day2/master", 2, Mode.SNAPSHOT), ("day2/records", 2, Mode.UPSERT), ("day2/append", 2, Mode.APPEND), ("day2/again", 1, Mode.APPEND)),
    (("day3/february", 3, Mode.WINDOW),),
)


def synthea(folder: Path) -> OpenRelease:
    """All Synthea files of the example landed as one snapshot and run."""
    region = new_synthea(folder)
    run(region)
    return OpenRelease(region)


def new_synthea(folder: Path) -> Region:
    """The same, landed but not yet run."""
    region, _ = add_feed(create(folder, ["core"], "synthea", "America/New_York"), "synthea", "synthea/csv", "H001", Mode.SNAPSHOT)
    land(region, "synthea", sorted(SYNTHEA.glob("*.csv")), as_of=date(2024, 1, 1), received_at=RECEIVED)
    return region


def hospital(folder: Path, days: int = 3) -> OpenRelease:
    """The hospital's deliveries of the first days, all landed and run at once."""
    region, _ = add_feed(create(folder, ["core", "cn"], "hospital", "Asia/Shanghai"), "his", "yunhai-his/export", "H001")
    for day in DAYS[:days]:
        deliver(region, day)
    run(region)
    return OpenRelease(region)


def deliver(region: Region, day: tuple[tuple[str, int, Mode], ...]) -> None:
    """Land one day's deliveries."""
    for below, number, mode in day:
        window = (date(2024, 2, 1), date(2024, 2, 29)) if mode is Mode.WINDOW else None
        land(region, "his", sorted((HOSPITAL / below).iterdir()), as_of=date(2024, 3, number), mode=mode, window=window, received_at=RECEIVED)
