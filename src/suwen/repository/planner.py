"""From a template to mapping plans: expressions compiled, references and codes resolved, tables and reasons settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from suwen.base.errors import SuwenError
from suwen.engine import hash as hashing
from suwen.engine.compile import Compiled, Context, compile_all
from suwen.engine.slots import slot_types
from suwen.engine.sql import (
    Tree,
    call,
    case,
    coalesce,
    col,
    compared,
    conjunction,
    disjunction,
    flattened_columns,
    in_numbers,
    integer,
    is_null,
    null,
    text,
    tried,
    typed,
)
from suwen.model import event
from suwen.model.extension import ALL_TABLES
from suwen.model.functions import DUCKDB_TYPES, OPERATORS, WIDENINGS
from suwen.model.pack import Expression, Kind, Target, Template
from suwen.model.staging import OWNER
from suwen.repository.code_resolution import NOT_STANDARD, UNMAPPED, unknown
from suwen.repository.identifiers import IDENTIFIERS
from suwen.repository.mapping import Check, Lookup, Mapped, MappingPlan
from suwen.repository.record_index import KindExpressions

READ_CODES = {"date_of": "MAP-010", "time_of": "MAP-013", "local_time": "MAP-013", "boolean": "MAP-012"}
STANDINGS = {UNMAPPED: "MAP-020", NOT_STANDARD: "MAP-021"}
_TOO_LARGE = {o.symbol for o in OPERATORS} | {w.name for w in WIDENINGS.values()}
_TYPE_NAMES = {
    "VARCHAR": "text",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DATE": "date",
    "TIMESTAMP": "time",
    "BOOLEAN": "boolean",
    "DECIMAL(18,4)": "money",
    "DECIMAL(24,8)": "number",
}
_LARGEST = 2**31 - 1
RECORD_KEY = "_key"  # a keyless record's own key, a column of its staged relation


@dataclass(frozen=True)
class Place:
    """For which feeds a template is compiled: their zone, their key systems, the width of ids and the exceptions to them.

    `bound`: the same was compiled before, so that the binder need not look again.
    """

    zone: str
    key_systems: Mapping[str, str] = field(default_factory=dict)
    bits: int = hashing.BITS
    replacements: Mapping[str, int] = field(default_factory=dict)
    bound: bool = False


def kind_expressions(kind: Kind, zone: str) -> KindExpressions:
    """A kind's version (as BIGINT), tombstone and window, compiled."""
    context = Context({c: "text" for c in (*kind.columns, *kind.optional)}, zone)
    version = compile_all([(kind.version, None)], context)[0] if kind.version else None
    tombstone = compile_all([(kind.tombstone, "boolean")], context)[0] if kind.tombstone else None
    window = compile_all([(kind.window, "date")], context)[0] if kind.window else None
    number = None if version is None else call("epoch_us", version.tree) if version.type == "time" else version.tree
    return KindExpressions(number, tombstone.tree if tombstone else None, window.tree if window else None)


def plan_target(template: Template, target: Target, place: Place) -> MappingPlan:
    """The compiled plan of one target; SuwenError at the place of what is wrong."""
    return _Planner(template, target, place).plan()


def reference(template: Template, target: Target, parts: Sequence[str], place: Place) -> Tree:
    """The id of the row that a target makes of a key, as `ref('target', ...)` gives it; of the owner that the column `OWNER` says."""
    return _Planner(template, target, place).id_of_key([text(part) for part in parts])


