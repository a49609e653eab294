"""The example data: written by its generator to the byte, and holding what it says is planted in it."""

import csv
import gzip
import importlib.util
import sys
from pathlib import Path

import pytest

STATES = {"", "mapped", "quarantined", "duplicate", "superseded", "deleted", "filtered", "held"}


@pytest.fixture(scope="module")
def hospital(root: Path) -> Path:
    return root / "examples" / "cn-hospital"


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("day*/*/*"))}


def lines(folder: Path, delivery: str, kind: str) -> list[bytes]:
    (path,) = (folder / delivery).glob(f"{kind}_*")
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).split(b"\r\n")


def test_the_generator_writes_the_same_bytes(hospital: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("cn_hospital_make", hospital / "make.py")
    assert spec is not None and spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "cn_hospital_make", make)  # dataclasses look their module up
    spec.loader.exec_module(make)
    make.main(tmp_path)
    assert files(tmp_path) == files(hospital)


@pytest.mark.parametrize("delimiter", [b"|", b"^", b"~", b"\\"])
def test_names_hold_second_bytes_that_are_delimiters(hospital: Path, delimiter: bytes) -> None:
    names = [line.decode("gb18030", "ignore").split("|")[1] for line in lines(hospital, "day1/records", "BRXX")[1:] if line]
    assert any(len(letter.encode("gb18030")) == 2 and letter.encode("gb18030")[1:] == delimiter for name in names for letter in name)


def test_every_planted_record_is_where_it_is_said_to_be(hospital: Path) -> None:
    with (hospital / "expected.csv").open(encoding="utf-8", newline="") as stream:
        planted = list(csv.DictReader(stream))
    assert len(planted) > 70
    for row in planted:
        assert {row["after_day1"], row["after_day2"], row["after_day3"]} <= STATES, row
        found = lines(hospital, row["delivery"], row["kind"])
        header = found[0].decode("ascii").split("|")
        conditions = dict(part.split("=") for part in row["record"].split(";"))
        if "line" in conditions:
            assert found[int(conditions["line"]) - 1], row
            continue
        records = [dict(zip(header, line.decode("gb18030", "replace").split("|"), strict=False)) for line in found[1:]]
        assert [r for r in records if all(r.get(column) == value for column, value in conditions.items())], row


def test_synthea_holds_the_people_it_names(root: Path) -> None:
    with (root / "examples" / "synthea" / "patients.csv").open(encoding="utf-8", newline="") as stream:
        people = {row["Id"] for row in csv.DictReader(stream)}
    with (root / "examples" / "synthea" / "encounters.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["PATIENT"] for row in csv.DictReader(stream)} <= people
    assert len(people) == 27
