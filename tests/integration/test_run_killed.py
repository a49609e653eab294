"""A run killed by SIGKILL at any point: readers still see the last release, and the next run gives the same one as if nothing had happened."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.integration.run_server import Answer, Prepared
from tests.integration.small_region import deliver, make


@dataclass(frozen=True)
class Deaths:
    """How often a run dies: `inside` each step that writes, `outside` at any time by a blow from another process, and `least` altogether."""

    inside: int
    outside: int
    least: int


MANY = [pytest.param(Deaths(1, 4, 20), id="once in each step"), pytest.param(Deaths(2, 9, 50), id="fifty", marks=pytest.mark.deep)]
# What a run makes durable, by the names of the points.
STEPS = {
    "staging": r"staging",
    "index": r"index/",
    "data files": r"(inside file|wrote|rewrote) (cdr|ext)/",
    "state files": r"(inside file|wrote) state/",
    "packs": r"lake/packs|(kept pack|listed packs)",
    "release": r"release",
    "taking back": r"^(took back|cleared) ",
}


@pytest.fixture(scope="module")
def servers() -> Iterator[SimpleQueue[Prepared]]:
    with Prepared() as one, Prepared() as two:
        queue: SimpleQueue[Prepared] = SimpleQueue()
        queue.put(one)
        queue.put(two)
        yield queue


@pytest.fixture
def server(servers: SimpleQueue[Prepared]) -> Iterator[Prepared]:
    borrowed = servers.get()
    yield borrowed
    servers.put(borrowed)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region in which one delivery waits for its first run."""
    folder = tmp_path_factory.mktemp("region") / "first"
    make(folder)
    deliver(folder, [0])
    return folder


@pytest.fixture
def corrected(landed: Path, tmp_path: Path, servers: SimpleQueue[Prepared]) -> Path:
    """A region with one release, and a delivery of corrections and deletions that waits."""
    borrowed = servers.get()
    undisturbed(landed, tmp_path / "second", borrowed)
    servers.put(borrowed)
    deliver(tmp_path / "second", [2])
    return tmp_path / "second"


def groups(points: list[str]) -> dict[str, list[int]]:
    """The points by what they write: the kinds of files, and each table's commit."""
    found: dict[str, list[int]] = {}
    for number, name in enumerate(points, 1):
        table = re.search(r"(?:inside making|made|inside commit|committed) (\S+)", name)
        kind = f"commit of {table[1]}" if table else next((k for k, pattern in STEPS.items() if re.search(pattern, name)), "")
        assert kind, f"a point of no known kind: {name}"
        found.setdefault(kind, []).append(number)
    return found


def chosen(points: list[str], many: Deaths, dice: random.Random) -> list[int]:
    """So many points of every kind, the rest anywhere."""
    picked = {n for numbers in groups(points).values() for n in dice.sample(numbers, min(many.inside, len(numbers)))}
    others = [n for n in range(1, len(points) + 1) if n not in picked]
    return sorted(picked | set(dice.sample(others, max(0, many.least - many.outside - len(picked)))))


def undisturbed(base: Path, folder: Path, server: Prepared) -> Answer:
    shutil.copytree(base, folder)
    answer = server.run(folder)
    assert "observed" in answer, answer
    return answer


def die(base: Path, folder: Path, servers: SimpleQueue[Prepared], how: dict[str, float], dice: random.Random) -> tuple[Answer, Answer]:
    """Kill a run and run again: what was seen after the death ({}: no release yet), and the rerun's answer."""
    server = servers.get()
    try:
        while True:
            shutil.copytree(base, folder)
            if server.run(folder, **how).get("killed"):
                break
            shutil.rmtree(folder)  # it ended before the blow from outside
            how = {"kill_after": how["kill_after"] * dice.uniform(0.3, 0.9)}
        return server.ask("look", folder), server.run(folder, watch=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        servers.put(server)


def deaths(base: Path, tmp_path: Path, servers: SimpleQueue[Prepared], many: Deaths, seed: int) -> None:
    dice, server = random.Random(seed), servers.get()
    before, whole = server.ask("look", base), undisturbed(base, tmp_path / "whole", server)
    servers.put(server)
    hows: list[dict[str, float]] = [{"kill_at": n} for n in chosen(whole["points"], many, dice)]
    hows += [{"kill_after": dice.uniform(0.02, whole["seconds"])} for _ in range(max(many.outside, many.least - len(hows)))]
    assert all(len(numbers) >= many.inside for numbers in groups(whole["points"]).values())
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda at: die(base, tmp_path / str(at[0]), servers, at[1], random.Random(seed + at[0])), enumerate(hows)))
    for how, (seen, again) in zip(hows, results, strict=True):
        place = whole["points"][int(how["kill_at"]) - 1] if "kill_at" in how else "from outside"
        assert again.get("observed") == whole["observed"], (how, place, again)
        assert seen in (before, {"observed": whole["observed"]}), (how, place)


@pytest.mark.parametrize("many", MANY)
def test_a_first_run_that_dies_anywhere_is_done_again_to_the_same_end(landed: Path, tmp_path: Path, servers: SimpleQueue[Prepared], many: Deaths) -> None:
    deaths(landed, tmp_path, servers, many, 1)


@pytest.mark.parametrize("many", MANY)
def test_a_run_of_corrections_and_deletions_that_dies_anywhere_too(corrected: Path, tmp_path: Path, servers: SimpleQueue[Prepared], many: Deaths) -> None:
    deaths(corrected, tmp_path, servers, many, 2)


def test_runs_that_die_one_after_the_other_leave_nothing_that_counts(landed: Path, tmp_path: Path, server: Prepared) -> None:
    whole, folder = undisturbed(landed, tmp_path / "whole", server), tmp_path / "often"
    shutil.copytree(landed, folder)
    early = ("wrote aside staging/his/visits", "committed cdr/visit_detail", "took back cdr/person", "inside commit state/cell", "cleared cdr/visit_detail")
    for place in early:
        assert server.run(folder, kill_at=place).get("killed"), place
    for place in ("before name lake/packs", "release written"):
        assert server.run(folder, kill_at=place).get("killed"), place
        assert server.ask("look", folder) == {"observed": {}}
    assert server.run(folder)["observed"] == whole["observed"]
    assert server.run(folder)["release"] is None
    assert kept(folder) == kept(tmp_path / "whole")


def kept(folder: Path) -> dict[str, int]:
    """How many files there are of each kind: what dead runs wrote is cleared by the one that lives."""
    found = {group: list((folder / "lake" / group).rglob("*")) for group in ("cdr", "ext", "state", "releases", "staging", "index", "packs")}
    return {group: sum("_delta_log" not in path.parts for path in paths) for group, paths in found.items()}
