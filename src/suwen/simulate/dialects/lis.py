"""A laboratory system: lines parted by tabs, one a result, its own running numbers for items, signs and words where no number is.

Quirks: every third sample is measured by an analyser that reports in another unit, where there is one, and prints no reference range then.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suwen.simulate.dialects.identity import patient_number, visit_number
from suwen.simulate.dialects.rows import Part
from suwen.simulate.dialects.system import Kind, System, at
from suwen.simulate.dialects.text import Coded, Column, Form, padded, times
from suwen.simulate.dialects.values import numbered, reference_range, result
from suwen.simulate.shapes import NONE, Ints

FORM = Form(delimiter="\t", newline="\n", bare=True)
_CLOCK = " {h:02d}:{n:02d}"


def other_unit(part: Part) -> Ints:
    """1 where a result is reported in the other unit, else 0."""
    has = np.array([bool(unit) for unit in part.seen.lexicon.items["other"]])
    return ((part["sample"] % 3 == 0) & has[part["item"]]).astype(np.int64)


def in_unit(part: Part, other: Ints) -> tuple[Ints, Ints]:
    """(value, decimals) as reported: in the other unit where told, rounded half up."""
    lexicon, item = part.seen.lexicon, part["item"]
    factors = np.array(lexicon.other_factor, dtype=np.int64)
    before, after = lexicon.item_decimals, lexicon.other_decimals
    at = np.flatnonzero(other)
    what, value = item[at], part["value"].copy()
    top = value[at] * (factors[:, 0] * 10**after)[what]
    bottom = (factors[:, 1] * 10**before)[what]
    value[at] = (2 * top + bottom) // (2 * bottom)
    return value, np.where(other == 1, after[item], before[item])


def _results(part: Part, form: Form) -> Mapping[str, Column]:
    items, item = part.seen.lexicon.items, part["item"]
    other = other_unit(part)
    value, decimals = in_unit(part, other)
    number = len(items.codes)
    reference = reference_range(part)
    return {
        "BARCODE": padded(part["sample"], 13),
        "PATNO": patient_number(part),
        "VISITNO": visit_number(part),
        "PATTYPE": Coded(part.stay.astype(np.int64), ("门诊", "住院")),
        "ITEMNO": Coded(item, numbered("", items.codes)),
        "ITEMNAME": Coded(item, items.names),
        "RESULT": result(part, form, value=value, decimals=decimals),
        "UNIT": Coded(item + other * number, items["shown"] + items["other"]),
        "REFRANGE": Coded(np.where(other == 1, NONE, reference.places), reference.words),
        "FLAG": Coded(part["abnormal"], ("", "↑", "↓", "+")),
        "SAMPLED": times(part["sampled"], clock=_CLOCK),
        "REPORTED": times(part["reported"], clock=_CLOCK),
    }


SYSTEM = System(
    name="lis",
    template="qiming-lis/results",
    form=FORM,
    kinds=(Kind("results", "LIS_RESULT_{date}.txt", "result", _results, at("reported")),),
    daily_mode="upsert",
    feed="lis",
)
