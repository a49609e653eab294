"""Exports of six systems made by hand: quotes, delimiters and line ends inside texts, byte order marks, and resident ids in every way people write them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from suwen.cli.main import main
from suwen.flow.reader import OpenRelease, open_release
from suwen.packs.loader import load_packs, shipped_packs

BORN = "1950-01-02"
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
NAME = "欧阳㛃"
ADDRESS = "东区“安居”路9号"
TRICKY = '东区"安居"路9号,;|\t3室\r\n(原址)\n见背面'  # for who can quote


def number(serial: int, born: str = BORN) -> str:
    """A resident id by the standard: area, day of birth, serial (odd: male), and the character by which the weighted sum is 1 modulo 11."""
    digits = f"990101{born.replace('-', '')}{serial:03d}"
    rest = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(digits)) % 11
    return digits + "10X98765432"[rest]


def ending_in_x(first: int) -> str:
    """The number of a man that ends in X, from a serial on."""
    return next(n for n in (number(serial) for serial in range(first, 999, 2)) if n.endswith("X"))


@dataclass(frozen=True)
class Patient:
    """A patient whom every hospital lists; `code`, `column`: of the finding about the number; `reason`: why it is linked or not."""

    number: str
    code: str = ""
    column: str = ""
    reason: str = ""
    sex: str = "M"
    born: str = BORN


SAME = "the same resident id, valid and agreeing with birth date and sex"
WRONG = "the resident id is not valid, or does not agree with birth date and sex"
NONE = "no resident id"


def invalid(sent: str) -> Patient:
    return Patient(sent, "PID-002", "check_agrees", WRONG)


PATIENTS: Mapping[str, Patient] = {
    "plain": Patient(number(1), reason=SAME),
    "a woman": Patient(number(2), reason=SAME, sex="F"),
    "small x": Patient(ending_in_x(3).lower(), reason=SAME),
    "blanks around": Patient(f"\u3000 {number(201)}\u00a0\u3000", reason=SAME),
    "absent": Patient("", "PID-001", "value", NONE),
    "blanks alone": Patient(" \u3000", "PID-001", "value", NONE),
    "full-width digits": invalid(number(203).translate(FULL_WIDTH)),
    "full-width x": invalid(ending_in_x(301)[:-1] + "ｘ"),
    "15 digits, as before 1999": invalid(number(205)[:6] + number(205)[8:17]),
    "blanks inside": invalid(f"{number(207)[:6]} {number(207)[6:14]} {number(207)[14:]}"),
    "hyphens": invalid(f"{number(209)[:6]}-{number(209)[6:14]}-{number(209)[14:]}"),
    "Hong Kong": invalid("Z683365(5)"),
    "return permit": invalid("H0612345601"),
    "Macao": invalid("1234567(8)"),
    "a passport": invalid("ED1234567"),
    "no day": invalid("990101195002300013"),
    "a word": invalid("不详"),
    "another birth date": Patient(number(211, "1950-01-03"), "PID-003", "birth_date_agrees", WRONG),
    "another sex": Patient(number(213), "PID-003", "sex_agrees", WRONG, sex="F"),
    "nothing agrees": Patient(number(215, "1950-01-03"), "PID-003", "birth_date_agrees", WRONG, sex="F"),
    "sex not known": Patient(number(217), reason=WRONG, sex=""),
}
UNREADABLE = "born no day"  # is no person, and so has nothing that could be linked


@dataclass(frozen=True)
class Form:
    """How a system writes: `quoted` every field."""

    encoding: str
    delimiter: str
    quoted: bool
    newline: str = "\n"
    mark: str = ""

    def write(self, path: Path, rows: Sequence[Sequence[str]]) -> None:
        lines = [self.delimiter.join(f'"{text.replace(chr(34), chr(34) * 2)}"' if self.quoted else text for text in row) for row in rows]
        path.write_bytes((self.mark + "".join(line + self.newline for line in lines)).encode(self.encoding))


@dataclass(frozen=True)
class System:
    """A hospital's system: how it writes, the file of its patients, its columns, and of (id, name, sex, born, number, address) a row."""

    organisation: str
    template: str
    form: Form
    file: str
    columns: str
    row: Callable[[str, str, str, str, str, str], Sequence[str]]
    sexes: Mapping[str, str]


