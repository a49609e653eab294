"""Writes the example deliveries of a fictional hospital: pipe-delimited GB18030 text, CRLF, no quoting.

Nobody here exists: names, numbers, addresses and the hospital itself are made up, and the resident ids begin with 999999, a division that is
not in use. The same bytes come out on every machine: `python make.py [FOLDER]`, by default this one. What is planted, and what must become of
it, is in README.md and expected.csv. Beyond the planted records everything follows from one seeded generator.
"""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

Row = dict[str, str]
TIME, DAY = "%Y%m%d%H%M%S", "%Y%m%d"

COLUMNS = {
    "KSXX": "KSDM KSMC KSLB",
    "YSXX": "YSBH YSXM YSXB KSDM CYLB",
    "BRXX": "BRID XM XB CSRQ SFZH MZ DZ YB DH JDSJ ZT GXSJ",
    "GHXX": "GHH BRID GHSJ JZSJ JZKS YSBH GHLB FB ZT GXSJ",
    "ZYXX": "ZYH BRID BAH ZYCS RYSJ CYSJ RYKS RYBQ CYKS CYBQ CH RYTJ RYQK LYFS FB ZT GXSJ",
    "ZDXX": "ZYH ZYZDDM ZYZDMC QTZDDM1 QTZDMC1 QTZDDM2 QTZDMC2 QTZDDM3 QTZDMC3 ZT GXSJ",
    "SSXX": "ZYH SSXH SSDM SSMC SSSJ YSBH SSJB ZT GXSJ",
    "MZZD": "GHH ZDDM ZDMC ZDLX",
    "FYMX": "FYID BRID GHH ZYH FYLB XMDM XMMC SL DJ JE YBJE FSSJ ZT GXSJ",
    "JYJG": "JYID XH BRID GHH ZYH XMDM XMMC JG DW CKFW CJSJ BGSJ ZT GXSJ",
}
# fmt: off
DEPARTMENTS = [
    ("0101", "心血管内科", "临床"), ("0102", "呼吸与危重症医学科", "临床"), ("0103", "消化内科", "临床"), ("0201", "普通外科", "临床"),
    ("0301", "妇产科", "临床"), ("0401", "儿科", "临床"), ("0501", "急诊科", "临床"), ("0601", "检验科", "医技"), ("0901", "旧门诊部", "停用"),
]
DOCTORS = [
    ("Y01", "葉文瑋", "1", "0101"), ("Y02", "鲁珅", "1", "0102"), ("Y03", "韦昢", "2", "0103"), ("Y04", "觀海", "1", "0201"),
    ("Y05", "祝小满", "2", "0301"), ("Y06", "舒扬", "2", "0401"), ("Y07", "柴立冬", "1", "0501"),
]
# Second bytes in GB18030 that are delimiters: 珅 瑋 弢 end in 7C (|), 昢 觀 館 in 5E (^), 葉 in 7E (~), 誠 玕 in 5C (\); 㛃 𠅤 take four bytes
NAMES = [
    "陈珅", "林弢", "葉瑋", "郭誠", "方玕", "程昢", "館山雪", "王㛃", "赵𠅤", "孙立夏", "周谷雨", "吴寒露", "郑霜降", "冯小雪", "陈大暑", "褚清明", "卫春分",
    "蒋芒种", "沈白露", "韩秋分", "杨小寒", "朱惊蛰", "秦立冬", "尤雨水", "许立春", "何处暑", "吕大雪", "施小暑", "张冬至", "孔立秋", "曹珅瑋", "严弢",
    "华大寒", "金誠葉", "魏小满", "陶觀", "姜晓雾", "戚远山", "谢近水", "邹云开",
]
ILLNESSES = [
    ("I10.x00", "特发性(原发性)高血压"), ("I21.900", "急性心肌梗死"), ("J18.900", "肺炎,病原体未特指"), ("E11.900", "非胰岛素依赖型糖尿病"),
    ("K29.700", "胃炎"), ("N20.000", "肾结石"), ("J06.900", "急性上呼吸道感染"), ("K35.800", "急性阑尾炎"), ("I63.900", "脑梗死"),
    ("A09.900", "胃肠炎和结肠炎"), ("J44.900", "慢性阻塞性肺病"), ("H10.900", "结膜炎"), ("M54.500", "背痛"),
]
# code, name, category, unit price
CHARGES = [
    ("YP0001", "阿司匹林肠溶片", "01", "0.2850"), ("YP0002", "盐酸二甲双胍片", "01", "0.4125"), ("YP0003", "阿莫西林胶囊", "01", "0.3075"),
    ("YP0004", "阿托伐他汀钙片", "01", "2.1433"), ("YP0005", "奥美拉唑肠溶胶囊", "01", "1.0567"), ("YP0006", "注射用头孢曲松钠", "01", "6.7821"),
    ("YP0007", "复方丹参滴丸", "02", "0.1489"), ("XM0101", "床位费", "06", "45.0000"), ("XM0102", "静脉输液", "05", "8.5000"),
    ("XM0103", "血常规", "03", "20.0000"), ("XM0104", "胸部正位片", "04", "60.0000"), ("CL0001", "一次性输液器", "07", "1.9050"),
]
# code, name, unit, reference range, lowest and highest drawn value, decimal places
TESTS = [
    ("WBC", "白细胞计数", "10^9/L", "3.5-9.5", 2, 18, 1), ("HGB", "血红蛋白", "g/L", "115-150", 70, 170, 0),
    ("PLT", "血小板计数", "10^9/L", "125-350", 60, 480, 0), ("GLU", "葡萄糖", "mmol/L", "3.9-6.1", 3, 19, 2),
    ("ALT", "丙氨酸氨基转移酶", "U/L", "7-40", 5, 220, 0), ("CREA", "肌酐", "μmol/L", "41-81", 30, 400, 1), ("K", "钾", "mmol/L", "3.5-5.3", 3, 6, 2),
    ("NA", "钠", "mmol/L", "137-147", 128, 150, 0), ("CRP", "C反应蛋白", "mg/L", "0-6", 1, 180, 1),
]
# fmt: on


