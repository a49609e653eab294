"""`suwen indicator`: the catalogue, values of units and periods, why they changed, the records behind them, and indicators of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suwen.base.errors import SuwenError
from suwen.cli.access import allow, reach, region_for
from suwen.cli.indicator_texts import (
    catalogue_rows,
    difference_json,
    difference_rows,
    explained,
    record_json,
    record_rows,
    trial_json,
    trial_lines,
    value_json,
    value_rows,
)
from suwen.cli.options import HERE, JsonOption, LimitOption, RegionOption, ReleaseOption
from suwen.cli.say import say, say_json, say_table, shown_path
from suwen.flow.answers import Answers
from suwen.flow.declared_new import new_indicator
from suwen.flow.differences import UNIT, decompose
from suwen.flow.explanations import explain, labelled
from suwen.flow.reader import OpenRelease
from suwen.flow.region import open_region, region_packs
from suwen.flow.trials import try_out
from suwen.flow.value_records import records
from suwen.govern.policy.actions import Action
from suwen.govern.policy.actors import WHOLE, Resource
from suwen.insight.indicator.value import span
from suwen.model.indicator import Period, Span

app = typer.Typer(no_args_is_help=True, help="Indicators: what there is, what it is for whom and when, why it changed, and the records behind it.")
CodeArgument = Annotated[str, typer.Argument(metavar="CODE", help="The indicator's code, such as SV01.")]
UnitOption = Annotated[str, typer.Option("--unit", metavar="U", help="An organisation by its id, with all that lies below it.")]
PeriodOption = Annotated[str, typer.Option("--period", metavar="P", help="2024, 2024-Q1, 2024-03 or 2024-03-09.")]


def _answers(region: Path, release: int | None, action: Action = Action.CATALOGUE, unit: str = WHOLE) -> Answers:
    """The answers of a region, to whom a server's decisions let do this over the unit."""
    opened = open_region(region)
    allow(opened, action, Resource(unit))
    return Answers(OpenRelease(opened, release))


@app.command("list")
def list_indicators(region: RegionOption = HERE, as_json: JsonOption = False) -> None:
    """The indicators in force."""
    found = sorted(region_packs(open_region(region)).indicators.values(), key=lambda one: one.code)
    if as_json:
        say_json([{"code": one.code, "title": one.title, "unit": one.unit, "direction": one.direction.value, "period": one.period.value} for one in found])
    elif found:
        say_table(("code", "title", "中文", "unit", "period", "better"), catalogue_rows(found))
    else:
        say(["no pack in use declares an indicator"])


@app.command("explain")
def explain_indicator(code: CodeArgument, region: RegionOption = HERE, release: ReleaseOption = None, as_json: JsonOption = False) -> None:
    """What an indicator is: definition, formula, points with their SQL, and the source columns behind them."""
    with _answers(region, release) as answers:
        found = explain(answers, code)
    if as_json:
        say_json(labelled(found))
    else:
        say(explained(found))


