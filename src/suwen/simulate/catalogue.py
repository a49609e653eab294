"""What care is made of: drugs, panels, procedures, examinations, charges and payers, read once from knowledge/*.csv."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from suwen.base.errors import Defect
from suwen.simulate.charge_items import ChargeItems, Services, read_charges
from suwen.simulate.knowledge_files import read_table, whole
from suwen.simulate.lists import (
    Drugs,
    Exams,
    Named,
    Panels,
    Payers,
    Procedures,
    Routes,
    names,
    read_drugs,
    read_exams,
    read_panels,
    read_payers,
    read_procedures,
    read_routes,
)
from suwen.simulate.measures import Measures, read_measures
from suwen.simulate.shapes import NONE, VISIT_KINDS, Ints
from suwen.simulate.stems import fitting

Shares = tuple[tuple[str, int], ...]
ROUTINE = ("labs", "exams", "drugs", "vitals")


class Conditions(Protocol):
    """What care asks of the conditions: codes, and for each the care it needs as codes with thousandths."""

    @property
    def codes(self) -> tuple[str, ...]: ...
    @property
    def labs(self) -> tuple[Shares, ...]: ...
    @property
    def drugs(self) -> tuple[Shares, ...]: ...
    @property
    def procedures(self) -> tuple[Shares, ...]: ...
    @property
    def exams(self) -> tuple[Shares, ...]: ...


@dataclass(frozen=True)
class Wants:
    """What conditions need of one list: entries of condition c stand from start[c] to start[c + 1].

    `before`: thousandths of the alternatives that stand before an entry; NONE for entries that are no alternatives.
    """

    start: Ints
    code: Ints
    share: Ints
    before: Ints


@dataclass(frozen=True)
class Routine:
    """What is done at a kind of visit whatever the condition; `what`: place in ROUTINE."""

    kind: Ints
    what: Ints
    code: Ints
    share: Ints
    sex: Ints
    age_from: Ints
    age_to: Ints


@dataclass(frozen=True)
class Catalogue:
    """All that care is made of. `use`: thousandths by kind of visit, list (labs, drugs, procedures, exams) and rank (first, others)."""

    conditions: tuple[str, ...]
    drugs: Drugs
    routes: Routes
    labs: Measures
    vitals: Measures
    vital_daily: Ints
    vital_pair: Ints
    panels: Panels
    procedures: Procedures
    exams: Exams
    fees: Named
    fee_parent: Ints
    charges: ChargeItems
    services: Services
    payers: Payers
    wants: dict[str, Wants]
    use: dict[str, Ints]
    routine: Routine


def read_catalogue(conditions: Conditions) -> Catalogue:
    """The knowledge of care that Suwen ships, laid out for these conditions. Raises Defect where a condition names a code that no list has."""
    codes = tuple(conditions.codes)
    labs, vitals, routes = read_measures("lab", codes), read_measures("vital", codes), read_routes()
    panels, procedures, exams, drugs = read_panels(labs), read_procedures(), read_exams(codes), read_drugs(routes)
    places: dict[str, Named] = {"labs": panels, "drugs": drugs, "procedures": procedures, "exams": exams}
    wanted = {"labs": conditions.labs, "drugs": _and_also(conditions.drugs, codes), "procedures": conditions.procedures, "exams": conditions.exams}
    vital_rows, fee_rows = read_table("vital_item"), read_table("fee")
    fees = Named(*names(fee_rows))
    charges, services = read_charges(fees.codes, codes)
    return Catalogue(
        conditions=codes,
        drugs=drugs,
        routes=routes,
        labs=labs,
        vitals=vitals,
        vital_daily=whole(vital_rows, "daily"),
        vital_pair=np.array([vitals.place(row["pair"]) if row["pair"] else NONE for row in vital_rows], dtype=np.int64),
        panels=panels,
        procedures=procedures,
        exams=exams,
        fees=fees,
        fee_parent=np.array([fees.place(row["parent"]) if row["parent"] else NONE for row in fee_rows], dtype=np.int64),
        charges=charges,
        services=services,
        payers=read_payers(),
        wants={what: _wants(what, wanted[what], codes, places[what], procedures.operation if what == "procedures" else None) for what in places},
        use=_use(),
        routine=_routine({"labs": panels.codes, "exams": exams.codes, "drugs": drugs.codes, "vitals": vitals.codes}),
    )


def _and_also(lists: Sequence[Shares], conditions: tuple[str, ...]) -> tuple[Shares, ...]:
    """The drugs of the conditions with those of also.csv behind them."""
    added: list[list[tuple[str, int]]] = [[] for _ in conditions]
    for row in read_table("also"):
        for place in np.flatnonzero(fitting(row["stems"], conditions)):
            added[place].append((row["code"], int(row["share"])))
    return tuple((*some, *more) for some, more in zip(lists, added, strict=True))


def _wants(what: str, lists: Sequence[Shares], conditions: tuple[str, ...], named: Named, alternative: Ints | None) -> Wants:
    known = {*named.codes, *(named.atc if isinstance(named, Drugs) else ())}
    unknown = sorted({code for some in lists for code, _ in some} - known)
    if unknown:
        raise Defect(f"conditions.csv, {what}: {unknown} are in no list")
    if len(lists) != len(conditions):
        raise Defect(f"conditions: {len(conditions)} codes, {len(lists)} lists of {what}")
    before = []
    for some in lists:
        summed = 0
        for code, share in some:
            one_of = alternative is not None and bool(alternative[named.place(code)])
            before.append(summed if one_of else NONE)
            summed += share if one_of else 0
    return Wants(
        start=np.cumsum([0] + [len(some) for some in lists]).astype(np.int64),
        code=np.array([named.place(code) for some in lists for code, _ in some], dtype=np.int64),
        share=np.array([share for some in lists for _, share in some], dtype=np.int64),
        before=np.array(before, dtype=np.int64),
    )


def _use() -> dict[str, Ints]:
    rows = {row["kind"]: row for row in read_table("use")}
    return {
        what: np.array([[int(rows[kind][what]), int(rows[kind][f"{what}_other"])] for kind in VISIT_KINDS], dtype=np.int64)
        for what in ("labs", "drugs", "procedures", "exams")
    }


def _routine(codes: dict[str, tuple[str, ...]]) -> Routine:
    rows = read_table("routine")
    return Routine(
        kind=np.array([VISIT_KINDS.index(row["kind"]) for row in rows], dtype=np.int64),
        what=np.array([ROUTINE.index(row["what"]) for row in rows], dtype=np.int64),
        code=np.array([codes[row["what"]].index(row["code"]) for row in rows], dtype=np.int64),
        share=whole(rows, "share"),
        sex=whole(rows, "sex"),
        age_from=whole(rows, "age_from"),
        age_to=whole(rows, "age_to"),
    )
