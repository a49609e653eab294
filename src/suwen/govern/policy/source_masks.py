"""What of a source record tells who somebody is, worked out from the template: a source column is as personal as the columns made of it.

A column of which the template makes nothing is hidden, since nobody has said what it holds; so is a record that cannot be cut into its columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from suwen.flow.lineage import CONTENT, OWN, named_columns, target_lineage
from suwen.flow.places import RecordPlace
from suwen.flow.trace import Trace
from suwen.govern.policy.masks import GRAVITY, Personal, masked, masked_row, personal
from suwen.intake.formats.delimited.dialect import Dialect
from suwen.intake.formats.delimited.rows import split
from suwen.model.event import EVENT_TABLES
from suwen.model.extension import ALL_TABLES
from suwen.model.pack import Target, Template
from suwen.packs.loader import Packs

# What these ids are made of is the number by which a hospital knows a patient, a visit or an employee.
_KNOWN_BY = frozenset({"person", "visit_occurrence", "visit_detail", "provider"})
# In a record whose columns may be shifted only short codes, small numbers, dates and times are shown as they are.
_PLAIN = re.compile(r"[A-Za-z]{0,2}|[A-Za-z0-9.+-]{0,3}\d[A-Za-z0-9.+-]{0,4}|\d{4}[-/]?\d\d[-/]?\d\d([ T]?\d\d:?\d\d(:?\d\d)?)?")
# What these are made of tells more than they do.
_MADE_OF = {("person", "year_of_birth"): Personal.BIRTH, ("provider", "year_of_birth"): Personal.BIRTH}


class SourceMasks:
    """How personal each column of a template's kinds is, and records masked by it."""

    def __init__(self, template: Template | None) -> None:
        self._kinds: dict[tuple[str, str], Personal] = {}
        if template is not None:
            self._read(template)

    def _read(self, template: Template) -> None:
        for target in template.targets.values():
            self._of_target(template, target)
        for kind in template.kinds.values():
            for expression in (kind.version, kind.tombstone, kind.window):
                for column in named_columns(kind, expression) if expression else ():
                    self._kinds.setdefault((kind.name, column), Personal.NO)

    def of(self, kind: str, column: str) -> Personal:
        """How personal a column of a kind is."""
        return self._kinds.get((kind, column), Personal.HIDDEN)

    def texts(self, place: RecordPlace, *, mapped: bool = True) -> Mapping[str, str | None]:
        """The columns of a record, masked. `mapped` False: the record was not taken in, so that anything may stand in any column."""
        return {column: None if text is None else self._shown(place, column, text, mapped) for column, text in place.texts.items()}

    def line(self, place: RecordPlace, *, mapped: bool = True) -> str:
        """A record's text as it arrived, every field masked in its place; all of it where it cannot be cut into fields."""
        fields = split(place.text, Dialect(place.encoding, place.delimiter, place.quote)) if place.texts else None
        if fields is None or len(fields) != len(place.texts):
            return str(masked(Personal.NUMBER, place.text))
        shown = []
        for column, (text, quoted) in zip(place.texts, fields, strict=True):
            value = self._shown(place, column, text, mapped) if text else text
            shown.append(f"{place.quote}{value.replace(place.quote, place.quote * 2)}{place.quote}" if quoted else value)
        return place.delimiter.join(shown)

    def place(self, place: RecordPlace, *, mapped: bool = True) -> RecordPlace:
        """A record with its text and columns masked; offset and length still say where the bytes lie."""
        return replace(place, raw=self.line(place, mapped=mapped).encode(), encoding="utf-8", texts=self.texts(place, mapped=mapped))

    def _shown(self, place: RecordPlace, column: str, text: str, mapped: bool) -> str:
        tells = self.of(place.kind, column)
        if tells is Personal.NO and not mapped and not _PLAIN.fullmatch(text):
            tells = Personal.NUMBER
        return str(masked(tells, text))

    def _of_target(self, template: Template, target: Target) -> None:
        lineage = target_lineage(template, target)
        kinds = {OWN: target.source} | {join.alias: join.kind for join in target.joins}
        for table in EVENT_TABLES if target.event else (target.table,):
            for column, steps in lineage.of_table(table).items():
                tells = _tells(table, column)
                for alias, source in (source for step in steps if step.how != CONTENT for source in step.sources):
                    if alias in kinds:
                        self._gravest((kinds[alias], source), tells)

    def _gravest(self, at: tuple[str, str], tells: Personal) -> None:
        held = self._kinds.get(at, Personal.NO)
        self._kinds[at] = min(held, tells, key=GRAVITY.__getitem__)


def _tells(table: str, column: str) -> Personal:
    """What a source column tells that this column is made of."""
    shape = ALL_TABLES[table]
    if column == shape.id_column:
        return Personal.NUMBER if table in _KNOWN_BY else Personal.NO
    references = shape.column(column).references
    if references and references[0] in _KNOWN_BY:
        return Personal.NUMBER
    return _MADE_OF.get((table, column)) or personal(table, column)


def masked_trace(trace: Trace, packs: Packs, known: Callable[[str], SourceMasks] | None = None) -> Trace:
    """A trace with row, records and source texts masked, by the templates in use; of a template that is no longer in use everything is hidden.

    `known`: gives the masks of a template by its name, where somebody keeps them.
    """
    names = {record.template for record in trace.records}
    masks = {name: known(name) if known else SourceMasks(packs.templates.get(name)) for name in names}
    records = tuple(replace(record, place=masks[record.template].place(record.place)) for record in trace.records)
    row = masked_row(trace.table, trace.row)
    columns = tuple(
        replace(
            column,
            value=row.get(column.column, masked(personal(trace.table, column.column), column.value)),
            sources=tuple(replace(text, text=records[text.record].place.texts.get(text.column)) for text in column.sources),
        )
        for column in trace.columns
    )
    return replace(trace, row=row, records=records, columns=columns)
