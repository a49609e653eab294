"""What commands print: lines and tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_ACTING = dict.fromkeys((*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)
EXACT = 2**53  # whole numbers up to here are the same in every reader of JSON


def say(lines: Iterable[str]) -> None:
    """Lines of plain text; what a terminal would act on stands as the sign for what cannot be shown."""
    for line in lines:
        sys.stdout.write(line.translate(_ACTING) + "\n")


def say_json(value: object) -> None:
    """One JSON value; see `plain`."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=1) + "\n")


def plain(value: Any, name: str = "") -> Any:
    """A value as JSON holds it. Whole numbers under a name ending in `id` are text, as are numbers that a double does not hold exactly."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(held, str(key)) for key, held in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(held, name) for held in value]
    return _single(value, name)


def _single(value: Any, name: str) -> Any:
    if value is None or isinstance(value, bool | str):
        return value if not isinstance(value, str) else str(value)
    if isinstance(value, int):
        return str(value) if name.endswith("_id") or name == "id" or abs(value) > EXACT else value
    if isinstance(value, Decimal | float):
        return _number(Decimal(value) if isinstance(value, float) else value, value)
    return value.isoformat() if isinstance(value, date) else value.hex() if isinstance(value, bytes) else str(value)


def _number(exact: Decimal, value: Decimal | float) -> int | float | str | None:
    """A decimal as a number where a double holds it; a double as it is, or nothing where it is no number."""
    if not exact.is_finite():
        return None
    if isinstance(value, float):
        return value
    if exact == exact.to_integral_value() and abs(exact) <= EXACT:
        return int(exact)
    return float(exact) if Decimal(repr(float(exact))) == exact else str(exact)


def say_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """A table; on something else than a terminal as wide as it needs to be. `numbers` are the columns set to the right."""
    console = Console(soft_wrap=False) if sys.stdout.isatty() else Console(width=100_000, color_system=None)
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else _shown(cell) for cell in row))
    for line in console.render_lines(table, console.options, pad=False) if not sys.stdout.isatty() else ():
        sys.stdout.write("".join(segment.text for segment in line).rstrip() + "\n")
    if sys.stdout.isatty():
        console.print(table, highlight=False)


def _shown(cell: object) -> str:
    text = (
        cell.isoformat(" ")
        if isinstance(cell, datetime)
        else cell.hex()
        if isinstance(cell, bytes)
        else str(cell).lower()
        if isinstance(cell, bool)
        else format(cell, "f")
        if isinstance(cell, Decimal)
        else str(cell)
    )
    return escape("".join(c if c.isprintable() else "�" for c in text))


def count(number: int, one: str, many: str = "") -> str:
    """`1 file`, `2 files`, `12,345 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shown_path(path: Path) -> str:
    """A path from the current folder where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
