"""A row led back: to the source records it came from with their exact bytes, and to the template lines that made each column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from suwen.base.errors import Defect, SuwenError
from suwen.engine.sql import Tree, col, compared, in_numbers, integer, statement, text, typed
from suwen.flow.inputs import Input, inputs_of
from suwen.flow.joined import Joined, Place
from suwen.flow.lineage import OWN, TargetLineage, target_lineage
from suwen.flow.places import Places, RecordPlace
from suwen.flow.reader import OpenRelease
from suwen.flow.region import region_packs
from suwen.flow.stores import lake_of
from suwen.model.cdm import Table
from suwen.model.extension import ALL_TABLES
from suwen.model.pack import Target, Template
from suwen.model.staging import RECEIPT, RECORD, TEMPLATE
from suwen.packs.problem import Problems, nearest
from suwen.packs.template import read_template
from suwen.packs.toml_places import parse_toml
from suwen.repository.rows import lake_name

CHUNK = 20_000  # rows traced at once
DERIVED = "derived:"
WHOLE = ("cdm_source",)  # tables whose one row is about everything

_LONGEST = 20  # digits of an id, with its sign


@dataclass(frozen=True)
class TracedRecord:
    """A source record of a row: `role` "source", or the alias under which the target joins it; the target's name and line for a source."""

    role: str
    template: str
    target: str
    target_place: str
    place: RecordPlace


@dataclass(frozen=True)
class SourceText:
    """What a source column holds: the record (its place in the trace's list), the column, its text (None: no value)."""

    record: int
    column: str
    text: str | None


@dataclass(frozen=True)
class ColumnTrace:
    """One column: its value, the expression and line that made it, `how` where the expression is not the whole story, and the source texts."""

    column: str
    value: object
    expression: str
    place: str
    how: str
    sources: tuple[SourceText, ...]


@dataclass(frozen=True)
class Trace:
    """The way of one row. `row`: its columns as stored. Where a column has several entries, the first that has a value gave it.

    A derived row has `inputs`, the rows it was worked out from, instead of records.
    """

    table: str
    id: int | None
    release: int
    row: Mapping[str, object]
    records: tuple[TracedRecord, ...]
    columns: tuple[ColumnTrace, ...]
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True)
class _Source:
    """One source of a row: the record and the tag of the target that mapped it."""

    receipt: int
    record: int
    tag: str


def trace(opened: OpenRelease, table: str, row_id: str, column: str = "") -> Trace:
    """The trace of one row by its id, of all columns or one. Raises SuwenError where there is no such table, row or column."""
    shape = _shape(opened, table)
    if shape.name in WHOLE:
        return _only(list(_of_everything(opened, shape)), shape, row_id, column)
    if column and column not in shape.row_columns:
        raise SuwenError(f"{shape.name} has no column {column}", expected="a column of the table", do=nearest(column, shape.row_columns))
    if not row_id.isascii() or not row_id.removeprefix("-").isdigit() or len(row_id) > _LONGEST:
        raise SuwenError(f'"{row_id}" is not an id', expected="a whole number, as suwen query shows it")
    found = list(Tracer(opened).rows(shape, compared(col(shape.id_column or ""), "=", integer(int(row_id)))))
    if not found:
        raise SuwenError(
            f"{shape.name} has no row with the id {row_id}",
            where=f"release {opened.release.number}",
            do=f'suwen query "select {shape.id_column} from {shape.name}"',
        )
    if not column:
        return found[0]
    kept = tuple(one for one in found[0].columns if one.column == column)
    return Trace(found[0].table, found[0].id, found[0].release, found[0].row, found[0].records, kept, found[0].inputs)


def trace_many(opened: OpenRelease, table: str) -> Iterator[Trace]:
    """The traces of all rows of a table, in the order of their sources."""
    shape = _shape(opened, table)
    yield from _of_everything(opened, shape) if shape.name in WHOLE else Tracer(opened).rows(shape, None)


def _of_everything(opened: OpenRelease, shape: Table) -> Iterator[Trace]:
    """Rows that say something of the whole release: their inputs are all its tables."""
    inputs = tuple(
        Input(name.split("/", 1)[1], None) for name, held in sorted(opened.release.tables.items()) if name.startswith(("cdr/", "ext/")) and held.rows
    )
    for row in opened.table(f"cdr.{shape.name}").to_pylist():
        yield Trace(shape.name, None, opened.release.number, row, (), (), tuple(one for one in inputs if one.table != shape.name))


