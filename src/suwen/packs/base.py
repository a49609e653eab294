"""A base file: which rows of a table count, and on which day."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.model.extension import ALL_TABLES
from suwen.model.indicator import OF_PERSON, Base, Beside, ConceptSet, Each, How, Measure, Once, Scope
from suwen.model.pack import Expression
from suwen.packs.code_map import LARGEST_CONCEPT_ID
from suwen.packs.names import DASHED, WORD, check_name
from suwen.packs.problem import Problems, nearest
from suwen.packs.promised import writable_tables
from suwen.packs.section import Section
from suwen.packs.toml_places import Document

BASE_KEYS = ("name", "title", "definition", "owner", "source", "table", "date", "keep", "person", "beside", "each", "concepts", "once")
COUNTABLE = tuple(name for name, shape in ALL_TABLES.items() if shape.id_column and shape.group != "vocabulary")
_VALUED = tuple(how for how in How if how is not How.COUNT)
EACH_KEYS = ("table", "on", "beside", "keep", "measure")


def read_base(document: Document, problems: Problems) -> Base:
    """The base of a document. Mistakes go to `problems`; with any, the base returned is not to be used."""
    top = Section(document, (), document.data, problems, BASE_KEYS)
    name, table = top.text("name"), _own_table(top)
    check_name(top, "name", name, DASHED)
    aliases: dict[str, int] = {}
    beside = _beside(top, table, aliases)
    return Base(
        name=name,
        place=top.place("name"),
        title=top.titles(),
        definition=top.titles("definition"),
        owner=top.text("owner"),
        source=top.source(),
        table=table,
        date=top.expression("date", required=True) or Expression("null", top.place()),
        keep=top.expression("keep"),
        person=read_scope(top),
        beside=beside,
        each={alias: _each(section, alias, table, aliases) for alias, section in top.named_sections("each", EACH_KEYS).items()},
        concepts={alias: _concepts(section, alias) for alias, section in top.named_sections("concepts", ("ids", "descendants")).items()},
        once=_once(top),
        sha256=document.sha256,
    )


def read_table(section: Section) -> str:
    """The table a section names; "" and a problem where there is none of that name, or its rows have no id."""
    name = section.text("table")
    if name and name not in COUNTABLE:
        section.problem(
            "table", f'no rows of "{name}" can be counted', expected="a table of OMOP CDM 5.4 or of ours whose rows have an id", do=nearest(name, COUNTABLE)
        )
    return name if name in COUNTABLE else ""


def _own_table(top: Section) -> str:
    """The table whose rows are counted: one that templates fill, since what is worked out from others is no organisation's."""
    name = read_table(top)
    if name and name not in writable_tables():
        top.problem(
            "table", f'rows of "{name}" came from no organisation', expected="a table that templates fill", do=f'look at "{name}" with [beside] or [each]'
        )
    return name


def read_scope(section: Section) -> Scope:
    """Who a person is; the organisation's patient where nothing is said."""
    scope = section.text("person", required=False, default=Scope.LOCAL)
    if scope not in list(Scope):
        section.problem("person", f'unknown scope "{scope}"', expected=" or ".join(f'"{one}"' for one in Scope))
        return Scope.LOCAL
    return Scope(scope)


def _new_alias(section: Section, alias: str, aliases: dict[str, int]) -> None:
    check_name(section, "", alias, WORD)
    line = section.place().line
    if alias in aliases:
        section.problem("", f'alias "{alias}" stands already in line {aliases[alias]}', do="rename one")
    aliases.setdefault(alias, line)


def _beside(section: Section, table: str, aliases: dict[str, int]) -> tuple[Beside, ...]:
    """The tables `[beside.<alias>]`; `table`: whose rows they stand beside, "" where unknown."""
    found = []
    for alias, inner in section.named_sections("beside", ("table", "on")).items():
        _new_alias(inner, alias, aliases)
        other = read_table(inner)
        on = _on(inner, table, {"": other} if other else {})
        shape = ALL_TABLES.get(other)
        if shape is not None and on and [its for _, its in on] != [shape.id_column]:
            inner.problem(
                "on",
                f'several rows of "{other}" may be beside one',
                expected=f'"on" with its id: {{ ... = "{shape.id_column}" }}',
                do="use [each] for many rows",
            )
        found.append(Beside(alias, other, on, inner.place()))
    return tuple(found)


def _on(section: Section, table: str, others: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Pairs (own column, its column). `others`: what may stand before a dot ("": no dot) -> table."""
    inner = section.section("on", None, required=True)
    pairs = []
    for own in inner.data if inner else ():
        assert inner is not None
        its = inner.text(own)
        if table and own not in ALL_TABLES[table].row_columns:
            inner.problem(own, f'"{table}" has no column "{own}"', do=nearest(own, ALL_TABLES[table].row_columns))
        alias, _, column = its.rpartition(".")
        home = others.get(alias)
        if its and others and home is None:
            inner.problem(own, f'nothing here is called "{alias}"', do=nearest(alias, others))
        elif its and home and column not in ALL_TABLES[home].row_columns:
            inner.problem(own, f'"{home}" has no column "{column}"', do=nearest(column, ALL_TABLES[home].row_columns))
        pairs.append((own, its))
    if inner is not None and not pairs:
        section.problem("on", '"on" is empty', expected="at least one pair of columns")
    return tuple(pairs)


def _each(section: Section, alias: str, table: str, aliases: dict[str, int]) -> Each:
    _new_alias(section, alias, aliases)
    other = read_table(section)
    beside = _beside(section, other, aliases)
    measures = {name: _measure(inner, name) for name, inner in section.named_sections("measure", ("count", *_VALUED, "keep"), required=True).items()}
    if "measure" in section.data and not measures:
        section.problem("measure", '"measure" is empty', expected=f"at least one [each.{alias}.measure.<name>]")
    known = {"": other, **{one.alias: one.table for one in beside if one.table}} if other else {}
    return Each(alias, other, _of_person(section, table, other) or _on(section, table, known), beside, section.expression("keep"), measures, section.place())


def _of_person(section: Section, *tables: str) -> tuple[tuple[str, str], ...]:
    """`on = "person"`; () for anything else."""
    if section.data.get("on") != "person":
        return ()
    for table in tables:
        if table and ALL_TABLES[table].person_column is None:
            section.problem("on", f'rows of "{table}" are nobody\'s', expected="pairs of columns")
    return OF_PERSON


def _measure(section: Section, name: str) -> Measure:
    check_name(section, "", name, WORD)
    given = [how for how in How if how in section.data]
    if len(given) != 1:
        section.problem(
            "", f'measure "{name}" says {len(given) or "not"}{" things to measure" if given else " what to measure"}', expected="one of " + ", ".join(How)
        )
    how = given[0] if given else How.COUNT
    if how is How.COUNT and given and not section.flag("count", True):
        section.problem("count", '"count" is false', expected="count = true")
    return Measure(name, how, section.expression(how) if how is not How.COUNT else None, section.expression("keep"), section.place())


def _concepts(section: Section, name: str) -> ConceptSet:
    check_name(section, "", name, DASHED)
    ids = section.wholes("ids", least=1, most=LARGEST_CONCEPT_ID)
    return ConceptSet(name, ids, section.flag("descendants", True), section.place())


def _once(top: Section) -> Once | None:
    section = top.section("once", ("by", "best"))
    if section is None:
        return None
    by = tuple(Expression(text, section.place("by", at)) for at, text in enumerate(section.texts("by", required=True)))
    return Once(by, section.expression("best"), section.place())
