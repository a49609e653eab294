"""What many small hospitals send day by day: a few rows of a few kinds, by two templates of pack `cn`, the same bytes every time.

Half of the hospitals send one zip of what changed (upsert), with a result corrected a day later; the others send yesterday and today again as plain
files (window), the correction in place. Patients come again, and some have been at another hospital.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

FIRST = date(2024, 1, 1)  # day 1
CITY = 25  # hospitals of a city
_BASE = 20  # patients that a hospital has known before the first day
_VISITS = 3  # a day, the first of them that of a new patient
_DRUGS, _TESTS, _ILLNESSES = ("AMOX", "CEFUR", "AZITH"), ("CRP", "WBC", "HGB"), ("I10", "J18", "E11", "K29")
_WEIGHTS, _CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
_OPEN = 8 * 60  # minutes of the day at which doors open

Rows = Mapping[str, Sequence[Mapping[str, str]]]  # by kind


@dataclass(frozen=True)
class Sender:
    """How a system writes: its template and mode, and of each kind the name of its file and the heading of each thing told. `offset`: behind times."""

    template: str
    mode: str
    delimiter: str
    packed: bool
    files: Mapping[str, str]
    headings: Mapping[str, Mapping[str, str]]
    offset: str
    sexes: tuple[str, str]
    clinic: str
    principal: str


_MERIDIAN_OF = {"visit": "encounter_id", "patient": "patient_id", "changed": "updated_at", "state": "op"}
_HENGTAI_OF = {"visit": "JZID", "patient": "HZID", "changed": "SJRQ"}
SENDERS = (
    Sender(
        "meridian-ehr/daily", "upsert", ",", True,
        {"patients": "patients.csv", "visits": "encounters.csv", "diagnoses": "diagnoses.csv", "results": "lab_results.csv", "charges": "charges.csv"},
        {
            "patients": {
                "patient": "patient_id", "name": "name", "sex": "gender", "born": "birth_date", "resident": "national_id", "ethnic": "ethnic_code",
                "address": "address", "area": "division_code", "phone": "mobile", "work": "occupation_code", "state": "op", "changed": "updated_at",
            },
            "visits": {**_MERIDIAN_OF, "class": "class", "start": "started_at", "end": "ended_at", "department": "department_id",
                "doctor": "practitioner_id", "payer": "payer_code"},
            "diagnoses": {**_MERIDIAN_OF, "rank": "sequence", "use": "use", "code": "icd10", "title": "display", "before": "present_on_admission",
                "time": "recorded_at"},
            "results": {**_MERIDIAN_OF, "number": "specimen_id", "code": "test_id", "title": "test", "value": "value", "unit": "unit",
                "range": "reference_range", "flag": "flag", "time": "collected_at", "told": "reported_at"},
            "charges": {**_MERIDIAN_OF, "number": "charge_id", "fee": "fee_code", "code": "item_id", "title": "item", "count": "quantity",
                "price": "unit_price", "amount": "amount", "insured": "covered_amount", "time": "charged_at"},
        },
        "+08:00", ("male", "female"), "AMB", "principal",
    ),
    Sender(
        "hengtai-his/window", "window", ";", False,
        {"patients": "ht_hz_{date}.csv", "visits": "ht_mz_{date}.csv", "diagnoses": "ht_zd_{date}.csv", "results": "ht_jy_{date}.csv",
            "charges": "ht_sf_{date}.csv"},
        {
            "patients": {"patient": "HZID", "name": "XM", "sex": "XB", "born": "CSRQ", "resident": "SFZHM", "ethnic": "MZ", "address": "ZZ", "area": "DQDM",
                "phone": "SJH", "work": "ZY", "changed": "SJRQ"},
            "visits": {**_HENGTAI_OF, "class": "JZLX", "start": "KSSJ", "end": "JSSJ", "department": "KSID", "doctor": "YSID", "payer": "FYLY"},
            "diagnoses": {**_HENGTAI_OF, "rank": "XH", "use": "LX", "code": "ICD", "title": "MC", "before": "RYBQ"},
            "results": {**_HENGTAI_OF, "number": "BBH", "code": "XMBM", "title": "XMMC", "value": "JG", "unit": "DW", "range": "CKZ", "flag": "BZ",
                "time": "CYSJ"},
            "charges": {**_HENGTAI_OF, "number": "SFID", "fee": "FYLB", "code": "XMBM", "title": "XMMC", "count": "SL", "price": "DJ", "amount": "JE",
                "insured": "TC"},
        },
        "", ("M", "F"), "MZ", "Z",
    ),
)  # fmt: skip


def sender_of(hospital: int) -> Sender:
    """By which system a hospital sends; hospitals count from 1."""
    return SENDERS[hospital % len(SENDERS)]


def feed_name(hospital: int) -> str:
    return f"h{hospital:05d}"


def organisation(hospital: int) -> str:
    return f"H{hospital:05d}"


def organisations(hospitals: int) -> str:
    """organisations.csv: a province, cities of CITY hospitals each."""
    lines = ["organisation_id,name_en,name_zh,parent,level,kind,division,zone,valid_from,valid_to", "P,Province,省,,province,,,,,"]
    lines += [f"C{city:03d},City {city},市{city},P,city,,,,," for city in range((hospitals - 1) // CITY + 1)]
    lines += [f"{organisation(h)},Hospital {h},医院{h},C{(h - 1) // CITY:03d},hospital,,,,," for h in range(1, hospitals + 1)]
    return "\n".join(lines) + "\n"


def date_of(day: int) -> date:
    return FIRST + timedelta(days=day - 1)


def stored_by(table: str, day: int) -> int:
    """How many rows of a table a hospital has sent by the end of a day, each counted once."""
    return _BASE + day if table == "person" else _VISITS * day


def window_of(day: int) -> tuple[date, date]:
    """The days that a window speaks for: yesterday, where there was one, and today."""
    return date_of(max(1, day - 1)), date_of(day)


def write_delivery(folder: Path, hospital: int, day: int) -> int:
    """Write the files that a hospital sends on a day into a folder; gives their rows."""
    sender = sender_of(hospital)
    rows = changes(sender, hospital, day) if sender.mode == "upsert" else window(sender, hospital, day)
    named = {sender.files[kind].format(date=f"{date_of(day):%Y%m%d}"): _text(sender, kind, of) for kind, of in rows.items() if of}
    folder.mkdir(parents=True, exist_ok=True)
    if sender.packed:
        with zipfile.ZipFile(folder / f"changes-{date_of(day):%Y%m%d}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in named.items():
                archive.writestr(name, text)
    else:
        for name, text in named.items():
            (folder / name).write_text(text, encoding="utf-8")
    return sum(map(len, rows.values()))


def _text(sender: Sender, kind: str, rows: Sequence[Mapping[str, str]]) -> str:
    headings = sender.headings[kind]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sender.delimiter, lineterminator="\n")
    writer.writerow(headings.values())
    writer.writerows([row.get(thing, "") for thing in headings] for row in rows)
    return out.getvalue()


def changes(sender: Sender, hospital: int, day: int) -> Rows:
    """What is new on a day, and the corrected result of the day before."""
    rows = _new(sender, hospital, day)
    return {**rows, "results": [*rows["results"], *_corrected(sender, hospital, day)]}


def window(sender: Sender, hospital: int, day: int) -> Rows:
    """All that was last changed yesterday or today; what was corrected stands under the day of its correction."""
    yesterday, today = (_new(sender, hospital, d) if d else {} for d in (day - 1, day))
    rows = {kind: [*yesterday.get(kind, ()), *of] for kind, of in today.items()}
    corrected = [*_corrected(sender, hospital, day - 1), *_corrected(sender, hospital, day)]
    names = {row["number"] for row in corrected}
    rows["results"] = [*(row for row in rows["results"] if row["number"] not in names), *corrected]
    return rows


def _corrected(sender: Sender, hospital: int, day: int) -> list[Mapping[str, str]]:
    """The last result of the day before, with another value."""
    if day < 2:
        return []
    row = _new(sender, hospital, day - 1)["results"][-1]
    return [{**row, "value": f"{float(row['value']) + 0.5:.1f}", "changed": _moment(sender, day, _OPEN)}]


def _new(sender: Sender, hospital: int, day: int) -> dict[str, list[Mapping[str, str]]]:
    """What is new on a day."""
    chance = Random(f"{hospital} {day}")
    known = _BASE + day - 1  # patients before today
    newcomers = range(1, known + 2) if day == 1 else (known + 1,)
    rows: dict[str, list[Mapping[str, str]]] = {"patients": [_patient(sender, hospital, n, day) for n in newcomers]}
    for place in range(_VISITS):
        patient = known + 1 if place == 0 else chance.randint(1, known)
        minute = _OPEN + 60 + 150 * place + chance.randrange(100)
        of = {"patient": _number(patient), "visit": f"G{day:05d}{place}", "state": "U", "changed": _moment(sender, day, minute + 40)}
        at = {**of, "time": _moment(sender, day, minute + 20), "told": _moment(sender, day, minute + 40)}
        visit = {**of, "class": sender.clinic, "start": _moment(sender, day, minute), "end": _moment(sender, day, minute + 30), "payer": "1"}
        rows.setdefault("visits", []).append(visit)
        rows.setdefault("diagnoses", []).append({**at, "rank": "1", "use": sender.principal, "code": chance.choice(_ILLNESSES)})
        result = {"number": f"J{day:05d}{place}", "code": chance.choice(_TESTS), "value": f"{chance.randint(10, 300) / 10:.1f}", "unit": "mg/L"}
        rows.setdefault("results", []).append({**at, **result, "range": "0-8.0"})
        price = f"{chance.randint(500, 30_000) / 100:.2f}"
        charge = {"number": f"F{day:05d}{place}", "fee": "01", "code": chance.choice(_DRUGS), "count": "1", "price": price, "amount": price}
        rows.setdefault("charges", []).append({**at, **charge, "insured": "0.00"})
    return rows


def _patient(sender: Sender, hospital: int, number: int, day: int) -> Mapping[str, str]:
    """Every twentieth patient is one of the hospital next to it too, under the same resident number."""
    whose = hospital - 1 if number % 20 == 0 and hospital > 1 else hospital
    chance = Random(f"person {whose} {number}")
    male, born = chance.random() < 0.5, date(1930, 1, 1) + timedelta(days=chance.randrange(33_000))
    return {
        "patient": _number(number), "name": f"患者{whose}-{number}", "sex": sender.sexes[0 if male else 1], "born": f"{born:%Y-%m-%d}",
        "resident": _resident(born, male, whose, number), "ethnic": "01", "area": "999999", "state": "I", "changed": _moment(sender, day, _OPEN),
    }  # fmt: skip


def _resident(born: date, male: bool, hospital: int, number: int) -> str:
    """A resident number with its check character. Its first two digits are of no province; those of the division tell persons apart."""
    digits = f"99{hospital % 10_000:04d}{born:%Y%m%d}{number // 5 % 100:02d}{2 * (number % 5) + male}"
    return digits + _CHECKS[sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11]


def _number(patient: int) -> str:
    return f"{patient:09d}"


def _moment(sender: Sender, day: int, minute: int) -> str:
    return f"{date_of(day):%Y-%m-%d}{'T' if sender.offset else ' '}{minute // 60:02d}:{minute % 60:02d}:00{sender.offset}"
