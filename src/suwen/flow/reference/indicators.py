"""The pages of indicators: what each is made of, over which rows, and its examples worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable

from suwen.flow.reference.markdown import code, page, section, table
from suwen.flow.reference.packs import rows_table, said_source
from suwen.model.indicator import Base, Beside, Breakdown, Each, Expected, Indicator, IndicatorExample, Measure, Point
from suwen.packs.loader import Packs


def indicators_page(packs: Packs) -> str:
    """All indicators and points, with what they count."""
    points = [(code_, point, indicator) for indicator in packs.indicators.values() for code_, point in indicator.points.items()]
    home = {code_: indicator.code for code_, _, indicator in points}
    return page(
        "Indicators",
        ["An indicator relates statistical points, a point counts rows of a base, a breakdown parts them into groups of patients."],
        section(
            "Indicators",
            *table(
                ("code", "name", "名称", "formula", "unit", "better", "period"),
                [
                    (f"[{i.code}](indicator/{i.code}.md)", i.title["en"], i.title["zh"], code(formula(i)), i.unit["en"], i.direction, i.period)
                    for _, i in sorted(packs.indicators.items())
                ],
            ),
        ),
        section(
            "Statistical points",
            *table(
                ("code", "name", "名称", "kind", "base"),
                [
                    (f"[{c}](indicator/{home[c]}.md#{anchor(c, p)})", p.title["en"], p.title["zh"], p.kind, f"[{p.base}](base/{p.base}.md)")
                    for c, p, _ in sorted(points, key=lambda one: one[0])
                ],
            ),
        ),
        section(
            "Bases",
            *table(
                ("base", "title", "标题", "rows of"),
                [(f"[{name}](base/{name}.md)", base.title["en"], base.title["zh"], code(base.table)) for name, base in sorted(packs.bases.items())],
            ),
        ),
        section("Breakdowns", *(line for _, one in sorted(packs.breakdowns.items()) for line in (*_breakdown(one), ""))),
    )


def anchor(code_: str, point: Point) -> str:
    """The anchor of a point's heading, as Markdown readers make it."""
    return _slug(f"{code_} {point.title['en']}")


def _slug(heading: str) -> str:
    return "".join("-" if letter == " " else letter for letter in heading.lower() if letter.isalnum() or letter in " -_")


def formula(indicator: Indicator) -> str:
    """A formula as one reads it: `(A + B) / C * 100`."""
    numerator, denominator = (" + ".join(side) for side in (indicator.numerator, indicator.denominator))
    text = f"({numerator})" if len(indicator.numerator) > 1 and (denominator or indicator.factor > 1) else numerator
    text += f" / {f'({denominator})' if len(indicator.denominator) > 1 else denominator}" if denominator else ""
    return f"{text} * {indicator.factor}" if indicator.factor > 1 else text


def indicator_page(indicator: Indicator, packs: Packs) -> str:
    """One indicator: its definition, its points and its examples."""
    home = {code_: one.code for one in packs.indicators.values() for code_ in one.points}
    said = [
        ("formula", code(formula(indicator))),
        ("of", ", ".join(code_ if home[code_] == indicator.code else f"[{code_}]({home[code_]}.md)" for code_ in indicator.used)),
        ("unit", f"{indicator.unit['en']} · {indicator.unit['zh']}"),
        ("better", indicator.direction),
        ("period", indicator.period),
        ("a person is", _person(indicator.person)),
        ("shown with", f"{indicator.decimals} decimals"),
        *([("looks ahead", f"{indicator.ahead} days")] if indicator.ahead else []),
    ]
    return page(
        indicator.code,
        [f"{indicator.title['en']} · {indicator.title['zh']}. Owner: {indicator.owner}."],
        [indicator.definition["en"], "", indicator.definition["zh"]],
        [said_source(indicator.source)],
        table(("", ""), said),
        section("Points", *(line for code_, point in indicator.points.items() for line in (*_point(code_, point), ""))) if indicator.points else [],
        section("Examples", *(line for example in indicator.examples for line in (*_example(example), ""))),
    )


def _person(scope: str) -> str:
    return "the human whom linked patients stand for" if scope == "master" else "an organisation's patient"


