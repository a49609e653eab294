"""The rows of a release that count for points: base rows with organisation, day, person and what each point takes, for those who look behind a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suwen.engine.sql import Tree, statement, table
from suwen.flow.answers import Answers
from suwen.flow.concept_members import set_members
from suwen.insight.indicator.relation import Tables
from suwen.insight.indicator.rows import point_rows
from suwen.model.indicator import Base, Breakdown, Point, Scope
from suwen.repository.rows import lake_name

LINK, RECEIPTS = "ext_person_link", "state.receipt"


def counted_rows(answers: Answers, base: Base, points: Sequence[Point], *, touched: Tree | None = None, breakdowns: Sequence[Breakdown] = ()) -> Tree:
    """`point_rows` over the files of a release. `touched`: (organisation, origin) to which they are narrowed."""
    opened = answers.opened
    return _rows(answers, base, points, lambda name: opened.view(full_name(name)), opened.view(RECEIPTS), touched, breakdowns)


def shown_rows(answers: Answers, base: Base, points: Sequence[Point]) -> Tree:
    """The same over the tables of `suwen query`, as a person may run it."""
    return _rows(answers, base, points, lambda name: _named(full_name(name)), _named(RECEIPTS), None, ())


def full_name(name: str) -> str:
    """`cdr.measurement`, `ext.ext_visit`: a table as it is stored."""
    return lake_name(name).replace("/", ".")


def _rows(answers: Answers, base: Base, points: Sequence[Point], stored: Tables, receipts: Tree, touched: Tree | None, breakdowns: Sequence[Breakdown]) -> Tree:
    source = statement("select r.*, w.organisation as _organisation from {r} r join {w} w on w.receipt = r._receipt", r=stored(base.table), w=receipts)
    links = statement("select person_id, master_person_id from {l} l", l=stored(LINK)) if base.person is Scope.MASTER else None
    return point_rows(base, points, source, stored, links=links, touched=touched, members=_members(answers, base), breakdowns=breakdowns)


def _members(answers: Answers, base: Base) -> Mapping[str, Sequence[int]]:
    ancestors = answers.opened.files("vocabulary/concept_ancestor")
    return set_members(base, ancestors[0] if ancestors else "", answers.rows)


def _named(full: str) -> Tree:
    schema, name = full.split(".", 1)
    return table(name, schema)
