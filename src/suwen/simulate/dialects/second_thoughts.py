"""What a system said first and took back: results corrected on the day after, charges entered by mistake and gone some days later.

Only who is sent every day's state sees it; what is sent at last is without. About one in two hundred records is such a one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from suwen.simulate.dialects.rows import Part, Seen
from suwen.simulate.dialects.system import Fields, Kind, Version
from suwen.simulate.dialects.text import DAY, Column, Form, Mask, constant, joined, times
from suwen.simulate.dialects.values import NUMBER
from suwen.simulate.shapes import Block, Ints, Rows

_ONE_IN = 199
_CORRECTED_AFTER, _GONE_AFTER = 1, 3  # days


def _corrected(part: Part) -> Mask:
    numbers = np.array([kind == NUMBER for kind in part.seen.lexicon.items["kind"]])
    return (part["sample"] % _ONE_IN == 0) & numbers[part["item"]] & (part["reported"] // DAY + _CORRECTED_AFTER <= part.seen.last)


def _preliminary(seen: Seen) -> Seen:
    """The block with every result one step of its last decimal too high."""
    if "preliminary" not in seen.views:
        results = seen.block.rows["result"]
        high = Rows("result", dict(results.columns) | {"value": results["value"] + 1})
        seen.views["preliminary"] = Seen(Block(seen.block.number, dict(seen.block.rows) | {"result": high}), seen.lexicon, seen.last, seen)
    return seen.views["preliminary"]


def _until_corrected(part: Part) -> tuple[Mask, Ints, Ints]:
    since = part["reported"] // DAY
    return _corrected(part), since, since + _CORRECTED_AFTER


def with_corrections(kind: Kind, heading: str, day: str, clock: str) -> Kind:
    """A kind of results some of which were first reported otherwise; `heading`: the column of the last change, written by the forms `day` and `clock`."""

    def fields(part: Part, form: Form) -> Mapping[str, Column]:
        changed = part["reported"] + np.where(_corrected(part), _CORRECTED_AFTER * DAY, 0)
        return dict(kind.fields(part, form)) | {heading: times(changed, day, clock)}

    def changed(part: Part) -> Ints:
        return part["reported"] // DAY + np.where(_corrected(part), _CORRECTED_AFTER, 0)

    first = Version(_preliminary, _until_corrected, kind.fields)
    return dataclasses.replace(kind, fields=fields, changed=changed, versions=(*kind.versions, first))


def _same(seen: Seen) -> Seen:
    return seen


def _entered(part: Part) -> tuple[Mask, Ints, Ints]:
    since = part["time"] // DAY
    return (part["charge"] % _ONE_IN == 0) & (since + _GONE_AFTER <= part.seen.last), since, since + _GONE_AFTER


def _taken_back(part: Part) -> tuple[Mask, Ints, Ints]:
    there, _, gone = _entered(part)
    return there, gone, gone + 1


def with_mistakes(kind: Kind, key: str, told: Fields | None = None) -> Kind:
    """A kind of charges with some that were entered by mistake, under a number of their own; `told`: the columns in which a system says that one is gone,
    None where it is just absent from then on.
    """

    def mistaken(part: Part, form: Form) -> Mapping[str, Column]:
        columns = dict(kind.fields(part, form))
        return columns | {key: joined(columns[key], "X")}

    def gone(part: Part, form: Form) -> Mapping[str, Column]:
        assert told is not None
        return dict(mistaken(part, form)) | dict(told(part, form))

    versions = (Version(_same, _entered, mistaken),) + (() if told is None else (Version(_same, _taken_back, gone),))
    return dataclasses.replace(kind, versions=kind.versions + versions)


def says_gone(state: str, word: str, changed: str, day: str, clock: str) -> Fields:
    """Columns that say that a charge is gone: the operation, and when."""
    return lambda part, form: {state: constant(word, len(part)), changed: times(part["time"] + _GONE_AFTER * DAY, day, clock)}
