"""What every statement of the source says has a form of Spark's: a new word cannot go untranslated. Needs no Java."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlglot import exp

from suwen.base.errors import Defect
from suwen.engine.hash import entity_id, entity_md5, record_check, row_hash
from suwen.engine.spark.rendering import spark_text
from suwen.engine.sql import Tree, col, parsed, read_parquet, statement

SOURCE = Path(__file__).parents[3] / "src" / "suwen"
HOLE = re.compile(r"\{(\w+)\}")
ROWS = re.compile(r"\) in \{\w+\}")  # where a hole stands for a query
# Written for DuckDB alone: what reads a release, or makes a release's examples, asks no other engine.
DUCKDB_ONLY = {"serve/api/rows.py", "flow/views.py", "insight/indicator/example.py"}


class Anything:
    """Relations of whatever name, with two columns."""

    def relation(self, name: str) -> str:
        return f"view_{name}"

    def files(self, paths: Sequence[str], *, row_number: bool, filename: bool, by_name: bool) -> str:
        return f"files_{len(paths)}{'_n' * row_number}{'_f' * filename}{'_b' * by_name}"

    def columns(self, view: str) -> Sequence[str]:
        return ["one", "two"]


def text(tree: Tree) -> str:
    return spark_text(tree, Anything())


def _statements() -> Iterator[tuple[str, str]]:
    """Every fixed text of a statement: (place, text)."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "statement" and node.args:
                first = node.args[0]
                found = first.value if isinstance(first, ast.Constant) else names.get(first.id) if isinstance(first, ast.Name) else None
                if isinstance(found, str):
                    yield f"{path.relative_to(SOURCE).as_posix()}:{node.lineno}", found


STATEMENTS = [one for one in _statements() if one[0].split(":")[0] not in DUCKDB_ONLY]


def test_there_are_statements_to_look_at() -> None:
    assert len(STATEMENTS) > 350


def test_every_statement_of_the_source_has_a_form() -> None:
    refused = []
    for place, said in STATEMENTS:
        try:
            tree = parsed(HOLE.sub(r"_hole_\1_", ROWS.sub(") in (select 1, 2, 3)", said)))
            text(tree.args["where"].this if isinstance(tree, exp.Delete) else tree)  # the engine keeps the rows that a DELETE leaves
        except Defect as error:
            refused.append(f"{place}: {error}")
    assert not refused


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("select nosuch(a) from t", "nosuch"),
        ("select distinct on (a) b from t", "DISTINCT ON"),
        ("select a from t asof join u on t.a >= u.a", "method"),
        ("select a::UUID from t", "UUID"),
        ("select a from t limit 1 offset 2", "offset"),
        ("select a from read_csv('x')", "the relation"),
        ("select md5_number(a)::UHUGEINT from t", "128 bits"),
    ],
)
def test_what_has_no_form_is_refused(said: str, reason: str) -> None:
    with pytest.raises(Defect, match=reason):
        text(parsed(said))


KNOWN = {
    "select a, b desc_ from t order by a desc": "SELECT `a`, `b` AS `desc_` FROM `view_t` AS `t` ORDER BY `a` DESC NULLS LAST",
    "select * exclude (one) from t": "SELECT `two` FROM `view_t` AS `t`",
    "select r.* replace (1 as two) from t r": "SELECT `r`.`one`, 1 AS `two` FROM `view_t` AS `r`",
    "select a from t semi join u on u.b = t.b": "SELECT `a` FROM `view_t` AS `t` LEFT SEMI JOIN `view_u` AS `u` ON `u`.`b` = `t`.`b`",
    "select a from t where (a, b) in (select (c, d) from u)": ("SELECT `a` FROM `view_t` AS `t` WHERE (`a`, `b`) IN (SELECT `c`, `d` FROM `view_u` AS `u`)"),
    "with c as materialized (select 1 as x, 2 as y) select * exclude (x) from c": "WITH `c` AS (SELECT 1 AS `x`, 2 AS `y`) SELECT `y` FROM `c` AS `c`",
    "select 'a''b\\c'": "SELECT 'a\\'b\\\\c'",
    "select a not like 'x%' from t": "SELECT `a` NOT LIKE 'x%' FROM `view_t` AS `t`",
    "select a::TIMESTAMP, b::HUGEINT": "SELECT cast(`a` AS TIMESTAMP_NTZ), cast(`b` AS DECIMAL(38,0))",
    "select count(*) filter (a) over (partition by b)": "SELECT count(CASE WHEN `a` THEN 1 END) OVER (PARTITION BY `b`)",
}


@pytest.mark.parametrize("said", KNOWN)
def test_a_text_of_spark(said: str) -> None:
    assert text(parsed(said)) == KNOWN[said]


def test_paths_and_names_are_quoted() -> None:
    assert text(statement("select {a} from {f} f", a=col("a`b", "f"), f=read_parquet(["x"], row_number=True))) == "SELECT `f`.`a``b` FROM `files_1_n` AS `f`"


def test_hashes_are_printed_by_halves() -> None:
    key = ("e", "s", [col("a")], col("b"), col("c"))
    for tree in (entity_id(*key), entity_md5(*key), record_check([col("a"), col("b")])):
        assert "md5(" in text(tree)
        assert "UHUGEINT" not in text(tree)


def test_long_chains_are_printed_without_recursion() -> None:
    many = statement("select {c}", c=row_hash([(f"c{n}", "BIGINT", col(f"c{n}")) for n in range(400)]))
    assert text(many).count("`c399`") == 3
