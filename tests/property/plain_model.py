"""What the repository must hold after a history of deliveries, in plain Python: written from the design, slow and short, knowing nothing of Suwen.

Everything is a function of the set of deliveries; a release shows nothing of earlier releases. Where the design is silent, this is what we hold:

* Tombstones are never "seen": only records say that a key was there. A quarantined record whose key can be read was seen all the same.
* Equal contents that follow one another in version order are one version: the first of them holds, the others are duplicates. A tombstone is
  never a duplicate. What a tombstone ends is deleted; what any other newer version ends is superseded, even if it was absent in between.
* The version a target holds is judged for that target alone: a record may be mapped by one target and quarantined by another.
* A record is judged in this order: unreadable (reader), key, window; then each of its rows: an absent joined parent (held), a filter, a value that
  must be there and is not (quarantined); then its required references (held). A record is mapped whole or not at all, except for filtered rows.
* The joined parent is the newest version of its key whose key and window are in order, whatever its own targets make of it.
* A blank join column or reference names nobody: what it would give is null, and nothing is held for it.
* A tombstone says an end and nothing else: what its other columns lack quarantines it no more, but a blank key or a day outside the window does.
* A window says nothing of a kind without a window column, nor of a record whose own day cannot be read.
* A file that cannot be taken at all (no kind fits it, a column is missing) is one quarantined record and asserts nothing; an empty file does.
* A required concept that no source of a row tells is 0; one source's silence hides no other's word.
* Sources of a row are ordered by priority (smallest first), newest version first, key, feed, place; each column takes the first that is not null.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Text = Mapping[str, str | None]  # column -> text; "alias.COLUMN" of a joined parent, "row.alias" of a named row
Place = tuple[int, int]  # (receipt, record)
Id = tuple[Any, ...]  # what an id is made of


@dataclass(frozen=True)
class Ref:
    """The value of a reference column: the target and the key of the row it names."""

    target: str
    parts: tuple[str | None, ...]


@dataclass(frozen=True)
class Kind:
    name: str
    key: tuple[str, ...] = ()
    version: Callable[[Text], int | None] = lambda _: None
    tombstone: Callable[[Text], bool] = lambda _: False
    window: Callable[[Text], date | None] | None = None


@dataclass(frozen=True)
class Target:
    """`needs`: columns that may not be null. `parents`: required reference -> table. `joins`: alias -> (kind, own columns in the parent's key order).

    `zero`: required concepts, which are 0 where no source tells them.
    """

    name: str
    kind: str
    table: str | Callable[[Text], str]
    columns: Mapping[str, Callable[[Text], Any]]
    needs: frozenset[str] = frozenset()
    key: Callable[[Text], tuple[str | None, ...]] | None = None
    key_system: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)
    joins: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    rows: Sequence[tuple[str, Mapping[str, Callable[[Text], str | None]]]] = (("", {}),)
    filters: Sequence[tuple[str, Callable[[Text], bool]]] = ()
    priority: int = 100
    zero: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Template:
    kinds: Mapping[str, Kind]
    targets: Mapping[str, Target]


@dataclass(frozen=True)
class Feed:
    organisation: str
    template: Template
    key_systems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class File:
    """`kind` "": a file that cannot be taken at all. `same`: equal for equal (uncompressed) bytes. A record that is None is unreadable.

    `first`: the number of its first record, above 1 in an archive of several files.
    """

    receipt: int
    kind: str
    same: str
    records: tuple[Text | None, ...] = ()
    first: int = 1


@dataclass(frozen=True)
class Delivery:
    feed: str
    as_of: datetime
    mode: str
    window: tuple[date, date] | None
    files: tuple[File, ...]


@dataclass(frozen=True)
class Record:
    feed: str
    place: Place
    as_of: datetime
    text: Text
    key: tuple[Any, ...]
    issue: str
    version: int | None
    ends: bool

    @property
    def order(self) -> tuple[Any, ...]:
        """The place of this version among those of its key."""
        return (self.version is not None, self.version or 0, self.as_of, self.place)

    @property
    def content(self) -> frozenset[tuple[str, str | None]]:
        return frozenset((c, t) for c, t in self.text.items() if t is not None)


@dataclass(frozen=True)
class Row:
    """One row: values, and its sources (priority, record), the first giving the provenance."""

    values: Mapping[str, Any]
    sources: tuple[Place, ...]


@dataclass
class Outcome:
    """`states`: (feed, kind, target, place) -> (state, code or rule). `rows`: (table, id) -> row."""

    states: dict[tuple[str, str, str, Place], tuple[str, str]] = field(default_factory=dict)
    rows: dict[tuple[str, Id], Row] = field(default_factory=dict)


Made = list[tuple[str, Id, Mapping[str, Any]]]  # rows of a record: (table, id, values)


def repository(feeds: Mapping[str, Feed], deliveries: Sequence[Delivery], key_order: Callable[[Record], Any] = lambda r: r.key) -> Outcome:
    """The dispositions and rows of a region; `key_order` orders the keys of equally new sources of one row."""
    return _Model(feeds, deliveries).outcome(key_order)


class _Model:
    def __init__(self, feeds: Mapping[str, Feed], deliveries: Sequence[Delivery]) -> None:
        self.feeds = feeds
        self.records: dict[tuple[str, str], list[Record]] = defaultdict(list)
        self.absences: dict[tuple[str, str], list[tuple[datetime, tuple[date, date] | None]]] = defaultdict(list)
        self.done = Outcome()
        self._live: dict[str, set[Id]] = {}
        self._mapped: dict[tuple[str, str], list[tuple[Record, Made]]] = {}
        for delivery in deliveries:
            self._receive(delivery)

    def _receive(self, delivery: Delivery) -> None:
        counts: dict[Any, int] = defaultdict(int)
        for file in delivery.files:
            if not file.kind:
                self.done.states[delivery.feed, "", "", (file.receipt, 0)] = ("quarantined", "RDR")
                continue
            kind = self.feeds[delivery.feed].template.kinds[file.kind]
            if delivery.mode == "snapshot" or (delivery.mode == "window" and kind.window):
                self.absences[delivery.feed, kind.name].append((delivery.as_of, delivery.window))
            for number, text in enumerate(file.records, file.first):
                if text is None:
                    self.done.states[delivery.feed, kind.name, "", (file.receipt, number)] = ("quarantined", "RDR")
                else:
                    self.records[delivery.feed, kind.name].append(_record(delivery, file, kind, number, text, counts))

    def outcome(self, key_order: Callable[[Record], Any]) -> Outcome:
        sources: dict[tuple[str, Id], list[tuple[Any, Record, Mapping[str, Any]]]] = defaultdict(list)
        zeros: dict[tuple[str, Id], set[str]] = defaultdict(set)
        for feed, target in self._targets():
            for record, rows in self._mapped_of(feed, target):
                newest_first = (record.version is None, -(record.version or 0), datetime.max - record.as_of)
                for table, id_, values in rows:
                    zeros[table, id_] |= target.zero
                    sources[table, id_].append(((target.priority, *newest_first, key_order(record), feed, record.place), record, values))
        for key, found in sources.items():
            found.sort(key=lambda one: one[0])
            columns = dict.fromkeys(c for _, _, values in found for c in values)
            merged = {c: next((v[c] for _, _, v in found if v.get(c) is not None), None) for c in columns}
            merged |= {c: merged.get(c) or 0 for c in zeros[key]}
            self.done.rows[key] = Row(merged, tuple(dict.fromkeys(r.place for _, r, _ in found)))
        return self.done

    def _targets(self) -> Iterator[tuple[str, Target]]:
        for name, feed in self.feeds.items():
            for target in feed.template.targets.values():
                yield name, target

    def _live_ids(self, table: str) -> set[Id]:
        """The ids of the rows of a table that other rows require."""
        if table not in self._live:
            makers = [(f, t) for f, t in self._targets() if t.table == table]
            self._live[table] = {id_ for f, t in makers for _, rows in self._mapped_of(f, t) for _, id_, _ in rows}
        return self._live[table]

    def _mapped_of(self, feed: str, target: Target) -> list[tuple[Record, Made]]:
        if (feed, target.name) not in self._mapped:
            self._mapped[feed, target.name] = list(self._map(feed, target))
        return self._mapped[feed, target.name]

    def _map(self, feed: str, target: Target) -> Iterator[tuple[Record, Made]]:
        """Judge every record for one target, note what became of it, and give those that are mapped."""
        records = self.records[feed, target.kind]
        tried = {r.place: self._try(feed, target, r) for r in records if not r.issue and not r.ends}
        codes = {r.place: r.issue for r in records} | {p: code for p, (state, code, _) in tried.items() if state == "quarantined"}
        states = self._versions(feed, target.kind, codes)
        for record in records:
            state, code = states[record.place], codes[record.place]
            if state == "current":
                state, code, rows = tried[record.place]
                if state == "mapped" and any(v[c] is not None and v[c] not in self._live_ids(t) for _, _, v in rows for c, t in target.parents.items()):
                    state, code = "held", "REF"
                if state == "mapped":
                    yield record, rows
            self.done.states[feed, target.kind, target.name, record.place] = (state, code if state in ("quarantined", "filtered", "held") else "")

    def _versions(self, feed: str, kind: str, codes: Mapping[Place, str]) -> dict[Place, str]:
        """What became of each version, before its parents are looked at: current, or why not."""
        states = {}
        keys = defaultdict(list)
        for record in self.records[feed, kind]:
            keys[record.key].append(record)
            states[record.place] = "quarantined" if codes[record.place] else "deleted" if record.ends else "superseded"
        for versions in keys.values():
            accepted = sorted((r for r in versions if not codes[r.place]), key=lambda r: r.order)
            seen = max((r.as_of for r in versions if not r.ends), default=datetime.min)
            holding: Record | None = None
            for record in accepted:
                if record.ends:
                    if holding:
                        states[holding.place] = "deleted"
                    holding = None
                elif holding and holding.content == record.content:
                    states[record.place] = "duplicate"
                else:
                    holding = record
            if holding:
                states[holding.place] = "deleted" if self._absent(feed, kind, holding, seen) else "current"
        return states

    def _absent(self, feed: str, kind: str, record: Record, seen: datetime) -> bool:
        column = self.feeds[feed].template.kinds[kind].window
        day = column(record.text) if column else None
        return any(as_of > seen and (not window or (day is not None and window[0] <= day <= window[1])) for as_of, window in self.absences[feed, kind])

    def _parent(self, feed: str, kind: str, key: tuple[str | None, ...]) -> Record | None:
        records = [r for r in self.records[feed, kind] if r.key == key]
        states = self._versions(feed, kind, {r.place: r.issue for r in self.records[feed, kind]})
        return next((r for r in records if states[r.place] == "current"), None)

    def _try(self, feed: str, target: Target, record: Record) -> tuple[str, str, Made]:
        """What mapping makes of one record: (state, code, rows)."""
        text = dict(record.text)
        for alias, (kind, own) in target.joins.items():
            named = tuple(record.text.get(c) for c in own)
            parent = self._parent(feed, kind, named) if None not in named else None
            if parent is None and None not in named:
                return "held", "REF", []
            text |= {f"{alias}.{c}": t for c, t in parent.text.items()} if parent else {}
        made: Made = []
        dropped: list[str] = []
        wrong = False
        for slot, aliases in target.rows:
            full = text | {f"row.{a}": value(text) for a, value in aliases.items()}
            rule = next((rule for rule, keep in target.filters if not keep(full)), "")
            if rule:
                dropped.append(rule)
                continue
            values = {c: self._resolved(feed, value(full)) for c, value in target.columns.items()}
            table = target.table if isinstance(target.table, str) else target.table(full)
            id_ = self._id(feed, target, record, full, slot) if table != "death" else values["person_id"]
            wrong = wrong or id_ is None or any(values[c] is None for c in target.needs)
            made.append((table, id_ or (), values))
        if wrong:
            return "quarantined", "MAP", []
        return ("mapped", "", made) if made else ("filtered", min(dropped), [])

    def _resolved(self, feed: str, value: Any) -> Any:
        return self._named(feed, value.target, value.parts, "") if isinstance(value, Ref) else value

    def _named(self, feed: str, target: str, parts: tuple[str | None, ...], slot: str) -> Id | None:
        by = self.feeds[feed]
        system = by.key_systems.get(target) or by.template.targets[target].key_system or target
        return None if None in parts else (target, by.organisation, system, parts, slot)

    def _id(self, feed: str, target: Target, record: Record, text: Text, slot: str) -> Id | None:
        if target.key:
            return self._named(feed, target.name, target.key(text), slot)
        if self.feeds[feed].template.kinds[target.kind].key:
            return self._named(feed, target.name, record.key, slot)
        return (target.name, self.feeds[feed].organisation, feed, record.key, slot)


def _record(delivery: Delivery, file: File, kind: Kind, number: int, text: Text, counts: dict[Any, int]) -> Record:
    """A record with its key: of its columns, or of its content and its place among equals in the delivery (in append mode: in the file)."""
    issue = ""
    if kind.key:
        key: tuple[Any, ...] = tuple(text[c] for c in kind.key)
        issue = "KEY" if not all(key) else ""
    else:
        file_of = file.same if delivery.mode == "append" else ""
        equals = (kind.name, (file.receipt, file_of) if file_of else 0, tuple(sorted((c, t) for c, t in text.items() if t is not None)))
        counts[equals] += 1
        key = (file_of, equals[2], counts[equals])
    if not issue and delivery.window and kind.window:
        day = kind.window(text)
        issue = "" if day and delivery.window[0] <= day <= delivery.window[1] else "WIN"
    return Record(
        delivery.feed,
        (file.receipt, number),
        delivery.as_of,
        text,
        key if issue != "KEY" else ("no key", file.receipt, number),
        issue,
        kind.version(text),
        kind.tombstone(text),
    )


def observation_periods(outcome: Outcome, spans: Mapping[str, tuple[str, str]]) -> dict[Id, tuple[date, date]]:
    """Person -> first and last day of the person's events; `spans`: table -> start column, end column ("": none)."""
    days: dict[Id, list[date]] = defaultdict(list)
    for (table, _), row in outcome.rows.items():
        if table in spans:
            start, end = spans[table]
            days[row.values["person_id"]] += [row.values[start], max(row.values[start], row.values.get(end) or row.values[start])]
    return {person: (min(found), max(found)) for person, found in days.items()}
