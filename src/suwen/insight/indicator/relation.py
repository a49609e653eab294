"""Relations put together: a table's columns under the names of expressions, what is beside a row, and what is measured of the rows that belong to it.

A column is named as expressions name it (`visit_end_date`, `more.subtype`, `charge.total`); names of our own begin with `_`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from suwen.engine.compile import Compiled
from suwen.engine.months import month_of
from suwen.engine.render import render
from suwen.engine.sql import Tree, alias, case, coalesce, col, compared, conjunction, flattened_columns, integer, null, statement, tried, typed
from suwen.insight.indicator.meaning import AGE, GROUPED_BY, EachMeaning, MeasureMeaning, columns_of, meaning_of_age
from suwen.model.extension import ALL_TABLES
from suwen.model.functions import DUCKDB_TYPES
from suwen.model.indicator import Each, How

Tables = Callable[[str], Tree]
"""The stored rows of a table, by its name; empty, and with its columns, where nothing of it is stored."""

ROW, PERSON, VISIT, ORIGIN, ORGANISATION = "_row", "_person", "_visit", "_origin", "_organisation"
SOMEONE = "_someone"  # as whom rows of the same person are looked for
GROUP = "group "  # before the names of what a breakdown names, which the base may use for something else


@dataclass(frozen=True)
class Group:
    """Measures that are grouped already: the table of `_key_<place>` and a column for each measure, by what it is (`measure_text`)."""

    table: str
    columns: Mapping[str, str]


Groups = Mapping[str, Group]
"""What is grouped already, by what is measured (`identity`)."""

NO_GROUPS: Groups = {}

_AGGREGATES = {How.COUNT: "select count({value})", How.SUM: "select sum({value})", How.MIN: "select min({value})", How.MAX: "select max({value})"}
_AGGREGATES[How.DISTINCT] = "select count(distinct {value})"


def flat(compiled: Compiled, prefix: str = "") -> Tree:
    """A compiled expression over columns that bear their whole names."""
    return flattened_columns(compiled.tree, prefix)


def of_table(table: str, wanted: Iterable[str], source: Tree) -> Tree:
    """Stored rows of a base: the wanted columns, its id, person, visit, organisation and origin."""
    shape = ALL_TABLES[table]
    nothing = typed(null(), "BIGINT")
    kept: Mapping[str, Tree] = {
        ROW: col(shape.id_column or ""),
        PERSON: col(shape.person_column) if shape.person_column else nothing,
        VISIT: col("visit_occurrence_id") if "visit_occurrence_id" in shape.row_columns else nothing,
        ORIGIN: month_of(col(shape.date_column)) if shape.date_column else integer(0),
        ORGANISATION: col(ORGANISATION),
    }
    return statement("select {c} from {s} s", c=[*_columns(table, "", wanted), *(alias(tree, name) for name, tree in kept.items())], s=source)


def _columns(table: str, name: str, wanted: Iterable[str]) -> list[Tree]:
    """Columns of a table as the language types them, under their whole names."""
    types = columns_of(table)
    return [alias(typed(col(one), DUCKDB_TYPES[types[one]]), whole(name, one)) for one in wanted]


def whole(name: str, column: str) -> str:
    """The name of an alias's column; one that bears an alias already keeps it."""
    return f"{name}.{column}" if name and "." not in column else column


def names_of(name: str, used: Iterable[str]) -> list[str]:
    """The columns of an alias among the names used, in order."""
    return sorted(one.removeprefix(f"{name}.") for one in used if one.startswith(f"{name}."))


def equal(left: str, right: str) -> Tree:
    """`l.left = r.right`."""
    return compared(col(left, "l"), "=", col(right, "r"))


def same(left: str, right: str) -> Tree:
    """`l.left IS NOT DISTINCT FROM r.right`."""
    return statement("select {l} is not distinct from {r}", l=col(left, "l"), r=col(right, "r")).expressions[0]


