"""The examples of templates run as tests: given records through the compiled mapping, on the engine and without landing anything.

An example runs in the zone UTC, without a vocabulary, with the code maps of the packs in use. Of given records with one key the newest version counts, a
tombstone makes no row; parents that rows only refer to need not be given. Targets that the example does not name are not looked at.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from suwen.base.errors import Place as FilePlace
from suwen.base.errors import SuwenError
from suwen.engine.opening import EXAMPLES, open_engine
from suwen.engine.port import Engine
from suwen.engine.sql import Tree, coalesce, col, negation, null, statement, table, text, typed, union_all
from suwen.flow.expected import assigned, differing, text_of, value_of
from suwen.model import event
from suwen.model.cdm import Type
from suwen.model.extension import ALL_TABLES
from suwen.model.pack import Example, Kind, Target, Template
from suwen.model.region import Settings
from suwen.model.staging import FEED, ISSUES, OWNER, RECEIPT, RECORD
from suwen.packs.loader import Packs
from suwen.packs.problem import Problem, Problems
from suwen.packs.promised import column_of
from suwen.repository.code_resolution import concept_table, map_table, resolve
from suwen.repository.mapping import MappingPlan
from suwen.repository.planner import RECORD_KEY, Place, kind_expressions, plan_target, reference
from suwen.repository.rows import projected

PLACE = Place("UTC")
Row = dict[str, object]


def run_examples(packs: Packs, templates: Iterable[str] | None = None, settings: Settings = EXAMPLES) -> list[Problem]:
    """Every expectation that does not hold, sorted by file and line; of all templates, or of those named. The packs must have passed `check`."""
    problems = Problems()
    with tempfile.TemporaryDirectory(prefix="suwen-examples-") as scratch:
        engine = open_engine(settings, Path(scratch))
        try:
            for name in packs.templates if templates is None else templates:
                runner = _Runner(engine, packs, packs.templates[name])
                for example in packs.templates[name].examples:
                    runner.run(example, problems)
        finally:
            engine.close()
    return sorted(set(problems))


class _Runner:
    """Runs the examples of one template; plans are made once."""

    def __init__(self, engine: Engine, packs: Packs, template: Template) -> None:
        self.engine, self.template = engine, template
        self.maps, self.concepts = map_table(packs.code_maps.values()), concept_table(packs.concepts.values())
        self._plans: dict[str, MappingPlan] = {}

    def run(self, example: Example, problems: Problems) -> None:
        wanted = {name: self.template.targets[name] for name in example.expect}
        kinds = {kind for target in wanted.values() for kind in (target.source, *(join.kind for join in target.joins))}
        for kind in sorted(kinds):
            self._give(self.template.kinds[kind], example.given.get(kind, ()))
        for target in wanted.values():
            try:
                found, why = self._rows(target)
            except SuwenError as error:
                problems.add_error(error, example.place.file)
                continue
            _Comparison(self, example, target, problems).hold(found, why)

    def _give(self, kind: Kind, rows: Sequence[Mapping[str, str | None]]) -> None:
        """The given records that hold, as the staged relation `given_<kind>`: newest versions, no tombstones, no blank keys."""
        columns = (*kind.columns, *kind.optional)
        data = {name: pa.array([row.get(name) or None for row in rows], pa.string()) for name in columns}
        numbers = pa.array(range(1, len(rows) + 1), pa.int64())
        one, nobody = pa.array([1] * len(rows), pa.int64()), pa.array([0] * len(rows), pa.int64())
        places = {RECEIPT: one, RECORD: numbers, RECORD_KEY: numbers, OWNER: nobody, FEED: nobody, ISSUES: pa.nulls(len(rows), pa.string())}
        self.engine.register("given", pa.table({**data, **places}))
        compiled = kind_expressions(kind, PLACE.zone)
        judged = statement(
            "select g.*, {version} as _version, {ends} as _ends from {g} g where {named}",
            version=compiled.version if compiled.version is not None else typed(null(), "BIGINT"),
            ends=coalesce(compiled.tombstone, typed(text("false"), "BOOLEAN")) if compiled.tombstone is not None else typed(text("false"), "BOOLEAN"),
            g="given",
            named=_all_named(kind),
        )
        last = "select * from {j} j qualify row_number() over (partition by {keys} order by _version desc nulls last, _record desc) = 1"
        newest = statement(last, j=judged, keys=[col(c) for c in kind.key]) if kind.key else judged
        self.engine.temporary(f"given_{kind.name}", statement("select * from {n} n where not _ends", n=newest))
        self.engine.unregister("given")

    def plan(self, target: Target) -> MappingPlan:
        if target.name not in self._plans:
            self._plans[target.name] = plan_target(self.template, target, PLACE)
        return self._plans[target.name]

    def _rows(self, target: Target) -> tuple[list[Row], list[str]]:
        """The rows of a target by its own column names, and why records make none."""
        plan, source = self.plan(target), table(f"given_{target.source}")
        joined: dict[str, Tree | str] = {join.kind: f"given_{join.kind}" for join in target.joins}
        resolution = "example_resolution"
        if plan.lookups:
            nothing = statement("select '' as system, '' as code where false")
            self.engine.temporary("example_pairs", statement("select distinct system, code from {p} p", p=union_all([nothing, *plan.pairs(source, joined)])))
            resolve(self.engine, "example_pairs", vocabulary=None, maps=self.maps, concepts=self.concepts, into=resolution)
        self.engine.temporary("example_rows", plan.query(source, joined, resolution))
        mapped = self.engine.arrow("select * from example_rows order by _record, _id").to_pylist()
        dropped = {row[RECORD]: plan.reasons[row["_reason"]] for row in mapped if row["_reason"] is not None}
        whole = {number for number, reason in dropped.items() if reason.state != "filtered"}
        why = [f"record {n} of {target.source} is {r.state} ({' '.join(filter(None, (r.code, r.about)))})" for n, r in sorted(dropped.items())]
        stored = self._stored(plan)
        rows = [row | stored[row[RECORD], row["_id"]] for row in mapped if row["_reason"] is None and row[RECORD] not in whole]
        return self._merged(plan, rows), why

    def _stored(self, plan: MappingPlan) -> dict[tuple[int, int], Row]:
        """Per record and id what the row's table holds, by the target's column names: with the defaults of that table, and the row's own id."""
        found: dict[tuple[int, int], Row] = {}
        used = self.engine.rows("select distinct _table from example_rows where _reason is null")
        for name in (plan.tables[number] for (number,) in used):
            names = event.columns_of(name) if plan.target.event else {c: c for c in ALL_TABLES[name].row_columns}
            for row in self.engine.arrow(projected(plan, "example_rows", name, "", 0)).to_pylist():
                found[row[RECORD], row["_id"]] = {names[physical]: value for physical, value in row.items() if physical in names}
        return found

    def _merged(self, plan: MappingPlan, rows: list[Row]) -> list[Row]:
        """Rows of one id as one, each column the first that has a value, the newest version first; required concepts that nobody tells are 0."""
        versions = dict(self.engine.rows(statement("select {r}, _version from {g} g", r=RECORD, g=f"given_{plan.kind.name}")))
        found: dict[object, Row] = {}
        for row in sorted(rows, key=lambda r: (versions[r[RECORD]] is None, -(versions[r[RECORD]] or 0), r[RECORD])):
            known = found.setdefault(row["_id"], {})
            known.update({name: value for name, value in row.items() if known.get(name) is None})
        zero = () if plan.target.event else [c.name for c in ALL_TABLES[plan.target.table].columns if c.required and c.is_concept]
        return [{**row, **{name: 0 for name in zero if row.get(name) is None}} for row in sorted(found.values(), key=lambda r: str((r[RECORD], r["_id"])))]

    def id_of(self, written: str, where: FilePlace) -> int | None:
        """The id that "ref:target:key" stands for; the parts of a key are parted by colons. Raises SuwenError at `where` for a key of other parts."""
        _, name, key = written.split(":", 2)
        other = self.template.targets[name]
        size = len(other.key or self.template.kinds[other.source].key)
        parts = key.split(":", size - 1) if size else []
        if len(parts) != size or not size:
            raise SuwenError(f'"{written}" names a key of {len(parts)} parts' if size else f'target "{name}" has no key', where=where, expected=f"{size} parts")
        value = self.engine.one(statement("select {id} from (select 0::BIGINT as {o}) x", id=reference(self.template, other, parts, PLACE), o=OWNER))
        return int(value) if value is not None else None