def _only(found: list[Trace], shape: Table, row_id: str, column: str) -> Trace:
    """The row of a table of one row."""
    if not found or row_id != "1" or (column and column not in shape.row_columns):
        raise SuwenError(f"{shape.name} has no such row or column", expected="the id 1, for its only row, and a column of the table")
    return found[0]


def _shape(opened: OpenRelease, table: str) -> Table:
    name = opened.full_name(table).split(".", 1)[1]
    shape = ALL_TABLES.get(name)
    if shape is None or shape.group == "vocabulary":
        raise SuwenError(f"rows of {table} do not come from source records", expected="a table of the repository, such as measurement")
    if shape.id_column is None and name not in WHOLE:
        raise SuwenError(f"{table} has no column that identifies a row", expected="a table with an id")
    return shape


class Tracer:
    """Traces rows of one release, many at once; what templates say is worked out once."""

    def __init__(self, opened: OpenRelease) -> None:
        self.opened, self.packs, self.places = opened, region_packs(opened.region), Places(opened.region)
        self.joined = Joined(opened, self.packs, self.places)
        self._templates: dict[str, Template] = {}
        self._lineages: dict[str, TargetLineage] = {}

    def rows(self, shape: Table, keep: Tree | None) -> Iterator[Trace]:
        """The traces of the stored rows that fulfil a condition, or of all."""
        if not self.opened.files(lake_name(shape.name)):
            return
        stored = self.opened.view(lake_name(shape.name).replace("/", "."))
        query = statement(
            "select * from {rows} s where {keep} order by s.{receipt}, s.{record}",
            rows=stored,
            keep=keep if keep is not None else typed(text("true"), "BOOLEAN"),
            receipt=RECEIPT,
            record=RECORD,
        )
        held = self.opened.ask(query)
        for start in range(0, held.num_rows, CHUNK):
            yield from self._chunk(shape, held.slice(start, CHUNK).to_pylist())

    def _chunk(self, shape: Table, rows: Sequence[dict[str, object]]) -> Iterator[Trace]:
        own = shape.id_column or ""
        derived = [row for row in rows if str(row[TEMPLATE]).startswith(DERIVED)]
        inputs = inputs_of(self.opened, shape, derived)
        mapped = [row for row in rows if not str(row[TEMPLATE]).startswith(DERIVED)]
        sources = self._sources(shape, mapped, own)
        located = self._locate({s for of in sources.values() for s in of})
        beside = self._beside(sources, located)
        slots = self._slots(sources, located)
        for row in rows:
            row_id = int(str(row[own]))
            if row_id in inputs:
                yield Trace(shape.name, row_id, self.opened.release.number, row, (), (), inputs[row_id])
            else:
                yield self._trace(shape, row_id, row, sources[row_id], located, beside, slots)

    def _sources(self, shape: Table, rows: Sequence[dict[str, object]], own: str) -> dict[int, list[_Source]]:
        """Per row all its sources, the first being that of its provenance."""
        found = {int(str(row[own])): [_Source(int(str(row[RECEIPT])), int(str(row[RECORD])), str(row[TEMPLATE]))] for row in rows}
        if not self.opened.files("state/lineage") or not found:
            return found
        more = statement(
            "select id, receipt, record, template from {l} l where l.table_name in ({t}, {n}) and {ids} order by id, ordinal",
            l=self.opened.view("state.lineage"),
            t=text(shape.name),
            n=text(lake_name(shape.name)),
            ids=in_numbers(col("id", "l"), sorted(found)),
        )
        for row in self.opened.ask(more).to_pylist():
            source = _Source(row["receipt"], row["record"], row["template"])
            if source not in found[row["id"]]:
                found[row["id"]].append(source)
        return found

    def _locate(self, sources: set[_Source]) -> dict[Place, RecordPlace]:
        wanted: dict[tuple[str, int], set[int]] = {}
        for source in sources:
            wanted.setdefault((source.tag, source.receipt), set()).add(source.record)
        found: dict[Place, RecordPlace] = {}
        for (tag, receipt), records in sorted(wanted.items()):
            missing = [record for record in records if (receipt, record) not in found]
            found |= {(place.receipt, place.record): place for place in self.places.find(self.template(tag), receipt, missing)}
        return found

    def _by_target(self, sources: Mapping[int, Sequence[_Source]], located: Mapping[Place, RecordPlace]) -> dict[tuple[str, str], list[RecordPlace]]:
        """(feed, tag) -> the records mapped by it."""
        found: dict[tuple[str, str], dict[Place, RecordPlace]] = {}
        for of in sources.values():
            for source in of:
                place = located[source.receipt, source.record]
                found.setdefault((place.feed, source.tag), {})[source.receipt, source.record] = place
        return {key: list(places.values()) for key, places in found.items()}

    def _beside(self, sources: Mapping[int, Sequence[_Source]], located: dict[Place, RecordPlace]) -> dict[tuple[str, Place], Mapping[str, Place]]:
        """(tag, record) -> alias -> the joined parent's record; the parents are located too."""
        found: dict[tuple[str, Place], Mapping[str, Place]] = {}
        for (feed, tag), children in self._by_target(sources, located).items():
            template, target = self.template(tag), self.lineage(tag).target
            if not target.joins:
                continue
            parents = self.joined.parents(self.opened.region.feeds[feed], template, target, children)
            found |= {(tag, child): of for child, of in parents.items()}
            located |= self._locate({_Source(*place, tag) for of in parents.values() for place in of.values()} - {_Source(*place, tag) for place in located})
        return found

    def _slots(self, sources: Mapping[int, Sequence[_Source]], located: Mapping[Place, RecordPlace]) -> dict[tuple[str, int], str]:
        """(tag, row id) -> the named row it comes of."""
        found: dict[tuple[str, int], str] = {}
        for (feed, tag), children in self._by_target(sources, located).items():
            slots = self.joined.slots(self.opened.region.feeds[feed], self.template(tag), self.lineage(tag).target, children)
            found |= {(tag, row_id): slot for row_id, slot in slots.items()}
        return found

    def _trace(
        self, shape: Table, row_id: int, row: dict[str, object], sources: Sequence[_Source], located: Mapping[Place, RecordPlace],
        beside: Mapping[tuple[str, Place], Mapping[str, Place]], slots: Mapping[tuple[str, int], str],
    ) -> Trace:  # fmt: skip
        records: list[TracedRecord] = []
        columns: dict[str, list[ColumnTrace]] = {}
        for source in sources:
            at, lineage, template = (source.receipt, source.record), self.lineage(source.tag), self.template(source.tag)
            numbers = {OWN: len(records)}
            records.append(TracedRecord("source", template.name, lineage.target.name, str(lineage.target.place), located[at]))
            for alias, parent in beside.get((source.tag, at), {}).items():
                numbers[alias] = len(records)
                records.append(TracedRecord(alias, template.name, lineage.target.name, str(lineage.target.place), located[parent]))
            for column, steps in lineage.of_table(shape.name, slots.get((source.tag, row_id))).items():
                for step in steps:
                    texts = tuple(SourceText(numbers[a], c, records[numbers[a]].place.texts.get(c)) for a, c in step.sources if a in numbers)
                    columns.setdefault(column, []).append(ColumnTrace(column, row[column], step.expression.text, str(step.expression.place), step.how, texts))
        ordered = tuple(one for name in shape.row_columns for one in columns.get(name, ()))
        return Trace(shape.name, row_id, self.opened.release.number, row, tuple(records), ordered)

    def template(self, tag: str) -> Template:
        """The template of a row's tag, as it was when the row was made."""
        short = tag.split(":", 1)[0]
        if short not in self._templates:
            in_use = [t for t in self.packs.templates.values() if t.sha256.startswith(short)]
            self._templates[short] = in_use[0] if in_use else self._kept(short)
        return self._templates[short]

    def _kept(self, short: str) -> Template:
        store, folder = lake_of(self.opened.region), self.opened.region.lake / "packs"
        kept = store.find(folder, f"{short}*")
        if not kept:
            raise SuwenError(f"the template with the hash {short} is not kept here", where=store.where(folder), do="restore the lake's folder packs")
        problems = Problems()
        template = read_template(parse_toml(store.read(kept[0]), f"lake/packs/{kept[0].name}"), problems)
        problems.raise_if_any()
        return template

    def lineage(self, tag: str) -> TargetLineage:
        """What the target of a tag says of its columns."""
        if tag not in self._lineages:
            template = self.template(tag)
            self._lineages[tag] = target_lineage(template, _target_at(template, int(tag.split(":", 1)[1])))
        return self._lineages[tag]


def _target_at(template: Template, line: int) -> Target:
    for target in template.targets.values():
        if target.place.line == line:
            return target
    raise Defect(f"template {template.name} has no target at line {line}")
