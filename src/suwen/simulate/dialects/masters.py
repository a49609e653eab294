"""Departments and doctors, which every hospital's system lists."""

from __future__ import annotations

import numpy as np

from suwen.simulate.dialects.lexicon import Lexicon
from suwen.simulate.dialects.text import Array, Coded, Form, joined, plain
from suwen.simulate.shapes import Ints


def departments(lexicon: Lexicon, hospitals: Ints) -> tuple[Ints, Ints]:
    """(hospital, department) of every department of some hospitals."""
    number = len(lexicon.departments.codes)
    return np.repeat(hospitals, number), np.tile(np.arange(number), len(hospitals))


def doctors(lexicon: Lexicon, hospitals: Ints) -> Ints:
    """The places of the doctors of some hospitals, ascending by hospital."""
    return np.flatnonzero(np.isin(lexicon.doctors.hospital, hospitals))


def doctor_name(lexicon: Lexicon, places: Ints, form: Form) -> Array:
    """The doctors' names."""
    doctors = lexicon.doctors
    return joined(plain(form, Coded(doctors.surname[places], lexicon.surnames)), plain(form, Coded(doctors.given[places], lexicon.given)))
