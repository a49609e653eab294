"""Markdown in the few forms that the reference pages need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "*This page is made by `suwen docs` from what is declared; change the declaration, not the page.*"


def page(title: str, *parts: Iterable[str]) -> str:
    """A whole page: its title, the note on where it comes from, and its parts, each a list of lines; one without lines is left out."""
    lines = [f"# {title}", "", NOTE]
    for part in map(list, parts):
        lines += ["", *part] if part else []
    return "\n".join(lines).rstrip() + "\n"


def section(title: str, *lines: str, level: int = 2) -> list[str]:
    """A heading with the lines below it."""
    return [f"{'#' * level} {title}", "", *lines]


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table; bars and line ends in cells are written so that they stay in them."""
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*head, *(f"| {' | '.join(cell(value) for value in row)} |" for row in rows)]


def cell(value: object) -> str:
    """A value as the text of a table's cell."""
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def code(text: object) -> str:
    """Text as code, whatever backticks and bars it holds; nothing for nothing."""
    shown = str(text).replace("\n", " ")
    if not shown:
        return ""
    fence = "`" * (1 + max((len(run) for run in _runs(shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _runs(text: str) -> list[str]:
    """The runs of backticks in a text."""
    runs, run = [], ""
    for letter in text + " ":
        if letter == "`":
            run += letter
        elif run:
            runs.append(run)
            run = ""
    return runs
