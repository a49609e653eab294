"""Outbreaks put into the region: a place, a time, a size and a shape each; and the infectious disease cards that reportable cases leave.

All numbers are invented. Who falls ill is drawn for each person alone, so the realised size is counted from the cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.simulate.draws import below, chosen, draw, happens, waiting
from suwen.simulate.knowledge import CLASSES, Knowledge
from suwen.simulate.places import Places
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, Ints, Rows, rows_of

SHAPES = ("point source", "propagated", "continuous")
CARRIED = ("A09", "B08.4", "J10", "A03", "B26", "A38", "A37", "B05", "B06", "A01", "B15", "B30.3", "A27", "A90", "B17.2")
_DELAY = {"": 0, "A": 3600, "B": 7 * 3600, "C": 9 * 3600}  # mean seconds from diagnosis to report
_FOR_EVERY = 400  # district days


@dataclass(frozen=True)
class Outbreaks:
    """Outbreaks by number: what, where (place in AREA), first day, days it lasts, cases to expect, place in SHAPES, ages it strikes (years, both included)."""

    condition: Ints
    area: Ints
    start: Ints
    days: Ints
    size: Ints
    shape: Ints
    youngest: Ints
    oldest: Ints

    def __len__(self) -> int:
        return len(self.condition)


def plan_outbreaks(settings: Settings, knowledge: Knowledge, places: Places) -> Outbreaks:
    """The outbreaks of a region, at least three."""
    count = max(3, len(places.districts) * settings.days // _FOR_EVERY)
    number, seed = np.arange(count, dtype=np.int64), settings.seed
    carried = np.array([knowledge.conditions.place(code) for code in CARRIED if code in knowledge.conditions.codes], dtype=np.int64)
    condition = carried[below(draw(seed, "outbreak condition", number), len(carried))]
    district = below(draw(seed, "outbreak area", number), len(places.districts))
    people = settings.persons * places.weight[district] // int(places.weight.sum())
    shape = chosen(draw(seed, "outbreak shape", number), (50, 35, 15))
    school = happens(draw(seed, "outbreak school", number), 450_000)
    return Outbreaks(
        condition=condition,
        area=places.districts[district],
        start=settings.first + below(draw(seed, "outbreak start", number), max(1, settings.days - 30)),
        days=np.array((8, 35, 50))[shape] + below(draw(seed, "outbreak days", number), 8),
        size=np.minimum(10 + waiting(draw(seed, "outbreak size", number), 30), np.maximum(2, people // 12)),
        shape=shape,
        youngest=np.where(school, 3, 0),
        oldest=np.where(school, 17, 100),
    )


def outbreak_cases(settings: Settings, places: Places, outbreaks: Outbreaks, person: Rows) -> dict[str, Ints]:
    """The cases among some persons: place of the person, condition, day of onset, number of the outbreak."""
    order = np.argsort(person["area"], kind="stable")
    ordered = person["area"][order]
    shares = places.weight * 1_000_000 // int(places.weight.sum())
    expected = {int(area): settings.persons * int(share) // 1_000_000 for area, share in zip(places.districts, shares, strict=True)}
    found: list[tuple[Ints, Ints]] = []
    for number in range(len(outbreaks)):
        area = int(outbreaks.area[number])
        among = order[np.searchsorted(ordered, area) : np.searchsorted(ordered, area, side="right")]
        age = (outbreaks.start[number] - person["born"][among]) // 365
        fit = (age >= outbreaks.youngest[number]) & (age <= outbreaks.oldest[number])
        risk = int(outbreaks.size[number]) * (1_000_000 if outbreaks.oldest[number] > 50 else 6_600_000) // max(1, expected[area])
        ill = among[fit & happens(draw(settings.seed, "outbreak case", number, person["person"][among]), min(risk, 600_000))]
        found.append((ill, np.full(len(ill), number)))
    place, which = (np.concatenate(parts).astype(np.int64) for parts in zip(*found, strict=True))
    day = outbreaks.start[which] + _offsets(settings, outbreaks, which, person["person"][place])
    return {"person": place, "condition": outbreaks.condition[which], "day": day, "outbreak": which}


def _offsets(settings: Settings, outbreaks: Outbreaks, number: Ints, person: Ints) -> Ints:
    """Days after the outbreak's first: two draws summed for one source, the larger of three for growing waves, level for a continuous source."""
    one, two, three = (below(draw(settings.seed, f"outbreak day {turn}", number, person), outbreaks.days[number]) for turn in range(3))
    return np.select([outbreaks.shape[number] == 0, outbreaks.shape[number] == 1], [(one + two) // 2, np.maximum(np.maximum(one, two), three)], one)


def case_reports(settings: Settings, knowledge: Knowledge, person: Rows, first_person: int, visit: Rows, episodes: dict[str, Ints], first: int) -> Rows:
    """The cards of a block: one for each episode of a reportable condition that was seen, by its first visit; `first`: number of the first card.

    `episodes`: condition, day, outbreak and known (1: reported before the simulated years) by the episode's place in the block; cards not yet sent on the
    last day are left out.
    """
    conditions = knowledge.conditions
    place = visit["episode"] - first
    reportable = (conditions.reportable[episodes["condition"][place]] > 0) & (episodes["known"][place] == 0)
    _, at = np.unique(np.where(reportable, place, NONE), return_index=True)
    at = np.sort(at[reportable[at]])
    place, who = place[at], visit["person"][at]
    condition = episodes["condition"][place]
    card = first + np.arange(len(at), dtype=np.int64)
    diagnosed = visit["start"][at] + 600 + 60 * below(draw(settings.seed, "diagnosed", card), 40)
    delays = np.array([_DELAY[one] for one in CLASSES])[conditions.reportable[condition]]
    reported = diagnosed + 300 + waiting(draw(settings.seed, "report delay", card), delays)
    late = happens(draw(settings.seed, "late report", card), 25_000)
    reported = reported + np.where(late, 86_400 + 3600 * below(draw(settings.seed, "how late", card), 60), 0)
    local = who - first_person
    moved = (person["moved"][local] != NONE) & (visit["start"][at] // 86_400 >= person["moved"][local])
    sent = reported < (settings.last + 1) * 86_400
    rows = rows_of(
        "case_report",
        report=card,
        visit=visit["visit"][at],
        person=who,
        condition=condition,
        onset=episodes["day"][place],
        diagnosed=diagnosed,
        reported=reported,
        area=np.where(moved, person["area_after"][local], person["area"][local]),
        outbreak=episodes["outbreak"][place],
        laboratory=happens(draw(settings.seed, "confirmed", card), conditions.confirmed[condition] * 1000).astype(np.int64),
    )
    return rows.take(sent)
