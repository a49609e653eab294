"""The lineage of columns as a template declares it: which expression, on which line, makes a column out of which source columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suwen.engine.compile import Context, compile_all
from suwen.engine.slots import slot_types
from suwen.engine.sql import Tree, null, typed
from suwen.model import event
from suwen.model.extension import ALL_TABLES
from suwen.model.pack import Expression, Kind, Target, Template

OWN = ""  # the record itself, beside the aliases of its joined parents
ROW = "row"  # the alias of a target's named rows
CONTENT = "the record's content"  # how the id of a record without a key is made: everything in it is read, nothing of it is meant
Source = tuple[str, str]  # (alias of the joined parent or OWN, source column)


@dataclass(frozen=True)
class Step:
    """One expression that gives a column its value: its text and place, the source columns it names, and `how` where more than itself is meant."""

    expression: Expression
    sources: tuple[Source, ...]
    how: str = ""


@dataclass(frozen=True)
class TargetLineage:
    """Steps by the target's own column names (generic ones of an event), in the order in which the first that has a value gives it.

    `slots`: per named row and alias the source columns of `row.<alias>`; `joins`: per alias the source columns that find the parent.
    """

    target: Target
    steps: Mapping[str, tuple[Step, ...]]
    slots: Mapping[str, Mapping[str, tuple[Source, ...]]]
    joins: Mapping[str, tuple[str, ...]]

    def of_table(self, table: str, slot: str | None = None) -> Mapping[str, tuple[Step, ...]]:
        """Steps by the physical columns of a table the target fills. `slot`: the named row it comes of; None means it may be any."""
        physical = event.columns_of(table) if self.target.event else {name: name for name in ALL_TABLES[table].row_columns}
        found: dict[str, tuple[Step, ...]] = {}
        for column, name in physical.items():
            is_made = column == ALL_TABLES[table].id_column and name not in self.steps
            steps = self._with_defaults("id" if is_made else name, table)
            if steps:
                found[column] = tuple(self._in_slot(step, slot) for step in steps)
        return found

    def _with_defaults(self, name: str, table: str) -> tuple[Step, ...]:
        """A column's own step, then those of the columns that do instead, as the model's defaults say."""
        steps = list(self.steps.get(name, ()))
        for rule in event.DEFAULTS if self.target.event else ():
            if rule.column == name and (not rule.tables or table in rule.tables):
                names = (rule.source, "start_date") if rule.how == "last day of supply" else (rule.source,)
                said = f"{'the same as' if rule.how == 'same' else rule.how} {rule.source}"
                steps += [replace(step, how=f"{said}, {step.how}" if step.how else said) for one in names for step in self._with_defaults(one, table)]
        return tuple(steps)

    def _in_slot(self, step: Step, slot: str | None) -> Step:
        """A step with the source columns of named rows in the place of `row.<alias>`, saying which row it is."""
        found: list[Source] = []
        for alias, column in step.sources:
            if alias == ROW and self.slots:
                found += [source for name, of in self.slots.items() if slot in (None, name) for source in of.get(column, ())]
            else:
                found.append((alias, column))
        named = f"row {slot}" if slot and any(alias == ROW for alias, _ in step.sources) else ""
        return replace(step, sources=tuple(dict.fromkeys(found)), how=", ".join(part for part in (named, step.how) if part))


def target_lineage(template: Template, target: Target) -> TargetLineage:
    """The lineage of one target's columns. Raises SuwenError at the place of an expression that does not compile."""
    plain = _context(template, target, {})
    slots = {slot.name: dict(zip(slot.set, _sources(list(slot.set.values()), plain), strict=True)) for slot in target.rows}
    context = column_context(template, target)
    columns = list(target.columns)
    steps: dict[str, tuple[Step, ...]] = {
        name: (Step(target.columns[name], sources),) for name, sources in zip(columns, _sources(list(target.columns.values()), context), strict=True)
    }
    steps["id"] = _identity(template, target, context)
    if target.code is not None:
        code = [target.code.code, target.code.system]
        made = tuple(Step(one, sources, how) for one, sources, how in zip(code, _sources(code, context), ("code", "system of the code"), strict=True))
        steps["concept_id"] = steps["source_concept_id"] = made
        steps.setdefault("source_value", made[:1])
    joins = {join.alias: tuple(own for own, _ in join.on) for join in target.joins}
    return TargetLineage(target, steps, slots, joins)


def named_columns(kind: Kind, expression: Expression) -> tuple[str, ...]:
    """The columns of a kind that an expression over its records alone names."""
    context = Context(dict.fromkeys((*kind.columns, *kind.optional), "text"), "UTC", _any_id, _any_concept)
    return tuple(column for _, column in _sources([expression], context)[0])


def _identity(template: Template, target: Target, context: Context) -> tuple[Step, ...]:
    """What a row's id is made of: the key, or of a record without one everything in it."""
    kind = template.kinds[target.source]
    if target.key:
        return tuple(Step(one, sources, "key") for one, sources in zip(target.key, _sources(list(target.key), context), strict=True))
    columns = kind.key or (*kind.columns, *kind.optional)
    how = "key" if kind.key else CONTENT
    return (Step(Expression(", ".join(columns), target.place if kind.key else kind.place), tuple((OWN, column) for column in columns), how),)


def column_context(template: Template, target: Target) -> Context:
    """What the expressions of a target's columns and filters may name: source columns as text, joined parents by alias, and its named rows."""
    plain = _context(template, target, {})
    return _context(template, target, {f"{ROW}.{alias}": kind for alias, kind in slot_types(target.rows, plain).items()})


def _context(template: Template, target: Target, rows: Mapping[str, str]) -> Context:
    kind = template.kinds[target.source]
    columns = dict.fromkeys((*kind.columns, *kind.optional), "text")
    for join in target.joins:
        parent = template.kinds[join.kind]
        columns |= {f"{join.alias}.{column}": "text" for column in (*parent.columns, *parent.optional)}
    return Context({**columns, **rows}, "UTC", _any_id, _any_concept)


def _sources(expressions: Sequence[Expression], context: Context) -> list[tuple[Source, ...]]:
    if not expressions:
        return []
    qualified = {name for name in context.columns if "." in name}
    return [tuple(sorted(_source(name, qualified) for name in one.columns)) for one in compile_all([(e, None) for e in expressions], context)]


def _source(name: str, qualified: set[str]) -> Source:
    alias, dot, column = name.partition(".")
    return (alias, column) if dot and name in qualified else (OWN, name)


def _any_id(target: str, key: Sequence[Tree]) -> Tree:
    return typed(null(), "BIGINT")


def _any_concept(system: str, code: Tree, source: bool) -> Tree:
    return typed(null(), "INTEGER")
