"""Mistakes in the other files of a pack: the CSV of a code map, its head, own concepts, and pack.toml."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.spec.mistakes import Change, Declaration, Edit, Register

HEADS, ROWS, CONCEPTS, PACKS = Register(), Register(), Register(), Register()


@dataclass(frozen=True)
class Table(Declaration):
    """A CSV of a pack."""

    @cached_property
    def rows(self) -> list[tuple[int, int, list[str]]]:
        """(first line, last line, fields) of each row but the header."""
        reader, found, first = csv.reader(self.text.splitlines(keepends=True)), [], 1
        for fields in reader:
            found.append((first, reader.line_num, fields))
            first = reader.line_num + 1
        return found[1:]

    def written(self, first: int, last: int, fields: Sequence[str]) -> tuple[Change, ...]:
        """A row with other fields, in one line; the lines it does not need any more are left empty below it."""
        text = ",".join('"' + field.replace('"', '""').replace("\n", " ") + '"' if set(field) & set(',"\n') else field for field in fields)
        return (Change(self.starts[first - 1], self.starts[last - 1] + len(self.line(last)), text),)


def _field(register: Register, name: str, column: int, new: str, says: str, *, only: str = "") -> None:
    """A wrong value in one column of every row (`only`: of rows with a "concept" or a "code")."""

    @register.mistake(name)
    def _(table: Table) -> Iterator[Edit]:
        for first, last, fields in table.rows:
            if not only or bool(fields[2]) == (only == "concept"):
                yield Edit(table.written(first, last, [*fields[:column], new, *fields[column + 1 :]]), first, says)


for _register, _columns in ((ROWS, 5), (CONCEPTS, 4)):

    @_register.mistake("a header that lacks a column", alone=True)
    def _(table: Table) -> Iterator[Edit]:
        header = table.line(1).split(",")
        for at, name in enumerate(header):
            yield Edit(table.whole_line(1, ",".join([*header[:at], "x", *header[at + 1 :]])), 1, f'the header lacks the column "{name}"')

    @_register.mistake("a header with an unknown column", alone=True)
    def _(table: Table) -> Iterator[Edit]:
        yield Edit(table.whole_line(1, table.line(1) + ",x"), 1, 'the header has an unknown column "x"')

    @_register.mistake("a header with a column twice", alone=True)
    def _(table: Table) -> Iterator[Edit]:
        for name in table.line(1).split(","):
            yield Edit(table.whole_line(1, f"{table.line(1)},{name}"), 1, f'the header has the column "{name}" twice')

    @_register.mistake("a row with a field too many")
    def _(table: Table, columns: int = _columns) -> Iterator[Edit]:
        for first, last, fields in table.rows:
            yield Edit(table.written(first, last, [*fields, "x"]), first, f"the row has {columns + 1} fields")

    @_register.mistake("a row with a field too few")
    def _(table: Table, columns: int = _columns) -> Iterator[Edit]:
        for first, last, fields in table.rows:
            yield Edit(table.written(first, last, fields[:-1]), first, f"the row has {columns - 1} fields")

    @_register.mistake("a quote in the middle", alone=True)
    def _(table: Table) -> Iterator[Edit]:
        for first, last, _ in table.rows:
            if first == last:
                yield Edit(table.whole_line(first, '"x"y' + table.line(first)), first, "not valid CSV")


_field(ROWS, "a blank source code", 0, " ", "the source_code is blank")
_field(ROWS, "a concept id with a point", 2, "8507.0", "the concept_id is not a number", only="concept")
_field(ROWS, "a concept id below zero", 2, "-1", "the concept_id is not a number", only="concept")
_field(ROWS, "a concept id that is too large", 2, "9999999999", "the concept_id is not a number", only="concept")
_field(ROWS, "a concept of a pack that is not in use", 2, "2147480000", "lies in no range of a pack in use", only="concept")
_field(ROWS, "a concept id beside a code", 2, "8507", "a concept_id and also", only="code")
_field(ROWS, "a code beside a concept id", 4, "x", "a concept_id and also", only="concept")
_field(ROWS, "a vocabulary beside a concept id", 3, "SNOMED", "a concept_id and also", only="concept")
_field(ROWS, "neither concept id nor code", 2, "", "neither a concept_id nor a code", only="concept")
_field(ROWS, "a code without its vocabulary", 3, "", "code without a vocabulary", only="code")
_field(ROWS, "a vocabulary without a code", 4, "", "vocabulary without a code", only="code")
_field(ROWS, "a vocabulary that is not there", 3, "Snowmed", 'unknown vocabulary "Snowmed"', only="code")
_field(CONCEPTS, "an id that is no number", 0, "x", "the concept_id is not a number")
_field(CONCEPTS, "an id outside the range", 0, "2147480000", "is outside its pack's range")
_field(CONCEPTS, "an id of the standard concepts", 0, "8507", "is outside its pack's range")
_field(CONCEPTS, "a domain that is not there", 2, "Sex", 'unknown domain "Sex"')
for _at, _name in enumerate(("concept_id", "name", "domain", "code")):
    _field(CONCEPTS, f"a concept without {_name}", _at, "", f"the {_name} is blank")


@ROWS.mistake("a source code that stands twice")
def _(table: Table) -> Iterator[Edit]:
    code = table.rows[0][2][0]
    for first, last, fields in table.rows[1:]:
        yield Edit(table.written(first, last, [code, *fields[1:]]), first, f'source_code "{code}" stands twice')


@CONCEPTS.mistake("a concept id that stands twice")
def _(table: Table) -> Iterator[Edit]:
    number = table.rows[0][2][0]
    for first, last, fields in table.rows[1:]:
        yield Edit(table.written(first, last, [number, *fields[1:]]), first, f"concept {number} is also declared at")


def _head(register: Register, name: str, new: str, says: str, *patterns: str) -> None:
    @register.mistake(name)
    def _(declaration: Declaration) -> Iterator[Edit]:
        for pattern in patterns:
            for path in declaration.find(pattern):
                yield Edit(declaration.set(path, new), declaration.place(*path), says)


for _register in (HEADS, PACKS):

    @_register.mistake("a key left out of the head")
    def _(declaration: Declaration) -> Iterator[Edit]:
        for path in declaration.document.lines:
            if path[0] not in ("columns", "concept_ids"):
                changes = declaration.block(declaration.place(*path)) if declaration.written_as_block(path) else declaration.remove(path)
                yield Edit(changes, declaration.place(*path[:-1]), f'missing "{path[-1]}"', path)

    @_register.mistake("an unknown key")
    def _(declaration: Declaration) -> Iterator[Edit]:
        for path in declaration.document.lines:
            if not isinstance(path[-1], int):
                yield Edit(declaration.rename(path, f"{path[-1]}_"), declaration.place(*path), f'unknown key "{path[-1]}_"', path)

    @_register.mistake("a number instead of a text")
    def _(declaration: Declaration) -> Iterator[Edit]:
        for path in declaration.document.lines:
            if isinstance(declaration.value(path), str):
                yield Edit(declaration.set(path, "7"), declaration.place(*path), "is a whole number")

    @_register.mistake("a blank text")
    def _(declaration: Declaration) -> Iterator[Edit]:
        for path in declaration.document.lines:
            if isinstance(declaration.value(path), str):
                yield Edit(declaration.set(path, '""'), declaration.place(*path), "is blank")

    _head(_register, "a name of another form", '"Not Good"', "is not a good name", "name")

_head(HEADS, "a code map named as a vocabulary", '"ucum"', "is the name of a standard vocabulary", "name")
_head(HEADS, "an unknown standing", '"sure"', 'unknown standing "sure"', "source.standing")
_head(PACKS, "a pack not named as its folder", '"another"', 'pack "another" stands in a folder named', "name")
_head(PACKS, "a range not above 2,000,000,000", "[2000000000, 2000000100]", "is not inside the reserved numbers", "concept_ids")
_head(PACKS, "a range of numbers too large for ids", "[2147483000, 2147483648]", "is not inside the reserved numbers", "concept_ids")
_head(PACKS, "a range that ends before it begins", "[2100000002, 2100000001]", "is not inside the reserved numbers", "concept_ids")
_head(PACKS, "a range of one number", "[2100000002]", "is not a range", "concept_ids")
_head(PACKS, "a range of texts", '["2100000002", "2100000003"]', "is not a range", "concept_ids")
_head(PACKS, "a range that overlaps another pack's", "[2147400000, 2147483647]", 'overlaps that of pack "a-neighbour"', "concept_ids")