def touching(rows: Tree, touched: Tree) -> Tree:
    """Rows of touched cells. `touched`: (organisation, origin)."""
    on = conjunction([equal(ORGANISATION, "organisation"), equal(ORIGIN, "origin")])
    return statement("select l.* from {l} l semi join {r} r on {on}", l=rows, r=touched, on=on)


def with_someone(rows: Tree, person: str, links: Tree | None) -> Tree:
    """With the person as whom others are looked for: the master where links are given."""
    if links is None:
        return statement("select l.*, {p} as {s} from {l} l", p=col(person, "l"), s=SOMEONE, l=rows)
    return statement(
        "select l.*, coalesce(r.master_person_id, {p}) as {s} from {l} l left join {r} r on r.person_id = {p}", p=col(person, "l"), s=SOMEONE, l=rows, r=links
    )


def beside(rows: Tree, name: str, table: str, on: Sequence[tuple[str, str]], used: Iterable[str], tables: Tables) -> Tree:
    """With the used columns, under `name`, of the one row of a table beside each; null where there is none. `on`: (column of the rows, its column)."""
    wanted = names_of(name, used)
    if not wanted:
        return rows
    keys = [alias(col(its), f"_key_{at}") for at, (_, its) in enumerate(on)]
    other = statement("select {k}, {c} from {s} s", k=keys, c=_columns(table, name, wanted), s=tables(table))
    agree = conjunction([equal(own, f"_key_{at}") for at, (own, _) in enumerate(on)])
    return statement("select l.*, {new} from {l} l left join {r} r on {on}", new=[col(whole(name, c), "r") for c in wanted], l=rows, r=other, on=agree)


def grouped(rows: Tree, tables: Tables, used: Collection[str]) -> Tree:
    """With what breakdowns name of each row's visit and person, and the age on its day."""
    age = meaning_of_age()
    names = [f"{GROUP}{one}" for one in (*used, *(age.columns if AGE in used else ()))]
    for name, table in GROUPED_BY.items():
        own = PERSON if table == "person" else VISIT
        rows = beside(rows, f"{GROUP}{name}", table, [(own, ALL_TABLES[table].id_column or "")], names, tables)
    return statement("select *, {age} as {name} from {r} r", age=flat(age, GROUP), name=AGE, r=rows) if AGE in used else rows


def measured(rows: Tree, one: EachMeaning, used: Iterable[str], tables: Tables, links: Tree | None, groups: Groups) -> Tree:
    """With the used measures of the rows that belong to each. `groups`: what need not be grouped any more."""
    each, wanted = one.each, {name: one.measures[name] for name in names_of(one.each.alias, used)}
    new = [alias(_of_none(col(f"_{name}", "r"), m), whole(each.alias, name)) for name, m in wanted.items()]
    keys = its_keys(each)
    agree = conjunction([equal(own, f"_key_{at}") for at, (own, _) in enumerate(each.on)])
    group = groups.get(identity(one))
    if group is not None and all(measure_text(m) in group.columns for m in wanted.values()):
        parts = [alias(col(group.columns[measure_text(m)]), f"_{name}") for name, m in wanted.items()]
        found = statement("select {k}, {p} from {g} g", k=[col(key.alias) for key in keys], p=parts, g=group.table)
        return statement("select l.*, {new} from {rows} l left join {found} r on {agree}", rows=rows, new=new, found=found, agree=agree)
    parts = [alias(aggregate(m), f"_{name}") for name, m in wanted.items()]
    if not is_alone(one, wanted.values()):
        belonging, across = _belonging(one, one.columns, tables, links)
        on = [(SOMEONE, SOMEONE)] if each.of_person else [(own, whole(each.alias, its)) for own, its in each.on]
        return statement(
            """with part as materialized (select * from {rows} x), found as (
                select l.{row} as {row}, {parts} from part l join {belonging} r on {agree} where {across} group by l.{row})
            select l.*, {new} from part l left join found r on r.{row} = l.{row}""",
            rows=rows, row=ROW, parts=parts, belonging=belonging, agree=conjunction([equal(*pair) for pair in on]), across=conjunction(across), new=new,
        )  # fmt: skip
    meeting = conjunction([equal(own, whole(each.alias, its)) for own, its in each.on])  # many more rows than belong to any may be there
    belonging = statement("select r.* from {r} r semi join part l on {meeting}", r=belonging_alone(one, one.columns, tables), meeting=meeting)
    return statement(
        """with part as materialized (select * from {rows} x), found as (select {keys}, {parts} from {belonging} b group by {by})
        select l.*, {new} from part l left join found r on {agree}""",
        rows=rows, keys=keys, parts=parts, belonging=belonging, by=[key.this for key in keys], new=new, agree=agree,
    )  # fmt: skip


