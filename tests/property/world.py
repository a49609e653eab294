"""A region on disk and the plain model beside it: the same history goes into both, and `differences` tells where they disagree."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from suwen.base.errors import Defect, SuwenError
from suwen.engine import hash as hashing
from suwen.flow.land import land
from suwen.flow.reader import open_release
from suwen.flow.region import add_feed, create, open_region
from suwen.flow.run import RunReport, run
from suwen.intake.landing import Landing
from suwen.model.extension import ALL_TABLES
from suwen.model.receipt import Fact, Mode, State
from suwen.model.release import Release
from suwen.repository.rows import lake_name
from tests.property import packs
from tests.property import plain_model as plain

FIRST = datetime(2024, 3, 1)
RECEIVED = datetime(2024, 6, 1, tzinfo=UTC)
FEEDS = {"his": "his", "lab": "lab", "far": "his"}  # feed -> template
HOMES = {  # feed -> organisation
    "first": {"his": "H1", "lab": "H1", "far": "H2"},
    "together": {"his": "H1", "lab": "H1", "far": "H1"},
    "swapped": {"his": "H2", "lab": "H2", "far": "H1"},
    "crossed": {"his": "H2", "lab": "H1", "far": "H1"},
}
DERIVED = ("observation_period", "source_to_concept_map", "cdm_source", "ext_organisation", "ext_person_link")  # made from other rows, not from records
JUNK = "junk"  # a file that fits no kind
Fields = tuple[str, ...]


@dataclass(frozen=True)
class Deliver:
    """One delivery: `day` orders its as_of; a record with another number of fields than the kind has is unreadable.

    `packed`: each file as "gz", or all of them in one "zip". `split`: the records of a kind come in two files.
    """

    feed: str
    day: int
    mode: str
    files: Mapping[str, Sequence[Fields]]
    window: tuple[date, date] | None = None
    packed: str = ""
    split: bool = False


@dataclass(frozen=True)
class Run:
    pass


@dataclass(frozen=True)
class Mend:
    """The templates are taken in another edition."""

    edition: packs.Edition = packs.MENDED


@dataclass(frozen=True)
class Decide:
    """Something is decided about a delivery (counted from 1): waiting, accepted or withdrawn."""

    delivery: int
    state: str


Step = Deliver | Run | Mend | Decide
History = Sequence[Step]


@dataclass
class World:
    """A region in `folder`, what was delivered into it, and the ids seen so far (id as the model makes it <-> stored id)."""

    folder: Path
    edition: packs.Edition = packs.FIRST
    delivered: list[plain.Delivery] = field(default_factory=list)
    ids: dict[tuple[str, plain.Id], int] = field(default_factory=dict)
    received: int = 0
    states: dict[int, str] = field(default_factory=dict)

    @classmethod
    def new(cls, folder: Path) -> World:
        """A region with the three feeds."""
        create(folder, ["core"], "prop")
        packs.write_packs(folder / "packs", packs.FIRST)
        settings = (folder / "region.toml").read_text(encoding="utf-8")
        (folder / "region.toml").write_text(settings.replace('["core"]', '["prop"]').replace("# threads = 4", "threads = 2"), encoding="utf-8")
        for name, template in FEEDS.items():
            add_feed(open_region(folder), name, f"prop/{template}", HOMES["first"][name])
        return cls(folder)

    def rebuilt(self, folder: Path) -> World:
        """The same region from its landing and configuration alone, after one run."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("lake", "inbox"))
        other = World(folder, self.edition, list(self.delivered), dict(self.ids), self.received, dict(self.states))
        other.run()
        return other

    def deliver(self, step: Deliver) -> None:
        """Write the files and land them; tell the model the same."""
        inbox = self.folder / "inbox" / str(len(self.delivered))
        inbox.mkdir(parents=True)
        sent = dict(sorted(_files(step).items()))
        if step.packed == "zip":
            with zipfile.ZipFile(inbox / "all.zip", "w") as archive:
                for name, (kind, records) in sent.items():
                    archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, self.received % 60)), _content(kind, records))
        for name, (kind, records) in sent.items() if step.packed != "zip" else ():
            content = _content(kind, records)
            (inbox / (name + (".gz" if step.packed else ""))).write_bytes(gzip.compress(content, mtime=self.received) if step.packed else content)
        made = land(
            open_region(self.folder),
            step.feed,
            sorted(inbox.iterdir()),
            as_of=FIRST + timedelta(days=step.day),
            mode=Mode(step.mode),
            window=step.window,
            received_at=RECEIVED + timedelta(hours=self.received),
        )
        self.received += 1
        sequences = [r.sequence for r in made.receipts] if step.packed != "zip" else [made.receipts[0].sequence] * len(sent)
        files, first = [], 1
        for sequence, (kind, records) in zip(sequences, sent.values(), strict=True):
            files.append(_file(sequence, kind, records, first))
            first += len(records) if step.packed == "zip" else 0
        self.delivered.append(plain.Delivery(step.feed, made.as_of, step.mode, step.window, tuple(files)))

    def mend(self, edition: packs.Edition) -> None:
        self.edition = edition
        packs.write_packs(self.folder / "packs", edition)
        for name, template in FEEDS.items():
            systems = '\nkey_systems = { person = "lab" }' if self.key_systems(name) else ""
            text = f'template = "prop/{template}"\norganisation = "{self.organisation(name)}"\nmode = "append"{systems}\n'
            (self.folder / "feeds" / f"{name}.toml").write_text(text, encoding="utf-8")

    def key_systems(self, feed: str) -> Mapping[str, str]:
        return {"person": "lab"} if self.edition.apart and feed == "lab" else {}

    def organisation(self, feed: str) -> str:
        return HOMES[self.edition.homes][feed]

    def template(self, feed: str) -> plain.Template:
        return packs.his(self.edition) if FEEDS[feed] == "his" else packs.lab(self.edition)

    def run(self) -> RunReport:
        return run(open_region(self.folder))

    def expected(self) -> plain.Outcome:
        feeds = {name: plain.Feed(self.organisation(name), self.template(name), self.key_systems(name)) for name in FEEDS}
        return plain.repository(feeds, [_read(d, packs.nulls(self.edition)) for d in self.accepted()], key_order=_key_hash)

    def decide(self, step: Decide) -> None:
        fact = Fact(step.delivery, State(step.state), RECEIVED + timedelta(days=30), "a tester", "to see what becomes of it")
        Landing(self.folder / "landing").add_fact(fact)
        self.states[step.delivery] = step.state

    def accepted(self) -> list[plain.Delivery]:
        return [d for n, d in enumerate(self.delivered, 1) if self.states.get(n, "accepted") == "accepted"]

    def received_records(self) -> Counter[tuple[str, str]]:
        """Records received by (feed, kind), unreadable ones too; files that fit nothing count one under kind ""."""
        return Counter((d.feed, f.kind) for d in self.accepted() for f in d.files for _ in (f.records if f.kind else (None,)))


