"""What has arrived: receipts staged, their feeds put into lanes, and every record indexed, as kept or made now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from suwen.engine.sql import Tree, col, statement, text, typed
from suwen.flow.key_findings import note_unread_keys
from suwen.flow.known_receipts import register_receipts
from suwen.flow.lanes import KindData, LanePart, lanes
from suwen.flow.pools import FEWEST, SMALL, all_of, kept_pools, make_pools, merged
from suwen.flow.stage import Stager, spec_of, stage_all
from suwen.flow.work import Work, index_path
from suwen.intake.landing import Landing
from suwen.intake.register import Flags
from suwen.model.functions import VERSION
from suwen.model.receipt import Mode, Receipt
from suwen.model.staging import FEED, SALT, Numbers, Pool, PoolPart, StagedFile, StagedReceipt, Tally, tallied, together
from suwen.repository.planner import kind_expressions
from suwen.repository.record_index import KindExpressions, index_query, key_constants, salt_of, write_index
from suwen.repository.staged import feeds_of, pooled, staged

INDEX_FORM = 2


def stage(work: Work, landing: Landing) -> None:
    """Read every receipt not yet read by the feed's reader; what was read before is taken as it is."""
    specs = {name: spec_of(work.template(name)) for name in work.receipts.feeds}
    before = work.previous.readers if work.previous else {}
    work.reread |= {feed for feed, spec in specs.items() if before.get(feed, spec) != spec}
    work.readers = specs
    stagers = {feed: _stager(work, landing, feed) for feed in specs}
    pools = _pools(work, stagers)
    apart = _apart(work, pools)
    made = stage_all(work.engine, [(stagers[receipt.feed], receipt) for receipt in _receipts(work, apart)])
    gathered = _Gathered(work, made, pools)
    work.lanes = lanes(work.region, gathered.volumes())
    register_receipts(work)
    gathered.place()


def _stager(work: Work, landing: Landing, feed: str) -> Stager:
    settings = work.region.settings
    return Stager(work.engine, landing, work.region.staging, work.template(feed), feed, settings.piece_mb << 20, work.progress, work.step)


def _pools(work: Work, stagers: Mapping[str, Stager]) -> list[Pool]:
    """The pools of the readers in force, after small deliveries that stood apart have been put together and tiers merged."""
    found: list[Pool] = []
    for spec in sorted(set(work.readers.values())):
        found += kept_pools(work.engine.store, work.region.pools, spec)
    waiting = _to_pool(work, found)
    if waiting:
        work.progress.start(f"reading {sum(map(len, waiting.values()))} small files")
    found += make_pools(work.engine, work.region.pools, [[(stagers[receipt.feed], receipt) for receipt in of] for of in waiting.values()])
    for spec in waiting:
        mine = [pool for pool in found if pool.spec == spec]
        found = [*(pool for pool in found if pool.spec != spec), *merged(work.engine, work.region.pools, mine)]
    return found


def _apart(work: Work, pools: Sequence[Pool]) -> Flags:
    """The receipts that hold and are in no pool of their feed's reader, a flag for each of the register."""
    flags = work.receipts.held.copy()
    for pool in pools:
        flags[pool.receipts[_read_by(work, pool)] - 1] = False
    return flags


def _read_by(work: Work, pool: Pool) -> Flags:
    """Which receipts of a pool are of feeds that are read as it was."""
    names, places = work.receipts.register.feeds
    right = np.array([work.readers.get(name) == pool.spec for name in names], np.bool_)
    return all_of(pool.receipts, right[places] if len(places) else np.zeros(0, np.bool_))


def _to_pool(work: Work, pools: Sequence[Pool]) -> Mapping[str, list[Receipt]]:
    """Reader spec -> receipts of small deliveries that stand apart, where there are enough of them."""
    flags, register = _apart(work, pools), work.receipts.register
    numbers, lengths = register.numbers("delivery"), register.numbers("length")
    bytes_of = np.bincount(numbers, weights=lengths) if len(register) else np.zeros(1)
    small = flags & (bytes_of[numbers] <= SMALL)
    if np.count_nonzero(small) < FEWEST:
        return {}
    found: dict[str, list[Receipt]] = {}
    for receipt in _receipts(work, small):
        found.setdefault(work.readers[receipt.feed], []).append(receipt)
    return {spec: receipts for spec, receipts in sorted(found.items()) if len({r.delivery for r in receipts}) >= FEWEST}


