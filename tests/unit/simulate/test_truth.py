"""The truth: counts equal those of a loop over the events, and the exact rule is told of the numbers it can join."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from suwen.base.errors import Defect
from suwen.simulate.people import check_character
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, TABLES, VISIT_KINDS, Block, Rows
from suwen.simulate.together import Scene
from suwen.simulate.truth import BY_EVENT, BY_VISIT, VISITS, Cases, Totals, links, open_visits, persons, totals_table
from suwen.simulate.truth_stays import FEES, Clinics, charged, clinics_table, stays

DAY = 86_400
SETTINGS = Settings(hospitals=6, persons=1_200, years=1, seed=4)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(SETTINGS)


@pytest.fixture(scope="module")
def block(scene: Scene) -> Block:
    return scene.block(0)


def rows(table: Rows) -> Iterator[dict[str, int]]:
    for values in zip(*(column.tolist() for column in table.columns.values()), strict=True):
        yield dict(zip(table.columns, values, strict=True))


def by_hand(block: Block, scene: Scene, by_visit: bool) -> dict[tuple[int, int], Counter[str]]:
    """(hospital, day) -> what happened, counted one by one."""
    found: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    visits = {visit["visit"]: visit for visit in rows(block.rows["visit"])}
    for visit in visits.values():
        found[visit["hospital"], visit["start"] // DAY][VISITS[visit["kind"]]] += 1
    times = {"diagnosis": "time", "procedure": "time", "order": "start", "result": "sampled", "vital": "time", "charge": "time"}
    names = {"diagnosis": "diagnoses", "procedure": "procedures", "order": "drugs", "result": "results", "vital": "vital_signs", "charge": "charges"}
    for table, time in times.items():
        for row in rows(block.rows[table]):
            visit = visits[row["visit"]]
            counts = found[visit["hospital"], (visit["start"] if by_visit else row[time]) // DAY]
            counts[names[table]] += 1
            stays = VISIT_KINDS[visit["kind"]] in {"inpatient", "day case"}
            if table in {"diagnosis", "procedure"} and stays and visit["end"] == NONE and "frontpage" in scene.lexicon.systems[visit["hospital"]]:
                counts[f"{names[table]}_untold"] += 1
            if table == "charge":
                counts["charged_fen"] += row["amount"]
                counts["insured_fen"] += row["insured"]
    return found


@pytest.mark.parametrize("basis", [BY_EVENT, BY_VISIT])
def test_totals_are_those_of_a_loop(scene: Scene, block: Block, basis: str) -> None:
    totals = Totals(scene.lexicon, SETTINGS.first, SETTINGS.last)
    totals.add(block)
    expected = by_hand(block, scene, basis == BY_VISIT)
    table = totals_table(totals.counts[basis], scene.lexicon.hospitals.codes, SETTINGS.first)
    assert table.num_rows == len(expected)
    for row in table.to_pylist():
        cell = scene.lexicon.hospitals.codes.index(row.pop("organisation_id")), (row.pop("day") - np.datetime64(0, "D").item()).days
        assert {name: value for name, value in row.items() if value} == {name: value for name, value in expected[cell].items() if value}


def test_an_event_outside_the_simulated_days_is_a_defect(scene: Scene, block: Block) -> None:
    with pytest.raises(Defect):
        Totals(scene.lexicon, SETTINGS.first, SETTINGS.last - 1).add(block)


def test_stays_are_those_of_a_loop(scene: Scene, block: Block) -> None:
    visits = {visit["visit"]: visit for visit in rows(block.rows["visit"]) if VISIT_KINDS[visit["kind"]] in {"inpatient", "day case"}}
    found = {row["visit"]: row for row in stays(block, scene.lexicon, charged(block, scene.lexicon)).to_pylist()}
    assert found.keys() == visits.keys()
    fen, drugs, entries = Counter[int](), Counter[int](), defaultdict[int, dict[int, list[int]]](lambda: defaultdict(list))
    for charge in rows(block.rows["charge"]):
        fen[charge["visit"]] += charge["amount"]
        drugs[charge["visit"]] += charge["amount"] if scene.lexicon.fees.codes[charge["fee"]][:3] in {"D23", "D24", "D25"} else 0
    for done in rows(block.rows["procedure"]):
        if done["session"] != NONE:
            entries[done["visit"]][done["session"]].append(int(scene.lexicon.procedures["level"][done["procedure"]]))
    first = {row["visit"]: row["condition"] for row in rows(block.rows["diagnosis"]) if row["rank"] == 0}
    for number, row in found.items():
        visit, levels = visits[number], Counter(max(of_entry) for of_entry in entries[number].values())
        assert (row["charged_fen"], row["drug_fen"], row["entries"]) == (fen[number], drugs[number], len(entries[number]))
        assert [row[f"level{level}"] for level in (1, 2, 3, 4)] == [levels[level] for level in (1, 2, 3, 4)]
        assert row["condition"] == scene.lexicon.conditions.codes[first[number]]
        assert (row["end"] is None, row["died"], row["planned"]) == (visit["end"] == NONE, visit["way"] == 5, visit["planned"] == 1)
        assert row["local_number"] == f"{visit['local']:09d}" and row["person"] == visit["person"]


def test_unplanned_returns_and_how_soon(scene: Scene, block: Block) -> None:
    """Entries made by hand: one stay comes back after 48 hours, one a minute later, one as planned."""
    rows_of_stays = block.rows["visit"].take(np.flatnonzero(block.rows["visit"]["kind"] == 3)[:3])
    numbers = np.repeat(rows_of_stays["visit"], 2)
    time = np.tile([1_000_000, 1_000_000 + 48 * 3600], 3) + np.array([0, 59, 0, 60, 0, 0])
    columns = {name: np.zeros(6, dtype=np.int64) for name in TABLES["procedure"]}
    entry = {"visit": numbers, "session": np.tile([1, 2], 3), "time": time, "unplanned": np.array([0, 1, 0, 1, 0, 0])}
    made = Block(0, {**block.rows, "visit": rows_of_stays, "procedure": Rows("procedure", columns | entry)})
    found = stays(made, scene.lexicon, {}).to_pylist()
    assert [(row["entries"], row["unplanned_return"], row["within_48h"]) for row in found] == [(2, True, True), (2, True, False), (2, False, False)]


def test_outpatient_visits_are_those_of_a_loop(scene: Scene, block: Block) -> None:
    clinics = Clinics(len(scene.lexicon.systems), SETTINGS.first, SETTINGS.last)
    clinics.add(block, charged(block, scene.lexicon))
    names = scene.lexicon.hospitals.codes
    expected = Counter((names[v["hospital"]], v["start"] // DAY, VISIT_KINDS[v["kind"]]) for v in rows(block.rows["visit"]) if v["kind"] not in (3, 4))
    table = clinics_table(clinics.counts, names, SETTINGS.first).to_pylist()
    epoch = np.datetime64(0, "D").item()
    assert {(row["organisation_id"], (row["day"] - epoch).days, row["kind"]): row["visits"] for row in table if row["visits"]} == expected
    over = Counter(
        (names[v["hospital"]], v["end"] // DAY, VISIT_KINDS[v["kind"]]) for v in rows(block.rows["visit"]) if v["kind"] not in (3, 4) and v["end"] != NONE
    )
    assert {(row["organisation_id"], (row["day"] - epoch).days, row["kind"]): row["ended"] for row in table if row["ended"]} == over
    long = sum(v["end"] - v["start"] >= 6 * 3600 for v in rows(block.rows["visit"]) if VISIT_KINDS[v["kind"]] == "observation" and v["end"] != NONE)
    assert sum(row["six_hours"] for row in table if row["kind"] == "observation") == long > 0
    at = {visit["visit"]: visit["kind"] for visit in rows(block.rows["visit"])}
    for name, codes in (("charged_fen", ("D",)), *((f"{fee}_fen", codes) for fee, codes in FEES.items())):
        fen = Counter[str]()
        for charge in rows(block.rows["charge"]):
            if scene.lexicon.fees.codes[charge["fee"]].startswith(codes):
                fen[VISIT_KINDS[at[charge["visit"]]]] += charge["amount"]
        for kind in {row["kind"] for row in table}:
            assert sum(row[name] for row in table if row["kind"] == kind) == fen[kind]


def test_links_are_the_patients(scene: Scene, block: Block) -> None:
    patient = block.rows["patient"]
    found = pa.concat_tables(links(block, scene.lexicon)).to_pylist()
    codes = scene.lexicon.hospitals.codes
    expected = {(codes[row["hospital"]], f"{row['local']:09d}", row["person"], False) for row in rows(patient)}
    expected |= {(codes[row["hospital"]], f"{row['twin']:09d}", row["person"], True) for row in rows(patient) if row["twin"] != NONE}
    assert {(row["organisation_id"], row["local_number"], row["person"], row["second_number"]) for row in found} == expected
    assert len(found) == len(expected)


def test_the_exact_rule_finds_valid_numbers_that_stand_twice(scene: Scene, block: Block) -> None:
    found = pa.concat_tables(links(block, scene.lexicon)).to_pylist()
    by_number: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        assert row["exact"] == (row["resident_id"] is not None and valid(row["resident_id"]))
        if row["exact"]:
            by_number[row["resident_id"]].append(row)
    for same in by_number.values():
        assert len({row["person"] for row in same}) == 1
        assert all(row["linked"] == (len(same) > 1) for row in same)
    assert not any(row["linked"] for row in found if not row["exact"])
    people = persons(block, scene.lexicon).to_pylist()
    assert sum(row["masters"] for row in people) == len(by_number) + sum(not row["exact"] for row in found)
    assert Counter({row["person"]: row["patients"] for row in people if row["patients"]}) == Counter(row["person"] for row in found)


def valid(number: str) -> bool:
    """GB 11643: weights by powers of two modulo 11."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(number[:17]))
    return number[17] == check_character(total % 11)


def test_open_visits(scene: Scene, block: Block) -> None:
    visit = block.rows["visit"]
    found = open_visits(block, scene.lexicon)
    assert found["visit"].to_pylist() == visit["visit"][visit["end"] == NONE].tolist()
    assert "inpatient" in found["kind"].to_pylist()


def test_cases_are_the_cards_of_an_outbreak(scene: Scene, block: Block) -> None:
    cards = block.rows["case_report"]
    counted, other = Cases(len(scene.world.outbreaks)), Cases(len(scene.world.outbreaks))
    half = len(cards) // 2
    counted.add(cards.take(np.arange(half)))
    other.add(cards.take(np.arange(half, len(cards))))
    counted.merge(other)
    for outbreak in range(len(scene.world.outbreaks)):
        onsets = cards["onset"][cards["outbreak"] == outbreak]
        assert counted.counts[outbreak] == len(onsets)
        if len(onsets):
            assert (counted.first[outbreak], counted.last[outbreak]) == (onsets.min(), onsets.max())
