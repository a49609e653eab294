"""Reading the simulator's knowledge: UTF-8 CSV files with comment lines that name their source, and a header."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from importlib.resources import files

import numpy as np

from suwen.base.errors import Defect
from suwen.simulate.shapes import Ints

FOLDER = "knowledge"


def read_table(name: str) -> list[Mapping[str, str]]:
    """The rows of a knowledge file in their order; comment lines are left out. Raises Defect where a row is not as wide as the header."""
    text = (files("suwen.simulate") / FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(line for line in text.splitlines() if line and not line.startswith("#")))
    header = rows[0]
    wrong = [row[0] for row in rows[1:] if len(row) != len(header)]
    if wrong:
        raise Defect(f"{name}.csv: rows {wrong[:5]} do not have {len(header)} columns")
    return [dict(zip(header, row, strict=True)) for row in rows[1:]]


def whole(rows: Sequence[Mapping[str, str]], column: str) -> Ints:
    """A column of whole numbers; an empty field is 0."""
    return np.array([int(row[column] or 0) for row in rows], dtype=np.int64)


def lists(text: str) -> list[int]:
    """The whole numbers of a field that holds several, parted by `|`."""
    return [int(part) for part in text.split("|") if part]


def shares(text: str) -> tuple[tuple[str, int], ...]:
    """The codes of a field such as `CBC:900|CRP:400`, each with its share in thousandths (1000 where none is written)."""
    pairs = (part.partition(":") for part in text.split("|") if part)
    return tuple((code, int(share or 1000)) for code, _, share in pairs)
