"""What is counted in a simulated region: one number for each published figure, and the series behind the charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.plausible.published import Disease, diseases, rows
from bench.plausible.region import YEAR, Columns, Region
from suwen.simulate.course import CHECK_UP, DAY, DAY_CASE, EMERGENCY, INPATIENT, OUTPATIENT
from suwen.simulate.dialects.identity import ABSENT
from suwen.simulate.measures import NO_HIGH, NO_LOW
from suwen.simulate.shapes import NONE, Ints

MISTYPED = 2
DIED = 5  # way of discharge
STAYS = (INPATIENT, DAY_CASE)
COVID = "U07.1"  # not in the published totals
DELIVERIES = ("O80", "O82", "O14", "O42")


def figures(region: Region) -> dict[str, float]:
    """Every figure by its key, in the unit of published.csv; not a number where nothing was there to be counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {**_people(region), **_visits(region), **_stays(region), **_cards(region), **_identity(region)}


def person_years(region: Region, first: int = 0, last: int = 200, sex: int = 0) -> float:
    """Years lived in the region in the simulated time at some ages, both included; sex 0: both."""
    person, settings = region.person, region.settings
    until = np.where(person["died"] == NONE, settings.last + 1, person["died"])
    begun = np.maximum(np.maximum(person["born"], settings.first), person["born"] + first * YEAR)
    lived = np.maximum(np.minimum(until, person["born"] + (last + 1) * YEAR) - begun, 0)
    return float(lived[(person["sex"] == sex) | (sex == 0)].sum() / YEAR)


def share(mask: np.ndarray) -> float:
    """True ones in per cent."""
    return float(mask.mean() * 100) if len(mask) else float("nan")


def mean(values: Ints) -> float:
    return float(values.mean()) if len(values) else float("nan")


def at_start(region: Region) -> tuple[Ints, Ints]:
    """Sex and age in whole years of who lived when the simulated years began."""
    person, first = region.person, region.settings.first
    there = person["born"] < first
    return person["sex"][there], ((first - person["born"][there]) / YEAR).astype(np.int64)


def _people(region: Region) -> dict[str, float]:
    person, years = region.person, person_years(region)
    sex, age = at_start(region)
    born, dead = person["born"] >= region.settings.first, person["died"] != NONE
    infants = dead & born & (person["died"] - person["born"] < YEAR)
    return {
        "share_0_14": share(age <= 14),
        "share_15_59": share((age >= 15) & (age <= 59)),
        "share_60": share(age >= 60),
        "share_65": share(age >= 65),
        "sex_ratio": float((sex == 1).sum() / (sex == 2).sum() * 100),
        "sex_ratio_birth": float((person["sex"][born] == 1).sum() / max(1, (person["sex"][born] == 2).sum()) * 100),
        "birth_rate": float(born.sum() / years * 1000),
        "death_rate": float(dead.sum() / years * 1000),
        "infant_mortality": float(infants.sum() / max(1, born.sum()) * 1000),
        "life_expectancy": _expectancy([(band.first, band.last, band.deaths / max(band.years, 1e-9)) for band in mortality(region, 0)]),
        "died_in_stay": share(person["died_in"][dead] != NONE),
    }


@dataclass(frozen=True)
class Band:
    """Deaths and person-years of an age band."""

    first: int
    last: int
    deaths: int
    years: float


def mortality(region: Region, sex: int) -> list[Band]:
    """Deaths and person-years by the age bands of by_age.csv, those of 85 and more together."""
    person = region.person
    dead = (person["died"] != NONE) & ((person["sex"] == sex) | (sex == 0))
    age = (person["died"][dead] - person["born"][dead]) / YEAR
    bands = [(int(row["first"]), int(row["last"])) for row in rows("by_age") if int(row["first"]) <= 85]
    bands[-1] = (85, 110)
    return [Band(first, last, int(((age >= first) & (age < last + 1)).sum()), person_years(region, first, last, sex)) for first, last in bands]


def _expectancy(rates: Sequence[tuple[int, int, float]]) -> float:
    """Life expectancy at birth from death rates by age band (an abridged life table; deaths lie in the middle of a band, those of infants early)."""
    alive = years = 1.0
    years = 0.0
    for first, last, rate in rates[:-1]:
        width, part = last - first + 1, 0.1 if first == 0 else 0.5
        dying = width * rate / (1 + width * (1 - part) * rate)
        years += alive * (width - width * (1 - part) * dying)
        alive *= 1 - dying
    return years + alive / max(rates[-1][2], 1e-9)


