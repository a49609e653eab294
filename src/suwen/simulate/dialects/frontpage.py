"""The front pages of the stays that ended in a month, one wide line each, in the columns of the national quality system HQMS.

Columns after the draft tables of the project's reference (HQMS field codes: seen in public sources, C; those of the dates, levels, surgeons, incisions
and anaesthesia of the other procedures, C37 to C43, and of the patient's payment, D09, are general knowledge, GK, to be checked).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suwen.simulate.dialects import identity
from suwen.simulate.dialects.rows import RANKS, Part, Seen, at_stays
from suwen.simulate.dialects.system import Kind, System, of_visit
from suwen.simulate.dialects.text import DAY, Coded, Column, Form, Mask, Words, born, money, padded, times, whole
from suwen.simulate.shapes import NONE, Ints

FORM = Form(encoding="gb18030", newline="\r\n")
FEES: Words = tuple(
    [
        "D11",
        "D12",
        "D13",
        "D14",
        "D15",
        "D16",
        "D17",
        "D18",
        "D19",
        "D19x01",
        "D20",
        "D20x01",
        "D20x02",
        "D21",
        "D22",
        "D23",
        "D23x01",
        "D24",
        "D25",
        "D26",
        "D27",
        "D28",
        "D29",
        "D30",
        "D31",
        "D32",
        "D33",
        "D34",
    ]
)


def ended(seen: Seen, places: Ints) -> Mask:
    """Rows of stays that have ended."""
    return at_stays(seen, places) & (seen.visits["end"][places] != NONE)


def _fees(part: Part) -> Mapping[str, Column]:
    """The sums of the stay's charges by fee item; an item includes those told of it (`of which`)."""
    seen, codes = part.seen, part.seen.lexicon.fees.codes
    charges = seen.block.rows["charge"]
    wanted = np.full(len(seen.visits), NONE, dtype=np.int64)
    wanted[part.places] = np.arange(len(part))
    at = wanted[seen.visit_place[charges["visit"]]]
    held = at != NONE
    sums, insured = np.zeros((len(codes), len(part)), dtype=np.int64), np.zeros(len(part), dtype=np.int64)
    np.add.at(sums, (charges["fee"][held], at[held]), charges["amount"][held])
    np.add.at(insured, at[held], charges["insured"][held])
    total = sums.sum(axis=0)
    columns: dict[str, Column] = {"D01": money(total), "D09": money(total - insured)}
    for fee in FEES:
        of = [place for place, code in enumerate(codes) if code == fee or code.startswith(fee + "x")]
        columns[fee] = money(sums[of].sum(axis=0))
    return columns


def _diagnoses(part: Part) -> Mapping[str, Column]:
    conditions, seen = part.seen.lexicon.conditions, part.seen
    condition, there = seen.ranked("diagnosis", "condition")[:, part.places], seen.ranked("diagnosis", "on_admission")[:, part.places]
    columns: dict[str, Column] = {}
    for rank in range(RANKS):
        code, name, on_admission = ("C03C", "C04N", "C05C") if rank == 0 else (f"C06x{rank:02d}C", f"C07x{rank:02d}N", f"C08x{rank:02d}C")
        columns |= {code: Coded(condition[rank], conditions.codes), name: Coded(condition[rank], conditions.names), on_admission: whole(there[rank])}
    return columns


def _procedures(part: Part) -> Mapping[str, Column]:
    procedures = part.seen.lexicon.procedures
    place, time, surgeon, anaesthesia, incision = (
        part.seen.ranked("procedure", name)[:, part.places] for name in ("procedure", "time", "surgeon", "anaesthesia", "incision")
    )
    columns: dict[str, Column] = {}
    for rank in range(RANKS):
        fields = ("C14x{}C", "C15x{}N", "C16x{}", "C17x{}", "C18x{}", "C21x{}C", "C22x{}C") if rank == 0 else _OTHER
        names = [field.format(f"{max(rank, 1):02d}") for field in fields]
        values: tuple[Column, ...] = (
            Coded(place[rank], procedures.codes),
            Coded(place[rank], procedures.names),
            times(time[rank]),
            Coded(place[rank], procedures["level"]),
            padded(surgeon[rank], 5, "Y"),
            whole(incision[rank]),
            whole(anaesthesia[rank]),
        )
        columns |= dict(zip(names, values, strict=True))
    return columns


_OTHER = ("C35x{}C", "C36x{}N", "C37x{}", "C38x{}", "C39x{}", "C42x{}C", "C43x{}C")


def _pages(part: Part, form: Form) -> Mapping[str, Column]:
    lexicon = part.seen.lexicon
    areas = identity.areas_at(part, part["start"])
    days = np.maximum(1, part["end"] // DAY - part["start"] // DAY)
    return {
        "A01": Coded(part.hospital, lexicon.hospitals.codes),
        "A02": Coded(part.hospital, lexicon.hospitals.names),
        "A48": identity.patient_number(part),
        "A49": whole(np.where(part["admission_number"] == NONE, part["visit"], part["admission_number"])),
        "A46C": whole(part["payer"]),
        "A11": identity.person_name(part, form),
        "A12C": whole(part.person("sex")),
        "A13": born(part.person("born")),
        "A14": whole(np.maximum(0, (part["start"] // DAY - part.person("born")) * 4 // 1461)),
        "A19C": padded(part.person("ethnic"), 2),
        "A26": identity.address(part, form, areas),
        "A27": identity.telephone(part),
        "A38C": Coded(part.person("occupation"), lexicon.occupations.codes),
        "B11C": whole(part["route"]),
        "B12": times(part["start"]),
        "B13C": Coded(part["department"], lexicon.departments.codes),
        "B14": whole(part["ward"]),
        "B15": times(part["end"]),
        "B16C": Coded(part["department_out"], lexicon.departments.codes),
        "B17": whole(part["ward"]),
        "B20": whole(days),
        "B34C": whole(part["way"]),
        "B36C": Coded(part["planned"], ("1", "2")),
        "C26C": whole(part.person("blood")),
        "C27C": whole(part.person("rhesus")),
        **_diagnoses(part),
        **_procedures(part),
        **_fees(part),
    }


SYSTEM = System(
    name="frontpage",
    template="hqms/front-page",
    form=FORM,
    kinds=(Kind("pages", "hqms_{date}.csv", "visit", _pages, of_visit, ended),),
    daily="month",
    daily_mode="window",
    feed="frontpage",
)