YUNHAI = System(
    "H1", "yunhai-his/region", Form("gb18030", "|", False, "\r\n"), "BRXX_20240301.txt", "BRID XM XB CSRQ SFZH MZ DZ YB DH JDSJ ZT GXSJ",
    lambda i, name, sex, born, n, at: (i, name, sex, born.replace("-", ""), n, "01", at, "", "13900000000", "", "N", "20240301000000"),
    {"M": "1", "F": "2", "": "9"},
)  # fmt: skip
CHENXI = System(
    "H2", "chenxi-his/csv", Form("utf-8", ",", True, "\r\n", "\ufeff"), "患者信息_20240301.csv",
    "患者编号 姓名 性别 出生日期 身份证号 民族代码 现住址 地区代码 联系电话 职业代码 建档时间",
    lambda i, name, sex, born, n, at: (i, name, sex, "/".join(part.lstrip("0") for part in born.split("-")), n, "01", at, "", "13900000000", "", ""),
    {"M": "男", "F": "女", "": ""},
)  # fmt: skip
MERIDIAN = System(
    "H3", "meridian-ehr/daily", Form("utf-8", ",", True), "patients_20240301.csv",
    "patient_id name gender birth_date national_id ethnic_code address division_code mobile occupation_code op updated_at",
    lambda i, name, sex, born, n, at: (i, name, sex, born, n, "01", at, "", "13900000000", "", "", "2024-03-01T00:00:00+08:00"),
    {"M": "male", "F": "female", "": ""},
)  # fmt: skip
HENGTAI = System(
    "H4", "hengtai-his/window", Form("utf-8", ";", True, "\r\n", "\ufeff"), "ht_hz_20240301.csv", "HZID XM XB CSRQ SFZHM MZ ZZ DQDM SJH ZY SJRQ",
    lambda i, name, sex, born, n, at: (i, name, sex, born, n, "01", at, "", "13900000000", "", "2024-03-01 00:00:00"),
    {"M": "M", "F": "F", "": ""},
)  # fmt: skip
SYSTEMS = (YUNHAI, CHENXI, MERIDIAN, HENGTAI)
REPORT = '双肺"磨玻璃"影;大小约5mm,建议复查|随诊\r\n\r\n结论:\n肺炎'
FRONT_PAGE = {"A48": "plain", "A49": "1", "B12": "2024-02-26 14:30:00", "B15": "2024-03-01 09:00:00", "B20": "4", "C03C": "J18", "C04N": '肺炎,"重"\n待查'}


def patients_of(system: System) -> list[Sequence[str]]:
    address = TRICKY if system.form.quoted else ADDRESS
    rows = [
        system.row(key, NAME, system.sexes[one.sex], one.born, one.number, address)
        for key, one in [*PATIENTS.items(), (UNREADABLE, Patient("", born="1950-02-30"))]
    ]
    return [system.columns.split(), *rows]


