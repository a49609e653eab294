"""Values that every system writes in its own form but from the same rows: results with comparators and words, ranges, reports, frequencies."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

from suwen.simulate.dialects.lexicon import Named
from suwen.simulate.dialects.rows import Part
from suwen.simulate.dialects.text import DAY, Array, Coded, Form, Words, decimal, joined, plain, replaced, whole
from suwen.simulate.shapes import Ints

NUMBER = "number"


@lru_cache(maxsize=8)
def _answers(kinds: Words) -> tuple[Words, Ints]:
    """All answers of all items, and where those of each item begin; -1 for items with numbers."""
    words: list[str] = []
    starts = []
    for kind in kinds:
        starts.append(-1 if kind == NUMBER else len(words))
        words.extend([] if kind == NUMBER else kind.split("|"))
    return tuple(words), np.array(starts, dtype=np.int64)


def result(part: Part, form: Form, *, value: Ints | None = None, decimals: Ints | None = None, less: str = "<") -> Array:
    """The result as written: a number, one with a comparator where it lies under the limit of detection, or a word.

    `value`, `decimals`: where not those of the row itself (another unit).
    """
    lexicon, item = part.seen.lexicon, part["item"]
    words, starts = _answers(lexicon.items["kind"])
    value = part["value"] if value is None else value
    text = decimal(value, lexicon.item_decimals[item] if decimals is None else decimals)
    below = np.flatnonzero(part["below"] == 1)
    text = replaced(text, below, joined(less, text.take(pa.array(below))))
    worded = np.flatnonzero(starts[item] >= 0)
    return replaced(text, worded, plain(form, Coded(starts[item[worded]] + part["value"][worded], words)))


@lru_cache(maxsize=8)
def _ranges(words: Words, sign: str) -> Words:
    return tuple(word.replace("-", sign, 1) for word in words)


def reference_range(part: Part, sign: str = "-") -> Coded:
    """The reference range of the item for the patient's sex and age, its limits parted by a sign."""
    lexicon = part.seen.lexicon
    years = np.clip((part["sampled"] // DAY - part.person("born")) * 4 // 1461, 0, lexicon.range_place.shape[2] - 1)
    return Coded(lexicon.range_place[part["item"], part.person("sex") - 1, years], _ranges(lexicon.ranges, sign))


def coded(table: Named, places: Ints) -> tuple[Coded, Coded]:
    """Code and name, side by side."""
    return Coded(places, table.codes), Coded(places, table.names)


@lru_cache(maxsize=64)
def prefixed(prefix: str, words: Words) -> Words:
    """Words with a prefix: a system's own codes."""
    return tuple(prefix + word for word in words)


@lru_cache(maxsize=8)
def numbered(prefix: str, words: Words, width: int = 4) -> Words:
    """A system's own codes that say nothing: running numbers."""
    return tuple(f"{prefix}{place:0{width}d}" for place in range(1, len(words) + 1))


SIDES: Words = ("", "左", "右", "双")


@lru_cache(maxsize=8)
def _report_texts(texts: tuple[tuple[str, ...], ...]) -> tuple[Words, Words, Ints]:
    """All report texts for every side, cut where the size stands; and where those of each exam begin."""
    before: list[str] = []
    after: list[str] = []
    starts: list[int] = []
    for of_exam in texts:
        starts.append(len(before))
        for text in of_exam:
            for side in SIDES:
                head, _, tail = text.replace("{side}", side).partition("{size}")
                before.append(head)
                after.append(tail)
    return tuple(before), tuple(after), np.array(starts, dtype=np.int64)


def report_text(part: Part, form: Form) -> Array:
    """The text of a report: its sentence with side and size filled in."""
    before, after, starts = _report_texts(part.seen.lexicon.exam_texts)
    places = starts[part["exam"]] + part["finding"] * len(SIDES) + part["side"]
    return joined(plain(form, Coded(places, before)), whole(part["size"]), plain(form, Coded(places, after)))
