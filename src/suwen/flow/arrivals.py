"""What has arrived: receipts staged, their feeds put into lanes, and every record indexed, as kept or made now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial

from suwen.flow.key_findings import note_unread_keys
from suwen.flow.lanes import KindData, lanes
from suwen.flow.stage import Stager, by_kind, spec_of, stage_ahead
from suwen.flow.work import Work, index_path
from suwen.intake.landing import Landing
from suwen.model.functions import VERSION
from suwen.model.receipt import Mode, Receipt
from suwen.model.staging import StagedFile, StagedReceipt
from suwen.repository.planner import kind_expressions
from suwen.repository.record_index import index_query, write_index

INDEX_FORM = 2


def stage(work: Work, landing: Landing) -> None:
    """Read every receipt not yet read by the feed's reader; what was read before is taken as it is."""
    specs = {name: spec_of(work.template(name)) for name in {r.feed for r in work.receipts.values()}}
    before = work.previous.readers if work.previous else {}
    work.reread |= {feed for feed, spec in specs.items() if before.get(feed, spec) != spec}
    waiting: list[tuple[Stager, Receipt]] = []
    for receipt in sorted(work.receipts.values(), key=lambda r: r.sequence):
        template = work.template(receipt.feed)
        stager = Stager(work.engine, landing, work.region.staging, template, receipt.feed, work.region.settings.piece_mb << 20, work.progress, work.step)
        waiting.append((stager, receipt))
    stage_ahead(work.engine, waiting)
    made = [stager.staged(receipt) for stager, receipt in waiting]
    work.readers = specs
    work.lanes = lanes(work.region, _volumes(work, made))
    for staged in made:
        _add_staged(work, staged)
    for staged in made:
        _add_empty(work, staged)


def _volumes(work: Work, made: Sequence[StagedReceipt]) -> dict[str, int]:
    """Feed -> the records it has to map, as far as can be told yet: of new receipts, or all where anything that is declared has changed."""
    found = {work.receipts[staged.receipt].feed: 0 for staged in made}
    for staged in made:
        if work.previous is None or not work.same_declared or _is_new(work, staged):
            found[work.receipts[staged.receipt].feed] += sum(f.rows for f in staged.files)
    return found


def _is_new(work: Work, staged: StagedReceipt) -> bool:
    """Whether a receipt is not in the last release, or is read anew."""
    return staged.receipt in work.unseen or work.receipts[staged.receipt].feed in work.reread


def _add_staged(work: Work, staged: StagedReceipt) -> None:
    feed, new = work.receipts[staged.receipt].feed, _is_new(work, staged)
    lane, template = work.lanes[feed], work.template(feed)
    if new:
        work.unread += staged.unread
    for kind, files in by_kind(staged.files).items():
        data = work.kinds.setdefault((lane.number, kind), KindData(lane, template.kinds[kind]))
        data.files += files
        data.restaged |= {feed} if feed in work.reread else set()
        data.new_receipts |= {staged.receipt} if new else set()


def _add_empty(work: Work, staged: StagedReceipt) -> None:
    """What a receipt says by files without records; of a kind of which no feed of the lane ever had one nothing is absent."""
    feed = work.receipts[staged.receipt].feed
    for kind in staged.empty:
        data = work.kinds.get((work.lanes[feed].number, kind))
        if data is not None:
            data.empty[staged.receipt] = feed
            data.new_receipts |= {staged.receipt} if _is_new(work, staged) else set()


def index(work: Work) -> None:
    """Index every delivery of every kind, as kept or made now."""
    work.progress.start("indexing")
    work.each([partial(_index_kind, data=data) for data in work.kinds.values()])


def _index_kind(work: Work, data: KindData) -> None:
    compiled = kind_expressions(data.kind, data.lane.zone)
    spec = _index_spec(work, data)
    deliveries: dict[int, dict[int, list[StagedFile]]] = {}
    for file in data.files:
        deliveries.setdefault(work.receipts[file.receipt].delivery, {}).setdefault(file.receipt, []).append(file)
    for receipts in deliveries.values():
        paths = {r: index_path(work.region, files[0].feed, data.kind.name, r, spec) for r, files in receipts.items()}
        if not all(work.engine.store.whole(p) for p in paths.values()):
            queries = {r: index_query(data.kind, files, compiled, work.receipts, region=work.region) for r, files in receipts.items()}
            write_index(work.engine, data.kind, queries, paths, append=work.receipts[min(receipts)].mode is Mode.APPEND)
        for receipt, path in paths.items():
            data.indexes.setdefault(receipts[receipt][0].feed, []).append(str(path))
            data.new_indexes += [str(path)] if receipt in data.new_receipts else []
    note_unread_keys(work, data)
    data.repeats = not data.kind.key and work.engine.has_more_than(data.every_index, "nth", 1)


def _index_spec(work: Work, data: KindData) -> str:
    kind, zone = data.kind, data.lane.zone
    expressions = [e.text if e else "" for e in (kind.version, kind.tombstone, kind.window)]
    reader = spec_of(work.packs.templates[data.lane.template])
    said = [INDEX_FORM, reader, kind.key, expressions, kind.window is not None and zone, VERSION, work.region.settings.id_bits]
    said.append(sorted(work.region.replacements.items()))
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
