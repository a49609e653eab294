"""Coverage of a feed: how often each source column is filled, as staged, and what its template makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suwen.engine.sql import alias, call, col, statement
from suwen.flow.reader import OpenRelease
from suwen.flow.source_columns import Use, uses
from suwen.flow.stage import by_kind, kept_staging
from suwen.flow.stores import lake_of
from suwen.model.pack import Template
from suwen.model.staging import ISSUES, StagedFile
from suwen.repository.staged import staged


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
    spec = release.readers.get(feed, "")
    left_out = frozenset(release.left_out)
    found = kept_staging(lake_of(opened.region), opened.region.staging, feed, spec)
    files = by_kind(f for one in found if one.receipt <= release.receipts_through and one.receipt not in left_out for f in one.files)
    return tuple(_of_kind(opened, kind, files[kind], used, template) for kind in template.kinds if kind in files)


def _of_kind(opened: OpenRelease, kind: str, files: Sequence[StagedFile], used: Mapping[tuple[str, str], tuple[Use, ...]], template: Template) -> KindCoverage:
    columns = list(dict.fromkeys(column for file in files for column in file.columns))
    counts = [alias(call("count", col(column)), f"c{at}") for at, column in enumerate(columns)]
    counted = statement("select count(*) as n, {counts} from {rows} s where s.{issues} is null", counts=counts, rows=staged(files, columns), issues=ISSUES)
    row = opened.ask(counted).to_pylist()[0]
    declared = template.kinds[kind]
    known = {*declared.columns, *declared.optional}
    made = tuple(Covered(kind, column, row[f"c{at}"], column in known, used.get((kind, column), ())) for at, column in enumerate(columns))
    return KindCoverage(kind, row["n"], made)
