"""Spark's forms of queries: select, joins, unions, windows, named parts, files and relations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine.spark.printer import Form, Printer, checked, only, quoted
from suwen.engine.sql import Tree, case, integer

_SELECT = ("with_", "hint", "distinct", "expressions", "from_", "joins", "where", "group", "having", "qualify", "windows", "order", "limit")
_JOINS = {("", ""): "JOIN", ("", "INNER"): "JOIN", ("", "CROSS"): "CROSS JOIN", ("", "SEMI"): "LEFT SEMI JOIN", ("", "ANTI"): "LEFT ANTI JOIN",
          ("LEFT", ""): "LEFT JOIN", ("FULL", ""): "FULL JOIN"}  # fmt: skip
_OPTIONS = ("file_row_number", "filename", "union_by_name", "hive_partitioning")


def _select(printer: Printer, node: Tree) -> str:
    only(node, *_SELECT)
    if node.args.get("distinct") and node.args["distinct"].args.get("on"):
        raise Defect("no Spark form of DISTINCT ON")
    said = [_with(printer, node), "SELECT"]
    said += [f"/*+ {node.args['hint'].expressions[0].name} */"] if node.args.get("hint") else []
    said += ["DISTINCT"] if node.args.get("distinct") else []
    said.append(", ".join(text for one in node.expressions for text in _projected(printer, node, one)))
    if node.args.get("from_"):
        said.append(f"FROM {printer.text(node.args['from_'].this)}")
    said += [_join(printer, join) for join in node.args.get("joins") or ()]
    said += _clause(printer, node, "where", "WHERE")
    if group := node.args.get("group"):
        said.append(f"GROUP BY {_grouped(printer, group)}")
    said += [*_clause(printer, node, "having", "HAVING"), *_clause(printer, node, "qualify", "QUALIFY")]
    if windows := node.args.get("windows"):
        said.append("WINDOW " + ", ".join(f"{quoted(w.this.name)} AS ({_frame(printer, w)})" for w in windows))
    return " ".join(filter(None, [*said, *_ending(printer, node)]))


def _clause(printer: Printer, node: Tree, key: str, word: str) -> list[str]:
    found = node.args.get(key)
    return [] if found is None else [f"{word} {printer.text(found.this)}"]


def _ending(printer: Printer, node: Tree) -> list[str]:
    """ORDER BY and LIMIT of a query."""
    said = [printer.text(node.args["order"])] if node.args.get("order") else []
    if limit := node.args.get("limit"):
        only(limit, "expression")
        said.append(f"LIMIT {printer.text(limit.args['expression'])}")
    return said


def _with(printer: Printer, node: Tree) -> str:
    parts = node.args.get("with_")
    if parts is None:
        return ""
    only(parts, "expressions")
    return "WITH " + ", ".join(f"{quoted(part.alias)} AS ({printer.text(part.this)})" for part in parts.expressions)


def _grouped(printer: Printer, group: Tree) -> str:
    only(group, "expressions", "all")
    return "ALL" if group.args.get("all") else printer.listed(group.expressions)


def _projected(printer: Printer, query: Tree, node: Tree) -> Sequence[str]:
    """What one item of a SELECT list gives: a star with parts left out or replaced is written out column by column."""
    star = node.this if isinstance(node, exp.Column) and isinstance(node.this, exp.Star) else node
    if not isinstance(star, exp.Star):
        return [printer.text(node)]
    only(star, "except_", "replace")
    alias = node.text("table") if isinstance(node, exp.Column) else ""
    prefix = f"{quoted(alias)}." if alias else ""
    left_out = {column.name.lower() for column in star.args.get("except_") or ()}
    replaced = {one.alias.lower(): one for one in star.args.get("replace") or ()}
    if not left_out and not replaced:
        return [f"{prefix}*"]
    named = [name for name in columns_of(printer, _source(query, alias), _parts(query)) if name.lower() not in left_out]
    return [printer.text(replaced[name.lower()]) if name.lower() in replaced else f"{prefix}{quoted(name)}" for name in named]


def _source(query: Tree, alias: str) -> Any:
    """The relation of a FROM that an alias names, or its only one."""
    sources = [query.args["from_"].this, *(join.this for join in query.args.get("joins") or () if join.text("kind") not in ("SEMI", "ANTI"))]
    found = [source for source in sources if source.alias_or_name == alias] if alias else sources
    if len(found) != 1:
        raise Defect("no Spark form of a star over several relations with parts left out or replaced")
    return found[0]


def _parts(node: Tree) -> Mapping[str, Tree]:
    """The queries named by WITH around a node, by name."""
    found: dict[str, Tree] = {}
    at: Any = node
    while at is not None:
        for part in at.args["with_"].expressions if at.args.get("with_") else ():
            found.setdefault(part.alias, part.this)
        at = at.parent
    return found


def in_one_part(tree: Tree) -> Tree | None:
    """A copy of a sorted SELECT whose rows are brought to one task before they are sorted; None where it is not sorted."""
    if not isinstance(tree, exp.Select) or not tree.args.get("order"):
        return None
    copy = tree.copy()
    copy.set("hint", exp.Hint(expressions=[exp.Var(this="REPARTITION(1)")]))
    return copy


def columns_of(printer: Printer, node: Tree, parts: Mapping[str, Tree]) -> list[str]:
    """The columns of a relation or query in their order."""
    if isinstance(node, exp.Subquery):
        return columns_of(printer, node.this, parts)
    if isinstance(node, exp.SetOperation):
        return columns_of(printer, node.this, parts)
    if isinstance(node, exp.Table):
        inner = parts.get(node.name) if isinstance(node.this, exp.Identifier) else None
        return columns_of(printer, inner, parts) if inner is not None else list(printer.sources.columns(_view(printer, node)))
    assert isinstance(node, exp.Select)
    return [name for one in node.expressions for name in _names(printer, node, one, parts)]


def _names(printer: Printer, query: Tree, node: Tree, parts: Mapping[str, Tree]) -> list[str]:
    star = node.this if isinstance(node, exp.Column) and isinstance(node.this, exp.Star) else node
    if not isinstance(star, exp.Star):
        return [node.alias_or_name]
    alias = node.text("table") if isinstance(node, exp.Column) else ""
    left_out = {column.name.lower() for column in star.args.get("except_") or ()}
    within = {**parts, **_parts(query)}
    sources = [_source(query, alias)] if alias else [query.args["from_"].this, *(join.this for join in query.args.get("joins") or ())]
    return [name for source in sources for name in columns_of(printer, source, within) if name.lower() not in left_out]


def _table(printer: Printer, node: Tree) -> str:
    only(node, "this", "alias", "joins")
    name = node.name if isinstance(node.this, exp.Identifier) and node.name in _parts(node) else _view(printer, node)
    alias = node.alias or (node.name if isinstance(node.this, exp.Identifier) else "")
    said = f"{quoted(name)}{f' AS {quoted(alias)}' if alias else ''}"
    return " ".join([said, *(_join(printer, join) for join in node.args.get("joins") or ())])


def _view(printer: Printer, node: Tree) -> str:
    """The name that Spark knows a table's relation by, or that of its files."""
    if isinstance(node.this, exp.Identifier):
        return printer.sources.relation(node.name)
    call = node.this
    if not isinstance(call, exp.Anonymous) or call.name.lower() != "read_parquet":
        raise Defect(f"no Spark form of the relation {call.name or type(call).__name__}")
    listed, *options = call.expressions
    on = {option.this.name: bool(option.args["expression"].this) for option in options}
    if unknown := set(on) - set(_OPTIONS):
        raise Defect(f"no Spark form of read_parquet with {', '.join(sorted(unknown))}")
    paths = [path.name for path in listed.expressions]
    return printer.sources.files(paths, row_number=on.get("file_row_number", False), filename=on.get("filename", False), by_name=on.get("union_by_name", False))


