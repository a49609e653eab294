"""The shapes of pack files: what a template, a code map and an organisation list may say.

A declaration keeps the `Place` of each of its parts, so that every later message can name file and line.
Shapes are checked where they are read (`suwen.packs.loader`); meanings (columns, types) in `suwen.engine.compile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suwen.base.errors import Place

if TYPE_CHECKING:
    from suwen.model.indicator import Base, Breakdown, Indicator


@dataclass(frozen=True)
class Expression:
    """A piece of the closed SQL, as text, and where it stands."""

    text: str
    place: Place


@dataclass(frozen=True)
class Source:
    """Where a declaration's knowledge comes from: citation, version, and standing (`verified` or `to be checked`)."""

    citation: str
    version: str
    standing: str


@dataclass(frozen=True)
class Delimited:
    """How a delimited text file is written. `delimiter`, `quote` or `encoding` of "" mean: sniff; quote "none": no quoting.

    `header`: the first record names the columns; without it the kind's `columns` are taken in order.
    `null`: unquoted texts that mean "no value" (always including the empty text).
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    skip_lines: int = 0
    null: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Kind:
    """One kind of record a system delivers: which files hold it, its columns, its key and how versions are ordered.

    `key` empty means keyless: the record is identified by its content and its ordinal among equals in a delivery.
    `optional`: columns that may be missing from the file (read as null). Columns in the file that are not listed are kept in staging all the same.
    `version`: bigint or timestamp expression ordering versions of a key; `tombstone`: boolean; `window`: date.
    """

    name: str
    place: Place
    files: tuple[str, ...]
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    version: Expression | None = None
    tombstone: Expression | None = None
    window: Expression | None = None


@dataclass(frozen=True)
class Join:
    """A many-to-one join inside a feed: `on` pairs (own column, column of the other kind's whole key)."""

    alias: str
    kind: str
    on: tuple[tuple[str, str], ...]
    place: Place


@dataclass(frozen=True)
class Slot:
    """One named row of an unpivot: expressions by alias, used in the target as `row.<alias>`."""

    name: str
    set: Mapping[str, Expression]
    place: Place


@dataclass(frozen=True)
class Filter:
    """A named condition a row must fulfil to be mapped; a record none of whose rows does is *filtered* by this rule."""

    rule: str
    keep: Expression


@dataclass(frozen=True)
class Code:
    """The code that decides an event's concept and, through the standard concept's domain, its table."""

    code: Expression
    system: Expression
    place: Place


@dataclass(frozen=True)
class Target:
    """One entity made from a kind: a table (direct) or an event (table by the standard concept's domain).

    `table`: the CDM or ext table; for an event, the table taken when no domain decides. `key`: expressions identifying the row within
    (name, organisation, key_system). `columns`: published column (or generic event column, see `suwen.model.event`) -> expression.
    `require`: reference columns without whose row the record is held (person_id always is).
    """

    name: str
    place: Place
    source: str
    table: str
    event: bool
    key: tuple[Expression, ...]
    key_system: str
    columns: Mapping[str, Expression]
    code: Code | None = None
    joins: tuple[Join, ...] = ()
    rows: tuple[Slot, ...] = ()
    filters: tuple[Filter, ...] = ()
    require: tuple[str, ...] = ()
    priority: int = 100


@dataclass(frozen=True)
class Example:
    """A test and a page of the manual in one: input rows per kind, expected rows per target (texts; None is null).

    `places`: where (target, row, column) is expected; a target's rows as a whole have row -1 and column "".
    """

    name: str
    place: Place
    given: Mapping[str, tuple[Mapping[str, str | None], ...]]
    expect: Mapping[str, tuple[Mapping[str, str | None], ...]]
    places: Mapping[tuple[str, int, str], Place] = field(default_factory=dict, compare=False, repr=False)

    def place_of(self, target: str, row: int = -1, column: str = "") -> Place:
        """Where a value is expected, or the rows of a target; the example itself where that is not known."""
        return self.places.get((target, row, column), self.place)


@dataclass(frozen=True)
class Template:
    """How one vendor's system becomes the CDM: reader, kinds, targets, and examples that run as tests."""

    name: str
    place: Place
    title: Mapping[str, str]
    owner: str
    source: Source
    reader: Delimited
    kinds: Mapping[str, Kind]
    targets: Mapping[str, Target]
    examples: tuple[Example, ...] = ()
    sha256: str = ""


@dataclass(frozen=True)
class CodeMapEntry:
    """One source code and what it maps to: a concept id, or a code of a standard vocabulary resolved when one is loaded."""

    source_code: str
    source_name: str
    concept_id: int | None
    vocabulary: str = ""
    code: str = ""
    line: int = 0


@dataclass(frozen=True)
class CodeMap:
    """A named map from a source's codes (`system`) to concepts; becomes rows of source_to_concept_map."""

    system: str
    place: Place
    title: Mapping[str, str]
    owner: str
    source: Source
    entries: tuple[CodeMapEntry, ...]
    sha256: str = ""


@dataclass(frozen=True)
class LocalConcept:
    """A concept of a pack's own, inside its reserved id range above 2,000,000,000."""

    concept_id: int
    name: str
    domain: str
    code: str
    place: Place


@dataclass(frozen=True)
class Pack:
    """A folder of declarations with a name and a reserved range of concept ids (first, last)."""

    name: str
    place: Place
    title: Mapping[str, str]
    owner: str
    concept_ids: tuple[int, int] | None
    templates: Mapping[str, Template] = field(default_factory=dict)
    code_maps: Mapping[str, CodeMap] = field(default_factory=dict)
    concepts: tuple[LocalConcept, ...] = ()
    bases: Mapping[str, Base] = field(default_factory=dict)
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    breakdowns: Mapping[str, Breakdown] = field(default_factory=dict)
