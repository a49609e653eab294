"""Fixed histories, each for one sentence of the design; hypothesis makes the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tests.property.packs import Edition
from tests.property.world import JUNK, Decide, Deliver, Fields, History, Mend, Run

JANUARY = (date(2024, 1, 1), date(2024, 1, 31))
FEBRUARY = (date(2024, 2, 1), date(2024, 2, 29))


def patient(key: str = "p1", sex: str = "M", birth: str = "1980-01-01", city: str = "", op: str = "") -> Fields:
    return (key, sex, birth, city, op)


def stay(key: str = "v1", person: str = "p1", begin: str = "2024-01-05", until: str = "", seq: str = "", op: str = "") -> Fields:
    return (key, person, begin, until, seq, op)


def item(visit: str = "v1", day: str = "2024-01-06", one: str = "A", two: str = "") -> Fields:
    return (visit, day, one, two)


def human(key: str = "p1", sex: str = "", birth: str = "1981-01-01", race: str = "", died: str = "") -> Fields:
    return (key, sex, birth, race, died)


def case(key: str = "v1", person: str = "p1", day: str = "2024-01-07") -> Fields:
    return (key, person, day)


def exam(key: str = "t1", person: str = "p1", visit: str = "v1", day: str = "2024-01-08", code: str = "T1", result: str = "5", seq: str = "") -> Fields:
    return (key, person, visit, day, code, result, seq)


def his(
    day: int, mode: str = "append", window: tuple[date, date] | None = None, feed: str = "his", packed: str = "", split: bool = False, **files: list[Fields]
) -> Deliver:
    return Deliver(feed, day, mode, files, window, packed, split)


def lab(day: int, mode: str = "append", window: tuple[date, date] | None = None, **files: list[Fields]) -> Deliver:
    return Deliver("lab", day, mode, files, window)


R, M = Run(), Mend()
CHANGED = Mend(Edition(mended=True, changed=True))
APART = Mend(Edition(apart=True))
MOVED, SWAPPED, CROSSED = (Mend(Edition(homes=homes)) for homes in ("together", "swapped", "crossed"))
BASE = his(1, patients=[patient(), patient("p2", "F")], stays=[stay(), stay("v2", "p2", "2024-02-10")])

HISTORIES: Mapping[str, History] = {
    "a late older version changes nothing": [BASE, R, his(5, patients=[patient(sex="F", city="X")]), R, his(3, patients=[patient(sex="", city="Y")]), R],
    "a quarantined version ends nothing until replayed": [
        BASE,
        his(2, patients=[patient(sex="F", birth="19700202", city="X"), patient("p3", birth="bad")], stays=[stay(begin="?"), stay("v3", "p3")]),
        R,
        M,
        R,
    ],
    "an absence ends what was not seen since, and a late older delivery revives nothing": [
        his(1, "snapshot", patients=[patient(), patient("p2")], stays=[stay(), stay("v2", "p2")]),
        R,
        his(4, "snapshot", patients=[patient()]),
        R,
        his(3, patients=[patient("p2", "F"), patient("p3")]),
        his(4, patients=[patient("p4")]),
        R,
        his(5, patients=[patient("p2", "F")]),
        R,
    ],
    "what stands in the very snapshot is not absent": [his(1, "snapshot", patients=[patient(), patient("p2")]), R, his(2, "snapshot", patients=[patient()]), R],
    "an empty snapshot ends all of its kind and nothing of others": [BASE, R, his(2, "snapshot", stays=[]), R],
    "a snapshot speaks for its own kinds alone": [BASE, his(2, "snapshot", stays=[stay()]), R],
    "a tombstone for a key not yet seen": [
        his(5, "upsert", patients=[patient(op="D", birth="")]),
        R,
        his(2, patients=[patient(), patient("p2")]),
        R,
        his(7, patients=[patient(sex="F")]),
        R,
    ],
    "a tombstone ends, an equal record after it begins anew": [BASE, R, his(2, "upsert", patients=[patient(op="D")]), R, his(3, patients=[patient()]), R],
    "the same file again": [
        his(1, patients=[patient()], stays=[stay()], items=[item(), item(), item(one="B")]),
        R,
        his(2, patients=[patient()], stays=[stay()], items=[item(), item(), item(one="B")]),
        R,
        his(3, patients=[patient(), patient("p2")], items=[item(), item(one="C")]),
        R,
    ],
    "the same bytes packed are the same file": [BASE, his(2, items=[item(), item()]), his(3, items=[item(), item()], packed="gz"), R],
    "a delivery in several files, in an archive": [
        BASE,
        his(2, split=True, items=[item(), item(), item(), item(one="B")]),
        R,
        his(3, packed="zip", split=True, patients=[patient(), patient("p2"), ("p3",), patient("p4")], items=[item(), item(), item(), item(one="B")]),
        R,
        his(4, "snapshot", packed="zip", split=True, items=[item(), item(), item(), item(one="C")], patients=[patient("p2")]),
        Deliver("his", 5, "append", {JUNK: [("1", "2")], "patients": [patient("p5")]}, packed="zip"),
        R,
    ],
    "equal records in one delivery count apart": [
        BASE,
        his(2, "snapshot", items=[item(), item(), item(one="B")]),
        R,
        his(3, "snapshot", items=[item(one="B"), item()]),
        R,
        his(4, "snapshot", items=[item(), item(), item()]),
        R,
    ],
    "children come before their parents, and outlive nothing": [
        his(1, stays=[stay()], items=[item()]),
        R,
        his(2, patients=[patient()]),
        R,
        his(3, "upsert", patients=[patient(op="D")]),
        R,
        his(4, patients=[patient(city="X")]),
        R,
    ],
    "a joined parent comes late": [
        his(1, patients=[patient()], items=[item(), item("v2"), item("")]),
        R,
        his(2, patients=[patient("p2")]),
        R,
        his(3, stays=[stay()]),
        R,
    ],
    "a joined parent is corrected and goes": [
        BASE,
        his(2, items=[item(day="", two="B"), item("v2", one="C")]),
        R,
        his(3, stays=[stay(person="p2", begin="2024-02-20", until="2024-02-21")]),
        R,
        his(4, "upsert", stays=[stay(op="D")]),
        R,
        his(5, stays=[stay()]),
        R,
    ],
    "two feeds tell of one person": [
        his(1, patients=[patient(sex="M", city="X"), patient("p2", "F")]),
        lab(2, people=[human(race="R"), human("p3", "F")]),
        R,
        lab(3, "snapshot", people=[human("p3", "F", race="S")]),
        R,
        lab(4, people=[human(sex="F", birth="?")]),
        R,
        his(5, "upsert", patients=[patient(op="D")]),
        R,
    ],
    "one feed's silence hides no other's word": [lab(3, people=[human(sex="")]), R, his(1, patients=[patient(sex="F")]), R, lab(4, people=[human(sex="U")]), R],
    "sources of a row are ordered by version, never by arrival": [
        BASE,
        lab(2, people=[human()]),
        lab(9, cases=[case(day="2024-01-20")]),
        R,
        his(8, stays=[stay(begin="2024-01-18")]),
        R,
        lab(10, cases=[case(person="p2", day="2024-02-20")]),
        R,
        his(7, stays=[stay(begin="2024-01-17", until="2024-01-19")]),
        R,
    ],
    "sources of one day are ordered by feed, never by arrival": [
        BASE,
        lab(4, people=[human()], cases=[case(day="2024-01-20")]),
        his(4, stays=[stay(begin="2024-01-18")]),
        R,
    ],
    "a row loses a source that gave it nothing": [
        lab(5, people=[human(sex="M", race="R")]),
        his(1, patients=[patient(sex="M")]),
        R,
        his(6, "upsert", patients=[patient(op="D")]),
        R,
    ],
    "another organisation's keys are others": [
        BASE,
        his(2, feed="far", patients=[patient(sex="F")], stays=[stay()]),
        R,
        his(3, "snapshot", feed="far", patients=[]),
        R,
    ],
    "one address of many patients": [
        his(1, patients=[patient(city="X"), patient("p2", "F", city="X"), patient("p3", city="Y")]),
        R,
        his(2, patients=[patient(city="Y")]),
        R,
        his(3, patients=[patient("p2", city="")]),
        R,
        his(4, "snapshot", patients=[patient("p3", city="X")]),
        R,
    ],
    "a window speaks for its days and kinds alone": [
        BASE,
        his(2, items=[item(), item("v2", "2024-02-11"), item("v2", "", "Q")]),
        R,
        his(3, "window", JANUARY, patients=[patient("p3")], stays=[stay("v3", "p3"), stay("v4", "p3", "2024-02-15"), stay("v5", "p1", "?")], items=[]),
        R,
        his(4, "window", FEBRUARY, stays=[stay("v2", "p2", "2024-02-10")]),
        R,
    ],
    "unreadable records, blank keys and files of no kind": [
        his(1, "snapshot", patients=[patient(), ("p2", "F"), patient(""), patient("p3")], stays=[("a",) * 7, stay()]),
        Deliver("his", 2, "append", {JUNK: [("1", "2")]}),
        R,
        his(3, "snapshot", patients=[patient(), ("p3",)]),
        R,
        his(4, patients=[patient("p2")]),
        R,
    ],
    "a source's own sequence orders versions": [
        BASE,
        his(2, stays=[stay(until="2024-01-09", seq="3")]),
        R,
        his(3, stays=[stay(until="2024-01-10", seq="2")]),
        R,
        his(4, "upsert", stays=[stay(seq="1", op="D")]),
        his(5, stays=[stay(until="2024-01-11")]),
        R,
    ],
    "older content delivered later is seen later": [
        BASE,
        his(2, stays=[stay(seq="3")]),
        his(3, "snapshot", stays=[stay("v2", "p2", "2024-02-10")]),
        R,
        his(4, stays=[stay(until="2024-01-10", seq="2")]),
        R,
    ],
    "a correction moves a row to another month": [
        BASE,
        his(2, items=[item(day="")]),
        R,
        his(3, stays=[stay(begin="2024-05-05")]),
        R,
        his(4, stays=[stay(begin="2023-12-31")]),
        R,
    ],
    "a filter drops and takes back": [lab(1, people=[human(died="2024-02-01")]), R, lab(2, people=[human()]), R, lab(3, people=[human(died="2024-02-02")]), R],
    "a source of a row loses the parent that only it names": [
        his(1, patients=[patient(), patient("p2")], stays=[stay()]),
        lab(2, cases=[case(person="p2")]),
        his(3, stays=[stay(until="2024-01-09")]),
        R,
        his(4, "upsert", patients=[patient("p2", op="D")]),
        R,
        his(5, patients=[patient("p2")]),
        R,
    ],
    "a visit of another feed is awaited": [
        lab(1, people=[human()], tests=[exam(), exam("t2", code="T2"), exam("t3", code="T3", visit="")]),
        R,
        his(2, patients=[patient()], stays=[stay()]),
        R,
        his(3, "snapshot", stays=[]),
        R,
        lab(4, cases=[case()]),
        R,
        M,
        R,
    ],
    "a mended template over everything": [
        BASE,
        lab(2, people=[human(birth="19810101")], tests=[exam(code="T2"), exam("t2", "p9", code="T2")], cases=[case()]),
        R,
        M,
        lab(3, "window", JANUARY, tests=[exam(code="T2", result="7")], cases=[]),
        R,
        R,
    ],
    "addresses are mapped no more, and again": [
        his(1, patients=[patient(sex="U", city="X"), patient("p2", "F", city="X")], stays=[stay(begin="?"), stay("v2", seq="2")]),
        his(2, stays=[stay("v2", until="2024-01-09")]),
        R,
        CHANGED,
        R,
        his(3, patients=[patient(city="Y"), ("p9",)]),
        lab(4, people=[human(sex="U")]),
        R,
        M,
        R,
    ],
    "a code map is changed alone": [
        his(1, patients=[patient(city="X"), patient("p2", city="X")], stays=[stay()]),
        his(2, feed="far", patients=[patient(city="X"), patient("p2", city="X")]),
        lab(3, people=[human()], tests=[exam(code="T2")]),
        R,
        Mend(Edition(coded=True)),
        R,
        his(4, patients=[patient()]),
        R,
    ],
    "a feed numbers its persons in its own way": [
        BASE,
        lab(2, people=[human(race="R")], cases=[case(), case("v3")], tests=[exam()]),
        R,
        APART,
        R,
        his(3, "upsert", patients=[patient(op="D")]),
        R,
        M,
        R,
    ],
    "a feed changes its organisation": [
        BASE,
        his(2, feed="far", patients=[patient(sex="F", city="X")], stays=[stay(until="2024-01-09"), stay("v9", "p2")]),
        R,
        MOVED,
        R,
        M,
        his(3, patients=[patient()]),
        R,
    ],
    "feeds take the places of each other": [
        BASE,
        his(2, feed="far", patients=[patient(sex="F", city="X"), patient("p5")], stays=[stay(until="2024-01-09"), stay("v9", "p2")]),
        lab(2, people=[human(race="R"), human("p5")]),
        R,
        SWAPPED,
        R,
        CROSSED,
        his(3, patients=[patient()]),
        R,
        M,
        R,
    ],
    "a feed that shared its place with another goes on to a third": [
        BASE,
        his(2, feed="far", patients=[patient(), patient("p2", "F"), patient("p5")], stays=[stay(), stay("v9", "p2")]),
        R,
        MOVED,
        his(3, feed="far", patients=[patient("p2", "F", city="X")]),
        R,
        SWAPPED,
        his(4, patients=[patient("p3")]),
        R,
        CROSSED,
        R,
        MOVED,
        R,
    ],
    "a feed comes to the place of one that loses all it delivered": [
        his(1, feed="far", patients=[patient(sex="F")], stays=[stay()]),
        BASE,
        R,
        Decide(1, "withdrawn"),
        SWAPPED,
        R,
    ],
    "a delivery is withdrawn, and taken after all": [
        BASE,
        his(2, "snapshot", patients=[patient(city="X")]),
        lab(3, people=[human(race="R")]),
        R,
        Decide(2, "withdrawn"),
        R,
        Decide(3, "withdrawn"),
        lab(4, people=[human(race="S"), ("p4",)]),
        R,
        Decide(2, "accepted"),
        Decide(4, "withdrawn"),
        R,
    ],
    "a delivery waits for approval": [BASE, his(2, patients=[patient(city="X")]), Decide(2, "waiting"), R, his(3, items=[item()]), R, Decide(2, "accepted"), R],
    "nothing new": [BASE, R, R, M, R, R],
}
