"""The rows of a release that count for points, for those who look behind a value: base rows with organisation, day, person and what each point takes."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.engine.sql import Tree, alias, col, statement, table
from suwen.flow.answers import Answers
from suwen.flow.concept_members import set_members
from suwen.flow.reader import OpenRelease
from suwen.insight.indicator.rows import point_rows
from suwen.model.indicator import Base, Breakdown, Point, Scope
from suwen.repository.rows import lake_name

LINK = "ext_person_link"
RECEIPTS = "state.receipt"


def counted_rows(answers: Answers, base: Base, points: Sequence[Point], *, touched: Tree | None = None, breakdowns: Sequence[Breakdown] = ()) -> Tree:
    """`point_rows` over the files of a release. `touched`: (organisation, origin) to which they are narrowed."""
    opened = answers.opened

    def stored(name: str) -> Tree:
        return opened.view(lake_name(name).replace("/", "."))

    return _rows(opened, base, points, stored, opened.view(RECEIPTS), touched=touched, breakdowns=breakdowns)


def shown_rows(answers: Answers, base: Base, points: Sequence[Point]) -> Tree:
    """The same as a person may run it: over the tables of `suwen query`."""
    return _rows(answers.opened, base, points, _named, _name(RECEIPTS))


def _rows(
    opened: OpenRelease, base: Base, points: Sequence[Point], stored: object, receipts: Tree, *, touched: Tree | None = None, breakdowns: Sequence[Breakdown] = ()
) -> Tree:
    of: object = stored
    assert callable(of)
    source = statement(
        "select r.*, w.organisation as _organisation from {r} r join {w} w on w.receipt = r._receipt", r=of(base.table), w=receipts
    )
    links = statement("select person_id, master_person_id from {l} l", l=of(LINK)) if base.person is Scope.MASTER else None
    ancestors = opened.files("vocabulary/concept_ancestor")
    members = set_members(base, ancestors[0] if ancestors else "", lambda query: [tuple(row.values()) for row in opened.ask(query).to_pylist()])
    return point_rows(base, points, source, of, links=links, touched=touched, members=members, breakdowns=breakdowns)


def _named(name: str) -> Tree:
    return _name(lake_name(name).replace("/", "."))


def _name(full: str) -> Tree:
    schema, name = full.split(".", 1)
    return table(name, schema)
