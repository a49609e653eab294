"""A run: what is new or stale is staged, indexed, mapped and written; each table is committed once; the release is published last.

A run starts from the last release: commits after it belong to a dead run and are taken back. Until the release is put, no reader sees anything.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from pathlib import Path

import numpy as np

from suwen.base.progress import SILENT, Progress
from suwen.base.system import explained
from suwen.engine.limits import hold
from suwen.engine.releases import Releases
from suwen.flow import books
from suwen.flow.arrivals import index, stage
from suwen.flow.commit import commit_all, derived_rows
from suwen.flow.dead_run import take_back
from suwen.flow.derived import RULES, rules
from suwen.flow.formats import writable
from suwen.flow.known_receipts import accepted, held_before, note_receipts, refuse_unknown_feeds
from suwen.flow.lanes import KindData, TargetKey
from suwen.flow.order import groups
from suwen.flow.point_cells import keep_points
from suwen.flow.point_rules import point_rules
from suwen.flow.receipt_table import keep_receipts
from suwen.flow.region import region_lock, region_packs
from suwen.flow.retired import retire
from suwen.flow.stopwatch import Stopwatch
from suwen.flow.stores import lake_of, landing_of, releases_of, working_engine
from suwen.flow.tables import run_group
from suwen.flow.touched import kind_touched, target_touched
from suwen.flow.work import Work, make_plans, required_tables
from suwen.intake.landing import Landing
from suwen.model.functions import VERSION
from suwen.model.region import Region
from suwen.model.release import Release, TableState
from suwen.packs.loader import Packs
from suwen.repository.vocabulary import current


@dataclass(frozen=True)
class RunReport:
    """What a run did: the release it published (None: nothing was new), records received, and rows written per table."""

    release: int | None
    receipts: int
    records: int
    created: Mapping[str, int]
    removed: Mapping[str, int]
    rewritten: Mapping[str, int]
    totals: Mapping[str, int]
    seconds: Mapping[str, float]


def run(region: Region, *, progress: Progress = SILENT, wait: bool = False, step: Callable[[str], None] = lambda _: None) -> RunReport:
    """Bring the repository up to what has landed and publish a release, or do nothing when nothing is new."""
    with region_lock(region, wait=wait, message=progress.start), explained(region.lake, "the run stopped"):
        writable(region)
        releases = releases_of(region)
        previous = releases.latest()
        landing = landing_of(region)
        receipts = accepted(landing, landing.register())
        refuse_unknown_feeds(region, receipts)
        packs = region_packs(region)
        vocabulary = current(region.vocabulary, lake_of(region))
        in_force = _in_force(region, packs, vocabulary.hash if vocabulary else "")
        before = held_before(previous, receipts.register)
        if previous is not None and np.array_equal(before, receipts.held) and dict(previous.packs) == dict(in_force):
            return RunReport(None, 0, 0, {}, {}, {}, previous.totals, {})
        hold(region.settings.threads)
        engine = working_engine(region, _scratch(region))
        try:
            number = releases.next_number()
            work = Work(region, engine, packs, previous, number, uuid.uuid4().hex[:8], receipts, vocabulary, progress)
            work.step = engine.step = step
            work.same_declared = previous is not None and dict(previous.packs) == dict(in_force)
            note_receipts(work, before)
            return _run(work, landing, releases, in_force)
        finally:
            engine.close()
            shutil.rmtree(region.scratch, ignore_errors=True)


def _scratch(region: Region) -> Path:
    shutil.rmtree(region.scratch, ignore_errors=True)
    return region.scratch


def _in_force(region: Region, packs: Packs, vocabulary: str) -> Mapping[str, str]:
    """All besides receipts that decides a release's content, by name."""
    feeds = {f"feed {f.name}": json.dumps([f.template, f.organisation, region.zone_of(f), dict(f.key_systems or {})]) for f in region.feeds.values()}
    templates = {f"template {t.name}": t.sha256 for t in packs.templates.values()}
    maps = {f"map {m.system}": m.sha256 for m in packs.code_maps.values()}
    exceptions = json.dumps([[c.id, c.key_md5, c.replacement] for c in region.collisions])
    concepts = sorted((c.concept_id, c.domain) for c in packs.concepts.values())
    tree = [[str(v) for k, v in vars(o).items() if k != "place"] for o in region.history]
    others = {
        "organisations": json.dumps(tree),
        "concepts": json.dumps(concepts),
        "vocabulary": vocabulary,
        "functions": VERSION,
        "collisions": exceptions,
        "bits": str(region.settings.id_bits),
        "derived": json.dumps(dict(RULES)),
    }
    said = {**feeds, **templates, **maps, **others, **point_rules(packs, vocabulary)}
    return {"all": hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()}


