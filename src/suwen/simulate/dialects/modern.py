"""A modern system: CSV with English headings in one zip a day, times with their offset, the operation beside each record: I new, U changed, D gone.

Quirks: results are released in a preliminary version and corrected, and records entered by mistake are deleted some days later.
"""

from __future__ import annotations

from suwen.simulate.dialects.events import Style, kinds, masters
from suwen.simulate.dialects.second_thoughts import says_gone, with_corrections, with_mistakes
from suwen.simulate.dialects.system import Kind, System
from suwen.simulate.dialects.text import Form

_OF_VISIT = {"patient": "patient_id", "visit": "encounter_id"}
_OP = {"state": "op", "changed": "updated_at"}

STYLE = Style(
    headings={
        "departments": {"code": "department_id", "name": "name"},
        "doctors": {"code": "practitioner_id", "name": "name", "sex": "gender", "department": "department_id", "title": "title_code"},
        "patients": {
            "patient": "patient_id", "name": "name", "sex": "gender", "born": "birth_date", "resident": "national_id", "ethnic": "ethnic_code",
            "address": "address", "area": "division_code", "phone": "mobile", "occupation": "occupation_code", **_OP,
        },
        "registrations": {
            "visit": "encounter_id", "patient": "patient_id", "class": "class", "start": "started_at", "end": "ended_at", "department": "department_id",
            "doctor": "practitioner_id", "payer": "payer_code", **_OP,
        },
        "stays": {
            "visit": "encounter_id", "patient": "patient_id", "class": "class", "times": "admission_number", "start": "admitted_at", "end": "discharged_at",
            "department": "department_id", "department_out": "discharge_department_id", "ward": "ward", "ward_out": "discharge_ward", "bed": "bed",
            "doctor": "practitioner_id", "route": "admission_source", "way": "discharge_disposition", "payer": "payer_code", "days": "length_of_stay",
            "planned": "readmission_planned", **_OP,
        },
        "diagnoses": {
            **_OF_VISIT, "rank": "sequence", "type": "use", "code": "icd10", "name": "display", "on_admission": "present_on_admission",
            "time": "recorded_at", **_OP,
        },
        "procedures": {
            **_OF_VISIT, "rank": "sequence", "code": "icd9cm3", "name": "display", "level": "level", "time": "performed_at", "minutes": "minutes",
            "doctor": "practitioner_id", "anaesthesia": "anaesthesia_code", "incision": "incision_code", **_OP,
        },
        "theatre": {
            **_OF_VISIT, "rank": "sequence", "session": "theatre_entry", "code": "icd9cm3", "name": "display", "level": "level", "time": "entered_at",
            "unplanned": "unplanned_return", "anaesthesia": "anaesthesia_code", "incision": "incision_code", **_OP,
        },
        "orders": {
            "number": "order_id", **_OF_VISIT, "code": "drug_id", "name": "drug", "spec": "strength", "dose": "dose", "dose_unit": "dose_unit",
            "per_day": "times_per_day", "route": "route_code", "quantity": "quantity", "days": "days_supply", "long_term": "standing", "start": "started_at",
            "end": "ended_at", **_OP,
        },
        "charges": {
            "number": "charge_id", **_OF_VISIT, "fee": "fee_code", "code": "item_id", "name": "item", "quantity": "quantity", "price": "unit_price",
            "amount": "amount", "insured": "covered_amount", "time": "charged_at", **_OP,
        },
        "results": {
            "sample": "specimen_id", **_OF_VISIT, "code": "test_id", "name": "test", "value": "value", "unit": "unit", "range": "reference_range",
            "flag": "flag", "sampled": "collected_at", "reported": "reported_at", **_OP,
        },
        "vitals": {**_OF_VISIT, "code": "vital_id", "name": "vital", "value": "value", "unit": "unit", "time": "measured_at", **_OP},
        "reports": {
            "number": "report_id", **_OF_VISIT, "code": "exam_id", "name": "exam", "performed": "performed_at", "reported": "reported_at", "text": "conclusion",
            **_OP,
        },
        "cards": {
            "number": "card_id", **_OF_VISIT, "code": "icd10", "name": "disease", "onset": "onset_date", "diagnosed": "diagnosed_at", "reported": "reported_at",
            "area": "division_code", "confirmed": "laboratory_confirmed", **_OP,
        },
    },
    files={
        kind: f"{name}.csv"
        for kind, name in {
            "departments": "departments", "doctors": "practitioners", "patients": "patients", "registrations": "encounters", "stays": "admissions",
            "diagnoses": "diagnoses", "procedures": "procedures", "theatre": "theatre_register", "orders": "medication_orders", "charges": "charges",
            "results": "lab_results", "vitals": "vital_signs", "reports": "diagnostic_reports", "cards": "notifiable_cases",
        }.items()
    },
    clock="T{h:02d}:{n:02d}:{s:02d}+08:00",
    sex=("male", "female"),
    classes=("AMB", "EMER", "OBSENC", "IMP", "SS", "CHECKUP"),
    ranks=("principal", "secondary"),
    yes_no=("false", "true"),
    state="U",
)  # fmt: skip
_GONE = says_gone("op", "D", "updated_at", STYLE.day, STYLE.clock)


def _doubtful(kind: Kind) -> Kind:
    if kind.name == "results":
        return with_corrections(kind, "updated_at", STYLE.day, STYLE.clock)
    return with_mistakes(kind, "charge_id", _GONE) if kind.name == "charges" else kind


SYSTEM = System(
    name="modern",
    template="meridian-ehr/daily",
    form=Form(newline="\n"),
    kinds=tuple(_doubtful(kind) for kind in kinds(STYLE)),
    masters=masters(STYLE),
    packed=True,
)
