"""Defects put into the lines of an export, and into its deliveries: which records, drawn for each on its own; what is put in is told to the truth.

The same record has the same defect in every delivery that holds it, as far as its values there allow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suwen.simulate.defects.catalogue import Site, sites
from suwen.simulate.defects.profile import WHOLE, Profile
from suwen.simulate.defects.spoiling import SPOIL, Line
from suwen.simulate.defects.truth import File, Truth, numbers
from suwen.simulate.dialects.system import Sheet, System
from suwen.simulate.dialects.text import Array, Coded, Column, Form, plain
from suwen.simulate.draws import below, draw
from suwen.simulate.shapes import NONE, Ints


@dataclass(frozen=True)
class Spoiled:
    """Lines of a sheet with defects in them. By row: `site` the number of its defect (NONE), `before` bytes of a clean record that stand before the
    defect, `records` how many records the row makes, that before included."""

    text: Array
    site: Ints
    before: Ints
    records: Ints

    def take(self, places: Ints | None) -> Spoiled:
        """Some of the rows; None: all."""
        if places is None:
            return self
        return Spoiled(self.text.take(pa.array(places)), self.site[places], self.before[places], self.records[places])


class Defects:
    """The defects of one export. `truth` holds what was put in."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile, self.seed, self.truth = profile, seed, Truth()
        self._records: dict[File, int] = {}

    def spoil(self, system: System, sheet: Sheet, text: Array, block: int) -> Spoiled | None:
        """The lines of a sheet with defects; None where its kind of file can have none."""
        drawn, ends = _drawn(self.profile, system.name, sheet.kind.name)
        if not drawn:
            return None
        purpose = f"defect of {system.name} {sheet.kind.name}"
        keys = (block, sheet.hospital, sheet.entity)
        which = np.searchsorted(ends, below(draw(self.seed, purpose, *keys), WHOLE), side="right")
        rows = np.flatnonzero(which < len(drawn))
        luck = draw(self.seed, f"how: {purpose}", block, sheet.hospital[rows], sheet.entity[rows])
        cells = [_cells(system.form, column, rows) for column in sheet.columns.values()]
        places = {heading: place for place, heading in enumerate(sheet.columns)}
        clean = Spoiled(text, *(np.full(len(text), value) for value in (NONE, 0, 1)))
        lines: dict[int, bytes] = {}
        of_drawn = [numbers()[site] for site in drawn]
        for row, site, chance, *of_row in zip(rows.tolist(), which[rows].tolist(), luck.tolist(), *cells, strict=True):
            held = drawn[site]
            made = SPOIL[held.kind.name](Line(of_row, places[held.heading], system.form), chance)
            if made is not None:
                lines[row] = made.before + made.data
                clean.site[row], clean.before[row] = of_drawn[site], len(made.before)
                clean.records[row] = made.records + bool(made.before)
        return replace(clean, text=_replaced(text, lines))

    def written(self, spoiled: Spoiled, first: int, end: int, file: File, at: int) -> None:
        """Tell the truth of the rows from `first` to before `end` that are written to a file from its byte `at` on."""
        offsets = np.frombuffer(spoiled.text.buffers()[1], dtype=np.int32)[spoiled.text.offset + first : spoiled.text.offset + end + 1].astype(np.int64)
        counted = np.concatenate([[0], np.cumsum(spoiled.records[first:end])])
        already = self._records.get(file, 0)
        self._records[file] = already + int(counted[-1])
        hit = np.flatnonzero(spoiled.site[first:end] != NONE)
        if not len(hit):
            return
        before, records = spoiled.before[first:end][hit], spoiled.records[first:end][hit]
        added = (before > 0).astype(np.int64)
        offset = at + offsets[hit] - offsets[0] + before
        length = offsets[hit + 1] - offsets[hit] - before
        self.truth.add(file, spoiled.site[first:end][hit], already + 1 + counted[hit] + added, records - added, offset, length, added)

    def write(self, path: Path) -> None:
        """The truth as one Parquet file."""
        self.truth.write(path)


@lru_cache(maxsize=256)
def _of_file(rates: tuple[tuple[str, int], ...], system: str, file: str) -> tuple[tuple[Site, ...], Ints]:
    known = dict(rates)
    held = [site for site in sites().get((system, file), ()) if known.get(site.kind.name)]
    return tuple(held), np.cumsum(np.array([known[site.kind.name] for site in held], dtype=np.int64))


def _drawn(profile: Profile, system: str, file: str) -> tuple[Sequence[Site], Ints]:
    """The defects that the records of a file can have, and in billionths the ends of their shares."""
    return _of_file(tuple(profile.rates.items()), system, file)


def _cells(form: Form, column: Column, rows: Ints) -> list[bytes]:
    """The bytes of some rows' cells."""
    if isinstance(column, Coded):
        return plain(form, Coded(column.places[rows], column.words)).to_pylist()
    return column.take(pa.array(rows)).to_pylist()


def _replaced(text: Array, lines: dict[int, bytes]) -> Array:
    """The lines with some of them replaced."""
    if not lines:
        return text
    mask = np.zeros(len(text), dtype=np.bool_)
    mask[list(lines)] = True
    return pc.replace_with_mask(text, pa.array(mask), pa.array(list(lines.values()), pa.binary()))
