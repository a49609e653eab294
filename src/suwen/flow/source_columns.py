"""Source columns from the template's side: which expressions, keys and joins of a template look at each column, and which nobody looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suwen.engine.compile import Context, compile_all
from suwen.flow.lineage import CONTENT, OWN, ROW, Step, TargetLineage, column_context, target_lineage
from suwen.model.pack import Expression, Kind, Target, Template

KEY = "key"  # what a use is called that makes no column of a row
JOIN, ORDER = "join", "version"
FILTER = "filter"


@dataclass(frozen=True)
class Use:
    """One use of a source column: the target and its column (`column` of "key", "join", "version", "filter": no column of a row), and the expression."""

    target: str
    table: str
    column: str
    expression: Expression


def uses(template: Template) -> Mapping[tuple[str, str], tuple[Use, ...]]:
    """(kind, source column) -> its uses, for every column a template names; () for one that nothing uses."""
    found: dict[tuple[str, str], list[Use]] = {(kind.name, column): [] for kind in template.kinds.values() for column in (*kind.columns, *kind.optional)}
    for kind in template.kinds.values():
        _of_kind(kind, found)
    for target in template.targets.values():
        _of_target(template, target, found)
    return {place: tuple(dict.fromkeys(of)) for place, of in found.items()}


def _of_kind(kind: Kind, found: dict[tuple[str, str], list[Use]]) -> None:
    """The record's own key, and what orders, ends and places its versions."""
    for column in kind.key:
        found[kind.name, column].append(Use("", "", KEY, Expression(column, kind.place)))
    own = [one for one in (kind.version, kind.tombstone, kind.window) if one is not None]
    context = Context(dict.fromkeys((*kind.columns, *kind.optional), "text"))
    for expression, compiled in zip(own, compile_all([(one, None) for one in own], context) if own else (), strict=True):
        for column in sorted(compiled.columns):
            found[kind.name, column].append(Use("", "", ORDER, expression))


def _of_target(template: Template, target: Target, found: dict[tuple[str, str], list[Use]]) -> None:
    lineage = target_lineage(template, target)
    kinds = {OWN: target.source, **{join.alias: join.kind for join in target.joins}}
    for name, steps in lineage.steps.items():
        for step in (one for one in steps if one.how != CONTENT):
            for place in _places(lineage, step, kinds):
                found[place].append(Use(target.name, target.table, name, step.expression))
    for join in target.joins:
        for own, theirs in join.on:
            found[target.source, own].append(Use(target.name, target.table, JOIN, Expression(f"{own} = {join.alias}.{theirs}", join.place)))
    _of_filters(template, target, lineage, kinds, found)


def _places(lineage: TargetLineage, step: Step, kinds: Mapping[str, str]) -> list[tuple[str, str]]:
    """(kind, column) of a step; of a named row's alias all columns that any row takes it from."""
    named = [source for alias, column in step.sources if alias == ROW and lineage.slots for of in lineage.slots.values() for source in of.get(column, ())]
    plain = [source for source in step.sources if source[0] != ROW or not lineage.slots]
    return [(kinds[alias], column) for alias, column in dict.fromkeys([*plain, *named])]


def _of_filters(template: Template, target: Target, lineage: TargetLineage, kinds: Mapping[str, str], found: dict[tuple[str, str], list[Use]]) -> None:
    if not target.filters:
        return
    compiled = compile_all([(rule.keep, "boolean") for rule in target.filters], column_context(template, target))
    for rule, one in zip(target.filters, compiled, strict=True):
        step = Step(rule.keep, tuple(sorted(_named(name, kinds) for name in one.columns)))
        for place in _places(lineage, step, kinds):
            found[place].append(Use(target.name, target.table, FILTER, rule.keep))


def _named(name: str, kinds: Mapping[str, str]) -> tuple[str, str]:
    alias, dot, column = name.partition(".")
    return (alias, column) if dot and (alias in kinds or alias == ROW) else (OWN, name)
