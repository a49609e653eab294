"""Charges by fee item and what the insurance pays of them; they add up to the fen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.simulate.asked import Asked
from suwen.simulate.catalogue import Catalogue
from suwen.simulate.charge_items import PER
from suwen.simulate.course import CHECK_UP, DAY, HOUR, MINUTE, OUTPATIENT, Course, numbered, spread
from suwen.simulate.draws import below, draw
from suwen.simulate.orders import doses
from suwen.simulate.shapes import NONE, Ints, Rows, rows_of

PER_VISIT = 1000  # numbers of charge lines kept for a visit
_LINES_OF_DAYS = 6  # lines a daily service has at most in a stay; in longer stays a line is of several days
_TAKEN_BACK = 6  # thousandths of the drug charges
_ONE = 100  # a quantity of one, in hundredths
_GENERAL, _NEURAXIAL, _OPEN_AREA = (1, 4), (2,), (3,)  # first digits of CV06.00.103


@dataclass(frozen=True)
class _Lines:
    """Charge lines before they are priced; `original`: the line that is taken back, NONE for ordinary ones."""

    visit: Ints
    item: Ints
    quantity: Ints
    time: Ints
    original: Ints


def charges(knowledge: Catalogue, course: Course, made: dict[str, Rows], panels: Asked, sampled: Ints) -> tuple[Rows, Rows]:
    """Charge lines and settlements of all visits. `made`: orders, procedures and all examinations; `panels` as panels_of gives them.

    A stay that is still open has charges, of which the insurance has paid nothing yet, and no settlement.
    """
    rows = {name: _rows_of_visits(course, table["visit"]) for name, table in made.items()}
    lines = _with_reversals(
        course, knowledge, _joined(_ordered(knowledge, made, rows, panels, sampled) + _services(knowledge, course, made, rows, panels, sampled))
    )
    time = np.minimum(lines.time, course.until[lines.visit])
    order = np.lexsort((time, lines.visit))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    visit, item, quantity, time, original = (column[order] for column in (lines.visit, lines.item, lines.quantity, time, lines.original))
    number = numbered(course, visit, PER_VISIT)
    price = knowledge.charges.price[item]
    amount = _signed(np.abs(quantity) * price, _ONE, quantity)
    insured = _insured(knowledge, course, visit, item, amount)
    charge = rows_of(
        "charge",
        charge=number,
        visit=course.visit[visit],
        fee=knowledge.charges.fee[item],
        item=item,
        quantity=quantity,
        price=price,
        amount=amount,
        insured=insured,
        time=time,
        reverses=np.where(original == NONE, NONE, number[place[original]]) if len(number) else number,
    )
    return charge, _settled(course, visit, amount, insured)


def _rows_of_visits(course: Course, visit: Ints) -> Ints:
    order = np.argsort(course.visit, kind="stable")
    return order[np.searchsorted(course.visit, visit, sorter=order)]


def _plain(visit: Ints, item: Ints, quantity: Ints | int, time: Ints) -> _Lines:
    return _Lines(visit, item, np.broadcast_to(np.asarray(quantity, dtype=np.int64), visit.shape), time, np.full(len(visit), NONE, dtype=np.int64))


def _joined(parts: list[_Lines]) -> _Lines:
    return _Lines(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("visit", "item", "quantity", "time", "original")))


def _ordered(knowledge: Catalogue, made: dict[str, Rows], rows: dict[str, Ints], panels: Asked, sampled: Ints) -> list[_Lines]:
    """One line for every order, panel, examination and procedure, and one for the materials of those that need some."""
    first, order, exam, procedure = knowledge.charges.first, made["order"], made["report"], made["procedure"]
    lines = [
        _plain(rows["order"], first["drugs"] + order["drug"], order["quantity"], order["start"]),
        _plain(panels.visit, first["panels"] + panels.code, _ONE, sampled),
        _plain(rows["report"], first["exams"] + exam["exam"], _ONE, exam["performed"]),
        _plain(rows["procedure"], first["procedures"] + procedure["procedure"], _ONE, procedure["time"]),
    ]
    for visit, materials, time in (
        (rows["report"], knowledge.charges.materials_exam[exam["exam"]], exam["performed"]),
        (rows["procedure"], knowledge.charges.materials_procedure[procedure["procedure"]], procedure["time"]),
    ):
        some = np.flatnonzero(materials != NONE)
        lines.append(_plain(visit[some], materials[some], _ONE, time[some]))
    return lines


def _services(knowledge: Catalogue, course: Course, made: dict[str, Rows], rows: dict[str, Ints], panels: Asked, sampled: Ints) -> list[_Lines]:
    """Services: one event list for each occasion, of which every service takes its share."""
    services, events = knowledge.services, _events(knowledge, course, made, rows, panels, sampled)
    lines = []
    for place in range(len(services.item)):
        visit, time, times = events[PER[services.per[place]]]
        fits = services.kinds[place][course.kind] == 1
        fits &= services.stems[place][course.conditions].any(axis=1)
        bits = draw(course.seed, "service", course.visit, place)
        fits &= below(bits, 1000) < services.share[place]
        at = np.flatnonzero(fits[visit])
        item = np.full(len(at), services.item[place], dtype=np.int64)
        lines.append(_plain(visit[at], item, services.units[place] * times[at], time[at]))
    return lines


def _events(
    knowledge: Catalogue, course: Course, made: dict[str, Rows], rows: dict[str, Ints], panels: Asked, sampled: Ints
) -> dict[str, tuple[Ints, Ints, Ints]]:
    """For each occasion: visit, second, and how many times at once."""
    order, procedure = made["order"], made["procedure"]
    everybody = np.arange(len(course.visit), dtype=np.int64)
    visit, time, days = _days(course)
    infused = np.flatnonzero(order["route"] == knowledge.routes.place("IV"))
    kind = procedure["anaesthesia"]
    digit = np.where(kind >= 10, kind // 10, kind)
    operations = knowledge.procedures.operation[procedure["procedure"]] == 1
    found = {
        "visit": (everybody, course.start + 2 * MINUTE, np.ones_like(everybody)),
        "day": (visit, time, days),
        "panel": (panels.visit, sampled, np.ones_like(sampled)),
        "injection": (rows["order"][infused], order["start"][infused], doses(order["per_day"][infused], order["days"][infused])),
    }
    for name, some in (
        ("operation", operations),
        ("general", np.isin(digit, _GENERAL)),
        ("neuraxial", np.isin(digit, _NEURAXIAL)),
        ("local", np.isin(digit, _OPEN_AREA)),
    ):
        at = np.flatnonzero(some)
        found[name] = (rows["procedure"][at], procedure["time"][at], np.ones_like(at))
    return found


def _days(course: Course) -> tuple[Ints, Ints, Ints]:
    """The days of all visits, a line of one or more each: visit, second, days."""
    each = -(-course.nights // _LINES_OF_DAYS)
    visit, line = spread(np.zeros(len(each), dtype=np.int64), -(-course.nights // each))
    gone = line * each[visit]
    days = np.minimum(each[visit], course.nights[visit] - gone)
    return visit, course.start[visit] + (gone + days) * DAY - 2 * HOUR, days


def _with_reversals(course: Course, knowledge: Catalogue, lines: _Lines) -> _Lines:
    """The lines, and for a few drugs the same taken back within a day."""
    bits = draw(course.seed, "taken back", course.visit[lines.visit], lines.item)
    at = np.flatnonzero((below(bits, 1000) < _TAKEN_BACK) & (lines.item < knowledge.charges.first["panels"]))
    later = lines.time[at] + 30 * MINUTE + below(bits[at] << np.uint64(16), 20 * HOUR)
    return _joined([lines, _Lines(lines.visit[at], lines.item[at], -lines.quantity[at], later, at)])


def _signed(positive: Ints, divisor: Ints | int, sign: Ints) -> Ints:
    """Rounded to the nearest, halves away from zero, with the sign of another column."""
    found: Ints = np.where(sign < 0, -1, 1) * ((positive + np.asarray(divisor) // 2) // divisor)
    return found


def _insured(knowledge: Catalogue, course: Course, visit: Ints, item: Ints, amount: Ints) -> Ints:
    """What the insurance pays of each line: its share of what is insured, less the deductible of the visit."""
    payers = knowledge.payers
    eligible = np.abs(amount) * knowledge.charges.insured[item] // 1000 * np.where(amount < 0, -1, 1)
    total = _summed(course, visit, eligible)
    payer, stay = np.searchsorted(payers.number, course.payer), course.stays.astype(np.int64)
    payable = np.maximum(total - payers.deductible[payer, stay], 0) * payers.rate[payer, stay] // 1000
    payable[course.open | (course.kind == CHECK_UP)] = 0
    found: Ints = np.abs(eligible) * payable[visit] // np.maximum(total, 1)[visit] * np.where(amount < 0, -1, 1)
    return found


def _summed(course: Course, visit: Ints, column: Ints) -> Ints:
    """Sums by visit of a column whose rows stand by visit."""
    ends = np.concatenate([[0], np.cumsum(column)])
    every = np.arange(len(course.visit) + 1)
    return np.diff(ends[np.searchsorted(visit, every)])


def _settled(course: Course, visit: Ints, amount: Ints, insured: Ints) -> Rows:
    total, paid = _summed(course, visit, amount), _summed(course, visit, insured)
    charged = np.bincount(visit, minlength=len(course.visit)) > 0
    at = np.flatnonzero(charged & ~course.open)
    wait = np.where(course.kind[at] == OUTPATIENT, 5 * MINUTE, below(draw(course.seed, "settling", course.visit[at]), 2 * HOUR))
    time = np.minimum(course.until[at] + wait, course.cutoff - 1)
    return rows_of("settlement", visit=course.visit[at], total=total[at], insured=paid[at], own=(total - paid)[at], time=time)