def _point(code_: str, point: Point) -> list[str]:
    said = [("kind", point.kind), ("base", f"[{point.base}](../base/{point.base}.md)"), ("unit", f"{point.unit['en']} · {point.unit['zh']}")]
    for name, expression in (("only where", point.keep), ("value", point.value)):
        said += [(name, code(expression.text))] if expression else []
    said.append(("a person is", _person(point.person)))
    texts = (f"{point.title['en']} · {point.title['zh']}. {point.definition['en']}", "", point.definition["zh"], "")
    return section(f"{code_} {point.title['en']}", *texts, *table(("", ""), said), level=3)


def _example(example: IndicatorExample) -> list[str]:
    said = [f"At a boundary: {example.boundary}.", ""] if example.boundary else []
    if example.organisations:
        said += ["Organisations", "", *rows_table(example.organisations), ""]
    for name, rows in example.given.items():
        said += [f"Given: {name}", "", *rows_table(rows), ""]
    said += ["Expected", "", *table(("", "unit", "period", "value"), [_expected(one) for one in example.expect])]
    return section(example.name, *said, level=3)


def _expected(expected: Expected) -> tuple[str, ...]:
    return expected.code, expected.unit, expected.period, "missing" if expected.value is None else expected.value


def base_page(base: Base, packs: Packs) -> str:
    """One base: which rows count, what is beside them and what is measured of others."""
    points = sorted((code_, one.code, p) for one in packs.indicators.values() for code_, p in one.points.items() if p.base == base.name)
    said = [("rows of", code(base.table)), ("day", code(base.date.text)), ("only where", code(base.keep.text if base.keep else ""))]
    said += [("rows of the same person", f"a person is {_person(base.person)}")] if any(each.of_person for each in base.each.values()) else []
    sets = [(code(name), ", ".join(map(str, one.ids)), "with all that descend" if one.descendants else "these alone") for name, one in base.concepts.items()]
    return page(
        base.name,
        [f"{base.title['en']} · {base.title['zh']}. Owner: {base.owner}."],
        [base.definition["en"], "", base.definition["zh"]],
        [said_source(base.source)],
        table(("", ""), said),
        section("Once", *_once(base)) if base.once else [],
        section("Concept sets", *table(("set", "concepts", ""), sets)) if sets else [],
        section("Beside each row", *_beside(base.beside)) if base.beside else [],
        section("Measured of other rows", *(line for each in base.each.values() for line in (*_each(each), ""))) if base.each else [],
        section("Counted by", *table(("point", "name", "名称"), [(f"[{c}](../indicator/{home}.md)", p.title["en"], p.title["zh"]) for c, home, p in points])),
    )


def _once(base: Base) -> list[str]:
    assert base.once is not None
    best = f"the one with the greatest {code(base.once.best.text)}, then" if base.once.best else ""
    return [f"Of rows that agree in {', '.join(code(one.text) for one in base.once.by)} one counts: {best} the one with the smallest id."]


def _beside(rows: Iterable[Beside]) -> list[str]:
    return table(("as", "table", "where"), [(code(one.alias), code(one.table), ", ".join(code(f"{own} = {its}") for own, its in one.on)) for one in rows])


def _each(each: Each) -> list[str]:
    belongs = "of the same person" if each.of_person else " and ".join(code(f"{own} = {its}") for own, its in each.on)
    said = [("rows of", code(each.table)), ("that belong to it", belongs), ("only where", code(each.keep.text if each.keep else ""))]
    measures = [(code(f"{each.alias}.{name}"), _measured(measure), code(measure.keep.text if measure.keep else "")) for name, measure in each.measures.items()]
    beside = [*_beside(each.beside), ""] if each.beside else []
    return section(each.alias, *table(("", ""), said), "", *beside, *table(("measure", "", "only where"), measures), level=3)


def _measured(measure: Measure) -> str:
    return f"{measure.how} of {code(measure.value.text)}" if measure.value else str(measure.how)


def _breakdown(one: Breakdown) -> list[str]:
    rows = [(code(name), said["en"], said["zh"]) for name, said in one.labels.items()]
    texts = (f"{one.title['en']} · {one.title['zh']}. {said_source(one.source)}", "", f"Group: {code(one.value.text)}", "")
    return section(one.name, *texts, *table(("group", "name", "名称"), rows), level=3)
