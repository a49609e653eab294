"""What all systems share: a system is a form of writing, and kinds of files, each made from one table of the block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.rows import Keep, Part, Seen, parts
from suwen.simulate.dialects.text import DAY, Column, Form, Mask
from suwen.simulate.shapes import NONE, Ints

Fields = Callable[[Part, Form], Mapping[str, Column]]
Changed = Callable[[Part], Ints]


@dataclass(frozen=True)
class Sheet:
    """Rows of one kind of file: text columns by heading, the hospital of each row (ascending), and the day on which the record was last changed.

    `entity`: what tells the row in the truth: place in the block's table.
    """

    kind: Kind
    hospital: Ints
    day: Ints
    columns: Mapping[str, Column]
    entity: Ints


@dataclass(frozen=True)
class Kind:
    """One kind of file. `file`: its name, with {date} for the day it speaks for; `table`: of the block; `without`: systems that, where the hospital has
    them too, send these rows instead. `changed`: day of the record's last change.
    """

    name: str
    file: str
    table: str
    fields: Fields
    changed: Changed
    keep: Keep | None = None
    without: str = ""


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

    def sheets(self, seen: Seen) -> Iterator[Sheet]:
        """All rows that the system's hospitals write of a block, kind after kind, in parts."""
        lexicon = seen.lexicon
        own = self.hospitals(lexicon)
        for kind in self.kinds:
            others = np.array([bool(kind.without) and kind.without in systems for systems in lexicon.systems])
            for part in parts(seen, kind.table, own & ~others, kind.keep):
                yield Sheet(kind, part.hospital, kind.changed(part), kind.fields(part, self.form), part.places)


def at(column: str) -> Changed:
    """The day of a row's own time."""
    return lambda part: part[column] // DAY


def of_visit(part: Part) -> Ints:
    """The day on which the visit ended, or began where it is still open."""
    end = part.visit("end")
    return np.where(end == NONE, part.visit("start"), end) // DAY
