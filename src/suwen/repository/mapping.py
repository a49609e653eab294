"""Mapping as one query: staged records of a kind -> rows of one target, with the reason why a row is not mapped and the findings about it.

The query flattens in steps: staged text; joined parents (`alias.COLUMN`); named rows (`row.alias`); resolved codes; columns; the reason. A row's
`_reason` is the first that applies of: a joined parent is absent (held), a filter drops it, a promised value is missing or unreadable (quarantined).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suwen.engine.sql import (
    Tree,
    alias,
    bit,
    case,
    coalesce,
    col,
    compared,
    conjunction,
    in_numbers,
    integer,
    is_null,
    list_of,
    negation,
    null,
    paren,
    plus,
    statement,
    struct,
    text,
    total,
    typed,
)
from suwen.model import event
from suwen.model.pack import Join, Kind, Target
from suwen.model.staging import FEED, RECEIPT, RECORD


@dataclass(frozen=True)
class Reason:
    """Why a row is not mapped: the state it gives its record, the finding code or the filter's rule, and what it is about."""

    state: str
    code: str
    about: str


@dataclass(frozen=True)
class Lookup:
    """One code looked up: its system and code as trees over the flattened source; `alias` names the joined resolution."""

    alias: str
    system: Tree
    code: Tree
    every: bool  # a code that maps to several concepts gives several rows


@dataclass(frozen=True)
class Mapped:
    """A column of the target, generic or physical: its SQL type, its tree over the resolved source, whether it must have a value.

    `told`: the template's column that alone gives it, where it names none of this name; what is wrong is said of that one.
    """

    name: str
    type: str
    tree: Tree
    required: bool
    told: str = ""


@dataclass(frozen=True)
class Check:
    """A reading that failed: true where a non-blank text could not be read; its finding code and the column it is for."""

    code: str
    column: str
    failed: Tree


