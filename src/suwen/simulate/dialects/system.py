"""What all systems share: a system is a form of writing, and kinds of files, each made from one table of the block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.rows import Keep, Part, Seen, parts
from suwen.simulate.dialects.text import DAY, Column, Form, Mask
from suwen.simulate.shapes import NONE, Block, Ints, Rows

Fields = Callable[[Part, Form], Mapping[str, Column]]
Changed = Callable[[Part], Ints]


FOREVER = 1 << 40  # a day that never comes


@dataclass(frozen=True)
class Sheet:
    """Rows of one kind of file: text columns by heading, the hospital of each row (ascending), and the days from and before which each row is what the
    system says of its record. `entity`: what tells the record in the truth, its place in the block's table.
    """

    kind: Kind
    hospital: Ints
    since: Ints
    until: Ints
    columns: Mapping[str, Column]
    entity: Ints


@dataclass(frozen=True)
class Version:
    """What a system said of some records before the last word, sent only where it sends day by day.

    `when`: of a part of the block as `view` shows it (rows that were so, since, until); `fields`: where not those of the kind.
    """

    view: Callable[[Seen], Seen]
    when: Callable[[Part], tuple[Mask, Ints, Ints]]
    fields: Fields | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of file. `file`: its name, with {date} for the day it speaks for; `table`: of the block; `without`: a system that, where the hospital has
    it too, sends these rows instead; `having`: a column of the table without whose value a row is not sent.
    `changed`: day of the record's last change; `versions`: what was said of it before;
    `keyless`: day by day such records are appended, since they have no key by which to change them.
    """

    name: str
    file: str
    table: str
    fields: Fields
    changed: Changed
    keep: Keep | None = None
    without: str = ""
    having: str = ""
    keyless: bool = False
    versions: tuple[Version, ...] = ()


@dataclass(frozen=True)
class Master:
    """A file of names that changes seldom: (lexicon, hospitals) to (hospital of each row, ascending; columns)."""

    name: str
    file: str
    rows: Callable[[Lexicon, Ints, Form], tuple[Ints, Mapping[str, Column]]]


@dataclass(frozen=True)
class System:
    """One system. `mode`: how it sends all at once; `daily`: how it sends day by day ("changes", "window", "month", "append"), with `window` days
    sent again; `daily_mode`: the mode of these deliveries; `packed`: the files of a delivery come in one zip."""

    name: str
    template: str
    form: Form
    kinds: tuple[Kind, ...]
    masters: tuple[Master, ...] = ()
    mode: str = "snapshot"
    daily: str = "changes"
    daily_mode: str = "upsert"
    window: int = 1
    packed: bool = False
    feed: str = field(default="his")

    def hospitals(self, lexicon: Lexicon) -> Mask:
        """Which hospitals have the system."""
        return np.array([self.name in systems for systems in lexicon.systems])

    def sheets(self, seen: Seen, versions: bool = False) -> Iterator[Sheet]:
        """All rows that the system's hospitals write of a block, kind after kind, in parts; with or without what was said of them before."""
        lexicon = seen.lexicon
        own = self.hospitals(lexicon)
        for kind in self.kinds:
            hospitals = own & np.array([kind.without not in systems for systems in lexicon.systems])
            for part in parts(seen, kind.table, hospitals, kind.keep, kind.having):
                yield Sheet(kind, part.hospital, kind.changed(part), np.full(len(part), FOREVER), kind.fields(part, self.form), part.places)
            for version in kind.versions if versions else ():
                yield from self._before(kind, version, version.view(seen), hospitals)

    def _before(self, kind: Kind, version: Version, seen: Seen, hospitals: Mask) -> Iterator[Sheet]:
        for part in parts(seen, kind.table, hospitals, kind.keep, kind.having):
            were, since, until = version.when(part)
            if were.any():
                held = part.where(were)
                yield Sheet(kind, held.hospital, since[were], until[were], (version.fields or kind.fields)(held, self.form), held.places)


def at(column: str) -> Changed:
    """The day of a row's own time."""
    return lambda part: part[column] // DAY


def of_visit(part: Part) -> Ints:
    """The day on which the visit ended, or began where it is still open."""
    end = part.visit("end")
    return np.where(end == NONE, part.visit("start"), end) // DAY


def unfinished(seen: Seen) -> Seen:
    """The block as it looked while every stay was open."""
    if "unfinished" not in seen.views:
        visits = seen.visits
        none = np.full(len(visits), NONE)
        columns = dict(visits.columns) | {"end": none, "way": none, "department_out": visits["department"], "planned": np.zeros(len(visits), np.int64)}
        block = Block(seen.block.number, dict(seen.block.rows) | {"visit": Rows("visit", columns)})
        seen.views["unfinished"] = Seen(block, seen.lexicon, seen.last, seen)
    return seen.views["unfinished"]


def _while_open(part: Part) -> tuple[Mask, Ints, Ints]:
    """Stays between the day of admission and that of discharge."""
    ends = (part.seen.final or part.seen).visits["end"][part.visit_places]
    since, until = part["start"] // DAY, ends // DAY
    return (ends != NONE) & (until > since), since, until


OPEN = Version(unfinished, _while_open)
