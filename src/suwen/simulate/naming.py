"""The names that the systems write, gathered from the knowledge of the world and of care."""

from __future__ import annotations

import numpy as np

from suwen.simulate.catalogue import Catalogue
from suwen.simulate.dialects.lexicon import TITLES, Doctors, Lexicon, Named
from suwen.simulate.dialects.text import Words
from suwen.simulate.dialects.values import NUMBER
from suwen.simulate.draws import below, draw
from suwen.simulate.knowledge import Knowledge
from suwen.simulate.measures import NO_HIGH, NO_LOW, Measures
from suwen.simulate.places import DIALECTS, Hospitals, Places, doctors
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import Ints


def lexicon_of(settings: Settings, knowledge: Knowledge, catalogue: Catalogue, places: Places) -> Lexicon:
    """All names of a region."""
    hospitals, drugs, labs = places.hospitals, catalogue.drugs, catalogue.labs
    ranges, range_place = _ranges(labs)
    vitals = catalogue.vitals
    return Lexicon(
        hospitals=Named(hospitals.codes, hospitals.names_zh),
        systems=systems_of(hospitals),
        departments=Named(knowledge.departments.codes, knowledge.departments.names_zh),
        doctors=_doctors(settings, knowledge, places),
        areas=Named(tuple(str(code) for code in knowledge.areas.codes), knowledge.areas.names_zh),
        surnames=knowledge.names.surnames,
        given=knowledge.names.given,
        occupations=Named(knowledge.occupations.codes, knowledge.occupations.names_zh),
        conditions=Named(knowledge.conditions.codes, knowledge.conditions.names_zh),
        procedures=Named(catalogue.procedures.codes, catalogue.procedures.names_zh, {"level": tuple(str(level) for level in catalogue.procedures.level)}),
        drugs=Named(drugs.codes, drugs.names_zh, {"spec": _specs(catalogue), "unit": drugs.unit, "pack": drugs.pack_zh}),
        routes=Named(catalogue.routes.codes, catalogue.routes.names_zh),
        items=Named(labs.codes, labs.names_zh, {"unit": labs.unit, "shown": labs.unit_shown, "other": labs.other_unit, "kind": _answers(labs)}),
        item_decimals=labs.decimals,
        other_factor=tuple((factor.numerator, factor.denominator) for factor in labs.other_factor),
        other_decimals=labs.other_decimals,
        ranges=ranges,
        range_place=range_place,
        vitals=Named(vitals.codes, vitals.names_zh, {"unit": vitals.unit}),
        vital_decimals=vitals.decimals,
        exams=Named(catalogue.exams.codes, catalogue.exams.names_zh, {"kind": catalogue.exams.kind}),
        exam_texts=tuple(
            tuple(f"{text}{conclusion}。" for text, conclusion in zip(texts, ends, strict=True))
            for texts, ends in zip(catalogue.exams.texts, catalogue.exams.conclusions, strict=True)
        ),
        fees=Named(catalogue.fees.codes, catalogue.fees.names_zh),
        charge_items=Named(catalogue.charges.codes, catalogue.charges.names_zh, {"unit": catalogue.charges.unit}),
    )


def systems_of(hospitals: Hospitals) -> tuple[tuple[str, ...], ...]:
    """The systems of each hospital: its own, and beside it those for the laboratory and for front pages."""
    return tuple(
        (DIALECTS[system], *(("lis",) if laboratory else ()), *(("frontpage",) if front_page else ()))
        for system, laboratory, front_page in zip(hospitals.system, hospitals.laboratory, hospitals.front_page, strict=True)
    )


def _doctors(settings: Settings, knowledge: Knowledge, places: Places) -> Doctors:
    found = [doctors(settings, knowledge, places, hospital) for hospital in range(len(places.hospitals))]
    hospital = np.repeat(np.arange(len(found)), [len(one["number"]) for one in found])
    columns = {name: np.concatenate([one[name] for one in found]) for name in ("number", "department", "sex", "surname", "given")}
    title = below(draw(settings.seed, "doctor title", hospital, columns["number"]), len(TITLES.codes))
    return Doctors(hospital=hospital, title=title, **columns)


def _specs(catalogue: Catalogue) -> Words:
    """Strength and size of the pack, as 250mg*24."""
    drugs = catalogue.drugs
    return tuple(f"{_thousandths(int(amount))}{unit}*{pieces}" for amount, unit, pieces in zip(drugs.amount, drugs.unit, drugs.pieces, strict=True))


def _thousandths(value: int) -> str:
    whole, rest = divmod(value, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")


def _answers(labs: Measures) -> Words:
    return tuple("|".join(answers) if answers else NUMBER for answers in labs.answers)


def _ranges(labs: Measures) -> tuple[Words, Ints]:
    """Reference ranges as texts, and by item, sex and age the place of each."""
    words: dict[str, int] = {}
    place = np.zeros(labs.band.shape, dtype=np.int64)
    for item, decimals in enumerate(labs.decimals.tolist()):
        for band in np.unique(labs.band[item]).tolist():
            low, high = (int(side[band]) for side in (labs.low, labs.high))
            text = "" if labs.answers[item] else _range(low, high, decimals)
            place[item][labs.band[item] == band] = words.setdefault(text, len(words))
    return tuple(words), place


def _range(low: int, high: int, decimals: int) -> str:
    """low-high; 0 where there is no lower limit, nothing where there is no upper one."""
    if high == NO_HIGH:
        return ""
    return "-".join(_shown(0 if side == NO_LOW else side, decimals) for side in (low, high))


def _shown(value: int, decimals: int) -> str:
    whole, rest = divmod(value, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)
