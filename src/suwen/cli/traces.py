"""A trace as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from suwen.flow.trace import ColumnTrace, Trace, TracedRecord

_SHOWN_INPUTS = 50


def shown_trace(trace: Trace) -> Iterator[str]:
    """The lines of a trace: the row, its source records with their bytes, then column by column how it was made."""
    yield f"{trace.table}{'' if trace.id is None else f' {trace.id}'}, release {trace.release}, made by run {trace.row.get('_run')}"
    if trace.inputs:
        yield from _inputs(trace)
    for number, record in enumerate(trace.records, 1):
        yield from _record(number, record)
    if trace.columns:
        yield "columns"
    told = ""
    for column in trace.columns:
        yield from _column(column, again=column.column == told)
        told = column.column


def _inputs(trace: Trace) -> Iterator[str]:
    whole = trace.inputs[0].id is None
    yield f"worked out from {len(trace.inputs):,} {'tables' if whole else 'rows'}"
    yield from (f"  {one.table}" if whole else f"  suwen trace {one.table} {one.id}" for one in trace.inputs[:_SHOWN_INPUTS])
    if len(trace.inputs) > _SHOWN_INPUTS:
        yield f"  ... and {len(trace.inputs) - _SHOWN_INPUTS:,} more (all with --json)"


def _record(number: int, record: TracedRecord) -> Iterator[str]:
    place = record.place
    what = "source record" if record.role == "source" else f"joined as {record.role}:"
    file = f"{place.member} in {place.file}" if place.member else place.file
    span = f"bytes {place.offset} to {place.offset + place.length - 1}" + (" of its unpacked bytes" if place.codec else "")
    yield f"[{number}] {what} {place.kind} of feed {place.feed}, receipt {place.receipt}, record {place.record}"
    yield f"    {file}, line {place.line}, {span} ({place.length} bytes)"
    yield f"    {place.object}"
    if record.role == "source":
        yield f"    mapped by {record.template}, target {record.target}, {record.target_place}"
    yield f"    {_printable(place.text)}"


def _column(column: ColumnTrace, *, again: bool) -> Iterator[str]:
    """How a column was made; its value stands once though several expressions have a part in it."""
    value = "null" if column.value is None else _printable(str(column.value))
    how = f" ({column.how})" if column.how else ""
    if not again:
        yield f"  {column.column} = {value}"
    yield f"    {column.place}: {column.expression}{how}"
    for source in column.sources:
        yield f"    [{source.record + 1}] {source.column} = {'no value' if source.text is None else _printable(source.text)}"


def _printable(text: str) -> str:
    """A text on one line: control characters are shown by their code."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
