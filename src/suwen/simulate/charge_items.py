"""What is charged: one item for every drug, panel, examination and procedure, their materials, and services that no order names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from suwen.simulate.knowledge_files import read_table, whole
from suwen.simulate.measures import rounded
from suwen.simulate.shapes import NONE, VISIT_KINDS, Ints
from suwen.simulate.stems import fitting

INSURED = {"A": 1000, "B": 900, "C": 0}  # thousandths of an amount that the insurance looks at
PER = ("visit", "day", "panel", "injection", "operation", "general", "neuraxial", "local")


@dataclass(frozen=True)
class ChargeItems:
    """CHARGE_ITEM by place; `first`: where the items of drugs, panels, exams and procedures begin, in the order of their lists.

    `materials_*`: the item of a procedure's or examination's materials; NONE without. Prices in fen, `insured` in thousandths.
    """

    codes: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    unit: tuple[str, ...]
    fee: Ints
    price: Ints
    insured: Ints
    first: dict[str, int]
    materials_procedure: Ints
    materials_exam: Ints


@dataclass(frozen=True)
class Services:
    """Charges without an order: `kinds` by service and kind of visit; `stems` by service and condition (last column: none)."""

    item: Ints
    per: Ints
    kinds: Ints
    stems: Ints
    share: Ints
    units: Ints


@dataclass(frozen=True)
class _Line:
    code: str
    name_zh: str
    name_en: str
    unit: str
    fee: str
    price: str
    insurance: str


def read_charges(fees: Sequence[str], conditions: Sequence[str]) -> tuple[ChargeItems, Services]:
    """The charge items and services. Codes: a letter for the list, then the list's code."""
    services, first = read_table("service"), dict[str, int]()
    lines: list[_Line] = []
    for name, letter, units in (("drug", "D", None), ("panel", "L", "项"), ("exam", "E", "次"), ("procedure", "P", "次")):
        first[f"{name}s"] = len(lines)
        lines += [_line(row, letter, units or row["pack_zh"], row.get("fee", "D16")) for row in read_table(name)]
    procedure = _materials(read_table("procedure"), "P", lines, lambda row: "D33" if row["operation"] == "1" else "D32")
    exam = _materials(read_table("exam"), "E", lines, lambda _: "D31")
    first["services"] = len(lines)
    lines += [_line(row, "S", row["unit"], row["fee"]) for row in services]
    items = ChargeItems(
        codes=tuple(line.code for line in lines),
        names_zh=tuple(line.name_zh for line in lines),
        names_en=tuple(line.name_en for line in lines),
        unit=tuple(line.unit for line in lines),
        fee=np.array([fees.index(line.fee) for line in lines], dtype=np.int64),
        price=np.array([rounded(Fraction(line.price) * 100) for line in lines], dtype=np.int64),
        insured=np.array([INSURED[line.insurance] for line in lines], dtype=np.int64),
        first=first,
        materials_procedure=procedure,
        materials_exam=exam,
    )
    return items, _services(services, first["services"], conditions)


def _line(row: Mapping[str, str], letter: str, unit: str, fee: str) -> _Line:
    return _Line(f"{letter}.{row['code']}", row["name_zh"], row["name_en"], unit, fee, row["price"], row["insurance"])


def _materials(rows: Sequence[Mapping[str, str]], letter: str, lines: list[_Line], fee: Callable[[Mapping[str, str]], str]) -> Ints:
    places = []
    for row in rows:
        if row["materials"] == "0":
            places.append(NONE)
            continue
        places.append(len(lines))
        name_zh, name_en = f"{row['name_zh']}材料", f"materials of {row['name_en']}"
        lines.append(_Line(f"{letter}M.{row['code']}", name_zh, name_en, "套", fee(row), row["materials"], "B"))
    return np.array(places, dtype=np.int64)


def _services(rows: Sequence[Mapping[str, str]], first: int, conditions: Sequence[str]) -> Services:
    kinds = [[kind in row["kinds"].split("|") for kind in VISIT_KINDS] for row in rows]
    stems = [[*(fitting(row["stems"], conditions) if row["stems"] else np.ones(len(conditions), dtype=np.bool_)), not row["stems"]] for row in rows]
    return Services(
        item=first + np.arange(len(rows), dtype=np.int64),
        per=np.array([PER.index(row["per"]) for row in rows], dtype=np.int64),
        kinds=np.array(kinds, dtype=np.int64),
        stems=np.array(stems, dtype=np.int64),
        share=whole(rows, "share"),
        units=whole(rows, "units"),
    )
