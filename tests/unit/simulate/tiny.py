"""A region of a dozen persons made by hand, for the writers: every kind of visit, an open stay, a death, a second local number, a mistyped resident id."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from suwen.simulate.dialects.lexicon import Doctors, Lexicon, Named
from suwen.simulate.dialects.values import NUMBER
from suwen.simulate.shapes import NONE, TABLES, Block, Ints, Rows, rows_of

LAST = datetime(2025, 12, 31, tzinfo=UTC)


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def day(text: str) -> int:
    return second(text) // 86_400


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


LAST_DAY = day("2025-12-31")
SYSTEMS = (("his_gbk",), ("his_csv", "lis"), ("modern",), ("window7", "frontpage"), ("his_gbk", "lis", "frontpage"))


def lexicon(systems: tuple[tuple[str, ...], ...] = SYSTEMS) -> Lexicon:
    number = len(systems)
    places = np.zeros((4, 2, 121), dtype=np.int64)
    places[1], places[2], places[3], places[0, 1] = 2, 3, 3, 1
    return Lexicon(
        hospitals=Named(tuple(f"H{n:04d}" for n in range(1, number + 1)), tuple(f"第{n}医院（虚构）" for n in range(1, number + 1))),
        systems=systems,
        departments=Named(("GENP", "RESP"), ("全科医疗科", "呼吸内科")),
        doctors=Doctors(
            hospital=np.repeat(np.arange(number), 2),
            number=np.tile(ints(0, 17), number),
            department=np.tile(ints(0, 1), number),
            sex=np.tile(ints(1, 2), number),
            surname=np.tile(ints(0, 1), number),
            given=np.tile(ints(0, 1), number),
            title=np.tile(ints(0, 3), number),
        ),
        areas=Named(("990101", "990102"), ("棠川市东区", "棠川市西区")),
        surnames=("王", "李", "㛃"),
        given=("建国", "秀英", "梓涵"),
        occupations=Named(("11", "27"), ("国家公务员", "农民")),
        conditions=Named(("J06", "I10", "I21"), ("多发性和未特指部位的急性上呼吸道感染", "特发性(原发性)高血压", "急性心肌梗死")),
        procedures=Named(("36.06", "47.01"), ("冠状动脉支架置入术", "阑尾切除术"), {"level": ("3", "2")}),
        drugs=Named(("AMOX", "ASA"), ("阿莫西林胶囊", "阿司匹林肠溶片"), {"spec": ("250mg*24", "100mg*30"), "unit": ("mg", "mg"), "pack": ("盒", "盒")}),
        routes=Named(("PO", "IV"), ("口服", "静脉滴注")),
        items=Named(
            ("WBC", "CRP", "HBSAG", "SARS2"),
            ("白细胞计数", "C反应蛋白", "乙肝表面抗原", "新型冠状病毒核酸"),
            {
                "unit": ("10*9/L", "mg/L", "", ""),
                "shown": ("10^9/L", "mg/L", "", ""),
                "other": ("10*3/uL", "mg/dL", "", ""),
                "kind": (NUMBER, NUMBER, "阴性|阳性", "阴性|弱阳性|阳性"),
            },
        ),
        item_decimals=ints(2, 1, 0, 0),
        other_factor=((1, 1), (1, 10), (1, 1), (1, 1)),
        other_decimals=ints(2, 2, 0, 0),
        ranges=("3.5-9.5", "3.6-9.4", "0-8.0", ""),
        range_place=places,
        vitals=Named(("TEMP", "SBP"), ("体温", "收缩压"), {"unit": ("Cel", "mm[Hg]")}),
        vital_decimals=ints(1, 0),
        exams=Named(("XRCHEST", "USABD"), ("胸部正位片", "腹部超声"), {"kind": ("imaging", "imaging")}),
        exam_texts=(("双肺纹理清晰，心影不大。", "{side}侧肺可见结节影，大小约{size}mm。"), ("肝胆脾未见异常。",)),
        fees=Named(("D11", "D16", "D23"), ("一般医疗服务费", "实验室诊断费", "西药费")),
        charge_items=Named(("REG", "CBC", "AMOX"), ("挂号费", "血常规", "阿莫西林胶囊"), {"unit": ("次", "项", "盒")}),
    )


def empty(table: str) -> Rows:
    return rows_of(table, **{name: ints() for name in TABLES[table]})


def block(hospitals: int = len(SYSTEMS)) -> Block:
    """Twelve persons, each known in every hospital, with the same five visits to each of them."""
    people = np.arange(12)
    person = rows_of(
        "person", person=people, sex=people % 2 + 1, born=day("1969-12-20") + people, died=NONE, died_in=NONE, family=people // 3, mother=NONE,
        area=people % 2, moved=NONE, area_after=NONE, surname=people % 3, given=people % 3, ethnic=people % 4 + 1, occupation=people % 2,
        payer=people % 2 + 1, blood=1, rhesus=2, serial=101 + people, phone=812345600 + people, house=people * 3,
    )  # fmt: skip
    hospital = np.repeat(np.arange(hospitals), len(people))
    who = np.tile(people, hospitals)
    patient = rows_of(
        "patient", hospital=hospital, person=who, local=100 + who * 7, registered=second("2025-01-02 08:00") + who * 86_400 * 20,
        resident_id=np.where(who == 3, 1, np.where(who == 4, 2, 0)), twin=np.where(who == 5, 9000, NONE),
    )  # fmt: skip
    visit = _visits(hospitals)
    return Block(0, {"person": person, "patient": patient, "visit": visit, **_events(visit)})


def _visits(hospitals: int) -> Rows:
    kinds = ints(0, 1, 2, 3, 4, 5)
    shape = (12, hospitals, len(kinds))
    who, where, kind = (a.ravel() for a in np.meshgrid(np.arange(12), np.arange(hospitals), kinds, indexing="ij"))
    number = np.arange(len(who)) + 700
    assert len(number) == np.prod(shape)
    start = second("2025-01-02 08:30:05") + who * 86_400 * 20 + kind * 86_400 * 21 + where * 61
    stay = (kind == 3) | (kind == 4)
    end = start + np.where(kind == 3, 86_400 * 9, np.where(kind == 4, 3600 * 7, 1200))
    end = np.where((kind == 3) & (who == 11), NONE, end)
    start = np.where((kind == 3) & (who == 11), second("2025-12-20 10:00"), start)
    return rows_of(
        "visit", visit=number, person=who, hospital=where, kind=kind, start=start, end=end, department=who % 2, department_out=(who + 1) % 2, ward=1,
        route=np.where(stay, 1 + kind % 2, NONE), way=np.where(stay & (end != NONE), np.where((who == 7) & (kind == 4), 5, 1), NONE),
        doctor=np.where(who % 2 == 0, 0, 17), payer=who % 2 + 1, from_visit=NONE, readmission=NONE, planned=0, episode=number,
        local=np.where((who == 5) & (number % 2 == 1), 9000, 100 + who * 7),
        admission_number=np.where(stay, kind - 2, NONE),
    )  # fmt: skip


def _events(visit: Rows) -> dict[str, Rows]:
    number, start = visit["visit"], visit["start"]
    item = (number[np.repeat(np.arange(len(number)), 2)] + np.tile(ints(0, 1), len(number))) % 4
    twice, rank = np.repeat(np.arange(len(number)), 2), np.tile(ints(0, 1), len(number))
    stay = (visit["kind"] == 3) | (visit["kind"] == 4)
    each = np.arange(len(number))
    return {
        "diagnosis": rows_of(
            "diagnosis", visit=number[twice], rank=rank, condition=(number[twice] + rank) % 3, stage=NONE, on_admission=np.where(stay[twice], 1, NONE),
            time=start[twice] + 300,
        ),
        "procedure": rows_of(
            "procedure", visit=number[stay], rank=0, procedure=number[stay] % 2, time=start[stay] + 3600, minutes=45, surgeon=0, anaesthesia=1, incision=11,
            session=1, unplanned=0,
        ),
        "order": rows_of(
            "order", order=each + 50, visit=number, drug=each % 2, start=start + 900, end=np.where(each % 5 == 0, NONE, start + 900 + 86_400 * 5),
            dose=500_000, per_day=200, route=0, quantity=100, days=5, long_term=0,
        ),
        "result": rows_of(
            "result", sample=twice + 9000, visit=number[twice], item=item, value=np.where(item < 2, 512 + rank, rank),
            below=(item == 1) & (rank == 1), sampled=start[twice] + 600, reported=start[twice] + 4000, abnormal=0,
        ),
        "vital": rows_of("vital", visit=number, item=0, value=365 + each % 20, time=start + 60),
        "report": rows_of(
            "report", report=each + 10, visit=number, exam=0, finding=each % 2, side=each % 2, size=np.where(each % 2 == 1, 12, NONE), performed=start + 800,
            reported=start + 5000,
        ),
        "charge": rows_of(
            "charge", charge=np.arange(len(twice)), visit=number[twice], fee=rank * 2, item=rank * 2, quantity=100, price=1350,
            amount=np.where(rank == 1, -1350, 1305), insured=np.where(rank == 1, -945, 903), time=start[twice] + 1000, reverses=NONE,
        ),
        "settlement": empty("settlement"),
        "case_report": rows_of(
            "case_report", report=each[visit["kind"] == 1], visit=number[visit["kind"] == 1], person=visit["person"][visit["kind"] == 1], condition=0,
            onset=start[visit["kind"] == 1] // 86_400 - 2, diagnosed=start[visit["kind"] == 1], reported=start[visit["kind"] == 1] + 7200, area=0,
            outbreak=NONE, laboratory=1,
        ),
    }  # fmt: skip