def _receipts(work: Work, flags: Flags) -> Iterator[Receipt]:
    return (work.receipts.register.receipt(int(at) + 1) for at in np.flatnonzero(flags))


class _Gathered:
    """What was staged, on its way into lanes."""

    def __init__(self, work: Work, made: Sequence[StagedReceipt], pools: Sequence[Pool]) -> None:
        self.work, self.made, self.pools = work, made, pools
        self.names, self.codes = work.receipts.register.feeds
        again = np.array([name in work.reread for name in self.names], np.bool_)
        self.new: Flags = work.unseen.held | (again[self.codes] if len(self.codes) else work.unseen.held)  # by receipt, from 1
        self.counted = {pool.name: _read_by(work, pool) & all_of(pool.receipts, work.receipts.held) for pool in pools}
        self.tallies = list(self._tallies())

    def _tallies(self) -> Iterator[tuple[str, Tally]]:
        """(kind, tally) of all that counts."""
        single: dict[str, list[tuple[int, int, int]]] = {}
        for staged_receipt in self.made:
            for file in staged_receipt.files:
                single.setdefault(file.kind, []).append((file.receipt, file.rows, file.rejected))
            for kind in staged_receipt.empty:
                single.setdefault(kind, []).append((staged_receipt.receipt, 0, 0))
        yield from ((kind, tallied(files)) for kind, files in single.items())
        for pool in self.pools:
            counted = pool.receipts[self.counted[pool.name]]
            for kind, tally in pool.tallies.items():
                if kind:
                    yield kind, tally.where(np.isin(tally.receipts, counted))

    def volumes(self) -> dict[str, int]:
        """Feed -> the records it has to map, as far as can be told yet: of new receipts, or all where anything that is declared has changed."""
        work, sums = self.work, np.zeros(len(self.names), np.int64)
        for _, tally in self.tallies:
            mine = tally if work.previous is None or not work.same_declared else tally.where(self.new[tally.receipts - 1])
            np.add.at(sums, self.codes[mine.receipts - 1], mine.rows)
        return {name: int(sums[at]) for at, name in enumerate(self.names) if name in work.readers}

    def place(self) -> None:
        """Give every lane its kinds; a kind of which no feed of a lane ever had a record is none of it."""
        work = self.work
        lane_of = np.array([work.lanes[name].number if name in work.lanes else -1 for name in self.names], np.int64)
        tallies: dict[tuple[int, str], list[Tally]] = {}
        for kind, tally in self.tallies:
            mine = lane_of[self.codes[tally.receipts - 1]]
            for number in np.unique(mine):
                tallies.setdefault((int(number), kind), []).append(tally.where(mine == number))
        by_number = {lane.number: lane for lane in work.lanes.values()}
        for (number, kind), of in sorted(tallies.items()):
            whole = together(of)
            if whole.rows.any():
                lane = by_number[number]
                feeds = frozenset(self.names[code] for code in np.unique(self.codes[whole.receipts - 1]))
                filled = frozenset(self.names[code] for code in np.unique(self.codes[whole.receipts[whole.rows > 0] - 1]))
                fresh = self.new[whole.receipts - 1]
                data = KindData(lane, work.packs.templates[lane.template].kinds[kind], [], [], whole, fresh, feeds, filled & frozenset(work.reread))
                work.kinds[number, kind] = data
        self._place_files()
        self._place_parts(lane_of)

    def _place_files(self) -> None:
        work = self.work
        for one in self.made:
            if self.new[one.receipt - 1]:
                work.unread += one.unread
            for file in sorted(one.files, key=lambda f: f.before):
                if (data := work.kinds.get((work.lanes[file.feed].number, file.kind))) is not None:
                    data.files.append(file)

    def _place_parts(self, lane_of: Numbers) -> None:
        work = self.work
        for pool in self.pools:
            counted = pool.receipts[self.counted[pool.name]]
            told = np.isin(np.array([u.receipt for u in pool.unread], np.int64), counted)
            work.unread += [u for u, counts in zip(pool.unread, told, strict=True) if counts and self.new[u.receipt - 1]]
            for part in pool.parts:
                tally = pool.tallies[part.kind]
                filled = np.unique(tally.receipts[tally.rows > 0])
                mine = filled[np.isin(filled, counted)]
                numbers = lane_of[self.codes[mine - 1]]
                for number in np.unique(numbers):
                    receipts = mine[numbers == number]
                    beside = tuple(one for one in pool.parts if one.kind == part.kind)
                    held = LanePart(part, beside, len(receipts) == len(filled), self.new[receipts - 1], receipts)
                    work.kinds[int(number), part.kind].parts.append(held)


