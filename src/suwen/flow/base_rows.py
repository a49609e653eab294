"""The rows of a release that count for points: base rows with organisation, day, person and what each point takes, for those who look behind a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suwen.engine.sql import Tree, statement, table
from suwen.flow.answers import Answers
from suwen.flow.concept_members import set_members
from suwen.insight.indicator.relation import NO_GROUPS, Groups, Tables
from suwen.insight.indicator.rows import point_rows
from suwen.model.indicator import Base, Breakdown, Point, Scope
from suwen.repository.rows import lake_name

LINK, RECEIPTS = "ext_person_link", "state.receipt"


def counted_rows(
    answers: Answers,
    base: Base,
    points: Sequence[Point],
    *,
    touched: Tree | None = None,
    breakdowns: Sequence[Breakdown] = (),
    groups: Groups = NO_GROUPS,
) -> Tree:
    """`point_rows` over the files of a release. `touched`: (organisation, origin) to which they are narrowed."""
    return _rows(answers, base, points, stored_tables(answers), answers.opened.view(RECEIPTS), touched, breakdowns, groups)


def stored_tables(answers: Answers) -> Tables:
    """The tables of a release as its files."""
    return lambda name: answers.opened.view(full_name(name))


def shown_rows(answers: Answers, base: Base, points: Sequence[Point]) -> Tree:
    """The same over the tables of `suwen query`, as a person may run it."""
    return _rows(answers, base, points, lambda name: _named(full_name(name)), _named(RECEIPTS), None, (), NO_GROUPS)


def full_name(name: str) -> str:
    """`cdr.measurement`, `ext.ext_visit`: a table as it is stored."""
    return lake_name(name).replace("/", ".")


def _rows(
    answers: Answers,
    base: Base,
    points: Sequence[Point],
    stored: Tables,
    receipts: Tree,
    touched: Tree | None,
    breakdowns: Sequence[Breakdown],
    groups: Groups,
) -> Tree:
    source = statement("select r.*, w.organisation as _organisation from {r} r join {w} w on w.receipt = r._receipt", r=stored(base.table), w=receipts)
    links = statement("select person_id, master_person_id from {l} l", l=stored(LINK)) if base.person is Scope.MASTER else None
    return point_rows(base, points, source, stored, links=links, touched=touched, members=members_of(answers, base), breakdowns=breakdowns, groups=groups)


def members_of(answers: Answers, base: Base) -> Mapping[str, Sequence[int]]:
    """The members of a base's concept sets by the release's vocabulary."""
    ancestors = answers.opened.files("vocabulary/concept_ancestor")
    return set_members(base, ancestors[0] if ancestors else "", answers.rows)


def _named(full: str) -> Tree:
    schema, name = full.split(".", 1)
    return table(name, schema)