def fertility(region: Region) -> list[tuple[int, float]]:
    """The pattern of births by the mother's age: first age of the band and share (%) of the sum of rates."""
    person = region.person
    child = (person["mother"] != NONE) & (person["born"] >= region.settings.first)
    order = np.argsort(person["person"])
    mother = order[np.searchsorted(person["person"], person["mother"][child], sorter=order)]
    age = (person["born"][child] - person["born"][mother]) / YEAR
    rates = []
    for row in rows("fertility"):
        first, last = int(row["first"]), int(row["last"])
        rates.append((first, float(((age >= first) & (age < last + 1)).sum()) / max(person_years(region, first, last, 2), 1e-9)))
    return [(first, rate / max(sum(one for _, one in rates), 1e-12) * 100) for first, rate in rates]


def _visits(region: Region) -> dict[str, float]:
    visit, years, codes = region.visit, person_years(region), np.array(region.knowledge.conditions.codes)
    kind, code = visit["kind"], codes[visit["condition"]]
    stays = np.isin(kind, STAYS)
    cancer, delivery = stays & np.char.startswith(code, "C"), stays & np.isin(code, DELIVERIES)
    ended = stays & (visit["end"] != NONE)
    again, planned = visit["readmission"][ended] != NONE, visit["planned"][ended] == 1
    contacts, admissions = np.isin(kind, (OUTPATIENT, EMERGENCY)).sum() / years, stays.sum() / years * 100
    person = region.person
    adult = (region.settings.last - person["born"] >= 18 * YEAR).sum()
    tense = region.diagnosed["person"][codes[region.diagnosed["condition"]] == "I10"]
    return {
        "outpatient_and_emergency": float(contacts),
        "all_contacts": float(contacts),
        "emergency": float((kind == EMERGENCY).sum() / years),
        "check_up": float((kind == CHECK_UP).sum() / years),
        "admissions": float(admissions),
        "admissions_all": float(admissions),
        "day_case": share(kind[stays] == DAY_CASE),
        "cancer_stays": float(cancer.sum() / years * 1000),
        "cancer_deaths": share(visit["way"][cancer] == DIED),
        "haemorrhagic": share(code[stays & np.isin(code, ("I61", "I63"))] == "I61"),
        "caesarean": share(code[delivery] == "O82"),
        "hypertension": float(len(np.unique(tense)) / adult * 100),
        "readmission": share(again & ~planned),
        "readmission_planned": share(again & planned),
    }


def nights(visit: Columns) -> Ints:
    """Nights of visits that have ended."""
    return visit["end"] // DAY - visit["start"] // DAY


def taken(region: Region, kinds: Sequence[int], levels: Sequence[int] = (1, 2, 3)) -> Columns:
    """The ended visits of some kinds in hospitals of some levels."""
    visit = region.visit
    mask = np.isin(visit["kind"], kinds) & np.isin(region.hospitals.level[visit["hospital"]], levels) & (visit["end"] != NONE)
    return {name: column[mask] for name, column in visit.items()}


def _stays(region: Region) -> dict[str, float]:
    groups = {"hospital": (2, 3), "1": (1,), "2": (2,), "3": (3,)}
    found = {"stay": mean(nights(taken(region, (INPATIENT,))))}
    for name, levels in groups.items():
        found[f"stay_{name}"] = mean(nights(taken(region, (INPATIENT,), levels)))
        found[f"visit_{name}"] = mean(taken(region, (OUTPATIENT,), levels)["charged"]) / 100
        found[f"discharge_{name}"] = mean(taken(region, STAYS, levels)["charged"]) / 100
    for name, kinds in (("drugs_outpatient", (OUTPATIENT,)), ("drugs_stay", STAYS)):
        charged = taken(region, kinds)
        found[name] = float(charged["drugs"].sum() / max(1, charged["charged"].sum()) * 100)
    return found


def _cards(region: Region) -> dict[str, float]:
    card, conditions, years = region.card, region.knowledge.conditions, person_years(region)
    counted = np.array(conditions.codes)[card["condition"]] != COVID
    mouth = card["condition"] == conditions.place("B08.4")
    delay = card["diagnosed"][mouth] // DAY - card["onset"][mouth]
    hours, usual = reporting_hours(region), conditions.reportable[card["condition"]] > 1
    return {
        "hfmd_delay": float(np.median(delay)) if len(delay) else float("nan"),
        "within_24_hours": share(hours[usual] <= 24),
        "cards": float(counted.sum() / years * 100_000),
        "cards_natural": float((counted & (card["outbreak"] == NONE)).sum() / years * 100_000),
    }


def reporting_hours(region: Region) -> np.ndarray:
    """Hours from diagnosis to report of each card."""
    return np.asarray(region.card["reported"] - region.card["diagnosed"]) / 3600