class _Planner:
    def __init__(self, template: Template, target: Target, place: Place) -> None:
        self.template, self.target, self.place = template, target, place
        self.kind = template.kinds[target.source]
        self.lookups: list[Lookup] = []

    def plan(self) -> MappingPlan:
        target = self.target
        self.slots = self._slots()
        context = self._context(slots=True)
        columns = self._columns(context)
        checks = self._checks(columns)
        main = self._main_code(context)
        filters = [(f.rule, _flat(compile_all([(f.keep, "boolean")], context)[0].tree)) for f in target.filters]
        identifier, check, own_key, key_md5 = self._identity(context, dict(columns), main)
        mapped = [*self._made(main), *(self._mapped(name, c) for name, c in columns)]
        checks += tuple(Check("MAP-030", name, failed) for name, c in columns for failed in self._too_large(name, c, main))
        unmapped = tuple(
            Check(code, _column_of(lookup, mapped), _standing(lookup, standing)) for lookup in self.lookups for standing, code in STANDINGS.items()
        )
        day = self._day(context)
        used = self._used(context, [*(c for _, c in columns), *([day] if day else [])])
        tables = event.EVENT_TABLES if target.event else (target.table,)
        return MappingPlan(
            template=self.template.name, kind=self.kind, target=target, source_columns=used[""],
            joined={j.alias: tuple(sorted({*used.get(j.alias, ()), *(theirs for _, theirs in j.on)})) for j in target.joins},
            slots=self.slots, lookups=tuple(self.lookups), columns=tuple(_with_defaults(mapped) if target.event else mapped), checks=checks + unmapped,
            filters=tuple(filters), identifier=identifier, check=check, tables=tables, table=_table(main, target), own_key=own_key, key_md5=key_md5,
            required_refs=tuple(dict.fromkeys([*([p] if (p := self._person()) else []), *target.require])),
            day=_flat(day.tree) if day else None,
        )  # fmt: skip

    def _checks(self, columns: Sequence[tuple[str, Compiled]]) -> tuple[Check, ...]:
        """What is said of values that cannot be read. Of identifiers nothing: what is wrong with a resident id is told of the patients of the release."""
        if not self.target.event and self.target.table == IDENTIFIERS:
            return ()
        return tuple(
            Check("MAP-030" if r.function in _TOO_LARGE else READ_CODES.get(r.function, "MAP-011"), name, _flat(r.failed))
            for name, c in columns
            for r in c.reads
        )

    def _day(self, context: Context) -> Compiled | None:
        """The kind's window where the table has no date of its own."""
        if self.target.event or ALL_TABLES[self.target.table].date_column or self.kind.window is None:
            return None
        return compile_all([(self.kind.window, "date")], context)[0]

    def _person(self) -> str | None:
        return "person_id" if self.target.table != "person" and any(n == "person_id" for n in self.target.columns) else None

    def _context(self, *, slots: bool) -> Context:
        columns = {c: "text" for c in (*self.kind.columns, *self.kind.optional)}
        for join in self.target.joins:
            other = self.template.kinds[join.kind]
            columns |= {f"{join.alias}.{c}": "text" for c in (*other.columns, *other.optional)}
        if slots and self.target.rows:
            columns |= {f"row.{a}": type_ for a, type_ in self._slot_types().items()}
        return Context(columns, self.place.zone, self._ref, self._concept, bound=self.place.bound)

    def _slots(self) -> tuple[tuple[str, Mapping[str, Tree]], ...]:
        context, types = self._context(slots=False), self._slot_types()
        made = []
        for slot in self.target.rows:
            compiled = compile_all([(e, types[a]) for a, e in slot.set.items()], context)
            made.append((slot.name, {a: typed(_flat(c.tree), DUCKDB_TYPES[types[a]]) for a, c in zip(slot.set, compiled, strict=True)}))
        return tuple(made)

    def _slot_types(self) -> Mapping[str, str]:
        return slot_types(self.target.rows, self._context(slots=False)) if self.target.rows else {}

    def _columns(self, context: Context) -> list[tuple[str, Compiled]]:
        items = [(e, _TYPE_NAMES[self._type(n)]) for n, e in self.target.columns.items()]
        return list(zip(self.target.columns, compile_all(items, context), strict=True))

    def _type(self, name: str) -> str:
        if self.target.event:
            return str(event.GENERIC[name].type)
        return str(ALL_TABLES[self.target.table].column(name).type)

    def _ref(self, target: str, parts: Sequence[Tree]) -> Tree:
        other = self.template.targets.get(target)
        if other is None:
            raise SuwenError(f'no target "{target}" in this template', expected=f"one of {', '.join(self.template.targets)}")
        keys = [_flat(p) for p in parts]
        nothing = (disjunction([compared(key.copy(), "=", text("")) for key in keys]), typed(null(), "BIGINT"))
        return case([nothing], self._entity(other, keys, None))  # an empty number in quotes names nobody, as one without

    def _entity(self, target: Target, parts: Sequence[Tree], slot: Tree | None) -> Tree:
        system = self.place.key_systems.get(target.name, target.key_system or target.name)
        plain = hashing.entity_id(target.name, system, parts, slot, col(OWNER), self.place.bits)
        return hashing.excepted(plain, self._entity_md5(target, parts, slot), self.place.replacements)

    def id_of_key(self, parts: Sequence[Tree]) -> Tree:
        return self._entity(self.target, parts, None)

    def _entity_md5(self, target: Target, parts: Sequence[Tree], slot: Tree | None) -> Tree:
        system = self.place.key_systems.get(target.name, target.key_system or target.name)
        return hashing.entity_md5(target.name, system, parts, slot, col(OWNER))

    def _concept(self, system: str, code: Tree, source: bool) -> Tree:
        found = self._lookup(text(system), _flat(code))
        if source:
            return col(f"{found.alias}.source_concept_id")
        return case([(_untold(found), typed(null(), "INTEGER"))], coalesce(col(f"{found.alias}.concept_id"), integer(0)))

    def _lookup(self, system: Tree, code: Tree, *, every: bool = False) -> Lookup:
        for known in self.lookups:
            if known.system == system and known.code == code and known.every == every:
                return known
        made = Lookup("code" if every else f"code{len(self.lookups)}", system, code, every)
        self.lookups.append(made)
        return made

    def _main_code(self, context: Context) -> Lookup | None:
        if self.target.code is None:
            return None
        code, system = compile_all([(self.target.code.code, "text"), (self.target.code.system, "text")], context)
        self._code_columns = code.columns | system.columns
        return self._lookup(_flat(system.tree), _flat(code.tree), every=True)

    def _made(self, main: Lookup | None) -> list[Mapped]:
        """The concepts of an event's code, 0 where it has none, and the code itself where the template says nothing else."""
        if not self.target.event:
            return []
        concepts = {m for m in event.MADE if m != "id"}
        made = [Mapped(m, "INTEGER", coalesce(col(f"code.{m}"), integer(0)) if main else integer(0), m == "concept_id") for m in sorted(concepts)]
        if main and "source_value" not in self.target.columns:
            made.append(Mapped("source_value", "VARCHAR", main.code, False))
        return made

    def _mapped(self, name: str, compiled: Compiled) -> Mapped:
        tree = tried(_flat(compiled.tree), "INTEGER") if self._may_not_fit(name, compiled) else _flat(compiled.tree)
        if self.target.event:
            required = any(name in group and len(group) == 1 for group in event.PROMISED) or name == "person_id"
        else:  # a concept nobody tells is 0, but only once the row's sources are merged: see rows.completed
            column = ALL_TABLES[self.target.table].column(name)
            required = column.required and not column.is_concept
        return Mapped(name, self._type(name), tree, required)

    def _may_not_fit(self, name: str, compiled: Compiled) -> bool:
        """Whether a whole number of 64 bits goes into a column of 32; parts of dates and the like are never so large."""
        return self._type(name) == "INTEGER" and any(read.function not in READ_CODES for read in compiled.reads)

    def _too_large(self, name: str, compiled: Compiled, main: Lookup | None) -> list[Tree]:
        """The condition of a number that its column cannot hold: too many digits, or a fraction where the table the row goes to counts in whole ones."""
        tree = _flat(compiled.tree)
        outside = disjunction([compared(tree, ">", integer(_LARGEST)), compared(tree, "<", integer(-_LARGEST - 1))])
        if self._may_not_fit(name, compiled):
            return [outside]
        whole = [at for at, t in enumerate(event.EVENT_TABLES) if self.target.event and event.counts_whole(name, t)]
        if not whole:
            return []
        return [conjunction([in_numbers(_table(main, self.target), whole), disjunction([outside, compared(tree, "<>", call("trunc", tree.copy()))])])]

    def _identity(self, context: Context, columns: Mapping[str, Compiled], main: Lookup | None) -> tuple[Tree, Tree, bool, Tree]:
        """(id, check, whether the key is the record's own, so that no other record of the kind can make the same row, md5 of the key)."""
        slot = self._slot(main)
        borrowed = None if self.target.event else ALL_TABLES[self.target.table].borrowed_id
        if borrowed:
            # several records may tell one person's death; that two persons have one id is seen in person
            return _flat(columns[borrowed].tree), typed(integer(0), "INTEGER"), False, text("")
        if not self.target.key and not self.kind.key:
            salt = hashing.text_hash(hashing.prefix(self.target.name, "record"), text(""), self.place.bits)
            slotted = [] if slot is None else [hashing.slot_hash(self.target.name, slot, self.place.bits)]
            told = [hashing.narrowed(col(name), self.place.bits) for name in (RECORD_KEY, OWNER)]
            md5 = hashing.entity_md5(self.target.name, "record", [typed(col(RECORD_KEY), "VARCHAR")], slot, col(OWNER))
            return hashing.excepted(hashing.xored([*told, salt, *slotted]), md5, self.place.replacements), typed(integer(0), "INTEGER"), True, md5
        keys = self.target.key or tuple(Expression(_quoted(c), self.kind.place) for c in self.kind.key)
        parts = [_flat(c.tree) for c in compile_all([(k, "text") for k in keys], context)]
        own = (bool(self.kind.key) and [e.text for e in keys] == list(self.kind.key)) or not self.target.key
        return self._entity(self.target, parts, slot), hashing.record_check(parts), own, self._entity_md5(self.target, parts, slot)

    def _slot(self, main: Lookup | None) -> Tree | None:
        parts: list[Tree] = [col("row.")] if self.target.rows else []
        if main is not None:
            parts.append(coalesce(col("code.slot"), text("")))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else call("concat", parts[0], text("|"), parts[1])

    def _used(self, context: Context, compiled: Sequence[Compiled]) -> dict[str, tuple[str, ...]]:
        """Source columns read anywhere in the plan, by join alias ("" for the kind's own)."""
        names = set().union(*(c.columns for c in compiled)) if compiled else set()
        expressions = [e for s in self.target.rows for e in s.set.values()] + [f.keep for f in self.target.filters] + list(self.target.key)
        if self.target.code:
            expressions += [self.target.code.code, self.target.code.system]
        names |= set().union(*(c.columns for c in compile_all([(e, None) for e in expressions], context))) if expressions else set()
        names |= {own for j in self.target.joins for own, _ in j.on} | ({*self.kind.key} if not self.target.key else set())
        used: dict[str, set[str]] = {"": set()}
        for name in names:
            qualified = name in self._joined_names()
            head, tail = name.split(".", 1) if qualified else ("", name)
            used.setdefault(head, set()).add(tail)
        return {head: tuple(sorted(tails)) for head, tails in used.items() if head != "row"}

    def _joined_names(self) -> set[str]:
        named = {f"{j.alias}.{c}" for j in self.target.joins for c in (*self.template.kinds[j.kind].columns, *self.template.kinds[j.kind].optional)}
        return named | ({f"row.{a}" for a in self.target.rows[0].set} if self.target.rows else set())


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _flat(tree: Tree) -> Tree:
    return flattened_columns(tree)