@dataclass(frozen=True)
class Delivery:
    """One delivery: its folder and the rows of each kind; `spoil` changes the bytes of a file at the end."""

    folder: str
    day: str
    kinds: dict[str, list[Row]]
    spoil: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)


def row(kind: str, *values: str) -> Row:
    return dict(zip(COLUMNS[kind].split(), values, strict=True))


def moment(text: str) -> datetime:
    return datetime.strptime(text, TIME)


def resident_id(birth: str, number: int) -> str:
    """18 digits with a valid last one (GB 11643), in a division that is not in use."""
    body = f"999999{birth}{number:03d}"
    weights = [2 ** (17 - at) % 11 for at in range(17)]
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]


def patients(draw: Random) -> list[Row]:
    rows = []
    for at, name in enumerate(NAMES, start=1):
        birth = (datetime(1935, 1, 1) + timedelta(days=draw.randrange(31000))).strftime(DAY)
        sex = draw.choice("12")
        number = at * 2 + (1 if sex == "1" else 0)
        address = f"云岭市南湖区{draw.choice('甲乙丙丁')}字街{draw.randrange(1, 200)}号"
        made = datetime(2024, 1, 3, 8) + timedelta(minutes=draw.randrange(60000))
        rows.append(
            row(
                "BRXX",
                f"P{at:04d}",
                name,
                sex,
                birth,
                resident_id(birth, number),
                "01",
                address,
                "999900",
                f"0000-5550{at:03d}",
                made.strftime(TIME),
                "N",
                made.strftime(TIME),
            )
        )
    return rows


def plant_patients(rows: list[Row]) -> None:
    rows[6]["XB"], rows[8]["XB"] = "0", "9"  # P0007 unknown, P0009 unspecified
    rows[7].update(CSRQ="20240229", SFZH="", MZ="03")  # P0008 born on the leap day, no resident id yet
    rows[9].update(CSRQ="19991332")  # P0010 a birth date that is none
    rows[11].update(MZ="97", YB="", DH="")  # P0012 gaps


