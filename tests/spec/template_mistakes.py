"""Mistakes of shape in a template: keys, types, names, kinds, targets, examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suwen.packs.promised import made_columns, promises
from tests.spec.mistakes import Declaration, Edit, Path_, Register, quoted

REGISTER = Register()
mistake = REGISTER.mistake

_FREE = ("columns", "on", "set", "given", "expect")  # tables whose keys are the user's own names


def _is_key(path: Path_) -> bool:
    """Whether a path ends in a key that the language names, not the user."""
    if isinstance(path[-1], int):
        return False
    outer = path[:-1]
    if path[0] == "example" and len(path) > 3:
        return False
    return not (outer and (outer[-1] in _FREE or outer in {("kind",), ("target",)} or outer[-1] == "join"))


def _pairs(declaration: Declaration) -> Iterator[tuple[Path_, Any]]:
    """Every written key that is not a table of its own."""
    for path in declaration.document.lines:
        value = declaration.value(path)
        tables = isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict))
        if path in declaration.spans.pairs and not tables:
            yield path, value


def each(declaration: Declaration, *patterns: str) -> Iterator[tuple[Path_, int]]:
    for pattern in patterns:
        for path in declaration.find(pattern):
            yield path, declaration.place(*path)


def _set(name: str, new: str, says: str, *patterns: str) -> None:
    """A mistake that gives a key a wrong value wherever it stands."""

    @mistake(name)
    def _(declaration: Declaration) -> Iterator[Edit]:
        for path, line in each(declaration, *patterns):
            yield Edit(declaration.set(path, new), line, says)


def _missing(name: str, *patterns: str) -> None:
    """A mistake that leaves out a key."""

    @mistake(name)
    def _(declaration: Declaration) -> Iterator[Edit]:
        for path, _ in each(declaration, *patterns):
            if path in declaration.spans.pairs:
                yield Edit(declaration.remove(path), declaration.place(*path[:-1]), f'missing "{path[-1]}"')


@mistake("an unknown key")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path in declaration.document.lines:
        if _is_key(path) and not (len(path) == 1 and isinstance(declaration.value(path), dict | list)):
            yield Edit(declaration.rename(path, f"{path[-1]}_"), declaration.place(*path), f'unknown key "{path[-1]}_"', path)


@mistake("an unknown table", alone=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for number, line in enumerate(declaration.lines, 1):
        if line.startswith("[") and not line.startswith("[[example]"):  # without it the tables below it are none of its own, and TOML refuses them
            name = line.strip("[").split(".")[0].split("]")[0]
            yield Edit(declaration.whole_line(number, line.replace(name, f"{name}s", 1)), number, f'unknown key "{name}s"')


_missing("a key left out of the head", "name", "title", "owner", "title.en", "title.zh", "source.citation", "source.version", "source.standing")
_missing("a key left out of a kind", "kind.*.files", "kind.*.columns")
_missing("the kind left out of a target", "target.*.from")
_missing("a key left out of a join", "target.*.join.*.kind", "target.*.join.*.on")
_missing("a key left out of a named row", "target.*.rows.*.name", "target.*.rows.*.set")
_missing("a key left out of a filter", "target.*.filters.*.rule", "target.*.filters.*.keep")
_missing("a code without its system, or a system without its code", "target.*.code.code", "target.*.code.system")
_missing("an example without a name", "example.*.name")


@mistake("a table left out", alone=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "source", "target.*.columns"):
        if declaration.written_as_block(path):
            yield Edit(declaration.block(line), declaration.place(*path[:-1]), f'missing "{path[-1]}"')
    for path, line in each(declaration, "example.*"):
        for key in ("given", "expect"):
            pairs = [found for found in declaration.spans.pairs if found[:3] == (*path, key) and len(found) == 4]
            if pairs:
                yield Edit(tuple(change for pair in pairs for change in declaration.remove(pair)), line, f'missing "{key}"')


@mistake("a number instead of a text or list")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, value in _pairs(declaration):
        if not isinstance(value, bool | int):
            yield Edit(declaration.set(path, "7"), declaration.place(*path), "is a whole number")


@mistake("a list instead of a text, number or flag")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, value in _pairs(declaration):
        if not isinstance(value, list):
            yield Edit(declaration.set(path, '["x"]'), declaration.place(*path), "is a list")


@mistake("a text instead of a list, number or flag")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, value in _pairs(declaration):
        if not isinstance(value, str):
            yield Edit(declaration.set(path, '"x"'), declaration.place(*path), "is a text")


@mistake("a table instead of a value")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, _ in _pairs(declaration):
        if path[0] in ("name", "owner", "reader", "kind"):
            yield Edit(declaration.set(path, "{ x = 1 }"), declaration.place(*path), "is a table")


@mistake("a number in a list of texts")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path in declaration.document.lines:
        if isinstance(path[-1], int) and isinstance(declaration.value(path), str):
            yield Edit(declaration.set(path, "7"), declaration.place(*path), "holds a whole number")


@mistake("a blank in a list of texts")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path in declaration.document.lines:
        if isinstance(path[-1], int) and isinstance(declaration.value(path), str) and path[-2] != "null":
            yield Edit(declaration.set(path, '" "'), declaration.place(*path), "holds a blank text")


@mistake("a blank text")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, value in _pairs(declaration):
        if isinstance(value, str) and path[0] in ("name", "owner", "title", "source", "kind", "target"):
            yield Edit(declaration.set(path, '" "'), declaration.place(*path), f'"{path[-1]}" is blank')


@mistake("a text twice in a list")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path in declaration.document.lines:
        if isinstance(path[-1], int) and isinstance(declaration.value(path), str):
            text = quoted(declaration.value(path))
            yield Edit(
                declaration.set(path, f"{text}, {text}"),
                declaration.place(*path[:-1], declaration.value(path[:-1]).index(declaration.value(path))),
                "stands twice",
            )


_set("a template's name of another form", '"Vendor System"', "is not a good name", "name")
_set("an unknown standing", '"true"', 'unknown standing "true"', "source.standing")
_set("a delimiter of two characters", '"||"', '"delimiter" has 2 characters', "reader.delimiter")
_set("a delimiter that ends lines", r'"\n"', '"delimiter" is a line end', "reader.delimiter")
_set("a quote of two characters", "\"''\"", '"quote" has 2 characters', "reader.quote")
_set("an unknown encoding", '"gb18031"', 'unknown encoding "gb18031"', "reader.encoding")
_set("an encoding that is none of text", '"base64"', 'unknown encoding "base64"', "reader.encoding")
_set("lines to skip below zero", "-1", '"skip_lines" is out of range', "reader.skip_lines")
_set("a priority below zero", "-1", '"priority" is out of range', "target.*.priority")
_set("a pattern that names a folder", '"in/*.txt"', "names a folder", "kind.*.files.*")
_set("a key column that is no column", '"nosuch"', 'key column "nosuch" is not among the columns', "kind.*.key.*")
_set("an empty key", "[]", '"key" is empty', "kind.*.key", "target.*.key")
_set("no files or columns", "[]", "is empty", "kind.*.files", "kind.*.columns")
_set("a target from an unknown kind", '"nosuch"', 'unknown kind "nosuch"', "target.*.from")
_set("an unknown table or event", '"nosuch"', 'unknown table "nosuch"', "target.*.table", "target.*.event")
_set("a table that Suwen makes", '"concept"', "is made by Suwen or loaded", "target.*.table", "target.*.event")
_set("an event of a table that is not of events", '"visit_occurrence"', "is not a table of events", "target.*.event")
_set("a key system's name of another form", '"Key System"', "is not a good name", "target.*.key_system")
_set("a rule's or row's name of another form", '"Rule 1"', "is not a good name", "target.*.filters.*.rule", "target.*.rows.*.name")
_set("a join to an unknown kind", '"nosuch"', 'join to unknown kind "nosuch"', "target.*.join.*.kind")
_set("a join by no column of the other kind's key", '"NOSUCH"', '"NOSUCH" is not a key column', "target.*.join.*.on.*")
_set("a join by nothing", "{}", "does not cover the key", "target.*.join.*.on")
_set("a named row that sets nothing", "{}", '"set" is empty', "target.*.rows.*.set")
_set("a required reference that is not set", '"nosuch"', "is not set by the target", "target.*.require.*")
_set(
    "an example's value of another type",
    '"?"',
    "is no value of",
    *(f"example.*.expect.*.*.{c}" for c in ("gender_concept_id", "year_of_birth", "birth_datetime", "start_date", "value_as_number", "visit_start_date")),
)
_set(
    "an example's id that names no row",
    '"ref:nosuch:1"',
    "names no row",
    *(f"example.*.expect.*.*.{c}" for c in ("person_id", "visit_occurrence_id", "provider_id", "location_id", "care_site_id")),
)


@mistake("the delimiter as quote")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "reader.quote"):
        yield Edit(declaration.set(path, quoted(declaration.value(("reader", "delimiter")))), line, '"quote" equals "delimiter"')


@mistake("a delivery's mode in a template")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "reader.header", "kind.*.key"):
        yield Edit(declaration.rename(path, "mode"), line, 'unknown key "mode"')


@mistake("a name of a kind, target or alias of another form")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "kind.*", "target.*", "target.*.join.*"):
        yield Edit(declaration.rename(path, f"Not-{path[-1]}"), line, f'"Not-{path[-1]}" is not a good name', path)


@mistake("a kind that is gone", alone=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "kind.*"):
        for user, at in each(declaration, "target.*.from"):
            if declaration.value(user) == path[-1]:
                yield Edit(declaration.block(line), at, f'unknown kind "{path[-1]}"')
        for user, at in each(declaration, "target.*.join.*.kind"):
            if declaration.value(user) == path[-1]:
                yield Edit(declaration.block(line), at, f'join to unknown kind "{path[-1]}"')
        for _, at in each(declaration, f"example.*.given.{path[-1]}"):
            yield Edit(declaration.block(line), at, f'example names unknown kind "{path[-1]}"')


@mistake("a pattern that belongs to another kind")
def _(declaration: Declaration) -> Iterator[Edit]:
    first = next(declaration.find("kind.*.files.*"))
    for path, line in each(declaration, "kind.*.files.*"):
        if path[1] != first[1]:
            yield Edit(declaration.set(path, quoted(declaration.value(first).upper())), line, f'also belongs to kind "{first[1]}"')


@mistake("a column that begins with _")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "kind.*.columns.*", "kind.*.optional.*"):
        name = declaration.value(path)
        yield Edit(declaration.set(path, quoted(f"_{name}")), line, f'column "_{name}" begins with _')


@mistake("a column with a space around it")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "kind.*.columns.*", "kind.*.optional.*"):
        name = declaration.value(path)
        yield Edit(declaration.set(path, quoted(f" {name}")), line, f'column "{name}" has spaces around it')


@mistake("columns that differ by capitals only")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "kind.*.columns.*"):
        name = declaration.value(path)
        other = name.swapcase()
        if other != name and other not in declaration.value(path[:-1]):
            yield Edit(declaration.set(path, f"{quoted(name)}, {quoted(other)}"), line, "only by capitals")


@mistake("an optional column that is also promised")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "kind.*.optional.*"):
        column = declaration.value((*path[:2], "columns", 0))
        yield Edit(declaration.set(path, quoted(column)), line, 'stands in "columns" and in "optional"')


@mistake("both a table and an event", alone=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, own in each(declaration, "target.*"):
        other = "event" if "table" in declaration.value(path) else "table"
        at = own + 1 if other == "event" else declaration.place(*path, "event") + 1
        yield Edit(declaration.whole_line(own, f'{declaration.line(own)}\n{other} = "observation"'), at, 'both "table" and "event"')


@mistake("neither a table nor an event")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, _ in each(declaration, "target.*.table", "target.*.event"):
        yield Edit(declaration.remove(path), declaration.place(*path[:2]), 'neither "table" nor "event"')


@mistake("a column that the table or event has not")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "target.*.columns.*"):
        yield Edit(declaration.rename(path, f"no_such_{path[-1]}"), line, f'has no column "no_such_{path[-1]}"')


@mistake("a column that Suwen makes")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "target.*.columns.*"):
        target = declaration.template.targets[str(path[1])]
        for made in made_columns(target.table, target.event)[:1]:
            yield Edit(declaration.rename(path, made), line, f'"{made}" is made by Suwen', group=target.name)


@mistake("a promised column that is missing")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, _ in each(declaration, "target.*.columns.*"):
        target = declaration.template.targets[str(path[1])]
        given = set(target.columns) - {path[-1]}
        for enough in promises(target.table, target.event):
            if path[-1] in enough and not given & set(enough):
                yield Edit(declaration.remove(path), declaration.place(*path[:-1]), f'does not set "{enough[0]}"')


@mistake("a code in a target that is not an event")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "target.*.code"):
        target = declaration.template.targets[str(path[1])]
        at = declaration.place(*path[:2], "event")
        yield Edit(declaration.whole_line(at, f'table = "{target.table}"'), line, "a code stands in a target that is not an event")


@mistake("an alias that means the named rows")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "target.*.join.*"):
        yield Edit(declaration.rename(path, "row"), line, 'alias "row" is taken', group=str(path[1]))


@mistake("a join by a column that the kind has not")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "target.*.join.*.on.*"):
        yield Edit(declaration.rename(path, "NOSUCH"), line, 'has no column "NOSUCH"')


@mistake("a join that leaves out part of the key")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "target.*.join.*.on"):
        if len(declaration.value(path)) > 1:
            for column in declaration.value(path):
                yield Edit(declaration.remove((*path, column)), line, "does not cover the key")


@mistake("a join to a kind without a key", alone=True)
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, _ in each(declaration, "target.*.join.*.kind"):
        key = ("kind", declaration.value(path), "key")
        yield Edit(declaration.remove(key), declaration.place(*path[:-1], "on"), "is not a key column")


@mistake("two named rows, filters or examples of one name")
def _(declaration: Declaration) -> Iterator[Edit]:
    for pattern, says in (
        ("target.*.rows.*.name", "two rows are named"),
        ("target.*.filters.*.rule", "two filters of the target"),
        ("example.*.name", "two examples are named"),
    ):
        for path, line in each(declaration, pattern):
            first = declaration.value((*path[:-2], 0, path[-1]))
            if path[-2] != 0:
                yield Edit(declaration.set(path, quoted(first)), line, says)


@mistake("an alias that other rows do not set")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "target.*.rows.*.set.*"):
        if path[3] != 0:
            yield Edit(declaration.rename(path, "other"), line, "sets other aliases")


@mistake("a required column that is not set by a ref")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "target.*.require.*"):
        target = declaration.template.targets[str(path[1])]
        plain = next(name for name, e in target.columns.items() if not e.text.startswith("ref("))
        yield Edit(declaration.set(path, quoted(plain)), line, "is not set by a ref")


@mistake("an example of an unknown kind or target")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "example.*.given.*", "example.*.expect.*"):
        what = "kind" if path[2] == "given" else "target"
        yield Edit(declaration.rename(path, f"no_{path[-1]}"), line, f'example names unknown {what} "no_{path[-1]}"')


@mistake("an example's column that is not there")
def _(declaration: Declaration) -> Iterator[Edit]:
    for path, line in each(declaration, "example.*.given.*.*.*", "example.*.expect.*.*.*"):
        yield Edit(declaration.rename(path, f"no_such_{path[-1]}"), line, f'has no column "no_such_{path[-1]}"')