def _run(work: Work, landing: Landing, releases: Releases, in_force: Mapping[str, str]) -> RunReport:
    clock = Stopwatch()
    take_back(work)
    stage(work, landing)
    clock.lap("staging")
    index(work)
    clock.lap("index")
    work.progress.start("planning")
    make_plans(work)
    _layout(work)
    retire(work)
    books.post_rejects(work)
    _map_all(work)
    clock.lap("mapping and writing")
    derived_rows(work)
    clock.lap("derived")
    keep_receipts(work)
    keep_points(work)
    clock.lap("indicators")
    work.progress.start("balancing the books")
    totals = books.totals(work)
    books.check_totals(work, totals)
    clock.lap("ledger")
    work.progress.start("publishing")
    books.rewrite(work)
    states, cells_sha = commit_all(work)
    clock.lap("commits")
    release = _release(work, in_force, states, totals, cells_sha)
    _keep_packs(work, in_force["all"])
    releases.publish(release, work.step)
    work.step("released")
    clock.lap("release")
    return _report(work, totals, clock.laps)


def _release(work: Work, in_force: Mapping[str, str], states: Mapping[str, TableState], totals: Mapping[str, int], cells_sha: str) -> Release:
    vocabulary = work.vocabulary.hash if work.vocabulary else ""
    return Release(
        number=work.number,
        run=work.number,
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        receipts_through=len(work.receipts.register),
        receipts_held=len(work.receipts),
        tables=states,
        totals=totals,
        mapped_with={str(part): said for key in work.plans for part, said in work.mapped_with(key).items()},
        packs=in_force,
        readers=work.readers,
        vocabulary=vocabulary,
        functions=VERSION,
        cells_sha256=cells_sha,
        dangling=work.dangling,
        joined=work.joined,
        derived={**rules(work), **point_rules(work.packs, vocabulary)},
        as_of=_as_of(work),
        id_bits=work.region.settings.id_bits,
        left_out=(np.flatnonzero(~work.receipts.held) + 1).tolist(),
    )


def _report(work: Work, totals: Mapping[str, int], seconds: Mapping[str, float]) -> RunReport:
    new = [data.tally.where(data.fresh) for data in work.kinds.values()]
    unread = np.array([u.receipt for u in work.unread], np.int64)
    return RunReport(
        release=work.number,
        receipts=len(np.unique(np.concatenate([*(tally.receipts for tally in new), unread]))),
        records=sum(int(tally.rows.sum()) for tally in new) + len(work.unread),
        created={n: c.created_rows for n, c in work.changes.items() if c.created_rows},
        removed={n: c.removed_rows for n, c in work.changes.items() if c.removed_rows},
        rewritten={n: c.rewritten_rows for n, c in work.changes.items() if c.rewritten_rows},
        totals=totals,
        seconds=seconds,
    )


def _layout(work: Work) -> None:
    for name in work.previous.tables if work.previous else {}:
        parts: dict[str, int] = {}
        for file in work.files(name):
            parts[file.part] = parts.get(file.part, 0) + file.rows
        work.layout[name] = parts


