"""The examples of a template: input rows per kind and expected rows per target, as texts.

An empty text means null, as it does in a source file; in `given` a column not named is null, in `expect` it is not compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from suwen.base.errors import Place
from suwen.model.cdm import Type
from suwen.model.pack import Example, Kind, Target
from suwen.packs.problem import nearest
from suwen.packs.promised import column_of, made_columns, settable_columns
from suwen.packs.section import Section
from suwen.packs.value_text import FORMS, can_be

Rows = tuple[Mapping[str, str | None], ...]


def read_examples(document: Section, kinds: Mapping[str, Kind], targets: Mapping[str, Target]) -> tuple[Example, ...]:
    """The `[[example]]` tables; at least one, each with input and expectation, under different names."""
    sections = document.listed_sections("example", ("name", "given", "expect"), required=True)
    if "example" in document.data and not sections:
        document.problem("example", "a template without examples", expected="at least one [[example]]")
    examples: list[Example] = []
    for section in sections:
        name = section.text("name")
        if name and name in {example.name for example in examples}:
            section.problem("name", f'two examples are named "{name}"', do="rename one")
        given = {k: _rows(section, "given", k, "kind", kinds, _kind_columns(kinds.get(k))) for k in _names(section, "given")}
        expect = {t: _rows(section, "expect", t, "target", targets, _target_columns(targets.get(t))) for t in _names(section, "expect")}
        for target in [targets[name] for name in expect if name in targets and targets[name].table]:
            _check_values(section, target, targets)
        examples.append(Example(name, section.place(), given, expect, _places(section, expect)))
    return tuple(examples)


def _places(section: Section, expect: Mapping[str, Rows]) -> Mapping[tuple[str, int, str], Place]:
    """Where each value is expected, and each target's rows."""
    found = {(target, -1, ""): section.place("expect", target) for target in expect}
    return found | {(t, at, column): section.place("expect", t, at, column) for t, rows in expect.items() for at, row in enumerate(rows) for column in row}


def _names(section: Section, key: str) -> list[str]:
    inner = section.section(key, None, required=True)
    if inner is not None and not inner.data:
        section.problem(key, f'"{key}" is empty', expected=f"rows below [[example.{key}.<name>]]")
    return list(inner.data) if inner else []


def _kind_columns(kind: Kind | None) -> tuple[str, ...] | None:
    return (*kind.columns, *kind.optional) if kind else None


def _target_columns(target: Target | None) -> tuple[str, ...] | None:
    if target is None or not target.table:
        return None
    return (*settable_columns(target.table, target.event), *made_columns(target.table, target.event))


def _rows(section: Section, key: str, name: str, what: str, known: Collection[str], columns: tuple[str, ...] | None) -> Rows:
    """The rows of one kind or target; `columns` None where unknown."""
    inner = section.section(key, None)
    assert inner is not None
    if name not in known:
        inner.problem(name, f'example names unknown {what} "{name}"', do=nearest(name, known))
        columns = None
    rows = []
    for row in inner.listed_sections(name, None):
        for column in row.data:
            if columns is not None and column not in columns:
                row.problem(column, f'{what} "{name}" has no column "{column}"', do=nearest(column, columns))
        rows.append({column: row.text(column, blank=True) or None for column in row.data})
    return tuple(rows)


def _check_values(section: Section, target: Target, targets: Collection[str]) -> None:
    """Expected values can be values of their columns; an id is written as the row it belongs to, "ref:target:key"."""
    known, rows = _target_columns(target) or (), section.data["expect"][target.name]
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        for column, value in row.items() if isinstance(row, Mapping) else ():
            if not isinstance(value, str) or not value or column not in known:
                continue
            type_, at = column_of(target.table, target.event, column).type, ("expect", target.name, number, column)
            if type_ is Type.BIGINT:
                word, _, rest = value.partition(":")
                named, _, key = rest.partition(":")
                if word != "ref" or named not in targets or not key:
                    section.problem(
                        at, f'"{column}" is an id, and "{value}" names no row', expected='"ref:target:key" with a target of this template, or "" for null'
                    )
            elif not can_be(value, type_):
                section.problem(at, f'"{value}" is no value of "{column}"', expected=FORMS[type_])