def is_alone(one: EachMeaning, wanted: Iterable[MeasureMeaning]) -> bool:
    """Whether what is measured depends on nothing but its own rows, which some columns say the owner of."""
    columns = [name for part in one.keep for name in part.columns]
    return not one.each.of_person and all(map(one.is_own, [*columns, *_names(wanted)]))


def identity(one: EachMeaning) -> str:
    """Which rows are measured, and by which keys, as text."""
    beside = [(other.alias, other.table, other.on) for other in one.each.beside]
    return repr((one.each.alias, one.each.table, [its for _, its in one.each.on], beside, [render(flat(part)) for part in one.keep]))


def measure_text(measure: MeasureMeaning) -> str:
    """What a measure is, as text."""
    return render(aggregate(measure))


def its_keys(each: Each) -> list[Tree]:
    """The columns of the measured rows that say to which they belong, as `_key_<place>`."""
    return [alias(col(whole(each.alias, its)), f"_key_{at}") for at, (_, its) in enumerate(each.on)]


def belonging_alone(one: EachMeaning, used: Collection[str], tables: Tables) -> Tree:
    """The measured rows that their own conditions keep, with the columns used."""
    return _belonging(one, used, tables, None)[0]


def _names(measures: Iterable[MeasureMeaning]) -> Iterator[str]:
    return (name for m in measures for part in (m.value, m.keep) if part for name in part.columns)


def _belonging(one: EachMeaning, named: Collection[str], tables: Tables, links: Tree | None) -> tuple[Tree, list[Tree]]:
    """The rows that are measured, with what is beside each and, where they are a person's, as whom that one is looked for; and what only the base can judge."""
    each = one.each
    on = [] if each.of_person else [whole(each.alias, its) for _, its in each.on]
    used = {*named, *on, *([f"{each.alias}.person_id"] if each.of_person else [])}
    used |= {whole(each.alias, own) for other in each.beside for own, _ in other.on}
    rows = statement("select {c} from {s} s", c=_columns(each.table, each.alias, names_of(each.alias, used)), s=tables(each.table))
    for other in each.beside:
        rows = beside(rows, other.alias, other.table, [(whole(each.alias, own), its) for own, its in other.on], used, tables)
    rows = with_someone(rows, f"{each.alias}.person_id", links) if each.of_person else rows
    alone = [flat(part) for part in one.keep if all(map(one.is_own, part.columns))]
    across = [flat(part) for part in one.keep if not all(map(one.is_own, part.columns))]
    return (statement("select * from {r} r where {c}", r=rows, c=conjunction(alone)) if alone else rows), across


def aggregate(measure: MeasureMeaning) -> Tree:
    """The measure of a group of rows in the language's type; null where it does not fit."""
    value = flat(measure.value) if measure.value else integer(1)
    if measure.keep:  # in the value: `filter (where ...)` takes longer
        value = case([(flat(measure.keep), value)], integer(0) if measure.how is How.SUM else None)
    return tried(statement(_AGGREGATES[measure.how], value=value).expressions[0], DUCKDB_TYPES[measure.type])


def _of_none(value: Tree, measure: MeasureMeaning) -> Tree:
    """A measure that is also known of no rows at all."""
    if measure.how in (How.MIN, How.MAX):
        return value
    return coalesce(value, typed(integer(0), DUCKDB_TYPES[measure.type]))
