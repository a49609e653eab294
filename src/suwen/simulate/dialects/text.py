"""Columns of text made from columns of whole numbers, in the bytes of a file: many values at once, never one by one.

A column is an Arrow array of binary values, or places in a tuple of words (`Coded`), whose bytes are made once for each word. All arrays are without nulls;
an absent value is the empty text.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suwen.simulate.shapes import NONE, Ints

Array = Any  # pyarrow carries no types: pa.BinaryArray
Mask = npt.NDArray[np.bool_]
Words = tuple[str, ...]
DAY = 86_400
_FIRST_DAY, _LAST_DAY = np.datetime64("1890-01-01"), np.datetime64("2050-12-31")
_BEFORE_1970 = int(-_FIRST_DAY.astype(np.int64))  # days
_SMALL = 100_000  # numbers with fewer digits are looked up
MOST_DECIMALS = 4


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of words: row i holds words[places[i]], or the empty text where the place is NONE."""

    places: Ints
    words: Words

    def __len__(self) -> int:
        return len(self.places)


Column = Array | Coded


@dataclass(frozen=True)
class Form:
    """How a system writes a file. `quoted`: every value stands in double quotes; else only those that need them, or none where `bare`."""

    encoding: str = "utf-8"
    delimiter: str = ","
    newline: str = "\r\n"
    bom: bool = False
    quoted: bool = False
    bare: bool = False

    def cell(self, text: str) -> bytes:
        """One text as it stands in a file."""
        if self.bare:
            text = text.replace(self.delimiter, " ")
        elif self.quoted:
            text = text.replace('"', '""')  # the quotes about it are part of the delimiter
        elif any(sign in text for sign in (self.delimiter, '"', "\n")):
            text = '"' + text.replace('"', '""') + '"'
        return text.encode(self.encoding)

    @cached_property
    def end(self) -> bytes:
        """The end of a line."""
        return self.newline.encode(self.encoding)

    @cached_property
    def between(self) -> bytes:
        """What stands between two values."""
        return (f'"{self.delimiter}"' if self.quoted else self.delimiter).encode(self.encoding)

    def header(self, names: Sequence[str]) -> bytes:
        """The first bytes of a file: byte order mark and headings."""
        mark = b"\xef\xbb\xbf" if self.bom else b""
        around = b'"' if self.quoted else b""
        return mark + around + self.between.join(self.cell(name) for name in names) + around + self.end


def constant(text: str, length: int) -> Coded:
    """The same text in every row."""
    return Coded(np.zeros(length, dtype=np.int64), (text,))


def blank(length: int) -> Coded:
    """Nothing in every row."""
    return constant("", length)


def array(values: Sequence[bytes]) -> Array:
    """A binary array of some values."""
    return pa.array(values, pa.binary())


def from_matrix(matrix: npt.NDArray[np.uint8]) -> Array:
    """The rows of a matrix of bytes as values of one width."""
    length, width = matrix.shape
    offsets = np.arange(0, (length + 1) * width, width, dtype=np.int32) if width else np.zeros(length + 1, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), length, [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix))])


@lru_cache(maxsize=8)
def _digits(width: int) -> npt.NDArray[np.void]:
    """The numbers of up to four digits, each as the bytes of its digits."""
    return np.array([f"{n:0{width}d}".encode() for n in range(10**width)], dtype=f"S{width}").view(f"V{width}")


