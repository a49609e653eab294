"""Who a patient is and which visit is meant, as papers and wristbands say it: shared by all systems, so that those of one hospital understand each other."""

from __future__ import annotations

import numpy as np

from suwen.simulate.dialects.rows import STAYS, Part
from suwen.simulate.dialects.text import Array, Coded, Form, constant, from_matrix, joined, padded, plain, whole, without
from suwen.simulate.shapes import NONE, Ints, Rows

_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)  # GB 11643, ISO 7064 MOD 11-2
_CHECK = np.frombuffer(b"10X98765432", dtype=np.uint8)
ABSENT, MISTYPED = 1, 2
_STREETS = tuple(f"{name}街道" for name in ("东门", "西湖", "南桥", "北山", "中心", "新村", "河畔", "松林"))


def patient_number(part: Part) -> Array:
    """The hospital's own number of the patient, also that of the medical record."""
    return padded(part.local, 9) if part.table == "patient" else part.of_visit(_patients)


def clinic_number(part: Part) -> Array:
    """Number of a visit that is no stay; empty for stays."""
    return part.of_visit(_clinics)


def stay_number(part: Part) -> Array:
    """Number of a stay: the patient's and the how-manyth it is; empty for other visits."""
    return part.of_visit(_stays)


def visit_number(part: Part) -> Array:
    """Number of a visit of whichever kind: a stay's holds a hyphen."""
    return part.of_visit(_visits)


def _patients(visits: Rows) -> Array:
    return padded(visits["local"], 9)


def _clinics(visits: Rows) -> Array:
    return without(padded(visits["visit"], 11, "G"), STAYS[visits["kind"]])


def _stays(visits: Rows) -> Array:
    times = visits["admission_number"]
    number = joined(_patients(visits), "-", whole(np.where(times == NONE, visits["visit"], times)))
    return without(number, ~STAYS[visits["kind"]])


def _visits(visits: Rows) -> Array:
    return joined(_clinics(visits), _stays(visits))


def person_name(part: Part, form: Form) -> Array:
    """Surname and given name."""
    lexicon = part.seen.lexicon
    return joined(plain(form, Coded(part.person("surname"), lexicon.surnames)), plain(form, Coded(part.person("given"), lexicon.given)))


def resident_id(part: Part) -> Array:
    """The resident id as the hospital has it: right, absent, or with one digit mistyped, by which its check sum fails."""
    lexicon = part.seen.lexicon
    area = np.array([int(code) for code in lexicon.areas.codes], dtype=np.int64)[part.person("area")]
    first = area * 10**11 + _yyyymmdd(part.person("born")) * 1000 + part.person("serial")
    digits = np.empty((len(part), 17), dtype=np.int64)
    rest = first
    for place in range(16, -1, -1):
        digits[:, place] = rest % 10
        rest = rest // 10
    text = np.empty((len(part), 18), dtype=np.uint8)
    text[:, 17] = _CHECK[(digits * _WEIGHTS).sum(axis=1) % 11]
    wrong = np.flatnonzero(part["resident_id"] == MISTYPED)
    at = part["local"][wrong] % 6 + 6  # a digit of the birth date
    digits[wrong, at] = (digits[wrong, at] + 1 + part["local"][wrong] % 9) % 10
    text[:, :17] = digits + ord("0")
    return without(from_matrix(text), part["resident_id"] == ABSENT)


def _yyyymmdd(days: Ints) -> Ints:
    at = days.astype("datetime64[D]")
    months = at.astype("datetime64[M]").astype(np.int64)
    return (months // 12 + 1970) * 10_000 + (months % 12 + 1) * 100 + (at - at.astype("datetime64[M]")).astype(np.int64) + 1


def areas_at(part: Part, seconds: Ints) -> Ints:
    """Where the person lives at a time."""
    moved = part.person("moved")
    return np.where((moved != NONE) & (moved * 86_400 <= seconds), part.person("area_after"), part.person("area"))


def address(part: Part, form: Form, areas: Ints) -> Array:
    """District, street, house."""
    house, length = part.person("house"), len(part)
    return joined(
        plain(form, Coded(areas, part.seen.lexicon.areas.names)),
        plain(form, Coded(house % len(_STREETS), _STREETS)),
        whole(house // len(_STREETS) + 1),
        plain(form, constant("号", length)),
    )


def telephone(part: Part) -> Array:
    """A mobile number."""
    return padded(part.person("phone"), 9, before="13")
