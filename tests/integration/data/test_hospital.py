"""The example hospital through three days: every planted record ends where expected.csv says, and the rows say what the sources said."""

import csv
import gzip
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from suwen.flow.land import land
from suwen.flow.reader import OpenRelease, open_release
from suwen.flow.region import add_feed, create, open_region
from suwen.flow.run import run
from suwen.intake.landing import Landing
from suwen.model.receipt import Mode

FEBRUARY = (date(2024, 2, 1), date(2024, 2, 29))
DAYS = {
    1: [("day1/master", 1, Mode.SNAPSHOT), ("day1/records", 1, Mode.UPSERT), ("day1/append", 1, Mode.APPEND)],
    2: [("day2/master", 2, Mode.SNAPSHOT), ("day2/records", 2, Mode.UPSERT), ("day2/append", 2, Mode.APPEND), ("day2/again", 1, Mode.APPEND)],
    3: [("day3/february", 3, Mode.WINDOW)],
}


@dataclass(frozen=True)
class Hospital:
    """The region after three days: its folder, the example's, and the delivery number of each example folder."""

    region: Path
    example: Path
    deliveries: dict[str, int]

    def release(self, day: int) -> OpenRelease:
        return open_release(self.region, day)


@pytest.fixture(scope="module")
def hospital(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    example, folder = root / "examples" / "cn-hospital", tmp_path_factory.mktemp("hospital") / "region"
    create(folder, ["core", "cn"], zone="Asia/Shanghai")
    shutil.copy(example / "organisations.csv", folder)
    region, _ = add_feed(open_region(folder), "his", "yunhai-his/export", "H001")
    deliveries: dict[str, int] = {}
    for day, sent in DAYS.items():
        for name, as_of, mode in sent:
            found = land(
                region, "his", sorted((example / name).iterdir()), as_of=date(2024, 3, as_of), mode=mode, window=FEBRUARY if mode is Mode.WINDOW else None
            )
            deliveries[name] = found.number
        assert run(region).release == day
    return Hospital(folder, example, deliveries)


def planted(root: Path) -> Iterator[dict[str, str]]:
    with (root / "examples" / "cn-hospital" / "expected.csv").open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def place(hospital: Hospital, row: dict[str, str]) -> tuple[int, int]:
    """(receipt, record) of a planted record, found in the raw file by a reader of our own."""
    (path,) = (hospital.example / row["delivery"]).glob(f"{row['kind']}_*")
    receipts = [
        r for r in Landing(hospital.region / "landing").receipts() if r.delivery == hospital.deliveries[row["delivery"]] and Path(r.name).name == path.name
    ]
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = content.split(b"\r\n")
    wanted = dict(part.split("=") for part in row["record"].split(";"))
    if "line" in wanted:
        return receipts[0].sequence, int(wanted["line"]) - 1
    header = lines[0].decode("ascii").split("|")
    for number, line in enumerate(lines[1:], 1):
        values = dict(zip(header, line.decode("gb18030", "replace").split("|"), strict=False))
        if all(values.get(column) == value for column, value in wanted.items()):
            return receipts[0].sequence, number
    raise AssertionError(f"not in the file: {row}")


@pytest.mark.parametrize("day", [1, 2, 3])
def test_every_planted_record_is_where_it_must_be(hospital: Hospital, root: Path, day: int) -> None:
    states: dict[tuple[int, int], dict[str, str]] = {}
    for found in hospital.release(day).table("state.disposition").to_pylist():
        states.setdefault((found["receipt"], found["record"]), {})[found["target"]] = found["state"]
    wrong = []
    for row in planted(root):
        expected = row[f"after_day{day}"]
        if not expected:
            continue
        of_record = states.get(place(hospital, row), {})
        state = of_record.get(row["target"], "mapped") if row["target"] else next((s for s in sorted(of_record.values()) if s != "filtered"), "mapped")
        if state != expected:
            wrong.append(f"{row['case']} {row['delivery']} {row['record']} {row['target']}: {state}, expected {expected}")
    assert not wrong, "\n".join(wrong)


def one(release: OpenRelease, sql: str) -> tuple[Any, ...]:
    (row,) = release.query(sql).to_pylist()
    return tuple(row.values())


def test_a_drug_without_a_time_moves_with_its_visit(hospital: Hospital) -> None:
    sql = "select drug_exposure_start_datetime::date as d from cdr.drug_exposure where quantity = 7 and drug_source_value = 'YP0001' and _receipt = {0}"
    receipt, record = place(hospital, {"delivery": "day1/records", "kind": "FYMX", "record": "FYID=F00901"})
    sql = sql.format(receipt) + f" and _record = {record}"
    assert one(hospital.release(1), sql) == (date(2024, 2, 29),)
    assert one(hospital.release(2), sql) == (date(2024, 3, 1),)


def test_an_open_stay_is_closed(hospital: Hospital) -> None:
    sql = "select count(*) as n, count(visit_end_date) as ended from cdr.visit_occurrence where visit_type_concept_id = 32220"
    assert one(hospital.release(1), sql) == (2, 0)
    assert one(hospital.release(2), sql) == (1, 0)


def test_results_keep_what_was_sent(hospital: Hospital) -> None:
    rows = (
        hospital.release(2)
        .query("select value_source_value as sent, value_as_number as number, operator_concept_id as operator from cdr.measurement")
        .to_pylist()
    )
    found = {row["sent"]: (row["number"], row["operator"]) for row in rows}
    assert found["＜０．５"] == (Decimal("0.5"), 4171756)
    assert found[">50.00"] == (Decimal(50), 4172704)
    assert found["1,234.5"] == (Decimal("1234.5"), 4172703)
    assert found["阴性"] == found["溶血"] == found["弱阳性(±)"] == (None, None)


def test_a_corrected_line_of_diagnoses_has_the_rows_it_has_now(hospital: Hospital) -> None:
    release = hospital.release(2)
    receipt, record = place(hospital, {"delivery": "day2/records", "kind": "ZDXX", "record": "ZYH=Z0005"})
    rows = release.query(f"select condition_source_value as code from cdr.condition_occurrence where _receipt = {receipt} and _record = {record}").to_pylist()
    assert sorted(row["code"] for row in rows) == ["I21.900", "J44.900"]
    before, line = place(hospital, {"delivery": "day1/records", "kind": "ZDXX", "record": "ZYH=Z0005"})
    assert one(release, f"select count(*) as n from cdr.condition_occurrence where _receipt = {before} and _record = {line}") == (0,)


def test_money_is_exact(hospital: Hospital) -> None:
    """The charges of the third day against the raw files: the newest version of each number, less the one left out."""
    newest: dict[str, tuple[str, Decimal]] = {}
    for name in ("day1/records", "day2/records", "day3/february"):
        (path,) = (hospital.example / name).glob("FYMX_*")
        header, *lines = path.read_bytes().decode("gb18030").split("\r\n")
        for line in filter(None, lines):
            values = dict(zip(header.split("|"), line.split("|"), strict=True))
            if values["FYID"] != "F00909" and newest.get(values["FYID"], ("",))[0] <= values["GXSJ"]:
                newest[values["FYID"]] = values["GXSJ"], Decimal(values["JE"])
    del newest["F00907"]
    assert one(hospital.release(3), "select sum(total_charge) as total, count(*) as n from cdr.cost") == (
        sum(amount for _, amount in newest.values()),
        len(newest),
    )
