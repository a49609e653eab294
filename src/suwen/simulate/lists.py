"""The lists that care chooses from: drugs, routes, panels, procedures, examinations and payers, with what is known of each entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from suwen.base.errors import Defect
from suwen.simulate.knowledge_files import read_table, whole
from suwen.simulate.measures import Measures, rounded
from suwen.simulate.shapes import NONE, Ints
from suwen.simulate.stems import fitting

Texts = tuple[str, ...]
MOST_TEXTS = 12
_NORMAL_BESIDE = 15  # hundredths of their weight that texts of anybody keep where a text fits the disease


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
    """Procedures by ICD-9-CM-3; anaesthesia and incision NONE without.

    Of operations: what else may be done in the same entry into theatre (NONE for nothing), in a planned second one, and on an unplanned return.
    """

    level: Ints
    operation: Ints
    minutes: Ints
    anaesthesia: Ints
    incision: Ints
    outpatient: Ints
    together: Ints
    second: Ints
    back: Ints


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


_DEBRIDEMENT = "86.22"  # of a wound: what most who come back to theatre have


def thousandths(rows: Sequence[Mapping[str, str]], column: str, unit: int = 1000) -> Ints:
    """A column of decimals times `unit` (0 where empty)."""
    return np.array([rounded(Fraction(row[column] or 0) * unit) for row in rows], dtype=np.int64)


def names(rows: Sequence[Mapping[str, str]]) -> tuple[Texts, Texts, Texts, Texts]:
    """Codes, names and standing, as a Named begins."""
    return text(rows, "code"), text(rows, "name_zh"), text(rows, "name_en"), text(rows, "standing")


def text(rows: Sequence[Mapping[str, str]], column: str) -> Texts:
    """A column of texts."""
    return tuple(row[column] for row in rows)


def _or_none(rows: Sequence[Mapping[str, str]], column: str) -> Ints:
    return np.array([int(row[column]) if row[column] else NONE for row in rows], dtype=np.int64)


def read_routes() -> Routes:
    """The routes of administration."""
    rows = read_table("route")
    return Routes(*names(rows), cv=text(rows, "cv"), injection=whole(rows, "injection"))


def read_drugs(routes: Routes) -> Drugs:
    """The drugs."""
    rows = read_table("drug")
    infused = {row["atc"]: place for place, row in enumerate(rows) if row["route"] in ("IV", "IVP")}
    return Drugs(
        *names(rows),
        atc=text(rows, "atc"),
        form_zh=text(rows, "form_zh"),
        unit=text(rows, "unit"),
        pack_zh=text(rows, "pack_zh"),
        ddd_unit=text(rows, "ddd_unit"),
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


def read_panels(labs: Measures) -> Panels:
    """The panels."""
    rows = read_table("panel")
    items = [[labs.place(code) for code in row["items"].split("|")] for row in rows]
    return Panels(
        *names(rows),
        specimen=text(rows, "specimen"),
        start=np.cumsum([0] + [len(each) for each in items]).astype(np.int64),
        items=np.array([place for each in items for place in each], dtype=np.int64),
        minutes=whole(rows, "minutes"),
        again=whole(rows, "again"),
    )


def read_procedures() -> Procedures:
    """The procedures."""
    rows = read_table("procedure")
    incision = _or_none(rows, "incision")
    places = {row["code"]: place for place, row in enumerate(rows)}
    more = {row["code"]: row for row in read_table("theatre")}
    told = {name: [places.get(more.get(row["code"], {}).get(name, ""), NONE) for row in rows] for name in ("together", "second", "back")}
    second, back = np.array(told["second"], dtype=np.int64), np.array(told["back"], dtype=np.int64)
    own = np.arange(len(rows), dtype=np.int64)
    return Procedures(
        *names(rows),
        level=whole(rows, "level"),
        operation=whole(rows, "operation"),
        minutes=whole(rows, "minutes"),
        anaesthesia=_or_none(rows, "anaesthesia"),
        incision=incision,
        outpatient=whole(rows, "outpatient"),
        together=np.array(told["together"], dtype=np.int64),
        second=np.where(second == NONE, own, second),
        back=np.where(back != NONE, back, np.where(incision > 0, places[_DEBRIDEMENT], own)),
    )


def read_exams(conditions: tuple[str, ...]) -> Exams:
    """The examinations, with the chances of their texts for these conditions."""
    rows, texts = read_table("exam"), read_table("exam_text")
    of = [[text for text in texts if text["exam"] == row["code"]] for row in rows]
    unfit = [row["code"] for row, some in zip(rows, of, strict=True) if not any(not text["stems"] for text in some) or len(some) > MOST_TEXTS]
    if unfit:
        raise Defect(f"exam_text.csv: {unfit} lack a text for anybody, or have more than {MOST_TEXTS} texts")
    chance = np.stack([_chances(some, conditions) for some in of], axis=1)

    def padded(column: str, absent: int) -> Ints:
        return np.array([[int(t[column]) if t[column] else absent for t in some] + [absent] * (MOST_TEXTS - len(some)) for some in of], dtype=np.int64)

    return Exams(
        *names(rows),
        kind=text(rows, "kind"),
        modality=text(rows, "modality"),
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


def _chances(texts: Sequence[Mapping[str, str]], conditions: tuple[str, ...]) -> Ints:
    """Weights summed over the texts of one examination, by condition; places beyond the last text hold the total."""
    fits = np.array([fitting(text["stems"], conditions) for text in texts])
    fits = np.concatenate([fits, np.zeros((len(texts), 1), dtype=np.bool_)], axis=1).T
    anybody = np.array([not text["stems"] for text in texts])
    weight = np.array([int(text["weight"]) for text in texts])
    beside = np.where(fits.any(axis=1), _NORMAL_BESIDE, 100)[:, None]
    summed = np.cumsum(weight * np.where(anybody, beside, 100 * fits), axis=1)
    return np.pad(summed, ((0, 0), (0, MOST_TEXTS - len(texts))), mode="edge").astype(np.int64)


def read_payers() -> Payers:
    """The payers."""
    rows = read_table("payer")
    rate = np.stack([whole(rows, "outpatient"), whole(rows, "stay")], axis=1)
    deductible = np.stack([thousandths(rows, name, 100) for name in ("deductible_outpatient", "deductible_stay")], axis=1)
    return Payers(*names(rows), number=whole(rows, "code"), rate=rate, deductible=deductible)
