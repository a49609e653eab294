"""What care is made of: drugs, panels, procedures, examinations, charges and payers, read once from knowledge/*.csv."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from suwen.base.errors import Defect
from suwen.simulate.charge_items import ChargeItems, Services, read_charges
from suwen.simulate.knowledge_files import read_table, whole
from suwen.simulate.measures import Measures, read_measures, rounded
from suwen.simulate.shapes import NONE, VISIT_KINDS, Ints
from suwen.simulate.stems import fitting

Shares = tuple[tuple[str, int], ...]
ROUTINE = ("labs", "exams", "drugs", "vitals")
MOST_TEXTS = 12
_NORMAL_BESIDE = 15  # hundredths of their weight that texts of anybody keep where a text fits the disease


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
class Named:
    """A code list by place."""

    codes: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    standing: tuple[str, ...]

    def place(self, code: str) -> int:
        """The place of a code."""
        return self.codes.index(code)


@dataclass(frozen=True)
class Drugs(Named):
    """Drugs: amounts and doses in thousandths of `unit`, ddd in thousandths of `ddd_unit` (0 without), per_day in hundredths."""

    atc: tuple[str, ...]
    form_zh: tuple[str, ...]
    unit: tuple[str, ...]
    pack_zh: tuple[str, ...]
    ddd_unit: tuple[str, ...]
    amount: Ints
    pieces: Ints
    dose: Ints
    per_day: Ints
    route: Ints
    days: Ints
    stay_days: Ints
    ddd: Ints
    essential: Ints
    antibacterial: Ints
    age_from: Ints
    instead: Ints  # what is given in a stay: the infusion or injection of the same substance where there is one

    def place(self, code: str) -> int:
        """The place of a code, or of the first drug with an ATC code."""
        return self.codes.index(code) if code in self.codes else self.atc.index(code)


@dataclass(frozen=True)
class Routes(Named):
    """Routes of administration, with the code of CV06.00.102."""

    cv: tuple[str, ...]
    injection: Ints


@dataclass(frozen=True)
class Panels(Named):
    """Panels: items of panel p stand from start[p] to start[p + 1] in `items`."""

    specimen: tuple[str, ...]
    start: Ints
    items: Ints
    minutes: Ints
    again: Ints


@dataclass(frozen=True)
class Procedures(Named):
    """Procedures by ICD-9-CM-3; anaesthesia and incision NONE without."""

    level: Ints
    operation: Ints
    minutes: Ints
    anaesthesia: Ints
    incision: Ints
    outpatient: Ints


@dataclass(frozen=True)
class Exams(Named):
    """Examinations with the texts of their reports; `chance` by condition (last row: none), exam and text: weights summed so far."""

    kind: tuple[str, ...]
    modality: tuple[str, ...]
    minutes: Ints
    texts: tuple[tuple[str, ...], ...]
    conclusions: tuple[tuple[str, ...], ...]
    conclusions_en: tuple[tuple[str, ...], ...]
    chance: Ints
    side: Ints  # (exams, texts): 0 none, 1 one of both, 3 both
    abnormal: Ints
    size_from: Ints  # NONE without
    size_to: Ints


@dataclass(frozen=True)
class Payers(Named):
    """Payers: CV07.10.005 codes as numbers, rates in thousandths and deductibles in fen for (outpatients, stays)."""

    number: Ints
    rate: Ints
    deductible: Ints


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
    labs, vitals, routes = read_measures("lab", codes), read_measures("vital", codes), _routes()
    panels, procedures, exams, drugs = _panels(labs), _procedures(), _exams(codes), _drugs(routes)
    places: dict[str, Named] = {"labs": panels, "drugs": drugs, "procedures": procedures, "exams": exams}
    wanted = {"labs": conditions.labs, "drugs": _and_also(conditions.drugs, codes), "procedures": conditions.procedures, "exams": conditions.exams}
    vital_rows, fee_rows = read_table("vital_item"), read_table("fee")
    fees = Named(*_names(fee_rows))
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
        payers=_payers(),
        wants={what: _wants(what, wanted[what], codes, places[what], procedures.operation if what == "procedures" else None) for what in places},
        use=_use(),
        routine=_routine({"labs": panels.codes, "exams": exams.codes, "drugs": drugs.codes, "vitals": vitals.codes}),
    )


def thousandths(rows: Sequence[dict[str, str]], column: str, unit: int = 1000) -> Ints:
    """A column of decimals times `unit` (0 where empty)."""
    return np.array([rounded(Fraction(row[column] or 0) * unit) for row in rows], dtype=np.int64)


def _names(rows: Sequence[dict[str, str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row[column] for row in rows) for column in ("code", "name_zh", "name_en", "standing"))


def _texts(rows: Sequence[dict[str, str]], *columns: str) -> dict[str, tuple[str, ...]]:
    return {column: tuple(row[column] for row in rows) for column in columns}


def _or_none(rows: Sequence[dict[str, str]], column: str) -> Ints:
    return np.array([int(row[column]) if row[column] else NONE for row in rows], dtype=np.int64)


def _routes() -> Routes:
    rows = read_table("route")
    return Routes(*_names(rows), **_texts(rows, "cv"), injection=whole(rows, "injection"))


def _drugs(routes: Routes) -> Drugs:
    rows = read_table("drug")
    infused = {row["atc"]: place for place, row in enumerate(rows) if row["route"] in ("IV", "IVP")}
    return Drugs(
        *_names(rows),
        **_texts(rows, "atc", "form_zh", "unit", "pack_zh", "ddd_unit"),
        amount=thousandths(rows, "amount"),
        pieces=whole(rows, "pieces"),
        dose=thousandths(rows, "dose"),
        per_day=thousandths(rows, "per_day", 100),
        route=np.array([routes.place(row["route"]) for row in rows], dtype=np.int64),
        days=whole(rows, "days"),
        stay_days=whole(rows, "stay_days"),
        ddd=thousandths(rows, "ddd"),
        essential=whole(rows, "essential"),
        antibacterial=np.array([row["fee"] == "D23x01" for row in rows], dtype=np.int64),
        age_from=whole(rows, "age_from"),
        instead=np.array([infused.get(row["atc"], place) if row["route"] == "PO" else place for place, row in enumerate(rows)], dtype=np.int64),
    )


def _panels(labs: Measures) -> Panels:
    rows = read_table("panel")
    items = [[labs.place(code) for code in row["items"].split("|")] for row in rows]
    return Panels(
        *_names(rows),
        **_texts(rows, "specimen"),
        start=np.cumsum([0] + [len(each) for each in items]).astype(np.int64),
        items=np.array([place for each in items for place in each], dtype=np.int64),
        minutes=whole(rows, "minutes"),
        again=whole(rows, "again"),
    )


def _procedures() -> Procedures:
    rows = read_table("procedure")
    numbers = {name: whole(rows, name) for name in ("level", "operation", "minutes", "outpatient")}
    return Procedures(*_names(rows), anaesthesia=_or_none(rows, "anaesthesia"), incision=_or_none(rows, "incision"), **numbers)


def _exams(conditions: tuple[str, ...]) -> Exams:
    rows, texts = read_table("exam"), read_table("exam_text")
    of = [[text for text in texts if text["exam"] == row["code"]] for row in rows]
    unfit = [row["code"] for row, some in zip(rows, of, strict=True) if not any(not text["stems"] for text in some) or len(some) > MOST_TEXTS]
    if unfit:
        raise Defect(f"exam_text.csv: {unfit} lack a text for anybody, or have more than {MOST_TEXTS} texts")
    chance = np.stack([_chances(some, conditions) for some in of], axis=1)

    def padded(column: str, absent: int) -> Ints:
        return np.array([[int(t[column]) if t[column] else absent for t in some] + [absent] * (MOST_TEXTS - len(some)) for some in of], dtype=np.int64)

    return Exams(
        *_names(rows),
        **_texts(rows, "kind", "modality"),
        minutes=whole(rows, "minutes"),
        texts=tuple(tuple(text["text_zh"] for text in some) for some in of),
        conclusions=tuple(tuple(text["conclusion_zh"] for text in some) for some in of),
        conclusions_en=tuple(tuple(text["conclusion_en"] for text in some) for some in of),
        chance=chance,
        side=padded("side", 0),
        abnormal=padded("abnormal", 0),
        size_from=padded("size_from", NONE),
        size_to=padded("size_to", NONE),
    )


def _chances(texts: Sequence[dict[str, str]], conditions: tuple[str, ...]) -> Ints:
    """Weights summed over the texts of one examination, by condition; places beyond the last text hold the total."""
    fits = np.array([fitting(text["stems"], conditions) for text in texts])
    fits = np.concatenate([fits, np.zeros((len(texts), 1), dtype=np.bool_)], axis=1).T
    anybody = np.array([not text["stems"] for text in texts])
    weight = np.array([int(text["weight"]) for text in texts])
    beside = np.where(fits.any(axis=1), _NORMAL_BESIDE, 100)[:, None]
    summed = np.cumsum(weight * np.where(anybody, beside, 100 * fits), axis=1)
    return np.pad(summed, ((0, 0), (0, MOST_TEXTS - len(texts))), mode="edge").astype(np.int64)


def _payers() -> Payers:
    rows = read_table("payer")
    rate = np.stack([whole(rows, "outpatient"), whole(rows, "stay")], axis=1)
    deductible = np.stack([thousandths(rows, name, 100) for name in ("deductible_outpatient", "deductible_stay")], axis=1)
    return Payers(*_names(rows), number=whole(rows, "code"), rate=rate, deductible=deductible)


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
