"""The steps of the indicators' bench, each run in a process of its own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from unittest.mock import patch

from bench.measure import Clock, Measured
from suwen.engine.duck import Engine
from suwen.engine.sql import Tree, alias, call, col, statement, typed
from suwen.flow.answers import Answers
from suwen.flow.base_rows import counted_rows, full_name, members_of, stored_tables
from suwen.flow.explanations import columns_used
from suwen.flow.manifest import Listed, land_manifest, read_manifest
from suwen.flow.point_cells import TABLE
from suwen.flow.point_rules import by_base
from suwen.flow.reader import OpenRelease
from suwen.flow.region import NewFeed, create, fill, open_region
from suwen.flow.run import run
from suwen.insight.indicator.cells import ADDING, cells_of
from suwen.insight.indicator.groups import grouped_once, shared
from suwen.insight.indicator.relation import NO_GROUPS, Group, Groups
from suwen.insight.indicator.value import span_of
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import Period, Point
from suwen.model.region import Region
from suwen.simulate.region import DATE_IN_NAME, Simulation
from suwen.simulate.settings import Settings

PAGES = 50  # times each answer is asked


def region(folder: str, hospitals: int, persons: int, years: int) -> Measured:
    """A clean region whose last day comes by itself, landed but for that of one hospital, and run. Says rows, and seconds of the run."""
    path = Path(folder)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    simulation = Simulation(Settings(hospitals=hospitals, persons=persons, years=years, clean=True, daily=True))
    with patch("suwen.simulate.together.DAILY", 1):  # one day is enough here; ninety of every hospital would be measured as so many small files
        rows = simulation.write(path, processes=1).rows
    feeds = [NewFeed(*feed, DATE_IN_NAME) for feed in simulation.feeds]
    made = fill(create(path / "region", ["core", "cn"], "bench", "Asia/Shanghai"), simulation.organisations, feeds)
    listed = read_manifest(path / "exports" / "deliveries.csv")
    last = _last(listed)
    _land(made, [one for one in listed if one is not last])
    with Clock() as clock:
        report = run(made)
    stored = OpenRelease(made).release.tables
    said = {name: stored[name].rows for name in ("cdr/visit_occurrence", "cdr/cost", TABLE)}
    return clock.measured(
        {"rows": rows, "stages": dict(report.seconds), "stored": said, "all": sum(s.rows for n, s in stored.items() if n[:3] in ("cdr", "ext"))}
    )


def _last(listed: Sequence[Listed]) -> Listed:
    """The last delivery of a hospital's main system."""
    return [one for one in listed if one.feed.endswith("-his")][-1]


def _land(made: Region, listed: Sequence[Listed]) -> None:
    refused = [one.error for one in land_manifest(made, listed) if one.error is not None]
    if refused:
        raise refused[0]


def cells(folder: str, rounds: int) -> Measured:
    """All cells made anew and nothing else, round by round beside a plain scan of every column they use. Says seconds by round, rows and cells."""
    opened = OpenRelease(open_region(Path(folder) / "region"))
    settings = opened.region.settings
    engine = Engine(threads=settings.threads, memory=settings.memory, scratch=Path(folder) / "scratch")
    found: dict[str, list[float]] = {"scan": [], "adding": [], "apart": []}
    counts: dict[str, int] = {}
    with Answers(opened) as answers, Clock() as clock:
        scans = _scans(answers, adding=True)
        once, groups = _grouped(answers)
        adding = [*once, *_cells(answers, groups, adding=True)]
        works: Mapping[str, Sequence[Tree]] = {"scan": scans, "adding": adding, "apart": _cells(answers, NO_GROUPS, adding=False)}
        for _ in range(rounds):
            for name, queries in works.items():
                began = time.perf_counter()
                for place, query in enumerate(queries):
                    engine.temporary(f"{name}_{place}", query)
                found[name].append(time.perf_counter() - began)
        for name, first in (("adding", len(once)), ("apart", 0)):
            counts[name] = sum(engine.count(f"{name}_{place}") for place in range(first, len(works[name])))
    engine.close()
    return clock.measured({"seconds": found, "cells": counts, "columns": len(_columns(answers, adding=True)), "rows": sum(_held(answers).values())})


def _of_kind(points: Sequence[Point], *, adding: bool) -> list[Point]:
    return [point for point in points if (point.kind in ADDING) is adding]