def _join(printer: Printer, node: Tree) -> str:
    only(node, "this", "side", "kind", "on", "using")
    side, kind = node.text("side").upper(), node.text("kind").upper()
    word = _JOINS.get((side, "" if kind == "OUTER" else kind))
    if word is None:
        raise Defect(f"no Spark form of {side} {kind} JOIN")
    condition = f" ON {printer.text(node.args['on'])}" if node.args.get("on") is not None else ""
    if using := node.args.get("using"):
        condition = f" USING ({', '.join(quoted(column.name) for column in using)})"
    if not condition and word == "JOIN":
        word = "CROSS JOIN"
    return f"{word} {printer.text(node.this)}{condition}"


def _subquery(printer: Printer, node: Tree) -> str:
    only(node, "this", "alias", "joins", "with_")
    said = f"({printer.text(node.this)}){f' AS {quoted(node.alias)}' if node.alias else ''}"
    return " ".join(filter(None, [_with(printer, node), said, *(_join(printer, join) for join in node.args.get("joins") or ())]))


def _union(printer: Printer, node: Tree) -> str:
    """UNION, EXCEPT: a chain that leans to the left is as deep as it is long, so it is not walked by recursion."""
    said: list[str] = []
    at: Tree = node
    while isinstance(at, (exp.Union, exp.Except)):
        only(at, "this", "expression", "distinct", "with_", "order", "limit")
        if at is not node and (at.args.get("with_") or at.args.get("order") or at.args.get("limit")):
            break
        word = "EXCEPT" if isinstance(at, exp.Except) else "UNION" if at.args.get("distinct") else "UNION ALL"
        said += [_operand(printer, at.args["expression"]), word]
        at = at.this
    return " ".join(filter(None, [_with(printer, node), _operand(printer, at), *reversed(said), *_ending(printer, node)]))


