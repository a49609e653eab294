"""The large region of the benchmark: copies that hang together, in the example's proportions, and increments that fit."""

import csv
from pathlib import Path

import pytest

from bench.replicate import FILES, SHARED, SOURCE, Written, corrections, replicate

CHILDREN = [file.name for file in FILES if "ENCOUNTER" in file.keys]


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    folder = tmp_path_factory.mktemp("base")
    return folder, replicate(SOURCE, folder, 12_000)


@pytest.fixture(scope="module")
def people(base: tuple[Path, Written]) -> set[str]:
    return {row["Id"] for row in rows(base[0], "patients")}


def test_proportions_are_those_of_the_example(base: tuple[Path, Written]) -> None:
    folder, written = base
    assert written.copies == 3
    for file in FILES:
        assert len(rows(folder, file.name)) == written.rows[file.name] == 3 * len(rows(SOURCE, file.name))
    assert all((folder / f"{name}.csv").read_bytes() == (SOURCE / f"{name}.csv").read_bytes() for name in SHARED)


def test_keys_are_whole_and_agree_between_files(base: tuple[Path, Written], people: set[str]) -> None:
    folder = base[0]
    encounters = {row["Id"]: row["PATIENT"] for row in rows(folder, "encounters")}
    assert len(people) == 3 * 27 and len(encounters) == 3 * 604
    assert all(len(key) == 36 and key.count("-") == 4 for key in (*people, *encounters))
    assert set(encounters.values()) <= people
    for name in CHILDREN:
        assert all(row["PATIENT"] in people and encounters.get(row["ENCOUNTER"], row["PATIENT"]) == row["PATIENT"] for row in rows(folder, name))


def test_nothing_but_keys_is_changed(base: tuple[Path, Written]) -> None:
    for file in FILES:
        original, copied = rows(SOURCE, file.name), rows(base[0], file.name)
        plain = [column for column in original[0] if column not in file.keys]
        assert [[row[c] for c in plain] for row in copied] == [[row[c] for c in plain] for row in original] * 3


def test_an_empty_key_stays_empty(base: tuple[Path, Written]) -> None:
    assert sum(not row["ENCOUNTER"] for row in rows(base[0], "observations")) == 3 * sum(not row["ENCOUNTER"] for row in rows(SOURCE, "observations"))


def test_new_patients_are_new_people(base: tuple[Path, Written], people: set[str], tmp_path: Path) -> None:
    written = replicate(SOURCE, tmp_path, 4_000, offset=base[1].copies)
    assert written.copies == 1 and not (tmp_path / "payers.csv").exists()
    assert not people & {row["Id"] for row in rows(tmp_path, "patients")}


def test_corrections_change_days_of_the_newest_month(base: tuple[Path, Written], tmp_path: Path) -> None:
    written = corrections(SOURCE, tmp_path, base[1].copies)
    assert written.days is not None and 0.005 < written.total / base[1].total < 0.02
    known = {row["Id"]: row for row in rows(base[0], "encounters")}
    for row in rows(tmp_path, "encounters"):
        assert {column for column in row if row[column] != known[row["Id"]][column]} == {"TOTAL_CLAIM_COST"}
        assert written.days[0] <= row["START"][:10] <= written.days[1]
    for name in ("observations", "procedures"):
        before = {tuple(row.values()) for row in rows(base[0], name)}
        assert not before & {tuple(row.values()) for row in rows(tmp_path, name)}