def registrations(draw: Random) -> list[Row]:
    rows = []
    for at in range(1, 58):
        start = datetime(2024, 2, 5, 8) + timedelta(minutes=draw.randrange(24 * 24 * 60))
        seen, department = start + timedelta(minutes=draw.randrange(5, 90)), draw.choice(DOCTORS)
        rows.append(
            row(
                "GHXX",
                f"G{at:04d}",
                f"P{draw.randrange(1, 37):04d}",
                start.strftime(TIME),
                seen.strftime(TIME),
                department[3],
                department[0],
                draw.choice("122222359"),
                draw.choice(["1", "2", "3", "7"]),
                "N",
                seen.strftime(TIME),
            )
        )
    return rows


def registration(number: str, patient: str, seen: str, kind: str = "2", changed: str = "") -> Row:
    start = (moment(seen) - timedelta(minutes=10)).strftime(TIME) if seen else "20240229080000"
    return row("GHXX", number, patient, start, seen, "0103", "Y03", kind, "1", "N", changed or seen or start)


def plant_registrations(rows: list[Row]) -> None:
    rows[52] = registration("G0053", "P0002", "20240215090000")
    rows[53] = registration("G0054", "P0004", "20240216090000", changed="20240220120000")
    rows[54] = registration("G0055", "P0004", "20240217090000")
    rows[55] = registration("G0056", "P9999", "20240217100000")  # nobody's
    rows[56] = registration("G0057", "P0005", "20240229235000", kind="1")  # ten minutes before March
    rows.append(registration("G0058", "P0006", ""))  # registered, never seen
    rows.append(registration("G0059", "P0010", "20240219093000"))  # of the patient without a birth date
    rows.append(registration("G0060", "P0039", "20240301101500"))  # of a patient who arrives tomorrow


def stay(number: int, patient: str, start: str, end: str, way: str = "1", ward: str = "0102") -> Row:
    return row(
        "ZYXX",
        f"Z{number:04d}",
        patient,
        f"BA{number:05d}",
        "1",
        start,
        end,
        ward,
        f"{ward}-1",
        ward if end else "",
        f"{ward}-1" if end else "",
        f"{number:02d}",
        "2",
        "3",
        way if end else "",
        "1",
        "N",
        end or start,
    )


def stays() -> list[Row]:
    plain = [
        ("P0011", "20240206093000", "20240214100000"),
        ("P0012", "20240207140000", "20240216113000"),
        ("P0013", "20240208020500", "20240208235959"),
        ("P0014", "20240212083000", "20240229150000"),
        ("P0015", "20240215101000", "20240222090000"),
        ("P0016", "20240218160000", "20240225083000"),
        ("P0017", "20240220111500", "20240228140000"),
        ("P0018", "20240129093000", "20240205160000"),
    ]
    rows = [stay(1, "P0001", "20240226143000", ""), stay(2, "P0002", "20240228220000", "")]
    rows.append(stay(3, "P0003", "20240210031500", "20240213044000", way="5", ward="0501"))
    rows += [stay(4 + at, *given) for at, given in enumerate(plain)]
    rows.append(stay(12, "P0019", "20240227080000", "20240301093000", way="2"))
    rows.append(stay(13, "P0020", "20240222080000", "20240226093000", way="4"))
    return rows


def diagnoses(number: int, *codes: int, changed: str = "20240229180000") -> Row:
    """The diagnoses of a stay by their place in ILLNESSES: the principal first, at most three others."""
    found = [ILLNESSES[code] for code in codes] + [("", "")] * (4 - len(codes))
    return row("ZDXX", f"Z{number:04d}", *(part for pair in found for part in pair), "N", changed)


def all_diagnoses() -> list[Row]:
    rows = [diagnoses(1, 2), diagnoses(3, 1, 0, 3), diagnoses(4, 0, 3), diagnoses(5, 2, 10, 0), diagnoses(6, 7), diagnoses(7, 4, 9), diagnoses(9, 8, 0, 3, 10)]
    rows += [diagnoses(10, 3), diagnoses(11, 5), diagnoses(13, 6), diagnoses(14, 2, 6)]
    unnamed = diagnoses(8)
    unnamed.update(ZYZDMC="待查", QTZDMC1="发热")  # Z0008: words, no codes
    return [*rows, unnamed]


def operations() -> list[Row]:
    made = [
        ("Z0006", "1", "47.0100", "腹腔镜阑尾切除术", "20240218183000", "Y04", "2"),
        ("Z0006", "2", "54.2100", "腹腔镜检查", "20240218183000", "Y04", "1"),
        ("Z0003", "1", "36.0700", "药物洗脱冠状动脉支架置入术", "20240210042000", "Y01", "4"),
    ]
    return [row("SSXX", *values, "N", "20240229180000") for values in made]


