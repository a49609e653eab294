"""The records behind a value: the base rows that count for it, in a steady order, page by page; each can be traced to its bytes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from suwen.base.errors import SuwenError
from suwen.engine.sql import Tree, col, compared, conjunction, in_texts, integer, list_of, statement, text, typed, union_all
from suwen.flow.answers import Answers
from suwen.flow.base_rows import counted_rows
from suwen.model.indicator import Point, Span

_LONGEST_KEY = 400


@dataclass(frozen=True)
class CountedRecord:
    """A row that counts: `suwen trace TABLE ID` leads on. `points`: point -> what it takes of the row (1 of a count or of persons; of others the value)."""

    table: str
    id: int
    organisation: str
    day: date
    person_id: int | None
    points: Mapping[str, Decimal]

    @property
    def key(self) -> str:
        """By which the next page begins after this record."""
        return "|".join((self.day.isoformat(), self.organisation, self.table, str(self.id)))


def records(
    answers: Answers, code: str, unit: str, span: Span, *, after: str = "", limit: int = 50, within: Collection[str] | None = None, only: str = ""
) -> tuple[CountedRecord, ...]:
    """The rows behind an indicator's value for a unit and a period, at most `limit`.

    `after`: only those that follow the record with this key; `only`: only those that count for this point of the formula; `within`: only those of these
    organisations, None for all that lay below the unit, of which some may lie elsewhere today.
    """
    indicator = answers.indicator(code)
    if only and only not in indicator.used:
        raise SuwenError(f'"{only[:60]}" is no point of {indicator.code}', where="the point", expected=" or ".join(indicator.used))
    pairs = [(unit, kin) for kin in answers.tree.below(answers.tree.unit(unit)) if within is None or kin.descendant in within]
    by_base: dict[str, list[Point]] = {}
    for point in (answers.points[one] for one in indicator.used):
        by_base.setdefault(point.base, []).append(point)
    wanted = [points for _, points in sorted(by_base.items()) if not only or any(point.code == only for point in points)]
    queries = [_of_base(answers, points, span, after, only) for points in wanted]
    with answers.asked(pairs) as (engine, units):
        query = statement(
            """select x.* from {x} x join {u} w on w.organisation = x.organisation and x.day >= w.first and x.day < w.after
            order by x.day, x.organisation, x."table", x.id limit {n}""",
            x=union_all(queries), u=units, n=limit,
        )  # fmt: skip
        found = engine.rows(query)
    return tuple(
        CountedRecord(table, row_id, organisation, day, person, _taken(codes, values)) for day, organisation, table, row_id, person, codes, values in found
    )


def _taken(codes: Sequence[str], values: Sequence[Decimal | None]) -> dict[str, Decimal]:
    return {code: value for code, value in zip(codes, values, strict=True) if value is not None}


def _of_base(answers: Answers, points: Sequence[Point], span: Span, after: str, only: str) -> Tree:
    """(day, organisation, table, id, person_id, codes, taken) of one base's rows in a period."""
    base = answers.packs.bases[points[0].base]
    rows = counted_rows(answers, base, points, touched=cells_of_period(answers, [point.code for point in points], span))
    marked = [col(f"n_{at}") for at, point in enumerate(points) if point.code == only]
    taken = [statement("select case when {n} then coalesce({v}, 1) end", n=f"n_{at}", v=f"v_{at}").expressions[0] for at in range(len(points))]
    return statement(
        """select day, organisation, {table} as "table", row_id as id, person_id, {codes} as codes, {taken} as taken from {r} r where {inside}""",
        table=text(base.table), codes=list_of([text(point.code) for point in points]), taken=list_of(taken), r=rows,
        inside=conjunction([inside_of(span), *marked, *([_following(base.table, after)] if after else [])]),
    )  # fmt: skip


def inside_of(span: Span) -> Tree:
    """True for days of a period."""
    first, after = (typed(text(day.isoformat()), "DATE") for day in (span.first, span.after))
    return conjunction([compared(col("day"), ">=", first), compared(col("day"), "<", after)])


def cells_of_period(answers: Answers, codes: Sequence[str], span: Span) -> Tree:
    """(organisation, origin) of the cells that points have in a period: where rows that count for it can be."""
    mine = conjunction([in_texts(col("point"), codes), inside_of(span)])
    return statement("select distinct organisation, origin from {c} c where {mine}", c=answers.cells(), mine=mine)


def _following(table: str, key: str) -> Tree:
    """True for rows that come after the record with a key. Raises SuwenError for a text that is none."""
    try:
        first, organisation, other, last = key.split("|") if len(key) <= _LONGEST_KEY else []
        day, row_id = date.fromisoformat(first), int(last)
        row_id.to_bytes(8, signed=True)  # an id of any row has as many
    except (ValueError, OverflowError):
        raise SuwenError(f'"{key[:60]}" is no place in a list of records', expected="the key of the last record of the page before") from None
    found: Tree = statement(
        "select (day, organisation, {table}, row_id) > ({day}, {organisation}, {other}, {id})",
        table=text(table), day=typed(text(day.isoformat()), "DATE"), organisation=text(organisation), other=text(other), id=typed(integer(row_id), "BIGINT"),
    ).expressions[0]  # fmt: skip
    return found
