"""The shapes that the parts of the simulator meet in: tables of a block of persons, columns of whole numbers, one row an event.

Everything is a whole number until a writer makes text of it: days since 1970-01-01, seconds since 1970-01-01 (local time), fen (1/100 yuan), and
places in the knowledge tables. So the same seed gives the same bytes on every machine, and a column is made, filtered and joined as a column.
An absent value is -1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Shape = Mapping[str, str]  # column -> what it holds
NONE = -1  # no value

# A person who ever lived in the province during the simulated years, those born meanwhile included.
PERSON: Shape = MappingProxyType(
    {
        "person": "number of the person, from 0 over the whole province",
        "sex": "1 male, 2 female",
        "born": "day of birth",
        "died": "day of death; NONE for the living",
        "died_in": "visit in which the person died; NONE outside hospital or for the living",
        "family": "number of the family",
        "mother": "person number of the mother where she is in the province; NONE otherwise",
        "area": "place in AREA of the home at the start (or at birth)",
        "moved": "day of the move to another area; NONE for who stays",
        "area_after": "place in AREA after the move; NONE",
        "surname": "place in the surnames",
        "given": "place in the given names",
        "ethnic": "GB/T 3304 code as a number, 1 to 56",
        "occupation": "place in the occupations",
        "payer": "CV07.10.005 code as a number",
        "blood": "CV04.50.005 code as a number",
        "rhesus": "CV04.50.020 code as a number",
        "serial": "0 to 999, the sequence part of the resident id; odd for men",
        "phone": "last nine digits of the telephone",
        "house": "number of the house",
    }
)

# A person as one hospital knows it.
PATIENT: Shape = MappingProxyType(
    {
        "hospital": "place in HOSPITAL",
        "person": "person number",
        "local": "the hospital's own number of the patient, unique in it",
        "registered": "second of the first registration",
        "resident_id": "0 as it is, 1 absent, 2 mistyped",
        "twin": "local number under which the person was registered here a second time; NONE",
    }
)

VISIT: Shape = MappingProxyType(
    {
        "visit": "number of the visit, unique in the province, ascending with person and start",
        "person": "person number",
        "hospital": "place in HOSPITAL",
        "local": "the hospital's number of the patient under which the visit is booked: PATIENT's local or twin",
        "kind": "place in VISIT_KINDS",
        "start": "second of registration or admission",
        "end": "second of discharge; for outpatients the end of the consultation; NONE for who is still there on the last day",
        "department": "place in the departments, at admission",
        "department_out": "department at discharge",
        "ward": "number of the ward in the department",
        "route": "CV09.00.403 admission route as a number; NONE for who is not admitted",
        "way": "CV06.00.226 way of discharge as a number; NONE for who is not admitted or still there",
        "doctor": "number of the doctor in the hospital",
        "payer": "CV07.10.005 code as a number",
        "from_visit": "the visit that led to this one (referral, transfer, emergency before admission); NONE",
        "readmission": "the stay before, when this is a readmission within 31 days for the same condition; NONE",
        "planned": "1 where a readmission within 31 days was planned at discharge, else 0",
        "episode": "number of the episode of illness, unique in the province",
        "admission_number": "how often the person has been admitted here, this stay counted; NONE for who is not admitted",
    }
)
VISIT_KINDS = ("outpatient", "emergency", "observation", "inpatient", "day case", "check-up")

DIAGNOSIS: Shape = MappingProxyType(
    {
        "visit": "visit number",
        "rank": "0 the principal diagnosis, then 1, 2 ...",
        "condition": "place in CONDITION",
        "stage": "cancer stage 1 to 4; NONE",
        "on_admission": "CV05 present on admission: 1 certain, 2 clinically undetermined, 3 unknown, 4 none; NONE outside stays",
        "time": "second of the diagnosis",
    }
)

PROCEDURE: Shape = MappingProxyType(
    {
        "visit": "visit number",
        "rank": "0 the main procedure, then 1, 2 ...",
        "procedure": "place in PROCEDURE_ITEM",
        "time": "second of its beginning",
        "minutes": "how long it took",
        "surgeon": "number of the doctor in the hospital",
        "anaesthesia": "CV06.00.103 code as a number; NONE",
        "incision": "10 * class of the incision (0 to 3) + healing grade (CV05.10.023); 0 without a cut in the skin; NONE for what is no operation",
        "session": "which entry into theatre of the visit, from 1; what is done in one begins together; NONE for what is no operation",
        "unplanned": "1 where the entry is an unplanned return to theatre, else 0",
    }
)

ORDER: Shape = MappingProxyType(
    {
        "order": "number of the order, unique in the province",
        "visit": "visit number",
        "drug": "place in DRUG",
        "start": "second from which it is given",
        "end": "second of the last dose; NONE where it runs on",
        "dose": "single dose in thousandths of the drug's dose unit",
        "per_day": "doses a day times 100 (once every other day: 50)",
        "route": "place in the routes",
        "quantity": "packs or pieces dispensed, in hundredths",
        "days": "days supplied",
        "long_term": "1 a standing order, 0 a single one",
    }
)

RESULT: Shape = MappingProxyType(
    {
        "sample": "number of the sample, unique in the province",
        "visit": "visit number",
        "item": "place in LAB_ITEM",
        "value": "result times 10 ** decimals of the item; for qualitative items the place in its answers",
        "below": "1 where the value is under the limit of detection, which value then is",
        "sampled": "second of sampling",
        "reported": "second of the report",
        "abnormal": "0 normal, 1 high, 2 low, 3 positive where negative is normal",
    }
)

VITAL: Shape = MappingProxyType(
    {
        "visit": "visit number",
        "item": "place in VITAL_ITEM",
        "value": "value times 10 ** decimals of the item",
        "time": "second of measuring",
    }
)

REPORT: Shape = MappingProxyType(
    {
        "report": "number of the report, unique in the province",
        "visit": "visit number",
        "exam": "place in EXAM (imaging and pathology)",
        "finding": "place in the exam's texts",
        "side": "0 none, 1 left, 2 right, 3 both",
        "size": "millimetres told in the text; NONE",
        "performed": "second of the examination",
        "reported": "second of the report",
    }
)

CHARGE: Shape = MappingProxyType(
    {
        "charge": "number of the charge line, unique in the province",
        "visit": "visit number",
        "fee": "place in FEE, the fee items of the front page (D11 to D34)",
        "item": "place in CHARGE_ITEM",
        "quantity": "quantity in hundredths",
        "price": "price in fen",
        "amount": "fen: quantity times price, rounded to the fen; negative for a charge taken back",
        "insured": "fen that the insurance pays",
        "time": "second of charging",
        "reverses": "number of the charge line it takes back; NONE",
    }
)

SETTLEMENT: Shape = MappingProxyType(
    {
        "visit": "visit number",
        "total": "fen, the sum of the visit's charges",
        "insured": "fen paid by the insurance",
        "own": "fen paid by the patient",
        "time": "second of settling",
    }
)

CASE_REPORT: Shape = MappingProxyType(
    {
        "report": "number of the infectious disease card, unique in the province",
        "visit": "visit number",
        "person": "person number",
        "condition": "place in CONDITION",
        "onset": "day of onset",
        "diagnosed": "second of diagnosis",
        "reported": "second of reporting",
        "area": "place in AREA of residence",
        "outbreak": "number of the injected outbreak the case belongs to; NONE",
        "laboratory": "1 confirmed by laboratory, 0 clinically diagnosed",
    }
)

TABLES: Mapping[str, Shape] = MappingProxyType(
    {
        "person": PERSON,
        "patient": PATIENT,
        "visit": VISIT,
        "diagnosis": DIAGNOSIS,
        "procedure": PROCEDURE,
        "order": ORDER,
        "result": RESULT,
        "vital": VITAL,
        "report": REPORT,
        "charge": CHARGE,
        "settlement": SETTLEMENT,
        "case_report": CASE_REPORT,
    }
)


@dataclass(frozen=True)
class Rows:
    """Rows of one table: equal-long int64 columns by name, exactly those of the table's shape."""

    table: str
    columns: Mapping[str, Ints]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Ints:
        return self.columns[name]

    def take(self, places: Ints | npt.NDArray[np.bool_]) -> Rows:
        """The rows at some places, or where a mask is true."""
        return Rows(self.table, {name: column[places] for name, column in self.columns.items()})


@dataclass(frozen=True)
class Block:
    """All that happens to a range of persons; blocks are independent, so any of them can be made alone."""

    number: int
    rows: Mapping[str, Rows]


def rows_of(table: str, **columns: npt.ArrayLike) -> Rows:
    """Rows with their columns as int64, scalars spread; raises KeyError or ValueError where they are not those of the shape."""
    shape = TABLES[table]
    missing, unknown = shape.keys() - columns.keys(), columns.keys() - shape.keys()
    if missing or unknown:
        raise KeyError(f"{table}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    length = max((np.size(column) for column in columns.values()), default=0)
    if any(np.size(column) == 0 for column in columns.values()):
        length = 0
    held = {
        name: np.broadcast_to(np.asarray(columns[name], dtype=np.int64), (length,))
        if np.ndim(columns[name]) == 0
        else np.asarray(columns[name], dtype=np.int64)
        for name in shape
    }
    if any(len(column) != length for column in held.values()):
        raise ValueError(f"{table}: columns of different length")
    return Rows(table, held)
