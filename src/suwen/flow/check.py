"""`suwen check`: the meaning of every expression: of templates held against kinds, model, code maps and the other targets; of indicators in `check_indicators`.

Shapes were checked when the packs were loaded. Mistakes are gathered, not raised: one reading tells all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suwen.base.errors import Place, SuwenError
from suwen.engine.compile import Context, compile_all, compile_expression
from suwen.engine.mentions import Mentions, mentions
from suwen.engine.slots import typed_slots
from suwen.engine.sql import Tree, null, typed
from suwen.engine.typing_rules import LANGUAGE_TYPES
from suwen.flow.check_indicators import check_indicators
from suwen.model.cdm import Column, Type
from suwen.model.pack import Expression, Target, Template
from suwen.model.vocabulary import VOCABULARIES
from suwen.packs.loader import Packs
from suwen.packs.problem import Problem, Problems, nearest
from suwen.packs.promised import column_of
from suwen.packs.structure import Part, Role, expressions

Proven = set[tuple[object, ...]]
Checked = tuple[Expression, str | None]

_EXPECTED = {
    Role.TOMBSTONE: "boolean",
    Role.WINDOW: "date",
    Role.KEY: "text",
    Role.FILTER: "boolean",
    Role.CODE: "text",
    Role.SYSTEM: "text",
}
_MAY_NAME_CONCEPTS = (Role.COLUMN, Role.FILTER)
_ORDERS = ("integer", "time")


def check(packs: Packs, proven: Proven | None = None) -> list[Problem]:
    """Every mistake of meaning in templates and indicators, sorted by file and line; empty when there is none.

    `proven` holds expressions that compiled before, each with the columns it saw; checking again after a small change compiles only what changed.
    """
    problems = Problems()
    for template in packs.templates.values():
        _TemplateCheck(template, packs, problems, set() if proven is None else proven).run()
    check_indicators(packs, problems, set() if proven is None else proven)
    return sorted(set(problems))


class _TemplateCheck:
    """One template, target by target."""

    def __init__(self, template: Template, packs: Packs, problems: Problems, proven: Proven) -> None:
        self.template, self.problems, self.proven = template, problems, proven
        self.systems = {*packs.code_maps, *VOCABULARIES}

    def run(self) -> None:
        required: dict[str, list[tuple[str, Place]]] = {}
        groups: dict[tuple[str, str], list[Part]] = {}
        for part in expressions(self.template):
            groups.setdefault((part.kind, part.target), []).append(part)
        for (kind, name), parts in groups.items():
            target = self.template.targets.get(name)
            readable = [(part, found) for part in parts if (found := self._mentions(part)) is not None]
            for part, found in readable:
                self._names(part, found, target, required)
            self._compile_group([part for part, _ in readable], self._columns(kind, target), target)
        self._cycles(required)

    def _mentions(self, part: Part) -> Mentions | None:
        """What an expression names; None, and a problem, where it cannot be read."""
        try:
            return mentions(part.expression)
        except SuwenError as error:
            self.problems.add_error(error, part.expression.place.file)
            return None

    def _columns(self, kind: str, target: Target | None) -> dict[str, str]:
        """The columns of the kind and of joined kinds, all of them text."""
        seen = self.template.kinds[kind]
        names = [*seen.columns, *seen.optional]
        for join in target.joins if target else ():
            other = self.template.kinds[join.kind]
            names += [f"{join.alias}.{column}" for column in (*other.columns, *other.optional)]
        return dict.fromkeys(names, "text")

    def _compile_group(self, parts: Sequence[Part], columns: Mapping[str, str], target: Target | None) -> None:
        """The expressions of a kind or target; where its named rows have a mistake, those that use them are left for the next reading."""
        others = [part for part in parts if part.role is not Role.SLOT]
        if target and target.rows:
            types = self._row_types(target, [part.expression for part in parts if part.role is Role.SLOT], Context(columns))
            columns = {**columns, **{f"row.{alias}": type_ for alias, type_ in types.items()}}
            others = others if types else [part for part in others if "row." not in part.expression.text]
        self._compile(others, columns, target)

    def _row_types(self, target: Target, readable: Sequence[Expression], context: Context) -> Mapping[str, str]:
        """The type of each alias; {} and problems where the rows have mistakes."""
        if len(readable) < sum(len(slot.set) for slot in target.rows):
            return {}
        try:
            types, errors = typed_slots(target.rows, context)
        except SuwenError:
            for expression in readable:
                self._compile_one((expression, None), context)
            return {}
        for error in errors:
            self.problems.add_error(error, target.place.file)
        return {} if errors else types

    def _compile(self, parts: Sequence[Part], columns: Mapping[str, str], target: Target | None) -> None:
        """Names and types: all expressions of a group in one statement; one by one where that finds a mistake."""
        seen, context = tuple(columns.items()), Context(columns, resolve_ref=_any_ref, resolve_concept=_any_concept)
        keys = {part: (seen, part.role, part.expression.text, _expected(part, target)) for part in parts}
        new = [part for part in parts if keys[part] not in self.proven]
        items = [(part.expression, _expected(part, target)) for part in new]
        try:
            types = [one.type for one in compile_all(items, context)]
        except SuwenError:
            types = [self._compile_one(item, context) for item in items]
        for part, type_ in zip(new, types, strict=True):
            if part.role is Role.VERSION and type_ and type_ not in _ORDERS:
                self._problem(
                    part, f"a version of type {type_}", expected=f"type {' or '.join(_ORDERS)}", do="convert it with integer(...) or time_of(..., 'form')"
                )
            elif type_:
                self.proven.add(keys[part])

    def _compile_one(self, item: Checked, context: Context) -> str:
        try:
            return compile_expression(item[0], context, item[1]).type
        except SuwenError as error:
            self.problems.add_error(error, item[0].place.file)
            return ""

    def _problem(self, part: Part, what: str, *, expected: str = "", do: str = "") -> None:
        self.problems.add(part.expression.place, what, expected=expected, do=do)

    def _names(self, part: Part, found: Mentions, target: Target | None, required: dict[str, list[tuple[str, Place]]]) -> None:
        """Targets and code systems an expression names."""
        for system in found.systems:
            if part.role not in _MAY_NAME_CONCEPTS:
                self._problem(part, f"a concept in a {part.role} expression", expected="concept(...) in columns and filters only")
            else:
                self._system(part, system)
        if part.role is Role.SYSTEM:
            for system in found.texts:
                self._system(part, system)
        if part.role is not Role.COLUMN:
            for _ in found.refs:
                self._problem(part, f"a ref in a {part.role} expression", expected="ref(...) in columns only")
            return
        assert target is not None
        column = column_of(target.table, target.event, part.name)
        if column.type is Type.BIGINT and not found.refs:
            self._problem(part, f'"{part.name}" is the id of another row, but names none', expected="ref('target', ...)")
        for name, size in found.refs:
            if self._ref(part, column, name, size) and (part.name in target.require or _is_parent(target, column)):
                required.setdefault(target.name, []).append((name, part.expression.place))

    def _system(self, part: Part, system: str) -> None:
        if system not in self.systems:
            self._problem(
                part,
                f'unknown code map or vocabulary "{system}"',
                expected="a code map of the packs in use or an OMOP vocabulary",
                do=nearest(system, self.systems),
            )

    def _ref(self, part: Part, column: Column, name: str, size: int) -> bool:
        """Whether a reference is sound: to a target with a key of that size, whose table is the one the column refers to."""
        before = len(self.problems)
        other = self.template.targets.get(name)
        if other is None:
            self._problem(part, f'ref to unknown target "{name}"', expected="a target of this template", do=nearest(name, self.template.targets))
            return False
        parts = len(other.key or self.template.kinds[other.source].key)
        if not parts:
            self._problem(part, f'ref to target "{name}", which has no key', expected="a target with a key", do=f'give [target.{name}] a "key"')
        elif parts != size:
            self._problem(part, f'ref to target "{name}" with {size} key part{"" if size == 1 else "s"}', expected=f"{parts}, as the target's key has")
        if other.rows:
            self._problem(part, f'ref to target "{name}", which makes several rows of a record', expected="a target without named rows")
        if column.type is not Type.BIGINT:
            self._problem(part, f'a ref fills "{column.name}", which holds no id', expected="a ref in a column of ids")
        elif column.references and (other.event or other.table != column.references[0]):
            made = "events" if other.event else f'rows of "{other.table}"'
            self._problem(part, f'"{column.name}" refers to "{column.references[0]}", but target "{name}" makes {made}', do="name a target of that table")
        return len(self.problems) == before

    def _cycles(self, required: Mapping[str, Sequence[tuple[str, Place]]]) -> None:
        """Records that wait for each other would wait for ever."""
        for start, edges in required.items():
            for name, place in edges:
                way = _way(required, name, start, (start,))
                if way:
                    self.problems.add(place, f"required references go in a circle: {' > '.join(way)}", do='take one of them out of "require"')


def _is_parent(target: Target, column: Column) -> bool:
    """The person of a row is always required."""
    return column.references == ("person", "person_id") and target.table != "person"


def _way(edges: Mapping[str, Sequence[tuple[str, Place]]], at: str, goal: str, gone: tuple[str, ...]) -> tuple[str, ...]:
    """A way along the edges from `at` to `goal`, () when there is none."""
    if at == goal:
        return (*gone, at)
    if at in gone:
        return ()
    return next((way for name, _ in edges.get(at, ()) if (way := _way(edges, name, goal, (*gone, at)))), ())


def _expected(part: Part, target: Target | None) -> str | None:
    if part.role is not Role.COLUMN:
        return _EXPECTED.get(part.role)
    assert target is not None
    return LANGUAGE_TYPES[column_of(target.table, target.event, part.name).type]


def _any_ref(target: str, key: Sequence[Tree]) -> Tree:
    return typed(null(), "BIGINT")


def _any_concept(system: str, code: Tree, source: bool) -> Tree:
    return typed(null(), "BIGINT")
