"""What increments leave behind is what a rebuild gives: content, findings and references that lead nowhere, with groups mapped side by side."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from suwen.flow.reader import open_release
from suwen.flow.region import open_region
from suwen.flow.run import run
from suwen.model.extension import ALL_TABLES
from tests.property.histories import BASE, JANUARY, MOVED, R, case, his, human, item, lab, patient, stay
from tests.property.world import Decide, History, Reading, World, after, play

DEATH = """\
[target.died]
from = "patients"
table = "death"
[[target.died.filters]]
rule = "alive"
keep = "OP = 'X'"
[target.died.columns]
person_id = "ref('person', ID)"
death_date = "date_of('2024-02-01', 'iso')"

[target.visit]
"""

HISTORIES: Mapping[str, History] = {
    "only records whose keys cannot be read": [BASE, R, his(2, "snapshot", patients=[patient(""), patient("", "F")]), R],
    "a feed moves and loses a delivery at once": [
        BASE,
        his(2, feed="far", patients=[patient(sex="F", city="X")], stays=[stay("v9")]),
        his(3, feed="far", patients=[patient("p7")]),
        R,
        Decide(3, "withdrawn"),
        MOVED,
        R,
    ],
    "what a joined parent gives is told when it comes": [
        his(1, items=[item(day="y"), item(), item("v2", day="bad")]),
        R,
        his(2, stays=[stay(until="bad"), stay("v5", until="bad")]),
        R,
        his(3, patients=[patient("p2")], stays=[stay("v2", "p2", until="x")]),
        R,
        his(4, patients=[patient()]),
        R,
    ],
    "windows side by side": [
        BASE,
        lab(2, people=[human("p3", died="2024-02-01")]),
        R,
        his(3, "window", JANUARY, patients=[patient("p3")], stays=[stay("v3", "p3"), stay("v5", "p1", "?")], items=[item("v3"), item("v9")]),
        lab(4, people=[human("p3", died="2024-02-03"), human("p4")]),
        R,
        his(5, "snapshot", patients=[patient("p3")]),
        R,
    ],
}


def told(folder: Path) -> tuple[str, str, Mapping[str, int], Counter[tuple[str, ...]]]:
    """Content and cells of the newest release, its dangling references, and records per finding."""
    found: Counter[tuple[str, ...]] = Counter()
    for row in Reading(folder).rows("state/finding"):
        found[tuple(str(row[c]) for c in ("code", "feed", "kind", "target", "column_name", "receipt"))] += row["records"]
    release = open_release(folder).release
    return release.content, release.cells_sha256, dict(release.dangling), found


def rebuilt(folder: Path, into: Path) -> Path:
    shutil.copytree(folder, into, ignore=shutil.ignore_patterns("lake", "inbox"))
    run(open_region(into))
    return into


def side_by_side(world: World) -> None:
    settings = world.folder / "region.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("threads = 1", "threads = 3"), encoding="utf-8")


@pytest.mark.parametrize("name", HISTORIES)
def test_increments_tell_what_a_rebuild_tells(name: str, tmp_path: Path) -> None:
    world = World.new(tmp_path / "region")
    side_by_side(world)
    assert play(world, HISTORIES[name]) == []
    assert told(rebuilt(world.folder, tmp_path / "again")) == told(world.folder)


def absent(folder: Path) -> dict[str, int]:
    """The optional references whose row is not there, counted row by row."""
    reading = Reading(folder)
    held = {n.split("/")[1]: reading.rows(n) for n in reading.release.tables if not n.startswith("state/")}
    counts = {}
    for table, rows in held.items():
        for column in ALL_TABLES[table].columns:
            if column.references is None or column.required or ALL_TABLES[column.references[0]].group == "vocabulary":
                continue
            ids = {row[column.references[1]] for row in held.get(column.references[0], ())}
            counts[f"{table}.{column.name}"] = sum(row[column.name] is not None and row[column.name] not in ids for row in rows)
    return {place: count for place, count in counts.items() if count}


def test_references_that_lead_nowhere_are_counted_right_after_every_run(tmp_path: Path) -> None:
    world, seen = World.new(tmp_path / "region"), []
    bad = stay("v2", begin="?")  # a parent to join, but no visit
    for delivery in (
        his(1, patients=[patient()], stays=[stay(), stay("v3")], items=[item(), item("v3")]),
        his(2, stays=[bad], items=[item("v2"), item("v2", one="B"), item("v1", one="C")]),
        his(3, items=[item("v1", one="D")]),
        his(4, stays=[stay("v2")]),
        his(5, stays=[stay("v3", until="2024-01-09")], items=[item("v3", one="E")]),
        his(6, "snapshot", stays=[stay(), stay("v2"), stay("v4", begin="?")], items=[item(), item("v2"), item("v4"), item("v3")]),
        his(7, "upsert", patients=[patient("p3")]),
    ):
        world.deliver(delivery)
        world.run()
        assert dict(open_release(world.folder).release.dangling) == absent(world.folder)
        seen.append(sum(absent(world.folder).values()))
    assert seen == [0, 2, 2, 0, 0, 1, 1]
    told_of = [row["records"] for row in Reading(world.folder).rows("state/finding") if row["code"] == "REF-002"]
    assert told_of == [1]


def another_table(template: Path) -> None:
    """The places of `prop/his` become care sites."""
    text = template.read_text(encoding="utf-8").replace('table = "location"', 'table = "care_site"').replace("city =", "care_site_name =")
    text = text.replace("county =", "care_site_source_value =").replace("location_id = \"ref('place', CITY)\"", "")
    template.write_text(text, encoding="utf-8")


def no_deaths(template: Path) -> None:
    template.write_text(template.read_text(encoding="utf-8").replace(DEATH, "[target.visit]\n"), encoding="utf-8")


@pytest.mark.parametrize("change", [another_table, no_deaths])
def test_a_mended_template_leaves_no_row_behind_and_takes_no_other_s(change: Callable[[Path], None], tmp_path: Path) -> None:
    world = World.new(tmp_path / "region")
    template = world.folder / "packs/prop/template/his.toml"
    template.write_text(template.read_text(encoding="utf-8").replace("[target.visit]\n", DEATH, 1), encoding="utf-8")
    for delivery in (lab(5, people=[human(died="2024-02-03")]), his(9, patients=[patient(city="X", op="X"), patient("p2", city="Y")])):
        world.deliver(delivery)
    world.run()
    change(template)
    world.run()
    assert told(rebuilt(world.folder, tmp_path / "again")) == told(world.folder)


@pytest.mark.parametrize("feed", ["his", "lab"])
def test_a_feed_that_moves_away_leaves_to_others_what_they_told_too(feed: str, tmp_path: Path) -> None:
    world = World.new(tmp_path / "region")
    world.deliver(his(9, patients=[patient(city="X"), patient("p2")], stays=[stay()]))
    world.deliver(lab(5, people=[human(died="2024-02-03"), human("p3")], cases=[case()]))
    world.run()
    declared = world.folder / "feeds" / f"{feed}.toml"
    declared.write_text(declared.read_text(encoding="utf-8").replace('"H1"', '"H2"'), encoding="utf-8")
    world.run()
    assert told(rebuilt(world.folder, tmp_path / "away"))[:2] == told(world.folder)[:2]
    declared.write_text(declared.read_text(encoding="utf-8").replace('"H2"', '"H1"'), encoding="utf-8")
    world.run()
    assert after(world) == []
    assert told(rebuilt(world.folder, tmp_path / "back"))[:2] == told(world.folder)[:2]


def test_a_feed_may_go_once_its_deliveries_are_withdrawn(tmp_path: Path) -> None:
    world = World.new(tmp_path / "region")
    world.deliver(BASE)
    world.deliver(lab(2, people=[human("p8", died="2024-02-03"), human()]))
    world.run()
    world.decide(Decide(2, "withdrawn"))
    (world.folder / "feeds/lab.toml").unlink()
    world.run()
    assert told(rebuilt(world.folder, tmp_path / "again"))[:2] == told(world.folder)[:2]


def test_a_folder_s_name_may_hold_quotes_where_records_repeat(tmp_path: Path) -> None:
    world = World.new(tmp_path / "it's a 'region'")
    for delivery in (BASE, his(2, items=[item(), item(), item(one="B")])):
        world.deliver(delivery)
        world.run()
    assert after(world) == []
