"""Mistakes in expressions, made in every expression of a template."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from suwen.engine.typing_rules import LANGUAGE_TYPES
from suwen.model.cdm import Type
from suwen.model.functions import FUNCTIONS
from suwen.packs.promised import column_of
from suwen.packs.structure import Part, Role, expressions
from tests.spec.mistakes import Declaration, Edit, Path_, Register, quoted

REGISTER = Register()
mistake = REGISTER.mistake

_TEXT = re.compile(r"'(?:[^']|'')*'")
_CALL = re.compile(r"\b([a-z_]+)\((?!\s*select)")
_NOT_CALLS = {"in", "and", "or", "not", "when", "then", "else", "case"}
_WORDS = _NOT_CALLS | {"is", "null", "between", "end", "true", "false"}


def _rewrite(declaration: Declaration, change: Callable[[Part], Iterator[tuple[str, str]]]) -> Iterator[Edit]:
    """An edit for each (new text, what must be said) of each expression."""
    for part in expressions(declaration.template):
        for text, says in change(part):
            path = _path(declaration, part)
            yield Edit(declaration.set(path, quoted(text)), part.expression.place.line, says)


def _path(declaration: Declaration, part: Part) -> Path_:
    """Where an expression stands in its file."""
    if not part.target:
        return ("kind", part.kind, str(part.role))
    target = declaration.template.targets[part.target]
    inner: dict[Role, Path_] = {
        Role.COLUMN: ("columns", part.name),
        Role.CODE: ("code", "code"),
        Role.SYSTEM: ("code", "system"),
    }
    if part.role is Role.KEY:
        inner[Role.KEY] = ("key", int(part.name) - 1)
    elif part.role is Role.FILTER:
        inner[Role.FILTER] = ("filters", [f.rule for f in target.filters].index(part.name), "keep")
    elif part.role is Role.SLOT:
        inner[Role.SLOT] = ("rows", [row.name for row in target.rows].index(part.slot), "set", part.name)
    return ("target", part.target, *inner[part.role])


def _outside_texts(text: str) -> str:
    """The expression with its literal texts blanked, of the same length."""
    return _TEXT.sub(lambda m: " " * len(m[0]), text)


def _calls(text: str) -> Iterator[tuple[str, int, int, list[tuple[int, int]]]]:
    """(function, where its name begins, where its parenthesis closes, spans of its arguments) of every call."""
    plain = _outside_texts(text)
    for found in _CALL.finditer(plain):
        if found[1] in _NOT_CALLS:
            continue
        depth, start, arguments = 0, found.end(), []
        for at in range(found.end() - 1, len(plain)):
            depth += {"(": 1, ")": -1}.get(plain[at], 0)
            if (plain[at] == "," and depth == 1) or depth == 0:
                arguments.append((start, at))
                start = at + 1
            if depth == 0:
                yield found[1], found.start(), at, arguments
                break


def _target_type(declaration: Declaration, part: Part) -> Type | None:
    if part.role is not Role.COLUMN:
        return None
    target = declaration.template.targets[part.target]
    return column_of(target.table, target.event, part.name).type


@mistake("a column that is not there")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name in re.finditer(r'"[^"]+"|\b[^\W\d]\w*(?:\.\w+)?', _outside_texts(text)):
            if name[0].lower() not in _WORDS and not text[name.end() :].startswith("("):
                yield text[: name.start()] + "NOSUCH" + text[name.end() :], "no column NOSUCH"

    yield from _rewrite(declaration, change)


@mistake("a function that is not there")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name, start, _, _ in _calls(text):
            yield text[:start] + name + "_of_no_kind" + text[start + len(name) :], f"no function {name}_of_no_kind"

    yield from _rewrite(declaration, change)


@mistake("a parenthesis that is not closed")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for found in re.finditer(r"\)", _outside_texts(text)):
            yield text[: found.start()] + text[found.end() :], "unexpected "

    yield from _rewrite(declaration, change)


@mistake("a text that is not closed")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for found in _TEXT.finditer(text):
            if "'" not in text[found.end() :]:
                yield text[: found.end() - 1] + text[found.end() :], "a text without its closing quote"

    yield from _rewrite(declaration, change)


def _whole(name: str, form: str, says: str) -> None:
    """A mistake that is made to an expression as a whole."""

    @mistake(name)
    def _(declaration: Declaration) -> Iterator[Edit]:
        yield from _rewrite(declaration, lambda part: iter([(form.format(part.expression.text), says)]))


_whole("an operator without its right side", "({}) ||", "unexpected the end of the expression")
_whole("two expressions side by side", "{} null", "unexpected 'null'")
_whole("a comment", "{} -- why", "a comment")
_whole("division, which engines do differently", "({}) / 2", "'/' at character")
_whole("a cast, which engines do differently", "cast({} as varchar)", "unexpected 'as'")
_whole("a double colon", "({})::text", "':' at character")
_whole("a subquery", "(select {})", "unexpected ")
_whole("a second statement", "{}; drop table person", "';' at character")
_whole("nesting without end", "(" * 250 + "{}" + ")" * 250, "nested too deeply")
_whole("a like, which is not in the list", "({}) like 'a%'", "unexpected 'like'")
_whole("a star", "count(*)", "unexpected '*'")


@mistake("one argument too many")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name, _, end, arguments in _calls(text):
            if name == "ref":
                yield text[:end] + ", 'x'" + text[end:], f"with {len(arguments)} key part"
            elif name not in FUNCTIONS or not FUNCTIONS[name].many:
                yield text[:end] + ", 'x'" + text[end:], f"{name} with {len(arguments) + 1} arguments"

    yield from _rewrite(declaration, change)


@mistake("an argument of another type")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name, _, _, arguments in _calls(text):
            function = FUNCTIONS.get(name)
            for at, (start, end) in enumerate(arguments):
                declared = function.arguments[min(at, len(function.arguments) - 1)] if function else None
                if name in ("concept", "source_concept") and at == 0:
                    yield text[:start] + "true" + text[end:], f"{name} of a value of type boolean"
                elif declared and declared.literal:
                    yield text[:start] + " true" + text[end:], "is not a literal of type"
                elif declared and declared.type not in ("any", "boolean"):
                    yield text[:start] + " true" + text[end:], " of boolean" if declared.type == "numeric" else f"of {name} is boolean"

    yield from _rewrite(declaration, change)


@mistake("a form of dates, times or numbers that is not there")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name, _, _, arguments in _calls(text):
            if name in FUNCTIONS and FUNCTIONS[name].forms:
                start, end = arguments[-1]
                yield text[:start] + "'no such form'" + text[end:], "no form 'no such form'"

    yield from _rewrite(declaration, change)


@mistake("an expression of another type than its column or part")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        type_ = _target_type(declaration, part)
        if part.role is Role.SLOT:
            return
        boolean = part.role in (Role.TOMBSTONE, Role.FILTER) or type_ is Type.BOOLEAN
        other = "'x'" if boolean else "true"
        yield other, "a version of type boolean" if part.role is Role.VERSION else f"an expression of type {'text' if boolean else 'boolean'}"
        if type_ and LANGUAGE_TYPES[type_] in ("integer", "date", "time", "number", "money"):
            yield "'x'", "an expression of type text"
        if type_ is Type.DATE:
            yield "start_of_day(" + part.expression.text + ")", "an expression of type time"

    yield from _rewrite(declaration, change)


@mistake("a code map or vocabulary that is not there")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name, _, _, arguments in _calls(text):
            if name in ("concept", "source_concept"):
                start, end = arguments[-1]
                yield text[:start] + " 'no-such-map'" + text[end:], 'unknown code map or vocabulary "no-such-map"'
        if part.role is Role.SYSTEM:
            for found in re.finditer(r"^'[^']*'$|(?<=then )'[^']*'|(?<=else )'[^']*'", text):
                yield text[: found.start()] + "'no-such-map'" + text[found.end() :], 'unknown code map or vocabulary "no-such-map"'

    yield from _rewrite(declaration, change)


@mistake("a code map named by an expression instead of a text")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name, _, _, arguments in _calls(text):
            if name in ("concept", "source_concept", "ref"):
                start, end = arguments[0 if name == "ref" else -1]
                yield text[:start] + " null" + text[end:], f"{name} without a name as a literal text"

    yield from _rewrite(declaration, change)


@mistake("a ref to a target that is not there")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name, _, _, arguments in _calls(text):
            if name == "ref":
                start, end = arguments[0]
                yield text[:start] + "'nosuch'" + text[end:], 'ref to unknown target "nosuch"'

    yield from _rewrite(declaration, change)


@mistake("a ref to a target of another table")
def _(declaration: Declaration) -> Iterator[Edit]:
    targets = declaration.template.targets

    def change(part: Part) -> Iterator[tuple[str, str]]:
        text = part.expression.text
        for name, _, _, arguments in _calls(text):
            target = targets[part.target] if part.target else None
            references = column_of(target.table, target.event, part.name).references if target and part.role is Role.COLUMN else None
            if name != "ref" or references is None:
                continue
            start, end = arguments[0]
            wrong = [other for other in targets.values() if other.event or other.table != references[0]]
            for other in (wrong[0], wrong[-1]):
                yield f"{text[:start]}'{other.name}'{text[end:]}", f'refers to "{references[0]}", but target "{other.name}" makes'

    yield from _rewrite(declaration, change)


@mistake("a ref in a column that holds no id")
def _(declaration: Declaration) -> Iterator[Edit]:
    keyed = next(t for t in declaration.template.targets.values() if declaration.template.kinds[t.source].key and not t.rows)
    parts = len(keyed.key or declaration.template.kinds[keyed.source].key)
    text = f"ref('{keyed.name}'{', null' * parts})"

    def change(part: Part) -> Iterator[tuple[str, str]]:
        if part.role is Role.COLUMN and _target_type(declaration, part) is not Type.BIGINT:
            yield text, "which holds no id"

    yield from _rewrite(declaration, change)


@mistake("an id that names no row")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        if _target_type(declaration, part) is Type.BIGINT:
            yield "4711", "is the id of another row, but names none"

    yield from _rewrite(declaration, change)


@mistake("a ref where none may stand")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        if part.role is not Role.COLUMN:
            yield "ref('person', null)", f"a ref in a {part.role} expression"

    yield from _rewrite(declaration, change)


@mistake("a concept where none may stand")
def _(declaration: Declaration) -> Iterator[Edit]:
    def change(part: Part) -> Iterator[tuple[str, str]]:
        if part.role not in (Role.COLUMN, Role.FILTER):
            yield "concept(null, 'Gender')", f"a concept in a {part.role} expression"

    yield from _rewrite(declaration, change)


@mistake("a named row of another type than those before")
def _(declaration: Declaration) -> Iterator[Edit]:
    firsts = {target.rows[0].name for target in declaration.template.targets.values() if target.rows}

    def change(part: Part) -> Iterator[tuple[str, str]]:
        if part.role is Role.SLOT and part.slot not in firsts:
            yield "date_of(null, 'iso')", f'"{part.name}" is date in this row'

    yield from _rewrite(declaration, change)


@mistake("a blank expression")
def _(declaration: Declaration) -> Iterator[Edit]:
    yield from _rewrite(declaration, lambda part: iter([(" ", "blank")]))
