"""What a defect does to one line of a file: its cells in, its bytes out. Pure functions; None where this line cannot have the defect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from suwen.simulate.defects.values import OTHER_CONTENT, VALUES
from suwen.simulate.dialects.text import Form


@dataclass(frozen=True)
class Line:
    """A line as a system would write it: the bytes of its cells, of which `at` is the one a defect befalls."""

    cells: Sequence[bytes]
    at: int
    form: Form

    @property
    def cell(self) -> bytes:
        """The cell that the defect befalls."""
        return self.cells[self.at]

    @property
    def written(self) -> bytes:
        """The line as it stands in the clean file."""
        return self.of(self.cells)

    def of(self, cells: Sequence[bytes]) -> bytes:
        """Cells as a line, with its end."""
        around = b'"' if self.form.quoted else b""
        return around + self.form.between.join(cells) + around + self.form.end

    def instead(self, cell: bytes) -> bytes:
        """The line with another cell."""
        return self.of([*self.cells[: self.at], cell, *self.cells[self.at + 1 :]])

    @property
    def text(self) -> str:
        """The cell's text, without quotes."""
        text = self.cell.decode(self.form.encoding)
        if self.form.quoted:
            return text.replace('""', '"')
        quoted = not self.form.bare and text.startswith('"')
        return text[1:-1].replace('""', '"') if quoted else text


@dataclass(frozen=True)
class Spoilt:
    """What stands in the file for a line: bytes of a clean record before, then those of the defect; how many records these are."""

    data: bytes
    before: bytes = b""
    records: int = 1


_LONG = 1 << 20  # bytes that no record may have
Spoil = Callable[[Line, int], Spoilt | None]


def _halves(line: Line) -> tuple[bytes, bytes] | None:
    """A text of two characters or more, cut between two; None where it is shorter or stands in quotes of its own."""
    text = line.cell.decode(line.form.encoding)
    if len(text) < 2 or '"' in text:
        return None
    middle = len(text) // 2
    return text[:middle].encode(line.form.encoding), text[middle:].encode(line.form.encoding)


def _between_halves(put: Callable[[Form], bytes], records: int = 1) -> Spoil:
    """Something between the halves of a text."""

    def spoil(line: Line, luck: int) -> Spoilt | None:
        halves = _halves(line)
        return halves and Spoilt(line.instead(halves[0] + put(line.form) + halves[1]), records=records)

    return spoil


def _cut_character(line: Line, luck: int) -> Spoilt | None:
    halves = _halves(line)
    last = halves[1].decode(line.form.encoding)[-1].encode(line.form.encoding) if halves else b""
    ends = len(last) == 2 if line.form.encoding == "gb18030" else len(last) > 1  # half of two bytes; of UTF-8 all but the last
    return Spoilt(line.instead(line.cell[:-1])) if ends else None


def _open_quote(line: Line, luck: int) -> Spoilt | None:
    if _halves(line) is None:
        return None
    if not line.form.quoted:
        return Spoilt(line.instead(b'"' + line.cell))
    joined = line.cell + line.form.delimiter.encode() + b'"' + line.cells[line.at + 1]  # without the closing quote
    return Spoilt(line.of([*line.cells[: line.at], joined, *line.cells[line.at + 2 :]]))


def _after_quote(line: Line, luck: int) -> Spoilt | None:
    if _halves(line) is None:
        return None
    return Spoilt(line.instead(line.cell + b'"x' if line.form.quoted else b'"' + line.cell + b'"x'))


def _footer(line: Line, luck: int) -> Spoilt | None:
    return Spoilt(line.of([f"合计{luck % 10_000}".encode(line.form.encoding)]), line.written)


def _joined(line: Line, luck: int) -> Spoilt | None:
    if not line.form.quoted and b'"' in (line.cells[0][:1], line.cells[-1][-1:]):
        return None  # then the quotes are what is wrong
    return Spoilt(line.written.removesuffix(line.form.end) + line.written)


def _empty(line: Line, luck: int) -> Spoilt | None:
    return Spoilt(line.of([b""] * len(line.cells)), line.written)


def _again(line: Line, luck: int) -> Spoilt | None:
    other = OTHER_CONTENT(line.text, luck)
    return None if other is None else Spoilt(line.instead(line.form.cell(other)), line.written)


def _of_value(name: str) -> Spoil:
    change = VALUES[name]

    def spoil(line: Line, luck: int) -> Spoilt | None:
        other = change(line.text, luck)
        return None if other is None else Spoilt(line.instead(line.form.cell(other)))

    return spoil


SPOIL: Mapping[str, Spoil] = {
    "extra-field": lambda line, luck: Spoilt(line.of([*line.cells, b""])),
    "missing-field": lambda line, luck: Spoilt(line.of(line.cells[:-1])),
    "delimiter-in-text": _between_halves(lambda form: form.delimiter.encode()),
    "broken-line": _between_halves(lambda form: form.end, records=2),
    "swallowed-delimiter": _cut_character,
    "cut-character": _cut_character,
    "invalid-byte": _between_halves(lambda form: b"\xff"),
    "nul-byte": _between_halves(lambda form: b"\x00"),
    "open-quote": _open_quote,
    "text-after-quote": _after_quote,
    "footer-line": _footer,
    "lines-joined": _joined,
    "record-too-long": _between_halves(lambda form: b"x" * _LONG),
    "empty-record": _empty,
    "key-repeated": _again,
    **{name: _of_value(name) for name in VALUES},
}
