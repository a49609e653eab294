"""What a person's own SQL may say: one reading statement over the release's tables; anything else, and anything doubtful, is refused.

Two parsers look at the text. DuckDB's own tree decides: every node, table form, table and function in it must be on a list. SQLGlot must
agree that it is one query. The connection (`suwen.engine.query`) is closed to files and settings besides.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from suwen.base.errors import SuwenError
from suwen.base.texts import is_utf8

LONGEST = 1_000_000  # characters
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_TABLE_FORMS = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "SHOW_REF"})
_OTHER_FORMS = frozenset(
    {"LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER", "DISTINCT_MODIFIER", "ORDER_DEFAULT", "ASCENDING", "DESCENDING", "ORDER_BY"}
)
_CLASSES = frozenset(
    {"BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "DEFAULT", "FUNCTION", "LAMBDA", "LAMBDA_REF"}
    | {"OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW"}
)
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "repeat"})
# Functions of DuckDB that read settings, state or other SQL, wait, or write; those with side effects are left out besides.
_CLOSED = frozenset(
    {"current_setting", "getvariable", "in_search_path", "current_schemas", "current_database", "current_schema", "txid_current", "pg_sleep", "getenv"}
    | {"json_serialize_plan", "json_serialize_sql", "json_deserialize_sql", "json_execute_serialized_sql", "parse_duckdb_log_message", "query", "query_table"}
    | {"pg_get_viewdef", "pg_get_expr", "pg_get_constraintdef", "add_parquet_key", "which_secret", "error", "make_type"}
)
_PARTS_OF_THE_LANGUAGE = frozenset({"unnest", "count_star", "coalesce", "random", "grouping", "grouping_id", "list_value", "struct_pack", "row", "case"})
_WRITING = (
    *(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Command, exp.Copy, exp.Attach, exp.Detach, exp.Set),
    *(exp.Pragma, exp.Use, exp.Into, exp.Transaction, exp.Commit, exp.Rollback, exp.Analyze, exp.TruncateTable, exp.Kill, exp.Cache, exp.LoadData, exp.Install),
)
_DO = "write one select over the tables of the schemas omop, cdr, ext and state"


def refusal(what: str, expected: str = "one statement that only reads") -> SuwenError:
    """Why a text is not run."""
    return SuwenError(what, where="the query", expected=expected, do=_DO)


@dataclass(frozen=True)
class Allowed:
    """A text that may be run, and the tables (`schema.name`) that it names."""

    statement: str
    tables: frozenset[str]


@dataclass(frozen=True)
class Judge:
    """Judges SQL text against the tables (`schema.name`, small letters) and functions there are; `home` is the schema of bare names.

    `parser` is a connection used for its grammar alone: the text is neither bound nor run on it.
    """

    tables: frozenset[str]
    functions: frozenset[str]
    parser: duckdb.DuckDBPyConnection
    home: str = "omop"

    def check(self, sql: str) -> Allowed:
        """The text as it may be run, and over what; raises SuwenError with the reason otherwise."""
        if not sql.strip():
            raise refusal("the query is empty")
        if len(sql) > LONGEST or "\0" in sql:
            raise refusal(f"the query is longer than {LONGEST} characters or holds a NUL")
        if not is_utf8(sql):
            raise refusal("the query is not UTF-8", "text in UTF-8")
        statement = _one_statement(self.parser, sql)
        _agreed(sql)
        walk = _Walk(self)
        try:
            walk.any(_tree(self.parser, statement), frozenset())
        except RecursionError:
            raise refusal("the query is nested too deeply") from None
        return Allowed(statement, frozenset(walk.tables))


def functions(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The functions a query may call: DuckDB's own that have no side effects, without the closed ones."""
    found = connection.execute(
        "select function_name from duckdb_functions() where internal and function_type in ('scalar', 'aggregate', 'macro', 'window') "
        "group by all having not bool_or(coalesce(has_side_effects, false))"
    ).fetchall()
    return (frozenset(name.lower() for (name,) in found) | _PARTS_OF_THE_LANGUAGE) - _CLOSED


