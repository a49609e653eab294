"""SQL composed from trees: fixed text is parsed once, parts are set in as nodes, never as text.

`statement("select key from {index} where {keep}", index=table("i"), keep=tree)` parses the text and puts each part where its
name stands: a table or subquery in FROM, an expression or a list of expressions elsewhere. A `str` part is an identifier.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from sqlglot import exp, parse_one

Tree = exp.Expression
Part = Tree | str | int | Sequence[Tree]
_HOLE = re.compile(r"\{(\w+)\}")
_PATTERN = re.compile(r"[*?\[]")


def ident(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.to_identifier(name, quoted=True)


def col(name: str, table: str = "") -> exp.Column:
    """A quoted column, optionally of a table alias."""
    return exp.column(ident(name), table=ident(table) if table else None)


def table(name: str, schema: str = "") -> exp.Table:
    """A quoted table name."""
    return exp.Table(this=ident(name), db=ident(schema) if schema else None)


def text(value: str) -> exp.Literal:
    """A text literal."""
    return exp.Literal.string(value)


def integer(value: int) -> exp.Expression:
    """A whole-number literal."""
    return exp.Neg(this=exp.Literal.number(-value)) if value < 0 else exp.Literal.number(value)


def boolean(value: bool) -> exp.Expression:
    """`true` or `false`."""
    return exp.true() if value else exp.false()


def null() -> exp.Expression:
    return exp.Null()


def typed(node: exp.Expression, sql_type: str) -> exp.Expression:
    """`CAST(node AS sql_type)` in DuckDB's type names."""
    return exp.Cast(this=node, to=_type(sql_type).copy())


def tried(node: exp.Expression, sql_type: str) -> exp.Expression:
    """`TRY_CAST(node AS sql_type)`: null where the value does not fit."""
    return exp.TryCast(this=node, to=_type(sql_type).copy())


@functools.lru_cache(maxsize=64)
def _type(sql_type: str) -> exp.Expression:
    """A type's tree; shared, so to be copied."""
    return exp.DataType.build(sql_type, dialect="duckdb")


def alias(node: exp.Expression, name: str) -> exp.Expression:
    return exp.Alias(this=node, alias=ident(name))


def conjunction(nodes: Iterable[exp.Expression]) -> exp.Expression:
    """`a AND b AND ...`; true for none."""
    whole: exp.Expression | None = None
    for node in nodes:
        part = exp.Paren(this=node)
        whole = part if whole is None else exp.And(this=whole, expression=part)
    return whole if whole is not None else exp.true()


def call(name: str, *args: exp.Expression) -> exp.Expression:
    """A function call by name, passed through to the engine as it is."""
    return exp.Anonymous(this=name, expressions=list(args))


def list_of(items: Sequence[exp.Expression]) -> exp.Expression:
    """A list literal."""
    return exp.Array(expressions=[_own(i) for i in items])


def paren(node: exp.Expression) -> exp.Expression:
    return exp.Paren(this=_own(node))