def _grouped(answers: Answers) -> tuple[list[Tree], Groups]:
    """What several bases measure of the same rows, as queries into the tables adding_0 and so on, and where each is found."""
    wanted = [(answers.packs.bases[name], _of_kind(points, adding=True)) for name, points in by_base(answers.packs).items()]
    once = shared(wanted, {base.name: members_of(answers, base) for base, _ in wanted})
    made = {key: grouped_once(one, stored_tables(answers)) for key, one in once.items()}
    return [tree for tree, _ in made.values()], {key: Group(f"adding_{place}", columns) for place, (key, (_, columns)) in enumerate(made.items())}


def _cells(answers: Answers, groups: Groups, *, adding: bool) -> list[Tree]:
    """The cells of each base's points that add up, or of the others."""
    wanted = {name: _of_kind(points, adding=adding) for name, points in by_base(answers.packs).items()}
    return [cells_of(counted_rows(answers, answers.packs.bases[name], points, groups=groups), points) for name, points in wanted.items() if points]


def _columns(answers: Answers, *, adding: bool) -> list[tuple[str, str]]:
    """(table, column) of all that the points name, with what says whose a row is."""
    found = set()
    for name, points in by_base(answers.packs).items():
        base = answers.packs.bases[name]
        found |= {pair for point in _of_kind(points, adding=adding) for pair in columns_used(base, point)}
        found |= {(base.table, "_receipt"), (base.table, ALL_TABLES[base.table].id_column or ""), (base.table, ALL_TABLES[base.table].date_column or "")}
    return sorted(pair for pair in found if pair[1])


def _scans(answers: Answers, *, adding: bool) -> list[Tree]:
    """One query per table that reads every column used, as a sum of hashes, which no statistics can answer."""
    tables: dict[str, list[str]] = {}
    for table, column in _columns(answers, adding=adding):
        tables.setdefault(table, []).append(column)
    return [
        statement(
            "select {v} from {r} r",
            v=[alias(typed(call("sum", typed(call("hash", col(name)), "HUGEINT")), "VARCHAR"), name) for name in columns],
            r=answers.opened.view(full_name(table)),
        )
        for table, columns in tables.items()
    ]


def _held(answers: Answers) -> dict[str, int]:
    names = {table for table, _ in _columns(answers, adding=True)}
    stored = answers.opened.release.tables
    return {name: stored[full_name(name).replace(".", "/")].rows for name in names if full_name(name).replace(".", "/") in stored}


def increment(folder: str) -> Measured:
    """One hospital's day landed and run. Says the run's seconds by stage, and the cells made again of all there are."""
    path = Path(folder)
    made = open_region(path / "region")
    _land(made, [_last(read_manifest(path / "exports" / "deliveries.csv"))])
    with Clock() as clock:
        report = run(made)
    query = f"select count(*) filter (run = {report.release}) as made, count(*) as cells from state.point_cell"
    said = OpenRelease(made).query(query).to_pylist()[0]
    return clock.measured({"stages": dict(report.seconds), **said})


def pages(folder: str) -> Measured:
    """What a page asks, from a warm table of cells: the median and the worst of so many times, in seconds. The first time of each stands apart."""
    with Answers(OpenRelease(open_region(Path(folder) / "region"))) as answers, Clock() as clock:
        found = {name: _asked(ask) for name, ask in _questions(answers).items()}
    return clock.measured({"asked": found, "times": PAGES})


def _asked(ask: Callable[[], object]) -> dict[str, float]:
    seconds = []
    for _ in range(PAGES + 1):
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    return {"first": seconds[0], "median": median(seconds[1:]), "worst": max(seconds[1:])}


def _questions(answers: Answers) -> dict[str, Callable[[], object]]:
    """Each page's question, of an indicator that adds up, a ratio, one of persons across hospitals."""
    top = answers.tree.top
    known = answers.extent(top)
    assert known is not None
    month = span_of(known[1].replace(day=1), Period.MONTH)
    found: dict[str, Callable[[], object]] = {}
    for code in ("SV01", "QS02", "CE02D"):
        found[f"{code}: all months of the province"] = lambda code=code: answers.series(code, top, Period.MONTH)  # type: ignore[misc]
        for level in answers.tree.levels:
            found[f"{code}: every {level} in a month"] = lambda code=code, level=level: answers.values(code, [month], level=level)  # type: ignore[misc]
    found["SV01: every day of a month of the province"] = lambda: answers.series("SV01", top, Period.DAY, month.first, known[1])
    return found
