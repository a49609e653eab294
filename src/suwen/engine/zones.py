"""Local time without asking the calendar library where a zone has kept one offset ever since (China since 1991, UTC always).

`timezone(zone, instant)` costs about 0.15 us a row; adding a fixed offset a tenth of that. Which offset holds since when comes from the
zone database of the Python in use, and only for instants after it last changed; all others go to the engine's own rules.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
from sqlglot import exp

from suwen.base.errors import Place, SuwenError
from suwen.engine import sql
from suwen.engine.grammar import nearest
from suwen.engine.sql import Tree

_FIRST, _LAST = datetime(1849, 12, 1, tzinfo=UTC), datetime(2201, 2, 1, tzinfo=UTC)
_STEP = timedelta(days=7)
_MICROSECOND = timedelta(microseconds=1)


@cache
def zones() -> frozenset[str]:
    """The names of zones the engine knows."""
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}) as connection:
        return frozenset(row[0] for row in connection.execute("SELECT name FROM pg_timezone_names()").fetchall())


def check_zone(name: str, where: Place | str) -> None:
    """SuwenError unless `name` is an IANA zone the engine knows."""
    if name not in zones():
        raise SuwenError(f"no time zone {name}", where=where, expected="a name of the IANA database such as Asia/Shanghai", do=nearest(name, zones()))


@cache
def fixed_since(zone: str) -> tuple[datetime, timedelta] | None:
    """The instant from which a zone keeps one offset up to 2200, and that offset; None where it keeps changing or is not known."""
    try:
        rules = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return None
    at, offset = _LAST, _LAST.astimezone(rules).utcoffset()
    while at > _FIRST and at.astimezone(rules).utcoffset() == offset:
        at -= _STEP
    since = at + 2 * _STEP if at > _FIRST else _FIRST
    return (since, offset) if offset is not None and since.year < 2100 else None


def quicker(tree: Tree, zone: str) -> Tree:
    """The tree with `timezone('<zone>', instant)` at its root or below replaced by the offset where that is fixed."""
    fixed = fixed_since(zone)
    return tree if fixed is None else tree.transform(lambda node: _offset(node, *fixed) if _is_local(node) else node)


def _is_local(node: Tree) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == "timezone"


def _offset(node: Tree, since: datetime, offset: timedelta) -> Tree:
    instant = node.expressions[1]
    microseconds: Tree = sql.call("epoch_us", instant.copy())
    if offset:
        microseconds = exp.Add(this=microseconds, expression=sql.integer(offset // _MICROSECOND))
    moved = sql.call("make_timestamp", microseconds)
    if since <= _FIRST:
        return moved
    start = sql.typed(sql.text(since.isoformat(sep=" ")), "TIMESTAMPTZ")
    return exp.Case(ifs=[exp.If(this=exp.GTE(this=instant.copy(), expression=start), true=moved)], default=node.copy())