def outpatient_diagnoses(draw: Random, seen: Iterable[Row]) -> list[Row]:
    """Records without a key: one or two diagnoses for each registration that was seen."""
    rows = []
    for visit in seen:
        for place, (code, name) in enumerate(draw.sample(ILLNESSES, draw.choice([1, 1, 2])), start=1):
            rows.append(row("MZZD", visit["GHH"], code, name, "主" if place == 1 else "次"))
    return rows


def charge(number: int, visit: Row, item: tuple[str, str, str, str], count: int, when: str) -> Row:
    total = int(item[3].replace(".", "")) * count  # in ten-thousandths
    borne = total * 7 // 10
    money = [f"{'-' if value < 0 else ''}{abs(value) // 10000}.{abs(value) % 10000:04d}" for value in (total, borne)]
    return row(
        "FYMX",
        f"F{number:05d}",
        visit["BRID"],
        visit.get("GHH", ""),
        visit.get("ZYH", ""),
        item[2],
        item[0],
        item[1],
        str(count),
        item[3],
        *money,
        when,
        "N",
        when or "20240229235959",
    )


def charges(draw: Random, visits: list[Row]) -> list[Row]:
    rows = []
    for at in range(1, 141):
        visit = draw.choice(visits)
        start = moment(visit.get("JZSJ") or visit["RYSJ"])
        when = min(start + timedelta(minutes=draw.randrange(1, 2000)), datetime(2024, 2, 29, 22))
        rows.append(charge(at, visit, draw.choice(CHARGES), draw.randrange(1, 29), when.strftime(TIME)))
    return rows


def plant_charges(rows: list[Row], by_number: dict[str, Row]) -> None:
    pill = CHARGES[0]
    rows.append(charge(901, by_number["G0057"], pill, 7, ""))  # no time of its own: the visit's counts, until it moves to March
    rows.append(charge(902, {"BRID": "P0006", "GHH": "G0061"}, pill, 14, "20240228100000"))  # the visit arrives tomorrow, the time is here
    rows.append(charge(903, {"BRID": "P0006", "GHH": "G0061"}, pill, 14, ""))  # the visit arrives tomorrow, and its time with it
    rows.append(charge(904, by_number["Z0005"], CHARGES[5], -2, "20240221090000"))  # money back
    rows.append(charge(905, by_number["G0055"], pill, 10, "20240217093000"))  # of a visit that is withdrawn tomorrow
    rows.append(charge(906, {"BRID": "P9999", "GHH": "G0056"}, pill, 3, "20240217103000"))  # of nobody
    rows.append(charge(907, by_number["G0053"], pill, 5, "20240215101000"))  # left out of the month's resubmission


def results(draw: Random, visits: list[Row]) -> list[Row]:
    rows = []
    for at in range(1, 22):
        visit = draw.choice(visits)
        taken = moment(visit.get("JZSJ") or visit["RYSJ"]) + timedelta(minutes=draw.randrange(10, 600))
        for place, test in enumerate(sorted(draw.sample(TESTS, 5)), start=1):
            value = f"{draw.uniform(test[4], test[5]):.{test[6]}f}"
            rows.append(result(at, place, visit, test[0], test[1], value, test[2], test[3], taken))
    return rows


def result(report: int, place: int, visit: Row, code: str, name: str, value: str, unit: str, span: str, taken: datetime) -> Row:
    reported = (taken + timedelta(hours=2)).strftime(TIME)
    return row(
        "JYJG",
        f"J{report:05d}",
        str(place),
        visit["BRID"],
        visit.get("GHH", ""),
        visit.get("ZYH", ""),
        code,
        name,
        value,
        unit,
        span,
        taken.strftime(TIME),
        reported,
        "N",
        reported,
    )


