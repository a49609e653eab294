"""Coverage of a feed: how often each source column is filled, as staged, and what its template makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suwen.engine.sql import alias, call, col, statement
from suwen.flow.known_receipts import receipts_in
from suwen.flow.reader import OpenRelease
from suwen.flow.source_columns import Use, uses
from suwen.flow.staged_already import StagedAlready
from suwen.flow.stores import lake_of, landing_of
from suwen.model.pack import Template
from suwen.model.staging import ISSUES


@dataclass(frozen=True)
class Covered:
    """One source column of a kind: records read in which it holds a text, whether the template knows it, and its uses (() where nothing looks at it)."""

    kind: str
    column: str
    filled: int
    known: bool
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class KindCoverage:
    """The columns of one kind, in the order of its files; `records`: those that could be read, of all receipts in the release."""

    kind: str
    records: int
    columns: tuple[Covered, ...]

    @property
    def unused(self) -> int:
        """Columns that nothing looks at."""
        return sum(not one.uses for one in self.columns)


def coverage(opened: OpenRelease, feed: str, template: Template) -> tuple[KindCoverage, ...]:
    """Every kind of a feed that has come, over the staging of the release."""
    release, used = opened.release, uses(template)
    held = receipts_in(release, landing_of(opened.region).register())
    mine = StagedAlready(lake_of(opened.region), opened.region, feed, release.readers.get(feed, ""), held.of(feed))
    return tuple(_of_kind(opened, kind, mine, used, template) for kind in template.kinds if mine.has(kind))


def _of_kind(opened: OpenRelease, kind: str, mine: StagedAlready, used: Mapping[tuple[str, str], tuple[Use, ...]], template: Template) -> KindCoverage:
    columns = mine.columns(kind)
    counts = [alias(call("count", col(column)), f"c{at}") for at, column in enumerate(columns)]
    rows = mine.records(kind, columns)
    counted = statement("select count(*) as n, {counts} from {rows} s where s.{issues} is null", counts=counts, rows=rows, issues=ISSUES)
    row = opened.ask(counted).to_pylist()[0]
    declared = template.kinds[kind]
    known = {*declared.columns, *declared.optional}
    made = tuple(Covered(kind, column, row[f"c{at}"], column in known, used.get((kind, column), ())) for at, column in enumerate(columns))
    return KindCoverage(kind, row["n"], made)