@dataclass(frozen=True)
class MappingPlan:
    """All that a target needs for its query, compiled; trees name flattened columns.

    `joined`: per alias the columns taken from the parent. `slots`: (slot name, alias -> tree). `filters`: (rule, keep). `tables`: where rows may go;
    `table`: tree giving the 0-based place in `tables`. `key_md5`: what collisions.csv names the row's key by. `day`: by which rows of a table without
    a date of its own are laid out.
    """

    template: str
    kind: Kind
    target: Target
    source_columns: tuple[str, ...]
    joined: Mapping[str, tuple[str, ...]]
    slots: tuple[tuple[str, Mapping[str, Tree]], ...]
    lookups: tuple[Lookup, ...]
    columns: tuple[Mapped, ...]
    checks: tuple[Check, ...]
    filters: tuple[tuple[str, Tree], ...]
    identifier: Tree
    check: Tree
    tables: tuple[str, ...]
    table: Tree
    own_key: bool
    key_md5: Tree
    required_refs: tuple[str, ...]
    day: Tree | None = None

    def physical(self, column: str, table: str) -> str | None:
        """The stored column of a table that one of the plan's columns fills; None where the table has none."""
        if not self.target.event:
            return column
        return event.GENERIC[column].columns.get(table)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every reason in the order in which they are tried; a row's `_reason` is its place here."""
        held = [Reason("held", "REF-001", j.kind) for j in self.target.joins]
        dropped = [Reason("filtered", rule, "") for rule, _ in self.filters]
        unread = [Reason("quarantined", c.code, c.column) for c, _ in self._fatal()]
        missing = [Reason("quarantined", "MAP-001", m.told or m.name) for m in self.columns if m.required]
        return (*held, *dropped, *unread, *missing, Reason("quarantined", "MAP-001", "key"))

    def in_state(self, state: str) -> Tree:
        """True for the mapped rows with a reason that gives their record a state."""
        return in_numbers(col("_reason"), [n for n, r in enumerate(self.reasons) if r.state == state])

    def _fatal(self) -> list[tuple[Check, Mapped]]:
        """The readings without which a required column has no value."""
        required = {m.told or m.name: m for m in self.columns if m.required}
        return [(c, required[c.column]) for c in self.checks if c.column in required]

    def query(self, staged: Tree, parents: Mapping[str, Tree | str], resolution: Tree | str) -> Tree:
        """The mapped rows: columns, `_id`, `_check`, `_table`, `_reason`, `_issues` (bit per check), `_receipt`, `_record`."""
        flat = self.resolved(staged, parents, resolution)
        first = statement(
            "select {columns}, {day} as _day, {id} as _id, {check} as _check, {table} as _table, {issues} as _issues, {kept} as _dropped, {parent} as _absent, "
            "{receipt} as {receipt_name}, {record} as {record_name} from {flat} x",
            columns=[alias(typed(m.tree, m.type), m.name) for m in self.columns],
            day=self.day if self.day is not None else typed(null(), "DATE"),
            id=self.identifier,
            check=self.check,
            table=typed(self.table, "TINYINT"),
            issues=total([bit(c.failed, n) for n, c in enumerate(self.checks)]),
            kept=typed(case([(negation(coalesce(keep, typed(text("false"), "BOOLEAN"))), integer(n)) for n, (_, keep) in enumerate(self.filters)]), "TINYINT"),
            parent=typed(case([(_absent(j), integer(n)) for n, j in enumerate(self.target.joins)]), "TINYINT"),
            receipt=RECEIPT,
            receipt_name=RECEIPT,
            record=RECORD,
            record_name=RECORD,
            flat=flat,
        )
        return statement("select * exclude (_dropped, _absent), {reason} as _reason from {first} y", reason=typed(self._reason(), "SMALLINT"), first=first)

    def _reason(self) -> Tree:
        n = len(self.target.joins)
        whens = [(negation(is_null(col("_absent"))), typed(col("_absent"), "SMALLINT"))] if n else []
        if self.filters:
            whens.append((negation(is_null(col("_dropped"))), paren(plus(typed(col("_dropped"), "SMALLINT"), integer(n)))))
        at = n + len(self.filters)
        places = {id(c): place for place, c in enumerate(self.checks)}
        for check, column in self._fatal():
            whens.append((conjunction([_bit_set(places[id(check)]), is_null(col(column.name))]), integer(at)))
            at += 1
        for column in (m for m in self.columns if m.required):
            whens.append((is_null(col(column.name)), integer(at)))
            at += 1
        whens.append((is_null(col("_id")), integer(at)))
        return case(whens)

    def resolved(self, staged: Tree, parents: Mapping[str, Tree | str], resolution: Tree | str) -> Tree:
        """The flattened source with every lookup joined: `<lookup>.concept_id`, `.source_concept_id`, `.domain`, `.slot`."""
        flat = self.flattened(staged, parents)
        # names no source column may have: the lookups' trees name source columns without their relation
        if not self.lookups:
            return flat
        answers = statement(
            "select system as _system, code as _code, concept_id as _concept, source_concept_id as "
            "_source, domain as _domain, slot as _slot, first as _first, standing as _standing from {r}",
            r=resolution,
        )
        for lookup in self.lookups:
            flat = statement(
                "select x.*, r._concept as {concept}, r._source as {source}, r._domain as {domain}, r._slot as {slot}, r._standing as {standing} "
                "from {flat} x left join {resolution} r on r._system = {system} and r._code = {code} and {first}",
                concept=f"{lookup.alias}.concept_id",
                source=f"{lookup.alias}.source_concept_id",
                domain=f"{lookup.alias}.domain",
                slot=f"{lookup.alias}.slot",
                standing=f"{lookup.alias}.standing",
                flat=flat,
                resolution=answers,
                system=lookup.system,
                code=lookup.code,
                first=typed(text("true"), "BOOLEAN") if lookup.every else col("_first", "r"),
            )
        return flat

    def pairs(self, staged: Tree, parents: Mapping[str, Tree | str]) -> list[Tree]:
        """Queries of the distinct (system, code) looked up, one per lookup."""
        flat = self.flattened(staged, parents)
        return [
            statement("select distinct {system} as system, {code} as code from {flat} x where {code} is not null", system=one.system, code=one.code, flat=flat)
            for one in self.lookups
        ]

    def flattened(self, staged: Tree, parents: Mapping[str, Tree | str]) -> Tree:
        """Staged text with joined parents, each of the record's own feed, and named rows as plain columns."""
        flat = staged
        for join in self.target.joins:
            taken = [alias(col(c, "p"), f"{join.alias}.{c}") for c in self.joined[join.alias]]
            flat = statement(
                "select s.*, {taken}, p.{record} as {present} from {flat} s left join {parent} p on {on}",
                taken=taken,
                record=RECORD,
                present=f"{join.alias}.",
                flat=flat,
                parent=parents[join.kind],
                on=conjunction([compared(col(own, "s"), "=", col(theirs, "p")) for own, theirs in (*join.on, (FEED, FEED))]),
            )
        if self.slots:
            names = list(self.slots[0][1])
            rows = [struct({"_slot": text(name), **{a: trees[a] for a in names}}) for name, trees in self.slots]
            flat = statement(
                "select * exclude (_row), {parts}, _row._slot as {slot} from {inner} z",
                parts=[alias(col(a, "_row"), f"row.{a}") for a in names],
                slot="row.",
                inner=statement("select s.*, unnest({rows}) as _row from {flat} s", rows=list_of(rows), flat=flat),
            )
        return flat


def _absent(join: Join) -> Tree:
    """True where a record names a parent that is not there; a record that names none has none to wait for."""
    named = [negation(coalesce(compared(col(own), "=", text("")), typed(text("true"), "BOOLEAN"))) for own, _ in join.on]
    return conjunction([is_null(col(f"{join.alias}.")), *named])


def _bit_set(place: int) -> Tree:
    return statement("select (_issues & {mask}) <> 0", mask=integer(2**place)).expressions[0]
