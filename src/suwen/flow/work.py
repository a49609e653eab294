"""What a run works with: the region opened, the last release, plans, staged files and indexes, and the changes gathered so far."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from threading import RLock
from typing import TypeVar

import numpy as np
import pyarrow as pa

from suwen.base.errors import SuwenError
from suwen.base.progress import SILENT, Progress
from suwen.engine.delta import DataFile, LakeTable, NewFile
from suwen.engine.port import Engine, Written
from suwen.engine.sql import Tree, col, in_numbers, read_parquet, statement, text, union_all
from suwen.flow.lanes import FeedTarget, KindData, Lane, TargetKey
from suwen.flow.stores import lake_of
from suwen.intake.register import Flags, Numbers, Receipts
from suwen.model import state as states
from suwen.model.extension import ALL_TABLES
from suwen.model.functions import VERSION
from suwen.model.pack import Target, Template
from suwen.model.region import Feed, Region
from suwen.model.release import Release
from suwen.model.staging import Unread
from suwen.packs.loader import Packs
from suwen.packs.problem import nearest
from suwen.packs.promised import referred_table
from suwen.repository.code_resolution import concept_table, map_table, resolve
from suwen.repository.mapping import MappingPlan
from suwen.repository.planner import Place, plan_target
from suwen.repository.rows import lake_name, stored_columns
from suwen.repository.vocabulary import VocabularyVersion


@dataclass
class TableChange:
    """What a run changes in one table: files written, and the temporary table of rows to be taken out (id, path)."""

    created: list[NewFile] = field(default_factory=list)
    created_rows: int = 0
    removed_rows: int = 0
    removed: list[str] = field(default_factory=list)  # names of temporary tables (id, filename)
    rewritten_rows: int = 0


T = TypeVar("T")
SIDE_BY_SIDE = 4  # jobs at a time; all share the threads and the memory of the engine


@dataclass(frozen=True)
class Slice:
    """The index rows of a kind's touched keys and its new records without a key, as a temporary table with `as_of`; counted once.

    `records`: all that must have a disposition; `issues`: those with an issue of their own; `old`: the receipts among them that are in the last release.
    """

    name: str
    records: int
    issues: int
    old: tuple[int, ...]


@dataclass
class Work:
    """The state of one run; everything durable is written through it."""

    region: Region
    engine: Engine
    packs: Packs
    previous: Release | None
    number: int
    attempt: str
    receipts: Receipts
    vocabulary: VocabularyVersion | None
    progress: Progress = SILENT
    of_feed: Mapping[str, Numbers] = field(default_factory=dict)  # feed -> all its receipts in landing, ascending, accepted or not
    unseen: Receipts = field(default_factory=Receipts.nothing)  # accepted receipts that are not in the last release
    asserting: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))  # by receipt, from 1: says that what it does not hold is gone
    same_declared: bool = False  # nothing that is declared has changed since the last release
    reread: set[str] = field(default_factory=set)  # feeds whose records are all counted anew: another reader, or a delivery withdrawn
    lanes: dict[str, Lane] = field(default_factory=dict)  # by feed
    kinds: dict[tuple[int, str], KindData] = field(default_factory=dict)  # by lane number and kind
    unread: list[Unread] = field(default_factory=list)
    plans: dict[TargetKey, MappingPlan] = field(default_factory=dict)
    changes: dict[str, TableChange] = field(default_factory=dict)
    moves: list[Tree] = field(default_factory=list)  # rows of ledger moves
    findings: list[str] = field(default_factory=list)
    untold: list[Tree] = field(default_factory=list)  # conditions on stored findings that this run tells anew
    lineage: list[str] = field(default_factory=list)  # temporary tables of sources of merged rows
    retold: list[tuple[str, str]] = field(default_factory=list)  # (table, temporary table of ids) of stored rows whose sources are told anew
    cells: list[Tree] = field(default_factory=list)  # fingerprint cells to be added
    uncounted: dict[tuple[str, str | None], list[Written]] = field(default_factory=dict)  # (table, whose; None: see receipts) -> files without cells yet
    bases: dict[str, int] = field(default_factory=dict)  # table -> version that holds the last release's content, after what a dead run left was taken back
    tables: dict[str, LakeTable] = field(default_factory=dict)
    stored: dict[str, list[DataFile]] = field(default_factory=dict)  # table -> its files in the last release, once looked up
    taken_out: dict[str, list[DataFile]] = field(default_factory=dict)  # table -> files of the last release this run replaces
    noted: set[tuple[int, str]] = field(default_factory=set)  # (lane, kind) whose keys were looked at for findings
    weighed: dict[tuple[int, str, str], str] = field(default_factory=dict)  # (lane, kind, touched keys or "") -> versions of its contested records
    slices: dict[tuple[int, str, str], Slice] = field(default_factory=dict)  # (lane, kind, touched keys) -> their records
    fixed: set[str] = field(default_factory=set)  # temporary tables of a fixed name that have been made
    sources: dict[str, int] = field(default_factory=dict)  # feed -> the number that stands for it in `receipts`
    with_issues: dict[tuple[int, str], bool] = field(default_factory=dict)  # (lane, kind) -> whether a record in its index has an issue
    touched_kinds: dict[tuple[int, str], str] = field(default_factory=dict)  # (lane, kind) -> table of the keys with new versions, in an increment
    whole: dict[str, frozenset[str]] = field(default_factory=dict)  # table of touched keys -> the feeds all of whose records are touched
    stale_groups: set[tuple[str, str]] = field(default_factory=set)  # (organisation, see `made_as`) of rows that lost a source
    readers: dict[str, str] = field(default_factory=dict)  # feed -> reader spec
    dangling: dict[str, int] = field(default_factory=dict)
    joined: int = 0  # persons whose master is another, in the temporary table `joined` (person_id, master)
    relinked: int = 0  # persons and masters of links that join, or joined, and changed, in the temporary table `relinked` (person_id)
    layout: dict[str, dict[str, int]] = field(default_factory=dict)  # table -> part -> rows in the last release
    step: Callable[[str], None] = lambda _: None  # told after each durable effect; tests kill the process there
    live: set[str] = field(default_factory=set)  # tables whose ids are known in `live_<table>`, `appeared_<table>`, `gone_<table>`
    serial: Iterator[int] = field(default_factory=lambda: count(1))
    guard: RLock = field(default_factory=RLock)  # held while what threads share is changed in more than one step
    locks: dict[tuple[str, ...], RLock] = field(default_factory=dict)

    def beside(self) -> Work:
        """The same work for another thread: all that is kept is shared, the connection is its own and progress is silent."""
        return replace(self, engine=self.engine.beside(), progress=SILENT)

    def each(self, jobs: Sequence[Callable[[Work], T]]) -> list[T]:
        """What independent jobs give, in order. Several at a time in an increment, where most of the work is in one thread, or where the engine wants it.

        Raises what the first job in order raised, after all have ended.
        """
        if (self.previous is None and not self.engine.side_by_side) or len(jobs) < 2:
            return [job(self) for job in jobs]

        def run(job: Callable[[Work], T]) -> T:
            other = self.beside()
            try:
                return job(other)
            finally:
                other.engine.close()

        with ThreadPoolExecutor(min(self.region.settings.threads, SIDE_BY_SIDE)) as pool:
            return [done.result() for done in [pool.submit(run, job) for job in jobs]]

    def once(self, *place: object) -> RLock:
        """The lock under which what many need is made by the first who asks."""
        with self.guard:
            return self.locks.setdefault(tuple(map(str, place)), RLock())

    def fresh(self, stem: str) -> str:
        """A name for a temporary table that no other has."""
        return f"{stem}_{next(self.serial)}"

    def table(self, name: str) -> LakeTable:
        """A lake table by name: `cdr/...`, `ext/...`, `state/...`."""
        with self.guard:
            if name not in self.tables:
                group, table = name.split("/")
                columns = states.TABLES[name] if group == "state" else stored_columns(ALL_TABLES[table])
                self.tables[name] = LakeTable(self.region.lake / group / table, columns, lake_of(self.region))
            return self.tables[name]

    def files(self, name: str) -> list[DataFile]:
        """The files of a lake table as the last release sees it."""
        if self.previous is None or name not in self.previous.tables:
            return []
        with self.guard:
            if name not in self.stored:
                self.stored[name] = self.table(name).files(self.previous.tables[name].version)
            return self.stored[name]

    def receipts_of(self, feeds: Iterable[str]) -> list[int]:
        """All receipts of some feeds in landing."""
        return [sequence for feed in feeds if feed in self.of_feed for sequence in self.of_feed[feed].tolist()]

    def feed_of(self, receipt: int) -> str:
        """By which feed a receipt came; "" where it is none of landing's."""
        return self.receipts.register.receipt(receipt).feed if 1 <= receipt <= len(self.receipts.register) else ""

    def come_by(self, feeds: Iterable[str], column: str, table: str = "") -> Tree:
        """True for a receipt, in a column, that came by one of some feeds."""
        numbers = sorted(self.sources[feed] for feed in feeds if feed in self.sources)
        return statement(
            "select {c} in (select receipt from owned_receipts where {s})", c=col(column, table), s=in_numbers(col("source"), numbers)
        ).expressions[0]

    def resolve(self, pairs: Sequence[Tree]) -> str:
        """The temporary table that resolves the distinct (system, code) pairs of some queries."""
        maps, concepts = map_table(self.packs.code_maps.values()), concept_table(self.packs.concepts.values())
        if self.vocabulary is None:
            return self._map_resolution(maps, concepts)
        used, into = self.fresh("pairs"), self.fresh("resolution")
        nothing = statement("select '' as system, '' as code where false")
        self.engine.temporary(used, statement("select distinct system, code from {all} x", all=union_all([nothing, *pairs])))
        resolve(self.engine, used, vocabulary=self.vocabulary, maps=maps, concepts=concepts, into=into)
        return into

    def _map_resolution(self, maps: pa.Table, concepts: pa.Table) -> str:
        """Without a vocabulary only the packs' maps resolve a code: all of their entries once a run, whatever codes occur."""
        into = "resolution_of_maps"
        with self.once(into):
            if into not in self.fixed:
                self.engine.register("every_map", maps)
                self.engine.temporary("every_pair", statement("select distinct source_vocabulary_id as system, source_code as code from every_map"))
                self.engine.unregister("every_map")
                resolve(self.engine, "every_pair", vocabulary=None, maps=maps, concepts=concepts, into=into)
                self.fixed.add(into)
        return into

    def empty(self, stem: str, query: str) -> str:
        """An empty temporary table of a fixed shape, made once a run."""
        name = f"no_{stem}"
        with self.once(name):
            if name not in self.fixed:
                self.engine.temporary(name, statement(query))
                self.fixed.add(name)
        return name

    def stored_states(self, key: TargetKey | FeedTarget) -> list[DataFile]:
        """The files with a target's dispositions in the last release, among those of like targets."""
        return [f for f in self.files("state/disposition") if f.part == key.part]

    def add_cells(self, table: str, query: Tree) -> None:
        """Keep (organisation, month, records, total) of a table's rows, to be added to its cells."""
        self.cells.append(of_table(table, query))

    def change(self, name: str) -> TableChange:
        return self.changes.setdefault(name, TableChange())

    def after(self, name: str) -> list[str]:
        """The paths of a table's files as they stand so far in this run, without the rewriting of files that lose rows."""
        out = {f.path for f in self.taken_out.get(name, [])}
        kept = [f.path for f in self.files(name) if f.path not in out]
        return [*kept, *(str(n.written.path) for n in self.change(name).created if n.written.rows)]

    def removed_ids(self, name: str) -> Tree:
        """(id, filename) of the rows that this run takes out of a table."""
        nothing = statement("select 0::BIGINT as _id, '' as filename where false")
        return union_all([nothing, *(statement("select _id, filename from {t}", t=t) for t in self.change(name).removed)])

    def settle(self, table: str) -> None:
        """Keep the ids of a table as they will be after the run, and which of them have come and gone."""
        name, identifier = lake_name(table), ALL_TABLES[table].id_column or ""
        old = [f.path for f in self.files(name)]
        new = [str(n.written.path) for n in self.change(name).created if n.written.rows]
        none = statement("select 0::BIGINT as id where false")
        before = statement("select {i} as id from {f} f", i=identifier, f=read_parquet(old)) if old else none
        come = statement("select {i} as id from {f} f", i=identifier, f=read_parquet(new)) if new else none
        gone = statement("select _id as id from {r} r", r=self.removed_ids(name))
        self.engine.temporary(
            f"live_{table}", statement("select id from {b} b where id not in (select id from {g} g) union select id from {c} c", b=before, g=gone, c=come)
        )
        self.engine.temporary(f"appeared_{table}", statement("select id from {c} c anti join {b} b on b.id = c.id", c=come, b=before))
        self.engine.temporary(f"gone_{table}", statement("select id from {b} b anti join {l} l on l.id = b.id", b=before, l=f"live_{table}"))
        self.live.add(table)

    def feed(self, name: str) -> Feed:
        return self.region.feeds[name]

    def template(self, feed: str) -> Template:
        """The template of a feed. Raises SuwenError where no pack in use has it."""
        declared = self.feed(feed)
        if declared.template not in self.packs.templates:
            raise SuwenError(
                f'there is no template "{declared.template}"',
                where=declared.place,
                expected="a template of a pack in use",
                do=nearest(declared.template, self.packs.templates) or "restore its file, or name its pack in region.toml",
            )
        return self.packs.templates[declared.template]

    def parts(self, key: TargetKey) -> list[FeedTarget]:
        """A target as each feed with records of its kind has it."""
        return [FeedTarget(feed, key.kind, key.target) for feed in sorted(self.kinds[key.lane.number, key.kind].feeds)]

    def tag(self, key: TargetKey) -> str:
        """`_template` of a target's rows: hash of the template file and the target's line."""
        template = self.packs.templates[key.lane.template]
        return f"{template.sha256[:16]}:{template.targets[key.target].place.line}"

    def mapped_with(self, key: TargetKey) -> dict[FeedTarget, str]:
        """All that decides how the target's rows come out of its records, by feed: tag, hash and organisation."""
        lane, tag = key.lane, self.tag(key)
        said = [self.packs.templates[lane.template].sha256, self.common, lane.zone, lane.key_systems]
        found = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
        return {part: f"{tag}|{found}|{self.feed(part.feed).organisation}" for part in self.parts(key)}

    @cached_property
    def common(self) -> str:
        """The hash of what decides how every target's rows come out of its records."""
        maps = sorted((m.system, m.sha256) for m in self.packs.code_maps.values())
        concepts = sorted((c.concept_id, c.domain) for c in self.packs.concepts.values())
        exceptions = [[c.id, c.key_md5, c.replacement] for c in self.region.collisions]
        said = [maps, concepts, VERSION, self.vocabulary.hash if self.vocabulary else "", self.region.settings.id_bits, exceptions]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def stale_feeds(self, key: TargetKey) -> frozenset[str]:
        """The feeds of a target whose records must be mapped again as a whole."""
        if self.previous is None:
            return frozenset(key.lane.feeds)
        before, restaged = self.previous.mapped_with, self.kinds[key.lane.number, key.kind].restaged
        made = made_as(self.plans[key])
        return frozenset(
            part.feed
            for part, now in self.mapped_with(key).items()
            if before.get(str(part)) != now or part.feed in restaged or (self.feed(part.feed).organisation, made) in self.stale_groups
        )

    def stale(self, key: TargetKey) -> bool:
        """Whether all records of a target must be mapped again."""
        return self.stale_feeds(key) >= self.kinds[key.lane.number, key.kind].feeds

    def old_tag(self, part: FeedTarget) -> str | None:
        """`_template` of a feed's rows of a target in the last release."""
        said = self.previous.mapped_with.get(str(part)) if self.previous else None
        return said.split("|")[0] if said else None

    def old_tags(self, key: TargetKey) -> set[str]:
        """`_template` of a target's rows in the last release."""
        return {tag for part in self.parts(key) if (tag := self.old_tag(part)) is not None}

    def moved(self, part: FeedTarget) -> bool:
        """Whether a feed has left its organisation since the last release; a target's rows there are taken out before anything is mapped."""
        return self.old_tag(part) is not None and self.old_organisation(part) != self.feed(part.feed).organisation

    def old_organisation(self, part: FeedTarget) -> str:
        """The organisation to which a feed's rows of a target belonged in the last release."""
        said = self.previous.mapped_with.get(str(part)) if self.previous else None
        return said.split("|", 2)[2] if said else self.region.feeds[part.feed].organisation

    def organisations_before(self) -> dict[str, str]:
        """Feed -> the organisation to which its rows belonged in the last release."""
        said = self.previous.mapped_with if self.previous else {}
        return {key.split("|")[0]: value.split("|", 2)[2] for key, value in said.items()}