def _files(step: Deliver) -> dict[str, tuple[str, Sequence[Fields]]]:
    """File name -> kind and records."""
    if not step.split:
        return {f"{kind}.txt": (kind, records) for kind, records in step.files.items()}
    halves = {kind: (len(records) + 1) // 2 for kind, records in step.files.items()}
    return {
        f"{kind}_{n}.txt": (kind, records[: halves[kind]] if n == 1 else records[halves[kind] :])
        for kind, records in step.files.items()
        for n in ((1,) if kind == JUNK else (1, 2))
    }


def _content(kind: str, records: Sequence[Fields]) -> bytes:
    lines = ["|".join(packs.COLUMNS.get(kind, ("A", "B"))), *("|".join(r) for r in records)]
    return "".join(f"{line}\n" for line in lines).encode()


def _file(receipt: int, kind: str, records: Sequence[Fields], first: int) -> plain.File:
    if kind not in packs.COLUMNS:
        return plain.File(receipt, "", "")
    names = packs.COLUMNS[kind]
    texts = tuple({c: t or None for c, t in zip(names, r, strict=True)} if len(r) == len(names) else None for r in records)
    return plain.File(receipt, kind, hashlib.sha256(_content(kind, records)).hexdigest(), texts, first)


def _read(delivery: plain.Delivery, nulls: tuple[str, ...]) -> plain.Delivery:
    """The delivery as an edition reads it: some texts mean no value."""
    files = (replace(f, records=tuple(r and {c: None if t in nulls else t for c, t in r.items()} for r in f.records)) for f in delivery.files)
    return replace(delivery, files=tuple(files))


def _key_hash(record: plain.Record) -> int:
    """Suwen's own hash of a record's key: equally new sources of one row are ordered by it."""
    whole = hashing.owner_hash("feed", record.feed)
    for place, part in enumerate(record.key):
        whole ^= hashing.constant_hash(hashing.prefix("key", str(place)), str(part))
    return whole


class Reading:
    """The tables of the newest release as lists of dicts."""

    def __init__(self, folder: Path) -> None:
        self._open = open_release(folder)
        self.release: Release = self._open.release

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [row for path in self._open.files(name) for row in pq.ParquetFile(path).read().to_pylist()]

    def states(self) -> dict[tuple[str, str, str, plain.Place], tuple[str, str]]:
        """Every record that is not mapped; a record that stands twice is told as such."""
        found: dict[tuple[str, str, str, plain.Place], tuple[str, str]] = {}
        for r in self.rows("state/disposition"):
            key = (r["feed"], r["kind"], r["target"], (r["receipt"], r["record"]))
            code = r["code"] if r["state"] == "filtered" else r["code"][:3] if r["state"] in ("quarantined", "held") else ""
            found[key] = ("twice", "") if key in found else (r["state"], code)
        return found


def after(world: World, *, full: bool = True) -> list[str]:
    """Where the newest release and the plain model disagree; no lines where they agree."""
    expected, reading = world.expected(), Reading(world.folder)
    found = _states(expected, reading)
    if full:
        found += _ledger(world, expected, reading)
    return found + _rows(world, expected, reading)


def _states(expected: plain.Outcome, reading: Reading) -> list[str]:
    wanted = {k: v for k, v in expected.states.items() if v[0] != "mapped"}
    stored = reading.states()
    keys = sorted(wanted.keys() | stored.keys())
    return [f"record {k}: {stored.get(k, ('mapped', ''))}, expected {wanted.get(k, ('mapped', ''))}" for k in keys if wanted.get(k) != stored.get(k)]


def _ledger(world: World, expected: plain.Outcome, reading: Reading) -> list[str]:
    """The ledger's moves, and the release's totals, add up to the states of all records received, by receipt."""
    wanted = Counter((feed, kind, target, place[0], state) for (feed, kind, target, place), (state, _) in expected.states.items())
    moved: Counter[tuple[str, str, str, int, str]] = Counter()
    for move in reading.rows("state/ledger"):
        where = (move["feed"], move["kind"], move["target"], move["receipt"])
        if move["from_state"]:
            moved[*where, move["from_state"]] -= move["records"]
        if move["to_state"]:  # else the record is counted anew, or its target is no more
            moved[*where, move["to_state"]] += move["records"]
    keys = sorted(wanted.keys() | moved.keys())
    found = [f"ledger {k}: {moved[k]}, expected {wanted[k]}" for k in keys if moved[k] != wanted[k]]
    totals: Counter[str] = Counter()
    for (feed, kind, target, _, state), count in wanted.items():
        totals[f"{feed}|{kind}|{target}|{state}"] += count
    if dict(totals) != dict(reading.release.totals):
        found.append(f"totals {sorted(reading.release.totals.items())}, expected {sorted(totals.items())}")
    return found + _sums(world, reading.release.totals)


def _sums(world: World, totals: Mapping[str, int]) -> list[str]:
    """Per target, the totals of the release sum to the records received."""
    sums: Counter[tuple[str, ...]] = Counter()
    for label, count in totals.items():
        sums[tuple(label.split("|")[:3])] += count
    received = world.received_records()
    found = []
    for feed in FEEDS:
        for target in world.template(feed).targets.values():
            have, want = sums[feed, target.kind, target.name] + sums[feed, target.kind, ""], received[feed, target.kind]
            if have != want:
                found.append(f"{feed} {target.name}: {have} records have a state, {want} were received")
    return found


def _rows(world: World, expected: plain.Outcome, reading: Reading) -> list[str]:
    """Rows by their values and provenance; the ids behind them one to one with those of the model, now and in every run before."""
    found: list[str] = []
    lineage = _lineage(reading)
    made: dict[tuple[str, int], str] = {(t, i): key for (t, key), i in world.ids.items()}  # type: ignore[misc]
    for table in sorted({t for t, _ in expected.rows} | {n.split("/")[1] for n in reading.release.tables if n.startswith(("cdr/", "ext/"))}):
        if table in DERIVED:
            continue
        wanted = {(row.sources[0], _plain(table, row.values)): (id_, row) for (t, id_), row in expected.rows.items() if t == table}
        stored = {}
        for values in reading.rows(lake_name(table)):
            shown = _stored(table, values, wanted.values())
            if shown in stored:
                found.append(f"{table}: two rows of record {shown[0]} with the same values")
            stored[shown] = values
            found += [f"{table}.{c} is null in a row of record {shown[0]}" for c in ALL_TABLES[table].required if values[c] is None]
        found += [f"{table}: a row that must not be there: {k}" for k in stored.keys() - wanted.keys()]
        found += [f"{table}: a row is missing: {k}" for k in wanted.keys() - stored.keys()]
        for shown in wanted.keys() & stored.keys():
            id_, row = wanted[shown]
            values = stored[shown]
            number = values[ALL_TABLES[table].id_column or ""]
            pairs = [(id_, number, "person" if table == "death" else _group(table))]
            pairs += [(v, values[_physical(table, c)], _group(c)) for c, v in row.values.items() if isinstance(v, tuple)]
            for natural, actual, group in pairs:
                if world.ids.setdefault((group, natural), actual) != actual or made.setdefault((group, actual), natural) != natural:
                    found.append(f"{table}: the id of {natural} is not what it was, or is another's too")
            wanted_sources = set(row.sources) if len(row.sources) > 1 else set()
            if lineage.get((table, number), set()) != wanted_sources:
                found.append(f"{table}: lineage of {natural} is {lineage.get((table, number))}, expected {wanted_sources}")
        ids = {r[ALL_TABLES[table].id_column or ""] for r in stored.values()}
        found += [f"{table}: lineage of a row that is not there" for t, i in lineage if t == table and i not in ids]
        if reading.release.tables.get(lake_name(table)) and reading.release.tables[lake_name(table)].rows != len(stored):
            found.append(f"{table}: the release says {reading.release.tables[lake_name(table)].rows} rows, there are {len(stored)}")
    return found + _periods(world, expected, reading)


def _group(name: str) -> str:
    """Ids are compared among those of one kind of thing: every column that names a person holds the same id."""
    events = dict.fromkeys(("measurement", "observation"), "event")
    return {"person_id": "person", "visit_occurrence_id": "visit_occurrence", "location_id": "location", **events}.get(name, name)


def _physical(table: str, column: str) -> str:
    return f"{table}{column.replace('@', '_')}" if column.startswith("@") else column


def _plain(table: str, values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((_physical(table, c), v) for c, v in values.items() if not isinstance(v, tuple)))


def _stored(table: str, values: Mapping[str, Any], wanted: Any) -> tuple[plain.Place, tuple[tuple[str, Any], ...]]:
    place = (values["_receipt"], values["_record"])
    names = next(({c for c, _ in _plain(table, row.values)} for _, row in wanted if row.sources[0] == place), set())
    return place, tuple(sorted((c, values[c]) for c in names))


def _lineage(reading: Reading) -> dict[tuple[str, int], set[plain.Place]]:
    found: dict[tuple[str, int], set[plain.Place]] = {}
    for r in reading.rows("state/lineage"):
        found.setdefault((r["table_name"], r["id"]), set()).add((r["receipt"], r["record"]))
    return found


def _periods(world: World, expected: plain.Outcome, reading: Reading) -> list[str]:
    wanted = {world.ids.get(("person", p)): days for p, days in plain.observation_periods(expected, packs.SPANS).items()}
    rows = reading.rows("cdr/observation_period")
    stored = {r["person_id"]: (r["observation_period_start_date"], r["observation_period_end_date"]) for r in rows}
    return [] if stored == wanted and len(rows) == len(stored) else [f"observation periods {sorted(stored.values())}, expected {sorted(wanted.values())}"]


def balance(before: Mapping[str, int], report: RunReport, folder: Path) -> tuple[list[str], dict[str, int]]:
    """Rows before + created - removed = rows after, per table, from what the run reports; and the rows after."""
    rows = {n: s.rows for n, s in open_release(folder).release.tables.items() if n.startswith(("cdr/", "ext/"))}
    return [
        f"{n}: {before.get(n, 0)} + {report.created.get(n, 0)} - {report.removed.get(n, 0)} is not {after}"
        for n, after in rows.items()
        if before.get(n, 0) + report.created.get(n, 0) - report.removed.get(n, 0) != after
    ], rows


def play(world: World, history: History) -> list[str]:
    """Play a history into a region and hold every run against the model; stops at the first run that differs or fails."""
    rows: dict[str, int] = {}
    for number, step in enumerate(history):
        if isinstance(step, Deliver):
            world.deliver(step)
        elif isinstance(step, Mend):
            world.mend(step.edition)
        elif isinstance(step, Decide):
            world.decide(step)
        elif world.delivered:
            try:
                report = world.run()
            except (Defect, SuwenError) as error:
                return [f"step {number}: the run failed: {error}"]
            found, rows = balance(rows, report, world.folder)
            found += after(world)
            if found:
                return [f"step {number}: {line}" for line in found]
    return []


def content(world: World) -> str:
    """The content of the newest release, and the hash of its cells, which say it by organisation and month."""
    release = open_release(world.folder).release
    return f"{release.content} {release.cells_sha256}"


def reordered(history: History, order: Sequence[int]) -> list[Step]:
    """The deliveries of a history in another order, the last edition of the templates, what was decided last about each delivery, and one run."""
    deliveries = [s for s in history if isinstance(s, Deliver)]
    mends = [s for s in history if isinstance(s, Mend)][-1:]
    last = {s.delivery: s.state for s in history if isinstance(s, Decide)}
    decided = [Decide(order.index(number - 1) + 1, state) for number, state in last.items()]
    return [*(deliveries[i] for i in order), *mends, *decided, Run()]


__all__ = ["Decide", "Deliver", "Mend", "Run", "World", "after", "content", "play", "reordered", "replace"]
