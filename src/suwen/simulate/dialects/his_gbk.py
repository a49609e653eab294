"""A hospital system of the older kind: lines parted by pipes in GB18030, headings in pinyin, all codes as numbers, times as yyyymmddhhmmss.

Quirks: outpatients and stays are numbered apart; the diagnoses of a stay stand on one line; those of an outpatient visit have no key.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suwen.simulate.dialects.identity import address, areas_at, clinic_number, patient_number, person_name, resident_id, stay_number, telephone, visit_number
from suwen.simulate.dialects.lexicon import TITLES, Lexicon
from suwen.simulate.dialects.masters import departments, doctor_name, doctors
from suwen.simulate.dialects.rows import RANKS, Part, Seen, at_clinics, at_stays, not_on_front_page
from suwen.simulate.dialects.system import OPEN, Kind, Master, System, at, of_visit
from suwen.simulate.dialects.text import Array, Coded, Column, Form, Mask, born, compact, constant, dates, decimal, money, padded, whole
from suwen.simulate.dialects.values import prefixed, reference_range, report_text, result
from suwen.simulate.shapes import NONE, Ints

FORM = Form(encoding="gb18030", delimiter="|", bare=True)
_DAY = "{y}{m:02d}{d:02d}"
_CLINICS = ("2", "1", "6", "", "", "8")  # by VISIT_KINDS: 普通门诊, 急诊, 急诊留观, 体检
_STAYS = ("", "", "", "1", "2", "")  # 住院, 日间
Fields = Mapping[str, Column]


def _time(part: Part, name: str) -> Array:
    return part.once(name, lambda: compact(part[name]))


def _end(part: Part, changed: Array) -> dict[str, Column]:
    """The state of the record and when it was last changed."""
    return {"ZT": constant("N", len(part)), "GXSJ": changed}


def _visit(part: Part) -> dict[str, Column]:
    return {"BRID": patient_number(part), "GHH": clinic_number(part), "ZYH": stay_number(part)}


def _doctor(numbers: Ints) -> Array:
    return padded(numbers, 5, "Y")


def _patients(part: Part, form: Form) -> Fields:
    lexicon = part.seen.lexicon
    areas = areas_at(part, part["registered"])
    return {
        "BRID": patient_number(part),
        "XM": person_name(part, form),
        "XB": whole(part.person("sex")),
        "CSRQ": born(part.person("born"), _DAY),
        "SFZH": resident_id(part),
        "MZ": padded(part.person("ethnic"), 2),
        "DZ": address(part, form, areas),
        "YB": Coded(areas, lexicon.areas.codes),
        "DH": telephone(part),
        "JDSJ": _time(part, "registered"),
        **_end(part, _time(part, "registered")),
    }


def _registrations(part: Part, form: Form) -> Fields:
    lexicon = part.seen.lexicon
    return {
        "GHH": clinic_number(part),
        "BRID": patient_number(part),
        "GHSJ": compact(part["start"] - 600),
        "JZSJ": _time(part, "start"),
        "JZKS": Coded(part["department"], lexicon.departments.codes),
        "YSBH": _doctor(part["doctor"]),
        "GHLB": Coded(part["kind"], _CLINICS),
        "FB": whole(part["payer"]),
        **_end(part, compact(np.where(part["end"] == NONE, part["start"], part["end"]))),
        "JSSJ": _time(part, "end"),
    }


def _stays(part: Part, form: Form) -> Fields:
    codes = part.seen.lexicon.departments.codes
    open_stay = part["end"] == NONE
    return {
        "ZYH": stay_number(part),
        "BRID": patient_number(part),
        "BAH": patient_number(part),
        "ZYCS": whole(part["admission_number"]),
        "RYSJ": _time(part, "start"),
        "CYSJ": _time(part, "end"),
        "RYKS": Coded(part["department"], codes),
        "RYBQ": whole(part["ward"]),
        "CYKS": Coded(np.where(open_stay, NONE, part["department_out"]), codes),
        "CYBQ": whole(np.where(open_stay, NONE, part["ward"])),
        "CH": whole(part["visit"] % 60 + 1),
        "RYTJ": whole(part["route"]),
        "RYQK": whole(np.where(part["from_visit"] == NONE, 3, 2)),
        "LYFS": whole(part["way"]),
        "FB": whole(part["payer"]),
        **_end(part, compact(np.where(open_stay, part["start"], part["end"]))),
        "ZYLB": Coded(part["kind"], _STAYS),
        "YSBH": _doctor(part["doctor"]),
        "ZZYJH": whole(np.where(open_stay, NONE, part["planned"])),
    }


def _with_diagnosis(seen: Seen, places: Ints) -> Mask:
    return at_stays(seen, places) & (seen.ranked("diagnosis", "condition")[0][places] != NONE)


def _stay_diagnoses(part: Part, form: Form) -> Fields:
    conditions, found = part.seen.lexicon.conditions, part.seen.ranked("diagnosis", "condition")[:, part.places]
    columns: dict[str, Column] = {"ZYH": stay_number(part)}
    for rank in range(RANKS):
        code, name = ("ZYZDDM", "ZYZDMC") if rank == 0 else (f"QTZDDM{rank}", f"QTZDMC{rank}")
        places = found[rank]
        columns |= {code: Coded(places, conditions.codes), name: Coded(places, conditions.names)}
    return columns | _end(part, compact(np.where(part["end"] == NONE, part["start"], part["end"])))


def _outpatient_diagnoses(part: Part, form: Form) -> Fields:
    conditions, condition = part.seen.lexicon.conditions, part["condition"]
    return {
        "GHH": clinic_number(part),
        "ZDDM": Coded(condition, conditions.codes),
        "ZDMC": Coded(condition, conditions.names),
        "ZDLX": Coded(np.minimum(part["rank"], 1), ("主", "次")),
        "ZDSJ": _time(part, "time"),
    }


def _operations(part: Part, form: Form) -> Fields:
    procedures, place = part.seen.lexicon.procedures, part["procedure"]
    return _visit(part) | {
        "JZH": visit_number(part),
        "SSXH": whole(part["rank"] + 1),
        "SSDM": Coded(place, procedures.codes),
        "SSMC": Coded(place, procedures.names),
        "SSJB": Coded(place, procedures["level"]),
        "SSSJ": _time(part, "time"),
        "SC": whole(part["minutes"]),
        "YSBH": _doctor(part["surgeon"]),
        "MZFS": whole(part["anaesthesia"]),
        "QKDJ": whole(part["incision"]),
        **_end(part, _time(part, "time")),
    }


def _theatre(part: Part, form: Form) -> Fields:
    procedures, place = part.seen.lexicon.procedures, part["procedure"]
    return {
        "ZYH": stay_number(part),
        "BRID": patient_number(part),
        "SSXH": whole(part["rank"] + 1),
        "TC": whole(part["session"]),
        "SSDM": Coded(place, procedures.codes),
        "SSMC": Coded(place, procedures.names),
        "SSJB": Coded(place, procedures["level"]),
        "SSSJ": _time(part, "time"),
        "FJHCF": whole(part["unplanned"]),
        "MZFS": whole(part["anaesthesia"]),
        "QKDJ": whole(part["incision"]),
        **_end(part, _time(part, "time")),
    }


def _orders(part: Part, form: Form) -> Fields:
    lexicon, drug = part.seen.lexicon, part["drug"]
    return _visit(part) | {
        "YZH": padded(part["order"], 13, "D"),
        "YPDM": Coded(drug, prefixed("YP", lexicon.drugs.codes)),
        "YPMC": Coded(drug, lexicon.drugs.names),
        "GG": Coded(drug, lexicon.drugs["spec"]),
        "JLDW": Coded(drug, lexicon.drugs["unit"]),
        "DCJL": decimal(part["dose"], 3),
        "MRCS": decimal(part["per_day"], 2),
        "YF": Coded(part["route"], lexicon.routes.codes),
        "SL": decimal(part["quantity"], 2),
        "TS": whole(part["days"]),
        "CQLS": whole(part["long_term"]),
        "KSSJ": _time(part, "start"),
        "JSSJ": _time(part, "end"),
        **_end(part, _time(part, "start")),
    }


def _charges(part: Part, form: Form) -> Fields:
    lexicon = part.seen.lexicon
    return {
        "FYID": padded(part["charge"], 14, "F"),
        **_visit(part),
        "FYLB": Coded(part["fee"], lexicon.fees.codes),
        "XMDM": Coded(part["item"], lexicon.charge_items.codes),
        "XMMC": Coded(part["item"], lexicon.charge_items.names),
        "SL": decimal(part["quantity"], 2),
        "DJ": money(part["price"]),
        "JE": money(part["amount"]),
        "YBJE": money(part["insured"]),
        "FSSJ": _time(part, "time"),
        **_end(part, _time(part, "time")),
    }


def _results(part: Part, form: Form) -> Fields:
    items, item = part.seen.lexicon.items, part["item"]
    return {
        "JYID": padded(part["sample"], 13, "J"),
        "XH": whole(item + 1),
        **_visit(part),
        "XMDM": Coded(item, items.codes),
        "XMMC": Coded(item, items.names),
        "DW": Coded(item, items["unit"]),
        "JG": result(part, form),
        "CKFW": reference_range(part),
        "CJSJ": _time(part, "sampled"),
        "BGSJ": _time(part, "reported"),
        **_end(part, _time(part, "reported")),
    }


def _vitals(part: Part, form: Form) -> Fields:
    lexicon, item = part.seen.lexicon, part["item"]
    return _visit(part) | {
        "JZH": visit_number(part),
        "XMDM": Coded(item, lexicon.vitals.codes),
        "DW": Coded(item, lexicon.vitals["unit"]),
        "JG": decimal(part["value"], lexicon.vital_decimals[item]),
        "CLSJ": _time(part, "time"),
        **_end(part, _time(part, "time")),
    }


def _reports(part: Part, form: Form) -> Fields:
    exams, exam = part.seen.lexicon.exams, part["exam"]
    return _visit(part) | {
        "BGID": padded(part["report"], 13, "E"),
        "JCDM": Coded(exam, exams.codes),
        "JCMC": Coded(exam, exams.names),
        "JCSJ": _time(part, "performed"),
        "BGSJ": _time(part, "reported"),
        "BGNR": report_text(part, form),
        **_end(part, _time(part, "reported")),
    }


def _cards(part: Part, form: Form) -> Fields:
    lexicon = part.seen.lexicon
    return _visit(part) | {
        "KPH": padded(part["report"], 13, "K"),
        "ZDDM": Coded(part["condition"], lexicon.conditions.codes),
        "ZDMC": Coded(part["condition"], lexicon.conditions.names),
        "FBRQ": dates(part["onset"], _DAY),
        "QZSJ": _time(part, "diagnosed"),
        "BGSJ": _time(part, "reported"),
        "XZDM": Coded(part["area"], lexicon.areas.codes),
        "BLLX": Coded(part["laboratory"], ("2", "1")),
        **_end(part, _time(part, "reported")),
    }


def _departments(lexicon: Lexicon, hospitals: Ints, form: Form) -> tuple[Ints, Fields]:
    hospital, place = departments(lexicon, hospitals)
    return hospital, {"KSDM": Coded(place, lexicon.departments.codes), "KSMC": Coded(place, lexicon.departments.names), "KSLB": constant("临床", len(place))}


def _doctors(lexicon: Lexicon, hospitals: Ints, form: Form) -> tuple[Ints, Fields]:
    held, places = lexicon.doctors, doctors(lexicon, hospitals)
    return held.hospital[places], {
        "YSBH": _doctor(held.number[places]),
        "YSXM": doctor_name(lexicon, places, form),
        "YSXB": whole(held.sex[places]),
        "KSDM": Coded(held.department[places], lexicon.departments.codes),
        "CYLB": Coded(held.title[places], TITLES.codes),
    }


SYSTEM = System(
    name="his_gbk",
    template="yunhai-his/region",
    form=FORM,
    masters=(Master("departments", "KSXX_{date}.txt", _departments), Master("doctors", "YSXX_{date}.txt", _doctors)),
    kinds=(
        Kind("patients", "BRXX_{date}.txt", "patient", _patients, at("registered")),
        Kind("registrations", "GHXX_{date}.txt", "visit", _registrations, of_visit, at_clinics),
        Kind("stays", "ZYXX_{date}.txt", "visit", _stays, of_visit, at_stays, versions=(OPEN,)),
        Kind("stay_diagnoses", "ZDXX_{date}.txt", "visit", _stay_diagnoses, of_visit, _with_diagnosis, without="frontpage"),
        Kind("outpatient_diagnoses", "MZZD_{date}.txt", "diagnosis", _outpatient_diagnoses, at("time"), at_clinics, keyless=True),
        Kind("operations", "SSXX_{date}.txt", "procedure", _operations, at("time"), not_on_front_page),
        Kind("theatre", "SSDJ_{date}.txt", "procedure", _theatre, at("time"), at_stays, having="session"),
        Kind("orders", "YZXX_{date}.txt", "order", _orders, at("start")),
        Kind("charges", "FYMX_{date}.txt", "charge", _charges, at("time")),
        Kind("results", "JYJG_{date}.txt", "result", _results, at("reported"), without="lis"),
        Kind("vitals", "TZJL_{date}.txt", "vital", _vitals, at("time")),
        Kind("reports", "JCBG_{date}.txt", "report", _reports, at("reported")),
        Kind("cards", "CRBK_{date}.txt", "case_report", _cards, at("reported")),
    ),
)
