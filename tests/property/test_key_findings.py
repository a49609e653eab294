"""What a run says of keys: known answers for one key with two contents, and for keys that cannot be read where absence is judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.property.histories import JANUARY, R, his, patient, stay
from tests.property.world import Reading, Step, World, play

CASES: dict[str, tuple[Sequence[Step], list[tuple[str, str, int, int]]]] = {
    "twice in a delivery": ([his(1, patients=[patient(), patient(sex="F"), patient("p2"), patient("p2")]), R], [("KEY-002", "patients", 1, 1)]),
    "a sequence orders them": ([his(1, stays=[stay(seq="1"), stay(seq="2", until="2024-01-09")]), R], []),
    "in two deliveries of a day": (
        [his(1, patients=[patient(), patient("p2")]), R, his(1, patients=[patient("p2", "F"), patient()]), his(2, patients=[patient(city="X")]), R],
        [("KEY-003", "patients", 2, 1)],
    ),
    "unreadable where absence is judged": (
        [his(1, patients=[patient("")]), his(2, "snapshot", patients=[patient(""), ("p2",), patient()]), R, his(3, "window", JANUARY, stays=[stay("")]), R],
        [("WIN-002", "patients", 2, 2), ("WIN-002", "stays", 3, 1)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_findings_about_keys(name: str, tmp_path: Path) -> None:
    history, expected = CASES[name]
    world = World.new(tmp_path / "region")
    assert play(world, history) == []
    found = [(f["code"], f["kind"], f["receipt"], f["records"]) for f in Reading(world.folder).rows("state/finding") if not f["code"].startswith("MAP")]
    assert sorted(found) == expected
