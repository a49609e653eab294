"""Definitions of indicators broken on purpose: every small change of an expression, a base, a point or a formula that still has a meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from suwen.base.errors import SuwenError
from suwen.engine.compile import compile_checked
from suwen.insight.indicator.meaning import items
from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import OF_PERSON, Base, ConceptSet, Count, Each, How, Indicator, Measure, Point, Scope
from suwen.model.pack import Expression

NOBODY = 1  # a concept that no row has
_COMPARISONS = {"<=": "<", "<": "<=", ">=": ">", ">": ">=", "<>": "=", "=": "<>"}
_WORDS = {
    r"\band\b(?! \d)": "or",
    r"\bor\b": "and",
    r"\bnot (?!null)": "",
    r" \+ ": " - ",
    r" - ": " + ",
    r"maximum\(": "minimum(",
    r"days_between\(": "months_between(",
}
_SWAPPED = (
    ("visit_start_date", "visit_end_date"),
    ("charge.total", "charge.drugs"),
    ("charge.drugs", "charge.total"),
    ("drug.total", "0"),
    ("next.stays", "again.diagnoses"),
    ("theatre.returns", "theatre.operations"),
    ("theatre.operations", "theatre.returns"),
)


@dataclass(frozen=True)
class Mutant:
    """A broken definition: what was broken, and what stands in its place."""

    of: str
    how: str
    base: Base | None = None
    point: Point | None = None
    indicator: Indicator | None = None

    def __str__(self) -> str:
        return f"{self.of}: {self.how}"


def texts(text: str, sets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(what was done, the changed text) for an expression."""
    for found in re.finditer(r"<=|>=|<>|(?<![<>])=|<(?![=>])|(?<![<])>(?!=)", text):
        yield f"{found[0]} to {_COMPARISONS[found[0]]}", _cut(text, found, _COMPARISONS[found[0]])
    for found in re.finditer(r"(?<![\w.'])\d+(?![\w.'])", text):
        yield from ((f"{found[0]} to {int(found[0]) + by}", _cut(text, found, str(int(found[0]) + by))) for by in (-1, 1))
    for pattern, new in _WORDS.items():
        yield from ((f"{found[0].strip()} to {new.strip()} at {found.start()}", _cut(text, found, new)) for found in re.finditer(pattern, text))
    for found in re.finditer(r"'[^']*'", text):
        others = [other for other in sets if other != found[0].strip("'")] if found[0].strip("'") in sets else ["~"]
        yield from ((f"{found[0]} to {other}", _cut(text, found, f"'{other}'")) for other in others)
    for left, right in _SWAPPED:
        if re.search(rf"(?<![\w.]){re.escape(left)}(?!\w)", text):
            yield f"{left} to {right}", re.sub(rf"(?<![\w.]){re.escape(left)}(?!\w)", right, text)
    if text.startswith("coalesce("):
        yield "no first choice", re.sub(r"^coalesce\([^,]+, ", "coalesce(", text)
    clauses = _clauses(text)
    if len(clauses) > 1:
        yield from ((f"no clause {at + 1}", " and ".join(c for other, c in enumerate(clauses) if other != at)) for at in range(len(clauses)))


def _cut(text: str, found: re.Match[str], new: str) -> str:
    return text[: found.start()] + new + text[found.end() :]


def _clauses(text: str) -> list[str]:
    """The parts of a text joined by AND outside of parentheses, CASE and BETWEEN."""
    parts, depth, last = list[str](), 0, 0
    for found in re.finditer(r"[()]|\bcase\b|\bend\b|\bbetween\b|\band\b|'[^']*'", text):
        word = found[0]
        if word in ("(", "case", "between"):
            depth += 1
        elif word in (")", "end") or (word == "and" and _open(text[last : found.start()])):
            depth -= 1
        elif word == "and" and depth == 0:
            parts.append(text[last : found.start()].strip())
            last = found.end()
    return [*parts, text[last:].strip()]


def _open(text: str) -> bool:
    """Whether a BETWEEN still waits for its AND."""
    return len(re.findall(r"\bbetween\b", text)) > len(re.findall(r"\bbetween\b[^()]*\band\b", text)) and text.count("(") == text.count(")")


def of_expression(expression: Expression | None, sets: Sequence[str]) -> Iterator[tuple[str, Expression | None]]:
    """Broken forms of an expression that may be left out."""
    if expression is not None:
        yield "left out", None
        yield from ((how, replace(expression, text=text)) for how, text in texts(expression.text, sets))


def of_point(point: Point, base: Base) -> Iterator[Mutant]:
    """Broken forms of a point."""

    def broken(how: str, **changed: object) -> Mutant:
        return Mutant(point.code, how, point=replace(point, **changed))  # type: ignore[arg-type]

    yield from (broken(f"keep {how}", keep=new) for how, new in of_expression(point.keep, list(base.concepts)))
    yield from (broken(f"value {how}", value=new) for how, new in of_expression(point.value, list(base.concepts)) if new is not None)
    if point.keep is not None:
        yield broken("keep the others", keep=replace(point.keep, text=f"not ({point.keep.text})"))
    others: Mapping[Count, Count] = {Count.COUNT: Count.DISTINCT, Count.DISTINCT: Count.COUNT, Count.SUM: Count.MEDIAN, Count.MEDIAN: Count.SUM}
    yield broken(f"kind {others[point.kind]}", kind=others[point.kind])
    if point.kind is Count.DISTINCT:
        yield broken("scope", person=Scope.LOCAL if point.person is Scope.MASTER else Scope.MASTER)