def _all_named(kind: Kind) -> Tree:
    """True for a record without a blank in its key."""
    named = statement("select true").expressions[0]
    for column in kind.key:
        blank = statement("select {c} is null or {c} = ''", c=col(column)).expressions[0]
        named = statement("select {a} and {b}", a=named, b=negation(blank)).expressions[0]
    return named


class _Comparison:
    """The expected rows of one target of an example against those that came."""

    def __init__(self, runner: _Runner, example: Example, target: Target, problems: Problems) -> None:
        self.runner, self.example, self.target, self.problems = runner, example, target, problems
        self.expect = example.expect[target.name]

    def hold(self, found: list[Row], why: list[str]) -> None:
        try:
            wanted = [{name: self._value(at, name) for name in row} for at, row in enumerate(self.expect)]
        except SuwenError as error:
            self.problems.add_error(error, self.example.place.file)
            return
        if len(wanted) != len(found):
            came = f'{len(found)} row{"" if len(found) == 1 else "s"} of target "{self.target.name}"'
            self._problem(self.example.place_of(self.target.name), came, str(len(wanted)), "; ".join(why))
        taken = assigned(wanted, found)
        left = [row for at, row in enumerate(found) if at not in taken]
        for at, place in enumerate(taken):
            if place is None and left:
                nearest = min(left, key=lambda row: len(differing(wanted[at], row)))
                left.remove(nearest)
                for name in differing(wanted[at], nearest):
                    self._wrong(at, name, nearest.get(name))

    def _value(self, at: int, name: str) -> object:
        return value_of(self.expect[at][name], self._type(name), lambda said: self.runner.id_of(said, self.example.place_of(self.target.name, at, name)))

    def _wrong(self, at: int, name: str, found: object) -> None:
        is_id = self._type(name) is Type.BIGINT
        came = "the id of another row" if is_id and found is not None else f'"{text_of(found)}"'
        what = f'"{name}" of row {at + 1} of target "{self.target.name}" is {came}'
        self._problem(self.example.place_of(self.target.name, at, name), what, f'"{self.expect[at][name] or ""}"')

    def _type(self, name: str) -> Type:
        return column_of(self.target.table, self.target.event, name).type

    def _problem(self, place: FilePlace, what: str, expected: str, do: str = "") -> None:
        self.problems.add(place, f'example "{self.example.name}": {what}', expected=expected, do=do)
