"""The shapes of indicators: a base says which rows count and on which day, a point counts them, an indicator relates points.

All text of a declaration that is computed is an expression of the closed language over the rows of the repository as they are stored (`cdr.*`, `ext.*`).
Shapes are checked where they are read (`suwen.packs`), names and types in `suwen.insight.indicator`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction

from suwen.base.errors import Place
from suwen.model.pack import Expression, Source


class Scope(StrEnum):
    """Who a person is: an organisation's patient, or the human whom linked patients stand for."""

    LOCAL = "local"
    MASTER = "master"


class Count(StrEnum):
    """What a point is of its rows; `COUNT` and `SUM` add up over units and days, the others are worked out anew for each unit and period."""

    COUNT = "count"
    SUM = "sum"
    MEDIAN = "median"
    DISTINCT = "distinct"


class Direction(StrEnum):
    """Which way is better; `TARGET`: a band; `MONITOR`: neither."""

    HIGHER = "higher"
    LOWER = "lower"
    TARGET = "target"
    MONITOR = "monitor"


class Period(StrEnum):
    """How long a period is; months and longer ones are those of the calendar."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True)
class ConceptSet:
    """A named set of standard concepts: ids, with all that descend from them where a vocabulary is loaded."""

    name: str
    ids: tuple[int, ...]
    descendants: bool
    place: Place


@dataclass(frozen=True)
class Beside:
    """At most one row of another table beside each row: `on` pairs (own column, its column, which is its table's id or borrowed id)."""

    alias: str
    table: str
    on: tuple[tuple[str, str], ...]
    place: Place


class How(StrEnum):
    """What a measure is of its rows; without any row `COUNT`, `SUM` and `DISTINCT` are 0, the others null."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    DISTINCT = "distinct"


@dataclass(frozen=True)
class Measure:
    """What is known of all rows of an `Each`; in expressions of the base `<alias>.<name>`. Only a count has no `value`."""

    name: str
    how: How
    value: Expression | None
    keep: Expression | None
    place: Place


@dataclass(frozen=True)
class Each:
    """The rows of another table that belong to a row, measured.

    `on`: pairs (own column, its column; or `<alias>.<column>` of what is beside it), or `OF_PERSON`: rows of the same person. `keep` and measures may name
    its columns and those beside it as `<alias>.<column>`, and all that the base names before it: own columns, what is beside, measures of earlier ones.
    """

    alias: str
    table: str
    on: tuple[tuple[str, str], ...]
    beside: tuple[Beside, ...]
    keep: Expression | None
    measures: Mapping[str, Measure]
    place: Place

    @property
    def of_person(self) -> bool:
        """Whether its rows are those of the same person."""
        return self.on == OF_PERSON


OF_PERSON = (("person", "person"),)


@dataclass(frozen=True)
class Once:
    """Of rows that agree in `by` only one counts: the one with the greatest `best` (nulls last), then the smallest id.

    `by` names columns of the base's own table only, so that what stands in a row tells with which others it competes.
    """

    by: tuple[Expression, ...]
    best: Expression | None
    place: Place


@dataclass(frozen=True)
class Base:
    """Which rows of a table count, and on which day: the population of points.

    `person`: as whom `each` of the same person looks for rows. A row's organisation is that of its feed. Expressions name own columns by their names.
    """

    name: str
    place: Place
    title: Mapping[str, str]
    definition: Mapping[str, str]
    owner: str
    source: Source
    table: str
    date: Expression
    keep: Expression | None = None
    person: Scope = Scope.LOCAL
    beside: tuple[Beside, ...] = ()
    each: Mapping[str, Each] = field(default_factory=dict)
    concepts: Mapping[str, ConceptSet] = field(default_factory=dict)
    once: Once | None = None
    sha256: str = ""

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that a row's counting may depend on, its own first."""
        others = [table for each in self.each.values() for table in (each.table, *(beside.table for beside in each.beside))]
        return tuple(dict.fromkeys((self.table, *(beside.table for beside in self.beside), *others)))


@dataclass(frozen=True)
class Point:
    """A statistical point: what is counted of which rows of a base.

    `value`: what is summed, or of which the median is taken; a distinct point has none: it counts persons.
    """

    code: str
    place: Place
    title: Mapping[str, str]
    definition: Mapping[str, str]
    unit: Mapping[str, str]
    kind: Count
    base: str
    keep: Expression | None = None
    value: Expression | None = None
    person: Scope = Scope.LOCAL


@dataclass(frozen=True)
class Expected:
    """What an example expects: the value of an indicator or point for a unit and a period, as text; None: missing."""

    code: str
    unit: str
    period: str
    value: str | None
    place: Place


@dataclass(frozen=True)
class IndicatorExample:
    """Rows of the repository worked out by hand. `boundary`: which edge it stands at, in words; "" for an ordinary case.

    `given`: table -> rows as texts, with `organisation` beside the table's columns; what a row leaves out is filled in by the rules of
    `suwen.insight.indicator.example`. `organisations`: rows of organisations.csv; () for the plain tree H1, H2 < D1 < C1 < P1.
    """

    name: str
    place: Place
    boundary: str
    given: Mapping[str, tuple[Mapping[str, str | None], ...]]
    organisations: tuple[Mapping[str, str | None], ...]
    expect: tuple[Expected, ...]


@dataclass(frozen=True)
class Indicator:
    """A number that commissions ask for: the sum of the points of its numerator, over that of its denominator where it has one, times `factor`.

    A numerator of one median or distinct point stands alone. `points`: those declared here; others may use them by their codes. `ahead`: for how many days
    after a period what happens still changes its value, as a readmission within 31 days does.
    """

    code: str
    place: Place
    title: Mapping[str, str]
    definition: Mapping[str, str]
    owner: str
    source: Source
    unit: Mapping[str, str]
    direction: Direction
    period: Period
    person: Scope
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    factor: int
    decimals: int
    points: Mapping[str, Point]
    ahead: int = 0
    examples: tuple[IndicatorExample, ...] = ()
    sha256: str = ""
    named: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)  # where the formula names each point

    @property
    def used(self) -> tuple[str, ...]:
        """The codes of the points in its formula, each once."""
        return tuple(dict.fromkeys((*self.numerator, *self.denominator)))


@dataclass(frozen=True)
class Breakdown:
    """A way of parting rows into groups of patients: an expression that gives a group's code.

    It may name the row's `day`, the person's `age` on it in completed years, and columns of its visit (`visit.*`), what is known beyond that (`more.*`, of
    ext_visit) and its person (`person.*`).
    `labels`: code -> name by language, in the order of showing; a row whose value is none of them belongs to the group "".
    """

    name: str
    place: Place
    title: Mapping[str, str]
    owner: str
    source: Source
    value: Expression
    labels: Mapping[str, Mapping[str, str]]
    sha256: str = ""


@dataclass(frozen=True)
class Span:
    """A period: first day, and the day after its last. Written `2024`, `2024-Q1`, `2024-03` or `2024-03-09`."""

    text: str
    period: Period
    first: date
    after: date


@dataclass(frozen=True)
class Value:
    """A value and all it was made of, for one unit and period of a release.

    `value` is exact; None where it is missing: no organisation below the unit reported in the period, or the denominator is 0.
    `points`: point -> what it is (None: missing). `reporting` of `expected`: the organisations below the unit, in the tree as it was in the
    period, that sent any visit of it. `provisional`: the data of the release end before the period does, or before the days that its indicator looks ahead.
    """

    code: str
    unit: str
    span: Span
    value: Fraction | None
    points: Mapping[str, Fraction | None]
    reporting: int
    expected: int
    release: int
    provisional: bool = False