def _one_statement(parser: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The text of the one SELECT statement."""
    try:
        statements = parser.extract_statements(sql)
    except duckdb.ParserException as error:
        raise refusal(f"this is not SQL: {first_line(error)}") from None
    if len(statements) != 1:
        raise refusal(f"there are {len(statements)} statements", "one statement")
    if statements[0].type is not duckdb.StatementType.SELECT:
        raise refusal(f"a statement of type {statements[0].type.name} is not allowed")
    return str(statements[0].query)


def _agreed(sql: str) -> None:
    """SQLGlot, too, sees one statement that only reads. It raises errors of many classes on what it does not know."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree is not None]
    except Exception as error:
        raise refusal("the query is written in a form that is not understood with certainty") from error
    reading = len(trees) == 1 and isinstance(trees[0], exp.Query | exp.Values | exp.Describe | exp.Summarize | exp.From)
    if not reading or any(isinstance(node, _WRITING) for node in trees[0].walk()):
        raise refusal("the query does more than read")


def _tree(parser: duckdb.DuckDBPyConnection, statement: str) -> Any:
    """DuckDB's own syntax tree of a SELECT."""
    row = parser.execute("select json_serialize_sql(?, skip_null := true, skip_empty := true, skip_default := true)", [statement]).fetchone()
    answer: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if answer.get("error") or len(answer.get("statements", ())) != 1:
        raise refusal("the query is written in a form that is not understood with certainty")
    return answer["statements"][0]["node"]


class _Walk:
    """One walk over a syntax tree; `named` holds the names of WITH queries that are in force."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.tables = set[str]()

    def any(self, part: Any, named: frozenset[str]) -> None:
        if isinstance(part, list):
            for item in part:
                self.any(item, named)
        elif isinstance(part, dict):
            self._one(part, self._scope(part, named))

    def _one(self, part: Mapping[str, Any], named: frozenset[str]) -> None:
        kind = part.get("type")
        if "class" in part:
            self._expression(part)
        elif isinstance(kind, str):
            self._form(kind, part, named)
        for key, value in part.items():
            if key != "cte_map":
                self.any(value, named)

    def _scope(self, part: Mapping[str, Any], named: frozenset[str]) -> frozenset[str]:
        """The names in force inside a node: each WITH query sees those before it, a recursive one itself."""
        if part.get("type") == "RECURSIVE_CTE_NODE":
            named |= {str(part.get("cte_name", "")).lower()}
        for entry in part.get("cte_map", {}).get("map", ()):
            self.any(entry.get("value"), named)
            named |= {str(entry.get("key", "")).lower()}
        return named

    def _form(self, kind: str, part: Mapping[str, Any], named: frozenset[str]) -> None:
        if kind == "BASE_TABLE":
            self._table(part, named)
        elif kind == "TABLE_FUNCTION":
            self._table_function(part)
        elif kind == "SHOW_REF" and (part.get("show_type") not in {"DESCRIBE", "SUMMARY"} or "query" not in part):
            raise refusal("only tables and queries can be described", "describe omop.person, for one")
        elif kind not in _NODES | _TABLE_FORMS | _OTHER_FORMS and not kind.endswith("_TYPE_INFO"):
            raise refusal(f"the query has a part that is not allowed: {kind.lower().replace('_', ' ')}")

    def _table(self, part: Mapping[str, Any], named: frozenset[str]) -> None:
        path = [str(word) for word in part.get("qualified_name", {}).get("path", ())] or [str(part.get("table_name", ""))]
        path = [word.strip('"').lower() for word in path]
        if part.get("catalog_name") or len(path) > 2:
            raise refusal(f"there is no table {'.'.join(path)}", "schema.table")
        if len(path) == 1 and path[0] in named:
            return
        full = path if len(path) == 2 else [self.judge.home, path[0]]
        if ".".join(full) not in self.judge.tables:
            raise refusal(f"there is no table {'.'.join(path)}", _nearest(full, self.judge.tables))
        self.tables.add(".".join(full))

    def _table_function(self, part: Mapping[str, Any]) -> None:
        call = part.get("function", {})
        name = str(call.get("function_name", "")).lower() if call.get("class") == "FUNCTION" else ""
        if name not in TABLE_FUNCTIONS or len(call.get("qualified_name", {}).get("path", (name,))) != 1:
            raise refusal(f"the table function {name or '?'} is not allowed", f"one of {', '.join(sorted(TABLE_FUNCTIONS))}")

    def _expression(self, part: Mapping[str, Any]) -> None:
        if part["class"] not in _CLASSES:
            raise refusal(f"the query has an expression that is not allowed: {str(part['class']).lower()}")
        if part["class"] in {"FUNCTION", "WINDOW"}:
            name = str(part.get("function_name", "")).lower()
            if name not in self.judge.functions or len(part.get("qualified_name", {}).get("path", (name,))) > 1:
                raise refusal(f"there is no function {name} to be used here", "a function of DuckDB that only computes")


def _nearest(path: list[str], tables: Collection[str]) -> str:
    same = sorted(name for name in tables if name.split(".", 1)[1] == path[-1])
    if same:
        return " or ".join(same)
    close = difflib.get_close_matches(".".join(path), tables, n=1, cutoff=0.8)
    if close:
        return close[0]
    inside = sorted(name for name in tables if name.startswith(f"{path[0]}."))
    return f"one of {', '.join(inside[:12])}{' ...' if len(inside) > 12 else ''}" if inside else "a table of the schemas omop, cdr, ext and state"


def first_line(error: duckdb.Error) -> str:
    """The first line of a parser's or binder's message, without its class: it repeats words of the query, never a value of a row."""
    return str(error).split("\n", 1)[0].split("Error: ", 1)[-1].strip()