@app.command("value")
def values(
    code: CodeArgument,
    level: Annotated[str, typer.Option("--level", metavar="L", help="All units of a level, such as district.")] = "",
    unit: UnitOption = "",
    period: Annotated[str, typer.Option("--period", metavar="P", help="2024, 2024-Q1, 2024-03 or 2024-03-09; or day, month, quarter, year: a series.")] = "",
    first: Annotated[str, typer.Option("--from", metavar="P", help="The first period of a series.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="P", help="The last period of a series.")] = "",
    region: RegionOption = HERE,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """An indicator's value for a unit, or for all units of a level, in a period or in many."""
    if level and unit:
        raise SuwenError("both a level and a unit were given", where="--level, --unit", expected="one of them")
    with _answers(region, release, Action.VALUES, unit) as answers:
        units = [unit] if unit else [] if level else [answers.tree.top]
        wanted = _wanted(answers, code, period, first, last, units)
        found = answers.values(code, wanted, level=level, unit="".join(units))
        indicator = answers.indicator(code)
        if as_json:
            say_json([value_json(one, indicator) for one in found])
        else:
            say([f"{code} {indicator.title['en']} {indicator.title['zh']}, {indicator.unit['en']}, release {answers.release}"])
            points = [f"{one}" for one in indicator.used]
            columns = ("unit", "name", "period", "value", *points, "reporting")
            say_table(columns, value_rows(found, indicator, answers.tree.names), numbers=("value", *points, "reporting"))


def _wanted(answers: Answers, code: str, period: str, first: str, last: str, units: list[str]) -> tuple[Span, ...]:
    """The periods asked for: one, or a series by kind, from its first to its last; by themselves those of which anything was reported."""
    if period and period not in list(Period):
        return (span(period),)
    kind = Period(period) if period else answers.indicator(code).period
    known = answers.extent(units[0] if units else answers.tree.top)
    begin = span(first).first if first else known[0] if known else None
    end = span(last).first if last else known[1] if known else None
    return answers.periods(kind, begin, end) if begin and end else ()


@app.command("why")
def why(
    code: CodeArgument,
    before: Annotated[str, typer.Option("--from", metavar="P", help="The earlier period, such as 2024-02.")],
    after: Annotated[str, typer.Option("--to", metavar="P", help="The later period, such as 2024-03.")],
    unit: UnitOption = "",
    by: Annotated[str, typer.Option("--by", metavar="B", help="unit, or the name of a breakdown by groups of patients.")] = UNIT,
    region: RegionOption = HERE,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why a value changed between two periods: what each unit below, or each group of patients, did to it. The effects add up exactly."""
    with _answers(region, release, Action.VALUES, unit) as answers:
        found = decompose(answers, code, unit or answers.tree.top, span(before), span(after), by, within=reach(answers.opened.region, Action.VALUES))
        indicator = answers.indicator(code)
    if as_json:
        say_json(difference_json(found, indicator))
        return
    lines, columns, rows = difference_rows(found, indicator)
    say(lines)
    if rows:
        say_table(columns, rows, numbers=columns[2:])


@app.command("records")
def show_records(
    code: CodeArgument,
    period: PeriodOption,
    unit: UnitOption = "",
    point: Annotated[str, typer.Option("--point", metavar="CODE", help="Only the records that count for this point of the formula.")] = "",
    after: Annotated[str, typer.Option("--after", metavar="KEY", help="Begin after this record, the key of a page before.")] = "",
    limit: LimitOption = 50,
    region: RegionOption = HERE,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The records behind a value: each leads on by suwen trace."""
    with _answers(region, release, Action.RECORDS, unit) as answers:
        allowed = reach(answers.opened.region, Action.RECORDS)
        found = records(answers, code, unit or answers.tree.top, span(period), after=after, limit=limit, within=allowed, only=point)
        points = answers.indicator(code).used
    if as_json:
        say_json([record_json(one) for one in found])
        return
    say_table(("day", "organisation", "table", "id", *points), record_rows(found, points), numbers=points)
    if len(found) == limit:
        say([f"next: --after '{found[-1].key}'"])


@app.command("new")
def new(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A code that no indicator has: two to four capitals and two digits, such as MY01.")],
    base: Annotated[str, typer.Option("--base", metavar="B", help="The base whose rows it counts.")] = "",
    pack: Annotated[str, typer.Option("--pack", metavar="NAME", help="The region's own pack; made if it is not there.")] = "own",
    category: Annotated[str, typer.Option("--category", metavar="C", help="The folder below the pack's folder of indicators.")] = "own",
    region: RegionOption = HERE,
) -> None:
    """Begin an indicator of one's own: a file that can be tried as it is."""
    path = new_indicator(open_region(region), code, base, pack, category)
    say([f"{shown_path(path)} was written", f"next: suwen indicator try {shown_path(path)}"])


@app.command("try")
def try_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An indicator's TOML file, in force or not.")],
    region: RegionOption = HERE,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try an indicator: its value in the last months, its SQL, some rows, and what it costs. Nothing is kept."""
    opened = OpenRelease(region_for(region, Action.QUERY), release)
    found = try_out(opened, file)
    if as_json:
        say_json(trial_json(found))
    else:
        say(trial_lines(found))