def index(work: Work) -> None:
    """Index every delivery of every kind, as kept or made now; a pool once, whichever lanes have records in it."""
    work.progress.start("indexing")
    pools: dict[tuple[Path, ...], KindData] = {}
    for data in work.kinds.values():
        spec = _index_spec(work, data)
        data.parts = [replace(held, index=str(part_index(held.part, spec))) for held in data.parts]
        pools |= {tuple(part_index(part, spec) for part in held.beside): data for held in data.parts}
    work.each([partial(_index_parts, data=data, paths=paths) for paths, data in sorted(pools.items(), key=lambda one: one[0])])
    work.each([partial(_index_kind, data=data) for data in work.kinds.values()])


def _index_kind(work: Work, data: KindData) -> None:
    compiled = kind_expressions(data.kind, data.lane.zone)
    spec = _index_spec(work, data)
    deliveries: dict[int, dict[int, list[StagedFile]]] = {}
    for file in data.files:
        deliveries.setdefault(work.receipts[file.receipt].delivery, {}).setdefault(file.receipt, []).append(file)
    new = set(data.tally.receipts[data.fresh].tolist())
    for receipts in deliveries.values():
        paths = {r: index_path(work.region, files[0].feed, data.kind.name, r, spec) for r, files in receipts.items()}
        if not all(work.engine.store.whole(p) for p in paths.values()):
            write_index(work.engine, data.kind, {r: _of_files(work, data, files, compiled) for r, files in receipts.items()}, paths)
        for receipt, path in paths.items():
            data.indexes.setdefault(receipts[receipt][0].feed, []).append(str(path))
            data.new_indexes += [str(path)] if receipt in new else []
    note_unread_keys(work, data)
    data.repeats = not data.kind.key and work.engine.has_more_than(data.every_index, "nth", 1)


def _of_files(work: Work, data: KindData, files: Sequence[StagedFile], compiled: KindExpressions) -> Tree:
    """The index of the files of one receipt."""
    receipt = work.receipts[files[0].receipt]
    columns = sorted({c for f in files for c in f.columns})
    constants = feeds_of(files) if key_constants(data.kind) == FEED else {SALT: [salt_of(receipt, f.content) for f in files]}
    bounds = None
    if receipt.mode is Mode.WINDOW and receipt.window is not None:
        low, high = (typed(text(day.isoformat()), "DATE") for day in receipt.window)
        bounds = low, high
    read = staged(files, _every(data, columns), constants)
    return index_query(data.kind, read, columns, compiled, bounds=bounds, region=work.region)


def _index_parts(work: Work, data: KindData, paths: Sequence[Path]) -> None:
    """The index of all records of a kind in a pool, of other lanes too: its deliveries are whole in it."""
    if all(work.engine.store.whole(path) for path in paths):
        return
    compiled = kind_expressions(data.kind, data.lane.zone)
    beside = next(held.beside for held in data.parts if Path(held.part.path).parent == paths[0].parent)
    queries: dict[int, Tree] = {}
    for at, part in enumerate(beside):
        read, bounds = pooled([part], _every(data, part.columns), [key_constants(data.kind)]), None
        if compiled.window is not None:
            read = statement("select s.*, d.low as _low, d.high as _high from {s} s join declared_receipts d on d.receipt = s._receipt", s=read)
            bounds = col("_low", "s"), col("_high", "s")
        queries[at] = index_query(data.kind, read, part.columns, compiled, bounds=bounds, region=work.region)
    write_index(work.engine, data.kind, queries, dict(enumerate(paths)))


def _every(data: KindData, columns: Sequence[str]) -> list[str]:
    """The columns that an index asks for: those of the files, and those that the template knows."""
    return sorted({*columns, *data.kind.key, *data.kind.columns, *data.kind.optional})


def part_index(part: PoolPart, spec: str) -> Path:
    """Where the index of a part of a pool lies, beside it."""
    path = Path(part.path)
    return path.with_name(f"{path.stem}.index-{spec}.parquet")


def _index_spec(work: Work, data: KindData) -> str:
    kind, zone = data.kind, data.lane.zone
    expressions = [e.text if e else "" for e in (kind.version, kind.tombstone, kind.window)]
    reader = spec_of(work.packs.templates[data.lane.template])
    said = [INDEX_FORM, reader, kind.key, expressions, any(expressions) and zone, VERSION, work.region.settings.id_bits]
    said.append(sorted(work.region.replacements.items()))
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