class Region:
    """The region, and all that its commands said."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, ""

    def suwen(self, *words: object) -> int:
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            code = main([*map(str, words), "--region", str(self.folder)])
        self.said += out.getvalue()
        return code

    @cached_property
    def release(self) -> OpenRelease:
        return open_release(self.folder)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.release.query(sql).to_pylist()]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    folder = tmp_path_factory.mktemp("hand-made")
    made, sent = Region(folder / "region"), folder / "sent"
    assert main(["new", str(made.folder), "--packs", "core,cn", "--zone", "Asia/Shanghai"]) == 0
    for system in SYSTEMS:
        feed = system.organisation.lower()
        (sent / feed).mkdir(parents=True)
        system.form.write(sent / feed / system.file, patients_of(system))
        assert made.suwen("feed", "add", feed, "--template", system.template, "--organisation", system.organisation, "--mode", "snapshot") == 0
    CHENXI.form.write(sent / "h2" / "检查报告_20240301.csv", [
        ["报告号", "患者编号", "就诊号", "检查代码", "检查名称", "检查时间", "报告时间", "报告内容"],
        ["E1", "plain", "", "CT-CHEST", "胸部CT", "2024/3/1 8:00:00", "2024/3/1 9:00:00", REPORT],
    ])  # fmt: skip
    for feed, template, organisation in (("h2-lis", "qiming-lis/results", "H2"), ("h4-pages", "hqms/front-page", "H4")):
        (sent / feed).mkdir()
        assert made.suwen("feed", "add", feed, "--template", template, "--organisation", organisation, "--mode", "append") == 0
    Form("utf-8", "\t", False, "\r\n", "\ufeff").write(sent / "h2-lis" / "LIS_RESULT_20240301.txt", [
        ["BARCODE", "PATNO", "VISITNO", "PATTYPE", "ITEMNO", "ITEMNAME", "RESULT", "UNIT", "REFRANGE", "FLAG", "SAMPLED", "REPORTED"],
        ["J1", "plain", "", "1", "CRP", 'C"反应"蛋白,;|', "<0.5", "mg/L", "0-8.0", "", "2024-03-01 08:00:00", "2024-03-01 09:00:00"],
    ])  # fmt: skip
    pages = list(load_packs(shipped_packs()).templates["hqms/front-page"].kinds["pages"].columns)
    Form("gb18030", ",", True, "\r\n").write(sent / "h4-pages" / "hqms202403.csv", [pages, [FRONT_PAGE.get(column, "") for column in pages]])
    for feed in sorted(path.name for path in sent.iterdir()):
        assert made.suwen("land", feed, sent / feed, "--as-of", "2024-03-01") == 0
    assert made.suwen("run") == 0
    return made


def counted(region: Region, what: str) -> Counter[tuple[Any, ...]]:
    """`what`: columns of state.finding that tell of resident ids."""
    sql = f"select {what}, sum(records)::bigint as n from state.finding where code like 'PID-%' group by all"
    return Counter({tuple(row): n for *row, n in region.rows(sql)})


def test_every_system_tells_the_same_of_the_numbers(region: Region) -> None:
    told = Counter((one.code, one.column) for one in PATIENTS.values() if one.code)
    expected = {(system.organisation.lower(), *key): n for system in SYSTEMS for key, n in told.items()}
    assert counted(region, "feed, code, column_name") == expected


def test_every_system_has_the_same_links(region: Region) -> None:
    """Who has a valid number that agrees is one human in all hospitals, and everybody else is alone in each."""
    sql = """select p.person_source_value as who, l.reason, l.method, count(distinct l.master_person_id) as humans, count(*) as patients
        from ext.ext_person_link l join cdr.person p using (person_id) group by all"""
    expected = {(key, one.reason, *(("resident id", 1, 4) if one.reason == SAME else ("own", 4, 4))) for key, one in PATIENTS.items()}
    assert set(region.rows(sql)) == expected


def test_numbers_are_kept_as_they_were_sent(region: Region) -> None:
    """In capitals, without the blanks around them."""
    sql = """select p.person_source_value as who, i.value, count(*) as n from ext.ext_person_identifier i join cdr.person p using (person_id)
        where i.kind = 'resident id' group by all"""
    assert set(region.rows(sql)) == {(key, one.number.strip().upper() or None, 4) for key, one in PATIENTS.items()}


def test_nothing_is_lost(region: Region) -> None:
    """Each record is a row, but for the persons born on no day: these are quarantined, and what hangs on them is held."""
    patients = len(PATIENTS)
    expected = {}
    for feed in (system.organisation.lower() for system in SYSTEMS):
        expected |= {(feed, "home", "mapped"): patients + 1, (feed, "person", "mapped"): patients, (feed, "person", "quarantined"): 1}
        expected |= {(feed, target, state): n for target in ("resident_id", "contact") for state, n in (("mapped", patients), ("held", 1))}
    found = {tuple(label.split("|")): n for label, n in region.release.release.totals.items()}
    assert {(feed, target, state): n for (feed, kind, target, state), n in found.items() if kind == "patients"} == expected
    assert region.rows("select distinct state, code, detail from state.disposition where state = 'quarantined'") == [
        ("quarantined", "MAP-010", "year_of_birth")
    ]


def test_texts_come_as_they_were_written(region: Region) -> None:
    addresses = Counter({(TRICKY,): 3 * (len(PATIENTS) + 1), (ADDRESS,): len(PATIENTS) + 1})
    assert Counter(region.rows("select address_1 from cdr.location")) == addresses
    names = "select value, count(*) as n from ext.ext_person_identifier where kind = 'name' group by all"
    assert region.rows(names) == [(NAME, 4 * len(PATIENTS))]
    assert region.rows("select note_text from cdr.note") == [(REPORT,)]
    assert region.rows("select measurement_source_value, value_as_number::double, operator_concept_id from cdr.measurement") == [("CRP", 0.5, 4171756)]
    assert region.rows("select condition_source_value, condition_start_date::varchar from cdr.condition_occurrence") == [("J18", "2024-02-26")]
    sql = """select p.person_source_value as who from cdr.person p
        join (select person_id from cdr.measurement union all select person_id from ext.ext_visit) using (person_id)"""
    assert region.rows(sql) == [("plain",), ("plain",)]


def test_no_command_says_who_they_are(region: Region) -> None:
    """What the commands say that were not asked for records."""
    for words in (["status"], ["ledger"], ["releases"], ["quarantine", "list"], ["quarantine", "list", "--held"]):
        assert region.suwen(*words) == 0
    personal = {NAME, "安居", "13900000000", "plain", "born no day", *(one.number.strip() for one in PATIENTS.values())} - {""}
    assert "MAP-010" in region.said
    assert {text for text in personal if text in region.said} == set()
