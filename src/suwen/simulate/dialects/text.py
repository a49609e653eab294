"""Columns of text made from columns of whole numbers, in the bytes of a file: many values at once, never one by one.

A column is an Arrow array of binary values, or places in a tuple of words (`Coded`), whose bytes are made once for each word. All arrays are without nulls;
an absent value is the empty text.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
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
_FIRST_DAY, _LAST_DAY = date(1890, 1, 1), date(2050, 12, 31)
_EPOCH = date(1970, 1, 1)
_SMALL = 10_000  # whole numbers below are looked up


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

    @property
    def between(self) -> bytes:
        """What stands between two values."""
        return (f'"{self.delimiter}"' if self.quoted else self.delimiter).encode(self.encoding)

    def header(self, names: Sequence[str]) -> bytes:
        """The first bytes of a file: byte order mark and headings."""
        mark = b"\xef\xbb\xbf" if self.bom else b""
        around = b'"' if self.quoted else b""
        return mark + around + self.between.join(self.cell(name) for name in names) + around + self.newline.encode(self.encoding)


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


@lru_cache(maxsize=2)
def _whole_numbers() -> Array:
    return array([str(n).encode() for n in range(_SMALL)] + [b""])


def whole(values: Ints) -> Array:
    """Whole numbers as text; NONE is the empty text."""
    if len(values) and values.max() < _SMALL and values.min() >= NONE:
        return _whole_numbers().take(pa.array(np.where(values == NONE, _SMALL, values)))
    return without(pc.cast(pa.array(values), pa.string()).cast(pa.binary()), values == NONE)


@lru_cache(maxsize=2)
def _fractions() -> Array:
    """What stands behind a whole number, for 0 to 4 decimals: place (10 ** decimals - 1) // 9 + fraction."""
    return array([b""] + [f".{n:0{d}d}".encode() for d in range(1, 5) for n in range(10**d)])


def decimal(values: Ints, decimals: Ints | int, empty: Mask | None = None) -> Array:
    """values / 10 ** decimals (0 to 4 of them) written out; empty where told, and only there."""
    size = np.abs(values)
    scale = 10 ** np.broadcast_to(np.asarray(decimals, dtype=np.int64), values.shape)
    first, rest = np.divmod(size, scale)
    starts = (scale - 1) // 9
    text = joined(whole(first), _fractions().take(pa.array(starts + rest)))
    negative = values < 0
    if negative.any():
        text = picked(negative, joined("-", text), text)
    return text if empty is None else without(text, empty)


def money(fen: Ints) -> Array:
    """Yuan with two decimals."""
    return decimal(fen, 2)


@lru_cache(maxsize=32)
def _days(form: str) -> Array:
    days = (_FIRST_DAY + timedelta(n) for n in range((_LAST_DAY - _FIRST_DAY).days + 1))
    return array([form.format(y=d.year, m=d.month, d=d.day).encode() for d in days] + [b""])


@lru_cache(maxsize=32)
def _clocks(form: str) -> Array:
    return array([form.format(h=n // 3600, n=n // 60 % 60, s=n % 60).encode() for n in range(DAY)] + [b""])


def dates(days: Ints, form: str = "{y}-{m:02d}-{d:02d}") -> Array:
    """Days since 1970-01-01 written by a form; NONE is the empty text (1969-12-31 cannot be told)."""
    table = _days(form)
    return table.take(pa.array(np.where(days == NONE, len(table) - 1, days + (_EPOCH - _FIRST_DAY).days)))


def born(days: Ints, form: str = "{y}-{m:02d}-{d:02d}") -> Array:
    """Days written by a form where every row has one: also the day before 1970, which elsewhere means none."""
    return _days(form).take(pa.array(days + (_EPOCH - _FIRST_DAY).days))


def times(seconds: Ints, day: str = "{y}-{m:02d}-{d:02d}", clock: str = " {h:02d}:{n:02d}:{s:02d}") -> Array:
    """Seconds since 1970-01-01 written by two forms, the date's and the clock's; NONE is the empty text."""
    none = seconds == NONE
    days, rest = np.divmod(np.where(none, 0, seconds), DAY)
    days += (_EPOCH - _FIRST_DAY).days
    day_bytes, clock_bytes = _one_width(day), _one_width(clock)
    if day_bytes is None or clock_bytes is None:
        return without(joined(_days(day).take(pa.array(days)), _clocks(clock).take(pa.array(rest))), none)
    table = np.empty(len(seconds), dtype=[("day", day_bytes.dtype), ("clock", clock_bytes.dtype)])
    table["day"], table["clock"] = day_bytes[days], clock_bytes[rest]
    return without(from_matrix(table.view(np.uint8).reshape(len(seconds), table.dtype.itemsize)), none)


@lru_cache(maxsize=32)
def _one_width(form: str) -> npt.NDArray[np.void] | None:
    """The days or clocks of a form as bytes of one width; None where they have several."""
    texts = (_days(form) if "{y}" in form else _clocks(form)).to_pylist()[:-1]
    width = len(texts[0])
    return np.array(texts, dtype=f"S{width}").view(f"V{width}") if all(len(text) == width for text in texts) else None


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