def plant_results(rows: list[Row], visit: Row) -> None:
    taken = datetime(2024, 2, 29, 23, 59, 59)
    for place, given in enumerate(
        [
            ("PCT", "降钙素原", "<0.5", "ng/mL", "<0.5"),
            ("PCT", "降钙素原", "＜０．５", "ng/mL", "<0.5"),
            ("TNI", "肌钙蛋白I", ">50.00", "ng/mL", "0-0.04"),
            ("HBSAG", "乙型肝炎表面抗原", "阴性", "", "阴性"),
            ("HBSAG", "乙型肝炎表面抗原", "阳性", "", "阴性"),
            ("UPRO", "尿蛋白", "弱阳性(±)", "", "阴性"),
            ("GLU", "葡萄糖", "", "mmol/L", "3.9-6.1"),
            ("ZZZ9", "院内自建项目", "12.5", "相对单位", ""),
            ("GLU", "葡萄糖", "溶血", "mmol/L", "3.9-6.1"),
            ("GLU", "葡萄糖", "5.60", "mmol/L", "3.9-6.1"),
            ("WBC", "白细胞计数", "1,234.5", "10^9/L", "3.5-9.5"),
        ],
        start=1,
    ):
        code, name, value, unit, span = given
        rows.append(result(900, place, visit, code, name, value, unit, span, taken))


def write(rows: list[Row], kind: str) -> bytes:
    lines = ["|".join(COLUMNS[kind].split()), *("|".join(r.values()) for r in rows)]
    return "".join(f"{line}\r\n" for line in lines).encode("gb18030")


def spoil_patients(content: bytes) -> bytes:
    """Three lines no reader can take: too few fields, a pipe inside an address, and bytes that are no text."""
    few = "P0091|缺栏|1|19700101\r\n".encode("gb18030")
    many = "P0092|多栏|1|19700101||01|云岭市|3栋|999900||20240201090000|N|20240201090000\r\n".encode("gb18030")
    broken = b"P0093|" + b"\xff\xff" + "|1|19700101||01|云岭市|999900||20240201090000|N|20240201090000\r\n".encode("gb18030")
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:11], few, *lines[11:21], many, *lines[21:26], broken, *lines[26:]])


def unended(content: bytes) -> bytes:
    """Without the line end of the last line."""
    return content.removesuffix(b"\r\n")


def zipped(content: bytes) -> bytes:
    """As gzip, stored: compressors differ between machines, storing does not."""
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=0, mtime=0) as stream:
        stream.write(content)
    return target.getvalue()


def changed(source: Row, **values: str) -> Row:
    return {**source, **values}


@dataclass(frozen=True)
class Hospital:
    """All rows as the hospital has them on the first day, by kind, and by their number where they have one."""

    kinds: dict[str, list[Row]]

    def find(self, kind: str, number: str) -> Row:
        return next(r for r in self.kinds[kind] if next(iter(r.values())) == number)


def hospital() -> Hospital:
    draw = Random(20240301)
    people, seen, in_house = patients(draw), registrations(draw), stays()
    plant_patients(people)
    plant_registrations(seen)
    by_number = {next(iter(r.values())): r for r in (*seen, *in_house)}
    visits = [r for r in seen[:52] if int(r["BRID"][1:]) != 10] + in_house
    money, tests = charges(draw, visits), results(draw, visits)
    plant_charges(money, by_number)
    plant_results(tests, by_number["Z0005"])
    notes = outpatient_diagnoses(draw, seen[:52])
    notes += [row("MZZD", "G0053", "J06.900", "急性上呼吸道感染", "主")] * 2  # twice the same in one file: two
    kinds = {
        "KSXX": [row("KSXX", *d) for d in DEPARTMENTS],
        "YSXX": [row("YSXX", *d, "11") for d in DOCTORS],
        "BRXX": people,
        "GHXX": seen,
        "ZYXX": in_house,
        "ZDXX": all_diagnoses(),
        "SSXX": operations(),
        "MZZD": notes,
        "FYMX": money,
        "JYJG": tests,
    }
    return Hospital(kinds)


def first_day(all_of: Hospital) -> list[Delivery]:
    kinds = all_of.kinds
    people = [r for r in kinds["BRXX"] if r["BRID"] != "P0039"]
    people.append(dict(people[2]))  # P0003 twice, word for word
    records = {**{k: kinds[k] for k in ("GHXX", "ZYXX", "ZDXX", "SSXX", "FYMX", "JYJG")}, "BRXX": people}
    return [
        Delivery("day1/master", "20240301", {k: kinds[k] for k in ("KSXX", "YSXX")}),
        Delivery("day1/records", "20240301", records, {"BRXX": spoil_patients, "SSXX": unended}),
        Delivery("day1/append", "20240301", {"MZZD": kinds["MZZD"]}),
    ]