def _map_all(work: Work) -> None:
    """Every group of targets, parents first; ids of tables that others require are kept as soon as they are settled."""
    places = _weighed_kinds(work)
    kinds = dict(zip(places, work.each([partial(_touched_keys, data=work.kinds[place]) for place in places]), strict=True))
    work.touched_kinds.update(kinds)
    wanted = {"person", *(t for p in work.plans.values() for t in required_tables(p.target).values())}
    waiting = groups(work)
    _settle(work, wanted, waiting)  # whoever requires what nothing makes waits
    while waiting:
        ready = list(takewhile(lambda keys: not _missing(work, keys), waiting)) or waiting[:1]
        waiting = waiting[len(ready) :]
        if len(ready) > 1 and (work.engine.side_by_side or not any(work.stale(k) for keys in ready for k in keys)):
            work.progress.start(f"mapping {len(ready)} groups of targets")
            work.each([partial(_map_groups, groups=some, kinds=kinds) for some in _by_tables(work, ready)])
        else:
            for keys in ready:
                work.progress.start(f"mapping {keys[0].target} of {keys[0].lane}")
                _map_group(work, keys, kinds)
        _settle(work, wanted, waiting)


def _touched_keys(work: Work, data: KindData) -> str:
    return kind_touched(work, data)


def _missing(work: Work, keys: Sequence[TargetKey]) -> bool:
    """Whether a table that a group requires is not settled yet."""
    return any(table not in work.live for k in keys for table in required_tables(work.plans[k].target).values())


def _settle(work: Work, wanted: Set[str], waiting: Sequence[Sequence[TargetKey]]) -> None:
    """Keep the ids of the wanted tables whose rows nothing makes any more."""
    for table in sorted(wanted - work.live):
        if not any(table in work.plans[k].tables for keys in waiting for k in keys):
            work.settle(table)


def _map_group(work: Work, keys: list[TargetKey], kinds: Mapping[tuple[int, str], str]) -> None:
    for one in run_group(work, keys, {k: target_touched(work, k, kinds) for k in keys}):
        books.post(work, one)
        work.engine.drop(one.rows)


def _map_groups(work: Work, groups: Sequence[list[TargetKey]], kinds: Mapping[tuple[int, str], str]) -> None:
    for keys in groups:
        _map_group(work, keys, kinds)


def _by_tables(work: Work, ready: Sequence[list[TargetKey]]) -> list[list[list[TargetKey]]]:
    """Groups to be worked on apart from one another: in a first run those that share a table are not, since the rows of one cut the parts for the next."""
    if work.previous is not None:
        return [[keys] for keys in ready]
    found: list[tuple[set[str], list[list[TargetKey]]]] = []
    for keys in ready:
        tables = {table for k in keys for table in work.plans[k].tables}
        some = [keys]
        for one in [one for one in found if one[0] & tables]:
            tables, some = tables | one[0], [*one[1], *some]
            found.remove(one)
        found.append((tables, some))
    return [some for _, some in found]


def _weighed_kinds(work: Work) -> list[tuple[int, str]]:
    """The kinds whose touched keys some target needs: its own and those it joins; none where everything is mapped again."""
    keys = [k for k in work.plans if not work.stale(k)]
    needed = {(k.lane.number, kind) for k in keys for kind in (k.kind, *(j.kind for j in work.plans[k].target.joins))}
    return sorted(needed & set(work.kinds))


def _as_of(work: Work) -> Mapping[str, str]:
    return {feed: moment.isoformat() for feed, moment in sorted(work.receipts.latest.items())}


def _keep_packs(work: Work, said: str) -> None:
    """Packs named by a release are kept by hash, with the list of those that were in force under the hash that the release names."""
    folder, store = work.region.lake / "packs", lake_of(work.region)
    there = {path.name for path in store.find(folder, "*")}
    for sha, content in work.packs.contents.items():
        if sha not in there:
            store.put(folder / sha, content)
            work.step("kept pack")
    listed = folder / f"{said}.json"
    before = set(json.loads(store.read(listed, fresh=True))) if listed.name in there else set()
    if not work.packs.contents.keys() <= before:
        store.put(listed, json.dumps(sorted(before | work.packs.contents.keys())).encode())
        work.step("listed packs")