def of_indicator(indicator: Indicator) -> Iterator[Mutant]:
    """Broken forms of a formula."""

    def broken(how: str, **changed: object) -> Mutant:
        return Mutant(indicator.code, how, indicator=replace(indicator, **changed))  # type: ignore[arg-type]

    for side in ("numerator", "denominator"):
        codes = getattr(indicator, side)
        for code in codes if len(codes) > 1 else ():
            yield broken(f"{side} without {code}", **{side: tuple(c for c in codes if c != code)})
    if indicator.denominator:
        yield broken("upside down", numerator=indicator.denominator, denominator=indicator.numerator)
        yield broken("no denominator", denominator=())
    for code in indicator.numerator:
        for other in (c for c, point in indicator.points.items() if c not in indicator.used and point.kind in (Count.COUNT, Count.SUM)):
            yield broken(f"{other} for {code}", numerator=tuple(other if c == code else c for c in indicator.numerator))
    yield broken("factor", factor=indicator.factor * 10)


def of_base(base: Base) -> Iterator[Mutant]:
    """Broken forms of a base."""
    yield from (Mutant(base.name, how, base=changed) for how, changed in (*_of_rows(base), *_of_rivals(base)))
    for alias, each in base.each.items():
        for how, broken in of_each(each, list(base.concepts)):
            yield Mutant(base.name, f"{alias} {how}", base=replace(base, each={**base.each, alias: broken}))


def _of_rows(base: Base) -> Iterator[tuple[str, Base]]:
    sets, prefix = list(base.concepts), base.date.text.rpartition(".")[0]
    for other in ("visit_start_date", "visit_end_date"):
        name = f"{prefix}.{other}" if prefix else other
        if name != base.date.text:
            yield f"date {name}", replace(base, date=replace(base.date, text=name))
    if base.table == "ext_procedure":
        yield "date procedure_date", replace(base, date=replace(base.date, text="procedure_date"))
    yield from ((f"keep {how}", replace(base, keep=new)) for how, new in of_expression(base.keep, sets))
    if any(each.of_person for each in base.each.values()):
        yield "scope", replace(base, person=Scope.LOCAL if base.person is Scope.MASTER else Scope.MASTER)
    for name, one in base.concepts.items():
        yield from ((f"set {name} as {fewer.ids}", replace(base, concepts={**base.concepts, name: fewer})) for fewer in of_set(one))


def _of_rivals(base: Base) -> Iterator[tuple[str, Base]]:
    if base.once is None:
        return
    yield "not once", replace(base, once=None)
    if base.once.best is not None:
        yield "the first instead of the best", replace(base, once=replace(base.once, best=None))
    for at, part in enumerate(base.once.by):
        rest = base.once.by[:at] + base.once.by[at + 1 :]
        if rest:
            yield f"once without part {at + 1}", replace(base, once=replace(base.once, by=rest))
        for how, new in of_expression(part, list(base.concepts)):
            if new is not None:
                yield f"once {how}", replace(base, once=replace(base.once, by=(*base.once.by[:at], new, *base.once.by[at + 1 :])))


def of_set(one: ConceptSet) -> Iterator[ConceptSet]:
    for concept in one.ids:
        yield replace(one, ids=tuple(c for c in one.ids if c != concept) or (NOBODY,))


def of_each(each: Each, sets: Sequence[str]) -> Iterator[tuple[str, Each]]:
    """Broken forms of what is measured."""
    yield from ((f"keep {how}", replace(each, keep=new)) for how, new in of_expression(each.keep, sets))
    own = "visit_occurrence_id"
    if each.of_person:
        yield "of the visit instead of the person", replace(each, on=((own, own),))
    elif ALL_TABLES[each.table].person_column:
        yield "of the person instead of what it belongs to", replace(each, on=OF_PERSON)
    for name, measure in each.measures.items():
        for how, changed in of_measure(measure, sets):
            yield f"measure {name} {how}", replace(each, measures={**each.measures, name: changed})


def of_measure(measure: Measure, sets: Sequence[str]) -> Iterator[tuple[str, Measure]]:
    yield from ((f"keep {how}", replace(measure, keep=new)) for how, new in of_expression(measure.keep, sets))
    yield from ((f"value {how}", replace(measure, value=new)) for how, new in of_expression(measure.value, sets) if new is not None)
    others = {How.SUM: How.MAX, How.MIN: How.MAX, How.MAX: How.MIN}
    if measure.how in others:
        yield f"how {others[measure.how]}", replace(measure, how=others[measure.how])


def has_meaning(base: Base, points: Sequence[Point]) -> bool:
    """Whether `suwen check` would let a broken definition pass; else it is red already."""
    try:
        for item in items(base, points):
            compile_checked(item.expression, item.context, item.expected)
    except SuwenError:
        return False
    return True
