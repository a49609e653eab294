"""Figures as coordinates: what a template needs to draw them as SVG; no colour and no word is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Number = Fraction | int
_LEAST = 2.0  # width of what is not nothing, so that it is seen
_PAD = 3.0  # around a line, so that its dots are whole


@dataclass(frozen=True)
class Dot:
    """A point of a line: its place, and whether it lies outside its limits."""

    x: float
    y: float
    at: int
    out: bool = False


@dataclass(frozen=True)
class Line:
    """A line over equal steps. `path`: SVG path with gaps where values are missing; `dots`: lone points and those out; `last`: the newest value's place."""

    width: int
    height: int
    path: str
    dots: tuple[Dot, ...]
    last: Dot | None
    low: Fraction
    high: Fraction
    band: tuple[float, float] | None = None  # y and height of the limits, where they are the same for all
    centre: float | None = None


def line(
    values: Sequence[Fraction | None], width: int, height: int, *, out: Sequence[int] = (), band: tuple[Fraction, Fraction] | None = None,
    centre: Fraction | None = None,
) -> Line:  # fmt: skip
    """Values as a line that fills a box; the scale takes in the band. Missing values are gaps."""
    known = [value for value in values if value is not None] + list(band or ())
    low, high = (min(known), max(known)) if known else (Fraction(0), Fraction(1))
    if low == high:
        low, high = low - 1, high + 1
    step = (width - 2 * _PAD) / max(1, len(values) - 1)

    def place(at: int, value: Fraction) -> Dot:
        return Dot(round(_PAD + at * step, 1), _height(value, low, high, height), at, at in out)

    dots = [place(at, value) for at, value in enumerate(values) if value is not None]
    drawn = {dot.at for dot in dots}
    alone = [dot for dot in dots if dot.out or (dot.at - 1 not in drawn and dot.at + 1 not in drawn)]
    shown = None
    if band:
        top, bottom = _height(band[1], low, high, height), _height(band[0], low, high, height)
        shown = (top, round(bottom - top, 1))
    middle = _height(centre, low, high, height) if centre is not None else None
    return Line(width, height, _path(dots), tuple(alone), dots[-1] if dots else None, low, high, shown, middle)


def _height(value: Fraction, low: Fraction, high: Fraction, height: int) -> float:
    return round(height - _PAD - float((value - low) / (high - low)) * (height - 2 * _PAD), 1)


def _path(dots: Sequence[Dot]) -> str:
    said: list[str] = []
    for number, dot in enumerate(dots):
        joined = number and dots[number - 1].at == dot.at - 1
        said.append(f"{'L' if joined else 'M'}{dot.x} {dot.y}")
    return "".join(said)


@dataclass(frozen=True)
class Segment:
    """A part of a bar: its name, how many, and where it lies."""

    name: str
    number: int
    x: float
    width: float


def stacked(parts: Sequence[tuple[str, int]], width: int) -> tuple[Segment, ...]:
    """Parts that make a whole, side by side; each that is not nothing is at least seen, the widest give way."""
    real = [(name, number) for name, number in parts if number > 0]
    whole = sum(number for _, number in real)
    if not whole:
        return ()
    widths = [max(_LEAST, number / whole * width) for _, number in real]
    widest = max(range(len(widths)), key=widths.__getitem__)
    widths[widest] -= sum(widths) - width
    found, x = [], 0.0
    for (name, number), wide in zip(real, widths, strict=True):
        found.append(Segment(name, number, round(x, 2), round(max(wide, 0.0), 2)))
        x += wide
    return tuple(found)


@dataclass(frozen=True)
class Bar:
    """A bar from the zero of its figure, to the right or (negative) to the left."""

    x: float
    width: float
    negative: bool


def bars(values: Sequence[Number | None], width: int) -> tuple[float, tuple[Bar | None, ...]]:
    """(where zero lies, a bar for each value that is known) on one scale that holds zero."""
    known = [Fraction(value) for value in values if value is not None]
    low, high = min([Fraction(0), *known]), max([Fraction(0), *known])
    spread = high - low or Fraction(1)
    zero = float(-low / spread) * width

    def bar(value: Number) -> Bar:
        wide = abs(float(Fraction(value) / spread)) * width
        wide = max(wide, _LEAST) if value else 0.0
        return Bar(round(zero - wide if value < 0 else zero, 2), round(wide, 2), value < 0)

    return round(zero, 2), tuple(None if value is None else bar(value) for value in values)


def steps(values: Sequence[Fraction | None], classes: int = 5) -> tuple[int | None, ...]:
    """The class of each value between the least and the greatest, of equal width; missing values have none."""
    known = [value for value in values if value is not None]
    if not known:
        return tuple(None for _ in values)
    low, spread = min(known), max(known) - min(known)
    if not spread:
        return tuple(None if value is None else classes // 2 for value in values)
    return tuple(None if value is None else min(classes - 1, int((value - low) * classes / spread)) for value in values)


def curve(left: float, y0: float, right: float, y1: float) -> str:
    """The path of a soft curve from one place to another, level at both ends."""
    middle = (left + right) / 2
    return f"M{left:g} {y0:g}C{middle:g} {y0:g} {middle:g} {y1:g} {right:g} {y1:g}"
