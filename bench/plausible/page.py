"""The page: charts, and tables of simulated beside published figures, each with its standing and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bench.plausible.figures import STAYS, measured, person_years, reported
from bench.plausible.published import DERIVED, INVENTED, PUBLISHED, Figure, figures
from bench.plausible.region import Region
from suwen.simulate.course import OUTPATIENT

IMAGES = "images/simulated"
_SECTIONS = {
    "people": "People",
    "visits": "Visits and stays",
    "stay": "Length of stay",
    "cost": "Costs",
    "cards": "Reportable diseases",
    "ids": "How patients are known",
}
_CHARTS = {
    "people": (
        ("pyramid", "Population pyramid, simulated bars inside the published outline"),
        ("deaths", "Death rates by age and sex, simulated and published"),
        ("births", "Fertility by the mother's age, simulated and published"),
    ),
    "visits": (("hospitals", "Visits and stays a year by hospital"),),
    "stay": (("stays", "Length of stay and its mean by department, with the published mean"),),
    "cost": (("costs", "Costs of visits and discharges by level, and what they are made up of"),),
    "cards": (
        ("weeks", "Cards by week with the injected outbreaks marked"),
        ("seasons", "Months of the year, simulated and published"),
        ("delays", "Hours from diagnosis to report, with the statutory limit"),
    ),
}
_SAID = {
    "people": "The shape by five years follows the census of 2020 in its broad groups only; the groups between are invented, and stand beside an estimate\n"
    "made before that census. Above 75 the estimate of 2019 is lower than what the census found.",
    "visits": "The region has hospitals, community centres and township centres, but no village clinics; so it is held against what is published for\n"
    "hospitals.",
    "stay": "Means by kind of hospital hardly differ here, because the mean of a condition is the same everywhere.",
    "cost": "Prices are invented; their level is set so that a visit and a discharge cost about the published means of 2023. They are the same in all\n"
    "hospitals: levels differ by what is done alone, which is too little.",
    "cards": "Onsets follow the months in which cases were reported nationally in 2017 to 2019 (influenza, hand, foot and mouth disease, diarrhoea, scarlet\n"
    "fever, mumps); other seasons are invented. Outbreaks are put in on purpose, many more than there are in life: see `outbreaks.parquet` in the truth.",
    "ids": "No source says how often a resident id is absent or mistyped in a hospital's files: the rates are invented.",
}
_CHAPTERS = (  # of ICD-10, with the place among the ten leading ones of inpatients in 2010
    ("circulatory", ("I",), 1),
    ("respiratory", ("J",), 2),
    ("injury and poisoning", ("S", "T"), 3),
    ("digestive", ("K",), 4),
    ("pregnancy, childbirth", ("O",), 5),
    ("neoplasms", ("C", *(f"D{one}" for one in range(5))), 6),
    ("genitourinary", ("N",), 7),
    ("other contacts", ("Z",), 8),
    ("infections", ("A", "B"), 9),
    ("endocrine, nutrition", ("E",), 10),
)
_MONTHLY = "[China CDC](https://weekly.chinacdc.cn), National Bureau of Statistics"
_CHAPTERS_SOURCE = "[2010](http://218.28.6.71:81/Qikan/Article/Detail?id=665601967)"


def markdown(region: Region, found: Mapping[str, float]) -> str:
    """The whole page."""
    lines = [*_head(region, found)]
    for section, title in _SECTIONS.items():
        lines += [f"## {title}", "", _SAID[section], "", *_figures(section, found)]
        lines += _shown(_CHARTS.get(section, ()))
        if section == "visits":
            lines += _diagnoses(region)
        if section == "cards":
            lines += _diseases(region)
    lines += [
        "## Laboratory",
        "",
        _LABORATORY,
        "",
        *_laboratory(region),
        *_shown((("laboratory", "Six laboratory items in health and in disease, with their intervals"),)),
    ]
    return "\n".join([*lines, *_sources()])


_LABORATORY = (
    "Well: a check-up without any other diagnosis, the first result of an item in a visit. A reference interval is the middle 95 % of the healthy by its\n"
    "definition; [Mu and others](https://doi.org/10.1371/journal.pone.0072916) found 95.3 to 98.8 % of 1,220 healthy results within theirs (2013, liver\n"
    "function tests): published. The intervals are those of WS/T 404 and 405 as they are generally known, that of glucose is the usual one; the text of the\n"
    "standards could not be read, so they are not marked as published. How far a disease moves a value is invented."
)


def _head(region: Region, found: Mapping[str, float]) -> Iterator[str]:
    settings, near = region.settings, [found[one.key] / one.value for one in figures() if one.value and one.short]
    within = sum(0.8 <= ratio <= 1.25 for ratio in near)
    yield from ("# How believable the simulated region is", "")
    yield "A region that [`suwen simulate`](guide/simulate.md) makes, held against what is published of China. Nothing here is a statement about China: it says"
    yield "where the simulated hospitals can stand for real ones, and where they cannot."
    yield ""
    said = f"{settings.hospitals} hospitals, {settings.persons:,} persons, {settings.years} years to {settings.last_day}, seed {settings.seed}"
    yield f"`python -m bench.plausibility`: {said}, without injected defects;"
    counted = f"{person_years(region):,.0f} person-years, {len(region.visit['visit']):,} visits"
    yield f"{counted}. Numbers are counted from the simulator's own events. The same settings"
    yield "give the same page and the same charts."
    yield ""
    yield f"Of {len(near)} figures with a published one, {within} are within a quarter of it. The others are told in the notes of the tables."
    yield ""
    yield "| standing | what it means |"
    yield "| --- | --- |"
    yield f"| {PUBLISHED} | the figure stands in the source named |"
    yield f"| {DERIVED} | computed from figures in the source, as the note says |"
    yield f"| {INVENTED} | no source was found; what the simulator does is made up |"
    yield ""
    yield from _shown((("overview", "Each simulated figure as a multiple of the published one"),))
    yield from (_CHAINED, "")


_CHAINED = (
    "Not followed at all: how illnesses of a person depend on each other beyond what is chronic, differences between town and country, fees by level, school\n"
    "holidays, and the years of the pandemic."
)


def _shown(charts: Sequence[tuple[str, str]]) -> list[str]:
    return [line for name, alternative in charts for line in (f"![{alternative}]({IMAGES}/{name}.svg)", "")]


_NUMBERS = ("simulated", "published", "2019", "2023", "without outbreaks", "%", "well", "ill")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rules = " | ".join("---:" if column in _NUMBERS else "---" for column in columns)
    return [f"| {' | '.join(columns)} |", f"| {rules} |", *(f"| {' | '.join(row)} |" for row in rows), ""]


def _figures(section: str, found: Mapping[str, float]) -> list[str]:
    rows = [(one.what, number(found[one.key], one.unit), stated(one), one.standing, _cited(one), one.note) for one in figures() if one.section == section]
    return _table(("figure", "simulated", "published", "standing", "source", "note"), rows)


def _cited(one: Figure) -> str:
    return f"[{one.year}]({one.url}) ({_sources_by_name()[one.source]})" if one.value is not None else "none"


def _sources_by_name() -> dict[str, int]:
    names = list(dict.fromkeys(one.source for one in figures() if one.value is not None))
    return {name: place for place, name in enumerate(names, start=1)}


def _sources() -> list[str]:
    addresses = {one.source: one.url for one in figures() if one.value is not None}
    lines = ["## Sources", "", "Numbers in brackets in the tables:", ""]
    lines += [f"{place}. {name}: <{addresses[name]}>" for name, place in _sources_by_name().items()]
    lines += [
        "",
        "The communique on 2023 was read in reproductions by the press. By age: United Nations, DESA, Population Division, World Population Prospects 2019",
        "(people, 2020) and 2024 (deaths, fertility), <https://population.un.org/wpp/>, CC BY 3.0 IGO. By month: China CDC, reports of notifiable infectious",
        "diseases, since 2020 in [China CDC Weekly](https://weekly.chinacdc.cn) (for example doi 10.46234/ccdcw2023.060), as collected in <https://github.com/xmusphlkg/CNIDS>.",
        "All of it lies as CSV in `bench/plausible/`.",
        "",
    ]
    return lines


def number(value: float | None, unit: str) -> str:
    """A figure for the page, with its unit; empty where there is none."""
    if value is None:
        return ""
    if np.isnan(value):
        return "none seen"
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{shown} {unit}".strip()


def stated(one: Figure) -> str:
    """A published figure with the digits it is published with."""
    return "" if one.value is None else f"{one.value:,.10g} {one.unit}".strip()


def _diseases(region: Region) -> list[str]:
    rows = [
        (one.disease.name, f"{one.rate:.1f}", f"{one.natural:.1f}", *(f"{one.disease.rate(year):.1f}" for year in (2019, 2023)), DERIVED, _MONTHLY)
        for one in reported(region)
    ]
    said = "Cards a year per 100,000. 2019 and 2023: all cases reported in the year by the population at its end."
    return [said, "", *_table(("disease", "simulated", "without outbreaks", "2019", "2023", "standing", "source"), rows)]


def _diagnoses(region: Region) -> list[str]:
    conditions, visit = region.knowledge.conditions, region.visit
    stays, seen = np.isin(visit["kind"], STAYS), visit["kind"] == OUTPATIENT
    parts = [_leading(conditions.names_en, visit["condition"][mask]) for mask in (stays, seen)]
    rows = [(str(place + 1), *parts[0][place], *parts[1][place]) for place in range(len(parts[0]))]
    lines = ["### Leading diagnoses", "", "Principal diagnoses. By condition no comparable national list was found, so this table is simulated alone.", ""]
    lines += _table(("", "stays", "%", "outpatient visits", "%"), rows)
    codes = np.array(conditions.codes)[visit["condition"][stays]]
    counted = [(name, np.char.startswith(codes[:, None], np.array(letters)[None, :]).any(axis=1).mean() * 100, place) for name, letters, place in _CHAPTERS]
    counted.sort(key=lambda one: -one[1])
    ranked = [(name, f"{portion:.1f}", str(own), str(place), PUBLISHED, _CHAPTERS_SOURCE) for own, (name, portion, place) in enumerate(counted, start=1)]
    lines += ["Stays by chapter of ICD-10, with their places here and among the ten leading chapters of 36 million inpatients of 2010:", ""]
    return lines + _table(("chapter", "%", "simulated", "published", "standing", "source"), ranked)


def _leading(names: Sequence[str], places: np.ndarray) -> list[tuple[str, str]]:
    counts = np.bincount(places, minlength=len(names))
    return [(names[one], f"{counts[one] / max(1, counts.sum()) * 100:.1f}") for one in np.argsort(-counts, kind="stable")[:12].tolist()]


def _laboratory(region: Region) -> list[str]:
    rows = []
    for item in measured(region):
        interval = f"{'' if item.low is None else f'{item.low:g}'} to {'' if item.high is None else f'{item.high:g}'} {item.unit}"
        well, ill = (f"{number(item.inside(values), '%')} of {len(values):,}" for values in (item.well, item.ill))
        rows.append((f"{item.item}, {item.name}", item.group, interval, well, item.disease, ill))
    return _table(("item", "of", "interval", "well", "disease", "ill"), rows)
