"""A row of the repository with the way back to its bytes, ready for a page: masked by what its reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from suwen.base.errors import SuwenError
from suwen.engine.sql import col, compared, integer
from suwen.flow.trace import ColumnTrace, Trace, TracedRecord
from suwen.govern.policy.source_masks import SourceMasks, masked_trace
from suwen.model.extension import ALL_TABLES
from suwen.serve.console.published import Published

_LONGEST = 19  # digits of an id


def traced(published: Published, table: str, row_id: str) -> Trace:
    """The trace of one row. Raises SuwenError where there is no such table or row."""
    shape = ALL_TABLES.get(table)
    if shape is None or shape.group == "vocabulary" or shape.id_column is None:
        raise SuwenError("rows of this table do not come from source records", expected="a table of the repository, such as measurement")
    if not row_id.isascii() or not row_id.isdigit() or len(row_id) > _LONGEST:
        raise SuwenError("this is not an id", expected="a whole number")
    number = int(row_id)
    if number >= 1 << 63:
        raise SuwenError("this is not an id", expected="a number of 63 bits")
    found = list(published.tracer.rows(shape, compared(col(shape.id_column), "=", integer(number))))
    if not found:
        raise SuwenError("there is no such row in this release", expected="the id of a row")
    return found[0]


def masks_of(published: Published, template: str) -> SourceMasks:
    """What of a template's records is personal; worked out once. Of one that is no longer in use everything is."""
    return published.once(("masks", template), lambda: SourceMasks(published.packs.templates.get(template)))


@dataclass(frozen=True)
class Field:
    """One field of a record: its column, the text as it may be shown (None: no value), and whether a column of the row is made of it."""

    column: str
    text: str | None
    used: bool


@dataclass(frozen=True)
class Source:
    """One source record: where it stands, its line as it may be shown, and its fields."""

    number: int
    record: TracedRecord
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Cell:
    """One column of the row: its value, and the expressions that had a part in it."""

    column: str
    value: object
    steps: tuple[ColumnTrace, ...]


@dataclass(frozen=True)
class RecordPage:
    """All that the page of a row shows."""

    trace: Trace
    sources: tuple[Source, ...]
    cells: tuple[Cell, ...]
    own: tuple[tuple[str, object], ...]


def record_page(published: Published, trace: Trace, *, open_identity: bool) -> RecordPage:
    """A trace as a page shows it; masked unless identities are open."""
    shown = trace if open_identity else masked_trace(trace, published.packs, partial(masks_of, published))
    used = {(text.record, text.column) for column in shown.columns for text in column.sources}
    sources = tuple(Source(at + 1, record, _fields(record, at, used)) for at, record in enumerate(shown.records))
    steps: dict[str, list[ColumnTrace]] = {}
    for column in shown.columns:
        steps.setdefault(column.column, []).append(column)
    shape = ALL_TABLES[shown.table]
    cells = tuple(Cell(name, shown.row.get(name), tuple(steps.get(name, ()))) for name in shape.row_columns)
    own = tuple((name, value) for name, value in shown.row.items() if name.startswith("_"))
    return RecordPage(shown, sources, cells, own)


def _fields(record: TracedRecord, at: int, used: set[tuple[int, str]]) -> tuple[Field, ...]:
    return tuple(Field(column, text, (at, column) in used) for column, text in record.place.texts.items())


def organisations_behind(published: Published, trace: Trace) -> Sequence[str]:
    """The organisations whose feeds sent the records of a row; () of a row worked out from others."""
    feeds = published.region.feeds
    return sorted({feeds[record.place.feed].organisation for record in trace.records if record.place.feed in feeds})
