"""The records beside a record: the parents its target joins, and which of its named rows became a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore

import pyarrow as pa

from suwen.engine.duck import Engine
from suwen.engine.sql import Tree, col, compared, conjunction, null, statement, table, text, typed
from suwen.flow.known_receipts import receipts_in
from suwen.flow.places import Places, RecordPlace
from suwen.flow.reader import OpenRelease
from suwen.flow.stage import spec_of
from suwen.flow.staged_already import StagedAlready
from suwen.flow.stores import engine_of, lake_of
from suwen.flow.work import place_of
from suwen.model.pack import Join, Target, Template
from suwen.model.region import Feed
from suwen.model.staging import ISSUES, RECEIPT, RECORD
from suwen.packs.loader import Packs
from suwen.repository.code_resolution import concept_table, map_table, resolve
from suwen.repository.planner import kind_expressions, plan_target
from suwen.repository.staged import FEED, OWNER, feed_hash, organisation_hash
from suwen.repository.vocabulary import opened as opened_vocabulary

Place = tuple[int, int]  # (receipt, record)
MOST_ENGINES = 2  # at a time in a process, so that the memory of a server has an end
_AT_ONCE = BoundedSemaphore(MOST_ENGINES)


class Joined:
    """Looks up what a target's rows were made of beside their own records, for many records at once."""

    def __init__(self, opened: OpenRelease, packs: Packs, places: Places) -> None:
        self.opened, self.packs, self.places = opened, packs, places

    def parents(self, feed: Feed, template: Template, target: Target, children: Sequence[RecordPlace]) -> Mapping[Place, Mapping[str, Place]]:
        """Per child and join alias the record of the parent that holds in the release."""
        found: dict[Place, dict[str, Place]] = {(child.receipt, child.record): {} for child in children}
        with self._engine() as engine:
            for join in target.joins:
                for receipt, record, parent, number in self._parents_of(engine, feed, template, join, children):
                    found[receipt, record][join.alias] = (parent, number)
        return found

    def _parents_of(self, engine: Engine, feed: Feed, template: Template, join: Join, children: Sequence[RecordPlace]) -> list[tuple[int, int, int, int]]:
        kind = template.kinds[join.kind]
        staged = self._staged(feed, template)
        if not staged.has(join.kind):
            return []
        engine.register("children", _as_table(feed, children, [own for own, _ in join.on]))
        engine.register("receipts", self._receipts())
        candidates = staged.records(join.kind, (*kind.columns, *kind.optional))
        version = kind_expressions(kind, self.opened.region.zone_of(feed)).version
        gone = statement(
            """select distinct receipt, record, true as gone from {d} d
            where feed = {feed} and kind = {kind} and state in ('duplicate', 'superseded', 'deleted')""",
            d=self.opened.view("state.disposition"),
            feed=text(feed.name),
            kind=text(join.kind),
        )
        return engine.rows(
            statement(
                """select c.{receipt}, c.{record}, p.{receipt}, p.{record} from children c
                join (select x.*, {version} as _version from {candidates} x where x.{issues} is null) p on {on}
                join receipts r on r.receipt = p.{receipt}
                left join {gone} g on g.receipt = p.{receipt} and g.record = p.{record}
                qualify row_number() over (partition by c.{receipt}, c.{record}
                    order by g.gone nulls first, p._version desc nulls last, r.as_of desc, p.{receipt} desc, p.{record} desc) = 1""",
                receipt=RECEIPT,
                record=RECORD,
                issues=ISSUES,
                version=version if version is not None else typed(null(), "BIGINT"),
                candidates=candidates,
                gone=gone,
                on=conjunction([compared(col(own, "c"), "=", col(theirs, "p")) for own, theirs in join.on]),
            )
        )

    def slots(self, feed: Feed, template: Template, target: Target, children: Sequence[RecordPlace]) -> Mapping[int, str]:
        """Row id -> the name of the row of the unpivot it comes of; empty for targets without named rows."""
        if not target.rows or not (template.kinds[target.source].key or target.key):
            return {}
        plan = plan_target(template, target, place_of(self.opened.region, feed))
        with self._engine() as engine:
            kind = template.kinds[target.source]
            engine.register("children", _as_table(feed, children, (*kind.columns, *kind.optional)))
            relations = self._parent_relations(engine, feed, template, target, children)
            pairs = plan.pairs(table("children"), relations)
            self._resolve(engine, pairs)
            flat = plan.resolved(table("children"), relations, "resolution")
            return dict(engine.rows(statement("select {id} as id, {slot} as slot from {flat} x", id=plan.identifier, slot=col("row."), flat=flat)))

    def _parent_relations(self, engine: Engine, feed: Feed, template: Template, target: Target, children: Sequence[RecordPlace]) -> dict[str, Tree | str]:
        """The joined parents of some children as tables of text, by kind."""
        by_kind: dict[str, set[Place]] = {join.kind: set() for join in target.joins}
        kinds = {join.alias: join.kind for join in target.joins}
        for of_child in self.parents(feed, template, target, children).values():
            for name, place in of_child.items():
                by_kind[kinds[name]].add(place)
        relations: dict[str, Tree | str] = {}
        for kind, wanted in by_kind.items():
            columns = (*template.kinds[kind].columns, *template.kinds[kind].optional)
            engine.register(f"parents_{kind}", _as_table(feed, list(self._find(template, wanted)), columns))
            relations[kind] = f"parents_{kind}"
        return relations

    def _find(self, template: Template, wanted: set[Place]) -> Iterator[RecordPlace]:
        for receipt in sorted({receipt for receipt, _ in wanted}):
            yield from self.places.find(template, receipt, [record for of, record in wanted if of == receipt])

    def _resolve(self, engine: Engine, pairs: Sequence[Tree]) -> None:
        release, region = self.opened.release, self.opened.region
        vocabulary = opened_vocabulary(region.vocabulary, release.vocabulary, lake_of(region)) if release.vocabulary else None
        nothing = statement("select '' as system, '' as code where false")
        query = nothing
        for pair in pairs:
            query = statement("select system, code from {a} a union select system, code from {b} b", a=query, b=pair)
        engine.temporary("used", query)
        maps, concepts = map_table(self.packs.code_maps.values()), concept_table(self.packs.concepts.values())
        resolve(engine, "used", vocabulary=vocabulary, maps=maps, concepts=concepts, into="resolution")

    def _staged(self, feed: Feed, template: Template) -> StagedAlready:
        """The records of a feed that are in the release, as the run kept them."""
        held = receipts_in(self.opened.release, self.places.receipts.register)
        mine = held.of(feed.name)
        return StagedAlready(lake_of(self.opened.region), self.opened.region, feed.name, spec_of(template), mine)

    def _receipts(self) -> pa.Table:
        found = self.places.receipts.register.table
        return pa.table({"receipt": found["sequence"], "as_of": found["as_of"]})

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        with _AT_ONCE:
            engine = engine_of(self.opened.region)
            try:
                yield engine
            finally:
                engine.close()


def _as_table(feed: Feed, records: Sequence[RecordPlace], columns: Sequence[str]) -> pa.Table:
    """Records of a feed as the text a run stages, with their places and whose they are."""
    held = {name: pa.array([record.texts.get(name) for record in records], pa.string()) for name in columns}
    places = {RECEIPT: [record.receipt for record in records], RECORD: [record.record for record in records]}
    places |= {OWNER: [organisation_hash(feed.organisation)] * len(records), FEED: [feed_hash(feed.name)] * len(records)}
    return pa.table({**held, ISSUES: pa.nulls(len(records), pa.string()), **{name: pa.array(values, pa.int64()) for name, values in places.items()}})