def _standing(lookup: Lookup, standing: str) -> Tree:
    """True for a code of that standing; that of a code which was not looked up, as no vocabulary is loaded and no map knows it, depends on its system."""
    found = compared(coalesce(col(f"{lookup.alias}.standing"), unknown(lookup.system)), "=", text(standing))
    return case([(_untold(lookup), typed(text("false"), "BOOLEAN"))], found)


def _untold(lookup: Lookup) -> Tree:
    """True where the source gives no code; some systems put quotes around every text, also around none."""
    return disjunction([is_null(lookup.code), compared(lookup.code, "=", text(""))])


def _column_of(lookup: Lookup, columns: Sequence[Mapped]) -> str:
    """The first column that holds a concept of the looked-up code."""
    if lookup.every:
        return "concept_id"
    names = (f"{lookup.alias}.concept_id", f"{lookup.alias}.source_concept_id")
    return next((c.name for c in columns if any(found.name in names for found in c.tree.find_all(type(col(""))))), "")


def _table(main: Lookup | None, target: Target) -> Tree:
    """The place of the table in `event.EVENT_TABLES` by the standard concept's domain; the named table without one."""
    if not target.event:
        return integer(0)
    fallback = event.EVENT_TABLES.index(target.table)
    places = [(compared(col("code.domain"), "=", text(d)), integer(event.EVENT_TABLES.index(t))) for d, t in event.DOMAIN_TABLE.items()]
    other = event.EVENT_TABLES.index(event.OTHER_DOMAIN_TABLE)
    nothing = (compared(coalesce(col("code.domain"), text("")), "=", text("")), integer(fallback))
    return case([nothing, *places], integer(other)) if main is not None else integer(fallback)


def _with_defaults(columns: Sequence[Mapped]) -> list[Mapped]:
    """Event columns with the defaults that hold for every table filled in; the missing promised ones added."""
    by_name = {m.name: m for m in columns}
    for rule in event.DEFAULTS:
        if rule.tables or rule.source not in by_name:
            continue
        source = by_name[rule.source].tree
        value = typed(source, "DATE") if rule.how == "date of" else source
        known = by_name.get(rule.column)
        tree = coalesce(known.tree, value) if known else value
        required = rule.column in {name for group in event.PROMISED for name in group[:1]} or bool(known and known.required)
        by_name[rule.column] = Mapped(rule.column, str(event.GENERIC[rule.column].type), tree, required, "" if known else rule.source)
    for group in event.PROMISED:
        name = group[0]
        if name in by_name and not by_name[name].required:
            by_name[name] = replace(by_name[name], required=True)
    return list(by_name.values())
