"""A region of three hospitals with points of every kind, and the same points counted by hand from its stored rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from suwen.flow.land import land
from suwen.flow.reader import OpenRelease, open_release
from suwen.flow.region import add_feed, create, open_region
from suwen.flow.run import RunReport, run
from suwen.intake.landing import Landing
from suwen.model.receipt import Fact, Mode, State
from suwen.model.region import Region

PACK = 'name = "wards"\ntitle = { en = "Wards", zh = "病房" }\nowner = "tests"\n'
HEAD = 'owner = "tests"\n[source]\ncitation = "made for these tests"\nversion = "1"\nstanding = "verified"\n'
TEMPLATE = f"""\
name = "wards/csv"
title = {{ en = "A system of wards", zh = "病房系统" }}
{HEAD}[reader]
delimiter = ","
quote = '"'
encoding = "utf-8"

[kind.patients]
files = ["patients*.csv"]
columns = ["ID", "NUMBER", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"
[kind.stays]
files = ["stays*.csv"]
columns = ["ID", "PATIENT", "CAME", "LEFT_ON", "WAY", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"
[kind.ways]
files = ["ways*.csv"]
columns = ["STAY", "PATIENT", "CAME", "WAY", "OP"]
key = ["STAY"]
tombstone = "OP = 'D'"
[kind.acts]
files = ["acts*.csv"]
columns = ["ID", "PATIENT", "STAY", "DAY", "SESSION", "FEE", "OP"]
key = ["ID"]
tombstone = "OP = 'D'"

[target.person]
from = "patients"
table = "person"
[target.person.columns]
gender_concept_id = "0"
year_of_birth = "1980"
month_of_birth = "2"
day_of_birth = "28"
person_source_value = "text(ID)"
[target.resident_id]
from = "patients"
table = "ext_person_identifier"
[target.resident_id.columns]
person_id = "ref('person', ID)"
kind = "'resident id'"
value = "text(NUMBER)"
check_agrees = "not is_blank(NUMBER)"
birth_date_agrees = "not is_blank(NUMBER)"
sex_agrees = "not is_blank(NUMBER)"
[target.visit]
from = "stays"
table = "visit_occurrence"
[target.visit.columns]
person_id = "ref('person', PATIENT)"
visit_concept_id = "9201"
visit_start_date = "date_of(CAME, 'iso')"
visit_end_date = "date_of(LEFT_ON, 'iso')"
visit_type_concept_id = "32827"
[target.more]
from = "ways"
table = "ext_visit"
[target.more.columns]
visit_occurrence_id = "ref('visit', STAY)"
person_id = "ref('person', PATIENT)"
visit_start_date = "date_of(CAME, 'iso')"
discharge_way_source_value = "text(WAY)"
[target.act]
from = "acts"
table = "procedure_occurrence"
[target.act.columns]
person_id = "ref('person', PATIENT)"
visit_occurrence_id = "ref('visit', STAY)"
procedure_concept_id = "0"
procedure_date = "date_of(DAY, 'iso')"
procedure_type_concept_id = "32827"
procedure_source_value = "text(SESSION)"
quantity = "integer(FEE)"

[[example]]
name = "a patient"
given.patients = [{{ ID = "p", NUMBER = "" }}]
expect.person = [{{ year_of_birth = "1980" }}]
"""
TEXTS = 'title = { en = "t", zh = "t" }\ndefinition = { en = "d", zh = "d" }\n'
STAYS = f"""\
name = "stays"
{TEXTS}table = "visit_occurrence"
date = "visit_end_date"
keep = "visit_end_date is not null"
person = "master"
{HEAD}
[beside.more]
table = "ext_visit"
on = {{ visit_occurrence_id = "visit_occurrence_id" }}
[each.act]
table = "procedure_occurrence"
on = {{ visit_occurrence_id = "visit_occurrence_id" }}
[each.act.measure.fee]
sum = "act.quantity"
[each.act.measure.times]
count = true
[each.given]                    # what is beside each tells to which stay it belongs, and nobody tells of drugs
table = "procedure_occurrence"
on = {{ visit_occurrence_id = "drug.visit_occurrence_id" }}
beside.drug = {{ table = "drug_exposure", on = {{ procedure_occurrence_id = "drug_exposure_id" }} }}
[each.given.measure.times]
count = true
[each.next]
table = "visit_occurrence"
on = "person"
keep = "next.visit_occurrence_id <> visit_occurrence_id and days_between(visit_end_date, next.visit_start_date) between 0 and 31"
[each.next.measure.times]
count = true
"""
ACTS = f"""\
name = "acts"
{TEXTS}table = "procedure_occurrence"
date = "coalesce(visit.visit_end_date, procedure_date)"
{HEAD}
[beside.visit]
table = "visit_occurrence"
on = {{ visit_occurrence_id = "visit_occurrence_id" }}
[once]
by = ["visit_occurrence_id", "procedure_source_value"]
best = "coalesce(visit.visit_start_date, procedure_date)"
"""


EXAMPLES = "".join(
    f'[[example]]\nname = "{name}"\n{boundary}given.visit_occurrence = []\nexpect = [{{ unit = "H1", period = "2024", value = "" }}]\n'
    for name, boundary in (("nobody reports", ""), ("nobody reports a leap year", 'boundary = "leap year"\n'))
)


def point(code: str, base: str, kind: str, **more: str) -> str:
    """A point as a declaration says it."""
    said = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    return f'[point."{code}"]\n{TEXTS}kind = "{kind}"\nbase = "{base}"\n{said}'


def indicator(code: str, points: Sequence[str], numerator: Sequence[str], denominator: Sequence[str] = (), ahead: int = 0) -> str:
    """An indicator file."""
    listed = {name: ", ".join(f'"{one}"' for one in codes) for name, codes in (("numerator", numerator), ("denominator", denominator))}
    formula = "".join(f"{name} = [{codes}]\n" for name, codes in listed.items() if codes)
    head = f'code = "{code}"\n{TEXTS}unit = {{ en = "u", zh = "u" }}\ndirection = "monitor"\nperiod = "month"\nahead = {ahead}\n{formula}{HEAD}'
    return head + "".join(points) + EXAMPLES


LONG = "days_between(visit_start_date, visit_end_date)"
AA01 = indicator(
    "AA01",
    [
        point("AA01.01", "stays", "count"),
        point("AA01.02", "stays", "sum", value="act.fee"),
        point("AA01.03", "stays", "median", value=LONG),
        point("AA01.04", "stays", "distinct", person="master"),
        point("AA01.05", "stays", "distinct"),
        point("AA01.06", "stays", "count", keep="next.times > 0"),
        point("AA01.07", "stays", "count", keep="more.discharge_way_source_value = '5'"),
    ],
    ["AA01.06"],
    ["AA01.01"],
    ahead=2,
)
AA02 = indicator("AA02", [point("AA02.01", "acts", "count"), point("AA02.02", "acts", "sum", value="quantity")], ["AA02.01"])
AA03 = indicator("AA03", [point("AA03.01", "stays", "count", keep=f"{LONG} > 3 and act.times < 2")], ["AA03.01"])
AA03_OTHER = AA03.replace("> 3", "> 1")
WAYS = f"""\
name = "way"
title = {{ en = "How they left", zh = "离院方式" }}
value = "more.discharge_way_source_value"
{HEAD}
[label.1]
en = "on order"
zh = "医嘱"
[label.5]
en = "died"
zh = "死亡"
"""
TREE = """\
organisation_id,name_en,name_zh,parent,level,kind,division,zone,valid_from,valid_to
P,Province,省,,province,,,,,
D1,District one,一区,P,district,,,,,
D2,District two,二区,P,district,,,,,
H1,One,一院,D1,hospital,,,,,2024-02-14
H1,One,一院,D2,hospital,,,,2024-02-15,
H2,Two,二院,D1,hospital,,,,,
H3,Three,三院,D2,hospital,,,,,2024-03-10
H4,Four,四院,D2,hospital,,,,,
"""
HEADERS = {
    "patients": "ID,NUMBER,OP",
    "stays": "ID,PATIENT,CAME,LEFT_ON,WAY,OP",
    "ways": "STAY,PATIENT,CAME,WAY,OP",
    "acts": "ID,PATIENT,STAY,DAY,SESSION,FEE,OP",
}
Cell = tuple[str, str, date, int, Decimal | None, int | None]
Cells = dict[Cell, tuple[int, Decimal | None]]


@dataclass
class PointWorld:
    """The region in a folder. `third`: the edition of the third indicator (0: none, 1, 2: another rule)."""

    folder: Path
    third: int = 0
    delivered: int = 0
    organisations: dict[str, str] = field(default_factory=lambda: {"a": "H1", "b": "H2", "c": "H3"})

    @classmethod
    def new(cls, folder: Path) -> PointWorld:
        create(folder, ["core"], "wards", "UTC")
        settings = (folder / "region.toml").read_text(encoding="utf-8")
        (folder / "region.toml").write_text(settings.replace('["core"]', '["wards"]').replace("# threads = 4", "threads = 2"), encoding="utf-8")
        world = cls(folder)
        world.declare(0)
        (folder / "organisations.csv").write_text(TREE, encoding="utf-8")
        for feed, organisation in world.organisations.items():
            add_feed(open_region(folder), feed, "wards/csv", organisation, Mode.UPSERT)
        return world

    @property
    def region(self) -> Region:
        return open_region(self.folder)

    def declare(self, third: int) -> None:
        """Write the pack with one of the editions of the third indicator."""
        self.third = third
        files = {
            "pack.toml": PACK, "template/wards.toml": TEMPLATE, "base/stays.toml": STAYS, "base/acts.toml": ACTS, "breakdown/way.toml": WAYS,
            "indicator/a/AA01.toml": AA01, "indicator/a/AA02.toml": AA02, "indicator/a/AA03.toml": ("", AA03, AA03_OTHER)[third],
        }  # fmt: skip
        for name, content in files.items():
            path = self.folder / "packs" / "wards" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content:
                path.write_text(content, encoding="utf-8")
            else:
                path.unlink(missing_ok=True)

    def move(self, feed: str, organisation: str) -> None:
        """A feed goes to another organisation."""
        self.organisations[feed] = organisation
        text = f'template = "wards/csv"\norganisation = "{organisation}"\nmode = "upsert"\nas_of = ""\n'
        (self.folder / "feeds" / f"{feed}.toml").write_text(text, encoding="utf-8")

    def deliver(self, feed: str, **kinds: Iterable[str]) -> None:
        """Land one delivery of changes, each speaking for a later day than the one before."""
        self.delivered += 1
        source = self.folder / "outbox" / str(self.delivered)
        source.mkdir(parents=True)
        for kind, lines in kinds.items():
            (source / f"{kind}.csv").write_text("\n".join([HEADERS[kind], *lines]) + "\n", encoding="utf-8")
        moment = datetime(2024, 1, 1) + timedelta(days=self.delivered)
        land(self.region, feed, [source], as_of=moment, received_at=datetime(2025, 1, 1, tzinfo=UTC))

    def decide(self, delivery: int, state: State) -> None:
        Landing(self.folder / "landing").add_fact(Fact(delivery, state, datetime(2025, 2, 1, tzinfo=UTC), "a tester", "to see what becomes of it"))

    def run(self) -> RunReport:
        return run(self.region)

    def opened(self) -> OpenRelease:
        return open_release(self.folder)


def full(found: PointWorld) -> None:
    """Three hospitals with patients of two humans, stays over three months, and what was done in them."""
    for feed in "abc":
        found.deliver(
            feed,
            patients=["p1,n1,U", "p2,n2,U", "p3,,U"],
            stays=["s1,p1,2024-01-01,2024-01-15,1,U", "s2,p2,2024-01-28,2024-02-02,1,U", "s3,p3,2024-03-01,2024-03-15,1,U", "s4,p1,2024-02-10,,1,U"],
            ways=["s1,p1,2024-01-01,1,U", "s2,p2,2024-01-28,5,U"],
            acts=["a1,p1,s1,2024-01-02,x,3,U", "a2,p1,s1,2024-01-02,x,7,U", "a3,p2,s2,2024-01-28,y,,U", "a4,p3,s9,2024-03-02,x,7,U"],
        )


def stored_cells(opened: OpenRelease, run_number: int | None = None) -> Cells:
    """The cells of a release; of one run where it is given. Fails where a cell stands twice."""
    found: Cells = {}
    for row in opened.table("state.point_cell").to_pylist():
        if run_number is None or row["run"] == run_number:
            key = (row["point"], row["organisation"], row["day"], row["origin"], row["value"], row["person_id"])
            assert key not in found, key
            found[key] = (row["records"], row["total"])
    return found


@dataclass(frozen=True)
class _Rows:
    """The stored rows of a release, each with its organisation."""

    opened: OpenRelease

    def of(self, table: str) -> list[dict[str, Any]]:
        owner = {row["receipt"]: row["organisation"] for row in self.opened.table("state.receipt").to_pylist()}
        return [{**row, "organisation": owner[row["_receipt"]]} for row in self.opened.table(table).to_pylist()]


def expected_cells(opened: OpenRelease, third: int) -> Cells:
    """Every cell, counted row by row in Python from what is stored."""
    rows, found = _Rows(opened), _Counted()
    visits, acts = rows.of("cdr.visit_occurrence"), rows.of("cdr.procedure_occurrence")
    master = {row["person_id"]: row["master_person_id"] for row in opened.table("ext.ext_person_link").to_pylist()}
    ways = {row["visit_occurrence_id"]: row["discharge_way_source_value"] for row in rows.of("ext.ext_visit")}
    for row in visits:
        for day in {row["visit_start_date"], row["visit_end_date"]} - {None}:
            found.count("visits", row, day, row["visit_start_date"])
        if row["visit_end_date"] is not None:
            own = [act for act in acts if act["visit_occurrence_id"] == row["visit_occurrence_id"]]
            others = [v for v in visits if master.get(v["person_id"]) == master.get(row["person_id"]) and v is not row]
            _count_stay(found, row, own, others, ways.get(row["visit_occurrence_id"]), third)
    _count_acts(found, acts, {row["visit_occurrence_id"]: row for row in visits})
    return {key: (n, found.totals.get(key)) for key, n in found.records.items()}


@dataclass
class _Counted:
    """Cells in the making."""

    records: Counter[Cell] = field(default_factory=Counter)
    totals: dict[Cell, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def count(
        self, code: str, row: dict[str, Any], day: date, dated: date, value: int | None = None, person: int | None = None, add: int | None = None
    ) -> None:
        key = (code, row["organisation"], day, 12 * dated.year + dated.month - 1, None if value is None else Decimal(value), person)
        self.records[key] += 1
        if add is not None:
            self.totals[key] += add


def _count_stay(found: _Counted, row: dict[str, Any], own: list[dict[str, Any]], others: list[dict[str, Any]], way: str | None, third: int) -> None:
    start, end, person = row["visit_start_date"], row["visit_end_date"], row["person_id"]
    found.count("AA01.01", row, end, start)
    found.count("AA01.02", row, end, start, add=sum(act["quantity"] or 0 for act in own))
    found.count("AA01.03", row, end, start, value=(end - start).days)
    found.count("AA01.04", row, end, start, person=person)
    found.count("AA01.05", row, end, start, person=person)
    if any(0 <= (v["visit_start_date"] - end).days <= 31 for v in others):
        found.count("AA01.06", row, end, start)
    if way == "5":
        found.count("AA01.07", row, end, start)
    if third and (end - start).days > (3, 1)[third - 1] and len(own) < 2:
        found.count("AA03.01", row, end, start)


def _count_acts(found: _Counted, acts: list[dict[str, Any]], visits: dict[int, dict[str, Any]]) -> None:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for act in acts:
        groups[act["visit_occurrence_id"], act["procedure_source_value"]].append(act)
    for held in groups.values():
        stay = visits.get(held[0]["visit_occurrence_id"])
        best = max(held, key=lambda act: (stay["visit_start_date"] if stay else act["procedure_date"], -act["procedure_occurrence_id"]))
        day = (stay and stay["visit_end_date"]) or best["procedure_date"]
        found.count("AA02.01", best, day, best["procedure_date"])
        if best["quantity"] is not None:
            found.count("AA02.02", best, day, best["procedure_date"], add=best["quantity"])