def plus(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """`left + right`."""
    return exp.Add(this=_own(left), expression=_own(right))


def both(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """`left AND right`."""
    return conjunction([left, right])


def case(whens: Sequence[tuple[exp.Expression, exp.Expression]], otherwise: exp.Expression | None = None) -> exp.Expression:
    """`CASE WHEN .. THEN .. ELSE .. END`; with no branch, the ELSE value (null when none is given)."""
    if not whens:
        return otherwise if otherwise is not None else null()
    return exp.Case(ifs=[exp.If(this=_own(w), true=_own(t)) for w, t in whens], default=_own(otherwise) if otherwise is not None else None)


def is_null(node: exp.Expression) -> exp.Expression:
    return exp.Is(this=exp.Paren(this=_own(node)), expression=exp.Null())


def coalesce(*nodes: exp.Expression) -> exp.Expression:
    return exp.Coalesce(this=_own(nodes[0]), expressions=[_own(n) for n in nodes[1:]]) if len(nodes) > 1 else _own(nodes[0])


def disjunction(nodes: Iterable[exp.Expression]) -> exp.Expression:
    """`a OR b OR ...`; false for none."""
    whole: exp.Expression | None = None
    for node in nodes:
        part = exp.Paren(this=_own(node))
        whole = part if whole is None else exp.Or(this=whole, expression=part)
    return whole if whole is not None else exp.false()


def negation(node: exp.Expression) -> exp.Expression:
    return exp.Not(this=exp.Paren(this=_own(node)))


def compared(left: exp.Expression, sign: str, right: exp.Expression) -> exp.Expression:
    """A comparison; `sign` one of = <> < <= > >=."""
    kinds: dict[str, type[exp.Expression]] = {"=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
    return kinds[sign](this=_own(left), expression=_own(right))


def literally(path: str) -> str:
    """A path as DuckDB takes it for this one file, and not for a pattern that files of other folders may fit."""
    return _PATTERN.sub(r"[\g<0>]", path)


def read_parquet(paths: Sequence[str], *, row_number: bool = False, filename: bool = False, by_name: bool = False) -> exp.Expression:
    """`read_parquet([...])` over a list of files, optionally with file_row_number and filename, or with columns matched by name."""
    listed = exp.Array(expressions=[text(literally(p)) for p in paths])
    options: list[exp.Expression] = [exp.EQ(this=exp.column("union_by_name"), expression=exp.true())] if by_name else []
    if row_number:
        options.append(exp.EQ(this=exp.column("file_row_number"), expression=exp.true()))
    if filename:
        options.append(exp.EQ(this=exp.column("filename"), expression=exp.true()))
    options.append(exp.EQ(this=exp.column("hive_partitioning"), expression=exp.false()))
    return exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[listed, *options]))


def alike(column: str, one: str, other: str) -> exp.Expression:
    """`one.column IS NOT DISTINCT FROM other.column`: equal, or both null."""
    return exp.NullSafeEQ(this=col(column, one), expression=col(column, other))


def union_all(queries: Sequence[exp.Expression]) -> exp.Expression:
    """UNION ALL of one or more queries."""
    whole = queries[0]
    for query in queries[1:]:
        whole = exp.Union(this=whole, expression=query, distinct=False)
    return whole


def subquery(query: exp.Expression, name: str) -> exp.Expression:
    """`(query) AS name`, for FROM."""
    return exp.Subquery(this=_own(query), alias=exp.TableAlias(this=ident(name)))


def statement(sql: str, **parts: Part) -> exp.Expression:
    """Parse `sql` (DuckDB's dialect) and set each `{name}` to its part."""
    tree = _parsed(sql).copy()
    for node in list(tree.find_all(exp.Table, exp.Column, exp.Identifier)):
        _fill(node, parts)
    return tree


@functools.lru_cache(maxsize=1024)
def _parsed(sql: str) -> exp.Expression:
    """A fixed text's tree with a marked name for each hole; shared, so to be copied."""
    return parsed(_HOLE.sub(lambda m: f"_hole_{m[1]}_", sql))


def parsed(sql: str) -> exp.Expression:
    """The tree of a fixed text, without notes of where in the text its parts stood, which are most of what copying a tree costs."""
    tree = cast("exp.Expression", parse_one(sql, dialect="duckdb"))
    for node in tree.walk():
        node._meta = None
    return tree


def _own(part: exp.Expression) -> exp.Expression:
    """A part to be set into a tree: itself while it stands in no other, else a copy."""
    return part if part.parent is None else part.copy()


def _fill(node: exp.Expression, parts: dict[str, Part]) -> None:
    name = node.name if not isinstance(node, exp.Column) or not node.table else ""
    if not (name.startswith("_hole_") and name.endswith("_")):
        return
    if (
        isinstance(node, exp.Identifier)
        and isinstance(node.parent, (exp.Column, exp.Table))
        and node.arg_key == "this"
        and not node.parent.args.get("table")
        and not node.parent.args.get("db")
    ):
        return  # the column or table itself is replaced
    part = parts[name[6:-1]]
    if isinstance(node, exp.Identifier):
        assert isinstance(part, str), f"{name} stands where only a name can"
        node.replace(ident(part))
    elif isinstance(node, exp.Table):
        _fill_table(node, part)
    else:
        _fill_expression(node, part)


def _fill_table(node: exp.Table, part: Part) -> None:
    tree = table(part) if isinstance(part, str) else part
    assert isinstance(tree, exp.Expression)
    if isinstance(tree, exp.Query) and not isinstance(tree, exp.Subquery):
        tree = exp.Subquery(this=_own(tree))
    new = tree.copy() if isinstance(tree, exp.Table) else _own(tree)
    if node.alias:
        new.set("alias", exp.TableAlias(this=ident(node.alias)))
    for key in ("joins", "laterals", "sample"):
        if node.args.get(key):
            new.set(key, node.args[key])
    node.replace(new)


def _fill_expression(node: exp.Expression, part: Part) -> None:
    if isinstance(part, str):
        node.replace(col(part))
    elif isinstance(part, int):
        node.replace(integer(part))
    elif isinstance(part, exp.Query) and not isinstance(part, exp.Subquery):
        node.replace(exp.Subquery(this=_own(part)))
    elif isinstance(part, exp.Expression):
        node.replace(exp.Paren(this=_own(part)) if _binds_looser(part, cast("exp.Expression | None", node.parent)) else _own(part))
    else:
        parent, key = node.parent, node.arg_key
        assert parent is not None and key is not None
        held = parent.args[key]
        assert isinstance(held, list), f"a list of expressions stands where only one can: {node.sql()}"
        at = next(i for i, item in enumerate(held) if item is node)
        parent.set(key, [*held[:at], *(_own(p) for p in part), *held[at + 1 :]])


def _binds_looser(part: exp.Expression, parent: exp.Expression | None) -> bool:
    """Whether a part could fall apart among its neighbours: a tree prints without the parentheses that its own shape implies."""
    inner = isinstance(part, (exp.Binary, exp.Not, exp.In, exp.Between)) and not isinstance(part, exp.Dot)
    return inner and isinstance(parent, (exp.Binary, exp.Unary, exp.In, exp.Between)) and not isinstance(parent, exp.Paren)


def bit(condition: exp.Expression, place: int) -> exp.Expression:
    """2^place where the condition is true, else 0."""
    return case([(condition, integer(2**place))], integer(0))


def total(nodes: Sequence[exp.Expression]) -> exp.Expression:
    """The sum of whole numbers as BIGINT; 0 for none."""
    whole: exp.Expression = typed(integer(0), "BIGINT")
    for node in nodes:
        whole = plus(whole, node)
    return whole


def struct(fields: Mapping[str, exp.Expression]) -> exp.Expression:
    """A struct literal."""
    return exp.Struct(expressions=[exp.PropertyEQ(this=ident(n), expression=_own(v)) for n, v in fields.items()])


def flattened_columns(tree: exp.Expression, prefix: str = "") -> exp.Expression:
    """A copy in which a qualified column `a.b` is the one column named "a.b", after a prefix."""

    def flat(node: exp.Expression) -> exp.Expression:
        return col(f"{prefix}{node.table}.{node.name}") if isinstance(node, exp.Column) and node.table else node

    return tree.transform(flat)


def literal_rows(names: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[exp.Expression]]) -> exp.Expression:
    """A small relation of literals; typed and empty where there are no rows."""
    nothing = statement("select {columns} where false", columns=[alias(typed(null(), t), n) for n, t in zip(names, types, strict=True)])
    made = [statement("select {columns}", columns=[alias(typed(v, t), n) for n, t, v in zip(names, types, row, strict=True)]) for row in rows]
    return union_all([nothing, *made])


def in_texts(node: exp.Expression, values: Sequence[str]) -> exp.Expression:
    """`node IN ('a', 'b')`; false for no values."""
    return exp.In(this=_own(node), expressions=[text(v) for v in values]) if values else exp.false()


def in_numbers(node: exp.Expression, values: Sequence[int]) -> exp.Expression:
    """`node IN (1, 2)`; false for no values."""
    return exp.In(this=_own(node), expressions=[integer(v) for v in values]) if values else exp.false()