def padded(values: Ints, width: int, before: str = "", after: str = "") -> Array:
    """Whole numbers with leading zeros to a width, ASCII text before and after them; NONE is the empty text. ValueError where one does not fit."""
    if len(values) and values.max() >= 10**width:
        raise ValueError(f"a number does not fit into {width} digits")
    first = width % 4
    widths = ([first] if first else []) + [4] * (width // 4)
    table = np.empty(
        len(values), dtype=[("before", f"V{len(before)}"), *((f"n{place}", f"V{size}") for place, size in enumerate(widths)), ("after", f"V{len(after)}")]
    )
    if before:
        table["before"] = np.void(before.encode("ascii"))
    if after:
        table["after"] = np.void(after.encode("ascii"))
    rest = np.where(values == NONE, 0, values)
    for place in range(len(widths) - 1, -1, -1):
        above = rest // 10 ** widths[place]
        table[f"n{place}"] = _digits(widths[place])[rest - above * 10 ** widths[place]]
        rest = above
    return without(from_matrix(table.view(np.uint8).reshape(len(values), table.dtype.itemsize)), values == NONE)


def without(column: Array, empty: Mask) -> Array:
    """The column with some rows emptied."""
    return pc.if_else(pa.array(empty), pa.scalar(b"", pa.binary()), column) if empty.any() else column


def picked(mask: Mask, yes: Array, no: Array) -> Array:
    """Of each row one or the other column's value."""
    return no if not mask.any() else yes if mask.all() else pc.if_else(pa.array(mask), yes, no)


def joined(*parts: Array | str) -> Array:
    """Texts one behind the other; ASCII constants stand for every row."""
    return pc.binary_join_element_wise(*(pa.scalar(p.encode("ascii"), pa.binary()) if isinstance(p, str) else p for p in parts), pa.scalar(b"", pa.binary()))


def replaced(column: Array, places: Ints, values: Array) -> Array:
    """The column with other values at some places, ascending."""
    if not len(places):
        return column
    mask = np.zeros(len(column), dtype=np.bool_)
    mask[places] = True
    return pc.replace_with_mask(column, pa.array(mask), values)


@lru_cache(maxsize=1)
def _written() -> Array:
    """The numbers below _SMALL with 0 to MOST_DECIMALS decimals, those with as many side by side, and last the empty text."""
    numbers = np.arange(_SMALL)
    tables = [_in_full(numbers, np.full(_SMALL, decimals)) for decimals in range(MOST_DECIMALS + 1)]
    return pa.concat_arrays([*tables, array([b""])])


@lru_cache(maxsize=1)
def _fractions() -> Array:
    """What stands behind a whole number: place (10 ** decimals - 1) // 9 + fraction."""
    return array([b""] + [f".{n:0{d}d}".encode() for d in range(1, MOST_DECIMALS + 1) for n in range(10**d)])


def _in_full(values: Ints, decimals: Ints) -> Array:
    """values / 10 ** decimals, none of them negative."""
    scale = 10**decimals
    first, rest = np.divmod(values, scale)
    return joined(pc.cast(pa.array(first), pa.string()).cast(pa.binary()), _fractions().take(pa.array((scale - 1) // 9 + rest)))


def whole(values: Ints) -> Array:
    """Whole numbers as text; NONE is the empty text."""
    if len(values) and values.max() < _SMALL and values.min() >= NONE:
        table = _written()
        return table.take(pa.array(np.where(values == NONE, len(table) - 1, values)))
    return without(pc.cast(pa.array(values), pa.string()).cast(pa.binary()), values == NONE)


def decimal(values: Ints, decimals: Ints | int) -> Array:
    """values / 10 ** decimals (0 to MOST_DECIMALS of them) written out. Nearly all are looked up, the others written one column of parts after the other."""
    size = np.abs(values)
    large, negative = np.flatnonzero(size >= _SMALL), np.flatnonzero(values < 0)
    places = size + np.asarray(decimals, dtype=np.int64) * _SMALL
    places[large] = 0
    text = _written().take(pa.array(places))
    text = replaced(text, large, _in_full(size[large], np.broadcast_to(decimals, values.shape)[large]))
    return replaced(text, negative, joined("-", text.take(pa.array(negative))))


def money(fen: Ints) -> Array:
    """Yuan with two decimals."""
    return decimal(fen, 2)


def _formed(form: str, numbers: Mapping[str, Ints]) -> Array:
    """Texts written by a form, whose fields are named columns of numbers; and last the empty text."""
    parts: list[Array | str] = []
    for before, name, spec, _ in string.Formatter().parse(form):
        parts.append(before)
        if name:
            first, last = int(numbers[name].min()), int(numbers[name].max())
            texts = array([f"{number:{spec or ''}}".encode() for number in range(first, last + 1)])
            parts.append(texts.take(pa.array(numbers[name] - first)))
    return pa.concat_arrays([joined(*parts), array([b""])])


@lru_cache(maxsize=32)
def _days(form: str) -> Array:
    """Every day from _FIRST_DAY to _LAST_DAY in order, by year `y`, month `m` and day `d`; and last the empty text."""
    days = np.arange(_FIRST_DAY, _LAST_DAY + 1)
    months = days.astype("datetime64[M]")
    sizes = {"y": months.astype(np.int64) // 12 + 1970, "m": months.astype(np.int64) % 12 + 1, "d": (days - months).astype(np.int64) + 1}
    return _formed(form, sizes)


@lru_cache(maxsize=32)
def _clocks(form: str) -> Array:
    """Every second of a day in order, by hour `h`, minute `n` and second `s`; and last the empty text."""
    seconds = np.arange(DAY)
    return _formed(form, {"h": seconds // 3600, "n": seconds // 60 % 60, "s": seconds % 60})


def dates(days: Ints, form: str = "{y}-{m:02d}-{d:02d}") -> Array:
    """Days since 1970-01-01 written by a form; NONE is the empty text (1969-12-31 cannot be told)."""
    table = _days(form)
    return table.take(pa.array(np.where(days == NONE, len(table) - 1, days + _BEFORE_1970)))


def born(days: Ints, form: str = "{y}-{m:02d}-{d:02d}") -> Array:
    """Days written by a form where every row has one: also the day before 1970, which elsewhere means none."""
    return _days(form).take(pa.array(days + _BEFORE_1970))


def times(seconds: Ints, day: str = "{y}-{m:02d}-{d:02d}", clock: str = " {h:02d}:{n:02d}:{s:02d}") -> Array:
    """Seconds since 1970-01-01 written by two forms, the date's and the clock's; NONE is the empty text."""
    none = seconds == NONE
    days, rest = np.divmod(np.where(none, 0, seconds), DAY)
    days += _BEFORE_1970
    day_bytes, clock_bytes = _one_width(day), _one_width(clock)
    if day_bytes is None or clock_bytes is None:
        return without(joined(_days(day).take(pa.array(days)), _clocks(clock).take(pa.array(rest))), none)
    table = np.empty(len(seconds), dtype=[("day", day_bytes.dtype), ("clock", clock_bytes.dtype)])
    table["day"], table["clock"] = day_bytes[days], clock_bytes[rest]
    return without(from_matrix(table.view(np.uint8).reshape(len(seconds), table.dtype.itemsize)), none)


@lru_cache(maxsize=32)
def _one_width(form: str) -> npt.NDArray[np.void] | None:
    """The days or clocks of a form as bytes of one width; None where they have several."""
    table = (_days(form) if "{y}" in form else _clocks(form))[:-1]
    widths = pc.min_max(pc.binary_length(table))
    width = widths["min"].as_py()
    return np.frombuffer(table.buffers()[2], dtype=f"V{width}", count=len(table)) if width == widths["max"].as_py() else None


def compact(seconds: Ints) -> Array:
    """Times as yyyymmddhhmmss."""
    return times(seconds, "{y}{m:02d}{d:02d}", "{h:02d}{n:02d}{s:02d}")


@lru_cache(maxsize=512)
def _dictionary(form: Form, words: tuple[Words, ...]) -> Array:
    """The bytes of words, or of several words side by side, and last of none."""
    rows = zip(*words, strict=True)
    return array([form.between.join(form.cell(text) for text in row) for row in rows] + [form.between * (len(words) - 1)])


def plain(form: Form, *columns: Coded) -> Array:
    """Columns with the same places as one array, their values side by side."""
    table = _dictionary(form, tuple(column.words for column in columns))
    places = columns[0].places
    return table.take(pa.array(np.where(places == NONE, len(table) - 1, places)))


def lines(form: Form, columns: Sequence[Column]) -> Array:
    """The lines of a file, each with its end."""
    parts: list[Array] = []
    for coded, group in itertools.groupby(columns, key=lambda c: id(c.places) if isinstance(c, Coded) else 0):
        together = list(group)
        parts.extend([plain(form, *together)] if coded else together)
    if form.quoted:
        parts[0] = joined('"', parts[0])
    parts[-1] = joined(parts[-1], ('"' if form.quoted else "") + form.newline)
    return pc.binary_join_element_wise(*parts, pa.scalar(form.between, pa.binary()))
