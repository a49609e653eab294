"""A CSV of a pack: its rows with their lines; mistakes of form go to `Problems`, and reading goes on where it can."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suwen.base.errors import Place
from suwen.packs.problem import Problems, nearest


@dataclass(frozen=True)
class Row:
    """One row: its place (the line it begins on) and its values by our column names, without spaces around them."""

    place: Place
    values: Mapping[str, str]


def read_rows(text: str, shown: str, columns: Mapping[str, str], problems: Problems) -> list[Row]:
    """The rows of comma-delimited text whose header holds exactly the given columns (our name -> name in the file), in any order."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    rows: list[Row] = []
    header: list[str] | None = None
    begins = 1
    try:
        for fields in reader:
            place, begins = Place(shown, begins), reader.line_num + 1
            if header is None:
                header = [name.strip() for name in fields]
                if not _good_header(header, place, columns, problems):
                    return []
            elif len(fields) == len(header):
                by_header = dict(zip(header, fields, strict=True))
                rows.append(Row(place, {ours: by_header[theirs].strip() for ours, theirs in columns.items()}))
            elif fields:
                problems.add(
                    place,
                    f"the row has {len(fields)} fields",
                    expected=f"{len(header)} fields, as in the header",
                    do="put texts that hold commas in double quotes",
                )
    except csv.Error as error:
        problems.add(Place(shown, begins), f"not valid CSV: {error}", expected="comma-delimited text, texts with commas or quotes in double quotes")
    if header is None:
        problems.add(Place(shown, 1), "the file is empty", expected=f"a header: {','.join(columns.values())}")
    return rows


def _good_header(header: Sequence[str], place: Place, columns: Mapping[str, str], problems: Problems) -> bool:
    wanted = list(columns.values())
    before = len(problems)
    for name in wanted:
        if name not in header:
            problems.add(place, f'the header lacks the column "{name}"', expected=f"a header: {','.join(wanted)}")
    for number, name in enumerate(header):
        if name not in wanted:
            problems.add(place, f'the header has an unknown column "{name}"', expected=f"a header: {','.join(wanted)}", do=nearest(name, wanted))
        elif name in header[:number]:
            problems.add(place, f'the header has the column "{name}" twice', do="remove one")
    return len(problems) == before
