"""The extension tables beside OMOP: what Chinese hospital data says that CDM 5.4 has no place for, in the same shape as `model.cdm`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suwen.base.errors import Defect
from suwen.model.cdm import TABLES, Column, Table, Type, read_rows

# name: (date that places a row in a month, summary in English, in Chinese)
_ABOUT: Mapping[str, tuple[str | None, str, str]] = {
    "ext_visit": ("visit_start_date", "What a hospital records about a visit beyond visit_occurrence.", "医院记录的、就诊表之外的就诊信息。"),
    "ext_procedure": ("procedure_date", "Operations as the theatre counts them: entries, levels, returns.", "手术台次、级别与重返手术室信息。"),
    "ext_organisation": (None, "The organisation tree with its dates, derived from organisations.csv.", "带有效期的机构树，来自 organisations.csv。"),
    "ext_person_identifier": (None, "Numbers and names by which an organisation knows a patient.", "机构识别患者所用的号码和姓名。"),
    "ext_person_link": (None, "Which organisations' patients are the same human.", "各机构患者中属于同一自然人的关联。"),
}


def _column(row: Mapping[str, str]) -> Column:
    references = (row["references_table"], row["references_field"]) if row["references_table"] else None
    return Column(row["field"], Type(row["type"]), bool(row["required"]), bool(row["primary_key"]), references, meaning=(row["en"], row["zh"]))


def _tables() -> Mapping[str, Table]:
    columns: dict[str, list[Column]] = {}
    for row in read_rows("extension.csv"):
        columns.setdefault(row["table"], []).append(_column(row))
    return MappingProxyType({name: Table(name, "extension", tuple(columns[name]), date, {"en": en, "zh": zh}) for name, (date, en, zh) in _ABOUT.items()})


EXTENSION_TABLES: Mapping[str, Table] = _tables()
ALL_TABLES: Mapping[str, Table] = MappingProxyType({**TABLES, **EXTENSION_TABLES})


def _check_references() -> None:
    for table in ALL_TABLES.values():
        for column in table.columns:
            if column.references and column.references[1] not in ALL_TABLES[column.references[0]].row_columns:
                raise Defect(f"{table.name}.{column.name} refers to a column that is not there")


_check_references()