def of_table(table: str, cells: Tree) -> Tree:
    """Cells with the name of their table."""
    return statement("select {t} as table_name, x.* from {q} x", t=text(table), q=cells)


def standing(work: Work, name: str) -> Tree | None:
    """A table's rows as they will be after the run; None where there are none."""
    paths = work.after(name)
    if not paths:
        return None
    if not work.change(name).removed:
        return read_parquet(paths)
    shape = ALL_TABLES[name.split("/")[1]]
    return statement(
        "select r.* from {r} r anti join {g} g on g._id = r.{id} and g.filename = r.filename",
        r=read_parquet(paths, filename=True),
        g=work.removed_ids(name),
        id=shape.id_column or "",
    )


def place_of(region: Region, feed: Feed) -> Place:
    """For which feeds a feed's template is compiled."""
    return Place(region.zone_of(feed), dict(feed.key_systems or {}), region.settings.id_bits, region.replacements)


def make_plans(work: Work) -> None:
    """Compile every target of every lane that has records; the binder is asked where what is declared is not that of the last release."""
    for data in list(work.kinds.values()):
        template = work.packs.templates[data.lane.template]
        for target in template.targets.values():
            if target.source == data.kind.name:
                key = TargetKey(data.lane, data.kind.name, target.name)
                place = replace(place_of(work.region, work.feed(data.lane.feeds[0])), bound=work.same_declared)
                work.plans[key] = plan_target(template, target, place)


def made_as(plan: MappingPlan) -> str:
    """What the targets have in common that can make the same rows of an organisation: their name or, where ids are another table's, the table."""
    borrows = not plan.target.event and ALL_TABLES[plan.target.table].borrowed_id
    return f"table {plan.target.table}" if borrows else plan.target.name


def required_tables(target: Target) -> Mapping[str, str]:
    """Required reference column -> the table whose row it needs; the person always."""
    has_person = target.table != "person" and (target.event or "person_id" in ALL_TABLES[target.table].row_columns)
    names = [*(["person_id"] if has_person else []), *target.require]
    return {name: table for name in names if (table := referred_table(target.table, target.event, name))}


def lake_tables(plan: MappingPlan) -> list[str]:
    """The lake tables a plan may write."""
    return [lake_name(t) for t in plan.tables]


def index_path(region: Region, feed: str, kind: str, receipt: int, spec: str) -> Path:
    return region.lake / "index" / feed / kind / f"{receipt:010d}-{spec}.parquet"
