"""What is masked, and how: every column of every table looked at, forms shown and values not, records masked by their template."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.flow.places import RecordPlace
from suwen.govern.policy.masks import PERSONAL, Personal, masked, masked_row, personal
from suwen.govern.policy.source_masks import SourceMasks
from suwen.model import state
from suwen.model.extension import ALL_TABLES
from suwen.packs.loader import load_packs

TEMPLATES = load_packs(["core", "cn"], []).templates


def test_every_column_of_every_table_is_looked_at() -> None:
    columns = {(name, column) for name, table in ALL_TABLES.items() if table.group != "vocabulary" for column in table.row_columns}
    whole = {(name, "*") for name, table in ALL_TABLES.items() if table.group == "vocabulary"} | {(name, "*") for name in state.TABLES}
    assert set(PERSONAL) == columns | whole


def test_the_list_names_what_the_law_names() -> None:
    assert personal("omop.person", "person_source_value") is Personal.NUMBER
    assert personal("provider", "provider_name") is Personal.NAME
    assert personal("state.disposition", "code") is Personal.NO
    assert personal("cdr.person", "_receipt") is Personal.NO
    assert personal("person", "a_new_column") is personal("a_new_table", "x") is Personal.HIDDEN


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (Personal.NAME, "张伟", "张•"),
        (Personal.NAME, "欧阳建国", "欧•••"),
        (Personal.NAME, "赵", "•"),
        (Personal.NAME, "Jane Roe", "J•••"),
        (Personal.IDENTITY, "440301199001011237", "44" + "•" * 16),
        (Personal.IDENTITY, "1234", "••••"),
        (Personal.TELEPHONE, "13800138000", "138" + "•" * 8),
        (Personal.TELEPHONE, "0755-1234", "•" * 9),
        (Personal.ADDRESS, "云岭省棠川市沐渡区三里路5号", "云岭省•••"),
        (Personal.ADDRESS, "12 High Street", "•••"),
        (Personal.NUMBER, "A-000123", "•-••••••"),
        (Personal.BIRTH, date(1980, 2, 29), "1980-••-••"),
        (Personal.BIRTH, "19800229", "1980•••"),
        (Personal.BIRTH, "29/02/1980", "•••"),
        (Personal.BIRTH_PART, 29, "•••"),
        (Personal.TEXT, "lives at No. 5", "••• (14)"),
        (Personal.IDENTIFIER, "44030119900101123X", "44" + "•" * 16),
        (Personal.IDENTIFIER, "13800138000", "138" + "•" * 8),
        (Personal.IDENTIFIER, "王芳", "王•"),
        (Personal.IDENTIFIER, "K0012", "•••••"),
        (Personal.HIDDEN, "anything", "•••"),
        (Personal.NO, 5, 5),
        (Personal.NAME, None, None),
    ],
)
def test_a_mask_shows_the_form(kind: Personal, value: object, shown: object) -> None:
    assert masked(kind, value) == shown


@given(st.sampled_from([kind for kind in Personal if kind is not Personal.NO]), st.text(min_size=2, max_size=40))
def test_no_mask_shows_a_value(kind: Personal, value: str) -> None:
    shown = str(masked(kind, value))
    hidden = value.strip()
    assert len(hidden) < 2 or not any(c.isalnum() for c in hidden) or shown != hidden
    assert sum(c.isalnum() for c in shown) <= max(4, sum(c.isalnum() for c in f"({len(value)})"), 8 if kind is Personal.ADDRESS else 0)


def test_an_identifier_is_masked_by_the_kind_its_row_names() -> None:
    row = {"person_id": 7, "kind": "resident id", "value": "12345678901", "check_agrees": False}
    assert masked_row("ext.ext_person_identifier", row) == row | {"value": "•" * 11}
    assert masked_row("ext_person_identifier", row | {"kind": "telephone"})["value"] == "123" + "•" * 8


def record(text: str, columns: str, quote: str = "", kind: str = "patients") -> RecordPlace:
    """A record of the fictional Yunhai system."""
    texts = dict(zip(columns.split("|"), text.replace('"', "").split("|"), strict=False)) if text.count("|") == columns.count("|") else {}
    raw = text.encode("gb18030")
    return RecordPlace("his", kind, 1, 1, "f", "o", "", "", 1, 0, len(raw), "gb18030", raw, texts, "|", quote)


COLUMNS = "BRID|XM|XB|CSRQ|SFZH|MZ|DZ|YB|DH|JDSJ|ZT|GXSJ"
LINE = "0001234567|李小明|1|19800229|440301198002291236|01|云岭省棠川市某路1号|650000|13800138000|20200101|N|20240301120000"
MASKS = SourceMasks(TEMPLATES["yunhai-his/export"])


def test_a_record_is_masked_field_by_field_in_its_place() -> None:
    line = MASKS.line(record(LINE, COLUMNS))
    assert line == f"{'•' * 10}|李••|1|1980•••|44{'•' * 16}|01|云岭省•••|•••|138{'•' * 8}|•••|N|20240301120000"
    place = MASKS.place(record(LINE, COLUMNS))
    assert place.text == line and place.length == len(LINE.encode("gb18030")) and place.texts["XM"] == "李••"


def test_a_record_that_cannot_be_cut_or_of_no_kind_is_hidden() -> None:
    assert not any(c.isalnum() for c in MASKS.line(record(LINE + "|x", COLUMNS)))
    other = MASKS.line(record(LINE, COLUMNS, kind=""))
    assert set(other.split("|")) == {"•••"}
    assert set(SourceMasks(None).line(record(LINE, COLUMNS)).split("|")) == {"•••"}


def test_in_a_record_that_was_not_taken_in_a_name_is_hidden_wherever_it_stands() -> None:
    shifted = "0001234567|1|李小明|19800229|01|440301198002291236|云岭省棠川市某路1号|650000|13800138000|20200101|13900139000|20240301120000"
    fields = MASKS.line(record(shifted, COLUMNS), mapped=False).split("|")
    assert fields[2] == "•••" and fields[5] == "•" * 18 and fields[10] == "•" * 11 and fields[11] == "20240301120000"


def test_quotes_are_kept() -> None:
    line = MASKS.line(record(LINE.replace("李小明", '"李小明"'), COLUMNS, quote='"'))
    assert line.split("|")[1] == '"李••"'


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_a_template_makes_nothing_of_is_hidden_and_what_knows_a_person_is_masked(name: str) -> None:
    masks, template = SourceMasks(TEMPLATES[name]), TEMPLATES[name]
    assert masks.of("no such kind", "x") is masks.of(next(iter(template.kinds)), "no such column") is Personal.HIDDEN
    for target in template.targets.values():
        for expression in target.key if target.table == "person" else ():
            if expression.text in template.kinds[target.source].columns:
                assert masks.of(target.source, expression.text) is not Personal.NO


def test_the_columns_of_the_shipped_templates_by_hand() -> None:
    named = {
        "chenxi-his/csv": {"姓名", "出生日期", "身份证号", "现住址", "联系电话", "患者编号"},
        "meridian-ehr/daily": {"name", "birth_date", "national_id", "address", "mobile", "patient_id"},
        "synthea/csv": {"Id", "BIRTHDATE", "SSN", "DRIVERS", "PASSPORT", "FIRST", "LAST", "MAIDEN", "ADDRESS", "ZIP", "LAT", "LON", "BIRTHPLACE"},
        "qiming-lis/results": {"PATNO", "BORN"},
    }
    for name, columns in named.items():
        masks = SourceMasks(TEMPLATES[name])
        assert not [column for column in columns if masks.of("patients", column) is Personal.NO]
