"""The tables of docs/guide/defects.md: `python -m suwen.simulate.defects.page docs/guide/defects.md` writes them into the page, between its two marks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from suwen.simulate.defects.catalogue import Kind, columns, kinds

FIRST, LAST = "<!-- made from kinds.csv and columns.csv -->", "<!-- end -->"
GROUPS = {
    "bytes": "Bytes and lines",
    "keys": "Keys and references",
    "values": "Values and codes",
    "logic": "Time, sex, age, sums",
    "deliveries": "Files and deliveries",
}


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(header)} |", "|" + "---|" * len(header), *(f"| {' | '.join(row)} |" for row in rows), ""]


def _row(kind: Kind) -> tuple[str, ...]:
    where = ", ".join(f"`{system}`" for system in kind.systems)
    return f"`{kind.name}`", kind.what, kind.stage, f"`{kind.code}`" if kind.code else "", kind.state, kind.role, where


def tables() -> str:
    """All kinds by group, and the columns they befall."""
    parts: list[str] = []
    for group, title in GROUPS.items():
        parts += [f"### {title}", "", *_table(("kind", "what", "caught by", "code or rule", "state", "befalls", "only in"), map(_row, _of(group)))]
    parts += ["## Where each befalls", ""]
    shown = ((f"`{c.system}`", c.file, c.role, f"`{c.heading}`", f"`{c.target}`, `{c.column}`" if c.column else "") for c in columns())
    parts += _table(("system", "file", "befalls", "heading", "found in"), shown)
    return "\n".join(parts)


def _of(group: str) -> list[Kind]:
    return [kind for kind in kinds().values() if kind.group == group]


def with_tables(page: str) -> str:
    """The page with its tables as they are now."""
    before, _, rest = page.partition(FIRST)
    return f"{before}{FIRST}\n\n{tables()}{LAST}{rest.partition(LAST)[2]}"


if __name__ == "__main__":
    where = Path(sys.argv[1])
    where.write_text(with_tables(where.read_text("utf-8")), "utf-8")
