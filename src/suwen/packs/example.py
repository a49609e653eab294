"""The examples of a template: input rows per kind and expected rows per target, as texts.

An empty text means null, as it does in a source file; in `given` a column not named is null, in `expect` it is not compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from suwen.model.pack import Example, Kind, Target
from suwen.packs.problem import nearest
from suwen.packs.promised import made_columns, settable_columns
from suwen.packs.section import Section

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
        examples.append(Example(name, section.place(), given, expect))
    return tuple(examples)


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