def _operand(printer: Printer, node: Tree) -> str:
    """A query of a UNION; in parentheses where it is more than a plain SELECT."""
    plain = isinstance(node, exp.Select) and not any(node.args.get(key) for key in ("with_", "order", "limit", "windows"))
    return printer.text(node) if plain or isinstance(node, exp.Subquery) else f"({printer.text(node)})"


def _ordered(printer: Printer, node: Tree) -> str:
    only(node, "this", "desc", "nulls_first")
    direction = "DESC" if node.args.get("desc") else "ASC"
    return f"{printer.text(node.this)} {direction} NULLS {'FIRST' if node.args.get('nulls_first') else 'LAST'}"


def _order(printer: Printer, node: Tree) -> str:
    only(node, "expressions")
    first = node.expressions[0]
    if isinstance(first.this, exp.Var) and first.this.name.upper() == "ALL":
        return "ORDER BY ALL NULLS LAST"
    return f"ORDER BY {printer.listed(node.expressions)}"


def _window(printer: Printer, node: Tree) -> str:
    only(node, "this", "partition_by", "order", "spec", "alias", "over")
    over = quoted(node.alias) if node.alias else f"({_frame(printer, node)})"
    return f"{printer.text(_unfiltered(node.this))} OVER {over}"


def _unfiltered(node: Tree) -> Tree:
    """An aggregate over a window without its filter, which Spark has not there: what the filter leaves out is null to it."""
    if not isinstance(node, exp.Filter):
        return node
    inner, condition = node.this.copy(), node.args["expression"].this
    if not isinstance(inner, (exp.Count, exp.Sum, exp.Min, exp.Max)) or isinstance(inner.this, exp.Distinct):
        raise Defect(f"no Spark form of {type(inner).__name__} with a filter over a window")
    value = integer(1) if isinstance(inner.this, exp.Star) else inner.this
    inner.set("this", case([(condition.copy(), value)]))
    return inner


def _frame(printer: Printer, node: Tree) -> str:
    said = [f"PARTITION BY {printer.listed(node.args['partition_by'])}"] if node.args.get("partition_by") else []
    said += [printer.text(node.args["order"])] if node.args.get("order") else []
    if spec := node.args.get("spec"):
        said.append(f"{spec.args['kind']} BETWEEN {_bound(printer, spec, 'start')} AND {_bound(printer, spec, 'end')}")
    return " ".join(said)


def _bound(printer: Printer, spec: Tree, which: str) -> str:
    value, side = spec.args.get(which) or "CURRENT ROW", spec.args.get(f"{which}_side") or ""
    return f"{value if isinstance(value, str) else printer.text(value)} {side}".strip()


QUERIES: Mapping[type[Tree], Form] = {
    exp.Select: _select,
    exp.Subquery: _subquery,
    exp.Union: _union,
    exp.Except: _union,
    exp.Table: _table,
    exp.Order: _order,
    exp.Ordered: _ordered,
    exp.Window: _window,
    exp.Exists: checked(lambda printer, node: f"EXISTS ({printer.text(node.this.this if isinstance(node.this, exp.Subquery) else node.this)})", "this"),
}