def _identity(region: Region) -> dict[str, float]:
    known = region.patient["resident_id"]
    return {"id_absent": share(known == ABSENT), "id_mistyped": share(known == MISTYPED), "twins": share(region.patient["twin"] != NONE)}


@dataclass(frozen=True)
class Reported:
    """Cards of a disease: rate a year per 100,000 with and without injected outbreaks; onsets by month of the year (%), without them."""

    disease: Disease
    rate: float
    natural: float
    natural_cards: int
    months: list[float]


def reported(region: Region) -> Iterator[Reported]:
    """The compared diseases with what was simulated."""
    years = person_years(region)
    for disease in diseases():
        card = cards_of(region, disease)
        natural = card["outbreak"] == NONE
        month = card["onset"][natural].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        counts = np.bincount(month, minlength=12)
        shares = (counts / max(1, counts.sum()) * 100).tolist()
        yield Reported(disease, len(natural) / years * 100_000, float(natural.sum()) / years * 100_000, int(natural.sum()), shares)


def aimed_at(region: Region, disease: Disease) -> list[float]:
    """Each month's share (%) by the weights that the simulator draws the disease's onsets from: those of its first condition."""
    weights = region.knowledge.seasons[region.knowledge.conditions.season[region.knowledge.conditions.place(disease.codes[0])]]
    return (weights / weights.sum() * 100).tolist()


def cards_of(region: Region, disease: Disease) -> Columns:
    """The cards of a disease."""
    codes = region.knowledge.conditions.codes
    own = np.isin(region.card["condition"], [codes.index(code) for code in disease.codes if code in codes])
    return {name: column[own] for name, column in region.card.items()}


def weekly(region: Region, disease: Disease) -> tuple[Ints, Ints]:
    """Cards by week of onset, from the first simulated day on: all that are no injected outbreak's, and those that are."""
    card, settings = cards_of(region, disease), region.settings
    week, injected = (card["onset"] - settings.first) // 7, card["outbreak"] != NONE
    length = settings.days // 7 + 1
    return np.bincount(week[~injected], minlength=length), np.bincount(week[injected], minlength=length)


@dataclass(frozen=True)
class Measured:
    """Values of a laboratory item in a group of adults: who is well (a check-up with nothing else found) and who has a disease; in the item's unit."""

    item: str
    name: str
    unit: str
    group: str
    disease: str
    low: float | None
    high: float | None
    well: np.ndarray
    ill: np.ndarray

    def inside(self, values: np.ndarray) -> float:
        """Share within the reference interval (%)."""
        low, high = (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)
        return share((values >= low) & (values <= high))


# item, sex, ages, stems of the disease, its name
_MEASURED = (
    ("WBC", 0, (18, 120), ("J15", "J18"), "pneumonia"),
    ("HGB", 2, (18, 120), ("D50",), "iron deficiency anaemia"),
    ("ALT", 1, (18, 120), ("B15", "B16", "B17", "B18", "K70", "K71", "K73", "K74", "K75", "K76"), "liver disease"),
    ("ALB", 0, (18, 120), ("K70", "K74", "C22"), "cirrhosis, liver cancer"),
    ("CREA", 1, (20, 59), ("N17", "N18"), "kidney failure"),
    ("GLU", 0, (18, 120), ("E10", "E11", "E14"), "diabetes"),
)
_SEXES = ("adults", "men", "women")


def measured(region: Region) -> Iterator[Measured]:
    """The laboratory items that are shown."""
    measures, codes, result = region.measures, np.array(region.knowledge.conditions.codes), region.result
    for item, sex, (youngest, oldest), stems, disease in _MEASURED:
        place = measures.place(item)
        group = (result["item"] == place) & (result["age"] >= youngest) & (result["age"] <= oldest) & ((result["sex"] == sex) | (sex == 0))
        ill = group & np.isin(np.array([code[:3] for code in codes])[result["condition"]], stems)
        unit = 10 ** int(measures.decimals[place])
        band = measures.band[place, max(sex - 1, 0), 40]
        low, high = int(measures.low[band]), int(measures.high[band])
        ages = "" if oldest > 100 else f", {youngest} to {oldest}"
        yield Measured(
            item=item,
            name=measures.names_en[place],
            unit=measures.unit_shown[place],
            group=_SEXES[sex] + ages,
            disease=disease,
            low=None if low == NO_LOW else low / unit,
            high=None if high == NO_HIGH else high / unit,
            well=result["value"][group & (result["plain"] == 1)] / unit,
            ill=result["value"][ill] / unit,
        )