def second_day(all_of: Hospital) -> list[Delivery]:
    late, find = "20240302090000", all_of.find
    people = [
        find("BRXX", "P0039"),
        changed(find("BRXX", "P0010"), CSRQ="19991231", GXSJ=late),
        changed(find("BRXX", "P0007"), XB="2", GXSJ=late),
        changed(find("BRXX", "P0040"), ZT="D", GXSJ=late),
        dict(find("BRXX", "P0004")),
        row("BRXX", "P0050", *[""] * 9, "D", late),
    ]
    seen = [
        registration("G0061", "P0006", "20240228093000"),
        changed(find("GHXX", "G0057"), JZSJ="20240301001000", GXSJ=late),
        changed(find("GHXX", "G0055"), ZT="D", GXSJ=late),
        changed(find("GHXX", "G0054"), JZSJ="20240116090000", GXSJ="20240219080000"),
    ]
    in_house = [
        stay(14, "P0021", "20240224100000", "20240301080000"),
        changed(stay(1, "P0001", "20240226143000", "20240302083000"), GXSJ=late),
        changed(find("ZYXX", "Z0004"), CYSJ="20240215100000", GXSJ=late),
    ]
    marks = [diagnoses(5, 1, 10, changed=late), changed(find("ZDXX", "Z0007"), ZT="D", GXSJ=late), diagnoses(2, 10, 0, changed=late)]
    money = [changed(find("FYMX", "F00001"), JE="99.9999", GXSJ=late), dict(find("FYMX", "F00002"))]
    money.append(charge(908, find("ZYXX", "Z0001"), CHARGES[7], 6, "20240302083000"))
    tests = [changed(find("JYJG", "J00900"), JG="0.62", GXSJ=late), *(changed(r, ZT="D", GXSJ=late) for r in all_of.kinds["JYJG"] if r["JYID"] == "J00001")]
    again = row("MZZD", "G0053", "J06.900", "急性上呼吸道感染", "主")  # as yesterday, in another file: one more
    records = {"BRXX": people, "GHXX": seen, "ZYXX": in_house, "ZDXX": marks, "FYMX": money, "JYJG": tests}
    kept = [r for r in all_of.kinds["KSXX"] if r["KSDM"] != "0901"]
    return [
        Delivery("day2/master", "20240302", {"KSXX": kept}),
        Delivery("day2/records", "20240302", records, {"JYJG": zipped}),
        Delivery("day2/append", "20240302", {"MZZD": [again, row("MZZD", "G0061", "K29.700", "胃炎", "主")]}),
        Delivery("day2/again", "20240301", {"MZZD": all_of.kinds["MZZD"]}),
    ]


def third_day(all_of: Hospital) -> list[Delivery]:
    """The charges of February again, whole: one is missing, one has changed, one is of March and does not belong."""
    known = {r["FYID"]: r for delivery in second_day(all_of) for r in delivery.kinds.get("FYMX", [])}
    month = [known.get(r["FYID"], r) for r in all_of.kinds["FYMX"] if r["FSSJ"].startswith("202402") and r["FYID"] != "F00907"]
    month = [changed(r, SL="3", GXSJ="20240303070000") if r["FYID"] == "F00010" else r for r in month]
    month.append(charge(909, all_of.find("ZYXX", "Z0002"), CHARGES[8], 1, "20240301070000"))
    return [Delivery("day3/february", "20240303", {"FYMX": month})]


def save(delivery: Delivery, root: Path) -> None:
    for kind, rows in delivery.kinds.items():
        content = write(rows, kind)
        if kind in delivery.spoil:
            content = delivery.spoil[kind](content)
        suffix = ".txt.gz" if content.startswith(b"\x1f\x8b") else ".txt"
        path = root / delivery.folder / f"{kind}_{delivery.day}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main(root: Path) -> None:
    all_of = hospital()
    for delivery in (*first_day(all_of), *second_day(all_of), *third_day(all_of)):
        save(delivery, root)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
