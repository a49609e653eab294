"""The events of a hospital as columns with plain names, written in a style: what newer systems have in common, one record a line.

A system takes the columns that it has a heading for; only those are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suwen.simulate.dialects import identity
from suwen.simulate.dialects.lexicon import TITLES, Lexicon
from suwen.simulate.dialects.masters import departments, doctor_name, doctors
from suwen.simulate.dialects.rows import Keep, Part, at_clinics, at_stays, not_on_front_page
from suwen.simulate.dialects.system import OPEN, Kind, Master, Version, at, of_visit
from suwen.simulate.dialects.text import Array, Coded, Column, Form, Words, born, constant, dates, decimal, joined, money, padded, plain, times, whole
from suwen.simulate.dialects.values import reference_range, report_text, result
from suwen.simulate.shapes import NONE, Ints

Headings = Mapping[str, Mapping[str, str]]
Code = Callable[[Words], Words]


def as_they_are(words: Words) -> Words:
    """The codes of the knowledge tables themselves."""
    return words


@dataclass(frozen=True)
class Style:
    """How a system writes. `headings`: by kind, plain name to heading, in the order of the file; `files`: by kind. Forms as those of `text.times`."""

    headings: Headings
    files: Mapping[str, str]
    day: str = "{y}-{m:02d}-{d:02d}"
    clock: str = " {h:02d}:{n:02d}:{s:02d}"
    sex: Words = ("1", "2")
    classes: Words = ("O", "E", "B", "I", "D", "C")  # by VISIT_KINDS
    ranks: Words = ("1", "2")  # principal, other
    yes_no: Words = ("0", "1")
    drugs: Code = as_they_are
    items: Code = as_they_are
    unit: str = "unit"
    state: str = ""  # what the column `state` says of a record in force
    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)


Maker = Callable[[Part, Style, Form], Column]


def _time(name: str) -> Maker:
    return lambda p, s, f: p.once(name, lambda: times(p[name], s.day, s.clock))


def _number(name: str) -> Maker:
    return lambda p, s, f: whole(p[name])


def _id(name: str, width: int, before: str) -> Maker:
    return lambda p, s, f: padded(p[name], width, before)


def _word(name: str, table: str, column: str = "") -> Maker:
    def made(part: Part, style: Style, form: Form) -> Column:
        named = getattr(part.seen.lexicon, table)
        return Coded(part[name], named.codes if column == "code" else named.names if column == "name" else named[column])

    return made


def _closed(name: str) -> Callable[[Part], Ints]:
    """A column of visits that says nothing while they are open."""
    return lambda part: np.where(part["end"] == NONE, NONE, part[name])


def _days(part: Part) -> Ints:
    return np.where(part["end"] == NONE, NONE, np.maximum(1, part["end"] // 86_400 - part["start"] // 86_400))


def _doctor(name: str) -> Maker:
    return lambda p, s, f: padded(p[name], 5, "Y")


_OF_VISIT: Mapping[str, Maker] = {
    "patient": lambda p, s, f: identity.patient_number(p),
    "visit": lambda p, s, f: identity.visit_number(p),
    "state": lambda p, s, f: constant(s.state, len(p)),
    "changed": lambda p, s, f: _last_change(p, s),
}
_VISITS: Mapping[str, Maker] = {
    "booked": lambda p, s, f: times(p["start"] - 600, s.day, s.clock),
    "start": _time("start"),
    "end": _time("end"),
    "department": _word("department", "departments", "code"),
    "department_name": _word("department", "departments", "name"),
    "doctor": _doctor("doctor"),
    "class": lambda p, s, f: Coded(p["kind"], s.classes),
    "payer": _number("payer"),
}
COLUMNS: Mapping[str, Mapping[str, Maker]] = {
    "patients": {
        "name": lambda p, s, f: identity.person_name(p, f),
        "sex": lambda p, s, f: Coded(p.person("sex") - 1, s.sex),
        "born": lambda p, s, f: born(p.person("born"), s.day),
        "resident": lambda p, s, f: identity.resident_id(p),
        "ethnic": lambda p, s, f: padded(p.person("ethnic"), 2),
        "address": lambda p, s, f: identity.address(p, f, identity.areas_at(p, p["registered"])),
        "area": lambda p, s, f: Coded(identity.areas_at(p, p["registered"]), p.seen.lexicon.areas.codes),
        "phone": lambda p, s, f: identity.telephone(p),
        "occupation": lambda p, s, f: Coded(p.person("occupation"), p.seen.lexicon.occupations.codes),
        "registered": _time("registered"),
    },
    "registrations": _VISITS,
    "stays": {
        **_VISITS,
        "times": _number("admission_number"),
        "ward": _number("ward"),
        "department_out": lambda p, s, f: Coded(_closed("department_out")(p), p.seen.lexicon.departments.codes),
        "ward_out": lambda p, s, f: whole(_closed("ward")(p)),
        "bed": lambda p, s, f: whole(p["visit"] % 60 + 1),
        "route": _number("route"),
        "way": _number("way"),
        "days": lambda p, s, f: whole(_days(p)),
        "planned": lambda p, s, f: Coded(_closed("planned")(p), s.yes_no),
    },
    "diagnoses": {
        "rank": lambda p, s, f: whole(p["rank"] + 1),
        "type": lambda p, s, f: Coded(np.minimum(p["rank"], 1), s.ranks),
        "code": _word("condition", "conditions", "code"),
        "name": _word("condition", "conditions", "name"),
        "on_admission": _number("on_admission"),
        "time": _time("time"),
    },
    "procedures": {
        "rank": lambda p, s, f: whole(p["rank"] + 1),
        "code": _word("procedure", "procedures", "code"),
        "name": _word("procedure", "procedures", "name"),
        "level": _word("procedure", "procedures", "level"),
        "time": _time("time"),
        "minutes": _number("minutes"),
        "doctor": _doctor("surgeon"),
        "anaesthesia": _number("anaesthesia"),
        "incision": _number("incision"),
    },
    "theatre": {
        "rank": lambda p, s, f: whole(p["rank"] + 1),
        "session": _number("session"),
        "code": _word("procedure", "procedures", "code"),
        "name": _word("procedure", "procedures", "name"),
        "level": _word("procedure", "procedures", "level"),
        "time": _time("time"),
        "unplanned": lambda p, s, f: Coded(p["unplanned"], s.yes_no),
        "anaesthesia": _number("anaesthesia"),
        "incision": _number("incision"),
    },
    "orders": {
        "number": _id("order", 13, "D"),
        "code": lambda p, s, f: Coded(p["drug"], s.drugs(p.seen.lexicon.drugs.codes)),
        "name": _word("drug", "drugs", "name"),
        "spec": _word("drug", "drugs", "spec"),
        "dose": lambda p, s, f: decimal(p["dose"], 3),
        "dose_unit": _word("drug", "drugs", "unit"),
        "per_day": lambda p, s, f: decimal(p["per_day"], 2),
        "route": _word("route", "routes", "code"),
        "route_name": _word("route", "routes", "name"),
        "quantity": lambda p, s, f: decimal(p["quantity"], 2),
        "pack": _word("drug", "drugs", "pack"),
        "days": _number("days"),
        "long_term": lambda p, s, f: Coded(p["long_term"], s.yes_no),
        "start": _time("start"),
        "end": _time("end"),
    },
    "charges": {
        "number": _id("charge", 14, "F"),
        "fee": _word("fee", "fees", "code"),
        "fee_name": _word("fee", "fees", "name"),
        "code": _word("item", "charge_items", "code"),
        "name": _word("item", "charge_items", "name"),
        "quantity": lambda p, s, f: decimal(p["quantity"], 2),
        "price": lambda p, s, f: money(p["price"]),
        "amount": lambda p, s, f: money(p["amount"]),
        "insured": lambda p, s, f: money(p["insured"]),
        "time": _time("time"),
    },
    "results": {
        "sample": _id("sample", 13, "J"),
        "code": lambda p, s, f: Coded(p["item"], s.items(p.seen.lexicon.items.codes)),
        "name": _word("item", "items", "name"),
        "value": lambda p, s, f: result(p, f),
        "unit": lambda p, s, f: Coded(p["item"], p.seen.lexicon.items[s.unit]),
        "range": lambda p, s, f: reference_range(p),
        "flag": lambda p, s, f: Coded(p["abnormal"], ("", "H", "L", "A")),
        "sampled": _time("sampled"),
        "reported": _time("reported"),
    },
    "vitals": {
        "code": _word("item", "vitals", "code"),
        "name": _word("item", "vitals", "name"),
        "value": lambda p, s, f: decimal(p["value"], p.seen.lexicon.vital_decimals[p["item"]]),
        "unit": _word("item", "vitals", "unit"),
        "time": _time("time"),
    },
    "reports": {
        "number": _id("report", 13, "E"),
        "code": _word("exam", "exams", "code"),
        "name": _word("exam", "exams", "name"),
        "performed": _time("performed"),
        "reported": _time("reported"),
        "text": lambda p, s, f: _quoted(f, report_text(p, f)),
    },
    "cards": {
        "number": _id("report", 13, "K"),
        "code": _word("condition", "conditions", "code"),
        "name": _word("condition", "conditions", "name"),
        "onset": lambda p, s, f: dates(p["onset"], s.day),
        "diagnosed": _time("diagnosed"),
        "reported": _time("reported"),
        "area": _word("area", "areas", "code"),
        "confirmed": lambda p, s, f: Coded(p["laboratory"], s.yes_no),
    },
}


def _quoted(form: Form, text: Array) -> Array:
    """Free text in quotes, where not every value stands in them."""
    return text if form.quoted or form.bare else joined('"', text, '"')


_TABLES = {
    "patients": ("patient", at("registered")),
    "registrations": ("visit", of_visit),
    "stays": ("visit", of_visit),
    "diagnoses": ("diagnosis", at("time")),
    "procedures": ("procedure", at("time")),
    "theatre": ("procedure", at("time")),
    "orders": ("order", at("start")),
    "charges": ("charge", at("time")),
    "results": ("result", at("reported")),
    "vitals": ("vital", at("time")),
    "reports": ("report", at("reported")),
    "cards": ("case_report", at("reported")),
}


_KEEP: Mapping[str, Keep] = {
    "registrations": at_clinics,
    "stays": at_stays,
    "diagnoses": not_on_front_page,
    "procedures": not_on_front_page,
    "theatre": at_stays,
}
_HAVING = {"theatre": "session"}


def _last_change(part: Part, style: Style) -> Column:
    """When the record was last changed."""
    if part.table == "visit":
        return times(np.where(part["end"] == NONE, part["start"], part["end"]), style.day, style.clock)
    name = next(name for name in ("registered", "reported", "time", "start") if name in part.rows.columns)
    return part.once(name, lambda: times(part[name], style.day, style.clock))


def kinds(style: Style) -> tuple[Kind, ...]:
    """The kinds of files that a style has headings for."""

    def fields(kind: str) -> Any:
        makers = {**_OF_VISIT, **COLUMNS[kind]}
        chosen = tuple((heading, makers[name]) for name, heading in style.headings[kind].items())
        return lambda part, form: {heading: make(part, style, form) for heading, make in chosen}

    return tuple(
        Kind(
            kind,
            style.files[kind],
            table,
            fields(kind),
            changed,
            _KEEP.get(kind),
            "lis" if kind == "results" else "",
            _HAVING.get(kind, ""),
            versions=((OPEN,) if kind == "stays" else ()) + style.versions.get(kind, ()),
        )
        for kind, (table, changed) in _TABLES.items()
        if kind in style.headings
    )


def masters(style: Style) -> tuple[Master, ...]:
    """Departments and doctors, with headings `code`, `name`, and of doctors `sex`, `department`, `title`."""

    def of_departments(lexicon: Lexicon, hospitals: Ints, form: Form) -> tuple[Ints, Mapping[str, Column]]:
        hospital, place = departments(lexicon, hospitals)
        made = {"code": Coded(place, lexicon.departments.codes), "name": Coded(place, lexicon.departments.names)}
        return hospital, {heading: made[name] for name, heading in style.headings["departments"].items()}

    def of_doctors(lexicon: Lexicon, hospitals: Ints, form: Form) -> tuple[Ints, Mapping[str, Column]]:
        held, places = lexicon.doctors, doctors(lexicon, hospitals)
        made: dict[str, Column] = {
            "code": padded(held.number[places], 5, "Y"),
            "name": doctor_name(lexicon, places, form),
            "sex": plain(form, Coded(held.sex[places] - 1, style.sex)),
            "department": Coded(held.department[places], lexicon.departments.codes),
            "title": Coded(held.title[places], TITLES.codes),
        }
        return held.hospital[places], {heading: made[name] for name, heading in style.headings["doctors"].items()}

    return Master("departments", style.files["departments"], of_departments), Master("doctors", style.files["doctors"], of_doctors)
